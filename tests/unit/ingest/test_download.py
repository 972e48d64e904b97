"""Test the download of the public ledger: what arrives is checked, and what fails is explained."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from analysis.core.settings import Settings
from analysis.ingest import download

BOOK = b"the workbook"
Answer = Callable[[bytes | None], None]


def archive(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return content.getvalue()


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answer]:
    """Return what lets the publisher's archive answer with some bytes, or not be found."""
    body: list[bytes | None] = [None]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if body[0] is None else 200)
            self.end_headers()
            self.wfile.write(body[0] or b"")

        def log_message(self, *_: object) -> None:
            """Keep the terminal quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(download, "URL", f"http://127.0.0.1:{server.server_port}/online+retail.zip")
    monkeypatch.setattr(download, "SHA256", hashlib.sha256(BOOK).hexdigest())
    yield lambda content: body.__setitem__(0, content)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    return tmp_path / settings.report.data / settings.transactions.folder


def test_the_workbook_arrives_and_nothing_else(
    answer: Answer, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(archive(**{download.NAME: BOOK, "readme.txt": b"hello"}))
    assert download.main(folder.parents[2]) == 0
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [(download.NAME, BOOK)]
    assert capsys.readouterr().err == f"Downloaded {folder / download.NAME}\n"
    # It is not downloaded again.
    answer(None)
    assert download.main(folder.parents[2]) == 0
    assert "already holds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "the ledger could not be downloaded (HTTPError)"),
        (b"<html>down for maintenance</html>", "the ledger could not be downloaded (BadZipFile)"),
        (archive(other=b"x"), f"the archive holds no '{download.NAME}'"),
        (archive(**{download.NAME: BOOK[:-1]}), "the file has 11 bytes and another SHA-256"),
    ],
)
def test_what_fails_is_said_in_a_sentence_and_leaves_nothing(
    answer: Answer,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    reason: str,
) -> None:
    answer(content)
    assert download.main(folder.parents[2]) == 1
    said = capsys.readouterr().err
    assert reason in said and "Download the archive in a browser" in said
    assert "Traceback" not in said and said.endswith("Nothing was written.\n")
    assert list(folder.iterdir()) == []


def test_without_a_network_it_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "URL", "http://127.0.0.1:9/online+retail.zip")
    assert download.main(folder.parents[2]) == 1
    assert "could not be downloaded (ConnectionError)" in capsys.readouterr().err
    assert list(folder.iterdir()) == []

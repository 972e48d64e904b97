"""What do the tests share? The real data, small ledgers, the commands, a build of the sample."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest

from analysis import sources
from analysis import transactions as tx
from analysis.__main__ import main
from analysis.sample import write_sample
from analysis.settings import ROOT, Settings, read_settings

SHARED = ROOT.parent / "shared" / "data"
Row = dict[str, Any]
LINE: Row = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Description": "WHITE LANTERN",
    "Quantity": "6",
    "InvoiceDate": "2011-01-14 08:26:00",
    "UnitPrice": "2.55",
    "CustomerID": "17850",
    "Country": "United Kingdom",
}


def a_line(**changes: Any) -> Row:
    """Return a good line of the ledger, with some values changed."""
    return {**LINE, **changes}


def good_lines(count: int = 20) -> list[Row]:
    """Return good lines of four customers, all different."""
    return [
        a_line(InvoiceNo=str(536365 + i), CustomerID=str(17850 + i % 4), Quantity=str(1 + i))
        for i in range(count)
    ]


def write_lines(path: Path, rows: Sequence[Row], delimiter: str = ",") -> Path:
    """Write rows as a text file, and return the data folder: the parent of the file's folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path.parent.parent


@contextmanager
def reading(
    files: Iterable[Path], settings: Settings | None = None, **more: Any
) -> Iterator[tx.Ledger]:
    """Read files as one ledger."""
    chosen = settings or read_settings()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        parts = [
            part
            for path in files
            for part in sources.read_parts(path, work, chosen.files.encodings)
        ]
        engine = tx.connect(chosen.engine, work)
        try:
            yield tx.read_ledger(engine, parts, chosen.transactions, **more)
        finally:
            engine.disconnect()


def rungs(ledger: tx.Ledger) -> pd.DataFrame:
    """Return the distinct lines with their rungs."""
    return ledger.lines.execute()


def changed(settings: Settings, **values: Any) -> Settings:
    """Return settings with some of the ledger's changed."""
    ledger = settings.transactions.model_copy(update=values)
    return settings.model_copy(update={"transactions": ledger})


def settings_file(path: Path, *changes: tuple[str, str]) -> Path:
    """Write a copy of the project's settings with some text replaced."""
    text = (ROOT / "data" / "settings.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


def snapshot(*folders: Path) -> Mapping[str, object]:
    """Return all that is in some folders: names, and the bytes and times of files."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
        for folder in folders
        for path in (folder, *sorted(folder.rglob("*")))
        if path.exists()
    }


@dataclass(frozen=True)
class Outcome:
    """What a command gave back and said."""

    code: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        """The lines of the one message that lists what is wrong."""
        return [line.strip(" *") for line in self.err.splitlines() if line.startswith("  * ")]


Run = Callable[..., Outcome]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process."""
    monkeypatch.delenv("REPORT_DATA", raising=False)

    def run_command(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capfd.readouterr()
        return Outcome(code, said.out, said.err)

    return run_command


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the real data beside the checkout."""
    if not (SHARED / "transactions").is_dir():
        pytest.skip(f"the real data is not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sample data."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


@pytest.fixture(scope="session")
def quick_settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return settings that look for clusters no longer than they must."""
    path = tmp_path_factory.mktemp("settings") / "settings.toml"
    return settings_file(path, ("resamples = 60", "resamples = 12"))


@pytest.fixture(scope="session")
def sample_build(
    sample_data: Path, quick_settings: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a build of the sample data."""
    out = tmp_path_factory.mktemp("built") / "build"
    options = ["--data", str(sample_data), "--settings", str(quick_settings), "--out", str(out)]
    assert main(["build", *options]) == 0
    return out


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Return the project's settings."""
    return read_settings()


def moment(text: str) -> dt.datetime:
    """Read a moment."""
    return dt.datetime.fromisoformat(text)

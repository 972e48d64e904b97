"""Test what runs before and after the chapters are rendered, also where something is missing."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import snapshot

from analysis.core.paths import ROOT
from analysis.release import open_store
from report import publish
from report.polish import polish


def test_an_environment_without_libraries_is_told_how_to_get_them() -> None:
    command = [sys.executable, "-S", str(ROOT / "report" / "prepare.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "lacks the library 'yaml'. Run 'make report' once" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        shutil.Error([("a", "b", "[Errno 28] No space left on device"), ("c", "d", "the same")]),
    ],
)
def test_a_book_that_does_not_fit_leaves_what_was_published(
    error: OSError,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("_book/index.html", "_book/customer-report.pdf", "_site/index.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")

    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.delenv("QUARTO_PROJECT_OUTPUT_DIR", raising=False)
    assert publish.main(tmp_path) == 0
    before = snapshot(tmp_path / "_site", *(tmp_path / "sites").glob("report-*"))
    monkeypatch.setattr(shutil, "copytree", full)
    assert publish.main(tmp_path) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "the disk is full. Free some space" in said or "No space left on device" in said
    assert said.endswith("What was published stays.")
    with open_store(tmp_path):
        pass
    assert snapshot(tmp_path / "_site", *(tmp_path / "sites").glob("report-*")) == before


def test_scripts_of_a_page_work_from_a_disk(tmp_path: Path) -> None:
    scripts = tmp_path / "site_libs" / "quarto-html"
    (scripts / "tabsets").mkdir(parents=True)
    (scripts / "tabsets" / "tabsets.js").write_text("export function init() { return 1; }\n")
    (scripts / "quarto.js").write_text(
        'import * as tabsets from "./tabsets/tabsets.js";\nwindow.found = tabsets.init();\n'
    )
    modules = "".join(
        f'<script src="site_libs/quarto-html/{name}.js" type="module"></script>\n'
        for name in ("quarto", "tabsets/tabsets")
    )
    (tmp_path / "index.html").write_text(modules)
    for _ in range(2):  # a page that is mended stays as it is
        polish(tmp_path)
        made = (scripts / "quarto.js").read_text()
        assert not re.search(r"^(import|export) ", made, re.M) and "tabsets.init()" in made
        assert (tmp_path / "index.html").read_text() == (
            '<script src="site_libs/quarto-html/quarto.js" defer></script>\n'
        )

"""Test that chapters are prose and calls: nothing is computed, drawn or set there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.core import sentences
from analysis.core.paths import ROOT

CHAPTERS = [ROOT / "index.qmd", *sorted((ROOT / "report").glob("*.qmd"))]
IMPORTS = {
    "from report import page",
    "from report import page, reference",
    "from report import reference",
    "from report import page, what_if",
    "from report.page import say",
}
#: The strategy chapter has a plan for each of the two inputs.
MOST_LINES = {"strategy": 170}


def cells(text: str) -> str:
    """Return the code of a chapter's cells."""
    return "\n".join(re.findall(r"```\{python\}\n(.*?)```", text, re.S))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_prose_and_one_line_calls(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = cells(text)
    assert set(re.findall(r"^(?:from|import) .+$", code, re.M)) <= IMPORTS
    assert not re.search(r"\b(def|class|lambda|for|if)\b", code)
    assert len(text.splitlines()) <= MOST_LINES.get(path.stem, 140)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_name_that_a_chapter_places_is_declared(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    placed = re.findall(r'page\.(figure|table)\("([^"]+)"[,)]', text)
    for kind, name in placed:
        subject = sentences.place(name)
        assert subject and sentences.sections(subject)[name].kind == kind, name
    said = re.findall(r'say\("([^"]+)"\)', text)
    assert [name for name in said if not sentences.is_known(name)] == []


def test_placing_loads_no_library_that_draws_computes_or_sets_tables() -> None:
    heavy = "matplotlib plotnine great_tables duckdb ibis sklearn scipy statsmodels pandera"
    loaded = f"sorted(set({heavy.split()!r}) & set(sys.modules))"
    code = f"import sys, report.page, report.reference, report.what_if; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"

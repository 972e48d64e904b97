"""Test what the script of the pages does in a browser, from the disk."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.core.paths import ROOT

pytestmark = pytest.mark.drill
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
SCRIPT = ROOT / "report" / "theme" / "script.html"
CLICK = """<script>window.addEventListener("load", function () {
  var button = document.querySelectorAll("th button")[%d];
  for (var i = 0; i < %d; i++) { button.click(); }
});</script>"""
COLUMNS = ("Name", "Amount", "Share", "Day")
ROWS = (
    ("b", "£1.2m (£1m to £2m)", "under 0.1%", "4 August 2025"),
    ("a", "−£300", "12%", "11 January 2024"),
    ("d", "–", "9.5%", "2 December 2025"),
    ("c", "£45k", "over 99%", "1 September 2025"),
)


def show(
    folder: Path, rows: tuple[tuple[str, ...], ...], column: int, clicks: int, before: str = ""
) -> str:
    """Return the page of a table after clicks on the head of a column."""
    assert BROWSER
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    page = folder / "page.html"
    script = SCRIPT.read_text(encoding="utf-8")
    main = f"<meta charset='utf-8'>{before}<main><div>{table}</div></main>"
    page.write_text(f"{main}{script}{CLICK % (column, clicks)}", encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    return subprocess.run(
        [*command, "--virtual-time-budget=2000", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


def names(page: str) -> str:
    return "".join(re.findall(r"<tr><td>(.)</td>", page))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize(
    ("column", "clicks", "order", "said"),
    [
        (0, 2, "abcd", "ascending"),
        (1, 1, "bcad", "descending"),
        # What is missing comes last, either way.
        (1, 2, "acbd", "ascending"),
        (2, 1, "cadb", "descending"),
        (3, 1, "dcba", "descending"),
        (3, 3, "badc", None),
    ],
)
def test_the_head_of_a_column_sorts_its_table(
    tmp_path: Path, column: int, clicks: int, order: str, said: str | None
) -> None:
    page = show(tmp_path, ROWS, column, clicks)
    assert names(page) == order
    found = re.findall(r'<th aria-sort="(\w+)">.*?(\w+)</button>', page)
    assert found == ([(said, COLUMNS[column])] if said else [])


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_rows_that_belong_together_are_not_sorted(tmp_path: Path) -> None:
    rows = (*ROWS[:2], ("", *ROWS[2][1:]), ROWS[3])
    assert "<button" not in show(tmp_path, rows, 0, 0)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_page_on_a_disk_says_that_it_cannot_search(tmp_path: Path) -> None:
    page = show(tmp_path, ROWS, 0, 0, before="<div id='quarto-search'><input></div>")
    assert '<div id="quarto-search" class="no-search">Search needs a web server' in page

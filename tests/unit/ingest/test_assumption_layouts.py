"""Test that what was assumed of several files is one row of the table."""

from __future__ import annotations

from analysis.core.assumptions import Assumption, as_table, state
from analysis.ingest.layouts import data_assumptions


def test_what_is_alike_in_several_files_is_told_once() -> None:
    said = state("assumed-files.header", row="3")
    alike = [
        Assumption("columns", said, source=f"q{number}.csv", rows=number) for number in (1, 2, 3)
    ]
    other = Assumption("columns", state("assumed-files.header", row="5"), source="q4.csv")
    made = data_assumptions(as_table([*alike, other]))
    assert not isinstance(made, str)
    html = made.table.as_raw_html()
    assert html.count("The header is row 3") == 1
    assert "q1.csv and 2 other files: The header is row 3" in html
    assert "q4.csv: The header is row 5" in html
    assert made.data is not None and len(made.data) == 4

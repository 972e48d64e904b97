"""Test CSV files for spreadsheets: no text is a formula, and every text can be had back."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.core.spreadsheets import escape_formula, write_csv

STARTS = "=+-@＝＋－＠\t\r\n"
texts = st.text(st.one_of(st.sampled_from(STARTS + "'\",;x1"), st.characters(codec="utf-8")))


@given(texts)
def test_no_text_starts_as_a_formula_and_every_text_can_be_had_back(text: str) -> None:
    safe = escape_formula(text)
    assert safe[:1] not in STARTS or not safe
    assert safe.removeprefix("'") == text
    assert (safe == text) == (text[:1] not in [*STARTS, "'"])


@settings(max_examples=60)
@given(st.lists(texts, min_size=1, max_size=5), st.sampled_from(["str", "object", "category"]))
@example(["a\r=1+1"], "str")
def test_a_file_has_no_cell_that_is_a_formula(rows: list[str], dtype: str) -> None:
    # What stands in a row of its own for a spreadsheet that ends rows at any line break.
    written = pd.DataFrame({"name": pd.Series(rows, dtype=dtype), "amount": -1.5})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        write_csv(written, path)
        content = path.read_bytes().decode()
    cells = list(csv.reader(io.StringIO(content, newline="")))
    assert len(cells) == len(rows) + 1
    assert [cell.removeprefix("'") for cell, _ in cells[1:]] == rows
    assert not [cell for cell, _ in cells if cell and cell[0] in STARTS]
    assert {amount for _, amount in cells[1:]} == {"-1.5"}


@pytest.mark.parametrize("value", [-2, -0.5, None, float("nan"), pd.Timestamp("2011-12-09"), True])
def test_what_is_no_text_stays_as_it_is(value: object) -> None:
    assert escape_formula(value) is value


def test_missing_texts_are_empty_cells(tmp_path: Path) -> None:
    write_csv(pd.DataFrame({"a": ["=1", None], "b": [1, 2]}), tmp_path / "a.csv", "utf-8-sig")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig") == "a,b\n'=1,1\n,2\n"

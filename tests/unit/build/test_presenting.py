"""Test the files that presenting steps leave: words, tables, and tables of a single row."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.build.presentation import presenting_steps
from analysis.build.presenting import write_table, write_text
from analysis.core.presentation import Table
from analysis.orders import layouts

STEPS = {step.name: step for step in presenting_steps()}
TOTALS = STEPS["table market-totals"]


def markets(rows: int) -> pd.DataFrame:
    table = pd.DataFrame({"market": ["All", "Home & more", "Others"], "customers": [9, 8, 1]})
    return table.assign(orders=9, revenue=1.0, mean_order=1.0).head(rows)


def words(files: dict[str, bytes | Path], name: str) -> dict[str, str]:
    content = files[name]
    assert isinstance(content, bytes)
    return dict(json.loads(content))


def test_a_table_is_written_with_its_words_and_its_data(tmp_path: Path) -> None:
    files = write_table(layouts.market_totals(markets(3), "£"), TOTALS, tmp_path)
    assert set(files) == set(TOTALS.makes)
    said = words(files, "text/market-totals.json")
    assert said["market-totals.caption"] == "Net sales with and without the home market."
    assert said["market-totals.name"] == "Home market and other markets"
    assert b"Home &amp; more" in bytes(files["tables/market-totals.html"])


def test_a_table_of_a_single_row_becomes_text(tmp_path: Path) -> None:
    made = layouts.market_totals(markets(3), "£")
    assert isinstance(made, Table)
    one = layouts.grid(markets(3)[1:2], "one", {"market": "Market", "customers": "Customers"})
    files = write_table(made._replace(table=one), TOTALS, tmp_path)
    assert "tables/market-totals.html" not in files
    said = words(files, "text/market-totals.json")
    assert said["market-totals.row"] == "Market: Home & more. Customers: 8."


def test_what_is_not_there_leaves_the_reason_or_nothing(tmp_path: Path) -> None:
    step = STEPS["table non-product-codes"]
    files = write_table("There is none.", step, tmp_path)
    assert words(files, "text/non-product-codes.json")["non-product-codes.none"] == "There is none."
    assert set(files) == {"text/non-product-codes.json"}
    assert write_table(None, step, tmp_path) == {}


def test_a_text_without_a_template_is_refused(tmp_path: Path) -> None:
    step = STEPS["text overlap"]
    assert write_text({}, step, tmp_path)
    with pytest.raises(ValueError, match=r"says 'overlap\.told', for which there is no template"):
        write_text({"told": "Something."}, step, tmp_path)

"""Test what the chapter on data checks says of orders, and the tables it sets."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.core.presentation import Table
from analysis.core.tables import html
from analysis.orders import layouts, text

REASONS = {
    "currency": "£",
    "raw_rows": 1000,
    "missing_customer_rows": 250,
    "duplicate_rows": 1,
    "cancelled_rows": 9,
    "cancelled_invoices": 4,
    "negative_quantity_not_cancelled_rows": 3,
    "nonpositive_price_rows": 2,
    "reversals": 7,
    "reversals_revenue": 70.0,
    "cancelled_revenue": 100.0,
    "cancelled_share": 0.05,
    "unmatched_cancelled_revenue": 30.0,
}


def set_rows(made: Table | str | None) -> str:
    """Return a table as HTML."""
    assert isinstance(made, Table), made
    return html(made.table)


def test_each_cleaning_step_says_how_much_it_concerns() -> None:
    said = text.cleaning_reasons(**REASONS)  # type: ignore[arg-type]
    assert said is not None
    assert said["said-customers"].startswith("250 of 1,000 order lines (25%) carry no customer")
    assert said["said-duplicates"].startswith("One line repeats another")
    assert said["said-cancellations"].startswith("9 lines, on 4 cancelled invoices,")
    assert "7 purchases, worth £70.00, are removed" in said["said-reversals"]
    assert said["said-unmatched"].startswith("Cancellations worth £30.00 match no purchase")
    all_known = text.cleaning_reasons(**REASONS | {"missing_customer_rows": 0})  # type: ignore[arg-type]
    assert all_known is not None
    assert all_known["said-customers"] == "Every order line carries a customer number."


def test_rejections_are_counted() -> None:
    rules = pd.DataFrame({"column": ["unit_price"], "asks_for": ["a number"], "rows": [1]})
    assert text.rejection_summary(rules, 1)["said"].endswith(
        "One line broke a rule and was rejected."
    )
    assert text.rejection_summary(rules, 0)["said"].endswith("None broke a rule.")
    assert "unit price" in set_rows(layouts.rejected_lines(rules))
    assert layouts.rejected_lines(rules.assign(rows=0)) == "No line broke a rule."


def test_columns_that_are_not_there_are_named() -> None:
    said = text.missing_columns(True, False, True, False)
    assert said == {
        "said": "The files have no column for the product code or the country, so what depends on "
        "it is left out."
    }
    assert text.missing_columns(True, True, True, True) is None


@pytest.mark.parametrize(
    ("files", "rows", "late", "says"),
    [
        (1, 0, 0, {}),
        (2, 0, 0, {"said": "No line is in more than one file."}),
        (2, 1, 0, {"said": "One line is in more than one file; it counts once."}),
        (
            1,
            0,
            3,
            {"late": "3 lines are dated on or after the report's as-of date and are left out."},
        ),
    ],
)
def test_overlaps_and_late_lines_are_told(
    files: int, rows: int, late: int, says: dict[str, str]
) -> None:
    assert text.overlap(files, rows, late) == says


def test_an_amount_below_zero_has_a_minus_and_its_currency() -> None:
    steps = pd.DataFrame(
        {"step": ["a"], "rows": [5], "customers": [2], "orders": [3], "amount": [-1234.0]}
    ).assign(removed_rows=0)
    assert "−£1,234" in set_rows(layouts.cleaning_table(steps, "£"))


def test_tables_with_nothing_to_set_say_so() -> None:
    gaps = pd.DataFrame({"column": ["country"], "missing": [0], "share": [0.0]})
    assert layouts.missing_values(gaps) == "No column has missing values."
    assert "country" in set_rows(layouts.missing_values(gaps.assign(missing=5, share=0.05)))
    codes = pd.DataFrame({"stock_code": [], "rows": [], "customers": [], "amount": []})
    assert "product code" in str(layouts.non_product_codes(codes, "£", True))
    assert "no column" in str(layouts.non_product_codes(codes, "£", False))


def test_files_say_in_what_notation_they_were_read() -> None:
    files = pd.DataFrame(
        {
            "source": ["a.csv", "b.parquet"],
            "rows": [5, 6],
            "refused_rows": [0, 1],
            "first_date": [pd.Timestamp("2011-01-01"), pd.NaT],
            "last_date": [pd.Timestamp("2011-02-01"), pd.NaT],
            "encoding": ["utf-8", ""],
            "date_format": ["%d.%m.%Y", ""],
            "decimal_mark": [",", ""],
        }
    )
    text_of = set_rows(layouts.files_read(files))
    assert "1 January 2011 to 1 February 2011" in text_of
    assert "utf-8, dates as %d.%m.%Y and decimal mark “,”" in text_of
    assert "typed columns" in text_of

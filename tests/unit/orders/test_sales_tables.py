"""Test the sales tables on a ledger small enough to count by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import a_line, reading, write_lines

from analysis.orders import quality, tables
from analysis.orders.ledger import Ledger
from analysis.stats import concentration

LINES = [
    # January: Ann orders twice, Ben once; one of Ann's lines is cancelled in March.
    a_line(CustomerID="1", InvoiceNo="10", InvoiceDate="2011-01-01 09:00:00"),
    a_line(CustomerID="1", InvoiceNo="11", InvoiceDate="2011-01-20 14:00:00", StockCode="22423"),
    a_line(CustomerID="2", InvoiceNo="12", InvoiceDate="2011-01-20 14:30:00", Country="France"),
    # February: nobody. March: Ann comes back, Cid is new, and postage is no product.
    a_line(CustomerID="1", InvoiceNo="13", InvoiceDate="2011-03-01 10:00:00", Quantity="12"),
    a_line(CustomerID="3", InvoiceNo="14", InvoiceDate="2011-03-02 10:00:00"),
    a_line(CustomerID="3", InvoiceNo="14", InvoiceDate="2011-03-02 10:00:00", StockCode="POST"),
    a_line(CustomerID="1", InvoiceNo="C1", InvoiceDate="2011-03-03 10:00:00", Quantity="-6"),
    a_line(CustomerID="", InvoiceNo="15", InvoiceDate="2011-03-31 10:00:00"),
]
LINE_VALUE = 15.3


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("small") / "transactions" / "a.csv"
    write_lines(path, LINES)
    with reading([path]) as found:
        yield found


@pytest.fixture(scope="module")
def months(ledger: Ledger) -> pd.DataFrame:
    return tables.monthly(ledger)


def test_the_cleaning_accounts_for_every_line(ledger: Ledger) -> None:
    steps = quality.cleaning_steps(ledger)
    assert steps["rows"].tolist() == [8, 7, 7, 6, 6, 5, 4]
    assert steps["removed_rows"].tolist() == [0, 1, 0, 1, 0, 1, 1]
    assert steps["customers"].tolist() == [3] * 7
    assert steps["amount"].tolist() == pytest.approx(
        [LINE_VALUE * n for n in (7, 6, 6, 7, 7, 6, 5)]
    )
    assert steps["removed_amount"].sum() == pytest.approx(LINE_VALUE * 2)


def test_the_first_row_counts_all_lines_refused_ones_too(tmp_path: Path) -> None:
    lines = [
        *(a_line(InvoiceNo=str(n), CustomerID=str(n % 3 + 1)) for n in range(10, 40)),
        a_line(InvoiceNo="99", CustomerID="4", InvoiceDate="1901-01-01 09:00:00"),
    ]
    write_lines(tmp_path / "transactions" / "a.csv", lines)
    with reading([tmp_path / "transactions" / "a.csv"]) as found:
        first, second = quality.cleaning_steps(found).iloc[:2].to_dict("records")
        assert int(found.files["refused_rows"].sum()) == 1
    assert (first["rows"], first["customers"], first["orders"]) == (31, 4, 31)
    assert first["amount"] == pytest.approx(31 * LINE_VALUE)
    assert (second["rows"], second["customers"], second["orders"]) == (30, 3, 30)
    assert second["amount"] == pytest.approx(30 * LINE_VALUE)


def test_one_cancelled_share_from_all_cancellations_of_products(ledger: Ledger) -> None:
    facts = quality.ledger_facts(ledger, quality.cleaning_steps(ledger))
    assert facts["transactions.cancelled_revenue"] == pytest.approx(LINE_VALUE)
    assert facts["transactions.reversals_revenue"] == pytest.approx(LINE_VALUE)
    assert facts["transactions.unmatched_cancelled_revenue"] == 0
    assert facts["transactions.cancelled_share"] == pytest.approx(1 / 6)
    months = tables.monthly(ledger)
    total = months[["cancelled_revenue", "gross_revenue"]].sum()
    assert total.iloc[0] / total.iloc[1] == pytest.approx(facts["transactions.cancelled_share"])


def test_a_customer_of_two_markets_counts_once_in_all_markets(tmp_path: Path) -> None:
    lines = [
        a_line(InvoiceNo="1", CustomerID="1"),
        a_line(InvoiceNo="2", CustomerID="1", Country="France"),
        a_line(InvoiceNo="3", CustomerID="1", Country="Spain"),
        a_line(InvoiceNo="4", CustomerID="2"),
    ]
    write_lines(tmp_path / "transactions" / "a.csv", lines)
    with reading([tmp_path / "transactions" / "a.csv"]) as found:
        table = tables.countries(found, "United Kingdom", 2)
        markets = tables.markets(found, table).set_index("market")
    assert table.set_index("country")["customers"].to_dict() == {
        "United Kingdom": 2,
        "2 smaller markets": 1,
    }
    assert markets["customers"].to_dict() == {
        "All markets": 2,
        "United Kingdom": 2,
        "All other markets": 1,
    }
    assert markets.loc["All markets", "orders"] == 4


def test_months_are_counted_from_the_first_to_the_last(months: pd.DataFrame) -> None:
    assert months["month"].dt.strftime("%Y-%m").tolist() == ["2011-01", "2011-02", "2011-03"]
    assert months["gross_revenue"].tolist() == pytest.approx([45.9, 0, 45.9])
    assert months["net_revenue"].tolist() == pytest.approx([30.6, 0, 45.9])
    assert months["cancelled_revenue"].tolist() == pytest.approx([0, 0, 15.3])
    assert months["orders"].tolist() == [2, 0, 2]
    assert months["customers"].tolist() == [2, 0, 2]
    assert months["new_customers"].tolist() == [2, 0, 1]
    assert months["returning_customers"].tolist() == [0, 0, 1]
    assert months["new_revenue"].tolist() == pytest.approx([30.6, 0, 15.3])
    assert months["units"].tolist() == [12, 0, 18]
    assert months["median_order"].tolist() == pytest.approx([15.3, np.nan, 22.95], nan_ok=True)
    assert months["whole"].tolist() == [True, True, True]
    wide = (months["order_high"] - months["order_low"]) / 2 / 1.96
    # The standard error of 15.3 and 30.6; equal orders in January have none.
    assert wide.tolist() == pytest.approx([0, np.nan, 7.65], nan_ok=True, abs=1e-9)


def test_cohorts_come_back_or_not(ledger: Ledger) -> None:
    found = tables.cohorts(ledger)
    assert found[["months", "customers", "size"]].values.tolist() == [
        [0, 2, 2],
        [1, 0, 2],
        [2, 1, 2],
        [0, 1, 1],
    ]
    assert found["share"].tolist() == [1, 0, 0.5, 1]


def test_three_months_have_nothing_before_them(months: pd.DataFrame) -> None:
    (latest,) = tables.recent_change(months).itertuples()
    assert (latest.period, latest.orders, latest.new_customers) == ("latest", 4, 3)
    assert latest.cancelled_share == pytest.approx(1 / 6)
    assert tables.recent_change(months.head(2)).empty


def test_a_week_of_orders(ledger: Ledger) -> None:
    found = tables.week(ledger)
    # 20 January was a Thursday; 1 and 2 March a Tuesday and a Wednesday.
    assert found[["weekday", "hour", "orders"]].values.tolist() == [
        [1, 10, 1],
        [2, 10, 1],
        [3, 14, 2],
    ]
    assert found["revenue"].sum() == pytest.approx(76.5)


def test_countries_and_products_share_the_whole(ledger: Ledger) -> None:
    countries = tables.countries(ledger)
    assert countries["country"].tolist() == ["United Kingdom", "France"]
    assert countries["home"].tolist() == [True, False]
    assert countries["customers"].tolist() == [2, 1]
    assert countries["share"].sum() == pytest.approx(1)
    few = tables.countries(ledger, minimum_group=2)
    assert few["country"].tolist() == ["United Kingdom", "1 smaller markets"]
    products = tables.products(ledger).set_index("stock_code")
    assert products.index.tolist() == ["85123A", "22423"]
    of_one = products[["units", "returned_units", "returned_share"]].loc["85123A"]
    assert list(of_one) == pytest.approx([30, 6, 0.2])
    assert products["share"].sum() == pytest.approx(1)


def test_what_was_left_out_and_what_is_missing_is_listed(ledger: Ledger) -> None:
    codes = quality.left_out_codes(ledger)
    assert codes[["stock_code", "rows", "customers"]].values.tolist() == [["POST", 1, 1]]
    missing = quality.completeness(ledger).set_index("column")["missing"]
    assert missing.to_dict() == dict.fromkeys(missing.index, 0) | {"customer_id": 1}
    (giant,) = quality.giant_reversals(ledger).itertuples()
    assert (giant.quantity, giant.amount) == (6, 15.3)


def test_concentration_of_equal_and_of_unequal_customers() -> None:
    equal, one = pd.Series([5.0] * 100), pd.Series([0.0] * 99 + [1.0])
    assert concentration.gini(equal) == pytest.approx(0)
    assert concentration.gini(one) == pytest.approx(0.99)
    assert concentration.top_share(equal) == pytest.approx(0.2)
    assert concentration.top_share(one) == 1


def test_the_interval_of_the_top_share_holds_it_and_is_the_same_each_time() -> None:
    amounts = pd.Series(np.random.default_rng(1).lognormal(6, 1.2, 2000))
    low, high = concentration.top_share_interval(amounts, seed=7)
    assert low < concentration.top_share(amounts) < high
    assert high - low < 0.1
    assert (low, high) == concentration.top_share_interval(amounts, seed=7)

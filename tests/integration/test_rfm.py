"""Test recency, frequency and monetary value against counts by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from conftest import a_line, reading, write_lines

from analysis.orders.ledger import GROSS, NET, Ledger
from analysis.segments import rfm

LINES = [
    a_line(CustomerID="1", InvoiceNo="10", InvoiceDate="2011-01-01 23:59:00", UnitPrice="1.10"),
    a_line(CustomerID="1", InvoiceNo="10", InvoiceDate="2011-01-01 23:59:00", StockCode="22423"),
    a_line(CustomerID="1", InvoiceNo="11", InvoiceDate="2011-01-09 00:01:00"),
    a_line(CustomerID="2", InvoiceNo="12", InvoiceDate="2011-01-05 12:00:00"),
    a_line(CustomerID="2", InvoiceNo="13", InvoiceDate="2011-01-10 10:00:00"),
    a_line(CustomerID="2", InvoiceNo="C14", InvoiceDate="2011-01-10 11:00:00", Quantity="-6"),
    a_line(CustomerID="3", InvoiceNo="15", InvoiceDate="2011-01-02 12:00:00", StockCode="POST"),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rfm") / "transactions" / "a.csv"
    write_lines(path, LINES)
    return path


@pytest.fixture(scope="module")
def whole(path: Path) -> Iterator[Ledger]:
    with reading([path]) as ledger:
        yield ledger


def table(ledger: Ledger, cleaning_step: int = NET) -> pd.DataFrame:
    found = rfm.customers(ledger.lines, ledger.as_of, cleaning_step)
    return found.order_by("customer_id").execute().set_index("customer_id")


def table_of_day(path: Path, as_of: dt.date) -> pd.DataFrame:
    with reading([path], as_of=as_of) as ledger:
        return table(ledger)


def test_the_three_numbers_are_counted_as_defined(whole: Ledger) -> None:
    found = table(whole)
    assert found.index.tolist() == ["1", "2"]  # the third bought no product
    # Counted to the day after the last line of the ledger, whole days, whatever the hour.
    assert found["recency_days"].tolist() == [2, 1]
    assert found["frequency"].tolist() == [2, 1]
    assert found["monetary"].tolist() == [6.6 + 15.3 + 15.3, 15.3]
    assert found.loc[:, "lines"].tolist() == [3, 1]


def test_the_first_purchase_goes_with_the_first_cancellation(whole: Ledger) -> None:
    gross, net = table(whole, GROSS), table(whole)
    assert list(gross[["frequency", "monetary"]].loc["2"]) == [2, 30.6]
    assert net.loc["2", "first_order"] == pd.Timestamp("2011-01-10")


def test_recency_is_counted_to_the_day_that_was_set(path: Path) -> None:
    assert table_of_day(path, dt.date(2012, 1, 1))["recency_days"].tolist() == [357, 356]
    early = table_of_day(path, dt.date(2011, 1, 9))
    assert early["recency_days"].tolist() == [8, 4]
    assert early["frequency"].tolist() == [1, 1]


def test_the_facts_are_those_of_the_table(whole: Ledger) -> None:
    assert rfm.rfm_facts(table(whole)) == {
        "rfm.customers": 2,
        "rfm.median_recency": 1.5,
        "rfm.median_frequency": 1.5,
        "rfm.median_monetary": 26.25,
        "rfm.one_order_customers": 1,
    }

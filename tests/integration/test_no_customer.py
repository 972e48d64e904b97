"""Test the channel of orders without a customer on a ledger small enough to count by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import a_line, reading, write_lines

from analysis.core.formatting import join_words, month
from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.orders import no_customer
from analysis.orders.figures_no_customer import orders_without_a_customer
from analysis.orders.ledger import Ledger

MUG, BOX = {"StockCode": "22423", "Description": "MUG"}, {"StockCode": "22999"}
NOBODY = {"CustomerID": "", "InvoiceNo": "900", "InvoiceDate": "2011-02-05 10:00:00"}
LINES = [
    a_line(**MUG, Quantity="6", UnitPrice="2"),
    a_line(**MUG, Quantity="4", UnitPrice="2", InvoiceNo="2", CustomerID="17851"),
    a_line(**MUG, **NOBODY, Quantity="1", UnitPrice="4"),
    a_line(**MUG, **NOBODY, Quantity="1", UnitPrice="4"),  # twice: counts once
    a_line(**BOX, **NOBODY, Quantity="2", UnitPrice="5", Country="France"),
    a_line(**MUG, **NOBODY | {"InvoiceNo": "901"}, Quantity="1", UnitPrice="4"),
    a_line(StockCode="DOT", Description="POSTAGE", **NOBODY, Quantity="1", UnitPrice="9"),
    a_line(**MUG, **NOBODY | {"InvoiceNo": "C902"}, Quantity="-1", UnitPrice="4"),
    a_line(**MUG, **NOBODY | {"InvoiceNo": "903"}, Quantity="1", UnitPrice="0"),
    a_line(**MUG, **NOBODY | {"InvoiceDate": "soon"}, Quantity="1", UnitPrice="4"),  # refused
    *(a_line(**MUG, Quantity=f"{n}", UnitPrice="2", CustomerID="17851") for n in range(10, 40)),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    write_lines(tmp_path / "transactions" / "a.csv", LINES)
    with reading([tmp_path / "transactions" / "a.csv"]) as found:
        yield found


def test_the_channel_is_the_sales_of_products_that_name_nobody(ledger: Ledger) -> None:
    table = no_customer.channels(ledger).set_index("channel")
    here, known = table.loc["no customer"], table.loc["known customers"]
    assert (here["orders"], here["lines"], here["units"], here["revenue"]) == (2, 3, 4, 18)
    assert known["revenue"] == 2 * (6 + 4 + sum(range(10, 40)))
    assert table["share"].sum() == pytest.approx(1)
    facts = no_customer.no_customer_facts(table.reset_index(), no_customer.products(ledger))
    assert facts["transactions.no_customer_revenue"] == 18
    assert facts["transactions.no_customer_orders"] == 2
    assert facts["transactions.all_sales_revenue"] == known["revenue"] + 18
    # Twice the price of the mug; nobody else bought the box.
    assert facts["transactions.no_customer_price_ratio"] == 2


def test_months_countries_and_products_add_up_to_the_channel(ledger: Ledger) -> None:
    months, markets, sold = (
        make(ledger) for make in (no_customer.months, no_customer.countries, no_customer.products)
    )
    assert months["revenue"].tolist() == [0, 18]
    assert markets["country"].tolist() == ["France", "United Kingdom"]
    assert markets["known_share"].tolist() == [0, 1]
    assert sold["stock_code"].tolist() == ["22999", "22423"]
    assert sold["known_price"].isna().tolist() == [True, False]
    for table in (months, markets, sold):
        assert table["revenue"].sum() == 18


def drawn(ledger: Ledger, **facts: object) -> Figure | str:
    channels, sold = no_customer.channels(ledger), no_customer.products(ledger)
    known = no_customer.no_customer_facts(channels, sold)
    asked = ("revenue", "share", "orders", "price_ratio")
    return orders_without_a_customer(
        no_customer.months(ledger),
        no_customer.companion_code(ledger),
        channels,
        "£",
        **{f"no_customer_{n}": known.get(f"transactions.no_customer_{n}") for n in asked}  # type: ignore[arg-type]
        | {"all_sales_revenue": known["transactions.all_sales_revenue"]}
        | facts,
    )


def test_a_code_that_marks_the_channel_is_named(ledger: Ledger) -> None:
    code = no_customer.companion_code(ledger)
    assert code[["stock_code", "lines", "known_share"]].values.tolist() == [["DOT", 2, 0]]
    made = drawn(ledger)
    assert isinstance(made, Figure) and made.more
    assert made.more["code"].startswith("67% of their lines are in orders that also carry")


def test_the_sentences_of_the_channel(ledger: Ledger) -> None:
    made = drawn(ledger)
    assert isinstance(made, Figure) and made.more
    assert made.headline == "1.2% of product sales carry no customer number"
    assert made.more["total"].startswith("2 orders without a customer brought £18.00 of the £1,508")
    assert "2.00 times what known customers pay" in made.more["price"]
    assert made.more["size"] == (
        "The median order line is for 1 of a product, against 24 for known customers."
    )
    assert "months" not in made.more  # there is no second whole month
    months = no_customer.months(ledger)
    part = [month(date) for date in months.loc[~months["whole"], "month"]]
    assert part and made.caption.endswith(f"The files lack days of {join_words(part)}.")
    assert draw(made.plot).startswith(b"<svg")
    same = drawn(ledger, no_customer_price_ratio=1.01)
    assert isinstance(same, Figure) and same.more
    assert same.more["price"].startswith("Their prices are the same")
    unknown = drawn(ledger, no_customer_price_ratio=None)
    assert isinstance(unknown, Figure) and "price" not in (unknown.more or {})


def test_where_everybody_is_known_there_is_no_channel(tmp_path: Path) -> None:
    write_lines(tmp_path / "transactions" / "a.csv", LINES[:2])
    with reading([tmp_path / "transactions" / "a.csv"]) as found:
        channels, sold = no_customer.channels(found), no_customer.products(found)
        assert channels["channel"].tolist() == ["known customers"]
        facts = no_customer.no_customer_facts(channels, sold)
        assert no_customer.companion_code(found).empty
        assert no_customer.countries(found).empty
        assert drawn(found) == "Every order carries a customer number."
    assert facts["transactions.no_customer_share"] == 0
    assert sold.empty

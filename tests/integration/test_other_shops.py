"""Test ledgers of other shop systems: sets and sums among the lines, cents, units, test orders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Row, cleaned_lines, reading, write_lines
from made_shops import columns, each, many_customers, read, shop, worth

from analysis.core.problems import Refused


def money(rows: list[Row]) -> float:
    return worth(rows)[2]


def three_lines_an_order() -> list[Row]:
    rows = each(shop(40), StockCode=lambda row: row["StockCode"])
    more = each(shop(40, seed=9)[::2], StockCode="30001", UnitPrice="4.35")
    return [*rows, *more]


def test_the_total_of_an_order_as_a_line_is_refused(tmp_path: Path) -> None:
    rows = three_lines_an_order()
    sums: dict[str, float] = {}
    for row in rows:
        sums[row["InvoiceNo"]] = sums.get(row["InvoiceNo"], 0) + money([row])
    first = {row["InvoiceNo"]: row for row in reversed(rows)}
    totals = [
        {**row, "StockCode": "", "Quantity": "1", "UnitPrice": f"{sums[number]:.2f}"}
        for number, row in first.items()
    ]
    with pytest.raises(Refused, match=r"100% of the orders .* the sum of all others"):
        read(tmp_path, [*rows, *totals])
    accepted, _ = read(tmp_path, [*rows, *totals], accept=["order_sums"])
    assert accepted[2] == pytest.approx(2 * money(rows))
    assert read(tmp_path, rows)[0] == worth(rows)


def test_a_set_and_its_parts_are_refused_where_both_have_a_price(tmp_path: Path) -> None:
    rows = each(shop(), **{"Parent SKU": ""})
    parts = each(rows[::3], StockCode="30001", **{"Parent SKU": lambda row: row["StockCode"]})
    with pytest.raises(Refused, match="name another line of their order") as refused:
        read(tmp_path, [*rows, *parts])
    assert f"{money(rows):,.2f} without" in str(refused.value.problems[0])
    free = each(parts, UnitPrice="0.00")
    assert read(tmp_path, [*rows, *free])[0] == worth(rows)
    # A column that names the variant's parent, which is no line of the order, says nothing.
    variants = each(rows, **{"Parent SKU": lambda row: f"P{row['StockCode'][:3]}"})
    assert read(tmp_path, variants)[0] == worth(rows)


def test_prices_of_a_hundred_pieces_are_refused(tmp_path: Path) -> None:
    rows = each(shop(), Preiseinheit=lambda row: "100" if int(row["InvoiceNo"]) % 3 else "1")
    with pytest.raises(Refused, match="prices are for up to 100 pieces"):
        read(tmp_path, rows)
    assert read(tmp_path, each(rows, Preiseinheit="1"))[0] == worth(rows)


def test_cents_are_hundredths_where_the_name_says_so(tmp_path: Path) -> None:
    cents = [
        {k: v for k, v in row.items() if k != "UnitPrice"}
        | {"price_cents": f"{100 * float(row['UnitPrice']):.0f}"}
        for row in shop()
    ]
    names = columns(unit_price=["price_cents"])
    found, told = read(tmp_path, cents, columns=names)
    assert found == worth(shop())
    assert "it is divided by 100" in told
    taken, _ = read(tmp_path, cents, columns=names, accept=["minor_units"])
    assert taken[2] == pytest.approx(100 * money(shop()))
    broken = each(cents, price_cents=lambda row: f"{row['price_cents']}.5")
    assert "divided" not in read(tmp_path, broken, columns=names)[1]


@pytest.mark.parametrize("name", ["Test", "is_test", "Test order"])
def test_orders_that_are_tests_are_no_sales(tmp_path: Path, name: str) -> None:
    rows = each(many_customers(), **{name: lambda r: "yes" if int(r["InvoiceNo"]) % 5 == 0 else ""})
    found, told = read(tmp_path, rows)
    assert found == worth([row for row in rows if not row[name]])
    assert "'test' (" in told


def test_closed_orders_are_refused_beside_complete_ones(tmp_path: Path) -> None:
    statuses = ("complete", "complete", "closed", "canceled")
    rows = each(shop(), Status=lambda row: statuses[int(row["InvoiceNo"]) % 4])
    with pytest.raises(Refused, match="'closed'"):
        read(tmp_path, rows)
    alone = each(rows, Status=lambda row: row["Status"].replace("complete", "closed"))
    assert read(tmp_path, alone)[0] == worth([r for r in rows if r["Status"] != "canceled"])


DATES: dict[str, Callable[[dt.datetime], str]] = {
    "short year first": lambda day: f"{day:%y/%m/%d}",
    "short year last": lambda day: f"{day:%d/%m/%y}",
    "Japanese": lambda day: f"{day:%Y年%m月%d日}",
    "Korean": lambda day: f"{day:%Y년 %m월 %d일}",
}


def day_of(row: Row) -> int:
    return int(row["InvoiceDate"][8:10])


@pytest.mark.parametrize("written", DATES.values(), ids=list(DATES))
def test_where_the_year_stands_is_seen(
    tmp_path: Path, written: Callable[[dt.datetime], str]
) -> None:
    # Days up to the 26th could be years, too.
    path = tmp_path / "transactions" / "a.csv"
    for last in (31, 26):
        rows = each(
            shop(120), InvoiceDate=lambda r, e=last: f"{r['InvoiceDate'][:8]}{min(day_of(r), e):02}"
        )
        days = {dt.datetime.fromisoformat(row["InvoiceDate"]) for row in rows}
        texts = each(
            rows, InvoiceDate=lambda r: written(dt.datetime.fromisoformat(r["InvoiceDate"]))
        )
        write_lines(path, texts)
        with reading([path]) as ledger:
            assert {*cleaned_lines(ledger)["invoice_date"]} == days

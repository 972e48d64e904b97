"""Make a small shop's lines, change them, read them, and say what they are worth."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from pathlib import Path

from conftest import Row, a_line, changed, reading, write_lines

from analysis.core.settings import read_settings
from analysis.core.told_assumptions import write_line
from analysis.orders.ledger import NET, Ledger

Figures = tuple[int, int, float]


def shop(orders: int = 40, seed: int = 1) -> list[Row]:
    """Return the lines of a shop: twelve customers, two lines an order, an order a week."""
    chance = random.Random(seed)
    start = dt.datetime(2022, 3, 1, 10, 30, 20)
    return [
        a_line(
            InvoiceNo=str(500 + number),
            StockCode=str(20000 + 7 * item),
            Description=f"Thing {item}",
            Quantity=str(2 + item % 4),
            UnitPrice=f"{3 + item + number / 100:.2f}",
            InvoiceDate=str(start + dt.timedelta(days=7 * number)),
            CustomerID=str(12000 + 7 * (number % 12)),
        )
        for number in range(orders)
        for item in chance.sample(range(30), 2)
    ]


def worth(rows: Sequence[Row]) -> Figures:
    """Return customers, orders and money of lines that are all sales, by plain counting."""
    return (
        len({row["CustomerID"] for row in rows}),
        len({(row["CustomerID"], row["InvoiceNo"]) for row in rows}),
        round(sum(float(row["Quantity"]) * float(row["UnitPrice"]) for row in rows), 2),
    )


def read(folder: Path, *files: Sequence[Row], **settings: object) -> tuple[Figures, str]:
    """Return customers, orders and net revenue of some files, and what was assumed."""
    paths = [folder / "transactions" / f"{place}.csv" for place in range(len(files))]
    for path, rows in zip(paths, files, strict=True):
        write_lines(path, rows)
    with reading(paths, changed(read_settings(), **settings)) as ledger:
        told = " ".join(write_line(one, "£") for one in ledger.assumptions)
        return net_figures(ledger), told


def net_figures(ledger: Ledger) -> Figures:
    """Return customers, orders and money of net sales."""
    net = ledger.lines.filter(ledger.lines.cleaning_step >= NET)
    found = net.aggregate(
        customers=net.customer_id.nunique(),
        orders=net.order_id.nunique(),
        money=net.amount.sum().cast("float64"),
    )
    customers, orders, money = found.execute().iloc[0]
    return int(customers), int(orders), round(float(money), 2)


def each(rows: Sequence[Row], **values: object) -> list[Row]:
    """Return lines with some values changed: a text, or a function of the line."""
    return [{**row, **{k: v(row) if callable(v) else v for k, v in values.items()}} for row in rows]


def columns(**names: list[str]) -> dict[str, list[str]]:
    """Return the settings' names of columns, with some changed."""
    return {**read_settings().transactions.columns, **names}


def many_customers(orders: int = 90) -> list[Row]:
    """Return the lines of a shop with thirty customers."""
    return each(shop(orders), CustomerID=lambda row: str(12000 + int(row["InvoiceNo"]) % 30))

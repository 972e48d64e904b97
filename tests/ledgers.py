"""Make a small shop's ledger, change its lines, and clean lines in plain Python."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from conftest import Row, a_line

Change = Callable[[list[Row]], list[Row]]


def shop(start: dt.date, end: dt.date, seed: int = 1, orders: int = 4) -> list[Row]:
    """Return the lines of a shop where every day but Saturday is like any other."""
    chance = random.Random(seed)
    rows = []
    for ordinal in range(start.toordinal(), end.toordinal()):
        day = dt.date.fromordinal(ordinal)
        for number in range(orders * (day.weekday() != 5)):
            who = chance.randint(0, 39)
            order: Row = {
                "InvoiceNo": f"{10 * ordinal + number}",
                "InvoiceDate": f"{day} {9 + number:02d}:00:00",
                "CustomerID": "" if (ordinal + number) % 5 == 0 else f"{12000 + 7 * who}",
                "Country": "France" if who % 5 == 0 else "United Kingdom",
            }
            rows += [
                a_line(
                    **order,
                    StockCode=f"{20000 + 11 * item}",
                    UnitPrice=f"{1 + item / 10:.2f}",
                    Quantity=f"{2 + item % 3 + chance.randint(0, 2)}",
                )
                for item in chance.sample(range(30), 2)
            ]
            if (ordinal + number) % 21 == 1:
                back = {**rows[-1], "InvoiceNo": f"C{order['InvoiceNo']}"}
                rows.append({**back, "Quantity": f"-{back['Quantity']}"})
    return rows


def each(**changes: Callable[[Row], str]) -> Change:
    """Return a change of some values of every line."""
    return lambda rows: [{**row, **{k: f(row) for k, f in changes.items()}} for row in rows]


def without(start: str, end: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if not start <= row["InvoiceDate"][:10] < end]


def times(column: str, factor: float) -> Change:
    return each(**{column: lambda row: f"{float(row[column]) * factor:g}"})


def in_month(month: str, change: Change) -> Change:
    return lambda rows: [
        changed
        for row in rows
        for changed in (change([row]) if row["InvoiceDate"].startswith(month) else [row])
    ]


def less(column: str) -> Change:
    return lambda rows: [{k: v for k, v in row.items() if k != column} for row in rows]


def plain_cleaning(rows: Sequence[Row]) -> list[list[Row]]:
    """Take the six cleaning steps in plain Python, line by line; return the lines after each."""
    known = [row for row in rows if row["CustomerID"]]
    distinct = [dict(items) for items in sorted({tuple(sorted(row.items())) for row in known})]
    sales = [row for row in distinct if not takes_back(row)]
    positive = [r for r in sales if float(r["Quantity"]) > 0 and float(r["UnitPrice"]) > 0]
    products = [row for row in positive if re.match(r"\d{5}|DCGS", row["StockCode"])]
    bought, back = defaultdict(list), defaultdict(list)
    for row in distinct:
        if takes_back(row):
            back[what(row, -1)].append(row)
    for row in products:
        bought[what(row)].append(row)
    net = []
    for key, purchases in bought.items():
        purchases.sort(key=lambda row: (row["InvoiceDate"], row["InvoiceNo"]))
        times = sorted(row["InvoiceDate"] for row in back[key])
        for n, row in enumerate(purchases):
            if not (n < len(times) and row["InvoiceDate"] <= times[n]):
                net.append(row)
    return [known, distinct, sales, positive, products, net]


def takes_back(row: Row) -> bool:
    """Tell whether a line takes a purchase back: it has the prefix and brings nothing, or takes."""
    amount = float(row["Quantity"]) * float(row["UnitPrice"])
    product = re.match(r"\d{5}|DCGS", row["StockCode"])
    return (amount < 0 and bool(product)) or (
        row["InvoiceNo"].upper().startswith("C") and amount <= 0
    )


def what(row: Row, sign: int = 1) -> tuple[str, str, float, float]:
    """Return what a cancellation and the purchase that it reverses have in common."""
    quantity = sign * float(row["Quantity"])
    return row["CustomerID"], row["StockCode"], float(row["UnitPrice"]), quantity


def total(rows: Sequence[Row]) -> float:
    """Return the amount of some lines."""
    return round(sum(float(row["Quantity"]) * float(row["UnitPrice"]) for row in rows), 2)

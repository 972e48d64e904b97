"""Test that past segments use only what was known then, on small ledgers."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pandas as pd
import pytest
from conftest import Row, a_line, reading, write_lines

from analysis.segments import movement, rules

RULES = rules.read_segments()
DATE = dt.date(2011, 4, 1)


def at(path: Path, rows: list[Row], date: dt.date = DATE) -> pd.DataFrame:
    write_lines(path, rows)
    with reading([path]) as found:
        return movement.customers_at(found, date, RULES)


def lines(seed: int, count: int = 60) -> list[Row]:
    """Return purchases and cancellations of few customers, so that they meet."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        back = chance.random() < 0.3
        quantity = chance.choice([1, 2])
        rows.append(
            a_line(
                InvoiceNo=f"{'C' * back}{number}",
                CustomerID=str(chance.randint(11, 16)),
                StockCode=chance.choice(["85123A", "22423"]),
                Quantity=str(-quantity if back else quantity),
                UnitPrice=chance.choice(["2.5", "4.15"]),
                InvoiceDate=f"2011-{chance.randint(1, 6):02d}-{chance.randint(1, 28):02d} 10:00",
            )
        )
    return [*rows, a_line(InvoiceDate="2011-01-05 09:00"), a_line(InvoiceDate="2011-06-29 09:00")]


@pytest.mark.parametrize("seed", range(2))
def test_nothing_that_comes_after_a_day_changes_it(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = lines(seed)
    expected = at(path, rows)
    assert len(expected) > 1
    before = [row for row in rows if row["InvoiceDate"] < "2011-04-01"]
    after = [row for row in rows if row["InvoiceDate"] >= "2011-04-01"]
    chance = random.Random(seed)
    cancelled = [
        {
            **row,
            "InvoiceNo": f"C9{n}",
            "Quantity": f"-{row['Quantity']}",
            "InvoiceDate": "2011-04-01 00:00",
        }
        for n, row in enumerate(before)
        if not row["InvoiceNo"].startswith("C")
    ]
    others = {
        "shuffled": chance.sample(rows, len(rows)),
        "none": before,
        "more": [
            *rows,
            *[{**row, "InvoiceNo": f"8{n}"} for n, row in enumerate(after)],
            *[{**row, "CustomerID": f"9{n}"} for n, row in enumerate(after)],
        ],
        "all taken back": rows + cancelled,
    }
    for what, changed in others.items():
        # At least one sale must be left today.
        changed = [*changed, a_line(InvoiceNo="77", CustomerID="99", InvoiceDate="2011-06-30")]
        pd.testing.assert_frame_equal(at(path, changed), expected, obj=what)


def test_a_purchase_counts_until_it_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = [
        a_line(InvoiceNo="1", CustomerID="11", InvoiceDate="2011-03-01 10:00"),
        a_line(InvoiceNo="C2", CustomerID="11", InvoiceDate="2011-04-05 10:00", Quantity="-6"),
        a_line(InvoiceNo="3", CustomerID="12", InvoiceDate="2011-03-02 10:00"),
    ]
    write_lines(path, rows)
    with reading([path]) as found:
        known = {
            day: movement.customers_at(found, dt.date.fromisoformat(day), RULES)
            for day in ("2011-03-01", "2011-04-05", "2011-04-06")
        }
    assert known["2011-04-05"]["customer_id"].tolist() == ["11", "12"]
    assert known["2011-04-06"]["customer_id"].tolist() == ["12"]
    assert known["2011-03-01"].empty
    assert list(known["2011-03-01"]) == list(known["2011-04-05"])

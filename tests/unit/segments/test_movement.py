"""Test movement between segments: past segments use only what was known, and flows add up."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Row, a_line, reading, write_lines

from analysis.core import plotting
from analysis.orders.ledger import Ledger
from analysis.segments import figures_profiles, movement, rules, text_profiles

RULES = rules.read_segments()
NAMES = [rule.name for rule in RULES]
DATE = dt.date(2011, 4, 1)


@pytest.fixture(scope="module")
def ledger(sample_data: Path) -> Iterator[Ledger]:
    with reading(sorted((sample_data / "transactions").iterdir())) as found:
        yield found


@pytest.fixture(scope="module")
def past(ledger: Ledger) -> pd.DataFrame:
    return movement.history(ledger, RULES)


def at(path: Path, rows: list[Row], date: dt.date = DATE) -> pd.DataFrame:
    write_lines(path, rows)
    with reading([path]) as found:
        return movement.customers_at(found, date, RULES)


# ------------------------------------------------------------------------- what was known


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


# ------------------------------------------------------------------------- quarters


def day_lines(*days: str) -> list[Row]:
    return [
        a_line(InvoiceNo=str(n), CustomerID=str(20 + n), InvoiceDate=f"{day} 10:00")
        for n, day in enumerate(days)
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2011-01-14", "2011-02-20"], ["2011-02-21"]),  # shorter than a quarter
        (["2011-01-03", "2011-03-31"], ["2011-04-01"]),  # one quarter
        (["2011-01-03", "2011-06-30"], ["2011-04-01", "2011-07-01"]),  # two
        (["2011-01-20", "2011-06-30"], ["2011-07-01"]),  # the first is not covered
        (["2010-12-01", "2011-12-09"], ["2011-04-01", "2011-07-01", "2011-10-01", "2011-12-10"]),
        (["2011-01-01", "2011-04-20"], ["2011-04-21"]),  # too near to the last quarter's end
    ],
)
def test_cut_offs_are_the_quarters_that_the_ledger_covers(
    tmp_path: Path, days: list[str], expected: list[str]
) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, day_lines(*days))
    with reading([path]) as found:
        assert [day.isoformat() for day in movement.cut_offs(found)] == expected


def test_a_ledger_shorter_than_a_quarter_says_so(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, day_lines("2011-01-14", "2011-02-20"))
    with reading([path]) as found:
        short = movement.history(found, RULES)
        stayed = movement.retention(found, short, NAMES)
    moved = movement.movement(short, NAMES)
    assert moved["customers"].sum() == 2
    flows = movement.migration(short, NAMES)
    ways = movement.direction(short, NAMES, 1)
    assert flows.empty and ways.empty and stayed.empty
    told = [
        text_profiles.movement(moved),
        text_profiles.migration(ways),
        text_profiles.newcomers(flows),
    ]
    assert set(told) == {text_profiles.TOO_SHORT}
    assert "nobody can be followed" in text_profiles.retention(stayed)
    for picture in (
        figures_profiles.movement(moved, told[0]),
        figures_profiles.migration(flows, told[0]),
        figures_profiles.retention(stayed, told[0]),
    ):
        assert plotting.draw(picture).startswith(b"<svg")


def test_one_customer_over_two_quarters(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = [a_line(InvoiceNo=str(n), InvoiceDate=f"2011-{n:02d}-02 10:00") for n in range(1, 7)]
    write_lines(path, [*rows, a_line(InvoiceNo="9", InvoiceDate="2011-06-30 10:00")])
    with reading([path]) as found:
        alone = movement.history(found, RULES)
        stayed = movement.retention(found, alone, NAMES)
    assert movement.migration(alone, NAMES)["customers"].sum() == 1
    assert movement.migration(alone, NAMES, minimum_group=5)["customers"].sum() == 0
    assert stayed[["customers", "retained", "share"]].to_numpy().tolist() == [[1, 1, 1.0]]
    ways = movement.direction(alone, NAMES, 1)
    assert text_profiles.migration(ways).startswith("Of 1 customer at both dates, ")
    assert text_profiles.movement(movement.movement(alone, NAMES)).endswith(".")
    assert text_profiles.newcomers(movement.migration(alone, NAMES)).startswith("No group")


# ------------------------------------------------------------------------- flows


def test_the_bootstrap_over_cells_is_that_over_customers() -> None:
    flows = {
        ("Champions", "At risk"): 30,
        ("At risk", "Champions"): 60,
        ("At risk", "At risk"): 110,
    }
    pairs = [pair for pair, n in flows.items() for _ in range(n)]
    past = pd.concat(
        [
            pd.DataFrame(
                {
                    "date": pd.Timestamp(date),
                    "customer_id": [str(n) for n in range(len(pairs))],
                    "monetary": 1.0,
                    "segment": [pair[place] for pair in pairs],
                }
            )
            for place, date in enumerate(("2011-01-01", "2011-04-01"))
        ]
    )
    row = movement.direction(past, ["Champions", "At risk"], 3).set_index("kind").loc["balance"]
    assert row["customers"] == 30
    # By hand: up less down of n customers has variance n (p + q - (p - q)^2).
    error = np.sqrt(200 * (0.3 + 0.15 - 0.15**2))
    assert 200 * row["low"] == pytest.approx(30 - 1.96 * error, abs=2.5)
    assert 200 * row["high"] == pytest.approx(30 + 1.96 * error, abs=2.5)

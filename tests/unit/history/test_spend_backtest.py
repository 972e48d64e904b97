"""Test the back-test of spend: a sound forecast passes, a season is called one, noise is decay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import a_line, reading, write_lines

from analysis.core.files import write_json
from analysis.history import changes
from analysis.history.names import LEVEL, RANKING
from analysis.history.spend_backtest import backtest_spend
from analysis.history.text_spend import backtest_spend as sentences
from analysis.orders.ledger import Ledger

THEN, DAYS, N = dt.date(2011, 5, 1), 90, 240
RANDOM = np.random.default_rng(5)
RATE = RANDOM.lognormal(3, 1, N)
SPENT = np.where(RANDOM.random(N) < 0.6, np.ceil(RATE), 0.0)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    lines = []
    for n in range(N):
        days = [(dt.date(2011, 4, 1), 1.0)]
        if SPENT[n]:
            days.append((THEN + dt.timedelta(days=n % DAYS), SPENT[n]))
        # What comes after the window is no matter.
        days.append((THEN + dt.timedelta(days=DAYS), 999.0))
        lines += [
            a_line(
                InvoiceNo=f"{n + 1}{day:%m%d}",
                CustomerID=f"{n + 1}",
                InvoiceDate=f"{day} 10:00",
                Quantity="1",
                UnitPrice=f"{amount}",
            )
            for day, amount in days
        ]
    path = tmp_path_factory.mktemp("spend") / "transactions" / "a.csv"
    write_lines(path, lines)
    with reading([path]) as found:
        yield found


def row_of(ledger: Ledger, expected: np.ndarray, total: float, promised: float = 0.45) -> pd.Series:
    customers = pd.DataFrame(
        {"customer_id": [f"{n + 1}" for n in range(N)], f"expected_spend_{DAYS}": expected}
    )
    facts = {
        "transactions.as_of": f"{THEN}",
        "forecast.expected_90": total,
        "forecast.expected_90_low": total * 0.85,
        "forecast.expected_90_high": total * 1.15,
        "forecast.test_spearman": promised,
    }
    table = backtest_spend(facts, customers, ledger, DAYS, 7, 5)
    assert len(table) == 1
    return table.iloc[0]


def test_what_came_is_what_these_customers_spent_in_the_days(ledger: Ledger) -> None:
    row = row_of(ledger, 0.6 * RATE, float(0.6 * RATE.sum()))
    assert row["came"] == SPENT.sum() and row["customers"] == N
    assert not row["decayed"] and row["reason"] == ""
    told = sentences(row.to_frame().T, "£")
    assert told and told["verdict"].endswith("as well as promised.")
    assert told["said"].startswith(
        "The forecast from 1 May 2011 expected its 240 customers to spend £"
    )


def test_a_sum_that_was_off_while_the_ranking_holds_is_the_season(ledger: Ledger) -> None:
    row = row_of(ledger, 1.8 * RATE, float(1.8 * RATE.sum()))
    assert row["reason"] == LEVEL and not row["decayed"]
    told = sentences(row.to_frame().T, "£")
    assert told and "model has not decayed" in told["verdict"]


def test_a_ranking_that_is_shuffled_is_decay(ledger: Ledger) -> None:
    mixed = np.random.default_rng(1).permutation(0.6 * RATE)
    row = row_of(ledger, mixed, float(mixed.sum()))
    assert row["reason"] == RANKING and row["decayed"]
    told = sentences(row.to_frame().T, "£")
    assert told and told["verdict"].startswith("The ranking is worse than promised")


def test_without_a_level_nothing_is_held_against_what_came(ledger: Ledger) -> None:
    customers = pd.DataFrame({"customer_id": ["1"], "expected_spend_90": [1.0]})
    facts = {"transactions.as_of": f"{THEN}"}
    assert backtest_spend(facts, customers, ledger, DAYS, 7, 5).empty
    assert sentences(None, "£") is None


def test_windows_that_are_checked_never_overlap(tmp_path: Path) -> None:
    builds = []
    for day in ("2011-01-01", "2011-02-01", "2011-03-01", "2011-04-05", "2011-05-01"):
        folder = tmp_path / day
        folder.mkdir()
        facts = {"transactions.as_of": day, "lapse.available": True, "lapse.days": 90}
        write_json(folder / "facts.json", facts)
        builds.append(folder)

    def checked(as_of: str) -> str:
        return changes.forecast_to_check(builds, dt.date.fromisoformat(as_of)).name

    # The forecast of February ends in May, but its days began before those of January were over.
    assert checked("2011-04-30") == "2011-01-01"
    assert checked("2011-05-31") == "2011-01-01"
    assert checked("2011-07-04") == "2011-04-05"
    # None is over: the last, which says so.
    assert checked("2011-03-01") == "2011-05-01"

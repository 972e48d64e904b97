"""Test the back-tests of orders and spend on two years of the gift shop.

What a build of the day would have said is computed from the orders known then, and held against
what came in the 90 days from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import reading
from forecasting import SEED, SMALLEST, forecast

from analysis.forecast import next_products
from analysis.forecast.season import year_before
from analysis.history import backtest, spend_backtest
from analysis.history.names import LAPSE, RANKING
from analysis.history.outcomes import Outcomes, lapse_outcomes
from analysis.history.products_backtest import backtest_products
from analysis.orders.ledger import Ledger

pytestmark = [pytest.mark.drill, pytest.mark.real]
DAYS = 90
DATES = (dt.date(2011, 6, 13), dt.date(2011, 9, 11))


class Past(NamedTuple):
    """What a build of a day said, and what came."""

    facts: dict[str, Any]
    customers: pd.DataFrame
    outcomes: Outcomes


@pytest.fixture(scope="module")
def ledger(two_years: Path) -> Iterator[Ledger]:
    with reading(sorted((two_years / "transactions").iterdir())) as found:
        yield found


@pytest.fixture(scope="module", params=DATES, ids=str)
def past(request: pytest.FixtureRequest, two_years: Path, ledger: Ledger) -> Past:
    files = sorted((two_years / "transactions").iterdir())
    with reading(files, as_of=request.param) as then:
        made = forecast(then)
    facts = made.facts | {"transactions.as_of": f"{request.param}"}
    return Past(facts, made.customers, lapse_outcomes(ledger, made.customers, request.param, DAYS))


def judged(past: Past, table: pd.DataFrame) -> pd.Series:
    promise = backtest.lapse_promise(past.facts, table, SEED)
    outcomes = past.outcomes._replace(table=table)
    return backtest.backtest(LAPSE, outcomes, promise, SEED, SMALLEST).iloc[0]


def test_no_alarm_for_a_sound_model(past: Past) -> None:
    assert past.facts["forecast.season_known"] is True
    row = judged(past, past.outcomes.table)
    assert row["judged"] and not row["decayed"] and row["reason"] == ""
    # What was told beforehand is what is held against the outcome.
    for name in ("roc_auc", "brier"):
        told = past.facts[f"forecast.expected_{name}"]
        assert row[name] == pytest.approx(told, abs=0.035), name
    assert row["promised"] == pytest.approx(past.facts["forecast.expected_roc_auc"], abs=0.002)
    assert row["brier"] < row["brier_constant"]


def test_an_alarm_when_outcomes_are_shuffled(past: Past) -> None:
    table = past.outcomes.table
    mixed = np.random.default_rng(1).permutation(table["happened"])
    row = judged(past, table.assign(happened=mixed))
    assert row["decayed"] and row["reason"] == RANKING


def test_spend_is_held_against_what_came(past: Past, ledger: Ledger) -> None:
    (row,) = spend_backtest.backtest_spend(
        past.facts, past.customers, ledger, DAYS, SEED, SMALLEST
    ).to_dict("records")
    assert row["reason"] == "" and not row["decayed"]
    assert 0.75 <= row["ratio"] <= 1.25
    assert row["spearman"] > 0.5


def test_lists_of_next_products_keep_what_their_test_promised(ledger: Ledger) -> None:
    """Lists of one quarter, tested on the quarter before: no window overlaps another."""
    start = dt.date(2011, 9, 11)
    before = start - dt.timedelta(days=DAYS)

    def baskets(date: dt.date) -> next_products.Baskets:
        left_out = next_products.find_out_of_season(ledger, year_before(date))
        return next_products.collect_baskets(ledger, date, SMALLEST, left_out)

    bought = next_products.bought_after(ledger, before, DAYS)
    models = next_products.compare_lists(baskets(before), bought, before, DAYS, SEED)
    best = models[models["chosen"]].drop_duplicates("list")
    chosen = dict(zip(best["list"].astype(str), best["model"].astype(str), strict=True))
    lists = next_products.list_products(baskets(start), chosen, SEED)
    came = next_products.bought_after(ledger, start, DAYS)
    mixed = np.random.default_rng(1).permutation(lists["stock_code"])
    for table, worse in ((lists, False), (lists.assign(stock_code=mixed), True)):
        found = backtest_products(table, models, came, f"{start}", DAYS, SEED, SMALLEST)
        assert len(found) == 2 and (found["customers"] > 1500).all()
        assert found["worse"].eq(worse).all()

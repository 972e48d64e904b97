"""Test what the control groups of the plan are said to show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from analysis.core.settings import Settings, StrategySettings
from analysis.strategy import experiments
from analysis.strategy.names import ENOUGH, TOGETHER, TOO_SMALL, UPLIFT

shares = st.floats(0.02, 0.98)


@pytest.fixture
def assumed(settings: Settings) -> StrategySettings:
    return settings.strategy


@effort(max_examples=60, deadline=None)
@given(shares, st.integers(20, 5000), st.integers(20, 5000), st.sampled_from([0.05, 0.005]))
def test_what_is_detectable_is_found_with_the_power_by_statsmodels(
    base: float, first: int, second: int, alpha: float
) -> None:
    for up in (True, False):
        told = experiments.detectable_uplift(base, first, second, alpha, 0.8, up)
        assume(not math.isnan(told))
        effect = proportion_effectsize(base + told if up else base - told, base)
        power = NormalIndPower().power(effect, first, alpha, second / first)
        assert power == pytest.approx(0.8, abs=1e-3)


def test_larger_groups_show_smaller_uplifts_and_what_cannot_be_is_missing() -> None:
    told = [
        experiments.detectable_uplift(0.3, 4 * size, size, 0.05, 0.8, up=True)
        for size in (50, 500, 5000)
    ]
    assert told == sorted(told, reverse=True)
    assert math.isnan(experiments.detectable_uplift(0.97, 20, 20, 0.05, 0.8, up=True))
    assert math.isnan(experiments.detectable_uplift(0.3, 1, 50, 0.05, 0.8, up=True))


@effort(max_examples=15, deadline=None)
@given(st.floats(-0.03, 0.06), st.floats(0.0, 0.05), st.integers(0, 99))
def test_the_chance_of_a_decision_is_the_share_of_tests_that_reach_one(
    uplift: float, even: float, seed: int
) -> None:
    error, draws = 0.01, 40_000
    random = np.random.default_rng(seed)
    measured = uplift + error * random.standard_normal(draws)
    z = 1.959964
    found = measured - z * error > 0
    stopped = measured + z * error < even
    told = experiments.chance_of_decision(np.array([uplift]), even, error, 0.05)
    assert told[0] == pytest.approx(found.mean(), abs=0.02)
    # With a break-even far above zero, every result decides something.
    if even < 2 * z * error:
        assert told[1] == pytest.approx((found | stopped).mean(), abs=0.02)
    assert told[0] <= told[1] + 1e-9


def action(segment: str, **values: Any) -> dict[str, Any]:
    """Return a row of `strategy.value.value_actions`, with its control group."""
    row = {
        "half": "ledger",
        "segment": segment,
        "listed": 2000,
        "control": 500,
        "contacts": 1000.0,
        "break_even_uplift": 0.01,
        "uplift": 0.03,
        "value_per_contact": 1.0,
        "cost": 100.0,
        "value_per_customer": 10.0,
    }
    return row | values


def planned(assumed: StrategySettings, *rows: dict[str, Any], base: float = 0.3) -> Any:
    table = pd.DataFrame(rows)
    rates = dict.fromkeys(table["segment"], base)
    draws = {name: {UPLIFT: np.linspace(0, 0.06, 101)} for name in table["segment"]}
    return experiments.plan_experiments(table, rates, draws, assumed).set_index("segment")


def test_customers_who_are_not_reached_make_the_uplift_harder_to_see(
    assumed: StrategySettings,
) -> None:
    half = planned(assumed, action("A")).loc["A"]
    everybody = planned(assumed, action("A", contacts=2000.0)).loc["A"]
    assert half["detectable"] == pytest.approx(2 * everybody["detectable"])
    waves = assumed.most_waves
    expected = experiments.detectable_uplift(
        0.3, 2000 * waves, 500 * waves, assumed.alpha, assumed.power, up=True
    )
    assert everybody["detectable"] == pytest.approx(expected)
    assert half["chance_found"] < everybody["chance_found"]


def test_an_uplift_is_detectable_where_there_are_enough_customers(
    assumed: StrategySettings,
) -> None:
    found = planned(
        assumed,
        action("few", listed=80, control=20, contacts=40.0),
        action("many", listed=20_000, control=5000, contacts=20_000.0),
    )
    assert found.loc[["few", "many"], "verdict"].tolist() == [TOO_SMALL, ENOUGH]
    for _, row in found.iterrows():
        assert (row["detectable"] <= row["expected"]) == (row["verdict"] == ENOUGH)


def test_several_actions_share_the_level_and_all_together_come_first(
    assumed: StrategySettings,
) -> None:
    alone = planned(assumed, action("A"))
    assert list(alone.index) == ["A"] and alone.loc["A", "alpha"] == assumed.alpha
    rows = [action("A"), action("B", contacts=3000.0, listed=6000), action("C", listed=0)]
    found = planned(assumed, *rows)
    assert list(found.index) == [TOGETHER, "A", "B"]
    assert found["alpha"].tolist() == pytest.approx([assumed.alpha] + [assumed.alpha / 2] * 2)
    assert found.loc["A", "detectable"] > alone.loc["A", "detectable"]
    joint = found.loc[TOGETHER]
    assert (joint["contacted"], joint["control"]) == (8000, 1000)
    assert joint["expected"] == pytest.approx(0.03)
    unknown = experiments.plan_experiments(pd.DataFrame([action("A")]), {}, {}, assumed)
    assert unknown.empty and list(unknown.columns) == experiments.COLUMNS


def test_regular_customers_should_be_less_likely_to_cut_spending(
    assumed: StrategySettings,
) -> None:
    row = planned(assumed, action("A", half="activity", contacts=2000.0), base=0.9).loc["A"]
    waves = assumed.most_waves
    expected = experiments.detectable_uplift(
        0.9, 2000 * waves, 500 * waves, assumed.alpha, assumed.power, up=False
    )
    assert row["detectable"] == pytest.approx(expected)

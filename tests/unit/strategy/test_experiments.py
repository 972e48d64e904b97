"""Test that the planned experiments detect the effects that they are sized for."""

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
from analysis.strategy.names import ENOUGH, NEVER, TOGETHER, TOO_SMALL, UNKNOWN

shares = st.floats(0.02, 0.98)


@pytest.fixture
def assumed(settings: Settings) -> StrategySettings:
    return settings.strategy


@effort(max_examples=60, deadline=None)
@given(shares, shares, st.sampled_from([0.05, 0.005]), st.sampled_from([0.8, 0.9]))
def test_the_sample_has_the_power_by_the_inverse_of_statsmodels(
    base: float, changed: float, alpha: float, power: float
) -> None:
    assume(abs(base - changed) > 0.002)
    size = experiments.sample_size(base, changed, alpha, power)
    effect = proportion_effectsize(changed, base)
    assert NormalIndPower().power(effect, size, alpha) == pytest.approx(power, abs=1e-3)
    # And back: what an experiment of this size can tell is this difference.
    if size >= 2:
        told = experiments.detectable_uplift(base, size, alpha, power, up=changed > base)
        assert told == pytest.approx(abs(changed - base), rel=1e-6)


def test_a_larger_experiment_tells_less_and_what_cannot_be_is_missing() -> None:
    told = [
        experiments.detectable_uplift(0.3, size, 0.05, 0.8, up=True) for size in (50, 500, 5000)
    ]
    assert told == sorted(told, reverse=True)
    assert math.isnan(experiments.detectable_uplift(0.97, 20, 0.05, 0.8, up=True))
    assert math.isnan(experiments.detectable_uplift(0.3, 1, 0.05, 0.8, up=True))
    assert experiments.sample_size(0.3, 0.3, 0.05, 0.8) == math.inf


def action(segment: str, **values: Any) -> dict[str, Any]:
    """Return a row of `strategy.value.value_actions`."""
    row = {
        "half": "ledger",
        "segment": segment,
        "contacts": 1000.0,
        "break_even_uplift": 0.01,
        "uplift_low": 0.02,
        "uplift": 0.03,
        "value_per_contact": 1.0,
        "cost": 100.0,
        "value_per_customer": 10.0,
    }
    return row | values


def planned(assumed: StrategySettings, *rows: dict[str, Any], base: float = 0.3) -> Any:
    table = pd.DataFrame(rows)
    rates = dict.fromkeys(table["segment"], base)
    return experiments.plan_experiments(table, rates, assumed).set_index("segment")


def test_an_experiment_looks_for_the_smallest_uplift_that_pays(assumed: StrategySettings) -> None:
    found = planned(
        assumed,
        action("low"),
        action("even", break_even_uplift=0.05),
        action("free", break_even_uplift=0.0, uplift_low=0.0),
        action("never", break_even_uplift=0.8),
        action("worthless", break_even_uplift=np.nan, value_per_contact=-1.0),
        action("idle", break_even_uplift=0.0, uplift_low=0.0, uplift=0.0),
    )
    assert found.loc[["low", "even", "free"], "which"].tolist() == [
        experiments.LOWEST,
        experiments.BREAK_EVEN,
        experiments.LIKELY,
    ]
    assert found.loc[["low", "even", "free"], "uplift"].tolist() == [0.02, 0.05, 0.03]
    assert found.loc["never", "verdict"] == found.loc["worthless", "verdict"] == NEVER
    assert found.loc["idle", "verdict"] == UNKNOWN
    assert found.loc[["never", "worthless", "idle"], ["per_arm", "waves"]].isna().all(axis=None)


def test_a_segment_is_large_enough_when_the_quarters_suffice(assumed: StrategySettings) -> None:
    size = math.ceil(experiments.sample_size(0.3, 0.32, assumed.alpha, assumed.power))
    for waves, verdict in ((assumed.most_waves, ENOUGH), (99, TOO_SMALL)):
        contacts = 2 * math.ceil(size / waves)
        row = planned(assumed, action("A", contacts=float(contacts))).loc["A"]
        assert (row["per_arm"], row["verdict"]) == (size, verdict)
        assert row["waves"] == pytest.approx(waves, abs=1)
        # What it can tell within the time is no more than what it needs, where it is enough.
        assert (row["detectable"] <= row["uplift"] + 1e-9) == (verdict == ENOUGH)
    assert np.isnan(planned(assumed, action("A", contacts=1.0)).loc["A", "waves"])


def test_several_experiments_share_the_level_and_the_joint_one_comes_first(
    assumed: StrategySettings,
) -> None:
    alone = planned(assumed, action("A"))
    assert list(alone.index) == ["A"] and alone.loc["A", "alpha"] == assumed.alpha
    rows = [action("A"), action("B", contacts=3000.0), action("C", value_per_contact=-1.0)]
    found = planned(assumed, *rows)
    assert list(found.index) == [TOGETHER, "A", "B", "C"]
    assert found["alpha"].tolist() == pytest.approx([assumed.alpha] + [assumed.alpha / 3] * 3)
    assert found.loc["A", "per_arm"] > alone.loc["A", "per_arm"]
    joint = found.loc[TOGETHER]
    assert joint["contacts"] == 4000 and joint["uplift"] == 0.02 and joint["tests"] == 1
    unknown = experiments.plan_experiments(pd.DataFrame([action("A")]), {}, assumed)
    assert unknown.empty and list(unknown.columns) == experiments.COLUMNS


def test_regular_customers_should_buy_less_more_seldom(assumed: StrategySettings) -> None:
    row = planned(assumed, action("A", half="activity"), base=0.9).loc["A"]
    expected = experiments.sample_size(0.9, 0.88, assumed.alpha, assumed.power)
    assert row["per_arm"] == math.ceil(expected)
    # More cannot be kept than would go.
    assert planned(assumed, action("A", half="activity"), base=0.01).loc["A", "verdict"] == NEVER

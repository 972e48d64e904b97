"""Test that the plan takes over what campaigns have measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.core.names import LEDGER, LOSES
from analysis.core.settings import Settings
from analysis.segments.rules import read_segments
from analysis.strategy import value
from analysis.strategy.candidates import Candidates, ledger_candidates
from analysis.strategy.measured_uplift import has_harmed, list_measurements, measure_uplift
from analysis.strategy.names import ALL_CAMPAIGNS, HARMED
from analysis.strategy.plan import read_plan
from analysis.strategy.tables import list_own_updates
from analysis.strategy.terms import UPLIFT, Assumed

ACTION = read_plan(read_segments()).actions[1]


def measured(*campaigns: dict[str, Any]) -> pd.DataFrame:
    """Return what campaigns of the action achieved: the share that ordered."""
    usual = {
        "half": ACTION.half,
        "segment": ACTION.segment,
        "outcome": "ordered",
        "base": 0.5,
        "uplift": 0.02,
        "low": 0.0,
        "high": 0.04,
        "p_holm": 0.04,
        "srm_p": 0.5,
    }
    rows = [{**usual, "campaign": f"c{n}"} | one for n, one in enumerate(campaigns)]
    return pd.DataFrame(rows)


def test_the_uplift_lies_between_prior_and_measurement_and_is_surer_than_both() -> None:
    assert ACTION.uplift is not None
    prior = ACTION.uplift
    found, number = measure_uplift(
        ACTION, measured({"uplift": 0.05, "low": 0.03, "high": 0.07}), 1.0
    ) or (
        Assumed(0, 0, 0),
        0,
    )
    assert number == 1 and prior.likely < found.likely < 0.05
    assert found.high - found.low < min(0.04, prior.high - prior.low)
    # By hand: means weighted by their precision.
    errors = np.array([prior.high - prior.low, 0.04])
    expected = np.average([prior.likely, 0.05], weights=1 / errors**2)
    assert found.likely == pytest.approx(expected) and found.shape == "normal"


def test_who_is_not_reached_dilutes_a_measurement() -> None:
    half = measure_uplift(ACTION, measured({}), 0.5)
    double = measure_uplift(ACTION, measured({"uplift": 0.04, "low": 0.0, "high": 0.08}), 1.0)
    assert half == double


def test_only_sound_measurements_of_the_action_count() -> None:
    campaigns = measured(
        {},
        {"segment": "Champions"},
        {"half": "activity"},
        {"outcome": "orders"},
        {"campaign": ALL_CAMPAIGNS},
        {"srm_p": 1e-6},
    )
    assert list_measurements(ACTION, campaigns)["campaign"].tolist() == ["c0"]
    assert measure_uplift(ACTION, campaigns.iloc[1:], 1.0) is None
    assert measure_uplift(ACTION, pd.DataFrame(), 1.0) is None


def test_harm_beyond_chance_stops_an_action() -> None:
    harm = {"uplift": -0.2, "low": -0.3, "high": -0.1, "p_holm": 1e-4}
    assert has_harmed(ACTION, measured({}, harm), 0.05)
    assert not has_harmed(ACTION, measured({}, harm | {"p_holm": 0.2}), 0.05)
    assert not has_harmed(ACTION, measured({}), 0.05)
    assert not has_harmed(ACTION, pd.DataFrame(), 0.05)
    row = value.value_actions(pd.DataFrame({"half": "ledger", "segment": ["A"]}), {"A": HARMED}, 1)
    assert row["verdict"].iloc[0] == LOSES and row["listed"].iloc[0] == 0


def test_the_table_of_updates_shows_the_uplift_that_the_plan_uses(settings: Settings) -> None:
    plan, segment = read_plan(read_segments()), ACTION.segment
    # Half of the customers spend too little to be contacted, and are harder to win.
    risk = np.tile([0.2, 0.8], 200)
    customers = pd.DataFrame(
        {
            "customer_id": [f"{number}" for number in range(400)],
            "segment": segment,
            "consent": True,
            "expected_spend_90": 1.0,
            "spend_if_ordering_90": np.where(risk > 0.5, 900.0, 1.0),
            "lapse_probability_90": risk,
        }
    )
    past = {"segment": [segment], "share": 0.5, "spend_mean": 450.0, "orders_mean": 1.5}
    tables = {
        "customers": customers,
        "segment_returns": pd.DataFrame(past),
        "campaigns": measured({"uplift": 0.04, "low": 0.02, "high": 0.06}),
    }
    table = pd.DataFrame({"half": [LEDGER], "segment": [segment], "shown": [True]})
    found = ledger_candidates(tables, plan, table, settings, pd.DataFrame())
    one = found[segment]
    assert isinstance(one, Candidates) and one.reached == pytest.approx(0.8 / 0.5)
    used = one.terms.ranges[UPLIFT]
    (row,) = list_own_updates(tables, plan, table, found, settings).to_dict("records")
    assert row["measured"] == pytest.approx(0.04 / one.reached)
    assert (row["updated_low"], row["updated"], row["updated_high"]) == pytest.approx(used[:3])

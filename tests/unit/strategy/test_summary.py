"""Test the summary: tiles, decisions and doubts for each kind of input and each condition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from plans import table, terms

from analysis.core.names import LOSES
from analysis.core.presentation import Card
from analysis.core.settings import Settings, read_settings
from analysis.strategy import experiments, summary, summary_text
from analysis.strategy.names import UPLIFT

EMPTY = pd.DataFrame()
SETTINGS: Settings = read_settings()
PROFILES = pd.DataFrame(
    {
        "segment": ["Best", "Rest", "Few"],
        "customers": [40, 200, 2],
        "revenue_share": [0.6, 0.39, 0.01],
        "shown": [True, True, False],
    }
)


def all_customers(**values: float) -> pd.DataFrame:
    names = ["at_risk_90", "at_risk_90_low", "at_risk_90_high", "expected_90"]
    row = dict.fromkeys(names, float("nan")) | {
        "kind": "all",
        "customers": 240,
        "active": 100.0,
        "riskiest": 20.0,
        "riskiest_revenue": 1500.0,
        "recent_revenue": 6000.0,
    }
    return pd.DataFrame([row | values])


LEVELS = all_customers(at_risk_90=1234, at_risk_90_low=1100, at_risk_90_high=1400, expected_90=9000)
GROUPS = pd.DataFrame(
    {
        "group": ["high risk, high profit", "low risk, high profit", "high risk, low profit"],
        "customers": [10, 50, 20],
        "profit_share": [0.2, 0.7, 0.1],
    }
)


def recent(*periods: str) -> pd.DataFrame:
    day = pd.Timestamp("2011-09-01")
    rows = {
        "latest": (300.0, 30),
        "before": (200.0, 20),
        "year_before": (150.0, 40),
    }
    return pd.DataFrame(
        [
            {
                "period": p,
                "first": day,
                "last": day,
                "net_revenue": rows[p][0],
                "orders": rows[p][1],
            }
            for p in periods
        ]
    )


MONTHLY = pd.DataFrame(
    {"net_revenue": [1.0, 2.0, 9.0], "orders": [1, 2, 9], "whole": [True, True, False]}
)


def tiles(**changes: Any) -> list[dict[str, Any]]:
    given: dict[str, Any] = {
        "recent_change": recent("latest", "year_before"),
        "monthly": MONTHLY,
        "coming": LEVELS,
        "risk_groups": None,
        "backtest": None,
        "currency": "£",
        "active_customers": 100,
        "away_90_active": 0.3,
        "earlier_away_90_active": 0.25,
        "earlier_known_90": 8000.0,
    }
    return [tile._asdict() for tile in summary.summary_tiles(**(given | changes))]


def test_nothing_known_gives_nothing_said() -> None:
    assert summary.summary_headline(None, None, None, "£") is None
    assert summary_text.summary_scale(EMPTY, None, None, "£", SETTINGS) is None
    assert summary_text.summary_doubts(EMPTY, None, None, None, None) == {}
    assert isinstance(summary.summary_decisions(EMPTY, EMPTY, "£", SETTINGS), str)
    assert tiles(recent_change=recent("before"), coming=None) == []


@pytest.mark.parametrize(
    ("coming", "said"),
    [
        (LEVELS, "£1,200 is at risk in the next 90 days."),
        (
            all_customers(),
            "The customers most likely to stop ordering brought £1,500 in the last 12 months.",
        ),
        (None, "brings 60% of net revenue."),
    ],
)
def test_the_headline_states_a_level_only_where_the_season_is_known(
    coming: pd.DataFrame | None, said: str
) -> None:
    told = summary.summary_headline(PROFILES, coming, None, "£")
    assert told is not None
    assert told["said"].startswith("The Best segment (40 customers) brings 60%")
    assert told["said"].endswith(said)


def test_the_headline_of_regular_customers_counts_both_groups_at_high_risk() -> None:
    told = summary.summary_headline(None, None, GROUPS, "")
    assert told == {
        "said": "30 of 80 regular customers are at high risk of buying less; they bring 30% of the "
        "profit."
    }


def test_tiles_compare_with_a_year_earlier_or_say_that_they_cannot() -> None:
    revenue, orders, away, risk = tiles()
    assert (revenue["value"], revenue["note"]) == ("£300", "up 100% on a year earlier")
    assert (orders["value"], orders["note"]) == ("30", "down 25% on a year earlier")
    assert revenue["months"] == (1.0, 2.0)  # a month that is not whole is no trend
    assert away["value"] == "30" and "a year earlier, 25% did not" in away["note"]
    assert risk["value"] == "£1,200" and "likely £1,100 to £1,400" in risk["note"]
    assert (
        "on top of the £9,000 that we expect (same 90 days a year earlier: £8,000)" in risk["note"]
    )
    assert "no data for these months" in tiles(recent_change=recent("latest", "before"))[0]["note"]


def test_without_a_known_season_the_tiles_rank_and_state_no_level() -> None:
    made = tiles(coming=all_customers(), away_90_active=None, active_customers=None)
    assert [tile["value"] for tile in made[2:]] == ["20", "£1,500"]
    assert made[3]["note"] == "25% of the net revenue of all customers"


def test_a_missed_forecast_stands_beside_the_tiles_that_it_concerns() -> None:
    missed = pd.DataFrame({"model": ["lapse", "decline"], "decayed": [True, False]})
    assert [bool(tile["warning"]) for tile in tiles(backtest=missed)] == [False, False, True, True]
    other = missed.assign(decayed=[False, True])
    assert not any(tile["warning"] for tile in tiles(backtest=other))


def test_a_shop_with_both_inputs_has_one_tile_for_its_regular_customers() -> None:
    made = tiles(risk_groups=GROUPS)
    assert len(made) == 5 and made[-1]["value"] == "30"
    assert made[-1]["note"] == "of 80; they bring 30% of the profit"


REGULARS = pd.DataFrame(
    {
        "revenue_two_months_ago": [10.0] * 4,
        "revenue_last_month": [20.0] * 4,
        "revenue_this_month": [30.0] * 4,
        "decline_probability": [0.9, 0.9, 0.1, 0.5],
        "consent": [True, False, True, True],
        "profit": [4.0, 100.0, 100.0, 6.0],
        "group": ["contacted", None, None, "control"],
    }
)


@pytest.mark.parametrize("earns", [5.0, -5.0])
def test_tiles_of_regular_customers_count_whom_it_pays_to_contact(earns: float) -> None:
    curve = pd.DataFrame({"threshold": [0.5], "expected": [earns], "chosen": [True]})
    people = REGULARS if earns > 0 else REGULARS.assign(group=None)
    made = summary.summary_tiles_of_regulars(people, GROUPS, curve, "£", False, 0.4)
    assert made is not None
    assert [tile.value for tile in made[:2]] == ["4", "£120"]
    assert made[1].months == (40.0, 80.0, 120.0) and made[1].note == "up 50% on last month"
    if earns > 0:
        assert [tile.value for tile in made[2:]] == ["2", "10 units"]
        assert made[2].note.endswith("one of them is in the control group")
    else:
        assert [tile.value for tile in made[2:]] == ["30"]
    assert summary.summary_tiles_of_regulars(REGULARS, GROUPS, curve, "£", True, 0.4) is None


def decisions(found: pd.DataFrame) -> list[Card]:
    found = found.assign(control=found["listed"] // 4, forgone=found["expected_profit"] / 4)
    draws = {name: {UPLIFT: np.linspace(0, 0.04, 101)} for name in found["segment"]}
    rates = dict.fromkeys(found["segment"], 0.3)
    planned = experiments.plan_experiments(found, rates, draws, SETTINGS.strategy)
    told = found.assign(owner="Key accounts", timing="Once a quarter.", action="Call.")
    made = summary.summary_decisions(told, planned, "£", SETTINGS)
    assert not isinstance(made, str)
    return made


def test_the_decisions_are_the_two_best_actions_and_a_test() -> None:
    large, small = terms(people=10**7), terms(people=900)
    best, second, test = decisions(table({"a": small, "b": large, "c": terms(people=90)}))
    assert (best.title, second.title) == ("Contact “b”", "Contact “a”")
    assert test.title == "Keep a control group"
    assert [label for label, _ in best.lines][-1] == "When to stop"


def test_what_loses_is_advised_against_with_its_loss() -> None:
    (only,) = decisions(table({"dear": terms(cost=500)}))
    assert (only.title, only.badge) == ("Contact no segment for now", LOSES)
    assert "The closest, for dear, would lose £" in only.lines[0][1]


def test_a_test_that_would_miss_the_effect_says_so() -> None:
    shows = {}
    for name, people in (("few", 400), ("many", 10**7)):
        *_, test = decisions(table({"a": terms(people=people), "b": terms(people=people)}))
        shows[name] = (test.badge, test.lines[-1][1])
    assert (
        shows["few"][0] == ""
        and "will probably not settle the question. The chance of a clear answer is 10%"
        in shows["few"][1]
    )
    assert shows["many"][0] == "" and "a clear answer is 100%" in shows["many"][1]


def test_the_scale_adds_what_pays_and_compares_it_with_the_last_months() -> None:
    found = table({"a": terms(people=900), "dear": terms(cost=500)})
    told = summary_text.summary_scale(found, recent("latest"), None, "£", SETTINGS)
    assert told is not None
    gain = found.loc[found["segment"] == "a", "expected_profit"].iloc[0]
    assert told["said-orders"].startswith("The one action")
    assert f"{gain / 300:.1%}" in told["said-orders"] and "(£300)" in told["said-orders"]
    assert "said-small" not in told
    little = recent("latest").assign(net_revenue=gain * 101)
    known = summary_text.summary_scale(found, little, None, "£", SETTINGS)
    assert known is not None and "sway few customers" in known["said-small"]
    # Without a known season there is a cost, and no gain.
    unknown = found.assign(expected_profit=np.nan)
    told = summary_text.summary_scale(unknown, recent("latest"), None, "£", SETTINGS)
    assert told is not None and [*told] == ["said-cost"]


def test_the_gain_from_regular_customers_is_a_share_of_the_months_that_a_contact_counts_for() -> (
    None
):
    found = pd.DataFrame(
        {"half": "activity", "expected_profit": [20.0, 10.0], "listed": 5, "cost": [3.0, 4.0]}
    )
    people = pd.DataFrame({"profit": [300.0, 200.0]})
    told = summary_text.summary_scale(found, None, people, "£", SETTINGS)
    assert SETTINGS.contact.months == 3 and told == {
        "said-regulars": "Together, the 2 actions for regular customers that are expected to pay "
        "would cost 7 units a quarter and bring a net gain of 30, 2.0% of the profit of all "
        "regular customers over 3 months (1,500 units)."
    }


def test_doubts_name_the_assumed_effect_the_season_and_unknown_customers() -> None:
    rates = pd.DataFrame({"share": [0.2, 0.4]})
    told = summary_text.summary_doubts(table({"a": terms()}), rates, 25, 100, None)
    assert [*told] == ["said-uplift", "said-season", "said-nobody"]
    known = table({"a": terms()}).assign(campaigns=3)
    measured = summary_text.summary_doubts(known, None, None, None, None)
    assert told["said-uplift"].startswith("No data yet shows")
    assert measured["said-uplift"].startswith(
        "For a, we estimate from 3 campaigns and our assumption"
    )
    assert "between 20% and 40%" in told["said-season"] and told["said-nobody"].startswith("25%")
    one = summary_text.summary_doubts(EMPTY, rates[:1], 0, 100, None)
    assert [*one] == ["said-season"] and "one quarter only" in one["said-season"]
    # The year before is among the past quarters: a tile compares with it.
    year = summary_text.summary_doubts(EMPTY, rates, 0, 100, 0.5)
    assert "between 20% and 50%" in year["said-season"]


def test_without_stated_gains_cost_and_break_even_order_the_actions() -> None:
    own = table({"a": terms(people=900), "b": terms(people=10**5), "c": terms(people=10**4)})
    known = list(summary_text.best_first(own)["segment"])
    unknown = own.assign(rank=pd.NA, expected_profit=np.nan, revenue_share=[0.2, 0.3, 0.5])
    assert known == ["b", "c", "a"] == list(summary_text.best_first(unknown)["segment"])
    never = unknown.assign(break_even_uplift=np.nan)
    assert list(summary_text.best_first(never)["segment"]) == ["c", "b", "a"]

"""Test the sentences and pictures of the strategy, on typical and extreme tables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from plans import OVERALL, PLAN, profile, regular, some_terms, table, terms

from analysis.core import tables
from analysis.core.plotting import draw
from analysis.core.presentation import Figure, Table
from analysis.core.settings import Settings, read_settings
from analysis.forecast.names import GROUPS
from analysis.ingest.sample_orders import HOSTILE
from analysis.strategy import cards, experiments, figures, layouts, value
from analysis.strategy import text as strategy_text
from analysis.strategy.names import (
    CONTACTED,
    CONTROL,
    FEW,
    HARMED,
    NO_CONSENT,
    NO_PAST,
    NO_SEASON,
    UPLIFT,
)
from analysis.strategy.tables import strategy
from analysis.strategy.terms import Terms

EMPTY = pd.DataFrame()
STRATEGY = read_settings().strategy
Known = dict[str, Terms | str]


def known_as(found: list[Terms | str]) -> Known:
    return {f"S{number}": term for number, term in enumerate(found)}


def experiments_of(found: Any, base: float = 0.3) -> Any:
    rates = dict.fromkeys(found["segment"], base)
    draws = {name: {UPLIFT: np.linspace(0, 0.04, 101)} for name in found["segment"]}
    return experiments.plan_experiments(found, rates, draws, STRATEGY)


def shown(found: pd.DataFrame) -> Figure:
    made = figures.action_value(found, "£")
    assert isinstance(made, Figure)
    return made


def names_in(text: str) -> set[str]:
    return set(re.findall(r"S\d", text))


@effort(max_examples=30, deadline=None)
@given(st.lists(st.one_of(some_terms, st.just(NO_PAST)), min_size=1, max_size=4))
def test_what_pays_and_what_may_lose_agrees_with_the_table(drawn: list[Terms | str]) -> None:
    found = table(known_as(drawn))
    ranked = found[found["rank"].notna()]
    if ranked.empty:
        assert figures.action_value(found, "£") == "No action can be given a value."
        return
    made = shown(found)
    more = dict(made.more or {})
    pays = ranked.loc[ranked["expected_profit"] > 0, "expected_profit"]
    if pays.empty:
        assert "expected to cover its cost" in made.headline
    else:
        assert strategy_text.write_estimate(pays.sum(), "ledger", "£") in made.headline
        assert ("actions is" in made.headline or "actions are" in made.headline) == (
            len(ranked) > 1
        )
    open_ = ranked[(ranked["low"] < 0) & (ranked["high"] > 0)]
    assert names_in(more.get("said-open", "")) == set(open_["segment"])
    told = [more.get(key, "") for key in ("said-sure", "said-open", "said-lose")]
    assert names_in(" ".join(told)) == set(ranked["segment"])
    assert names_in(more.get("said-missing", "")) == set(found.loc[found["rank"].isna(), "segment"])
    best = ranked.loc[ranked["expected_profit"].idxmax(), "segment"]
    first = ranked.loc[ranked["rank"].idxmin(), "segment"]
    if "said-best" in more:
        assert more["said-best"].startswith(
            f"The action for {first} gains the most per contact; that for {best}"
        )


def curve(gains: list[float], contacts: float = 100.0) -> pd.DataFrame:
    """Return a curve of the gain, each step with as many contacts."""
    steps = np.arange(1, len(gains) + 1)
    total = np.cumsum(gains)
    return pd.DataFrame(
        {
            "half": "ledger",
            "place": steps,
            "listed": 2 * contacts * steps,
            "contacts": contacts * steps,
            "cost": 10.0 * steps,
            "expected_profit": total,
            "low": total - 50,
            "high": total + 80,
        }
    )


@effort(max_examples=30, deadline=None)
@given(st.lists(st.floats(1, 1000), min_size=1, max_size=20))
def test_the_headline_says_where_half_of_the_gain_is_reached(drawn: list[float]) -> None:
    gains = sorted(drawn, reverse=True)
    rows = curve(gains)
    made = figures.action_budget(rows, table({"a": terms()}), "£", read_settings())
    assert isinstance(made, Figure)
    middle = figures.find_half(rows)
    at = np.interp(middle, [0, *rows["contacts"]], [0, *rows["expected_profit"]])
    assert at == pytest.approx(sum(gains) / 2)
    # The best come first, so no more than half of the contacts bring half of the gain.
    assert middle <= rows["contacts"].iloc[-1] / 2 + 1e-6
    assert strategy_text.write_estimate(sum(gains), "ledger", "£") in made.headline


def test_limits_of_the_settings_are_told() -> None:
    given = read_settings()
    for limits, key in (
        ({"contacts": {"ledger": 500}}, "The settings allow 500 contacts"),
        ({"budget": {"ledger": 60.0}}, "The settings allow £60"),
    ):
        limited = given.model_copy(update={"strategy": STRATEGY.model_copy(update=limits)})
        made = figures.action_budget(curve([9.0, 8.0]), table({"a": terms()}), "£", limited)
        assert isinstance(made, Figure)
        assert dict(made.more or {})["said-limit"].startswith(key)
    assert isinstance(figures.action_budget(EMPTY, table({"a": terms()}), "£", given), str)


@effort(max_examples=20, deadline=None)
@given(some_terms)
def test_the_tornado_says_who_can_turn_the_result(known: Terms) -> None:
    found = table({"A": known})
    bars = value.tornado("A", "ledger", known)
    made = figures.action_tornado(bars, found, "£")
    moved = bars[bars["swing"] > 0]
    if moved.empty:
        assert made == "No assumption has a range, so none can change the result."
        return
    assert isinstance(made, Figure)
    ends = moved[["profit_low", "profit_high"]]
    turning = int(((ends.min(axis=1) < 0) & (ends.max(axis=1) > 0)).sum())
    assert ("no single assumption" in made.headline) == (turning == 0)
    if turning > 1:
        assert f"{turning} assumptions could each" in made.headline


def held_out(found: pd.DataFrame) -> pd.DataFrame:
    """Return actions with a fifth of their customers in the control group."""
    control = (found["listed"] // 4).astype(int)
    return found.assign(control=control, forgone=found["expected_profit"] / 4, revenue=1000.0)


def said_of_tests(found: pd.DataFrame) -> dict[str, str]:
    """Return what is said about the control groups of actions."""
    told = held_out(found)
    made = layouts.action_tests(experiments_of(told), told, "£", read_settings())
    assert isinstance(made, Table)
    return dict(made.more or {})


def test_control_groups_that_are_large_enough_are_named() -> None:
    large = terms(people=10**7)
    told = said_of_tests(table({"large": large, "small": terms()}))
    assert told["said-enough"].startswith("One of 2 actions has enough customers")
    assert told["said-enough"].endswith(": large.") and "is detectable" in told["said-detects"]
    assert said_of_tests(table({"a": large, "b": large}))["said-enough"].startswith("2 of 2 action")
    few = said_of_tests(table({"small": terms(), "other": terms()}))
    assert few["said-enough"].startswith("None of the 2 actions")
    assert "may miss the effect" in few["said-detects"]
    # What loses money is on no list, and nobody is held out of it.
    dear = said_of_tests(table({"small": terms(), "dear": terms(cost=500)}))
    assert "said-enough" not in dear and dear["said-held-out"].startswith(
        "The control group is 100 customers"
    )
    assert "forgoes an expected gain of £" in dear["said-held-out"]
    nothing = held_out(table({"a": NO_PAST}))
    assert layouts.action_tests(EMPTY, nothing, "£", read_settings()) == (
        "No action is recommended, so there is nobody to hold out."
    )
    assert layouts.action_tests(EMPTY, EMPTY, "£", read_settings()) is None


def test_without_a_known_season_the_price_of_the_control_group_is_not_stated() -> None:
    found = held_out(table({"a": terms(), "b": terms()}))
    told = strategy_text.control_sentences(
        experiments_of(found), value.hide_levels(found), "ledger", "£", STRATEGY
    )
    assert (
        told["said-held-out"].startswith("The control group is 200 customers")
        and "£" not in told["said-held-out"]
    )


def test_tables_of_values_keep_ranges_on_one_line() -> None:
    found = held_out(table({"a": terms(), "missing": NO_PAST}))
    made = layouts.action_values(found, "£")
    assert made is not None
    html = tables.html(made.table)
    assert ">A<" in html and "Missing" not in html
    amount = r"(?:−\u2060)?£[\d,.]+"
    assert re.search(rf'{amount} <span class="range">\({amount}\xa0to\xa0{amount}\)</span>', html)
    assert layouts.action_values(table({"missing": NO_PAST}), "£") is None
    assert layouts.group_values(found) is None


def test_a_card_recommends_no_action_that_loses() -> None:
    texts = dict.fromkeys(["objective", "action", "channel", "offer", "metric", "avoid"], "Do it.")
    found = table({"a": terms(), "dear": terms(cost=500), "hopeless": terms(spend=0)})
    told = found.assign(
        customers=100,
        share=0.5,
        revenue_share=0.25,
        shown=True,
        owner="Sales",
        timing="Now",
        **texts,
    )
    good, dear, hopeless = cards.action_cards(told, "£")
    assert dict(good.lines)["Size"] == "100 customers, 50.0% of all, with 25.0% of net revenue."
    assert dict(good.lines)["Who and when"] == "Sales, for the 400 customers on the list. Now."
    assert "to break even" in dict(dear.lines)["Action"] and len(dear.lines) == 2
    assert "No uplift would make" in dict(hopeless.lines)["Action"]
    assert cards.action_cards(told.assign(shown=False), "£") == []
    assert cards.group_cards(told) == []


def test_assumptions_are_told_of_the_inputs_that_are_there(settings: Settings) -> None:
    both = pd.DataFrame({"half": ["ledger", "activity"], "segment": ["A", "B"], "campaigns": 0})
    both["reason"] = ""
    told = strategy_text.plan_assumptions(both, False, None, settings)
    assert [*sorted(told)] == [
        "said-consent",
        "said-costs",
        "said-orders",
        "said-regulars",
        "said-untested",
        "said-won",
    ]
    assert "what the forecast expects of that customer" in told["said-won"]
    assert "40% of sales (30% to 50%)" in told["said-orders"]
    measured = both[:1].assign(campaigns=2, reason=NO_SEASON)
    told = strategy_text.plan_assumptions(measured, None, None, settings)
    assert [*told] == ["said-costs", "said-orders", "said-won", "said-untested"]
    assert "the mean of the segment’s customers" in told["said-won"]
    assert told["said-untested"].startswith("For A, the uplift is our assumption corrected")


def test_amounts_and_points_are_written_as_they_are() -> None:
    assert strategy_text.write_amount(-0.004, "ledger", "£") == "£0"
    assert strategy_text.write_amount(-18.096, "ledger", "£") == "−£18.10"
    assert strategy_text.write_amount(-0.0068, "activity") == "−0.0068 units"
    assert strategy_text.write_amount(0.0, "activity") == "0 units"
    assert strategy_text.write_amount(np.nan, "ledger") == "not known"
    assert [strategy_text.points(x) for x in (0.01, 0.0007, np.nan)] == [
        "1 point",
        "0.07 points",
        "not known",
    ]


def everything(settings: Settings, **changes: Any) -> tuple[dict[str, pd.DataFrame], Any]:
    """Return a strategy for two segments, one small, and all groups."""
    size = 240
    random = np.random.default_rng(2)
    people = pd.DataFrame(
        {
            "customer_id": [f"{n}" for n in range(403)],
            "segment": ["Champions"] * 400 + ["Promising"] * 3,
            "frequency": 2,
            "monetary": random.lognormal(5, 1, 403),
            "recency_days": 20,
            "lapse_probability": [0.4] * 200 + [np.nan] * 203,
            "expected_spend_90": random.lognormal(5, 1, 403),
            "spend_if_ordering_90": random.lognormal(5, 1, 403),
            "lapse_probability_90": random.beta(2, 2, 403),
        }
    )
    rows = [
        profile("Champions"),
        profile("Promising", customers=3, shown=False),
        profile("Least active", customers=0, shown=False),
    ]
    past = pd.DataFrame(
        {
            "segment": ["Champions"],
            "share": [0.6],
            "spend": [900.0],
            "spend_low": [700.0],
            "spend_high": [1100.0],
            "spend_mean": [950.0],
            "orders_mean": [1.4],
        }
    )
    groups = pd.DataFrame({"group": GROUPS, "customers": size // 4, "share": 0.25, "shown": True})
    given: dict[str, pd.DataFrame] = {
        "customers": people,
        "segment_profiles": pd.DataFrame(rows),
        "segment_overall": OVERALL.to_frame().T.infer_objects(),
        "segment_returns": past,
        "risk_groups": groups,
        "risk_group_effects": EMPTY,
        "activity": regular(
            size,
            decline_probability=0.6,
            decline=random.random(size) < 0.6,
            duplicate_group=range(size),
            customer_id=[f"{n}" for n in range(size)],
            profit=9 * random.random(size),
        ),
    }
    return strategy({**given, **changes}, PLAN, settings)


def test_both_halves_stand_below_each_other_and_are_never_added_up(settings: Settings) -> None:
    made, facts = everything(settings)
    actions = made["actions"]
    columns = [
        "segment",
        "customers",
        "revenue_share",
        "action",
        "owner",
        "metric",
        "cost",
        "expected_profit",
        "low",
        "high",
    ]
    assert set(columns) <= set(actions.columns)
    assert list(actions["half"].unique()) == ["ledger", "activity"]
    assert actions.groupby("half")["rank"].min().eq(1).all()
    small = actions.set_index("segment").loc["Promising"]
    assert small["customers"] == 3 and pd.isna(small["expected_profit"])
    assert small["reason"] == FEW
    made_figure = figures.action_value(actions, "£")
    assert isinstance(made_figure, Figure)
    assert "Promising" in dict(made_figure.more or {})["said-missing"]
    for name in ("action_traits", "action_tornado", "action_experiments"):
        assert not {"Promising", "Least active"} & set(made[name]["segment"])
    assert facts["strategy.ledger.available"] and facts["strategy.activity.available"]
    assert facts["strategy.ledger.top"] == "Champions"
    # The lists add up to the actions, and to the curve; nobody in a control group is on one.
    for half, people in (("ledger", made["customers"]), ("activity", made["activity"])):
        own = actions[(actions["half"] == half) & (actions["listed"] > 0)]
        group = people["segment" if half == "ledger" else "risk_group"]
        assert (people["action"].notna() == people["group"].eq(CONTACTED)).all()
        assert people.loc[people["group"].notna(), "expected_value"].notna().all()
        for row in own.to_dict("records"):
            members = people[group == row["segment"]]
            assert members["group"].eq(CONTACTED).sum() == row["listed"]
            assert members["group"].eq(CONTROL).sum() == row["control"]
            worth = members.loc[members["group"] == CONTACTED, "expected_value"]
            assert worth.mean() == pytest.approx(row["value_per_contact"])
        if own.empty:
            continue
        last = made["action_budget"].query("half == @half").iloc[-1]
        assert last["expected_profit"] == pytest.approx(own["expected_profit"].sum())
        assert last["cost"] == pytest.approx(own["cost"].sum())
    listed = made["customers"].query("group == 'contacted'")
    assert (listed["expected_value"] > 0).all()
    assert made["customers"]["group"].eq(CONTROL).sum() == pytest.approx(
        0.2 * made["customers"]["group"].notna().sum(), abs=1
    )
    regulars = made["activity"]
    pays = set(actions.loc[actions["expected_profit"] > 0, "segment"])
    asked = regulars["consent"] & regulars["risk_group"].isin(pays)
    assert (regulars["group"].notna() == asked).all()


def test_either_half_and_the_consent_may_be_missing(settings: Settings) -> None:
    made, facts = everything(
        settings, segment_profiles=EMPTY, segment_returns=EMPTY, customers=EMPTY
    )
    assert not facts["strategy.ledger.available"] and "customers" not in made
    assert set(made["actions"]["half"]) == {"activity"}
    made, facts = everything(settings, risk_groups=EMPTY, activity=EMPTY)
    assert not facts["strategy.activity.available"] and "activity" not in made
    made, facts = everything(
        settings,
        activity=regular(
            decline_probability=0.6,
            decline=True,
            duplicate_group=0,
            consent=False,
            customer_id=[f"{n}" for n in range(240)],
        ),
    )
    own = made["actions"][made["actions"]["half"] == "activity"]
    assert own["reason"].eq(NO_CONSENT).all() and own["expected_profit"].isna().all()
    assert figures.group_value(own) == "No action can be given a value."
    assert facts["strategy.activity.valued"] == 0
    # A ledger too short to learn from: actions stand there, without an expected value.
    made, facts = everything(settings, segment_returns=EMPTY)
    assert made["actions"]["reason"].iloc[0] == NO_PAST
    empty, facts = strategy({}, PLAN, settings)
    assert empty["actions"].empty and not facts["strategy.ledger.available"]


@pytest.mark.parametrize("case", ["usual", "losses", "one"])
def test_every_table_can_be_drawn(case: str) -> None:
    known: Known = {
        "usual": {HOSTILE: terms(), "$x$": terms(cost=90), "c": terms(people=1)},
        "losses": {"a": terms(cost=90), "b": terms(spend=0)},
        "one": {"a": terms(uplift=0, cost=0)},
    }[case]  # type: ignore[assignment]
    found = table(known)
    parts = [
        value.tornado(name, "ledger", term)
        for name, term in known.items()
        if isinstance(term, Terms)
    ]
    bars = pd.concat(parts)
    made = [
        figures.action_value(found, "£"),
        figures.action_tornado(bars, found, "£"),
        figures.action_budget(curve([5.0, 3.0]), found, "£", read_settings()),
    ]
    assert isinstance(made[0], Figure)
    for one in made:
        if isinstance(one, Figure):
            assert draw(one.plot).startswith(b"<svg")
        else:
            assert one and one.endswith(".")


def test_what_brings_most_in_all_is_told_where_it_is_not_what_brings_most_for_a_contact() -> None:
    found = table({"few": terms(people=50, cost=0), "many": terms(people=9000)})
    told = dict(shown(found).more or {})["said-best"]
    assert told.startswith(
        "The action for few gains the most per contact; that for many gains the most in total, £"
    )


def test_doubts_about_the_plan_know_campaigns_and_consent() -> None:
    both = pd.DataFrame({"half": ["ledger", "activity"], "segment": ["A", "B"], "campaigns": 0})
    both["reason"] = ""
    plain = strategy_text.plan_doubts(both, None)
    assert (
        "No customers were contacted at random" in plain["said-judgement"]
        and "said-consent" in plain
    )
    known = strategy_text.plan_doubts(both.assign(campaigns=[1, 0]), True)
    assert "Campaigns have measured the uplift for A" in known["said-judgement"]
    assert "said-consent" not in known
    assert "said-consent" not in strategy_text.plan_doubts(both[1:], None)


def test_a_stopped_action_counts_among_those_that_do_not_pay() -> None:
    made = table({"a": terms(), "b": HARMED})
    made = made.assign(half="ledger")
    drawn = figures.action_value(made, "£")
    assert not isinstance(drawn, str) and drawn is not None
    assert drawn.headline.startswith("One of 2 actions is expected to pay, ")

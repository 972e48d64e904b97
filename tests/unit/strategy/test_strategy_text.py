"""Test the sentences and pictures of the strategy, on typical and extreme tables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from plans import OVERALL, PLAN, profile, regular, some_terms, table, terms

from analysis.core.plotting import draw
from analysis.core.settings import Settings, read_settings
from analysis.forecast.names import GROUPS
from analysis.ingest.sample_orders import HOSTILE
from analysis.strategy import budget, experiments, figures, value
from analysis.strategy import text as strategy_text
from analysis.strategy.tables import strategy
from analysis.strategy.value import Terms

EMPTY = pd.DataFrame()
STRATEGY = read_settings().strategy
Known = dict[str, Terms | str]
several = st.lists(st.one_of(some_terms, st.just(value.NO_PAST)), min_size=1, max_size=5)


def known_as(found: list[Terms | str]) -> Known:
    return {f"S{number}": term for number, term in enumerate(found)}


def experiments_of(found: Any, base: float = 0.3) -> Any:
    return experiments.plan_experiments(found, dict.fromkeys(found["segment"], base), STRATEGY)


@effort(max_examples=30, deadline=None)
@given(several)
def test_what_pays_and_what_may_lose_agrees_with_the_table(drawn: list[Terms | str]) -> None:
    found = table(known_as(drawn))
    ranked = found[found["rank"].notna()]
    message, sure = (
        strategy_text.expected_value(found, "ledger", "£"),
        strategy_text.loss_risk(found),
    )
    if ranked.empty:
        assert message == sure == strategy_text.NOTHING
        return
    pays = int((ranked["value_per_contact"] > 0).sum())
    if len(ranked) == 1:
        assert ("is expected to bring £" in message) == bool(pays)
        assert ("is not expected to bring more" in message) == (not pays)
    elif not pays:
        assert f"none of the {len(ranked)} actions" in message
    else:
        top = ranked.loc[ranked["value_per_contact"].idxmax()]
        assert f"'{top['segment']}' brings most" in message
        share = f"all {len(ranked)}" if pays == len(ranked) else f"{pays} of {len(ranked)}"
        assert f"{share} actions" in message
    open_ = ranked[(ranked["low"] < 0) & (ranked["high"] > 0)]
    parts = sure.split("allow, ")[1].split("; ")
    said = [part for part in parts if "may pay or lose" in part]
    assert set(re.findall(r"'(S\d)'", " ".join(said))) == set(open_["segment"])
    left = strategy_text.missing_values(found)
    assert set(re.findall(r"'(S\d)'", left)) == set(found.loc[found["rank"].isna(), "segment"])


@effort(max_examples=20, deadline=None)
@given(several, st.sampled_from([0, 1, 50, 1000, 10**7]))
def test_the_order_names_who_is_contacted(drawn: list[Terms | str], limit: int) -> None:
    known = known_as(drawn)
    order = budget.budget(table(known), known, 1, limit, limit)
    for by in ("contacts", "money"):
        text = strategy_text.order(order, by, limit, "ledger", "£")
        rows = order[order["by"] == by]
        if rows.empty:
            assert "no action pays" in text
            continue
        total = rows["taken_profit"].sum()
        assert strategy_text.write_amount(total, "ledger", "£") in text
        assert ("Without a limit" in text) == (limit == 0)
        if "the last in part" in text or ", in part" in text or " go" in text:
            assert (rows["taken"] < rows["contacts"]).any()
            named = re.findall(r"'(S\d)'", text)
            assert named == list(rows.loc[rows["taken"] > 0, "segment"])[: len(named)]
    assert strategy_text.budget_curve(order, "ledger", "£").endswith(".")
    both = [list(order.loc[order["by"] == by, "segment"]) for by in ("contacts", "money")]
    assert ("orders differ" in strategy_text.two_orders(order)) == (both[0] != both[1])


@effort(max_examples=20, deadline=None)
@given(some_terms)
def test_the_tornado_says_who_can_turn_the_result(known: Terms) -> None:
    bars = value.tornado("A", "ledger", known)
    text = strategy_text.tornado(bars, "ledger", "£")
    moved = bars[bars["swing"] > 0]
    if moved.empty:
        assert "none can move" in text
        return
    ends = moved[["profit_low", "profit_high"]]
    turning = int(((ends.min(axis=1) < 0) & (ends.max(axis=1) > 0)).sum())
    assert ("no single assumption" in text) == (turning == 0)
    assert (
        strategy_text.capital(strategy_text.assumption(moved["assumption"].iloc[0], "ledger"))
        in text
    )
    if turning > 1:
        assert f"{turning} assumptions could each" in text


def test_experiments_that_suffice_are_named() -> None:
    large = terms(people=10**7)
    found = table({"large": large, "small": terms()})
    text = strategy_text.experiments(experiments_of(found))
    assert text.startswith("Of 2 segments, 1 is large enough") and text.endswith("having: 'large'.")
    assert strategy_text.experiments(experiments_of(table({"large": large}))).startswith(
        "The segment is large"
    )
    assert strategy_text.experiments(experiments_of(table({"small": terms()}))).startswith(
        "The segment is not"
    )
    dear = experiments_of(table({"small": terms(), "dear": terms(cost=500)}))
    assert strategy_text.experiments(dear).endswith(
        "For 'dear' no uplift that is possible would pay."
    )
    assert strategy_text.experiments(dear).startswith("The segment is not large enough")
    idle = experiments_of(table({"idle": terms(uplift=0, cost=0)}))
    assert "no action is assumed to change anything" in strategy_text.experiments(idle)
    assert "No trial" in strategy_text.experiments(EMPTY)
    assert strategy_text.joint_experiment(EMPTY, EMPTY, 4) == ""
    joint = experiments_of(table({"large": large, "more": large}))
    assert "would probably show it" in strategy_text.joint_experiment(
        joint, table({"large": large, "more": large}), 4
    )
    few = table({"a": terms(people=20), "b": terms(people=20)})
    assert "would probably not be seen" in strategy_text.joint_experiment(
        experiments_of(few), few, 4
    )


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
            "lapse_probability": [0.4] * 200 + [np.nan] * 203,
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
    assert small["reason"] == value.FEW
    assert "'Promising'" in strategy_text.missing_values(actions)
    for name in ("action_traits", "action_tornado", "action_budget", "action_experiments"):
        assert not {"Promising", "Least active"} & set(made[name]["segment"])
    assert facts["strategy.ledger.available"] and facts["strategy.activity.available"]
    assert facts["strategy.ledger.top"] == "Champions"
    people = made["customers"]
    mean = people.loc[people["segment"] == "Champions", "expected_value"].mean()
    assert mean == pytest.approx(facts["strategy.ledger.top_value_per_contact"])
    regulars = made["activity"]
    assert (regulars["expected_value"].notna() == regulars["consent"]).all()
    pays = set(actions.loc[actions["expected_profit"] > 0, "segment"])
    asked = regulars["consent"] & regulars["risk_group"].isin(pays)
    assert (regulars["action"].notna() == asked).all()


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
        activity=regular(decline_probability=0.6, decline=True, duplicate_group=0, consent=False),
    )
    own = made["actions"][made["actions"]["half"] == "activity"]
    assert own["reason"].eq(value.NO_CONSENT).all() and own["expected_profit"].isna().all()
    assert strategy_text.expected_value(own, "activity") == strategy_text.NOTHING
    assert facts["strategy.activity.valued"] == 0
    # A ledger too short to learn from: actions stand there, without an expected value.
    made, facts = everything(settings, segment_returns=pd.DataFrame(columns=["segment", "share"]))
    assert made["actions"]["reason"].iloc[0] == value.NO_PAST
    empty, facts = strategy({}, PLAN, settings)
    assert empty["actions"].empty and not facts["strategy.ledger.available"]


def drawn(plot: p9.ggplot) -> None:
    assert draw(plot).startswith(b"<svg")


@pytest.mark.parametrize("case", ["usual", "losses", "one", "nothing"])
def test_every_table_can_be_drawn(case: str) -> None:
    known: Known = {
        "usual": {HOSTILE: terms(), "$x$": terms(cost=90), "c": terms(people=1)},
        "losses": {"a": terms(cost=90), "b": terms(spend=0)},
        "one": {"a": terms(uplift=0, cost=0)},
        "nothing": {"a": value.NO_PAST},
    }[case]  # type: ignore[assignment]
    found = table(known)
    name, term = next(iter(known.items()))
    bars = value.tornado(name, "ledger", term) if isinstance(term, Terms) else EMPTY
    order = budget.budget(found, known, 1, 100)
    drawn(
        figures.expected_value(
            found, strategy_text.expected_value(found, "ledger", "£"), "ledger", "£"
        )
    )
    drawn(figures.tornado(bars, strategy_text.tornado(bars, "ledger", "£"), "ledger", "£"))
    message = strategy_text.budget_curve(order, "ledger", "£")
    drawn(figures.budget(order, message, 100, "ledger", "£"))


def test_what_brings_most_in_all_is_told_where_it_is_not_what_brings_most_for_a_contact() -> None:
    rows = pd.DataFrame({"segment": ["a", "b"], "rank": [1, 2], "expected_profit": [10.0, 90.0]})
    assert strategy_text.largest_total(rows, "ledger", "£") == (
        "For each contact 'a' brings most; in all, 'b' does, £90.00."
    )
    assert (
        strategy_text.largest_total(rows.assign(expected_profit=[90.0, 10.0]), "ledger", "£") == ""
    )
    assert (
        strategy_text.largest_total(rows.assign(expected_profit=[-9.0, -1.0]), "ledger", "£") == ""
    )
    assert strategy_text.largest_total(rows.assign(rank=float("nan")), "ledger", "£") == ""

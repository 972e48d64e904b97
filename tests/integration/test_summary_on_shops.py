"""Test the decisions of the summary on a build of the sample."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.core.formatting import count
from analysis.core.names import ACTIVITY, LEDGER, LOSES
from analysis.core.presentation import Card, Figure
from analysis.core.settings import Settings
from analysis.orders.text import recent_orders
from analysis.segments import figures_movement
from analysis.segments.rules import read_segments
from analysis.strategy import contact_lists, contact_policy, summary
from analysis.strategy.cards import action_cards, group_cards
from analysis.strategy.plan import Plan, read_plan
from analysis.strategy.tables import strategy

Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def tables(sample_build: Path) -> Tables:
    return {
        path.stem: pd.read_parquet(path)
        for path in sample_build.glob("*.parquet")
        if path.stem != "transactions"
    }


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan(read_segments())


def weighed(tables: Tables, plan: Plan, settings: Settings) -> Tables:
    made, _ = strategy(tables, plan, settings)
    return made


def decided(actions: pd.DataFrame, experiments: pd.DataFrame, settings: Settings) -> list[Card]:
    made = summary.summary_decisions(actions, experiments, "£", settings)
    assert not isinstance(made, str)
    return made


def valued(actions: pd.DataFrame, half: str) -> pd.DataFrame:
    return actions[(actions["half"] == half) & actions["rank"].notna()]


def test_the_decision_is_the_action_with_the_highest_expected_profit(
    tables: Tables, settings: Settings
) -> None:
    known = valued(tables["actions"], LEDGER)
    best = known.sort_values("expected_profit").iloc[-1]
    card = decided(tables["actions"], tables["action_experiments"], settings)[0]
    assert card.title == f"Contact “{best['segment']}”"
    said = dict(card.lines)
    assert f"for the {count(best['listed'])} customers on the list" in said["Who and when"]
    assert str(best["action"]) in said["What"] and card.badge == best["verdict"]


def test_half_a_segment_is_half_the_contacts_in_the_sentence(
    tables: Tables, plan: Plan, settings: Settings
) -> None:
    known = valued(tables["actions"], LEDGER)
    # The longest list: of a short one, half may be some customers more or less.
    name = known.sort_values("listed").iloc[-1]["segment"]
    people, profiles = tables["customers"], tables["segment_profiles"]
    own = people.index[people["segment"] == name]
    fewer = tables | {
        "customers": people.drop(index=own[::2]).reset_index(drop=True),
        "segment_profiles": profiles.assign(
            customers=profiles["customers"].where(profiles["segment"] != name, len(own) // 2)
        ),
    }
    after = valued(weighed(fewer, plan, settings)["actions"], LEDGER).set_index("segment")
    before = known.set_index("segment")
    ratio = float(after["contacts"].to_dict()[name]) / float(before["contacts"].to_dict()[name])
    assert ratio == pytest.approx(0.5, abs=0.05)
    card = decided(after.reset_index(), tables["action_experiments"], settings)[0]
    told = valued(after.reset_index(), LEDGER).sort_values("expected_profit").iloc[-1]
    assert f"the {count(told['listed'])} customers on the list" in card.lines[0][1]


def test_without_consent_nobody_is_asked_for(
    tables: Tables, plan: Plan, settings: Settings
) -> None:
    people = tables["activity"].assign(consent=False)
    groups = tables["risk_groups"].assign(
        consenting=0.0, refusing=tables["risk_groups"]["customers"]
    )
    made = weighed(tables | {"activity": people, "risk_groups": groups}, plan, settings)
    assert valued(made["actions"], ACTIVITY).empty
    cards = decided(made["actions"], made["action_experiments"], settings)
    assert not [card for card in cards if "regular customers" in card.title]
    assert [card for card in cards if card.title.startswith("Contact “")]
    assert made["activity"]["action"].isna().all()
    curve = contact_policy.contact_curve(people, people["decline_probability"], settings.contact, 1)
    assert curve.empty


def test_reversed_trends_reverse_the_sentences(tables: Tables) -> None:
    sizes = tables["movement"]
    before, now = sorted(sizes["date"].unique())[-2:]
    last = sizes[sizes["date"].isin([before, now])]
    swapped = last.assign(date=last["date"].map({before: now, now: before})).sort_values("date")
    one, other = (figures_movement.segment_shares(table) for table in (last, swapped))
    assert isinstance(one, Figure) and isinstance(other, Figure)
    assert one.headline != other.headline
    recent = tables["recent_change"]
    if {"latest", "before"} <= set(recent["period"]):
        turned = recent.assign(
            period=recent["period"].replace({"latest": "before", "before": "latest"})
        )
        assert recent_orders(recent, "£") != recent_orders(turned, "£")


@pytest.mark.parametrize("factor", [-1.0, 0.0, 1.0])
def test_profits_that_are_negative_or_nothing_are_not_sold_as_profits(
    tables: Tables, factor: float, settings: Settings
) -> None:
    known = tables["actions"]
    size = known["expected_profit"].abs() * factor
    changed = known.assign(expected_profit=size, low=size - 1, high=size + 1)
    titles = [card.title for card in decided(changed, pd.DataFrame(), settings)]
    assert ("Contact no segment for now" in titles) == (factor <= 0)


def test_the_test_is_of_the_lists_that_the_decisions_name_and_the_export_holds(
    tables: Tables, settings: Settings
) -> None:
    actions, experiments = tables["actions"], tables["action_experiments"]
    said = decided(actions, experiments, settings)[-1].lines[0][1]
    lists = contact_lists.contact_lists(actions, tables["customers"], tables["activity"])
    total = sum(len(table) for table in lists.values())
    assert total == actions["listed"].sum()
    assert f"The {count(actions['control'].sum())} customers held out at random" in said
    for _, action in actions.iterrows():
        sizes = [
            len(table) for table in lists.values() if table["action"].iloc[0] == action["action"]
        ]
        assert sum(sizes) == action["listed"]
        assert action["listed"] == 0 or action["expected_profit"] > 0


def test_what_does_not_pay_is_recommended_nowhere(
    tables: Tables, plan: Plan, settings: Settings
) -> None:
    dear = [action.model_copy(update={"cost": 1000.0}) for action in plan.actions]
    made = weighed(tables, Plan(dear, plan.traits), settings)
    actions = made["actions"]
    assert set(actions.loc[actions["rank"].notna(), "verdict"]) == {LOSES}
    assert not actions["listed"].any()
    assert made["customers"]["action"].isna().all()
    assert made["activity"]["action"].isna().all()
    assert not contact_lists.contact_lists(actions, made["customers"], made["activity"])
    cards = decided(actions, made["action_experiments"], settings)
    assert {card.badge for card in cards} == {LOSES}
    planned = [*action_cards(actions, "£"), *group_cards(actions)]
    assert planned and {dict(card.lines)["Action"][:21] for card in planned} == {
        "Leave these customers"
    }
    # Nobody reads that 3 points are needed, and that 3 points are too few.
    close = actions.assign(break_even_uplift=actions["uplift"] + 1e-5, reason="")
    known = [card for card in action_cards(close, "£") if "points" in dict(card.lines)["Action"]]
    assert known and all("slightly more" in dict(card.lines)["Action"] for card in known)

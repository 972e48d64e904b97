"""Test the decisions of the summary on a build of the sample."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.core.formatting import count
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.presentation import Figure
from analysis.core.settings import Settings
from analysis.orders.text import recent_orders
from analysis.segments import figures_movement
from analysis.segments.rules import read_segments
from analysis.strategy import contact_lists, contact_policy, summary
from analysis.strategy.names import LOSES
from analysis.strategy.plan import Plan, read_plan
from analysis.strategy.tables import strategy
from analysis.strategy.text import losing_action

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


def valued(actions: pd.DataFrame, half: str) -> pd.DataFrame:
    return actions[(actions["half"] == half) & actions["rank"].notna()]


def test_the_decision_is_the_action_with_the_highest_expected_profit(tables: Tables) -> None:
    known = valued(tables["actions"], LEDGER)
    best = known.sort_values("expected_profit").iloc[-1]
    said = summary.best_action(tables["actions"], LEDGER, "£")
    assert f"Contact the {count(best['listed'])} customers on the list for the segment " in said
    assert f"'{best['segment']}'" in said
    assert f"{count(best['contacts'])} of them can be reached" in said
    assert str(best["action"]) in said


def test_half_a_segment_is_half_the_contacts_in_the_sentence(
    tables: Tables, plan: Plan, settings: Settings
) -> None:
    known = valued(tables["actions"], LEDGER)
    name = known.sort_values("expected_profit").iloc[-1]["segment"]
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
    assert ratio == pytest.approx(0.5, abs=0.02)
    said = summary.best_action(after.reset_index(), LEDGER, "£")
    told = valued(after.reset_index(), LEDGER).sort_values("expected_profit").iloc[-1]
    assert f"Contact the {count(told['listed'])} customers on the list" in said


def test_without_consent_nobody_is_asked_for(
    tables: Tables, plan: Plan, settings: Settings
) -> None:
    people = tables["activity"].assign(consent=False)
    groups = tables["risk_groups"].assign(
        consenting=0.0, refusing=tables["risk_groups"]["customers"]
    )
    made = weighed(tables | {"activity": people, "risk_groups": groups}, plan, settings)
    assert valued(made["actions"], ACTIVITY).empty
    assert summary.best_action(made["actions"], ACTIVITY) == ""
    assert summary.best_action(made["actions"], LEDGER, "£") != ""
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
    tables: Tables, factor: float
) -> None:
    known = tables["actions"]
    size = known["expected_profit"].abs() * factor
    changed = known.assign(expected_profit=size, low=size - 1, high=size + 1)
    said = summary.best_action(changed, LEDGER, "£")
    assert ("Contact nobody" in said) == (factor <= 0)


def test_the_test_is_of_the_lists_that_the_decisions_name_and_the_export_holds(
    tables: Tables,
) -> None:
    actions, experiments = tables["actions"], tables["action_experiments"]
    said = summary.first_experiment(experiments, actions, 4)
    lists = contact_lists.contact_lists(actions, tables["customers"], tables["activity"])
    total = sum(len(table) for table in lists.values())
    assert f"a random half of the {count(total)} customers on all lists" in said
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
    assert "Contact nobody" in summary.best_action(actions, LEDGER, "£")
    for row in actions[actions["rank"].notna()].to_dict("records"):
        assert "Leave these customers" in losing_action(pd.Series(row))

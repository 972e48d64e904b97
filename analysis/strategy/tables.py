"""Make the tables of the strategy: plan, value, budget and experiments.

Everything here uses tables that earlier steps made, and takes a second or two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.core.names import ACTIVITY, LEDGER, Half
from analysis.core.settings import ContactSettings, Settings, StrategySettings
from analysis.segments.names import tells_levels
from analysis.segments.returns import absence_probability
from analysis.strategy import budget, contact_policy, experiments, traits, value
from analysis.strategy.names import ENOUGH, TOGETHER
from analysis.strategy.plan import Plan, actions

Facts = dict[str, Any]
EMPTY = pd.DataFrame()


def strategy(
    tables: Mapping[str, pd.DataFrame], plan: Plan, settings: Settings
) -> tuple[dict[str, pd.DataFrame], Facts]:
    """Return the tables and facts of the strategy.

    Parameters
    ----------
    tables
        Of the earlier steps: customers, segment_profiles, segment_overall and segment_returns;
        activity, risk_groups, risk_group_effects and contact_curve. Either half may be missing.
    plan
        From `strategy.plan.read_plan`.
    settings
        All settings.

    Returns
    -------
    tuple
        Tables ``actions``, ``action_traits``, ``action_tornado``, ``action_budget`` and
        ``action_experiments``, each with both halves below each other, and ``customers`` and
        ``activity`` with action and expected_value of each customer; facts keyed ``strategy.*``.
    """
    minimum_group, seed = settings.report.smallest_group, settings.engine.seed
    profiles = tables.get("segment_profiles", EMPTY)
    groups = tables.get("risk_groups", EMPTY)
    regular = tables.get("activity", EMPTY)
    past = tables.get("segment_returns", EMPTY)
    cut_off = contact_policy.cut_off(tables.get("contact_curve", EMPTY))
    table = actions(plan, profiles, groups, regular)
    found: dict[str, list[pd.DataFrame]] = {
        name: []
        for name in (
            "actions",
            "action_traits",
            "action_tornado",
            "action_budget",
            "action_experiments",
        )
    }
    made: dict[str, pd.DataFrame] = {}
    facts: Facts = {}
    halves: tuple[Half, ...] = (LEDGER, ACTIVITY)
    for half in halves:
        own = table[table["half"] == half].reset_index(drop=True)
        facts[f"strategy.{half}.available"] = bool(len(own))
        if own.empty:
            continue
        if half == LEDGER:
            people = tables["customers"]
            reachable = may_contact(people, settings.strategy.unknown_consent)
            people = people.assign(away=absence_probability(people, past))
            values = traits.ledger_traits(
                profiles, tables["segment_overall"].iloc[0], settings.transactions.currency
            )
            rates = dict(zip(past["segment"], past["share"].astype(float), strict=True))
        else:
            people = regular
            effects = tables.get("risk_group_effects", EMPTY)
            values = traits.group_traits(people, effects, minimum_group)
            # One policy for all groups: who consented and is at or above the cut-off.
            asked = people["consent"].astype(bool) & (people["decline_probability"] >= cut_off)
            rates = people[asked].groupby("risk_group")["decline"].mean().astype(float).to_dict()
        terms = terms_of(
            plan,
            own,
            half,
            people,
            past,
            settings.strategy,
            settings.contact,
            minimum_group,
            cut_off,
        )
        own = value.value_actions(own, terms, seed)
        order = budget.budget(
            own,
            terms,
            seed,
            settings.strategy.contacts.get(half, 0),
            settings.strategy.budget.get(half, 0.0),
        )
        planned = experiments.plan_experiments(own, rates, settings.strategy)
        told = half == ACTIVITY or tells_levels(people)
        if not told:
            own, order = value.hide_levels(own), order.iloc[:0]
        tornados = [
            value.tornado(name, half, term)
            for name, term in terms.items()
            if told and isinstance(term, value.Terms)
        ]
        found["actions"].append(own)
        found["action_traits"].append(traits.match_traits(plan, values, half))
        found["action_tornado"] += tornados
        found["action_budget"].append(order)
        found["action_experiments"].append(planned)
        facts |= strategy_facts(half, own, order, planned)
        # What is not expected to pay is recommended to nobody.
        texts = own[own["listed"] > 0].set_index("segment")["action"]
        if half == LEDGER:
            made["customers"] = tables["customers"].assign(
                action=people["segment"].map(texts).astype("str").where(reachable),
                expected_value=budget.ledger_values(people[reachable], own).reindex(people.index),
            )
            facts |= consent_facts(people)
        else:
            made["activity"] = people.assign(
                action=people["risk_group"].map(texts).astype("str").where(asked),
                expected_value=budget.group_values(people, plan, settings.contact),
            )
    for name, some in found.items():
        filled = [part for part in some if len(part)]
        made[name] = pd.concat(filled or some or [EMPTY], ignore_index=True)
    return made, facts


def may_contact(people: pd.DataFrame, unknown: str) -> pd.Series:
    """Tell which customers of the orders may be contacted: nobody who refused.

    Parameters
    ----------
    people
        With consent: true, false, or missing where nobody knows.
    unknown
        ``contact`` or ``leave_out`` those of whom nobody knows.
    """
    if "consent" not in people:
        return pd.Series(unknown == "contact", people.index)
    return people["consent"].fillna(unknown == "contact").astype(bool)


def consent_facts(people: pd.DataFrame) -> Facts:
    """Return how many customers of the orders agreed to messages, refused, or were not asked."""
    consent = people["consent"] if "consent" in people else pd.Series(pd.NA, people.index)
    return {
        "strategy.ledger.asked": bool(consent.notna().any()),
        "strategy.ledger.consenting": int(consent.eq(True).sum()),
        "strategy.ledger.refusing": int(consent.eq(False).sum()),
        "strategy.ledger.consent_unknown": int(consent.isna().sum()),
    }


def strategy_facts(
    half: str, table: pd.DataFrame, order: pd.DataFrame, planned: pd.DataFrame
) -> Facts:
    """Return the numbers that the prose quotes, keyed ``strategy.<half>.*``.

    Parameters
    ----------
    half
        `LEDGER` or `ACTIVITY`.
    table, order, planned
        From `strategy.value.value_actions`, `strategy.budget.budget` and
        `strategy.experiments.plan_experiments`.
    """
    key = f"strategy.{half}"
    facts: Facts = {
        f"{key}.actions": len(table),
        f"{key}.valued": int(table["rank"].notna().sum()),
        f"{key}.paying": int((table["listed"] > 0).sum()),
        f"{key}.listed": int(table["listed"].sum()),
        f"{key}.experiments": int((planned["segment"] != TOGETHER).sum()),
        f"{key}.experiments_enough": int(
            ((planned["verdict"] == ENOUGH) & (planned["segment"] != TOGETHER)).sum()
        ),
    }
    if len(ranked := table[table["rank"] == 1]):
        top = ranked.iloc[0]
        facts[f"{key}.top"] = str(top["segment"])
        for name in (
            "contacts",
            "cost",
            "expected_profit",
            "low",
            "high",
            "value_per_contact",
            "draws_paying",
        ):
            facts[f"{key}.top_{name}"] = float(top[name])
    by = order[order["by"] == "contacts"]
    if len(by):
        last = by.iloc[-1]
        facts |= {
            f"{key}.contacts": float(last["cumulative_contacts"]),
            f"{key}.cost": float(last["cumulative_cost"]),
            f"{key}.expected_profit": float(last["cumulative_profit"]),
            f"{key}.low": float(last["low"]),
            f"{key}.high": float(last["high"]),
            f"{key}.limited_contacts": float(by["taken"].sum()),
            f"{key}.limited_profit": float(by["taken_profit"].sum()),
        }
    joint = planned[(planned["segment"] == TOGETHER) & planned["detectable"].notna()]
    if len(joint):
        facts[f"{key}.detectable"] = float(joint["detectable"].iloc[0])
        facts[f"{key}.experiment_verdict"] = str(joint["verdict"].iloc[0])
    return facts


def terms_of(
    plan: Plan,
    table: pd.DataFrame,
    half: str,
    people: pd.DataFrame,
    past: pd.DataFrame,
    assumed: StrategySettings,
    contact: ContactSettings,
    minimum_group: int,
    cut_off: float = 0.0,
) -> dict[str, value.Terms | str]:
    """Return the terms of each action of one half, or why there are none.

    Parameters
    ----------
    plan, table
        From `strategy.plan`.
    half
        `LEDGER` or `ACTIVITY`.
    people
        The half's customers; in the ledger with ``away``.
    past
        From `returns`; not used in the activity half.
    assumed, contact, minimum_group
        The settings.
    cut_off
        From `strategy.contact_policy.cut_off`; not used in the ledger.
    """
    shown = set(table.loc[(table["half"] == half) & table["shown"], "segment"])
    column = "segment" if half == LEDGER else "risk_group"
    found: dict[str, value.Terms | str] = {}
    for action in plan.actions:
        if action.half != half:
            continue
        own = people[people[column] == action.segment]
        if action.segment not in shown:
            found[action.segment] = value.FEW
        elif half == LEDGER:
            found[action.segment] = value.ledger_terms(
                action, own, past[past["segment"] == action.segment], assumed, minimum_group
            )
        else:
            found[action.segment] = value.group_terms(
                action, own, contact, assumed.wrong_by, minimum_group, cut_off
            )
    return found

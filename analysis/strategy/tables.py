"""Make the tables of the strategy: plan, value, contact lists with control groups, and tests.

Everything here uses tables that earlier steps made, and takes a second or two. For each segment:
which customers an action may contact; of these, for whom it pays; who of them is left out at random
as control group; and what contacting the others costs and brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.core.names import ACTIVITY, LEDGER, Half
from analysis.core.settings import Settings
from analysis.segments.names import tells_levels
from analysis.strategy import budget, experiments, traits, value
from analysis.strategy.assignment import Lists, add_lists, count_groups, list_contacts
from analysis.strategy.candidates import Candidates, group_candidates, ledger_candidates
from analysis.strategy.control_groups import name_data
from analysis.strategy.measured_uplift import list_updates
from analysis.strategy.names import CONTACTED, ENOUGH, TOGETHER
from analysis.strategy.plan import Plan, actions
from analysis.strategy.terms import Terms, reach_of

Facts = dict[str, Any]
EMPTY = pd.DataFrame()
#: What each half gives.
TABLES = ("actions", "action_traits", "action_tornado", "action_budget", "action_experiments")


class Planned(NamedTuple):
    """The plan of one half.

    Attributes
    ----------
    tables
        `TABLES`, by name, and ``campaign_updates`` of the customers of the orders.
    people
        All customers of the half with action, group (`CONTACTED` or `CONTROL`; missing for
        customers whom no action is for) and expected_value.
    """

    tables: dict[str, pd.DataFrame]
    people: pd.DataFrame


def strategy(
    tables: Mapping[str, pd.DataFrame], plan: Plan, settings: Settings
) -> tuple[dict[str, pd.DataFrame], Facts]:
    """Return the tables and facts of the strategy.

    Parameters
    ----------
    tables
        Of the earlier steps: customers, segment_profiles, segment_overall, segment_returns and
        coming; activity, risk_groups, risk_group_effects and contact_curve; campaigns. Each may be
        missing.
    plan
        From `strategy.plan.read_plan`.
    settings
        All settings.

    Returns
    -------
    tuple
        `TABLES`, with both halves below each other; ``campaign_updates`` as `list_updates`;
        ``customers`` and ``activity`` as `Planned.people`; facts keyed ``strategy.*``.
    """
    table = actions(
        plan,
        tables.get("segment_profiles", EMPTY),
        tables.get("risk_groups", EMPTY),
        tables.get("activity", EMPTY),
    )
    planned: dict[Half, Planned] = {}
    facts: Facts = {}
    # Regular customers come first: nobody is in two actions, and who refused messages is in none.
    for half in (ACTIVITY, LEDGER):
        own = table[table["half"] == half].reset_index(drop=True)
        facts[f"strategy.{half}.available"] = bool(len(own))
        if own.empty:
            continue
        if half == ACTIVITY:
            planned[half] = plan_regulars(tables, plan, own, settings)
        else:
            regulars = planned[ACTIVITY].people if ACTIVITY in planned else EMPTY
            planned[half] = plan_orders(tables, plan, own, settings, regulars)
            facts |= consent_facts(tables["customers"])
        facts |= strategy_facts(half, planned[half].tables)
    given = [planned[half].tables for half in (LEDGER, ACTIVITY) if half in planned]
    # Where nothing can be planned, the table of actions has its columns all the same.
    none = count_groups(value.value_actions(table, {}, settings.engine.seed), EMPTY)
    given = given or [dict.fromkeys(TABLES, EMPTY) | {"actions": none.assign(revenue=0.0)}]
    made = {name: _below_each_other([one[name] for one in given]) for name in TABLES}
    measured = planned[LEDGER].tables if LEDGER in planned else {}
    made["campaign_updates"] = measured.get("campaign_updates", list_updates((), EMPTY, {}, 0.0))
    names = {LEDGER: "customers", ACTIVITY: "activity"}
    return made | {names[half]: one.people for half, one in planned.items()}, facts


def _below_each_other(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables below each other; of empty ones, the first."""
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def list_own_updates(
    tables: Mapping[str, pd.DataFrame],
    plan: Plan,
    table: pd.DataFrame,
    candidates: Mapping[str, Candidates | str],
    settings: Settings,
) -> pd.DataFrame:
    """Return `measured_uplift.list_updates` of the actions for segments that are described.

    An action that the plan uses shows the range that the plan uses: both divide by the same share.
    """
    people, given = tables["customers"], settings.strategy
    shown = set(table.loc[table["shown"], "segment"])
    reached: dict[str, float] = {}
    for segment in shown:
        one = candidates.get(segment, "")
        of_segment = people[people["segment"] == segment]
        reached[segment] = reach_of(of_segment, given).mean if isinstance(one, str) else one.reached
    own = [action for action in plan.actions if action.half == LEDGER and action.segment in shown]
    return list_updates(own, tables.get("campaigns", EMPTY), reached, given.alpha)


def plan_orders(
    tables: Mapping[str, pd.DataFrame],
    plan: Plan,
    table: pd.DataFrame,
    settings: Settings,
    regulars: pd.DataFrame,
) -> Planned:
    """Return the plan for customers of the orders.

    Parameters
    ----------
    tables, plan, settings
        As `strategy` takes them.
    table
        Their rows of `strategy.plan.actions`.
    regulars
        The regular customers with consent and group; may be empty. Those with a group have an
        action already, and those who refused messages get none.
    """
    customers = tables["customers"]
    candidates = ledger_candidates(tables, plan, table, settings, regulars)
    away = {key: one.terms.movable for key, one in candidates.items() if not isinstance(one, str)}
    found = weigh(
        table,
        candidates,
        {key: 1 - share for key, share in away.items()},
        settings,
        LEDGER,
        name_data(customers[["customer_id", "monetary", "recency_days"]]),
    )
    values = traits.ledger_traits(
        tables["segment_profiles"],
        tables["segment_overall"].iloc[0],
        settings.transactions.currency,
    )
    made = finish(
        found,
        traits.match_traits(plan, values, LEDGER),
        expected_revenue(tables.get("coming", EMPTY)),
        customers,
        told=tells_levels(customers),
    )
    updates = list_own_updates(tables, plan, table, candidates, settings)
    return made._replace(tables=made.tables | {"campaign_updates": updates})


def plan_regulars(
    tables: Mapping[str, pd.DataFrame], plan: Plan, table: pd.DataFrame, settings: Settings
) -> Planned:
    """Return the plan for regular customers: parameters as for `plan_orders`."""
    people = tables["activity"]
    candidates = group_candidates(tables, plan, table, settings)
    found = weigh(
        table,
        candidates,
        {
            key: float(one.people["risk"].mean())
            for key, one in candidates.items()
            if not isinstance(one, str)
        },
        settings,
        ACTIVITY,
        name_data(people[["customer_id", "profit"]]),
    )
    effects = tables.get("risk_group_effects", EMPTY)
    values = traits.group_traits(people, effects, settings.report.smallest_group)
    profit = people.groupby("risk_group")["profit"].sum() * settings.contact.months
    return finish(
        found,
        traits.match_traits(plan, values, ACTIVITY),
        {str(group): float(value) for group, value in profit.items()},
        people,
        told=True,
    )


class Weighed(NamedTuple):
    """The actions of one half with their value, and what follows from it."""

    half: Half
    lists: Lists
    actions: pd.DataFrame
    curve: pd.DataFrame
    experiments: pd.DataFrame
    tornado: list[pd.DataFrame]


def weigh(
    table: pd.DataFrame,
    candidates: Mapping[str, Candidates | str],
    rates: Mapping[str, float],
    settings: Settings,
    half: Half,
    version: str,
) -> Weighed:
    """Return whom the actions of one half contact, and what that costs, brings and can show."""
    seed = settings.engine.seed
    lists = list_contacts(candidates, settings, half, version)
    known = {key: term for key, term in lists.terms.items() if isinstance(term, Terms)}
    own = count_groups(value.value_actions(table, lists.terms, seed), lists.assigned)
    contacted = lists.assigned[lists.assigned["group"] == CONTACTED]
    listed = {key: term for key, term in known.items() if contacted["segment"].eq(key).any()}
    draws = value.draw_assumptions(known, seed)
    return Weighed(
        half,
        lists,
        own,
        budget.gain_by_contacts(contacted, listed, seed, settings.report.smallest_group),
        experiments.plan_experiments(own, rates, draws, settings.strategy),
        [value.tornado(name, half, term) for name, term in known.items()],
    )


def finish(
    found: Weighed,
    matched: pd.DataFrame,
    revenue: Mapping[str, float],
    people: pd.DataFrame,
    told: bool,
) -> Planned:
    """Return the tables of one half, without expected values where the season is not known."""
    own = found.actions
    brings = own["segment"].map(dict(revenue)).where(own["shown"]).astype(float)
    own = own.assign(revenue=brings)
    curve, bars = found.curve, found.tornado
    if not told:
        own, curve, bars = value.hide_levels(own), curve.iloc[:0], []
    return Planned(
        {
            "actions": own,
            "action_traits": matched,
            "action_tornado": pd.concat(bars, ignore_index=True) if bars else EMPTY,
            "action_budget": curve.assign(half=found.half),
            "action_experiments": found.experiments,
        },
        add_lists(people, found.lists.assigned, own, told),
    )


def expected_revenue(coming: pd.DataFrame) -> dict[str, float]:
    """Return the net revenue that is expected of each segment in the next 90 days."""
    own = coming[coming["kind"] == "segment"] if len(coming) else EMPTY
    return (
        {} if own.empty else dict(zip(own["group"], own["expected_90"].astype(float), strict=True))
    )


def consent_facts(people: pd.DataFrame) -> Facts:
    """Return how many customers of the orders agreed to messages, refused, or were not asked."""
    consent = people["consent"] if "consent" in people else pd.Series(pd.NA, people.index)
    return {
        "strategy.ledger.asked": bool(consent.notna().any()),
        "strategy.ledger.consenting": int(consent.eq(True).sum()),
        "strategy.ledger.refusing": int(consent.eq(False).sum()),
        "strategy.ledger.consent_unknown": int(consent.isna().sum()),
    }


def strategy_facts(half: str, tables: Mapping[str, pd.DataFrame]) -> Facts:
    """Return the numbers that the prose quotes, keyed ``strategy.<half>.*``.

    Parameters
    ----------
    half
        `LEDGER` or `ACTIVITY`.
    tables
        `Planned.tables` of that half.
    """
    key = f"strategy.{half}"
    table, curve, planned = (
        tables[name] for name in ("actions", "action_budget", "action_experiments")
    )
    facts: Facts = {
        f"{key}.actions": len(table),
        f"{key}.valued": int(table["rank"].notna().sum()),
        f"{key}.paying": int((table["listed"] > 0).sum()),
        f"{key}.listed": int(table["listed"].sum()),
        f"{key}.control": int(table["control"].sum()),
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
    if len(curve):
        last = curve.iloc[-1]
        facts |= {
            f"{key}.{name}": float(last[name])
            for name in ("contacts", "cost", "expected_profit", "low", "high")
        }
        facts[f"{key}.forgone"] = float(table["forgone"].sum())
    joint = planned[planned["segment"] == TOGETHER] if len(planned) > 1 else planned
    if len(joint):
        row = joint.iloc[0]
        for name in ("detectable", "expected", "chance_found", "chance_decided"):
            if pd.notna(row[name]):
                facts[f"{key}.{name}"] = float(row[name])
        facts[f"{key}.experiment_verdict"] = str(row["verdict"])
    return facts

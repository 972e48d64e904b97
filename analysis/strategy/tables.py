"""Make the tables of the strategy: plan, value, contact lists with control groups, and tests.

Everything here uses tables that earlier steps made, and takes a second or two. For each segment:
which customers an action may contact; of these, for whom it pays; who of them is left out at random
as control group; and what contacting the others costs and brings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.core.names import ACTIVITY, LEDGER, Half
from analysis.core.settings import Settings
from analysis.segments.names import tells_levels
from analysis.strategy import budget, contact_policy, experiments, traits, value
from analysis.strategy.control_groups import draw_groups, name_data
from analysis.strategy.measured_uplift import measure_uplift
from analysis.strategy.names import CONTACTED, CONTROL, ENOUGH, TOGETHER
from analysis.strategy.plan import Action, Plan, actions
from analysis.strategy.terms import (
    FEW,
    FEW_WORTH,
    NO_FORECAST,
    NO_PAST,
    Terms,
    check_consent,
    consenting,
    group_terms,
    ledger_contacts,
    ledger_terms,
    profit_at_stake,
    reach_of,
    reachable_by,
)

Facts = dict[str, Any]
EMPTY = pd.DataFrame()
#: What each half gives: published tables, with both halves below each other.
TABLES = ("actions", "action_traits", "action_tornado", "action_budget", "action_experiments")


class Candidates(NamedTuple):
    """The customers whom an action may contact, and what contacting them all would bring.

    Attributes
    ----------
    people
        By customer: customer_id, segment, won, spend, orders and anyway (as
        `strategy.value.value_contacts` takes them).
    terms
        Of contacting all of them.
    narrow
        Returns the terms of contacting some of them.
    each
        Whether customers are chosen one by one; else all are contacted, or nobody.
    """

    people: pd.DataFrame
    terms: Terms
    narrow: Callable[[pd.DataFrame], Terms | str]
    each: bool


class Lists(NamedTuple):
    """Whom the actions of one half contact.

    Attributes
    ----------
    assigned
        The customers on the lists and those held out: as `Candidates.people`, with expected_value
        and group.
    terms
        By segment: of contacting the customers on the list (of all candidates, where nobody is
        listed), or why there are none.
    """

    assigned: pd.DataFrame
    terms: dict[str, Terms | str]


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
        `TABLES`, and ``customers`` and ``activity`` with action, group (`CONTACTED` or `CONTROL`;
        missing for customers whom no action is for) and expected_value of each customer; facts
        keyed ``strategy.*``.
    """
    regular = tables.get("activity", EMPTY)
    table = actions(
        plan,
        tables.get("segment_profiles", EMPTY),
        tables.get("risk_groups", EMPTY),
        regular,
    )
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    made: dict[str, pd.DataFrame] = {}
    facts: Facts = {}
    halves: tuple[Half, ...] = (LEDGER, ACTIVITY)
    for half in halves:
        own = table[table["half"] == half].reset_index(drop=True)
        facts[f"strategy.{half}.available"] = bool(len(own))
        if own.empty:
            continue
        if half == LEDGER:
            customers = tables["customers"]
            candidates = ledger_candidates(tables, plan, own, settings)
            version = name_data(customers[["customer_id", "monetary", "recency_days"]])
            rates = {
                segment: one.terms.movable
                for segment, one in candidates.items()
                if isinstance(one, Candidates)
            }
            rates = {segment: 1 - away for segment, away in rates.items()}
            told = tells_levels(customers)
            values = traits.ledger_traits(
                tables["segment_profiles"],
                tables["segment_overall"].iloc[0],
                settings.transactions.currency,
            )
            facts |= consent_facts(customers)
        else:
            customers, told = regular, True
            candidates = group_candidates(tables, plan, own, settings)
            version = name_data(regular[["customer_id", "profit"]])
            rates = {
                segment: float(one.people["risk"].mean())
                for segment, one in candidates.items()
                if isinstance(one, Candidates)
            }
            effects = tables.get("risk_group_effects", EMPTY)
            values = traits.group_traits(regular, effects, settings.report.smallest_group)
        lists = list_contacts(candidates, settings, half, version)
        known = {key: term for key, term in lists.terms.items() if isinstance(term, Terms)}
        own = value.value_actions(own, lists.terms, settings.engine.seed)
        own = count_groups(own, lists.assigned).assign(revenue=money_of(own, tables, settings))
        draws = value.draw_assumptions(known, settings.engine.seed)
        planned = experiments.plan_experiments(own, rates, draws, settings.strategy)
        contacted = lists.assigned[lists.assigned["group"] == CONTACTED]
        curve = budget.gain_by_contacts(
            contacted,
            {key: term for key, term in known.items() if contacted["segment"].eq(key).any()},
            settings.engine.seed,
            settings.report.smallest_group,
        )
        if not told:
            own, curve = value.hide_levels(own), curve.iloc[:0]
        tornados = [value.tornado(name, half, term) for name, term in known.items() if told]
        found["actions"].append(own)
        found["action_traits"].append(traits.match_traits(plan, values, half))
        found["action_tornado"] += tornados
        found["action_budget"].append(curve.assign(half=half))
        found["action_experiments"].append(planned)
        facts |= strategy_facts(half, own, curve, planned)
        made["customers" if half == LEDGER else "activity"] = add_lists(
            customers, lists.assigned, own, told
        )
    for name, some in found.items():
        filled = [part for part in some if len(part)]
        made[name] = pd.concat(filled or some or [EMPTY], ignore_index=True)
    return made, facts


# ------------------------------------------------------------------------- whom actions may contact


def ledger_candidates(
    tables: Mapping[str, pd.DataFrame], plan: Plan, table: pd.DataFrame, settings: Settings
) -> dict[str, Candidates | str]:
    """Return the customers of the orders whom each action may contact, or why there are none.

    Parameters
    ----------
    tables, plan, settings
        As `strategy` takes them.
    table
        The half's rows of `strategy.plan.actions`.
    """
    given, smallest = settings.strategy, settings.report.smallest_group
    past, people = tables.get("segment_returns", EMPTY), tables["customers"]
    campaigns, coming = tables.get("campaigns", EMPTY), tables.get("coming", EMPTY)
    shown = set(table.loc[table["shown"], "segment"])
    known = set(past.loc[past["spend_mean"].notna(), "segment"]) if len(past) else set()
    contacts = ledger_contacts(people, past) if len(past) else EMPTY
    may = reachable_by(people, given.unknown_consent)
    found: dict[str, Candidates | str] = {}
    for action in (one for one in plan.actions if one.half == LEDGER):
        of_segment = people["segment"] == action.segment
        if action.segment not in shown:
            found[action.segment] = FEW
            continue
        if reason := check_consent(people[of_segment], given.unknown_consent, smallest):
            found[action.segment] = reason
            continue
        if action.segment not in known:
            found[action.segment] = NO_PAST
            continue
        columns = ["customer_id", "segment", *(["consent"] if "consent" in people else [])]
        own = people.loc[of_segment & may, columns].join(contacts)
        own = own[own["spend"].notna()]
        if len(own) < smallest:
            found[action.segment] = NO_FORECAST
            continue
        found[action.segment] = _candidates(
            action, own, coming, campaigns, settings, each=tells_levels(people)
        )
    return found


def _candidates(
    action: Action,
    own: pd.DataFrame,
    coming: pd.DataFrame,
    campaigns: pd.DataFrame,
    settings: Settings,
    each: bool,
) -> Candidates:
    """Return the customers of one segment with the terms of contacting them."""
    away, given = float(own["away"].mean()), settings.strategy
    measured = measure_uplift(action, campaigns, away, reach_of(own, given).mean)
    ends = spend_ends(coming, action.segment)

    def narrow(some: pd.DataFrame) -> Terms:
        return ledger_terms(action, some, own, ends, given, measured)

    people = own.assign(won=own["away"] / away if away > 0 else 1.0)
    return Candidates(people, narrow(own), narrow, each)


def spend_ends(coming: pd.DataFrame, segment: str) -> tuple[float, float]:
    """Return the ends of what a segment is expected to spend, in parts of it; 1 where unknown."""
    if coming.empty:
        return 1.0, 1.0
    own = coming[(coming["kind"] == "segment") & (coming["group"] == segment)]
    if own.empty or not own["expected_90"].iloc[0] > 0:
        return 1.0, 1.0
    low, likely, high = (float(own[f"expected_90{end}"].iloc[0]) for end in ("_low", "", "_high"))
    return min(low / likely, 1.0), max(high / likely, 1.0)


def group_candidates(
    tables: Mapping[str, pd.DataFrame], plan: Plan, table: pd.DataFrame, settings: Settings
) -> dict[str, Candidates | str]:
    """Return the regular customers whom each action may contact, or why there are none.

    One policy for all groups: who consented and is at or above the contact cut-off.
    """
    people, smallest = tables["activity"], settings.report.smallest_group
    line = contact_policy.cut_off(tables.get("contact_curve", EMPTY))
    shown = set(table.loc[table["shown"], "segment"])
    found: dict[str, Candidates | str] = {}
    for action in (one for one in plan.actions if one.half == ACTIVITY):
        if action.segment not in shown:
            found[action.segment] = FEW
            continue
        own = consenting(people[people["risk_group"] == action.segment], smallest, line)
        if isinstance(own, str):
            found[action.segment] = own
            continue

        def narrow(some: pd.DataFrame, action: Action = action) -> Terms | str:
            given = people.loc[some.index]
            return group_terms(action, given, settings.contact, settings.strategy.wrong_by)

        terms = narrow(own)
        if isinstance(terms, str):
            found[action.segment] = terms
            continue
        risk = own["decline_probability"].astype(float)
        at_stake = profit_at_stake(own, action, settings.contact)
        rows = pd.DataFrame(
            {
                "customer_id": own["customer_id"],
                "segment": action.segment,
                "risk": risk,
                "won": 1.0,
                "spend": at_stake / risk.mean() if risk.mean() else 0.0,
                "orders": 0.0,
                "anyway": 0.0,
            }
        )
        found[action.segment] = Candidates(rows, terms, narrow, each=False)
    return found


# ------------------------------------------------------------------------- who is contacted


def list_contacts(
    candidates: Mapping[str, Candidates | str], settings: Settings, half: Half, version: str
) -> Lists:
    """Return whom the actions of one half contact, and who is held out as control group.

    Contacted are the customers for whom a contact is expected to pay; within the settings' limits,
    the most valuable. Where too few of a segment are left to be described, nobody is.

    Parameters
    ----------
    candidates
        By segment.
    settings
        All settings.
    half
        `LEDGER` or `ACTIVITY`.
    version
        The name of the data, on which the draw of control groups depends.
    """
    share, smallest = settings.campaigns.control_share, settings.report.smallest_group
    terms: dict[str, Terms | str] = {}
    parts = []
    for segment, one in candidates.items():
        terms[segment] = one if isinstance(one, str) else one.terms
        if isinstance(one, str):
            continue
        values = value.value_contacts(one.people, one.terms)
        pays = float(one.terms.profit()) > 0
        chosen = values > 0 if one.each else pd.Series(pays, values.index)
        cost = one.terms.mean("cost") + one.terms.mean("offer") * one.people["anyway"]
        rows = one.people.assign(expected_value=values, reach=one.terms.mean("reach"), cost=cost)[
            chosen
        ]
        if len(rows):
            parts.append(rows)
        if pays and len(rows) * (1 - share) < smallest:
            terms[segment] = FEW_WORTH
    if not parts:
        return Lists(EMPTY.reindex(columns=["customer_id", "segment", "group"]), terms)
    every = pd.concat(parts)
    # Limits are for those who are contacted: the control group is on top of them.
    limits = [
        getattr(settings.strategy, name).get(half, 0) / (1 - share)
        for name in ("contacts", "budget")
    ]
    every = every[budget.choose_within(every, *limits)]
    sizes = every.groupby("segment")["customer_id"].transform("size")
    every = every[sizes * (1 - share) >= smallest]
    every = every.assign(group=draw_groups(every, share, version))
    for segment, one in candidates.items():
        own = every[(every["segment"] == segment) & (every["group"] == CONTACTED)]
        if len(own) and isinstance(one, Candidates):
            terms[segment] = one.narrow(own)
        elif isinstance(one, Candidates) and float(one.terms.profit()) > 0:
            terms[segment] = FEW_WORTH
    return Lists(every, terms)


def count_groups(table: pd.DataFrame, assigned: pd.DataFrame) -> pd.DataFrame:
    """Return the valued actions with control, the customers held out, and forgone.

    Parameters
    ----------
    table
        From `strategy.value.value_actions`.
    assigned
        From `list_contacts`.

    Returns
    -------
    pandas.DataFrame
        `table` with control and forgone: what contacting the control group as well would bring.
    """
    sizes = assigned[assigned["group"] == CONTROL]["segment"].value_counts()
    control = table["segment"].map(sizes).fillna(0).astype("int64")
    control = control.where(table["listed"] > 0, 0)
    one = table["expected_profit"] / table["listed"].where(table["listed"] > 0)
    return table.assign(control=control, forgone=(one * control).fillna(0.0))


def money_of(
    table: pd.DataFrame, tables: Mapping[str, pd.DataFrame], settings: Settings
) -> pd.Series:
    """Return what the customers of each action bring anyway in the time that its gain is for.

    Parameters
    ----------
    table
        Actions of one half.
    tables, settings
        As `strategy` takes them.

    Returns
    -------
    pandas.Series
        The net revenue that is expected of the segment in the next 90 days (missing where the
        season is not known); of regular customers, the profit of their group in the months for
        which a contact counts.
    """
    found: dict[str, float] = {}
    if len(coming := tables.get("coming", EMPTY)):
        own = coming[coming["kind"] == "segment"]
        found = dict(zip(own["group"], own["expected_90"].astype(float), strict=True))
    if len(people := tables.get("activity", EMPTY)) and table["half"].eq(ACTIVITY).all():
        profit = people.groupby("risk_group")["profit"].sum() * settings.contact.months
        found = {str(group): float(value) for group, value in profit.items()}
    return table["segment"].map(found).where(table["shown"]).astype(float)


def add_lists(
    customers: pd.DataFrame, assigned: pd.DataFrame, table: pd.DataFrame, told: bool
) -> pd.DataFrame:
    """Return customers with action, group and expected_value.

    Parameters
    ----------
    customers
        All of one half.
    assigned
        From `list_contacts`, by the index of `customers`.
    table
        From `strategy.value.value_actions`.
    told
        Whether expected values may be stated.
    """
    texts = table[table["listed"] > 0].set_index("segment")["action"]
    listed = assigned[assigned["segment"].isin(texts.index)]
    actions = listed["segment"].map(texts).where(listed["group"] == CONTACTED)
    values = listed["expected_value"] if told and len(listed) else pd.Series(dtype=float)
    return customers.assign(
        action=actions.reindex(customers.index).astype("str"),
        group=listed["group"].reindex(customers.index).astype("str"),
        expected_value=values.reindex(customers.index).astype(float),
    )


# ------------------------------------------------------------------------- facts


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
    half: str, table: pd.DataFrame, curve: pd.DataFrame, planned: pd.DataFrame
) -> Facts:
    """Return the numbers that the prose quotes, keyed ``strategy.<half>.*``.

    Parameters
    ----------
    half
        `LEDGER` or `ACTIVITY`.
    table, curve, planned
        From `strategy.value.value_actions` with `count_groups`, `strategy.budget.gain_by_contacts`
        and `strategy.experiments.plan_experiments`.
    """
    key = f"strategy.{half}"
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

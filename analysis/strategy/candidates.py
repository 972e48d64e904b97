"""Find the customers whom each action may contact, and what contacting them would bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd

from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.settings import Settings
from analysis.segments.names import tells_levels
from analysis.strategy import contact_policy, value
from analysis.strategy.measured_uplift import has_harmed, measure_uplift
from analysis.strategy.names import FEW, HARMED, NO_FORECAST, NO_PAST
from analysis.strategy.plan import Action, Plan
from analysis.strategy.terms import (
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

EMPTY = pd.DataFrame()


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
    reached
        What a campaign's measured uplift is divided by: the share of the assigned customers who are
        reached, times how much more easily a list is won than its segment.
    """

    people: pd.DataFrame
    terms: Terms
    narrow: Callable[[pd.DataFrame], Terms | str]
    each: bool
    reached: float = 1.0


def ledger_candidates(
    tables: Mapping[str, pd.DataFrame],
    plan: Plan,
    table: pd.DataFrame,
    settings: Settings,
    regulars: pd.DataFrame,
) -> dict[str, Candidates | str]:
    """Return the customers of the orders whom each action may contact, or why there are none.

    Parameters as for `plan_orders`.
    """
    given, smallest = settings.strategy, settings.report.smallest_group
    past = tables.get("segment_returns", EMPTY)
    people = know_regulars(tables["customers"], regulars)
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
        if has_harmed(action, campaigns, given.alpha):
            found[action.segment] = HARMED
            continue
        if reason := check_consent(people[of_segment], given.unknown_consent, smallest):
            found[action.segment] = reason
            continue
        if action.segment not in known:
            found[action.segment] = NO_PAST
            continue
        columns = ["customer_id", "segment", *(["consent"] if "consent" in people else [])]
        own = people.loc[of_segment & may & ~people["has_action"], columns].join(contacts)
        own = own[own["spend"].notna()]
        if len(own) < smallest:
            found[action.segment] = NO_FORECAST
            continue
        found[action.segment] = _candidates(
            action, own, coming, campaigns, settings, each=tells_levels(people)
        )
    return found


def know_regulars(customers: pd.DataFrame, regulars: pd.DataFrame) -> pd.DataFrame:
    """Return the customers of the orders with what is known of the regular customers among them.

    Parameters
    ----------
    customers
        All customers of the orders.
    regulars
        As `plan_orders` takes them.

    Returns
    -------
    pandas.DataFrame
        `customers` with has_action, and with the consent that the tables of regular customers
        state, where they state one.
    """
    if regulars.empty:
        return customers.assign(has_action=False)
    ids = customers["customer_id"].astype("str")
    told = regulars.set_index(regulars["customer_id"].astype("str"))
    consent = ids.map(told["consent"].astype("boolean"))
    if "consent" in customers:
        consent = consent.fillna(customers["consent"].astype("boolean"))
    return customers.assign(has_action=ids.isin(told.index[told["group"].notna()]), consent=consent)


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
    people = own.assign(won=own["away"] / away if away > 0 else 1.0)
    ends = spend_ends(coming, action.segment)
    # A campaign was sent to a list like this one, and not to the whole segment: those on it are
    # won more easily than others.
    values = value.value_contacts(people, ledger_terms(action, own, own, ends, given))
    listed = people[values > 0] if each and (values > 0).any() else people
    reached = reach_of(own, given).mean * float(listed["won"].mean())
    measured = measure_uplift(action, campaigns, reached)

    def narrow(some: pd.DataFrame) -> Terms:
        return ledger_terms(action, some, own, ends, given, measured)

    return Candidates(people, narrow(own), narrow, each, reached)


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

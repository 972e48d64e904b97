"""Estimate the expected value of each action, and rank the actions.

The expected value is the mean over all that is assumed and not known; the value of each customer's
contact comes from the same means, so that lists add up to the actions. Orders and regular customers
have different units, and are never added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.core.names import LOSES
from analysis.stats.bootstrap import percentile_interval
from analysis.strategy.names import (
    COST,
    FEW,
    HARMED,
    MEASURED,
    NO_SEASON,
    OFFER,
    PAYS,
    RATE,
    REACH,
    UNCERTAIN,
    UPLIFT,
    VALUE,
)
from analysis.strategy.terms import Terms

Numbers = npt.NDArray[np.float64]
DRAWS = 4000
#: The share of draws in which a measured action pays for sure, and an assumed one probably.
SURE, LIKELY = 0.975, 0.75


def draw_assumptions(terms: Mapping[str, Terms], seed: int) -> dict[str, dict[str, Numbers]]:
    """Return `DRAWS` values of each quantity of each action of one half.

    Uplift, margin, reach and costs stand equally high in their ranges for all actions: if one
    assumption is too hopeful for one action, it is so for all. What the data say is drawn for each
    action by itself: what a customer who is won spends, and an uplift that was measured.
    """
    random = np.random.default_rng(seed)
    shared = {name: random.random(DRAWS) for name in (UPLIFT, RATE, REACH, COST, OFFER)}
    found = {}
    for key, term in terms.items():
        own = {VALUE: random.random(DRAWS), UPLIFT: random.random(DRAWS)}
        u = shared | (own if term.campaigns else {VALUE: own[VALUE]})
        found[key] = {name: term.ranges[name].quantiles(u[name]) for name in term.ranges}
    return found


COLUMNS = [
    "contacts",
    "message_cost",
    "cost_per_contact",
    "cost",
    "uplift",
    "uplift_low",
    "uplift_high",
    "movable",
    "spend_won",
    "orders_won",
    "value_per_customer",
    "value_per_customer_low",
    "value_per_customer_high",
    "offer_cost",
    "orders_anyway",
    "highest_offer_cost",
    "expected_profit",
    "low",
    "high",
    "value_per_contact",
    "break_even_uplift",
    "draws_paying",
]


def value_actions(table: pd.DataFrame, terms: Mapping[str, Terms | str], seed: int) -> pd.DataFrame:
    """Add to the actions of one half what they cost and are expected to bring.

    Parameters
    ----------
    table
        The rows of one half of `strategy.plan.actions`.
    terms
        Of contacting the customers on the list of each segment; a text says why there are none.
    seed
        Of the draws.

    Returns
    -------
    pandas.DataFrame
        `table` with listed (customers on the contact list: none where no profit is expected, or
        none can be told); contacts (customers who can be reached, as is expected); message_cost;
        cost_per_contact (message, and offers that are used anyway); cost (of all contacts); uplift
        with uplift_low and uplift_high (share of those contacted, no more than movable); movable;
        spend_won and orders_won (of each customer won); value_per_customer (profit with one who is
        won, after the offer) with value_per_customer_low and value_per_customer_high (95% by the
        data); offer_cost (of an order that uses the offer);
        orders_anyway (of a contacted customer); highest_offer_cost (at which the action still
        pays); expected_profit (the mean over `draw_assumptions`' distributions) with low and high
        (their middle 95%); value_per_contact (expected profit by contacts); break_even_uplift
        (the lowest at which the action still pays); draws_paying (share of the draws above 0);
        campaigns (that measured the uplift); rank
        (by value per contact, 1 first); reason (why there is no value, or empty); verdict (as in
        `judge`). Amounts are in the unit of the half.

    Notes
    -----
    ``low`` to ``high`` is not a confidence interval where uplifts were not measured: their ranges
    are opinions, and so is the result.
    """
    known = {key: term for key, term in terms.items() if isinstance(term, Terms)}
    draws = draw_assumptions(known, seed)
    rows: list[dict[str, Any]] = []
    for key in table["segment"]:
        term = terms.get(key, FEW)
        rows.append(
            {"reason": term} if isinstance(term, str) else value_action(term, draws[str(key)])
        )
    names = ["listed", *COLUMNS, "campaigns", "reason"]
    more = pd.DataFrame(rows, index=table.index).reindex(columns=names)
    counts = dict.fromkeys(["listed", "campaigns"], "int64")
    more = more.fillna(dict.fromkeys(counts, 0))
    types = counts | {**dict.fromkeys(COLUMNS, "float64"), "reason": "str"}
    more = more.astype(types)
    rank = more["value_per_contact"].rank(ascending=False, method="first").astype("Int64")
    return pd.concat([table, more.assign(rank=rank, verdict=judge(more))], axis=1)


def value_action(term: Terms, drawn: Mapping[str, Numbers]) -> dict[str, Any]:
    """Return the values of one action: a row of `value_actions`."""
    mean = {name: term.mean(name) for name in term.ranges}
    contacts = term.people * mean[REACH]
    cost = mean[COST] + mean[OFFER] * term.anyway
    offer = mean[OFFER] * term.orders
    profit = float(term.profit())
    spread = term.profit(**drawn)
    low, high = percentile_interval(spread)
    value, uplift = term.ranges[VALUE], term.ranges[UPLIFT]
    per_customer = [end * mean[RATE] - offer for end in (value.low, mean[VALUE], value.high)]
    return {
        "listed": term.people if profit > 0 else 0,
        "contacts": contacts,
        "message_cost": mean[COST],
        "cost_per_contact": cost,
        "cost": contacts * cost,
        "uplift": mean[UPLIFT],
        "uplift_low": min(uplift.low, term.movable),
        "uplift_high": min(uplift.high, term.movable),
        "movable": term.movable,
        "spend_won": mean[VALUE],
        "orders_won": term.orders,
        "value_per_customer": per_customer[1],
        "value_per_customer_low": per_customer[0],
        "value_per_customer_high": per_customer[2],
        "offer_cost": mean[OFFER],
        "orders_anyway": term.anyway,
        "highest_offer_cost": highest_offer_cost(term),
        "expected_profit": profit,
        "low": min(low, profit),
        "high": max(high, profit),
        "value_per_contact": profit / contacts if contacts else np.nan,
        "break_even_uplift": cost / per_customer[1] if per_customer[1] > 0 else np.nan,
        "draws_paying": float((spread > 0).mean()),
        "reason": "",
        "campaigns": term.campaigns,
    }


def highest_offer_cost(term: Terms) -> float:
    """Return what an order with the offer may cost at most; 0 where no offer pays, however cheap.

    Missing where no order uses the offer.
    """
    mean = {name: term.mean(name) for name in term.ranges}
    used = term.anyway + mean[UPLIFT] * term.orders
    if used <= 0:
        return np.nan
    return max(0.0, (mean[UPLIFT] * mean[VALUE] * mean[RATE] - mean[COST]) / used)


def value_contacts(contacts: pd.DataFrame, term: Terms) -> pd.Series:
    """Return what a contact with each customer is expected to bring, less its cost.

    Parameters
    ----------
    contacts
        won (how much likelier the customer is to be won than those whom the term is about),
        spend (if won), anyway (expected orders without a contact), orders (if won).
    term
        Of all of them, or of the customers among whom they are.

    Returns
    -------
    pandas.Series
        expected_value, of a customer who is reached: over the customers of the term, the mean is
        the action's value per contact.
    """
    mean = {name: term.mean(name) for name in term.ranges}
    brings = contacts["spend"] * mean[RATE] - mean[OFFER] * contacts["orders"]
    cost = mean[COST] + mean[OFFER] * contacts["anyway"]
    return (mean[UPLIFT] * contacts["won"] * brings - cost).rename("expected_value")


#: What would state a future sum, or follows from one.
LEVELS = ("expected_profit", "low", "high", "value_per_contact", "draws_paying", "forgone")


def hide_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the valued actions of a shop whose season is not known: without what is expected.

    Lists, costs and break-evens stay: they state conditions, and no future sum. Whether an action
    pays is uncertain, unless no possible uplift covers its cost.

    Parameters
    ----------
    table
        From `value_actions`.
    """
    valued = table["rank"].notna()
    hidden = table.assign(**dict.fromkeys(LEVELS, np.nan))
    rank = pd.Series(pd.NA, index=table.index, dtype="Int64")
    return hidden.assign(
        rank=rank,
        reason=table["reason"].mask(valued, NO_SEASON).astype("str"),
        verdict=table["verdict"].where(table["verdict"] == LOSES, UNCERTAIN),
    )


def judge(values: pd.DataFrame) -> list[str]:
    """Return what can be said of each action.

    Parameters
    ----------
    values
        expected_profit, draws_paying, campaigns and reason.

    Returns
    -------
    list of str
        `LOSES` where no profit is expected, or a campaign has done harm. `MEASURED` where campaigns
        have measured the uplift, and the action pays in `SURE` of the draws; `PAYS` where none has,
        and it pays in `LIKELY` of what is assumed, which always includes that a contact changes
        nothing. `UNCERTAIN` otherwise, and where there is no value.
    """
    return [
        LOSES if reason == HARMED else _judge_one(profit, paying, number)
        for profit, paying, number, reason in zip(
            values["expected_profit"],
            values["draws_paying"],
            values["campaigns"],
            values["reason"],
            strict=True,
        )
    ]


def _judge_one(profit: float, paying: float, campaigns: int) -> str:
    if profit <= 0:
        return LOSES
    if campaigns:
        return MEASURED if paying >= SURE else UNCERTAIN
    return PAYS if paying >= LIKELY else UNCERTAIN


def tornado(segment: str, half: str, terms: Terms) -> pd.DataFrame:
    """Return what each quantity does to the profit of one action, all others at their means.

    Returns
    -------
    pandas.DataFrame
        half, segment, assumption, at_low, at_likely, at_high (its values), profit_low, profit_high
        (the profit with the quantity at its low and its high), profit (as expected), swing (the
        distance of the two); the largest swing first. What has no range is left out.
    """
    rows = []
    for name, (first, likely, last, _) in terms.ranges.items():
        if first < last:
            low, high = (float(terms.profit(**{name: value})) for value in (first, last))
            ends = (first, likely, last, low, high)
            rows.append((half, segment, name, *ends, float(terms.profit()), abs(high - low)))
    columns = [
        "half",
        "segment",
        "assumption",
        "at_low",
        "at_likely",
        "at_high",
        "profit_low",
        "profit_high",
        "profit",
        "swing",
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)

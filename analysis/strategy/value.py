"""Estimate the expected value of each action, and rank the actions.

A contact costs, and wins a share of those whom it reaches: the uplift. In the ledger, a
customer who is won orders in a quarter in which he or she would have ordered nothing; among the
regular customers, one who is kept does not buy less. Uplift, margin, reach and cost are
assumptions, in ``data/segments.toml`` and in ``[strategy]`` and ``[contact]`` of the settings; what
a customer won back would spend, and who can be won at all, comes from the data. Orders and regular
customers have different units, and are never added up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.core.settings import ContactSettings, Range, StrategySettings
from analysis.stats.bootstrap import percentile_interval
from analysis.strategy.contact_policy import gain
from analysis.strategy.names import (
    COST,
    LOSES,
    NO_SEASON,
    PAYS,
    RATE,
    REACH,
    UNCERTAIN,
    UPLIFT,
    VALUE,
)
from analysis.strategy.plan import Action

Numbers = npt.NDArray[np.float64]

DRAWS = 4000
Z = float(stats.norm.ppf(0.975))
#: Why an action has no value.
FEW = "there are too few customers to describe"
NO_PAST = "the orders show too few customers of the segment in a whole quarter that followed"
NO_PROFIT = "the profit of those who consented is not known"
NO_CONSENT = "nobody in the group is known to consent to messages"
NO_RISK = "nobody in the group who consented is above the contact cut-off"
FEW_ABOVE = "too few of the group are above the contact cut-off to describe them"
UNCOUNTED = "so few differ from the others in their consent that they are not counted"

# ------------------------------------------------------------------------- what is assumed


class Terms(NamedTuple):
    """All that the value of one action depends on.

    Attributes
    ----------
    people
        Customers of the segment, or those of the group who consented.
    movable
        The share of them who can be won: no uplift is larger.
    ranges
        Low, likely and high of `UPLIFT` (share of those contacted), `VALUE` (of one who is won),
        `RATE` (the margin, or by what the profit at stake is multiplied), `REACH` and `COST` (of
        one contact).
    """

    people: int
    movable: float
    ranges: dict[str, tuple[float, float, float]]

    def profit(self, **values: Numbers | float) -> Numbers:
        """Return the expected profit with some assumptions changed, the others as likely."""
        at = {name: values.get(name, ends[1]) for name, ends in self.ranges.items()}
        won = np.minimum(at[UPLIFT], self.movable) * at[VALUE] * at[RATE]
        return np.asarray(self.people * at[REACH] * (won - at[COST]), dtype=float)


def ends(assumed: Range) -> tuple[float, float, float]:
    """Return low, likely and high of a range."""
    return assumed.low, assumed.likely, assumed.high


def range_around(value: float, times: float) -> tuple[float, float, float]:
    """Return a value with its ends: divided and multiplied by `times`."""
    return value / times, value, value * times


def ledger_terms(
    action: Action,
    people: pd.DataFrame,
    past: pd.DataFrame,
    assumed: StrategySettings,
    minimum_group: int,
) -> Terms | str:
    """Return the terms of an action of the ledger, or why there are none.

    Parameters
    ----------
    action
        With cost and uplift.
    people
        The customers of the segment, with ``away`` from `returns.absence_probability`.
    past
        The segment's row of `returns`, or none.
    assumed
        The settings.
    minimum_group
        Where fewer refused messages, or fewer did not, nothing is told.
    """
    if past.empty or pd.isna(past["spend"].iloc[0]):
        return NO_PAST
    assert action.uplift is not None and action.cost is not None
    row = past.iloc[0]
    answer = people["consent"] if "consent" in people else pd.Series(pd.NA, people.index)
    refused = answer.eq(False).fillna(False).astype(bool)
    if assumed.unknown_consent == "leave_out":
        refused |= answer.isna()
    left = people[~refused]
    if left.empty:
        return NO_CONSENT
    if refused.any() and min(len(left), int(refused.sum())) < minimum_group:
        return UNCOUNTED
    # Whoever agreed can be reached; of the others, a share that is assumed.
    agreed = float(answer[left.index].eq(True).fillna(False).mean())
    reach = tuple(agreed + (1 - agreed) * share for share in ends(assumed.reach))
    people = left
    return Terms(
        len(people),
        float(people["away"].mean()),
        {
            UPLIFT: ends(action.uplift),
            VALUE: (float(row["spend_low"]), float(row["spend"]), float(row["spend_high"])),
            RATE: ends(assumed.margin),
            REACH: (reach[0], reach[1], reach[2]),
            COST: range_around(action.cost, assumed.wrong_by),
        },
    )


def contact_of(action: Action, contact: ContactSettings) -> ContactSettings:
    """Return the assumptions about a contact, with the action's own where it has some."""
    changes: dict[str, float] = {} if action.cost is None else {"cost": action.cost}
    if rate := action.uplift:
        changes |= {
            "save_rate": rate.likely,
            "save_rate_low": rate.low,
            "save_rate_high": rate.high,
        }
    return contact.model_copy(update=changes)


def group_terms(
    action: Action,
    people: pd.DataFrame,
    contact: ContactSettings,
    times: float,
    minimum_group: int,
    cut_off: float = 0.0,
) -> Terms | str:
    """Return the terms of an action for a group of regular customers, or why there are none.

    Only customers who consented and are at or above the cut-off count. Uplift is the share of those
    contacted who are kept; value is chosen so that all together give
    `strategy.contact_policy.gain`.

    Parameters
    ----------
    action
        The action.
    people
        The group, with consent, profit, decline_probability and duplicate_group.
    contact
        The settings' assumptions.
    times
        By what those without a range may be wrong.
    minimum_group
        Where fewer consented, or fewer did not, nothing is told.
    cut_off
        The risk from which contacting pays, from `strategy.contact_policy.cut_off`.
    """
    consented = people[people["consent"].to_numpy(dtype=bool)]
    others = len(people) - len(consented)
    if consented.empty:
        return NO_CONSENT
    if len(consented) < minimum_group or 0 < others < minimum_group:
        return UNCOUNTED
    consented = consented[consented["decline_probability"] >= cut_off]
    if len(consented) < minimum_group:
        return FEW_ABOVE if len(consented) else NO_RISK
    risk = consented["decline_probability"].to_numpy(float)
    sure = contact_of(action, contact)
    # What a contact that keeps everybody would bring before its cost: linear in the share kept.
    all_kept = gain(consented["profit"], risk, sure.model_copy(update={"save_rate": 1.0}))
    at_stake = pd.Series(all_kept + sure.cost)
    if at_stake.isna().all():
        return NO_PROFIT
    # Of a customer whose profit is not known, the others' mean is expected.
    mean, share = float(at_stake.mean()), float(risk.mean())
    apart = (at_stake - mean).groupby(consented["duplicate_group"].to_numpy()).sum()
    reach = Z * float(np.sqrt((apart**2).sum())) / at_stake.notna().sum()
    rates = (sure.save_rate_low, sure.save_rate, sure.save_rate_high)
    low, likely, high = (rate * share for rate in rates)
    per_customer = [
        max(0.0, value) / share if share else 0.0 for value in (mean - reach, mean, mean + reach)
    ]
    return Terms(
        len(consented),
        share,
        {
            UPLIFT: (low, likely, high),
            VALUE: (per_customer[0], per_customer[1], per_customer[2]),
            RATE: range_around(1.0, times),
            REACH: (1.0, 1.0, 1.0),
            COST: range_around(sure.cost, times),
        },
    )


# ------------------------------------------------------------------------- what it is worth


def triangular_quantiles(u: Numbers, low: float, likely: float, high: float) -> Numbers:
    """Return the quantiles of a triangular distribution, also where it has no width.

    Examples
    --------
    >>> triangular_quantiles(np.array([0.0, 0.5, 1.0]), 0.0, 1.0, 2.0).tolist()
    [0.0, 1.0, 2.0]
    """
    if high <= low:
        return np.full_like(u, likely)
    return np.asarray(stats.triang.ppf(u, (likely - low) / (high - low), low, high - low))


def draw_assumptions(terms: Mapping[str, Terms], seed: int) -> dict[str, dict[str, Numbers]]:
    """Return `DRAWS` values of each assumption of each action of one half.

    Uplift, margin, reach and cost are drawn from triangles over their ranges (what may be wrong by
    a factor, on a logarithmic scale), and stand equally high in their ranges for all actions:
    if one assumption is too hopeful for one action, it is so for all. The value of a customer who
    is won is drawn for each action by itself, from the normal (ledger: log-normal) distribution
    whose 95% interval it has.
    """
    random = np.random.default_rng(seed)
    u = {name: random.random(DRAWS) for name in (UPLIFT, RATE, REACH, COST)}
    found = {}
    for key, term in terms.items():
        low, likely, high = term.ranges[VALUE]
        z = random.standard_normal(DRAWS)
        if low > 0:
            per_customer = likely * np.exp(z * np.log(high / low) / (2 * Z))
        else:
            per_customer = np.maximum(0.0, likely + z * (high - low) / (2 * Z))
        values = {VALUE: per_customer}
        for name in u:
            low, likely, high = term.ranges[name]
            if name == COST and low > 0:
                values[name] = np.exp(triangular_quantiles(u[name], *np.log([low, likely, high])))
            else:
                values[name] = triangular_quantiles(u[name], low, likely, high)
        found[key] = values
    return found


def value_actions(table: pd.DataFrame, terms: Mapping[str, Terms | str], seed: int) -> pd.DataFrame:
    """Add to the actions of one half what they cost and are expected to bring.

    Parameters
    ----------
    table
        The rows of one half of `strategy.plan.actions`.
    terms
        By segment; a text says why there are none.
    seed
        Of the draws.

    Returns
    -------
    pandas.DataFrame
        `table` with listed (customers on the contact list: none where no profit is expected, or
        none can be told); contacts (customers who can be reached, as assumed);
        cost_per_contact; cost (of all contacts); uplift with uplift_low and uplift_high (share of
        those contacted, no more than movable); movable; value_per_customer (profit
        with one who is won) with value_per_customer_low and value_per_customer_high (95% of the
        data's own chance, or of the ledger's);
        expected_profit (at the likely assumptions) with low and high (the middle 95% of
        `draw_assumptions`); value_per_contact (expected profit by contacts); break_even_uplift
        (share of those contacted from which on the action pays); draws_paying (share of the draws
        above 0); rank (by value per contact, 1 first); reason (why there is no value, or empty);
        verdict (as in `verdict`). Amounts are in the unit of the half.

    Notes
    -----
    ``low`` to ``high`` is not a confidence interval: the ranges are opinions, and so is the result.
    """
    known = {key: term for key, term in terms.items() if isinstance(term, Terms)}
    draws = draw_assumptions(known, seed)
    rows: list[dict[str, Any]] = []
    for key in table["segment"]:
        term = terms.get(key, FEW)
        if isinstance(term, str):
            rows.append({"reason": term})
            continue
        ranges, likely = term.ranges, {name: ends[1] for name, ends in term.ranges.items()}
        contacts = term.people * likely[REACH]
        profit = float(term.profit())
        spread = term.profit(**draws[key])
        low, high = percentile_interval(spread)
        per_customer = [value * likely[RATE] for value in ranges[VALUE]]
        uplifts = [min(value, term.movable) for value in ranges[UPLIFT]]
        rows.append(
            {
                "listed": term.people if profit > 0 else 0,
                "contacts": contacts,
                "cost_per_contact": likely[COST],
                "cost": contacts * likely[COST],
                "uplift": uplifts[1],
                "uplift_low": uplifts[0],
                "uplift_high": uplifts[2],
                "movable": term.movable,
                "value_per_customer": per_customer[1],
                "value_per_customer_low": per_customer[0],
                "value_per_customer_high": per_customer[2],
                "expected_profit": profit,
                "low": min(low, profit),
                "high": max(high, profit),
                "value_per_contact": profit / contacts if contacts else np.nan,
                "break_even_uplift": likely[COST] / per_customer[1]
                if per_customer[1] > 0
                else np.nan,
                "draws_paying": float((spread > 0).mean()),
                "reason": "",
            }
        )
    columns = [
        "contacts",
        "cost_per_contact",
        "cost",
        "uplift",
        "uplift_low",
        "uplift_high",
        "movable",
        "value_per_customer",
        "value_per_customer_low",
        "value_per_customer_high",
        "expected_profit",
        "low",
        "high",
        "value_per_contact",
        "break_even_uplift",
        "draws_paying",
    ]
    more = pd.DataFrame(rows, index=table.index).reindex(columns=["listed", *columns, "reason"])
    more["listed"] = more["listed"].fillna(0)
    types = {"listed": "int64", **dict.fromkeys(columns, "float64"), "reason": "str"}
    more = more.astype(types)
    rank = more["value_per_contact"].rank(ascending=False, method="first").astype("Int64")
    return pd.concat([table, more.assign(rank=rank, verdict=verdict(more))], axis=1)


#: What would state a future sum, or follows from one.
LEVELS = ("expected_profit", "low", "high", "value_per_contact", "draws_paying")


def hide_levels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the valued actions of a shop whose season is not known: without what is expected.

    Lists, costs, break-even and verdict stay: they state conditions, and no future sum.

    Parameters
    ----------
    table
        From `value_actions`.
    """
    valued = table["rank"].notna()
    hidden = table.assign(**dict.fromkeys(LEVELS, np.nan))
    rank = pd.Series(pd.NA, index=table.index, dtype="Int64")
    return hidden.assign(rank=rank, reason=table["reason"].mask(valued, NO_SEASON).astype("str"))


def verdict(values: pd.DataFrame) -> list[str]:
    """Return what can be said of each action before anybody has measured it.

    Parameters
    ----------
    values
        expected_profit, with low and high.

    Returns
    -------
    list of str
        `LOSES` where no profit is expected at the likely assumptions, `PAYS` where the whole range
        is above zero, `UNCERTAIN` otherwise and where there is no value.
    """
    profits, lows = (values[name].astype(float) for name in ("expected_profit", "low"))
    return [
        LOSES if profit <= 0 else PAYS if low > 0 else UNCERTAIN
        for profit, low in zip(profits, lows, strict=True)
    ]


def tornado(segment: str, half: str, terms: Terms) -> pd.DataFrame:
    """Return what each assumption does to the profit of one action, all others as likely.

    Returns
    -------
    pandas.DataFrame
        half, segment, assumption, at_low, at_likely, at_high (its values), profit_low, profit_high
        (the profit with the assumption at its low and its high), profit (as likely), swing (the
        distance of the two); the largest swing first. What has no range is left out.
    """
    rows = []
    for name, values in terms.ranges.items():
        if values[0] < values[2]:
            low, high = (float(terms.profit(**{name: value})) for value in (values[0], values[2]))
            rows.append(
                (half, segment, name, *values, low, high, float(terms.profit()), abs(high - low))
            )
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

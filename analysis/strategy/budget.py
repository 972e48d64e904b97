"""Spend a limited number of contacts, or limited money, on the customers who bring most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.stats.bootstrap import percentile_interval
from analysis.strategy.names import COST, OFFER, RATE, REACH, UPLIFT, VALUE
from analysis.strategy.terms import Terms
from analysis.strategy.value import DRAWS, draw_assumptions

#: So many points draw the curve of the gain; each stands for so many customers at least.
POINTS = 40


def choose_within(chosen: pd.DataFrame, contacts: float = 0.0, money: float = 0.0) -> pd.Series:
    """Tell which customers fit within limits, the most valuable first.

    Parameters
    ----------
    chosen
        By customer: expected_value (of a contact), reach (the share of such customers who are
        reached) and cost (of a contact, with its offer).
    contacts, money
        What there is; 0: no limit. Where money is limited, value is taken per unit of cost.
    """
    worth = chosen["expected_value"]
    if money:
        worth = (worth / chosen["cost"]).fillna(np.inf)
    order = worth.sort_values(ascending=False, kind="stable").index
    used = chosen.loc[order, "reach"].cumsum()
    spent = (chosen["reach"] * chosen["cost"])[order].cumsum()
    inside = (used <= (contacts or np.inf) * (1 + 1e-9)) & (spent <= (money or np.inf) * (1 + 1e-9))
    return inside.reindex(chosen.index)


def gain_by_contacts(
    listed: pd.DataFrame, terms: Mapping[str, Terms], seed: int, minimum_group: int
) -> pd.DataFrame:
    """Return how the expected gain grows with the contacts, the most valuable customers first.

    Parameters
    ----------
    listed
        The customers to contact: segment, expected_value, and won, spend, orders and anyway as
        `strategy.value.value_contacts` takes them.
    terms, seed
        Of contacting the listed customers of each segment, as `value_actions` takes them.
    minimum_group
        No step stands for fewer customers.

    Returns
    -------
    pandas.DataFrame
        place (1 first), listed (customers up to here), contacts (who are reached), cost,
        expected_profit, with low and high (the middle 95% of the draws): all cumulative.
    """
    columns = ["place", "listed", "contacts", "cost", "expected_profit", "low", "high"]
    steps = min(POINTS, len(listed) // max(minimum_group, 1))
    if not steps:
        return pd.DataFrame(columns=columns)
    people = listed.sort_values("expected_value", ascending=False, kind="stable")
    ends = np.linspace(0, len(people), steps + 1).round().astype(int)[1:]
    total = np.zeros((steps, DRAWS))
    expected = {name: np.zeros(steps) for name in ("contacts", "cost", "expected_profit")}
    draws = draw_assumptions(terms, seed)
    for segment, term in terms.items():
        own = (people["segment"] == segment).to_numpy()
        if not own.any():
            continue
        won = people["won"].to_numpy(float)
        parts = [
            _share(values * own, ends)
            for values in (
                won * people["spend"].to_numpy(float),
                won * people["orders"].to_numpy(float),
                people["anyway"].to_numpy(float),
                np.ones(len(people)),
            )
        ]
        mean = {name: np.array([term.mean(name)]) for name in term.ranges}
        for values, into in ((draws[segment], total), (mean, expected["expected_profit"][:, None])):
            into += _profit(term, values, parts)
        reached = term.people * mean[REACH][0] * parts[3]
        expected["contacts"] += reached
        expected["cost"] += (
            term.people
            * mean[REACH][0]
            * (mean[COST][0] * parts[3] + mean[OFFER][0] * term.anyway * parts[2])
        )
    low, high = percentile_interval(total.T)
    return pd.DataFrame(
        {
            "place": range(1, steps + 1),
            "listed": ends,
            **expected,
            "low": np.minimum(low, expected["expected_profit"]),
            "high": np.maximum(high, expected["expected_profit"]),
        }
    )[columns]


def _share(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return which part of a sum is reached after so many customers."""
    sums = np.cumsum(values)
    return sums[ends - 1] / sums[-1] if sums[-1] else sums[ends - 1]


def _profit(term: Terms, values: Mapping[str, np.ndarray], parts: list[np.ndarray]) -> np.ndarray:
    """Return the profit of the first customers of an action: a row a step, a column a draw."""
    spend, orders, anyway, people = (part[:, None] for part in parts)
    uplift, offer = np.minimum(values[UPLIFT], term.movable), values[OFFER]
    brings = values[VALUE] * values[RATE] * spend - offer * term.orders * orders
    cost = values[COST] * people + offer * term.anyway * anyway
    return np.asarray(term.people * values[REACH] * (uplift * brings - cost))

"""Allocate a limited number of contacts, or limited money, to actions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.core.names import ACTIVITY
from analysis.core.settings import ContactSettings
from analysis.stats.bootstrap import percentile_interval
from analysis.strategy.contact_policy import gain
from analysis.strategy.names import REACH
from analysis.strategy.plan import Plan
from analysis.strategy.value import DRAWS, Terms, contact_of, draw_assumptions


def budget(
    table: pd.DataFrame,
    terms: Mapping[str, Terms | str],
    seed: int,
    contacts: float = 0.0,
    money: float = 0.0,
) -> pd.DataFrame:
    """Return whom to contact first when contacts, or money, are short: actions that pay, in order.

    Parameters
    ----------
    table
        From `valued`.
    terms, seed
        As `valued` takes them.
    contacts, money
        What there is; 0: no limit.

    Returns
    -------
    pandas.DataFrame
        half, by (``contacts``: by value per contact; ``money``: by value per unit of cost), place,
        segment, contacts, cost, expected_profit; cumulative_contacts, cumulative_cost and
        cumulative_profit with low and high (the middle 95% of `draw_assumptions`, at as many
        contacts); taken (contacts within the limit) and taken_profit.
    """
    pays = table[table["value_per_contact"] > 0]
    known = {key: term for key, term in terms.items() if isinstance(term, Terms)}
    draws = draw_assumptions(known, seed)
    parts = []
    for by, limit in (("contacts", contacts), ("money", money)):
        by_cost = pays["value_per_contact"] / pays["cost_per_contact"]
        key = pays["value_per_contact"] if by == "contacts" else by_cost.fillna(np.inf)
        rows = pays.loc[key.sort_values(ascending=False, kind="stable").index]
        total = np.zeros(DRAWS)
        ends = []
        for segment in rows["segment"]:
            reach = known[segment].ranges[REACH][1]
            total = total + known[segment].profit(**draws[segment] | {REACH: np.full(DRAWS, reach)})
            ends.append(percentile_interval(total))
        low, high = np.array(ends).reshape(-1, 2).T
        summed = rows[["contacts", "cost", "expected_profit"]].cumsum()
        spent = rows["contacts"] if by == "contacts" else rows["cost"]
        left = (limit or np.inf) - (spent.cumsum() - spent)
        share = (left / spent.where(spent > 0)).fillna(1.0).clip(0, 1)
        parts.append(
            rows[["half", "segment", "contacts", "cost", "expected_profit"]].assign(
                by=by,
                place=range(1, len(rows) + 1),
                cumulative_contacts=summed["contacts"],
                cumulative_cost=summed["cost"],
                cumulative_profit=summed["expected_profit"],
                low=np.minimum(low, summed["expected_profit"]),
                high=np.maximum(high, summed["expected_profit"]),
                taken=share * rows["contacts"],
                taken_profit=share * rows["expected_profit"],
            )
        )
    return pd.concat(parts, ignore_index=True)


# ------------------------------------------------------------------------- customer by customer


def ledger_values(people: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """Return what a contact with each customer of the ledger is expected to bring, less its cost.

    Within a segment, a contact brings the more, the likelier the customer is to stay away, and the
    larger his or her mean order is (those beyond the outer twentieths count as the nearest within).
    The mean over a segment is its value per contact.

    Parameters
    ----------
    people
        segment, monetary, frequency, and away from `returns.absence_probability`.
    table
        The ledger's rows of `valued`.
    """
    found = pd.Series(np.nan, index=people.index, name="expected_value", dtype="float64")
    for row in table.to_dict("records"):
        own = people[people["segment"] == row["segment"]]
        if own.empty or pd.isna(row["value_per_contact"]):
            continue
        order = own["monetary"] / own["frequency"]
        size = own["away"] * order.clip(*order.quantile([0.05, 0.95]))
        weight = size / size.mean() if size.mean() > 0 else size + 1.0
        won = row["value_per_contact"] + row["cost_per_contact"]
        found.loc[own.index] = won * weight - row["cost_per_contact"]
    return found


def group_values(people: pd.DataFrame, plan: Plan, contact: ContactSettings) -> pd.Series:
    """Return what a contact with each regular customer is expected to bring, less its cost.

    Missing for those who did not consent.
    """
    found = pd.Series(np.nan, index=people.index, name="expected_value", dtype="float64")
    consented = people["consent"].to_numpy(dtype=bool)
    for action in plan.actions:
        own = people[consented & (people["risk_group"] == action.segment)]
        if action.half == ACTIVITY and len(own):
            assumed = contact_of(action, contact)
            found.loc[own.index] = gain(own["profit"], own["decline_probability"], assumed)
    return found

"""Choose whom each action contacts, and draw who is held out as control group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from analysis.core.names import Half
from analysis.core.settings import Settings
from analysis.strategy import budget, value
from analysis.strategy.candidates import Candidates
from analysis.strategy.control_groups import draw_groups
from analysis.strategy.names import CONTACTED, CONTROL, COST, FEW_WORTH, OFFER, REACH
from analysis.strategy.terms import Terms

EMPTY = pd.DataFrame()


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
        cost = one.terms.mean(COST) + one.terms.mean(OFFER) * one.people["anyway"]
        rows = one.people.assign(expected_value=values, reach=one.terms.mean(REACH), cost=cost)[
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
    sizes = pd.Series(dtype=float)
    if len(assigned):
        sizes = assigned[assigned["group"] == CONTROL]["segment"].value_counts()
    control = table["segment"].map(sizes).fillna(0).astype("int64")
    control = control.where(table["listed"] > 0, 0)
    one = table["expected_profit"] / table["listed"].where(table["listed"] > 0)
    return table.assign(control=control, forgone=(one * control).fillna(0.0))


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

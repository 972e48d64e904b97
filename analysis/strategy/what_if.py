"""Write what the what-if page computes with: sums and means of each action, and no customers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.core.files import Fact
from analysis.core.names import LEDGER
from analysis.core.settings import Settings
from analysis.strategy.terms import from_settings

FILE = "what_if.json"
#: What the page needs of an action, as `strategy.value.value_actions` has it.
NUMBERS = (
    "listed",
    "message_cost",
    "offer_cost",
    "orders_anyway",
    "orders_won",
    "uplift",
    "movable",
    "spend_won",
    "expected_profit",
)


def write_what_if(
    actions: pd.DataFrame, settings: Settings
) -> tuple[dict[str, bytes], dict[str, Fact]]:
    """Return the file of `describe_actions`, as a step of the build."""
    told = describe_actions(actions, settings)
    content = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False)
    return {FILE: content.encode()}, {"strategy.what_if": bool(told["actions"])}


def describe_actions(actions: pd.DataFrame, settings: Settings) -> dict[str, Any]:
    """Return the actions that have a list and a stated gain, with all that it depends on.

    Parameters
    ----------
    actions
        From `strategy.tables.strategy`.
    settings
        All settings.

    Returns
    -------
    dict
        currency; margin and reach (the means of what is assumed); actions, each with half, segment,
        verdict, `NUMBERS`, and agreed (the share of its customers who are known to agree, and so
        are reached whatever is assumed). `gain_of` says how they give expected_profit.
    """
    reach = from_settings(settings.strategy.reach).mean
    rows = []
    stated = actions
    if len(actions):
        stated = actions[(actions["listed"] > 0) & actions["expected_profit"].notna()]
    for row in stated.to_dict("records"):
        reached = row["contacts"] / row["listed"]
        agreed = (reached - reach) / (1 - reach) if reach < 1 else 1.0
        names = {name: str(row[name]) for name in ("half", "segment", "verdict")}
        numbers = {name: float(row[name]) for name in NUMBERS}
        rows.append(names | numbers | {"agreed": round(max(agreed, 0.0), 12)})
    return {
        "currency": settings.transactions.currency,
        "margin": from_settings(settings.strategy.margin).mean,
        "reach": reach,
        "actions": rows,
    }


def gain_of(
    action: Mapping[str, Any], margin: float, reach: float, uplift: float = 1.0, offer: float = 1.0
) -> float:
    """Return the gain of an action; ``report/theme/what-if.js`` computes the same.

    Parameters
    ----------
    action
        One of `describe_actions`.
    margin, reach
        Shares. The profit of regular customers is no revenue, and has no margin.
    uplift, offer
        By what the uplift and the cost of the offer are multiplied.
    """
    rate = margin if action["half"] == LEDGER else 1.0
    reached = action["listed"] * (action["agreed"] + (1 - action["agreed"]) * reach)
    cost = action["offer_cost"] * offer
    won = min(action["uplift"] * uplift, action["movable"])
    brings = action["spend_won"] * rate - cost * action["orders_won"]
    return float(reached * (won * brings - action["message_cost"] - cost * action["orders_anyway"]))

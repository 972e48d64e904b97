"""Fill the cards of the plan: what is done about each segment, and each group by risk and profit.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
A card recommends no action that is expected to lose money. Segments with few customers have none.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import capital, estimate, percent, shorten, without_full_stop
from analysis.core.names import ACTIVITY, LEDGER, LOSES
from analysis.core.presentation import Card
from analysis.core.sentences import fill
from analysis.strategy.names import FEW_ABOVE, FEW_WORTH, HARMED, NO_CONSENT, NO_RISK
from analysis.strategy.text import of, points

say = partial(fill, "strategy")
#: Why nobody can be contacted, whatever the action.
NOBODY = (FEW_ABOVE, FEW_WORTH, NO_CONSENT, NO_RISK)


def action_cards(actions: pd.DataFrame, currency: str) -> list[Card]:
    """Return a card for the action of each segment."""
    return [_card(row, currency) for row in of(actions, LEDGER).to_dict("records") if row["shown"]]


def group_cards(actions: pd.DataFrame) -> list[Card]:
    """Return a card for the action of each group of regular customers."""
    return [_card(row, None) for row in of(actions, ACTIVITY).to_dict("records") if row["shown"]]


def _card(row: dict[Any, Any], currency: str | None) -> Card:
    size = {"count": row["customers"], "share": percent(row["share"], 1)}
    brings = "" if pd.isna(row["revenue_share"]) else percent(row["revenue_share"], 1)
    if not brings:
        told = say("plan.size", **size)
    elif currency is None:
        told = say("plan.size-revenue", **size, revenue=brings)
    else:
        told = say("plan.size-net", **size, revenue=brings)
    lines = [(say("plan.label-size"), told)]
    title = capital(shorten(row["segment"]))
    if row["verdict"] == LOSES:
        lines.append((say("plan.label-action"), _reason_for_newsletter(row, currency)))
        return Card(title, row["verdict"], lines)
    if row["reason"] in NOBODY:
        lines.append((say("plan.label-action"), say("plan.nobody")))
        return Card(title, row["verdict"], lines)
    text = {
        name: say("plan.sentence", text=without_full_stop(row[name]))
        for name in ("objective", "action", "channel", "offer", "metric", "avoid")
    }
    return Card(
        title,
        row["verdict"],
        [
            *lines,
            (say("plan.label-objective"), text["objective"]),
            (say("plan.label-action"), text["action"]),
            (say("plan.label-channel"), text["channel"]),
            (say("plan.label-offer"), text["offer"]),
            (
                say("plan.label-owner"),
                _owner(row),
            ),
            (say("plan.label-metric"), text["metric"]),
            (say("plan.label-avoid"), text["avoid"]),
        ],
    )


def _owner(row: dict[Any, Any]) -> str:
    """Say who contacts how many customers, and when; without a list, only who and when."""
    known = {"owner": without_full_stop(row["owner"]), "timing": without_full_stop(row["timing"])}
    if row["listed"]:
        return say("plan.owner-list", count=row["listed"], **known)
    return say("plan.owner", **known)


def _reason_for_newsletter(row: dict[Any, Any], currency: str | None) -> str:
    """Say why a segment is left to the newsletter, and what would change that."""
    if row["reason"] == HARMED:
        return say("plan.losing-harm")
    if pd.isna(row["break_even_uplift"]):
        return say("plan.losing-never")
    cost = estimate(row["cost_per_contact"], currency or "")
    even, uplift = points(row["break_even_uplift"]), points(row["uplift"])
    if even == uplift:
        return say("plan.losing-just", cost=cost, uplift=uplift)
    return say("plan.losing", cost=cost, even=even, uplift=uplift)

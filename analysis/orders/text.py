"""Choose and fill the sentences about orders (``sentences.toml``).

Each function holds for empty tables, single rows, ties and falling numbers. Names from the data
stand in a sentence as they are: a page escapes it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import change, money, months, percent
from analysis.core.sentences import fill

say = partial(fill, "orders")


def recent_orders(recent_change: pd.DataFrame, currency: str) -> dict[str, str]:
    """Say how orders and the order value moved between the last two periods."""
    periods = {row["period"]: row for row in recent_change.to_dict("records")}
    if "latest" not in periods:
        return {"said": say("recent-orders.said-short")}
    now, before = periods["latest"], periods.get("before")
    known = {
        "count": now["orders"],
        "span": months(now["first"], now["last"]),
        "mean": money(now["mean_order"], currency),
    }
    if not before:
        return {"said": say("recent-orders.said", **known)}
    return {
        "said": say(
            "recent-orders.said-compared",
            **known,
            change=change(now["orders"], before["orders"]),
            value_change=change(now["mean_order"], before["mean_order"]),
        )
    }


def concentration(
    top20_share: float, top20_share_low: float, top20_share_high: float, gini: float
) -> dict[str, str] | None:
    """Say how much the top fifth of customers bring, with its interval."""
    if top20_share is None:
        return None
    return {
        "said": say(
            "concentration.said",
            share=percent(top20_share, 1),
            low=percent(top20_share_low, 1),
            high=percent(top20_share_high, 1),
        ),
        "interval": say("concentration.interval", gini=f"{gini:.2f}"),
    }

"""Set the tables about orders.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import grid

say = partial(fill, "orders")


def market_totals(markets: pd.DataFrame, currency: str) -> Table | None:
    """Set net sales of all markets, the home market and all others."""
    if len(markets) < 2:
        return None
    names = {
        "market": say("market-totals.market"),
        "customers": say("market-totals.customers"),
        "orders": say("market-totals.orders"),
        "revenue": say("market-totals.revenue"),
        "mean_order": say("market-totals.mean"),
    }
    everybody, *parts = markets["customers"]
    both = int(sum(parts) - everybody)
    return Table(
        grid(
            markets,
            "market-totals",
            names,
            counts=["customers", "orders"],
            amounts=["revenue", "mean_order"],
            currency=currency,
        ),
        caption=say("market-totals.caption-both", count=both) if both else "",
        data=markets,
    )

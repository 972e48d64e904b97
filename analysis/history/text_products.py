"""Say whether customers bought what the last lists of next products had named."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pandas as pd

from analysis.core.formatting import count, day, percent
from analysis.core.names import CROSS_SELL, REORDER
from analysis.core.sentences import fill

say = partial(fill, "history")


def backtest_products(backtest_products: pd.DataFrame | None) -> dict[str, str] | None:
    """Say of each list how many customers bought from it, beside what its test had promised."""
    if backtest_products is None or backtest_products.empty:
        return None
    told = {}
    rows = {row["list"]: row for row in backtest_products.to_dict("records")}
    for name, row in rows.items():
        known = {
            "count": row["customers"],
            "day": day(dt.date.fromisoformat(row["start"])),
            "days": count(row["days"]),
            "length": count(row["length"]),
            "hit": percent(row["hit_rate"]),
            "low": percent(row["hit_rate_low"]),
            "high": percent(row["hit_rate_high"]),
            "promised": percent(row["promised"]),
        }
        if name == REORDER:
            told["reorder"] = say("backtest-products.reorder", **known)
        elif name == CROSS_SELL:
            told["cross"] = say("backtest-products.cross", **known)
    worse = [name for name, row in rows.items() if row["worse"]]
    if len(worse) == len(rows):
        told["verdict"] = say("backtest-products.verdict-worse")
    elif worse == [REORDER]:
        told["verdict"] = say("backtest-products.verdict-worse-reorder")
    elif worse:
        told["verdict"] = say("backtest-products.verdict-worse-cross")
    else:
        told["verdict"] = say("backtest-products.verdict-kept")
    return told

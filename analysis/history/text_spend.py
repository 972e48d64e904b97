"""Say whether the last forecast of spend came true."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pandas as pd

from analysis.core.formatting import count, day, estimate, money, percent
from analysis.core.sentences import fill
from analysis.history.names import LEVEL, RANKING

say = partial(fill, "history")


def backtest_spend(backtest_spend: pd.DataFrame | None, currency: str) -> dict[str, str] | None:
    """Say what the last forecast of 90 days (or else of a year) expected, and what came."""
    if backtest_spend is None or backtest_spend.empty:
        return None
    row = backtest_spend.sort_values("days").iloc[0].to_dict()
    told = {
        "said": say(
            "backtest-spend.said",
            day=day(dt.date.fromisoformat(row["start"])),
            expected=estimate(row["expected"], currency),
            customers=count(row["customers"]),
            days=count(row["days"]),
            low=estimate(row["expected_low"], currency),
            high=estimate(row["expected_high"], currency),
            came=money(row["came"], currency),
        )
    }
    if pd.notna(row["promised"]):
        told["ranking"] = say(
            "backtest-spend.ranking",
            rank=f"{row['spearman']:.2f}",
            promised=f"{row['promised']:.2f}",
            top=percent(row["top_decile"]),
        )
    if RANKING in row["reason"]:
        told["verdict"] = say("backtest-spend.verdict-ranking")
    elif LEVEL in row["reason"]:
        told["verdict"] = say("backtest-spend.verdict-season")
    else:
        told["verdict"] = say("backtest-spend.verdict-kept")
    return told

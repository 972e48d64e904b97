"""Say in a sentence whether the last forecast came true.

Every sentence is chosen by a row of `history.backtest.backtest`, and holds where nothing can be
held against the forecast yet, where too few customers tell anything, and where it was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from analysis.core.sentences import fill
from analysis.history.names import DECLINE, LAPSE, LEVEL, RANKING

say = partial(fill, "history")
#: What a back-test can find, in a word: the ending of the template that says so.
HELD, MONEY, ORDER, NUMBER, BOTH = "", "-money", "-ranking", "-level", "-both"
#: The number was off while the ranking holds: the season differed from last year's.
SEASON = "-season"
VERDICTS = {
    LAPSE: {
        HELD: "summary-changes.said-lapse",
        MONEY: "summary-changes.said-lapse-money",
        ORDER: "summary-changes.said-lapse-ranking",
        NUMBER: "summary-changes.said-lapse-level",
        BOTH: "summary-changes.said-lapse-both",
        SEASON: "summary-changes.said-lapse-season",
    },
    DECLINE: {
        HELD: "summary-changes.said-decline",
        MONEY: "summary-changes.said-decline-money",
        ORDER: "summary-changes.said-decline-ranking",
        NUMBER: "summary-changes.said-decline-level",
        BOTH: "summary-changes.said-decline-both",
    },
}
Row = Mapping[Any, Any] | pd.Series


def verdict_of(row: Row) -> str:
    """Say whether the last forecast held; empty where nothing was judged."""
    return say(VERDICTS[row["model"]][finding(row)]) if row["judged"] else ""


def finding(row: Row) -> str:
    """Return in what a forecast that was judged failed: the ending of a template."""
    if not row["decayed"] and row["reason"]:
        return SEASON
    if not row["decayed"]:
        return MONEY if money_is_off(row) else HELD
    ranking, level = (what in str(row["reason"]) for what in (RANKING, LEVEL))
    if ranking and level:
        return BOTH
    return ORDER if ranking else NUMBER


def are_known(row: Row, *names: str) -> bool:
    """Tell whether a back-test has all of some measures."""
    return all(pd.notna(row[name]) for name in names)


def money_is_off(row: Row) -> bool:
    """Tell whether the money was off by more than chance explains."""
    if not are_known(row, "money", "money_expected") or not row["stake"] > 0:
        return False
    return not row["money_expected_low"] <= row["money"] <= row["money_expected_high"]

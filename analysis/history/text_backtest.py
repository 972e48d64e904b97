"""Say in the summary whether the last forecast came true.

Every sentence is computed from a row of `history.backtest.backtest`, and holds where nothing can
be held against the forecast yet, where too few customers tell anything, and where it was wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.core.formatting import capital, day, percent, share_of_hundred
from analysis.core.names import ACTIVITY, LEDGER
from analysis.history.names import LAPSE, LEVEL, RANKING
from analysis.strategy.text import write_amount

Row = Mapping[str, Any] | pd.Series


def _words(row: Row) -> tuple[str, str, str]:
    """Return what was forecast: as it came, as it did not, and as it was expected."""
    if row["model"] == LAPSE:
        return "stayed away", "came back", "stay away"
    return "bought less", "did not", "buy less"


def forecast(row: Row, start: dt.date | None = None) -> str:
    """Return how the report calls a forecast, in the middle of a sentence.

    Parameters
    ----------
    row
        With ``model``.
    start
        The earlier build's as-of date; without it, it is the last forecast.

    Examples
    --------
    >>> forecast({"model": "lapse"}, dt.date(2011, 9, 11))
    'the forecast of 11 September 2011 of who will stay away'
    >>> forecast({"model": "decline"})
    'the last forecast of who will buy less'
    """
    which = f"the forecast of {day(start)}" if start else "the last forecast"
    return f"{which} of who will {_words(row)[2]}"


def _are_known(*values: Any) -> bool:
    return bool(pd.notna(list(values)).all())


def _has(row: Row, what: str) -> bool:
    return what in str(row["reason"])


def _money_off(row: Row) -> str:
    """Return 'more' or 'less' where the money was beyond chance; else empty."""
    if not _are_known(row["money"], row["money_expected"]) or not row["stake"] > 0:
        return ""
    if row["money"] > row["money_expected_high"]:
        return "more"
    return "less" if row["money"] < row["money_expected_low"] else ""


def _amount(row: Row, name: str, currency: str) -> str:
    half = LEDGER if row["model"] == LAPSE else ACTIVITY
    return write_amount(float(row[name]), half, currency)


def advice(row: Row) -> str:
    """Say what follows for the use of the next forecast; empty where nothing was judged."""
    if not row["judged"]:
        return ""
    if not row["decayed"]:
        off = _money_off(row)
        return (
            f"In order and in number the forecast kept what it had promised. In money it did not: "
            f"customers who bring much {_words(row)[0]} {off} often than it said: take the money "
            "of the next forecast with care."
            if off
            else "The forecast kept what it had promised."
        )
    if _has(row, RANKING) and _has(row, LEVEL):
        return (
            "Both the order of the customers and their number were off: do not act on the next "
            "forecast before it is known why."
        )
    if _has(row, RANKING):
        return (
            "It no longer tells who comes first as well as it had promised: do not pick customers "
            "by the next forecast before it is known why."
        )
    right = _are_known(row["roc_auc_low"]) and row["roc_auc_low"] > 0.5
    return (
        "It was wrong about how many"
        + (", and still told who comes first" if right else "")
        + ": take the numbers and the money of the next forecast with care. "
        "The forecast knows no seasons."
    )


def summary(row: Row, start: dt.date | None = None, currency: str = "") -> str:
    """Say in the summary whether the last forecast held; empty where nothing was judged."""
    if not row["judged"]:
        return ""
    text = capital(forecast(row, start))
    parts = []
    if _are_known(row["roc_auc"], row["promised"]):
        parts.append(
            f"it put the right customer first in {share_of_hundred(row['roc_auc'])} of 100 pairs, "
            f"where {share_of_hundred(row['promised'])} were promised"
        )
    if _are_known(row["predicted"], row["observed"]):
        will = _words(row)[2]
        parts.append(
            f"{percent(row['predicted'])} were expected to {will}, and {percent(row['observed'])} "
            "did"
        )
    if off := _money_off(row):
        amounts = [_amount(row, name, currency) for name in ("money", "money_expected")]
        parts.append(f"{amounts[0]} went with them, {off} than the {amounts[1]} expected")
    figures = "; ".join(parts)
    if not row["decayed"]:
        return f"{text} held{', but for the money' if off else ''}: {figures}."
    return f"{text} has decayed: {figures}. {advice(row)}"

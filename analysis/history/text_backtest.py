"""Say whether the last forecast came true.

Every sentence is computed from a row of `history.backtest.backtest`, and holds where nothing can
be held against the forecast yet, where too few customers tell anything, and where it was wrong.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.core.formatting import capital, count, day, percent, share_of_hundred
from analysis.core.names import ACTIVITY, LEDGER
from analysis.history.names import FEWEST_OF_A_KIND, LAPSE, LEVEL, RANKING
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


def _customers(number: float, row: Row) -> str:
    return f"{count(round(number))} of {count(row['n'], 'customer')}"


def no_outcome(row: Row, start: dt.date | None = None) -> str:
    """Say why the forecast cannot be held against what came; empty where it can."""
    if row["no_outcome"]:
        return f"{capital(forecast(row, start))} cannot be checked: {row['no_outcome']}."
    if row["judged"]:
        return ""
    text = f"{capital(forecast(row, start))} cannot be judged"
    if not _are_known(row["promised"]):
        return f"{text}: the earlier report did not say how good it was."
    return (
        f"{text}: {count(row['n'], 'customer')} had one, which is too few to tell it from chance."
    )


def ranking(row: Row, start: dt.date | None = None) -> str:
    """Say how well the forecast put the right customers first, and what had been promised."""
    came, rest, _ = _words(row)
    if not _are_known(row["roc_auc"]):
        return (
            f"Too few customers {came}, or too few {rest}, to tell whether the forecast put the "
            f"right ones first: it takes {FEWEST_OF_A_KIND} of either kind."
        )
    ends = [row["roc_auc_low"], row["roc_auc_high"]]
    span = (
        f" ({share_of_hundred(ends[0])} to {share_of_hundred(ends[1])})"
        if _are_known(*ends)
        else ""
    )
    text = (
        f"{capital(forecast(row, start))} was right in {share_of_hundred(row['roc_auc'])} of 100 "
        f"pairs of a customer who {came} and one who {rest}{span}; a coin would be in 50"
    )
    if not _are_known(row["promised"]):
        return f"{text}."
    text += f", and {share_of_hundred(row['promised'])} were promised"
    return f"{text}. That is worse than chance explains." if _has(row, RANKING) else f"{text}."


def _has(row: Row, what: str) -> bool:
    return what in str(row["reason"])


def level(row: Row) -> str:
    """Say whether as many customers did it as had been expected."""
    came, _, will = _words(row)
    if not _are_known(row["predicted"], row["observed"]):
        return f"Too few customers had a forecast to tell how many {came}."
    text = (
        f"{percent(row['predicted'])} were expected to {will} "
        f"({_customers(row['predicted'] * row['n'], row)}); {percent(row['observed'])} did "
        f"({count(row['events'])}; 95% interval {percent(row['observed_low'])} to "
        f"{percent(row['observed_high'])})"
    )
    if _has(row, LEVEL):
        many = "too many" if row["predicted"] > row["observed"] else "too few"
        return f"{text}. The forecast expected {many}, and by more than chance explains."
    if row["observed_low"] <= row["predicted"] <= row["observed_high"]:
        return f"{text}, which agrees."
    return f"{text}. The difference is small, or may still be chance."


def spread(row: Row) -> str:
    """Say whether high risks came true as often as they said, and low ones; empty if not known."""
    if not _are_known(row["slope"], row["slope_low"], row["slope_high"]):
        return ""
    if row["slope_high"] < 0:
        return "Customers with a high risk did it less often than those with a low one."
    if row["slope_high"] < 1:
        return "Customers differed less than forecast: high risks were too high, low ones too low."
    if row["slope_low"] > 1:
        return "Customers differed more than forecast: high risks were too low, low ones too high."
    return "High risks came true as much more often than low ones as the forecast said."


def compare_with_guess(row: Row) -> str:
    """Say whether single forecasts were nearer to what came than one guess; empty if not known."""
    if not _are_known(row["brier_gain"], row["brier_gain_low"], row["brier_gain_high"]):
        return ""
    text = (
        f"The Brier score is {row['brier']:.3f} (0 is perfect); the same guess for everybody, made "
        f"at the time, would have had {row['brier_constant']:.3f}"
    )
    if row["brier_gain_low"] > 0:
        return f"{text}: the forecast knew more."
    if row["brier_gain_high"] < 0:
        return f"{text}: the forecast knew less than that."
    return f"{text}, which is not credibly different."


def money(row: Row, currency: str = "") -> str:
    """Say what was at stake with the customers who did it, beside what had been expected.

    Parameters
    ----------
    row
        Of the back-test.
    currency
        The sign of the ledger's money; the profit of regular customers has a unit of its own.
    """
    came, _, _ = _words(row)
    if not _are_known(row["money"], row["money_expected"]):
        return f"Too few customers {came}, or did not, to tell what they were worth."
    text, expected, low, high = (
        _amount(row, name, currency)
        for name in ("money", "money_expected", "money_expected_low", "money_expected_high")
    )
    had = (
        "had spent {} in the same number of days before"
        if row["model"] == LAPSE
        else ("had brought a profit of {} a month")
    )
    said = f"Customers who {came} {had.format(text)}; {expected} had been expected"
    if not row["stake"] > 0:
        return f"{said}: there was nothing to lose."
    if off := _money_off(row):
        return f"{said}. That is {off} than the {low} to {high} that chance explains."
    return f"{said}, and {low} to {high} would have been no surprise."


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


def lists(row: Row) -> str:
    """Say what a list of the customers with the highest risk would have caught; empty if unknown.

    A list by risk alone catches customers, a list by risk times what they bring catches money.
    """
    came, _, _ = _words(row)
    if not _are_known(row["top_events"], row["value_money"], row["stake_money"]):
        return ""
    lot = percent(row["top"])
    return (
        f"The {count(row['top_customers'], 'customer')} with the highest risk ({lot}) were "
        f"{percent(row['top_events'])} of those who {came}, and had {percent(row['top_money'])} "
        f"of the money that went with them; as many drawn by lot would be {lot} of both. As long a "
        "list by risk times what a customer brings had "
        f"{percent(row['value_money'])} of that money ({percent(row['value_money_low'])} to "
        f"{percent(row['value_money_high'])}), and a list of those who bring most, without any "
        f"forecast, {percent(row['stake_money'])}."
    )


def untracked_customers(row: Row) -> str:
    """Say how many customers with a forecast could not be followed; empty where none."""
    if not row["lost"]:
        return ""
    return (
        f"{count(row['lost'], 'customer')} with a forecast {'is' if row['lost'] == 1 else 'are'} "
        "not in the new data. What became of them is not known, and is not counted; if they have "
        "left, more went than is shown."
    )


def reliability(table: pd.DataFrame) -> str:
    """Say in how many groups what came agrees with the forecast.

    Parameters
    ----------
    table
        From `history.backtest.reliability`.
    """
    if table.empty:
        return "Too few customers had a forecast to compare groups of them."
    inside = int(table["predicted"].between(table["low"], table["high"]).sum())
    return (
        f"What came agrees with the forecast, within chance, in {inside} of "
        f"{count(len(table), 'group')}."
    )


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


def title(row: Row) -> str:
    """Return what happened as it stands on the axis of a picture: 'Stayed away'."""
    return capital(_words(row)[0])

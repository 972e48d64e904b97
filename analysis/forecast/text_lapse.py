"""Say in a sentence what the lapse models show.

Every sentence is computed, and holds whichever candidate was chosen, whether or not the test
confirmed it, and where no model could be made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.core.formatting import count, day, join_words, percent
from analysis.forecast.names import BG_NBD, RECENCY, RFM, TEST
from analysis.stats.names import CONSTANT

#: How the report calls each candidate. Those that are not listed see all features.
NAMES = {
    CONSTANT: "the same risk for all",
    RECENCY: "recency alone",
    RFM: "recency, orders and spend",
    BG_NBD: "purchase rhythm (BG/NBD)",
}


def name(model: str) -> str:
    """Return how the report calls a candidate.

    Examples
    --------
    >>> name("R, F and M"), name("random forest")
    ('recency, orders and spend', 'all features, random forest')
    """
    return NAMES.get(model, f"all features, {model}")


def chosen_model(model: str) -> str:
    """Say what the chosen model goes by.

    Examples
    --------
    >>> chosen_model("R, F and M")
    'The model looks at three numbers: days since the last order, orders, and spend.'
    """
    words = {
        CONSTANT: "No model tells customers apart: all have the same risk",
        RECENCY: "The model looks at one number: days since the last order",
        RFM: "The model looks at three numbers: days since the last order, orders, and spend",
        BG_NBD: "The model looks at each customer's pace of orders, and at the silence since the "
        "last one (BG/NBD)",
    }
    return words.get(model, f"The model looks at all features of the ledger ({model})") + "."


def season(facts: Mapping[str, Any]) -> str:
    """Say whether the time of year that is forecast was ever learnt from.

    Parameters
    ----------
    facts
        With ``transactions.as_of``, ``lapse.days``, ``lapse.training_dates`` and
        ``lapse.test_date``: the final model learns from what followed each of these dates.

    Examples
    --------
    >>> season({"transactions.as_of": "2011-12-10", "lapse.days": 30, "lapse.test_date":
    ...         "2011-11-10", "lapse.training_dates": "2011-10-11"})[:52]
    'The days that are forecast, 10 December 2011 to 8 Ja'
    """
    days = int(facts["lapse.days"])
    if facts.get("forecast.season_known"):
        first, last = (pd.Timestamp(facts[f"forecast.season_{end}"]) for end in ("start", "end"))
        return (
            f"How many are expected to stay away is learnt from the same days a year earlier, "
            f"{day(first)} to {day(last)}, and holds if this year's season is like that one."
        )
    starts = [*facts["lapse.training_dates"].split(", "), facts["lapse.test_date"]]

    def season_days(first: str) -> list[tuple[int, int]]:
        # A leap day is no time of year of its own.
        dates = pd.date_range(first, periods=days)
        return [(date.month, min(date.day, 28) if date.month == 2 else date.day) for date in dates]

    known = {date for start in starts for date in season_days(start)}
    new = sum(date not in known for date in season_days(facts["transactions.as_of"]))
    ahead = pd.date_range(facts["transactions.as_of"], periods=days)
    text = f"The days that are forecast, {day(ahead[0])} to {day(ahead[-1])}, lie in a time of year"
    if not new:
        return f"{text} that the model has learnt from."
    if new == days:
        return f"{text} that the model has never learnt from."
    return (
        f"{text} that the model has learnt from in part only: {count(new)} of the "
        f"{count(days, 'day')} in no earlier year."
    )


def no_model(reason: str) -> str:
    """Say that there is no model, and why."""
    return f"There is no model of who will not order again: {reason}."


def candidates(table: pd.DataFrame) -> str:
    """Say how well the chosen candidate ranks customers, and whether the test confirms it.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.models`.
    """
    row = table[table["chosen"]].iloc[0]
    if row["model"] == CONSTANT:
        return "No candidate tells customers who stay away from those who come back."
    # Of two: what the area under the ROC curve is.
    text = (
        f"The chosen model, {name(row['model'])}, ranks {_whole_percent(row['roc_auc'])} of 100 "
        f"pairs rightly ({_whole_percent(row['roc_auc_low'])} to "
        f"{_whole_percent(row['roc_auc_high'])}); a coin would rank 50"
    )
    best = str(table["model"].iloc[int(table["roc_auc"].to_numpy().argmax())])
    if best == row["model"]:
        return f"{text}. None does better."
    how = "is not credibly better" if row["eligible"] else "is credibly better"
    return f"{text}. The best in the test ({name(best)}) {how}."


def _whole_percent(share: float) -> str:
    return f"{100 * share:.0f}"


def verdict(table: pd.DataFrame) -> str:
    """Say whether the test confirms the choice, and what follows where it does not.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.models`.
    """
    if table.loc[table["chosen"], "eligible"].all():
        return "The test confirms the choice: by the same rule it would not be refused there."
    return (
        "The test does not confirm the choice: by the same rule another would have been taken "
        "there. The choice stands all the same, because a test that chooses tests no more."
    )


def gain(table: pd.DataFrame) -> str:
    """Say what the most elaborate candidates add to recency, orders and spend.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.models`.
    """
    rest = table[[model not in NAMES for model in table["model"]]]
    up = rest[rest["gain_low"] > 0]
    best = rest.sort_values("gain", kind="stable").iloc[-1]
    ends = f"({100 * best['gain_low']:+.1f} to {100 * best['gain_high']:+.1f})".replace("-", "−")
    more = f"{100 * best['gain']:+.1f}".replace("-", "−")
    if up.empty:
        return (
            "Beyond recency, orders and spend, nothing else that was tried credibly helps: the "
            f"best model of all features ({best['model']}) differs by {more} of 100 pairs {ends}."
        )
    return (
        f"All features add to recency, orders and spend: {join_words(list(up['model']))} credibly "
        f"so; at best ({best['model']}) {more} points {ends}."
    )


def rates(table: pd.DataFrame) -> str:
    """Say whether the share of customers who lapse differs between cut-offs.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.rates`.
    """
    known = table.dropna(subset=["share"])
    if known.empty:
        return "At no cut-off were there enough active customers to tell a share."
    order = known.sort_values("share", kind="stable")
    low, high = order.iloc[0], order.iloc[-1]
    if len(known) == 1:
        return f"{percent(low['share'])} of active customers did not order again."
    span = f"from {percent(low['share'])} to {percent(high['share'])}"
    if low["high"] < high["low"]:
        return (
            f"The share who stay away differs between quarters: {span} of active customers, least "
            f"after {day(low['date'])}, most after {day(high['date'])}."
        )
    return f"The share who stay away is much the same at every cut-off: {span}."


def level(table: pd.DataFrame, predicted: float) -> str:
    """Say whether as many customers stayed away in the test as the model expected.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.rates`.
    predicted
        The mean probability in the test.
    """
    row = table[table["role"] == TEST].iloc[0]
    span = f"{percent(row['share'])} ({percent(row['low'])} to {percent(row['high'])})"
    text = f"The model expected {percent(predicted)} to stay away in the test; {span} did"
    if row["low"] <= predicted <= row["high"]:
        return f"{text}, which agrees."
    return f"{text}: it expected too {'many' if predicted > row['share'] else 'few'}."


def reliability(table: pd.DataFrame) -> str:
    """Say whether customers with a predicted risk stay away about as often.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.reliability`.
    """
    inside = table["predicted"].between(table["low"], table["high"])
    groups = len(table)
    text = f"The predicted risk lies within chance of what came in {int(inside.sum())} of {groups}"
    text += f" group{'s' * (groups != 1)}"
    above = int((table["predicted"] > table["high"]).sum())
    below = int((table["predicted"] < table["low"]).sum())
    if inside.all():
        return f"{text}: it can be read as a probability."
    ways = [
        f"too {way} in {count(number)}"
        for way, number in (("high", above), ("low", below))
        if number
    ]
    return f"{text}; it is {join_words(ways)}."


def segments(table: pd.DataFrame) -> str:
    """Say which segments are at most and at least risk.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.segments`.
    """
    if table.empty:
        return "No segment has enough active customers to tell its risk."
    top, last = table.iloc[0], table.iloc[-1]
    if len(table) == 1:
        return f"{top['segment']}: on average {percent(top['mean'])} risk of staying away."
    return (
        f"The highest risk of staying away is among {top['segment']} ({percent(top['mean'])} on "
        f"average), the lowest among {last['segment']} ({percent(last['mean'])})."
    )


def expected_lapses(facts: Mapping[str, Any]) -> str:
    """Say how many of today's customers are expected to stay away.

    Parameters
    ----------
    facts
        With ``lapse.scored``, ``lapse.days`` and, where the season is known, ``lapse.expected``;
        with ``lapse.rate_lowest`` and ``lapse.rate_highest``, the sentence tells what it was like
        in the past, too.
    """
    scored, days = int(facts["lapse.scored"]), int(facts["lapse.days"])
    if not scored:
        return f"Nobody ordered in the last {days} days, so that there is nobody to score."
    if "lapse.expected" not in facts:
        return (
            f"The model ranks {count(scored, 'customer')} who ordered in the last {days} days by "
            f"their risk of not ordering in the next {days}. How many will not order depends on "
            "the season, and these orders do not hold the same season of an earlier year. A second "
            "year of orders would show it."
        )
    text = (
        f"Of {count(scored, 'customer')} who ordered in the last {days} days, about "
        f"{count(facts['lapse.expected'])} ({percent(facts['lapse.expected'] / scored)}) are "
        f"expected not to order in the next {days}"
    )
    ends = [facts.get(f"lapse.rate_{end}") for end in ("lowest", "highest")]
    known = [percent(end) for end in ends if end is not None and pd.notna(end)]
    if not known:
        return f"{text}."
    span = " to ".join(dict.fromkeys(known))
    return f"{text}; of the customers at past dates, {span} did not."

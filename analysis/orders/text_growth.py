"""Say how revenue has grown: against a year earlier first, for else a change may be the season."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import count, minus, money, months, percent
from analysis.core.sentences import fill
from analysis.orders.names import KNOWN, NOBODY, ON_PREVIOUS, QUARTER_ON_YEAR

say = partial(fill, "orders")


def growth_rate(
    growth: pd.DataFrame | None, currency: str, available: bool
) -> dict[str, str] | None:
    """Say how net revenue compares with the same months a year earlier, if the orders hold them.

    Without orders there is nothing to say.
    """
    if not available:
        return None
    year, previous = (find_change(growth, name, KNOWN) for name in (QUARTER_ON_YEAR, ON_PREVIOUS))
    row = previous if year is None else year
    if row is None:
        return {"said": say("growth-rate.said-short")}
    told = {
        "customers": say(
            "growth-rate.customers",
            customers=count(row["customers_after"]),
            customers_before=count(row["customers_before"]),
            orders=count(row["orders_after"]),
            orders_before=count(row["orders_before"]),
        )
    }
    known = {"span": name_span(row, "after"), "now": money(row["revenue_after"], currency)}
    before = money(row["revenue_before"], currency)
    if year is None:
        return {"said": say("growth-rate.said-season", before=before, **known), **told}
    ends = {name: signed_percent(row[name]) for name in ("low", "high")}
    size = percent(abs(row["change"]), 1)
    if row["low"] <= 0 <= row["high"]:
        said = say("growth-rate.said-chance", before=before, **known, **ends)
    elif row["change"] > 0:
        said = say("growth-rate.said-more", change=size, **known, **ends)
    else:
        said = say("growth-rate.said-less", change=size, **known, **ends)
    if previous is not None:
        told["previous"] = say(
            "growth-rate.previous", before=money(previous["revenue_before"], currency)
        )
    nobody = find_change(growth, QUARTER_ON_YEAR, NOBODY)
    if nobody is not None:
        told["nobody"] = say(
            "growth-rate.nobody",
            now=money(nobody["revenue_after"], currency),
            before=money(nobody["revenue_before"], currency),
        )
    return {"said": said, **told}


def find_change(growth: pd.DataFrame | None, comparison: str, part: str) -> pd.Series | None:
    """Return a row of the changes of revenue, or None."""
    if growth is None or growth.empty:
        return None
    some = growth[(growth["comparison"] == comparison) & (growth["part"] == part)]
    return some.iloc[0] if len(some) else None


def name_span(row: pd.Series, when: str) -> str:
    """Return the months of a period, ``before`` or ``after``, as text."""
    last = row[f"{when}_end"] - pd.DateOffset(months=1)
    return months(row[f"{when}_start"], last)


def signed_percent(share: float) -> str:
    """Return a change with its sign.

    Examples
    --------
    >>> signed_percent(0.038), signed_percent(-0.1), signed_percent(0.0001)
    ('+3.8%', '−10.0%', '0.0%')
    """
    text = f"{share:+.1%}"
    return minus(text) if abs(share) >= 0.0005 else text.lstrip("+-")

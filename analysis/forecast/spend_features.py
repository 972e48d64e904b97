"""Build what is known of each customer's purchases at a date, and what came after it.

Only the last so many days before the date are looked at. Where a model learns from one date and
forecasts from another, both look equally far back: else a customer of long standing would look
like a different one at the earlier date.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.orders.purchases import NEVER, Purchases, day_number
from analysis.stats import bgnbd

Numbers = npt.NDArray[np.float64]
#: Spend and orders are summed up over so many days before the date, besides the whole look-back.
WINDOWS = (30, 90, 180, 365)
#: The mean gap of a customer with one occasion, and rates, stand on no fewer days than these.
FEWEST_DAYS = 90
#: Customers with an order in the last so many days are active.
ACTIVE = 90
#: Account tiers: the largest 20 customers, those up to place 100, and so on; the rest come last.
TIERS = (20, 100, 500, 1500)


def history(purchases: Purchases, date: dt.date, look_back: int) -> pd.DataFrame:
    """Return what was known at the beginning of a day of the customers who ordered before it.

    Parameters
    ----------
    purchases
        From `orders.purchases`.
    date
        Nothing dated on it or after it matters.
    look_back
        Days before `date` that are looked at; customers without an order in them are left out.

    Returns
    -------
    pandas.DataFrame
        By customer_id in order: recency_days and tenure_days (days from the last and from the
        first order to `date`), frequency (orders), occasions (days with orders), monetary, lines,
        largest (spend of a day), and for each of `WINDOWS` spend_n and orders_n: of the last n
        days.
    """
    end = day_number(date)
    day = purchases.day
    known = (day < end) & (day >= end - look_back) & (purchases.cancelled >= end)
    customer, day = purchases.customer[known], day[known]
    amount, lines = purchases.amount[known], purchases.lines[known]
    people, place = np.unique(customer, return_inverse=True)
    n = len(people)
    starts = np.flatnonzero(np.diff(place, prepend=-1) | np.diff(day, prepend=-1))
    if not n:
        starts = np.zeros(0, dtype=np.int64)
    by_day = np.add.reduceat(amount, starts) if n else np.zeros(0)
    who = place[starts]
    first, last = (np.zeros(n, dtype=np.int64) for _ in range(2))
    # Purchases stand in order of customer and day.
    first[place[::-1]] = day[::-1]
    last[place] = day
    largest = np.zeros(n)
    np.maximum.at(largest, who, by_day)
    # An order counts once, though its lines may have been cancelled on different days.
    one = np.zeros(len(place))
    one[np.unique(purchases.order[known], return_index=True)[1]] = 1.0

    def total(values: Numbers, days: int = look_back) -> Numbers:
        return np.bincount(place, values * (day >= end - days), n).astype(float)

    table = {
        "recency_days": (end - last).astype(float),
        "tenure_days": (end - first).astype(float),
        "frequency": total(one),
        "occasions": np.bincount(who, minlength=n).astype(float),
        "monetary": total(amount),
        "lines": total(lines),
        "largest": largest,
    }
    for days in WINDOWS:
        table |= {f"spend_{days}": total(amount, days), f"orders_{days}": total(one, days)}
    return pd.DataFrame(table, index=purchases.ids[people])


def is_active(past: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which customers of `history` are active."""
    return np.asarray(past["recency_days"] <= ACTIVE)


def spend_features(past: pd.DataFrame) -> pd.DataFrame:
    """Return what the linear models see, from `history`: logarithms of sums, amounts and days."""
    log = np.log1p(past)
    one = past["occasions"] == 1
    usual = (past["tenure_days"] - past["recency_days"]) / (past["occasions"] - 1).where(~one, 1.0)
    gap = np.log1p(usual.where(~one, past["tenure_days"]))
    years = past["tenure_days"].clip(lower=FEWEST_DAYS) / 365
    return pd.DataFrame(
        {
            "recency_days": past["recency_days"],
            "log_recency": log["recency_days"],
            "log_tenure": log["tenure_days"],
            "log_frequency": log["frequency"],
            "log_occasions": log["occasions"],
            "log_monetary": log["monetary"],
            "log_gap_mean": gap,
            "log_recency_to_gap": log["recency_days"] - gap,
            "one_occasion": one.astype(float),
            "log_mean_order": np.log1p(past["monetary"] / past["frequency"]),
            "log_largest": log["largest"],
            "log_lines_per_order": np.log1p(past["lines"] / past["frequency"]),
            "log_spend_a_year": np.log1p(past["monetary"] / years),
            "log_occasions_a_year": np.log1p(past["occasions"] / years),
            **{f"log_{name}": log[name] for name in _recent()},
        }
    )


def _recent() -> list[str]:
    """Return the sums over recent days; of a whole year, none: it is the look-back, or nearly."""
    return [f"{what}_{days}" for what in ("spend", "orders") for days in WINDOWS[:3]]


def spend_in(purchases: Purchases, date: dt.date, days: int, customers: pd.Index) -> Numbers:
    """Return each customer's net spend, as known today, on so many days from a date on."""
    start = day_number(date)
    inside = (purchases.day >= start) & (purchases.day < start + days)
    inside &= purchases.cancelled == NEVER
    spend = np.bincount(
        purchases.customer[inside], purchases.amount[inside], minlength=len(purchases.ids)
    )
    return np.asarray(spend[purchases.ids.get_indexer(customers)])


def customer_base(past: pd.DataFrame) -> pd.DataFrame:
    """Return `stats.bgnbd.summary` of the customers of `history`."""
    return bgnbd.summary(-past["tenure_days"], -past["recency_days"], past["occasions"], 0.0)


def account_tiers(past: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the account tier of each customer, a place in `names.TIER_NAMES`.

    Customers are ranked by net spend in the last 365 days before the date, as far as the look-back
    reaches, then by all that is known.

    Examples
    --------
    >>> past = pd.DataFrame({"spend_365": [5.0, 9.0], "monetary": [9.0, 9.0]})
    >>> account_tiers(past).tolist()
    [0, 0]
    """
    order = np.lexsort([-past["monetary"].to_numpy(), -past["spend_365"].to_numpy()])
    place = np.empty(len(past), dtype=np.int64)
    place[order] = np.arange(1, len(past) + 1)
    return np.searchsorted(TIERS, place, side="left").astype(np.int64)

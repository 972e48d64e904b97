"""Decide whether the season that is forecast has been seen before: the season rule.

How many customers order in a quarter depends on the season by a factor of two, so the level of a
forecast is learnt from the same season of an earlier year and from nothing else. Where the orders
do not hold it, customers can be ranked, but no future number, share or sum is stated.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.forecast.names import GAP, TOO_SHORT
from analysis.orders.purchases import day_number

#: Days that are forecast: a quarter, and a year.
QUARTER, YEAR = 90, 365
#: Days of orders that must precede the earlier season: customers are known by them.
FEWEST_BEFORE = 180
#: Orders of longer ago tell of customers who are no more.
MOST_BEFORE = 730
#: A longer time without a single order, in the season or in the days before it, is a missing file
#: or a closed shop: what customers did then is not known.
LONGEST_GAP = 45
Facts = dict[str, Any]


class Season(NamedTuple):
    """Whether the days after a date have been seen a year earlier.

    Attributes
    ----------
    known
        Whether levels may be forecast.
    date
        The first day that is forecast.
    earlier
        The same day a year earlier, from which levels are learnt.
    look_back
        Days before `earlier` by which customers are known, and as many before `date`: of both days
        the same is known. At most `MOST_BEFORE`.
    reason
        Why it is not known: `TOO_SHORT`, `GAP` or `FEW` (customers to learn from); "" where it is.
    missing
        How many days of orders are missing before the first one, where they are too few.
    """

    known: bool
    date: dt.date
    earlier: dt.date
    look_back: int
    reason: str = ""
    missing: int = 0


def year_before(date: dt.date) -> dt.date:
    """Return the same day a year earlier.

    Examples
    --------
    >>> str(year_before(dt.date(2012, 2, 29))), str(year_before(dt.date(2011, 12, 10)))
    ('2011-02-28', '2010-12-10')
    """
    return (pd.Timestamp(date) - pd.DateOffset(years=1)).date()


def find_season(first: dt.date, date: dt.date, sold: npt.ArrayLike) -> Season:
    """Tell whether the 90 days from a date on were seen a year earlier, with enough before them.

    Parameters
    ----------
    first
        The day of the first order.
    date
        The first day to be forecast; orders reach to the day before it.
    sold
        The days with orders, as `orders.purchases.day_number` counts them.

    Examples
    --------
    >>> first, date = dt.date(2010, 1, 1), dt.date(2011, 7, 1)
    >>> every_day = range(day_number(first), day_number(date))
    >>> season = find_season(first, date, every_day)
    >>> season.known, str(season.earlier), season.look_back
    (True, '2010-07-01', 181)
    >>> find_season(dt.date(2010, 2, 1), date, every_day)[-2:]
    ('too short', 30)
    """
    earlier = year_before(date)
    before = (earlier - first).days
    look_back = min(before, MOST_BEFORE)
    if before < FEWEST_BEFORE:
        return Season(False, date, earlier, look_back, TOO_SHORT, FEWEST_BEFORE - before)
    start = day_number(earlier)
    spans = ((start - FEWEST_BEFORE, start), (start, start + QUARTER))
    if max(longest_gap(sold, *span) for span in spans) > LONGEST_GAP:
        return Season(False, date, earlier, look_back, GAP)
    return Season(True, date, earlier, look_back)


def longest_gap(sold: npt.ArrayLike, start: int, end: int) -> int:
    """Return the longest run of days without an order, from `start` until before `end`.

    Examples
    --------
    >>> longest_gap([3, 4, 9], 0, 10), longest_gap([], 0, 10)
    (4, 10)
    """
    days = np.unique(np.asarray(sold, dtype=np.int64))
    inside = days[(days >= start) & (days < end)]
    return int(np.diff(np.concatenate([[start - 1], inside, [end]])).max()) - 1


def find_test_dates(
    first: dt.date, as_of: dt.date, days: int, sold: npt.ArrayLike
) -> list[dt.date]:
    """Return the dates at which a forecast of so many days can be tested, in order.

    The season of each is known, what came is known to the end, and no window overlaps another.

    Examples
    --------
    >>> first, as_of = dt.date(2009, 12, 1), dt.date(2011, 12, 10)
    >>> every_day = range(day_number(first), day_number(as_of))
    >>> [str(date) for date in find_test_dates(first, as_of, 90, every_day)]
    ['2011-06-13', '2011-09-11']
    """
    found = []
    for back in range((as_of - first).days // days, 0, -1):
        date = as_of - dt.timedelta(days=days * back)
        if find_season(first, date, sold).known:
            found.append(date)
    return found


def season_facts(season: Season) -> Facts:
    """Return the facts of the season: all that may be said where it is not known."""
    end = season.earlier + dt.timedelta(days=QUARTER - 1)
    return {
        "forecast.season_known": season.known,
        "forecast.season_reason": season.reason,
        "forecast.season_missing_days": season.missing,
        "forecast.season_start": f"{season.earlier}",
        "forecast.season_end": f"{end}",
        "forecast.look_back_days": max(season.look_back, 0),
    }

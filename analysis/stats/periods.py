"""Find the months and quarters that the data covers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

import pandas as pd

#: A quarter counts as covered when the ledger covers all but this many days at either end: a shop
#: may be shut for some days (Christmas, New Year). A month has less room.
QUARTER_SLACK, MONTH_SLACK = 5, 2


def quarter_start(day: dt.date) -> dt.date:
    """Return the first day of the quarter of a day.

    Examples
    --------
    >>> quarter_start(dt.date(2011, 12, 10))
    datetime.date(2011, 10, 1)
    """
    return pd.Period(day, "Q").start_time.date()


def next_quarter(day: dt.date) -> dt.date:
    """Return the first day of the quarter after that of a day.

    Examples
    --------
    >>> next_quarter(dt.date(2011, 12, 10)), next_quarter(dt.date(2011, 1, 1))
    (datetime.date(2012, 1, 1), datetime.date(2011, 4, 1))
    """
    return (pd.Period(day, "Q") + 1).start_time.date()


def next_month(day: dt.date) -> dt.date:
    """Return the first day of the month after that of a day.

    Examples
    --------
    >>> next_month(dt.date(2011, 12, 31)), next_month(dt.date(2011, 1, 1))
    (datetime.date(2012, 1, 1), datetime.date(2011, 2, 1))
    """
    return (pd.Period(day, "M") + 1).start_time.date()


def months_between(first: dt.date, last: dt.date) -> int:
    """Return how many months lie between the months of two days.

    Examples
    --------
    >>> months_between(dt.date(2010, 12, 31), dt.date(2011, 2, 1))
    2
    """
    return (last.year - first.year) * 12 + last.month - first.month


def covers(
    start: dt.date, end: dt.date, first: dt.date, as_of: dt.date, slack: int = QUARTER_SLACK
) -> bool:
    """Tell whether a ledger from `first` until `as_of` covers the days from `start` until `end`.

    Parameters
    ----------
    start, end
        The period; `end` is the first day after it.
    first, as_of
        The day of the ledger's first order, and the first day after its last.
    slack
        How many days may be missing at either end.
    """
    room = dt.timedelta(days=slack)
    return first <= start + room and as_of >= end - room


def covers_month(day: dt.date, first: dt.date, as_of: dt.date) -> bool:
    """Tell whether a ledger covers the month that begins on a day.

    Examples
    --------
    >>> covers_month(dt.date(2011, 12, 1), dt.date(2010, 12, 1), dt.date(2011, 12, 10))
    False
    """
    return covers(day, next_month(day), first, as_of, MONTH_SLACK)


def covered_quarters(dates: Iterable[dt.date], as_of: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """Yield the quarters that begin on one of the dates and that the ledger covers to their end.

    Parameters
    ----------
    dates
        On which the ledger had begun.
    as_of
        The first day after the ledger.

    Yields
    ------
    tuple of datetime.date
        The first day of the quarter, and of the next, in the order of the dates.

    Examples
    --------
    >>> dates = [dt.date(2011, 7, 1), dt.date(2011, 10, 1), dt.date(2011, 12, 10)]
    >>> [str(start) for start, _ in covered_quarters(dates, dt.date(2011, 12, 10))]
    ['2011-07-01']
    """
    for date in dates:
        start, end = pd.Timestamp(date).date(), next_quarter(date)
        if start == quarter_start(start) and covers(start, end, start, as_of):
            yield start, end

"""Find the quarters that the data covers."""

from __future__ import annotations

import datetime as dt

import pandas as pd


def next_quarter(day: dt.date) -> dt.date:
    """Return the first day of the quarter after that of a day.

    Examples
    --------
    >>> next_quarter(dt.date(2011, 12, 10)), next_quarter(dt.date(2011, 1, 1))
    (datetime.date(2012, 1, 1), datetime.date(2011, 4, 1))
    """
    return (pd.Period(day, "Q") + 1).start_time.date()


def covers(start: dt.date, end: dt.date, first: dt.date, as_of: dt.date) -> bool:
    """Tell whether a ledger from `first` until `as_of` covers the days from `start` until `end`.

    A shop may be shut for some days at either end (Christmas, New Year), hence the slack.
    """
    slack = dt.timedelta(days=5)
    return first <= start + slack and as_of >= end - slack

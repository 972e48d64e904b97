"""Test which months and quarters a ledger covers."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from analysis.stats import periods

days = st.dates(dt.date(1970, 1, 2), dt.date(2200, 1, 1))
DAY = dt.timedelta(days=1)


@given(days)
def test_a_day_lies_in_its_quarter_and_the_day_before_in_the_one_before(day: dt.date) -> None:
    start, end = periods.quarter_start(day), periods.next_quarter(day)
    assert start <= day < end
    assert (start.day, start.month % 3) == (1, 1) == (end.day, end.month % 3)
    assert periods.next_quarter(start - DAY) == start
    assert periods.months_between(start, end) == 3
    assert periods.months_between(day, periods.next_month(day)) == 1


@given(days, days)
def test_months_between_add_up(one: dt.date, other: dt.date) -> None:
    assert periods.months_between(one, other) == -periods.months_between(other, one)
    steps = periods.months_between(one, periods.next_quarter(other))
    assert steps == periods.months_between(one, other) + periods.months_between(
        other, periods.next_quarter(other)
    )


@given(days, st.integers(-9, 9), st.integers(-9, 9))
def test_a_few_days_may_be_missing_at_either_end(day: dt.date, late: int, early: int) -> None:
    for start, end, slack in (
        (day.replace(day=1), periods.next_month(day), periods.MONTH_SLACK),
        (periods.quarter_start(day), periods.next_quarter(day), periods.QUARTER_SLACK),
    ):
        found = periods.covers(start, end, start + late * DAY, end - early * DAY, slack)
        assert found == (late <= slack and early <= slack)
    first = day.replace(day=1)
    last = periods.next_month(day)
    assert periods.covers_month(first, first + late * DAY, last) == (late <= periods.MONTH_SLACK)


@given(st.lists(days), days)
def test_covered_quarters_begin_on_one_of_the_days(dates: list[dt.date], as_of: dt.date) -> None:
    starts = [periods.quarter_start(day) for day in dates]
    for given_days in (dates, starts):
        found = list(periods.covered_quarters(given_days, as_of))
        assert found == [
            (day, periods.next_quarter(day))
            for day in given_days
            if day in starts and periods.next_quarter(day) - as_of <= 5 * DAY
        ]

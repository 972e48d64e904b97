"""The season rule: levels are stated only for days that were seen a year earlier."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.forecast import season
from analysis.orders.purchases import day_number

FIRST = dt.date(2009, 12, 1)


def every_day(first: dt.date, end: dt.date) -> range:
    return range(day_number(first), day_number(end))


def test_two_years_of_orders_know_the_season_and_one_year_does_not() -> None:
    as_of = dt.date(2011, 12, 10)
    known = season.find_season(FIRST, as_of, every_day(FIRST, as_of))
    assert known == (True, as_of, dt.date(2010, 12, 10), 374, "", 0)
    late = dt.date(2010, 12, 1)
    unknown = season.find_season(late, as_of, every_day(late, as_of))
    assert not unknown.known
    assert (unknown.reason, unknown.missing) == (season.TOO_SHORT, 171)


@given(st.integers(0, 2000))
def test_the_season_is_known_from_180_days_before_it_on(days: int) -> None:
    as_of = dt.date(2015, 6, 1)
    first = as_of - dt.timedelta(days=days)
    found = season.find_season(first, as_of, every_day(first, as_of))
    assert found.known == (days >= 365 + 180)
    assert found.known == (found.missing == 0)
    assert found.look_back <= season.MOST_BEFORE


@pytest.mark.parametrize(
    ("gap_start", "known"),
    [(dt.date(2010, 12, 20), False), (dt.date(2010, 9, 1), False), (dt.date(2011, 6, 1), True)],
)
def test_a_missing_file_in_the_earlier_season_is_no_season(gap_start: dt.date, known: bool) -> None:
    as_of = dt.date(2011, 12, 10)
    days = np.array(every_day(FIRST, as_of))
    start = day_number(gap_start)
    sold = days[(days < start) | (days >= start + 60)]
    found = season.find_season(FIRST, as_of, sold)
    assert found.known == known
    assert found.reason == ("" if known else season.GAP)


def test_tests_do_not_overlap_and_end_before_the_day_of_the_report() -> None:
    as_of = dt.date(2014, 3, 5)
    dates = season.find_test_dates(FIRST, as_of, 90, every_day(FIRST, as_of))
    assert dates[-1] + dt.timedelta(days=90) == as_of
    assert all((b - a).days == 90 for a, b in itertools.pairwise(dates))
    assert season.find_season(FIRST, dates[0], every_day(FIRST, as_of)).known


def test_facts_of_an_unknown_season_hold_no_level() -> None:
    facts = season.season_facts(season.find_season(dt.date(2011, 1, 1), dt.date(2011, 12, 10), []))
    assert facts["forecast.season_known"] is False
    assert not [key for key in facts if "expected" in key or "risk" in key or "away" in key]

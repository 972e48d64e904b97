"""Test that the what-if page can compute the book's numbers, and others."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from plans import some_terms, table, terms

from analysis.core.settings import read_settings
from analysis.strategy import value
from analysis.strategy.names import REACH
from analysis.strategy.terms import Assumed, Terms
from analysis.strategy.what_if import FILE, describe_actions, gain_of, write_what_if

SETTINGS = read_settings()


@effort(max_examples=40, deadline=None)
@given(some_terms)
def test_the_default_gives_the_book_s_number(known: Terms) -> None:
    told = describe_actions(table({"A": known}), SETTINGS)
    for action in told["actions"]:
        found = gain_of(action, told["margin"], told["reach"])
        assert found == pytest.approx(action["expected_profit"], rel=1e-9, abs=1e-9)


def test_what_is_changed_changes_the_gain_as_the_terms_say() -> None:
    known = terms(offer=1.0)
    (action,) = describe_actions(table({"A": known}), SETTINGS)["actions"]
    at = {"margin": 0.4, "reach": 0.5}
    for changed, values in (
        ({"margin": 0.3}, {"rate": 0.3}),
        ({"reach": 0.8}, {"reach": 0.8}),
        ({"uplift": 2.0}, {"uplift": 0.04}),
        ({"offer": 3.0}, {"offer": 3.0}),
        # No more can be won than do not order anyway.
        ({"uplift": 99.0}, {"uplift": 0.4}),
    ):
        assert gain_of(action, **(at | changed)) == pytest.approx(float(known.profit(**values)))


def test_customers_who_agreed_are_reached_whatever_is_assumed() -> None:
    known = terms()
    known = known._replace(ranges=known.ranges | {REACH: Assumed(1.0, 1.0, 1.0)})
    (action,) = describe_actions(table({"A": known}), SETTINGS)["actions"]
    assert action["agreed"] == 1.0
    assert gain_of(action, 0.4, 0.1) == gain_of(action, 0.4, 0.9)


def test_nothing_is_told_where_no_gain_is_stated() -> None:
    found = table({"A": terms(), "loss": terms(cost=90)}).assign(forgone=0.0)
    assert [one["segment"] for one in describe_actions(found, SETTINGS)["actions"]] == ["A"]
    assert describe_actions(value.hide_levels(found), SETTINGS)["actions"] == []
    made, _ = write_what_if(pd.DataFrame(), SETTINGS)
    assert json.loads(made[FILE])["actions"] == []

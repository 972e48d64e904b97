"""Test what the chapter on data checks says of regular customers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from analysis.core.presentation import Table
from analysis.regulars import layouts, text

READ: dict[str, Any] = {
    "customers": 1300,
    "same": 802,
    "declined": 498,
    "kept_customers": 1296,
    "kept_declined_share": 0.381,
    "in_orders": None,
    "in_orders_share": None,
    "consent_known": True,
    "impossible_revenue_rows": 0,
    "impossible_revenue_highest": None,
    "currency": "₽",
}
NOTHING: dict[str, Any] = dict.fromkeys(READ)
SETTINGS: Any = SimpleNamespace(activity=SimpleNamespace(impossible_revenue=10.0, twin_columns=9))


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        (
            {},
            "said-kept",
            "Of 1,300 regular customers, 1,296 can be compared; 38.1% of them buy less.",
        ),
        (
            {"kept_customers": 1300},
            "said-kept",
            "All 1,300 regular customers can be compared; 38.1% of them buy less.",
        ),
        (
            {"in_orders": 900, "in_orders_share": 0.69},
            "said-orders",
            "69% of them (900) also appear",
        ),
        ({"consent_known": False}, "said-consent", "The consent column is empty"),
        (
            {"impossible_revenue_rows": 1, "impossible_revenue_highest": 106862.2},
            "said-impossible",
            "One revenue, ₽106,862, counts as impossible: it is more than 10 times",
        ),
    ],
)
def test_what_was_read_is_told(changes: dict[str, Any], key: str, says: str) -> None:
    said = text.regulars_read(**READ | changes, settings=SETTINGS)
    assert said is not None and said[key].startswith(says)
    if not changes:
        assert set(said) == {"said", "said-kept"}


def test_nothing_is_said_of_tables_that_are_not_there() -> None:
    assert text.regulars_read(**NOTHING, settings=SETTINGS) is None
    assert text.modelling_traps(None, 0, 0, 0, 0, settings=SETTINGS) is None


@pytest.mark.parametrize(("auc", "telling"), [(0.98, True), (0.02, True), (0.52, False)])
def test_a_number_that_gives_the_answer_away_is_told(auc: float, telling: bool) -> None:
    said = text.modelling_traps(auc, 0, 0, 0, 0, settings=SETTINGS)
    assert said is not None
    assert ("takeaway" in said) is telling
    assert ("sorted by the answer" in said["said-number"]) is telling
    assert said["said-pairs"] == "No two customers agree in 9 or more of 14 measures."


def test_near_duplicates_are_counted() -> None:
    said = text.modelling_traps(0.9, 22, 21, 12, 9, settings=SETTINGS)
    assert said is not None
    assert said["said-pairs"].startswith("22 pairs of customers agree in at least 9 of 14 measures")


def test_tables_with_nothing_to_set_say_so_or_are_left_out() -> None:
    nothing = pd.DataFrame()
    assert layouts.regulars_spellings(nothing) == "No known misspelling was found."
    assert layouts.regulars_lookalikes(nothing) is None
    assert layouts.regulars_set_aside(nothing) == "No customer was set aside."
    joins = pd.DataFrame({"from": ["a"], "to": ["b"], "missing_customers": [0]})
    assert isinstance(layouts.regulars_unmatched(joins), str)
    assert isinstance(layouts.regulars_unmatched(joins.assign(missing_customers=3)), Table)

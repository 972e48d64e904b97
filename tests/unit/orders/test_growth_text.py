"""Test what is said and drawn of growth: a year earlier first, and never a season as growth."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from analysis.core.plotting import draw
from analysis.core.presentation import Figure, Table
from analysis.core.tables import html
from analysis.orders import figures_growth, layouts_growth, text_growth
from analysis.orders.names import (
    ALL,
    CUSTOMERS,
    FREQUENCY,
    KNOWN,
    NEW,
    NOBODY,
    ON_PREVIOUS,
    QUARTER_ON_YEAR,
    RETURNING,
)

SPANS = {
    QUARTER_ON_YEAR: ("2010-09-01", "2010-12-01"),
    ON_PREVIOUS: ("2011-06-01", "2011-09-01"),
}


def growth(*comparisons: str, change: float = 0.1, half: float = 0.05) -> pd.DataFrame:
    """Return a table as `orders.growth.compare_revenue` makes it."""
    rows = []
    for name in comparisons:
        start, end = map(pd.Timestamp, SPANS[name])
        for part, size in ((KNOWN, 1000.0), (NOBODY, 100.0), (ALL, 1100.0)):
            rows.append(
                {
                    "comparison": name,
                    "before_start": start,
                    "before_end": end,
                    "after_start": pd.Timestamp("2011-09-01"),
                    "after_end": pd.Timestamp("2011-12-01"),
                    "part": part,
                    "customers_before": 50.0,
                    "customers_after": 60.0,
                    "orders_before": 90.0,
                    "orders_after": 99.0,
                    "revenue_before": size,
                    "revenue_after": size * (1 + change),
                    "change": change,
                    "low": change - half,
                    "high": change + half,
                }
            )
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (0.1, "£1,100, 10.0% more than in the same months a year earlier"),
        (-0.1, "£900, 10.0% less than in the same months a year earlier"),
        (0.01, "the difference is within chance (95% interval of the change: −4.0% to +6.0%)"),
    ],
)
def test_growth_is_told_against_a_year_earlier(change: float, says: str) -> None:
    texts = text_growth.growth_rate(
        growth(QUARTER_ON_YEAR, ON_PREVIOUS, change=change), "£", available=True
    )
    assert texts is not None and says in texts["said"]
    assert "September to November 2011" in texts["said"]
    assert "includes the effect of the season" in texts["previous"]


def test_without_a_year_earlier_a_change_is_called_the_season() -> None:
    texts = text_growth.growth_rate(growth(ON_PREVIOUS, change=0.63), "£", available=True)
    assert texts is not None
    assert "may be due to the season" in texts["said"] and "%" not in texts["said"]
    short = text_growth.growth_rate(None, "£", available=True)
    assert short is not None and "cannot be measured" in short["said"]
    assert text_growth.growth_rate(None, "", available=False) is None


def tree(comparison: str, parts: tuple[str, ...] = (NEW, RETURNING)) -> pd.DataFrame:
    rows = []
    for n, part in enumerate(parts):
        for factor, amount in ((CUSTOMERS, 80.0 - 200 * n), (FREQUENCY, 20.0)):
            rows.append(
                {
                    "comparison": comparison,
                    "part": part,
                    "factor": factor,
                    "before": 50.0,
                    "after": 60.0,
                    "contribution": amount,
                    "low": amount - 10,
                    "high": amount + 10,
                }
            )
    return pd.DataFrame(rows)


def test_the_tree_names_the_largest_contribution_and_what_it_is_measured_against() -> None:
    made = figures_growth.revenue_tree(tree(QUARTER_ON_YEAR), growth(QUARTER_ON_YEAR), "£")
    assert isinstance(made, Figure)
    assert made.headline == (
        "The number of returning customers changed revenue most: −£120 against a year earlier"
    )
    assert "£110" in made.caption and "12 months before" in made.caption
    assert draw(made.plot).startswith(b"<svg")
    season = figures_growth.revenue_tree(tree(ON_PREVIOUS), growth(ON_PREVIOUS), "£")
    assert season and season.headline.endswith("against the three months before")
    assert figures_growth.revenue_tree(None, None, "£") is None


def test_comparisons_are_set_with_their_intervals() -> None:
    made = layouts_growth.growth_comparisons(growth(QUARTER_ON_YEAR, ON_PREVIOUS), "£")
    assert isinstance(made, Table)
    page = words(made)
    assert page.count("+10.0% (+5.0% to +15.0%)") == 6
    assert page.count("September to November 2011, against") == 2
    assert layouts_growth.growth_comparisons(None, "£") is None


def words(made: Table) -> str:
    """Return the text of a table."""
    return " ".join(re.sub(r"<[^>]+>", "", html(made.table)).split())


def cohorts(known: bool = True) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        {
            "cohort": pd.Timestamp(f"2011-0{month}-01"),
            "new_known": known,
            "months": n,
            "size": 40,
            "cumulative": 100.0 * (n + 1) * month,
            "low": 50.0,
            "high": 900.0,
        }
        for month in (1, 2)
        for n in range(4)
    ]
    return pd.DataFrame(rows)


def test_cohorts_are_compared_at_the_same_age_and_only_where_new_is_known() -> None:
    made = figures_growth.cohort_revenue(cohorts(), "£")
    assert isinstance(made, Figure)
    assert made.headline == (
        "Customers who were new in February 2011 brought £600 each within three months; those "
        "new in January 2011, £300"
    )
    assert draw(made.plot).startswith(b"<svg")
    assert isinstance(figures_growth.cohort_revenue(cohorts(known=False), "£"), str)
    assert isinstance(figures_growth.cohort_revenue(cohorts().head(0), "£"), str)


@pytest.mark.parametrize(("marked", "says"), [(True, "One product stands out"), (False, "No prod")])
def test_products_that_win_a_second_order_are_told_only_beyond_chance(
    marked: bool, says: str
) -> None:
    table = pd.DataFrame(
        {
            "stock_code": ["1"],
            "description": ["MUG"],
            "customers": [60],
            "returned": [0.5],
            "expected": [0.3],
            "difference": [0.2],
            "low": [0.1],
            "high": [0.3],
            "marked": [marked],
        }
    )
    made = layouts_growth.second_order_products(table, 500, 0.35)
    assert isinstance(made, Table) and made.more
    assert made.more["said-marked"].startswith(says)
    assert "35%" in made.more["said"]
    assert "+20 (+10 to +30)" in words(made)
    assert isinstance(layouts_growth.second_order_products(table.head(0), 500, 0.3), str)

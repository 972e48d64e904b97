"""Test the sentences about sales, also where the data is thin, flat or falling."""

from __future__ import annotations

import pandas as pd
import plotnine as p9
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.plotting import draw
from analysis.ingest.sample_orders import HOSTILE
from analysis.orders import figures, tables, text


def months(*revenue: float, whole: tuple[bool, ...] = ()) -> pd.DataFrame:
    """Return a table as `orders.tables.monthly` makes it."""
    size = len(revenue)
    return pd.DataFrame(
        {
            "month": pd.date_range("2024-01-01", periods=size, freq="MS"),
            "gross_revenue": revenue,
            "net_revenue": revenue,
            "cancelled_revenue": [0.0] * size,
            "orders": [10] * size,
            "customers": [5] * size,
            "new_customers": [2] * size,
            "returning_customers": [3] * size,
            "mean_order": [value / 10 for value in revenue],
            "order_low": [value / 11 for value in revenue],
            "order_high": [value / 9 for value in revenue],
            "whole": list(whole) or [True] * size,
        }
    )


def test_revenue_names_the_best_and_the_weakest_whole_month() -> None:
    table = months(100, 400, 200, 900, whole=(True, True, True, False))
    assert text.revenue(table, "£") == (
        "February 2024 brought the most, £400: 4.0 times as much as January 2024, "
        "the weakest whole month."
    )


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (months(5, whole=(False,)), "The ledger covers no whole month yet."),
        (months(5), "January 2024 brought the most, £5.00 (it is the only whole month)."),
        (months(5, 0), "January 2024 brought the most, £5.00; February 2024 brought nothing."),
    ],
)
def test_revenue_where_there_is_little(table: pd.DataFrame, says: str) -> None:
    assert text.revenue(table, "£") == says


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=30))
def test_revenue_names_a_month_with_the_highest_revenue(amounts: list[int]) -> None:
    table = months(*map(float, amounts))
    named = text.revenue(table, "£").split(" brought")[0]
    best = table.loc[table["net_revenue"] == max(amounts), "month"]
    assert named in {f"{date:%B %Y}" for date in best}


def test_orders_compare_the_last_two_periods() -> None:
    table = months(100, 100, 100, 100, 100, 100).assign(orders=[10, 10, 10, 5, 5, 5])
    recent = tables.recent_change(table)
    assert list(recent["period"]) == ["latest", "before"]
    assert text.orders(recent, "£") == (
        "In April to June 2024 customers placed 15 orders, down 50% on the three months before; "
        "the mean order is £20.00, up 100%."
    )
    assert "too few" in text.orders(tables.recent_change(months(1, 2)), "£")
    assert text.orders(tables.recent_change(months(1, 2, 3)), "£") == (
        "In January to March 2024 customers placed 30 orders."
    )


def test_a_period_a_year_earlier_is_found_only_where_it_is_whole() -> None:
    table = months(*range(100, 115))
    recent = tables.recent_change(table).set_index("period")
    assert recent.loc["year_before", "first"] == pd.Timestamp("2024-01-01")
    broken = table.assign(whole=[False] + [True] * 14)
    assert "year_before" not in set(tables.recent_change(broken)["period"])


def test_the_week_names_days_without_orders() -> None:
    table = pd.DataFrame({"weekday": [0, 1, 1], "hour": [9, 9, 12], "orders": [1, 5, 2]})
    assert text.week(table) == (
        "Tuesday is the busiest day and 9:00 to 10:00 the busiest hour; "
        "Wednesday, Thursday, Friday, Saturday and Sunday have none."
    )
    assert "without the time of day" in text.week(table.assign(hour=0))
    assert text.week(table.head(0)) == text.NO_SALES


def countries(**share: float) -> pd.DataFrame:
    names = list(share)
    return pd.DataFrame(
        {
            "country": names,
            "home": [name == "Home" for name in names],
            "countries": 1,
            "customers": 20,
            "orders": 30,
            "revenue": [value * 1000 for value in share.values()],
            "share": list(share.values()),
            "mean_order": 33.0,
        }
    )


def test_countries_say_how_much_comes_from_home() -> None:
    assert text.countries(countries(Home=0.8, Abroad=0.2)) == (
        "Home brings 80.0% of net revenue; the next market, Abroad, 20.0%."
    )
    assert text.countries(countries(Home=1.0)) == "All net revenue comes from Home."
    pooled = countries(Home=0.8, Rest=0.2).assign(countries=[1, 7])
    assert "no other market is large enough" in text.countries(pooled)


def test_returns_where_nothing_was_cancelled() -> None:
    assert text.returns(months(5, 6), 0.0) == "Nothing was cancelled."
    said = text.returns(months(5, 6), 0.05)
    assert said == "5.0% of gross revenue was cancelled, none of it in a whole month."
    table = months(100, 100).assign(cancelled_revenue=[10.0, 30.0])
    assert text.returns(table, 0.15) == (
        "15.0% of gross revenue was cancelled; among whole months the share was highest in "
        "February 2024, 30.0%."
    )


def test_cohorts_leave_out_the_first_and_the_unfinished() -> None:
    first, second = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")
    rows = [(first, n, 90, 100, True) for n in range(5)]
    rows += [(second, 0, 50, 50, True)] + [(second, n, 10 * n, 50, True) for n in (1, 2, 3)]
    table = pd.DataFrame(rows, columns=["cohort", "months", "customers", "size", "whole"])
    table["share"] = table["customers"] / table["size"]
    assert text.cohorts(table) == (
        "Of new customers 20% order again in the first month after, 40% in the second and 60% "
        "in the third."
    )
    unfinished = table.assign(whole=table["months"] < 3)
    assert "too short" in text.cohorts(unfinished)


def test_products_say_when_best_sellers_came_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "TOP_PRODUCTS", 2)
    table = pd.DataFrame(
        {
            "stock_code": ["1", "2", "3"],
            "description": [HOSTILE, None, "B"],
            "revenue": [70.0, 20.0, 10.0],
            "share": [0.7, 0.2, 0.1],
            "returned_share": [0.9, 0.0, 0.0],
        }
    )
    assert text.products(table) == (
        "The top 2 of 3 products bring 90.0% of gross revenue, but 1 of them was mostly cancelled."
    )
    draw(figures.products(table, "£", text.products(table)))


@pytest.mark.parametrize("size", [2, 40])
def test_pictures_of_few_and_of_many_months(size: int) -> None:
    table = months(*[100.0 + n for n in range(size)])
    for plot in (
        figures.revenue(table, "£", "A message"),
        figures.orders(table, "£", "A message"),
        figures.new_and_returning(table, "A message"),
        figures.returns(table, "A message"),
    ):
        assert isinstance(plot, p9.ggplot)
        assert draw(plot).startswith(b"<svg")


def test_equal_labels_do_not_fall_together() -> None:
    """Two products of one name stay two bars; two countries cut to one label stay apart."""
    table = pd.DataFrame(
        {
            "stock_code": ["1", "2"],
            "description": ["MUG", "MUG"],
            "revenue": [70.0, 20.0],
            "share": [0.7, 0.3],
            "returned_share": [0.0, 0.0],
        }
    )
    plot = figures.products(table, "£", "A message")
    assert plot.data["product"].nunique() == 2
    long = "A very long name of a country, " * 3
    two = pd.concat([countries(**{long + "north": 0.6, long + "south": 0.4})], ignore_index=True)
    assert figures.countries(two, "£", "A message").data["country"].nunique() == 2


def test_the_largest_group_that_cleaning_leaves_out_is_named() -> None:
    table = pd.DataFrame(
        {
            "cleaning_step": range(7),
            "rows": [100, 75, 74, 70, 70, 69, 60],
            "removed_rows": [0, 25, 1, 4, 0, 1, 9],
        }
    )
    assert text.cleaning_steps(table) == (
        "60.0% of 100 rows are net sales; the largest group left out: 25 rows that have no "
        "customer id, break a rule or repeat a row of another file."
    )
    whole = table.assign(rows=100, removed_rows=0)
    assert text.cleaning_steps(whole) == "All 100 rows are net sales."
    assert "no net sales" in text.cleaning_steps(whole.assign(rows=0))

"""Test what is said of sales and drawn of them, also where the data is thin, flat or falling."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.plotting import draw
from analysis.core.presentation import Figure, Table
from analysis.ingest.sample_orders import HOSTILE
from analysis.orders import figures, layouts, tables, text


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


def shown(made: Figure | str) -> Figure:
    """Return a figure that was not refused."""
    assert isinstance(made, Figure), made
    return made


def test_revenue_names_the_best_and_the_weakest_whole_month() -> None:
    table = months(100, 400, 200, 900, whole=(True, True, True, False))
    assert shown(figures.revenue_by_month(table, "£")).headline == (
        "Net revenue peaked in February 2024 at £400, 4.0 times that of January 2024, the weakest "
        "month"
    )


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (months(5), "Net revenue was £5.00 in January 2024, the only whole month"),
        (
            months(5, 0),
            "Net revenue peaked in January 2024 at £5.00; there was none in February 2024",
        ),
        (months(5, 5), "Net revenue was £5.00 in every whole month"),
    ],
)
def test_revenue_where_there_is_little(table: pd.DataFrame, says: str) -> None:
    assert shown(figures.revenue_by_month(table, "£")).headline == says


def test_revenue_without_a_whole_month_says_why_there_is_no_figure() -> None:
    table = months(5, whole=(False,))
    assert figures.revenue_by_month(table, "£") == "The orders do not cover a whole month yet."


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10**7), min_size=3, max_size=30).filter(lambda a: len(set(a)) > 1))
def test_revenue_names_a_month_with_the_highest_revenue(amounts: list[int]) -> None:
    table = months(*map(float, amounts))
    said = shown(figures.revenue_by_month(table, "£")).headline
    named = said.removeprefix("Net revenue peaked in ").split(" at £")[0]
    best = table.loc[table["net_revenue"] == max(amounts), "month"]
    assert named in {f"{date:%B %Y}" for date in best}


def test_a_year_earlier_is_drawn_where_a_whole_month_has_one() -> None:
    long = figures.revenue_by_month(months(*range(100, 115)), "£")
    short = figures.revenue_by_month(months(*range(100, 112)), "£")
    assert b"a year earlier" in draw(shown(long).plot)
    assert b"a year earlier" not in draw(shown(short).plot)


def test_orders_compare_the_last_two_periods() -> None:
    table = months(100, 100, 100, 100, 100, 100).assign(orders=[10, 10, 10, 5, 5, 5])
    recent = tables.recent_change(table)
    assert list(recent["period"]) == ["latest", "before"]
    assert text.recent_orders(recent, "£")["said"] == (
        "In April to June 2024, customers placed 15 orders (down 50% on the three months before, "
        "which may be due to the season), worth £20.00 on average (up 100%)."
    )
    assert "too few" in text.recent_orders(tables.recent_change(months(1, 2)), "£")["said"]
    assert text.recent_orders(tables.recent_change(months(1, 2, 3)), "£")["said"] == (
        "In January to March 2024, customers placed 30 orders, worth £0.20 on average."
    )


def test_a_period_a_year_earlier_is_found_only_where_it_is_whole() -> None:
    table = months(*range(100, 115))
    recent = tables.recent_change(table).set_index("period")
    assert recent.loc["year_before", "first"] == pd.Timestamp("2024-01-01")
    broken = table.assign(whole=[False] + [True] * 14)
    assert "year_before" not in set(tables.recent_change(broken)["period"])


def monthly_customers(size: int, known: int) -> pd.DataFrame:
    """Return a table as `new_customers.monthly_customers` makes it, with the last months known."""
    told = [n >= size - known for n in range(size)]
    return pd.DataFrame(
        {
            "month": pd.date_range("2024-01-01", periods=size, freq="MS"),
            "whole": True,
            "new_known": told,
            "customers": 5,
            "new_customers": [2.0 if one else float("nan") for one in told],
            "returning_customers": [3.0 if one else float("nan") for one in told],
        }
    )


def test_new_customers_are_not_told_apart_before_there_is_history() -> None:
    table = monthly_customers(5, known=2)
    made = shown(figures.new_and_returning_customers(table))
    assert made.headline == "In May 2024, 40% of the customers who ordered were new"
    kinds = made.plot.data.groupby("month")["kind"].agg(list)
    assert [len(kind) for kind in kinds] == [1, 1, 1, 2, 2]
    assert set(kinds.iloc[0]) == {"not told apart"}
    short = figures.new_and_returning_customers(monthly_customers(5, known=0))
    assert isinstance(short, str) and "there are none yet" in short
    few = table.assign(new_customers=float("nan"), returning_customers=float("nan"))
    assert "enough customers" in str(figures.new_and_returning_customers(few))
    silent = table.assign(customers=0, new_customers=0.0, returning_customers=0.0)
    assert shown(figures.new_and_returning_customers(silent)).headline == (
        "No customer ordered in May 2024"
    )


def test_orders_are_compared_with_a_year_earlier_first() -> None:
    table = months(*[100.0] * 15).assign(orders=[20] * 3 + [5] * 9 + [10] * 3)
    told = text.recent_orders(tables.recent_change(table), "£")["said"]
    assert "30 orders (down 50% on the same months a year earlier)" in told


def test_the_week_names_days_without_orders() -> None:
    table = pd.DataFrame({"weekday": [0, 1, 1], "hour": [9, 9, 12], "orders": [1, 5, 2]})
    assert shown(figures.orders_by_weekday_and_hour(table)).headline == (
        "Tuesday is the busiest day, and 9:00 to 10:00 the busiest hour; there are no orders on "
        "Wednesday, Thursday, Friday, Saturday or Sunday"
    )
    assert "without the time of day" in figures.orders_by_weekday_and_hour(table.assign(hour=0))
    assert "no net sales" in figures.orders_by_weekday_and_hour(table.head(0))


def countries(**share: float) -> pd.DataFrame:
    names = list(share)
    return pd.DataFrame(
        {
            "country": names,
            "home": [name == "Home" for name in names],
            "countries": 1,
            "customers": [20 if name == "Home" else 2 for name in names],
            "orders": 30,
            "revenue": [value * 1000 for value in share.values()],
            "share": list(share.values()),
            "mean_order": 33.0,
        }
    )


def test_markets_compare_what_customers_are_worth() -> None:
    assert shown(figures.markets(countries(Home=0.8, Abroad=0.2), "£", True)).headline == (
        "80.0% of net revenue comes from Home; "
        "a customer in Abroad is worth 2.5 times as much as one there"
    )
    poor = countries(Home=0.99, Abroad=0.01)
    assert shown(figures.markets(poor, "£", True)).headline == (
        "99.0% of net revenue comes from Home, where customers are also worth the most"
    )
    away = countries(North=0.6, South=0.4)
    assert shown(figures.markets(away, "£", True)).headline == (
        "Customers in North bring the most each"
    )


@pytest.mark.parametrize(
    ("table", "has_country", "why"),
    [
        (countries(Home=1.0), True, "All net revenue comes from Home."),
        (countries(), True, "There are no net sales to show."),
        (countries(Home=1.0), False, "no column for the country"),
    ],
)
def test_one_market_is_not_drawn(table: pd.DataFrame, has_country: bool, why: str) -> None:
    assert why in figures.markets(table, "£", has_country)


def test_markets_that_are_added_up_are_counted() -> None:
    pooled = countries(Home=0.8, Rest=0.2).assign(countries=[1, 7])
    drawn = draw(shown(figures.markets(pooled, "£", True)).plot)
    assert b"7 smaller markets" in drawn


@pytest.mark.parametrize(
    ("customers", "says"),
    [
        ([9, 8, 1], "Net sales with and without the home market."),
        ([9, 8, 2], "because one customer ordered from both"),
        ([9, 8, 3], "because 2 customers ordered from both"),
    ],
)
def test_customers_of_two_markets_are_told(customers: list[int], says: str) -> None:
    table = pd.DataFrame({"market": ["All", "Home", "Others"], "customers": customers})
    made = layouts.market_totals(table.assign(orders=9, revenue=1.0, mean_order=1.0), "£")
    assert isinstance(made, Table)
    assert says in (made.caption or "Net sales with and without the home market.")


def test_cancellations_where_there_are_none() -> None:
    def headline(table: pd.DataFrame, share: float) -> str:
        return shown(figures.cancelled_share(table, share, True)).headline

    assert headline(months(5, 6), 0.0) == "Nothing was cancelled"
    assert headline(months(5, 6), 0.05) == (
        "5.0% of gross revenue was cancelled, none of it in a whole month"
    )
    table = months(100, 100).assign(cancelled_revenue=[10.0, 30.0])
    assert headline(table, 0.15) == (
        "15.0% of gross revenue was cancelled; the share was highest in February 2024, at 30.0%"
    )
    assert "no invoice numbers" in figures.cancelled_share(table, 0.15, False)


def test_cohorts_leave_out_the_first_and_the_unfinished() -> None:
    first, second = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")
    rows = [(first, n, 90, 100, True) for n in range(5)]
    rows += [(second, 0, 50, 50, True)] + [(second, n, 10 * n, 50, True) for n in (1, 2, 3)]
    table = pd.DataFrame(rows, columns=["cohort", "months", "customers", "size", "whole"])
    table["share"] = table["customers"] / table["size"]
    assert shown(figures.cohorts(table)).headline == (
        "Of new customers, 20% order again in the first month, 40% in the second and 60% in the "
        "third"
    )
    unfinished = table.assign(whole=table["months"] < 3)
    assert "with three months of orders" in figures.cohorts(unfinished)


def products(*names: str | None) -> pd.DataFrame:
    """Return products whose net revenue falls from 70."""
    size = len(names)
    return pd.DataFrame(
        {
            "stock_code": [str(n) for n in range(size)],
            "description": list(names),
            "net_revenue": [70.0 / (n + 1) for n in range(size)],
        }
    )


def test_products_say_what_the_best_sellers_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(figures.best_selling_products(products("A"), "£", True, 70.0)).headline == (
        "One product brings all net revenue"
    )
    assert shown(figures.best_selling_products(products("A", "B"), "£", True, 105.0)).headline == (
        "2 products bring all net revenue; the best-selling one brings 66.7%"
    )
    monkeypatch.setattr(figures, "TOP_PRODUCTS", 1)
    made = shown(figures.best_selling_products(products(HOSTILE, None), "£", True, 105.0))
    assert made.headline == "The top 1 of 2 products bring 66.7% of net revenue"
    assert draw(made.plot).startswith(b"<svg")


@pytest.mark.parametrize("size", [2, 40])
def test_pictures_of_few_and_of_many_months(size: int) -> None:
    table = months(*[100.0 + n for n in range(size)])
    for made in (
        figures.revenue_by_month(table, "£"),
        figures.new_and_returning_customers(monthly_customers(size, known=1)),
        figures.cancelled_share(table, 0.0, True),
    ):
        assert draw(shown(made).plot).startswith(b"<svg")


def test_equal_labels_do_not_fall_together() -> None:
    """Two products of one name stay two bars; two countries cut to one label stay apart."""
    made = shown(figures.best_selling_products(products("MUG", "MUG"), "£", True, 105.0))
    assert made.plot.data["product"].nunique() == 2
    long = "A very long name of a country, " * 3
    two = countries(**{long + "north": 0.6, long + "south": 0.4})
    assert shown(figures.markets(two, "£", True)).plot.data["market"].nunique() == 2


def test_the_share_that_cleaning_keeps_is_told() -> None:
    table = pd.DataFrame(
        {
            "step": [f"step {n}" for n in range(7)],
            "rows": [100, 75, 74, 70, 70, 69, 60],
            "removed_rows": [0, 25, 1, 4, 0, 1, 9],
        }
    )
    made = shown(figures.cleaning_steps(table))
    assert made.headline == "60.0% of 100 order lines are net sales"
    assert "75 (−25)".encode() in draw(made.plot)
    whole = table.assign(rows=100, removed_rows=0)
    assert shown(figures.cleaning_steps(whole)).headline == "All 100 order lines are net sales"
    assert "no net sales" in figures.cleaning_steps(whole.assign(rows=0))


def test_concentration_is_told_with_its_interval() -> None:
    said = text.concentration(0.746, 0.71, 0.78, 0.7)
    assert said is not None and said["said"] == (
        "The top 20% of customers bring 74.6% of gross revenue, likely between 71.0% and 78.0%."
    )
    assert said["interval"].endswith("is 0.70.")

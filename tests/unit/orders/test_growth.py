"""Growth: like is compared with like, and the tree of factors adds up exactly."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from analysis.orders import growth, new_customers

FIRST, AS_OF = dt.date(2019, 6, 1), dt.date(2022, 1, 10)
FACTORS = st_numpy.arrays(float, 4, elements=st.floats(0.01, 1e4))


def make_orders(seed: int = 1, nobody: bool = True) -> pd.DataFrame:
    """Return a few thousand orders of a growing shop."""
    random = np.random.default_rng(seed)
    n = 4000
    days = pd.Timestamp(FIRST) + pd.to_timedelta(
        np.floor((AS_OF - FIRST).days * random.random(n) ** 0.8), unit="D"
    )
    names = np.char.add("c", random.integers(0, 900, n).astype(str)).astype(object)
    if nobody:
        names[random.random(n) < 0.1] = None
    table = pd.DataFrame(
        {
            "customer_id": names,
            "order_id": np.arange(n).astype(str),
            "day": days,
            "amount": random.lognormal(4, 1, n).round(2),
            "items": random.integers(1, 50, n).astype(float),
        }
    )
    table = table.sort_values(["customer_id", "day", "order_id"], ignore_index=True)
    return table.assign(new=growth.mark_new(table))


@given(FACTORS, FACTORS)
def test_contributions_of_factors_add_up_to_the_change(
    before: np.ndarray, after: np.ndarray
) -> None:
    change = after.prod() - before.prod()
    scale = max(before.prod(), after.prod())
    assert growth.contributions(before, after).sum() == pytest.approx(change, abs=1e-9 * scale)


@given(FACTORS, st.integers(0, 3), st.floats(0.1, 10))
def test_a_factor_that_alone_changes_has_the_whole_change(
    before: np.ndarray, place: int, times: float
) -> None:
    after = before.copy()
    after[place] *= times
    found = growth.contributions(before, after)
    assert found[place] == pytest.approx(after.prod() - before.prod(), abs=1e-9 * before.prod())
    assert np.delete(found, place) == pytest.approx(0)


def test_what_was_nothing_before_is_a_change_of_the_first_factor() -> None:
    nothing = np.array([0.0, np.nan, np.nan, np.nan])
    after = np.array([2.0, 3.0, 5.0, 1.0])
    assert growth.contributions(nothing, after).tolist() == [30, 0, 0, 0]


@pytest.mark.parametrize("nobody", [True, False])
def test_the_tree_adds_up_to_the_change_of_all_revenue(nobody: bool) -> None:
    orders = make_orders(nobody=nobody)
    compared = growth.find_comparisons(FIRST, AS_OF)
    assert [one.name for one in compared] == [
        growth.QUARTER_ON_YEAR,
        growth.YEAR_ON_YEAR,
        growth.ON_PREVIOUS,
    ]
    for comparison in compared:
        change, tree = growth.compare_revenue(orders, comparison, FIRST, seed=1, smallest=5)
        rows = change.set_index("part")
        whole = rows["revenue_after"][growth.ALL] - rows["revenue_before"][growth.ALL]
        assert tree["contribution"].sum() == pytest.approx(whole)
        start, end = comparison.after
        inside = (orders["day"] >= start) & (orders["day"] < end)
        assert rows["revenue_after"][growth.ALL] == pytest.approx(
            orders.loc[inside, "amount"].sum()
        )
        assert (tree["low"] <= tree["contribution"]).all()
        assert (tree["contribution"] <= tree["high"]).all()


def test_new_customers_are_told_apart_only_with_twelve_months_before_both_periods() -> None:
    orders = make_orders()
    for first, told in ((FIRST, True), (dt.date(2020, 9, 1), False)):
        some = orders[orders["day"] >= pd.Timestamp(first)]
        some = some.assign(new=growth.mark_new(some))
        comparison = growth.find_comparisons(first, AS_OF)[0]
        change, _ = growth.compare_revenue(some, comparison, first, seed=1, smallest=5)
        assert (growth.NEW in set(change["part"])) == told
        assert growth.KNOWN in set(change["part"])


def test_a_customer_is_new_again_after_a_year_without_an_order() -> None:
    days = ["2020-01-01", "2020-01-01", "2020-12-31", "2022-01-01", "2020-05-01"]
    table = pd.DataFrame({"customer_id": ["a", "a", "a", "a", None], "day": pd.to_datetime(days)})
    assert growth.mark_new(table).tolist() == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("first", "as_of", "names"),
    [
        (dt.date(2009, 12, 1), dt.date(2011, 12, 10), 3),
        (dt.date(2009, 12, 4), dt.date(2011, 12, 10), 2),
        (dt.date(2010, 12, 1), dt.date(2011, 12, 10), 1),
        (dt.date(2011, 9, 1), dt.date(2011, 12, 10), 0),
    ],
)
def test_only_periods_that_are_covered_whole_are_compared(
    first: dt.date, as_of: dt.date, names: int
) -> None:
    assert len(growth.find_comparisons(first, as_of)) == names


def test_periods_without_orders_are_not_compared() -> None:
    orders = make_orders()
    comparison = growth.find_comparisons(FIRST, AS_OF)[0]
    assert growth.has_orders(orders, comparison)
    start, end = comparison.before
    kept = orders[(orders["day"] < start) | (orders["day"] >= end)]
    assert not growth.has_orders(kept, comparison)
    nobody = orders.assign(customer_id=None)
    assert not growth.has_orders(nobody, comparison)


def test_facts_are_null_where_the_year_before_is_missing() -> None:
    facts = growth.growth_facts(pd.DataFrame())
    assert facts["growth.revenue_yoy"] is None
    assert facts["growth.year_known"] is False


def test_new_customers_by_month_are_not_told_in_the_first_year() -> None:
    orders = make_orders()
    table = new_customers.monthly_customers(orders, FIRST, AS_OF)
    early = table["month"] < "2020-06-01"
    assert table.loc[early, "new_customers"].isna().all()
    late = table[~early]
    assert (late["new_customers"] + late["returning_customers"] == late["customers"]).all()
    assert table["known_revenue"].sum() + table["nobody_revenue"].sum() == pytest.approx(
        orders["amount"].sum(), abs=1
    )


def test_cohorts_spend_more_with_time_and_hold_every_customer_once() -> None:
    orders = make_orders()
    table = new_customers.cohort_revenue(orders, FIRST, AS_OF, seed=1, smallest=1)
    assert (table.groupby("cohort")["cumulative"].diff().fillna(0) >= 0).all()
    assert (table["low"] <= table["cumulative"]).all()
    named = orders[orders["customer_id"].notna()]
    firsts = named.groupby("customer_id")["day"].min()
    whole = firsts[firsts < "2022-01-01"]
    assert table.groupby("cohort")["size"].first().sum() == len(whole)
    assert table["months"].max() == 30


def test_a_product_that_brings_customers_back_is_marked_and_others_are_not() -> None:
    random = np.random.default_rng(2)
    n = 3000
    content = [
        pd.DataFrame({"customer_id": np.flatnonzero(random.random(n) < 0.1), "stock_code": f"p{k}"})
        for k in range(20)
    ]
    bought = pd.concat(content, ignore_index=True)
    wins = np.isin(np.arange(n), content[0]["customer_id"])
    people = pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "amount": random.lognormal(4, 1, n),
            "products": np.bincount(bought["customer_id"], minlength=n),
            "returned": random.random(n) < np.where(wins, 0.6, 0.35),
        }
    )
    table = new_customers.second_order_products(people, bought, smallest=5)
    assert table.loc[table["marked"], "stock_code"].tolist() == ["p0"]
    assert table["stock_code"].iloc[0] == "p0"
    few = new_customers.second_order_products(people.head(20), bought, smallest=5)
    assert few.empty

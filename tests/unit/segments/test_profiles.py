"""Test the segment profiles: they match the ledger, hide small groups, survive odd data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Row, a_line, reading, write_lines

from analysis.core import plotting
from analysis.orders.home_market import home_market
from analysis.orders.ledger import Ledger
from analysis.segments import (
    figures_profiles,
    products,
    profiles,
    rfm,
    rules,
    text_profiles,
    thresholds,
)
from analysis.segments.details import customer_details

RULES = rules.read_segments()
NAMES = [rule.name for rule in RULES]
SEED = 7


@dataclass(frozen=True)
class Shop:
    """A ledger, its customers with their segments, and what the profiles say of them."""

    ledger: Ledger
    cuts: pd.DataFrame
    details: pd.DataFrame
    profiles: pd.DataFrame
    overall: pd.Series


def shop_of(ledger: Ledger) -> Shop:
    people = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    cuts = rfm.cut_points(people)
    people = people.join(rfm.scores(people, cuts))
    people["segment"] = rules.assign(people, RULES)
    details = customer_details(ledger, people, home_market(ledger))
    table = profiles.segment_profiles(ledger, details, NAMES, seed=SEED, minimum_group=5)
    return Shop(ledger, cuts, details, table, profiles.overall_profile(ledger, details, seed=SEED))


@pytest.fixture(scope="module")
def shop(sample_data: Path) -> Iterator[Shop]:
    with reading(sorted((sample_data / "transactions").iterdir())) as ledger:
        yield shop_of(ledger)


@pytest.fixture
def small_shop(tmp_path: Path) -> Callable[[Sequence[Row]], Iterator[Shop]]:
    def make(rows: Sequence[Row]) -> Iterator[Shop]:
        path = tmp_path / "transactions" / "a.csv"
        write_lines(path, rows)
        with reading([path]) as ledger:
            yield shop_of(ledger)

    return make


# ------------------------------------------------------------------------- what


def bought(customer: int, product: int, day: int = 1) -> Row:
    return a_line(
        InvoiceNo=str(customer * 100 + day),
        StockCode=str(10_000 + product),
        Description=f"PRODUCT {product}",
        CustomerID=str(customer),
        InvoiceDate=f"2011-01-{day:02d} 10:00:00",
    )


def test_a_planted_taste_is_found_with_its_lift_and_appetite_is_no_taste(
    small_shop: Callable[[Sequence[Row]], Iterator[Shop]],
) -> None:
    # The customers of "a" buy five products each, those of "b" twenty, all at random. Product 99
    # is bought by three of four in "b" alone.
    random = np.random.default_rng(5)
    rows = []
    for customer in range(1, 121):
        many = customer > 60
        chosen = random.choice(40, 20 if many else 5, replace=False)
        rows += [bought(customer, int(product)) for product in chosen]
        if many and customer % 4:
            rows.append(bought(customer, 99))
    for shop in small_shop(rows):
        people = shop.details.assign(
            segment=np.where(shop.details["customer_id"].astype(int) > 60, "b", "a")
        )
        found = products.segment_products(shop.ledger, people, ["a", "b"], minimum_group=5)
        assert found[["segment", "stock_code", "description", "customers"]].to_numpy().tolist() == [
            ["b", "10099", "PRODUCT 99", 45]
        ]
        row = found.iloc[0]
        assert row["support"] == 0.75
        pairs = 60 * 20 + 45
        assert row["lift"] == pytest.approx((60 * 5 + pairs) / pairs)
        assert row["low"] < row["lift"] <= row["high"] + 1e-9


# ------------------------------------------------------------------------- thresholds


def test_thresholds_that_nobody_can_reach_say_so() -> None:
    most_once = pd.DataFrame(
        {
            "recency_days": [1, 2, 3, 4, 5],
            "frequency": [1, 1, 1, 1, 2],
            "monetary": [1.0, 2, 3, 4, 5],
        }
    )
    table = thresholds.thresholds(RULES, rfm.cut_points(most_once), "£").set_index("segment")
    assert not table.loc["Need attention", "possible"]
    assert table.loc["Need attention", "frequency"] == "no customer"
    assert table.loc["Latest light buyers", "frequency"] == "1 order"
    assert table.loc["Latest light buyers", "recency"] == "at most 1 day"


def test_where_all_customers_are_equal_the_thresholds_name_their_value() -> None:
    equal = pd.DataFrame({"recency_days": [1] * 3, "frequency": [1] * 3, "monetary": [250.0] * 3})
    table = thresholds.thresholds(RULES, rfm.cut_points(equal), "£").set_index("segment")
    row = table.loc["Need attention"]
    assert row["possible"]
    assert list(row[["recency", "frequency"]]) == ["1 day", "1 order"]
    assert not table.loc["Least active", "possible"]
    assert list(table.loc["Least active", ["recency", "frequency"]]) == [
        "at least 2 days",
        "no customer",
    ]


# ------------------------------------------------------------------------- sentences


def test_without_the_columns_a_profile_says_what_is_missing(
    small_shop: Callable[[Sequence[Row]], Iterator[Shop]],
) -> None:
    rows = [
        {
            "CustomerID": str(100 + i % 12),
            "InvoiceDate": f"2011-01-{1 + i % 25:02d}",
            "Amount": str(5 + i),
        }
        for i in range(60)
    ]
    for shop in small_shop(rows):
        shown = shop.profiles[shop.profiles["shown"]]
        missing = [n for n in shown if re.match("cancel|abroad_share", str(n))]
        assert shown[missing].isna().all(axis=None)
        assert shown[["basket_median", "second_days_median"]].notna().any(axis=None)
        assert text_profiles.returns(shop.profiles, shop.overall) == (
            "The files do not tell which lines are cancellations."
        )
        assert text_profiles.countries(shop.profiles, shop.overall) == (
            "The files do not tell in which country customers are."
        )
        product = products.segment_products(shop.ledger, shop.details, NAMES, minimum_group=1)
        assert product.empty
        assert text_profiles.products(product, False) == "The files name no products."
        plotting.draw(figures_profiles.products(product, "The files name no products."))


def test_one_customer_with_one_order(
    small_shop: Callable[[Sequence[Row]], Iterator[Shop]],
) -> None:
    for shop in small_shop([a_line(Description="<b>$x$</b>")]):
        table = profiles.segment_profiles(
            shop.ledger, shop.details, NAMES, seed=SEED, minimum_group=1
        )
        assert table["customers"].sum() == 1
        assert table["revenue_share"].sum() == 1
        heat = profiles.segment_heatmap(shop.details, NAMES, minimum_group=1)
        assert (heat["z"] == 0).all()
        product = products.segment_products(shop.ledger, shop.details, NAMES, minimum_group=1)
        assert product.empty
        assert text_profiles.size_value(table).startswith("100% of net revenue comes from ")
        assert "in any measure" in text_profiles.heatmap(heat)
        assert text_profiles.second_order(table, shop.overall).startswith("Nobody")
        assert text_profiles.products(product).startswith("No product")
        hidden = shop.profiles
        assert not hidden["shown"].any()
        assert text_profiles.size_value(hidden) == text_profiles.NO_SEGMENT
        plotting.draw(figures_profiles.second_order(table, "Nobody."))

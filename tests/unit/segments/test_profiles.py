"""Test the segment profiles: they match the ledger, hide small groups, survive odd data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Row, a_line, cleaned_lines, reading, write_lines

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
from analysis.segments.names import SUPPORT
from analysis.stats import bootstrap, intervals

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


# ------------------------------------------------------------------------- profiles


def test_the_segments_add_up_to_the_shop(shop: Shop) -> None:
    table = shop.profiles
    net = cleaned_lines(shop.ledger).query("cleaning_step == 6")
    assert list(table["segment"]) == NAMES
    assert table["customers"].sum() == net["customer_id"].nunique() == shop.overall["customers"]
    assert table["share"].sum() == pytest.approx(1)
    total = float(net["amount"].sum())
    assert shop.overall["revenue"] == pytest.approx(total, abs=0.01)
    hidden = ~table["shown"]
    left = shop.details[shop.details["segment"].isin(table.loc[hidden, "segment"])]
    assert table["revenue"].sum() + left["monetary"].sum() == pytest.approx(total, abs=0.1)


@pytest.mark.parametrize("name", ["Champions", "About to sleep"])
def test_a_profile_is_that_of_a_plain_count_over_the_lines(shop: Shop, name: str) -> None:
    row = shop.profiles.set_index("segment").loc[name]
    members = set(shop.details.loc[shop.details["segment"] == name, "customer_id"])
    lines = cleaned_lines(shop.ledger)
    lines = lines[lines["customer_id"].isin(members)].astype({"amount": float})
    net = lines[lines["cleaning_step"] == 6]
    orders = net.groupby(["customer_id", "order_id"]).agg(
        value=("amount", "sum"), day=("invoice_date", "min")
    )
    assert row["orders"] == len(orders)
    assert row["basket_median"] == pytest.approx(orders["value"].median())
    assert row["basket_q3"] == pytest.approx(orders["value"].quantile(0.75))
    assert row["basket_mean"] == pytest.approx(orders["value"].mean())
    back = shop.ledger.cancellations.execute().astype({"amount": float})
    back = back[back["customer_id"].isin(members) & back["product"]]
    gross = lines.loc[lines["cleaning_step"] >= 5, "amount"].sum()
    assert row["cancelled_share"] == pytest.approx(-back["amount"].sum() / gross)
    times = back.groupby("customer_id")["invoice"].nunique().sum()
    assert row["cancelled_invoices_per_order"] == pytest.approx(times / len(orders))
    days = orders["day"].dt.normalize().reset_index().sort_values("day")
    second = days.groupby("customer_id")["day"].apply(
        lambda d: (d.iloc[1] - d.iloc[0]).days if len(d) > 1 else np.nan
    )
    assert row["second_order_share"] == pytest.approx(second.notna().mean())
    assert row["second_days_median"] == pytest.approx(second.median())
    spent = net.groupby(["customer_id", "country"])["amount"].sum().reset_index()
    market = spent.sort_values("amount").drop_duplicates("customer_id", keep="last")
    assert row["abroad_share"] == pytest.approx((market["country"] != "United Kingdom").mean())


def test_intervals_hold_their_estimates_and_agree_with_theory(shop: Shop) -> None:
    shown = shop.profiles[shop.profiles["shown"]].astype({"orders": float})
    for name in (
        "share",
        "revenue_share",
        "basket_mean",
        "cancelled_share",
        "cancelled_invoices_per_order",
        "abroad_share",
    ):
        inside = shown[name].between(shown[f"{name}_low"], shown[f"{name}_high"])
        assert inside.all(), name
    low, high = intervals.wilson(shown["customers"], [len(shop.details)] * len(shown))
    assert np.abs(shown["share_low"] - low).max() < 0.004
    assert np.abs(shown["share_high"] - high).max() < 0.004


def test_many_customers_have_the_intervals_of_few(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "MANY", 10)
    drawn = profiles.segment_profiles(shop.ledger, shop.details, NAMES, seed=SEED, minimum_group=5)
    for name in ("share", "revenue_share", "basket_mean"):
        width = shop.profiles[f"{name}_high"] - shop.profiles[f"{name}_low"]
        ratio = ((drawn[f"{name}_high"] - drawn[f"{name}_low"]) / width)[drawn["customers"] >= 50]
        assert ratio.between(0.7, 1.3).all(), name


def test_small_and_empty_segments_are_counted_and_not_described(shop: Shop) -> None:
    sizes = shop.profiles.set_index("segment")["customers"]
    minimum_group = int(sizes.median())
    names = [*NAMES, "Nobody"]
    table = profiles.segment_profiles(
        shop.ledger, shop.details, names, seed=SEED, minimum_group=minimum_group
    ).set_index("segment")
    assert (table["shown"] == (table["customers"] >= minimum_group)).all()
    assert table.loc["Nobody", "customers"] == 0 == table.loc["Nobody", "share"]
    told = ["shown", "customers", "share", "share_low", "share_high"]
    assert table.loc[~table["shown"]].drop(columns=told).isna().all(axis=None)
    assert (
        table.loc[table["shown"], ["revenue", "basket_median", "spend_q1"]].notna().all(axis=None)
    )
    text = text_profiles.small_segments(table.reset_index(), minimum_group)
    assert text.startswith("Nobody is in Nobody now. Too small to be described (fewer than ")
    hidden = {
        "products": products.segment_products(
            shop.ledger, shop.details, names, minimum_group=minimum_group
        )["segment"],
        "heatmap": profiles.segment_heatmap(shop.details, names, minimum_group=minimum_group)[
            "segment"
        ],
    }
    for what, shown in hidden.items():
        assert set(shown) <= set(table.index[table["shown"]]), what


def test_clusters_are_profiled_as_segments_are_and_row_order_does_not_matter(shop: Shop) -> None:
    shuffled = shop.details.sample(frac=1, random_state=3).rename(columns={"segment": "cluster"})
    again = profiles.segment_profiles(
        shop.ledger, shuffled, NAMES, seed=SEED, minimum_group=5, by="cluster"
    )
    pd.testing.assert_frame_equal(again, shop.profiles)
    raw = ["customer_id", "recency_days", "frequency", "monetary", "lines", "first_order"]
    details = customer_details(shop.ledger, shuffled[raw], "United Kingdom")
    assert details["customer_id"].tolist() == shop.details["customer_id"].tolist()
    pd.testing.assert_series_equal(details["second_days"], shop.details["second_days"])


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


def test_segments_drawn_at_random_have_no_typical_products(shop: Shop) -> None:
    random = np.random.default_rng(11)
    false = 0
    for _ in range(3):
        people = shop.details.assign(segment=random.choice(list("abcdef"), len(shop.details)))
        found = products.segment_products(shop.ledger, people, list("abcdef"), minimum_group=5)
        false += len(found)
    assert false <= 2
    planted = products.segment_products(shop.ledger, shop.details, NAMES, minimum_group=5)
    assert len(planted) > 5
    assert (planted["customers"] >= 5).all()
    assert (planted["support"] >= SUPPORT).all()
    assert (planted["low"] > 1).all()


# ------------------------------------------------------------------------- beside each other


def test_the_heatmap_is_in_standard_deviations(shop: Shop) -> None:
    table = profiles.segment_heatmap(shop.details, NAMES, minimum_group=5).set_index(
        ["segment", "measure"]
    )
    logs = np.log1p(shop.details["monetary"])
    champions = logs[shop.details["segment"] == "Champions"].median()
    expected = (champions - logs.mean()) / logs.std(ddof=0)
    assert table.loc[("Champions", "monetary"), "z"] == pytest.approx(expected, abs=1e-5)


# ------------------------------------------------------------------------- thresholds


def fits(text: str, value: float) -> bool:
    """Tell whether a value fits a threshold as a reader would understand it."""
    if text == "any":
        return True
    numbers = [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.?\d*", text)]
    if text.startswith("at most") or text.startswith("up to"):
        return value <= numbers[0]
    if text.startswith("at least"):
        return value >= numbers[0]
    if text.startswith("over"):
        return numbers[0] < value <= (numbers[1] if len(numbers) > 1 else np.inf)
    return numbers[0] <= value <= numbers[-1]


def test_the_thresholds_put_every_customer_where_the_rules_do(shop: Shop) -> None:
    table = thresholds.thresholds(RULES, shop.cuts, "£")
    assert list(table["segment"].unique()) == NAMES
    money = shop.cuts.loc[shop.cuts["measure"] == "m", "beyond"].to_numpy()
    checked = 0
    rows = table.to_dict("records")
    for person in shop.details.to_dict("records"):
        if np.abs(money - person["monetary"]).min() < 1:
            continue  # amounts are rounded where they are written
        homes = {
            row["segment"]
            for row in rows
            if row["possible"]
            and fits(row["recency"], person["recency_days"])
            and fits(row["frequency"], person["frequency"])
            and fits(row["monetary"], person["monetary"])
        }
        assert homes == {person["segment"]}
        checked += 1
    assert checked > 3000


def test_thresholds_that_nobody_can_reach_say_so() -> None:
    everyone_once = pd.DataFrame(
        {"recency_days": [1, 2, 3, 4, 5], "frequency": [1] * 5, "monetary": [1.0, 2, 3, 4, 5]}
    )
    table = thresholds.thresholds(RULES, rfm.cut_points(everyone_once), "£").set_index("segment")
    assert not table.loc["Need attention", "possible"]
    assert table.loc["Need attention", "frequency"] == "no customer"
    assert table.loc["New customers", "frequency"] == "1 order"
    assert table.loc["New customers", "recency"] == "at most 1 day"


# ------------------------------------------------------------------------- sentences


def test_every_sentence_and_every_picture_of_the_sample(shop: Shop) -> None:
    table, overall = shop.profiles, shop.overall
    heat = profiles.segment_heatmap(shop.details, NAMES, minimum_group=5)
    product = products.segment_products(shop.ledger, shop.details, NAMES, minimum_group=5)
    told = [
        text_profiles.size_value(table),
        text_profiles.heatmap(heat),
        text_profiles.baskets(table, "£"),
        text_profiles.returns(table, overall),
        text_profiles.countries(table, overall),
        text_profiles.second_order(table, overall),
        text_profiles.products(product),
    ]
    for text in told:
        assert text.endswith("."), text
        assert not re.search(r"nan|None|not known|  ", text), text
    pictures = [
        figures_profiles.size_value(table, told[0]),
        figures_profiles.heatmap(heat, "£", told[1]),
        figures_profiles.second_order(table, told[5]),
        figures_profiles.products(product, told[6]),
    ]
    for picture in pictures:
        assert plotting.draw(picture).startswith(b"<?xml")


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


@pytest.mark.real
def test_the_real_segments(gift_shop: Path) -> None:
    with reading([gift_shop / "transactions" / "online_retail.parquet"]) as ledger:
        shop = shop_of(ledger)
    assert shop.profiles["customers"].sum() == 4324
    assert shop.overall["revenue"] == 8351392.07
    assert shop.overall["second_order_share"] == pytest.approx((4324 - 1501) / 4324)
    assert shop.overall["spend_median"] == pytest.approx(656.43)

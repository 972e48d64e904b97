"""Test segment profiles on the sample and on the gift shop, against plain counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import cleaned_lines, reading

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


@pytest.mark.parametrize("name", ["Champions", "Light buyers"])
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


def test_the_heatmap_is_in_standard_deviations(shop: Shop) -> None:
    table = profiles.segment_heatmap(shop.details, NAMES, minimum_group=5).set_index(
        ["segment", "measure"]
    )
    logs = np.log1p(shop.details["monetary"])
    champions = logs[shop.details["segment"] == "Champions"].median()
    expected = (champions - logs.mean()) / logs.std(ddof=0)
    assert table.loc[("Champions", "monetary"), "z"] == pytest.approx(expected, abs=1e-5)


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
        assert plotting.draw(picture).startswith(b"<svg")


@pytest.mark.real
def test_the_real_segments(gift_shop: Path) -> None:
    with reading([gift_shop / "transactions" / "online_retail.parquet"]) as ledger:
        shop = shop_of(ledger)
    assert shop.profiles["customers"].sum() == 4324
    assert shop.overall["revenue"] == 8351392.07
    assert shop.overall["second_order_share"] == pytest.approx((4324 - 1501) / 4324)
    assert shop.overall["spend_median"] == pytest.approx(656.43)

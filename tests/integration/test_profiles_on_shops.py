"""Test segment profiles on the sample and on the gift shop, against plain counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import cleaned_lines, reading
from profiled import NAMES, RULES, SEED, Shop, shop_of

from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.segments import (
    figures_clusters,
    figures_profiles,
    layouts,
    products,
    profiles,
    text_profiles,
    thresholds,
)
from analysis.segments.details import customer_details
from analysis.stats import bootstrap, intervals


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
    settings = SimpleNamespace(report=SimpleNamespace(smallest_group=minimum_group))
    words = text_profiles.small_segments(table.reset_index(), settings)
    assert words["said-empty"] == "No customers are in Nobody now."
    assert f"fewer than {minimum_group} customers" in words["said-small"]
    bought = products.segment_products(
        shop.ledger, shop.details, names, minimum_group=minimum_group
    )
    assert set(bought["segment"]) <= set(table.index[table["shown"]])


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


def test_top_products_are_those_of_a_plain_sum_over_the_lines(shop: Shop) -> None:
    found = products.segment_products(shop.ledger, shop.details, NAMES, minimum_group=5)
    assert (found["customers"] >= 5).all() and found.groupby("segment")["place"].max().max() == 3
    lines = cleaned_lines(shop.ledger).query("cleaning_step == 6").astype({"amount": float})
    own = lines.merge(shop.details[["customer_id", "segment"]], on="customer_id")
    sums = own.groupby(["segment", "stock_code"]).agg(
        revenue=("amount", "sum"), customers=("customer_id", "nunique")
    )
    enough = sums[sums["customers"] >= 5]["revenue"]
    for name, top in found.groupby("segment"):
        assert top["revenue"].to_numpy() == pytest.approx(
            enough[name].sort_values(ascending=False).head(len(top)).to_numpy(), abs=0.01
        )


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


def test_every_figure_of_the_sample(shop: Shop) -> None:
    table, overall = shop.profiles, shop.overall.to_frame().T.infer_objects()
    by_cluster = table.rename(columns={"segment": "cluster"})
    for figure in (
        figures_profiles.segment_size_and_value(table),
        figures_profiles.segment_traits(table, overall, "£", True, True),
        figures_profiles.second_order(table, overall),
        figures_clusters.clusters(by_cluster, "£"),
    ):
        assert isinstance(figure, Figure)
        assert not re.search(r"\bnan\b|None|not known|  ", figure.headline + figure.alt)
        draw(figure.plot)
    assert layouts.cluster_profiles(by_cluster, "£") is not None
    assert figures_clusters.clusters(by_cluster[:1], "£") == (
        "No way of grouping the customers passes our rule, so they are treated as one group."
    )


@pytest.mark.real
def test_the_real_segments(gift_shop: Path) -> None:
    with reading([gift_shop / "transactions" / "online_retail.parquet"]) as ledger:
        shop = shop_of(ledger)
    assert shop.profiles["customers"].sum() == 4324
    assert shop.overall["revenue"] == 8351392.07
    assert shop.overall["second_order_share"] == pytest.approx((4324 - 1501) / 4324)
    assert shop.overall["spend_median"] == pytest.approx(656.43)

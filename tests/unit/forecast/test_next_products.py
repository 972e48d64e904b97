"""Lists of next products: what may be on them, and that their test finds what is there."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import a_line, reading, write_lines

from analysis.forecast import next_products as lists
from analysis.forecast.next_products import CROSS_SELL, REORDER, Baskets

DATE = dt.date(2021, 6, 1)


def make_purchases(seed: int, customers: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what customers have bought and will buy: ten themes of eight products each.

    Customers buy within a theme of their own, and some of the most popular product.
    """
    random = np.random.default_rng(seed)
    before: list[tuple[str, str, int, int]] = []
    after: list[tuple[str, str]] = []
    for customer in range(customers):
        theme = customer % 10
        own = random.permutation(8)
        bought = [f"t{theme}-{k}" for k in own[:4]] + ["best seller"] * (random.random() < 0.5)
        before += [
            (f"c{customer:03}", code, int(random.integers(1, 5)), int(random.integers(1, 80)))
            for code in bought
        ]
        after += [(f"c{customer:03}", f"t{theme}-{k}") for k in own[3:5]]
    before += [(f"c{k:03}", "rare", 1, 3) for k in range(4)]
    before += [(f"c{k:03}", "gone", 9, 200) for k in range(90)]
    names = ["customer_id", "stock_code", "times", "ago"]
    return pd.DataFrame(before, columns=names), pd.DataFrame(after, columns=names[:2])


@pytest.fixture(scope="module")
def made() -> tuple[Baskets, pd.DataFrame, pd.DataFrame]:
    before, after = make_purchases(seed=1)
    baskets = lists.arrange_baskets(before, smallest=5)
    return baskets, before, lists.compare_lists(baskets, after, DATE, 90, seed=1)


def test_the_test_finds_that_similar_customers_tell_what_comes(
    made: tuple[Baskets, pd.DataFrame, pd.DataFrame],
) -> None:
    tested = made[2]
    some = tested[(tested["length"] == 5) & (tested["list"] == CROSS_SELL)].set_index("model")
    assert some["hit_rate"][lists.RIDGE] > 0.9
    assert some["precision"][lists.CO_PURCHASE] > 2 * some["precision"][lists.POPULARITY]
    assert (some["precision_low"] <= some["precision"]).all()
    assert (some["precision"] <= some["precision_high"]).all()
    assert tested.groupby("list")["chosen"].sum().eq(len(lists.LENGTHS)).all()


@pytest.mark.parametrize(
    ("list_name", "model"),
    [(name, model) for name, models in lists.CANDIDATES.items() for model in models],
)
def test_lists_hold_what_they_may(
    made: tuple[Baskets, pd.DataFrame, pd.DataFrame], list_name: str, model: str
) -> None:
    baskets, before, _ = made
    table = lists.list_products(baskets, {list_name: model}, seed=1)
    owned = set(zip(before["customer_id"], before["stock_code"], strict=True))
    listed = list(zip(table["customer_id"], table["stock_code"], strict=True))
    assert listed
    assert all((pair in owned) == (list_name == REORDER) for pair in listed)
    # Too few customers bought the one; nobody has bought the other for long.
    assert not set(table["stock_code"]) & {"rare", "gone"}
    assert not table.duplicated(["customer_id", "stock_code"]).any()
    places = table.groupby("customer_id")["place"].agg(["min", "max", "size"])
    assert (places["min"] == 1).all()
    assert (places["max"] == places["size"]).all()
    assert places["max"].max() <= lists.LENGTH


def test_segments_show_no_product_of_few_customers(
    made: tuple[Baskets, pd.DataFrame, pd.DataFrame],
) -> None:
    table = lists.list_products(made[0], {CROSS_SELL: lists.RIDGE}, seed=1)
    people = pd.DataFrame({"customer_id": made[0].customers})
    people["segment"] = np.where(np.arange(len(people)) < 380, "many", "few")
    top = lists.top_by_segment(table, people, smallest=5)
    assert (top["customers"] >= 5).all()
    assert (top.groupby("segment").size() <= 3).all()
    assert "many" in set(top["segment"])


def test_many_products_are_limited_to_those_with_most_customers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lists, "MOST_PRODUCTS", 7)
    before, after = make_purchases(seed=2)
    baskets = lists.arrange_baskets(before, smallest=5)
    assert len(baskets.products) == 7
    assert baskets.products[0] == "best seller"
    tested = lists.compare_lists(baskets, after, DATE, 90, seed=1)
    assert tested["precision"].between(0, 1).all()


def test_a_product_of_last_season_is_left_out(tmp_path: Path) -> None:
    earlier = dt.date(2010, 12, 10)
    rows = []
    for customer in range(60):
        bought = {"2010-11-20": ["22001", "22002"], "2011-01-20": ["22001"]}
        if customer < 2:
            bought["2011-01-20"] = ["22001", "22002"]
        rows += [
            a_line(InvoiceNo=f"{customer}{day[:7]}", CustomerID=f"{customer}", StockCode=code,
                   InvoiceDate=f"{day} 10:00:00")
            for day, codes in bought.items()
            for code in codes
        ]  # fmt: skip
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, rows)
    with reading([path], as_of=dt.date(2011, 3, 10)) as ledger:
        out = lists.find_out_of_season(ledger, earlier)
        assert list(out) == ["22002"]
        baskets = lists.collect_baskets(ledger, dt.date(2011, 1, 1), 5, out)
        assert list(baskets.products) == ["22001"]


def test_the_largest_scores_come_in_order_and_of_equal_ones_the_first() -> None:
    scores = np.array([[1.0, 3.0, 3.0, 2.0], [0.0, -np.inf, -np.inf, -np.inf]])
    assert lists._largest(scores, 2).tolist() == [[1, 2], [0, -1]]

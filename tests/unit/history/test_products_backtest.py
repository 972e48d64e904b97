"""Test the back-test of lists of next products, on lists that can be counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.core.names import CROSS_SELL, REORDER
from analysis.history.products_backtest import backtest_products
from analysis.history.text_products import backtest_products as sentences

N, START, DAYS = 200, "2011-06-13", 90
#: Every customer has the products a and b again, and c and d as new ones.
LISTS = pd.DataFrame(
    [
        (f"{n}", name, place, code)
        for n in range(N)
        for name, codes in ((REORDER, "ab"), (CROSS_SELL, "cd"))
        for place, code in enumerate(codes, 1)
    ],
    columns=["customer_id", "list", "place", "stock_code"],
)


def promised(reorder: float, cross: float) -> pd.DataFrame:
    """Return what a test had found, for the lists in use and for longer ones."""
    rows = [
        (name, model, length, rate, rate - 0.03, rate + 0.03, model == "best")
        for name, rate in ((REORDER, reorder), (CROSS_SELL, cross))
        for model in ("random", "best")
        for length in (2, 10)
    ]
    columns = ["list", "model", "length", "hit_rate", "hit_rate_low", "hit_rate_high", "chosen"]
    return pd.DataFrame(rows, columns=columns)


def purchases() -> pd.DataFrame:
    """Of 200 customers, 100 order: 60 buy a, 20 of these b too, 10 buy c, and 40 buy only z."""
    rows = [(f"{n}", "a") for n in range(60)] + [(f"{n}", "b") for n in range(20)]
    rows += [(f"{n}", "c") for n in range(10)] + [(f"{n}", "z") for n in range(60, 100)]
    return pd.DataFrame(rows, columns=["customer_id", "stock_code"])


def judged(reorder: float = 0.6, cross: float = 0.1) -> pd.DataFrame:
    models = promised(reorder, cross)
    return backtest_products(LISTS, models, purchases(), START, DAYS, 7, 5).set_index("list")


def test_hits_and_precision_are_those_of_customers_who_ordered() -> None:
    found = judged()
    assert found["customers"].tolist() == [100, 100] and found["length"].tolist() == [2, 2]
    assert found["hit_rate"].tolist() == [0.6, 0.1]
    assert found["precision"].tolist() == pytest.approx([80 / 200, 10 / 200])
    assert (found["hit_rate_low"] < found["hit_rate"]).all()
    assert (found["hit_rate"] < found["hit_rate_high"]).all()
    assert not found["worse"].any()


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        ((0.6, 0.1), "as well as promised"),
        ((0.9, 0.1), "The reorder list did worse"),
        ((0.6, 0.4), "The list of new products did worse"),
        ((0.9, 0.4), "The lists did worse"),
    ],
)
def test_a_list_that_does_worse_than_promised_is_named(
    rates: tuple[float, float], verdict: str
) -> None:
    told = sentences(judged(*rates).reset_index())
    assert told and verdict in told["verdict"]
    assert told["reorder"].startswith(
        "100 customers with a list from 13 June 2011 ordered in the 90"
    )
    assert "60% of them bought at least one of the 2 products" in told["reorder"]
    assert f"against {rates[1]:.0%} in its test" in told["cross"]


def test_nothing_is_told_of_few_customers_or_of_lists_without_a_test() -> None:
    few = purchases().head(3)
    assert backtest_products(LISTS, promised(0.6, 0.1), few, START, DAYS, 7, 5).empty
    other = promised(0.6, 0.1).assign(length=7)
    assert backtest_products(LISTS, other, purchases(), START, DAYS, 7, 5).empty
    none = LISTS.iloc[:0]
    assert backtest_products(none, promised(0.6, 0.1), purchases(), START, DAYS, 7, 5).empty
    assert sentences(None) is None and sentences(pd.DataFrame()) is None

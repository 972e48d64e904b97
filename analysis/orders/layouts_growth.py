"""Set the tables of growth: comparisons of periods, and products that win a second order.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import capital, count, minus, month, percent, shorten
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid, name_once
from analysis.orders.names import ALL, KNOWN, NOBODY, ON_PREVIOUS, QUARTER_ON_YEAR
from analysis.orders.text_growth import name_span, signed_percent

say = partial(fill, "orders")
#: So many products are listed.
TOP = 10


def growth_comparisons(growth: pd.DataFrame | None, currency: str) -> Table | None:
    """Set revenue of each pair of periods side by side."""
    if growth is None or growth.empty:
        return None
    table = growth[growth["part"].isin([KNOWN, NOBODY, ALL])]
    if not (table["part"] == NOBODY).any():
        table = table[table["part"] == KNOWN]
    order = {name: place for place, name in enumerate(dict.fromkeys(table["comparison"]))}
    parts = {KNOWN: 0, NOBODY: 1, ALL: 2}
    places = pd.DataFrame({"comparison": table["comparison"].map(order), "part": table["part"]})
    places["part"] = places["part"].map(parts)
    table = table.loc[places.sort_values(["comparison", "part"]).index]
    rows = table.to_dict("records")
    shown = table.assign(
        named=name_once(pd.Series([_comparison(row) for row in rows], table.index, dtype="str")),
        part=[capital(part) for part in table["part"]],
        moved=[_change(row) for row in rows],
    )
    names = {
        "named": say("growth-comparisons.comparison"),
        "part": say("growth-comparisons.part"),
        "revenue_before": say("growth-comparisons.before"),
        "revenue_after": say("growth-comparisons.after"),
        "moved": say("growth-comparisons.change"),
    }
    made = grid(
        shown,
        "growth-comparisons",
        names,
        amounts=["revenue_before", "revenue_after"],
        right=["moved"],
        currency=currency,
    )
    return Table(made, data=growth)


def _comparison(row: dict[Any, Any]) -> str:
    after = name_span(pd.Series(row), "after")
    if row["comparison"] == QUARTER_ON_YEAR:
        return say("growth-comparisons.three-months", after=after)
    if row["comparison"] == ON_PREVIOUS:
        return say("growth-comparisons.previous", after=after)
    last = month(row["after_end"] - pd.DateOffset(months=1))
    return say("growth-comparisons.twelve-months", last=last)


def _change(row: dict[Any, Any]) -> str:
    if pd.isna(row["change"]):
        return MISSING
    value, low, high = (signed_percent(row[name]) for name in ("change", "low", "high"))
    return say("growth-comparisons.span", value=value, low=low, high=high)


def second_order_products(
    second_order_products: pd.DataFrame,
    followed_customers: int | None,
    second_order_share: float | None,
) -> Table | str:
    """Set the products whose first buyers order again more often than others, and say how many."""
    if second_order_products.empty or not followed_customers:
        return say("second-order-products.none")
    table = second_order_products.head(TOP)
    marked = second_order_products["marked"].astype(bool)
    winning = int((marked & (second_order_products["difference"] > 0)).sum())
    shown = table.assign(
        product=[shorten(name) for name in table["description"]],
        moved=[
            say(
                "second-order-products.span",
                **{name: _points(row[key]) for name, key in _ENDS.items()},
            )
            for row in table.to_dict("records")
        ],
        returned=[percent(share) for share in table["returned"]],
        expected=[percent(share) for share in table["expected"]],
    )
    names = {
        "product": say("second-order-products.product"),
        "customers": say("second-order-products.customers"),
        "returned": say("second-order-products.returned"),
        "expected": say("second-order-products.expected"),
        "moved": say("second-order-products.difference"),
    }
    more = {
        "said": say(
            "second-order-products.said",
            count=followed_customers,
            share=percent(second_order_share or 0.0),
        ),
        "said-marked": say("second-order-products.said-marked", count=winning)
        if winning
        else say("second-order-products.said-chance"),
    }
    made = grid(
        shown,
        "second-order-products",
        names,
        counts=["customers"],
        right=["returned", "expected", "moved"],
    )
    return Table(made, more=more, data=second_order_products)


_ENDS = {"value": "difference", "low": "low", "high": "high"}


def _points(share: float) -> str:
    text = count(100 * share)
    return minus(text) if share < 0 or text == "0" else f"+{text}"

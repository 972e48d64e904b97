"""Draw orders without a customer, and say what they are like."""

from __future__ import annotations

from functools import partial

import pandas as pd
import plotnine as p9

from analysis.core.formatting import count, join_words, money, month, percent, shorten, top_row
from analysis.core.plotting import (
    ACCENT,
    NO_COLUMNS,
    PRIMARY,
    money_labels,
    report_theme,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.orders.figures import months_scale

say = partial(fill, "orders")
NO_CUSTOMER = "no customer"


def orders_without_a_customer(
    no_customer_months: pd.DataFrame,
    no_customer_code: pd.DataFrame,
    channels: pd.DataFrame,
    currency: str,
    no_customer_revenue: float,
    no_customer_share: float,
    no_customer_orders: int,
    all_sales_revenue: float,
    no_customer_price_ratio: float | None,
) -> Figure | str:
    """Draw gross sales of products by month, to known customers and without a customer."""
    if not no_customer_revenue:
        return say("orders-without-a-customer.none")
    shown = no_customer_months[no_customer_months["revenue"].notna()]
    if shown.empty:
        return say("orders-without-a-customer.few")
    names = {
        "revenue": say("orders-without-a-customer.legend-nobody"),
        "known_revenue": say("orders-without-a-customer.legend-known"),
    }
    long = shown.melt(
        id_vars=["month"], value_vars=list(names), var_name="channel", value_name="amount"
    )
    long["channel"] = pd.Categorical(long["channel"].map(names), list(names.values()))
    colors = dict(zip(names.values(), (ACCENT, PRIMARY), strict=True))
    plot = (
        p9.ggplot(long, p9.aes("month", "amount", fill="channel"))
        + p9.geom_col(width=24)
        + p9.scale_fill_manual(colors, name=" ")
        + months_scale(shown["month"])
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.05, 0))
        + p9.labs(subtitle=say("orders-without-a-customer.subtitle"), x="", y="")
        + report_theme(2.8)
        + NO_COLUMNS
    )
    part = [month(date) for date in shown.loc[~shown["whole"].astype(bool), "month"]]
    total = say(
        "orders-without-a-customer.total",
        count=no_customer_orders,
        revenue=money(no_customer_revenue, currency),
        all=money(all_sales_revenue, currency),
    )
    more = {
        "total": total,
        "price": _price(no_customer_price_ratio),
        "size": _size(channels),
        "code": _code(no_customer_code),
        "months": _months(shown),
    }
    return Figure(
        plot,
        headline=say("orders-without-a-customer.headline", share=percent(no_customer_share, 1)),
        alt=say("orders-without-a-customer.alt"),
        caption=say("orders-without-a-customer.caption-part", months=join_words(part))
        if part
        else say("orders-without-a-customer.caption"),
        more={key: sentence for key, sentence in more.items() if sentence},
        data=no_customer_months,
    )


def _price(ratio: float | None) -> str:
    """Say how prices without a customer compare with those of the same product elsewhere."""
    if ratio is None:
        return ""
    if 0.95 <= ratio <= 1.05:
        return say("orders-without-a-customer.price-same")
    return say("orders-without-a-customer.price", ratio=f"{ratio:.2f}")


def _size(channels: pd.DataFrame) -> str:
    """Say how many pieces a line without a customer has, beside one of a known customer."""
    pieces = channels.set_index("channel")["median_quantity"]
    if NO_CUSTOMER not in pieces or len(pieces) < 2 or pieces.isna().any():
        return ""
    here, there = pieces[NO_CUSTOMER], pieces.drop(NO_CUSTOMER).iloc[0]
    return say("orders-without-a-customer.size", here=count(here), there=count(there))


def _code(codes: pd.DataFrame) -> str:
    """Say which code of no product is in the orders of at least half of these lines, if one is."""
    if codes.empty or codes["share"].iloc[0] < 0.5:
        return ""
    row = codes.iloc[0]
    known = isinstance(row["description"], str)
    return say(
        "orders-without-a-customer.code",
        share=percent(row["share"]),
        code=shorten(row["stock_code"]),
        described=shorten(row["description"])
        if known
        else say("orders-without-a-customer.no-name"),
        known=percent(row["known_share"]),
    )


def _months(months: pd.DataFrame) -> str:
    """Say in which whole month the share without a customer was highest, and in which lowest."""
    whole = months[months["whole"] & months["share"].notna()]
    if len(whole) < 2:
        return ""
    high, low = top_row(whole, "share"), top_row(whole.assign(less=-whole["share"]), "less")
    return say(
        "orders-without-a-customer.months",
        high=percent(high["share"]),
        high_month=month(high["month"]),
        low=percent(low["share"]),
        low_month=month(low["month"]),
    )

"""Tabulate the sales of products to nobody who is known: orders without a customer.

They are a channel of their own (a marketplace, a counter, guests of the online shop), not gaps:
they have their own prices, quantities and seasons. Known customers stand beside them as gross
sales, since a purchase without a customer cannot be matched with a cancellation. RFM and segments
leave them out.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.core.files import Fact
from analysis.orders.ledger import GROSS, Ledger
from analysis.orders.quality import sum_exactly
from analysis.stats.periods import covers_month

KNOWN, NO_CUSTOMER = "known customers", "no customer"
#: Products and markets that are listed.
TOP = 10
COMPANION = ["stock_code", "description", "lines", "share", "known_share"]


def sales_without_customer(ledger: Ledger) -> ir.Table:
    """Return the lines that sell a product and name no customer; equal lines count once."""
    lines = ledger.lines
    positive = (lines.quantity > 0).fill_null(True) & (lines.unit_price > 0).fill_null(True)
    return lines.filter(
        lines.customer_id.isnull(),
        lines.broken == 0,
        ~lines.cancelled,
        lines["product"],
        positive & (lines.amount > 0),
    )


def _sales(ledger: Ledger) -> ir.Table:
    """Return the gross sales of products to everybody, with their channel."""
    lines = ledger.lines
    known = lines.filter(lines.cleaning_step >= GROSS).mutate(channel=ibis.literal(KNOWN))
    return known.union(sales_without_customer(ledger).mutate(channel=ibis.literal(NO_CUSTOMER)))


def _orders(table: ir.Table) -> ir.IntegerScalar:
    return table.customer_id.fill_null("").concat("\t", table.order_id).nunique()


def channels(ledger: Ledger) -> pd.DataFrame:
    """Return gross sales to known customers, and to nobody who is known.

    Returns
    -------
    pandas.DataFrame
        channel, orders, lines, units, revenue, share, mean_order, median_quantity (pieces in a
        line). Without invoice numbers, all sales of a day to nobody who is known are one order.
    """
    sales = _sales(ledger)
    table = (
        sales.group_by("channel")
        .aggregate(
            orders=_orders(sales),
            lines=sales.count(),
            units=sum_exactly(sales.quantity),
            revenue=sum_exactly(sales.amount),
            median_quantity=sales.quantity.median(),
        )
        .order_by("channel")
        .execute()
    )
    return table.assign(
        revenue=table["revenue"].round(2),
        share=table["revenue"] / table["revenue"].sum(),
        mean_order=table["revenue"] / table["orders"],
    )[["channel", "orders", "lines", "units", "revenue", "share", "mean_order", "median_quantity"]]


def months(ledger: Ledger) -> pd.DataFrame:
    """Return gross sales without a customer by month, beside those to known customers.

    Returns
    -------
    pandas.DataFrame
        month, whole (whether the ledger covers it), orders and revenue (without a customer),
        known_revenue, share (of both).
    """
    sales = _sales(ledger)
    nobody = sales.channel == NO_CUSTOMER
    table = (
        sales.group_by(month=sales.invoice_date.truncate("M").date())
        .aggregate(
            orders=sales.order_id.nunique(where=nobody),
            revenue=sales.amount.sum(where=nobody).cast("float64").fill_null(0.0),
            known_revenue=sales.amount.sum(where=~nobody).cast("float64").fill_null(0.0),
        )
        .order_by("month")
        .execute()
    )
    table["month"] = pd.to_datetime(table["month"])
    whole = [covers_month(m.date(), ledger.first_day, ledger.as_of) for m in table["month"]]
    table.insert(1, "whole", pd.Series(whole, dtype="bool"))
    return table.assign(share=table["revenue"] / (table["revenue"] + table["known_revenue"]))


def countries(ledger: Ledger) -> pd.DataFrame:
    """Return the markets of sales without a customer.

    Returns
    -------
    pandas.DataFrame
        country, orders, revenue, share (of sales without a customer), known_share (of those to
        known customers); the largest `TOP` by revenue.
    """
    sales = _sales(ledger).mutate(country=lambda t: t.country.fill_null("(not given)"))
    nobody = sales.channel == NO_CUSTOMER
    table = (
        sales.group_by("country")
        .aggregate(
            orders=sales.order_id.nunique(where=nobody),
            revenue=sales.amount.sum(where=nobody).cast("float64").fill_null(0.0),
            known=sales.amount.sum(where=~nobody).cast("float64").fill_null(0.0),
        )
        .order_by(ibis.desc("revenue"), "country")
        .execute()
    )
    table["share"] = table["revenue"] / table["revenue"].sum()
    known = table.pop("known")
    table["known_share"] = known / known.sum()
    return table[table["orders"] > 0].head(TOP).reset_index(drop=True)


def products(ledger: Ledger) -> pd.DataFrame:
    """Return the products sold without a customer, and their price beside that of known customers.

    Returns
    -------
    pandas.DataFrame
        stock_code, description, orders, units, revenue, share (of sales without a customer), price
        and known_price (revenue for each piece), price_ratio; by revenue.
    """
    sales = _sales(ledger)
    nobody = sales.channel == NO_CUSTOMER
    table = (
        sales.group_by("stock_code")
        .aggregate(
            description=sales.description.min(),
            orders=sales.order_id.nunique(where=nobody),
            units=sales.quantity.sum(where=nobody).fill_null(0.0),
            revenue=sales.amount.sum(where=nobody).cast("float64").fill_null(0.0),
            known_units=sales.quantity.sum(where=~nobody),
            known_revenue=sales.amount.sum(where=~nobody).cast("float64"),
        )
        .filter(ibis._.orders > 0)
        .order_by(ibis.desc("revenue"), "stock_code")
        .execute()
    )
    price = table["revenue"] / table["units"].where(table["units"] > 0)
    known = table.pop("known_revenue") / table["known_units"].where(table["known_units"] > 0)
    return table.drop(columns="known_units").assign(
        share=table["revenue"] / table["revenue"].sum(),
        price=price,
        known_price=known,
        price_ratio=price / known,
    )


def companion_code(ledger: Ledger) -> pd.DataFrame:
    """Return the code of no product that most orders without a customer carry, if any does.

    Returns
    -------
    pandas.DataFrame
        At most one row: stock_code, description, lines (without a customer, in orders with that
        code), share (of lines without a customer), known_share (of lines of known customers).
    """
    if not {"invoice", "stock_code"} <= ledger.columns:
        return pd.DataFrame(columns=COMPANION)
    lines = ledger.lines
    codes = lines.filter(~lines["product"], lines.broken == 0, ~lines.cancelled)
    codes = codes.group_by("stock_code", "order_id").aggregate(description=codes.description.min())
    sales = _sales(ledger)
    nobody = sales.channel == NO_CUSTOMER
    joined = sales.select("channel", "order_id").join(codes, "order_id")
    found = (
        joined.group_by("stock_code")
        .aggregate(
            description=joined.description.min(),
            lines=(joined.channel == NO_CUSTOMER).sum(),
            known=(joined.channel == KNOWN).sum(),
        )
        .order_by(ibis.desc("lines"), "stock_code")
        .limit(1)
        .execute()
    )
    if found.empty or not found["lines"].iloc[0]:
        return pd.DataFrame(columns=COMPANION)
    total = sales.aggregate(nobody=nobody.sum(), known=(~nobody).sum()).execute().iloc[0]
    return found.assign(
        share=found["lines"] / total["nobody"],
        known_share=found["known"] / max(total["known"], 1),
    )[COMPANION]


def no_customer_facts(table: pd.DataFrame, sold: pd.DataFrame) -> dict[str, Fact]:
    """Return the totals of sales without a customer, and of all sales.

    Parameters
    ----------
    table
        From `channels`.
    sold
        From `products`.
    """
    by_channel = table.set_index("channel")
    names = ["orders", "lines", "revenue", "share"]
    row = by_channel[names].reindex([NO_CUSTOMER]).fillna(0).iloc[0].astype("float64")
    ratio = sold["price_ratio"].median()
    return {
        "transactions.no_customer_revenue": float(row["revenue"]),
        "transactions.no_customer_share": float(row["share"]),
        "transactions.no_customer_orders": int(row["orders"]),
        "transactions.no_customer_lines": int(row["lines"]),
        "transactions.all_sales_revenue": round(float(table["revenue"].sum()), 2),
        # Without products that are sold both ways there is nothing to compare.
        **({} if pd.isna(ratio) else {"transactions.no_customer_price_ratio": float(ratio)}),
    }

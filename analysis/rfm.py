"""How recently, how often and for how much has each customer bought?

Recency, frequency and monetary value as Hughes, A. M. (1994), *Strategic Database Marketing*,
defines them, counted on net sales: a purchase that was cancelled is none.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.transactions import NET


def customers(lines: ir.Table, as_of: dt.date, rung: int = NET) -> ir.Table:
    """Return one row per customer, from the lines on a rung of the ladder or above it.

    Parameters
    ----------
    lines
        `analysis.transactions.Ledger.lines`.
    as_of
        The day that recency is counted to.
    rung
        `analysis.transactions.NET` for net sales, ``GROSS`` for gross sales.

    Returns
    -------
    ibis.Table
        customer_id; recency_days (whole calendar days from the last order's date to `as_of`);
        frequency (distinct orders); monetary (sum of the amounts, in the ledger's currency);
        lines; first_order and last_order (dates).
    """
    kept = lines.filter(lines.rung >= rung)
    # Two steps, because one count of distinct orders a customer costs twice as much as grouping.
    orders = kept.group_by("customer_id", "order_id").aggregate(
        lines=kept.count(),
        amount=kept.amount.sum(),
        first=kept.invoice_date.min(),
        last=kept.invoice_date.max(),
    )
    return (
        orders.group_by("customer_id")
        .aggregate(
            frequency=orders.count(),
            monetary=orders.amount.sum().cast("float64"),
            lines=orders.lines.sum().cast("int64"),
            first_order=orders["first"].min().date(),
            last_order=orders["last"].max().date(),
        )
        .mutate(
            recency_days=lambda t: ibis.literal(as_of).delta(t.last_order, unit="day").cast("int64")
        )
        .select(
            "customer_id",
            "recency_days",
            "frequency",
            "monetary",
            "lines",
            "first_order",
            "last_order",
        )
    )


def rfm_facts(table: pd.DataFrame) -> dict[str, float]:
    """Return the medians of recency, frequency and monetary, and the customers with one order."""
    return {
        "rfm.customers": len(table),
        "rfm.median_recency": float(table["recency_days"].median()),
        "rfm.median_frequency": float(table["frequency"].median()),
        "rfm.median_monetary": round(float(table["monetary"].median()), 2),
        "rfm.one_order_customers": int((table["frequency"] == 1).sum()),
    }

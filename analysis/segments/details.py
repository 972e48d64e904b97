"""Describe each customer: first order, basket, cancellations, market."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.orders.ledger import GROSS, NET, Ledger


def customer_details(ledger: Ledger, customers: pd.DataFrame, home: str = "") -> pd.DataFrame:
    """Add to each customer what the profiles need of their lines.

    Parameters
    ----------
    ledger
        The ledger.
    customers
        customer_id, recency_days, frequency, monetary, lines, first_order, and any groups.
    home
        From `home_market`.

    Returns
    -------
    pandas.DataFrame
        `customers` ordered by customer_id, with gross (sales), cancelled (amount, of products;
        missing where the files have no invoice numbers, as nothing marks a cancellation then) and
        cancellations (their invoices),
        market (the country of most of the net spend), abroad (1 where that is not `home`),
        second_days (from the first to the second order's day; missing with one order),
        tenure_days, mean_order and lines_per_order.
    """
    lines = ledger.lines
    sold = lines.filter(lines.cleaning_step >= GROSS)
    kept = lines.filter(lines.cleaning_step >= NET)
    gross = sold.group_by("customer_id").aggregate(gross=_sum_money(sold.amount))
    orders = kept.group_by("customer_id", "order_id").aggregate(date=kept.invoice_date.min())
    inorder = ibis.window(group_by="customer_id", order_by=[orders.date, orders.order_id])
    orders = orders.mutate(day=orders.date.date(), nth=ibis.row_number().over(inorder))
    second = orders.group_by("customer_id").aggregate(
        second_order=orders.day.min(where=orders.nth == 1)
    )
    found = customers.sort_values("customer_id", ignore_index=True)
    for extra in (gross, _cancellations(ledger), second, _markets(ledger)):
        found = found.merge(extra.execute(), on="customer_id", how="left", validate="1:1")
    first = pd.to_datetime(found["first_order"])
    days = (pd.to_datetime(found.pop("second_order")) - first).dt.days
    market = found["market"].astype("str")
    known = market.notna()
    cancelled, cancellations = (found[name].fillna(0.0) for name in ("cancelled", "cancellations"))
    return found.assign(
        market=market,
        abroad=(market != home).astype(float).where(known),
        cancelled=cancelled if "invoice" in ledger.columns else np.nan,
        cancellations=cancellations if "invoice" in ledger.columns else np.nan,
        second_days=days.astype(float),
        tenure_days=(pd.Timestamp(ledger.as_of) - first).dt.days,
        mean_order=found["monetary"] / found["frequency"],
        lines_per_order=found["lines"] / found["frequency"],
    )


def _sum_money(column: ir.Column) -> ir.FloatingScalar:
    """Add up money, which is kept in decimals: the order of the lines cannot show."""
    return column.sum().cast("float64")


def _cancellations(ledger: Ledger) -> ir.Table:
    back = ledger.cancellations
    back = back.filter(back["product"])
    return back.group_by("customer_id").aggregate(
        cancelled=-_sum_money(back.amount), cancellations=back.invoice.nunique().cast("float64")
    )


def _markets(ledger: Ledger) -> ir.Table:
    """Return the country in which each customer spent most (the first by name, where equal)."""
    lines = ledger.lines
    kept = lines.filter((lines.cleaning_step >= NET) & lines.country.notnull())
    spent = kept.group_by("customer_id", market=kept.country).aggregate(amount=kept.amount.sum())
    best = ibis.window(group_by="customer_id", order_by=[ibis.desc(spent.amount), spent.market])
    spent = spent.mutate(place=ibis.row_number().over(best))
    return spent.filter(spent.place == 0).select("customer_id", "market")

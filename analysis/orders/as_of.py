"""Return the ledger as it was known on an earlier day, and the spend after that day."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.orders.ledger import GROSS, NET, Ledger


def lines_known_at(ledger: Ledger, date: dt.date) -> ir.Table:
    """Return the lines of net sales as they were known at the beginning of a day.

    The n-th cancellation takes back the n-th purchase, in time order (as in the last
    cleaning step), so that lines of a later date change nothing before it: a purchase is known as
    reversed when its cancellation is dated before that day.

    Returns
    -------
    ibis.Table
        Lines of the ledger dated before `date`, at cleaning step `GROSS` or above it.
    """
    moment = ibis.timestamp(f"{date}")
    known = ledger.reversals.filter(ledger.reversals.reversed_on < moment)
    lines = ledger.lines
    lines = lines.filter((lines.cleaning_step >= GROSS) & (lines.invoice_date < moment))
    return lines.anti_join(known, "line_id")


def spend_after(ledger: Ledger, start: dt.date, end: dt.date) -> pd.Series:
    """Return the net spend of each customer on the days from `start` until before `end`.

    Returns
    -------
    pandas.Series
        The column monetary of `purchases_after`.
    """
    return purchases_after(ledger, start, end)["monetary"]


def purchases_after(ledger: Ledger, start: dt.date, end: dt.date) -> pd.DataFrame:
    """Return what each customer bought on the days from `start` until before `end`.

    Returns
    -------
    pandas.DataFrame
        monetary (net spend) and orders, by customer_id in order; customers without a net sale in
        these days are not in it. Net is meant as known today: this is what came, not what was
        expected.
    """
    lines = ledger.lines
    kept = lines.filter(
        (lines.cleaning_step >= NET)
        & (lines.invoice_date >= ibis.timestamp(f"{start}"))
        & (lines.invoice_date < ibis.timestamp(f"{end}"))
    )
    table = (
        kept.group_by("customer_id")
        .aggregate(monetary=kept.amount.sum().cast("float64"), orders=kept.order_id.nunique())
        .order_by("customer_id")
        .execute()
    )
    return table.set_index("customer_id")

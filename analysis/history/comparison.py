"""Summarise a ledger in the small tables that new files are compared with."""

from __future__ import annotations

from typing import NamedTuple

import ibis.expr.types as ir
import pandas as pd

from analysis.orders.ledger import GROSS, MONEY, NUMBER_COLUMNS, Ledger

#: What becomes of a line on days that both cover.
KINDS = ("same", "changed", "missing", "added", "late")
#: Columns whose ids are known from before, or not.
IDS = ("customer_id", "stock_code")


class Drawn(NamedTuple):
    """What is compared of a ledger: its lines that could be read, and small tables of them.

    Attributes
    ----------
    lines, columns
        As in the ledger, with each line's day, and with orders that hold without customers.
    days
        By day: lines, orders, customers, revenue, price and priced (sum and count, of sales),
        missing_customers, cancelled.
    countries
        day, country, lines.
    medians
        By month and code: unit_price, quantity and amount of sales.
    ids
        column, id, month: the customers and products of sales.
    forms
        column, and by form the number of ids that are written so.
    """

    lines: ir.Table
    columns: frozenset[str]
    days: pd.DataFrame
    countries: pd.DataFrame
    medians: pd.DataFrame
    ids: pd.DataFrame
    forms: pd.DataFrame


def draw(ledger: Ledger) -> Drawn:
    """Draw from a ledger what is compared."""
    lines = ledger.lines.filter(ledger.lines.broken == 0)
    lines = lines.mutate(day=lines.invoice_date.truncate("D"))
    copies, gross = lines.copies, lines.cleaning_step >= GROSS
    days = lines.group_by("day").aggregate(
        lines=copies.sum(),
        orders=lines.order_id.nunique(),
        customers=lines.customer_id.nunique(),
        revenue=lines.amount.sum(where=gross).cast("float64").fill_null(0.0),
        price=lines.unit_price.cast(MONEY).sum(where=gross).cast("float64").fill_null(0.0),
        priced=lines.unit_price.count(where=gross),
        missing_customers=copies.sum(where=lines.customer_id.isnull()).fill_null(0),
        cancelled=copies.sum(where=lines.cancelled).fill_null(0),
    )
    sold = lines.filter(lines.cleaning_step >= GROSS)
    sold = sold.mutate(month=sold.day.truncate("M"), code=sold.stock_code.fill_null(""))
    medians = sold.group_by("month", "code").aggregate(
        **{name: sold[name].cast("float64").median() for name in NUMBER_COLUMNS}
    )
    countries = lines.group_by("day", "country").aggregate(lines=copies.sum())
    ids = [
        sold.filter(sold[name].notnull()).select("month", id=name).distinct().execute()
        for name in IDS
    ]
    return Drawn(
        lines,
        ledger.columns,
        days.order_by("day").execute().set_index("day"),
        countries.execute(),
        medians.execute(),
        pd.concat([table.assign(column=name) for table, name in zip(ids, IDS, strict=True)]),
        _forms(lines),
    )


def _forms(lines: ir.Table) -> pd.DataFrame:
    """Count in which form the ids of each column are written."""
    counts: dict[str, ir.Scalar] = {}
    for name in (*IDS, "invoice"):
        digits = lines[name].re_search(r"^\d+$")
        zero, some = lines[name].startswith("0"), lines[name].re_search(r"\d")
        counts |= {
            f"{name} digits": (digits & ~zero).sum(),
            f"{name} digits after zeros": (digits & zero).sum(),
            f"{name} letters and digits": (some & ~digits).sum(),
            f"{name} letters": (~some).sum(),
        }
    table = lines.aggregate(**counts).execute().iloc[0].fillna(0).astype("int64")
    parts = [str(name).split(" ", 1) for name in table.index]
    return pd.DataFrame(parts, columns=["column", "form"]).assign(n=table.to_numpy())

"""Measure and score recency, frequency and monetary value of each customer.

Recency, frequency and monetary value as Hughes, A. M. (1994), *Strategic Database Marketing*,
defines them, counted on net sales: a purchase that was cancelled is none.
"""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.orders.ledger import NET


def customers(lines: ir.Table, as_of: dt.date, cleaning_step: int = NET) -> ir.Table:
    """Return one row per customer, from the lines at a cleaning step or above it.

    Parameters
    ----------
    lines
        `orders.ledger.Ledger.lines`.
    as_of
        The day that recency is counted to.
    cleaning_step
        `orders.ledger.NET` for net sales, ``GROSS`` for gross sales.

    Returns
    -------
    ibis.Table
        customer_id; recency_days (whole calendar days from the last order's date to `as_of`);
        frequency (distinct orders); monetary (sum of the amounts, in the ledger's currency);
        lines; first_order and last_order (dates).
    """
    kept = lines.filter(lines.cleaning_step >= cleaning_step)
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


def consents(lines: ir.Table) -> pd.DataFrame:
    """Return which customers agreed to messages, by the last of their orders that says so.

    Parameters
    ----------
    lines
        `orders.ledger.Ledger.lines`; without a column of consent, nothing is known of anybody.

    Returns
    -------
    pandas.DataFrame
        customer_id, consent (boolean); who never answered has no row. Of two answers at one
        moment, a refusal counts.
    """
    if "consent" not in lines.columns:
        nobody = pd.DataFrame(columns=["customer_id", "consent"])
        return nobody.astype({"customer_id": "str", "consent": "boolean"})
    said = lines.filter(lines.customer_id.notnull() & lines.consent.notnull())
    moments = said.group_by("customer_id", "invoice_date").aggregate(
        agrees=(said.consent == "yes").all()
    )
    last = moments.group_by("customer_id").aggregate(
        consent=moments.agrees.argmax(moments.invoice_date)
    )
    return last.execute().astype({"consent": "boolean"})


#: What each score is made from, and whether a high value of it is good.
MEASURES = {"r": ("recency_days", False), "f": ("frequency", True), "m": ("monetary", True)}


def cut_points(table: pd.DataFrame) -> pd.DataFrame:
    """Return the values at which scores change: the quintiles of each measure.

    A quintile is a value that occurs (the inverse of the empirical distribution function), so
    that a ledger twice as long with the same customers has the same quintiles. Where all
    customers have the same value, nothing sets them apart, and they get the middle score, 3: then
    the points of the scores 2 and 3 lie just below that value.

    Parameters
    ----------
    table
        From `customers`.

    Returns
    -------
    pandas.DataFrame
        One row per measure (``r``, ``f``, ``m``) and score from 2 to 5: measure, score, and
        ``beyond``. A customer has at least this score when the measure is above ``beyond`` (for
        recency: below it).
    """
    rows = []
    for measure, (column, high_is_good) in MEASURES.items():
        values = table[column].to_numpy(dtype=float) * (1 if high_is_good else -1)
        points = np.quantile(values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
        if values.min() == values.max():
            # Days and orders are whole; the next amount below is not to be told from this one.
            below = np.nextafter(points[0], 0) if measure == "m" else points[0] - 1
            points[:2] = below
        rows += [
            {"measure": measure, "score": score, "beyond": abs(point)}
            for score, point in zip(range(2, 6), points, strict=True)
        ]
    return pd.DataFrame(rows)


def scores(table: pd.DataFrame, cuts: pd.DataFrame) -> pd.DataFrame:
    """Return the scores from 1 to 5; equal values get equal scores, whatever the order of rows.

    Parameters
    ----------
    table
        From `customers`.
    cuts
        From `cut_points`, of this table or of an earlier one.

    Returns
    -------
    pandas.DataFrame
        r_score, f_score, m_score, on the index of `table`. 35% of the public ledger's customers
        ordered once: they all have the frequency score 1, and none of them 2.
    """
    found = {}
    for measure, (column, high_is_good) in MEASURES.items():
        sign = 1 if high_is_good else -1
        points = np.sort(
            cuts.loc[cuts["measure"] == measure, "beyond"].to_numpy(dtype=float) * sign
        )
        values = table[column].to_numpy(dtype=float) * sign
        found[f"{measure}_score"] = 1 + np.searchsorted(points, values, side="left")
    return pd.DataFrame(found, index=table.index).astype("int64")


def rfm_facts(table: pd.DataFrame) -> dict[str, float]:
    """Return the medians of recency, frequency and monetary, and the customers with one order."""
    return {
        "rfm.customers": len(table),
        "rfm.median_recency": float(table["recency_days"].median()),
        "rfm.median_frequency": float(table["frequency"].median()),
        "rfm.median_monetary": round(float(table["monetary"].median()), 2),
        "rfm.one_order_customers": int((table["frequency"] == 1).sum()),
    }

"""Choose and fill the sentences about orders (``sentences.toml``).

Each function holds for empty tables, single rows, ties and falling numbers. Names from the data
stand in a sentence as they are: a page escapes it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import change, count, join_words, money, months, percent
from analysis.core.sentences import fill

say = partial(fill, "orders")


def recent_orders(recent_change: pd.DataFrame, currency: str) -> dict[str, str]:
    """Say how orders and the order value moved: against a year earlier, if that is covered."""
    periods = {row["period"]: row for row in recent_change.to_dict("records")}
    if "latest" not in periods:
        return {"said": say("recent-orders.said-short")}
    now = periods["latest"]
    before = periods.get("year_before") or periods.get("before")
    known = {
        "count": now["orders"],
        "span": months(now["first"], now["last"]),
        "mean": money(now["mean_order"], currency),
    }
    if not before:
        return {"said": say("recent-orders.said", **known)}
    known |= {
        "change": change(now["orders"], before["orders"]),
        "value_change": change(now["mean_order"], before["mean_order"]),
    }
    if before["period"] == "year_before":
        return {"said": say("recent-orders.said-year", **known)}
    return {"said": say("recent-orders.said-compared", **known)}


def concentration(
    top20_share: float, top20_share_low: float, top20_share_high: float, gini: float
) -> dict[str, str] | None:
    """Say how much the top fifth of customers bring, with its interval."""
    if top20_share is None:
        return None
    return {
        "said": say(
            "concentration.said",
            share=percent(top20_share, 1),
            low=percent(top20_share_low, 1),
            high=percent(top20_share_high, 1),
        ),
        "interval": say("concentration.interval", gini=f"{gini:.2f}"),
    }


def cleaning_reasons(
    currency: str,
    raw_rows: int,
    missing_customer_rows: int,
    duplicate_rows: int,
    cancelled_rows: int,
    cancelled_invoices: int,
    negative_quantity_not_cancelled_rows: int,
    nonpositive_price_rows: int,
    reversals: int,
    reversals_revenue: float,
    cancelled_revenue: float,
    cancelled_share: float,
    unmatched_cancelled_revenue: float,
) -> dict[str, str] | None:
    """Say why each cleaning step is there, and how much it concerns."""
    if raw_rows is None:
        return None
    customers = (
        say(
            "cleaning-reasons.said-customers",
            count=missing_customer_rows,
            all=count(raw_rows),
            share=percent(missing_customer_rows / raw_rows),
        )
        if missing_customer_rows
        else say("cleaning-reasons.said-customers-none")
    )
    total = {"cancelled": money(cancelled_revenue, currency), "share": percent(cancelled_share, 1)}
    unmatched = (
        say(
            "cleaning-reasons.said-unmatched",
            revenue=money(unmatched_cancelled_revenue, currency),
            **total,
        )
        if unmatched_cancelled_revenue
        else say("cleaning-reasons.said-matched", **total)
    )
    return {
        "said-customers": customers,
        "said-duplicates": say("cleaning-reasons.said-duplicates", count=duplicate_rows),
        "said-cancellations": say(
            "cleaning-reasons.said-cancellations",
            count=cancelled_rows,
            invoices=count(cancelled_invoices),
        ),
        "said-adjustments": say(
            "cleaning-reasons.said-adjustments",
            negative=count(negative_quantity_not_cancelled_rows),
            free=count(nonpositive_price_rows),
        ),
        "said-codes": say("cleaning-reasons.said-codes"),
        "said-reversals": say(
            "cleaning-reasons.said-reversals",
            count=reversals,
            revenue=money(reversals_revenue, currency),
        ),
        "said-unmatched": unmatched,
    }


def rejection_summary(rules: pd.DataFrame, refused_rows: int) -> dict[str, str]:
    """Say how many lines broke a rule."""
    number = count(len(rules))
    if not refused_rows:
        return {"said": say("rejection-summary.said-none", rules=number)}
    return {"said": say("rejection-summary.said", rules=number, count=refused_rows)}


def missing_columns(
    has_invoice: bool, has_stock_code: bool, has_description: bool, has_country: bool
) -> dict[str, str] | None:
    """Say which columns the files do not have."""
    columns = {
        say("missing-columns.invoice"): has_invoice,
        say("missing-columns.stock_code"): has_stock_code,
        say("missing-columns.description"): has_description,
        say("missing-columns.country"): has_country,
    }
    absent = [name for name, there in columns.items() if there is False]
    return (
        {"said": say("missing-columns.said", columns=join_words(absent, "or"))} if absent else None
    )


def overlap(files: int, overlap_rows: int, late_rows: int) -> dict[str, str] | None:
    """Say how many lines are in several files, and how many are dated too late."""
    if files is None:
        return None
    said = {}
    if files > 1 and overlap_rows:
        said["said"] = say("overlap.said", count=overlap_rows)
    elif files > 1:
        said["said"] = say("overlap.said-none")
    if late_rows:
        said["late"] = say("overlap.late", count=late_rows)
    return said

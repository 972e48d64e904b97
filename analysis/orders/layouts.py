"""Set the tables about orders.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import day, join_words
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid

say = partial(fill, "orders")


def market_totals(markets: pd.DataFrame, currency: str) -> Table | None:
    """Set net sales of all markets, the home market and all others."""
    if len(markets) < 2:
        return None
    names = {
        "market": say("market-totals.market"),
        "customers": say("market-totals.customers"),
        "orders": say("market-totals.orders"),
        "revenue": say("market-totals.revenue"),
        "mean_order": say("market-totals.mean"),
    }
    everybody, *parts = markets["customers"]
    both = int(sum(parts) - everybody)
    return Table(
        grid(
            markets,
            "market-totals",
            names,
            counts=["customers", "orders"],
            amounts=["revenue", "mean_order"],
            currency=currency,
        ),
        caption=say("market-totals.caption-both", count=both) if both else "",
        data=markets,
    )


def cleaning_table(cleaning_steps: pd.DataFrame, currency: str) -> Table:
    """Set what each cleaning step leaves."""
    names = {
        "step": say("cleaning-table.step"),
        "rows": say("cleaning-table.rows"),
        "customers": say("cleaning-table.customers"),
        "orders": say("cleaning-table.orders"),
        "amount": say("cleaning-table.amount"),
        "removed_rows": say("cleaning-table.removed"),
    }
    made = grid(
        cleaning_steps,
        "cleaning-table",
        names,
        counts=["rows", "customers", "orders", "removed_rows"],
        amounts=["amount"],
        currency=currency,
    )
    return Table(made, data=cleaning_steps)


def large_cancelled_orders(giant_reversals: pd.DataFrame, currency: str) -> Table | str:
    """Set the products whose purchases were cancelled in full for the most money."""
    if giant_reversals.empty:
        return say("large-cancelled-orders.none")
    names = {
        "description": say("large-cancelled-orders.description"),
        "customers": say("large-cancelled-orders.customers"),
        "quantity": say("large-cancelled-orders.quantity"),
        "amount": say("large-cancelled-orders.amount"),
    }
    shown = {
        column: name for column, name in names.items() if giant_reversals[column].notna().any()
    }
    made = grid(
        giant_reversals,
        "large-cancelled-orders",
        shown,
        counts=[column for column in ("customers", "quantity") if column in shown],
        amounts=["amount"],
        digits=2,
        currency=currency,
    )
    return Table(made, data=giant_reversals)


def non_product_codes(
    left_out_codes: pd.DataFrame, currency: str, has_stock_code: bool
) -> Table | str:
    """Set the codes that are left out because they are not product codes."""
    if not has_stock_code:
        return say("non-product-codes.none-column")
    if left_out_codes.empty:
        return say("non-product-codes.none")
    names = {
        "stock_code": say("non-product-codes.code"),
        "rows": say("non-product-codes.rows"),
        "customers": say("non-product-codes.customers"),
        "amount": say("non-product-codes.amount"),
    }
    made = grid(
        left_out_codes,
        "non-product-codes",
        names,
        counts=["rows", "customers"],
        amounts=["amount"],
        digits=2,
        currency=currency,
    )
    return Table(made, data=left_out_codes)


def rejected_lines(rules: pd.DataFrame) -> Table | str:
    """Set the rules that rejected lines."""
    broken = rules[rules["rows"] > 0]
    if broken.empty:
        return say("rejected-lines.none")
    rows = broken.assign(column=broken["column"].str.replace("_", " "))
    names = {
        "column": say("rejected-lines.column"),
        "asks_for": say("rejected-lines.rule"),
        "rows": say("rejected-lines.rows"),
    }
    return Table(grid(rows, "rejected-lines", names, counts=["rows"]), data=rules)


def missing_values(completeness: pd.DataFrame) -> Table | str:
    """Set the columns that have missing values."""
    gaps = completeness[completeness["missing"] > 0]
    if gaps.empty:
        return say("missing-values.none")
    rows = gaps.assign(column=gaps["column"].str.replace("_", " "))
    names = {
        "column": say("missing-values.column"),
        "missing": say("missing-values.missing"),
        "share": say("missing-values.share"),
    }
    made = grid(rows, "missing-values", names, counts=["missing"], percents=["share"])
    return Table(made, data=completeness)


def files_read(files: pd.DataFrame) -> Table:
    """Set how each file of orders was read."""
    rows = files.assign(
        span=[
            say("files-read.span", first=day(first), last=day(last)) if pd.notna(first) else MISSING
            for first, last in zip(files["first_date"], files["last_date"], strict=True)
        ],
        notation=[_notation(file) for file in files.to_dict("records")],
    )
    names = {
        "source": say("files-read.file"),
        "rows": say("files-read.rows"),
        "refused_rows": say("files-read.rejected"),
        "span": say("files-read.dates"),
        "notation": say("files-read.notation"),
    }
    made = grid(rows, "files-read", names, counts=["rows", "refused_rows"])
    return Table(made, data=files)


def _notation(file: Mapping[Any, str]) -> str:
    """Return in what notation a file was read."""
    found = [file["encoding"]] if file["encoding"] else []
    if file["date_format"]:
        found.append(say("files-read.date_format", format=file["date_format"]))
    if file["decimal_mark"]:
        found.append(say("files-read.decimal_mark", mark=file["decimal_mark"]))
    return join_words(found) if found else say("files-read.typed")


def largest_values(unusual_lines: pd.DataFrame) -> Table:
    """Set how far the largest quantities, prices and amounts stand out."""
    measures = {
        "quantity": say("largest-values.quantity"),
        "unit_price": say("largest-values.unit_price"),
        "amount": say("largest-values.amount"),
    }
    rows = unusual_lines.assign(measure=unusual_lines["measure"].map(measures))
    numbers = ["median", "p99", "p999"]
    names = {
        "measure": say("largest-values.measure"),
        "median": say("largest-values.median"),
        "p99": say("largest-values.p99"),
        "p999": say("largest-values.p999"),
    }
    made = grid(rows, "largest-values", names, amounts=numbers, digits=2)
    return Table(made, data=unusual_lines)

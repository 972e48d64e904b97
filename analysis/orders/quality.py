"""Tabulate the quality of the order lines: cleaning steps, gaps, unusual lines."""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.orders.ledger import CLEANING_STEPS, GROSS, LINE_COLUMNS, MONEY, NET, Ledger

#: Codes that are no products: those listed one by one.
CODES = 20


def sum_exactly(column: ir.Column) -> ir.FloatingScalar:
    """Add up exactly, in decimals, so that the order of the lines does not show in the sum."""
    return column.cast(MONEY).sum().cast("float64").fill_null(0.0)


def cleaning_steps(ledger: Ledger) -> pd.DataFrame:
    """Return the cleaning steps, from the lines read to net sales.

    Returns
    -------
    pandas.DataFrame
        cleaning_step (0 is "Lines read", 1 to 6 as in `CLEANING_STEPS`), step, rows, customers,
        orders, amount, and removed_rows and removed_amount against the step before. All counts of
        a row are about the same lines; of those read, refused ones included, an amount that cannot
        be read adds nothing.
    """
    lines = ledger.lines
    known = lines.cleaning_step >= 1
    first = lines.aggregate(
        rows=(lines.copies * known.ifelse(1, 0)).sum(),
        customers=lines.customer_id.nunique(where=known),
        orders=lines.order_id.nunique(where=known),
        amount=(lines.amount * known.ifelse(lines.copies, 0)).sum().cast("float64"),
    ).mutate(cleaning_step=ibis.literal(1))
    every = lines.aggregate(
        rows=lines.read.sum(),
        customers=lines.customer_id.nunique(),
        orders=lines.order_id.nunique(),
        amount=(lines.amount * lines.read).sum().cast("float64"),
    ).mutate(cleaning_step=ibis.literal(0))
    rest = [
        lines.filter(lines.cleaning_step >= cleaning_step)
        .aggregate(
            rows=lambda t: t.count(),
            customers=lambda t: t.customer_id.nunique(),
            orders=lambda t: t.order_id.nunique(),
            amount=lambda t: sum_exactly(t.amount),
        )
        .mutate(cleaning_step=ibis.literal(cleaning_step))
        for cleaning_step in range(2, NET + 1)
    ]
    found = pd.concat([step.execute() for step in (every, first, *rest)], ignore_index=True)
    found["rows"] += [_count_ragged(ledger), *[0] * (len(found) - 1)]
    counts = ["rows", "customers", "orders"]
    found[counts] = found[counts].fillna(0).astype("int64")
    found["amount"] = found["amount"].fillna(0.0).round(2)
    return found.assign(
        cleaning_step=found["cleaning_step"].astype("int64"),
        step=["Lines read", *CLEANING_STEPS.values()],
        removed_rows=-found["rows"].diff().fillna(0).astype("int64"),
        # Adding nought turns a minus nought into nought.
        removed_amount=-found["amount"].diff().fillna(0).round(2) + 0.0,
    )[["cleaning_step", "step", *counts, "amount", "removed_rows", "removed_amount"]]


def _count_ragged(ledger: Ledger) -> int:
    rules = ledger.rules.set_index("rule")["rows"]
    return int(rules["fields_match_header"])


def cancelled_amount(ledger: Ledger) -> float:
    """Return the amount of all cancellations of products by known customers."""
    back = ledger.cancellations.filter(ledger.cancellations["product"])
    return (
        round(float(back.aggregate(amount=-sum_exactly(back.amount)).execute().iloc[0, 0]), 2) + 0.0
    )


def ledger_facts(ledger: Ledger, steps: pd.DataFrame) -> dict[str, int | float | str]:
    """Return the counts that describe the raw ledger, and those of each cleaning step.

    Parameters
    ----------
    ledger
        The ledger.
    steps
        From `cleaning_steps`.
    """
    lines = ledger.lines
    rows = lines.read
    negative = lines.quantity < 0
    counted = (
        lines.aggregate(
            raw_invoices=lines.invoice.nunique(),
            countries=lines.country.nunique(),
            missing_customer_rows=rows.sum(where=lines.customer_id.isnull()),
            missing_description_rows=rows.sum(where=lines.description.isnull()),
            # Lines that could not be read may differ in the text that was not read.
            duplicate_rows=(lines.copies - 1).sum(where=lines.broken == 0),
            overlap_rows=(lines["read"] - lines.copies).sum(),
            cancelled_rows=rows.sum(where=lines.cancelled),
            cancelled_invoices=lines.invoice.nunique(where=lines.cancelled),
            negative_quantity_rows=rows.sum(where=negative),
            negative_quantity_not_cancelled_rows=rows.sum(where=negative & ~lines.cancelled),
            nonpositive_price_rows=rows.sum(where=lines.unit_price <= 0),
            negative_price_rows=rows.sum(where=lines.unit_price < 0),
            no_amount_rows=rows.sum(where=lines.amount.isnull()),
        )
        .execute()
        .fillna(0)
        .astype("int64")
        .iloc[0]
    )
    cleaning_step = {row["cleaning_step"]: row for row in steps.to_dict("records")}
    every, known, gross, net = (cleaning_step[number] for number in (0, GROSS - 1, GROSS, NET))
    counted["no_amount_rows"] += _count_ragged(ledger)
    cancelled = cancelled_amount(ledger)
    matched = round(gross["amount"] - net["amount"], 2)
    facts: dict[str, int | float | str] = {
        "raw_rows": every["rows"],
        "raw_customers": every["customers"],
        "raw_revenue": every["amount"],
        **{str(name): int(value) for name, value in counted.to_dict().items()},
        "refused_rows": int(ledger.files["refused_rows"].sum()),
        "late_rows": ledger.late_rows,
        "files": len(ledger.files),
        "as_of": ledger.as_of.isoformat(),
        "first_date": ledger.first_day.isoformat(),
        "last_date": (lines.invoice_date.max(where=lines.broken == 0).execute().date().isoformat()),
        "reversals": gross["rows"] - net["rows"],
        "reversals_revenue": matched,
        "cancelled_revenue": cancelled,
        "unmatched_cancelled_revenue": round(cancelled - matched, 2),
        "cancelled_share": cancelled / gross["amount"] if gross["amount"] else 0.0,
        "gross_revenue": gross["amount"],
        "net_revenue": net["amount"],
        "no_product_rows": known["rows"] - gross["rows"],
        "no_product_revenue": round(known["amount"] - gross["amount"], 2),
    }
    for number in CLEANING_STEPS:
        facts |= {
            # Users outside know the cleaning steps by these keys.
            f"rung{number}_{name}": cleaning_step[number][column]
            for name, column in (
                ("rows", "rows"),
                ("customers", "customers"),
                ("invoices", "orders"),
                ("revenue", "amount"),
            )
        }
    return {f"transactions.{name}": value for name, value in facts.items()}


def completeness(ledger: Ledger) -> pd.DataFrame:
    """Return, per column that the files have, rows, missing rows and their share."""
    lines = ledger.lines
    names = [name for name in LINE_COLUMNS if name in ledger.columns]
    missing = (
        lines.aggregate(
            **{n: lines.read.sum(where=lines[n].isnull()).fill_null(0) for n in names},
            all_rows=lines.read.sum(),
        )
        .execute()
        .iloc[0]
        .astype("int64")
    )
    return pd.DataFrame(
        {
            "column": names,
            "rows": missing["all_rows"],
            "missing": [missing[n] for n in names],
            "share": [missing[n] / missing["all_rows"] for n in names],
        }
    )


def left_out_codes(ledger: Ledger) -> pd.DataFrame:
    """Return the codes that are no products: stock_code, rows, customers, amount; largest first.

    Codes beyond the `CODES` largest are added up in one row, ``other codes``.
    """
    lines = ledger.lines.filter(ledger.lines.cleaning_step == GROSS - 1)
    lines = lines.mutate(stock_code=lines.stock_code.fill_null("(no code)"))

    counts: dict[str, Callable[[ir.Table], ir.Scalar]] = {
        "rows": lambda t: t.count(),
        "customers": lambda t: t.customer_id.nunique(),
        "amount": lambda t: sum_exactly(t.amount),
    }
    codes = lines.group_by("stock_code").aggregate(**counts)
    codes = codes.order_by(ibis.desc("amount"), "stock_code").execute()
    if len(codes) <= CODES + 1:
        return codes
    first = codes.iloc[:CODES]
    # Counted anew: a customer of several of these codes is one customer.
    others = lines.filter(~lines.stock_code.isin([*first["stock_code"]]))
    rest = others.aggregate(**counts).execute()
    name = f"{len(codes) - CODES} other codes"
    return pd.concat([first, rest.assign(stock_code=name)], ignore_index=True)


def giant_reversals(ledger: Ledger, minimum_group: int = 1) -> pd.DataFrame:
    """Return the products whose purchases were taken back for most money.

    Returns
    -------
    pandas.DataFrame
        stock_code, description, customers (whose purchases were taken back), quantity, amount;
        the five largest of those with at least `minimum_group` customers.
    """
    lines = ledger.lines.filter(ledger.lines.cleaning_step == GROSS)
    products = lines.group_by("stock_code").aggregate(
        description=lines.description.min(),
        customers=lines.customer_id.nunique(),
        quantity=lines.quantity.sum(),
        amount=sum_exactly(lines.amount),
    )
    return (
        products.filter(products.customers >= minimum_group)
        .order_by(ibis.desc("amount"), "stock_code")
        .limit(5)
        .execute()
    )


def unusual_lines(ledger: Ledger, minimum_group: int = 1) -> pd.DataFrame:
    """Return how far the largest net lines stand out.

    Returns
    -------
    pandas.DataFrame
        measure (quantity, unit_price, amount), median, p99, p999: quantiles of lines, missing
        where fewer than `minimum_group` customers lie beyond.
    """
    lines = ledger.lines.filter(ledger.lines.cleaning_step >= NET)
    levels = {"median": 0.5, "p99": 0.99, "p999": 0.999}
    rows = []
    for name in ("quantity", "unit_price", "amount"):
        if name not in ("amount", *ledger.columns):
            continue
        value = lines[name].cast("float64")
        quantiles = {level: value.quantile(share) for level, share in levels.items()}
        found = lines.aggregate(**quantiles).execute().iloc[0]
        beyond = (
            lines.aggregate(
                **{
                    level: lines.customer_id.nunique(where=value >= float(found[level]))
                    for level in levels
                }
            )
            .execute()
            .iloc[0]
        )
        rows.append({"measure": name, **found.where(beyond >= minimum_group)})
    return pd.DataFrame(rows)

"""Make the tables of sales from the cleaned order lines: a step of the build."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.orders import no_customer, quality, tables
from analysis.orders.columns import KEPT
from analysis.orders.contract import breaches, sales_schema
from analysis.orders.home_market import named_home
from analysis.orders.ledger import LINE_COLUMNS, NET, Ledger, with_ledger

#: Columns of the lines that say something of the customer or the shop's channel.
ABOUT_CUSTOMERS = KEPT[:3]


@with_ledger
def sales_tables(
    ledger: Ledger,
    settings: Settings,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return the tables of the cleaning and of the sales, and their facts."""
    minimum_group = settings.report.smallest_group
    steps = quality.cleaning_steps(ledger)
    months = tables.monthly(ledger)
    home = named_home(ledger, settings.transactions.home_country)
    countries = tables.countries(ledger, home, minimum_group)
    channels, sold = no_customer.channels(ledger), no_customer.products(ledger)
    made = {
        "cleaning_steps": steps,
        "completeness": quality.completeness(ledger),
        "left_out_codes": quality.left_out_codes(ledger),
        "giant_reversals": quality.giant_reversals(ledger, minimum_group),
        "unusual_lines": quality.unusual_lines(ledger, minimum_group),
        "monthly": months,
        "recent_change": tables.recent_change(months),
        "week": tables.week(ledger),
        "cohorts": tables.cohorts(ledger),
        "countries": countries,
        "markets": tables.markets(ledger, countries, minimum_group),
        "products": tables.products(ledger),
        "channels": channels,
        "no_customer_months": no_customer.months(ledger),
        "no_customer_countries": no_customer.countries(ledger),
        "no_customer_products": sold,
        "no_customer_code": no_customer.companion_code(ledger),
    }
    facts: dict[str, Fact] = {
        **quality.ledger_facts(ledger, steps),
        **no_customer.no_customer_facts(channels, sold),
        **{f"transactions.has_{name}": name in ledger.columns for name in LINE_COLUMNS},
        **{
            f"transactions.gross_revenue_{row['month']:%Y-%m}": row["gross_revenue"]
            for row in months.to_dict("records")
        },
    }
    return made, facts


@with_ledger
def sales_lines(
    ledger: Ledger, settings: Settings, scratch: Path
) -> tuple[dict[str, Path], dict[str, Fact]]:
    """Return the lines of net sales, sorted, so that equal data gives equal bytes.

    Raises
    ------
    AssertionError
        When a kept line breaks the contract of sales lines: a fault of the program.
    """
    path = scratch / "transactions.parquet"
    sales = ledger.lines.filter(ledger.lines.cleaning_step >= NET)
    columns = ["invoice_date", "order_id", *(c for c in LINE_COLUMNS if c != "invoice_date")]
    sales = sales.mutate(
        **{n: ibis.null("string") for n in ABOUT_CUSTOMERS if n not in sales.columns}
    )
    kept = sales.select(*columns, *ABOUT_CUSTOMERS)
    contract = sales_schema(set(ledger.columns))
    faults = kept.aggregate(**{name: expr.sum() for name, expr in breaches(contract, kept).items()})
    counts = faults.execute().fillna(0).iloc[0]
    if counts.any():
        raise AssertionError(f"kept sale lines break their contract: {counts.to_dict()}")
    kept = kept.mutate(amount=kept.amount.cast("float64"))
    ordered = kept.order_by([kept[name] for name in (*columns, *ABOUT_CUSTOMERS)])
    ledger.engine.raw_sql("SET preserve_insertion_order = true")
    ordered.to_parquet(path, compression="zstd")
    return {"transactions": path}, {}

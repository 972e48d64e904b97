"""Clean the ledger in Polars: lazy queries on the streaming engine, without a memory limit."""

from __future__ import annotations

from collections.abc import Callable

import pandas  # noqa: F401 (`to_pandas` would load it while the clock runs)
import polars as pl
import pyarrow  # noqa: F401 (likewise)

from benchmarks import KEYS, TIES, Answer, Job

NAME = "Polars, streaming"


def run(job: Job, cleaned: Callable[[], None]) -> Answer:
    """Count the rules in one query, keep the distinct sound lines, work on from there."""
    raw = pl.scan_parquet(job.path)
    customer, date = pl.col("CustomerID"), pl.col("InvoiceDate")
    quantity, price = pl.col("Quantity"), pl.col("UnitPrice")
    rules = {
        "customer_id_is_an_id": customer.is_infinite(),
        "invoice_date_given": date.is_null(),
        "invoice_date_not_too_early": date < job.earliest,
        "quantity_given": quantity.is_null(),
        "quantity_finite": quantity.abs() >= job.largest,
        "unit_price_given": price.is_null(),
        "unit_price_finite": price.abs() >= job.largest,
        "unit_price_not_negative": price < 0,
    }
    counted = raw.select(
        *(rule.sum().alias(name) for name, rule in rules.items()), last=date.max()
    ).collect(engine="streaming")
    *broken, last = counted.row(0)

    with_id = customer.is_not_null() & ~pl.any_horizontal(
        rule.fill_null(False) for rule in rules.values()
    )
    lines = (
        raw.filter(with_id)
        .group_by(pl.all())
        .agg(copies=pl.len())
        .with_columns(
            cleaning_step=pl.when(pl.col("InvoiceNo").str.starts_with(job.prefix))
            .then(2)
            .when((quantity <= 0) | (price <= 0))
            .then(3)
            .when(~pl.col("StockCode").str.contains(job.products))
            .then(4)
            .otherwise(5),
        )
        .with_row_index("line")
        .collect(engine="streaming")
        .lazy()
    )
    nth = pl.int_range(pl.len()).over(KEYS, order_by=TIES)
    back = lines.filter(pl.col("cleaning_step") == 2).with_columns(-quantity)
    gross = lines.filter(pl.col("cleaning_step") == 5)
    pairs = (
        gross.join(back, on=KEYS, how="semi")
        .with_columns(nth=nth)
        .join(back.with_columns(nth=nth), on=[*KEYS, "nth"], suffix="_back")
        .filter(date <= pl.col("InvoiceDate_back"))
    )
    reversals = pairs.select("line").collect(engine="streaming")
    above = [
        (pl.col("cleaning_step") >= cleaning_step).sum().alias(f"{cleaning_step}")
        for cleaning_step in range(2, 6)
    ]
    counts = lines.select(pl.col("copies").sum(), *above).collect(engine="streaming").row(0)
    cleaned()

    customers = (
        gross.join(reversals.lazy(), on="line", how="anti")
        .group_by("CustomerID", "InvoiceNo")
        .agg(last=date.max(), amount=(quantity * price).round(4).sum())
        .group_by("CustomerID")
        .agg(frequency=pl.len(), monetary=pl.col("amount").sum(), last=pl.col("last").max())
        .with_columns(
            recency_days=(pl.lit(last).dt.date() - pl.col("last").dt.date()).dt.total_days() + 1
        )
        .collect(engine="streaming")
        .to_pandas()
    )
    steps = [int(n) for n in (*counts, counts[-1] - len(reversals))]
    return Answer(dict(zip(rules, broken, strict=True)), steps, customers)

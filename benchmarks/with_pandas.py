"""Clean the ledger in idiomatic pandas: `drop_duplicates`, `groupby`, `merge`."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from benchmarks import KEYS, TIES, Answer, Job

NAME = "idiomatic pandas"


def run(job: Job, cleaned: Callable[[], None]) -> Answer:
    """Hold the lines in memory, for pandas has no other way; let go of what is done with."""
    raw = pd.read_parquet(job.path)
    as_of = raw["InvoiceDate"].max().normalize() + pd.Timedelta(days=1)
    broken = {
        "customer_id_is_an_id": raw["CustomerID"].abs().eq(float("inf")),
        "invoice_date_given": raw["InvoiceDate"].isna(),
        "invoice_date_not_too_early": raw["InvoiceDate"] < pd.Timestamp(job.earliest),
        "quantity_given": raw["Quantity"].isna(),
        "quantity_finite": raw["Quantity"].abs() >= job.largest,
        "unit_price_given": raw["UnitPrice"].isna(),
        "unit_price_finite": raw["UnitPrice"].abs() >= job.largest,
        "unit_price_not_negative": raw["UnitPrice"] < 0,
    }
    rules = {name: int(hits.sum()) for name, hits in broken.items()}
    sound = ~pd.concat(broken, axis=1).any(axis=1)
    lines = raw[sound & raw["CustomerID"].notna()]
    del raw, broken, sound
    counts = [len(lines)]
    lines = lines.drop_duplicates()
    cancelled = lines["InvoiceNo"].str.startswith(job.prefix)
    positive = ~cancelled & (lines["Quantity"] > 0) & (lines["UnitPrice"] > 0)
    product = positive & lines["StockCode"].str.match(job.products)
    counts += [len(lines), int((~cancelled).sum()), int(positive.sum()), int(product.sum())]
    back = lines[cancelled].assign(Quantity=lambda t: -t["Quantity"]).sort_values(TIES)
    lines = lines[product]

    back["nth"] = back.groupby(KEYS).cumcount()
    matched = lines.reset_index().merge(back[KEYS].drop_duplicates(), on=KEYS).sort_values(TIES)
    matched["nth"] = matched.groupby(KEYS).cumcount()
    pairs = matched.merge(back, on=[*KEYS, "nth"], suffixes=("", "_back"))
    lines = lines.drop(pairs.loc[pairs["InvoiceDate"] <= pairs["InvoiceDate_back"], "index"])
    counts.append(len(lines))
    cleaned()

    customers = (
        lines.assign(amount=(lines["Quantity"] * lines["UnitPrice"]).round(4))
        .groupby("CustomerID", as_index=False)
        .agg(
            last=("InvoiceDate", "max"),
            frequency=("InvoiceNo", "nunique"),
            monetary=("amount", "sum"),
        )
    )
    customers["recency_days"] = (as_of - customers["last"].dt.normalize()).dt.days
    return Answer(rules, counts, customers)

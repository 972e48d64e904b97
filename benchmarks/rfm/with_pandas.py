"""Score customers by the recipe of countless notebooks: `groupby.agg`, then `qcut` of ranks."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from benchmarks.rfm import Lines, Scored

NAME = "pandas notebook"


def run(job: Lines, lap: Callable[[], None]) -> Scored:
    """Rank before cutting, as the recipe does because `qcut` refuses quintiles that coincide."""
    lines = pd.read_parquet(job.path)
    customers = lines.groupby("customer_id", as_index=False).agg(
        last=("invoice_date", "max"),
        frequency=("invoice", "nunique"),
        monetary=("amount", "sum"),
    )
    customers["recency_days"] = (pd.Timestamp(job.as_of) - customers["last"].dt.normalize()).dt.days
    lap()
    up, down = [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]
    for score, column, labels in (
        ("r_score", "recency_days", down),
        ("f_score", "frequency", up),
        ("m_score", "monetary", up),
    ):
        rank = customers[column].rank(method="first")
        customers[score] = pd.qcut(rank, 5, labels=labels).astype("int64")
    return Scored(customers)

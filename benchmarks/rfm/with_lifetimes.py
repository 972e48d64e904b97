"""Score customers with lifetimes' `summary_data_from_transaction_data`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import pandas as pd
from lifetimes.utils import (  # type: ignore[import-not-found]
    summary_data_from_transaction_data,
)

from benchmarks.rfm import Lines, Scored

NAME = f"lifetimes {version('lifetimes')}"


def run(job: Lines, lap: Callable[[], None]) -> Scored:
    """Count to the day of the others; there are no scores to come."""
    lines = pd.read_parquet(job.path, columns=["customer_id", "invoice_date", "amount"])
    found = summary_data_from_transaction_data(
        lines,
        "customer_id",
        "invoice_date",
        "amount",
        observation_period_end=job.as_of,
        include_first_transaction=True,
    ).reset_index()
    found["recency_days"] = (found["T"] - found["recency"]).astype("int64")
    found["monetary"] = found["monetary_value"] * found["frequency"]
    found["frequency"] = found["frequency"].astype("int64")
    lap()
    return Scored(found, orders=False)

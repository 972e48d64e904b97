"""Score customers the report's way: an Ibis expression in DuckDB, scores in NumPy."""

from __future__ import annotations

from collections.abc import Callable

from analysis.core.settings import read_settings
from analysis.orders import ledger
from analysis.segments import rfm
from benchmarks.rfm import Lines, Scored

NAME = "ours (Ibis, NumPy)"


def run(job: Lines, lap: Callable[[], None]) -> Scored:
    """Call what ``python -m analysis build`` calls, from the net sales lines on."""
    engine = ledger.connect(read_settings().engine, job.folder)
    # DuckDB takes a spawned process for somebody at a terminal.
    engine.raw_sql("SET enable_progress_bar = false")
    lines = engine.read_parquet(job.path)
    lines = lines.rename(order_id="invoice").mutate(
        amount=lines.amount.cast(ledger.MONEY), cleaning_step=ledger.NET
    )
    customers = rfm.customers(lines, job.as_of).execute()
    lap()
    return Scored(customers.join(rfm.scores(customers, rfm.cut_points(customers))), by_value=True)

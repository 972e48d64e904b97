"""Score customers in hand-written DuckDB SQL, which sets the bar."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pandas  # noqa: F401 (`df` would load it while the clock runs)

from benchmarks.rfm import Lines, Scored

NAME = "hand-written SQL"

CUSTOMERS = """
CREATE TEMP TABLE customers AS
WITH orders AS (
    SELECT customer_id, invoice, max(invoice_date) AS last, sum(amount::DECIMAL(18, 4)) AS amount
    FROM read_parquet($path)
    GROUP BY ALL
)
SELECT
    customer_id,
    $as_of::DATE - max(last)::DATE AS recency_days,
    count(*) AS frequency,
    sum(amount)::DOUBLE AS monetary
FROM orders
GROUP BY ALL
"""
SCORES = """
WITH cuts AS (
    SELECT
        quantile_disc(-recency_days, [0.2, 0.4, 0.6, 0.8]) AS r,
        quantile_disc(frequency, [0.2, 0.4, 0.6, 0.8]) AS f,
        quantile_disc(monetary, [0.2, 0.4, 0.6, 0.8]) AS m,
        min(recency_days) = max(recency_days) AS equal_r,
        min(frequency) = max(frequency) AS equal_f,
        min(monetary) = max(monetary) AS equal_m
    FROM customers
)
SELECT
    customers.*,
    if(equal_r, 3, 1 + len(list_filter(r, lambda cut: -recency_days > cut))) AS r_score,
    if(equal_f, 3, 1 + len(list_filter(f, lambda cut: frequency > cut))) AS f_score,
    if(equal_m, 3, 1 + len(list_filter(m, lambda cut: monetary > cut))) AS m_score
FROM customers, cuts
"""


def run(job: Lines, lap: Callable[[], None]) -> Scored:
    """Put the customers into a table, and cut it at its quintiles."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": job.memory_limit,
        "temp_directory": str(job.folder),
        "preserve_insertion_order": False,
    }
    with duckdb.connect(config=config) as engine:
        # DuckDB takes a spawned process for somebody at a terminal.
        engine.execute("SET enable_progress_bar = false")
        engine.execute(CUSTOMERS, {"path": str(job.path), "as_of": job.as_of})
        lap()
        return Scored(engine.execute(SCORES).df(), by_value=True)

"""Clean the ledger in hand-written DuckDB SQL, which sets the bar for our own engine."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pandas  # noqa: F401 (`df` would load it while the clock runs)

from benchmarks import KEYS, TIES, Answer, Job

NAME = "hand-written SQL"

RULES = """
SELECT
    count(*) FILTER (NOT isfinite(CustomerID))              AS customer_id_is_an_id,
    count(*) FILTER (InvoiceDate IS NULL)                   AS invoice_date_given,
    count(*) FILTER (InvoiceDate < $earliest::DATE)         AS invoice_date_not_too_early,
    count(*) FILTER (Quantity IS NULL)                      AS quantity_given,
    count(*) FILTER (abs(Quantity) >= $largest)             AS quantity_finite,
    count(*) FILTER (UnitPrice IS NULL)                     AS unit_price_given,
    count(*) FILTER (abs(UnitPrice) >= $largest)            AS unit_price_finite,
    count(*) FILTER (UnitPrice < 0)                         AS unit_price_not_negative
FROM read_parquet($path)
"""
SOUND = """isfinite(CustomerID) AND InvoiceDate >= $earliest::DATE
    AND abs(Quantity) < $largest AND UnitPrice >= 0 AND UnitPrice < $largest"""
LINES = f"""
CREATE TEMP TABLE lines AS
SELECT
    CustomerID::BIGINT AS CustomerID, * EXCLUDE (CustomerID),
    count(*) AS copies,
    round(Quantity * UnitPrice, 4)::DECIMAL(18, 4) AS amount,
    CASE
        WHEN starts_with(InvoiceNo, $prefix) THEN 2
        WHEN Quantity <= 0 OR UnitPrice <= 0 THEN 3
        WHEN NOT regexp_matches(StockCode, $products) THEN 4
        ELSE 5
    END AS cleaning_step
FROM read_parquet($path)
WHERE {SOUND}
GROUP BY ALL
"""
REVERSED = f"""
CREATE TEMP TABLE reversed AS
WITH back AS (
    SELECT * REPLACE (-Quantity AS Quantity) FROM lines WHERE cleaning_step = 2
), numbered_back AS (
    SELECT *, row_number() OVER (PARTITION BY {", ".join(KEYS)} ORDER BY {", ".join(TIES)}) AS nth
    FROM back
), numbered AS (
    SELECT *, lines.rowid AS id,
        row_number() OVER (PARTITION BY {", ".join(KEYS)} ORDER BY {", ".join(TIES)}) AS nth
    FROM lines SEMI JOIN back USING ({", ".join(KEYS)})
    WHERE cleaning_step = 5
)
SELECT numbered.id
FROM numbered JOIN numbered_back AS back USING ({", ".join(KEYS)}, nth)
WHERE numbered.InvoiceDate <= back.InvoiceDate
"""
CLEANING_STEPS = """
SELECT
    sum(copies) FILTER (cleaning_step >= 2), count(*) FILTER (cleaning_step >= 2),
    count(*) FILTER (cleaning_step >= 3),
    count(*) FILTER (cleaning_step >= 4),
    count(*) FILTER (cleaning_step >= 5),
    count(*) FILTER (cleaning_step >= 5) - (SELECT count(*) FROM reversed)
FROM lines
"""
CUSTOMERS = """
WITH orders AS (
    SELECT CustomerID, InvoiceNo, max(InvoiceDate) AS last, sum(amount) AS amount
    FROM lines
    WHERE cleaning_step = 5 AND rowid NOT IN (SELECT id FROM reversed)
    GROUP BY ALL
)
SELECT
    CustomerID AS customer_id,
    (SELECT max(InvoiceDate) FROM read_parquet($path))::DATE + 1 - max(last)::DATE AS recency_days,
    count(*) AS frequency,
    sum(amount)::DOUBLE AS monetary
FROM orders
GROUP BY ALL
"""


def run(job: Job, cleaned: Callable[[], None], lines: str = LINES) -> Answer:
    """Count the rules in one query, keep the distinct sound lines, work on from there."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": job.memory_limit,
        "temp_directory": str(job.folder / "spill"),
        "preserve_insertion_order": False,
    }
    with duckdb.connect(job.folder / "sql.duckdb", config=config) as engine:
        # DuckDB takes a spawned process for somebody at a terminal.
        engine.execute("SET enable_progress_bar = false")
        path = {"path": str(job.path)}
        bounds = {"earliest": job.earliest, "largest": job.largest}
        rules = engine.execute(RULES, path | bounds).df().iloc[0]
        engine.execute(lines, path | bounds | {"prefix": job.prefix, "products": job.products})
        engine.execute(REVERSED)
        steps = engine.execute(CLEANING_STEPS).fetchone() or ()
        cleaned()
        return Answer(
            {str(name): int(rows) for name, rows in rules.items()},
            [int(n) for n in steps],
            engine.execute(CUSTOMERS, path).df(),
        )

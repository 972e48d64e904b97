"""Clean the ledger in hand-written DuckDB SQL that also keeps the lines which are no sale.

Our own way keeps them: refused lines, and those without a customer, for the chapters that tell of
them. This is the fairer bar for what it writes, though not for the guards it asks.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import Answer, Job, with_sql

NAME = "SQL that keeps all lines"

#: As there, but lines that are not sound are kept, on step 0.
LINES = (
    with_sql.LINES.replace("CustomerID::BIGINT", "try_cast(CustomerID AS BIGINT)")
    .replace("CASE", f"CASE WHEN ({with_sql.SOUND}) IS NOT TRUE THEN 0", 1)
    .replace(f"WHERE {with_sql.SOUND}", "")
)


def run(job: Job, cleaned: Callable[[], None]) -> Answer:
    """Do what `with_sql` does, with all lines in the table."""
    return with_sql.run(job, cleaned, LINES)

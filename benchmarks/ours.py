"""Run the report's own way: Ibis expressions in DuckDB, contracts in Pandera."""

from __future__ import annotations

from collections.abc import Callable

import pandera.backends.ibis.builtin_checks  # noqa: F401 (a check would load it on the clock)

from analysis.core.settings import read_settings
from analysis.ingest import readers
from analysis.orders import cleaning
from analysis.orders.ledger import NET, connect
from analysis.segments import rfm
from benchmarks import Answer, Job

NAME = "ours (Ibis, Pandera)"


def run(job: Job, cleaned: Callable[[], None]) -> Answer:
    """Call what ``python -m analysis build`` calls, in the same order."""
    settings = read_settings()
    engine = connect(settings.engine, job.folder)
    # DuckDB takes a spawned process for somebody at a terminal.
    engine.raw_sql("SET enable_progress_bar = false")
    parts = readers.read_parts(job.path, job.folder, settings.files.encodings)
    ledger = cleaning.read_ledger(engine, parts, settings.transactions)
    steps = (
        ledger.lines.group_by("cleaning_step")
        .aggregate(lines=ledger.lines.count(), copies=ledger.lines.copies.sum())
        .execute()
        .set_index("cleaning_step")
    )
    with_id = int(steps.loc[1:, "copies"].sum())
    above = [int(steps.loc[cleaning_step:, "lines"].sum()) for cleaning_step in range(2, NET + 1)]
    cleaned()
    return Answer(
        rules=dict(zip(ledger.rules["rule"], ledger.rules["rows"].astype(int), strict=True)),
        steps=[with_id, *above],
        customers=rfm.customers(ledger.lines, ledger.as_of).execute(),
    )

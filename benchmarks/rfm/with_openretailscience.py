"""Score customers with openretailscience's `RFMSegmentation`, on an Ibis table in DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import ibis
from openretailscience.segmentation.rfm import (  # type: ignore[import-not-found]
    RFMSegmentation,
)

from benchmarks.rfm import SCORES, Lines, Scored

NAME = f"openretailscience {version('openretailscience')}"


def run(job: Lines, lap: Callable[[], None]) -> Scored:
    """Let it find measures and scores in one query; it has no step between them."""
    engine = ibis.duckdb.connect(memory_limit=job.memory_limit, temp_directory=str(job.folder))
    lines = engine.read_parquet(job.path).rename(
        transaction_id="invoice", transaction_date="invoice_date", unit_spend="amount"
    )
    found = RFMSegmentation(
        lines, current_date=job.as_of, r_segments=5, f_segments=5, m_segments=5
    ).df.reset_index()
    lap()
    found[SCORES] += 1  # its bins begin with 0
    return Scored(found)

"""Hold the cleaned order lines: the ledger, its columns and its cleaning steps."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt_types
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from analysis.core.settings import EngineSettings

RUNGS = {
    1: "With a customer id",
    2: "Exact duplicates dropped",
    3: "Cancellations set apart",
    4: "Quantity and price above zero",
    5: "Products only (gross sales)",
    6: "Reversed purchases removed (net sales)",
}
GROSS, NET = 5, 6
MONEY = "decimal(18, 4)"
TEXT_COLUMNS = ("invoice", "stock_code", "description", "country")
NUMBER_COLUMNS = ("quantity", "unit_price", "amount")
LINE_COLUMNS = ("customer_id", "invoice_date", *TEXT_COLUMNS, *NUMBER_COLUMNS)


@ibis.udf.scalar.builtin(name="hash")
def hash_of(values) -> dt_types.uint64:  # type: ignore[no-untyped-def]
    """Return DuckDB's own hash of a struct, equal for values that it groups together."""


@dataclass(frozen=True)
class Ledger:
    """The lines of all files, each on its rung.

    Attributes
    ----------
    engine
        The connection that holds the tables.
    lines
        One row per distinct line: the canonical columns, `order_id`, `copies` (times that the
        line stands in the file that has it most often), `read` (times over all files), `refused`
        (whether it broke its contract) and `rung` (0 to 6).
    cancellations
        The lines that cancel, of customers and of products.
    reversals
        The lines of gross sales that a cancellation took back: line_id (of `lines`), and
        reversed_on (when the cancellation came).
    columns
        The columns that the files have, under our names.
    files
        One row per file: source, rows, refused_rows, first_date, last_date, encoding, separator,
        date_format, decimal_mark.
    rules
        One row per rule: rule, column, asks_for, rows, share.
    quarantine
        One row per refused line: source, row_number, rule, line.
    as_of
        The day on which recency is counted.
    late_rows
        Lines dated on `as_of` or after it, left out because the settings ask for an earlier day.
    """

    engine: Backend
    lines: ir.Table
    cancellations: ir.Table
    reversals: ir.Table
    columns: frozenset[str]
    files: pd.DataFrame
    rules: pd.DataFrame
    quarantine: pd.DataFrame
    as_of: dt.date
    late_rows: int


def connect(settings: EngineSettings, folder: Path) -> Backend:
    """Open an engine of our own in a folder, which also takes what does not fit in memory."""
    options = {"threads": settings.threads} if settings.threads else {}
    engine = ibis.duckdb.connect(
        folder / "lines.duckdb",
        memory_limit=settings.memory_limit,
        temp_directory=str(folder / "spill"),
        # Results that depend on order sort for themselves; streaming needs no more memory then.
        preserve_insertion_order=False,
        **options,
    )
    # A moment with a time zone must not fall on another day on a machine elsewhere.
    engine.raw_sql("SET TimeZone = 'UTC'")
    return engine

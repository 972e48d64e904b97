"""Hold the cleaned order lines: the ledger, its columns and its cleaning steps."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import ibis
import ibis.expr.datatypes as dt_types
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from analysis.core.assumptions import Assumption
from analysis.core.problems import Problem, Refused
from analysis.core.settings import EngineSettings

Made = TypeVar("Made")

CLEANING_STEPS = {
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
    """The lines of all files, each at its cleaning step.

    Attributes
    ----------
    engine
        The connection that holds the tables.
    lines
        One row per distinct line: the canonical columns, `order_id`, `copies` (times that the
        line stands in the file that has it most often), `read` (times over all files), `refused`
        (whether it broke its contract) and `cleaning_step` (0 to 6).
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
    first_day
        The day of the first line.
    as_of
        The day on which recency is counted.
    late_rows
        Lines dated on `as_of` or after it, left out because the settings ask for an earlier day.
    assumptions
        What was assumed while the files were read and the lines were cleaned; a ledger that is
        opened again has none.
    named_currency
        The currency that the files name, as its code or its sign; empty where they name none.
    pseudonyms
        Whether some customers are known by pseudonyms, because their ids are addresses or names.
    """

    engine: Backend
    lines: ir.Table
    cancellations: ir.Table
    reversals: ir.Table
    columns: frozenset[str]
    files: pd.DataFrame
    rules: pd.DataFrame
    quarantine: pd.DataFrame
    first_day: dt.date
    as_of: dt.date
    late_rows: int
    assumptions: tuple[Assumption, ...] = ()
    named_currency: str = ""
    pseudonyms: bool = False


def connect(settings: EngineSettings, folder: Path) -> Backend:
    """Open an engine of our own in memory; a folder takes what does not fit there.

    A database in a file would compress every table that is written, which takes longer than all
    the rest; and no table outlives the engine.
    """
    options = {"threads": settings.threads} if settings.threads else {}
    engine = ibis.duckdb.connect(
        ":memory:",
        memory_limit=settings.memory_limit,
        temp_directory=str(folder / "spill"),
        # Results that depend on order sort for themselves; streaming needs no more memory then.
        preserve_insertion_order=False,
        **options,
    )
    # A moment with a time zone must not fall on another day on a machine elsewhere.
    engine.raw_sql("SET TimeZone = 'UTC'")
    return engine


@contextmanager
def engine_in_words() -> Iterator[None]:
    """Turn what the engine could not read, write or hold into a refusal."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        reason = str(error).splitlines()[0].strip().rstrip(".")
        raise Refused(
            [
                Problem(
                    "the engine",
                    f"it could not go on ({reason[:160]})",
                    remedy="Free some space on the disks of the project and of temporary files. "
                    "Nothing was changed; run it again after that.",
                )
            ]
        ) from error


def write_ledger(ledger: Ledger, folder: Path) -> tuple[Path, Path, pd.DataFrame]:
    """Write a ledger as files, from which `open_ledger` makes it again.

    Lines are numbered and written in an order that depends on nothing but their content, so that
    equal data gives equal bytes.

    Returns
    -------
    tuple
        The files of the lines and of the reversals, and a table of one row with the rest:
        first_day, as_of, late_rows, columns.
    """
    lines, back = folder / "lines.parquet", folder / "reversals.parquet"
    content = [name for name in ledger.lines.columns if name != "line_id"]
    # One sort, after which a line's place is its number; by all columns only where it must be.
    ledger.engine.raw_sql("SET preserve_insertion_order = true")
    row = ["part", "row_number"]
    distinct = ledger.lines.select(*row).distinct().count().execute()
    order = row if distinct == ledger.lines.count().execute() else [*row, *content]
    old = ledger.lines.rename(old_id="line_id")
    numbered = ledger.engine.create_table("numbered", old.order_by(*dict.fromkeys(order)))
    numbered = numbered.mutate(line_id=numbered.rowid())
    numbered.select("line_id", *content).to_parquet(lines, compression="zstd")
    joined = ledger.reversals.rename(old_id="line_id").join(
        numbered.select("old_id", "line_id"), "old_id"
    )
    others = [name for name in ledger.reversals.columns if name != "line_id"]
    joined.select("line_id", *others).order_by("line_id", *others).to_parquet(
        back, compression="zstd"
    )
    about = pd.DataFrame(
        {
            "first_day": [ledger.first_day.isoformat()],
            "as_of": [ledger.as_of.isoformat()],
            "late_rows": [ledger.late_rows],
            "columns": [" ".join(sorted(ledger.columns))],
        }
    )
    return lines, back, about


@contextmanager
def open_ledger(
    lines: Path,
    reversals: Path,
    about: pd.DataFrame,
    settings: EngineSettings,
    files: pd.DataFrame | None = None,
    rules: pd.DataFrame | None = None,
) -> Iterator[Ledger]:
    """Open a ledger that `write_ledger` wrote; it is open as long as the context.

    Parameters
    ----------
    lines, reversals, about
        From `write_ledger`.
    settings
        Of the engine.
    files, rules
        The ledger's tables of the same names, for steps that need them.

    Raises
    ------
    Refused
        When the engine cannot go on, for want of memory or of room on the disk.
    """
    row = about.iloc[0]
    with engine_in_words(), tempfile.TemporaryDirectory(prefix="customer-report-") as folder:
        engine = connect(settings, Path(folder))
        try:
            read = engine.read_parquet(lines, table_name="lines")
            cancelled = read.filter((read.cleaning_step == 2) & read.cancelled)
            yield Ledger(
                engine=engine,
                lines=read,
                cancellations=cancelled,
                reversals=engine.read_parquet(reversals, table_name="reversals"),
                columns=frozenset(row["columns"].split()),
                files=pd.DataFrame() if files is None else files,
                rules=pd.DataFrame() if rules is None else rules,
                quarantine=pd.DataFrame(),
                first_day=dt.date.fromisoformat(row["first_day"]),
                as_of=dt.date.fromisoformat(row["as_of"]),
                late_rows=int(row["late_rows"]),
            )
        finally:
            engine.disconnect()


def with_ledger(step: Callable[..., Made]) -> Callable[..., Made]:
    """Let a step of the build take a `ledger` in place of the files that `write_ledger` wrote.

    The step takes ``ledger`` and ``settings``, which name the engine. What it returns takes what
    `open_ledger` takes, and all else that the step takes, by name; the ledger is open while the
    step runs. It is None where there are no orders.
    """

    @wraps(step)
    def run(
        *,
        lines: Path | None,
        reversals: Path | None,
        about: pd.DataFrame | None,
        settings: Any,
        files: pd.DataFrame | None = None,
        rules: pd.DataFrame | None = None,
        **others: Any,
    ) -> Made:
        if lines is None or reversals is None or about is None:
            return step(ledger=None, settings=settings, **others)
        with open_ledger(lines, reversals, about, settings.engine, files, rules) as ledger:
            return step(ledger=ledger, settings=settings, **others)

    return run

"""Read the order lines, and clean them step by step.

The line-level work is written in Ibis and runs in DuckDB, which streams, uses all cores and
spills to disk, so that 50 million lines fit on a laptop. One pass reads the files, and holds every
line to its contract; identical lines are found by their hashes, and compared in full only where
hashes repeat. All the rest works on the table that this leaves. Two things are DuckDB's own and
would be spelled otherwise elsewhere: its hash, and reading a date without failing.
Cleaning has six steps; a line is at the highest one that it reaches:

1. it has a customer id; 2. it is no exact duplicate; 3. it is no cancellation; 4. quantity and
price are above zero; 5. it is a product; 6. no cancellation reversed it.

Steps 1 to 5 give *gross sales*, step 6 gives *net sales*. Money is kept in exact decimals of four
places, so that no sum depends on the order of its lines.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from analysis.core.problems import Problem, Refused
from analysis.core.settings import TransactionSettings
from analysis.ingest.parts import Part
from analysis.ingest.profiles import LEDGER
from analysis.ingest.salt import passing
from analysis.orders import contract
from analysis.orders.canonical import Reading, canonical_lines
from analysis.orders.columns import EXTRAS, KEPT
from analysis.orders.ledger import GROSS, LINE_COLUMNS, NET, Ledger
from analysis.orders.meaning.copies import leave_out_copies
from analysis.orders.meaning.draft import Draft
from analysis.orders.meaning.guards import give_meaning
from analysis.orders.meaning.money import exact
from analysis.orders.meaning.reversals import remove_reversals
from analysis.orders.meaning.sales import is_product
from analysis.orders.meaning.written import write_lines
from analysis.orders.notation import read_notations
from analysis.orders.refusals import (
    count_lines,
    list_problems,
    quarantine_lines,
    summarise_files,
    summarise_rules,
)
from analysis.orders.telling_columns import find_by_values
from analysis.orders.understood import reading_assumptions

# What DuckDB raises on a damaged file; all else is a fault of ours, and must show as one.
_DAMAGED = (duckdb.Error, duckdb.InvalidInputException, duckdb.IOException)


def read_ledger(
    engine: Backend,
    parts: Sequence[Part],
    settings: TransactionSettings,
    *,
    as_of: dt.date | None = None,
    usual_dates: Collection[str] = (),
    salt: bytes = b"",
) -> Ledger:
    """Read the ledger's files, hold each line to its contract, and place it at its cleaning step.

    Parameters
    ----------
    engine
        From `connect`.
    parts
        The tables of all files, from `ingest.readers.read_parts`.
    settings
        Column names, formats and tolerances.
    as_of
        The day on which recency is counted; later lines are left out. None: the day after the
        last transaction.
    usual_dates
        The date formats of files that were accepted before: one of them is taken where a file's
        dates could be read in two ways, and the other files do not settle it.
    salt
        Of the pseudonyms of customers whose ids are addresses or names; without one, they have
        pseudonyms that this process alone knows.

    Raises
    ------
    Refused
        With every problem of every file: a column is missing, too many lines break a rule,
        dates lie in the future, ids are not ids; or because no line is a sale.
    """
    readings, problems = read_notations(engine, parts, settings, usual_dates)
    readings = [find_by_values(reading, settings) for reading in readings]
    if not readings:
        raise Refused(problems)
    try:
        return _place(engine, parts, readings, problems, settings, as_of, salt or passing())
    except duckdb.Error as error:
        # The beginning and the end of a Parquet file can be sound, and its middle not.
        if type(error) not in _DAMAGED or all(reading.part.numbered for reading in readings):
            raise
        files = sorted({r.part.file for r in readings if not r.part.numbered})
        reason = str(error).splitlines()[0].rstrip(".")
        raise Refused(
            [
                *problems,
                Problem(
                    ", ".join(files),
                    "the file cannot be read as parquet",
                    remedy=f"It may be damaged ({reason[:160]}). Write it again.",
                ),
            ]
        ) from None


def _place(
    engine: Backend,
    parts: Sequence[Part],
    readings: list[Reading],
    problems: list[Problem],
    settings: TransactionSettings,
    as_of: dt.date | None,
    salt: bytes,
) -> Ledger:
    """Hold the lines to their contract, and place them; `problems` are what was found before."""
    columns = frozenset(name for reading in readings for name in reading.names)
    schema = contract.lines_schema(set(columns), settings.earliest_date)
    raw = canonical_lines(readings[0])
    for place, reading in enumerate(readings[1:], 1):
        raw = raw.union(canonical_lines(reading, place))
    raw = raw.mutate(broken=_pack_bits(contract.breaches(schema, raw)))

    typed = _type_once(engine, raw, readings, settings)
    counts = count_lines(typed)
    files = summarise_files(typed, counts, readings)
    rules = summarise_rules(counts, schema, parts)
    problems = problems + list_problems(raw, files, schema, settings, readings)
    if problems:
        raise Refused(problems)

    day = as_of or (files["last_date"].max() + pd.Timedelta(days=1)).date()
    refused = int(files["refused_rows"].sum())
    quarantine = quarantine_lines(engine, typed, readings, schema, parts, refused, salt)
    draft = give_meaning(Draft(engine, typed, tuple(readings), settings, salt=salt))
    if draft.problems:
        raise Refused([*draft.problems])
    table, lines, told = leave_out_copies(draft)
    late = lines.invoice_date >= ibis.timestamp(f"{day}")
    late_rows = 0
    if counts["latest"].max() >= pd.Timestamp(day):
        found = lines.aggregate(rows=lines["read"].sum(where=late).fill_null(0))
        late_rows = int(found.execute().iloc[0, 0])
    if late_rows:
        lines = lines.filter(~late | lines.invoice_date.isnull())
    reversals = remove_reversals(engine, table, lines)
    cancellations = lines.filter((lines.cleaning_step == 2) & lines.cancelled)
    _refuse_without_sales(lines, day, late_rows)
    return Ledger(
        engine=engine,
        lines=lines,
        cancellations=cancellations,
        reversals=reversals,
        columns=columns & {*LINE_COLUMNS, *KEPT},
        files=files.drop(columns=["future_rows", "customers", "customer_rows"]),
        rules=rules,
        quarantine=quarantine,
        first_day=files["first_date"].min().date(),
        as_of=day,
        late_rows=late_rows,
        assumptions=(*reading_assumptions(readings), *draft.assumptions, *told),
        named_currency=draft.currency,
        pseudonyms=draft.pseudonyms or any(part.profile != LEDGER for part in parts),
    )


def _pack_bits(expressions: dict[str, ir.BooleanColumn]) -> ir.IntegerColumn:
    """Pack truth values into one integer: bit i is the i-th expression."""
    total: ir.IntegerValue = ibis.literal(0, "int32")
    for position, expression in enumerate(expressions.values()):
        total = total + ibis.ifelse(expression, 1 << position, 0).cast("int32")
    return total.cast("int32")


def _type_once(
    engine: Backend, raw: ir.Table, readings: Sequence[Reading], settings: TransactionSettings
) -> ir.Table:
    """Read everything once: one row per line, typed, with the rules that it breaks.

    What no file has takes no room, nor does what is the same for all lines: a table of nulls is as
    large as one of values. Whether a code is one of a product is decided here, where a code that
    comes again is looked at once; and quantity and price are multiplied here where no file has
    amounts, and not by every guard again.
    """
    names = {name for reading in readings for name in reading.names}
    kept = [name for name in (*LINE_COLUMNS, *EXTRAS, *KEPT) if name in names or name == "amount"]
    raw = raw.mutate(product=is_product(raw, settings, readings))
    if "amount" not in names:
        raw = raw.mutate(amount=exact(raw.quantity * raw.unit_price))
    columns = ("part", "row_number", *kept, "rest", "broken", "product")
    typed = write_lines(engine, "typed", raw.select(*columns))
    absent = {*LINE_COLUMNS, *EXTRAS, *KEPT} - {*kept}
    return typed.mutate(**{name: ibis.null(raw[name].type()) for name in sorted(absent)})


def _refuse_without_sales(lines: ir.Table, day: dt.date, late_rows: int) -> None:
    """Raise when no line reached the last step: nothing can be said about customers then."""
    if not lines.filter(lines.cleaning_step >= NET).select("part").limit(1).execute().empty:
        return
    known = lines.cleaning_step >= 1
    found = lines.aggregate(
        known=known.sum().fill_null(0),
        cancellations=(known & lines.cancelled).sum().fill_null(0),
        not_positive=(lines.cleaning_step == 3).sum().fill_null(0),
        no_product=(lines.cleaning_step == 4).sum().fill_null(0),
        reversed=(lines.cleaning_step == GROSS).sum().fill_null(0),
    )
    count = found.execute().iloc[0]
    raise Refused(
        [
            Problem(
                "the ledger",
                f"no line before {day} is a sale: {count['known']:,} have a customer id, of which "
                f"{count['cancellations']:,} are cancellations, {count['not_positive']:,} have no "
                f"quantity or price above zero, {count['no_product']:,} are no products, and "
                f"{count['reversed']:,} were cancelled; {late_rows:,} come later",
                remedy="Check the files, and as_of, cancellation_prefix and product_codes in "
                "data/settings.toml.",
            )
        ]
    )

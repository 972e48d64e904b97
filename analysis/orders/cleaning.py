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
from analysis.orders import contract
from analysis.orders.ledger import (
    GROSS,
    LINE_COLUMNS,
    MONEY,
    NET,
    NUMBER_COLUMNS,
    TEXT_COLUMNS,
    Ledger,
    hash_of,
)
from analysis.orders.notation import Reading, canonical_lines, read_notations
from analysis.orders.refusals import (
    count_lines,
    list_problems,
    quarantine_lines,
    summarise_files,
    summarise_rules,
)
from analysis.orders.understood import recorded

# What DuckDB raises on a damaged file; all else is a fault of ours, and must show as one.
_DAMAGED = (duckdb.Error, duckdb.InvalidInputException, duckdb.IOException)


def read_ledger(
    engine: Backend,
    parts: Sequence[Part],
    settings: TransactionSettings,
    *,
    as_of: dt.date | None = None,
    usual_dates: Collection[str] = (),
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

    Raises
    ------
    Refused
        With every problem of every file: a column is missing, too many lines break a rule,
        dates lie in the future, ids are not ids; or because no line is a sale.
    """
    readings, problems = read_notations(engine, parts, settings, usual_dates)
    if not readings:
        raise Refused(problems)
    try:
        return _place(engine, parts, readings, problems, settings, as_of)
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
) -> Ledger:
    """Hold the lines to their contract, and place them; `problems` are what was found before."""
    columns = frozenset(name for reading in readings for name in reading.names)
    schema = contract.lines_schema(set(columns), settings.earliest_date)
    raw = canonical_lines(readings[0])
    for place, reading in enumerate(readings[1:], 1):
        raw = raw.union(canonical_lines(reading, place))
    raw = raw.mutate(broken=_pack_bits(contract.breaches(schema, raw)))

    read = _read_once(engine, raw, settings, columns)
    counts = count_lines(read)
    files = summarise_files(read, counts, readings)
    rules = summarise_rules(counts, schema, parts)
    problems = problems + list_problems(raw, files, schema, settings, readings)
    if problems:
        raise Refused(problems)

    day = as_of or (files["last_date"].max() + pd.Timedelta(days=1)).date()
    refused = int(files["refused_rows"].sum())
    quarantine = quarantine_lines(engine, read, readings, schema, parts, refused)
    read = _merge_identical(engine, read)
    late = read.invoice_date >= ibis.timestamp(f"{day}")
    late_rows = 0
    if counts["latest"].max() >= pd.Timestamp(day):
        found = read.aggregate(rows=read["read"].sum(where=late).fill_null(0))
        late_rows = int(found.execute().iloc[0, 0])
    lines = _with_orders(read.mutate(line_id=read.rowid()))
    if late_rows:
        lines = lines.filter(~late | lines.invoice_date.isnull())
    reversals = _remove_reversals(engine, lines)
    cancellations = lines.filter((lines.cleaning_step == 2) & lines.cancelled)
    _refuse_without_sales(lines, day, late_rows)
    return Ledger(
        engine=engine,
        lines=lines,
        cancellations=cancellations,
        reversals=reversals,
        columns=columns,
        files=files.drop(columns=["future_rows", "customers", "customer_rows"]),
        rules=rules,
        quarantine=quarantine,
        first_day=files["first_date"].min().date(),
        as_of=day,
        late_rows=late_rows,
        assumptions=recorded(readings),
    )


def _pack_bits(expressions: dict[str, ir.BooleanColumn]) -> ir.IntegerColumn:
    """Pack truth values into one integer: bit i is the i-th expression."""
    total: ir.IntegerValue = ibis.literal(0, "int32")
    for position, expression in enumerate(expressions.values()):
        total = total + ibis.ifelse(expression, 1 << position, 0).cast("int32")
    return total.cast("int32")


def _read_once(
    engine: Backend, raw: ir.Table, settings: TransactionSettings, columns: frozenset[str]
) -> ir.Table:
    """Read everything once: one row per line, with its cleaning step (up to 6) and its hash."""
    keys = [name for name in LINE_COLUMNS if name in columns]
    lines = raw.select("part", "row_number", *keys, "broken")
    lines = lines.mutate(hash=hash_of(ibis.struct({name: lines[name] for name in keys})))
    one = ibis.literal(1, "int32")
    return engine.create_table(
        "read", _with_steps(lines, settings, columns).mutate(copies=one, read=one)
    )


def _merge_identical(engine: Backend, read: ir.Table) -> ir.Table:
    """Leave one row per distinct line; count it as often as the file that has it most often.

    Grouping whole lines needs a table as large as the data. Grouping their hashes needs a tenth;
    lines whose hash occurs once are unlike all others, and the few others are compared in full.
    """
    repeated = engine.create_table(
        "repeated",
        read.group_by("hash")
        .aggregate(times=lambda t: t.count())
        .filter(ibis._.times > 1)
        .select("hash"),
        temp=True,
    )
    suspects = read.semi_join(repeated, "hash")
    keys = [name for name in read.columns if name not in ("part", "row_number", "copies", "read")]
    merged = (
        suspects.group_by(*keys, "part")
        .aggregate(times=suspects.count(), row_number=suspects.row_number.min())
        .group_by(keys)
        .aggregate(
            part=lambda t: t.part.min(),
            row_number=lambda t: t.row_number.min(),
            copies=lambda t: t.times.max().cast("int32"),
            read=lambda t: t.times.sum().cast("int32"),
        )
    )
    engine.create_table("merged", merged.select(read.columns), temp=True)
    engine.raw_sql("DELETE FROM read WHERE hash IN (SELECT hash FROM repeated)")
    engine.raw_sql("INSERT INTO read FROM merged")
    return read


def _with_steps(
    lines: ir.Table, settings: TransactionSettings, columns: frozenset[str]
) -> ir.Table:
    """Add the missing columns, the amount, the order, and the cleaning step up to 5."""
    types = dict.fromkeys(TEXT_COLUMNS, "string") | dict.fromkeys(NUMBER_COLUMNS, "float64")
    lines = lines.mutate(**{name: ibis.null(types[name]) for name in types if name not in columns})
    whole = {"quantity", "unit_price"} <= columns
    amount = (lines.quantity * lines.unit_price).round(4) if whole else lines.amount.round(4)
    # A refused line keeps its amount where one can be read: the lines read are counted with it.
    known = ~amount.isnan() & (amount.abs() < contract.LARGEST)
    lines = lines.mutate(amount=ibis.ifelse(known, amount, ibis.null()).cast(MONEY))
    prefix = settings.cancellation_prefix
    # Only the beginning in capitals: twice as fast as all of it.
    cancelled = (lines.invoice.left(len(prefix)).upper() == prefix.upper()).fill_null(False)
    # A price of nothing but decimals beyond the fourth leaves no amount.
    positive = lines.amount > 0
    if whole:
        positive = positive & (lines.quantity > 0) & (lines.unit_price > 0)
    pattern = "|".join(f"(?:{code})" for code in settings.product_codes)
    product = (
        lines.stock_code.re_search(pattern).fill_null(False)
        if "stock_code" in columns
        else ibis.literal(True)
    )
    cleaning_step = ibis.cases(
        ((lines.broken != 0) | lines.customer_id.isnull(), 0),
        (cancelled, 2),
        (~positive, 3),
        (~product, 4),
        else_=NET,
    ).cast("int8")
    return lines.mutate(cleaning_step=cleaning_step, cancelled=cancelled, product=product)


def _with_orders(lines: ir.Table) -> ir.Table:
    """Add the order's id: without invoice numbers, what a customer buys in one day is one order."""
    by_day = ibis.literal("day ") + lines.invoice_date.date().cast("string")
    of = (ibis.literal(" of ") + lines.customer_id).fill_null("")
    return lines.mutate(order_id=lines.invoice.fill_null(by_day + of))


def _remove_reversals(engine: Backend, lines: ir.Table) -> ir.Table:
    """Move purchases that a cancellation reversed to step 5; return them and when it came.

    Per (customer, stock code, price, quantity) the n-th cancellation, in time order, removes the
    n-th purchase if that came no later.
    """
    cancellations = lines.filter((lines.cleaning_step == 2) & lines.cancelled)
    keys = ["customer_id", "stock_code", "unit_price", "quantity"]
    ties = ["invoice_date", "order_id", "description", "country"]

    def number_lines(table: ir.Table) -> ir.Table:
        table = table.mutate(stock_code=table.stock_code.fill_null(""))
        window = ibis.window(group_by=keys, order_by=[table[tie] for tie in ties])
        return table.select("line_id", *keys, "invoice_date", nth=ibis.row_number().over(window))

    back = number_lines(cancellations.mutate(quantity=-cancellations.quantity))
    # Only purchases that some cancellation matches need a number: one line in a hundred.
    candidates = lines.filter(lines.cleaning_step == NET).semi_join(
        back.select(*keys).distinct(), keys
    )
    bought = number_lines(candidates)
    pairs = bought.join(back, [*keys, "nth"], rname="{name}_back")
    reversals = engine.create_table(
        "reversed",
        pairs.filter(pairs.invoice_date <= pairs.invoice_date_back).select(
            "line_id", reversed_on=pairs.invoice_date_back
        ),
        temp=True,
    )
    engine.raw_sql(
        f"UPDATE read SET cleaning_step = {GROSS} WHERE rowid IN (SELECT line_id FROM reversed)"
    )
    return reversals


def _refuse_without_sales(lines: ir.Table, day: dt.date, late_rows: int) -> None:
    """Raise when no line reached the last step: nothing can be said about customers then."""
    known = lines.cleaning_step >= 1
    found = lines.aggregate(
        sales=(lines.cleaning_step >= NET).sum().fill_null(0),
        known=known.sum().fill_null(0),
        cancellations=(known & lines.cancelled).sum().fill_null(0),
        not_positive=(lines.cleaning_step == 3).sum().fill_null(0),
        no_product=(lines.cleaning_step == 4).sum().fill_null(0),
        reversed=(lines.cleaning_step == GROSS).sum().fill_null(0),
    )
    count = found.execute().iloc[0]
    if count["sales"]:
        return
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

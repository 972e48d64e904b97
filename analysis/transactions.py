"""Which lines of the ledger are sales, and what became of all the others?

The line-level work is written in Ibis and runs in DuckDB, which streams, uses all cores and
spills to disk, so that 50 million lines fit on a laptop. One pass reads the files, and holds every
line to its contract; identical lines are found by their hashes, and compared in full only where
hashes repeat. All the rest works on the table that this leaves. Two things are DuckDB's own and
would be spelled otherwise elsewhere: its hash, and reading a date without failing.
The cleaning ladder has six rungs; a line is on the highest rung that it reaches:

1. it has a customer id; 2. it is no exact duplicate; 3. it is no cancellation; 4. quantity and
price are above zero; 5. it is a product; 6. no cancellation reversed it.

Rungs 1 to 5 give *gross sales*, rung 6 gives *net sales*. Money is kept in exact decimals of
four places, so that no sum depends on the order of its lines.
"""

from __future__ import annotations

import datetime as dt
import glob
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt_types
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from analysis import schemas
from analysis.problems import Problem, Refused
from analysis.settings import EngineSettings, TransactionSettings
from analysis.sources import ROW, Part, match_columns

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
#: Spaces between thousands that a pattern's "\\s" does not know: no-break, and narrow no-break.
_SPACES = "\u00a0\u202f"
#: The rule that a text file's rows break before there are columns to hold to a contract.
RAGGED = "fields_match_header"
RAGGED_SENTENCE = "the row has as many fields as the header"
LINE_COLUMNS = ("customer_id", "invoice_date", *TEXT_COLUMNS, *NUMBER_COLUMNS)


# What DuckDB raises on a damaged file; all else is a fault of ours, and must show as one.
_DAMAGED = (duckdb.Error, duckdb.InvalidInputException, duckdb.IOException)


@ibis.udf.scalar.builtin
def try_strptime(text: str, form: str) -> dt.datetime:  # type: ignore[empty-body]
    """Read a date, or give null where the text does not fit the format (DuckDB's own)."""


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


# ------------------------------------------------------------------------- reading


@dataclass(frozen=True)
class _Reading:
    """How one part is understood: its columns, how it writes dates and decimals.

    `date_formats` are those that read most rows; where there are several, and they differ in the
    dates that they give, only another file can tell which is meant.
    """

    part: Part
    table: ir.Table
    names: dict[str, str]
    date_formats: tuple[str, ...] = ()
    decimal_mark: str = ""

    @property
    def date_format(self) -> str:
        return self.date_formats[0] if self.date_formats else ""


def read_ledger(
    engine: Backend,
    parts: Sequence[Part],
    settings: TransactionSettings,
    *,
    as_of: dt.date | None = None,
    usual_dates: Collection[str] = (),
) -> Ledger:
    """Read the ledger's files, hold each line to its contract, and place it on the ladder.

    Parameters
    ----------
    engine
        From `connect`.
    parts
        The tables of all files, from `analysis.sources.read_parts`.
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
    readings, problems = _understand(engine, parts, settings, usual_dates)
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
    readings: list[_Reading],
    problems: list[Problem],
    settings: TransactionSettings,
    as_of: dt.date | None,
) -> Ledger:
    """Hold the lines to their contract, and place them; `problems` are what was found before."""
    columns = frozenset(name for reading in readings for name in reading.names)
    schema = schemas.lines_schema(set(columns), settings.earliest_date)
    raw = _canonical(readings[0])
    for place, reading in enumerate(readings[1:], 1):
        raw = raw.union(_canonical(reading, place))
    raw = raw.mutate(broken=_bits(schemas.broken(schema, raw)))

    read = _read_once(engine, raw, settings, columns)
    counts = _count(read)
    files = _summarise_files(read, counts, readings)
    rules = _summarise_rules(counts, schema, parts)
    problems = problems + _file_problems(raw, files, schema, settings, readings)
    if problems:
        raise Refused(problems)

    day = as_of or (files["last_date"].max() + pd.Timedelta(days=1)).date()
    refused = int(files["refused_rows"].sum())
    quarantine = _quarantine(engine, read, readings, schema, parts, refused)
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
    cancellations = lines.filter((lines.rung == 2) & lines.cancelled)
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
        as_of=day,
        late_rows=late_rows,
    )


def _understand(
    engine: Backend,
    parts: Sequence[Part],
    settings: TransactionSettings,
    usual_dates: Collection[str] = (),
) -> tuple[list[_Reading], list[Problem]]:
    """Find each part's columns, date format and decimal mark; say which part lacks them.

    A sheet of a workbook that is no ledger (notes, a summary, or nothing below the header) is
    passed over when another is one. A sheet that has most of the other's columns was meant to be.
    """
    readings: list[_Reading] = []
    problems: list[tuple[Part, int, Problem]] = []
    for number, part in enumerate(parts):
        try:
            names = match_columns(part.columns, settings.columns)
        except ValueError as error:
            problem = Problem(part.source, str(error), remedy="Rename one of them.")
            problems.append((part, len(part.columns), problem))
            continue
        if lacking := _missing(names):
            problems += [
                (part, len(names), _missing_column(part, name, settings)) for name in lacking
            ]
            continue
        if not part.rows:
            problem = Problem(part.source, "there are no rows below the header")
            problems.append((part, 0, problem))
            continue
        table = engine.read_parquet(
            glob.escape(str(part.path)),
            table_name=f"part_{number}",
            file_row_number=not part.numbered,
            hive_partitioning=False,
        )
        readings.append(_read_notation(_Reading(part, table, names), settings))
    most = {reading.part.file: len(reading.names) for reading in readings}
    meant = [
        problem for part, matches, problem in problems if 2 * matches >= most.get(part.file, 0)
    ]
    readings, unclear = _settle_dates(readings, usual_dates)
    return readings, meant + unclear


def _missing(names: dict[str, str]) -> list[str]:
    lacking = [name for name in ("customer_id", "invoice_date") if name not in names]
    if "amount" not in names:
        lacking += [name for name in ("quantity", "unit_price") if name not in names]
    return lacking


def _missing_column(part: Part, name: str, settings: TransactionSettings) -> Problem:
    accepted = ", ".join(repr(n) for n in settings.columns.get(name, [name]))
    instead = " (or a column with the amount)" if name in ("quantity", "unit_price") else ""
    return Problem(
        part.source,
        f"there is no column for {name.replace('_', ' ')}{instead}",
        example=f"the header reads {', '.join(map(repr, part.columns[:12]))}",
        remedy=f"Name it {accepted}, or add its name to [transactions.columns] in "
        "data/settings.toml.",
    )


def _read_notation(reading: _Reading, settings: TransactionSettings) -> _Reading:
    """See how a part whose columns are text writes its dates and decimals.

    The date format is the one that reads most rows. A comma is the decimal mark where more
    numbers have one, two, or more than three digits behind it ("1,234" alone could be either)
    than have a decimal point.
    """
    texts = {
        name: reading.table[column].strip()
        for name, column in reading.names.items()
        if reading.table[column].type().is_string()
    }
    counts: dict[str, ir.Scalar] = {}
    if (date := texts.get("invoice_date")) is not None:
        for number, form in enumerate(settings.date_formats):
            counts[f"date {number}"] = try_strptime(date, form).count()
    for name in NUMBER_COLUMNS:
        if name in texts:
            decimal = texts[name].re_search(rf"^[-+]?[\d\s{_SPACES}]*,(\d{{1,2}}|\d{{4,}})$")
            counts[f"comma {name}"] = decimal.sum()
            counts[f"point {name}"] = texts[name].re_search(r"^[-+]?\d*\.\d+$").sum()
    if not counts:
        return reading
    found = reading.table.aggregate(**counts).execute().iloc[0].fillna(0)
    dates = [int(found.get(f"date {n}", 0)) for n in range(len(settings.date_formats))]
    best = [form for form, n in zip(settings.date_formats, dates, strict=True) if n == max(dates)]
    marks = {
        mark: sum(int(n) for key, n in found.items() if str(key).startswith(mark))
        for mark in ("comma", "point")
    }
    decimal_mark = "," if marks["comma"] > marks["point"] else "."
    return replace(
        reading,
        date_formats=tuple(_distinct(date, best)) if date is not None and max(dates) else (),
        decimal_mark=decimal_mark if set(NUMBER_COLUMNS) & set(texts) else "",
    )


def _distinct(date: ir.StringValue, formats: list[str]) -> list[str]:
    """Return the first of some formats, and those of the others that give other dates."""
    first, *others = formats
    if not others:
        return formats
    ours = try_strptime(date, first)
    differ = {form: (try_strptime(date, form) != ours).any() for form in others}
    found = date.as_table().aggregate(**differ).execute().iloc[0]
    return [first, *(form for form in others if found[form])]


def _settle_dates(
    readings: list[_Reading], usual: Collection[str] = ()
) -> tuple[list[_Reading], list[Problem]]:
    """Where a file's dates could be read in two ways, go by other files, or refuse it."""
    clear = Counter(r.date_formats[0] for r in readings if len(r.date_formats) == 1)
    settled, problems = [], []
    for reading in readings:
        known = [form for form in reading.date_formats if clear[form]]
        known = known or [form for form in reading.date_formats if form in usual]
        if len(reading.date_formats) > 1 and len(known) != 1:
            column = reading.names["invoice_date"]
            first = reading.table[column].as_table().limit(1).execute().iloc[0, 0]
            problems.append(
                Problem(
                    reading.part.source,
                    f"the dates can be read in {len(reading.date_formats)} ways, "
                    f"{' and '.join(map(repr, reading.date_formats))}",
                    column=column,
                    example=repr(first),
                    remedy="Export dates as 2024-12-31 14:05, or take the wrong format out of "
                    "date_formats in data/settings.toml.",
                )
            )
        settled.append(replace(reading, date_formats=tuple(known or reading.date_formats)))
    return settled, problems


def _canonical(reading: _Reading, place: int = 0) -> ir.Table:
    """Give a part our columns; what is text and cannot be read keeps its text beside a null."""
    table, part = reading.table, reading.part
    source = {name: table[column] for name, column in reading.names.items()}
    empty = ibis.null("string")
    date, date_text = _date(source["invoice_date"], reading.date_format)
    numbers: dict[str, ir.Value] = {}
    for name in NUMBER_COLUMNS:
        number, text = (
            _number(source[name], reading.decimal_mark)
            if name in source
            else (ibis.null("float64"), empty)
        )
        numbers |= {name: number, f"{name}_text": text}
    return table.select(
        source=ibis.literal(part.source),
        part=ibis.literal(place, "int16"),
        row_number=_row_number(reading),
        customer_id=_code(source["customer_id"]),
        invoice_date=date,
        invoice_date_text=date_text,
        **{
            name: _code(source[name]) if name in source else empty
            for name in ("invoice", "stock_code")
        },
        **{
            name: source[name].cast("string") if name in source else empty
            for name in ("description", "country")
        },
        **numbers,
    )


def _row_number(reading: _Reading) -> ir.IntegerColumn:
    table = reading.table
    number = table[ROW] if reading.part.numbered else table["file_row_number"] + 1
    return number.cast("uint32")


def _code(column: ir.Column) -> ir.StringValue:
    """Read a code: a number without its ".0", a text without its margins, nothing as null."""
    if column.type().is_floating():
        integer = column.try_cast("int64")
        # From 2^53 on a floating number leaves out numbers between it and the next.
        whole = (integer.cast("float64") == column) & (column.abs() < 2**53)
        text = ibis.ifelse(whole, integer.cast("string"), column.cast("string"))
        return ibis.ifelse(column.isnan() | column.isinf(), ibis.null("string"), text)
    text = column.cast("string").strip()
    # The pattern is slow: only where it can match.
    whole = text.re_replace(r"^(\d+)\.0+$", r"\1")
    return ibis.ifelse(text.contains(".0"), whole, text).nullif("")


def _number(column: ir.Column, decimal_mark: str) -> tuple[ir.Value, ir.Value]:
    """Return a column as numbers, and its text where there is one."""
    if column.type().is_numeric():
        number = column.cast("float64")
        return (
            (number.nullif(float("nan")) if column.type().is_floating() else number),
            ibis.null("string"),
        )
    text = column.cast("string").strip().nullif("")
    plain = text.re_replace(rf"[\s{_SPACES}]", "")
    if decimal_mark == ",":
        # A point in a file with decimal commas may stand between thousands: not read.
        plain = ibis.ifelse(plain.contains("."), ibis.null("string"), plain.replace(",", "."))
    plain = ibis.ifelse(plain.re_search(r"^[-+]?(\d+\.?\d*|\.\d+)$"), plain, ibis.null("string"))
    return plain.try_cast("float64"), text


def _date(column: ir.Column, form: str) -> tuple[ir.Value, ir.Value]:
    """Return a column as moments, and its text where there is one."""
    kind = column.type()
    if "TIMESTAMPTZ_NS" in str(kind):
        # Ibis 12 does not know this type of DuckDB's, and DuckDB casts it in two steps only.
        column = column.cast("timestamp('UTC')")
        kind = column.type()
    if kind.is_timestamp() or kind.is_date():
        return column.cast("timestamp"), ibis.null("string")
    text = column.cast("string").strip().nullif("")
    if not form:
        return ibis.null("timestamp"), text
    return try_strptime(text, form).cast("timestamp"), text


def _bits(expressions: dict[str, ir.BooleanColumn]) -> ir.IntegerColumn:
    """Pack truth values into one integer: bit i is the i-th expression."""
    total: ir.IntegerValue = ibis.literal(0, "int32")
    for position, expression in enumerate(expressions.values()):
        total = total + ibis.ifelse(expression, 1 << position, 0).cast("int32")
    return total.cast("int32")


# ------------------------------------------------------------------------- the one pass


def _read_once(
    engine: Backend, raw: ir.Table, settings: TransactionSettings, columns: frozenset[str]
) -> ir.Table:
    """Read everything once: one row per line, with its rung (up to 6) and its hash."""
    keys = [name for name in LINE_COLUMNS if name in columns]
    lines = raw.select("part", "row_number", *keys, "broken")
    lines = lines.mutate(hash=hash_of(ibis.struct({name: lines[name] for name in keys})))
    one = ibis.literal(1, "int32")
    return engine.create_table(
        "read", _with_rungs(lines, settings, columns).mutate(copies=one, read=one)
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


def _with_rungs(
    lines: ir.Table, settings: TransactionSettings, columns: frozenset[str]
) -> ir.Table:
    """Add the missing columns, the amount, the order, and the rung up to 5."""
    types = dict.fromkeys(TEXT_COLUMNS, "string") | dict.fromkeys(NUMBER_COLUMNS, "float64")
    lines = lines.mutate(**{name: ibis.null(types[name]) for name in types if name not in columns})
    whole = {"quantity", "unit_price"} <= columns
    amount = (lines.quantity * lines.unit_price).round(4) if whole else lines.amount.round(4)
    # A refused line keeps its amount where one can be read: the lines read are counted with it.
    known = ~amount.isnan() & (amount.abs() < schemas.LARGEST)
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
    rung = ibis.cases(
        ((lines.broken != 0) | lines.customer_id.isnull(), 0),
        (cancelled, 2),
        (~positive, 3),
        (~product, 4),
        else_=NET,
    ).cast("int8")
    return lines.mutate(rung=rung, cancelled=cancelled, product=product)


def _with_orders(lines: ir.Table) -> ir.Table:
    """Add the order's id: without invoice numbers, what a customer buys in one day is one order."""
    by_day = ibis.literal("day ") + lines.invoice_date.date().cast("string")
    of = (ibis.literal(" of ") + lines.customer_id).fill_null("")
    return lines.mutate(order_id=lines.invoice.fill_null(by_day + of))


def _count(read: ir.Table) -> pd.DataFrame:
    """Return one row per file and set of broken rules, from one scan."""
    tomorrow = ibis.timestamp(f"{dt.date.today() + dt.timedelta(days=1)}")
    date = read.invoice_date
    return (
        read.group_by("part", "broken")
        .aggregate(
            rows=read.count(),
            customer_rows=read.customer_id.count(),
            first_date=date.min(),
            latest=date.max(),
            future_rows=(date >= tomorrow).sum().fill_null(0),
        )
        .execute()
    )


def _customers(read: ir.Table, part: int, customer_rows: int) -> int:
    """Return a file's customers; where some id repeats early on, no more than are needed."""
    ids = read.filter((read.part == part) & read.customer_id.notnull()).select("customer_id")
    some = ids.limit(10_000)
    early = some.aggregate(rows=some.count(), ids=some.customer_id.nunique()).execute().iloc[0]
    if early["ids"] < early["rows"]:
        return min(int(early["ids"]), customer_rows)
    return int(ids.customer_id.nunique().execute())


def _summarise_files(
    read: ir.Table, counts: pd.DataFrame, readings: Sequence[_Reading]
) -> pd.DataFrame:
    sound = counts[counts["broken"] == 0].groupby("part")
    by_part = counts.groupby("part")
    counted = by_part[["rows", "customer_rows", "future_rows"]].sum()
    counted["refused_rows"] = counted["rows"] - sound["rows"].sum().reindex(counted.index).fillna(0)
    counted["first_date"] = sound["first_date"].min()
    counted["last_date"] = sound["latest"].max()
    counted["customers"] = [
        _customers(read, part, rows)
        for part, rows in zip(counted.index.to_list(), counted["customer_rows"], strict=True)
    ]
    counted.index = pd.Index([readings[part].part.source for part in counted.index.to_list()])
    about = pd.DataFrame(
        [
            {
                "source": r.part.source,
                "encoding": r.part.encoding,
                "separator": r.part.separator,
                "date_format": r.date_format,
                "decimal_mark": r.decimal_mark,
                "ragged": len(r.part.ragged),
            }
            for r in readings
        ]
    ).set_index("source")
    files = about.join(counted)
    files[["rows", "refused_rows"]] = files[["rows", "refused_rows"]].add(files["ragged"], axis=0)
    whole = ["rows", "refused_rows", "future_rows", "customer_rows", "customers"]
    files[whole] = files[whole].fillna(0).astype("int64")
    return files.drop(columns="ragged").reset_index()


def _summarise_rules(counts: pd.DataFrame, schema: object, parts: Sequence[Part]) -> pd.DataFrame:
    """Return one row per rule of the contract, with the rows that broke it."""
    sentences = schemas.sentences(schema)
    found = {
        name: int(counts.loc[(counts["broken"] & (1 << i)) != 0, "rows"].sum())
        for i, name in enumerate(sentences)
    }
    found["all_rows"] = int(counts["rows"].sum())
    ragged = sum(len(part.ragged) for part in parts)
    rows = [
        {"rule": name, "column": column, "asks_for": asks_for, "rows": found[name]}
        for name, (column, asks_for) in sentences.items()
    ]
    rows.append(
        {
            "rule": RAGGED,
            "column": "",
            "asks_for": RAGGED_SENTENCE,
            "rows": ragged,
        }
    )
    table = pd.DataFrame(rows)
    return table.assign(share=table["rows"] / (found["all_rows"] + ragged))


def _file_problems(
    raw: ir.Table,
    files: pd.DataFrame,
    schema: object,
    settings: TransactionSettings,
    readings: Sequence[_Reading],
) -> list[Problem]:
    """Return everything that is wrong with the files that cannot be used as a whole."""
    problems: list[Problem] = []
    spelled = {r.part.source: r.names for r in readings}
    parts = {r.part.source: r.part for r in readings}
    each: Iterable[Any] = files.itertuples()
    for file in each:
        if file.refused_rows > settings.refused_share * file.rows:
            problems += _rule_problems(raw, file, schema, settings, spelled[file.source])
            problems += ragged_problems(parts[file.source], settings.refused_share)
        if file.future_rows:
            late = raw.filter(raw.source == file.source).order_by(ibis.desc("invoice_date"))
            row = late.select("row_number", "invoice_date").limit(1).execute().iloc[0]
            problems.append(
                Problem(
                    file.source,
                    "dates lie in the future",
                    column=spelled[file.source]["invoice_date"],
                    rows=int(file.future_rows),
                    example=f"row {row.row_number}: {row.invoice_date:%Y-%m-%d}",
                    remedy="Correct the dates (is day and month swapped, is the year mistyped?).",
                )
            )
        if not file.customer_rows:
            problems.append(
                Problem(
                    file.source,
                    "no row has a customer id",
                    column=spelled[file.source]["customer_id"],
                    remedy="Without it there is nothing to say about customers: export it too.",
                )
            )
        elif file.customers == file.customer_rows and file.customers >= 1000:
            problems.append(
                Problem(
                    file.source,
                    "the ids are no customer ids: each row has another one",
                    column=spelled[file.source]["customer_id"],
                    rows=int(file.customers),
                    remedy="It looks like a row or invoice number; name the customer's column.",
                )
            )
    return problems


def _rule_problems(
    raw: ir.Table,
    file: object,
    schema: object,
    settings: TransactionSettings,
    spelled: dict[str, str],
) -> list[Problem]:
    """Return one problem per rule that the file breaks."""
    source: str = file.source  # type: ignore[attr-defined]
    rows: int = file.rows  # type: ignore[attr-defined]
    mine = raw.filter(raw.source == source)
    sentences = schemas.sentences(schema)
    breaks = {name: (mine.broken & (1 << position)) != 0 for position, name in enumerate(sentences)}
    found = (
        mine.aggregate(
            **{f"{name} count": hit.sum().fill_null(0) for name, hit in breaks.items()},
            **{f"{name} first": mine.row_number.min(where=hit) for name, hit in breaks.items()},
        )
        .execute()
        .iloc[0]
    )
    broken = [name for name in sentences if found[f"{name} count"]]
    first = {name: int(found[f"{name} first"]) for name in broken}
    values = mine.filter(mine.row_number.isin(sorted({*first.values()}))).execute()
    values = values.set_index("row_number")
    problems = []
    for name in broken:
        column, asks_for = sentences[name]
        count, row = int(found[f"{name} count"]), values.loc[first[name]]
        text = row.get(f"{column}_text")
        value = row[column] if pd.isna(text) else text
        problems.append(
            Problem(
                source,
                _breach(count, rows, asks_for, settings.refused_share),
                column=spelled.get(column, column),
                rows=count,
                example=f"row {first[name]}: "
                + ("empty" if pd.isna(value) else repr(str(value)[:80])),
                remedy=_REMEDIES.get(name, "Correct these rows, or send the file again."),
            )
        )
    return problems


def _breach(count: int, rows: int, asks_for: str, most: float) -> str:
    return (
        f"{count / rows:.1%} of the rows break the rule '{asks_for}' "
        f"(at most {most:.1%} of a file's rows may be refused)"
    )


def ragged_problems(part: Part, most: float) -> list[Problem]:
    """Return the problem of rows that could not be split into the header's columns, if any."""
    if not part.ragged:
        return []
    first, count = part.ragged[0], len(part.ragged)
    return [
        Problem(
            part.source,
            _breach(count, part.rows + count, RAGGED_SENTENCE, most),
            rows=count,
            example=f"row {first.row} has {first.fields} fields, the header {len(part.columns)}: "
            f"{first.line[:80]!r}",
            remedy="Put values that hold the delimiter or a line break between quotation marks.",
        )
    ]


_REMEDIES = {
    "quantity_read": "Export numbers plainly, without units or separators between thousands.",
    "unit_price_read": "Export numbers plainly, without currency or separators between thousands.",
    "amount_read": "Export numbers plainly, without currency or separators between thousands.",
    "invoice_date_read": "Export dates as 2024-12-31 14:05, or add their format to date_formats "
    "in data/settings.toml.",
    "customer_id_is_an_id": "Name the column that holds the customer's number.",
}


def _quarantine(
    engine: Backend,
    read: ir.Table,
    readings: Sequence[_Reading],
    schema: object,
    parts: Sequence[Part],
    refused: int,
) -> pd.DataFrame:
    """Return the refused lines, as they stand in their files, with the rules that refused them."""
    ragged = ragged_lines(parts)
    if refused == len(ragged):
        return ragged
    names = list(schemas.sentences(schema))
    bad = engine.create_table(
        "refused", read.filter(read.broken != 0).select("part", "row_number", "broken"), temp=True
    )
    found = []
    for place, reading in enumerate(readings):
        numbered = reading.table.mutate(row_number=_row_number(reading))
        hits = numbered.join(bad.filter(bad.part == place), "row_number")
        line = ibis.literal(" | ").join(
            [hits[column].cast("string").fill_null("") for column in reading.part.columns]
        )
        found.append(hits.select("row_number", "broken", line=line).execute())
        found[-1]["source"] = reading.part.source
    hits = pd.concat(found)
    hits["rule"] = hits["broken"].map(
        lambda bits: ", ".join(name for i, name in enumerate(names) if bits >> i & 1)
    )
    both = pd.concat([hits[list(ragged.columns)], ragged], ignore_index=True)
    return both.sort_values(["source", "row_number"], ignore_index=True)


def ragged_lines(parts: Sequence[Part]) -> pd.DataFrame:
    """Return the quarantine of rows that could not be split into the header's columns."""
    rows = [(part.source, bad.row, RAGGED, bad.line) for part in parts for bad in part.ragged]
    types = {"source": "str", "row_number": "int64", "rule": "str", "line": "str"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


# ------------------------------------------------------------------------- the last rung


def _remove_reversals(engine: Backend, lines: ir.Table) -> ir.Table:
    """Take purchases that a cancellation reversed down to rung 5; return them and when it came.

    Per (customer, stock code, price, quantity) the n-th cancellation, in time order, removes the
    n-th purchase if that came no later.
    """
    cancellations = lines.filter((lines.rung == 2) & lines.cancelled)
    keys = ["customer_id", "stock_code", "unit_price", "quantity"]
    ties = ["invoice_date", "order_id", "description", "country"]

    def numbered(table: ir.Table) -> ir.Table:
        table = table.mutate(stock_code=table.stock_code.fill_null(""))
        window = ibis.window(group_by=keys, order_by=[table[tie] for tie in ties])
        return table.select("line_id", *keys, "invoice_date", nth=ibis.row_number().over(window))

    back = numbered(cancellations.mutate(quantity=-cancellations.quantity))
    # Only purchases that some cancellation matches need a number: one line in a hundred.
    candidates = lines.filter(lines.rung == NET).semi_join(back.select(*keys).distinct(), keys)
    bought = numbered(candidates)
    pairs = bought.join(back, [*keys, "nth"], rname="{name}_back")
    reversals = engine.create_table(
        "reversed",
        pairs.filter(pairs.invoice_date <= pairs.invoice_date_back).select(
            "line_id", reversed_on=pairs.invoice_date_back
        ),
        temp=True,
    )
    engine.raw_sql(f"UPDATE read SET rung = {GROSS} WHERE rowid IN (SELECT line_id FROM reversed)")
    return reversals


def _refuse_without_sales(lines: ir.Table, day: dt.date, late_rows: int) -> None:
    """Raise when no line reached the last rung: nothing can be said about customers then."""
    known = lines.rung >= 1
    found = lines.aggregate(
        sales=(lines.rung >= NET).sum().fill_null(0),
        known=known.sum().fill_null(0),
        cancellations=(known & lines.cancelled).sum().fill_null(0),
        not_positive=(lines.rung == 3).sum().fill_null(0),
        no_product=(lines.rung == 4).sum().fill_null(0),
        reversed=(lines.rung == GROSS).sum().fill_null(0),
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

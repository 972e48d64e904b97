"""Detect how files write columns, dates and decimals, and type their lines."""

from __future__ import annotations

import datetime as dt
import glob
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from analysis.core.assumptions import Assumption
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings
from analysis.ingest.parts import ROW, Part
from analysis.orders.columns import EXTRAS, find_columns, unread
from analysis.orders.ledger import NUMBER_COLUMNS, hash_of

#: Spaces between thousands that a pattern's "\\s" does not know: no-break, and narrow no-break.
_SPACES = "\u00a0\u202f"


@ibis.udf.scalar.builtin
def try_strptime(text: str, form: str) -> dt.datetime:  # type: ignore[empty-body]
    """Read a date, or give null where the text does not fit the format (DuckDB's own)."""


@dataclass(frozen=True)
class Reading:
    """How one part is understood: its columns, how it writes dates and decimals.

    `date_formats` are those that read most rows; where there are several, and they differ in the
    dates that they give, only another file can tell which is meant. `assumptions` holds what else
    was assumed about the part.
    """

    part: Part
    table: ir.Table
    names: dict[str, str]
    date_formats: tuple[str, ...] = ()
    decimal_mark: str = ""
    assumptions: tuple[Assumption, ...] = ()

    @property
    def date_format(self) -> str:
        """The format that dates are read in, or an empty text."""
        return self.date_formats[0] if self.date_formats else ""


def read_notations(
    engine: Backend,
    parts: Sequence[Part],
    settings: TransactionSettings,
    usual_dates: Collection[str] = (),
) -> tuple[list[Reading], list[Problem]]:
    """Find each part's columns, date format and decimal mark; say which part lacks them.

    A sheet of a workbook that is no ledger (notes, a summary, or nothing below the header) is
    passed over when another is one. A sheet that has most of the other's columns was meant to be.
    """
    readings: list[Reading] = []
    problems: list[tuple[Part, int, Problem]] = []
    for number, part in enumerate(parts):
        try:
            names, told = find_columns(part.columns, settings.columns)
        except ValueError as error:
            problem = Problem(
                part.source,
                str(error),
                remedy="Rename one of them, or name the one that is meant, alone, in "
                "[transactions.columns] in data/settings.toml.",
            )
            problems.append((part, len(part.columns), problem))
            continue
        if lacking := _missing_columns(names):
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
        told = [replace(one, source=part.source) for one in told]
        reading = Reading(part, table, names, assumptions=tuple(told))
        readings.append(_read_notation(reading, settings))
    most = {reading.part.file: len(reading.names) for reading in readings}
    meant = [
        problem for part, matches, problem in problems if 2 * matches >= most.get(part.file, 0)
    ]
    readings, unclear = _settle_dates(readings, usual_dates)
    return readings, meant + unclear


def _missing_columns(names: dict[str, str]) -> list[str]:
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


def _read_notation(reading: Reading, settings: TransactionSettings) -> Reading:
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
        date_formats=tuple(_distinct_formats(date, best))
        if date is not None and max(dates)
        else (),
        decimal_mark=decimal_mark if set(NUMBER_COLUMNS) & set(texts) else "",
    )


def _distinct_formats(date: ir.StringValue, formats: list[str]) -> list[str]:
    """Return the first of some formats, and those of the others that give other dates."""
    first, *others = formats
    if not others:
        return formats
    ours = try_strptime(date, first)
    differ = {form: (try_strptime(date, form) != ours).any() for form in others}
    found = date.as_table().aggregate(**differ).execute().iloc[0]
    return [first, *(form for form in others if found[form])]


def _settle_dates(
    readings: list[Reading], usual: Collection[str] = ()
) -> tuple[list[Reading], list[Problem]]:
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


def canonical_lines(reading: Reading, place: int = 0) -> ir.Table:
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
        row_number=row_number(reading),
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
        **{
            name: source[name].cast("string").strip().nullif("") if name in source else empty
            for name in EXTRAS
        },
        rest=_rest(reading),
    )


def _rest(reading: Reading) -> ir.Value:
    """Return the hash of all cells that none of our columns is read from."""
    columns = unread(reading.part.columns, reading.names)
    if not columns:
        return ibis.literal(0, "uint64")
    cells = {f"c{i}": reading.table[name].cast("string") for i, name in enumerate(columns)}
    return hash_of(ibis.struct(cells))


def row_number(reading: Reading) -> ir.IntegerColumn:
    """Return the number of each row in its file."""
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

"""Hold how a part is understood (`Reading`), and give its lines our columns and types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir

from analysis.core.assumptions import Assumption
from analysis.ingest.parts import ROW, Part
from analysis.orders.columns import EXTRAS, unread_columns
from analysis.orders.dates import DateForm, read_date
from analysis.orders.ledger import NUMBER_COLUMNS, hash_of
from analysis.orders.numbers import NumberForm, read_number

#: What customers answer who are asked for their consent.
YES = ("yes", "y", "true", "t", "1", "ja", "да", "oui", "sí", "si", "sì", "sim", "subscribed", "x")
NO = ("no", "n", "false", "f", "0", "nein", "нет", "non", "não", "unsubscribed", "not subscribed")
#: The columns of numbers, those of money first.
MONEY_FIRST = ("unit_price", "amount", "quantity")


@dataclass(frozen=True)
class Reading:
    """How one part is understood: its columns, how it writes dates and numbers.

    `dates` are the ways to read dates that fit most rows; where there are several, and they differ
    in the dates that they give, only another file can tell which is meant. `numbers` are the forms
    of columns of text. `filled` are the columns that other files have, and this one does without.
    `assumptions` holds what else was assumed about the part.
    """

    part: Part
    table: ir.Table
    names: dict[str, str]
    dates: tuple[DateForm, ...] = ()
    numbers: Mapping[str, NumberForm] = field(default_factory=dict)
    filled: frozenset[str] = frozenset()
    assumptions: tuple[Assumption, ...] = ()

    @property
    def date_format(self) -> str:
        """The format that dates are read in, or an empty text."""
        return self.dates[0].formats[0] if self.dates and self.dates[0].formats else ""

    @property
    def decimal_mark(self) -> str:
        """The decimal mark of amounts, or an empty text where they are no text."""
        marks = [self.numbers[name].decimal for name in MONEY_FIRST if name in self.numbers]
        return marks[0] if marks else ""


def text_column(reading: Reading, name: str) -> ir.StringValue | None:
    """Return a column of texts without margins; None where it has another type, or is not there."""
    if name not in reading.names or not reading.table[reading.names[name]].type().is_string():
        return None
    return reading.table[reading.names[name]].strip().nullif("").name(name)


def date_as_text(reading: Reading) -> ir.StringValue | None:
    """Return the dates as texts; None where the file holds them as dates."""
    if (text := text_column(reading, "invoice_date")) is not None:
        return text
    column = reading.table[reading.names["invoice_date"]]
    if not column.type().is_numeric():
        return None
    return column.cast("string").re_replace(r"\.0+$", "").name("invoice_date")


def canonical_lines(reading: Reading, place: int = 0) -> ir.Table:
    """Give a part our columns; what is text and cannot be read keeps its text beside a null."""
    table, part = reading.table, reading.part
    source = {name: table[column] for name, column in reading.names.items()}
    empty = ibis.null("string")
    date, date_text = _date(reading)
    numbers: dict[str, ir.Value] = {}
    for name in NUMBER_COLUMNS:
        number, text = number_column(reading, name)
        numbers |= {name: number, f"{name}_text": text}
    if "unit_price" in reading.filled:
        numbers["quantity"] = numbers["amount"].sign().cast("float64")
        numbers["unit_price"] = numbers["amount"].abs()
        numbers |= {f"{name}_text": numbers["amount_text"] for name in ("quantity", "unit_price")}
    if "amount" in reading.filled:
        numbers["amount"] = numbers["quantity"] * numbers["unit_price"]
        numbers["amount_text"] = numbers["quantity_text"].fill_null(numbers["unit_price_text"])
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
            for name in (*EXTRAS, "channel", "refund_key")
        },
        consent=_answer(source.get("consent")),
        company=_given(source.get("company")),
        rest=_rest(reading),
    )


def _answer(column: ir.Column | None) -> ir.StringValue:
    """Return yes and no for what customers answered, and null for all else."""
    if column is None:
        return ibis.null("string")
    word = column.cast("string").strip().lower()
    return ibis.cases((word.isin(YES), "yes"), (word.isin(NO), "no"), else_=ibis.null("string"))


def _given(column: ir.Column | None) -> ir.StringValue:
    """Return whether a cell names something: that is kept, and not what it names."""
    if column is None:
        return ibis.null("string")
    word = column.cast("string").strip().fill_null("").lower()
    return ibis.ifelse(word.isin(["", *NO]), "no", "yes")


def _rest(reading: Reading) -> ir.Value:
    """Return the hash of all cells that none of our columns is read from."""
    columns = unread_columns(reading.part.columns, reading.names)
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


def number_column(reading: Reading, name: str) -> tuple[ir.Value, ir.Value]:
    """Return a column as numbers, and its text where there is one."""
    if name not in reading.names:
        return ibis.null("float64"), ibis.null("string")
    column = reading.table[reading.names[name]]
    if column.type().is_numeric():
        number = column.cast("float64")
        return (
            (number.nullif(float("nan")) if column.type().is_floating() else number),
            ibis.null("string"),
        )
    text = column.cast("string").strip().nullif("")
    return read_number(text, reading.numbers.get(name, NumberForm())), text


def line_money(reading: Reading) -> ir.FloatingValue:
    """Return what each of a part's lines is worth: quantity times price, or else its amount."""
    numbers = {
        name: number_column(reading, name)[0] for name in MONEY_FIRST if name in reading.names
    }
    if {"quantity", "unit_price"} <= numbers.keys():
        return numbers["quantity"] * numbers["unit_price"]
    return numbers["amount"]


def _date(reading: Reading) -> tuple[ir.Value, ir.Value]:
    """Return the dates as moments, and their texts where there are any."""
    column = reading.table[reading.names["invoice_date"]]
    kind = column.type()
    if "TIMESTAMPTZ_NS" in str(kind):
        # Ibis 12 does not know this type of DuckDB's, and DuckDB casts it in two steps only.
        column = column.cast("timestamp('UTC')")
        kind = column.type()
    if kind.is_timestamp() or kind.is_date():
        return column.cast("timestamp"), ibis.null("string")
    text = date_as_text(reading)
    text = column.cast("string").strip().nullif("") if text is None else text
    return read_date(text, reading.dates[0] if reading.dates else DateForm()), text

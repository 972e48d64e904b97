"""Read a text file cell by cell, streamed, into Parquet: its encoding, its layout, its rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from analysis.core.assumptions import Assumption, state
from analysis.ingest import encodings as code_pages
from analysis.ingest.layout import find_layout
from analysis.ingest.parts import ROW, Part, Ragged, check_header, check_unpacked, new_part, refusal

_BLOCK = 1 << 22
#: A text in a code page has hardly a word that could be UTF-8: above this share it is a mixture.
MIXED = 0.2
#: So much of a file shows its layout.
_START = 1 << 17


@dataclass(frozen=True)
class TextFormat:
    """How a text file is written: its encoding, and the layout of its table."""

    encoding: str
    header: list[str]
    delimiter: str
    #: The number of the header's row.
    row: int
    assumptions: tuple[Assumption, ...] = ()


def read_text(
    path: Path, work: Path, encodings: Sequence[str], known: Collection[str] = ()
) -> Part:
    """Copy a text file as Parquet, every column as text; see `readers.read_parts`."""
    form = text_format(path, encodings, known)
    check_header(path, form.header)
    return _copy(path, work, form)


def text_format(path: Path, encodings: Sequence[str], known: Collection[str] = ()) -> TextFormat:
    """Find how a text file is written.

    Parameters
    ----------
    path
        The file.
    encodings
        The candidates, the more common first; a byte order mark decides before them.
    known
        Names of columns, and other words that may stand in the file.

    Raises
    ------
    Refused
        When it is in none of the encodings.
    """
    encoding, assumptions = _encoding(path, encodings, known)
    with open_text(path) as stream:
        start = stream.read(_START)
        whole = not stream.read(1)
    text = start.decode(encoding, errors="ignore").removeprefix("\ufeff")
    layout = find_layout(text, whole, known)
    if layout.row > 1 and not text.lower().lstrip('"').startswith("sep="):
        assumptions += (
            Assumption(
                "columns",
                state("assumed-files.header", row=str(layout.row)),
                source=path.name,
                example=repr(text.strip().split("\n", 1)[0].strip()[:80]),
            ),
        )
    return TextFormat(encoding, layout.header, layout.delimiter, layout.row, assumptions)


def open_text(path: Path) -> pa.NativeFile:
    """Open a text file, unpacked if it is packed."""
    return pa.input_stream(path, compression="gzip" if path.suffix.lower() == ".gz" else None)


def _blocks(path: Path, wide: bool = False) -> Iterator[bytes]:
    """Yield a file block by block; only in UTF-16 may it have bytes that are zero."""
    with open_text(path) as stream:
        size = 0
        while block := stream.read(_BLOCK):
            size += len(block)
            check_unpacked(path, size, " or more")
            if not wide and b"\0" in block:
                raise refusal(
                    path,
                    "the file holds binary data, not text",
                    "Save it as 'CSV UTF-8' in the program it came from.",
                )
            yield block


def _encoding(
    path: Path, encodings: Sequence[str], known: Collection[str]
) -> tuple[str, tuple[Assumption, ...]]:
    """Return the encoding of a file, and what was assumed to find it."""
    with open_text(path) as stream:
        marked = code_pages.encoding_shown(stream.read(4096))
    wide = marked.startswith("utf-16")
    for encoding in [marked] if marked else [c for c in encodings if _is_unicode(c)]:
        if code_pages.fits(_blocks(path, wide), encoding):
            return encoding, ()
    left = [] if marked else [code for code in encodings if not _is_unicode(code)]
    words = code_pages.high_words(_blocks(path, wide)) if left else []
    mixed = [word for word in words if code_pages.fits([word], "utf-8")]
    if len(mixed) > MIXED * len(words):
        raise refusal(
            path,
            f"the text is partly in UTF-8 ({mixed[0].decode()!r}) and partly in another encoding",
            "Save the whole file as 'CSV UTF-8'.",
            example=_not_unicode(path),
        )
    while chosen := code_pages.choose(words, left, known):
        if code_pages.fits(_blocks(path), chosen.name):
            return chosen.name, _decoding(path, chosen)
        left.remove(chosen.name)
    names = [marked] if marked else [*encodings]
    raise refusal(
        path,
        f"the text is in none of the encodings {', '.join(names)}"
        if len(names) > 1
        else f"the text is not in {names[0]}",
        "Save the file as 'CSV UTF-8', or add its encoding to [files] in data/settings.toml.",
        example=_not_unicode(path),
    )


def _is_unicode(encoding: str) -> bool:
    return encoding.lower().replace("_", "-").startswith("utf")


def _decoding(path: Path, chosen: code_pages.Encoding) -> tuple[Assumption, ...]:
    """Say why a file was decoded as it was."""
    if not chosen.word:
        return ()
    said = state(
        "assumed-files.encoding",
        encoding=chosen.name,
        word=repr(chosen.word),
        other=chosen.other,
        other_word=repr(chosen.other_word),
    )
    if not chosen.sure:
        said += state("assumed-files.encoding-unsure")
    return (Assumption("notation", said, source=path.name, setting="files.encodings"),)


def _not_unicode(path: Path) -> str:
    """Return the first line of a file that is not UTF-8, as far as ASCII shows it."""
    row = 0
    with open_text(path) as stream:
        for line in io.BufferedReader(stream):
            row += 1
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return f"line {row}: {line.decode('ascii', errors='replace').strip()[:80]!r}"
    return ""


def _copy(path: Path, work: Path, form: TextFormat) -> Part:
    ragged: list[Ragged] = []
    header, delimiter = form.header, form.delimiter
    whole = len(header) - 1  # delimiters in a row

    def set_apart(line: pacsv.InvalidRow) -> str:
        ragged.append(Ragged(line.number, line.actual_columns, line.text))
        return "skip"

    target = new_part(work)
    columns = [name or f"column {i}" for i, name in enumerate(header, 1)]
    schema = pa.schema([*((name, pa.string()) for name in columns), (ROW, pa.int64())])
    rows, last = 0, form.row
    quoted = False
    try:
        with (
            open_text(path) as stream,
            pq.ParquetWriter(target, schema, compression="lz4") as writer,
        ):
            # One thread, so that Arrow can say in which row a line went wrong.
            reader = pacsv.open_csv(
                stream,
                pacsv.ReadOptions(
                    use_threads=False,
                    encoding=form.encoding,
                    column_names=columns,
                    skip_rows_after_names=form.row,
                    block_size=_BLOCK,
                ),
                pacsv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_apart
                ),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
            numbers = _row_numbers(ragged, form.row + 1)
            for batch in reader:
                number = pa.array((next(numbers) for _ in range(batch.num_rows)), pa.int64())
                last = number[-1].as_py() if batch.num_rows else last
                for place, value in _with_line_breaks(batch, delimiter, whole):
                    quoted = True
                    if _holds_other_rows(batch, place, delimiter):
                        raise _open_quotation(path, f"row {number[place]}", value)
                batch = pa.record_batch([*batch.columns, number], schema=schema)
                batch = without_blank_rows(batch, len(columns))
                writer.write(batch)
                rows += batch.num_rows
    except pa.ArrowInvalid as error:
        if "straddling" in str(error):
            raise _open_quotation(path, f"a row after row {last}") from None
        if "Empty CSV" not in str(error):
            raise
    for line in ragged:
        if "\n" in line.line and line.line.count(delimiter) >= 2 * whole:
            raise _open_quotation(path, f"row {line.row}", line.line)
    if quoted and (row := _find_bad_quotation(path, form)):
        raise _open_quotation(path, f"line {row} or before it")
    return Part(
        path.name,
        path.name,
        target,
        tuple(columns),
        rows,
        True,
        encoding=form.encoding,
        separator=delimiter,
        ragged=tuple(ragged),
        assumptions=form.assumptions,
    )


def without_blank_rows(table: pa.RecordBatch, width: int) -> pa.RecordBatch:
    """Leave out the rows of a table in which none of the first columns holds anything."""
    blank: pa.Array | None = None
    for column in table.columns[:width]:
        empty = pc.is_null(column)
        if pa.types.is_string(column.type):
            empty = pc.or_(empty, pc.fill_null(pc.starts_with(column, " "), False))
        blank = empty if blank is None else pc.and_(blank, empty)
        if not pc.any(blank).as_py():
            return table
    if blank is None:
        return table
    for column in table.columns[:width]:
        if pa.types.is_string(column.type):
            filled = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False)
            blank = pc.and_not(blank, filled)
    return table.filter(pc.invert(blank))


def _with_line_breaks(
    batch: pa.RecordBatch, delimiter: str, whole: int
) -> Iterator[tuple[int, str]]:
    """Return the values that hold line breaks and a row's delimiters, with their places."""
    for column in batch.columns:
        breaks = pc.match_substring(column, "\n")
        if not pc.any(breaks).as_py():
            continue
        many = pc.greater_equal(pc.count_substring(column, delimiter), max(whole, 1))
        for place in pc.indices_nonzero(pc.and_(breaks, many)).to_pylist():
            yield place, column[place].as_py()


def _holds_other_rows(batch: pa.RecordBatch, place: int, delimiter: str) -> bool:
    """Tell whether a row holds other rows: unquoted, its lines look like rows of the table.

    They do when each has as many fields as the table, and numbers and dates where nearly all
    other rows have them.
    """
    values = [column[place].as_py() or "" for column in batch.columns]
    lines = [line.split(delimiter) for line in delimiter.join(values).splitlines()]
    if any(len(fields) != batch.num_columns for fields in lines):
        return False
    for number, column in enumerate(batch.columns):
        digits = pc.match_substring_regex(column.slice(0, 2000).drop_null(), r"^[-+]?\d")
        numeric = len(digits) and pc.mean(digits).as_py() > 0.9
        if numeric and not all(fields[number].strip()[:1].isdigit() for fields in lines):
            return False
    return True


def _find_bad_quotation(path: Path, form: TextFormat) -> int:
    """Return the line in which a quotation mark is not followed by a delimiter; 0 if there is none.

    Only files with suspicious values are read again like this: it takes ten times as long.
    """
    csv.field_size_limit(1 << 24)
    with io.TextIOWrapper(open_text(path), encoding=form.encoding, newline="") as text:
        rows = csv.reader(text, delimiter=form.delimiter, strict=True)
        try:
            for _ in rows:
                pass
        except csv.Error:
            return rows.line_num
    return 0


def _open_quotation(path: Path, where: str, value: str = "") -> Exception:
    """Refuse a file in which a value swallowed the rows after it."""
    return refusal(
        path,
        f"in {where} a quotation mark is opened and not closed: the value swallows other rows",
        "Close the quotation mark or take it out, and the line breaks in the value, too.",
        example=repr(value[:80]) if value else "",
    )


def _row_numbers(ragged: list[Ragged], number: int) -> Iterator[int]:
    """Count the rows of a file, leaving out those set apart so far."""
    passed = 0
    while True:
        while passed < len(ragged) and ragged[passed].row == number:
            passed, number = passed + 1, number + 1
        yield number
        number += 1

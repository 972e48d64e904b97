"""Read files cell by cell: workbooks, text files and Parquet.

Workbooks, text files and Parquet all end as Parquet parts that DuckDB scans without loading
them: a Parquet file is its own part, the others are copied once, untouched, into the work
folder. Text stays text here; `orders.cleaning` and `regulars.reading` give it meaning.

Workbooks are read by fastexcel (calamine into Arrow), the fastest reader for Python that we
know of: 2.4 s for the 20 MB ledger, against 30 s and more through openpyxl. Text files are
streamed by Arrow, so that a file larger than memory can be read.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import logging
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from analysis.core.assumptions import Assumption
from analysis.core.problems import Problem, Refused

FORMATS = (".parquet", ".csv.gz", ".csv", ".xlsx")
#: What a shop may send as well, and what nothing here reads.
OTHER_FORMATS = (
    *(".xls", ".xlsb", ".xlsm", ".ods", ".numbers", ".tsv", ".tab", ".txt", ".htm", ".html"),
    *(".json", ".jsonl", ".xml", ".feather", ".orc"),
    *(".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar", ".tar", ".tgz"),
)
#: The column that every part carries: the row's number in its file, the header being row 1.
#: (Blank lines of a text file do not count; a value with line breaks is part of one row.)
ROW = "row in file"
#: No ledger unpacks to more than so many times its size, and to more than so many bytes.
MOST_PACKED, LARGE = 200, 100_000_000
_DELIMITERS = ",;\t"
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# It says on standard error when a column is blank, or a sheet a chart; neither concerns the sender.
logging.getLogger("fastexcel").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Ragged:
    """A line of a text file that has more or fewer fields than the header."""

    row: int
    fields: int
    line: str


@dataclass(frozen=True)
class Part:
    """One table of a file, ready to be scanned.

    Attributes
    ----------
    file
        The file's name.
    source
        The same; for a workbook with several tables, with the sheet's name.
    path
        A Parquet file with the columns as the source spells them.
    columns
        Those columns, without the row number.
    rows
        Rows without the header.
    numbered
        Whether the Parquet file has the column `ROW` (a Parquet source has none: its rows are
        numbered while they are scanned).
    encoding
        How a text file was decoded; empty for the other formats.
    separator
        What stands between the fields of a text file; empty for the other formats.
    ragged
        Lines that could not be split into the header's columns; they are no part of `rows`.
    assumptions
        What was assumed in order to read the file.
    """

    file: str
    source: str
    path: Path
    columns: tuple[str, ...]
    rows: int
    numbered: bool
    encoding: str = ""
    separator: str = ""
    ragged: tuple[Ragged, ...] = field(default=())
    assumptions: tuple[Assumption, ...] = field(default=())


def find_files(folder: Path) -> list[Path]:
    """Return the data files of a folder, by name; an absent folder has none.

    Hidden files and the lock files of an open workbook (``~$...``) do not count.
    """
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and path.name.lower().endswith(FORMATS)
        and not path.name.startswith((".", "~$"))
    )


def find_overlooked(folder: Path) -> list[Problem]:
    """Return a problem for all that looks like data in a folder, and would not be read."""
    if not folder.is_dir():
        return []
    problems = []
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name.startswith((".", "~$", "readme")):
            continue
        if path.is_dir():
            if name.endswith(FORMATS) or any(map(find_files, [path, *path.glob("*/")])):
                problems.append(
                    Problem(
                        f"{folder.name}/{path.name}/",
                        "this is a folder, and only files are read",
                        remedy=f"Put its files into {folder.name}/ itself.",
                    )
                )
        elif not path.exists():
            problems.append(
                Problem(
                    path.name, "this is a link to a file that is not there", remedy="Copy the file."
                )
            )
        elif name.endswith(OTHER_FORMATS) and not name.endswith(FORMATS):
            problems.append(
                Problem(
                    path.name,
                    f"files of the kind {path.suffix} are not read",
                    remedy="Save it as .xlsx, .csv, .csv.gz or .parquet, or take it out of the "
                    "folder.",
                )
            )
    return problems


def stem(path: Path) -> str:
    """Return a data file's name without its ending.

    Examples
    --------
    >>> stem(Path("money.csv.gz"))
    'money'
    """
    ending = next(ending for ending in FORMATS if path.name.lower().endswith(ending))
    return path.name[: -len(ending)]


def match_columns(names: Sequence[str], wanted: dict[str, list[str]]) -> dict[str, str]:
    """Find our columns under the names that a file uses; case, spaces, underscores do not matter.

    Parameters
    ----------
    names
        The file's column names.
    wanted
        Our name -> the names it may have in a file. Our own name is always accepted.

    Returns
    -------
    dict
        Our name -> the file's name, for the columns that were found.

    Raises
    ------
    ValueError
        When two columns of the file claim one name; the message is a clause for a `Problem`.

    Examples
    --------
    >>> match_columns(["Customer ID", "x"], {"customer_id": ["CustomerID"], "price": ["Price"]})
    {'customer_id': 'Customer ID'}
    """
    found: dict[str, str] = {}
    for ours, theirs in wanted.items():
        accepted = {plain_name(name) for name in (ours, *theirs)}
        hits = [name for name in names if plain_name(name) in accepted]
        if len(hits) > 1:
            raise ValueError(f"both {' and '.join(map(repr, hits))} could be '{ours}'")
        if hits:
            found[ours] = hits[0]
    return found


def plain_name(name: str) -> str:
    """Return a column's name as it is compared: without case, spaces and underscores."""
    return re.sub(r"[\s_]+", "", name).casefold()


def read_parts(path: Path, work: Path, encodings: Sequence[str]) -> list[Part]:
    """Make a data file scannable.

    Parameters
    ----------
    path
        A workbook, text file or Parquet file.
    work
        A folder for copies as Parquet.
    encodings
        Tried in order on a text file that does not begin with a byte order mark.

    Returns
    -------
    list of Part
        One a table: a workbook has one a sheet that is not blank.

    Raises
    ------
    Refused
        When the file cannot be read, is not a table, or is empty.
    """
    name = path.name.lower()
    try:
        if path.stat().st_size == 0:
            raise _refusal(path, "the file is empty", "Send the file again.")
        if name.endswith(".parquet"):
            parts = [_parquet_part(path)]
        elif name.endswith(".xlsx"):
            parts = _workbook_parts(path, work)
        else:
            parts = [_text_part(path, work, encodings)]
    except (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        pa.ArrowException,
        fastexcel.FastExcelError,
    ) as e:
        if isinstance(e, OSError) and e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # the file is good: there is no room for the copy
        reason = str(e).splitlines()[0].strip().rstrip(".") if str(e) else type(e).__name__
        raise _refusal(
            path,
            f"the file cannot be read as {name[-len(path.suffix) + 1 :]}",
            f"It may be damaged, cut short, protected, or of another kind than its name says "
            f"({reason[:160]}). Open it in the program it came from, and save it again.",
        ) from None
    if not sum(part.rows for part in parts):
        if ragged := [line for part in parts for line in part.ragged]:
            raise _refusal(
                path,
                "no row has as many fields as the header",
                "Export the file again, with the column names in its first row.",
                example=f"the header has {len(parts[0].columns)} fields, and row "
                f"{ragged[0].row} has {ragged[0].fields}",
            )
        raise _refusal(path, "there are no rows below the header", "Send the file again.")
    return parts


def _refusal(path: Path, rule: str, remedy: str, example: str = "") -> Refused:
    return Refused([Problem(source=path.name, rule=rule, remedy=remedy, example=example)])


def _check_header(path: Path, header: Sequence[str]) -> None:
    """Refuse a header that cannot name the columns of a table; DuckDB does not tell a from A."""
    times = Counter(name.casefold() for name in header if name)
    twice = list(dict.fromkeys(name for name in header if times[name.casefold()] > 1))
    if twice:
        raise _refusal(
            path,
            f"the header has the column {', '.join(map(repr, twice))} more than once",
            "Rename or remove the second one.",
        )
    if len(header) < 2:
        raise _refusal(
            path,
            "this is not a table: its first row has no more than one column",
            "The first row must hold the column names, separated by commas, semicolons or tabs.",
            example=repr(header[0][:80]) if header else "",
        )


def _parquet_part(path: Path) -> Part:
    with pq.ParquetFile(path) as file:
        columns = tuple(file.schema_arrow.names)
        _check_header(path, columns)
        return Part(
            path.name, path.name, path.resolve(), columns, file.metadata.num_rows, numbered=False
        )


def _workbook_parts(path: Path, work: Path) -> list[Part]:
    """Copy every sheet that is not blank; one column has one type, text where they are mixed."""
    with zipfile.ZipFile(path) as packed:
        _check_unpacked(path, sum(item.file_size for item in packed.infolist()))
    book = fastexcel.read_excel(path)
    tables = {
        sheet: book.load_sheet(
            sheet, schema_sample_rows=None, skip_whitespace_tail_rows=True
        ).to_arrow()
        for sheet in book.sheet_names
    }
    tables = {sheet: table for sheet, table in tables.items() if table.num_columns}
    # A sheet with a single column is a note, unless there is nothing else.
    tables = {s: t for s, t in tables.items() if t.num_columns > 1} or tables
    parts = []
    for sheet, table in tables.items():
        columns = tuple(table.schema.names)
        # The reader writes a name that it meets again as name_1.
        _check_header(path, [re.sub(r"_1$", "", c) if c[:-2] in columns else c for c in columns])
        target = _new_part(work)
        rows = pa.array(range(2, table.num_rows + 2), pa.int64())
        pq.write_table(pa.table({**_columns(table), ROW: rows}), target, compression="lz4")
        source = path.name if len(tables) == 1 else f"{path.name} [{sheet}]"
        parts.append(Part(path.name, source, target, columns, table.num_rows, numbered=True))
    return parts


def _check_unpacked(path: Path, size: int, more: str = "") -> None:
    """Refuse a file that is made to fill the memory, or the disk, of whoever unpacks it."""
    packed = path.stat().st_size
    if size > max(LARGE, MOST_PACKED * packed):
        raise _refusal(
            path,
            f"it holds {packed:,} bytes, and would unpack to {size:,}{more}: more than "
            f"{MOST_PACKED} times as many, as no table of sales does",
            "Ask its sender; if all is well, send it as .csv, not packed.",
        )


def _new_part(work: Path) -> Path:
    """Return a name that no other part has: files of both halves may be called the same."""
    return Path(tempfile.mkdtemp(dir=work)) / "part.parquet"


def _columns(table: pa.RecordBatch | pa.Table) -> dict[str, pa.Array]:
    return {name: table.column(i) for i, name in enumerate(table.schema.names)}


def _text_part(path: Path, work: Path, encodings: Sequence[str]) -> Part:
    """Copy a text file, every column as text."""
    encoding, header, delimiter = text_format(path, encodings)
    _check_header(path, header)
    return _copy_text(path, work, header, delimiter, encoding)


def text_format(path: Path, encodings: Sequence[str]) -> tuple[str, list[str], str]:
    """Return how a text file is decoded, its header, and what separates its fields."""
    encoding = _encoding(path, encodings)
    with _open(path) as stream:
        return encoding, *_sniff(stream.read(65_536), encoding)


def _open(path: Path) -> pa.NativeFile:
    return pa.input_stream(path, compression="gzip" if path.suffix.lower() == ".gz" else None)


def _encoding(path: Path, encodings: Sequence[str]) -> str:
    """Return the first encoding that fits the whole file."""
    with _open(path) as stream:
        start = stream.read(4)
    marked = [code for mark, code in _BYTE_ORDER_MARKS.items() if start.startswith(mark)]
    for encoding in marked or encodings:
        decoder = codecs.getincrementaldecoder(encoding)()
        with _open(path) as stream:
            size = 0
            try:
                while block := stream.read(1 << 22):
                    size += len(block)
                    _check_unpacked(path, size, " or more")
                    if "\0" in decoder.decode(block):
                        raise _refusal(
                            path,
                            "the file holds binary data, not text",
                            "Save it as 'CSV UTF-8' in the program it came from.",
                        )
                decoder.decode(b"", final=True)
                return encoding
            except UnicodeError:
                continue
    raise _refusal(
        path,
        f"the text is not in {' or '.join(marked or encodings)}",
        "Save the file as 'CSV UTF-8', or add its encoding to data/settings.toml.",
    )


def _sniff(start: bytes, encoding: str) -> tuple[list[str], str]:
    """Return the header, and the delimiter that splits it into the most columns."""
    text = start.decode(encoding, errors="ignore").removeprefix("\ufeff")
    headers = {
        d: next(csv.reader(io.StringIO(text, newline=""), delimiter=d), []) for d in _DELIMITERS
    }
    delimiter = max(headers, key=lambda d: len(headers[d]))
    return [name.strip() for name in headers[delimiter]], delimiter


def _copy_text(path: Path, work: Path, header: list[str], delimiter: str, encoding: str) -> Part:
    ragged: list[Ragged] = []
    whole = len(header) - 1  # delimiters in a row

    def set_apart(line: pacsv.InvalidRow) -> str:
        ragged.append(Ragged(line.number, line.actual_columns, line.text))
        return "skip"

    target = _new_part(work)
    columns = [name or f"column {i}" for i, name in enumerate(header, 1)]
    schema = pa.schema([*((name, pa.string()) for name in columns), (ROW, pa.int64())])
    rows = 0
    try:
        with (
            _open(path) as stream,
            pq.ParquetWriter(target, schema, compression="lz4") as writer,
        ):
            # One thread, so that Arrow can say in which row a line went wrong.
            reader = pacsv.open_csv(
                stream,
                pacsv.ReadOptions(
                    use_threads=False,
                    encoding=encoding,
                    column_names=columns,
                    skip_rows_after_names=1,
                    block_size=1 << 22,
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
            numbers = _row_numbers(ragged)
            for batch in reader:
                row = pa.array((next(numbers) for _ in range(batch.num_rows)), pa.int64())
                writer.write(pa.record_batch([*batch.columns, row], schema=schema))
                rows += batch.num_rows
                for place, value in _with_line_breaks(batch):
                    if value.count(delimiter) >= whole:
                        raise _open_quotation(path, f"row {row[place]}", value)
    except pa.ArrowInvalid as error:
        if "straddling" in str(error):
            raise _open_quotation(path, f"a row after row {rows + len(ragged) + 1}") from None
        if "Empty CSV" not in str(error):
            raise
    for line in ragged:
        if "\n" in line.line and line.line.count(delimiter) >= 2 * whole:
            raise _open_quotation(path, f"row {line.row}", line.line)
    return Part(
        path.name,
        path.name,
        target,
        tuple(columns),
        rows,
        True,
        encoding=encoding,
        separator=delimiter,
        ragged=tuple(ragged),
    )


def _with_line_breaks(batch: pa.RecordBatch) -> Iterator[tuple[int, str]]:
    """Return the values with line breaks, with their places."""
    for column in batch.columns:
        for place in pc.indices_nonzero(pc.match_substring(column, "\n")).to_pylist():
            yield place, column[place].as_py()


def _open_quotation(path: Path, where: str, value: str = "") -> Refused:
    """Refuse a file in which a value swallowed the rows after it."""
    return _refusal(
        path,
        f"in {where} a quotation mark is opened and not closed: the value swallows other rows",
        "Close the quotation mark or take it out, and the line breaks in the value, too.",
        example=repr(value[:80]) if value else "",
    )


def _row_numbers(ragged: list[Ragged]) -> Iterator[int]:
    """Count the rows of a file from 2, leaving out those set apart so far."""
    passed = 0
    number = 2
    while True:
        while passed < len(ragged) and ragged[passed].row == number:
            passed, number = passed + 1, number + 1
        yield number
        number += 1


def read_table(part: Part) -> pa.Table:
    """Load a part, with its row numbers in the column `ROW`; for tables that fit in memory."""
    table = pq.read_table(part.path, partitioning=None)
    if part.numbered:
        return table
    return table.append_column(ROW, pa.array(range(1, part.rows + 1), pa.int64()))

"""Read files cell by cell: workbooks, text files and Parquet.

Workbooks, text files and Parquet all end as Parquet parts that DuckDB scans without loading
them: a Parquet file is its own part, the others are copied once, untouched, into the work
folder. Text stays text here; `orders.cleaning` and `regulars.reading` give it meaning.

Workbooks are read by fastexcel (calamine into Arrow), the fastest reader for Python that we
know of: 2.4 s for the 20 MB ledger, against 30 s and more through openpyxl. Text files are
streamed by Arrow, so that a file larger than memory can be read.
"""

from __future__ import annotations

import errno
import logging
import re
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from xml.etree import ElementTree

import fastexcel
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.core.assumptions import Assumption, state
from analysis.core.problems import Problem, Refused
from analysis.core.settings import Settings
from analysis.ingest.columns import plain_name
from analysis.ingest.commerceml import read_commerceml
from analysis.ingest.delimited import read_text, text_format, without_blank_rows
from analysis.ingest.layout import NAMES, TOP, header_place
from analysis.ingest.parts import (
    ROW,
    Part,
    check_header,
    check_unpacked,
    new_part,
    refusal,
)

TEXT_FORMATS = (".csv.gz", ".tsv.gz", ".txt.gz", ".csv", ".tsv", ".tab", ".txt")
FORMATS = (".parquet", *TEXT_FORMATS, ".xlsx", ".xml")
#: What a shop may send as well, and what nothing here reads.
OTHER_FORMATS = (
    *(".xls", ".xlsb", ".xlsm", ".ods", ".numbers", ".htm", ".html"),
    *(".json", ".jsonl", ".feather", ".orc"),
    *(".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar", ".tar", ".tgz"),
)
_FILLED = re.compile(r'<row\b[^>]*?\br="(\d+)"[^>]*>(.*?)</row>', re.DOTALL)
# It says on standard error when a column is blank, or a sheet a chart; neither concerns the sender.
logging.getLogger("fastexcel").setLevel(logging.CRITICAL)
logging.getLogger("fastexcel.types.dtype").setLevel(logging.CRITICAL)


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
        and not path.name.lower().startswith((".", "~$", "readme"))
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


def known_words(settings: Settings) -> frozenset[str]:
    """Return the words that the settings expect in files: names of columns, and of values."""
    named = [settings.transactions.columns, *settings.activity.columns.values()]
    words = {word for columns in named for ours in columns for word in (ours, *columns[ours])}
    words |= {settings.transactions.home_country, *settings.activity.labels}
    return frozenset(plain_name(word) for word in words if word)


def read_parts(
    path: Path, work: Path, encodings: Sequence[str], known: Collection[str] = ()
) -> list[Part]:
    """Make a data file scannable.

    Parameters
    ----------
    path
        A workbook, text file or Parquet file.
    work
        A folder for copies as Parquet.
    encodings
        What a text file may be in, the more common first; a byte order mark decides before them.
    known
        From `known_words`: they show where the header is, and in which encoding a text makes sense.

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
            raise refusal(path, "the file is empty", "Send the file again.")
        if name.endswith(".parquet"):
            parts = [_parquet_part(path)]
        elif name.endswith(".xlsx"):
            parts = _workbook_parts(path, work, known)
        elif name.endswith(".xml"):
            parts = [read_commerceml(path, work)]
        else:
            parts = [read_text(path, work, encodings, known)]
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
        raise refusal(
            path,
            f"the file cannot be read as {name[-len(path.suffix) + 1 :]}",
            f"It may be damaged, cut short, protected, or of another kind than its name says "
            f"({reason[:160]}). Open it in the program it came from, and save it again.",
        ) from None
    if not sum(part.rows for part in parts):
        if ragged := [line for part in parts for line in part.ragged]:
            raise refusal(
                path,
                "no row has as many fields as the header",
                "Export the file again, with the column names in its first row.",
                example=f"the header has {len(parts[0].columns)} fields, and row "
                f"{ragged[0].row} has {ragged[0].fields}",
            )
        raise refusal(path, "there are no rows below the header", "Send the file again.")
    return parts


def read_header(path: Path, encodings: Sequence[str]) -> list[str]:
    """Return the names of a file's columns (of a workbook, its first sheet's).

    There are none where it cannot be read, which `read_parts` explains.
    """
    name = path.name.lower()
    try:
        if name.endswith(".parquet"):
            return [*pq.read_schema(path).names]
        if name.endswith(".xlsx"):
            with zipfile.ZipFile(path) as packed:
                check_unpacked(path, sum(item.file_size for item in packed.infolist()))
            sheet = fastexcel.read_excel(path).load_sheet(0, n_rows=1, dtypes="string")
            return [*sheet.to_arrow().schema.names]
        return text_format(path, encodings).header if name.endswith(TEXT_FORMATS) else []
    except (
        Refused,
        OSError,
        EOFError,
        zipfile.BadZipFile,
        pa.ArrowException,
        fastexcel.FastExcelError,
    ):
        return []


def _parquet_part(path: Path) -> Part:
    with pq.ParquetFile(path) as file:
        columns = tuple(file.schema_arrow.names)
        check_header(path, columns)
        return Part(
            path.name, path.name, path.resolve(), columns, file.metadata.num_rows, numbered=False
        )


def _workbook_parts(path: Path, work: Path, known: Collection[str]) -> list[Part]:
    """Copy every sheet that is not blank; one column has one type, text where they are mixed."""
    with zipfile.ZipFile(path) as packed:
        check_unpacked(path, sum(item.file_size for item in packed.infolist()))
        blank = _blank_rows(packed)
    book = fastexcel.read_excel(path)
    sheets = {name: _sheet(book, name, known) for name in book.sheet_names}
    sheets = {name: (table, row) for name, (table, row) in sheets.items() if table.num_columns}
    # A sheet with a single column is a note, unless there is nothing else.
    sheets = {n: found for n, found in sheets.items() if found[0].num_columns > 1} or sheets
    parts = []
    for name, (table, header) in sheets.items():
        columns = tuple(table.schema.names)
        # The reader writes a name that it meets again as name_1.
        check_header(path, [re.sub(r"_1$", "", c) if c[:-2] in columns else c for c in columns])
        target = new_part(work)
        titled = header > 1
        if not titled:
            header += blank.get(name, 0)
        row = pa.array(range(header + 1, header + 1 + table.num_rows), pa.int64())
        numbered = pa.record_batch([*table.columns, row], names=[*columns, ROW])
        filled = without_blank_rows(numbered, len(columns))
        pq.write_table(pa.Table.from_batches([filled]), target, compression="lz4")
        source = path.name if len(sheets) == 1 else f"{path.name} [{name}]"
        told = _title(source, header) if titled else ()
        parts.append(
            Part(
                path.name,
                source,
                target,
                columns,
                filled.num_rows,
                numbered=True,
                assumptions=told,
            )
        )
    return parts


def _blank_rows(packed: zipfile.ZipFile) -> dict[str, int]:
    """Return how many blank rows stand above each sheet's first cell."""
    try:
        book = ElementTree.fromstring(packed.read("xl/workbook.xml"))
        links = ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError):
        return {}
    targets = {link.get("Id"): str(link.get("Target")) for link in links}
    found = {}
    for sheet in book.iter():
        ids = [value for key, value in sheet.attrib.items() if key.endswith("}id")]
        if not sheet.tag.endswith("}sheet") or not ids or ids[0] not in targets:
            continue
        name = targets[ids[0]].lstrip("/")
        name = name if name.startswith("xl/") else f"xl/{name}"
        if name in packed.namelist():
            with packed.open(name) as text:
                start = text.read(1 << 17).decode("utf-8", errors="ignore")
            filled = (m for m in _FILLED.finditer(start) if "<v>" in m[2] or "<is>" in m[2])
            first = next(filled, None)
            found[str(sheet.get("name"))] = int(first[1]) - 1 if first else 0
    return found


def _sheet(
    book: fastexcel.ExcelReader, name: str, known: Collection[str]
) -> tuple[pa.RecordBatch, int]:
    """Return a sheet's table, and the row of its header, below a title if there is one."""
    table = book.load_sheet(name, schema_sample_rows=None, skip_whitespace_tail_rows=True)
    found = table.to_arrow()
    if len({plain_name(column) for column in found.schema.names} & set(known)) >= NAMES:
        return found, 1
    top = book.load_sheet(name, header_row=None, skip_rows=0, n_rows=TOP, dtypes="string")
    rows = [list(row.values()) for row in top.to_arrow().to_pylist()]
    place = header_place(rows, known)
    names = {plain_name(cell) for cell in rows[place] if cell} if rows else set()
    if not place or len(names & set(known)) < NAMES:
        return found, 1
    table = book.load_sheet(
        name, header_row=place, schema_sample_rows=None, skip_whitespace_tail_rows=True
    )
    return table.to_arrow(), place + 1


def _title(source: str, row: int) -> tuple[Assumption, ...]:
    said = state("assumed-files.header", row=str(row))
    return (Assumption("columns", said, source=source),)


def read_table(part: Part) -> pa.Table:
    """Load a part, with its row numbers in the column `ROW`; for tables that fit in memory."""
    table = pq.read_table(part.path, partitioning=None)
    if part.numbered:
        return table
    return table.append_column(ROW, pa.array(range(1, part.rows + 1), pa.int64()))

"""Hold one table of a file, ready to be scanned, and refuse files that are no tables."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.core.assumptions import Assumption
from analysis.core.problems import Problem, Refused

#: The column that every part carries: the row's number in its file, the first row being row 1.
#: (Blank lines below the header do not count; a value with line breaks is part of one row.)
ROW = "row in file"
#: No ledger unpacks to more than so many times its size, and to more than so many bytes.
MOST_PACKED, LARGE = 200, 100_000_000


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
    profile
        The import profile that it was read with.
    rows_in_file
        Of lines that were made from an export: the rows of the file; else None.
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
    profile: str = "ledger"
    rows_in_file: int | None = None


def refusal(path: Path, rule: str, remedy: str, example: str = "") -> Refused:
    """Return the refusal of a file."""
    return Refused([Problem(source=path.name, rule=rule, remedy=remedy, example=example)])


def check_header(path: Path, header: Sequence[str]) -> None:
    """Refuse a header that cannot name the columns of a table; DuckDB does not tell a from A."""
    times = Counter(name.casefold() for name in header if name)
    twice = list(dict.fromkeys(name for name in header if times[name.casefold()] > 1))
    if twice:
        raise refusal(
            path,
            f"the header has the column {', '.join(map(repr, twice))} more than once",
            "Rename or remove the second one.",
        )
    if len(header) < 2:
        raise refusal(
            path,
            "this is not a table: its first row has no more than one column",
            "The first row must hold the column names, separated by commas, semicolons or tabs.",
            example=repr(header[0][:80]) if header else "",
        )


def check_unpacked(path: Path, size: int, more: str = "") -> None:
    """Refuse a file that is made to fill the memory, or the disk, of whoever unpacks it."""
    packed = path.stat().st_size
    if size > max(LARGE, MOST_PACKED * packed):
        raise refusal(
            path,
            f"it holds {packed:,} bytes, and would unpack to {size:,}{more}: more than "
            f"{MOST_PACKED} times as many, as no table of sales does",
            "Ask its sender; if all is well, send it as .csv, not packed.",
        )


def new_part(work: Path) -> Path:
    """Return a name that no other part has: files of both halves may be called the same."""
    return Path(tempfile.mkdtemp(dir=work)) / "part.parquet"

"""Find the table in a text file or a sheet: what separates its fields, and where its header is."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from analysis.ingest.columns import plain_name

DELIMITERS = ",;\t|"
#: A header that has so many known names is a header.
NAMES = 2
#: A header stands among so many rows at the top.
TOP = 60
#: What spreadsheets write, and read, as a hint in the first line of a text file.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t| ]*\r?\n?$', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """Where the table of a text file begins, and what separates its fields.

    Attributes
    ----------
    header
        The names of the columns.
    delimiter
        What separates fields.
    row
        The number of the header's row; the first row of the file is 1.
    """

    header: list[str]
    delimiter: str
    row: int


def find_layout(text: str, whole: bool, known: Collection[str] = ()) -> Layout:
    r"""Find the table in a text file, below a title and notes if there are any.

    Parameters
    ----------
    text
        The beginning of the file.
    whole
        Whether this is all of it: if not, its last row may be cut off.
    known
        Names of columns, as `columns.plain_name` returns them.

    Examples
    --------
    >>> find_layout("Sales 2022;;\n\nInvoice;Date;Price\n1;2;3\n", True, {"invoice", "price"})
    Layout(header=['Invoice', 'Date', 'Price'], delimiter=';', row=3)
    >>> find_layout("sep=;\na,x;b,y\n1,2;3,4\n", True)
    Layout(header=['a,x', 'b,y'], delimiter=';', row=2)
    """
    hint = _SEPARATOR_LINE.match(text.split("\n", 1)[0] + "\n")
    delimiters = hint[1] if hint else DELIMITERS
    found = []
    for delimiter in delimiters:
        rows = _rows(text, delimiter, whole)
        place = header_place(rows, known, start=1 if hint else 0)
        header = [name.strip() for name in rows[place]] if place < len(rows) else []
        names = len({plain_name(name) for name in header} & set(known))
        rank = (names if names >= NAMES else 0, len(header), -place)
        found.append((rank, Layout(header, delimiter, place + 1)))
    return max(found, key=lambda one: one[0])[1]


def _rows(text: str, delimiter: str, whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) > TOP:
                return rows
    except csv.Error:  # a value is too long to be one
        return rows
    return rows if whole or len(rows) < 2 else rows[:-1]


def header_place(
    rows: Sequence[Sequence[object]], known: Collection[str] = (), start: int = 0
) -> int:
    """Return the place of the header among the rows at the top of a table.

    It is the row with the most known names, if it has at least `NAMES` of them; else the first
    row in which at least half as many cells are filled as in most rows.

    Examples
    --------
    >>> header_place([["Report", None], ["Date", "Who"], ["1 May", "Ann"]], {"date", "who"})
    1
    """
    names = set(known)
    matches = [len({plain_name(str(cell)) for cell in row if cell} & names) for row in rows]
    best = max(range(start, len(rows)), key=lambda place: (matches[place], -place), default=start)
    if best < len(rows) and matches[best] >= NAMES:
        return best
    filled = [sum(cell not in (None, "") for cell in row) for row in rows]
    widths = Counter(number for number in filled[start:] if number)
    usual = max(widths, key=lambda width: (widths[width], width), default=0)
    for place in range(start, len(rows)):
        if filled[place] and 2 * filled[place] >= usual:
            return place
    return start

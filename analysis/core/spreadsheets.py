"""Write tables as CSV files whose texts no spreadsheet runs as formulas (CSV injection)."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pandas as pd

#: What makes a spreadsheet calculate a cell, also in full width; and the mark that prevents it.
FORMULA = re.compile(r"^(?=['=+\-@＝＋－＠\t\r\n])")


def escape_formula(value: Any) -> Any:
    """Return a text that no spreadsheet calculates: an apostrophe goes before what it would.

    One goes before an apostrophe too, so that dropping the first gives every text back. What is no
    text stays as it is: a negative number is a number.

    References
    ----------
    OWASP, *CSV Injection*, https://owasp.org/www-community/attacks/CSV_Injection.

    Examples
    --------
    >>> [escape_formula(value) for value in ["17850", "-2+3", "'5", -2]]
    ['17850', "'-2+3", "''5", -2]
    """
    return FORMULA.sub("'", value) if isinstance(value, str) else value


def write_csv(table: pd.DataFrame, path: Path, encoding: str = "utf-8") -> None:
    """Write a table as CSV, safe to open in a spreadsheet.

    Parameters
    ----------
    table
        Its index is not written.
    path
        The file.
    encoding
        ``utf-8-sig`` tells Excel that letters may be other than Latin.
    """
    texts = table.select_dtypes(["object", "str", "category"])
    safe = table.assign(
        **{
            str(name): texts[name].astype(object).map(escape_formula, na_action="ignore")
            for name in texts.columns
        }
    )
    # A single carriage return begins a row for spreadsheets, but Python does not quote it.
    returns = any(
        isinstance(value, str) and "\r" in value for name in texts.columns for value in texts[name]
    )
    safe.to_csv(
        path,
        index=False,
        encoding=encoding,
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL,
    )

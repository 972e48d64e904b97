"""Read the columns that a profile names from a table, as texts, in each row the first not empty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from analysis.ingest.columns import plain_name
from analysis.ingest.parts import ROW, Part
from analysis.ingest.profiles import ROLES, Profile

#: Columns of cells beside the roles: the row in its file, who bought and when.
ROW_NUMBER, CUSTOMER, DATE = "row_number", "customer", "date"


def find_names(columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return the columns of a file that a profile names, in the profile's order.

    Examples
    --------
    >>> find_names(["SKU", "item name"], ["Item Name", "Title", "SKU"])
    ['item name', 'SKU']
    """
    spelled: dict[str, str] = {}
    for name in columns:
        spelled.setdefault(plain_name(name), name)
    return [spelled[plain_name(one)] for one in wanted if plain_name(one) in spelled]


def read_cells(part: Part, profile: Profile) -> pd.DataFrame:
    """Return what a profile needs of a table.

    Returns
    -------
    pandas.DataFrame
        One row for each of the table's: `ROW_NUMBER`, `CUSTOMER` and `DATE`, each role for which
        the table has a column, and ``left 0``, ``left 1`` and so on for the profile's `left_out`.
        Cells are texts without margins, or null.
    """
    columns: dict[str, list[str]] = {
        role: find_names(part.columns, profile.columns.get(role, [])) for role in ROLES
    }
    columns[CUSTOMER] = find_names(part.columns, profile.customer)
    dates = profile.date.columns if profile.date else []
    moments = [find_names(part.columns, one) for one in dates]
    lefts = [find_names(part.columns, rule.column) for rule in profile.left_out]
    needed = {name for some in (*columns.values(), *moments, *lefts) for name in some}
    numbered = [ROW] * part.numbered
    table = pq.read_table(part.path, columns=[*sorted(needed), *numbered], partitioning=None)
    frame = table.to_pandas()
    texts = {name: as_text(frame[name]) for name in needed}
    size = len(frame)
    number = frame[ROW] if part.numbered else pd.Series(np.arange(1, size + 1))
    found = {ROW_NUMBER: number.astype("int64").to_numpy()}
    for role, names in columns.items():
        if names:
            found[role] = first_filled([texts[name] for name in names])
    halves = [first_filled([texts[name] for name in names]) for names in moments if names]
    date = halves[0]
    for half in halves[1:]:
        # What has no time of day keeps its date.
        date = date.where(half.isna() | date.isna(), date + " " + half)
    found[DATE] = date
    for place, names in enumerate(lefts):
        if names:
            found[f"left {place}"] = first_filled([texts[name] for name in names])
    return pd.DataFrame(found)


def first_filled(columns: Sequence[pd.Series]) -> pd.Series:
    """Return in each row the first value that is not null."""
    found = columns[0]
    for column in columns[1:]:
        found = found.where(found.notna(), column)
    return found


def as_text(column: pd.Series) -> pd.Series:
    """Return a column as texts without margins; what is empty is null.

    Examples
    --------
    >>> as_text(pd.Series([1.0, 2.5, None])).tolist()
    ['1', '2.5', nan]
    """
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        text = column.dt.strftime("%Y-%m-%d %H:%M:%S")
    elif pd.api.types.is_bool_dtype(column.dtype):
        text = column.map({True: "true", False: "false"})
    elif pd.api.types.is_numeric_dtype(column.dtype):
        text = column.map(lambda one: f"{one:.10f}".rstrip("0").rstrip("."), na_action="ignore")
    else:
        text = column.map(str, na_action="ignore")
    text = text.astype("str").str.strip()
    return text.where(text.notna() & (text != ""))

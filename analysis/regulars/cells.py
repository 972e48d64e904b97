"""Read the cells of the four tables: numbers, ids, words and their misspellings."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa

from analysis.core.settings import ActivitySettings
from analysis.ingest.parts import ROW
from analysis.regulars.contract import NUMBER, RAW_SCHEMAS, Role

_ANSWERS = {"yes": True, "no": False, "true": True, "false": False}
#: From this ratio of `difflib.SequenceMatcher` (Ratcliff and Obershelp) on, words are alike.
_ALIKE = 0.85


def read_texts(table: pa.Table | pd.DataFrame) -> pd.DataFrame:
    """Return the table with every cell as text, missing where empty; its index numbers the rows."""
    if isinstance(table, pa.Table):
        columns = {
            name: pd.Series(column.cast(pa.string()).to_pandas(), dtype="str")
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    else:
        columns = {
            str(name): table[name].reset_index(drop=True).astype("str") for name in table.columns
        }
    texts = pd.DataFrame(columns, index=pd.RangeIndex(len(table)))
    numbers = texts.pop(ROW).astype("int64") if ROW in texts else texts.index + 2
    return texts.set_index(pd.Index(numbers, name=ROW))


def _clean(cells: pd.Series) -> pd.Series:
    """Return the words without surrounding blanks, with one spelling of accents; "" is missing."""
    cleaned = cells.map(lambda text: unicodedata.normalize("NFC", text).strip(), na_action="ignore")
    return cleaned.astype("str").where(cleaned != "")


def read_words(cells: pd.Series, typos: Mapping[str, str]) -> pd.Series:
    """Return a column of words with the known misspellings mended."""
    cleaned = _clean(cells)
    return cleaned.replace(dict(typos)) if typos else cleaned


def read_numbers(cells: pd.Series) -> pd.Series:
    """Return the numbers in a column of text; what is no finite number becomes missing.

    A decimal comma and blanks between thousands are understood. A comma is never taken for a
    separator of thousands: ``1,234`` is a little more than one.

    Examples
    --------
    >>> read_numbers(pd.Series(["1 234,5", "12", "many"], dtype="str")).tolist()
    [1234.5, 12.0, nan]
    """

    def read(text: str) -> float:
        bare = re.sub(r"(?<=[0-9])\s(?=[0-9]{3}(?![0-9]))", "", text.strip())
        value = float(bare.replace(",", ".")) if NUMBER.fullmatch(bare) else math.nan
        return value if math.isfinite(value) else math.nan

    return cells.map(read, na_action="ignore").astype("float64")


def _read_ids(cells: pd.Series) -> pd.Series:
    """Return ids as text; ``215348.0``, which a typed column makes of 215348, is 215348."""
    return _clean(cells).str.replace(r"^([0-9]+)\.0+$", r"\1", regex=True)


def type_cells(
    role: Role, raw: pd.DataFrame, words: Mapping[str, pd.Series], labels: Mapping[str, str]
) -> pd.DataFrame:
    """Return the columns that the table's schema asks for, with their types."""
    typed: dict[str, pd.Series] = {}
    for name in RAW_SCHEMAS[role].columns:
        if name == "customer_id":
            typed[name] = _read_ids(raw[name])
        elif name in words:
            typed[name] = words[name].replace(dict(labels)) if labels else words[name]
        else:
            typed[name] = read_numbers(raw[name])
    if "consent" in typed:
        answers = typed["consent"].map(
            lambda text: _ANSWERS.get(text.casefold()), na_action="ignore"
        )
        typed["consent"] = answers.astype("boolean")
    return pd.DataFrame(typed)


def find_typos(
    raw: pd.DataFrame, words: Mapping[str, pd.Series], source: str, found: Mapping[str, str]
) -> pd.DataFrame:
    """Return ``source, column, found, read_as, rows, ours``: the cells read as something else."""
    tables = [_no_rows(("source", "column", "found", "read_as"), ("rows",)).assign(ours="")]
    for ours, read in words.items():
        changed = read.notna() & (raw[ours] != read)
        pairs = pd.DataFrame({"found": raw.loc[changed, ours], "read_as": read[changed]})
        counts = pairs.value_counts().rename("rows").reset_index()
        counts = counts.sort_values(["found", "read_as"])
        tables.append(counts.assign(source=source, column=found[ours], ours=ours))
    columns = ["source", "column", "found", "read_as", "rows", "ours"]
    return stack_tables([table[columns] for table in tables])


def find_lookalikes(
    words: Mapping[str, pd.Series],
    settings: ActivitySettings,
    source: str,
    found: Mapping[str, str],
) -> pd.DataFrame:
    """Return ``source, column, found, looks_like, rows``: rare words close to a frequent one.

    Words that the settings list are known to be meant.
    """
    listed = {*settings.labels, *settings.labels.values()}
    rows = []
    for ours, column in words.items():
        counts = column.value_counts()
        # Free text cannot be compared pairwise, and is no list of names anyway.
        if ours == "period" or len(counts) > 200:
            continue
        for place, (word, count) in enumerate(counts.items()):
            if word in listed:
                continue
            frequent = [str(other) for other in counts.index[:place] if counts[other] > count]
            near = difflib.get_close_matches(str(word), frequent, n=1, cutoff=_ALIKE)
            rows += [(source, found[ours], str(word), match, int(count)) for match in near]
    table = _no_rows(("source", "column", "found", "looks_like"), ("rows",))
    return stack_tables([table, pd.DataFrame(rows, columns=table.columns)]) if rows else table


def stack_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return tables of the same columns one below the other, without the empty ones' types."""
    full = [table for table in tables if len(table)]
    return pd.concat(full, ignore_index=True) if full else tables[0].reset_index(drop=True)


def _no_rows(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    types = {**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, "int64")}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})

"""Read the data dictionary: what the columns and facts of a build mean.

The meanings are data (``data/dictionary.toml``); the types are those of the build. A test holds
the two to each other, so that neither can change alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pandas.api import types
from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.core.paths import ROOT
from analysis.core.problems import Problem, Refused
from analysis.core.settings import Settings

DICTIONARY_FILE = ROOT / "data" / "dictionary.toml"
#: A column with one of these endings is explained with the column that it belongs to.
INTERVAL = ("_low", "_high")
QUARTILES = ("_q1", "_median", "_q3")
#: Unit and meaning.
Entry = tuple[str, str]


class Described(BaseModel):
    """What one row of a table is, and what its columns mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    about: str
    columns: dict[str, Entry]


class Dictionary(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tables: dict[str, Described]
    facts: dict[str, Entry]


def read_dictionary(path: Path = DICTIONARY_FILE) -> Dictionary:
    """Read the dictionary.

    Raises
    ------
    Refused
        When the file cannot be read, or an entry is not made of a unit and a meaning.

    Examples
    --------
    >>> read_dictionary().tables["customers"].columns["recency_days"][0]
    'days'
    """
    remedy = "Every entry is a list of its unit, which may be empty, and its meaning."
    try:
        return Dictionary.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    except (OSError, ValueError) as error:
        reasons = [str(error)]
    raise Refused([Problem(path.name, reason, remedy=remedy) for reason in reasons])


def find_entry(column: str, known: Mapping[str, object]) -> str:
    """Return the entry that explains a column: its own, or that of its measure; else nothing.

    Examples
    --------
    >>> find_entry("share_low", {"share": 1}), find_entry("low", {"low": 1}), find_entry("x", {})
    ('share', 'low', '')
    """
    if column in known:
        return column
    bare = [column.removesuffix(end) for end in (*INTERVAL, *QUARTILES) if column.endswith(end)]
    return next((name for name in bare if name in known), "")


def columns(table: pd.DataFrame, described: Described, currency: Mapping[str, str]) -> pd.DataFrame:
    """Return what the columns of a table are, in its own order.

    Parameters
    ----------
    table
        Of the build.
    described
        Its part of the dictionary.
    currency
        What to write for ``{ledger}`` and ``{activity}``.

    Returns
    -------
    pandas.DataFrame
        column (with the endings that stand beside it, or in its place), type, unit, meaning.
    """
    endings: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for name in map(str, table.columns):
        if entry := find_entry(name, described.columns):
            first.setdefault(entry, name)
            endings.setdefault(entry, []).extend([name[len(entry) :]] if name != entry else [])
    rows = [
        {
            "column": entry + (f" ({', '.join(ends)})" if ends else ""),
            "type": kind(table[first[entry]]),
            "unit": fill_currency(described.columns[entry][0], currency),
            "meaning": described.columns[entry][1],
        }
        for entry, ends in endings.items()
    ]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "meaning"])


def fill_currency(unit: str, currency: Mapping[str, str]) -> str:
    """Return a unit with the currencies of the settings.

    Examples
    --------
    >>> fill_currency("{ledger}, or days", {"ledger": "£", "activity": "₽"})
    '£, or days'
    """
    for name, sign in currency.items():
        unit = unit.replace(f"{{{name}}}", sign)
    return unit


def kind(column: pd.Series) -> str:
    """Return what a column holds, in plain words.

    Examples
    --------
    >>> kind(pd.Series([1.5])), kind(pd.Series([True])), kind(pd.Series(["a"]))
    ('number', 'yes or no', 'text')
    """
    if types.is_bool_dtype(column):
        return "yes or no"
    if types.is_integer_dtype(column):
        return "whole number"
    if types.is_numeric_dtype(column):
        return "number"
    return "date" if types.is_datetime64_any_dtype(column) else "text"


def raw_names(settings: Settings) -> pd.DataFrame:
    """Return how our columns may be called in the files.

    Returns
    -------
    pandas.DataFrame
        table ("ledger", or one of the four), files (names without their ending; any in the
        ledger's folder), column (ours), names (that a file may use).
    """
    given = settings.activity
    parts = [("ledger", "any", settings.transactions.columns)]
    parts += [(role, ", ".join(given.files[role]), names) for role, names in given.columns.items()]
    rows = [
        (table, files, ours, ", ".join(theirs))
        for table, files, names in parts
        for ours, theirs in names.items()
    ]
    return pd.DataFrame(rows, columns=["table", "files", "column", "names"])


def words(settings: Settings) -> pd.DataFrame:
    """Return which words of the files are read as others: misspellings first, then labels.

    Returns
    -------
    pandas.DataFrame
        found, read_as, why ("misspelling" or "label").
    """
    given = settings.activity
    rows = [(one, other, "misspelling") for one, other in given.typos.items()]
    rows += [(one, other, "label") for one, other in given.labels.items()]
    return pd.DataFrame(rows, columns=["found", "read_as", "why"])

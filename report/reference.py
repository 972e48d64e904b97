"""Print the reference tables of the appendices: assumptions, columns, facts, accepted names.

They describe the build as it is, and say nothing about the shop: what they print comes from
``data/dictionary.toml``, the settings and the build's own files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from analysis.core import dictionary, files, formatting
from analysis.core.settings import Settings
from analysis.strategy import contact_lists
from report.page import BUILD, MANIFEST, escape

FACTS: dict[str, Any] = files.read_json(BUILD / "facts.json")
CURRENCY = {
    "ledger": FACTS.get("report.currency", ""),
    "activity": FACTS.get("activity.currency", ""),
}


def print_table(
    label: str,
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: Sequence[int],
) -> None:
    """Print a table of Markdown; its cells are Markdown, too.

    Parameters
    ----------
    widths
        Of the columns, in percent.
    """
    lines = [" | ".join(headings), "|".join(f":{'-' * width}" for width in widths)]
    lines += [" | ".join(cell or "\u200b" for cell in row) for row in rows]
    table = "\n".join(f"| {line} |" for line in lines)
    print(f"\n::: {{#{label}}}\n\n{table}\n\n{caption}\n\n:::\n")


def print_columns() -> None:
    """Print each table of the build that is described, with what its columns mean."""
    for name, described in dictionary.read_dictionary().tables.items():
        table = _empty_copy(name)
        if table is None:
            continue
        print(f"\n### {escape(name)}\n\n{described.about}\n")
        rows = dictionary.columns(table, described, CURRENCY).astype("str").to_numpy().tolist()
        print_table(
            f"tbl-columns-{name.replace('_', '-')}",
            f"Columns of {escape(name)}.",
            ["Column", "Type", "Unit", "Meaning"],
            [[escape(cell) for cell in row] for row in rows],
            [24, 14, 12, 50],
        )


def _empty_copy(name: str) -> pd.DataFrame | None:
    """Return a table of the build without its rows; None where there is none."""
    if name == "contacts":  # written on demand: here only for their columns
        tables = [_read(one) for one in ("actions", "customers", "activity")]
        lists = contact_lists.contact_lists(*tables)
        return pd.concat(lists.values()) if lists else None
    path = BUILD / f"{name}.parquet"
    if not path.is_file():
        return None
    made: pd.DataFrame = pq.read_schema(path).empty_table().to_pandas()
    return made if len(made.columns) else None


def _read(name: str) -> pd.DataFrame:
    path = BUILD / f"{name}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def print_facts() -> None:
    """Print the facts of note, with their values."""
    rows = [
        [
            escape(name),
            escape(_write(FACTS[name], dictionary.fill_currency(unit, CURRENCY))),
            escape(meaning),
        ]
        for name, (unit, meaning) in dictionary.read_dictionary().facts.items()
        if FACTS.get(name) is not None
    ]
    number = formatting.count(len(FACTS), "fact")
    caption = f"Some of the {number} in `facts.json`, from which the text takes its numbers."
    print_table("tbl-facts", caption, ["Fact", "Value", "Meaning"], rows, [38, 20, 42])


def _write(value: Any, unit: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if unit == "text":
        return str(value)
    if unit == "share":
        return formatting.percent(value, 1)
    if unit in CURRENCY.values():
        return formatting.money(value, unit)
    return f"{value:,.3f}".rstrip("0").rstrip(".") if unit == "score" else formatting.count(value)


def print_names() -> None:
    """Print how columns and words may be written in the files."""
    settings = Settings.model_validate(MANIFEST["settings"])
    print_table(
        "tbl-names",
        "How our columns may be called in the files. Capitals, spaces and underscores do not "
        "matter. More names can be added in `data/settings.toml`.",
        ["Table", "File", "Here", "In the file"],
        _escaped(dictionary.raw_names(settings)),
        [12, 18, 24, 46],
    )
    words = dictionary.words(settings)
    if len(words):
        print_table(
            "tbl-words",
            "Words of the tables of regular customers that are read as others; all other words "
            "stay as they are.",
            ["In the file", "Read as", "Because it is a"],
            _escaped(words),
            [40, 40, 20],
        )


def _escaped(table: pd.DataFrame) -> list[list[str]]:
    return [[escape(str(cell)) for cell in row] for row in table.to_numpy().tolist()]


def print_assumptions() -> None:
    """Print each assumption: its value and source, what rests on it, and what if it failed."""
    path = BUILD / "cards" / "assumption-table.json"
    made: list[Mapping[str, Any]] = files.read_json(path)["cards"]
    rows = [
        [
            f"**{escape(one['name'])}**: {escape(one['value'])}. *Source*: {_source(one)}. "
            f"*Used in*: {', '.join(f'@{label}' for label in one['rests'])}.",
            escape(one["fails"]),
        ]
        for one in made
    ]
    caption = (
        "Assumptions of this report: value, source, where they are used, and what would change if "
        "they failed."
    )
    print_table("tbl-assumptions", caption, ["What is assumed", "If it failed"], rows, [55, 45])


def _source(one: Mapping[str, Any]) -> str:
    """Say where an assumption comes from, and where it can be changed."""
    cited = f" [{'; '.join(f'@{key}' for key in one['cites'])}]" if one["cites"] else ""
    place = one["settings"] if "/" in one["settings"] else f"[{one['settings']}]"
    return f"{escape(one['source'])}{cited}" + (f"; `{place}`" if one["settings"] else "")


def print_versions() -> None:
    """Print the versions of the libraries that made the build."""
    versions = MANIFEST["versions"].items()
    listed = ", ".join(f"{escape(name)} {escape(str(number))}" for name, number in versions)
    print(f"\nLibraries: {listed}.\n")

"""Count and report the order lines that break their contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from analysis.core.privacy import is_personal, mask_addresses, pseudonym
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings
from analysis.ingest.parts import Part
from analysis.orders import contract
from analysis.orders.canonical import Reading, row_number
from analysis.orders.meaning.customer_ids import tidy_id

#: The rule that a text file's rows break before there are columns to hold to a contract.
RAGGED = "fields_match_header"
RAGGED_SENTENCE = "the row has as many fields as the header"


def count_lines(read: ir.Table) -> pd.DataFrame:
    """Return one row per file and set of broken rules, from one scan."""
    tomorrow = ibis.timestamp(f"{dt.date.today() + dt.timedelta(days=1)}")
    date = read.invoice_date
    return (
        read.group_by("part", "broken")
        .aggregate(
            rows=read.count(),
            customer_rows=read.customer_id.count(),
            first_date=date.min(),
            latest=date.max(),
            future_rows=(date >= tomorrow).sum().fill_null(0),
        )
        .execute()
    )


def _customers(read: ir.Table, part: int, customer_rows: int) -> int:
    """Return a file's customers; where some id repeats early on, no more than are needed."""
    ids = read.filter((read.part == part) & read.customer_id.notnull()).select("customer_id")
    some = ids.limit(10_000)
    early = some.aggregate(rows=some.count(), ids=some.customer_id.nunique()).execute().iloc[0]
    if early["ids"] < early["rows"]:
        return min(int(early["ids"]), customer_rows)
    return int(ids.customer_id.nunique().execute())


def summarise_files(
    read: ir.Table, counts: pd.DataFrame, readings: Sequence[Reading]
) -> pd.DataFrame:
    """Return one row per file: its rows, dates and notation."""
    sound = counts[counts["broken"] == 0].groupby("part")
    by_part = counts.groupby("part")
    counted = by_part[["rows", "customer_rows", "future_rows"]].sum()
    counted["refused_rows"] = counted["rows"] - sound["rows"].sum().reindex(counted.index).fillna(0)
    counted["first_date"] = sound["first_date"].min()
    counted["last_date"] = sound["latest"].max()
    counted["customers"] = [
        _customers(read, part, rows)
        for part, rows in zip(counted.index.to_list(), counted["customer_rows"], strict=True)
    ]
    counted.index = pd.Index([readings[part].part.source for part in counted.index.to_list()])
    about = pd.DataFrame(
        [
            {
                "source": r.part.source,
                "encoding": r.part.encoding,
                "separator": r.part.separator,
                "date_format": r.date_format,
                "decimal_mark": r.decimal_mark,
                "ragged": len(r.part.ragged),
                "rows_in_file": r.part.rows_in_file,
            }
            for r in readings
        ]
    ).set_index("source")
    files = about.join(counted)
    # Of an export, the rows of its file count, and not the lines that were made of them.
    files["rows"] = files["rows_in_file"].fillna(files["rows"])
    files[["rows", "refused_rows"]] = files[["rows", "refused_rows"]].add(files["ragged"], axis=0)
    whole = ["rows", "refused_rows", "future_rows", "customer_rows", "customers"]
    files[whole] = files[whole].fillna(0).astype("int64")
    return files.drop(columns=["ragged", "rows_in_file"]).reset_index()


def summarise_rules(counts: pd.DataFrame, schema: object, parts: Sequence[Part]) -> pd.DataFrame:
    """Return one row per rule of the contract, with the rows that broke it."""
    sentences = contract.sentences(schema)
    found = {
        name: int(counts.loc[(counts["broken"] & (1 << i)) != 0, "rows"].sum())
        for i, name in enumerate(sentences)
    }
    found["all_rows"] = int(counts["rows"].sum())
    ragged = sum(len(part.ragged) for part in parts)
    rows = [
        {"rule": name, "column": column, "asks_for": asks_for, "rows": found[name]}
        for name, (column, asks_for) in sentences.items()
    ]
    rows.append(
        {
            "rule": RAGGED,
            "column": "",
            "asks_for": RAGGED_SENTENCE,
            "rows": ragged,
        }
    )
    table = pd.DataFrame(rows)
    return table.assign(share=table["rows"] / (found["all_rows"] + ragged))


def list_problems(
    raw: ir.Table,
    files: pd.DataFrame,
    schema: object,
    settings: TransactionSettings,
    readings: Sequence[Reading],
) -> list[Problem]:
    """Return everything that is wrong with the files that cannot be used as a whole."""
    problems: list[Problem] = []
    spelled = {r.part.source: r.names for r in readings}
    parts = {r.part.source: r.part for r in readings}
    each: Iterable[Any] = files.itertuples()
    for file in each:
        if file.refused_rows > settings.refused_share * file.rows:
            problems += _rule_problems(raw, file, schema, settings, spelled[file.source])
            problems += ragged_problems(parts[file.source], settings.refused_share)
        if file.future_rows:
            late = raw.filter(raw.source == file.source).order_by(ibis.desc("invoice_date"))
            row = late.select("row_number", "invoice_date").limit(1).execute().iloc[0]
            problems.append(
                Problem(
                    file.source,
                    "dates lie in the future",
                    column=spelled[file.source]["invoice_date"],
                    rows=int(file.future_rows),
                    example=f"row {row.row_number}: {row.invoice_date:%Y-%m-%d}",
                    remedy="Correct the dates: day and month may be swapped, or the year mistyped.",
                )
            )
        if not file.customer_rows:
            problems.append(
                Problem(
                    file.source,
                    "no row has a customer id",
                    column=spelled[file.source]["customer_id"],
                    remedy="Nothing can be said about customers without it: export it too.",
                )
            )
        elif file.customers == file.customer_rows and file.customers >= 1000:
            problems.append(
                Problem(
                    file.source,
                    "the column does not look like a customer id: every row has a different value",
                    column=spelled[file.source]["customer_id"],
                    rows=int(file.customers),
                    remedy="It looks like a row or invoice number; name the customer's column.",
                )
            )
    return problems


def _rule_problems(
    raw: ir.Table,
    file: object,
    schema: object,
    settings: TransactionSettings,
    spelled: dict[str, str],
) -> list[Problem]:
    """Return one problem per rule that the file breaks."""
    source: str = file.source  # type: ignore[attr-defined]
    rows: int = file.rows  # type: ignore[attr-defined]
    mine = raw.filter(raw.source == source)
    sentences = contract.sentences(schema)
    breaks = {name: (mine.broken & (1 << position)) != 0 for position, name in enumerate(sentences)}
    found = (
        mine.aggregate(
            **{f"{name} count": hit.sum().fill_null(0) for name, hit in breaks.items()},
            **{f"{name} first": mine.row_number.min(where=hit) for name, hit in breaks.items()},
        )
        .execute()
        .iloc[0]
    )
    broken = [name for name in sentences if found[f"{name} count"]]
    first = {name: int(found[f"{name} first"]) for name in broken}
    values = mine.filter(mine.row_number.isin(sorted({*first.values()}))).execute()
    values = values.set_index("row_number")
    problems = []
    for name in broken:
        column, asks_for = sentences[name]
        count, row = int(found[f"{name} count"]), values.loc[first[name]]
        text = row.get(f"{column}_text")
        value = row[column] if pd.isna(text) else text
        problems.append(
            Problem(
                source,
                _breach(count, rows, asks_for, settings.refused_share),
                column=spelled.get(column, column),
                rows=count,
                example=f"row {first[name]}: "
                + ("empty" if pd.isna(value) else repr(str(value)[:80])),
                remedy=_REMEDIES.get(name, "Correct these rows, or send the file again."),
            )
        )
    return problems


def _breach(count: int, rows: int, asks_for: str, most: float) -> str:
    return (
        f"{count / rows:.1%} of the rows break the rule '{asks_for}' "
        f"(at most {most:.1%} of a file's rows may be refused)"
    )


def ragged_problems(part: Part, most: float) -> list[Problem]:
    """Return the problem of rows that could not be split into the header's columns, if any."""
    if not part.ragged:
        return []
    first, count = part.ragged[0], len(part.ragged)
    return [
        Problem(
            part.source,
            _breach(count, part.rows + count, RAGGED_SENTENCE, most),
            rows=count,
            example=f"row {first.row} has {first.fields} fields, the header {len(part.columns)}: "
            f"{first.line[:80]!r}",
            remedy="Put values that hold the delimiter or a line break between quotation marks.",
        )
    ]


_REMEDIES = {
    "quantity_read": "Export numbers plainly, without units or separators between thousands.",
    "unit_price_read": "Export numbers plainly, without currency or separators between thousands.",
    "amount_read": "Export numbers plainly, without currency or separators between thousands.",
    "invoice_date_read": "Export dates as 2024-12-31 14:05, or add their format to date_formats "
    "in data/settings.toml.",
    "customer_id_is_an_id": "Name the column that holds the customer's number.",
}


def quarantine_lines(
    engine: Backend,
    read: ir.Table,
    readings: Sequence[Reading],
    schema: object,
    parts: Sequence[Part],
    refused: int,
    salt: bytes,
) -> pd.DataFrame:
    """Return the refused lines, as they stand in their files, with the rules that refused them.

    Addresses in them are masked; a customer whose id is one has the pseudonym in its place.
    """
    ragged = ragged_lines(parts)
    if refused == len(ragged):
        return ragged
    names = list(contract.sentences(schema))
    bad = engine.create_table(
        "refused", read.filter(read.broken != 0).select("part", "row_number", "broken"), temp=True
    )
    found = []
    for place, reading in enumerate(readings):
        numbered = reading.table.mutate(row_number=row_number(reading))
        hits = numbered.join(bad.filter(bad.part == place), "row_number")
        line = ibis.literal(" | ").join(
            [hits[column].cast("string").fill_null("") for column in reading.part.columns]
        )
        own = hits[reading.names["customer_id"]].cast("string")
        bad_lines = hits.select("row_number", "broken", line=line, own=own).execute()
        bad_lines["line"] = [
            _without_identity(text, None if pd.isna(identity) else str(identity), salt)
            for text, identity in zip(bad_lines["line"], bad_lines.pop("own"), strict=True)
        ]
        found.append(bad_lines.assign(source=reading.part.source))
    hits = pd.concat(found)
    hits["rule"] = hits["broken"].map(
        lambda bits: ", ".join(name for i, name in enumerate(names) if bits >> i & 1)
    )
    both = pd.concat([hits[list(ragged.columns)], ragged], ignore_index=True)
    return both.sort_values(["source", "row_number"], ignore_index=True)


def _without_identity(line: str, identity: str | None, salt: bytes) -> str:
    """Mask the addresses of a line, and put a pseudonym in the place of a personal id."""
    if identity and is_personal(identity):
        line = line.replace(identity, pseudonym(tidy_id(identity), salt))
    return mask_addresses(line)


def ragged_lines(parts: Sequence[Part]) -> pd.DataFrame:
    """Return the quarantine of rows that could not be split into the header's columns."""
    rows = [
        (part.source, bad.row, RAGGED, mask_addresses(bad.line))
        for part in parts
        for bad in part.ragged
    ]
    types = {"source": "str", "row_number": "int64", "rule": "str", "line": "str"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)

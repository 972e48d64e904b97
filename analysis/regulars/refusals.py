"""Report rows, columns and tables of regular customers that break the contract."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import pandas as pd
from pandera.errors import SchemaErrors

from analysis.core.problems import Problem, Refused
from analysis.core.settings import ActivitySettings
from analysis.regulars.contract import (
    CONFLICT,
    CUSTOMERS_SCHEMA,
    EMPTY,
    NO_ID,
    RAW_SCHEMAS,
    REPEATED,
    Role,
    RoleTable,
)

_LABELS = {"declined": True, "same": False}


def find_broken_rows(
    role: Role, typed: pd.DataFrame, raw: pd.DataFrame, found: Mapping[str, str]
) -> pd.DataFrame:
    """Return ``row, ours, rule``: every rule that a row breaks; ours is "" for a whole row."""
    try:
        RAW_SCHEMAS[role].validate(typed, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases.dropna(subset="index")
    else:
        return pd.DataFrame({"row": [], "ours": [], "rule": []})
    whole = cases["schema_context"] == "DataFrameSchema"
    broken = pd.DataFrame(
        {
            "row": cases["index"].astype("int64"),
            "ours": cases["column"].astype("str").where(~whole, ""),
            "rule": cases["check"].astype("str"),
        }
    ).drop_duplicates()
    # A cell that could not be read is missing by now: the raw cell tells it from an empty one.
    unread = broken["rule"] == "not_nullable"
    broken.loc[unread, "rule"] = [
        _why_missing(role, ours, raw.loc[row, ours])
        for row, ours in zip(broken.loc[unread, "row"], broken.loc[unread, "ours"], strict=True)
    ]
    order = {name: place for place, name in enumerate(("", *found))}
    return broken.sort_values(
        ["row", "ours", "rule"], key=lambda key: key.map(order) if key.name == "ours" else key
    ).reset_index(drop=True)


def _why_missing(role: Role, ours: str, cell: object) -> str:
    """Return why a cell holds nothing that could be used."""
    if not isinstance(cell, str) or not cell.strip():
        return EMPTY
    return "is neither yes nor no" if ours == "consent" else "is not a number"


def quarantine_rows(
    broken: pd.DataFrame, texts: pd.DataFrame, source: str, found: Mapping[str, str]
) -> pd.DataFrame:
    """Return ``source, row_number, rule, line``, one line a refused row, with all its rules."""
    places = broken["row"].drop_duplicates()
    lines = texts.loc[places].fillna("")
    spelled = [
        f"'{found[ours]}' {rule}" if ours else rule
        for ours, rule in zip(broken["ours"], broken["rule"], strict=True)
    ]
    rules = pd.Series(spelled, dtype="str").groupby(broken["row"], sort=False).agg("; ".join)
    return pd.DataFrame(
        {
            "source": pd.Series(source, index=range(len(places)), dtype="str"),
            "row_number": places.to_numpy("int64"),
            "rule": pd.Series(list(rules), dtype="str"),
            "line": pd.Series(map(" | ".join, lines.to_numpy().tolist()), dtype="str"),
        }
    )


_REMEDIES = {
    EMPTY: "Fill the cells in, or leave the rows out.",
    REPEATED: "Export the table again, without repeated rows.",
    CONFLICT: "Keep one row for each customer (and period).",
    NO_ID: "Format the column as text before saving, and check that it is the right column.",
    "is not a number": "Write plain numbers, without units; a decimal comma is fine.",
    "is neither yes nor no": "Correct the cells, or add the word to [activity.labels] in "
    "data/settings.toml.",
    "is not a known period": "Correct the cells, or add the spelling to [activity.typos] in "
    "data/settings.toml.",
}


def list_row_problems(
    broken: pd.DataFrame, raw: pd.DataFrame, source: str, found: Mapping[str, str], allowed: float
) -> list[Problem]:
    """Return a problem for each column and rule, for a file with too many refused rows."""
    share = broken["row"].nunique() / len(raw)
    problems = []
    for (ours, rule), cases in broken.groupby(["ours", "rule"], sort=True):
        row = cases["row"].iloc[0]
        remedy = _REMEDIES.get(str(rule), "Correct the cells.")
        problems.append(
            Problem(
                source=source,
                column=found.get(str(ours), ""),
                rule=str(rule),
                rows=len(cases),
                example=_example(raw.loc[row, str(ours) or "customer_id"], row),
                remedy=f"{remedy} In all {share:.1%} of the file's rows break a rule; "
                f"up to {allowed:.1%} would be left out and counted.",
            )
        )
    return problems


def _example(cell: Hashable, row: int) -> str:
    """Return a cell and its row as a message shows them."""
    return f"'{_format_cell(cell)}' in row {row}"


def _format_cell(cell: Hashable, longest: int = 60) -> str:
    text = cell if isinstance(cell, str) else ""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def refuse_table(problem: Problem) -> RoleTable:
    """Return a table of which nothing can be used."""
    nothing = pd.DataFrame()
    return RoleTable(nothing, nothing, nothing, nothing, (problem,))


def missing_table(role: Role, settings: ActivitySettings) -> Problem:
    """Describe a table that is missing."""
    names = " or ".join(f"{name}.csv" for name in settings.files.get(role, [role]))
    return Problem(
        source=f"{settings.folder}/",
        rule=f"the {role} table is missing",
        remedy=f"Put {names} (or .xlsx, .parquet) into the folder.",
    )


def missing_columns(
    missing: Sequence[str],
    role: Role,
    source: str,
    names: Sequence[str],
    settings: ActivitySettings,
) -> Problem:
    """Describe the columns that a table lacks."""
    wanted = settings.columns[role]
    accepted = "; ".join(
        f"{ours} (accepted: {', '.join(map(repr, wanted[ours]))})" for ours in missing
    )
    # A column that is not there was most often renamed: to go on would empty every contact list.
    unknown = "If nobody was asked for consent, send its column empty. " * ("consent" in missing)
    return Problem(
        source=source,
        rule=f"{len(missing)} column{'s' * (len(missing) != 1)} missing: {accepted}",
        remedy="Supply what is missing, or add the file's spelling to "
        f"[activity.columns.{role}] in data/settings.toml. {unknown}"
        f"The file has {', '.join(repr(_format_cell(name)) for name in names)}.",
    )


def label_problem(
    role: Role,
    accepted: pd.DataFrame,
    raw: pd.DataFrame,
    source: str,
    found: Mapping[str, str],
    settings: ActivitySettings,
) -> list[Problem]:
    """Return the problem of a label column without exactly the two known labels, if there is."""
    if role != "behaviour" or accepted.empty:
        return []
    values = accepted["activity"].value_counts().sort_index()
    values = values.sort_values(ascending=False, kind="stable")
    if set(values.index) == set(_LABELS):
        return []
    strange = accepted.index[~accepted["activity"].isin(list(_LABELS))]
    spelled = {read: written for written, read in settings.labels.items() if read in _LABELS}
    shown = [f"'{_format_cell(value, 40)}' ({rows:,})" for value, rows in values.head(5).items()]
    more = f" and {len(values) - 5:,} more" if len(values) > 5 else ""
    return [
        Problem(
            source=source,
            column=found["activity"],
            rule="the label must have exactly two values, one for customers who buy less and one "
            f"for those who stay; it has {len(values):,}: {', '.join(shown)}{more}",
            rows=len(strange) or None,
            example=_example(raw.loc[strange[0], "activity"], strange[0]) if len(strange) else "",
            remedy=f"Expected {' and '.join(repr(spelled.get(label, label)) for label in _LABELS)}"
            ": correct the file, or say in [activity.labels] and [activity.typos] of "
            "data/settings.toml which value means 'declined' and which 'same'.",
        )
    ]


def find_strangers(tables: Mapping[Role, RoleTable], sources: Mapping[Role, str]) -> list[Problem]:
    """Return a problem for each table that shares no customer with the behaviour table."""
    if "behaviour" not in tables:
        return []
    known = set(tables["behaviour"].rows["customer_id"])
    return [
        Problem(
            source=sources[role],
            column=table.id_column,
            rule=f"no customer of this file is in {sources['behaviour']}",
            rows=len(table.rows),
            example=_example(table.rows["customer_id"].iloc[0], table.rows.index[0]),
            remedy="Check that the files belong together and write ids in the same way.",
        )
        for role, table in tables.items()
        if role != "behaviour" and known.isdisjoint(table.rows["customer_id"])
    ]


def check_customers(customers: pd.DataFrame, source: str) -> None:
    """Refuse what is left after joining when no model could be built on it."""
    if customers.empty:
        raise Refused(
            [
                Problem(
                    source=source,
                    rule="no customer is in all four tables with sales in every month",
                    remedy="Check that the four files belong together and cover the same months.",
                )
            ]
        )
    try:
        CUSTOMERS_SCHEMA.validate(customers, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        raise Refused(
            [
                Problem(
                    source=f"{source}, after joining",
                    column=str(column),
                    rule=str(check),
                    remedy="Check that the four files belong together.",
                )
                for column, check in cases[["column", "check"]].drop_duplicates().values
            ]
        ) from None

"""Who are the regular customers, one row each, and what dirt was in their four tables?

The tables say how customers behave, what they spent and how long they stayed in each month,
and what profit they brought. A row that breaks a rule is set apart and the rest goes on; a file
that cannot be trusted is refused, with every problem of all four files in one message.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pandera.pandas as pan
import pyarrow as pa
from pandera.errors import SchemaErrors

from analysis.names import BEHAVIOUR_NUMBERS, MINUTES, REVENUES
from analysis.problems import Problem, Refused
from analysis.settings import ActivitySettings
from analysis.sources import ROW, match_columns

Facts = dict[str, float | int | str]
Role = Literal["behaviour", "revenue", "minutes", "profit"]

ROLES: tuple[Role, ...] = ("behaviour", "revenue", "minutes", "profit")
#: The months that the two tables by month must hold, oldest first.
MONTHS: dict[Role, tuple[str, ...]] = {
    "revenue": tuple(name.removeprefix("revenue_") for name in REVENUES),
    "minutes": tuple(name.removeprefix("minutes_") for name in MINUTES),
}

_LABELS = {"declined": True, "same": False}
_ANSWERS = {"yes": True, "no": False, "true": True, "false": False}
_WORDS: dict[Role, tuple[str, ...]] = {
    "behaviour": ("activity", "service_level", "consent", "favourite_category"),
    "revenue": ("period",),
    "minutes": ("period",),
    "profit": (),
}
_KEYS: dict[Role, list[str]] = {
    "behaviour": ["customer_id"],
    "revenue": ["customer_id", "period"],
    "minutes": ["customer_id", "period"],
    "profit": ["customer_id"],
}
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")
# What spreadsheets make of a long number, or of a number in the wrong column.
_NOT_AN_ID = re.compile(r"[+-]?[0-9]+[.,][0-9]+([eE][+-]?[0-9]+)?|[0-9]+[eE]\+[0-9]+|-[0-9]+")

_EMPTY = "is empty"
_REPEATED = "the same row stands in the file before"
_CONFLICT = "several rows that differ have the same key, and none can be told to be right"
_NO_ID = "is not a customer id"
#: From this ratio of `difflib.SequenceMatcher` (Ratcliff and Obershelp) on, words are alike.
_ALIKE = 0.85

# ------------------------------------------------------------------------------ the schemas


def _number(highest: float | None = None, lowest: float | None = 0) -> pan.Column:
    """Return the rule of a column of numbers; an empty cell breaks it."""
    checks = []
    if lowest is not None:
        checks.append(pan.Check.ge(lowest, error=f"is below {lowest:g}"))
    if highest is not None:
        checks.append(pan.Check.le(highest, error=f"is above {highest:g}"))
    return pan.Column(float, checks)


def _is_id(ids: pd.Series) -> pd.Series:
    """Return which texts can be ids: printable, not a fraction and not a mangled long number."""
    return ids.map(
        lambda text: len(text) <= 64 and text.isprintable() and not _NOT_AN_ID.fullmatch(text)
    ).astype(bool)


def _customer_id() -> pan.Column:
    return pan.Column(str, pan.Check(_is_id, error=_NO_ID))


def _period(role: Role) -> pan.Column:
    return pan.Column(str, pan.Check.isin(MONTHS[role], error="is not a known period"))


def _raw_schema(role: Role, columns: dict[str, pan.Column]) -> pan.DataFrameSchema:
    """Return a raw table's schema: its columns' rules, and one row a key."""
    key = _KEYS[role]

    def first_of_its_kind(rows: pd.DataFrame) -> pd.Series:
        return ~rows.duplicated()

    def undisputed(rows: pd.DataFrame) -> pd.Series:
        # Rows of unknown periods are refused for that, and for nothing else.
        known = rows["period"].isin(MONTHS[role]) if "period" in rows else rows.index.notna()
        distinct = rows[known].drop_duplicates()
        disputed = distinct.duplicated(key, keep=False) & distinct[key].notna().all(axis="columns")
        return ~disputed.reindex(rows.index, fill_value=False)

    return pan.DataFrameSchema(
        {"customer_id": _customer_id(), **columns},
        checks=[
            pan.Check(first_of_its_kind, error=_REPEATED, ignore_na=False),
            pan.Check(undisputed, error=_CONFLICT, ignore_na=False),
        ],
        strict=True,
    )


#: The rules of the four raw tables, after their cells were read as numbers, words, yes and no.
RAW_SCHEMAS: dict[Role, pan.DataFrameSchema] = {
    "behaviour": _raw_schema(
        "behaviour",
        {
            "activity": pan.Column(str),
            "service_level": pan.Column(str),
            "consent": pan.Column("boolean"),
            "favourite_category": pan.Column(str),
            **{name: _number(highest) for name, highest in BEHAVIOUR_NUMBERS.items()},
        },
    ),
    "revenue": _raw_schema("revenue", {"period": _period("revenue"), "revenue": _number()}),
    "minutes": _raw_schema("minutes", {"period": _period("minutes"), "minutes": _number()}),
    "profit": _raw_schema("profit", {"profit": _number(lowest=None)}),
}

#: The rules of `ActivityTables.customers`, which the model is built on.
CUSTOMERS_SCHEMA = pan.DataFrameSchema(
    {
        "customer_id": pan.Column(str, unique=True),
        "decline": pan.Column(
            bool,
            pan.Check(
                lambda decline: decline.nunique() == 2,
                error="customers who declined and customers who stayed must both be there",
            ),
        ),
        "service_level": pan.Column(str),
        "consent": pan.Column(bool),
        **{name: _number(highest) for name, highest in BEHAVIOUR_NUMBERS.items()},
        "favourite_category": pan.Column(str),
        # A customer without sales in one of the months is no regular customer.
        **{name: pan.Column(float, pan.Check.gt(0, error="is not above 0")) for name in REVENUES},
        **{name: _number() for name in MINUTES},
        "profit": _number(lowest=None),
    },
    strict=True,
    ordered=True,
)

# ------------------------------------------------------------------------------ the results


@dataclass(frozen=True)
class ActivityTables:
    """The activity case, joined and checked.

    Attributes
    ----------
    customers
        The customers that the report goes on with, one row each, in the behaviour table's order;
        columns as in `CUSTOMERS_SCHEMA`: ``customer_id`` (text), ``decline`` (bool: buys less),
        ``service_level``, ``consent`` (bool), ``contacts_6_months`` and ``contacts_this_month``
        (marketing contacts a month), ``days_registered``, ``promo_share`` (0 to 1),
        ``categories_per_visit``, ``unpaid_items``, ``service_errors``, ``pages_per_visit``,
        ``favourite_category``, ``revenue_*`` (money a month), ``minutes_*`` (a day on the site),
        ``profit``.
    joined
        All customers of the behaviour table, with the same columns, before any was set aside;
        a figure that the other tables lack is missing. Internal.
        Where the column of consent is wholly empty, nobody is known to consent: ``consent`` is
        false for all, and the fact ``activity.consent_known`` says so.
    typos
        ``source, column, found, read_as, rows``: spellings that were mended.
    lookalikes
        ``source, column, found, looks_like, rows``: rare words that resemble a more frequent
        one of their column, and were left as they are.
    set_aside
        ``rule, customers``: customers left out, each counted under the first rule that fits.
    set_aside_customers
        ``customer_id, rule``. Internal: it names customers.
    joins
        ``from, to, missing_customers``: customers of one table that another lacks.
    quarantine
        ``source, row_number, rule, line``: refused rows. The header is row 1 of a file.
    facts
        Numbers for the prose, keyed ``activity.*``.
    """

    customers: pd.DataFrame
    joined: pd.DataFrame
    typos: pd.DataFrame
    lookalikes: pd.DataFrame
    set_aside: pd.DataFrame
    set_aside_customers: pd.DataFrame
    joins: pd.DataFrame
    quarantine: pd.DataFrame
    facts: Facts


@dataclass(frozen=True)
class RoleTable:
    """One of the four tables, read: its good rows, its dirt, and why it is refused if it is.

    Attributes
    ----------
    rows
        Accepted rows under our names, typed as in `RAW_SCHEMAS`.
    typos, lookalikes, quarantine
        As in `ActivityTables`; the typos also have our name of the column, ``ours``.
    problems
        Empty when the file is accepted.
    id_column
        The id column as the file spells it.
    consent_known
        False where the column of consent is there, and empty from top to bottom.
    """

    rows: pd.DataFrame
    typos: pd.DataFrame
    lookalikes: pd.DataFrame
    quarantine: pd.DataFrame
    problems: tuple[Problem, ...]
    id_column: str = ""
    consent_known: bool = True


# ------------------------------------------------------------------------- reading the tables


def read_activity(
    tables: Mapping[str, pa.Table | pd.DataFrame],
    settings: ActivitySettings,
    sources: Mapping[str, str],
) -> ActivityTables:
    """Check the four tables, mend what is known, and join them to one row a customer.

    Parameters
    ----------
    tables
        Raw tables by role: behaviour, revenue, minutes, profit. Text and typed columns are both
        fine. A column `analysis.sources.ROW` gives the rows' numbers in their file; without it
        the first row counts as row 2, after the header.
    settings
        Names, spellings and limits of the activity case.
    sources
        File names by role, for messages.

    Raises
    ------
    Refused
        With every problem of all tables: a missing table or column, no rows, too many refused
        rows, a label column without exactly the two known labels, tables of other customers.
    """
    given = {role: tables[role] for role in ROLES if role in tables}
    names = {role: sources.get(role, role) for role in given}
    read = {role: read_role(role, given[role], names[role], settings) for role in given}
    problems = [problem for table in read.values() for problem in table.problems]
    problems += [_missing_table(role, settings) for role in ROLES if role not in given]
    sound = {role: table for role, table in read.items() if not table.problems}
    problems += _strangers(sound, names)
    if problems:
        raise Refused(problems)

    joined = join({role: table.rows for role, table in read.items()})
    limits = revenue_limits(joined, settings.impossible_revenue)
    rule = set_aside_rule(joined, limits)
    customers = _finish(joined[rule == ""])
    _check_customers(customers, names["behaviour"])

    typos = _stack([table.typos for table in read.values()])
    lookalikes = _stack([table.lookalikes for table in read.values()])
    quarantine = _stack([table.quarantine for table in read.values()])
    joins = missing_customers({role: table.rows["customer_id"] for role, table in read.items()})
    aside = joined.loc[rule != "", ["customer_id"]].assign(rule=rule[rule != ""])
    result = ActivityTables(
        customers=customers,
        joined=joined,
        typos=typos.drop(columns="ours"),
        lookalikes=lookalikes,
        set_aside=_count_rules(rule),
        set_aside_customers=aside.reset_index(drop=True),
        joins=joins,
        quarantine=quarantine,
        facts={},
    )
    rows = {role: len(table.rows) + len(table.quarantine) for role, table in read.items()}
    result.facts.update(_facts(result, typos, rows, limits))
    result.facts["activity.consent_known"] = read["behaviour"].consent_known
    return result


def read_role(
    role: Role, table: pa.Table | pd.DataFrame, source: str, settings: ActivitySettings
) -> RoleTable:
    """Read one of the four tables.

    Parameters
    ----------
    role
        Which of `ROLES` the table is.
    table
        The raw table.
    source
        The file's name.
    settings
        Names, spellings and limits of the activity case.

    Returns
    -------
    RoleTable
        With problems instead of an exception, so that they can be gathered over all tables.
    """
    texts = _texts(table)
    wanted = settings.columns[role]
    try:
        found = match_columns(list(texts.columns), wanted)
    except ValueError as ambiguous:
        return _refused(Problem(source, str(ambiguous), remedy="Rename the one that is not meant."))
    if missing := [name for name in wanted if name not in found]:
        return _refused(_missing_columns(missing, role, source, list(texts.columns), settings))
    if texts.empty:
        return _refused(
            Problem(source, "there are no rows below the header", remedy="Send the file again.")
        )

    raw = texts[list(found.values())].set_axis(list(found), axis="columns")
    words = {name: _read_words(raw[name], settings.typos) for name in _WORDS[role]}
    typos = _typos(raw, words, source, found)
    typed = _typed(role, raw, words, settings.labels)
    # An empty cell among answers is a gap, and its row is refused. A column without any answer
    # says that nobody was asked: nobody is known to consent, and everything else can be trusted.
    consent_known = "consent" not in words or bool(words["consent"].notna().any())
    if not consent_known:
        typed["consent"] = pd.array([False] * len(typed), dtype="boolean")
    broken = _broken_rows(role, typed, raw, found)
    quarantine = _quarantine(broken, texts, source, found)
    accepted = typed.drop(index=pd.Index(quarantine["row_number"]))
    problems = _label_problem(role, accepted, raw, source, found, settings)
    if accepted.empty or len(quarantine) > settings.refused_share * len(raw):
        problems += _row_problems(broken, raw, source, found, settings.refused_share)
    return RoleTable(
        rows=accepted,
        typos=typos,
        lookalikes=_lookalikes(words, settings, source, found),
        quarantine=quarantine,
        problems=tuple(problems),
        id_column=found["customer_id"],
        consent_known=consent_known,
    )


def _texts(table: pa.Table | pd.DataFrame) -> pd.DataFrame:
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


def _read_words(cells: pd.Series, typos: Mapping[str, str]) -> pd.Series:
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
        value = float(bare.replace(",", ".")) if _NUMBER.fullmatch(bare) else math.nan
        return value if math.isfinite(value) else math.nan

    return cells.map(read, na_action="ignore").astype("float64")


def _read_ids(cells: pd.Series) -> pd.Series:
    """Return ids as text; ``215348.0``, which a typed column makes of 215348, is 215348."""
    return _clean(cells).str.replace(r"^([0-9]+)\.0+$", r"\1", regex=True)


def _typed(
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


# ------------------------------------------------------------------------- rows that are refused


def _broken_rows(
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
        return _EMPTY
    return "is neither yes nor no" if ours == "consent" else "is not a number"


def _quarantine(
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
    _EMPTY: "Fill the cells in, or leave the rows out.",
    _REPEATED: "Export the table again, without repeated rows.",
    _CONFLICT: "Keep one row for each customer (and period).",
    _NO_ID: "Format the column as text before saving, and check that it is the right column.",
    "is not a number": "Write plain numbers, without units; a decimal comma is fine.",
    "is neither yes nor no": "Correct the cells, or add the word to [activity.labels] in "
    "data/settings.toml.",
    "is not a known period": "Correct the cells, or add the spelling to [activity.typos] in "
    "data/settings.toml.",
}


def _row_problems(
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
    return f"'{_shown(cell)}' in row {row}"


def _shown(cell: Hashable, longest: int = 60) -> str:
    text = cell if isinstance(cell, str) else ""
    return text if len(text) <= longest else text[: longest - 1] + "…"


# ------------------------------------------------------------------------ files that are refused


def _refused(problem: Problem) -> RoleTable:
    """Return a table of which nothing can be used."""
    nothing = pd.DataFrame()
    return RoleTable(nothing, nothing, nothing, nothing, (problem,))


def _missing_table(role: Role, settings: ActivitySettings) -> Problem:
    names = " or ".join(f"{name}.csv" for name in settings.files.get(role, [role]))
    return Problem(
        source=f"{settings.folder}/",
        rule=f"the {role} table is missing",
        remedy=f"Put {names} (or .xlsx, .parquet) into the folder.",
    )


def _missing_columns(
    missing: Sequence[str],
    role: Role,
    source: str,
    names: Sequence[str],
    settings: ActivitySettings,
) -> Problem:
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
        f"The file has {', '.join(repr(_shown(name)) for name in names)}.",
    )


def _label_problem(
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
    shown = [f"'{_shown(value, 40)}' ({rows:,})" for value, rows in values.head(5).items()]
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


def _strangers(tables: Mapping[Role, RoleTable], sources: Mapping[Role, str]) -> list[Problem]:
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


def _check_customers(customers: pd.DataFrame, source: str) -> None:
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


# ------------------------------------------------------------------------------- mended spellings


def _typos(
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
    return _stack([table[columns] for table in tables])


def _lookalikes(
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
    return _stack([table, pd.DataFrame(rows, columns=table.columns)]) if rows else table


# ---------------------------------------------------------------------------- joining the tables


def join(tables: Mapping[Role, pd.DataFrame]) -> pd.DataFrame:
    """Join the four tables to one row a customer of the behaviour table, in its order.

    Parameters
    ----------
    tables
        Accepted rows by role, with unique keys.

    Returns
    -------
    pandas.DataFrame
        Columns as in `CUSTOMERS_SCHEMA`; a figure that a table lacks is missing.
    """
    months = [
        tables[role]
        .pivot(index="customer_id", columns="period", values=role)
        .reindex(columns=list(MONTHS[role]))
        .add_prefix(f"{role}_")
        for role in MONTHS
    ]
    joined = tables["behaviour"].set_index("customer_id")
    for other in (*months, tables["profit"].set_index("customer_id")):
        joined = joined.join(other, how="left", validate="one_to_one")
    joined["decline"] = joined["activity"] == "declined"
    return joined.reset_index()[list(CUSTOMERS_SCHEMA.columns)]


def missing_customers(ids: Mapping[Any, Iterable[str]]) -> pd.DataFrame:
    """Count, for each ordered pair of tables, the customers of one that the other lacks.

    Parameters
    ----------
    ids
        Customer ids by table.

    Returns
    -------
    pandas.DataFrame
        ``from, to, missing_customers``, one row for each of the ordered pairs.

    Examples
    --------
    >>> missing_customers({"a": ["1", "2"], "b": ["2"]}).values.tolist()
    [['a', 'b', 1], ['b', 'a', 0]]
    """
    known = {role: set(values) for role, values in ids.items()}
    return pd.DataFrame(
        [
            (one, other, len(known[one] - known[other]))
            for one, other in itertools.permutations(known, 2)
        ],
        columns=["from", "to", "missing_customers"],
    )


#: Why a customer is set aside; the first that fits counts.
INCOMPLETE = "not in every table, or without a figure for every month"
INACTIVE = "no sales in at least one of the three months"
IMPOSSIBLE = "an impossible revenue in one of the months"


def revenue_limits(joined: pd.DataFrame, times: float) -> pd.Series:
    """Return the highest possible revenue of each month: `times` its 99th percentile.

    The percentile is taken of the customers with sales, and is the observed value at or below
    it: interpolating towards the next would let the outlier raise its own limit.
    """
    revenues = joined[list(REVENUES)]
    return revenues.where(revenues > 0).quantile(0.99, interpolation="lower") * times


def set_aside_rule(joined: pd.DataFrame, limits: pd.Series) -> pd.Series:
    """Return for each customer the first rule that sets them aside; "" for those who are kept."""
    revenues = joined[list(REVENUES)]
    figures = joined[[*REVENUES, *MINUTES, "profit"]]
    rules = {
        INCOMPLETE: figures.isna().any(axis="columns"),
        INACTIVE: (revenues <= 0).any(axis="columns"),
        IMPOSSIBLE: (revenues > limits).any(axis="columns"),
    }
    rule = np.select(list(rules.values()), list(rules), default="")
    return pd.Series(rule, index=joined.index, dtype="str")


def _count_rules(rule: pd.Series) -> pd.DataFrame:
    rules = [INCOMPLETE, INACTIVE, IMPOSSIBLE]
    counts = rule.value_counts().reindex(rules, fill_value=0)
    return counts.rename_axis("rule").rename("customers").reset_index()


def _finish(joined: pd.DataFrame) -> pd.DataFrame:
    """Return the kept customers, with plain types."""
    return joined.reset_index(drop=True).astype({"consent": bool, "decline": bool})


def _stack(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return tables of the same columns one below the other, without the empty ones' types."""
    full = [table for table in tables if len(table)]
    return pd.concat(full, ignore_index=True) if full else tables[0].reset_index(drop=True)


def _no_rows(texts: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    types = {**dict.fromkeys(texts, "str"), **dict.fromkeys(numbers, "int64")}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


def _facts(
    result: ActivityTables, typos: pd.DataFrame, rows: Mapping[Role, int], limits: pd.Series
) -> Facts:
    """Return the numbers that the prose quotes."""
    joined, kept = result.joined, result.customers
    impossible = joined[list(REVENUES)].gt(limits)
    aside = result.set_aside.set_index("rule")["customers"]
    words = dict.fromkeys(name for names in _WORDS.values() for name in names)
    joins = result.joins.set_index(["from", "to"])["missing_customers"]
    return {
        "activity.customers": len(joined),
        "activity.declined": int(joined["decline"].sum()),
        "activity.same": int((~joined["decline"]).sum()),
        "activity.declined_share": float(joined["decline"].mean()),
        **{f"activity.rows_{role}": rows[role] for role in ROLES},
        "activity.refused_rows": len(result.quarantine),
        "activity.typo_kinds": len(typos),
        "activity.typo_rows": int(typos["rows"].sum()),
        **{
            f"activity.typo_rows_{name}": int(typos.loc[typos["ours"] == name, "rows"].sum())
            for name in words
        },
        "activity.lookalike_kinds": len(result.lookalikes),
        "activity.unmatched_customers": int(joins.sum()),
        "activity.incomplete_customers": int(aside[INCOMPLETE]),
        "activity.inactive_customers": int(aside[INACTIVE]),
        "activity.impossible_revenue_customers": int(aside[IMPOSSIBLE]),
        "activity.impossible_revenue_rows": int(impossible.to_numpy().sum()),
        "activity.impossible_revenue_highest": float(
            np.nan_to_num(joined[list(REVENUES)].where(impossible).max().max())
        ),
        "activity.kept_customers": len(kept),
        "activity.kept_declined": int(kept["decline"].sum()),
        "activity.kept_declined_share": float(kept["decline"].mean()),
    }

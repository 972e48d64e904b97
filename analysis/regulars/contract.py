"""Define the rules that the four tables and the joined customers must meet (Pandera)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import pandera.pandas as pan

from analysis.core.problems import Problem
from analysis.regulars.names import BEHAVIOUR_NUMBERS, MINUTES, REVENUES

Facts = dict[str, float | int | str]
Role = Literal["behaviour", "revenue", "minutes", "profit"]
ROLES: tuple[Role, ...] = ("behaviour", "revenue", "minutes", "profit")
#: The months that the two tables by month must hold, oldest first.
MONTHS: dict[Role, tuple[str, ...]] = {
    "revenue": tuple(name.removeprefix("revenue_") for name in REVENUES),
    "minutes": tuple(name.removeprefix("minutes_") for name in MINUTES),
}
_KEYS: dict[Role, list[str]] = {
    "behaviour": ["customer_id"],
    "revenue": ["customer_id", "period"],
    "minutes": ["customer_id", "period"],
    "profit": ["customer_id"],
}
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")
# What spreadsheets make of a long number, or of a number in the wrong column.
_NOT_AN_ID = re.compile(r"[+-]?[0-9]+[.,][0-9]+([eE][+-]?[0-9]+)?|[0-9]+[eE]\+[0-9]+|-[0-9]+")
EMPTY = "is empty"
REPEATED = "the same row stands in the file before"
CONFLICT = "several rows that differ have the same key, and none can be told to be right"
NO_ID = "is not a customer id"


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
    return pan.Column(str, pan.Check(_is_id, error=NO_ID))


def _period(role: Role) -> pan.Column:
    return pan.Column(str, pan.Check.isin(MONTHS[role], error="is not a known period"))


def _raw_schema(role: Role, columns: dict[str, pan.Column]) -> pan.DataFrameSchema:
    """Return a raw table's schema: its columns' rules, and one row a key."""
    key = _KEYS[role]

    def is_first(rows: pd.DataFrame) -> pd.Series:
        return ~rows.duplicated()

    def is_undisputed(rows: pd.DataFrame) -> pd.Series:
        # Rows of unknown periods are refused for that, and for nothing else.
        known = rows["period"].isin(MONTHS[role]) if "period" in rows else rows.index.notna()
        distinct = rows[known].drop_duplicates()
        disputed = distinct.duplicated(key, keep=False) & distinct[key].notna().all(axis="columns")
        return ~disputed.reindex(rows.index, fill_value=False)

    return pan.DataFrameSchema(
        {"customer_id": _customer_id(), **columns},
        checks=[
            pan.Check(is_first, error=REPEATED, ignore_na=False),
            pan.Check(is_undisputed, error=CONFLICT, ignore_na=False),
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


#: Why a customer is set aside; the first that fits counts.
INCOMPLETE = "not in every table, or without a figure for every month"
INACTIVE = "no sales in at least one of the three months"
IMPOSSIBLE = "an impossible revenue in one of the months"

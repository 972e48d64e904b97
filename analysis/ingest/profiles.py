"""Read import profiles: how the exports of shop systems are written, as data.

Each file in ``data/profiles`` describes one kind of export: the columns by which it is known, what
they hold, and what makes a line of it a sale. `analysis.orders.exports` carries it out. To add an
export, add a file; CONTRIBUTING.md says how.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from analysis.core.paths import ROOT
from analysis.core.problems import Problem, Refused
from analysis.ingest.columns import plain_name

FOLDER = Path("data/profiles")
#: The profile of ledgers whose columns the settings name: it fits where no other does.
LEDGER = "ledger"

#: What a column of an export can hold.
Role = Literal[
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "unit_price",
    "amount",
    "line_discount",
    "order_discount",
    "line_refund",
    "order_refund",
    "subtotal",
    "country",
    "currency_code",
    "till",
    "channel",
    "company",
    "consent",
    "status",
    "event",
]
ROLES: tuple[Role, ...] = get_args(Role)
#: Columns of money and pieces, which are read as numbers.
NUMBERS = frozenset(
    (
        *("quantity", "unit_price", "amount", "line_discount", "order_discount", "line_refund"),
        *("order_refund", "subtotal"),
    )
)
Names = Annotated[list[str], Field(min_length=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DateRule(_Section):
    """When an order was placed: columns joined by a space, each with other names it may have."""

    columns: Annotated[list[Names], Field(min_length=1)]
    #: ``shop``: as the shop's clock showed it, whatever offset stands behind; ``utc``: moved to the
    #: time zone of the settings.
    zone: Literal["shop", "utc"] = "shop"


class StatusRule(_Section):
    """Which values of the status mean a sale, and which none; refunded: taken back in full."""

    sales: Names
    no_sales: list[str] = []
    refunded: list[str] = []


class LeftOut(_Section):
    """Rows that are no sales of goods: those with a value, or with any value, in a column."""

    column: Names
    values: list[str] = []
    filled: bool = False
    why: str = Field(min_length=1)

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.values) == self.filled:
            raise ValueError("name values, or say filled = true")
        return self


class RefundRule(_Section):
    """How refunds are written.

    ``none``; ``rows``: rows of their own, with their date; ``net``: already taken off the
    quantities; ``line``: an amount beside the line; ``order``: an amount for each order.
    """

    shape: Literal["none", "rows", "net", "line", "order"]
    #: Of rows: the values of the column ``event`` that mean a refund, whatever its sign.
    events: list[str] = []


class CheckRule(_Section):
    """Whether the lines of an order, after discounts, must add up to its subtotal."""

    #: Above this share of orders that do not, the file is refused ("refuse") or it is told.
    most: float = Field(default=0.02, ge=0, le=1)
    otherwise: Literal["refuse", "tell"] = "refuse"
    #: The subtotal stands before discounts.
    before_discounts: bool = False


class ConsentRule(_Section):
    """Which answers mean that a customer agrees to messages, and which that not."""

    yes: Names = ["yes", "true", "1"]
    no: Names = ["no", "false", "0"]


class Profile(_Section):
    """One kind of export.

    Attributes
    ----------
    name
        Of the file, without its ending.
    title
        What people call the export, and where it is made.
    required
        The columns by which it is known: all must be there. A list in it: one of these.
    refuse
        Why such a file cannot be used; then nothing else is needed.
    fill_down
        Whether what belongs to an order stands on its first row only, or may.
    columns
        Role -> columns: in each row the first that is not empty.
    customer
        Columns: the first that is not empty is the customer.
    customer_before
        What is cut off the customer's id, with all that follows.
    date, status, left_out, refunds, check, consent
        See the rules.
    notes
        Sentences that are told with each file.
    """

    name: str
    title: str = Field(min_length=1)
    required: list[str | Names] = []
    refuse: str = ""
    fill_down: bool = False
    columns: dict[Role, Names] = {}
    customer: list[str] = []
    customer_before: str = ""
    date: DateRule | None = None
    status: StatusRule | None = None
    left_out: list[LeftOut] = []
    refunds: RefundRule = RefundRule(shape="none")
    check: CheckRule | None = None
    consent: ConsentRule = ConsentRule()
    notes: list[str] = []

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.name == LEDGER:
            return self
        if len(self.required) < 2:
            raise ValueError("required must name at least two columns that no other export has")
        if self.refuse:
            return self
        if not self.customer:
            raise ValueError("customer must name at least one column")
        if self.date is None:
            raise ValueError("[date] must name the columns of the date")
        if "amount" not in self.columns and not {"quantity", "unit_price"} <= self.columns.keys():
            raise ValueError("[columns] must name amount, or quantity and unit_price")
        if "invoice" not in self.columns:
            raise ValueError("[columns] must name invoice")
        needed = {
            "line": "line_refund",
            "order": "order_refund",
        }.get(self.refunds.shape)
        if needed and needed not in self.columns:
            raise ValueError(f"[refunds] shape is {self.refunds.shape!r}: name {needed}")
        if self.refunds.events and "event" not in self.columns:
            raise ValueError("[refunds] events needs the column event")
        if self.check and "subtotal" not in self.columns:
            raise ValueError("[check] needs the column subtotal")
        if self.status and "status" not in self.columns:
            raise ValueError("[status] needs the column status")
        return self

    def lacking(self, columns: Sequence[str]) -> list[str]:
        """Return the required columns that a file has not."""
        have = {plain_name(name) for name in columns}
        found = []
        for one in self.required:
            names = [one] if isinstance(one, str) else one
            if not have & {plain_name(name) for name in names}:
                found.append(" or ".join(map(repr, names)))
        return found

    def named_columns(self) -> set[str]:
        """Return all names of columns that the profile speaks of, as `plain_name` writes them."""
        names = [*self.customer, *(name for some in self.columns.values() for name in some)]
        names += [name for one in self.left_out for name in one.column]
        names += [name for some in (self.date.columns if self.date else []) for name in some]
        for one in self.required:
            names += [one] if isinstance(one, str) else one
        return {plain_name(name) for name in names}


def read_profiles(folder: Path = ROOT / FOLDER) -> tuple[Profile, ...]:
    """Read all profiles of a folder, by name.

    Raises
    ------
    Refused
        When one of them is broken; every problem names its file and key.

    Examples
    --------
    >>> "ledger" in [profile.name for profile in read_profiles()]
    True
    """
    problems: list[Problem] = []
    found = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found.append(Profile.model_validate(_table(path) | {"name": path.stem}))
        except ValidationError as error:
            problems += [
                Problem(
                    f"{FOLDER}/{path.name}",
                    f"[{_key(item['loc'])}] {item['msg'].removeprefix('Value error, ')}",
                    remedy="Correct it; CONTRIBUTING.md says how a profile is written.",
                )
                for item in error.errors()
            ]
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(problems)
    if LEDGER not in {profile.name for profile in found}:
        found.append(Profile(name=LEDGER, title="Order lines, in columns that the settings name"))
    return tuple(sorted(found, key=lambda profile: profile.name))


def _key(place: Sequence[str | int]) -> str:
    return ".".join(map(str, place)) or "the whole file"


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise Refused(
            [
                Problem(
                    f"{FOLDER}/{path.name}",
                    f"the profile cannot be read: {error}",
                    remedy="Correct the line that it names.",
                )
            ]
        ) from None


def choose_profile(
    source: str, columns: Sequence[str], profiles: Sequence[Profile], named: str = ""
) -> Profile:
    """Return the profile of a table: the one that is named, else the one whose columns it has.

    Where several fit, it is the one that asks for most columns; where none does, the ledger.

    Raises
    ------
    Refused
        When there is no profile of this name, or the table lacks its columns; or when the export
        names no customers.
    """
    known = {profile.name: profile for profile in profiles}
    if named and named not in known:
        raise Refused(
            [
                Problem(
                    "--profile",
                    f"there is no profile {named!r}",
                    remedy=f"There are {', '.join(known)}.",
                )
            ]
        )
    if named:
        chosen = known[named]
        if lacking := chosen.lacking(columns):
            raise Refused(
                [
                    Problem(
                        source,
                        f"the profile {named!r} needs columns that are not there: "
                        f"{', '.join(lacking)}",
                        example=f"the header reads {', '.join(map(repr, columns[:12]))}",
                        remedy="Export the file again with these columns, or name another profile.",
                    )
                ]
            )
    else:
        fits = [p for p in profiles if p.required and not p.lacking(columns)]
        fits.sort(key=lambda profile: (-len(profile.required), profile.name))
        chosen = fits[0] if fits else known[LEDGER]
    if chosen.refuse:
        raise Refused([Problem(source, f"this is an export of {chosen.title}: {chosen.refuse}")])
    return chosen

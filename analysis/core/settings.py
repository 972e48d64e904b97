"""Read the settings into one typed object: the project's file, then the data folder's.

``data/settings.toml`` holds every setting. A ``settings.toml`` inside a data folder holds only
those that differ for that shop, so that settings travel with the data. Nothing else in the package
reads these files, and nothing that a shop may want to change is written anywhere else.
"""

from __future__ import annotations

import codecs
import datetime as dt
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from analysis.core.paths import ROOT
from analysis.core.problems import Problem, Refused

#: Where settings lie in a project, and those of this one.
SETTINGS = Path("data/settings.toml")
SETTINGS_FILE = ROOT / SETTINGS
#: Settings that have lost their use. They are accepted, so that an old file still works.
RETIRED = {
    "activity.published": "published scores are no longer compared model by model",
}


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError("there is no such encoding") from None
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"this is not a regular expression: {error}") from None
    return text


def _date_format(text: str) -> str:
    parts = set(re.findall(r"%-?(.)", text))
    whole = parts & {"Y", "y"} and parts & {"m", "b", "B"} and "d" in parts
    if not whole or parts - set("YmdHMSfpIzbBaAy%"):
        raise ValueError("a date format is made of %Y, %m and %d, and %H, %M, %S where needed")
    return text


def _time_zone(name: str) -> str:
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("there is no such time zone; one is called Europe/Berlin") from None
    return name


def _ledger_names(columns: dict[str, list[str]]) -> dict[str, list[str]]:
    known = "invoice stock_code description quantity invoice_date unit_price customer_id country "
    known += "amount till status currency_code discount consent channel company"
    if strange := set(columns) - set(known.split()):
        raise ValueError(f"there is no column {', '.join(sorted(strange))}; there are {known}")
    return columns


#: What is refused for want of evidence, and may be accepted by its name.
Acceptable = Literal[
    "shared_customer",
    "single_orders",
    "small_amounts",
    "order_totals",
    "order_sums",
    "parts_of_sets",
    "price_units",
    "minor_units",
    "line_totals",
    "refund_columns",
    "unknown_statuses",
    "few_products",
]
Share = Annotated[float, Field(ge=0, le=1)]
Names = dict[str, list[str]]
OptionalDate = Annotated[dt.date | None, BeforeValidator(lambda text: text or None)]


class _Section(BaseModel):
    """A section of the file: unknown keys are refused, values cannot change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportSettings(_Section):
    """What the report is called, and where its data lies."""

    title: str
    shop: str
    author: str
    data: Path
    as_of: OptionalDate
    smallest_group: int = Field(ge=1)
    reference: str = ""


class FileSettings(_Section):
    """How to read text files."""

    encodings: list[Annotated[str, AfterValidator(_encoding)]] = Field(min_length=1)


class TransactionSettings(_Section):
    """How to read and clean the ledger."""

    folder: str
    currency: str
    home_country: str
    cancellation_prefix: str = Field(min_length=1)
    product_codes: list[Annotated[str, AfterValidator(_pattern)]] = Field(min_length=1)
    refused_share: Share
    earliest_date: dt.date
    date_formats: list[Annotated[str, AfterValidator(_date_format)]] = Field(min_length=1)
    decimal_mark: Literal["", ".", ","] = ""
    columns: Annotated[Names, AfterValidator(_ledger_names)]
    no_customer: list[str] = []
    no_sale_statuses: list[str] = []
    sale_statuses: list[str] = []
    refund_statuses: list[str] = []
    only_currency: str = ""
    line_amount: Literal["", "amount", "quantity_times_price"] = ""
    line_discount: Literal["", "none", "share", "percent", "money"] = ""
    restated_orders: Literal["", "newest", "all"] = ""
    equal_lines: Literal["", "count", "drop"] = ""
    accept: list[Acceptable] = []
    profile: str = ""
    timezone: Annotated[str, AfterValidator(_time_zone)] = ""


class ActivitySettings(_Section):
    """How to read and join the four tables of regular customers."""

    folder: str
    currency: str
    refused_share: Share
    impossible_revenue: float = Field(gt=1)
    twin_columns: int = Field(ge=1)
    accept_unknown_customers: bool = False
    files: Names
    columns: dict[Literal["behaviour", "revenue", "minutes", "profit"], Names]
    typos: dict[str, str]
    labels: dict[str, str]


class EngineSettings(_Section):
    """How much of the machine the line-level work may use."""

    memory_limit: str = Field(pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$")
    threads: int = Field(ge=0)
    seed: int


class ClusteringSettings(_Section):
    """How hard to look for clusters."""

    resamples: int = Field(ge=12)


class ModelSettings(_Section):
    """How models of who will buy less are tested."""

    folds: int = Field(ge=2)
    repeats: int = Field(ge=1)
    high_risk: Share
    lapse_days: int = Field(ge=7)


class ContactSettings(_Section):
    """What contacting a customer is assumed to cost and to bring."""

    cost: float = Field(gt=0)
    save_rate: Share
    save_rate_low: Share
    save_rate_high: Share
    profit_lost: Share
    months: float = Field(gt=0)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.save_rate_low > 0:
            raise ValueError("save_rate_low must be 0: a contact may change nothing")
        if not self.save_rate_low <= self.save_rate <= self.save_rate_high:
            raise ValueError("save_rate must lie between save_rate_low and save_rate_high")
        return self


class Range(_Section):
    """An assumption: what is likely, and between which ends it is taken to lie."""

    low: float = Field(ge=0)
    likely: float = Field(ge=0)
    high: float = Field(ge=0)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.low <= self.likely <= self.high:
            raise ValueError("likely must lie between low and high")
        return self


class ShareRange(Range):
    """An assumption about a share."""

    high: Share


class StrategySettings(_Section):
    """What an action is assumed to reach and to bring, and how hard a test has to prove it."""

    margin: ShareRange
    reach: ShareRange
    unknown_consent: Literal["contact", "leave_out"] = "contact"
    wrong_by: float = Field(ge=1)
    contacts: dict[Literal["ledger", "activity"], Annotated[int, Field(ge=0)]] = {}
    budget: dict[Literal["ledger", "activity"], Annotated[float, Field(ge=0)]] = {}
    alpha: float = Field(gt=0, lt=0.5)
    power: float = Field(ge=0.5, lt=1)
    most_waves: int = Field(ge=1)


class CampaignSettings(_Section):
    """Where past campaigns are found, and the share that each leaves out to be measured."""

    folder: str = "campaigns"
    control_share: float = Field(ge=0, le=0.5)


class Settings(_Section):
    """All settings of one report.

    `notes` holds what reading them has noticed, as sentences.
    """

    report: ReportSettings
    files: FileSettings
    transactions: TransactionSettings
    activity: ActivitySettings
    engine: EngineSettings
    clustering: ClusteringSettings
    models: ModelSettings
    contact: ContactSettings
    strategy: StrategySettings
    campaigns: CampaignSettings
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what reading them has noticed."""
        return self._notes


def read_settings(path: Path = SETTINGS_FILE, folder: Path | None = None) -> Settings:
    """Read the settings: a whole file, and over it what a data folder says otherwise.

    Parameters
    ----------
    path
        A TOML file with the sections of ``data/settings.toml``.
    folder
        A data folder. Where it holds a ``settings.toml``, the keys in that file win: tables are
        merged key by key, and lists are replaced as a whole.

    Raises
    ------
    Refused
        When a file is missing, is not TOML, or breaks a rule; every problem is listed with the
        file that it stands in.

    Examples
    --------
    >>> read_settings().transactions.cancellation_prefix
    'C'
    """
    base = _read_table(path, path.name)
    own: dict[str, Any] = {}
    source = path.name
    beside = folder / SETTINGS_FILE.name if folder else path
    if beside.is_file() and not beside.samefile(path):
        source = str(beside)
        own = _read_table(beside, source)
    notes = _retire(base, path.name) + _retire(own, source)
    try:
        settings = Settings.model_validate(merge_tables(base, own))
    except ValidationError as error:
        raise Refused(
            [
                Problem(
                    source=source if _is_in(own, item["loc"]) else path.name,
                    rule=f"[{'.'.join(map(str, item['loc']))}] {item['msg']}",
                    remedy="Correct it; the comments in data/settings.toml say what each setting "
                    "means.",
                )
                for item in error.errors()
            ]
        ) from None
    settings._notes = tuple(notes)
    return settings


def with_profile(settings: Settings, name: str) -> Settings:
    """Return settings that name an import profile for all files of orders, if one is given."""
    if not name:
        return settings
    orders = settings.transactions.model_copy(update={"profile": name})
    return settings.model_copy(update={"transactions": orders})


@cache
def shipped_columns() -> dict[str, list[str]]:
    """Return the names that the ledger's columns may have, as the project ships them."""
    columns: dict[str, list[str]] = _read_table(SETTINGS_FILE, SETTINGS_FILE.name)["transactions"][
        "columns"
    ]
    return columns


def merge_tables(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with another one laid over it, key by key.

    Examples
    --------
    >>> merge_tables({"a": {"b": 1, "c": [1, 2]}}, {"a": {"c": [3]}})
    {'a': {'b': 1, 'c': [3]}}
    """
    found = dict(base)
    for key, value in over.items():
        below = found.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            found[key] = merge_tables(below, value)
        else:
            found[key] = value
    return found


def _read_table(path: Path, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise Refused(
            [
                Problem(
                    source=source,
                    rule=f"the settings cannot be read: {error}",
                    remedy="Restore the file from version control, or correct the line it names.",
                )
            ]
        ) from None


def _retire(table: dict[str, Any], source: str) -> list[str]:
    """Take the settings that have lost their use out of a table, and say so."""
    notes = []
    for name, reason in RETIRED.items():
        section, _, key = name.partition(".")
        if isinstance(table.get(section), dict) and key in table[section]:
            table[section] = {k: v for k, v in table[section].items() if k != key}
            notes.append(f"{source}: the setting [{section}] {key} is ignored: {reason}.")
    return notes


def _is_in(table: Mapping[str, Any], place: Sequence[str | int]) -> bool:
    """Tell whether a table has a say in what stands at a place of the settings."""
    found: Any = table
    for step in place:
        if isinstance(found, Mapping):
            if step not in found:
                return False
            found = found[step]
        else:
            return True
    return bool(table)

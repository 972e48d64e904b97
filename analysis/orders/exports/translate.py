"""Turn the tables of an export into order lines with our columns, as a profile says.

What comes out are parts like those of any ledger, which the ledger's own contract then holds to its
rules; they name customers by pseudonyms, and hold nothing that the profile does not ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import join_words
from analysis.core.privacy import mask_addresses
from analysis.core.problems import Problem, Refused
from analysis.core.settings import TransactionSettings
from analysis.ingest.parts import ROW, Part, Ragged, new_part
from analysis.ingest.profiles import LEDGER, NUMBERS, ROLES, Profile, choose_profile
from analysis.orders.exports.amounts import decimals, read_amounts
from analysis.orders.exports.cells import CUSTOMER, DATE, find_names, read_cells
from analysis.orders.exports.checks import check_subtotals, settle_discounts
from analysis.orders.exports.customers import consents, identities, pseudonyms
from analysis.orders.exports.fill import (
    ORDER,
    adopt_cut_orders,
    drop_pasted_orders,
    fill_orders,
    keep_newest,
)
from analysis.orders.exports.moments import move_to_shop, read_moments
from analysis.orders.exports.refunds import match_dated, refund_of_orders, with_refunds
from analysis.orders.exports.statuses import left_out, sales_by_status

#: What belongs to an order rather than to one of its lines.
OF_AN_ORDER = (
    *("country", "currency_code", "till", "channel", "company", "consent", "status"),
    *("order_discount", "order_refund", "subtotal"),
)
#: Amounts that an order has once, though each of its rows may repeat them.
ONCE = ("order_discount", "order_refund", "subtotal")
#: The columns of the lines that come out, beside those of numbers.
TEXTS = (
    *("customer_id", "invoice", "stock_code", "description", "country", "till", "currency_code"),
    *("consent", "channel", "company", "refund_key", "line"),
)
#: What stands for a line of text that could not be split into columns: it may hold addresses.
NOT_SHOWN = "(not kept: it may hold a customer's address)"


@dataclass
class _Told:
    """What was assumed, and what is wrong, while an export was read."""

    assumptions: list[Assumption]
    problems: list[Problem]

    def add(self, assumptions: Sequence[Assumption] = (), problems: Sequence[Problem] = ()) -> None:
        self.assumptions += assumptions
        self.problems += problems


def translate(
    engine: Backend,
    parts: Sequence[Part],
    profiles: Sequence[Profile],
    settings: TransactionSettings,
    salt: bytes,
    work: Path,
) -> list[Part]:
    """Give the parts of exports our columns; parts of the profile ``ledger`` stay as they are.

    Parameters
    ----------
    engine
        Reads numbers and dates.
    parts
        The tables of all files of orders.
    profiles
        From `ingest.profiles.read_profiles`.
    settings
        Of the ledger; they may name a profile for all files.
    salt
        Of the pseudonyms.
    work
        A folder for the new parts.

    Returns
    -------
    list of Part
        In the order of `parts`.

    Raises
    ------
    Refused
        With all that is wrong with the exports.
    """
    chosen: dict[int, Profile] = {}
    problems: list[Problem] = []
    for place, part in enumerate(parts):
        try:
            chosen[place] = choose_profile(part.source, part.columns, profiles, settings.profile)
        except Refused as refused:
            problems += refused.problems
    found = {place: part for place, part in enumerate(parts) if place in chosen}
    for profile in profiles:
        places = [place for place, one in chosen.items() if one.name == profile.name]
        if not places or profile.name == LEDGER:
            continue
        own = [replace(parts[place], profile=profile.name) for place in places]
        try:
            made = _translate(engine, own, profile, settings, salt, work)
        except Refused as refused:
            problems += refused.problems
        else:
            found |= dict(zip(places, made, strict=True))
    if problems:
        raise Refused(problems)
    return [found[place] for place in sorted(found)]


def _translate(
    engine: Backend,
    parts: Sequence[Part],
    profile: Profile,
    settings: TransactionSettings,
    salt: bytes,
    work: Path,
) -> list[Part]:
    """Translate all parts of one profile: files may share orders, or cut one in two."""
    source = parts[0].source if len(parts) == 1 else "the export"
    told = _Told([], [])
    cells = gather_cells(parts, profile)
    cells["moment"] = read_moments(engine, cells[DATE], settings)
    cells = _whole_orders(cells, profile, settings, [part.source for part in parts], told)
    lines = _value_lines(engine, cells, profile, settings, source, told)
    lines = _sales_only(lines, profile, settings, source, told)
    lines = _name_customers(lines, profile, settings, salt, told, source)
    if profile.date and profile.date.zone == "utc":
        lines["moment"], zone = move_to_shop(lines["moment"], settings.timezone, source)
        lines["date"] = (
            lines["moment"]
            .dt.strftime("%Y-%m-%d %H:%M:%S")
            .where(lines["moment"].notna(), lines["date"])
        )
        told.add(zone)
    lines = _take_back(lines, profile, told, source)
    if told.problems:
        raise Refused(told.problems)
    common = [replace(one, source=one.source or source) for one in told.assumptions]
    made = []
    for place, part in enumerate(parts):
        own = (_what_it_is(part, profile), *part.assumptions, *(common if place == 0 else ()))
        made.append(_write(lines[lines["part"] == place], part, work, _without_words(own)))
    return made


def gather_cells(parts: Sequence[Part], profile: Profile) -> pd.DataFrame:
    """Return the cells of all parts of an export, with the number of their part."""
    tables = [read_cells(part, profile).assign(part=place) for place, part in enumerate(parts)]
    cells = pd.concat(tables, ignore_index=True)
    if "invoice" not in cells:
        cells["invoice"] = None
    if profile.fill_down:
        dates = cells.groupby(["part", "invoice"], sort=False)[DATE].transform("first")
        cells[DATE] = cells[DATE].fillna(dates)
    return cells


def _whole_orders(
    cells: pd.DataFrame,
    profile: Profile,
    settings: TransactionSettings,
    sources: Sequence[str],
    told: _Told,
) -> pd.DataFrame:
    """Make orders whole, each from one file, and number their lines."""
    of_order = [name for name in OF_AN_ORDER if name in cells]
    heads = [name for name in of_order if name not in ("till", "channel", "company", "country")]
    cells = adopt_cut_orders(cells, heads if profile.fill_down else [])
    cells, copies = drop_pasted_orders(cells)
    cells, newest, problems = keep_newest(cells, settings, sources)
    told.add([*copies, *newest], problems)
    if profile.fill_down:
        lefts = [str(name) for name in cells if str(name).startswith("left ")]
        filled = [name for name in (*of_order, *lefts, CUSTOMER) if name in cells]
        cells = fill_orders(cells, filled)
    groups = cells.groupby(["owner", *ORDER], dropna=False, sort=False)
    cells["order"] = groups.ngroup()
    cells["line"] = (groups.cumcount() + 1).astype("str")
    return cells.reset_index(drop=True)


def _value_lines(
    engine: Backend,
    cells: pd.DataFrame,
    profile: Profile,
    settings: TransactionSettings,
    source: str,
    told: _Told,
) -> pd.DataFrame:
    """Give each line its value after discounts, and before refunds."""
    names = [name for name in ROLES if name in NUMBERS and name in cells]
    numbers, assumed, problems, sign = read_amounts(engine, cells, names, settings, source)
    told.add(assumed, problems)
    for name in ("order_discount", "order_refund", "line_refund", "line_discount"):
        if name not in numbers:
            continue
        unread = cells[name].notna() & numbers[name].isna()
        if unread.any():
            first = cells[unread].iloc[0]
            told.add(
                problems=[
                    Problem(
                        source,
                        "an amount cannot be read, and money would be counted that was given back",
                        column=_spelled(profile, name),
                        rows=int(unread.sum()),
                        example=f"row {first['row_number']}: {first[name]!r}",
                        remedy="Correct these cells, or export the file again.",
                    )
                ]
            )
    lines = cells.drop(columns=names).join(numbers)
    if "currency_code" not in lines and sign:
        lines["currency_code"] = sign
    group = lines["order"]
    for name in ONCE:
        if name in lines:
            lines[name] = lines[name].groupby(group).transform("first")
    if "quantity" not in lines:
        lines["quantity"] = np.nan
    if "amount" in lines:
        value = lines["amount"]
    else:
        value = (lines["quantity"] * lines["unit_price"]).round(6)
    own = lines["line_discount"].abs().fillna(0) if "line_discount" in lines else value * 0
    spreads = [n for n in ("order_discount", "order_refund", "subtotal") if n in lines]
    digits = max(decimals(cells, spreads), 2) if spreads else 2
    value_after = value - own
    if "order_discount" in lines:
        order = lines["order_discount"].abs().fillna(0)
        if "subtotal" in lines:
            whole = lines["subtotal"].fillna(value_after.groupby(group).transform("sum") - order)
            rest = settle_discounts(value.fillna(0), own, order, whole, group)
        else:
            rest = (order - own.groupby(group).transform("sum")).clip(lower=0)
        value_after -= refund_of_orders(
            pd.DataFrame({"value": value_after.fillna(0)}), rest, group, digits
        ).where(value_after.notna())
    lines["value"] = value_after
    lines["digits"] = digits
    if profile.check and "subtotal" in lines:
        sold = _is_sold(lines, profile)
        told.add(
            *check_subtotals(
                value_after[sold].fillna(0),
                lines["subtotal"][sold],
                group[sold],
                lines["invoice"][sold],
                profile.check,
                source,
                _spelled(profile, "subtotal"),
            )
        )
    return lines


def _is_sold(lines: pd.DataFrame, profile: Profile) -> pd.Series:
    """Tell which rows are of goods that were sold: no refunds, and nothing that is left out."""
    sold = ~_is_refund(lines, profile)
    for place, rule in enumerate(profile.left_out):
        if f"left {place}" in lines and rule.values:
            sold &= ~lines[f"left {place}"].isin(rule.values)
    return sold


def _is_refund(lines: pd.DataFrame, profile: Profile) -> pd.Series:
    if profile.refunds.shape != "rows" or "event" not in lines:
        return pd.Series(False, lines.index)
    words = {one.casefold() for one in profile.refunds.events}
    return lines["event"].str.casefold().isin(words)


def _sales_only(
    lines: pd.DataFrame,
    profile: Profile,
    settings: TransactionSettings,
    source: str,
    told: _Told,
) -> pd.DataFrame:
    """Leave out what the profile says is no sale of goods."""
    worth = lines["value"].fillna(0)
    out, assumed = left_out(lines, worth, profile.left_out, source)
    told.add(assumed)
    lines = lines[~out]
    back = _is_refund(lines, profile)
    lines.loc[back, "value"] = -lines["value"].abs()
    lines.loc[back, "quantity"] = -lines["quantity"].abs()
    if profile.status is None:
        return lines
    if "status" not in lines or lines["status"].isna().all():
        said = state("assumed-exports.no-status")
        told.add([Assumption("orders", said, source=source)])
        return lines
    sale, assumed, problems = sales_by_status(
        lines["status"],
        lines["value"].fillna(0),
        profile.status,
        settings,
        source,
        _spelled(profile, "status"),
    )
    told.add(assumed, problems)
    return lines[sale | back]


def _name_customers(
    lines: pd.DataFrame,
    profile: Profile,
    settings: TransactionSettings,
    salt: bytes,
    told: _Told,
    source: str,
) -> pd.DataFrame:
    """Give lines their customers' pseudonyms, and what is known of customers."""
    if CUSTOMER not in lines:
        lines = lines.assign(**{CUSTOMER: None})
    identity = identities(lines[CUSTOMER], profile.customer_before, settings.no_customer)
    lines = lines.drop(columns=CUSTOMER).assign(customer_id=pseudonyms(identity, salt))
    columns = join_words([repr(name) for name in profile.customer], "or")
    said = state("assumed-exports.customer", columns=columns)
    told.add([Assumption("customers", said, source=source)])
    if "consent" in lines:
        lines["consent"] = consents(lines["consent"], profile.consent)
    if "company" in lines:
        # That it is a company is enough; its name may be a person's.
        lines["company"] = lines["company"].notna().map({True: "yes", False: "no"})
    return lines


def _take_back(lines: pd.DataFrame, profile: Profile, told: _Told, source: str) -> pd.DataFrame:
    """Take refunds off, in the shape that the profile gives them."""
    shape = profile.refunds.shape
    if shape == "rows":
        # A refund may name its order alone.
        buyer = lines.groupby("invoice")["customer_id"].transform("first")
        lines = lines.assign(customer_id=lines["customer_id"].fillna(buyer))
        lines, assumed = match_dated(lines)
        told.add([replace(one, source=source) for one in assumed])
        return lines
    if shape in ("none", "net"):
        if shape == "net":
            said = state("assumed-exports.net-quantities")
            gone = int((lines["quantity"] == 0).sum())
            told.add([Assumption("refunds", said, source=source, rows=gone)])
        return lines.assign(refund_key=None)
    refunded = pd.Series(0.0, lines.index)
    group = lines["order"]
    worth = lines.assign(value=lines["value"].fillna(0))
    if "line_refund" in lines:
        refunded = lines["line_refund"].abs().fillna(0)
    named = refunded.groupby(group).transform("sum") > 0
    digits = int(lines["digits"].iloc[0]) if len(lines) else 2
    if "order_refund" in lines:
        by_order = refund_of_orders(worth, lines["order_refund"], group, digits)
        refunded = refunded.where(named, by_order)
        named |= by_order.groupby(group).transform("sum") > 0
    if profile.status and profile.status.refunded and "status" in lines:
        words = {one.casefold() for one in profile.status.refunded}
        whole = lines["status"].str.casefold().isin(words) & ~named
        refunded = refunded.where(~whole, worth["value"])
    money = float(refunded.clip(lower=0).where(refunded < worth["value"], worth["value"]).sum())
    rows = int((refunded > 0).sum())
    if rows:
        said = (
            state("assumed-exports.refunds-spread")
            if shape == "order"
            else state("assumed-exports.refunds-beside")
        )
        told.add([Assumption("refunds", said, source=source, rows=rows, money=money)])
    return with_refunds(lines.assign(refunded=refunded))


def _spelled(profile: Profile, role: str) -> str:
    return profile.columns[role][0]  # type: ignore[index]


def _what_it_is(part: Part, profile: Profile) -> Assumption:
    """Say by which profile a part was read, and which columns it took for what."""
    taken = [
        f"{names[0]!r} is the {role.replace('_', ' ')}"
        for role in ROLES
        if (names := find_names(part.columns, profile.columns.get(role, [])))
    ]
    said = state(
        "assumed-exports.profile",
        profile=repr(profile.name),
        title=profile.title,
        columns=join_words(taken),
    )
    for note in profile.notes:
        said += state("assumed-exports.by-profile", said=note)
    return Assumption("columns", said, source=part.source, setting="transactions.profile")


def _without_words(assumptions: Sequence[Assumption]) -> tuple[Assumption, ...]:
    """Leave out of assumptions what they quote of an export: it may be of a customer."""
    plain = []
    for one in assumptions:
        if one.setting == "files.encodings":
            one = replace(one, said=state("assumed-files.encoding-found"))
        plain.append(replace(one, example="") if one.kind == "columns" else one)
    return tuple(plain)


def _write(
    lines: pd.DataFrame, part: Part, work: Path, assumptions: tuple[Assumption, ...]
) -> Part:
    """Write the lines of a part under our names."""
    table: dict[str, pa.Array] = {}
    for name in TEXTS:
        if name in lines:
            texts = [None if pd.isna(one) else mask_addresses(str(one)) for one in lines[name]]
            table[name] = pa.array(texts, pa.string())
    table["invoice_date"] = pa.array(
        [None if pd.isna(one) else str(one) for one in lines["date"]], pa.string()
    )
    if lines["quantity"].notna().any():
        pieces = lines["quantity"]
        table["quantity"] = pa.array(pieces, pa.float64(), from_pandas=True)
        price = (lines["value"] / pieces.where(pieces != 0)).abs()
        price = price.where(pieces != 0, 0.0).where(lines["value"].notna())
        table["unit_price"] = pa.array(price, pa.float64(), from_pandas=True)
    else:
        table["amount"] = pa.array(lines["value"], pa.float64(), from_pandas=True)
    table[ROW] = pa.array(lines["row_number"].astype("int64"), pa.int64())
    target = new_part(work)
    pq.write_table(pa.table(table), target, compression="lz4")
    return replace(
        part,
        path=target,
        columns=tuple(name for name in table if name != ROW),
        rows=len(lines),
        numbered=True,
        rows_in_file=part.rows,
        ragged=tuple(Ragged(one.row, one.fields, NOT_SHOWN) for one in part.ragged),
        assumptions=assumptions,
    )

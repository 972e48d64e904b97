"""Decide who the customer of a line is: none, one with several spellings, one who returns."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import count, percent
from analysis.core.privacy import is_personal, is_pseudonym, pseudonym, show_identity
from analysis.core.problems import Problem
from analysis.orders.canonical import Reading
from analysis.orders.columns import unread_columns
from analysis.orders.meaning.customer_ids import TELEPHONE, THOUSANDS, tidy_id
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell
from analysis.orders.telling_columns import plain_word

#: Spaces of all kinds, also those that a plain strip leaves at the ends of an id.
_SPACE = r"[\s\x{00a0}\x{2007}\x{202f}\x{200b}\x{feff}]+"
#: A value is judged by its share of the orders where there are at least so many others.
OTHERS = 20
#: A value of unusual form with this share of the orders, and so many times those of the next one,
#: is no customer; a value of the usual form with these is refused.
ODD_SHARE, ODD_TIMES = 0.05, 3
LARGE_SHARE, LARGE_TIMES = 0.2, 10
#: So many of the most frequent values are looked at.
TOP = 6
#: From this many orders on it is worth a remark that nobody returns.
FEW_ORDERS = 30
#: One customer who returns is enough: most ledgers show one in their first rows.
SOME_ROWS = 20_000
_NAMES_OF_CUSTOMERS = re.compile(
    "customer|client|user|buyer|member|account|mail|phone|unique|person|household|shopper|kunde|"
    "klient|cliente|клиент|покупател|почт|телефон"
)


def no_customers(draft: Draft) -> Draft:
    """Read values that stand for no customer as none: words of the settings, and odd ones.

    A value whose share of the orders is absurd is no customer if its form is unlike the others'
    (9999, or a word among numbers). If its form is like theirs, only the settings can tell.
    """
    draft, ids = _list_ids(draft, "ids_as_given")
    words = {plain_word(word) for word in draft.settings.no_customer} - {""}
    plain = ids.id.re_replace(r"[\s\pP\pS]+", "")
    number = ids.id.re_search(r"^[-+]?\d+$")
    short = ids.id.re_replace(r"^([-+]?)0+(\d)", r"\1\2")
    none = ibis.ifelse(
        number,
        short.isin(sorted(words)),
        (plain == "") | plain.isin(sorted(words)),
    )
    found = ids.filter(none).order_by(ibis.desc("rows"), "id").execute()
    named = set(found["id"])
    raw = ids.filter(none).select("customer_id").execute()["customer_id"].tolist()
    odd, draft = _shared_values(draft, ids, named)
    if odd:
        raw += ids.filter(ids.id.isin(odd)).select("customer_id").execute()["customer_id"].tolist()
    if not raw:
        return draft
    is_none = draft.lines.customer_id.isin(raw)
    lines = draft.lines
    for value in [*found["id"].drop_duplicates(), *odd]:
        its = measured(
            lines.filter(_clean(lines.customer_id) == value),
            rows=lambda t: t.count(),
            money=lambda t: t.amount.sum().cast("float64"),
        )
        said = (
            state("assumed-orders.no-customer-number", value=show_identity(value))
            if value in odd
            else state("assumed-orders.no-customer", value=repr(value))
        )
        draft = tell(
            draft,
            Assumption(
                "customers",
                said,
                column=draft.spelled("customer_id"),
                rows=int(its["rows"]),
                money=float(its["money"]),
                setting="transactions.no_customer",
            ),
        )
    known = ibis.ifelse(is_none, ibis.null("string"), lines.customer_id)
    return replace(draft, lines=lines.mutate(customer_id=known), ids=None)


@ibis.udf.scalar.builtin
def nfc_normalize(text: str) -> str:  # type: ignore[empty-body]
    """Write a letter and its accent as one character (DuckDB's own)."""


def _clean(column: ir.StringValue) -> ir.StringValue:
    """Return ids in small letters, and without any kind of space around them."""
    return column.re_replace(rf"^{_SPACE}|{_SPACE}$", "").lower()


def _bare(column: ir.StringValue) -> ir.StringValue:
    """Return cleaned ids as they are compared: without what programs add to them or take away.

    These are zeros before a number, marks between its thousands, an apostrophe that keeps it a
    text, spaces in a telephone number, second spaces, and accents apart from their letters.
    """
    text = nfc_normalize(column.re_replace("^'", "")).re_replace(_SPACE, " ")
    marked = text.re_search(THOUSANDS) | text.re_search(TELEPHONE)
    text = ibis.ifelse(marked, text.re_replace(r"[^\d+]", ""), text)
    return ibis.ifelse(text.re_search(r"^\d+$"), text.re_replace(r"^0+(\d)", r"\1"), text)


def _list_ids(draft: Draft, name: str) -> tuple[Draft, ir.Table]:
    """Return the distinct customer ids, with their rows, and as they are compared.

    The draft keeps them for the next guard; one that changes ids has to take them out.
    """
    if draft.ids is not None:
        return draft, draft.ids
    known = draft.lines.filter(draft.lines.customer_id.notnull())
    table = known.group_by("customer_id").aggregate(rows=known.count())
    table = table.mutate(id=_clean(table.customer_id))
    ids = draft.engine.create_table(name, table, temp=True)
    return replace(draft, ids=ids), ids


def _shared_values(draft: Draft, ids: ir.Table, named: Iterable[str]) -> tuple[list[str], Draft]:
    """Return the values that too many orders share to be customers, as one of each till."""
    known = ids.filter(~ids.id.isin(sorted(named))) if named else ids
    values = known.group_by("id").aggregate(rows=known.rows.sum())
    top = values.order_by(ibis.desc("rows"), "id").limit(TOP).execute()
    total = measured(values, ids=values.count(), rows=values.rows.sum())
    if total["ids"] <= OTHERS or top["rows"].iloc[0] < ODD_SHARE / 2 * total["rows"]:
        return [], draft
    lines = sound(draft)
    lines = lines.filter((lines.amount > 0) & lines.customer_id.notnull())
    lines = lines.mutate(id=_clean(lines.customer_id))
    if named:
        lines = lines.filter(~lines.id.isin(sorted(named)))
    order = ibis.struct(
        {"id": lines.id, "invoice": lines.invoice, "day": lines.invoice_date.truncate("D")}
    )
    all_orders = measured(lines, orders=order.nunique())["orders"]
    most = lines.filter(lines.id.isin(top["id"].tolist()))
    order = ibis.struct({"invoice": most.invoice, "day": most.invoice_date.truncate("D")})
    orders = most.group_by("id").aggregate(
        orders=order.nunique(), money=most.amount.sum().cast("float64")
    )
    ranked = orders.execute().sort_values(["orders", "id"], ascending=[False, True])
    if len(ranked) < 2 or not all_orders:
        return [], draft
    names, sizes = ranked["id"].map(str).tolist(), ranked["orders"].tolist()
    for few in range(len(names) - 1, 0, -1):
        far = sizes[few - 1] >= ODD_TIMES * max(sizes[few], 1)
        if far and sizes[0] >= ODD_SHARE * all_orders and _are_odd(names[:few], values):
            return names[:few], draft
    first, share = ranked.iloc[0], sizes[0] / all_orders
    value, times = names[0], sizes[0] / max(sizes[1], 1)
    if share < ODD_SHARE or times < ODD_TIMES:
        return [], draft
    named = show_identity(value)
    about = f"{count(first['orders'], 'order')} share the value {named}: {percent(share)} of all"
    told = Assumption(
        "customers",
        state(
            "assumed-orders.one-customer",
            count=int(first["orders"]),
            value=named,
            share=percent(share),
        ),
        column=draft.spelled("customer_id"),
        money=float(first["money"]),
        setting="transactions.no_customer",
    )
    if share < LARGE_SHARE or times < LARGE_TIMES:
        return [], tell(draft, told)
    quoted = "it" if is_personal(value) or is_pseudonym(value) else f'"{value}"'
    problem = Problem(
        draft.source,
        f"{about}, {times:,.0f} times as many as the next customer has. They are worth "
        f"{first['money']:,.2f}",
        column=draft.spelled("customer_id"),
        remedy=f"If it means guests, add {quoted} to no_customer in data/settings.toml.",
    )
    return [], refuse(draft, problem, "shared_customer", told)


def _are_odd(some: Sequence[str], values: ir.Table) -> bool:
    """Tell whether values are unlike the ids: digits repeated, words among numbers, short ones."""
    others = values.filter(~values.id.isin(list(some)))
    longer = max(map(len, some)) + 2
    found = measured(
        others,
        ids=others.count(),
        digit=others.id.re_search(r"\d").sum(),
        number=others.id.re_search(r"^\d+$").sum(),
        long=(others.id.re_search(r"^\d+$") & (others.id.length() >= longer)).sum(),
    )
    return all(
        re.fullmatch(r"(\d)\1{2,}", value)
        or (not re.search(r"\d", value) and found["digit"] >= 0.9 * found["ids"])
        or (not value.isdigit() and found["number"] >= 0.9 * found["ids"])
        or (value.isdigit() and found["long"] >= 0.99 * found["ids"])
        for value in some
    )


def spellings(draft: Draft) -> Draft:
    """Make ids one that differ in case, in spaces around them, or in zeros before them.

    Zeros are taken for lost ones only where no file tells 0012 from 12. Letters of both cases
    inside ids (aB3x, Ab3X) may be meant, so such ids are one only if one of them is in small
    letters or in capitals throughout, or holds an @ or a space.
    """
    draft, ids = _list_ids(draft, "ids_of_customers")
    ids = ids.mutate(bare=_bare(ids.id))
    found = measured(
        ids,
        raw=ids.count(),
        bare=ids.bare.nunique(),
        spaced=(ids.customer_id.lower() != ids.id).sum(),
    )
    if found["raw"] == found["bare"] and not found["spaced"]:
        return draft
    again = ids.group_by("bare").aggregate(times=ids.count()).filter(lambda t: t.times > 1)
    spaced = ids.customer_id.lower() != ids.id
    some = ids.filter(ids.bare.isin(again.bare) | spaced).execute()
    lines = draft.lines
    files = lines.filter(lines.customer_id.isin(some["customer_id"].tolist()))
    files = files.select("customer_id", "part").distinct().execute()
    parts = files.groupby("customer_id")["part"].agg(set).to_dict()
    some["id"] = some["id"].map(tidy_id)
    new, zeros, apart = _one_spelling(some, parts)
    column = draft.spelled("customer_id")
    if apart:
        draft = tell(
            draft,
            Assumption(
                "customers",
                state("assumed-orders.zeros-apart"),
                column=column,
                example=" and ".join(map(show_identity, apart)),
            ),
        )
    new = {old: one for old, one in new.items() if old != one}
    if not new:
        return draft
    table = ibis.memtable(pd.DataFrame({"old": [*new], "one": [*new.values()]}))
    table = draft.engine.create_table("spellings", table, temp=True)
    joined = lines.left_join(table, lines.customer_id == table.old)
    changed = measured(
        joined.filter(joined.old.notnull()),
        rows=lambda t: t.count(),
        money=lambda t: t.amount.sum().cast("float64"),
    )
    said = (
        state("assumed-orders.same-customer-zeros")
        if zeros
        else state("assumed-orders.same-customer-letters")
    )
    example = next(iter(sorted(zeros or new)))
    draft = tell(
        draft,
        Assumption(
            "customers",
            said,
            column=column,
            rows=int(changed["rows"]),
            money=float(changed["money"]),
            example=f"{show_identity(example)} is {show_identity(new[example])}",
        ),
    )
    one = ibis.coalesce(joined.one, joined.customer_id)
    return replace(draft, lines=joined.mutate(customer_id=one).drop("old", "one"), ids=None)


def pseudonyms(draft: Draft) -> Draft:
    """Give customers whose ids are addresses or names a pseudonym: inside, nobody is named."""
    draft, ids = _list_ids(draft, "ids_as_spelled")
    likely = ~ids.customer_id.re_search(r"\d") | ids.customer_id.re_search(r"[@\x{FF20}]|^\s*\+")
    some = ids.filter(likely).select("customer_id").execute()["customer_id"]
    new = {one: pseudonym(tidy_id(one), draft.salt) for one in some if is_personal(one)}
    if not new:
        return draft
    table = ibis.memtable(pd.DataFrame({"old": [*new], "one": [*new.values()]}))
    table = draft.engine.create_table("pseudonyms", table, temp=True)
    lines = draft.lines
    joined = lines.left_join(table, lines.customer_id == table.old)
    rows = measured(joined, rows=joined.old.count())["rows"]
    told = Assumption(
        "customers",
        state("assumed-orders.pseudonyms"),
        column=draft.spelled("customer_id"),
        rows=int(rows),
    )
    known = joined.mutate(customer_id=ibis.coalesce(joined.one, joined.customer_id))
    draft = replace(draft, lines=known.drop("old", "one"), pseudonyms=True, ids=None)
    return tell(draft, told)


def _one_spelling(
    ids: pd.DataFrame, parts: dict[str, set[int]]
) -> tuple[dict[str, str], set[str], tuple[str, ...]]:
    """Return what each id becomes, those that lost zeros, and a pair that zeros tell apart."""
    new: dict[str, str] = {}
    members: dict[str, set[str]] = defaultdict(set)  # one spelling -> its ids
    rows: dict[str, int] = defaultdict(int)
    for key, group in ids.groupby("id", sort=True):
        spelled = dict(zip(group["customer_id"], group["rows"], strict=True))
        trimmed: dict[str, int] = defaultdict(int)
        for name, times in spelled.items():
            trimmed[tidy_id(name)] += times
        plain = any(name in (name.lower(), name.upper()) for name in trimmed)
        merge = len(trimmed) == 1 or plain or "@" in str(key) or " " in str(key)
        common = min(trimmed, key=lambda name: (-trimmed[name], name))
        for name in spelled:
            own = tidy_id(name)
            one = (str(key) if "@" in str(key) else common) if merge else own
            new[name] = one
            members[one].add(name)
            rows[one] += spelled[name]
    by_number: dict[str, list[str]] = defaultdict(list)
    for one in members:
        if re.fullmatch(r"\d+", one):
            by_number[one.lstrip("0") or "0"].append(one)
    several = {number: found for number, found in by_number.items() if len(found) > 1}
    for number in sorted(several):
        seen: set[int] = set()
        for one in several[number]:
            mine = set().union(*(parts.get(name, set()) for name in members[one]))
            if seen & mine:
                return new, set(), tuple(sorted(several[number]))
            seen |= mine
    zeros: set[str] = set()
    for found in several.values():
        longest = max(found, key=lambda one: (len(one), one))
        for one in found:
            if one != longest:
                zeros |= members[one]
                new |= dict.fromkeys(members[one], longest)
    return new, zeros, ()


def returning(draft: Draft) -> Draft:
    """Remark that nobody orders twice; refuse the ids where another column knows who returns."""
    lines = sound(draft)
    lines = lines.filter((lines.amount > 0) & lines.customer_id.notnull())
    found = _customers_and_orders(lines.filter(lines.row_number <= SOME_ROWS))
    if found["orders"] <= found["customers"]:
        found = _customers_and_orders(lines)
    if found["orders"] > found["customers"] or found["orders"] < FEW_ORDERS:
        return draft
    column = draft.spelled("customer_id")
    told = Assumption(
        "customers",
        state("assumed-orders.nobody-returns", count=int(found["orders"])),
        column=column,
        setting="transactions.columns.customer_id",
    )
    better = [(reading, name) for reading in draft.readings if (name := _returning_column(reading))]
    if not better:
        return tell(draft, told)
    reading, name = better[0]
    problem = Problem(
        reading.part.source,
        f"the ids are new with each order, so nobody ever returns; the column {name!r} has one "
        "value for each of them, and fewer values",
        column=column,
        remedy=f'Set customer_id = ["{name}"] in [transactions.columns].',
    )
    return refuse(draft, problem, "single_orders", told)


def _customers_and_orders(lines: ir.Table) -> pd.Series:
    order = ibis.struct({"customer": lines.customer_id, "order": lines.order_id})
    return measured(lines, customers=lines.customer_id.nunique(), orders=order.nunique())


def _returning_column(reading: Reading) -> str:
    """Return an unread column that has one value for each id, and the same one for several."""
    table = reading.table
    own = table[reading.names["customer_id"]].cast("string")
    columns = [
        name
        for name in unread_columns(reading.part.columns, reading.names)
        if _NAMES_OF_CUSTOMERS.search(name.casefold())
    ]
    if not columns:
        return ""
    measures: dict[str, ir.Scalar] = {"own": own.nunique()}
    for place, name in enumerate(columns):
        value = table[name].cast("string").strip().nullif("")
        measures |= {
            f"{place} n": value.nunique(),
            f"{place} pairs": ibis.struct({"own": own, "value": value}).nunique(
                where=value.notnull()
            ),
        }
    found = measured(table, **measures)
    for place, name in enumerate(columns):
        n, pairs = found[f"{place} n"], found[f"{place} pairs"]
        if 0.9 * found["own"] <= pairs <= found["own"] and 0.2 * pairs < n < pairs:
            return name
    return ""

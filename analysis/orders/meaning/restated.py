"""Find orders that several files state in other ways: the newest file is right."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import count
from analysis.core.problems import Problem
from analysis.orders.ledger import hash_of
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell

#: A line's product, pieces and money.
CORE = ["code", "quantity", "unit_price", "amount"]
#: An order is the same in two files where so many of the shorter one's products are in both; and
#: two files overlap where so many of the orders in both have all products in both.
SAME = 0.5
#: Codes were changed between two files where so many lines have the same pieces and money.
RENAMED = 0.9
#: What changes more than this share of all money is refused where no file is the newest.
UNCLEAR = 0.01


def bare_code(code: ir.StringValue) -> ir.StringValue:
    """Return a code as files are compared: without a sign, and without zeros before a number."""
    plain = code.strip().re_replace(r"^[#']+\s*", "")
    return ibis.ifelse(plain.re_search(r"^0\d+$"), plain.re_replace(r"^0+(\d)", r"\1"), plain)


def restated_orders(draft: Draft) -> Draft:
    """Leave out the lines of orders that a newer file states otherwise.

    An order is the same in two files where most of its products are in both, or most of its pieces
    and money. An order that is split over two files has other products in each: all of them count,
    and so does a line of which the newer file has none like it.
    """
    if len(draft.readings) == 1 or draft.settings.restated_orders == "all":
        return draft
    good = sound(draft).select(
        *("order_id", "part", "row_number", "quantity", "unit_price", "amount", "invoice_date"),
        code=bare_code(sound(draft).stock_code).fill_null(""),
    )
    mark = hash_of(ibis.struct({name: good[name] for name in CORE})) % 2**40
    orders = good.group_by("order_id", "part").aggregate(
        lines=good.count(), marks=mark.cast("int64").sum()
    )
    several = orders.group_by("order_id").aggregate(
        parts=orders.count(),
        unlike=(orders.lines.nunique() > 1) | (orders.marks.nunique() > 1),
    )
    several = several.filter(several.parts > 1)
    several = draft.engine.create_table("shared_orders", several, temp=True)
    found = measured(several, unlike=several.unlike.sum())
    if not found["unlike"]:
        return draft
    ends = good.group_by("part").aggregate(last=good.invoice_date.max()).execute()
    unlike = several.filter(several.unlike)
    lines = good.semi_join(unlike, "order_id").execute()
    lines["amount"] = lines["amount"].astype(float)
    # Which of some lines is the first must not depend on the order of rows.
    lines = lines.sort_values([*CORE, "part", "row_number"], ignore_index=True)
    age = ends.sort_values(["last", "part"])["part"].tolist()
    lasts = ends.set_index("part")["last"].dt.normalize()
    old, new = _find_superseded(lines, age, lasts)
    if old.empty:
        return draft
    return _leave_out(draft, old, new, bool(lasts.duplicated().any()))


def _find_superseded(
    lines: pd.DataFrame, age: list[int], lasts: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lines that newer files state otherwise, and the lines that take their place.

    `age` are the parts, the oldest first, and `lasts` their last days.
    """
    olds, news = [], []
    for older, newer in combinations(age, 2):
        both = lines[lines["part"].isin([older, newer])]
        shared = both.groupby("order_id")["part"].transform("nunique") > 1
        both = both[shared]
        days = both["invoice_date"].dt.normalize()
        # A single order of the last day may be cut in two by the end of the file.
        if both["order_id"].nunique() <= 1 and (days >= lasts[older]).all():
            continue
        a, b = (both[both["part"] == part] for part in (older, newer))
        sizes = both.groupby(["order_id", "part"]).size().unstack()
        short, long = sizes.min(axis=1), sizes.max(axis=1)
        what = ["code"]
        pairs = _pairs(a, b, what).reindex(short.index, fill_value=0)
        if pairs.sum() < SAME * short.sum():
            what = ["quantity", "amount"]
            pairs = _pairs(a, b, what).reindex(short.index, fill_value=0)
            if pairs.sum() < RENAMED * short.sum():
                continue
        if (pairs == long).mean() < SAME:
            continue  # orders are split over these files, as by rows or by products
        alike = short.index[pairs >= SAME * short]
        a, b = a[a["order_id"].isin(alike)], b[b["order_id"].isin(alike)]
        a, b = a[~_are_in(a, b, CORE)], b[~_are_in(b, a, CORE)]
        olds.append(a[_are_in(a, b, what)])
        news.append(b)
    keys = ["part", "row_number"]
    empty = lines.iloc[:0]
    old = pd.concat([empty, *olds]).drop_duplicates(keys)
    new = pd.concat([empty, *news]).drop_duplicates(keys)
    # What a third file states otherwise once more is no longer new.
    return old, new[~new.set_index(keys).index.isin(old.set_index(keys).index)]


def _number_equal_lines(lines: pd.DataFrame, keys: list[str]) -> pd.MultiIndex:
    names = ["order_id", *keys]
    filled = lines[names].fillna(-1.0)
    return pd.MultiIndex.from_frame(filled.assign(nth=filled.groupby(names).cumcount()))


def _are_in(some: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Tell which lines have one of their own among others that is like them in some columns."""
    return pd.Series(
        _number_equal_lines(some, keys).isin(_number_equal_lines(others, keys)),
        some.index,
        dtype=bool,
    )


def _pairs(some: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> pd.Series:
    return _are_in(some, others, keys).groupby(some["order_id"]).sum()


def _leave_out(draft: Draft, old: pd.DataFrame, new: pd.DataFrame, tied: bool) -> Draft:
    """Make no sales of superseded lines, and say so; refuse them where no file is the newest."""
    before, after = float(old["amount"].sum()), float(new["amount"].sum())
    number = count(old["order_id"].nunique(), "order")
    sums = f"in older files these lines come to {before:,.2f}, in newer ones to {after:,.2f}"
    every = measured(
        sound(draft), all=sound(draft).amount.sum(where=sound(draft).amount > 0).cast("float64")
    )
    unclear = tied and not draft.settings.restated_orders
    if unclear and abs(after - before) > UNCLEAR * every["all"]:
        problem = Problem(
            "the ledger",
            f"{number} are in several files with different lines, and these files end on the same "
            f"day, so none is the newest: {sums}",
            rows=len(old),
            remedy="Take the older file out, or set restated_orders in data/settings.toml to "
            '"newest" (the last by name) or "all".',
        )
        return refuse(draft, problem)
    keys = old[["part", "row_number"]].astype({"part": "int16", "row_number": "uint32"})
    table = ibis.memtable(keys.rename(columns={"part": "old_part", "row_number": "old_row"}))
    table = draft.engine.create_table("superseded", table, temp=True)
    lines = draft.lines.left_join(
        table, [draft.lines.part == table.old_part, draft.lines.row_number == table.old_row]
    )
    stale = lines.old_row.notnull()
    lines = lines.mutate(no_sale=lines.no_sale | stale, cancelled=lines.cancelled & ~stale)
    told = Assumption(
        "duplicates",
        state(
            "assumed-orders.restated",
            count=int(old["order_id"].nunique()),
            before=f"{before:,.2f}",
            after=f"{after:,.2f}",
        ),
        rows=len(old),
        money=before,
        setting="transactions.restated_orders",
    )
    return tell(replace(draft, lines=lines.select(draft.lines.columns)), told)

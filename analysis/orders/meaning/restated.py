"""Find orders that several files state in other ways: the newest file is right."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.core.assumptions import Assumption
from analysis.core.formatting import count
from analysis.core.problems import Problem
from analysis.orders.ledger import hash_of
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell

#: A line's product, pieces and money.
CORE = ["code", "quantity", "unit_price", "amount"]
#: An order is the same in two files where so many of the shorter one's products are in both; ...
SAME = 0.5
#: ... or of its pieces and money, where codes were changed.
RENAMED = 0.9
#: So many orders in both files show that they overlap; a single one may be split over them.
FEW = 2
#: What changes more than this share of all money is refused where no file is the newest.
UNCLEAR = 0.01


def bare_code(code: ir.StringValue) -> ir.StringValue:
    """Return a code as files are compared: in capitals, and without zeros before a number."""
    plain = code.strip().upper().re_replace(r"^[#']+\s*", "")
    return ibis.ifelse(plain.re_search(r"^0\d+$"), plain.re_replace(r"^0+(\d)", r"\1"), plain)


def restated_orders(draft: Draft) -> Draft:
    """Leave out the lines of orders that a newer file states otherwise.

    An order is the same in two files where most of its products are in both, or most of its pieces
    and money. An order that is split over two files has other products in each: all of them count.
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
    found = measured(several, unlike=several.unlike.sum(), orders=several.count())
    if not found["unlike"] or found["orders"] < FEW:
        return draft
    ends = good.group_by("part").aggregate(
        first=good.invoice_date.min(), last=good.invoice_date.max()
    )
    unlike = several.filter(several.unlike)
    lines = good.semi_join(unlike, "order_id").execute()
    lines["amount"] = lines["amount"].astype(float)
    old, new = _superseded(lines, ends.execute().set_index("part"))
    if old.empty:
        return draft
    return _leave_out(draft, old, new, _tied(ends.execute()))


def _tied(ends: pd.DataFrame) -> bool:
    return bool(ends["last"].dt.normalize().duplicated().any())


def _superseded(lines: pd.DataFrame, ends: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lines that newer files state otherwise, and the lines that take their place."""
    age = ends.reset_index().sort_values(["last", "part"])["part"].tolist()
    olds, news = [], []
    for older, newer in combinations(age, 2):
        both = lines[lines["part"].isin([older, newer])]
        shared = both.groupby("order_id")["part"].transform("nunique") > 1
        both = both[shared]
        if both["order_id"].nunique() == 0:
            continue
        a, b = (both[both["part"] == part] for part in (older, newer))
        sizes = pd.DataFrame(
            {part: both[both["part"] == part].groupby("order_id").size() for part in (older, newer)}
        ).min(axis=1)
        codes = _pairs(a, b, ["code"]).reindex(sizes.index, fill_value=0)
        same = codes >= SAME * sizes
        money = _pairs(a, b, ["quantity", "amount"]).reindex(sizes.index, fill_value=0)
        renamed = money.sum() >= RENAMED * sizes.sum() and codes.sum() < SAME * sizes.sum()
        if renamed:
            same |= money >= RENAMED * sizes
        alike = same.index[same]
        a, b = a[a["order_id"].isin(alike)], b[b["order_id"].isin(alike)]
        edges = [ends.loc[newer, end].normalize() for end in ("first", "last")]
        like = _are_in(a, b, ["quantity", "amount"] if renamed else ["code"])
        cut = a["invoice_date"].dt.normalize().isin(edges) & ~like
        olds.append(a[~_are_in(a, b, CORE) & ~cut])
        news.append(b[~_are_in(b, a, CORE)])
    keys = ["part", "row_number"]
    empty = lines.iloc[:0]
    old = pd.concat([empty, *olds]).drop_duplicates(keys)
    new = pd.concat([empty, *news]).drop_duplicates(keys)
    # What a third file states otherwise once more is no longer new.
    return old, new[~new.set_index(keys).index.isin(old.set_index(keys).index)]


def _numbered(lines: pd.DataFrame, keys: list[str]) -> pd.MultiIndex:
    names = ["order_id", *keys]
    filled = lines[names].fillna(-1.0)
    return pd.MultiIndex.from_frame(filled.assign(nth=filled.groupby(names).cumcount()))


def _are_in(some: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Tell which lines have one of their own among others that is like them in some columns."""
    return pd.Series(_numbered(some, keys).isin(_numbered(others, keys)), some.index, dtype=bool)


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
            f"{number} stand in several files with unlike lines, and these files end on the same "
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
        f"{number} stand in more than one file with unlike lines. They count once, as the newest "
        f"file has them: {sums}.",
        rows=len(old),
        money=before,
        setting="transactions.restated_orders",
    )
    return tell(replace(draft, lines=lines.select(draft.lines.columns)), told)

"""Decide which lines are copies: equal lines of a file, and orders that stand in several files."""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from analysis.core.assumptions import Assumption, state
from analysis.core.problems import Problem
from analysis.orders.canonical import Reading
from analysis.orders.ledger import LINE_COLUMNS, hash_of
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell
from analysis.orders.meaning.restated import bare_code
from analysis.orders.meaning.written import settle_lines

#: A till writes a line for every piece where so many lines in 1,000 are of one piece.
PIECES = 0.995
#: So many hours two files can be apart in the time of an order.
CLOCKS = 36
#: So many orders, and so large a share of those in both files, show that their clocks differ.
SHIFTED = (5, 0.8)
#: Orders stand together in a file where so many of them have all lines in one place.
TOGETHER = 0.5
#: How many lines evidence takes.
FEW = 20
#: Equal lines that may be sales or copies are refused above this share of the money.
UNCLEAR = 0.05
#: What makes two lines of one order the same in two files; what else they say may differ.
_CORE = ("stock_code", "quantity", "unit_price", "amount")


def equal_lines(draft: Draft) -> Draft:
    """Decide whether lines of a file that are equal in every column are each a sale.

    They are where a till writes a line for every piece: then `piece` numbers them, and else it is
    nought. Where quantities differ, a till would have added them up: they are copies.
    """
    setting = draft.settings.equal_lines
    each = setting == "count" or (not setting and _a_line_per_piece(draft))
    if each:
        draft = _number_pieces(draft)
    else:
        draft = replace(draft, lines=draft.lines.mutate(piece=ibis.literal(0, "uint32")))
    clear = setting or each or "quantity" in draft.columns
    if not each and clear:
        return draft
    good = sound(draft).filter(lambda t: t.customer_id.notnull() & (t.amount > 0))
    keys = [name for name in LINE_COLUMNS if name in draft.columns]
    groups = good.group_by("part", mark=_mark(good, keys)).aggregate(
        times=good.count(), amount=good.amount.max()
    )
    found = measured(
        groups,
        rows=(groups.times - 1).sum(),
        money=(groups.amount * (groups.times - 1)).sum().cast("float64"),
        all=(groups.amount * groups.times).sum().cast("float64"),
    )
    rows, copied, total = int(found["rows"]), float(found["money"]), float(found["all"])
    if not rows:
        return draft
    if each:
        said = (
            state("assumed-orders.equal-lines-settings")
            if setting
            else state("assumed-orders.equal-lines-pieces")
        )
        return tell(
            draft,
            Assumption(
                "duplicates",
                said,
                rows=rows,
                money=copied,
                setting="transactions.equal_lines",
            ),
        )
    if rows < FEW or copied <= UNCLEAR * total:
        return draft
    problem = Problem(
        draft.source,
        "it is not clear whether lines that are equal in every column are sales or copies: the "
        f"gross sales of known customers are {total:,.2f} with them, and {total - copied:,.2f} "
        "without",
        rows=rows,
        remedy='Set equal_lines in data/settings.toml to "count" or to "drop".',
    )
    return refuse(draft, problem)


def _number_pieces(draft: Draft) -> Draft:
    """Give numbers to lines that are each a sale, so that none is a copy of another.

    Where the lines of an order follow each other in a file, an order that comes again further down
    was pasted twice: its pieces have the numbers that they have above.
    """
    lines = draft.lines
    rows = ibis.window(group_by="part", order_by="row_number")
    before = lines.mutate(last=lines.order_id.lag().over(rows))
    begins = (before.last != before.order_id).fill_null(True)
    runs = before.mutate(run=begins.cast("int64").cumsum(group_by="part", order_by="row_number"))
    by_order = runs.group_by("part", "order_id").aggregate(
        runs=runs.run.nunique(), lines=runs.count()
    )
    by_order = by_order.filter(by_order.lines > 1)
    found = measured(by_order, orders=by_order.count(), once=(by_order.runs == 1).sum())
    if draft.settings.equal_lines or found["once"] < TOGETHER * found["orders"]:
        return replace(draft, lines=lines.mutate(piece=lines.row_number))
    keys = [name for name in LINE_COLUMNS if name in draft.columns]
    marked = runs.mutate(mark=_mark(runs, keys))
    within = ibis.window(group_by=["part", "run", "mark"], order_by="row_number")
    piece = ibis.row_number().over(within).cast("uint32") + 1
    numbered = marked.mutate(piece=piece).select(*lines.columns, "piece")
    return replace(draft, lines=draft.engine.create_table("pieces", numbered, temp=True))


def _mark(lines: ir.Table, names: list[str]) -> ir.Value:
    return hash_of(ibis.struct({name: lines[name] for name in [*names, "rest"]}))


def _a_line_per_piece(draft: Draft) -> bool:
    if "quantity" not in draft.columns:
        return False
    lines = sound(draft)
    found = measured(
        lines, ones=(lines.quantity.abs() == 1).sum(), rows=(lines.quantity != 0).sum()
    )
    return bool(found["rows"] >= FEW and found["ones"] >= PIECES * found["rows"])


def keys(draft: Draft) -> Draft:
    """Give each line the key by which it is found again in this file and in others.

    That is the line itself. In an order that stands in several files it is the order with
    product, quantity and money: what else the line says may be written otherwise there.
    """
    lines = draft.lines
    if len(draft.readings) == 1:
        # In one file equal lines are compared in full: a short hash of what most differ in will do.
        what = [name for name in ("stock_code", "quantity") if name in draft.columns]
        cells = {name: lines[name] for name in ("order_id", *what, "amount", "piece")}
        short = (hash_of(ibis.struct(cells)) % 2**32).cast("uint32")
        return replace(draft, lines=lines.mutate(hash=short))
    own = [name for name in LINE_COLUMNS if name in draft.columns]
    line = hash_of(ibis.struct({name: lines[name] for name in [*own, "broken"]}))
    good = sound(draft)
    firsts = good.group_by("order_id", "part").aggregate(first=good.invoice_date.min())
    by_order = firsts.group_by("order_id").aggregate(
        parts=firsts.count(),
        apart=firsts["first"].max().epoch_seconds() - firsts["first"].min().epoch_seconds(),
    )
    by_order = by_order.filter(by_order.parts > 1).select("order_id", "apart")
    several = draft.engine.create_table("in_several_files", by_order, temp=True)
    # Clocks of two files may be in two time zones: the same order can be on the next day.
    moved = several.filter((several.apart > 0) & (several.apart <= CLOCKS * 3600))
    found = measured(
        several, orders=several.count(), moved=several.order_id.isin(moved.order_id).sum()
    )
    near = lines.order_id.isin(moved.order_id)
    near &= bool(found["orders"] >= SHIFTED[0] and found["moved"] >= SHIFTED[1] * found["orders"])
    shared = set.intersection(*(_priced(reading) for reading in draft.readings))
    core = ["order_id", *(name for name in _CORE if name in shared)]
    cells = {name: lines[name] for name in core}
    cells["day"] = ibis.ifelse(near, ibis.null("timestamp"), lines.invoice_date.truncate("D"))
    if "stock_code" in cells:
        cells["stock_code"] = bare_code(lines.stock_code)
    same = hash_of(ibis.struct(cells))
    again = lines.order_id.isin(several.order_id).fill_null(False) & (lines.broken == 0)
    return replace(draft, lines=lines.mutate(hash=ibis.ifelse(again, same, line)))


def _priced(reading: Reading) -> set[str]:
    """Return a part's columns, and the amount, which every line has."""
    return {*reading.names, "amount"}


def preference(draft: Draft) -> list[int]:
    """Return the parts, those first whose lines say most: more columns, then finer times."""
    parts = draft.lines.group_by("part").aggregate(
        seconds=(draft.lines.invoice_date.epoch_seconds() % 60 != 0).any(),
        times=(draft.lines.invoice_date != draft.lines.invoice_date.truncate("D")).any(),
        last=draft.lines.invoice_date.max(),
    )
    if len(draft.readings) == 1:
        return [0]
    found = parts.execute().set_index("part")
    return sorted(
        found.index,
        key=lambda part: (
            -len(draft.readings[part].names),
            not found.loc[part, "seconds"],
            not found.loc[part, "times"],
            -found.loc[part, "last"].timestamp(),
            draft.readings[part].part.source,
        ),
    )


def leave_out_copies(draft: Draft) -> tuple[str, ir.Table, list[Assumption]]:
    """Leave one row per distinct line; count it as often as the file that has it most often.

    Grouping whole lines needs a table as large as the data. Grouping their hashes needs a tenth;
    lines whose hash occurs once are unlike all others, and the few others are compared in full.

    Parameters
    ----------
    draft
        Lines with `hash` (from `keys`), `piece` (from `equal_lines`) and `rest`.

    Returns
    -------
    tuple
        The name of the lines' table; the lines, without these columns; and what is told of orders
        in several files.
    """
    order = preference(draft)
    table, lines = settle_lines(draft)
    repeated = draft.engine.create_table(
        "repeated",
        lines.group_by("hash")
        .aggregate(times=lambda t: t.count())
        .filter(ibis._.times > 1)
        .select("hash"),
        temp=True,
    )
    suspects = lines.filter(lines["hash"].isin(repeated["hash"]))
    if len(order) == 1:
        _drop_equal_lines(draft.engine, table, suspects)
        told = []
    else:
        told = _merge_files(draft.engine, table, suspects, order)
    lines = lines.rename(cleaning_step="reached").drop("hash", "piece", "rest")
    # Queries of a view are put together in less time than those of all that it is made of.
    return table, draft.engine.create_view("lines", lines), told


def _own(lines: ir.Table) -> list[str]:
    """Return the columns that say what a line is, and not where it stands."""
    place = ("part", "row_number", "line_id", "copies", "read")
    return [name for name in lines.columns if name not in (*place, "piece", "rest")]


def _drop_equal_lines(engine: Backend, table: str, suspects: ir.Table) -> None:
    """Leave the first of the lines of one file that are equal in every column."""
    own = [*_own(suspects), "piece", "rest"]
    found = suspects.select(
        "line_id",
        nth=ibis.row_number().over(group_by=own, order_by="row_number"),
        times=suspects.count().over(group_by=own),
    )
    engine.create_table("equal_lines", found.filter(found.times > 1), temp=True)
    engine.raw_sql(
        f"UPDATE {table} SET copies = times, read = times FROM equal_lines "
        f"WHERE {table}.rowid = line_id AND nth = 0"
    )
    engine.raw_sql(
        f"DELETE FROM {table} WHERE rowid IN (SELECT line_id FROM equal_lines WHERE nth > 0)"
    )


def _merge_files(
    engine: Backend, table: str, suspects: ir.Table, order: list[int]
) -> list[Assumption]:
    """Make one line of those that several files have, and say so.

    `order` are the parts, those first whose lines are kept where files say different things.
    """
    own = _own(suspects)
    each = suspects.group_by(*own, "part", "piece", "rest").aggregate(
        times=suspects.count(), row_number=suspects.row_number.min()
    )
    # Lines of one file that differ are different sales: the n-th is found in other files as n-th.
    within = ibis.window(
        group_by=["hash", "part"],
        order_by=[each[name] for name in (*own, "rest", "row_number")],
    )
    each = each.mutate(nth=ibis.row_number().over(within), rank=_rank(each, order))
    others = [name for name in own if name != "hash"]
    merged = each.group_by("hash", "nth").aggregate(
        **{name: each[name].argmin(each["rank"]) for name in others},
        part=each.part.argmin(each["rank"]),
        row_number=each.row_number.argmin(each["rank"]),
        copies=each.times.max().cast("int32"),
        read=each.times.sum().cast("int32"),
        parts=each.part.nunique(),
        unlike=hash_of(ibis.struct({name: each[name] for name in others})).nunique() > 1,
    )
    merged = engine.create_table("merged", merged, temp=True)
    told = _describe_copies(merged)
    engine.raw_sql(f"DELETE FROM {table} WHERE hash IN (SELECT hash FROM repeated)")
    columns = ", ".join(name for name in engine.table(table).columns if name in merged.columns)
    engine.raw_sql(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM merged")
    return told


def _rank(each: ir.Table, order: list[int]) -> ir.IntegerValue:
    return ibis.cases(*((each.part == part, rank) for rank, part in enumerate(order)), else_=0)


def _describe_copies(merged: ir.Table) -> list[Assumption]:
    """Say what stands in several files, and counts once."""
    both = merged.filter((merged.parts > 1) & (merged.broken == 0))
    extra = both["read"] - both.copies
    # Decimals are added up exactly, in whatever order threads come to them.
    money = both.amount * extra
    found = measured(
        both,
        rows=extra.sum(where=~both.unlike),
        money=money.sum(where=~both.unlike).cast("float64"),
        unlike=extra.sum(where=both.unlike),
        unlike_money=money.sum(where=both.unlike).cast("float64"),
    )
    told = []
    if found["rows"]:
        told.append(
            Assumption(
                "duplicates",
                state("assumed-orders.lines-in-files"),
                rows=int(found["rows"]),
                money=float(found["money"]),
            )
        )
    if found["unlike"]:
        told.append(
            Assumption(
                "duplicates",
                state("assumed-orders.unlike-lines-in-files"),
                rows=int(found["unlike"]),
                money=float(found["unlike_money"]),
            )
        )
    return told

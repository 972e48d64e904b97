"""Decide which lines are one order, and give each line its order's key.

The key holds all that tells orders apart, the customer included where a number is not enough: so
distinct keys are orders everywhere, and nobody has to remember what an order is.
"""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import percent
from analysis.orders.meaning.draft import Draft, measured, sound, tell
from analysis.orders.meaning.restated import bare_code

#: Lines with one number that are further apart than so many days are two orders.
FAR = 90
#: From this share of reused numbers on, numbers restart: no number is enough by itself.
RESTART = 0.01
#: What belongs to an order, and may stand on its first row only.
OF_AN_ORDER = ("customer_id", "country", "status", "currency_code")


def spellings(draft: Draft) -> Draft:
    """Make numbers one that differ between files only in zeros or signs before them."""
    if len(draft.readings) == 1 or "invoice" not in draft.columns:
        return draft
    lines = draft.lines.filter(draft.lines.invoice.notnull())
    ids = lines.select("part", "invoice").distinct().mutate(bare=bare_code(_.invoice))
    ids = draft.engine.create_table("number_spellings", ids, temp=True)
    found = measured(
        ids,
        raw=ids.invoice.nunique(),
        bare=ids.bare.nunique(),
        own=ids.count(),
        own_bare=ibis.struct({"part": ids.part, "bare": ids.bare}).nunique(),
    )
    # A file that has both tells them apart.
    if found["raw"] == found["bare"] or found["own"] != found["own_bare"]:
        return draft
    one = ids.group_by("bare").aggregate(one=ids.invoice.argmax(ids.invoice.length()))
    one = ids.select("invoice", "bare").distinct().join(one, "bare")
    one = one.filter(one.invoice != one.one).select("one", other="invoice")
    one = draft.engine.create_table("one_number", one, temp=True)
    joined = draft.lines.left_join(one, draft.lines.invoice == one.other)
    changed = measured(joined.filter(joined.other.notnull()), rows=lambda t: t.count())
    told = Assumption(
        "orders",
        state("assumed-orders.same-number"),
        column=draft.spelled("invoice"),
        rows=int(changed["rows"]),
    )
    same = joined.mutate(invoice=ibis.coalesce(joined.one, joined.invoice))
    return tell(replace(draft, lines=same.select(draft.lines.columns)), told)


def orders(draft: Draft) -> Draft:
    """Give each line its customer, where only the order's first row has it, and its order's key.

    A number is enough for an order where it belongs to one customer, and to one time. Numbers that
    several customers share, or that come again after `FAR` days, are told apart by day, customer
    and till. Where many numbers are reused, this holds for all of them. Without a number, what a
    customer buys in one day is one order.
    """
    lines = draft.lines
    day = lines.invoice_date.date().cast("string")
    of = (ibis.literal(" of ") + lines.customer_id).fill_null("")
    if "invoice" not in draft.columns:
        told = Assumption(
            "orders",
            state("assumed-orders.order-is-a-day"),
            setting="transactions.columns.invoice",
        )
        by_day = ibis.literal("day ") + day + of
        return tell(replace(draft, lines=lines.mutate(order_id=by_day)), told)
    numbers = _numbers(draft)
    given = [name for name in OF_AN_ORDER if name in draft.columns]
    found = measured(
        numbers,
        numbers=(numbers.sold > 0).sum(),
        shared=(numbers.low != numbers.high).sum(),
        far=_far(numbers).sum(),
        reused=_reused(numbers).sum(),
        **{f"{name} gaps": _gaps(numbers, name).sum() for name in given},
    )
    restart = bool(found["reused"] and found["reused"] >= RESTART * found["numbers"])
    gaps = [name for name in given if found[f"{name} gaps"]]
    if gaps:
        draft = _fill_down(draft, gaps, restart)
        lines = draft.lines
        of = (ibis.literal(" of ") + lines.customer_id).fill_null("")
        day = lines.invoice_date.date().cast("string")
    number: ir.StringValue = lines.invoice
    if found["reused"]:
        till = (ibis.literal(" at ") + lines.till).fill_null("")
        apart = lines.invoice + till + ibis.literal(" on ") + day + of
        if not restart:
            reused = draft.engine.create_table(
                "reused", numbers.filter(_reused(numbers)).select("invoice"), temp=True
            )
            apart = ibis.ifelse(lines.invoice.isin(reused.invoice), apart, lines.invoice)
        number = apart
        told = _describe_numbers(draft, found, restart)
    else:
        told = Assumption("orders", state("assumed-orders.order-is-a-number"))
    by_day = ibis.literal("day ") + day + of
    return tell(replace(draft, lines=lines.mutate(order_id=number.fill_null(by_day))), told)


def _numbers(draft: Draft) -> ir.Table:
    """Return one row per invoice number: its customers, its days, its gaps."""
    lines = sound(draft).filter(lambda t: t.invoice.notnull())
    sold = lines.amount > 0
    # A return may bear the number of its purchase, months later.
    first, last = (lines.invoice_date.min(where=sold), lines.invoice_date.max(where=sold))
    table = lines.group_by("invoice").aggregate(
        rows=lines.count(),
        sold=sold.sum(),
        low=lines.customer_id.min(where=sold),
        high=lines.customer_id.max(where=sold),
        seconds=last.epoch_seconds() - first.epoch_seconds(),
        **{f"{name}_rows": lines[name].count() for name in OF_AN_ORDER if name in draft.columns},
    )
    return draft.engine.create_table("numbers", table, temp=True)


def _far(numbers: ir.Table) -> ir.BooleanValue:
    return (numbers.seconds > FAR * 86_400).fill_null(False)


def _reused(numbers: ir.Table) -> ir.BooleanValue:
    return ((numbers.low != numbers.high) | _far(numbers)).fill_null(False)


def _gaps(numbers: ir.Table, name: str) -> ir.BooleanValue:
    """Tell of which numbers some rows have a value, and others none."""
    given = numbers[f"{name}_rows"]
    return (given > 0) & (given < numbers.rows)


def _fill_down(draft: Draft, gaps: list[str], restart: bool) -> Draft:
    """Give all rows of an order what only some of them have, where these agree.

    Rows are of one order if they share number, till and day; where numbers restart, the moment.
    """
    lines = draft.lines
    moment = lines.invoice_date if restart else lines.invoice_date.truncate("D")
    lines = lines.mutate(moment=moment, at=lines.till.fill_null(""))
    keys = ["invoice", "at", "moment"]
    good = lines.filter((lines.broken == 0) & lines.invoice.notnull())
    if restart:
        # Without a time of day, a guest's order could be given to whom has the same number.
        good = good.filter(good.moment != good.moment.truncate("D"))
    known = good.group_by(*keys).aggregate(
        given=lambda t: t.count(),
        **{f"{name}_low": good[name].min() for name in gaps},
        **{f"{name}_high": good[name].max() for name in gaps},
        **{f"{name}_rows": good[name].count() for name in gaps},
    )
    some = [
        (known[f"{name}_rows"] > 0)
        & (known[f"{name}_rows"] < known.given)
        & (known[f"{name}_low"] == known[f"{name}_high"])
        for name in gaps
    ]
    fills = known.filter(ibis.or_(*some)).select(
        **{f"of_{key}": key for key in keys},
        **{
            f"fill_{name}": ibis.ifelse(hit, known[f"{name}_low"], ibis.null("string"))
            for name, hit in zip(gaps, some, strict=True)
        },
    )
    fills = draft.engine.create_table("order_rows", fills, temp=True)
    joined = lines.left_join(fills, [lines[key] == fills[f"of_{key}"] for key in keys])
    for name in gaps:
        empty = joined[name].isnull() & joined[f"fill_{name}"].notnull()
        its = measured(
            joined.filter(empty),
            rows=lambda t: t.count(),
            money=lambda t: t.amount.sum().cast("float64"),
        )
        if its["rows"]:
            words = "customer" if name == "customer_id" else name.replace("_", " ")
            draft = tell(
                draft,
                Assumption(
                    "orders",
                    state("assumed-orders.first-row", column=words),
                    column=draft.spelled(name),
                    rows=int(its["rows"]),
                    money=float(its["money"]),
                ),
            )
    filled = joined.mutate(
        **{name: ibis.coalesce(joined[name], joined[f"fill_{name}"]) for name in gaps}
    )
    return replace(draft, lines=filled.select(draft.lines.columns))


def _describe_numbers(draft: Draft, found: pd.Series, restart: bool) -> Assumption:
    """Say that numbers are not unique, and what tells orders apart."""
    till = "till" in draft.columns
    if restart:
        said = state(
            "assumed-orders.numbers-restart-tills" if till else "assumed-orders.numbers-restart",
            share=percent(found["reused"] / found["numbers"]),
            days=str(FAR),
        )
    else:
        said = state(
            "assumed-orders.numbers-again-tills" if till else "assumed-orders.numbers-again",
            count=int(found["reused"]),
            numbers=f"{found['numbers']:,.0f}",
            days=str(FAR),
        )
    return Assumption("orders", said, column=draft.spelled("invoice"))

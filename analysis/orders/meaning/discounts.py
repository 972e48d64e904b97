"""Take discounts off the lines that name them, where no amount says what was paid."""

from __future__ import annotations

from dataclasses import replace

import ibis
import ibis.expr.types as ir

from analysis.core.assumptions import Assumption, state
from analysis.core.problems import Problem
from analysis.orders.ledger import MONEY
from analysis.orders.meaning.draft import Draft, measured, refuse, tell

#: What each way to read a discount means, as the sentence says it.
WAYS = {
    "share": "a share of the price, 0.1 for a tenth",
    "percent": "percent of the price",
    "money": "money that is taken off the line",
    "none": "in the price already",
}
SAID = {
    "share": "assumed-orders.discount-share",
    "percent": "assumed-orders.discount-percent",
    "money": "assumed-orders.discount-money",
    "none": "assumed-orders.discount-none",
}


def discounts(draft: Draft) -> Draft:
    """Take discounts off: as the settings say, or as evidence does; refuse what stays open.

    Values up to one, some of them broken, are shares; values up to a hundred with a percent sign,
    in the column's name or in the cells, are percent. All else could be percent, money, or in the
    price already.
    """
    parts = [
        place
        for place, reading in enumerate(draft.readings)
        if "discount" in reading.names and "amount" not in reading.names
    ]
    if not parts:
        return draft
    lines = draft.lines
    number = _number(draft, parts)
    has = lines.part.isin(parts) & (number > 0).fill_null(False)
    lines = lines.mutate(off=ibis.ifelse(has, number, 0.0))
    worth = {way: _amount_paid(lines, way) for way in WAYS}
    good = lines.filter((lines.broken == 0) & (lines.off > 0) & (lines.amount > 0))
    found = measured(
        good,
        rows=good.count(),
        high=good.off.max(),
        broken=(good.off != good.off.round()).sum(),
        signs=good.discount.contains("%").sum(),
        before=good.amount.sum().cast("float64"),
        **{f"after {way}": _amount_paid(good, way).sum().cast("float64") for way in WAYS},
    )
    if not found["rows"]:
        return draft
    column = draft.spelled("discount")
    way = draft.settings.line_discount
    named = any(word in column.casefold() for word in ("%", "percent", "prozent", "процент", "pct"))
    if not way and (named or found["signs"]) and found["high"] <= 100:
        way = "share" if found["high"] <= 1 and not found["signs"] else "percent"
    elif not way and found["high"] <= 1 and found["broken"]:
        way = "share"
    if not way:
        likely = ["percent", "money", "none"] if found["high"] <= 100 else ["money", "none"]
        sums = "; ".join(f"{found[f'after {one}']:,.2f} if they are {WAYS[one]}" for one in likely)
        problem = Problem(
            draft.source,
            f"it is not clear what the discounts are: the lines that have one come to {sums}",
            column=column,
            rows=int(found["rows"]),
            remedy='Set line_discount in data/settings.toml to "percent", "money", "share" or '
            '"none".',
        )
        return refuse(draft, problem)
    told = Assumption(
        "money",
        state(
            SAID[way],
            after=f"{found[f'after {way}']:,.2f}",
            before=f"{found['before']:,.2f}",
        ),
        column=column,
        rows=int(found["rows"]),
        money=float(found["before"] - found[f"after {way}"]),
        setting="transactions.line_discount",
    )
    amount = worth[way]
    return tell(replace(draft, lines=lines.mutate(amount=amount).drop("off")), told)


def _number(draft: Draft, parts: list[int]) -> ir.FloatingValue:
    """Return the discounts as positive numbers, by the decimal mark of each file's prices."""
    text = draft.lines.discount.re_replace(r"[^0-9.,]", "")
    comma = [place for place in parts if draft.readings[place].decimal_mark == ","]
    point = text.replace(",", "").try_cast("float64")
    if not comma:
        return point
    with_comma = text.replace(".", "").replace(",", ".").try_cast("float64")
    return ibis.ifelse(draft.lines.part.isin(comma), with_comma, point)


def _amount_paid(lines: ir.Table, way: str) -> ir.DecimalValue:
    """Return what is left of the amounts if discounts are read in a way."""
    amount = lines.amount.cast("float64")
    if way == "none":
        return lines.amount
    if way == "money":
        # A return takes back what was paid: its discount has the other sign.
        left = amount - lines.off * amount.sign()
    else:
        left = amount * (1 - lines.off / (100 if way == "percent" else 1))
    return ibis.ifelse(lines.off > 0, left.round(4).cast(MONEY), lines.amount)

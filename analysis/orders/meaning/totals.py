"""Refuse sums where the money of a line should stand: of its pieces, its order, its set."""

from __future__ import annotations

import re

import ibis

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import percent
from analysis.core.problems import Problem
from analysis.orders.canonical import line_money
from analysis.orders.columns import unread_columns
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell
from analysis.orders.telling_columns import refund_columns

#: So many rows of a file are looked at.
ROWS = 100_000
#: So many products, or orders, show what a column holds, if so large a share of them does.
FEW, SHARE = 10, 0.9
#: Parts of sets are refused above this share of the money.
UNCLEAR = 0.01
#: Names of columns that tell to which line another belongs, and for how many pieces a price is.
_PARENT = re.compile(r"parent|bundle|belongs|übergeordnet|stückliste")
_PRICE_UNIT = re.compile(
    r"pric(?:e|ing)[ _-]?(?:unit|per|base|basis)|preis[ _-]?einheit|preis[ _-]?pro|"
    r"unité de prix|prijs[ _-]?eenheid|единица цены"
)


def line_totals(draft: Draft) -> Draft:
    """Refuse prices that grow with the quantity, as the total of a line does."""
    if "stock_code" not in draft.columns:
        return draft
    for place, reading in enumerate(draft.readings):
        if not {"quantity", "unit_price", "stock_code"} <= reading.names.keys():
            continue
        lines = sound(draft).filter(
            lambda t, place=place: (
                (t.part == place) & (t.row_number <= ROWS) & (t.quantity > 0) & (t.unit_price > 0)
            )
        )
        products = lines.group_by("stock_code").aggregate(
            quantity=lines.quantity.ln().std(),
            price=lines.unit_price.ln().std(),
            piece=(lines.unit_price / lines.quantity).ln().std(),
        )
        products = products.filter(products.quantity > 0.2)
        found = measured(
            products,
            products=products.count(),
            total=(products.piece < 0.5 * products.price).sum(),
        )
        if found["products"] < FEW or found["total"] < SHARE * found["products"]:
            continue
        sums = measured(
            lines, price=lines.unit_price.sum(), product=(lines.quantity * lines.unit_price).sum()
        )
        column = reading.names["unit_price"]
        rule = (
            f"the price grows with the quantity for {found['total']:,.0f} of "
            f"{found['products']:,.0f} products, as the total of a line does: in the first rows "
            f"these totals are {sums['price']:,.2f}, and times the quantity {sums['product']:,.2f}"
        )
        problem = Problem(
            reading.part.source,
            rule,
            column=column,
            remedy=f'If it is the total, set amount = ["{column}"] in [transactions.columns].',
        )
        told = Assumption(
            "money",
            state(
                "assumed-orders.line-totals",
                totals=f"{found['total']:,.0f}",
                products=f"{found['products']:,.0f}",
                prices=f"{sums['price']:,.2f}",
                times=f"{sums['product']:,.2f}",
            ),
            source=reading.part.source,
            column=column,
        )
        draft = refuse(draft, problem, "line_totals", told)
    return draft


def order_totals(draft: Draft) -> Draft:
    """Refuse amounts that are the same on all lines of an order, as the order's total is."""
    if "invoice" not in draft.columns:
        return draft
    for place, reading in enumerate(draft.readings):
        if not {"amount", "invoice"} <= reading.names.keys():
            continue
        lines = sound(draft).filter(
            lambda t, place=place: (
                (t.part == place) & (t.row_number <= ROWS) & t.invoice.notnull() & (t.amount > 0)
            )
        )
        what = ibis.struct(
            {"code": lines.stock_code, "name": lines.description, "rest": lines["rest"]}
        )
        by_order = lines.group_by("invoice", "customer_id", "invoice_date").aggregate(
            lines=lines.count(),
            kinds=what.nunique(),
            low=lines.amount.min(),
            high=lines.amount.max(),
            money=lines.amount.sum(),
        )
        several = by_order.filter(by_order.kinds > 1)
        found = measured(
            several,
            orders=several.count(),
            same=(several.low == several.high).sum(),
            amounts=several.high.nunique(),
            money=several.money.sum().cast("float64"),
            once=several.high.sum().cast("float64"),
        )
        few = found["orders"] < FEW or found["amounts"] < FEW
        if few or found["same"] < SHARE * found["orders"]:
            continue
        column = reading.names["amount"]
        rule = (
            f"in {percent(found['same'] / found['orders'])} of the orders with several lines every "
            "line has the same amount, as the total of the order is: in the first rows they are "
            f"{found['money']:,.2f}, and {found['once']:,.2f} if each order counts once"
        )
        problem = Problem(
            reading.part.source,
            rule,
            column=column,
            remedy="Name the column with the money of a line, or export one row for each order.",
        )
        told = Assumption(
            "money",
            state(
                "assumed-orders.order-totals",
                share=percent(found["same"] / found["orders"]),
                money=f"{found['money']:,.2f}",
                once=f"{found['once']:,.2f}",
            ),
            source=reading.part.source,
            column=column,
        )
        draft = refuse(draft, problem, "order_totals", told)
    return draft


def order_sums(draft: Draft) -> Draft:
    """Refuse orders that hold, as a line, the sum of all their other lines."""
    if "invoice" not in draft.columns:
        return draft
    for place, reading in enumerate(draft.readings):
        lines = sound(draft).filter(
            lambda t, place=place: (
                (t.part == place) & (t.row_number <= ROWS) & t.invoice.notnull() & (t.amount > 0)
            )
        )
        by_order = lines.group_by("invoice", "customer_id").aggregate(
            lines=lines.count(), high=lines.amount.max(), money=lines.amount.sum()
        )
        # Two equal lines of an order would be each other's sum.
        several = by_order.filter(by_order.lines > 2)
        is_sum = (2 * several.high - several.money).abs() <= 0.01
        found = measured(
            several,
            orders=several.count(),
            sums=is_sum.sum(),
            money=several.money.sum().cast("float64"),
            high=several.high.sum(where=is_sum).cast("float64"),
        )
        if found["orders"] < FEW or found["sums"] < SHARE * found["orders"]:
            continue
        rule = (
            f"{percent(found['sums'] / found['orders'])} of the orders with three lines or more "
            "have a line that is the sum of all others: in the first rows these orders are "
            f"{found['money']:,.2f}, and {found['money'] - found['high']:,.2f} without such lines"
        )
        problem = Problem(
            reading.part.source,
            rule,
            rows=int(found["sums"]),
            remedy="Export one row for each line of an order, without the row of its total.",
        )
        told = Assumption(
            "money",
            state(
                "assumed-orders.order-sums",
                share=percent(found["sums"] / found["orders"]),
                money=f"{found['money']:,.2f}",
                without=f"{found['money'] - found['high']:,.2f}",
            ),
            source=reading.part.source,
        )
        draft = refuse(draft, problem, "order_sums", told)
    return draft


def parts_of_sets(draft: Draft) -> Draft:
    """Refuse sets with a price whose parts have prices, too, as a column of parents shows."""
    for reading in draft.readings:
        names = reading.names
        if not {"invoice", "stock_code"} <= names.keys():
            continue
        free = unread_columns(reading.part.columns, names)
        for name in [name for name in free if _PARENT.search(name.casefold())]:
            table = reading.table.select(
                invoice=reading.table[names["invoice"]].cast("string"),
                code=reading.table[names["stock_code"]].cast("string").strip(),
                parent=reading.table[name].cast("string").strip().nullif(""),
                money=line_money(reading),
            )
            parts = table.filter(table.parent.notnull() & (table.parent != table.code))
            # They are written down since Ibis 12 cannot measure what comes out of a semi-join.
            of = table.filter(table.money > 0).select(whole="invoice", parent="code").distinct()
            both = parts.join(of, [parts.invoice == of.whole, parts.parent == of.parent])
            found = measured(both, rows=both.count(), money=both.money.sum(where=both.money > 0))
            total = measured(table, money=table.money.sum(where=table.money > 0))["money"]
            if found["money"] <= UNCLEAR * total:
                continue
            rule = (
                f"lines worth {found['money']:,.2f} name another line of their order as the one "
                f"that they belong to, which has a price as well: the file's lines are worth "
                f"{total:,.2f} with them, and {total - found['money']:,.2f} without"
            )
            problem = Problem(
                reading.part.source,
                rule,
                column=name,
                rows=int(found["rows"]),
                remedy="Export either sets or their parts, or the parts at a price of 0.",
            )
            told = Assumption(
                "money",
                state(
                    "assumed-orders.sets",
                    money=f"{found['money']:,.2f}",
                    total=f"{total:,.2f}",
                    without=f"{total - found['money']:,.2f}",
                ),
                source=reading.part.source,
                column=name,
            )
            draft = refuse(draft, problem, "parts_of_sets", told)
    return draft


def price_units(draft: Draft) -> Draft:
    """Refuse prices of several pieces, as of a hundred, that a column of its own tells of."""
    for reading in draft.readings:
        if "unit_price" not in reading.names:
            continue
        for name in unread_columns(reading.part.columns, reading.names):
            if not _PRICE_UNIT.search(name.casefold()):
                continue
            number = reading.table[name].cast("string").strip().try_cast("float64")
            found = measured(
                reading.table, rows=(number > 1).sum(), most=number.max(), read=number.count()
            )
            if not found["rows"]:
                continue
            rule = f"it says that prices are for up to {found['most']:,.0f} pieces"
            problem = Problem(
                reading.part.source,
                rule,
                column=name,
                rows=int(found["rows"]),
                remedy="Export the price of one piece, or the money of each line.",
            )
            told = Assumption(
                "money",
                state("assumed-orders.price-unit", pieces=f"{found['most']:,.0f}"),
                source=reading.part.source,
                column=name,
                rows=int(found["rows"]),
            )
            draft = refuse(draft, problem, "price_units", told)
    return draft


def unread_refunds(draft: Draft) -> Draft:
    """Refuse columns of refunded money, or of pieces returned: no line's money is less for them."""
    for reading in draft.readings:
        for name in refund_columns(reading):
            column = reading.table[name]
            number = column.cast("string").re_replace(r"[^0-9.,-]", "").replace(",", ".")
            found = measured(
                reading.table,
                total=number.try_cast("float64").abs().sum(),
                rows=(number.try_cast("float64") != 0).sum(),
            )
            if not found["rows"]:
                continue
            rule = (
                f"its values add up to {found['total']:,.2f}, and no line's money is less for them"
            )
            problem = Problem(
                reading.part.source,
                rule,
                column=name,
                rows=int(found["rows"]),
                remedy="Export refunds as lines of their own with a minus, or amounts after them.",
            )
            told = Assumption(
                "refunds",
                state("assumed-orders.refund-column", total=f"{found['total']:,.2f}"),
                source=reading.part.source,
                column=name,
                rows=int(found["rows"]),
            )
            draft = refuse(draft, problem, "refund_columns", told)
    return draft


def one_line(draft: Draft) -> Draft:
    """Remark on a line that holds much of all money, as a mistyped one does."""
    lines = sound(draft)
    found = measured(
        lines,
        rows=lines.count(),
        most=lines.amount.max().cast("float64"),
        all=lines.amount.sum(where=lines.amount > 0).cast("float64"),
    )
    if found["rows"] < ROWS / 1000 or found["most"] <= 0.2 * found["all"]:
        return draft
    line = lines.order_by(ibis.desc("amount")).limit(1).execute().iloc[0]
    told = Assumption(
        "money",
        state("assumed-orders.one-line", share=percent(found["most"] / found["all"])),
        rows=1,
        money=float(found["most"]),
        example=f"row {line['row_number']} of {draft.readings[int(line['part'])].part.source}",
    )
    return tell(draft, told)

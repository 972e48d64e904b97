"""Refuse sums that stand where the money of a line should: of the line's pieces, of its order."""

from __future__ import annotations

import ibis

from analysis.core.assumptions import Assumption
from analysis.core.formatting import capital, percent
from analysis.core.problems import Problem
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell
from analysis.orders.telling_columns import refund_columns

#: So many rows of a file are looked at.
ROWS = 100_000
#: So many products, or orders, show what a column holds, if so large a share of them does.
FEW, SHARE = 10, 0.9


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
        told = Assumption("money", f"{capital(rule)}.", source=reading.part.source, column=column)
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
        told = Assumption("money", f"{capital(rule)}.", source=reading.part.source, column=column)
        draft = refuse(draft, problem, "order_totals", told)
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
                f"It is not used: {rule}.",
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
        f"One line holds {percent(found['most'] / found['all'])} of all money: see that it is "
        "right.",
        rows=1,
        money=float(found["most"]),
        example=f"row {line['row_number']} of {draft.readings[int(line['part'])].part.source}",
    )
    return tell(draft, told)

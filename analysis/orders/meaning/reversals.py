"""Find the purchases that a cancellation took back, the last of the cleaning steps."""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from analysis.orders.ledger import GROSS, NET


def remove_reversals(engine: Backend, table: str, lines: ir.Table) -> ir.Table:
    """Move purchases that a cancellation reversed to step 5; return them and when it came.

    `table` is where the engine holds the lines.
    """

    def keep(name: str, table: ir.Table) -> ir.Table:
        return engine.create_table(name, table, temp=True)

    reversals = keep("reversed", find_reversals(lines, keep))
    engine.raw_sql(
        f"UPDATE {table} SET reached = {GROSS} WHERE rowid IN (SELECT line_id FROM reversed)"
    )
    return reversals


def find_reversals(lines: ir.Table, keep: Callable[[str, ir.Table], ir.Table]) -> ir.Table:
    """Return the purchases that a cancellation reversed, by their line_id, and when it came.

    Per (customer, stock code, price, quantity, amount) the n-th cancellation, in time order,
    removes the n-th purchase if that came no later. A ledger of amounts has neither price nor
    quantity: there it is the amount that must be the same.

    Parameters
    ----------
    lines
        With line_id, cleaning_step and cancelled.
    keep
        Writes an intermediate table under a name, on whatever engine holds the lines.
    """
    cancellations = lines.filter((lines.cleaning_step == 2) & lines.cancelled)
    keys = ["customer_id", "stock_code", "unit_price", "quantity", "amount"]
    # Where an export says which purchase a refund takes back, it takes back no other.
    keys += ["refund_key"] * ("refund_key" in lines.columns)
    ties = ["invoice_date", "order_id", "description", "country"]

    def comparable(table: ir.Table) -> ir.Table:
        numbers = {name: table[name].abs() for name in ("unit_price", "quantity")}
        return table.mutate(
            **{
                name: table[name].fill_null("")
                for name in ("stock_code", "refund_key")
                if name in table.columns
            },
            amount=table.amount.abs(),
            **{name: value.fill_null(0.0) for name, value in numbers.items()},
        )

    def numbered(table: ir.Table) -> ir.Table:
        window = ibis.window(group_by=keys, order_by=[table[tie] for tie in ties])
        return table.select("line_id", *keys, "invoice_date", nth=ibis.row_number().over(window))

    back = keep("taken_back", numbered(comparable(cancellations)))
    # Only purchases that some cancellation matches need a number: one line in a hundred.
    net = comparable(lines.filter(lines.cleaning_step == NET))
    # They are written to a table since Ibis 12 cannot join what comes out of a semi-join.
    some = ["customer_id", "stock_code", "amount"]
    candidates = net.select("line_id", *keys, *ties).semi_join(back.select(*some).distinct(), some)
    bought = numbered(keep("candidates", candidates))
    pairs = bought.join(back, [*keys, "nth"], rname="{name}_back")
    return pairs.filter(pairs.invoice_date <= pairs.invoice_date_back).select(
        "line_id", reversed_on=pairs.invoice_date_back
    )

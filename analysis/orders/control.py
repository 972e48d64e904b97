"""Add up the orders by month, to be held against the shop system's own figures."""

from __future__ import annotations

import pandas as pd

from analysis.orders.ledger import GROSS, NET, Ledger
from analysis.orders.no_customer import sales_without_customer


def control_figures(ledger: Ledger) -> pd.DataFrame:
    """Return what the files add up to, month by month.

    Returns
    -------
    pandas.DataFrame
        month (2011-01); orders (with net sales) and gross of known customers, refunds (purchases of
        this month that were taken back, whenever), net (gross less refunds); no_customer (gross
        sales of products that name no customer); other (all else: cancellations, postage, repeated
        lines, what was refused or left out); all_lines (the sum of every amount that can be read,
        as a spreadsheet would add them up: net, no_customer and other).
    """
    lines = ledger.lines
    month = lines.invoice_date.strftime("%Y-%m")
    order = lines.customer_id.concat("\t", lines.order_id)
    gross, net = lines.cleaning_step >= GROSS, lines.cleaning_step >= NET
    table = (
        lines.group_by(month=month)
        .aggregate(
            orders=order.nunique(where=net),
            gross=lines.amount.sum(where=gross).cast("float64").fill_null(0.0),
            net=lines.amount.sum(where=net).cast("float64").fill_null(0.0),
            all_lines=(lines.amount * lines.read).sum().cast("float64").fill_null(0.0),
        )
        .execute()
        .dropna(subset="month")
        .set_index("month")
    )
    nobody = sales_without_customer(ledger)
    alone = (
        nobody.group_by(month=nobody.invoice_date.strftime("%Y-%m"))
        .aggregate(no_customer=nobody.amount.sum().cast("float64"))
        .execute()
        .set_index("month")["no_customer"]
    )
    table["no_customer"] = alone.reindex(table.index).fillna(0.0)
    table["refunds"] = table["gross"] - table["net"]
    table["other"] = table["all_lines"] - table["net"] - table["no_customer"]
    columns = ["orders", "gross", "refunds", "net", "no_customer", "other", "all_lines"]
    table = table[columns].sort_index().reset_index()
    amounts = columns[1:]
    table[amounts] = table[amounts].round(2) + 0.0  # no minus before nought
    return table


def control_lines(table: pd.DataFrame, currency: str) -> list[str]:
    """Return the table as aligned lines of text, with a total below.

    Parameters
    ----------
    table
        From `control_figures`.
    currency
        The sign of the amounts.
    """
    names = {
        "month": "Month",
        "orders": "Orders",
        "gross": "Gross",
        "refunds": "Refunds",
        "net": "Net",
        "no_customer": "No customer",
        "other": "All else",
        "all_lines": "All lines",
    }
    total = table.drop(columns="month").sum()
    every = [*table.to_dict("records"), {"month": "Total", **total}]
    rows = [
        [
            str(row["month"]),
            f"{row['orders']:,.0f}",
            *(f"{row[name]:,.2f}" for name in list(names)[2:]),
        ]
        for row in every
    ]
    widths = [
        max(len(line[place]) for line in [[*names.values()], *rows]) for place in range(len(names))
    ]
    sign = f", in {currency}" if currency else ""
    return [
        f"By month, to compare with the shop system's own figures{sign}. Net is gross less "
        "refunds; all lines are what the files add up to.",
        *(
            "  ".join(
                text.ljust(width) if place == 0 else text.rjust(width)
                for place, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in [[*names.values()], *rows]
        ),
    ]

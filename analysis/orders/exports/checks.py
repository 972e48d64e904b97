"""Hold the lines of each order to the order's own subtotal."""

from __future__ import annotations

import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import count, percent
from analysis.core.problems import Problem
from analysis.ingest.profiles import CheckRule


def settle_discounts(
    value: pd.Series, line: pd.Series, order: pd.Series, subtotal: pd.Series, groups: pd.Series
) -> pd.Series:
    """Return what of each order's discount its lines do not show yet.

    A system may count the discounts of single lines among the order's, or beside them, or write
    there what was taken off the shipping: the order's subtotal tells.

    Parameters
    ----------
    value
        Of each line, before discounts.
    line
        Each line's own discount.
    order, subtotal
        The order's discount and its goods after all discounts, on each of its lines.
    groups
        What tells orders apart.

    Returns
    -------
    pandas.Series
        The discount to spread over the order's lines, on each of them; not below nought.
    """
    before = value.groupby(groups).transform("sum")
    own = line.groupby(groups).transform("sum")
    first = (order - own).clip(lower=0)
    rest = first
    missing = before - own - subtotal
    for other in (order, pd.Series(0.0, order.index)):
        off = (missing - rest).abs() > tolerance(groups)
        rest = rest.where(~off | ((missing - other).abs() > tolerance(groups)), other)
    return rest


def tolerance(groups: pd.Series) -> pd.Series:
    """Return by how much an order's lines may miss its subtotal: half a hundredth a line, and one.

    Programs round each line.
    """
    return 0.011 + 0.005 * groups.groupby(groups).transform("size")


def check_subtotals(
    value: pd.Series,
    subtotal: pd.Series,
    groups: pd.Series,
    number: pd.Series,
    rule: CheckRule,
    source: str,
    column: str,
) -> tuple[list[Assumption], list[Problem]]:
    """Compare the lines of each order with its subtotal.

    Parameters
    ----------
    value
        What each line is worth, after discounts and before refunds.
    subtotal
        The order's, on each of its lines; an order without one is not checked.
    groups
        What tells orders apart.
    number
        The order's number, for messages.
    rule
        How many orders may fail, and what follows.
    """
    known = subtotal.notna()
    table = pd.DataFrame(
        {
            "value": value[known].groupby(groups[known]).sum(),
            "subtotal": subtotal[known].groupby(groups[known]).first(),
            "slack": tolerance(groups)[known].groupby(groups[known]).first(),
            "number": number[known].groupby(groups[known]).first(),
        }
    )
    if table.empty:
        return [], []
    off = table[(table["value"] - table["subtotal"]).abs() > table["slack"]]
    share = len(off) / len(table)
    sums = f"{table['value'].sum():,.2f} by their lines, and {table['subtotal'].sum():,.2f} by"
    if off.empty:
        said = state("assumed-exports.subtotals-agree", count=len(table))
        return [Assumption("money", said, source=source, column=column)], []
    worst = off.iloc[int((off["value"] - off["subtotal"]).abs().argmax())]
    example = (
        f"order {worst['number']}: {worst['value']:,.2f} by its lines, {worst['subtotal']:,.2f} by "
        "its subtotal"
    )
    gap = float((off["value"] - off["subtotal"]).abs().sum())
    rule_text = (
        f"the lines of {count(len(off), 'order')} ({percent(share)} of {len(table):,}) do not add "
        f"up to the order's subtotal: the orders are worth {sums} their subtotals"
    )
    if share > rule.most and rule.otherwise == "refuse":
        return [], [
            Problem(
                source,
                rule_text,
                column=column,
                rows=len(off),
                example=example,
                remedy="Export the file again, whole and unchanged. If its lines are right, write "
                "a profile of your own without [check]: see CONTRIBUTING.md.",
            )
        ]
    return [
        Assumption(
            "money",
            state(
                "assumed-exports.subtotals-differ",
                count=len(off),
                share=percent(share),
                all=f"{len(table):,}",
                lines=f"{table['value'].sum():,.2f}",
                subtotals=f"{table['subtotal'].sum():,.2f}",
            ),
            source=source,
            column=column,
            rows=len(off),
            money=gap,
            example=example,
        )
    ], []

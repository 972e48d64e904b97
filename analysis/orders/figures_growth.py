"""Draw what the growth of revenue is made of, and what new customers bring.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import count, minus, money, month, short_money, whole_money
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_GRID,
    NO_ROWS,
    PRIMARY,
    heat_tiles,
    money_labels,
    report_theme,
    tile_colours,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.orders.names import (
    ALL,
    CUSTOMERS,
    FREQUENCY,
    ITEMS,
    NEW,
    ON_PREVIOUS,
    ORDERS,
    PRICE,
    QUARTER_ON_YEAR,
    VALUE,
)
from analysis.orders.text_growth import find_change, name_span

say = partial(fill, "orders")
#: What a factor is called on the axis, and in a sentence.
FACTORS = {
    CUSTOMERS: ("revenue-tree.label-customers", "revenue-tree.factor-customers"),
    ORDERS: ("revenue-tree.label-orders", "revenue-tree.factor-orders"),
    FREQUENCY: ("revenue-tree.label-frequency", "revenue-tree.factor-frequency"),
    ITEMS: ("revenue-tree.label-items", "revenue-tree.factor-items"),
    PRICE: ("revenue-tree.label-price", "revenue-tree.factor-price"),
    VALUE: ("revenue-tree.label-value", "revenue-tree.factor-value"),
}
#: Months after the first order at which cohorts are compared: the month itself and two more.
COMPARED = 2
#: A page has room for so many months after the first order, and so many cohorts.
MOST = 12


def revenue_tree(
    revenue_tree: pd.DataFrame | None, growth: pd.DataFrame | None, currency: str
) -> Figure | None:
    """Draw how much each factor added to the change of revenue: year on year, if there is one."""
    comparison = next(
        (
            name
            for name in (QUARTER_ON_YEAR, ON_PREVIOUS)
            if find_change(growth, name, ALL) is not None
        ),
        None,
    )
    whole = find_change(growth, comparison, ALL) if comparison else None
    if revenue_tree is None or whole is None:
        return None
    table = revenue_tree[revenue_tree["comparison"] == comparison].reset_index(drop=True)
    parts = list(dict.fromkeys(table["part"]))
    rows = table.assign(
        place=[
            f"{row['part']}: {say(FACTORS[row['factor']][0])}" for row in table.to_dict("records")
        ],
        panel=pd.Categorical(table["part"], parts),
        factor=pd.Categorical(
            [say(FACTORS[name][0]) for name in table["factor"]],
            [say(label) for label, _ in FACTORS.values()][::-1],
        ),
        sign=np.where(table["contribution"] < 0, "less", "more"),
        text=[_tree_label(row, currency) for row in table.to_dict("records")],
        # Labels stand in a column of their own, where no bar can meet them.
        right=float(max(table["high"].max(), 0.0)),
    )
    reach = max(rows["right"].iloc[0] - min(float(table["low"].min()), 0.0), 1e-9)
    plot = (
        p9.ggplot(rows, p9.aes("factor", "contribution"))
        + p9.geom_col(p9.aes(fill="sign"), width=0.6, show_legend=False)
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=INK, size=0.6)
        + p9.geom_hline(yintercept=0, color=MUTED, size=0.5)
        + p9.geom_text(
            p9.aes(y="right", label="text"), ha="left", nudge_y=0.03 * reach, size=7.5, color=INK
        )
        + p9.coord_flip()
        + p9.facet_wrap("panel", ncol=1, scales="free_y")
        + p9.scale_fill_manual({"more": PRIMARY, "less": ACCENT})
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0.02, 0, 0.5, 0))
        + p9.labs(
            subtitle=say(
                "revenue-tree.subtitle",
                after=name_span(whole, "after"),
                before=name_span(whole, "before"),
            ),
            x="",
            y="",
        )
        + report_theme(0.8 + 0.3 * len(parts) + 0.24 * len(rows))
        + NO_ROWS
    )
    top = table.iloc[int(table["contribution"].abs().to_numpy().argmax())]
    known = {
        "factor": say(FACTORS[top["factor"]][1]),
        "part": str(top["part"]),
        "amount": _signed(top["contribution"], currency),
    }
    change = _signed(whole["revenue_after"] - whole["revenue_before"], currency)
    return Figure(
        plot,
        say("revenue-tree.headline", **known)
        if comparison == QUARTER_ON_YEAR
        else say("revenue-tree.headline-season", **known),
        say("revenue-tree.alt", **known | {"factor": known["factor"].lower()}),
        say("revenue-tree.caption-new", change=change)
        if NEW in parts
        else say("revenue-tree.caption", change=change),
        data=table.rename(columns={"before": "factor_before", "after": "factor_after"}),
    )


def _signed(amount: float, currency: str) -> str:
    text = money(amount, currency)
    # A line is not broken between sign and amount.
    return minus(text) if amount < 0 else f"+\u2060{text}"


def _tree_label(row: dict[Any, Any], currency: str) -> str:
    """Return a contribution beside the factor before and after."""
    before, after = row["before"], row["after"]
    if row["factor"] in (CUSTOMERS, ORDERS):
        ends = [count(value) for value in (before, after)]
    elif row["factor"] in (PRICE, VALUE):
        ends = [money(value, currency) for value in (before, after)]
    else:
        ends = [f"{value:,.2f}" if value < 10 else count(value) for value in (before, after)]
    amount = minus(short_money(row["contribution"], currency))
    return say("revenue-tree.label", amount=amount, before=ends[0], after=ends[1])


def cohort_revenue(cohort_revenue: pd.DataFrame, currency: str) -> Figure | str:
    """Draw what the new customers of each month have brought since, per customer."""
    table = cohort_revenue
    if len(table):
        whole = table[table["new_known"].astype(bool)]
        long = whole.groupby("cohort")["months"].transform("max") >= COMPARED
        table = whole[long]
    if table.empty:
        return say("cohort-revenue.none")
    shown = sorted(table["cohort"].unique())[-MOST:]
    table = table[table["cohort"].isin(shown) & (table["months"] <= MOST)]
    rows = table.assign(
        row=top_first(
            [
                say("cohort-revenue.row", month=month(row["cohort"]), size=count(row["size"]))
                for row in table.to_dict("records")
            ]
        ),
        label=[short_money(value, currency) for value in table["cumulative"]],
    )
    colours = tile_colours(rows["cumulative"], 0.0, float(rows["cumulative"].max()))
    rows = rows.assign(fill=colours["fill"], ink=colours["ink"])
    last = int(rows["months"].max())
    plot = (
        p9.ggplot(rows, p9.aes("months", "row"))
        + heat_tiles(size=7)
        + p9.scale_x_continuous(breaks=list(range(last + 1)), expand=(0, 0.5))
        + p9.labs(
            subtitle=say("cohort-revenue.subtitle"),
            x=say("cohort-revenue.x"),
            y=say("cohort-revenue.y"),
        )
        + report_theme(1.1 + 0.26 * len(shown))
        + NO_GRID
    )
    compared = table[table["months"] == COMPARED].sort_values(
        ["cumulative", "cohort"], ascending=[False, True]
    )
    best, least = compared.iloc[0], compared.iloc[-1]
    known = {"best": month(best["cohort"]), "most": whole_money(best["cumulative"], currency)}
    headline = (
        say("cohort-revenue.headline-one", **known)
        if len(compared) == 1
        else say(
            "cohort-revenue.headline",
            last=month(least["cohort"]),
            least=whole_money(least["cumulative"], currency),
            **known,
        )
    )
    return Figure(plot, headline, say("cohort-revenue.alt", best=known["best"]), data=table)

"""Draw the tables of sales."""

from __future__ import annotations

import textwrap

import pandas as pd
import plotnine as p9

from analysis.core.formatting import WEEKDAYS, count, labels
from analysis.core.plotting import (
    ACCENT,
    ACCENT_PALE,
    INK,
    NO_COLUMNS,
    NO_GRID,
    NO_ROWS,
    PALE,
    PRIMARY,
    SOFT,
    count_labels,
    heat_tiles,
    money_labels,
    percent_labels,
    report_theme,
    tile_colours,
    title,
    top_first,
)
from analysis.orders.names import TOP_MARKETS, TOP_PRODUCTS


def _month_axis(months: pd.Series) -> tuple[list[pd.Timestamp], list[str]]:
    """Return at most nine of the months, with the year where it is new."""
    every = sorted(months.unique())
    chosen = every[:: max(1, -(-len(every) // 9))]
    labels, year = [], None
    for date in chosen:
        labels.append(f"{date:%b}\n{date:%Y}" if date.year != year else f"{date:%b}")
        year = date.year
    return chosen, labels


def _months_scale(months: pd.Series) -> p9.scale_x_datetime:
    breaks, labels = _month_axis(months)
    return p9.scale_x_datetime(breaks=breaks, labels=labels)


def cleaning_steps(steps: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw what each cleaning step keeps and removes (from `orders.quality.cleaning_steps`)."""
    names = [textwrap.fill(step, 26) for step in steps["step"]]
    order = top_first(names)
    bars = pd.concat(
        [
            pd.DataFrame({"step": order, "rows": steps["rows"], "part": "kept"}),
            pd.DataFrame({"step": order, "rows": steps["removed_rows"], "part": "removed here"}),
        ]
    )
    bars["part"] = pd.Categorical(bars["part"], ["removed here", "kept"])
    labels = steps.assign(
        step=order,
        end=steps["rows"] + steps["removed_rows"],
        label=[
            f"  {rows:,}" + (f"  (−{gone:,})" if gone else "")
            for rows, gone in zip(steps["rows"], steps["removed_rows"], strict=True)
        ],
    )
    return (
        p9.ggplot(bars, p9.aes("step", "rows"))
        + p9.geom_col(p9.aes(fill="part"), width=0.72)
        + p9.geom_text(p9.aes(y="end", label="label"), data=labels, ha="left", size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_fill_manual({"kept": PRIMARY, "removed here": ACCENT_PALE}, name=" ")
        + p9.scale_y_continuous(labels=count_labels, expand=(0, 0, 0.4, 0))
        + p9.labs(title=title(message), x="", y="Rows")
        + report_theme(3.4)
        + NO_ROWS
    )


def revenue(months: pd.DataFrame, currency: str, message: str) -> p9.ggplot:
    """Draw net revenue by month; months that the ledger does not cover whole are pale."""
    bars = months.assign(
        coverage=pd.Categorical(
            months["whole"].map({True: "whole month", False: "incomplete month"}),
            ["whole month", "incomplete month"],
        )
    )
    return (
        p9.ggplot(bars, p9.aes("month", "net_revenue", fill="coverage"))
        + p9.geom_col(width=24)
        + p9.scale_fill_manual({"whole month": PRIMARY, "incomplete month": PALE}, name=" ")
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.05, 0))
        + _months_scale(months["month"])
        + p9.labs(title=title(message), x="", y="Net revenue")
        + report_theme(3.1)
        + NO_COLUMNS
    )


def orders(months: pd.DataFrame, currency: str, message: str) -> p9.ggplot:
    """Draw orders, active customers and the order value by month, one below the other."""
    value = f"mean order, {currency} (band: 95% interval)"
    names = {"orders": "orders", "customers": "customers who ordered", "mean_order": value}
    long = months[months["whole"]].melt(
        id_vars=["month"], value_vars=list(names), var_name="measure", value_name="value"
    )
    long["measure"] = pd.Categorical(long["measure"].map(names), list(names.values()))
    band = months[months["whole"]].assign(
        measure=pd.Categorical([value] * int(months["whole"].sum()), list(names.values()))
    )
    return (
        p9.ggplot(long, p9.aes("month", "value"))
        + p9.geom_ribbon(
            p9.aes(x="month", ymin="order_low", ymax="order_high"),
            data=band,
            inherit_aes=False,
            fill=PALE,
        )
        + p9.geom_line(color=PRIMARY, size=0.9)
        + p9.geom_point(color=PRIMARY, size=1.6)
        + p9.facet_wrap("measure", ncol=1, scales="free_y")
        + p9.scale_y_continuous(labels=count_labels)
        + p9.expand_limits(y=0)
        + _months_scale(long["month"])
        + p9.labs(title=title(message), x="", y="")
        + report_theme(4.8)
    )


def new_and_returning(months: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw new and returning customers by month."""
    names = {"new_customers": "first order ever", "returning_customers": "ordered before"}
    long = months[months["whole"]].melt(
        id_vars=["month"], value_vars=list(names), var_name="kind", value_name="count"
    )
    long["kind"] = pd.Categorical(long["kind"].map(names), list(names.values()))
    return (
        p9.ggplot(long, p9.aes("month", "count", fill="kind"))
        + p9.geom_col(width=24)
        + p9.scale_fill_manual({"first order ever": ACCENT, "ordered before": PRIMARY}, name=" ")
        + p9.scale_y_continuous(labels=count_labels, expand=(0, 0, 0.05, 0))
        + _months_scale(long["month"])
        + p9.labs(title=title(message), x="", y="Customers who ordered")
        + report_theme(3.1)
        + NO_COLUMNS
    )


def week(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw orders by weekday and hour as a heatmap; an empty cell had no order."""
    days = [name[:3] for name in WEEKDAYS]
    cells = table.assign(
        day=pd.Categorical([days[d] for d in table["weekday"]], days[::-1], ordered=True)
    )
    cells = cells.join(tile_colours(cells["orders"], 0, cells["orders"].max()))
    hours = list(range(int(table["hour"].min()), int(table["hour"].max()) + 1))
    return (
        p9.ggplot(cells, p9.aes("hour", "day"))
        + heat_tiles("orders", size=7 if len(hours) <= 16 else 5.5)
        + p9.scale_x_continuous(breaks=hours[:: 1 if len(hours) <= 14 else 2], expand=(0, 0))
        + p9.scale_y_discrete(limits=days[::-1])
        + p9.labs(title=title(message), x="Hour of the day", y="")
        + report_theme(3.0)
        + NO_GRID
    )


def countries(table: pd.DataFrame, currency: str, message: str) -> p9.ggplot:
    """Draw net revenue of the markets outside the home market."""
    bars = table[~table["home"]].head(TOP_MARKETS)
    names = labels([*bars["country"]], 28)
    bars = bars.assign(
        country=top_first(names),
        label=["  " + count(n, "customer") for n in bars["customers"]],
    )
    return (
        p9.ggplot(bars, p9.aes("country", "revenue"))
        + p9.geom_col(fill=PRIMARY, width=0.7)
        + p9.geom_text(p9.aes(label="label"), ha="left", size=8, color=SOFT)
        + p9.coord_flip()
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.2, 0))
        + p9.labs(title=title(message), x="", y="Net revenue")
        + report_theme(max(1.6, 0.9 + 0.26 * len(bars)))
        + NO_ROWS
    )


def products(table: pd.DataFrame, currency: str, message: str) -> p9.ggplot:
    """Draw the products with the highest gross revenue, and how much of each came back."""
    top = table.head(TOP_PRODUCTS)
    named = top["description"].fillna("").str.strip()
    names = labels([*named.where(named != "", top["stock_code"])], 36)
    order = top_first(names)
    kept = top["revenue"] * (1 - top["returned_share"])
    bars = pd.concat(
        [
            pd.DataFrame({"product": order, "revenue": kept, "part": "kept"}),
            pd.DataFrame({"product": order, "revenue": top["revenue"] - kept, "part": "cancelled"}),
        ]
    )
    bars["part"] = pd.Categorical(bars["part"], ["cancelled", "kept"])
    return (
        p9.ggplot(bars, p9.aes("product", "revenue", fill="part"))
        + p9.geom_col(width=0.7)
        + p9.coord_flip()
        + p9.scale_fill_manual({"kept": PRIMARY, "cancelled": ACCENT}, name=" ")
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.05, 0))
        + p9.labs(title=title(message), x="", y="Gross revenue")
        + report_theme(max(2.0, 1.1 + 0.26 * len(top)))
        + NO_ROWS
    )


def returns(months: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the cancelled share of gross revenue by month."""
    whole = months[months["whole"]]
    points = whole.assign(share=whole["cancelled_revenue"] / whole["gross_revenue"])
    return (
        p9.ggplot(points, p9.aes("month", "share"))
        + p9.geom_line(color=ACCENT, size=0.9)
        + p9.geom_point(color=ACCENT, size=1.8)
        + p9.expand_limits(y=0)
        + p9.scale_y_continuous(labels=percent_labels, expand=(0, 0, 0.08, 0))
        + _months_scale(points["month"])
        + p9.labs(title=title(message), x="", y="Cancelled share")
        + report_theme(2.7)
    )


def cohorts(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the share of each month's new customers who ordered again, month by month."""
    cells = table[(table["months"] > 0) & table["whole"]]
    first = sorted(table["cohort"].unique())
    size = table[table["months"] == 0].set_index("cohort")["size"]
    names = {cohort: f"{cohort:%b %Y} ({size[cohort]:,})" for cohort in first}
    cells = cells.assign(
        cohort=pd.Categorical(cells["cohort"].map(names), [names[c] for c in first][::-1]),
        label=[f"{100 * share:.0f}" for share in cells["share"]],
    ).join(tile_colours(cells["share"], 0, cells["share"].max()))
    many = cells["months"].max() > 14
    return (
        p9.ggplot(cells, p9.aes("months", "cohort"))
        + heat_tiles(size=5.8 if many else 7.5, gap=0.6)
        + p9.scale_x_continuous(
            breaks=list(range(1, int(cells["months"].max()) + 1, 2 if many else 1)), expand=(0, 0)
        )
        + p9.labs(
            title=title(message),
            x="Months after the first order",
            y="First order in (new customers)",
        )
        + report_theme(max(2.4, 1.3 + 0.23 * len(first)))
        + NO_GRID
    )

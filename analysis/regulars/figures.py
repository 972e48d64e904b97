"""Draw the differences between customers whose spending declines and those whose spending does not.

Each function takes a table of `regulars.tables` and a title, and returns a plot. The
title states the message, so it is computed from the same table (`effects_message` and the like).
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd
import plotnine as p9

from analysis.core.formatting import capital, labels, shorten
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_GRID,
    NO_ROWS,
    PRIMARY,
    empty_plot,
    few_breaks,
    heat_tiles,
    percent_labels,
    report_theme,
    tile_colours,
    title,
    top_first,
)
from analysis.regulars.names import CATEGORICAL, FEATURE_NAMES, NUMERIC

ACTIVITY_NAMES = {"same": "stay", "declined": "buy less"}
_LINE = 72
TOO_FEW = "Too few customers to draw."
#: So many categories are drawn: those with the highest rates.
_CATEGORIES = 20


def effect_plot(
    effects: pd.DataFrame,
    message: str,
    most: int = 30,
    subtitle: str = "Customers who buy less, compared with those who stay; 95% intervals",
) -> p9.ggplot:
    """Draw the effects as points with intervals, the largest on top, around a line at zero.

    Parameters
    ----------
    effects
        As `regulars.tables.feature_effects` returns it.
    message
        The title.
    most
        How many rows are drawn; the smallest effects are left out.
    subtitle
        Who is compared with whom.
    """
    if effects.empty:
        return empty_plot(_title(message), TOO_FEW)
    shown = effects.head(most)
    # "Category" says enough on an axis, and leaves room for the category.
    names = [capital(name.removeprefix("favourite ")) for name in shown["name"]]
    names = labels(names, 44)
    rows = shown.assign(
        name=top_first(names),
        clear=pd.Categorical(
            shown["clear"].map({True: "more than chance", False: "within chance"}),
            ["more than chance", "within chance"],
        ),
    )
    return (
        p9.ggplot(rows, p9.aes("delta", "name", color="clear"))
        + p9.geom_vline(xintercept=0, color=INK, size=0.5)
        + p9.geom_segment(p9.aes(x="low", xend="high", y="name", yend="name"), size=0.9)
        + p9.geom_point(size=2.2)
        + p9.scale_color_manual({"more than chance": PRIMARY, "within chance": MUTED})
        + p9.labs(
            title=_title(message),
            subtitle=subtitle,
            x="lower   ←   Cliff's delta   →   higher",
            y="",
        )
        + report_theme(height=1.5 + 0.2 * len(rows))
        + NO_ROWS
        + p9.theme(
            axis_text_y=p9.element_text(size=8),
            legend_title=p9.element_blank(),
        )
    )


def distribution_plot(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw one small histogram a feature, customers who buy less laid over those who stay.

    Areas are comparable within a panel: each class fills the same area.

    Parameters
    ----------
    table
        As `regulars.tables.distributions` returns it; panels keep its order.
    message
        The title.
    """
    if table.empty:
        return empty_plot(_title(message), TOO_FEW)
    features = list(dict.fromkeys(table["feature"]))
    panels = [textwrap.fill(capital(FEATURE_NAMES.get(name, name)), 34) for name in features]
    rows = table.assign(
        panel=pd.Categorical(
            table["feature"].map(dict(zip(features, panels, strict=True))), panels
        ),
        activity=pd.Categorical(
            table["activity"].map(ACTIVITY_NAMES), list(ACTIVITY_NAMES.values())
        ),
    )
    colors = {"stay": MUTED, "buy less": ACCENT}
    return (
        p9.ggplot(rows, p9.aes(xmin="low", xmax="high", ymin=0, ymax="density", fill="activity"))
        + p9.geom_rect(alpha=0.5)
        + p9.facet_wrap("panel", ncol=2, scales="free")
        + p9.scale_fill_manual(colors, name="Customers who")
        + p9.scale_x_continuous(breaks=few_breaks, labels=_short_numbers)
        + p9.labs(
            title=_title(message),
            subtitle="Share of each class's customers; both classes fill the same area",
            x="",
            y="",
        )
        + report_theme(height=1.3 + 1.25 * -(-len(panels) // 2))
        + p9.theme(
            axis_text_y=p9.element_blank(),
            panel_grid_major_y=p9.element_blank(),
            axis_text_x=p9.element_text(size=7.5),
            strip_text=p9.element_text(size=8),
            panel_spacing=0.03,
        )
    )


def association_plot(matrix: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the associations as a heat map; the columns carry the numbers of the rows.

    Parameters
    ----------
    matrix
        As `regulars.tables.association_matrix` returns it.
    message
        The title.
    """
    if matrix.empty:
        return empty_plot(_title(message), TOO_FEW)
    order = [name for name in ("decline", *NUMERIC, *CATEGORICAL) if name in set(matrix["second"])]
    order = [name for name in matrix["first"].unique() if name not in order] + order
    place = {name: number for number, name in enumerate(order, 1)}
    numbered = [f"{capital(FEATURE_NAMES[name])}  {place[name]}" for name in order]
    labels = [
        f"{value:.2f}".lstrip("0") if value >= 0.195 else "" for value in matrix["association"]
    ]
    rows = matrix.assign(
        x=pd.Categorical(matrix["first"].map(place), range(1, len(order))),
        y=pd.Categorical(
            matrix["second"].map(dict(zip(order, numbered, strict=True))), numbered[:0:-1]
        ),
        label=labels,
    ).join(tile_colours(matrix["association"], 0, 1))
    return (
        p9.ggplot(rows, p9.aes("x", "y"))
        + heat_tiles(size=6.5, gap=0.6)
        + p9.labs(
            title=_title(message),
            subtitle=f"Column 1 is {FEATURE_NAMES[order[0]]}; the others are numbered as the rows\n"
            "0: independent, 1: fully dependent; without a number: under 0.2",
            x="",
            y="",
        )
        + report_theme(height=1.2 + 0.24 * len(order))
        + NO_GRID
        + p9.theme(axis_text_y=p9.element_text(size=8))
    )


def category_plot(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the share of customers who buy less by favourite category, with intervals.

    The dashed line is the share over all categories.

    Parameters
    ----------
    table
        As `regulars.tables.categories` returns it.
    message
        The title.
    """
    if table.empty:
        return empty_plot(_title(message), TOO_FEW)
    overall = table["declined"].sum() / table["customers"].sum()
    shown = table.head(_CATEGORIES)
    sizes = [f" ({size:,})" for size in shown["customers"]]
    names = labels([*shown["category"]], 36, sizes)
    rows = shown.assign(category=top_first(names))
    return (
        p9.ggplot(rows, p9.aes("decline_rate", "category"))
        + p9.geom_vline(xintercept=overall, color=INK, linetype="dashed", size=0.5)
        + p9.geom_segment(
            p9.aes(x="low", xend="high", y="category", yend="category"), color=ACCENT, size=0.9
        )
        + p9.geom_point(color=ACCENT, size=2.6)
        + p9.scale_x_continuous(labels=percent_labels)
        + p9.labs(
            title=_title(message),
            subtitle=f"Favourite category (customers); dashed: {overall:.0%} of all",
            x="share of customers who buy less, with 95% intervals",
            y="",
        )
        + report_theme(height=1.4 + 0.27 * len(rows))
        + NO_ROWS
    )


def _title(message: str) -> str:
    """Return a title in at most three lines: names of categories come from the data."""
    return title(shorten(message, 3 * _LINE - 6), _LINE)


def _short_numbers(values: Sequence[float]) -> list[str]:
    """Return numbers for a narrow axis: thousands as k."""
    return [f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}" for value in values]

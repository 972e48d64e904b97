"""Draw the differences between customers whose spending declines and those whose spending does not.

Each function takes a table of `regulars.tables` and a title, and returns a plot. The
title states the message, so it is computed from the same table (`effects_message` and the like).
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd
import plotnine as p9
from matplotlib.ticker import MaxNLocator
from mizani.labels import label_percent

from analysis.core.formatting import capital, labels, shorten
from analysis.core.plotting import ACCENT, FAINT, INK, MUTED, PRIMARY, report_theme
from analysis.regulars.names import CATEGORICAL, FEATURE_NAMES, NUMERIC

ACTIVITY_NAMES = {"same": "stay", "declined": "buy less"}
_LINE = 72
#: So many categories are drawn: those with the highest rates.
_CATEGORIES = 20
#: A full association; light, so that dark numbers can be read on it.
_TINT = "#8fb3cd"


def effect_plot(
    effects: pd.DataFrame,
    title: str,
    most: int = 30,
    subtitle: str = "Customers who buy less, compared with those who stay; 95% intervals",
) -> p9.ggplot:
    """Draw the effects as points with intervals, the largest on top, around a line at zero.

    Parameters
    ----------
    effects
        As `regulars.tables.feature_effects` returns it.
    title
        The message.
    most
        How many rows are drawn; the smallest effects are left out.
    subtitle
        Who is compared with whom.
    """
    if effects.empty:
        return _nothing(title)
    shown = effects.head(most)
    # "Category" says enough on an axis, and leaves room for the category.
    names = [capital(name.removeprefix("favourite ")) for name in shown["name"]]
    names = labels(names, 44)
    rows = shown.assign(
        name=pd.Categorical(names, names[::-1]),
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
            title=_title(title),
            subtitle=subtitle,
            x="lower   ←   Cliff's delta   →   higher",
            y="",
        )
        + report_theme(height=1.5 + 0.2 * len(rows))
        + p9.theme(
            panel_grid_major_y=p9.element_blank(),
            axis_text_y=p9.element_text(size=8),
            legend_title=p9.element_blank(),
        )
    )


def distribution_plot(table: pd.DataFrame, title: str) -> p9.ggplot:
    """Draw one small histogram a feature, customers who buy less laid over those who stay.

    Areas are comparable within a panel: each class fills the same area.

    Parameters
    ----------
    table
        As `regulars.tables.distributions` returns it; panels keep its order.
    title
        The message.
    """
    if table.empty:
        return _nothing(title)
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
        + p9.scale_x_continuous(breaks=_few_breaks, labels=_short_numbers)
        + p9.labs(
            title=_title(title),
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


def association_plot(matrix: pd.DataFrame, title: str) -> p9.ggplot:
    """Draw the associations as a heat map; the columns carry the numbers of the rows.

    Parameters
    ----------
    matrix
        As `regulars.tables.association_matrix` returns it.
    title
        The message.
    """
    if matrix.empty:
        return _nothing(title)
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
    )
    return (
        p9.ggplot(rows, p9.aes("x", "y", fill="association"))
        + p9.geom_tile(color="white", size=0.6)
        + p9.geom_text(p9.aes(label="label"), color=INK, size=6.5)
        # The tiles carry their numbers: a bar of colours would be most of the file, and say less.
        + p9.scale_fill_gradient(
            low="#f7f9fa", high=_TINT, limits=(0, 1), na_value=FAINT, guide=None
        )
        + p9.labs(
            title=_title(title),
            subtitle=f"Column 1 is {FEATURE_NAMES[order[0]]}; the others are numbered as the rows\n"
            "0: independent, 1: fully dependent; without a number: under 0.2",
            x="",
            y="",
        )
        + report_theme(height=1.2 + 0.24 * len(order))
        + p9.theme(
            panel_grid_major=p9.element_blank(),
            axis_text_y=p9.element_text(size=8),
        )
    )


def category_plot(table: pd.DataFrame, title: str) -> p9.ggplot:
    """Draw the share of customers who buy less by favourite category, with intervals.

    The dashed line is the share over all categories.

    Parameters
    ----------
    table
        As `regulars.tables.categories` returns it.
    title
        The message.
    """
    if table.empty:
        return _nothing(title)
    overall = table["declined"].sum() / table["customers"].sum()
    shown = table.head(_CATEGORIES)
    sizes = [f" ({size:,})" for size in shown["customers"]]
    names = labels([*shown["category"]], 36, sizes)
    rows = shown.assign(category=pd.Categorical(names, names[::-1]))
    return (
        p9.ggplot(rows, p9.aes("decline_rate", "category"))
        + p9.geom_vline(xintercept=overall, color=INK, linetype="dashed", size=0.5)
        + p9.geom_segment(
            p9.aes(x="low", xend="high", y="category", yend="category"), color=ACCENT, size=0.9
        )
        + p9.geom_point(color=ACCENT, size=2.6)
        + p9.scale_x_continuous(labels=label_percent(accuracy=1))
        + p9.labs(
            title=_title(title),
            subtitle=f"Favourite category (customers); dashed: {overall:.0%} of all",
            x="share of customers who buy less, with 95% intervals",
            y="",
        )
        + report_theme(height=1.4 + 0.27 * len(rows))
        + p9.theme(panel_grid_major_y=p9.element_blank())
    )


def _nothing(title: str) -> p9.ggplot:
    """Return a picture that says why it is empty."""
    note = pd.DataFrame({"x": [0], "y": [0], "label": ["Too few customers to draw."]})
    return (
        p9.ggplot(note, p9.aes("x", "y", label="label"))
        + p9.geom_text(color=INK, size=10)
        + p9.labs(title=_title(title))
        + report_theme(height=1.4)
        + p9.theme(
            axis_text=p9.element_blank(),
            axis_title=p9.element_blank(),
            panel_grid_major=p9.element_blank(),
        )
    )


def _title(title: str) -> str:
    """Return a title in at most three lines that fit the page."""
    lines = textwrap.wrap(shorten(title, 3 * _LINE - 6), _LINE)
    return "\n".join(lines)


def _few_breaks(limits: tuple[float, float]) -> list[float]:
    """Return a few round places on a narrow axis; whole ones where there are any."""
    low, high = limits
    places = MaxNLocator(nbins=4, integer=high - low >= 2).tick_values(low, high)
    return [float(place) for place in places if low <= place <= high]


def _short_numbers(values: Sequence[float]) -> list[str]:
    """Return numbers for a narrow axis: thousands as k."""
    return [f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}" for value in values]

"""Draw pictures with one theme, one palette and one way to save.

The data's own words reach the pictures, so Matplotlib's formula parser stays off: a product
called ``$x$`` is drawn as it is spelled.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import pandas as pd
import plotnine as p9

INK = "#22303c"
MUTED = "#8a9aa8"
FAINT = "#dfe5ea"
ACCENT = "#c4532d"
PRIMARY = "#2f6690"
# The text block of the page is this wide, in inches; pictures are drawn at their printed size.
WIDTH = 7.0


def report_theme(height: float) -> p9.theme:
    """Return the theme of every figure in the report.

    Parameters
    ----------
    height
        In inches. Quarto ignores a cell's ``fig-width`` under Jupyter, so the size is set here.
    """
    return p9.theme_minimal(base_size=10, base_family="DejaVu Sans") + p9.theme(
        figure_size=(WIDTH, height),
        text=p9.element_text(color=INK),
        plot_title=p9.element_text(size=11, weight="bold", ha="left", margin={"b": 6}),
        plot_title_position="plot",
        plot_subtitle=p9.element_text(size=9, color="#566573", ha="left"),
        axis_title=p9.element_text(size=9, color="#566573"),
        axis_text=p9.element_text(size=8.5, color=INK),
        legend_text=p9.element_text(size=8.5),
        legend_title=p9.element_text(size=9),
        legend_position="top",
        legend_justification="left",
        strip_text=p9.element_text(size=9, weight="bold", ha="left"),
        panel_grid_minor=p9.element_blank(),
        panel_grid_major=p9.element_line(color=FAINT, size=0.5),
        plot_background=p9.element_rect(fill="white", color="white"),
        panel_background=p9.element_rect(fill="white", color="white"),
        plot_margin=0.01,
    )


def draw(plot: p9.ggplot) -> bytes:
    """Draw a plot as SVG; the same plot gives the same bytes.

    Text becomes outlines, so that the picture looks alike on every machine and in print.

    Examples
    --------
    >>> import pandas as pd
    >>> point = pd.DataFrame({"x": [1], "y": [1]})
    >>> draw(p9.ggplot(point, p9.aes("x", "y")) + p9.geom_point())[:5]
    b'<?xml'
    """
    target = io.BytesIO()
    with matplotlib.rc_context(
        {"svg.fonttype": "path", "svg.hashsalt": "report", "text.parse_math": False}
    ):
        plot.save(target, format="svg", verbose=False, metadata={"Date": None})
    return target.getvalue()


def title(message: str, width: int = 74) -> str:
    """Break a message into lines that fit above a picture."""
    return textwrap.fill(message, width)


def inks() -> p9.scale_color_manual:
    """Return the ink for numbers on dark and on light cells."""
    return p9.scale_color_manual({"dark": INK, "light": "white"}, guide=None)


SOFT = "#566573"


def nothing(message: str) -> p9.ggplot:
    """Draw why there is nothing to draw."""
    note = pd.DataFrame({"x": [0], "y": [0], "label": ["Nothing to draw."]})
    return (
        p9.ggplot(note, p9.aes("x", "y", label="label"))
        + p9.geom_text(color=SOFT, size=10)
        + p9.labs(title=title(message), x="", y="")
        + report_theme(1.4)
        + p9.theme(axis_text=p9.element_blank(), panel_grid_major=p9.element_blank())
    )


def percent_axis(breaks: Sequence[float]) -> list[str]:
    """Write the marks of an axis as percentages."""
    return [f"{value:.0%}" for value in breaks]


NO_ROWS = p9.theme(panel_grid_major_y=p9.element_blank())


def titled_theme(height: float, message: str) -> p9.theme:
    """Return the report's theme, with room for every line of the title."""
    return report_theme(height + 0.17 * title(message).count("\n"))


def percent_labels(values: Iterable[float]) -> list[str]:
    """Write shares as percentages with at most one decimal."""
    return [f"{round(100 * value, 1):g}%" for value in values]


def top_first(names: Sequence[Any]) -> Any:
    """Return names in an order in which the first stands on top of a vertical axis."""
    return pd.Categorical(names, list(dict.fromkeys(names))[::-1])

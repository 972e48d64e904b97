"""Draw pictures with one theme, one palette and one way to save.

The data's own words reach the pictures, so Matplotlib's formula parser stays off: a product
called ``$x$`` is drawn as it is spelled.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib
import pandas as pd
import plotnine as p9
from matplotlib.ticker import MaxNLocator

from analysis.core.formatting import count, short_money

INK = "#22303c"
MUTED = "#8a9aa8"
FAINT = "#dfe5ea"
ACCENT = "#c4532d"
PRIMARY = "#2f6690"
SOFT = "#566573"
PALE = "#b9cddb"
# The text block of the page is this wide, in inches; pictures are drawn at their printed size.
WIDTH = 7.0
NO_ROWS = p9.theme(panel_grid_major_y=p9.element_blank())
NO_COLUMNS = p9.theme(panel_grid_major_x=p9.element_blank())
NO_GRID = p9.theme(panel_grid_major=p9.element_blank())


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
        plot_subtitle=p9.element_text(size=9, color=SOFT, ha="left"),
        axis_title=p9.element_text(size=9, color=SOFT),
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


def heat_tiles(label: str = "label", size: float = 7.5, gap: float = 0.8) -> list[Any]:
    """Return the layers of a heat map whose tiles carry their numbers, so it needs no legend.

    Parameters
    ----------
    label
        The column with the texts. Their ink is in the column ``ink``, from `ink`.
    size
        Of the letters.
    gap
        Between tiles.
    """
    return [
        p9.geom_tile(color="white", size=gap),
        p9.geom_text(p9.aes(label=label, color="ink"), size=size, lineheight=1.1),
        p9.scale_color_manual({"dark": INK, "light": "white"}, guide=None),
    ]


def ink(dark: Iterable[bool]) -> list[str]:
    """Return the ink for numbers on dark tiles and on light ones."""
    return ["light" if here else "dark" for here in dark]


def shades(limits: tuple[float, float] | None = None) -> p9.scale_fill_gradient:
    """Return the shades of tiles, from light to dark."""
    return p9.scale_fill_gradient(
        low="#edf2f6", high="#1f4e79", limits=limits, na_value="white", guide=None
    )


def empty_plot(message: str, note: str = "Nothing to draw.") -> p9.ggplot:
    """Draw an empty picture that says why it is empty."""
    table = pd.DataFrame({"x": [0], "y": [0], "label": [note]})
    return (
        p9.ggplot(table, p9.aes("x", "y", label="label"))
        + p9.geom_text(color=SOFT, size=10)
        + p9.labs(title=title(message), x="", y="")
        + report_theme(1.4)
        + p9.theme(axis_text=p9.element_blank(), panel_grid_major=p9.element_blank())
    )


def titled_theme(height: float, message: str) -> p9.theme:
    """Return the report's theme, with room for every line of the title."""
    return report_theme(height + 0.17 * title(message).count("\n"))


def percent_labels(values: Iterable[float]) -> list[str]:
    """Write the marks of an axis as percentages with at most one decimal.

    Examples
    --------
    >>> percent_labels([0, 0.125, 0.5])
    ['0%', '12.5%', '50%']
    """
    return [f"{round(100 * value, 1):g}%" for value in values]


def count_labels(values: Iterable[float]) -> list[str]:
    """Write the marks of an axis as counts."""
    return [count(value) for value in values]


def money_labels(currency: str) -> Callable[[Sequence[float]], list[str]]:
    """Return what writes the marks of an axis as amounts of a currency.

    Examples
    --------
    >>> money_labels("£")([-250_000, 0, 1_500_000]), money_labels("")([0, 0.5])
    (['−£250k', '£0', '£1.5m'], ['0', '0.5'])
    """

    def write(places: Sequence[float]) -> list[str]:
        exact = [round(float(place), 6) for place in places]
        if any(place % 1 for place in exact):
            texts = [f"{'-' * int(p < 0)}{currency}{abs(p):g}" for p in exact]
        else:
            texts = [short_money(p, currency) for p in exact]
        return [text.replace("-", "−") for text in texts]

    return write


def few_breaks(limits: tuple[float, float]) -> list[float]:
    """Return a few round places on a narrow axis; whole ones where it is long enough.

    Examples
    --------
    >>> few_breaks((0.0, 7.0)), few_breaks((0.52, 0.87))
    ([0.0, 2.0, 4.0, 6.0], [0.6, 0.7, 0.8])
    """
    low, high = limits
    locator = MaxNLocator(nbins=4, steps=[1, 2, 5, 10], integer=high - low >= 2)
    return [round(float(p), 9) for p in locator.tick_values(low, high) if low <= p <= high]


def top_first(names: Sequence[Any]) -> Any:
    """Return names in an order in which the first stands on top of a vertical axis."""
    return pd.Categorical(names, list(dict.fromkeys(names))[::-1])

"""Draw pictures with one theme, one typeface, one palette and one way to save.

A picture has no headline: that is text of the page above it. Inside it carries, small and at its
left edge, what the marks show (``labs(subtitle=...)``), axes, and direct labels.

The data's own words reach the pictures, so Matplotlib's formula parser stays off: a product
called ``$x$`` is drawn as it is spelled.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import plotnine as p9
from matplotlib.font_manager import fontManager
from matplotlib.ticker import MaxNLocator
from PIL import Image

from analysis.core import svg
from analysis.core.formatting import count, minus, short_money
from analysis.core.palette import (
    ACCENT,
    ACCENT_PALE,
    AROUND,
    FAINT,
    INK,
    MUTED,
    PALE,
    PAPER,
    PRIMARY,
    SERIES,
    SHADES,
    SOFT,
    ink_on,
)
from analysis.core.paths import ROOT

__all__ = [
    "ACCENT",
    "ACCENT_PALE",
    "FAINT",
    "FONTS",
    "INK",
    "MUTED",
    "NO_COLUMNS",
    "NO_GRID",
    "NO_ROWS",
    "PALE",
    "PAPER",
    "PRIMARY",
    "SERIES",
    "SOFT",
    "WIDTH",
    "count_labels",
    "draw",
    "draw_pixels",
    "few_breaks",
    "heat_tiles",
    "money_labels",
    "percent_labels",
    "report_theme",
    "tile_colours",
    "top_first",
]

#: The typeface of pages, pictures and the PDF.
FONTS = ROOT / "report" / "theme" / "fonts"
for _font in sorted(FONTS.glob("*.ttf")):
    fontManager.addfont(_font)
# The text block of the page is this wide, in inches; pictures are drawn at their printed size.
WIDTH = 7.0
# Pixels for a mail: as dense as a sharp screen shows them, in as few colours as still look smooth.
DOTS = 170
COLOURS = 48
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
    return p9.theme_minimal(base_size=10, base_family=svg.TYPEFACE) + p9.theme(
        figure_size=(WIDTH, height),
        text=p9.element_text(color=INK),
        plot_title=p9.element_text(size=11, weight="bold", ha="left", margin={"b": 6}),
        plot_title_position="plot",
        plot_subtitle=p9.element_text(size=9, color=SOFT, ha="left", margin={"b": 6}),
        axis_title=p9.element_text(size=8.5, color=SOFT),
        axis_text=p9.element_text(size=8.5, color=INK),
        axis_ticks=p9.element_blank(),
        legend_text=p9.element_text(size=8.5),
        legend_title=p9.element_text(size=9),
        legend_position="top",
        legend_justification="left",
        strip_text=p9.element_text(size=9, weight="bold", ha="left"),
        panel_grid_minor=p9.element_blank(),
        panel_grid_major=p9.element_line(color=FAINT, size=0.5),
        # The page shows through, light or dark.
        plot_background=p9.element_blank(),
        panel_background=p9.element_blank(),
        plot_margin=0.01,
    )


def draw(plot: p9.ggplot) -> bytes:
    """Draw a plot as SVG, in the colours of the palette; the same plot gives the same bytes.

    Text stays text, in the typeface that pages and the PDF bring along.

    Examples
    --------
    >>> import pandas as pd
    >>> point = pd.DataFrame({"x": [1], "y": [1]})
    >>> draw(p9.ggplot(point, p9.aes("x", "y")) + p9.geom_point() + report_theme(2))[:4]
    b'<svg'
    """
    return svg.compact(_save(plot, format="svg", metadata={"Date": None}).getvalue())


def draw_pixels(plot: p9.ggplot) -> bytes:
    """Draw a plot as PNG on white, for a mail; the same plot gives the same bytes."""
    white = p9.theme(plot_background=p9.element_rect(fill=PAPER, color=PAPER))
    small = io.BytesIO()
    with Image.open(_save(plot + white, format="png", dpi=DOTS)) as drawn:
        drawn.convert("RGB").quantize(COLOURS).save(small, format="png", optimize=True)
    return small.getvalue()


def _save(plot: p9.ggplot, **options: Any) -> io.BytesIO:
    """Save a plot to memory, with text as it is spelled."""
    target = io.BytesIO()
    style = {"svg.fonttype": "none", "svg.hashsalt": "report", "text.parse_math": False}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # Names in other scripts stay text, which the reader's machine shows in what it has.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        plot.save(target, verbose=False, **options)
    return target


def heat_tiles(label: str = "label", size: float = 7.5, gap: float = 0.8) -> list[Any]:
    """Return the layers of a heat map whose tiles carry their numbers, so it needs no legend.

    The columns ``fill`` and ``ink`` hold the colours, from `tile_colours`.

    Parameters
    ----------
    label
        The column with the texts.
    size
        Of the letters.
    gap
        Between tiles.
    """
    return [
        p9.geom_tile(p9.aes(fill="fill"), color=PAPER, size=gap),
        p9.geom_text(p9.aes(label=label, color="ink"), size=size, lineheight=1.1),
        p9.scale_fill_identity(),
        p9.scale_color_identity(),
    ]


def tile_colours(
    values: Sequence[float] | pd.Series, low: float, high: float, *, middle: bool = False
) -> pd.DataFrame:
    """Return the colour of tiles (``fill``) and of the numbers on them (``ink``).

    Colours come in seven steps, so that each has its value on a dark page, and each number is
    readable on its tile. A missing value is a tile in the colour of the page.

    Parameters
    ----------
    values
        One for each tile.
    low, high
        What the first and the last step stand for; values beyond have the same colour.
    middle
        Whether the steps lead from below a middle to above it.

    Examples
    --------
    >>> tile_colours([0, 0.5, 1], 0, 1)["ink"].tolist() == [INK, INK, PAPER]
    True
    """
    steps = AROUND if middle else SHADES
    place = (np.asarray(values, dtype=float) - low) / ((high - low) or 1)
    fill = [
        PAPER if np.isnan(part) else steps[int(np.clip(part * len(steps), 0, len(steps) - 1))]
        for part in place
    ]
    index = values.index if isinstance(values, pd.Series) else None
    return pd.DataFrame({"fill": fill, "ink": [ink_on(tile) for tile in fill]}, index=index)


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
    return [minus(count(value)) for value in values]


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

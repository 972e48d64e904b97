"""Test the pictures' files: small, with real text, in the palette, the same twice."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pandas as pd
import plotnine as p9
import pytest
from matplotlib.font_manager import FontProperties, findfont

from analysis.core import svg
from analysis.core.palette import PALETTE
from analysis.core.plotting import (
    ACCENT,
    FONTS,
    NO_GRID,
    PRIMARY,
    draw,
    heat_tiles,
    report_theme,
    tile_colours,
)

COLOURS = {light for light, _ in PALETTE.values()}


def tiles() -> p9.ggplot:
    cells = pd.DataFrame([(x, y, x * y) for x in range(20) for y in range(20)], columns=[*"xyn"])
    cells = cells.join(tile_colours(cells["n"], 0, 361))
    return p9.ggplot(cells, p9.aes("x", "y")) + heat_tiles("n") + report_theme(4) + NO_GRID


def bars() -> p9.ggplot:
    names = ["Большие <чашки> & $x$", "  two spaces"]
    table = pd.DataFrame({"name": names, "n": [3, 4], "kind": ["a", "b"]})
    return (
        p9.ggplot(table, p9.aes("name", "n", fill="kind"))
        + p9.geom_col()
        + p9.geom_text(p9.aes(label="name"))
        + p9.scale_fill_manual({"a": PRIMARY, "b": ACCENT}, name=" ")
        + p9.coord_flip()
        + p9.labs(subtitle="Pieces", x="", y="")
        + report_theme(2)
    )


@pytest.mark.parametrize("plot", [tiles, bars])
def test_a_picture_is_small_and_drawn_in_the_palette(plot: object) -> None:
    picture = draw(plot())  # type: ignore[operator]
    assert len(picture) < 150_000
    text = picture.decode()
    assert set(re.findall(r"#[0-9a-f]{6}", text)) <= COLOURS
    assert "<style" not in text and "<metadata" not in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', text)) == set(ids)
    assert picture == draw(plot())  # type: ignore[operator]


def test_text_stays_text_as_it_is_spelled() -> None:
    root = ET.fromstring(draw(bars()))
    words = [found.text or "" for found in root.iter() if found.tag.endswith("text")]
    assert "Pieces" in words
    assert "Большие <чашки> & $x$" in words
    # Spaces in front are the label's distance from its mark: SVG would drop them.
    assert "\u00a0\u00a0two spaces" in words
    assert svg.TYPEFACE in (root.get("style") or "")


def test_the_typeface_is_the_bundled_one() -> None:
    for font in (
        FontProperties(family=svg.TYPEFACE),
        FontProperties(family=svg.TYPEFACE, weight="bold"),
        FontProperties(family=svg.TYPEFACE, style="italic"),
    ):
        assert findfont(font, fallback_to_default=False).startswith(str(FONTS))
    assert (FONTS / "LICENSE.txt").read_text("utf-8").startswith("Copyright")


def test_a_colour_of_one_s_own_is_refused() -> None:
    point = pd.DataFrame({"x": [1], "y": [1]})
    plot = p9.ggplot(point, p9.aes("x", "y")) + p9.geom_point(color="#123456") + report_theme(1)
    with pytest.raises(ValueError, match="#123456"):
        draw(plot)


def test_what_draws_nothing_goes() -> None:
    inside = '<g id="a"><g><path d="M 1 1"/></g><path id="b" d="M 1 1 L 2.00499 2 z"/></g>'
    small = svg.compact(f'<svg xmlns="{svg.NAMESPACE}">{inside}</svg>'.encode()).decode()
    assert small.endswith('<path d="M1 1L2 2z"/></svg>\n')

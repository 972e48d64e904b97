"""Define what a step gives that draws a figure, sets a table or fills cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd


class Figure(NamedTuple):
    """A figure: a picture, and the words that belong to it.

    Attributes
    ----------
    plot
        The plot (`plotnine.ggplot`). It carries no headline: that is text of the page.
    headline
        What the picture shows, with a number. Without a full stop.
    alt
        What can be seen, for those who cannot see it.
    caption
        How to read it. Empty: the section's template `caption`.
    more
        Other sentences about the same table, by key of the section.
    data
        What was drawn, for those who want to check it. Readers can download it.
    """

    plot: Any
    headline: str
    alt: str = ""
    caption: str = ""
    more: Mapping[str, str] | None = None
    data: pd.DataFrame | None = None


class Table(NamedTuple):
    """A set table, and the words that belong to it.

    Attributes
    ----------
    table
        The table (`great_tables.GT`), from `analysis.core.tables.grid`.
    caption
        What it shows. Empty: the section's template `caption`.
    more
        Other sentences about the same table, by key of the section.
    data
        What was set, with full precision. Readers can download it.
    """

    table: Any
    caption: str = ""
    more: Mapping[str, str] | None = None
    data: pd.DataFrame | None = None


class Card(NamedTuple):
    """A card: a few lines about one thing, such as a segment.

    Attributes
    ----------
    title
        What it is about.
    badge
        A word or two beside the title; empty for none.
    lines
        What is said of it: a label and a text each.
    """

    title: str
    badge: str
    lines: Sequence[tuple[str, str]]


class Tile(NamedTuple):
    """A key figure, with what it is compared with.

    Attributes
    ----------
    label
        What is measured, and of which time.
    value
        The figure, as text.
    note
        What it is compared with, or why it is not.
    months
        Its last months, for a sparkline; empty for none.
    warning
        What makes it doubtful; empty for nothing.
    """

    label: str
    value: str
    note: str
    months: tuple[float, ...] = ()
    warning: str = ""

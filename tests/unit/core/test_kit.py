"""Test how pictures and tables are set, against kept ones: `UPDATE_KIT=1` keeps new ones.

Pictures agree when all that is no number is the same, and no number is off by more than a point:
libraries differ in less, and a shifted label or a lost legend is more.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import plotnine as p9
import pytest

from analysis.core import tables
from analysis.core.plotting import (
    ACCENT,
    INK,
    NO_ROWS,
    PRIMARY,
    draw,
    money_labels,
    percent_labels,
    report_theme,
    top_first,
)

KIT = Path(__file__).parent / "kit"
#: In points of the picture, which is 504 wide.
TOLERANCE = 1.0
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
ROWS = pd.DataFrame(
    {"name": ["Größte", "Вторая", "Third"], "value": [0.5, 0.25, 0.1], "money": [9e5, -250.0, 0.0]}
)


def bars() -> p9.ggplot:
    rows = ROWS.assign(label=top_first([*ROWS["name"]]))
    return (
        p9.ggplot(rows, p9.aes("label", "value"))
        + p9.geom_col(fill=PRIMARY, width=0.68)
        + p9.geom_text(p9.aes(label="name"), ha="left", size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_y_continuous(labels=percent_labels, expand=(0, 0, 0.2, 0))
        + p9.labs(subtitle="Share by name", x="", y="")
        + report_theme(1.6)
        + NO_ROWS
    )


def line() -> p9.ggplot:
    rows = pd.DataFrame({"x": [1.0, 2.0, 3.0] * 2, "y": [1e5, 5e5, 9e5, 2e5, 1e5, 3e5]})
    rows["kind"] = ["now"] * 3 + ["a year ago"] * 3
    return (
        p9.ggplot(rows, p9.aes("x", "y", color="kind"))
        + p9.geom_line(size=0.9)
        + p9.scale_color_manual({"now": PRIMARY, "a year ago": ACCENT}, name=" ")
        + p9.scale_y_continuous(labels=money_labels("£"))
        + p9.labs(subtitle="Revenue", x="", y="")
        + report_theme(2.4)
    )


def kept(name: str, made: str) -> str:
    """Return what was kept under a name; keep what was made, where that is asked for."""
    path = KIT / name
    if os.environ.get("UPDATE_KIT"):
        path.write_text(made, encoding="utf-8")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("plot", [bars, line], ids=lambda plot: plot.__name__)
def test_a_picture_is_drawn_as_it_was(plot: object) -> None:
    made = draw(plot()).decode()  # type: ignore[operator]
    before = kept(f"{plot.__name__}.svg", made)  # type: ignore[attr-defined]
    assert NUMBER.sub("#", made) == NUMBER.sub("#", before)
    pairs = zip(NUMBER.findall(made), NUMBER.findall(before), strict=True)
    assert max(abs(float(now) - float(then)) for now, then in pairs) <= TOLERANCE


def test_a_table_is_set_as_it_was() -> None:
    shown = ROWS.assign(range=["2 (−1 to 3)", "4", tables.MISSING])
    names = {"name": "Name", "value": "Share", "money": "Revenue", "range": "Gain"}
    made = tables.html(
        tables.grid(
            shown,
            "kit",
            names,
            percents=["value"],
            amounts=["money"],
            right=["range"],
            currency="£",
        )
    )
    fragment = re.sub(r"<style>.*?</style>", "", made, flags=re.S)
    assert fragment == kept("table.html", fragment)

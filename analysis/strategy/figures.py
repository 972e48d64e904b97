"""Draw the value of actions, their assumptions, the budget and whom to contact.

Each function takes a tidy table of `strategy.value`, `budget` or `experiments`, one half of it, and
a message, which becomes the title, and returns a plot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import capital, count, labels, percent
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_ROWS,
    PAPER,
    PRIMARY,
    SOFT,
    count_labels,
    empty_plot,
    money_labels,
    title,
    titled_theme,
    top_first,
)
from analysis.strategy.names import RATE, REACH, UPLIFT
from analysis.strategy.text import assumption, points, write_amount


def _axis(half: str, currency: str) -> Callable[[Sequence[float]], list[str]]:
    """Return what writes the marks of an axis with amounts of one half."""
    return money_labels(currency if half == "ledger" else "")


def _unit(half: str) -> str:
    return "" if half == "ledger" else " (units of the profit table)"


def expected_value(actions: pd.DataFrame, message: str, half: str, currency: str = "") -> p9.ggplot:
    """Draw what a contact brings, and what all contacts of an action bring, with intervals."""
    rows = actions[actions["rank"].notna()] if len(actions) else actions
    if rows.empty:
        return empty_plot(message)
    rows = rows.sort_values("rank", kind="stable")
    sizes = [f" ({count(contacts)})" for contacts in rows["contacts"]]
    names = labels([capital(str(name)) for name in rows["segment"]], 26, sizes)
    panels = ["One contact brings", "All contacts bring"]
    data = pd.concat(
        [
            pd.DataFrame(
                {
                    "label": top_first(names),
                    "value": rows[value].to_numpy(float),
                    "low": rows[low].to_numpy(float),
                    "high": rows[high].to_numpy(float),
                    "panel": pd.Categorical([panel] * len(rows), panels),
                }
            )
            for value, low, high, panel in (
                ("value_per_contact", "value_per_contact", "value_per_contact", panels[0]),
                ("expected_profit", "low", "high", panels[1]),
            )
        ],
        ignore_index=True,
    )
    data["kind"] = np.where(data["value"] > 0, "pays", "costs")
    data["text"] = ["  " + write_amount(value, half, currency, "") for value in data["value"]]
    return (
        p9.ggplot(data, p9.aes("value", "label", color="kind"))
        + p9.geom_vline(xintercept=0, color=INK, size=0.5)
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), size=0.9)
        + p9.geom_point(size=2.4)
        + p9.geom_text(p9.aes("high", label="text"), ha="left", size=7.5, color=SOFT)
        + p9.facet_wrap("panel", nrow=1, scales="free_x")
        + p9.scale_color_manual({"pays": PRIMARY, "costs": ACCENT}, guide=None)
        + p9.scale_x_continuous(labels=_axis(half, currency), expand=(0.05, 0, 0.26, 0))
        + p9.labs(
            title=title(message),
            x=f"Expected profit after the cost{_unit(half)}; contacts in brackets\n"
            "(lines: the middle 95% of what the assumptions and the data allow)",
            y="",
        )
        + titled_theme(1.6 + 0.27 * len(rows), message)
        + NO_ROWS
        + p9.theme(panel_spacing_x=0.04)
    )


def _write_assumption(name: str, value: float, half: str, currency: str) -> str:
    """Write the value of an assumption."""
    if name == UPLIFT:
        return points(value)
    if name == REACH or (name == RATE and half == "ledger"):
        return percent(value)
    return f"×{value:g}" if name == RATE else write_amount(value, half, currency, unit="")


def tornado(table: pd.DataFrame, message: str, half: str, currency: str = "") -> p9.ggplot:
    """Draw what each assumption does to the profit of one action, the largest on top."""
    if table.empty:
        return empty_plot(message)
    names = top_first([capital(assumption(name, half)) for name in table["assumption"]])
    ends = ["at its low", "at its high"]
    parts = []
    for end, column in zip(ends, ("low", "high"), strict=True):
        pairs = zip(table["assumption"], table[f"at_{column}"], strict=True)
        parts.append(
            pd.DataFrame(
                {
                    "label": names,
                    "from": table["profit"],
                    "to": table[f"profit_{column}"],
                    "other": table[f"profit_{'high' if column == 'low' else 'low'}"],
                    "end": pd.Categorical([end] * len(table), ends),
                    "text": [_write_assumption(name, at, half, currency) for name, at in pairs],
                }
            )
        )
    data = pd.concat(parts, ignore_index=True)
    reach = data["to"].max() - data["to"].min() or 1.0
    right = data["to"] >= data["other"]
    data["ha"] = np.where(right, "left", "right")
    data["at"] = data["to"] + np.where(right, 0.012, -0.012) * reach
    return (
        p9.ggplot(data, p9.aes(y="label"))
        + p9.geom_segment(p9.aes(x="from", xend="to", yend="label", color="end"), size=7)
        + p9.geom_vline(xintercept=float(table["profit"].iloc[0]), color=INK, size=0.5)
        + p9.geom_vline(xintercept=0, color=MUTED, linetype="dashed", size=0.5)
        + p9.geom_text(p9.aes("at", label="text", ha="ha"), size=7.5, color=SOFT)
        + p9.scale_color_manual(dict(zip(ends, [MUTED, PRIMARY], strict=True)), name="Assumption")
        + p9.scale_x_continuous(labels=_axis(half, currency), expand=(0.17, 0))
        + p9.labs(
            title=title(message),
            x=f"Expected profit{_unit(half)}\n(one assumption changed at a time)",
            y="",
        )
        + titled_theme(1.6 + 0.34 * len(table), message)
        + NO_ROWS
        + p9.guides(color=p9.guide_legend(override_aes={"size": 5}))
    )


def budget(
    table: pd.DataFrame, message: str, limit: float, half: str, currency: str = ""
) -> p9.ggplot:
    """Draw how the expected profit grows with the contacts, the best first, and the limit."""
    rows = table[table["by"] == "contacts"] if len(table) else table
    if rows.empty:
        return empty_plot(message)
    start = pd.DataFrame(
        {"cumulative_contacts": [0.0], "cumulative_profit": [0.0], "low": [0.0], "high": [0.0]}
    )
    line = pd.concat([start, rows[list(start)]], ignore_index=True)
    end = float(line["cumulative_contacts"].max())
    top, bottom = float(line["high"].max()), float(line["low"].min())
    # A list beside the curve: names at its points would meet where segments are small.
    keys = [
        f"{place}  {name}"
        for place, name in zip(
            rows["place"], labels([capital(str(n)) for n in rows["segment"]], 26), strict=True
        )
    ]
    step = (top - bottom) * 0.058
    listed = pd.DataFrame(
        {"x": end * 0.025, "y": [top - step * i for i in range(len(keys))], "text": keys}
    )
    marks = rows.assign(x=rows["cumulative_contacts"], text=rows["place"].astype("str"))
    plot = (
        p9.ggplot(line, p9.aes("cumulative_contacts", "cumulative_profit"))
        + p9.geom_hline(yintercept=0, color=INK, size=0.5)
        + p9.geom_ribbon(p9.aes(ymin="low", ymax="high"), fill=PRIMARY, alpha=0.15)
        + p9.geom_line(color=PRIMARY, size=0.9)
    )
    if 0 < limit < end:
        # Away from the list of names.
        y = top if limit > 0.4 * end else bottom + 0.07 * (top - bottom)
        mark = pd.DataFrame({"x": [limit], "y": [y], "text": [f" {count(limit)} contacts "]})
        plot = (
            plot
            + p9.geom_vline(xintercept=limit, color=ACCENT, size=0.6)
            + p9.geom_text(
                p9.aes("x", "y", label="text"),
                data=mark,
                inherit_aes=False,
                color=ACCENT,
                size=8,
                ha="right" if limit > end / 2 else "left",
            )
        )
    return (
        plot
        + p9.geom_point(p9.aes("x"), data=marks, color=PAPER, size=4.6)
        + p9.geom_text(
            p9.aes("x", label="text"), data=marks, color=PRIMARY, size=7.5, fontweight="bold"
        )
        + p9.geom_text(
            p9.aes("x", "y", label="text"),
            data=listed,
            inherit_aes=False,
            ha="left",
            size=7.5,
            color=SOFT,
        )
        + p9.scale_y_continuous(labels=_axis(half, currency))
        + p9.scale_x_continuous(labels=count_labels)
        + p9.labs(
            title=title(message),
            x="Contacts, those that bring most first",
            y=f"Expected profit{' (units)' if half != 'ledger' else ''}",
        )
        + titled_theme(3.9, message)
    )

"""Draw the tables of segments.

Up to eleven segments stand in each picture, from the most to the least valuable, as they do in
the tables. Cells and points carry their numbers, so that no shade needs a legend.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

import pandas as pd
import plotnine as p9

from analysis.core.formatting import day, labels, percent, short_money, shorten
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_GRID,
    NO_ROWS,
    PALE,
    PRIMARY,
    SOFT,
    empty_plot,
    heat_tiles,
    percent_labels,
    report_theme,
    tile_colours,
    title,
)
from analysis.segments.names import TRAITS


def _labels(names: Iterable[str], longest: int = 22) -> dict[str, str]:
    """Return a label for each name."""
    every = list(names)
    return dict(zip(every, labels(every, longest), strict=True))


def _order_down(values: Iterable[str], labels: dict[str, str]) -> Any:
    """Return labels in an order in which the first stands on top of a vertical axis."""
    return pd.Categorical([labels[v] for v in values], list(labels.values())[::-1], ordered=True)


def _order_across(values: Iterable[str], labels: dict[str, str]) -> Any:
    return pd.Categorical([labels[v] for v in values], list(labels.values()), ordered=True)


def _rows(count: int, each: float = 0.3, more: float = 1.2) -> p9.theme:
    """Return the theme of a figure with a number of rows."""
    return report_theme(max(1.8, more + each * count))


def size_value(profiles: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw each segment's share of customers against its share of net revenue."""
    table = profiles[profiles["customers"] > 0]
    if table.empty:
        return empty_plot(message)
    short = _labels(table["segment"])
    kinds = {"share": "share of customers", "revenue_share": "share of net revenue"}
    bars = pd.concat(
        [
            pd.DataFrame(
                {
                    "segment": _order_down(table["segment"], short),
                    "kind": pd.Categorical([name] * len(table), [*kinds.values()][::-1]),
                    "value": table[column].astype(float),
                    "low": table[f"{column}_low"].astype(float),
                    "high": table[f"{column}_high"].astype(float),
                }
            )
            for column, name in kinds.items()
        ]
    )
    bars = bars.dropna(subset=["value"])
    bars["label"] = ["  " + percent(value, 1) for value in bars["value"]]
    beside = p9.position_dodge(width=0.8)
    return (
        p9.ggplot(bars, p9.aes("segment", "value", fill="kind"))
        + p9.geom_col(position=beside, width=0.75)
        + p9.geom_errorbar(
            p9.aes(ymin="low", ymax="high"), position=beside, width=0.25, color=INK, size=0.4
        )
        + p9.geom_text(
            p9.aes(y="high", label="label"), position=beside, ha="left", size=7.5, color=SOFT
        )
        + p9.coord_flip()
        + p9.scale_fill_manual(
            {kinds["share"]: PALE, kinds["revenue_share"]: PRIMARY},
            breaks=list(kinds.values()),
            name=" ",
        )
        + p9.scale_y_continuous(labels=percent_labels, expand=(0, 0, 0.14, 0))
        + p9.labs(title=title(message), x="", y="Share (line: 95% interval)")
        + _rows(len(table), 0.34, 1.3)
        + NO_ROWS
    )


def heatmap(table: pd.DataFrame, currency: str, message: str) -> p9.ggplot:
    """Draw standardised profiles: each cell has its median, and its distance from the mean."""
    if table.empty:
        return empty_plot(message)
    short = _labels(table["segment"].unique())
    traits = {key: textwrap.fill(name, 13) for key, name in TRAITS.items()}
    cells = table.assign(
        segment=_order_down(table["segment"], short),
        measure=_order_across(table["measure"], traits),
        label=[
            f"{_quantity(median, measure, currency)}\n{_signed_text(z)}"
            for median, measure, z in zip(
                table["median"], table["measure"], table["z"], strict=True
            )
        ],
    ).join(tile_colours(table["z"], -2, 2, middle=True))
    return (
        p9.ggplot(cells, p9.aes("measure", "segment"))
        + heat_tiles()
        + p9.labs(
            title=title(message),
            subtitle="Median, and below it its distance from the mean of all customers\n"
            "in standard deviations of the logarithm (blue above, red below)",
            x="",
            y="",
        )
        + _rows(len(short), 0.34, 1.6)
        + NO_GRID
    )


def _signed_text(number: float) -> str:
    text = f"{number:+.1f}".replace("-", "−")
    return "0.0" if text[1:] == "0.0" else text


def _quantity(value: float, measure: str, currency: str) -> str:
    if measure in ("monetary", "mean_order"):
        return f"{currency}{value:,.0f}" if value < 100_000 else short_money(value, currency)
    return f"{value:,.1f}".removesuffix(".0")


def second_order(profiles: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the days from the first to the second order: median, middle half, who has one."""
    table = profiles.dropna(subset=["second_days_median"])
    if table.empty:
        return empty_plot(message)
    short = _labels(table["segment"])
    points = table.assign(
        segment=_order_down(table["segment"], short),
        label=[f"{percent(share)} have one" for share in table["second_order_share"]],
        days=[f"{days:,.0f}" for days in table["second_days_median"]],
    )
    end = float(table["second_days_q3"].max())
    return (
        p9.ggplot(points, p9.aes("segment", "second_days_median"))
        + p9.geom_linerange(
            p9.aes(ymin="second_days_q1", ymax="second_days_q3"), color=PALE, size=3
        )
        + p9.geom_point(color=PRIMARY, size=2.6)
        + p9.geom_text(p9.aes(label="days"), size=7.5, color=INK, nudge_x=0.36)
        + p9.geom_text(p9.aes(label="label"), y=end * 1.04 + 0.5, ha="left", size=7.5, color=SOFT)
        + p9.coord_flip()
        + p9.scale_y_continuous(expand=(0.02, 0, 0.22, 0), limits=(0, None))
        + p9.labs(
            title=title(message),
            x="",
            y="Days from the first to the second order (dot: median; bar: middle half)",
        )
        + _rows(len(table), 0.31)
        + NO_ROWS
    )


def products(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the over-represented products of each segment: lift with its interval."""
    if table.empty:
        return empty_plot(message)
    top = table[table["place"] <= 4]
    short = _labels(top["segment"].unique(), 34)
    # The same product may stand in several panels, and needs a place of its own in each.
    keys = [f"{s}\n{c}" for s, c in zip(top["segment"], top["stock_code"], strict=True)]
    texts = {key: shorten(text, 28) for key, text in zip(keys, top["description"], strict=True)}
    points = top.assign(
        segment=_order_across(top["segment"], short),
        product=pd.Categorical(keys, keys[::-1], ordered=True),
        label=[f"{lift:.1f}×" for lift in top["lift"]],
        beside=top["high"] * 1.05,
    )
    panels = -(-len(short) // 2)
    return (
        p9.ggplot(points, p9.aes("product", "lift"))
        + p9.geom_hline(yintercept=1, color=MUTED, linetype="dashed", size=0.4)
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=PALE, size=2.2)
        + p9.geom_point(color=PRIMARY, size=2)
        + p9.geom_text(p9.aes(y="beside", label="label"), ha="left", size=7)
        + p9.coord_flip()
        + p9.facet_wrap("segment", ncol=2 if len(short) > 1 else 1, scales="free_y")
        + p9.scale_x_discrete(labels=lambda breaks: [texts[b] for b in breaks])
        # A lift is a ratio: half as common lies as far from one as twice as common.
        + p9.scale_y_log10(
            labels=lambda breaks: [f"{b:g}×" for b in breaks],
            breaks=_breaks(float(points["high"].max())),
            expand=(0.02, 0, 0.2, 0),
        )
        + p9.labs(
            title=title(message, 64),
            x="",
            y="Lift: share in what the segment buys over share in what all buy (bar: 95% interval)",
        )
        + report_theme(max(1.9, 0.9 + 0.88 * panels))
        + NO_ROWS
        + p9.theme(
            axis_text_y=p9.element_text(size=6.5),
            axis_text_x=p9.element_text(size=7),
        )
    )


def _breaks(highest: float) -> list[float]:
    """Return about four places on an axis of ratios that begins at one."""
    steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
    within = [step for step in steps if step <= highest]
    fine = [1, 1.5, 2, 3, 4]
    return [float(step) for step in (within if highest > 6 else [b for b in fine if b <= highest])]


def movement(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw each segment's share of customers at the end of each quarter."""
    if table["date"].nunique() < 2:
        return empty_plot(message)
    short = _labels(table["segment"].unique(), 20)
    ends = sorted(table["quarter_end"].unique())
    points = table.assign(
        segment=_order_across(table["segment"], short),
        at=table["quarter_end"].map({end: place for place, end in enumerate(ends)}),
        label=[percent(share).replace("under ", "<") for share in table["share"]],
    )
    outer = points[points["quarter_end"].isin([ends[0], ends[-1]])]
    columns = min(4, len(short))
    chosen = sorted({0, len(ends) - 1} | ({(len(ends) - 1) // 2} if len(ends) > 4 else set()))
    rows = -(-len(short) // columns)
    return (
        p9.ggplot(points, p9.aes("at", "share"))
        + p9.geom_line(color=PRIMARY, size=0.9)
        + p9.geom_point(color=PRIMARY, size=1.5)
        + p9.geom_text(
            p9.aes(label="label"),
            data=outer,
            size=7,
            nudge_y=0.09 * float(table["share"].max()),
        )
        + p9.facet_wrap("segment", ncol=columns)
        + p9.scale_x_continuous(
            breaks=chosen,
            labels=[f"{ends[place]:%b}\n{ends[place]:%Y}" for place in chosen],
            expand=(0.2, 0),
        )
        + p9.scale_y_continuous(labels=percent_labels, limits=(0, None), expand=(0, 0, 0.12, 0))
        + p9.labs(title=title(message), x="End of the quarter", y="Share of customers")
        + report_theme(1.1 + 1.25 * rows)
        + p9.theme(
            strip_text=p9.element_text(size=8, weight="semibold", ha="left"),
            axis_text=p9.element_text(size=7),
        )
    )


def migration(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the migration table: customers by segment then (rows) and now (columns)."""
    if table.empty:
        return empty_plot(message)
    cells = table[(table["customers"].fillna(1) > 0) | table["few"]]
    there = list(table["to_segment"].unique())
    wrapped = labels([textwrap.fill(shorten(name, 22), 11) for name in there], 30)
    above = dict(zip(there, [name.replace(" ", "\n") for name in wrapped], strict=True))
    short = _labels(table["from_segment"].unique())
    rows = {name: label for name, label in short.items() if name in set(cells["from_segment"])}
    share = cells["share"].astype(float)
    stayed = cells["from_segment"] == cells["to_segment"]
    cells = cells.assign(
        from_segment=_order_down(cells["from_segment"], rows),
        to_segment=_order_across(cells["to_segment"], above),
        label=[
            "few" if few else f"{n:,}"
            for n, few in zip(cells["customers"], cells["few"], strict=True)
        ],
    ).join(tile_colours(share.fillna(0), 0, 1))
    before, after = (table[name].iloc[0] - pd.Timedelta(days=1) for name in ("before", "after"))
    return (
        p9.ggplot(cells, p9.aes("to_segment", "from_segment"))
        + heat_tiles()
        + p9.geom_tile(data=cells[stayed], fill="none", color=ACCENT, size=0.9)
        + p9.scale_x_discrete(limits=list(above.values()), drop=False)
        + p9.labs(
            title=title(message),
            subtitle="Customers; the darker, the larger the share of the row. Framed: stayed. "
            "Blank: nobody.",
            x=f"Segment at the end of {day(after)}",
            y=f"Segment at the end of {day(before)}",
        )
        + _rows(len(rows), 0.285, 1.9)
        + NO_GRID
        + p9.theme(
            axis_text_x=p9.element_text(size=6.8 if len(there) <= 10 else 6, linespacing=1.05)
        )
    )


def retention(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw who ordered in the quarter after: the last such quarter, and the one before, pale."""
    if table.empty:
        return empty_plot(message)
    dates = sorted(table["date"].unique())[-2:]
    table = table[table["date"].isin(dates)]
    short = _labels(table["segment"].unique())
    names = {date: f"{date.year} Q{date.quarter}" for date in dates}
    last = names[dates[-1]]
    points = table.assign(
        segment=_order_down(table["segment"], short),
        quarter=pd.Categorical(table["date"].map(names), list(names.values())),
        label=[
            f"  {percent(share)}" if date == dates[-1] else ""
            for share, date in zip(table["share"], table["date"], strict=True)
        ],
    )
    beside = p9.position_dodge(width=0.6)
    colors = {name: PRIMARY if name == last else MUTED for name in names.values()}
    return (
        p9.ggplot(points, p9.aes("segment", "share", color="quarter"))
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), position=beside, size=1)
        + p9.geom_point(position=beside, size=2.4)
        + p9.geom_text(
            p9.aes(y="high", label="label"),
            position=beside,
            ha="left",
            size=7.5,
            show_legend=False,
        )
        + p9.coord_flip()
        + p9.scale_color_manual(colors, breaks=list(names.values())[::-1], name="Ordered in")
        + p9.scale_y_continuous(
            labels=percent_labels,
            breaks=[0, 0.25, 0.5, 0.75, 1],
            limits=(0, 1),
            expand=(0.01, 0, 0.09, 0),
        )
        + p9.labs(
            title=title(message),
            x="Segment when the quarter began",
            y="Share who ordered in the quarter (line: 95% interval)",
        )
        + _rows(len(short), 0.36, 1.3)
        + NO_ROWS
    )

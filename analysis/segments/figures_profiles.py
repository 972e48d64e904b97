"""Draw the profiles of segments: size and value, repeat orders, traits.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none. Segments stand from the most to
the least valuable, as in the tables.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd
import plotnine as p9

from analysis.core.formatting import (
    count,
    labels,
    median_text,
    percent,
    short_money,
    shorten,
    top_row,
)
from analysis.core.plotting import (
    INK,
    MUTED,
    NO_GRID,
    NO_ROWS,
    PALE,
    PRIMARY,
    SOFT,
    percent_labels,
    report_theme,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.segments.names import compared_quarters

say = partial(fill, "segments")


def _rows(number: int, each: float, more: float = 0.9) -> p9.theme:
    """Return the theme of a picture with so many rows."""
    return report_theme(max(1.6, more + each * number))


def _down(names: Iterable[str]) -> Any:
    """Return labels of segments in an order in which the first stands on top."""
    every = [*names]
    known = [*dict.fromkeys(every)]
    label = dict(zip(known, labels(known, 24), strict=True))
    return top_first([label[name] for name in every])


# ------------------------------------------------------------------------- size and value


def segment_size_and_value(segment_profiles: pd.DataFrame) -> Figure | str:
    """Draw each segment's share of customers beside its share of net revenue."""
    shown = segment_profiles[segment_profiles["shown"]]
    if shown.empty:
        return say("segment-size-and-value.none")
    kinds = {
        "share": say("segment-size-and-value.legend-customers"),
        "revenue_share": say("segment-size-and-value.legend-revenue"),
    }
    rows = shown.assign(
        row=_down(shown["segment"]),
        text=[
            f"  {percent(share)} → {percent(revenue)}"
            for share, revenue in zip(shown["share"], shown["revenue_share"], strict=True)
        ],
        end=shown[["share_high", "revenue_share_high"]].max(axis=1),
    )
    points = pd.concat(
        [
            pd.DataFrame(
                {
                    "row": rows["row"],
                    "kind": pd.Categorical([name] * len(rows), list(kinds.values())),
                    "value": rows[column],
                    "low": rows[f"{column}_low"],
                    "high": rows[f"{column}_high"],
                }
            )
            for column, name in kinds.items()
        ]
    )
    colors = dict(zip(kinds.values(), (MUTED, PRIMARY), strict=True))
    plot = (
        p9.ggplot(points, p9.aes("row", "value", color="kind"))
        + p9.geom_linerange(
            p9.aes("row", ymin="share", ymax="revenue_share"),
            data=rows,
            inherit_aes=False,
            color=PALE,
            size=2.2,
        )
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), size=0.5, show_legend=False)
        + p9.geom_point(p9.aes(shape="kind"), size=2.8)
        + p9.geom_text(
            p9.aes("row", "end", label="text"),
            data=rows,
            inherit_aes=False,
            ha="left",
            size=8,
            color=INK,
        )
        + p9.coord_flip()
        + p9.scale_color_manual(colors, name=" ")
        + p9.scale_shape_manual(dict(zip(kinds.values(), "so", strict=True)), name=" ")
        + p9.scale_y_continuous(labels=percent_labels, limits=(0, None), expand=(0.01, 0, 0.16, 0))
        + p9.labs(subtitle=say("segment-size-and-value.subtitle"), x="", y="")
        + _rows(len(rows), 0.18)
        + NO_ROWS
    )
    best, largest = top_row(shown, "revenue_share"), top_row(shown, "customers")
    known = {
        "segment": shorten(best["segment"]),
        "share": percent(best["share"]),
        "revenue_share": percent(best["revenue_share"]),
    }
    widest = top_row(rows.assign(gap=rows["revenue_share"] - rows["share"]), "gap")
    return Figure(
        plot,
        headline=say("segment-size-and-value.headline", **known)
        if largest["segment"] == best["segment"]
        else say(
            "segment-size-and-value.headline-largest",
            **known,
            largest=shorten(largest["segment"]),
            largest_share=percent(largest["share"]),
            largest_revenue=percent(largest["revenue_share"]),
        ),
        alt=say(
            "segment-size-and-value.alt",
            segment=shorten(widest["segment"]),
            share=percent(widest["share"]),
            revenue_share=percent(widest["revenue_share"]),
        ),
        data=segment_profiles[
            ["segment", "customers", "revenue"]
            + [f"{name}{end}" for name in kinds for end in ("", "_low", "_high")]
        ],
    )


# ------------------------------------------------------------------------- repeat orders


def _quarter(date: pd.Timestamp) -> str:
    return say("repeat-orders-by-segment.quarter", number=str(date.quarter), year=str(date.year))


def repeat_orders_by_segment(retention: pd.DataFrame) -> Figure | str:
    """Draw who ordered in the last whole quarter, against a year earlier or the quarter before."""
    last, earlier = compared_quarters(retention)
    if last is None:
        return say("repeat-orders-by-segment.none")
    table = retention[retention["date"].isin([last, earlier] if earlier is not None else [last])]
    names = {date: _quarter(date) for date in (earlier, last) if date is not None}
    # All customers stand on top: the headline is about them.
    shown = pd.concat([_all_segments(table), table], ignore_index=True)
    before = shown[shown["date"] == earlier].set_index("segment")["share"]
    now = shown[shown["date"] == last]
    points = shown.assign(
        row=_down(shown["segment"]),
        quarter=pd.Categorical(shown["date"].map(names), list(names.values())),
    )
    texts = points[points["date"] == last].assign(
        label=[
            "  "
            + (
                say(
                    "repeat-orders-by-segment.label-fall",
                    earlier=percent(before[name]),
                    share=percent(share),
                )
                if name in before.index
                else percent(share)
            )
            for name, share in zip(now["segment"], now["share"], strict=True)
        ],
        end=[shown.loc[shown["segment"] == name, "high"].max() for name in now["segment"]],
    )
    beside = p9.position_dodge(width=0.5)
    colors = {name: PRIMARY if name == names[last] else MUTED for name in names.values()}
    plot = (
        p9.ggplot(points, p9.aes("row", "share", color="quarter"))
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), position=beside, size=0.9)
        + p9.geom_point(position=beside, size=2.4)
        + p9.geom_text(
            p9.aes("row", "end", label="label"),
            data=texts,
            inherit_aes=False,
            ha="left",
            size=8,
            color=INK,
        )
        + p9.coord_flip()
        + p9.scale_color_manual(colors, breaks=list(names.values()), name=" ")
        + p9.scale_y_continuous(
            labels=percent_labels,
            breaks=[0, 0.25, 0.5, 0.75, 1],
            limits=(0, 1),
            expand=(0.01, 0, 0.18, 0),
        )
        + p9.labs(subtitle=say("repeat-orders-by-segment.subtitle"), x="", y="")
        + _rows(shown["segment"].nunique(), 0.2, 1.0)
        + NO_ROWS
    )
    now = table[table["date"] == last]
    best, least = top_row(now, "share"), top_row(now.assign(less=-now["share"]), "less")
    return Figure(
        plot,
        headline=_repeat_headline(table, last, earlier, names),
        alt=say(
            "repeat-orders-by-segment.alt",
            best=shorten(best["segment"]),
            best_share=percent(best["share"]),
            least=shorten(least["segment"]),
            least_share=percent(least["share"]),
        ),
        caption=say("repeat-orders-by-segment.caption-one")
        if earlier is None
        else say("repeat-orders-by-segment.caption-year")
        if earlier == last - pd.DateOffset(years=1)
        else say("repeat-orders-by-segment.caption"),
        data=retention,
    )


def _all_segments(table: pd.DataFrame) -> pd.DataFrame:
    """Return the share of all customers by date; so many have next to no interval."""
    sums = table.groupby("date", as_index=False)[["retained", "customers"]].sum()
    share = sums["retained"] / sums["customers"]
    name = say("repeat-orders-by-segment.all")
    return sums.assign(segment=name, share=share, low=share, high=share)


def _repeat_headline(
    table: pd.DataFrame,
    last: pd.Timestamp,
    earlier: pd.Timestamp | None,
    names: dict[pd.Timestamp, str],
) -> str:
    """Say which share of the customers ordered in the quarter, and what it was before."""
    shares = _all_segments(table).set_index("date")["share"]
    known = {"share": percent(shares[last]), "quarter": names[last]}
    if earlier is None:
        return say("repeat-orders-by-segment.headline-one", **known)
    before = percent(shares[earlier])
    if before == known["share"]:
        return say("repeat-orders-by-segment.headline-same", **known, earlier=names[earlier])
    known |= {"earlier_share": before, "earlier": names[earlier]}
    if shares[last] > shares[earlier]:
        return say("repeat-orders-by-segment.headline-up", **known)
    return say("repeat-orders-by-segment.headline", **known)


def second_order(segment_profiles: pd.DataFrame, segment_overall: pd.DataFrame) -> Figure | str:
    """Draw the days from the first to the second order, of each segment and of all customers."""
    overall = segment_overall.iloc[0]
    if not overall["second_order_share"] or pd.isna(overall["second_days_median"]):
        return say("second-order.none")
    every = segment_overall.assign(segment=say("second-order.all"))
    table = pd.concat([segment_profiles[segment_profiles["shown"]], every])
    table = table.dropna(subset=["second_days_median"])
    points = table.assign(
        row=_down(table["segment"]),
        label=[
            say("second-order.label", share=percent(share)) if share < 1 else ""
            for share in table["second_order_share"]
        ],
        days=[f"{days:,.0f}" for days in table["second_days_median"]],
        every=["all" if last else "one" for last in [False] * (len(table) - 1) + [True]],
    )
    end = float(table["second_days_q3"].max())
    colors = {"one": PRIMARY, "all": INK}
    plot = (
        p9.ggplot(points, p9.aes("row", "second_days_median"))
        + p9.geom_linerange(
            p9.aes(ymin="second_days_q1", ymax="second_days_q3"), color=PALE, size=3
        )
        + p9.geom_point(p9.aes(color="every"), size=2.6)
        + p9.geom_text(p9.aes(label="days"), size=7.5, color=INK, nudge_x=0.38)
        + p9.geom_text(p9.aes(label="label"), y=end * 1.04 + 0.5, ha="left", size=8, color=SOFT)
        + p9.coord_flip()
        + p9.scale_color_manual(colors, guide=None)
        + p9.scale_y_continuous(expand=(0.02, 0, 0.24, 0), limits=(0, None))
        + p9.labs(subtitle=say("second-order.subtitle"), x="", y="")
        + _rows(len(table), 0.26)
        + NO_ROWS
    )
    days = float(overall["second_days_median"])
    return Figure(
        plot,
        headline=say(
            "second-order.headline",
            count=days,
            share=percent(overall["second_order_share"]),
            days=median_text(days),
        ),
        alt=say("second-order.alt", days=median_text(days)),
        data=table[
            ["segment", "customers", "second_order_share"]
            + [f"second_days_{end}" for end in ("q1", "median", "q3")]
        ],
    )


# ------------------------------------------------------------------------- traits


def segment_traits(
    segment_profiles: pd.DataFrame,
    segment_overall: pd.DataFrame,
    currency: str,
    has_invoice: bool,
    has_country: bool,
) -> Figure | str:
    """Draw traits side by side, with a bar for each segment and one for all customers."""
    shown = segment_profiles[segment_profiles["shown"]]
    if shown.empty:
        return say("segment-traits.none")
    panels = {
        "recency_median": say("segment-traits.panel-recency"),
        "frequency_median": say("segment-traits.panel-frequency"),
        "spend_median": say("segment-traits.panel-spend"),
        "basket_median": say("segment-traits.panel-basket"),
    }
    if has_invoice:
        panels["cancelled_invoices_per_order"] = say("segment-traits.panel-cancellations")
    if has_country:
        panels["abroad_share"] = say("segment-traits.panel-abroad")
    every = segment_overall.assign(segment=say("segment-traits.all"))
    table = pd.concat([shown, every], ignore_index=True)
    row = _down(table["segment"])
    bars = pd.concat(
        [
            pd.DataFrame(
                {
                    "row": row,
                    "panel": textwrap.fill(panel, 13),
                    "kind": ["one"] * len(shown) + ["all"],
                    "value": table[column].astype(float),
                    # Each panel has a scale of its own, which its longest bar fills.
                    "length": table[column].astype(float) / (table[column].max() or 1),
                    "label": [_write_trait(value, column, currency) for value in table[column]],
                }
            )
            for column, panel in panels.items()
        ]
    ).dropna(subset=["value"])
    order = [textwrap.fill(panel, 13) for panel in panels.values()]
    bars["panel"] = pd.Categorical(bars["panel"], order)
    plot = (
        p9.ggplot(bars, p9.aes("row", "length"))
        + p9.geom_col(p9.aes(fill="kind"), width=0.62)
        + p9.geom_text(p9.aes(label="label"), ha="left", size=7.5, color=INK, nudge_y=0.04)
        + p9.coord_flip()
        + p9.facet_wrap("panel", nrow=1)
        + p9.scale_fill_manual({"one": PALE, "all": MUTED}, guide=None)
        + p9.scale_y_continuous(breaks=[], limits=(0, 1.75), expand=(0, 0))
        + p9.labs(subtitle=say("segment-traits.subtitle"), x="", y="")
        + _rows(len(table), 0.2, 1.0)
        + NO_GRID
        + p9.theme(strip_text=p9.element_text(size=8, ha="left", va="bottom"))
    )
    best = top_row(shown, "basket_median")
    least = top_row(shown.assign(less=-shown["basket_median"]), "less")
    high, low = (
        _write_trait(row["basket_median"], "basket_median", currency) for row in (best, least)
    )
    return Figure(
        plot,
        headline=say("segment-traits.headline-same", high=high)
        if high == low
        else say(
            "segment-traits.headline",
            high=high,
            low=low,
            best=shorten(best["segment"]),
            least=shorten(least["segment"]),
        ),
        data=table[["segment", "customers", *panels]],
    )


def _write_trait(value: float, column: str, currency: str) -> str:
    if pd.isna(value):
        return ""
    if column in ("spend_median", "basket_median"):
        return f"{currency}{value:,.0f}" if value < 10_000 else short_money(value, currency)
    if column == "abroad_share":
        return percent(value)
    if column == "frequency_median":
        return median_text(value)
    return count(100 * value if column.startswith("cancelled") else value)

"""Draw the tables of segments.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none. Segments stand from the most to
the least valuable, as in the tables.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import (
    count,
    day,
    join_words,
    labels,
    median_text,
    money,
    percent,
    short_money,
    shorten,
    top_row,
)
from analysis.core.plotting import (
    ACCENT,
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
from analysis.segments.names import GROUPS, NEW

say = partial(fill, "segments")


def _rows(number: int, each: float = 0.27, more: float = 0.9) -> p9.theme:
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
        + _rows(len(rows), more=1.1)
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
    if retention.empty:
        return say("repeat-orders-by-segment.none")
    dates = [pd.Timestamp(date) for date in sorted(retention["date"].unique())]
    last, year_ago = dates[-1], dates[-1] - pd.DateOffset(years=1)
    earlier = year_ago if year_ago in dates else dates[-2] if len(dates) > 1 else None
    table = retention[retention["date"].isin([last, earlier] if earlier is not None else [last])]
    names = {date: _quarter(date) for date in (earlier, last) if date is not None}
    before = table[table["date"] == earlier].set_index("segment")["share"]
    now = table[table["date"] == last]
    points = table.assign(
        row=_down(table["segment"]),
        quarter=pd.Categorical(table["date"].map(names), list(names.values())),
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
        end=[table.loc[table["segment"] == name, "high"].max() for name in now["segment"]],
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
        + _rows(table["segment"].nunique(), 0.31, 1.1)
        + NO_ROWS
    )
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
        if earlier == year_ago
        else say("repeat-orders-by-segment.caption"),
        data=retention,
    )


def _repeat_headline(
    table: pd.DataFrame,
    last: pd.Timestamp,
    earlier: pd.Timestamp | None,
    names: dict[pd.Timestamp, str],
) -> str:
    """Say which share of the customers ordered in the quarter, and what it was before."""
    sums = table.groupby("date")[["retained", "customers"]].sum()
    shares = sums["retained"] / sums["customers"]
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
        + _rows(len(table), 0.29)
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
        + _rows(len(table), 0.25, 1.0)
        + NO_GRID
        + p9.theme(strip_text=p9.element_text(size=8, ha="left", va="bottom"))
    )
    best = top_row(shown, "basket_median")
    least = top_row(shown.assign(less=-shown["basket_median"]), "less")
    high, low = (money(row["basket_median"], currency) for row in (best, least))
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


# ------------------------------------------------------------------------- movement


def _spread(places: pd.Series, least: float) -> pd.Series:
    """Return places for labels, moved apart where they would cover each other.

    Examples
    --------
    >>> _spread(pd.Series([0.1, 0.1, 0.5]), 0.2).round(2).tolist()
    [0.0, 0.2, 0.5]
    """
    order = places.sort_values(kind="stable")
    steps = least * np.arange(len(order))
    # Moved up only, and down only: halfway between the two, no two are nearer than `least`.
    up = np.maximum.accumulate(order.to_numpy() - steps) + steps
    down = np.minimum.accumulate((order.to_numpy() - steps)[::-1])[::-1] + steps
    return pd.Series((up + down) / 2, index=order.index).reindex(places.index)


def segment_shares(movement: pd.DataFrame) -> Figure | str:
    """Draw each segment's share of customers at two dates: a year, or a quarter, apart."""
    dates = [pd.Timestamp(date) for date in sorted(movement["date"].unique())]
    if len(dates) < 2:
        return say("segment-shares.none")
    # A year ago, if a date lies within a month of it: then the season is the same.
    year_ago = dates[-1] - pd.DateOffset(years=1)
    near = [date for date in dates[:-1] if abs(date - year_ago) < pd.Timedelta(days=31)]
    before, now = near[0] if near else dates[-2], dates[-1]
    shares = movement.pivot(index="segment", columns="date", values="share")
    shares = shares.reindex(movement["segment"].unique())[[before, now]]
    moved = shares[now] - shares[before]
    riser, faller = str(moved.idxmax()), str(moved.idxmin())
    kind = pd.Series("other", index=shares.index)
    if moved[riser] > 0:
        kind[riser] = "up"
    if moved[faller] < 0:
        kind[faller] = "down"
    gap = float(shares.to_numpy().max()) * 0.055
    lines = pd.DataFrame(
        {
            "segment": shares.index,
            "then": shares[before].to_numpy(),
            "now": shares[now].to_numpy(),
            "kind": kind.to_numpy(),
            "left": _spread(shares[before], gap).to_numpy(),
            "right": _spread(shares[now], gap).to_numpy(),
            "left_text": [percent(share, 1) for share in shares[before]],
            "right_text": [
                f"{percent(share, 1)}  {name}"
                for name, share in zip(labels([*shares.index], 24), shares[now], strict=True)
            ],
        }
    )
    colors = {"up": PRIMARY, "down": ACCENT, "other": SOFT}
    ends = [day(pd.Timestamp(date) - pd.Timedelta(days=1)) for date in (before, now)]
    plot = (
        p9.ggplot(lines, p9.aes(color="kind"))
        + p9.geom_segment(p9.aes(x=0, xend=1, y="then", yend="now"), size=0.9)
        + p9.geom_point(p9.aes(x=0, y="then"), size=2)
        + p9.geom_point(p9.aes(x=1, y="now"), size=2)
        + p9.geom_text(p9.aes(x=-0.03, y="left", label="left_text"), ha="right", size=8)
        + p9.geom_text(p9.aes(x=1.03, y="right", label="right_text"), ha="left", size=8)
        + p9.scale_color_manual(colors, guide=None)
        + p9.scale_x_continuous(breaks=[0, 1], labels=ends, limits=(-0.25, 1.7))
        + p9.scale_y_continuous(breaks=[], expand=(0.04, 0))
        + p9.labs(subtitle=say("segment-shares.subtitle"), x="", y="")
        + report_theme(max(2.4, 0.9 + 0.24 * len(lines)))
        + NO_GRID
    )
    since = ends[0]
    if abs(moved).max() < 0.0005:
        headline = say("segment-shares.headline-same", day=since)
    else:
        headline = say(
            "segment-shares.headline",
            riser=shorten(riser),
            day=since,
            riser_before=percent(shares[before][riser], 1),
            riser_now=percent(shares[now][riser], 1),
            faller=shorten(faller),
            faller_before=percent(shares[before][faller], 1),
            faller_now=percent(shares[now][faller], 1),
        )
    return Figure(
        plot,
        headline,
        alt=say(
            "segment-shares.alt",
            day=since,
            now=ends[1],
            riser=shorten(riser),
            faller=shorten(faller),
        ),
        data=movement,
    )


def _labels_of_groups() -> dict[str, str]:
    return {
        GROUPS[0]: say("segment-flows.label-frequent-recent"),
        GROUPS[1]: say("segment-flows.label-frequent-quiet"),
        GROUPS[2]: say("segment-flows.label-infrequent-recent"),
        GROUPS[3]: say("segment-flows.label-infrequent-quiet"),
        NEW: say("segment-flows.label-new"),
    }


def segment_flows(
    segment_flows: pd.DataFrame, segment_groups: pd.DataFrame, settings: Any
) -> Figure | str:
    """Draw how customers moved between four groups of segments since the last whole quarter."""
    flows = segment_flows[segment_flows["customers"].fillna(0) > 0]
    if flows.empty:
        return say("segment-flows.none")
    names = _labels_of_groups()
    flows = flows.assign(customers=flows["customers"].astype(int))
    total = int(flows["customers"].sum())
    bands, blocks = _bands(flows, total)
    columns = {"from": -0.02, "to": 1.02}
    blocks = blocks.assign(
        text=[
            say("segment-flows.label", group=names[group], customers=count(size))
            for group, size in zip(blocks["group"], blocks["customers"], strict=True)
        ],
        x=blocks["side"].map(columns),
        middle=(blocks["low"] + blocks["high"]) / 2,
    )
    colors = dict(zip([*GROUPS, NEW], (PRIMARY, ACCENT, SOFT, MUTED, PALE), strict=True))
    left, right = (blocks[blocks["side"] == side] for side in ("from", "to"))
    before, after = (
        day(pd.Timestamp(flows[name].iloc[0]) - pd.Timedelta(days=1))
        for name in ("before", "after")
    )
    plot = (
        p9.ggplot(bands, p9.aes("x", "y", group="flow", fill="group"))
        + p9.geom_polygon(alpha=0.55)
        + p9.geom_rect(
            p9.aes(xmin=-0.02, xmax=0, ymin="low", ymax="high", fill="group"),
            data=left,
            inherit_aes=False,
        )
        + p9.geom_rect(
            p9.aes(xmin=1, xmax=1.02, ymin="low", ymax="high", fill="group"),
            data=right,
            inherit_aes=False,
        )
        + p9.geom_text(
            p9.aes(-0.04, "middle", label="text"),
            data=left,
            inherit_aes=False,
            ha="right",
            size=8,
            color=INK,
        )
        + p9.geom_text(
            p9.aes(1.04, "middle", label="text"),
            data=right,
            inherit_aes=False,
            ha="left",
            size=8,
            color=INK,
        )
        + p9.scale_fill_manual(colors, guide=None)
        + p9.scale_x_continuous(breaks=[], limits=(-0.72, 1.72), expand=(0, 0))
        + p9.scale_y_continuous(breaks=[], expand=(0.02, 0))
        + p9.labs(subtitle=say("segment-flows.subtitle", before=before, after=after), x="", y="")
        + report_theme(3.1)
        + NO_GRID
    )
    widest = top_row(flows, "customers")
    return Figure(
        plot,
        headline=_flows_headline(flows, before),
        alt=say(
            "segment-flows.alt",
            from_group=names[widest["from_segment"]],
            to_group=names[widest["to_segment"]],
            customers=count(widest["customers"]),
        ),
        caption=_flows_caption(segment_groups, settings.report.smallest_group),
        data=segment_flows.rename(columns={"from_segment": "from_group", "to_segment": "to_group"}),
    )


def _bands(flows: pd.DataFrame, total: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the outlines of the bands, and the blocks at both ends from which they come."""
    gap = 0.03 * total
    order = [*GROUPS, NEW]
    tops: dict[tuple[str, str], float] = {}
    blocks = []
    for side in ("from", "to"):
        top = 0.0
        for group in order:
            size = float(flows.loc[flows[f"{side}_segment"] == group, "customers"].sum())
            if not size:
                continue
            blocks.append((side, group, size, top - size, top))
            tops[side, group] = top
            top -= size + gap
    curve = np.linspace(0, 1, 30)
    bend = curve**2 * (3 - 2 * curve)
    parts = []
    rank = {group: place for place, group in enumerate(order)}
    flows = flows.assign(a=flows["from_segment"].map(rank), b=flows["to_segment"].map(rank))
    for number, row in enumerate(flows.sort_values(["a", "b"]).to_dict("records")):
        start, size = tops["from", row["from_segment"]], float(row["customers"])
        end = tops["to", row["to_segment"]]
        tops["from", row["from_segment"]] -= size
        tops["to", row["to_segment"]] -= size
        upper = start + (end - start) * bend
        parts.append(
            pd.DataFrame(
                {
                    "x": np.concatenate([curve, curve[::-1]]),
                    "y": np.concatenate([upper, (upper - size)[::-1]]),
                    "flow": number,
                    "group": row["from_segment"],
                }
            )
        )
    columns = ["side", "group", "customers", "low", "high"]
    return pd.concat(parts, ignore_index=True), pd.DataFrame(blocks, columns=columns)


def _flows_headline(flows: pd.DataFrame, since: str) -> str:
    """Say how many frequent and recent customers stayed so; else how many changed group."""
    best = flows[flows["from_segment"] == GROUPS[0]]
    size = best["customers"].sum()
    if size:
        to = best.groupby("to_segment")["customers"].sum()
        quiet = to.get(GROUPS[1], 0) + to.get(GROUPS[3], 0)
        return say(
            "segment-flows.headline",
            size=count(size),
            day=since,
            stayed=percent(to.get(GROUPS[0], 0) / size),
            quiet=percent(quiet / size),
        )
    old = flows[flows["from_segment"] != NEW]
    changed = old.loc[old["from_segment"] != old["to_segment"], "customers"].sum()
    return say(
        "segment-flows.headline-other",
        share=percent(changed / max(old["customers"].sum(), 1)),
        day=since,
    )


def _flows_caption(groups: pd.DataFrame, minimum: int) -> str:
    """Say which segments are in each group, where each has some."""
    own = groups.groupby("group")["segment"].apply(list)
    if set(own.index) < set(GROUPS):
        return say("segment-flows.caption", minimum=count(minimum))
    told = {group: join_words([shorten(name) for name in own[group]]) for group in GROUPS}
    return say(
        "segment-flows.caption-groups",
        minimum=count(minimum),
        frequent_recent=told[GROUPS[0]],
        frequent_quiet=told[GROUPS[1]],
        infrequent_recent=told[GROUPS[2]],
        infrequent_quiet=told[GROUPS[3]],
    )

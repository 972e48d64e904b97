"""Draw how segments change: their shares over time, and who moves between them.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import count, day, join_words, labels, percent, shorten, top_row
from analysis.core.plotting import ACCENT, INK, MUTED, NO_GRID, PALE, PRIMARY, SOFT, report_theme
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.segments.names import GROUPS, NEW

say = partial(fill, "segments")


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
        + report_theme(2.5)
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

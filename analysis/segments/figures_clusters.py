"""Draw the clusters, and the candidates that they were chosen from.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

import textwrap
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import (
    capital,
    count,
    join_words,
    median_text,
    money,
    percent,
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
    heat_tiles,
    report_theme,
    tile_colours,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.segments.names import CLUSTERS, FOUND_AGAIN, METHODS, STABLE

say = partial(fill, "segments")


def _wrap(name: str, width: int) -> str:
    """Break a name between words, never inside one."""
    return textwrap.fill(name, width, break_long_words=False)


def clusters(cluster_profiles: pd.DataFrame, currency: str) -> Figure | str:
    """Draw recency, frequency and monetary value of each cluster: median and middle half."""
    shown = cluster_profiles[cluster_profiles["shown"]]
    if len(shown) < 2:
        return say("clusters.none")
    spend = (
        say("clusters.panel-spend", currency=currency)
        if currency
        else say("clusters.panel-spend-plain")
    )
    panels = {
        "recency": say("clusters.panel-recency"),
        "frequency": say("clusters.panel-frequency"),
        "spend": spend,
    }
    parts = [
        pd.DataFrame(
            {
                "cluster": top_first([_wrap(shorten(name), 18) for name in shown["cluster"]]),
                "panel": pd.Categorical([panel] * len(shown), list(panels.values())),
                # On a logarithmic axis there is no place for nothing.
                **{end: shown[f"{measure}_{end}"].clip(lower=0.5) for end in ("q1", "q3")},
                "middle": shown[f"{measure}_median"].clip(lower=0.5),
                "label": [median_text(round(m)) for m in shown[f"{measure}_median"]]
                if measure == "spend"
                else [median_text(m) for m in shown[f"{measure}_median"]],
            }
        )
        for measure, panel in panels.items()
    ]
    plot = (
        p9.ggplot(pd.concat(parts), p9.aes("cluster", "middle"))
        + p9.geom_linerange(p9.aes(ymin="q1", ymax="q3"), color=PALE, size=3.2)
        + p9.geom_point(color=PRIMARY, size=2.8)
        + p9.geom_text(p9.aes(label="label"), nudge_x=0.34, size=8, color=INK)
        + p9.coord_flip()
        + p9.facet_wrap("panel", nrow=1, scales="free_x")
        + p9.scale_x_discrete(expand=(0, 0.75))
        + p9.scale_y_log10(labels=lambda places: [f"{place:,g}" for place in places])
        + p9.labs(subtitle=say("clusters.subtitle"), x="", y="")
        + report_theme(1.3 + 0.4 * len(shown))
        + NO_ROWS
        + p9.theme(panel_spacing_x=0.035)
    )
    best = top_row(shown, "revenue_share")
    return Figure(
        plot,
        headline=say(
            "clusters.headline",
            cluster=shorten(best["cluster"]),
            share=percent(best["share"]),
            revenue_share=percent(best["revenue_share"]),
        ),
        alt=say(
            "clusters.alt",
            cluster=shorten(best["cluster"]),
            recency=median_text(best["recency_median"]),
            frequency=median_text(best["frequency_median"]),
            spend=money(best["spend_median"], currency),
        ),
        data=shown,
    )


def _order_methods(table: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates with their methods in order, for one panel a method."""
    present = [model for model in METHODS if model in set(table["model"])]
    return table.assign(model=pd.Categorical(table["model"], present))


def _counts(table: pd.DataFrame, margin: float) -> p9.scale_x_continuous:
    """Return an axis of cluster counts that holds them all, with at most five to read."""
    low, high = int(table["k"].min()), int(table["k"].max())
    step = max((high - low + 3) // 4, 1)
    return p9.scale_x_continuous(
        breaks=list(range(low, high + 1, step)), limits=(low - margin, high + margin)
    )


def cluster_silhouettes(clustering: pd.DataFrame, structure: str) -> Figure | str:
    """Draw each candidate's silhouette beside that of data without groups."""
    data = _order_methods(clustering.dropna(subset=["silhouette"]))
    if data.empty:
        return say("cluster-silhouettes.none")
    data["null_low"] = data["null_silhouette"] - 2 * data["null_silhouette_sd"].fillna(0)
    data["null_high"] = data["null_silhouette"] + 2 * data["null_silhouette_sd"].fillna(0)
    own, null = say("cluster-silhouettes.legend-own"), say("cluster-silhouettes.legend-null")
    points = pd.concat(
        [
            data.assign(value=data["silhouette"], kind=own),
            data.assign(value=data["null_silhouette"], kind=null),
        ]
    )
    points["kind"] = pd.Categorical(points["kind"], [own, null])
    # Side by side, because they often coincide.
    points["x"] = points["k"] + np.where(points["kind"] == own, -0.14, 0.14)
    plot = (
        p9.ggplot(points, p9.aes("x", "value", color="kind"))
        + p9.geom_linerange(
            p9.aes(x="k + 0.14", ymin="null_low", ymax="null_high"),
            data=data,
            inherit_aes=False,
            color=MUTED,
        )
        + p9.geom_point(p9.aes(shape="kind"), size=2)
        + p9.facet_wrap("model", nrow=1)
        + p9.scale_color_manual({own: ACCENT, null: MUTED}, name=" ")
        + p9.scale_shape_manual({own: "o", null: "s"}, name=" ")
        + _counts(data, 0.6)
        + p9.expand_limits(y=0)
        + p9.labs(
            subtitle=say("cluster-silhouettes.subtitle"), x=say("cluster-silhouettes.x"), y=""
        )
        + report_theme(2.7)
    )
    return Figure(plot, _silhouettes_headline(clustering, structure), data=clustering)


def _silhouettes_headline(table: pd.DataFrame, structure: str) -> str:
    """Say whether the chosen method finds more than it would in data without groups."""
    chosen = table[table["chosen"].astype(bool)]
    if chosen.empty:
        return say("cluster-silhouettes.headline-none")
    row = chosen.iloc[0]
    same = table[table["model"] == row["model"]]
    excess = (same["silhouette"] - same["null_silhouette"]).abs().max()
    if pd.isna(excess):
        return say("cluster-silhouettes.headline-unknown")
    if structure == "kinds":
        return say(
            "cluster-silhouettes.headline-kinds",
            count=int(row["k"]),
            silhouette=f"{row['silhouette']:.2f}",
            null=f"{row['null_silhouette']:.2f}",
        )
    return say(
        "cluster-silhouettes.headline",
        model=str(row["model"]),
        range=f"{np.ceil(excess * 100) / 100:.2f}",
    )


def cluster_stability(clustering: pd.DataFrame) -> Figure | str:
    """Draw how well resamples agree on each candidate, and on its least stable cluster."""
    data = _order_methods(clustering[clustering["k"] >= 2])
    if data[["stability", "jaccard_low"]].isna().all(axis=None):
        return say("cluster-stability.none")
    names = {
        "stability": say("cluster-stability.legend-whole"),
        "jaccard_low": say("cluster-stability.legend-worst"),
    }
    long = data.melt(
        id_vars=["model", "k", "setting"],
        value_vars=list(names),
        var_name="measure",
        value_name="value",
    )
    long["measure"] = pd.Categorical(long["measure"].map(names), list(names.values()))
    bound = pd.DataFrame({"value": [STABLE, FOUND_AGAIN], "measure": list(names.values())})
    plot = (
        p9.ggplot(long, p9.aes("k", "value", color="measure", shape="measure"))
        + p9.geom_hline(
            p9.aes(yintercept="value", color="measure"),
            data=bound,
            linetype="dashed",
            show_legend=False,
        )
        + p9.geom_line(p9.aes(group="measure"), data=long[long["model"] != METHODS[-1]])
        + p9.geom_point(size=2)
        + p9.facet_wrap("model", nrow=1)
        + p9.scale_color_manual(dict(zip(names.values(), [PRIMARY, ACCENT], strict=True)), name=" ")
        + p9.scale_shape_manual(dict(zip(names.values(), ["o", "s"], strict=True)), name=" ")
        + _counts(data, 0.4)
        + p9.scale_y_continuous(limits=(min(0.0, long["value"].min()), 1.0))
        + p9.labs(subtitle=say("cluster-stability.subtitle"), x=say("cluster-stability.x"), y="")
        + report_theme(2.9)
    )
    chosen = clustering[clustering["chosen"].astype(bool)]
    same = data if chosen.empty else data[data["model"] == chosen["model"].iloc[0]]
    stable = same[same["stability"].ge(STABLE) & same["jaccard_low"].ge(FOUND_AGAIN)]
    headline = (
        say("cluster-stability.headline-none")
        if stable.empty or chosen.empty
        else say(
            "cluster-stability.headline",
            model=str(chosen["model"].iloc[0]),
            numbers=join_words([str(k) for k in sorted({int(k) for k in stable["k"]})]),
        )
    )
    return Figure(plot, headline, data=clustering)


def cluster_use(cluster_use: pd.DataFrame) -> Figure | str:
    """Draw what each way to group customers explains of the next quarter, with intervals."""
    if cluster_use.empty:
        return say("cluster-use.none")
    known = cluster_use.dropna(subset=["explained"])
    own = known[known["grouping"] == CLUSTERS]
    if own.empty:
        return say("cluster-use.none-clusters")
    names = {
        CLUSTERS: say("cluster-use.label-clusters"),
        "segments": say("cluster-use.label-segments"),
        "score_sum": say("cluster-use.label-score_sum"),
        "recency_days": say("cluster-use.label-recency_days"),
        "frequency": say("cluster-use.label-frequency"),
        "monetary": say("cluster-use.label-monetary"),
    }
    rows = [
        say("cluster-use.row", count=groups, grouping=capital(names[str(grouping)]))
        for grouping, groups in zip(known["grouping"], known["groups"], strict=True)
    ]
    data = known.assign(
        label=top_first(rows),
        own=np.where(known["grouping"] == CLUSTERS, "own", "other"),
        text=[f"{value:.2f}" for value in known["explained"]],
    )
    plot = (
        p9.ggplot(data, p9.aes("label", "explained", color="own"))
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), size=1)
        + p9.geom_point(size=3)
        + p9.geom_text(p9.aes(label="text"), nudge_x=0.28, size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_color_manual({"own": ACCENT, "other": PRIMARY}, guide=None)
        + p9.expand_limits(y=0)
        + p9.labs(subtitle=say("cluster-use.subtitle"), x="", y="")
        + report_theme(0.9 + 0.36 * len(data))
        + NO_ROWS
    )
    share = percent(max(own["explained"].iloc[0], 0.0))
    others = known[known["grouping"] != CLUSTERS]
    if others.empty:
        headline = say("cluster-use.headline-alone", share=share)
    else:
        best = top_row(others, "explained")
        headline = say(
            "cluster-use.headline",
            share=share,
            other=names[str(best["grouping"])],
            other_share=percent(max(best["explained"], 0.0)),
        )
    return Figure(plot, headline, data=cluster_use)


def cluster_agreement(
    cluster_agreement: pd.DataFrame,
    segment_profiles: pd.DataFrame,
    cluster_centres: pd.DataFrame,
    segments_rand: float,
    settings: Any,
) -> Figure | str:
    """Draw how the customers of each cluster spread over the named segments."""
    if len(cluster_centres) < 2:
        return say("cluster-agreement.none")
    minimum = settings.report.smallest_group
    few = cluster_agreement["customers"].between(1, minimum - 1)
    table = cluster_agreement.assign(
        customers=cluster_agreement["customers"].astype("Int64").mask(few),
        share=cluster_agreement["share"].mask(few),
    )
    there = set(table["segment"])
    segments = [_wrap(name, 10) for name in segment_profiles["segment"] if name in there]
    groups = [_wrap(name, 18) for name in cluster_centres["name"]]
    cells = table.assign(
        segment=pd.Categorical([_wrap(name, 10) for name in table["segment"]], segments),
        cluster=pd.Categorical([_wrap(name, 18) for name in table["cluster"]], groups[::-1]),
        label=[_write_share(share) for share in table["share"]],
        share=table["share"].fillna(0.0),
    )
    cells = cells.join(tile_colours(cells["share"], 0, cells["share"].max()))
    plot = (
        p9.ggplot(cells, p9.aes("segment", "cluster"))
        + heat_tiles(size=8)
        + p9.labs(subtitle=say("cluster-agreement.subtitle"), x="", y="")
        + report_theme(1.2 + 0.4 * len(groups))
        + NO_GRID
        + p9.theme(axis_text_x=p9.element_text(size=7))
    )
    rand = f"{segments_rand:.2f}"
    if segments_rand >= 0.7:
        headline = say("cluster-agreement.headline-largely", rand=rand)
    elif segments_rand >= 0.3:
        headline = say("cluster-agreement.headline-partly", rand=rand)
    else:
        headline = say("cluster-agreement.headline-hardly", rand=rand)
    most = top_row(table.assign(share=table["share"].fillna(0.0)), "share")
    return Figure(
        plot,
        headline,
        alt=say(
            "cluster-agreement.alt",
            share=percent(most["share"]),
            cluster=shorten(most["cluster"]),
            segment=shorten(most["segment"]),
        ),
        caption=say("cluster-agreement.caption", minimum=count(minimum)),
        data=table,
    )


def _write_share(share: float) -> str:
    """Write the share in a cell: nothing where there is nobody."""
    if pd.isna(share):
        return say("cluster-agreement.label-few")
    if not share:
        return ""
    return say("cluster-agreement.label-little") if share < 0.005 else f"{100 * share:.0f}"

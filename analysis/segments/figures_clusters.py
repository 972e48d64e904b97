"""Draw the clusters, and the candidates that they were chosen from."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import count
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_GRID,
    NO_ROWS,
    PRIMARY,
    heat_tiles,
    report_theme,
    tile_colours,
    title,
)
from analysis.segments.names import CLUSTERS, FOUND_AGAIN, METHODS, SCORE_SUM, SEGMENTS, STABLE

GROUPINGS = {
    CLUSTERS: "Clusters",
    SEGMENTS: "Named segments",
    SCORE_SUM: "Sum of the three scores",
    "recency_days": "Recency score alone",
    "frequency": "Frequency score alone",
    "monetary": "Monetary score alone",
}


def _wrap(name: str, width: int) -> str:
    """Break a name between words, never inside one."""
    return textwrap.fill(name, width, break_long_words=False)


def _order_methods(table: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates with their methods in order, for one panel a method."""
    present = [model for model in METHODS if model in set(table["model"])]
    return table.assign(model=pd.Categorical(table["model"], present))


def silhouettes(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw each candidate's silhouette beside that of data without clusters.

    Parameters
    ----------
    table
        `segments.cluster_selection.Selection.table`.
    message
        The title.
    """
    data = _order_methods(table.dropna(subset=["silhouette"]))
    data["null_low"] = data["null_silhouette"] - 2 * data["null_silhouette_sd"].fillna(0)
    data["null_high"] = data["null_silhouette"] + 2 * data["null_silhouette_sd"].fillna(0)
    kinds = ["these customers", "no clusters, same margins (± 2 SD)"]
    points = pd.concat(
        [
            data.assign(value=data["silhouette"], kind=kinds[0]),
            data.assign(value=data["null_silhouette"], kind=kinds[1]),
        ]
    )
    points["kind"] = pd.Categorical(points["kind"], kinds)
    # Side by side, because they often coincide.
    points["x"] = points["k"] + np.where(points["kind"] == kinds[0], -0.14, 0.14)
    return (
        p9.ggplot(points, p9.aes("x", "value", color="kind"))
        + p9.geom_linerange(
            p9.aes(x="k + 0.14", ymin="null_low", ymax="null_high"),
            data=data,
            inherit_aes=False,
            color=MUTED,
        )
        + p9.geom_point(p9.aes(shape="kind"), size=2)
        + p9.facet_wrap("model", nrow=1)
        + p9.scale_color_manual(dict(zip(kinds, [ACCENT, MUTED], strict=True)), name=" ")
        + p9.scale_shape_manual(dict(zip(kinds, ["o", "s"], strict=True)), name=" ")
        + _counts(data, 0.6)
        + p9.expand_limits(y=0)
        + p9.labs(title=title(message), x="Clusters", y="Mean silhouette")
        + report_theme(2.7)
    )


def _counts(table: pd.DataFrame, margin: float) -> p9.scale_x_continuous:
    """Return an axis of cluster counts that holds them all, with at most five to read."""
    low, high = int(table["k"].min()), int(table["k"].max())
    step = max((high - low + 3) // 4, 1)
    return p9.scale_x_continuous(
        breaks=list(range(low, high + 1, step)), limits=(low - margin, high + margin)
    )


def stability(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw how well resamples agree on each candidate, and on its least stable cluster.

    Parameters
    ----------
    table
        `segments.cluster_selection.Selection.table`.
    message
        The title.
    """
    names = {"stability": "whole cut (adjusted Rand)", "jaccard_low": "worst cluster (Jaccard)"}
    data = _order_methods(table[table["k"] >= 2])
    long = data.melt(
        id_vars=["model", "k", "setting"],
        value_vars=list(names),
        var_name="measure",
        value_name="value",
    )
    long["measure"] = pd.Categorical(long["measure"].map(names), list(names.values()))
    bound = pd.DataFrame({"value": [STABLE, FOUND_AGAIN], "measure": list(names.values())})
    return (
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
        + p9.labs(
            title=title(message), x="Clusters (dashed: what the rule asks for)", y="Agreement"
        )
        + report_theme(3.1)
    )


def use(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw what each way to group customers explains of the next quarter, with intervals.

    Parameters
    ----------
    table
        `segments.cluster_selection.Selection.use`.
    message
        The title.
    """
    data = table.iloc[::-1].reset_index(drop=True)
    names = [
        f"{GROUPINGS[str(grouping)]} ({count(groups, 'group')})"
        for grouping, groups in zip(data["grouping"], data["groups"], strict=True)
    ]
    data["label"] = pd.Categorical(names, names)
    data["own"] = np.where(data["grouping"] == CLUSTERS, "own", "other")
    data["text"] = [f"{value:.2f}" for value in data["explained"]]
    return (
        p9.ggplot(data, p9.aes("label", "explained", color="own"))
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), size=1)
        + p9.geom_point(size=3)
        + p9.geom_text(p9.aes(label="text"), nudge_x=0.28, size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_color_manual({"own": ACCENT, "other": PRIMARY}, guide=None)
        + p9.expand_limits(y=0)
        + p9.labs(
            title=title(message),
            x="",
            y="Share of what differs in next quarter's spend (logarithms; line: 95% interval)",
        )
        + report_theme(1.2 + 0.4 * len(data))
        + NO_ROWS
    )


def _cells(
    data: pd.DataFrame, x: str, y: str, fill: str, label: str, message: str, height: float
) -> p9.ggplot:
    """Draw a heatmap whose cells carry their numbers; dark cells have light ink."""
    data = data.join(tile_colours(data[fill], 0, data[fill].max()))
    return (
        p9.ggplot(data, p9.aes(x, y))
        + heat_tiles(label, size=8)
        + p9.labs(title=title(message), x="", y="")
        + report_theme(height)
        + NO_GRID
    )


def _per_cent(share: float) -> str:
    """Write the share in a cell: nothing where there is nobody."""
    if pd.isna(share):
        return "few"
    if not share:
        return ""
    return "<1" if share < 0.005 else f"{100 * share:.0f}"


def agreement(
    table: pd.DataFrame, clusters: list[str], segments: list[str], message: str
) -> p9.ggplot:
    """Draw how the customers of each cluster spread over the named segments.

    Parameters
    ----------
    table
        From `segments.clusters.agreement`; a missing share stands for few customers.
    clusters, segments
        Their names in order, most valuable first.
    message
        The title.
    """
    here = [name for name in segments if name in set(table["segment"])]
    data = table.assign(
        segment=pd.Categorical(
            [_wrap(name, 10) for name in table["segment"]],
            [_wrap(name, 10) for name in here],
        ),
        cluster=pd.Categorical(
            [_wrap(name, 18) for name in table["cluster"]],
            [_wrap(name, 18) for name in clusters[::-1]],
        ),
        label=[_per_cent(share) for share in table["share"]],
        share=table["share"].fillna(0.0),
    )
    plot = _cells(data, "segment", "cluster", "share", "label", message, 1.5 + 0.42 * len(clusters))
    return (
        plot
        + p9.labs(x="Named segment (cells: % of the cluster's customers)", y="")
        + p9.theme(axis_text_x=p9.element_text(size=7))
    )


def centres(table: pd.DataFrame, currency: str, message: str) -> p9.ggplot:
    """Draw what a typical customer of each cluster is like, and what the cluster weighs.

    Parameters
    ----------
    table
        `segments.cluster_selection.Selection.centres`.
    currency
        The sign of the ledger's currency.
    message
        The title.
    """
    columns = {
        "recency_days": "Days since\nthe last order",
        "frequency": "Orders",
        "monetary": f"Spent, {currency}",
        "customers_share": "Customers, %",
        "revenue_share": "Revenue, %",
    }
    long = table.melt(
        id_vars=["name"], value_vars=list(columns), var_name="column", value_name="value"
    )
    # Each column is shaded by its own largest value: the colours compare clusters, not measures.
    most = long.groupby("column")["value"].transform("max")
    long["shade"] = long["value"] / most.where(most > 0, 1.0)
    long["label"] = [
        f"{100 * value:.0f}"
        if "share" in column
        else f"{value:.1f}"
        if column == "frequency"
        else f"{value:,.0f}"
        for column, value in zip(long["column"], long["value"], strict=True)
    ]
    long["column"] = pd.Categorical(long["column"].map(columns), list(columns.values()))
    names = [_wrap(name, 18) for name in table["name"]]
    wrapped = dict(zip(table["name"], names, strict=True))
    long["name"] = pd.Categorical(long["name"].map(wrapped), names[::-1])
    return _cells(long, "column", "name", "shade", "label", message, 1.4 + 0.42 * len(table))

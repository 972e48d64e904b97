"""Draw the lapse models, and the lapse risk of customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import capital, percent
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_COLUMNS,
    NO_ROWS,
    PRIMARY,
    empty_plot,
    percent_labels,
    report_theme,
    title,
)
from analysis.forecast.names import LEFT_OUT, TEST, TRAINING, VALIDATION
from analysis.forecast.text_lapse import name

ROLES = {
    TRAINING: "learnt from",
    VALIDATION: "learnt from, and chosen on",
    TEST: "tested on",
    LEFT_OUT: "left out: too few",
}
_ROLE_COLOURS = dict(zip(ROLES.values(), [MUTED, PRIMARY, ACCENT, INK], strict=True))
_ROLE_SHAPES = dict(zip(ROLES.values(), ["o", "s", "D", "x"], strict=True))


def candidates(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw how well each candidate ranks the customers of the test, with intervals.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.models`.
    message
        The title.
    """
    data = table.iloc[::-1].reset_index(drop=True)
    names = [capital(name(model)) for model in data["model"]]
    data["label"] = pd.Categorical(names, names)
    data["kind"] = np.where(data["chosen"], "chosen", "other")
    data["text"] = [f"{value:.2f}" for value in data["roc_auc"]]
    return (
        p9.ggplot(data, p9.aes("label", "roc_auc", color="kind"))
        + p9.geom_hline(yintercept=0.5, linetype="dashed", color=MUTED)
        + p9.geom_linerange(p9.aes(ymin="roc_auc_low", ymax="roc_auc_high"), size=1)
        + p9.geom_point(size=3)
        + p9.geom_text(
            p9.aes(y="roc_auc_high", label="text"), ha="left", nudge_y=0.01, size=8, color=INK
        )
        + p9.coord_flip()
        + p9.scale_color_manual({"chosen": ACCENT, "other": PRIMARY}, guide=None)
        + p9.scale_y_continuous(limits=(min(0.48, data["roc_auc_low"].min()), 1.0))
        + p9.labs(
            title=title(message),
            x="",
            y="Of pairs of a customer who stayed away and one who came back: share in\n"
            "which the former was given the higher risk (ROC-AUC, 95% interval).\n"
            "Dashed: a coin toss. Red: chosen.",
        )
        + report_theme(1.7 + 0.3 * len(data))
        + NO_ROWS
    )


def rates(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the share of active customers who stayed away, by cut-off.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.rates`.
    message
        The title.
    """
    data = table.dropna(subset=["share"])
    labels = [f"{date.day} {date:%b}\n{date:%Y}" for date in data["date"]]
    data = data.assign(
        label=pd.Categorical(labels, labels),
        role=pd.Categorical(data["role"].map(ROLES), list(ROLES.values())),
        text=[percent(share) for share in data["share"]],
    )
    data["role"] = data["role"].cat.remove_unused_categories()
    return (
        p9.ggplot(data, p9.aes("label", "share", color="role", shape="role"))
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), size=1, show_legend=False)
        + p9.geom_point(size=3)
        + p9.geom_text(
            p9.aes(label="text"),
            ha="left",
            nudge_x=0.03 * len(data),
            size=8,
            color=INK,
            show_legend=False,
        )
        + p9.scale_color_manual(_ROLE_COLOURS, name=" ")
        + p9.scale_shape_manual(_ROLE_SHAPES, name=" ")
        + p9.scale_y_continuous(labels=percent_labels)
        + p9.expand_limits(y=0)
        + p9.labs(
            title=title(message),
            x="Cut-off (who ordered in the days before it, and not in the days after it)",
            y="Stayed away (95% interval)",
        )
        + report_theme(3.0)
        + NO_COLUMNS
    )


def reliability(table: pd.DataFrame, message: str, came: str = "Stayed away") -> p9.ggplot:
    """Draw observed beside predicted shares, in groups of equal size by prediction.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.reliability`, or from `history.backtest.reliability`.
    message
        The title.
    came
        What was predicted, as it came.
    """
    if table.empty:
        return empty_plot(message)
    most = float(max(table["predicted"].max(), table["high"].max()))
    return (
        p9.ggplot(table, p9.aes("predicted", "observed"))
        + p9.annotate("segment", x=0, y=0, xend=most, yend=most, linetype="dashed", color=MUTED)
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=PRIMARY, size=1)
        + p9.geom_point(color=PRIMARY, size=2.5)
        + p9.scale_x_continuous(labels=percent_labels, limits=(0, most))
        + p9.scale_y_continuous(labels=percent_labels, limits=(0, most))
        + p9.labs(
            title=title(message),
            x="Predicted risk (mean of a group of customers; on the dashed line, just what came)",
            y=f"{came} (95% interval)",
        )
        + report_theme(3.8)
    )


def segments(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw the mean risk of each segment's active customers.

    Parameters
    ----------
    table
        `forecast.lapse.Lapse.segments`.
    message
        The title.
    """
    data = table.iloc[::-1].reset_index(drop=True)
    data["label"] = pd.Categorical(data["segment"], list(data["segment"]))
    data["text"] = [
        f"{100 * mean:.0f}%, {expected:,.0f} of {scored:,.0f}"
        for mean, expected, scored in zip(
            data["mean"], data["expected"], data["scored"], strict=True
        )
    ]
    return (
        p9.ggplot(data, p9.aes("label", "mean"))
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=PRIMARY, size=1)
        + p9.geom_point(color=PRIMARY, size=3)
        + p9.geom_text(p9.aes(y="high", label="text"), ha="left", nudge_y=0.015, size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_y_continuous(
            labels=percent_labels, limits=(0, min(1.0, data["high"].max()) + 0.22), breaks=_fifths
        )
        + p9.labs(
            title=title(message),
            x="",
            y="Mean risk of staying away (bar: where the share should fall in 95 of 100 cases;\n"
            "text: expected number, of active customers)",
        )
        + report_theme(1.3 + 0.3 * len(data))
        + NO_ROWS
    )


def _fifths(limits: tuple[float, float]) -> list[float]:
    """Return breaks of a share's axis, none of them above everything."""
    return [share / 5 for share in range(6) if share / 5 <= limits[1]]

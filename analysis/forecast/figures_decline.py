"""Draw the decline models, their important features and the risk groups.

Each function takes a tidy table of `forecast.decline`, `explain`, `contacts` or `risk_groups` and a
message, which becomes the title, and returns a plot. A point stands for several customers, so that
none is shown.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import capital, count, labels, percent, score
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_ROWS,
    PRIMARY,
    SOFT,
    empty_plot,
    few_breaks,
    percent_labels,
    title,
    titled_theme,
    top_first,
)
from analysis.forecast.names import TARGET
from analysis.forecast.text_decline import feature_name, name
from analysis.stats.names import CALIBRATIONS, CONSTANT


def _size_note(customers: pd.Series) -> str:
    """Say how many customers a point stands for."""
    low, high = int(customers.min()), int(customers.max())
    return f"a point stands for {f'{low:,} to ' if low < high else ''}{count(high, 'customer')}"


def candidates(models: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw ROC-AUC and Brier score of every candidate with intervals, the chosen one in red."""
    if models.empty:
        return empty_plot(message)
    constant = models[models["model"] == CONSTANT]
    rows = models if len(constant) == len(models) else models[models["model"] != CONSTANT]
    names = [
        capital(name(model)) + (" (chosen)" if chosen else "")
        for model, chosen in zip(rows["model"], rows["chosen"], strict=True)
    ]
    parts, lines = [], []
    for column, panel in (
        ("roc_auc", "ROC-AUC: more is better"),
        ("brier", "Brier score: less is better"),
    ):
        own = pd.DataFrame(
            {
                "label": top_first(names),
                "chosen": rows["chosen"].to_numpy(bool),
                "value": rows[column].to_numpy(float),
                "low": rows[f"{column}_low"].clip(0, 1).to_numpy(float),
                "high": rows[f"{column}_high"].clip(0, 1).to_numpy(float),
            }
        )
        reach = (own["high"].max() - own["low"].min()) / 3
        for guess in constant[column]:
            panel += f"\n(one guess for all: {score(guess)})"
            # Further off, the line would squeeze all others.
            if own["low"].min() - reach <= guess <= own["high"].max() + reach:
                lines.append(pd.DataFrame({"panel": [panel], "at": [guess]}))
        parts.append(own.assign(panel=panel, text=[score(value) for value in own["value"]]))
    data = pd.concat(parts, ignore_index=True)
    data["panel"] = pd.Categorical(data["panel"], list(dict.fromkeys(data["panel"])))
    plot = p9.ggplot(data, p9.aes("value", "label", color="chosen"))
    if lines:
        line = pd.concat(lines, ignore_index=True)
        line["panel"] = pd.Categorical(line["panel"], data["panel"].cat.categories)
        plot += p9.geom_vline(p9.aes(xintercept="at"), data=line, linetype="dashed", color=MUTED)
    return (
        plot
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), size=0.9)
        + p9.geom_point(size=2.4)
        + p9.geom_text(p9.aes(label="text"), nudge_y=0.34, size=7.5, color=SOFT)
        + p9.facet_wrap("panel", scales="free_x")
        + p9.scale_color_manual({True: ACCENT, False: PRIMARY}, guide=None)
        + p9.scale_x_continuous(expand=(0.09, 0), breaks=few_breaks)
        + p9.labs(title=title(message), x="Mean over all test folds, with 95% interval", y="")
        + titled_theme(1.6 + 0.33 * len(rows), message)
        + NO_ROWS
        + p9.theme(panel_spacing_x=0.04)
    )


def reliability(curves: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw observed beside predicted shares, before calibration and after (`Decline`).

    Where none is in use, those that were tried stand beside the model's own predictions.
    """
    if curves.empty:
        return empty_plot(message)
    used = set(curves.loc[curves["used"].astype(bool), "calibration"])
    tried = [way for way in CALIBRATIONS if way in set(curves["calibration"])]
    shown = [way for way in tried if way == CALIBRATIONS[0] or way in used]
    shown = shown if len(shown) > 1 else tried
    names = {
        way: ("Before: as it is" if way == CALIBRATIONS[0] else f"After: {way}")
        + (" (in use)" if way in used else "")
        for way in shown
    }
    rows = curves[curves["calibration"].isin(shown)]
    rows = rows.assign(panel=pd.Categorical(rows["calibration"].map(names), list(names.values())))
    return (
        p9.ggplot(rows, p9.aes("predicted", "observed"))
        + p9.annotate("segment", x=0, y=0, xend=1, yend=1, linetype="dashed", color=MUTED)
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=PRIMARY, size=0.9)
        + p9.geom_point(color=PRIMARY, size=2.2)
        + p9.facet_wrap("panel", nrow=1)
        + p9.scale_x_continuous(labels=percent_labels, limits=(0, 1))
        + p9.scale_y_continuous(labels=percent_labels, limits=(0, 1))
        + p9.labs(
            title=title(message),
            x=f"Predicted risk (mean; {_size_note(rows['customers'])};\n"
            "on the dashed line, just as many bought less as predicted)",
            y="Bought less (95% interval)",
        )
        + titled_theme(4.1 if len(shown) < 3 else 3.3, message)
        + p9.theme(panel_spacing_x=0.04)
    )


def importance(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw what shuffling each group of features costs, with intervals (`Explanation`)."""
    if table.empty:
        return empty_plot(message)
    kinds = ["more than chance", "within chance"]
    rows = table.assign(
        label=top_first(labels([capital(str(group)) for group in table["group"]], 40)),
        kind=pd.Categorical(np.where(table["low"] > 0, *kinds), kinds),
    )
    rows["kind"] = rows["kind"].cat.remove_unused_categories()
    return (
        p9.ggplot(rows, p9.aes("drop", "label", color="kind"))
        + p9.geom_vline(xintercept=0, color=INK, size=0.5)
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), size=0.9)
        + p9.geom_point(size=2.4)
        + p9.scale_color_manual(dict(zip(kinds, [PRIMARY, MUTED], strict=True)), name=" ")
        + p9.labs(
            title=title(message),
            x="Fall in ROC-AUC when shuffled (95% interval)",
            y="",
        )
        + titled_theme(1.4 + 0.2 * len(rows), message)
        + NO_ROWS
    )


def partial(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw what the model would expect of one value for all; below, where customers are."""
    if table.empty:
        return empty_plot(message)
    features = list(dict.fromkeys(table["feature"]))
    names = dict(zip(features, labels([capital(feature_name(f)) for f in features]), strict=True))
    rows = table.assign(panel=pd.Categorical(table["feature"].map(names), list(names.values())))
    here = rows.groupby("feature", sort=False)["share"].diff().fillna(rows["share"])
    # A strip below the curves, as high as a fifth of their range.
    reach = rows["high"].max() - rows["low"].min()
    floor = rows["low"].min() - 0.3 * reach
    rows = rows.assign(foot=floor, top=floor + 0.2 * reach * here / here.max())
    # A feature that all share has one value, and no line.
    curves = rows[rows.groupby("feature")["value"].transform("size") > 1]
    return (
        p9.ggplot(rows, p9.aes("value", "probability"))
        + p9.geom_ribbon(p9.aes(ymin="low", ymax="high"), data=curves, fill=PRIMARY, alpha=0.2)
        + p9.geom_line(data=curves, color=PRIMARY, size=0.9)
        + p9.geom_point(color=PRIMARY, size=1.2)
        + p9.geom_segment(p9.aes(xend="value", y="foot", yend="top"), color=SOFT, size=1.4)
        + p9.facet_wrap("panel", ncol=2, scales="free_x")
        + p9.scale_y_continuous(labels=percent_labels)
        + p9.labs(
            title=title(message),
            x="Value that everybody is given (grey bars: how many customers have it, or a value\n"
            "between it and the one before)",
            y="Mean predicted risk (band: 95%)",
        )
        + titled_theme(1.3 + 1.7 * -(-rows["panel"].nunique() // 2), message)
        + p9.theme(panel_spacing=0.03)
    )


def risk_groups(groups: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw each group's share of the customers and of the profit, and who declined."""
    if groups.empty:
        return empty_plot(message)
    columns = {
        "share": "Share of customers",
        "profit_share": "Share of the profit",
        "declined": "Bought less",
    }
    names = [
        f"{capital(str(group))} ({count(size)})"
        for group, size in zip(groups["group"], groups["customers"], strict=True)
    ]
    nobody = pd.Series(np.nan, index=groups.index)
    data = pd.concat(
        [
            pd.DataFrame(
                {
                    "label": top_first(names),
                    "value": groups[column].astype(float),
                    "low": groups.get(f"{column}_low", nobody).astype(float),
                    "high": groups.get(f"{column}_high", nobody).astype(float),
                    "kind": np.where(groups["group"] == TARGET, "target", "other"),
                    "panel": pd.Categorical([panel] * len(groups), list(columns.values())),
                }
            )
            for column, panel in columns.items()
        ],
        ignore_index=True,
    ).dropna(subset=["value"])
    data["at"] = data[["value", "high"]].max(axis=1)
    data["text"] = ["  " + percent(value) for value in data["value"]]
    return (
        p9.ggplot(data, p9.aes("value", "label", color="kind"))
        + p9.geom_vline(xintercept=0, color=MUTED, size=0.5)
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), data=data.dropna(), size=0.9)
        + p9.geom_point(size=2.6)
        + p9.geom_text(p9.aes("at", label="text"), ha="left", size=8, color=SOFT)
        + p9.facet_wrap("panel", nrow=1, scales="free_x")
        + p9.scale_color_manual({"target": ACCENT, "other": PRIMARY}, guide=None)
        + p9.scale_x_continuous(labels=percent_labels, expand=(0.03, 0, 0.3, 0), breaks=few_breaks)
        + p9.labs(title=title(message), x="Lines: 95% intervals (customers in brackets)", y="")
        + titled_theme(1.4 + 0.34 * len(groups), message)
        + NO_ROWS
        + p9.theme(panel_spacing_x=0.06)
    )

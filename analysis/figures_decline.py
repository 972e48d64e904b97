"""How do the models of decline, what they lean on and whom to contact look?

Each function takes a tidy table of `analysis.decline`, `explain`, `contacts` or `risk_groups` and a
message, which becomes the title, and returns a plot. A point stands for several customers, so that
none is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotnine as p9
import scipy  # its parts load when they are first used: chapters import this module
from matplotlib.ticker import MaxNLocator

from analysis.figures_profiles import SOFT, nothing
from analysis.figures_sales import title
from analysis.findings_decline import capital, feature_name, name, score, signed, told
from analysis.names import CALIBRATIONS, CONSTANT, TARGET
from analysis.theme import ACCENT, INK, MUTED, PRIMARY, report_theme
from analysis.words import count, labels, percent, shorten

#: From a low to a high value; told apart by people with a colour vision deficiency.
_LOW, _HIGH = "#1f4e79", "#e8862e"
_RISKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.99, 0.999)
_NO_ROWS = p9.theme(panel_grid_major_y=p9.element_blank())
_LINES = ["by what came (band: 95% interval)", "expected, by the predicted risks",
          "by what came, at the lowest and highest share kept"]  # fmt: skip


def _theme(height: float, message: str) -> p9.theme:
    """Return the report's theme, with room for every line of the title."""
    return report_theme(height + 0.17 * title(message).count("\n"))


def _percents(values: Iterable[float]) -> list[str]:
    return [f"{round(100 * value, 1):g}%" for value in values]


def _down(names: Sequence[Any]) -> Any:
    """Return names in an order in which the first stands on top of a vertical axis."""
    return pd.Categorical(names, list(dict.fromkeys(names))[::-1])


def _standing_for(customers: pd.Series, what: str = "a point") -> str:
    """Say how many customers a point stands for."""
    low, high = int(customers.min()), int(customers.max())
    return f"{what} stands for {f'{low:,} to ' if low < high else ''}{count(high, 'customer')}"


def candidates(models: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw ROC-AUC and Brier score of every candidate with intervals, the chosen one in red."""
    if models.empty:
        return nothing(message)
    constant = models[models["model"] == CONSTANT]
    rows = models if len(constant) == len(models) else models[models["model"] != CONSTANT]
    names = [capital(name(model)) + (" (chosen)" if chosen else "")
             for model, chosen in zip(rows["model"], rows["chosen"], strict=True)]  # fmt: skip
    parts, lines = [], []
    for column, panel in (
        ("roc_auc", "ROC-AUC: more is better"),
        ("brier", "Brier score: less is better"),
    ):
        own = pd.DataFrame({"label": _down(names), "chosen": rows["chosen"].to_numpy(bool),
                            "value": rows[column].to_numpy(float),
                            "low": rows[f"{column}_low"].clip(0, 1).to_numpy(float),
                            "high": rows[f"{column}_high"].clip(0, 1).to_numpy(float)})  # fmt: skip
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
        + p9.scale_x_continuous(expand=(0.09, 0), breaks=_few)
        + p9.labs(title=title(message), x="Mean over all test folds, with 95% interval", y="")
        + _theme(1.6 + 0.33 * len(rows), message)
        + p9.theme(panel_grid_major_y=p9.element_blank(), panel_spacing_x=0.04)
    )


def single_splits(
    single: pd.DataFrame, models: pd.DataFrame, message: str, published: pd.DataFrame
) -> p9.ggplot:
    """Draw how far the ROC-AUC of single random splits strays, and what was published.

    Parameters
    ----------
    single, models, message
        From `analysis.decline.Decline`, and the title.
    published
        model, roc_auc: what others have claimed from one split; may be empty.
    """
    if single.empty:
        return nothing(message)
    names = {model: capital(name(model)) for model in single["model"]}
    rows = single.assign(label=_down(list(names.values())))
    kinds = ["cross-validated mean", "published, from one split"]
    marks = [
        part.loc[part["model"].isin(names), ["model", "roc_auc"]].assign(kind=kind)
        for part, kind in zip((models, published), kinds, strict=True)
        if len(part)
    ]
    known = pd.concat(marks) if marks else pd.DataFrame(columns=["model", "roc_auc", "kind"])
    known = known.assign(
        label=pd.Categorical(known["model"].map(names), rows["label"].cat.categories),
        kind=pd.Categorical(known["kind"], kinds),
    )
    known["kind"] = known["kind"].cat.remove_unused_categories()
    return (
        p9.ggplot(rows, p9.aes(y="label"))
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), size=4, color="#b9cddb")
        + p9.geom_segment(p9.aes(x="lowest", xend="highest", yend="label"), size=0.8, color=PRIMARY)
        + p9.geom_point(p9.aes(x="roc_auc", color="kind", shape="kind"), data=known, size=3)
        + p9.scale_color_manual(dict(zip(kinds, [INK, ACCENT], strict=True)), name=" ")
        + p9.scale_shape_manual(dict(zip(kinds, ["D", "o"], strict=True)), name=" ")
        + p9.labs(
            title=title(message),
            x=f"ROC-AUC of {count(rows['splits'].max(), 'single random split')}\n"
            "(thick: the middle 95%; thin: from the lowest to the highest)",
            y="",
        )
        + _theme(1.5 + 0.45 * len(rows), message)
        + _NO_ROWS
    )


def reliability(curves: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw what came beside what was predicted, before calibration and after (`Decline`).

    Where none is in use, those that were tried stand beside the model's own predictions.
    """
    if curves.empty:
        return nothing(message)
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
        + p9.scale_x_continuous(labels=_percents, limits=(0, 1))
        + p9.scale_y_continuous(labels=_percents, limits=(0, 1))
        + p9.labs(
            title=title(message),
            x=f"Predicted risk (mean; {_standing_for(rows['customers'])};\n"
            "on the dashed line, just as many bought less as predicted)",
            y="Bought less (95% interval)",
        )
        + _theme(4.1 if len(shown) < 3 else 3.3, message)
        + p9.theme(panel_spacing_x=0.04)
    )


def importance(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw what shuffling each group of features costs, with intervals (`Explanation`)."""
    if table.empty:
        return nothing(message)
    kinds = ["more than chance", "within chance"]
    rows = table.assign(
        label=_down(labels([capital(str(group)) for group in table["group"]], 40)),
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
        + _theme(1.4 + 0.2 * len(rows), message)
        + _NO_ROWS
    )


def swarm(
    shap: npt.NDArray[np.float64], bins: int = 90, most: float = 0.8
) -> npt.NDArray[np.float64]:
    """Return how far off the middle each point is drawn, so that neighbours do not overlap.

    Points of a bin are stacked to both sides in the order of the table: nothing is drawn by lot.

    Examples
    --------
    >>> swarm(np.array([0.0, 0.0, 1.0])).round(2).tolist()
    [-0.04, 0.04, 0.0]
    """
    width = np.ptp(shap) / bins or 1.0
    bin_ = np.floor((shap - shap.min()) / width).astype(int)
    place = pd.Series(bin_).groupby(bin_).cumcount().to_numpy()
    size = np.bincount(bin_)
    return np.asarray((place - (size[bin_] - 1) / 2) * min(0.08, most / size.max()))


def beeswarm(shap: pd.DataFrame, sizes: pd.DataFrame, message: str, most: int = 10) -> p9.ggplot:
    """Draw how far each feature moves the predictions, coloured by the feature's value.

    Parameters
    ----------
    shap, sizes, message
        ``shap`` and ``shap_size`` of `analysis.explain.Explanation`, and the title.
    most
        So many features are drawn, those that move the predictions most.
    """
    if shap.empty or sizes.empty:
        return nothing(message)
    ordered = sizes.sort_values("size", ascending=False, kind="stable")["feature"].head(most)
    names = dict(zip(ordered, labels([capital(feature_name(f)) for f in ordered]), strict=True))
    parts = []
    for place, feature in enumerate(names):
        rows = shap[shap["feature"] == feature].sort_values("rank", kind="stable")
        if len(rows):
            parts.append(rows.assign(y=swarm(rows["shap"].to_numpy(float)) - place))
    points = pd.concat(parts, ignore_index=True)
    return (
        p9.ggplot(points, p9.aes("shap", "y", color="rank"))
        + p9.geom_vline(xintercept=0, color=INK, size=0.5)
        + p9.geom_point(size=1.1, stroke=0)
        + p9.scale_color_gradient(
            low=_LOW, high=_HIGH, limits=(0, 1), breaks=[0, 0.5, 1], guide="legend",
            labels=["lowest", "middle", "highest"], na_value=MUTED,
            name="Value of the feature (grey: a label)",
        )
        + p9.scale_y_continuous(
            breaks=[-place for place in range(len(names))], labels=list(names.values()),
            limits=(0.55 - len(names), 0.55),
        )
        + p9.labs(
            title=title(message),
            x="←  lower risk      shift in log-odds      higher risk  →\n"
            f"({_standing_for(points['customers'])})",
            y="",
        )
        + _theme(1.7 + 0.29 * len(names), message)
        + p9.guides(color=p9.guide_legend(override_aes={"size": 2.5}))
        + _NO_ROWS
    )  # fmt: skip


def top_numbers(shap: pd.DataFrame, sizes: pd.DataFrame, most: int = 4) -> list[str]:
    """Return the features that are numbers and move the predictions most."""
    if shap.empty or sizes.empty:
        return []
    numbers = set(shap.loc[shap["value"].notna(), "feature"])
    ordered = sizes.sort_values("size", ascending=False, kind="stable")["feature"]
    return [feature for feature in ordered if feature in numbers][:most]


def _panels(features: pd.Series, wanted: Sequence[str]) -> Any:
    names = dict(zip(wanted, labels([capital(feature_name(f)) for f in wanted]), strict=True))
    return pd.Categorical(features.map(names), list(names.values()))


def dependence(shap: pd.DataFrame, features: Sequence[str], message: str) -> p9.ggplot:
    """Draw how a feature's value shifts the predictions, one panel each of `top_numbers`."""
    rows = shap[shap["feature"].isin(features) & shap["value"].notna()] if len(shap) else shap
    if rows.empty:
        return nothing(message)
    rows = rows.assign(panel=_panels(rows["feature"], features))
    return (
        p9.ggplot(rows, p9.aes("value", "shap"))
        + p9.geom_hline(yintercept=0, color=INK, size=0.5)
        + p9.geom_point(color=PRIMARY, size=1.1, alpha=0.45, stroke=0)
        + p9.facet_wrap("panel", ncol=2, scales="free_x")
        + p9.labs(
            title=title(message),
            x=f"Value of the feature ({_standing_for(rows['customers'])})",
            y="Shift in log-odds (above 0: higher risk)",
        )
        + _theme(1.2 + 1.7 * -(-rows["panel"].nunique() // 2), message)
        + p9.theme(panel_spacing=0.03)
    )


def partial(table: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw what the model would expect of one value for all; below, where customers are."""
    if table.empty:
        return nothing(message)
    rows = table.assign(panel=_panels(table["feature"], list(dict.fromkeys(table["feature"]))))
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
        + p9.scale_y_continuous(labels=_percents)
        + p9.labs(
            title=title(message),
            x="Value that everybody is given (grey bars: how many customers have it, or a value\n"
            "between it and the one before)",
            y="Mean predicted risk (band: 95%)",
        )
        + _theme(1.3 + 1.7 * -(-rows["panel"].nunique() // 2), message)
        + p9.theme(panel_spacing=0.03)
    )


def waterfalls(examples: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw step by step how the model comes to its risk, one panel an example."""
    if examples.empty:
        return nothing(message)
    texts: dict[str, str] = {}
    parts, panels = [], []
    for number, (example, steps) in enumerate(examples.groupby("example", sort=False)):
        first = steps.iloc[0]
        risk = percent(first["probability"])
        panels.append(f"{capital(shorten(example, 30))}; reported risk {risk}")
        ends = [percent(scipy.special.expit(x)) for x in (first["base"], steps["end"].iloc[-1])]
        words = [
            "all other features" if not f else shorten(f"{feature_name(f)} = {told(f, v)}", 46)
            for f, v in zip(steps["feature"], steps["value"], strict=True)
        ]
        rows = pd.DataFrame({
            "start": [first["base"], *steps["start"], steps["end"].iloc[-1]],
            "end": [first["base"], *steps["end"], steps["end"].iloc[-1]],
            "text": [ends[0], *(signed(x, 2) for x in steps["shap"]), ends[1]],
            "panel": panels[-1],
        })  # fmt: skip
        # Keys keep the rows of the panels apart, where the same words stand in several.
        rows["key"] = [f"{number}|{place:02}" for place in range(len(rows))]
        texts |= dict(zip(rows["key"], ["start: on average", *words, "end: this example"],
                          strict=True))  # fmt: skip
        parts.append(rows)
    data = pd.concat(parts, ignore_index=True)
    data["key"] = pd.Categorical(data["key"], list(texts)[::-1])
    data["panel"] = pd.Categorical(data["panel"], panels)
    moved = data["end"] - data["start"]
    data["way"] = np.where(moved > 0, "up", np.where(moved < 0, "down", "none"))
    low, high = data[["start", "end"]].min().min(), data[["start", "end"]].max().max()
    data["at"] = data[["start", "end"]].max(axis=1) + 0.015 * (high - low)
    return (
        p9.ggplot(data, p9.aes("start", "key", color="way"))
        + p9.geom_segment(p9.aes(xend="end", yend="key"), size=3.6)
        + p9.geom_point(data=data[data["way"] == "none"], shape="D", size=2)
        + p9.geom_text(p9.aes("at", label="text"), ha="left", size=7, color=SOFT)
        + p9.facet_wrap("panel", ncol=1, scales="free_y")
        + p9.scale_color_manual({"up": ACCENT, "down": PRIMARY, "none": INK}, guide=None)
        + p9.scale_y_discrete(labels=lambda keys: [texts[key] for key in keys])
        + p9.scale_x_continuous(
            breaks=_risk_breaks(low, high),
            labels=lambda places: [f"{100 * scipy.special.expit(x):.3g}%\n({signed(x, 1)})"
                                   for x in places],
            expand=(0.03, 0, 0.14, 0),
        )
        + p9.labs(
            title=title(message),
            x="Risk by the model before calibration (log-odds in brackets)\nRed lifts it, blue "
            f"lowers it; {_standing_for(examples['customers'], 'an example')}",
            y="",
        )
        + _theme(1.3 + 0.3 * len(panels) + 0.17 * len(data), message)
        + p9.theme(panel_grid_major_y=p9.element_blank(), axis_text_y=p9.element_text(size=7.5))
    )  # fmt: skip


def _risk_breaks(low: float, high: float) -> list[float]:
    """Return the log-odds of round risks, not too close to each other."""
    places: list[float] = []
    for place in scipy.special.logit(np.array(_RISKS)):
        far = not places or place - places[-1] > (high - low) / 10
        if low - 0.2 <= place <= high + 0.2 and far:
            places.append(float(place))
    return places


def contact_curve(curve: pd.DataFrame, message: str, unit: str) -> p9.ggplot:
    """Draw the profit, in a unit, of contacting everybody from each risk on."""
    if curve.empty:
        return nothing(message)
    lines = pd.concat(
        [
            curve[["threshold"]].assign(value=curve[column], column=column, kind=kind)
            for column, kind in zip(
                ("profit", "expected", "least", "most"), [*_LINES, _LINES[2]], strict=True
            )
        ]
    )
    lines["kind"] = pd.Categorical(lines["kind"], _LINES)
    top, bottom = lines["value"].max(), min(0.0, lines["value"].min())
    chosen = float(curve.loc[curve["chosen"].astype(bool), "threshold"].iloc[0])
    places = [(chosen, f"chosen: {percent(chosen)}", ACCENT)]
    if abs(chosen - 0.5) > 0.005:
        places.append((0.5, "one half", SOFT))
    marks = pd.DataFrame(places, columns=["x", "text", "color"])
    # On other sides and heights, so that they do not meet where the lines are close.
    marks["y"] = [top * 1.16 - bottom * 0.16, top * 1.07 - bottom * 0.07][: len(marks)]
    sides = [0.2 <= chosen < 0.5 or chosen > 0.8, chosen > 0.5][: len(marks)]
    marks["ha"] = np.where(sides, "right", "left")
    marks["at"] = marks["x"] + np.where(sides, -0.01, 0.01)
    look = {"color": [PRIMARY, INK, MUTED], "linetype": ["solid", "dashed", "dotted"]}
    return (
        p9.ggplot(lines, p9.aes("threshold", "value"))
        + p9.geom_hline(yintercept=0, color=INK, size=0.5)
        + p9.geom_ribbon(
            p9.aes("threshold", ymin="low", ymax="high"), data=curve, inherit_aes=False,
            fill=PRIMARY, alpha=0.18,
        )
        + p9.geom_vline(p9.aes(xintercept="x"), data=marks, color=list(marks["color"]), size=0.6)
        + p9.geom_line(p9.aes(group="column", color="kind", linetype="kind"), size=0.8)
        + p9.geom_text(
            p9.aes("at", "y", label="text", ha="ha"), data=marks, inherit_aes=False, size=8,
            color=list(marks["color"]),
        )
        + p9.scale_color_manual(dict(zip(_LINES, look["color"], strict=True)), name=" ")
        + p9.scale_linetype_manual(dict(zip(_LINES, look["linetype"], strict=True)), name=" ")
        + p9.scale_x_continuous(labels=_percents, breaks=[0, 0.2, 0.4, 0.6, 0.8, 1])
        + p9.labs(
            title=title(message),
            x="Everybody with consent is contacted from this risk on",
            y=f"Brought, less the cost ({unit})" if unit else "Brought, less the cost",
        )
        + _theme(4.3, message)
        + p9.theme(legend_direction="vertical", legend_key_width=26, legend_key_height=11)
    )  # fmt: skip


def risk_groups(groups: pd.DataFrame, message: str) -> p9.ggplot:
    """Draw each group's share of the customers and of the profit, and who declined."""
    if groups.empty:
        return nothing(message)
    columns = {"share": "Share of customers", "profit_share": "Share of the profit",
               "declined": "Bought less"}  # fmt: skip
    names = [f"{capital(str(group))} ({count(size)})"
             for group, size in zip(groups["group"], groups["customers"], strict=True)]  # fmt: skip
    nobody = pd.Series(np.nan, index=groups.index)
    data = pd.concat(
        [
            pd.DataFrame({"label": _down(names), "value": groups[column].astype(float),
                          "low": groups.get(f"{column}_low", nobody).astype(float),
                          "high": groups.get(f"{column}_high", nobody).astype(float),
                          "kind": np.where(groups["group"] == TARGET, "target", "other"),
                          "panel": pd.Categorical([panel] * len(groups), list(columns.values()))})
            for column, panel in columns.items()
        ],
        ignore_index=True,
    ).dropna(subset=["value"])  # fmt: skip
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
        + p9.scale_x_continuous(labels=_percents, expand=(0.03, 0, 0.3, 0), breaks=_few)
        + p9.labs(title=title(message), x="Lines: 95% intervals (customers in brackets)", y="")
        + _theme(1.4 + 0.34 * len(groups), message)
        + p9.theme(panel_grid_major_y=p9.element_blank(), panel_spacing_x=0.06)
    )


def _few(limits: tuple[float, float]) -> list[float]:
    """Return a few round places on a narrow axis."""
    places = MaxNLocator(nbins=3, steps=[1, 2, 5, 10]).tick_values(*limits)
    return [float(place) for place in places if limits[0] <= place <= limits[1]]

"""Draw the decline model: reliability, important measures, partial effects and risk groups.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none. A point stands for several
customers, so that none is shown.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import (
    amount,
    capital,
    count,
    labels,
    number_text,
    percent,
    shorten,
)
from analysis.core.plotting import (
    ACCENT_PALE,
    INK,
    MUTED,
    NO_GRID,
    NO_ROWS,
    PALE,
    PAPER,
    PRIMARY,
    SOFT,
    percent_labels,
    report_theme,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.forecast.names import HIGH_RISK, TARGET
from analysis.forecast.text_decline import feature_name, feature_value
from analysis.stats.names import CALIBRATIONS

say = partial(fill, "forecast")
#: So many groups of measures are shown: the most important.
_GROUPS = 6


def decline_reliability(activity_reliability: pd.DataFrame) -> Figure | None:
    """Draw observed beside predicted shares, before calibration and after.

    Where none is in use, those that were tried stand beside the model's own predictions.
    """
    curves = activity_reliability
    if curves.empty:
        return None
    used = curves[curves["used"].astype(bool)]
    in_use = set(used["calibration"])
    tried = [way for way in CALIBRATIONS if way in set(curves["calibration"])]
    shown = [way for way in tried if way == CALIBRATIONS[0] or way in in_use]
    shown = shown if len(shown) > 1 else tried
    names = {way: _calibration_name(way, way in in_use) for way in shown}
    rows = curves[curves["calibration"].isin(shown)]
    rows = rows.assign(panel=pd.Categorical(rows["calibration"].map(names), [*names.values()]))
    plot = (
        p9.ggplot(rows, p9.aes("predicted", "observed"))
        + p9.annotate("segment", x=0, y=0, xend=1, yend=1, linetype="dashed", color=MUTED)
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=PRIMARY, size=0.9)
        + p9.geom_point(color=PRIMARY, size=2.2)
        + p9.facet_wrap("panel", nrow=1)
        + p9.scale_x_continuous(labels=percent_labels, limits=(0, 1))
        + p9.scale_y_continuous(labels=percent_labels, limits=(0, 1))
        + p9.labs(
            subtitle=say("decline-reliability.subtitle"),
            x=say("decline-reliability.x"),
            y=say("decline-reliability.y"),
        )
        + report_theme(3.7 if len(shown) < 3 else 3.0)
        + p9.theme(panel_spacing_x=0.04)
    )
    inside = count(used["predicted"].between(used["low"], used["high"]).sum())
    return Figure(
        plot,
        headline=say("decline-reliability.headline", inside=inside, count=len(used)),
        alt=say("decline-reliability.alt", inside=inside, groups=count(len(used))),
        data=curves,
    )


def _calibration_name(way: str, used: bool) -> str:
    if way == CALIBRATIONS[0]:
        return say("decline-reliability.before")
    if used:
        return say("decline-reliability.after", calibration=way)
    return say("decline-reliability.tried", calibration=capital(way))


def decline_importance(activity_importance: pd.DataFrame) -> Figure | None:
    """Draw what shuffling each of the most important groups of measures costs."""
    if activity_importance.empty:
        return None
    table = activity_importance.sort_values("drop", ascending=False, kind="stable").head(_GROUPS)
    kinds = [say("decline-importance.legend-clear"), say("decline-importance.legend-chance")]
    rows = table.assign(
        label=top_first(labels([capital(str(group)) for group in table["group"]], 44)),
        kind=pd.Categorical(np.where(table["low"] > 0, *kinds), kinds),
    )
    rows["kind"] = rows["kind"].cat.remove_unused_categories()
    plot = (
        p9.ggplot(rows, p9.aes("drop", "label", color="kind"))
        + p9.geom_vline(xintercept=0, color=INK, size=0.5)
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), size=0.9)
        + p9.geom_point(size=2.4)
        + p9.scale_color_manual(dict(zip(kinds, [PRIMARY, MUTED], strict=True)), name=" ")
        + p9.labs(subtitle=say("decline-importance.subtitle"), x="", y="")
        + report_theme(0.9 + 0.23 * len(rows))
        + NO_ROWS
    )
    top = table.iloc[0]
    group = shorten(top["group"], 60)
    headline = (
        say(
            "decline-importance.headline",
            group=group,
            fewer=f"{100 * top['drop']:.1f}",
        )
        if top["low"] > 0
        else say("decline-importance.headline-chance")
    )
    return Figure(
        plot,
        headline,
        alt=say("decline-importance.alt", group=group),
        caption=say("decline-importance.caption", count=len(table)),
        data=activity_importance,
    )


def decline_partial(activity_partial: pd.DataFrame) -> Figure | None:
    """Draw what the model would expect of one value for all; below, where customers are."""
    table = activity_partial
    if table.empty:
        return None
    features = list(dict.fromkeys(table["feature"]))
    names = dict(zip(features, labels([capital(feature_name(f)) for f in features]), strict=True))
    rows = table.assign(panel=pd.Categorical(table["feature"].map(names), [*names.values()]))
    here = rows.groupby("feature", sort=False)["share"].diff().fillna(rows["share"])
    # A strip below the curves, as high as a fifth of their range.
    reach = rows["high"].max() - rows["low"].min()
    floor = rows["low"].min() - 0.3 * reach
    rows = rows.assign(foot=floor, top=floor + 0.2 * reach * here / here.max())
    # A feature that all share has one value, and no line.
    curves = rows[rows.groupby("feature")["value"].transform("size") > 1]
    plot = (
        p9.ggplot(rows, p9.aes("value", "probability"))
        + p9.geom_ribbon(p9.aes(ymin="low", ymax="high"), data=curves, fill=PRIMARY, alpha=0.2)
        + p9.geom_line(data=curves, color=PRIMARY, size=0.9)
        + p9.geom_point(color=PRIMARY, size=1.2)
        + p9.geom_segment(p9.aes(xend="value", y="foot", yend="top"), color=SOFT, size=1.4)
        + p9.facet_wrap("panel", ncol=2, scales="free_x")
        + p9.scale_x_continuous(labels=lambda places: [number_text(place) for place in places])
        + p9.scale_y_continuous(labels=percent_labels)
        + p9.labs(subtitle=say("decline-partial.subtitle"), x=say("decline-partial.x"), y="")
        + report_theme(0.9 + 1.3 * -(-len(features) // 2))
        + p9.theme(panel_spacing=0.03)
    )
    spans = table.groupby("feature", sort=False)["probability"].agg(np.ptp)
    steepest = str(spans.idxmax())
    return Figure(
        plot,
        _partial_headline(table[table["feature"] == steepest], steepest),
        alt=say("decline-partial.alt", count=len(features), feature=feature_name(steepest)),
        data=table,
    )


def _partial_headline(rows: pd.DataFrame, feature: str) -> str:
    """Say what the model would expect at both ends of the steepest curve."""
    ordered = rows.sort_values("probability", kind="stable")
    low, high = ordered.iloc[0], ordered.iloc[-1]
    if percent(low["probability"]) == percent(high["probability"]):
        return say("decline-partial.headline-flat", risk=percent(high["probability"]))
    return say(
        "decline-partial.headline",
        feature=feature_name(feature),
        at_high=feature_value(feature, high["value"]),
        high=percent(high["probability"]),
        at_low=feature_value(feature, low["value"]),
        low=percent(low["probability"]),
    )


def risk_groups(risk_groups: pd.DataFrame, settings: Any) -> Figure | None:
    """Draw four tiles, by risk and by profit: customers, profit, and how many bought less."""
    groups = risk_groups
    if groups.empty:
        return None
    risks = [say("risk-groups.y-low"), say("risk-groups.y-high")]
    profits = [say("risk-groups.x-low"), say("risk-groups.x-high")]
    gained = _is_profit(groups)
    rows = pd.DataFrame(
        {
            "x": pd.Categorical(
                [profits["high profit" in group] for group in groups["group"]], profits
            ),
            "y": pd.Categorical([risks[group in HIGH_RISK] for group in groups["group"]], risks),
            "fill": [ACCENT_PALE if group == TARGET else PALE for group in groups["group"]],
            "size": [
                say("risk-groups.size", count=row["customers"], share=percent(row["share"]))
                for row in groups.to_dict("records")
            ],
            "rest": [_tile(row, gained) for row in groups.to_dict("records")],
        }
    )
    plot = (
        p9.ggplot(rows, p9.aes("x", "y"))
        + p9.geom_tile(p9.aes(fill="fill"), color=PAPER, size=3)
        + p9.geom_text(p9.aes(label="size"), size=10, fontweight="bold", color=INK, nudge_y=0.27)
        + p9.geom_text(p9.aes(label="rest"), size=8.5, color=INK, lineheight=1.4, nudge_y=-0.16)
        + p9.scale_fill_identity()
        + p9.labs(
            subtitle=say("risk-groups.subtitle", line=percent(settings.models.high_risk)),
            x="",
            y="",
        )
        + report_theme(2.3)
        + NO_GRID
        + p9.theme(axis_text=p9.element_text(size=9, weight="bold"))
    )
    target = groups[groups["group"] == TARGET].iloc[0].to_dict()
    return Figure(
        plot,
        _groups_headline(groups, target, gained),
        alt=say("risk-groups.alt", customers=count(target["customers"])),
        more=_target_sentences(target),
        data=groups,
    )


def _is_profit(groups: pd.DataFrame) -> bool:
    """Tell whether all regular customers bring a profit: of a loss, shares have the wrong sign."""
    known = groups[groups["profit_share"].abs() > 0]
    return bool(len(known) and (known["profit"] / known["profit_share"]).iloc[0] > 0)


def _tile(row: dict[Any, Any], gained: bool) -> str:
    """Return what a tile says below its size."""
    if not row["shown"]:
        return say("risk-groups.few") if row["customers"] else ""
    profit = amount(row["profit"])
    lines = [
        say("risk-groups.profit", profit=profit, share=percent(row["profit_share"]))
        if gained
        else say("risk-groups.profit-alone", profit=profit),
        say("risk-groups.outcome", declined=percent(row["declined"])),
    ]
    return "\n".join(lines)


def _groups_headline(groups: pd.DataFrame, target: dict[Any, Any], gained: bool) -> str:
    """Say how many are at high risk, and how much of the profit high-profit ones bring."""
    high = int(groups.loc[groups["group"].isin(HIGH_RISK), "customers"].sum())
    if not high:
        return say("risk-groups.headline-none")
    if target["shown"] and gained:
        profit = percent(target["profit_share"])
        return say("risk-groups.headline-profit", count=high, profit=profit)
    return say("risk-groups.headline", count=high, share=percent(high / groups["customers"].sum()))


def _target_sentences(target: dict[Any, Any]) -> dict[str, str]:
    """Say how many of the group bought less, and how many of them may be contacted."""
    if not target["shown"]:
        return {}
    told = {
        "said": say(
            "risk-groups.said",
            declined=percent(target["declined"]),
            low=percent(target["declined_low"]),
            high=percent(target["declined_high"]),
        )
    }
    # Where one number is withheld, the other would give it away.
    if pd.notna(target["consenting"]) and pd.notna(target["refusing"]):
        told["consent"] = say(
            "risk-groups.consent", count=target["consenting"], refusing=count(target["refusing"])
        )
    return told

"""Draw above which risk contacting a regular customer pays, and say how sure that is.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import amount, count, difference, number_text, percent
from analysis.core.plotting import (
    ACCENT,
    INK,
    PALE,
    PRIMARY,
    count_labels,
    percent_labels,
    report_theme,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.strategy.names import AS_ASSUMED

say = partial(fill, "strategy")
#: Cut-offs that earn so much less than the best, at most, are as good as the best.
NEARLY = 0.05


def contact_assumptions(activity: pd.DataFrame, settings: Any) -> dict[str, str] | None:
    """Say what a contact is assumed to cost and to bring."""
    if activity.empty:
        return None
    given = settings.contact
    return {
        "said": say(
            "contact-assumptions.said",
            cost=number_text(given.cost),
            total=amount(float(activity["profit"].sum())),
        ),
        "effect": say(
            "contact-assumptions.effect",
            kept=percent(given.save_rate),
            low=percent(given.save_rate_low),
            high=percent(given.save_rate_high),
        ),
        "profit": say(
            "contact-assumptions.profit",
            lost=percent(given.profit_lost),
            count=given.months,
        ),
    }


def contact_cut_off(
    contact_curve: pd.DataFrame, contact_scenarios: pd.DataFrame, consent_known: bool | None
) -> Figure | str:
    """Draw the profit of contacting everybody from each risk on, with the band of good cut-offs."""
    curve = contact_curve
    if curve.empty:
        unknown = consent_known is False
        return say("contact-cut-off.none-unknown") if unknown else say("contact-cut-off.none")
    row = curve[curve["chosen"].astype(bool)].iloc[0].to_dict()
    band = flat_band(curve)
    return Figure(
        _draw_curve(curve, float(row["threshold"]), band),
        _headline(curve, row),
        alt=(
            say("contact-cut-off.alt", line=percent(row["threshold"]))
            if row["expected"] > 0
            else say("contact-cut-off.alt-loss")
        ),
        more=_details(row, band, contact_scenarios),
        data=curve,
    )


def flat_band(curve: pd.DataFrame) -> tuple[float, float] | None:
    """Return the run of cut-offs around the best that earn nearly as much; None if none pays.

    Good cut-offs apart from that run are not in it.
    """
    row = curve[curve["chosen"].astype(bool)].iloc[0]
    if not row["expected"] > 0:
        return None
    at, enough = row["threshold"], curve["expected"] >= (1 - NEARLY) * row["expected"]
    bad = [-1.0, *curve.loc[~enough, "threshold"], 2.0]
    first, last = max(t for t in bad if t < at), min(t for t in bad if t > at)
    run = curve.loc[curve["threshold"].gt(first) & curve["threshold"].lt(last), "threshold"]
    return float(run.min()), float(run.max())


def _draw_curve(curve: pd.DataFrame, chosen: float, band: tuple[float, float] | None) -> p9.ggplot:
    kinds = {
        say("contact-cut-off.legend-outcome"): ("profit", PRIMARY, "solid"),
        say("contact-cut-off.legend-expected"): ("expected", INK, "dashed"),
    }
    lines = pd.concat(
        [
            curve[["threshold"]].assign(value=curve[column], kind=kind)
            for kind, (column, _, _) in kinds.items()
        ]
    )
    lines["kind"] = pd.Categorical(lines["kind"], [*kinds])
    top = max(lines["value"].max(), curve["high"].max())
    plot = p9.ggplot(lines, p9.aes("threshold", "value"))
    if band and band[1] > band[0]:
        plot += p9.annotate(
            "rect", xmin=band[0], xmax=band[1], ymin=-np.inf, ymax=np.inf, fill=PALE, alpha=0.45
        )
        # Inside the band where it has room beside the line of the best, else beside the band.
        inside = chosen + 0.25 < band[1]
        name = "contact-cut-off.label-band" if inside else "contact-cut-off.label-band-beside"
        before = not inside and band[1] > 0.7
        plot += p9.annotate(
            "text",
            x=band[0] - 0.01 if before else (chosen if inside else band[1]) + 0.01,
            y=min(0.0, curve["low"].min()),
            label=say(name, share=percent(NEARLY)),
            ha="right" if before else "left",
            va="bottom",
            size=8,
            color=INK,
        )
    right = chosen > 0.7
    return (
        plot
        + p9.geom_hline(yintercept=0, color=INK, size=0.5)
        + p9.geom_ribbon(
            p9.aes("threshold", ymin="low", ymax="high"),
            data=curve,
            inherit_aes=False,
            fill=PRIMARY,
            alpha=0.18,
        )
        + p9.geom_vline(xintercept=chosen, color=ACCENT, size=0.7)
        + p9.geom_line(p9.aes(color="kind", linetype="kind"), size=0.8)
        + p9.annotate(
            "text",
            x=chosen + (-0.01 if right else 0.01),
            y=top * 1.08,
            label=say("contact-cut-off.label-chosen", line=percent(chosen)),
            ha="right" if right else "left",
            size=8,
            color=ACCENT,
        )
        + p9.scale_color_manual({kind: colour for kind, (_, colour, _) in kinds.items()}, name=" ")
        + p9.scale_linetype_manual({kind: line for kind, (_, _, line) in kinds.items()}, name=" ")
        + p9.scale_x_continuous(labels=percent_labels, breaks=[0, 0.2, 0.4, 0.6, 0.8, 1])
        + p9.scale_y_continuous(labels=count_labels)
        + p9.labs(subtitle=say("contact-cut-off.subtitle"), x=say("contact-cut-off.x"), y="")
        + report_theme(2.8)
        + p9.theme(legend_key_width=26)
    )


def _headline(curve: pd.DataFrame, row: dict[Any, Any]) -> str:
    """Say from which risk on a contact pays, and what that earns."""
    if not row["expected"] > 0:
        return say("contact-cut-off.headline-nobody")
    known = {"customers": count(row["contacted"]), "profit": amount(row["expected"])}
    if row["contacted"] == curve["contacted"].max():
        return say("contact-cut-off.headline-all", **known)
    return say("contact-cut-off.headline", line=percent(row["threshold"]), **known)


def _details(
    row: dict[Any, Any], band: tuple[float, float] | None, scenarios: pd.DataFrame
) -> dict[str, str]:
    """Say how much the place of the cut-off matters, and what the outcome would have been."""
    told = {}
    if band:
        told["band"] = (
            say(
                "contact-cut-off.band",
                first=percent(band[0]),
                last=percent(band[1]),
                share=percent(NEARLY),
            )
            if band[1] > band[0]
            else say("contact-cut-off.band-narrow", share=percent(NEARLY))
        )
        told["outcome"] = say(
            "contact-cut-off.outcome",
            **{name: amount(row[name]) for name in ("profit", "low", "high", "least", "most")},
        )
    if row["contacted"] and pd.notna(row["recall"]):
        told["reach"] = say(
            "contact-cut-off.reach",
            count=row["contacted"],
            precision=percent(row["precision"]),
            recall=percent(row["recall"]),
        )
    others = scenarios[scenarios["scenario"] != AS_ASSUMED] if len(scenarios) else scenarios
    if len(others):
        told["scenarios"] = _scenarios(others)
    return told


def _scenarios(others: pd.DataFrame) -> str:
    """Say what keeping the cut-off costs when an assumption is wrong by a factor of two."""
    worst = others.iloc[int(others["lost"].to_numpy().argmax())]
    ends = {
        "first": percent(others["threshold"].min()),
        "last": percent(others["threshold"].max()),
    }
    if not worst["lost"] > 0:
        return say("contact-cut-off.scenarios-free")
    return say(
        "contact-cut-off.scenarios",
        **ends,
        lost=amount(difference(worst["expected"], worst["kept_threshold"])),
        best=amount(worst["expected"]),
        scenario=worst["scenario"],
    )

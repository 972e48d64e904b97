"""Draw what past campaigns changed: a step of the build, declared in ``sentences.toml``."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import bare_points, capital, count, estimate, labels, shorten, top_row
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_ROWS,
    PAPER,
    PRIMARY,
    count_labels,
    report_theme,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.strategy.names import ALL_CAMPAIGNS, BROKEN, CAMPAIGN_DAYS
from analysis.strategy.text import list_names, points

say = partial(fill, "strategy")
#: An effect is clear when chance would make one like it less often, with all campaigns in view.
ALPHA = 0.05


def campaign_effects(campaigns: pd.DataFrame, currency: str) -> Figure:
    """Draw the effect of each campaign on the share of customers who order."""
    ordered = campaigns[campaigns["outcome"] == "ordered"]
    single = ordered[ordered["campaign"] != ALL_CAMPAIGNS]
    rows = single.sort_values("uplift", ascending=False, kind="stable")
    together = ordered[ordered["campaign"] == ALL_CAMPAIGNS]
    best = top_row(rows, "uplift")
    return Figure(
        _draw(pd.concat([together, rows])),
        _headline(single, together),
        alt=say(
            "campaign-effects.alt", best=shorten(best["campaign"]), uplift=points(best["uplift"])
        ),
        caption=say("campaign-effects.caption"),
        more=_sentences(single, campaigns, currency),
        data=campaigns,
    )


def _clear(single: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return which campaigns clearly helped, and which harmed, the largest effect first."""
    sound = single[(single["srm_p"] >= BROKEN) & (single["p_holm"] < ALPHA)]
    best = sound[sound["uplift"] > 0].sort_values("uplift", ascending=False, kind="stable")
    return best, sound[sound["uplift"] < 0].sort_values("uplift", kind="stable")


def _headline(single: pd.DataFrame, together: pd.DataFrame) -> str:
    """Return the headline: the clearest effects, else that of all campaigns together."""
    helped, harmed = _clear(single)
    best, worst = helped.head(1).to_dict("records"), harmed.head(1).to_dict("records")
    if best and worst:
        return say(
            "campaign-effects.headline-both",
            best=capital(shorten(best[0]["campaign"])),
            uplift=points(best[0]["uplift"]),
            worst=shorten(worst[0]["campaign"]),
            loss=points(-worst[0]["uplift"]),
        )
    sound = single[single["srm_p"] >= BROKEN]
    if sound.empty:
        return say("campaign-effects.headline-broken")
    if best:
        name = capital(shorten(best[0]["campaign"]))
        uplift = points(best[0]["uplift"])
        return say("campaign-effects.headline-works", best=name, uplift=uplift)
    if worst:
        name = capital(shorten(worst[0]["campaign"]))
        uplift = points(-worst[0]["uplift"])
        return say("campaign-effects.headline-harms", worst=name, uplift=uplift)
    row = (together if len(together) else sound).iloc[0]
    if row["low"] <= 0 <= row["high"]:
        return say("campaign-effects.headline-open", count=len(sound))
    uplift = points(abs(row["uplift"]))
    if row["uplift"] > 0:
        return say("campaign-effects.headline-up", count=len(sound), uplift=uplift)
    return say("campaign-effects.headline-down", count=len(sound), uplift=uplift)


def _sentences(single: pd.DataFrame, campaigns: pd.DataFrame, currency: str) -> dict[str, str]:
    """Say which campaigns helped and which harmed, what they brought, and what to mistrust."""
    sound = single[single["srm_p"] >= BROKEN]
    helped, harmed = _clear(single)
    groups = {
        "campaign-effects.said-works": helped,
        "campaign-effects.said-harm": harmed,
        "campaign-effects.said-short": single[single["days"] < CAMPAIGN_DAYS],
        "campaign-effects.said-broken": single[single["srm_p"] < BROKEN],
        "campaign-effects.said-free": sound[~sound["cost_known"]],
    }
    said = {}
    for name, rows in groups.items():
        if len(rows):
            days = {"days": str(CAMPAIGN_DAYS)} if name.endswith("said-short") else {}
            names = list_names(rows["campaign"])
            key = name.partition(".")[2]
            said[key] = say(name, count=len(rows), names=names, **days)
    margin = campaigns[campaigns["outcome"] == "margin"]
    margin = margin[margin["campaign"].isin(sound["campaign"])]
    if len(margin):
        treated, control = margin["treated"], margin["control"]
        error = (margin["high"] - margin["low"]) / 2
        gain, spread = (treated * margin["uplift"]).sum(), np.sqrt(((treated * error) ** 2).sum())
        low, high = gain - spread, gain + spread
        all_treated = count(treated.sum())
        most, least, middle = (estimate(abs(value), currency) for value in (high, low, gain))
        if low > 0:
            found = say(
                "campaign-effects.said-money",
                treated=all_treated,
                gain=middle,
                low=least,
                high=most,
            )
        elif high < 0:
            found = say(
                "campaign-effects.said-money-lost",
                treated=all_treated,
                gain=middle,
                low=most,
                high=least,
            )
        else:
            found = say(
                "campaign-effects.said-money-open", treated=all_treated, low=least, high=most
            )
        said["said-money"] = found
        if low > 0:
            said["said-forgone"] = say(
                "campaign-effects.said-forgone",
                control=count(control.sum()),
                forgone=estimate((control * margin["uplift"]).sum(), currency),
            )
    return said


def _draw(rows: pd.DataFrame) -> p9.ggplot:
    together = rows["campaign"] == ALL_CAMPAIGNS
    names = rows["campaign"].where(~together, say("campaigns.all"))
    data = pd.DataFrame(
        {
            "label": top_first(labels([*names], 30)),
            "uplift": 100 * rows["uplift"].to_numpy(),
            "low": 100 * rows["low"].to_numpy(),
            "high": 100 * rows["high"].to_numpy(),
            "kind": np.select(
                [rows["srm_p"] < BROKEN, rows["low"] > 0, rows["high"] < 0],
                ["broken", "up", "down"],
                "open",
            ),
            "text": [f"  {bare_points(value)}" for value in rows["uplift"]],
        }
    )
    colours = {"up": PRIMARY, "down": ACCENT, "open": MUTED, "broken": MUTED}
    fills = colours | {"broken": PAPER}
    return (
        p9.ggplot(data, p9.aes("uplift", "label", color="kind", fill="kind"))
        + p9.geom_vline(xintercept=0, color=INK, size=0.5)
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), size=0.9)
        + p9.geom_point(size=2.6)
        + p9.geom_text(p9.aes("high", label="text"), ha="left", size=8, color=INK)
        + p9.scale_color_manual(colours, guide=None)
        + p9.scale_fill_manual(fills, guide=None)
        + p9.scale_x_continuous(labels=count_labels, expand=(0.05, 0, 0.14, 0))
        + p9.labs(subtitle=say("campaign-effects.subtitle"), x="", y="")
        + report_theme(1.1 + 0.24 * len(rows))
        + NO_ROWS
    )

"""Draw the money at risk: what may not come, or what the riskiest customers brought lately.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

from functools import partial

import pandas as pd
import plotnine as p9

from analysis.core.formatting import (
    capital,
    estimate,
    labels,
    money,
    percent,
    shorten,
    top_row,
)
from analysis.core.plotting import ACCENT, INK, NO_ROWS, money_labels, report_theme, top_first
from analysis.core.presentation import Figure
from analysis.core.sentences import fill

say = partial(fill, "forecast")


def revenue_at_risk(coming: pd.DataFrame, season_known: bool | None, currency: str) -> Figure | str:
    """Draw revenue at risk by account tier, or recent revenue of the riskiest fifth by segment.

    Without a known season nothing says how much will come, so only what was spent is drawn.
    """
    if season_known:
        return _by_tier(coming, currency)
    return _recent_by_segment(coming, currency)


def _by_tier(coming: pd.DataFrame, currency: str) -> Figure | str:
    rows = coming[(coming["kind"] == "tier") & coming["at_risk_90"].notna()]
    total = float(coming.loc[coming["kind"] == "all", "at_risk_90"].sum())
    if rows.empty or total <= 0:
        return say("revenue-at-risk.none")
    shown = rows.assign(
        label=top_first([capital(str(name)) for name in rows["group"]]),
        text=["  " + estimate(value, currency) for value in rows["at_risk_90"]],
    )
    plot = _bars(shown, "at_risk_90", "at_risk_90_high", currency) + p9.geom_linerange(
        p9.aes("label", ymin="at_risk_90_low", ymax="at_risk_90_high"), color=INK, size=0.5
    )
    top = top_row(shown, "at_risk_90")
    return Figure(
        plot + p9.labs(subtitle=say("revenue-at-risk.subtitle"), x="", y=""),
        headline=say(
            "revenue-at-risk.headline",
            amount=estimate(total, currency),
            share=percent(top["at_risk_90"] / total),
            tier=str(top["group"]),
        ),
        alt=say(
            "revenue-at-risk.alt",
            tier=str(top["group"]),
            amount=estimate(top["at_risk_90"], currency),
        ),
        caption=say("revenue-at-risk.caption"),
        data=rows[["group", "customers", "at_risk_90", "at_risk_90_low", "at_risk_90_high"]],
    )


def _recent_by_segment(coming: pd.DataFrame, currency: str) -> Figure | str:
    rows = coming[(coming["kind"] == "segment") & coming["riskiest_revenue"].notna()]
    rows = rows[rows["riskiest_revenue"] > 0].sort_values(
        ["riskiest_revenue", "group"], ascending=[False, True]
    )
    everybody = coming[coming["kind"] == "all"]
    if rows.empty or everybody["riskiest_revenue"].isna().all():
        return say("revenue-at-risk.none")
    shown = rows.assign(
        label=top_first(labels([*rows["group"]], 30)),
        text=["  " + money(value, currency) for value in rows["riskiest_revenue"]],
    )
    total = everybody.iloc[0]
    top = shown.iloc[0]
    plot = _bars(shown, "riskiest_revenue", "riskiest_revenue", currency)
    return Figure(
        plot + p9.labs(subtitle=say("revenue-at-risk.subtitle-recent"), x="", y=""),
        headline=say(
            "revenue-at-risk.headline-recent",
            count=int(total["riskiest"]),
            amount=money(total["riskiest_revenue"], currency),
            share=percent(total["riskiest_revenue"] / total["recent_revenue"], 1),
        ),
        alt=say(
            "revenue-at-risk.alt-recent",
            segment=shorten(top["group"]),
            amount=money(top["riskiest_revenue"], currency),
        ),
        caption=say("revenue-at-risk.caption-recent"),
        data=rows[["group", "customers", "active", "riskiest", "riskiest_revenue"]],
    )


def _bars(rows: pd.DataFrame, value: str, end: str, currency: str) -> p9.ggplot:
    return (
        p9.ggplot(rows, p9.aes("label", value))
        + p9.geom_col(fill=ACCENT, width=0.68)
        + p9.geom_text(p9.aes("label", end, label="text"), ha="left", size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.2, 0))
        + report_theme(0.9 + 0.28 * len(rows))
        + NO_ROWS
    )

"""Draw revenue at risk; without a known season, recent revenue of the riskiest customers.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import plotnine as p9

from analysis.core.formatting import estimate, labels, money, shorten, top_row
from analysis.core.plotting import (
    ACCENT,
    INK,
    NO_GRID,
    money_labels,
    report_theme,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.forecast.names import TIER_NAMES
from analysis.forecast.text_coming import find_group

say = partial(fill, "forecast")
#: What is drawn where the season is known, and where it is not.
AT_RISK, RECENT = "at_risk_90", "riskiest_revenue"
#: What an account tier is called on the axis, and in a sentence.
TIERS = dict(
    zip(
        TIER_NAMES,
        (
            ("revenue-at-risk-by-tier.label-top-20", "revenue-at-risk-by-tier.tier-top-20"),
            ("revenue-at-risk-by-tier.label-100", "revenue-at-risk-by-tier.tier-100"),
            ("revenue-at-risk-by-tier.label-500", "revenue-at-risk-by-tier.tier-500"),
            ("revenue-at-risk-by-tier.label-1500", "revenue-at-risk-by-tier.tier-1500"),
            ("revenue-at-risk-by-tier.label-rest", "revenue-at-risk-by-tier.tier-rest"),
        ),
        strict=True,
    )
)


def revenue_at_risk_by_tier(coming: pd.DataFrame, currency: str) -> Figure | str | None:
    """Draw revenue at risk by account tier, the largest customers on top.

    Without a known season the riskiest customers may all be of one tier, which is no comparison:
    then there is nothing to draw, and the figure by segment stands alone.
    """
    column, table = _rows(coming, "tier")
    if table.empty:
        return say("revenue-at-risk-by-tier.none")
    if column == RECENT and len(table) == 1:
        return None
    order = {name: place for place, name in enumerate(TIER_NAMES)}
    table = table.sort_values("group", key=lambda names: names.map(order))
    best = top_row(table, column)
    tier = say(TIERS[best["group"]][1])
    whole = find_group(coming, "all")
    if column == AT_RISK:
        most = estimate(best[column], currency)
        headline = say(
            "revenue-at-risk-by-tier.headline",
            amount=estimate(whole[column], currency),
            tier=tier,
            most=most,
        )
    else:
        most = money(best[column], currency)
        amount = money(whole[column], currency)
        headline = say("revenue-at-risk-by-tier.headline-recent", amount=amount)
    names = [say(TIERS[name][0]) for name in table["group"]]
    subtitle = (
        say("revenue-at-risk-by-tier.subtitle")
        if column == AT_RISK
        else say("revenue-at-risk-by-tier.subtitle-recent")
    )
    return Figure(
        _draw(table, column, names, subtitle, currency),
        headline,
        say("revenue-at-risk-by-tier.alt", tier=tier, amount=most),
        say("revenue-at-risk-by-tier.caption")
        if column == AT_RISK
        else say("revenue-at-risk-by-tier.caption-recent"),
        more=None if column == AT_RISK else {"name": say("revenue-at-risk-by-tier.name-recent")},
        data=_data(table, column),
    )


def revenue_at_risk_by_segment(coming: pd.DataFrame, currency: str) -> Figure | str:
    """Draw revenue at risk by segment, the largest amount on top."""
    column, table = _rows(coming, "segment")
    if table.empty:
        return say("revenue-at-risk-by-segment.none")
    table = table.sort_values([column, "group"], ascending=[False, True])
    first, last = table.iloc[0], table.iloc[-1]
    write = estimate if column == AT_RISK else money
    known = {"first": shorten(first["group"]), "most": write(first[column], currency)}
    if column != AT_RISK:
        headline = say("revenue-at-risk-by-segment.headline-recent", **known)
    elif len(table) == 1:
        headline = say("revenue-at-risk-by-segment.headline-one", **known)
    else:
        headline = say(
            "revenue-at-risk-by-segment.headline",
            last=shorten(last["group"]),
            least=write(last[column], currency),
            **known,
        )
    subtitle = (
        say("revenue-at-risk-by-segment.subtitle")
        if column == AT_RISK
        else say("revenue-at-risk-by-segment.subtitle-recent")
    )
    return Figure(
        _draw(table, column, labels([*table["group"]], 36), subtitle, currency),
        headline,
        say("revenue-at-risk-by-segment.alt", **known),
        more=None if column == AT_RISK else {"name": say("revenue-at-risk-by-segment.name-recent")},
        data=_data(table, column),
    )


def _rows(coming: pd.DataFrame, kind: str) -> tuple[str, pd.DataFrame]:
    """Return which amounts there are, and the groups of a kind that have one."""
    known = coming[AT_RISK].notna().any()
    column = AT_RISK if known else RECENT
    some = coming[coming["kind"] == kind].dropna(subset=[column])
    return column, some[some[column] > 0]


def _data(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return what was drawn."""
    columns = ["group", "customers", "active", "recent_revenue"]
    if column == AT_RISK:
        columns += [column, f"{column}_low", f"{column}_high", "expected_90"]
    else:
        columns += ["riskiest", column]
    return table[columns]


def _draw(
    table: pd.DataFrame, column: str, names: list[str], subtitle: str, currency: str
) -> p9.ggplot:
    """Return horizontal bars with their labels, in the order of the table."""
    ends = (f"{column}_low", f"{column}_high") if column == AT_RISK else (column, column)
    rows = table.assign(
        label=top_first(names),
        value=table[column],
        low=table[ends[0]],
        high=table[ends[1]],
        text=[_label(row, column, currency) for row in table.to_dict("records")],
    )
    space = 0.02 * float(rows["high"].max())
    plot = (
        p9.ggplot(rows, p9.aes("label", "value"))
        + p9.geom_col(fill=ACCENT, width=0.66)
        + p9.geom_text(p9.aes(y="high", label="text"), ha="left", nudge_y=space, size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.52, 0))
        + p9.labs(subtitle=subtitle, x="", y="")
        + report_theme(0.7 + 0.19 * len(rows))
        + NO_GRID
    )
    if column == AT_RISK:
        plot += p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=INK, size=0.6)
    return plot


def _label(row: dict[Any, Any], column: str, currency: str) -> str:
    if column == AT_RISK:
        return say(
            "revenue-at-risk-by-tier.label",
            amount=estimate(row[column], currency),
            expected=estimate(row["expected_90"], currency),
        )
    return say(
        "revenue-at-risk-by-tier.label-recent",
        amount=money(row[column], currency),
        count=row["riskiest"],
    )

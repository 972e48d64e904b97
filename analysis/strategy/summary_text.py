"""Say in the summary what all actions cost and bring, and what could make the report wrong.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import bare_points, count, estimate, money, percent, shorten
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.sentences import fill

say = partial(fill, "strategy")
#: A gain below this share of what the shop earns anyway is called little.
LITTLE = 0.01


def best_first(own: pd.DataFrame) -> pd.DataFrame:
    """Return the actions of a half, the best first: by gain, or what stands for it.

    Where the season is unknown, no gain is stated. Costs and break-even uplifts are, and together
    they order the actions: at the break-even uplift, the gain is zero.
    """
    if own["rank"].notna().any():
        return own.sort_values("expected_profit", ascending=False, kind="stable")
    gain = own["cost"] * (own["uplift"] / own["break_even_uplift"] - 1)
    order = own.assign(gain=gain).sort_values(
        ["gain", "revenue_share"], ascending=False, kind="stable"
    )
    return own.loc[order.index]


def summary_scale(
    actions: pd.DataFrame,
    recent_change: pd.DataFrame | None,
    activity: pd.DataFrame | None,
    currency: str,
    settings: Any,
) -> dict[str, str] | None:
    """Say what all actions that pay bring together, beside what the shop earns anyway."""
    if actions.empty:
        return None
    unknown = actions[(actions["listed"] > 0) & actions["expected_profit"].isna()]
    said = {}
    if len(unknown):
        cost = estimate(unknown["cost"].sum(), currency)
        said["said-cost"] = say("summary-scale.said-cost", count=len(unknown), cost=cost)
    paying = actions[actions["expected_profit"] > 0]
    gains = {half: own["expected_profit"] for half, own in paying.groupby("half")}
    costs = paying.groupby("half")["cost"].sum()
    shares = []
    recent = pd.DataFrame() if recent_change is None else recent_change
    latest = recent[recent["period"] == "latest"] if len(recent) else recent
    if LEDGER in gains and len(latest) and latest["net_revenue"].iloc[0] > 0:
        revenue = float(latest["net_revenue"].iloc[0])
        total = float(gains[LEDGER].sum())
        shares.append(total / revenue)
        said["said-orders"] = say(
            "summary-scale.said-orders",
            count=len(gains[LEDGER]),
            cost=estimate(costs[LEDGER], currency),
            gain=estimate(total, currency),
            share=percent(total / revenue, 1),
            revenue=money(revenue, currency),
        )
    if ACTIVITY in gains and activity is not None:
        # A contact counts for these months, and so does the profit that its gain is a part of.
        months = settings.contact.months
        profit = float(activity["profit"].sum()) * months
        total = float(gains[ACTIVITY].sum())
        shares.append(total / profit)
        said["said-regulars"] = say(
            "summary-scale.said-regulars",
            count=len(gains[ACTIVITY]),
            cost=estimate(costs[ACTIVITY], ""),
            gain=estimate(total, ""),
            share=percent(total / profit, 1),
            span=count(months, "month"),
            profit=count(profit),
        )
    if shares and max(shares) < LITTLE:
        said["said-small"] = say("summary-scale.said-small")
    return said or None


def _doubt_uplift(top: pd.Series) -> str:
    """Say where the uplift of the best action comes from, and where it would break even."""
    segment = shorten(top["segment"])
    if pd.isna(top["break_even_uplift"]):
        if top["campaigns"]:
            return say("summary-doubts.said-uplift-measured-never", segment=segment)
        return say("summary-doubts.said-uplift-never", segment=segment)
    uplift, even = bare_points(top["uplift"]), bare_points(top["break_even_uplift"])
    if top["campaigns"]:
        return say(
            "summary-doubts.said-uplift-measured",
            count=top["campaigns"],
            segment=segment,
            uplift=uplift,
            even=even,
        )
    if top["half"] == ACTIVITY:
        return say("summary-doubts.said-uplift-group", segment=segment, uplift=uplift, even=even)
    return say("summary-doubts.said-uplift", segment=segment, uplift=uplift, even=even)


def summary_doubts(
    actions: pd.DataFrame,
    lapse_rates: pd.DataFrame | None,
    missing_customer_rows: int | None,
    raw_rows: int | None,
    earlier_away_90_active: float | None,
) -> dict[str, str]:
    """Say what could make the report wrong: the assumed effect, the season, unknown customers."""
    said = {}
    # Also where no gain is stated, the decisions rest on an uplift.
    assumed = actions[actions["uplift"].notna()] if len(actions) else actions
    if len(assumed):
        halves = [half for half in (LEDGER, ACTIVITY) if (assumed["half"] == half).any()]
        top = best_first(assumed[assumed["half"] == halves[0]]).iloc[0]
        said["said-uplift"] = _doubt_uplift(top)
    if lapse_rates is not None and len(lapse_rates):
        shares = [*lapse_rates["share"]]
        if earlier_away_90_active is not None:  # the tile compares with it
            shares.append(earlier_away_90_active)
        low, high = percent(min(shares)), percent(max(shares))
        said["said-season"] = (
            say("summary-doubts.said-season-one")
            if low == high
            else say("summary-doubts.said-season", low=low, high=high)
        )
    if missing_customer_rows and raw_rows:
        share = percent(missing_customer_rows / raw_rows)
        said["said-nobody"] = say("summary-doubts.said-nobody", share=share)
    return said

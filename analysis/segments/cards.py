"""Fill the cards of the segments, and of the regular customers' groups by risk and profit.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
A card recommends no action that is expected to lose money. Segments and groups with few customers
have no card.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import (
    bare_points,
    capital,
    count,
    day,
    estimate,
    join_words,
    money,
    percent,
    shorten,
    without_full_stop,
)
from analysis.core.names import ACTIVITY, CROSS_SELL, LEDGER, LOSES, REORDER
from analysis.core.presentation import Card
from analysis.core.sentences import fill
from analysis.segments.names import compared_quarters

say = partial(fill, "segments")
Lines = list[tuple[str, str]]
#: How many favourite categories a card names.
CATEGORIES = 3


def segment_cards(
    segment_profiles: pd.DataFrame,
    segment_products: pd.DataFrame,
    movement: pd.DataFrame,
    retention: pd.DataFrame,
    coming: pd.DataFrame | None,
    segment_next_products: pd.DataFrame | None,
    actions: pd.DataFrame,
    action_traits: pd.DataFrame,
    currency: str,
) -> list[Card]:
    """Return a card for each segment that is described."""
    cards = []
    for row in segment_profiles[segment_profiles["shown"]].to_dict("records"):
        name = str(row["segment"])
        size = say("segment-cards.size", count=row["customers"], share=percent(row["share"], 1))
        value = say(
            "segment-cards.money",
            revenue=money(row["revenue"], currency),
            share=percent(row["revenue_share"], 1),
            spend=money(row["spend_median"], currency),
        )
        lines: Lines = [
            (say("segment-cards.label-size"), size),
            (say("segment-cards.label-money"), value),
            (say("segment-cards.label-trend"), _trend(movement, name)),
            (say("segment-cards.label-again"), _repeat_orders(retention, name)),
            (say("segment-cards.label-risk"), _risk(coming, name, currency)),
            (say("segment-cards.label-products"), _products(segment_products, name, currency)),
            (say("segment-cards.label-following"), _next_products(segment_next_products, name)),
            (say("segment-cards.label-traits"), _traits(action_traits, LEDGER, name)),
        ]
        action = _action_of(actions, LEDGER, name)
        cards.append(_card(name, lines, action, currency))
    return cards


def risk_group_cards(
    risk_groups: pd.DataFrame,
    activity: pd.DataFrame,
    actions: pd.DataFrame,
    action_traits: pd.DataFrame,
    currency: str,
    settings: Any,
) -> list[Card]:
    """Return a card for each group of regular customers by risk and profit."""
    cards = []
    for row in risk_groups[risk_groups["shown"]].to_dict("records"):
        name = str(row["group"])
        action = _action_of(actions, ACTIVITY, name)
        people = activity[activity["risk_group"] == name]
        lines: Lines = [
            (
                say("segment-cards.label-size"),
                say("segment-cards.size", count=row["customers"], share=percent(row["share"], 1)),
            ),
            (
                say("segment-cards.label-money"),
                say(
                    "risk-group-cards.money",
                    share=percent(row["profit_share"], 1),
                    revenue_share=percent(action["revenue_share"], 1),
                ),
            ),
            (say("segment-cards.label-trend"), _revenue_trend(people, currency)),
            (
                say("risk-group-cards.label-risk"),
                say(
                    "risk-group-cards.risk",
                    predicted=percent(row["predicted"]),
                    declined=percent(row["declined"]),
                ),
            ),
            (
                say("risk-group-cards.label-categories"),
                _categories(people, settings.report.smallest_group),
            ),
            (say("segment-cards.label-traits"), _traits(action_traits, ACTIVITY, name)),
        ]
        cards.append(_card(capital(name), lines, action, None))
    return cards


def _action_of(actions: pd.DataFrame, half: str, name: str) -> dict[str, Any]:
    rows = actions[(actions["half"] == half) & (actions["segment"] == name)]
    return {str(key): value for key, value in rows.iloc[0].items()}


def _card(name: str, lines: Lines, action: dict[str, Any], currency: str | None) -> Card:
    known = [(label, text) for label, text in lines if text]
    return Card(shorten(name), str(action["verdict"]), [*known, *_plan(action, currency)])


# ------------------------------------------------------------------------- what is planned


def _plan(action: dict[str, Any], currency: str | None) -> Lines:
    """Return action, offer, expected gain and next step; of what loses money, only that it does."""
    label, following = say("segment-cards.label-action"), say("segment-cards.label-next")
    if pd.isna(action["rank"]) and not pd.isna(action["break_even_uplift"]):
        return _plan_without_gain(action)
    if action["verdict"] == LOSES and pd.isna(action["rank"]):
        told = say("segment-cards.action-stopped", reason=without_full_stop(action["reason"]))
        return [(label, told)]
    if pd.isna(action["rank"]):
        told = say(
            "segment-cards.action-unvalued",
            action=without_full_stop(action["action"]),
            reason=without_full_stop(action["reason"]),
        )
        return [(label, told)]
    if not action["listed"]:
        loss = say(
            "segment-cards.action-loses", loss=estimate(-action["expected_profit"], currency or "")
        )
        even = action["break_even_uplift"]
        step = (
            say("segment-cards.next-never")
            if pd.isna(even)
            else say("segment-cards.next-loses", uplift=bare_points(even))
        )
        return [(label, loss), (following, step)]
    return _carry_out(action, (say("segment-cards.label-gain"), _gain(action, currency)))


def _plan_without_gain(action: dict[str, Any]) -> Lines:
    """Return what is planned where no gain can be stated: when it breaks even instead."""
    label, following = say("segment-cards.label-action"), say("segment-cards.label-next")
    even = bare_points(action["break_even_uplift"])
    if not action["listed"]:
        return [
            (label, say("segment-cards.action-does-not-pay")),
            (following, say("segment-cards.next-loses", uplift=even)),
        ]
    told = say("segment-cards.even", uplift=even, assumed=bare_points(action["uplift"]))
    return _carry_out(action, (say("segment-cards.label-even"), told))


def _carry_out(action: dict[str, Any], result: tuple[str, str]) -> Lines:
    """Return action, offer, what comes of it, and the next step."""
    next_step = say(
        "segment-cards.next",
        count=action["listed"],
        owner=str(action["owner"]),
        timing=without_full_stop(action["timing"]),
    )
    return [
        (
            say("segment-cards.label-action"),
            say("segment-cards.action", action=without_full_stop(action["action"])),
        ),
        (
            say("segment-cards.label-offer"),
            say("segment-cards.offer", offer=without_full_stop(action["offer"])),
        ),
        result,
        (say("segment-cards.label-next"), next_step),
    ]


def _gain(action: dict[str, Any], currency: str | None) -> str:
    """Say what an action is expected to bring; the profit of regular customers has no currency."""
    known = {
        "gain": estimate(action["expected_profit"], currency or ""),
        "cost": estimate(action["cost"], currency or ""),
        "low": estimate(action["low"], currency or ""),
        "high": estimate(action["high"], currency or ""),
    }
    if currency is None:
        return say("risk-group-cards.gain", **known)
    return say("segment-cards.gain", **known)


def _traits(action_traits: pd.DataFrame, half: str, name: str) -> str:
    if action_traits.empty:
        return ""
    own = action_traits[(action_traits["half"] == half) & (action_traits["segment"] == name)]
    return " ".join(own["sentence"])


# ------------------------------------------------------------------------- segments


def _trend(movement: pd.DataFrame, name: str) -> str:
    """Say how many customers the segment had at the end of the last whole quarter."""
    dates = sorted(movement["date"].unique())
    if len(dates) < 2:
        return ""
    own = movement[movement["segment"] == name].set_index("date")
    before, now = int(own["customers"][dates[-2]]), int(own["customers"][dates[-1]])
    when = day(own["quarter_end"][dates[-2]])
    if before == now:
        return say("segment-cards.trend-same", day=when)
    if not before:
        return say("segment-cards.trend-new", day=when)
    known = {"before": count(before), "day": when, "change": percent(abs(now / before - 1))}
    if now > before:
        return say("segment-cards.trend-up", **known)
    return say("segment-cards.trend-down", **known)


def _quarter(date: pd.Timestamp) -> str:
    return say("segment-cards.quarter", number=str(date.quarter), year=str(date.year))


def _repeat_orders(retention: pd.DataFrame, name: str) -> str:
    """Say how many of the segment ordered in the last whole quarter, and a year before."""
    last, earlier = compared_quarters(retention)
    own = retention[retention["segment"] == name]
    shares = dict(zip(pd.to_datetime(own["date"]), own["share"], strict=True))
    if last is None or last not in shares:
        return ""
    known = {"share": percent(shares[last]), "quarter": _quarter(last)}
    if earlier is None or earlier not in shares:
        return say("segment-cards.again-one", **known)
    return say(
        "segment-cards.again",
        **known,
        earlier_share=percent(shares[earlier]),
        earlier=_quarter(earlier),
    )


def _risk(coming: pd.DataFrame | None, name: str, currency: str) -> str:
    """Say how much revenue is at risk; without a known season, who are the riskiest customers."""
    if coming is None:
        return ""
    own = coming[(coming["kind"] == "segment") & (coming["group"] == name)]
    if own.empty:
        return ""
    row = own.iloc[0]
    if pd.notna(row["at_risk_90"]):
        return say(
            "segment-cards.risk",
            at_risk=estimate(row["at_risk_90"], currency),
            expected=estimate(row["expected_90"], currency),
        )
    if pd.notna(row["expected_90"]):
        return say("segment-cards.risk-inactive", expected=estimate(row["expected_90"], currency))
    if pd.isna(row["riskiest_revenue"]) or not row["riskiest"]:
        return ""
    return say(
        "segment-cards.risk-recent",
        count=int(row["riskiest"]),
        revenue=money(row["riskiest_revenue"], currency),
    )


def _products(segment_products: pd.DataFrame, name: str, currency: str) -> str:
    own = segment_products[segment_products["segment"] == name]
    if own.empty:
        return ""
    told = [
        say(
            "segment-cards.product",
            product=shorten(row["description"]),
            revenue=money(row["revenue"], currency),
        )
        for row in own.to_dict("records")
    ]
    return say("segment-cards.products", products=join_words(told))


def _next_products(segment_next_products: pd.DataFrame | None, name: str) -> str:
    """Say which products are on most of the segment's lists: own products, and new ones."""
    if segment_next_products is None:
        return ""
    own = segment_next_products[segment_next_products["segment"] == name]
    again, fresh = (
        join_words([shorten(text) for text in own.loc[own["list"] == kind, "description"]])
        for kind in (REORDER, CROSS_SELL)
    )
    if again and fresh:
        return say("segment-cards.following", again=again, fresh=fresh)
    if again:
        return say("segment-cards.following-again", again=again)
    return say("segment-cards.following-new", fresh=fresh) if fresh else ""


# ------------------------------------------------------------------------- regular customers


def _revenue_trend(people: pd.DataFrame, currency: str) -> str:
    """Say what the group's revenue is this month, and how it has changed in two months."""
    now = float(people["revenue_this_month"].sum())
    before = float(people["revenue_two_months_ago"].sum())
    revenue = money(now, currency)
    moved = now / before - 1 if before else 0.0
    if abs(moved) < 0.005:
        return say("risk-group-cards.trend-same", revenue=revenue)
    if moved > 0:
        return say("risk-group-cards.trend-up", revenue=revenue, change=percent(moved))
    return say("risk-group-cards.trend-down", revenue=revenue, change=percent(-moved))


def _categories(people: pd.DataFrame, minimum_group: int) -> str:
    sizes = people["favourite_category"].value_counts()
    sizes = sizes[sizes >= max(minimum_group, 1)].head(CATEGORIES)
    if sizes.empty:
        return ""
    told = [
        say("risk-group-cards.category", category=shorten(name), share=percent(size / len(people)))
        for name, size in sizes.items()
    ]
    return say("risk-group-cards.categories", categories=join_words(told))

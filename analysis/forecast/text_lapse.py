"""Choose and fill the sentences about customers who may stop ordering (``sentences.toml``).

Where the season ahead is not known, nothing says how many will: customers are ranked.
"""

from __future__ import annotations

import datetime as dt
from functools import partial

from analysis.core.formatting import count, day, percent
from analysis.core.sentences import fill
from analysis.forecast.names import BG_NBD, FEW, FEW_EARLIER, GAP, RECENCY, RFM, TOO_SHORT
from analysis.stats.names import CONSTANT

say = partial(fill, "forecast")
#: How the report calls each candidate. Those that are not listed see all features.
NAMES = {
    CONSTANT: "the same risk for everybody",
    RECENCY: "recency alone",
    RFM: "recency, orders and spend",
    BG_NBD: "purchase rhythm (BG/NBD)",
}


def name(model: str) -> str:
    """Return how the report calls a candidate.

    Examples
    --------
    >>> name("R, F and M"), name("random forest")
    ('recency, orders and spend', 'all measures, random forest')
    """
    return NAMES.get(model, f"all measures, {model}")


def lapse_scope(days: int | None, available: bool | None) -> dict[str, str] | None:
    """Say whom the model is about, and what it forecasts."""
    return {"said": say("lapse-scope.said", days=f"{days}")} if available else None


def lapse_without_model(
    available: bool | None,
    reason: str | None,
    days: int | None,
    covered_days: int | None,
    fewest_customers: int | None,
) -> dict[str, str] | None:
    """Say why there is no model; nothing where there is one, or no orders."""
    if available is not False or days is None:
        return None
    if reason == TOO_SHORT and covered_days is not None:
        known = {"covered": count(covered_days), "days": count(days), "needed": count(3 * days)}
        return {"said": say("lapse-without-model.said-too-short", **known)}
    if fewest_customers is None:
        return None
    fewest = count(fewest_customers)
    if reason == FEW_EARLIER:
        return {"said": say("lapse-without-model.said-few-earlier", fewest=fewest)}
    return {"said": say("lapse-without-model.said-few", fewest=fewest)}


def lapse_source(
    available: bool | None,
    lapse_model: str | None,
    season_known: bool | None,
    season_start: str | None,
    days: int | None,
) -> dict[str, str] | None:
    """Say which model gives the risks, beside the candidates that are tested."""
    if not available or not lapse_model or days is None:
        return None
    known = {"model": lapse_model, "days": count(days)}
    if season_known and season_start:
        start = day(dt.date.fromisoformat(season_start))
        return {"said": say("lapse-source.said-season", **known, start=start)}
    return {"said": say("lapse-source.said-latest", **known)}


def lapse_season(
    available: bool | None,
    season_known: bool | None,
    season_reason: str | None,
    active_customers: int | None,
    away_90_active: float | None,
    earlier_away_90_active: float | None,
) -> dict[str, str] | None:
    """Say how many will stop ordering, or why nobody can say that yet."""
    if not available or season_known is None:
        return None
    if not season_known:
        if season_reason == GAP:
            return {"said": say("lapse-season.said-gap")}
        if season_reason == FEW:
            return {"said": say("lapse-season.said-few")}
        return {"said": say("lapse-season.said-too-short")}
    if not active_customers or away_90_active is None or earlier_away_90_active is None:
        return None
    return {
        "said": say(
            "lapse-season.said",
            count=active_customers,
            share=percent(away_90_active),
            earlier=percent(earlier_away_90_active),
        )
    }

"""Set the tables of what is coming: the forecast by group, and how it was tested.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import (
    count,
    day,
    estimate,
    minus,
    percent,
    short_money,
    shorten,
)
from analysis.core.names import CROSS_SELL, REORDER
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid, name_once
from analysis.forecast.names import (
    CO_PURCHASE,
    IN_TIME,
    LAST_PERIOD,
    OWN_RATE,
    OWN_RHYTHM,
    POPULARITY,
    RANDOM,
    REFERENCE,
    RIDGE,
    SEGMENT_MEAN,
    TIER_NAMES,
    TWO_PART,
)
from analysis.forecast.text_coming import last_tests

say = partial(fill, "forecast")
MODELS = {
    OWN_RATE: "spend-candidates.own-rate",
    LAST_PERIOD: "spend-candidates.last-period",
    SEGMENT_MEAN: "spend-candidates.segment-mean",
    TWO_PART: "spend-candidates.two-part",
    REFERENCE: "spend-candidates.reference",
}
LISTS = {REORDER: "next-products.reorder", CROSS_SELL: "next-products.cross-sell"}
RANKINGS = {
    RANDOM: "next-products.random",
    POPULARITY: "next-products.popularity",
    OWN_RHYTHM: "next-products.own-rhythm",
    CO_PURCHASE: "next-products.co-purchase",
    RIDGE: "next-products.ridge",
}
#: The length of list that is shown.
LENGTH = 5
Row = dict[Any, Any]


def coming_by_group(coming: pd.DataFrame, currency: str, season_known: bool) -> Table:
    """Set what is forecast by tier, segment and activity; or only who is among the riskiest."""
    kinds = ["tier", "segment", "activity", "all"]
    place = coming["kind"].map({kind: place for place, kind in enumerate(kinds)})
    # Segments stand by what they brought, the most first; tiers have an order of their own.
    brought = coming["recent_revenue"].where(coming["kind"] == "segment", 0).fillna(0)
    by_place = pd.DataFrame({"place": place, "brought": -brought})
    table = coming.loc[by_place.sort_values(["place", "brought"], kind="stable").index]
    # Tables are read from the page: a name of the data stands as it is.
    shown = table.assign(name=[_group(row) for row in table.to_dict("records")])
    names = {"name": say("coming-by-group.group"), "customers": say("coming-by-group.customers")}
    if not season_known:
        names |= {
            "recent_revenue": say("coming-by-group.recent"),
            "active": say("coming-by-group.active"),
            "riskiest": say("coming-by-group.riskiest"),
            "riskiest_revenue": say("coming-by-group.riskiest-revenue"),
        }
        made = grid(
            shown,
            "coming-by-group",
            names,
            counts=["customers", "active", "riskiest"],
            amounts=["recent_revenue", "riskiest_revenue"],
            currency=currency,
        )
        told = [column for column in table if table[column].notna().any()]
        return Table(
            made,
            say("coming-by-group.caption-recent"),
            more={"name": say("coming-by-group.name-recent")},
            data=table[told],
        )
    rows = table.to_dict("records")
    for what in ("expected_90", "at_risk_90", "expected_365"):
        shown[what] = [_span(row, what, partial(_short, currency=currency)) for row in rows]
    shown["away_90"] = [_share(row["away_90"]) for row in rows]
    names |= {
        "expected_90": say("coming-by-group.expected"),
        "away_90": say("coming-by-group.away"),
        "at_risk_90": say("coming-by-group.at-risk"),
        "expected_365": say("coming-by-group.expected-year"),
    }
    right = ["expected_90", "away_90", "at_risk_90", "expected_365"]
    made = grid(shown, "coming-by-group", names, counts=["customers"], right=right)
    return Table(made, say("coming-by-group.caption"), data=table)


def _group(row: Row) -> str:
    name = str(row["group"])
    if row["kind"] == "tier":
        if name == TIER_NAMES[0]:
            return say("coming-by-group.tier-first")
        if name == TIER_NAMES[-1]:
            return say("coming-by-group.tier-last")
        return say("coming-by-group.tier", tier=name)
    fixed = {
        "all": "coming-by-group.all",
        "active": "coming-by-group.active-customers",
        "inactive": "coming-by-group.inactive-customers",
    }
    return shorten(name) if row["kind"] == "segment" else say(fixed[name])


def _share(value: float) -> str:
    return MISSING if pd.isna(value) else percent(value)


def _short(amount: float, currency: str) -> str:
    """Write an estimate with two digits, as short as a cell needs it."""
    return minus(short_money(float(f"{amount:.2g}"), currency))


def _span(row: Row, what: str, write: Callable[[float], str]) -> str:
    if pd.isna(row[what]):
        return MISSING
    value, low, high = (write(row[f"{what}{end}"]) for end in ("", "_low", "_high"))
    return say("coming-by-group.span", value=value, low=low, high=high)


def spend_candidates(spend_models: pd.DataFrame | None, currency: str) -> Table | None:
    """Set the candidate models of spend as their last tests judge them."""
    if spend_models is None or spend_models.empty:
        return None
    table = last_tests(spend_models)
    rows = table.to_dict("records")
    shown = pd.DataFrame(
        {
            "horizon": [_horizon(row) for row in rows],
            "model": [_model(row) for row in rows],
            "rank": [_candidate_span(row, "spearman", lambda x: f"{x:.2f}") for row in rows],
            "top": [_candidate_span(row, "top_decile", percent) for row in rows],
            "ratio": [f"{row['ratio']:.2f}" for row in rows],
            "error": [estimate(row["mae"], currency) for row in rows],
            "misplaced": [percent(row["segment_misplaced"], 1) for row in rows],
        }
    )
    shown["horizon"] = name_once(shown["horizon"])
    names = {
        "horizon": say("spend-candidates.horizon"),
        "model": say("spend-candidates.model"),
        "rank": say("spend-candidates.rank"),
        "top": say("spend-candidates.top"),
        "ratio": say("spend-candidates.ratio"),
        "error": say("spend-candidates.error"),
        "misplaced": say("spend-candidates.misplaced"),
    }
    made = grid(shown, "spend-candidates", names, right=[*names][2:])
    return Table(made, say("spend-candidates.caption"), data=spend_models)


def _horizon(row: Row) -> str:
    known = {"days": count(row["days"]), "date": day(row["date"])}
    if row["tested"] == IN_TIME:
        return say("spend-candidates.days-time", **known)
    return say("spend-candidates.days-folds", **known)


def _model(row: Row) -> str:
    name = say(MODELS[row["model"]])
    return say("spend-candidates.model-chosen", model=name) if row["chosen"] else name


def _candidate_span(row: Row, what: str, write: Callable[[float], str]) -> str:
    value, low, high = (write(row[f"{what}{end}"]) for end in ("", "_low", "_high"))
    return say("spend-candidates.span", value=value, low=low, high=high)


def spend_calibration(spend_calibration: pd.DataFrame | None, currency: str) -> Table | None:
    """Set what was expected of each group in the last test of 90 days, and what was observed."""
    if spend_calibration is None or spend_calibration.empty:
        return None
    table = spend_calibration[spend_calibration["days"] == 90]
    table = table[table["date"] == table["date"].max()]
    if table.empty:
        return None
    rows = table.to_dict("records")
    shown = table.assign(
        name=[_group(row) for row in rows],
        ratio=[f"{row['ratio']:.2f}" for row in rows],
        away_predicted=[percent(row["away_predicted"]) for row in rows],
        away=[
            say(
                "spend-calibration.span",
                value=percent(row["away"]),
                low=percent(row["away_low"]),
                high=percent(row["away_high"]),
            )
            for row in rows
        ],
    )
    names = {
        "name": say("spend-calibration.group"),
        "customers": say("spend-calibration.customers"),
        "predicted": say("spend-calibration.predicted"),
        "came": say("spend-calibration.came"),
        "ratio": say("spend-calibration.ratio"),
        "away_predicted": say("spend-calibration.away-predicted"),
        "away": say("spend-calibration.away"),
    }
    made = grid(
        shown,
        "spend-calibration",
        names,
        counts=["customers"],
        amounts=["predicted", "came"],
        right=["ratio", "away_predicted", "away"],
        currency=currency,
    )
    date = day(table["date"].iloc[0])
    some = table[table["kind"].isin(["segment", "tier"])]
    inside = some["away_predicted"].between(some["away_low"], some["away_high"]).sum()
    more = {
        "said": say(
            "spend-calibration.said", date=date, inside=count(inside), groups=count(len(some))
        )
    }
    return Table(made, say("spend-calibration.caption", date=date), more, spend_calibration)


def next_products(
    next_product_models: pd.DataFrame | None,
    available: bool | None,
    products: int | None,
    out_of_season: int | None,
) -> Table | str | None:
    """Set the tests of the lists of next products, and say how often they hit."""
    if available is None:
        return None
    if next_product_models is None or not available:
        return say("next-products.none")
    table = next_product_models[next_product_models["length"] == LENGTH]
    rows = table.to_dict("records")
    shown = pd.DataFrame(
        {
            "list": [say(LISTS[row["list"]]) for row in rows],
            "model": [_ranking(row) for row in rows],
            "hits": [_list_span(row, "hit_rate") for row in rows],
            "precision": [_list_span(row, "precision") for row in rows],
        }
    )
    shown["list"] = name_once(shown["list"])
    names = {
        "list": say("next-products.list"),
        "model": say("next-products.model"),
        "hits": say("next-products.hits"),
        "precision": say("next-products.precision"),
    }
    found = {(row["list"], row["model"]): row["hit_rate"] for row in rows}
    chosen = {row["list"]: row["hit_rate"] for row in rows if row["chosen"]}
    more = {
        "reorder-said": say("next-products.reorder-said", hits=percent(chosen[REORDER])),
        "cross-said": say(
            "next-products.cross-said",
            hits=percent(chosen[CROSS_SELL]),
            popular=percent(found[CROSS_SELL, POPULARITY]),
        ),
        "lists": say("next-products.lists", count=products or 0),
        "limits": say("next-products.limits"),
    }
    if out_of_season:
        more["seasonal"] = say("next-products.seasonal", count=out_of_season)
    caption = say(
        "next-products.caption",
        date=day(table["date"].iloc[0]),
        days=count(table["days"].iloc[0]),
    )
    made = grid(shown, "next-products", names, right=["hits", "precision"])
    return Table(made, caption, more, next_product_models)


def _ranking(row: Row) -> str:
    name = say(RANKINGS[row["model"]])
    return say("next-products.model-chosen", model=name) if row["chosen"] else name


def _list_span(row: Row, what: str) -> str:
    value, low, high = (percent(row[f"{what}{end}"]) for end in ("", "_low", "_high"))
    return say("next-products.span", value=value, low=low, high=high)

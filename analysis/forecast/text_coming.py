"""Say what is coming if nothing is done, and how the forecast of spend was tested.

Where the season is not known, nothing here states a future count, share or sum.
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import count, day, estimate, money, percent, shorten
from analysis.core.sentences import fill
from analysis.forecast.names import FEW, GAP, IN_TIME, OWN_RATE

say = partial(fill, "forecast")
#: Days that are forecast.
QUARTER, YEAR = 90, 365


def coming(
    coming: pd.DataFrame,
    currency: str,
    as_of: str,
    season_known: bool,
    season_reason: str,
    earlier_90: float | None,
    earlier_known_90: float | None,
    last_90: float | None,
) -> dict[str, str]:
    """Say what known customers will bring if nothing is done, or why no amount is stated."""
    if not season_known:
        worth = {"worth": say("coming.worth-unknown")}
        if season_reason == GAP:
            return worth | {"said": say("coming.said-gap")}
        if season_reason == FEW:
            return worth | {"said": say("coming.said-few")}
        return worth | {"said": say("coming.said-too-short")}
    row = find_group(coming, "all")
    return {
        "said": say("coming.said", end=last_day(as_of, QUARTER), **_ends(row, QUARTER, currency)),
        "compared": say(
            "coming.compared",
            known=money(earlier_known_90 or 0.0, currency),
            earlier=money(earlier_90 or 0.0, currency),
            last=money(last_90 or 0.0, currency),
        ),
        "year": say("coming.year", end=last_day(as_of, YEAR), **_ends(row, YEAR, currency)),
        **_worth(coming, row, currency),
        "risk": say(
            "coming.risk",
            amount=estimate(row["at_risk_90"], currency),
            low=estimate(row["at_risk_90_low"], currency),
            high=estimate(row["at_risk_90_high"], currency),
        ),
        "said-intervals": say("coming.said-intervals"),
    }


def _worth(coming: pd.DataFrame, every: dict[str, Any], currency: str) -> dict[str, str]:
    """Say what a customer is expected to bring over a year: on average, and by segment."""
    own = coming[(coming["kind"] == "segment") & coming["expected_365"].notna()]
    own = own.assign(worth=own["expected_365"] / own["scored"]).sort_values("worth")
    if len(own) < 2 or not every["scored"]:
        return {}
    most, least = own.iloc[-1], own.iloc[0]
    return {
        "worth": say(
            "coming.worth",
            mean=estimate(every["expected_365"] / every["scored"], currency),
            first=shorten(most["group"]),
            most=estimate(most["worth"], currency),
            last=shorten(least["group"]),
            least=estimate(least["worth"], currency),
        )
    }


def _ends(row: dict[str, Any], days: int, currency: str) -> dict[str, str]:
    names = {"expected": "", "low": "_low", "high": "_high"}
    return {name: estimate(row[f"expected_{days}{end}"], currency) for name, end in names.items()}


def coming_activity(
    coming: pd.DataFrame,
    as_of: str,
    season_known: bool,
    earlier_away_90_active: float | None,
    earlier_returned: float | None,
    earlier_returned_days: int | None,
) -> dict[str, str] | None:
    """Say how many of the active and the inactive customers are expected to order, if known."""
    if not season_known:
        return None
    told = {}
    end = last_day(as_of, QUARTER)
    active, inactive = (find_group(coming, name) for name in ("active", "inactive"))
    if active and pd.notna(active["away_90"]) and earlier_away_90_active is not None:
        told["said"] = say(
            "coming-activity.said",
            count=active["customers"],
            share=percent(active["away_90"]),
            end=end,
            earlier=percent(earlier_away_90_active),
        )
        if earlier_returned is not None:
            known = {
                "returned": percent(earlier_returned),
                "days": count(earlier_returned_days or 0),
            }
            told["returned"] = (
                say("coming-activity.returned", **known)
                if earlier_returned > 0.5
                else say("coming-activity.returned-few", **known)
            )
    if inactive and pd.notna(inactive["away_90"]):
        told["inactive"] = say(
            "coming-activity.inactive",
            count=inactive["scored"],
            share=percent(1 - inactive["away_90"]),
            end=end,
        )
    return told


def coming_riskiest(
    currency: str,
    riskiest_customers: int | None,
    riskiest_recent_revenue: float | None,
    riskiest_recent_share: float | None,
    scored: int | None,
    not_scored: int | None,
    rank_look_back_days: int | None,
    settings: Any,
) -> dict[str, str] | None:
    """Say who are the riskiest customers by what they have brought, and who has no risk."""
    if scored is None:
        return None
    if not scored:
        return {"said": say("coming-riskiest.said-unranked")}
    told = {}
    if (riskiest_customers or 0) >= max(settings.report.smallest_group, 1):
        told["said"] = say(
            "coming-riskiest.said",
            count=riskiest_customers or 0,
            revenue=money(riskiest_recent_revenue or 0.0, currency),
            share=percent(riskiest_recent_share or 0.0, 1),
        )
    if not_scored:
        told["unscored"] = say(
            "coming-riskiest.unscored", count=not_scored, days=count(rank_look_back_days or 0)
        )
    return told


def spend_test(
    spend_models: pd.DataFrame | None, currency: str, dropout_found: bool | None
) -> dict[str, str] | None:
    """Say how the chosen model of spend did in its last test, beside the baseline."""
    if spend_models is None or spend_models.empty:
        return None
    rows = last_tests(spend_models)
    told = {}
    quarter = rows[rows["days"] == QUARTER]
    chosen, baseline = (
        quarter[some].iloc[0]
        for some in (quarter["chosen"].astype(bool), quarter["model"] == OWN_RATE)
    )
    told["said"] = say(
        "spend-test.said",
        date=day(chosen["date"]),
        predicted=money(chosen["predicted"], currency),
        came=money(chosen["came"], currency),
        top=percent(chosen["top_decile"]),
        perfect=percent(chosen["perfect_decile"]),
    )
    if chosen["model"] == OWN_RATE:
        told["baseline"] = say("spend-test.baseline-is")
    else:
        # By the rule of choice: the baseline lies more than one standard error behind.
        known = {
            "model": f"{float(chosen['spearman']):.2f}",
            "baseline": f"{float(baseline['spearman']):.2f}",
        }
        told["baseline"] = (
            say("spend-test.baseline-better", **known)
            if baseline["behind"] > baseline["behind_error"]
            else say("spend-test.baseline-same", **known)
        )
    year = rows[(rows["days"] == YEAR) & rows["chosen"].astype(bool)]
    if len(year):
        last = year.iloc[0]
        told["year"] = (
            say(
                "spend-test.year-tested",
                date=day(last["date"]),
                predicted=money(last["predicted"], currency),
                came=money(last["came"], currency),
            )
            if last["tested"] == IN_TIME
            else say("spend-test.year", ratio=f"{last['ratio']:.2f}")
        )
    if dropout_found is False:
        told["said-dropout"] = say("spend-test.said-dropout")
    return told


def last_tests(spend_models: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the last test of each horizon."""
    last = spend_models.groupby("days")["date"].transform("max")
    return spend_models[spend_models["date"] == last]


def find_group(coming: pd.DataFrame, name: str) -> dict[str, Any]:
    """Return a row of the forecast by group: all customers, or the active or inactive ones."""
    kind = "all" if name == "all" else "activity"
    some = coming[(coming["kind"] == kind) & (coming["group"] == name)].to_dict("records")
    return {str(key): value for key, value in some[0].items()} if some else {}


def last_day(as_of: str, days: int) -> str:
    """Return the last of the days that are forecast, as text.

    Examples
    --------
    >>> last_day("2011-12-10", 90)
    '8 March 2012'
    """
    return day(dt.date.fromisoformat(as_of) + dt.timedelta(days=days - 1))

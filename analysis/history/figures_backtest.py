"""Draw whether the last forecasts came true, and say what follows from that.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial

import pandas as pd

from analysis.core.formatting import count, day, percent, score, share_of_hundred
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.forecast.figures_lapse import draw_reliability
from analysis.history.names import (
    DECLINE,
    LAPSE,
    LEVEL,
    NO_FORECAST,
    NOT_OVER,
    NOTHING_NEW,
    RANKING,
    UNKNOWN,
)
from analysis.history.text_backtest import Row, are_known, finding, money_is_off
from analysis.strategy.text import write_amount

say = partial(fill, "history")
#: All that can be said of each forecast, by key.
_LAPSE = (
    "backtest-lapse.advice",
    "backtest-lapse.advice-both",
    "backtest-lapse.advice-level",
    "backtest-lapse.advice-money",
    "backtest-lapse.advice-ranking",
    "backtest-lapse.advice-season",
    "backtest-lapse.alt",
    "backtest-lapse.brier",
    "backtest-lapse.headline",
    "backtest-lapse.level",
    "backtest-lapse.level-few",
    "backtest-lapse.level-many",
    "backtest-lapse.listed",
    "backtest-lapse.lists",
    "backtest-lapse.lost",
    "backtest-lapse.money",
    "backtest-lapse.money-off",
    "backtest-lapse.none-days",
    "backtest-lapse.none-forecast",
    "backtest-lapse.none-groups",
    "backtest-lapse.none-unknown",
    "backtest-lapse.ranking",
    "backtest-lapse.ranking-worse",
    "backtest-lapse.subtitle",
    "backtest-lapse.x",
    "backtest-lapse.y",
)
_DECLINE = (
    "backtest-decline.advice",
    "backtest-decline.advice-both",
    "backtest-decline.advice-level",
    "backtest-decline.advice-money",
    "backtest-decline.advice-ranking",
    "backtest-decline.alt",
    "backtest-decline.headline",
    "backtest-decline.level",
    "backtest-decline.level-few",
    "backtest-decline.level-many",
    "backtest-decline.lists",
    "backtest-decline.lost",
    "backtest-decline.money",
    "backtest-decline.money-off",
    "backtest-decline.none-forecast",
    "backtest-decline.none-groups",
    "backtest-decline.none-new",
    "backtest-decline.none-unknown",
    "backtest-decline.ranking",
    "backtest-decline.ranking-worse",
    "backtest-decline.subtitle",
    "backtest-decline.x",
    "backtest-decline.y",
)
_NONE = {NO_FORECAST: "none-forecast", UNKNOWN: "none-unknown", NOTHING_NEW: "none-new"}
_WORDS = {
    model: {name.partition(".")[2]: name for name in names}
    for model, names in ((LAPSE, _LAPSE), (DECLINE, _DECLINE))
}


def backtest_lapse(
    backtest: pd.DataFrame, reliability_lapse: pd.DataFrame | None, currency: str
) -> Figure | str | None:
    """Draw the last forecast of who would stop ordering beside what happened."""
    return _draw(LAPSE, backtest, reliability_lapse, currency)


def backtest_decline(
    backtest: pd.DataFrame, reliability_decline: pd.DataFrame | None, currency: str
) -> Figure | str | None:
    """Draw the last forecast of who would buy less beside what happened."""
    return _draw(DECLINE, backtest, reliability_decline, currency)


def _draw(
    model: str, backtest: pd.DataFrame, groups: pd.DataFrame | None, currency: str
) -> Figure | str | None:
    rows = backtest[backtest["model"] == model] if len(backtest) else backtest
    if rows.empty:
        return None
    row: Row = {str(key): value for key, value in rows.iloc[0].items()}
    words = _WORDS[model]
    if row["no_outcome"] == NOT_OVER:
        then = day(dt.date.fromisoformat(row["start"]))
        return say(words["none-days"], day=then, count=row["missing_days"])
    if row["no_outcome"]:
        return say(words[_NONE[row["no_outcome"]]])
    if groups is None or groups.empty:
        return say(words["none-groups"])
    inside = count(groups["predicted"].between(groups["low"], groups["high"]).sum())
    known = {"inside": inside, "groups": count(len(groups))}
    return Figure(
        draw_reliability(groups, say(words["subtitle"]), say(words["x"]), say(words["y"])),
        say(words["headline"], **known),
        say(words["alt"], **known),
        more=_sentences(words, row, currency),
        data=groups,
    )


def _sentences(words: Mapping[str, str], row: Row, currency: str) -> dict[str, str]:
    """Say how the forecast did in ranking, number and money, and what follows from that."""
    told = {}
    if are_known(row, "roc_auc", "promised"):
        key = "ranking-worse" if RANKING in str(row["reason"]) else "ranking"
        told["ranking"] = say(
            words[key],
            right=share_of_hundred(row["roc_auc"]),
            promised=share_of_hundred(row["promised"]),
        )
    if are_known(row, "predicted", "observed"):
        told["level"] = say(
            words[_level(row)],
            predicted=percent(row["predicted"]),
            customers=count(row["n"]),
            observed=percent(row["observed"]),
            low=percent(row["observed_low"]),
            high=percent(row["observed_high"]),
        )
    if are_known(row, "money", "money_expected") and row["stake"] > 0:
        told["money"] = _money(words, row, currency)
    if are_known(row, "top_events"):
        told["lists"] = say(
            words["lists"],
            customers=count(row["top_customers"]),
            top=percent(row["top"]),
            events=percent(row["top_events"]),
        )
    if are_known(row, "brier", "promised_brier") and "brier" in words:
        told["brier"] = say(
            words["brier"], brier=score(row["brier"]), promised=score(row["promised_brier"])
        )
    if are_known(row, "listed_predicted", "listed_observed") and "listed" in words:
        told["listed"] = say(
            words["listed"],
            count=row["listed"],
            predicted=percent(row["listed_predicted"]),
            observed=percent(row["listed_observed"]),
        )
    if row["judged"]:
        told["advice"] = say(words[f"advice{finding(row)}"])
    if row["lost"]:
        told["lost"] = say(words["lost"], count=row["lost"])
    return told


def _level(row: Row) -> str:
    if LEVEL not in str(row["reason"]):
        return "level"
    return "level-many" if row["predicted"] > row["observed"] else "level-few"


def _money(words: Mapping[str, str], row: Row, currency: str) -> str:
    half = LEDGER if row["model"] == LAPSE else ACTIVITY
    known = {
        name: write_amount(float(row[column]), half, currency)
        for name, column in (
            ("money", "money"),
            ("expected", "money_expected"),
            ("low", "money_expected_low"),
            ("high", "money_expected_high"),
        )
    }
    if money_is_off(row):
        return say(words["money-off"], **known)
    return say(words["money"], money=known["money"], expected=known["expected"])

"""Set the tables about the forecasts.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import (
    capital,
    count,
    day,
    join_words,
    minus,
    score,
    share_of_hundred,
    signed_number,
)
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid
from analysis.forecast import text_decline, text_lapse
from analysis.stats.names import CONSTANT

say = partial(fill, "forecast")


def decline_candidates(activity_models: pd.DataFrame, settings: Any) -> Table | None:
    """Set the candidates of the decline model, with intervals, and mark best and chosen."""
    models = activity_models
    if models.empty:
        return None
    names = {
        "model": say("decline-candidates.model"),
        "roc_auc": say("decline-candidates.area"),
        "behind": say("decline-candidates.behind"),
        "log_loss": say("decline-candidates.loss"),
    }
    rows = models.to_dict("records")
    shown = pd.DataFrame(
        {
            "model": [_name_with_role(row) for row in rows],
            **{
                column: [_span(row, column) for row in rows]
                for column in ("roc_auc", "behind", "log_loss")
            },
        }
    )
    return Table(
        grid(shown, "decline-candidates", names, right=["roc_auc", "behind", "log_loss"]),
        caption=say(
            "decline-candidates.caption",
            repeats=count(settings.models.repeats),
            folds=count(settings.models.folds),
        ),
        more=_choice(models),
        data=models,
    )


def _name_with_role(row: dict[Any, Any]) -> str:
    """Return the name of a candidate of the decline model with what it serves for."""
    called = capital(text_decline.name(row["model"]))
    if row["best_ranking"] and row["chosen"]:
        return say("decline-candidates.model-both", model=called)
    if row["best_ranking"]:
        return say("decline-candidates.model-best", model=called)
    return say("decline-candidates.model-chosen", model=called) if row["chosen"] else called


def _span(row: dict[Any, Any], column: str) -> str:
    value, low, high = (row[f"{column}{end}"] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return MISSING
    if pd.isna(low) or pd.isna(high) or (value == low == high):
        return score(value)
    return say("decline-candidates.span", value=score(value), low=score(low), high=score(high))


def _choice(models: pd.DataFrame) -> dict[str, str]:
    """Say how well the best candidate ranks customers, and where the risks come from."""
    best = text_decline.best_row(models).to_dict()
    if best["model"] == CONSTANT or pd.isna(best["roc_auc"]):
        return {"said": say("decline-candidates.said-constant")}
    known = {
        "model": text_decline.name(best["model"]),
        "right": share_of_hundred(best["roc_auc"]),
    }
    ends = [best["roc_auc_low"], best["roc_auc_high"]]
    if any(pd.isna(end) for end in ends):
        said = say("decline-candidates.said-point", **known)
    else:
        low, high = (share_of_hundred(end) for end in ends)
        said = say("decline-candidates.said", **known, low=low, high=high)
    row = models[models["chosen"].astype(bool)].iloc[0].to_dict()
    if len(models) == 1:
        choice = say("decline-candidates.choice-only")
    elif row["model"] == best["model"]:
        choice = say("decline-candidates.choice")
    else:
        choice = say(
            "decline-candidates.choice-other",
            chosen=text_decline.name(row["model"]),
            loss=score(row["log_loss"]),
            best_loss=score(best["log_loss"]),
            gap=_span(row, "behind"),
        )
    return {"said": said, "choice": choice}


def decline_leakage(activity_leakage: pd.DataFrame) -> Table | None:
    """Set what the customer number, and split near-duplicates, would add to the ROC-AUC."""
    if activity_leakage.empty:
        return None
    names = {
        "model": say("decline-leakage.model"),
        "honest": say("decline-leakage.honest"),
        "id": say("decline-leakage.id"),
        "near_duplicates": say("decline-leakage.near-duplicates"),
    }
    rows: dict[str, dict[str, str]] = {}
    for row in activity_leakage.to_dict("records"):
        own = rows.setdefault(
            row["model"],
            {
                "model": capital(text_decline.name(row["model"])),
                "honest": score(row["honest"]),
            },
        )
        own[row["mistake"]] = _format_added(row)
    shown = pd.DataFrame([*rows.values()])
    names = {column: text for column, text in names.items() if column in shown}
    return Table(
        grid(shown, "decline-leakage", names, right=[*names][1:]),
        data=activity_leakage,
    )


def _format_added(row: dict[Any, Any]) -> str:
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return signed_number(row["added"])
    return say(
        "decline-leakage.span",
        value=signed_number(row["added"]),
        low=signed_number(row["low"]),
        high=signed_number(row["high"]),
    )


def lapse_candidates(
    lapse_models: pd.DataFrame,
    test_date: str | None,
    test_customers: int | None,
    training_customers: int | None,
) -> Table | None:
    """Set the candidates of the lapse model as the test judges them, and say which was chosen."""
    models = lapse_models
    if models.empty or not test_date:
        return None
    names = {
        "model": say("lapse-candidates.model"),
        "roc_auc": say("lapse-candidates.area"),
        "pr_auc": say("lapse-candidates.precision"),
        "brier": say("lapse-candidates.brier"),
    }
    called = [capital(text_lapse.name(model)) for model in models["model"]]
    shown = pd.DataFrame(
        {
            "model": [
                say("lapse-candidates.model-chosen", model=one) if chosen else one
                for one, chosen in zip(called, models["chosen"], strict=True)
            ],
            **{
                column: [
                    say(
                        "lapse-candidates.span",
                        value=score(row[column]),
                        low=score(row[f"{column}_low"]),
                        high=score(row[f"{column}_high"]),
                    )
                    for row in models.to_dict("records")
                ]
                for column in ("roc_auc", "pr_auc", "brier")
            },
        }
    )
    return Table(
        grid(shown, "lapse-candidates", names, right=["roc_auc", "pr_auc", "brier"]),
        caption=say(
            "lapse-candidates.caption",
            count=float(test_customers or 0),
            date=day(pd.Timestamp(test_date)),
            training=count(training_customers or 0),
        ),
        more=_test_sentences(models),
        data=models,
    )


def _test_sentences(models: pd.DataFrame) -> dict[str, str]:
    """Say how well the chosen candidate ranks customers, and whether the test confirms it."""
    row = models[models["chosen"].astype(bool)].iloc[0].to_dict()
    if row["model"] == CONSTANT:
        return {"said": say("lapse-candidates.said-constant")}
    right, low, high = (share_of_hundred(row[f"roc_auc{end}"]) for end in ("", "_low", "_high"))
    best = text_decline.best_row(models)["model"]
    told = {
        "said": say(
            "lapse-candidates.said",
            model=text_lapse.name(row["model"]),
            right=right,
            low=low,
            high=high,
        ),
        "verdict": (
            say("lapse-candidates.verdict")
            if row["eligible"]
            else say("lapse-candidates.verdict-refused", best=text_lapse.name(best))
        ),
    }
    rest = models[[model not in text_lapse.NAMES for model in models["model"]]]
    if len(rest):
        told["gain"] = _gain(rest)
    return told


def _gain(rest: pd.DataFrame) -> str:
    """Say what models of all measures add to recency, orders and spend."""
    up = rest[rest["gain_low"] > 0]
    best = rest.sort_values("gain", kind="stable").iloc[-1]
    known = {
        name: minus(f"{100 * best[column]:.1f}")
        for name, column in (("gain", "gain"), ("low", "gain_low"), ("high", "gain_high"))
    }
    if up.empty:
        return say("lapse-candidates.gain-none", **known)
    return say("lapse-candidates.gain", models=join_words([*up["model"]], "or"), **known)

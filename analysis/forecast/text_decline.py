"""Choose and fill the sentences about the decline model (``sentences.toml``).

Each function holds whichever candidate was chosen, and where there is no model.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import count, minus, number_text, percent, score, shorten
from analysis.core.sentences import fill
from analysis.regulars.names import FEATURE_NAMES, SHARES
from analysis.stats.names import CALIBRATIONS, CONSTANT

say = partial(fill, "forecast")


def name(model: str) -> str:
    """Return how the report calls a candidate.

    Examples
    --------
    >>> name("constant"), name("random forest")
    ('the same risk for everybody', 'random forest')
    """
    return "the same risk for everybody" if model == CONSTANT else shorten(model)


def feature_name(feature: object) -> str:
    """Return how the report calls a feature, in the middle of a sentence."""
    return FEATURE_NAMES.get(str(feature), shorten(feature))


def feature_value(feature: object, value: float) -> str:
    """Return a feature's value as text.

    Examples
    --------
    >>> feature_value("promo_share", 0.331), feature_value("revenue_trend", -0.2)
    ('33%', '−0.2')
    """
    return percent(value) if feature in (*SHARES, "consent") else minus(number_text(value))


def decline_scope(
    kept_customers: int | None, kept_declined_share: float | None, model: str | None
) -> dict[str, str] | None:
    """Say how many regular customers the model is about, and how many bought less."""
    if not model or kept_customers is None or kept_declined_share is None:
        return None
    return {
        "said": say(
            "decline-scope.said",
            customers=count(kept_customers),
            share=percent(kept_declined_share, 1),
        )
    }


def decline_label(
    label_change_declined: float | None,
    label_change_stayed: float | None,
    label_not_less: float | None,
) -> dict[str, str] | None:
    """Say whether the revenue of those labelled as buying less has fallen in the table."""
    if label_change_declined is None or label_change_stayed is None or label_not_less is None:
        return None
    known = {
        "declined": minus(f"{label_change_declined:+.1%}"),
        "stayed": minus(f"{label_change_stayed:+.1%}"),
    }
    if label_change_declined < min(label_change_stayed, 0.0):
        return {"said": say("decline-label.said-fall", **known)}
    return {"said": say("decline-label.said", **known, share=percent(label_not_less))}


def decline_without_model(
    fewest_of_one_kind: int | None, needed_of_each_kind: int | None
) -> dict[str, str] | None:
    """Say why there is no model of regular customers; nothing where there is one."""
    if fewest_of_one_kind is None or needed_of_each_kind is None:
        return None
    known = {"needed": count(needed_of_each_kind), "count": count(fewest_of_one_kind)}
    return {"said": say("decline-without-model.said", **known)}


def decline_calibration(
    model: str | None,
    calibration: str | None,
    constant_brier: float,
    brier_as_it_is: float,
    brier_sigmoid: float,
    brier_isotonic: float,
    calibration_gain: float,
    calibration_gain_low: float,
    calibration_gain_high: float,
) -> dict[str, str] | None:
    """Say how far the risks are from the outcomes, and what calibration does to that."""
    if not model or calibration not in CALIBRATIONS:
        return None
    briers = dict(zip(CALIBRATIONS, (brier_as_it_is, brier_sigmoid, brier_isotonic), strict=True))
    known = {"brier": score(briers[calibration]), "constant": score(constant_brier)}
    if calibration == CALIBRATIONS[0]:
        return {"said": say("decline-calibration.said-none", **known)}
    known["calibration"] = calibration
    if not calibration_gain > 0:
        return {"said": say("decline-calibration.said-scores", **known)}
    known["gain"] = score(calibration_gain)
    if not calibration_gain_low > 0:
        return {"said": say("decline-calibration.said-unsure", **known)}
    ends = {"low": score(calibration_gain_low), "high": score(calibration_gain_high)}
    return {"said": say("decline-calibration.said", **known, **ends)}


def best_row(models: pd.DataFrame) -> pd.Series:
    """Return the candidate with the highest ROC-AUC; the first of equals."""
    return models.iloc[int(models["roc_auc"].astype(float).fillna(-1).to_numpy().argmax())]

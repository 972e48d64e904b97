"""Back-test the last forecast: compare it with what customers then did.

An accepted build left a probability for each customer, and a promise: how well its model did when
it was tested. The next quarter's data says what happened. `lapse_outcomes` and `decline_outcomes`
put both beside each other, `judge` measures, and `check_promise` compares the measures with the
promise. Predictions are taken as they were written down then: nothing is fitted here that a model
could learn from.

Decline is judged by the new tables' own label. Customers who are in the new tables no more cannot
be judged: they are counted, and may be those who have left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import special, stats

from analysis.history.names import FEWEST_OF_A_KIND, LEVEL, RANKING
from analysis.history.outcomes import Outcomes
from analysis.stats import bootstrap, evaluation
from analysis.stats.evaluation import EDGE
from analysis.stats.expectation import expect_measures
from analysis.stats.intervals import wilson
from analysis.stats.models import Numbers
from analysis.stats.ranking import captured_share

#: The list whose catch is told: this share of the customers.
TOP = 0.1
#: A miss counts when it is credible, and larger than this share of what was promised: of a
#: model's lead over a coin, or of the rarer kind's expected number. With very many customers the
#: least change is credible, and changes no decision.
MATERIAL = 0.1
#: Normal quantiles of the two checks: one to one side, one to both. Each then calls 2.5 in 100
#: sound models decayed at most, and both together 5 in 100.
#: How much sound forecasts differ from quarter to quarter beyond what independent customers would:
#: standard deviations of the ROC-AUC, and of the log odds of the share. Of the gift shop, the
#: ROC-AUC varied from .73 to .78 over six quarters, and shares by 2 to 4 points against the same
#: season's forecast.
BETWEEN_AREA, BETWEEN_ODDS = 0.02, 0.15
WORSE, OFF = float(stats.norm.ppf(0.975)), float(stats.norm.ppf(0.9875))
_ENDS = ("", "_low", "_high")
#: Fewer customers of one kind who were on no contact list do not judge a model by themselves.
FEWEST_UNLISTED = 50
#: The columns of `judge` that hold measures.
MEASURES = [
    "predicted",
    *[f"observed{end}" for end in _ENDS],
    "observed_se",
    *[f"roc_auc{end}" for end in _ENDS],
    "brier",
    "brier_constant",
    *[f"{name}{end}" for name in ("brier_gain", "intercept", "slope") for end in _ENDS],
    "stake",
    "after",
    *[f"money_expected{end}" for end in _ENDS],
    "money",
    "top",
    "top_customers",
    *[
        f"{name}{end}"
        for name in ("top_events", "top_money", "value_money", "stake_money")
        for end in _ENDS
    ],
]


class Promise(NamedTuple):
    """What an accepted build said about its model.

    Attributes
    ----------
    roc_auc, low, high
        As tested then, with its 95% interval.
    customers
        How many the model has learnt from: the level that it expects is only as certain as that.
    level
        Whether it said how many would lapse. Where the season was not known, it only ranked
        customers, and only their ranking can decay.
    seasonal
        Whether the level depends on the season: where it was off and the ranking holds, this
        season differed from the one learnt from, and the model has not decayed.
    brier
        The Brier score that was to be expected; missing where none was told.
    """

    roc_auc: float
    low: float
    high: float
    customers: int
    level: bool = True
    seasonal: bool = False
    brier: float = np.nan


class Verdict(NamedTuple):
    """What the back-test says.

    Attributes
    ----------
    judged
        Whether anything could be judged.
    decayed
        Whether the model has decayed.
    reason
        What was off: `RANKING`, `LEVEL` or both, joined by " and "; "" where nothing was. A level
        that was off for the season is no decay.
    """

    judged: bool
    decayed: bool
    reason: str


def recalibration(happened: npt.ArrayLike, predicted: npt.ArrayLike) -> dict[str, float]:
    """Return how the predicted log odds would have to be moved and stretched to fit what happened.

    Returns
    -------
    dict
        ``intercept`` (at slope 1: above 0, more came than predicted) and ``slope`` (below 1, the
        predictions are too extreme; at 0 or below, they tell nothing), each with ``_low`` and
        ``_high`` (95%, Wald); missing with fewer than `FEWEST_OF_A_KIND` customers of one kind, and
        where no slope fits: all predictions are the same, or separate the kinds entirely.

    References
    ----------
    Cox, D. R. (1958). Two further applications of a model for binary regression. *Biometrika*,
    45(3/4), 562-565.
    """
    y = np.asarray(happened, dtype=bool)
    x = special.logit(np.clip(np.asarray(predicted, dtype=float), EDGE, 1 - EDGE))
    found = {f"{name}{end}": np.nan for name in ("intercept", "slope") for end in _ENDS}
    if min(y.sum(), (~y).sum()) < FEWEST_OF_A_KIND:
        return found
    one = np.ones((len(x), 1))
    fits = {"intercept": (one, x)}
    if x[y].min() < x[~y].max() and x[~y].min() < x[y].max():
        fits["slope"] = (np.column_stack([x, one]), np.zeros(len(x)))
    for name, (design, offset) in fits.items():
        made = sm.GLM(y.astype(float), design, sm.families.Binomial(), offset=offset).fit()
        low, high = made.conf_int()[0]
        found |= {
            name: float(made.params[0]),
            f"{name}_low": float(low),
            f"{name}_high": float(high),
        }
    return found


def judge(outcomes: pd.DataFrame, seed: int, minimum_group: int = 1) -> pd.DataFrame:
    """Compare the forecast with what happened.

    Parameters
    ----------
    outcomes
        `Outcomes.table`. Rows without a probability do not count.
    seed
        Of the bootstrap.
    minimum_group
        Money is not told of fewer customers, and of fewer customers nothing but their number.

    Returns
    -------
    pandas.DataFrame
        One row. ``n`` and ``events`` (customers, and those to whom it happened). ``predicted``
        (mean) and ``observed`` (share, with Wilson's interval), ``observed_se`` (by how much the
        share varies if the predictions are right: root of their Poisson binomial variance).
        ``roc_auc``; ``brier``, ``brier_constant`` (of the mean prediction for everybody: what
        could be said then without telling customers apart; the share that came was not known)
        and ``brier_gain``. ``intercept`` and ``slope`` from `recalibration`. ``stake`` (all that
        was at stake) and ``after``; ``money_expected`` (stakes times probabilities) and
        ``money`` (stakes of those to whom it happened). ``top`` (`TOP`), ``top_customers``;
        ``top_events``, ``top_money``: shares of the events and of that money with the top of a
        list by probability; ``value_money`` and ``stake_money``: by probability times stake, and
        by stake alone. A random list catches `TOP`. Measures have ``_low`` and ``_high`` (95%).
        What cannot be told is missing.

    References
    ----------
    Intervals of ROC-AUC, Brier gain and lists are percentiles over bootstraps of the customers;
    of more than `stats.bootstrap.MANY` as many are drawn, and the spread is scaled by
    the root of the ratio: Politis, D. N., & Romano, J. P. (1994). Large sample confidence regions
    based on subsamples under minimal assumptions. *Annals of Statistics*, 22(4), 2031-2050.
    """
    known = outcomes.dropna(subset=["probability"])
    # By content: names of customers cannot show in what is drawn.
    known = known.sort_values(["probability", "stake", "happened", "after"], kind="stable")
    p, y = known["probability"].to_numpy(float), known["happened"].to_numpy(bool)
    stake = known["stake"].to_numpy(float)
    n, events = len(known), int(y.sum())
    row: dict[str, Any] = {"n": n, "events": np.nan, **dict.fromkeys(MEASURES, np.nan)}
    row |= {"top": TOP, "top_customers": round(TOP * n)}
    if n >= max(minimum_group, 1):
        low, high = wilson(events, n)
        row |= {
            "events": events,
            "predicted": p.mean(),
            "observed": events / n,
            "observed_low": float(low),
            "observed_high": float(high),
            "observed_se": float(np.sqrt((p * (1 - p)).sum()) / n),
            "brier": float(((p - y) ** 2).mean()),
            "brier_constant": float(((p.mean() - y) ** 2).mean()),
            "stake": stake.sum(),
            "after": float(known["after"].sum()),
            "money_expected": float((p * stake).sum()),
            **recalibration(y, p),
        }
        reach = float(stats.norm.ppf(0.975) * np.sqrt((p * (1 - p) * stake**2).sum()))
        row["money_expected_low"] = max(row["money_expected"] - reach, 0.0)
        row["money_expected_high"] = min(row["money_expected"] + reach, row["stake"])
        # What one kind had, the sum tells of the other.
        if min(events, n - events) >= minimum_group:
            row["money"] = float((stake * y).sum())
        if min(events, n - events) >= FEWEST_OF_A_KIND:
            row |= _resample_measures(
                p, y, stake, seed, row["top_customers"] >= max(minimum_group, 1)
            )
    return pd.DataFrame([row]).astype({"events": float})


def _resample_measures(
    p: Numbers, y: npt.NDArray[np.bool_], stake: Numbers, seed: int, lists: bool
) -> dict[str, float]:
    """Return the measures whose intervals come from the bootstrap."""

    def measure(rows: npt.NDArray[np.intp], weights: Numbers) -> dict[str, Numbers]:
        q, came, value = p[rows], y[rows].astype(float), stake[rows]
        usual = evaluation.weighted_measures(came, q, weights)
        total = weights.sum(axis=1)
        same = weights @ ((p.mean() - came) ** 2) / total
        found = {"roc_auc": usual["roc_auc"], "brier_gain": same - usual["brier"]}
        if lists:
            lost = came * value
            found |= {
                "top_events": captured_share(q, came, weights, TOP),
                "top_money": captured_share(q, lost, weights, TOP),
                "value_money": captured_share(q * value, lost, weights, TOP),
                "stake_money": captured_share(value, lost, weights, TOP),
            }
        return found

    rows = bootstrap.subsample(len(p), seed)
    whole = measure(np.arange(len(p)), np.ones((1, len(p))))
    # A draw may hold one kind only, and says nothing then.
    with np.errstate(divide="ignore", invalid="ignore"):
        part = measure(rows, np.ones((1, len(rows))))
        drawn = [measure(rows, weights) for weights in bootstrap.resampled_counts(len(rows), seed)]
    row: dict[str, float] = {}
    for name, (value,) in whole.items():
        low, high = bootstrap.subsample_interval(
            np.concatenate([block[name] for block in drawn]),
            float(part[name][0]),
            float(value),
            len(rows),
            len(p),
        )
        row |= {name: float(value), f"{name}_low": low, f"{name}_high": high}
    return row


def reliability(outcomes: pd.DataFrame, minimum_group: int = 1) -> pd.DataFrame:
    """Return predicted and observed shares, in groups by prediction.

    Returns
    -------
    pandas.DataFrame
        As `stats.evaluation.reliability` has it. Empty with fewer customers than `minimum_group`.
    """
    known = outcomes.dropna(subset=["probability"])
    table = evaluation.reliability(
        known["happened"] if len(known) else [False],
        known["probability"] if len(known) else [0.0],
        minimum_group=max(minimum_group, FEWEST_OF_A_KIND),
    )
    return table.head(0) if len(known) < max(minimum_group, 1) else table


def lapse_promise(facts: Mapping[str, Any], outcomes: pd.DataFrame, seed: int) -> Promise | None:
    """Return what an earlier build promised of lapsing; None where nobody had a risk.

    The promise is what calibrated risks say of themselves (`stats.expectation`): how well these
    very customers would be ranked, and how far the risks would be off.

    Parameters
    ----------
    facts
        The earlier build's.
    outcomes
        `Outcomes.table`, of the customers by whom the forecast is judged.
    seed
        Of the draws.
    """
    risk = outcomes["probability"].dropna()
    if risk.empty:
        return None
    area, brier = expect_measures(risk, seed)
    learnt = facts.get("lapse.training_customers") or 0
    learnt += facts.get("lapse.test_customers") or 0
    known = bool(facts.get("forecast.season_known", True))
    return Promise(*area, int(learnt), known, True, brier.value)


def decline_promise(activity_models: pd.DataFrame, customers: int) -> Promise | None:
    """Return what an earlier build promised of decline; None where it had no model.

    Parameters
    ----------
    activity_models
        The earlier build's.
    customers
        How many its model learnt from: the rows of its activity table.
    """
    chosen = activity_models[activity_models["chosen"]] if len(activity_models) else activity_models
    if chosen.empty:
        return None
    area, low, high = (float(chosen[f"roc_auc{end}"].iloc[0]) for end in _ENDS)
    return Promise(area, low, high, customers)


def check_promise(row: Mapping[str, Any] | pd.Series, promise: Promise | None) -> Verdict:
    """Tell whether a forecast kept its promise.

    Two things may be off, and the one may hold where the other does not. The *ranking* is off
    when the 95% interval of the difference between the ROC-AUC now and the one promised lies
    below zero, both being uncertain (normal approximation). The *level* is off when the share to
    whom it happened lies outside the 97.5% interval around the mean prediction. Customers of one
    quarter are alike in more than their risks, so both intervals also allow for the variance
    between quarters (`BETWEEN_AREA`, `BETWEEN_ODDS`). Either must be `MATERIAL` too.

    A ranking that is off is decay. So is a level, unless it depends on the season and the ranking
    holds: then this season differed from last year's.

    Parameters
    ----------
    row
        A row of `judge`.
    promise
        What the earlier build said; None: nothing, so that nothing is judged.

    Returns
    -------
    Verdict
        Not judged without a promise, or where neither ranking nor level is known well enough:
        the ranking needs `FEWEST_OF_A_KIND` customers of either kind, the level a variance of as
        many.
    """
    if promise is None:
        return Verdict(False, False, "")
    reasons = []
    width = float(stats.norm.ppf(0.975) - stats.norm.ppf(0.025))
    now = (row["roc_auc_high"] - row["roc_auc_low"]) / width
    then = (promise.high - promise.low) / width
    ranked = bool(np.isfinite([row["roc_auc"], now, promise.roc_auc, then]).all())
    if ranked:
        worse = promise.roc_auc - row["roc_auc"]
        spread = float(np.sqrt(now**2 + then**2 + BETWEEN_AREA**2))
        if worse > max(WORSE * spread, MATERIAL * (promise.roc_auc - 0.5)):
            reasons.append(RANKING)
    mean, error = row["predicted"], row["observed_se"]
    levelled = (
        promise.level
        and bool(np.isfinite([mean, error]).all())
        and (error * row["n"]) ** 2 >= FEWEST_OF_A_KIND
    )
    if levelled:
        learnt = mean * (1 - mean) / max(promise.customers, 1)
        between = BETWEEN_ODDS * mean * (1 - mean)
        off = abs(row["observed"] - mean)
        spread = float(np.sqrt(error**2 + learnt + between**2))
        if off > max(OFF * spread, MATERIAL * min(mean, 1 - mean)):
            reasons.append(LEVEL)
    season = promise.seasonal and ranked and reasons == [LEVEL]
    return Verdict(ranked or levelled, bool(reasons) and not season, " and ".join(reasons))


def backtest(
    model: str, outcomes: Outcomes, promise: Promise | None, seed: int, minimum_group: int = 1
) -> pd.DataFrame:
    """Return all that there is to publish of one model's back-test.

    Parameters
    ----------
    model
        `LAPSE` or `DECLINE`.
    outcomes, promise
        What came, and what was promised.
    seed, minimum_group
        As in `judge`.

    Returns
    -------
    pandas.DataFrame
        One row: model; no_outcome and missing_days (of `Outcomes`); lost, new; the columns of
        `judge`, for the customers of `split_by_contact`; listed (customers judged apart) with
        listed_predicted and listed_observed, missing where they are too few; promised,
        promised_low, promised_high (ROC-AUC), promised_brier and promised_customers, missing
        without a promise; judged, decayed and reason (`Verdict`).
    """
    kept, apart = split_by_contact(outcomes.table)
    row = judge(kept, seed, minimum_group)
    verdict = check_promise(row.iloc[0], promise)
    said = promise or Promise(np.nan, np.nan, np.nan, 0)
    told = judge(apart, seed, max(minimum_group, FEWEST_OF_A_KIND)).iloc[0]
    row.insert(0, "model", model)
    row.insert(1, "no_outcome", outcomes.reason)
    row.insert(2, "missing_days", outcomes.missing)
    row.insert(3, "lost", outcomes.lost)
    row.insert(4, "new", outcomes.new)
    return row.assign(
        listed=len(apart),
        listed_predicted=told["predicted"],
        listed_observed=told["observed"],
        promised=said.roc_auc,
        promised_low=said.low,
        promised_high=said.high,
        promised_brier=said.brier,
        promised_customers=said.customers,
        **verdict._asdict(),
    )


def split_by_contact(outcomes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the customers by whom a forecast is judged, and those who are judged apart.

    Who was on a contact list may have done something else because of the contact. All are judged
    together where the others are too few to tell anything.
    """
    known = outcomes[outcomes["probability"].notna()]
    listed = known["listed"].astype(bool)
    kinds = known.loc[~listed, "happened"].astype(bool)
    if listed.any() and min(kinds.sum(), (~kinds).sum()) >= FEWEST_UNLISTED:
        return known[~listed], known[listed]
    return outcomes, outcomes.iloc[:0]

"""Evaluate models on rows that they were not trained on, and choose one.

The candidates stand in the order of their simplicity. Each is tuned on training rows alone, and
judged on rows that it has not seen; the rule that chooses is `stats.names.MODEL_RULE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from analysis.stats.intervals import corrected_interval, wilson
from analysis.stats.models import (
    INNER_FOLDS,
    Fold,
    predict_calibrated,
    prepare_fold,
    run_parallel,
    tune,
    usual_calibration,
    usual_parameters,
)
from analysis.stats.names import CONSTANT

#: Parameters of a candidate, by name.
Parameters = dict[str, Any]
#: Rows to train on, and rows to test on, by their places.
Split = tuple[npt.NDArray[Any], npt.NDArray[Any]]
Numbers = npt.NDArray[np.float64]
#: What a model is judged by; of the first two more is better, of the others less.
MEASURES = ("roc_auc", "pr_auc", "brier", "log_loss")
#: A model needs at least so many rows of each class; with fewer, every fold is chance.
FEWEST = 50
#: Probabilities are kept off 0 and 1, where one wrong row makes the log loss infinite.
EDGE = 0.001


def judge(label: npt.ArrayLike, predicted: npt.ArrayLike) -> dict[str, float]:
    """Return every one of `MEASURES` for predictions of rows that the model has not seen.

    Examples
    --------
    >>> judge([0, 1, 1, 0], [0.1, 0.9, 0.6, 0.4])["roc_auc"]
    1.0
    """
    truth, p = np.asarray(label, dtype=bool), np.asarray(predicted, dtype=float)
    return {
        "roc_auc": float(roc_auc_score(truth, p)),
        "pr_auc": float(average_precision_score(truth, p)),
        "brier": float(brier_score_loss(truth, p)),
        "log_loss": float(log_loss(truth, np.clip(p, EDGE, 1 - EDGE))),
    }


def reliability(
    label: npt.ArrayLike, predicted: npt.ArrayLike, bins: int = 10, minimum_group: int = 1
) -> pd.DataFrame:
    """Return predicted and observed shares, in groups of equal size by prediction.

    Parameters
    ----------
    label, predicted
        What came, and its probability for rows that the model has not seen.
    bins
        Groups at most. Equal predictions stay together.
    minimum_group
        The fewest rows of a group, unless there are fewer in all.

    Returns
    -------
    pandas.DataFrame
        predicted (mean), observed (share), low, high (Wilson's 95% interval), customers.
    """
    table = pd.DataFrame({"y": np.asarray(label, dtype=float), "p": np.asarray(predicted)})
    wanted = max(1, min(bins, len(table) // max(minimum_group, 1)))
    for cuts in range(wanted, 0, -1):
        place = pd.qcut(table["p"], cuts, labels=False, duplicates="drop")
        # With equal predictions everywhere there is no edge between groups.
        groups = table.groupby(place.fillna(0), sort=True)
        # Equal predictions on one side of an edge leave the group on the other with few rows.
        if groups.size().min() >= minimum_group:
            break
    low, high = wilson(groups["y"].sum(), groups.size())
    return pd.DataFrame(
        {
            "predicted": groups["p"].mean().to_numpy(),
            "observed": groups["y"].mean().to_numpy(),
            "low": low,
            "high": high,
            "customers": groups.size().to_numpy(),
        }
    )


def grouped_splits(
    label: npt.ArrayLike, groups: npt.ArrayLike, folds: int, repeats: int, seed: int
) -> list[Split]:
    """Return the splits of a repeated, shuffled, stratified cross-validation that keeps groups.

    Parameters
    ----------
    label
        Both classes come in every fold in about equal shares.
    groups
        Rows of one group are all in training or all in test.
    folds, repeats
        ``folds`` splits a repeat, one repeat after the other.
    seed
        Of the first repeat.
    """
    y, g = np.asarray(label), np.asarray(groups)
    return [
        split
        for repeat in range(repeats)
        for split in StratifiedGroupKFold(folds, shuffle=True, random_state=seed + repeat).split(
            np.zeros(len(y)), y, g
        )
    ]


class Judged(NamedTuple):
    """How one candidate did on every split.

    Attributes
    ----------
    scores
        One row a split, in their order: `MEASURES`.
    predicted
        For each split, the probabilities of its test rows.
    parameters
        For each split, what was tuned on its training rows.
    """

    scores: pd.DataFrame
    predicted: list[Numbers]
    parameters: list[Parameters]


class Prepared(NamedTuple):
    """A split, prepared for all candidates, and the folds of its training rows for their tuning."""

    outer: Fold
    inner: list[Fold]


def prepare_splits(
    table: pd.DataFrame,
    label: npt.ArrayLike,
    groups: npt.ArrayLike,
    splits: Sequence[Split],
    seed: int,
) -> list[Prepared]:
    """Prepare each split, and inner folds of its training rows, once.

    Parameters
    ----------
    table, label, groups
        Features, outcomes, and which rows belong together.
    splits
        From `grouped_splits`.
    seed
        Of the inner folds.
    """
    y, g = np.asarray(label), np.asarray(groups)

    def prepare_split(train: npt.NDArray[np.intp], test: npt.NDArray[np.intp]) -> Prepared:
        inner = grouped_splits(y[train], g[train], INNER_FOLDS, 1, seed)
        rows = table.iloc[train]
        return Prepared(
            prepare_fold(table, y, (train, test)),
            [prepare_fold(rows, y[train], split) for split in inner],
        )

    return run_parallel(prepare_split, splits)


def cross_validate(model: str, prepared: Sequence[Prepared], seed: int) -> Judged:
    """Tune a candidate inside each split's training rows, and judge it on the test rows.

    Parameters
    ----------
    model
        One of `CANDIDATES`.
    prepared
        From `prepare_splits`.
    seed
        For candidates that draw.
    """

    def judge_split(outer: Fold, inner: list[Fold]) -> tuple[Any, ...]:
        parameters = tune(model, inner, seed)
        ways = [usual_calibration(model)]
        [p] = predict_calibrated(model, outer, inner, seed, parameters, ways)
        return judge(outer.outcome, p), p, parameters

    done = run_parallel(judge_split, prepared)
    return Judged(pd.DataFrame([d[0] for d in done]), [d[1] for d in done], [d[2] for d in done])


def mean_out_of_fold(predicted: Sequence[Numbers], splits: Sequence[Split], rows: int) -> Numbers:
    """Return each row's mean prediction by models that have not seen it; NaN where there is none.

    No finite number of customers makes a certainty: predictions end at `EDGE` and ``1 - EDGE``.

    Parameters
    ----------
    predicted
        For each split, the predictions of its test rows.
    splits
        The splits.
    rows
        How many rows there are in all.
    """
    total, times = np.zeros(rows), np.zeros(rows)
    for p, (_, test) in zip(predicted, splits, strict=True):
        total[test] += p
        times[test] += 1
    with np.errstate(invalid="ignore"):
        return np.asarray(np.clip(total / times, EDGE, 1 - EDGE))


def comparison(tested: dict[str, Judged], test_share: float) -> pd.DataFrame:
    """Set the candidates beside each other, and choose one by `MODEL_RULE`.

    Parameters
    ----------
    tested
        By model, from the simplest to the least simple, on the same splits.
    test_share
        The share of rows that each split tests on.

    Returns
    -------
    pandas.DataFrame
        model; mean, ``_low`` and ``_high`` of each of `MEASURES`; ``gain`` in ROC-AUC over the
        simplest candidate other than the constant, and ``behind`` the best, both paired by split
        with ``_low`` and ``_high``; roc_auc_lowest and roc_auc_highest (of the single splits);
        parameters (those tuned most often); chosen.
    """
    areas = {model: result.scores["roc_auc"].to_numpy() for model, result in tested.items()}
    best = max(areas, key=lambda model: areas[model].mean())
    base = next((model for model in areas if model != CONSTANT), CONSTANT)
    rows = []
    for model, result in tested.items():
        row: dict[str, Any] = {"model": model}
        compared = {
            **{m: result.scores[m] for m in MEASURES},
            "gain": areas[model] - areas[base],
            "behind": areas[best] - areas[model],
        }
        for name, values in compared.items():
            row[name], row[f"{name}_low"], row[f"{name}_high"] = corrected_interval(
                values, test_share
            )
        row["roc_auc_lowest"], row["roc_auc_highest"] = areas[model].min(), areas[model].max()
        row["parameters"] = usual_parameters(result.parameters)[0]
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(chosen=table.index == int(np.argmax(table["behind_low"] <= 0)))


def weighted_measures(
    lapsed: npt.ArrayLike, probability: npt.ArrayLike, weights: Numbers
) -> dict[str, Numbers]:
    """Return every one of `MEASURES` once for each row of weights, all at a time.

    Parameters
    ----------
    lapsed, probability
        What came, and what was predicted.
    weights
        How often each customer counts: one row a resample.

    Examples
    --------
    >>> weighted_measures([0, 1, 1, 0], [0.1, 0.9, 0.3, 0.4], np.ones((1, 4)))["roc_auc"]
    array([0.75])
    """
    y, p = np.asarray(lapsed, dtype=float), np.asarray(probability, dtype=float)
    order = np.argsort(-p, kind="stable")
    # Customers with the same probability pass a threshold together.
    ends = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    sorted_weights = weights[:, order]
    hits = np.cumsum(sorted_weights * y[order], axis=1)[:, ends]
    all_above = np.cumsum(sorted_weights, axis=1)[:, ends]
    found = np.diff(hits, axis=1, prepend=0.0)
    alarms = np.diff(all_above - hits, axis=1, prepend=0.0)
    positives, total = hits[:, -1], all_above[:, -1]
    area = (alarms * (hits - found / 2)).sum(axis=1) / (positives * (total - positives))
    # A resample may have nobody above the first thresholds: nothing is found there either.
    precise = (found * hits / np.maximum(all_above, 1e-9)).sum(axis=1) / positives
    safe = np.clip(p, EDGE, 1 - EDGE)
    losses = -np.where(y > 0, np.log(safe), np.log(1 - safe))
    values = (area, precise, weights @ (p - y) ** 2 / total, weights @ losses / total)
    return dict(zip(MEASURES, values, strict=True))

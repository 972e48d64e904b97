"""Which models may predict, how are they tuned and judged, and which one is taken?

The candidates stand in the order of their simplicity. Each is tuned on training rows alone, and
judged on rows that it has not seen; the rule that chooses is `analysis.names.MODEL_RULE`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from scipy import special, stats
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from analysis.names import CALIBRATIONS, CONSTANT
from analysis.profiles import wilson

Numbers = npt.NDArray[np.float64]
#: Rows to train on, and rows to test on, by their places.
Split = tuple[npt.NDArray[Any], npt.NDArray[Any]]
#: Parameters of a candidate, by name.
Parameters = dict[str, Any]


class Candidate(NamedTuple):
    """A model, and the values to be tried for its parameters."""

    estimator: BaseEstimator
    grid: dict[str, list[Any]]


#: From the simplest to the least simple.
CANDIDATES: dict[str, Candidate] = {
    CONSTANT: Candidate(DummyClassifier(strategy="prior"), {}),
    "logistic regression": Candidate(
        LogisticRegression(max_iter=2000), {"C": [0.03, 0.1, 0.3, 3.0]}
    ),
    "decision tree": Candidate(
        DecisionTreeClassifier(), {"max_depth": [3, 5, 8], "min_samples_leaf": [10, 30]}
    ),
    "k-nearest neighbours": Candidate(
        KNeighborsClassifier(), {"n_neighbors": [11, 21, 41], "weights": ["uniform", "distance"]}
    ),
    "support vector machine": Candidate(SVC(), {"C": [0.1, 0.3, 1.0], "gamma": ["scale", 0.02]}),
    "random forest": Candidate(
        RandomForestClassifier(n_estimators=120, max_features="sqrt"), {"min_samples_leaf": [1, 5]}
    ),
    "gradient boosting": Candidate(
        HistGradientBoostingClassifier(learning_rate=0.06, max_iter=120, l2_regularization=10.0),
        {"max_leaf_nodes": [4, 12]},
    ),
}
#: What a model is judged by; of the first two more is better, of the others less.
MEASURES = ("roc_auc", "pr_auc", "brier", "log_loss")
#: A model needs at least so many rows of each class; with fewer, every fold is chance.
FEWEST = 50
#: Folds of the tuning, inside each split's training rows.
INNER_FOLDS = 3
#: Probabilities are kept off 0 and 1, where one wrong row makes the log loss infinite.
EDGE = 0.001

# ------------------------------------------------------------------------------ fitting


def pipeline(model: str, seed: int, parameters: Parameters | None = None) -> Pipeline:
    """Return a candidate with its preparation: numbers standardised, words as 0 and 1.

    Preparation is a part of the pipeline, so that it too is learnt from training rows alone.

    Parameters
    ----------
    model
        One of `CANDIDATES`.
    seed
        For candidates that draw.
    parameters
        Values for the candidate's parameters.
    """
    estimator = clone(CANDIDATES[model].estimator).set_params(**(parameters or {}))
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    prepare = make_column_transformer(
        (StandardScaler(), make_column_selector(dtype_exclude=["object", "str"])),
        (
            OneHotEncoder(
                drop="if_binary",
                min_frequency=10,
                handle_unknown="infrequent_if_exist",
                sparse_output=False,
                feature_name_combiner=_level_name,
            ),
            make_column_selector(dtype_include=["object", "str"]),
        ),
    )
    return Pipeline([("prepare", prepare), ("model", estimator)])


def _level_name(feature: str, level: object) -> str:
    return f"{feature}\0{level}"


def prepared(made: Pipeline, table: pd.DataFrame) -> tuple[Numbers, list[str]]:
    """Return what a candidate's preparation makes of some rows, and whose each column is.

    Parameters
    ----------
    made
        From `fitted`, not calibrated.
    table
        Features.

    Returns
    -------
    tuple
        The matrix that the model itself sees, and for each column the feature behind it.
    """
    names = made[0].get_feature_names_out()
    owners = [str(name).split("__", 1)[1].split("\0", 1)[0] for name in names]
    return _quiet(made[0].transform, table), owners


def tune(
    model: str, table: pd.DataFrame, label: npt.ArrayLike, splits: Sequence[Split], seed: int
) -> Parameters:
    """Return the parameters with the best mean ROC-AUC over some splits of the training rows."""
    grid = {f"model__{name}": values for name, values in CANDIDATES[model].grid.items()}
    if not grid:
        return {}
    search = GridSearchCV(pipeline(model, seed), grid, scoring="roc_auc", cv=list(splits),
                          refit=False, error_score="raise")  # fmt: skip
    search.fit(table, label)
    return {name.removeprefix("model__"): v for name, v in search.best_params_.items()}


def fitted(
    model: str,
    table: pd.DataFrame,
    label: npt.ArrayLike,
    splits: Sequence[Split],
    seed: int,
    parameters: Parameters,
    calibration: str = CALIBRATIONS[0],
) -> BaseEstimator:
    """Return a candidate, fitted to all rows given.

    Parameters
    ----------
    model, table, label, splits, seed, parameters
        As `tune` and `pipeline` take and return them.
    calibration
        One of `CALIBRATIONS`. Other than the first, the calibrator is fitted to predictions for
        rows that the model, in the splits, has not seen (Platt 1999; Zadrozny and Elkan 2002).
    """
    made = pipeline(model, seed, parameters)
    if calibration != CALIBRATIONS[0]:
        made = CalibratedClassifierCV(made, method=calibration, cv=list(splits), ensemble=False)
    return _quiet(made.fit, table, label)


def _quiet(call: Callable[..., Any], *given: Any) -> Any:
    """Call without the warning that a fold lacks a rare word: it counts as infrequent there."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Found unknown categories")
        return call(*given)


def probability(made: BaseEstimator, table: pd.DataFrame | Numbers) -> Numbers:
    """Return the probability of the label for each row.

    A support vector machine has distances instead; they are squeezed between 0 and 1, and are no
    probabilities before they are calibrated.
    """
    if hasattr(made, "predict_proba"):
        return np.asarray(_quiet(made.predict_proba, table)[:, 1], dtype=float)
    return np.asarray(special.expit(_quiet(made.decision_function, table)), dtype=float)


def usual_calibration(model: str) -> str:
    """Return how a candidate's predictions become probabilities when nothing else is said."""
    has = hasattr(CANDIDATES[model].estimator, "predict_proba")
    return CALIBRATIONS[0] if has else CALIBRATIONS[1]


# ------------------------------------------------------------------------------ judging


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


def corrected_interval(values: npt.ArrayLike, test_share: float) -> tuple[float, float, float]:
    """Return mean and 95% interval of a score over resampled splits, which share training rows.

    The variance of the mean is multiplied by ``1 / J + test / train`` instead of ``1 / J``
    (Nadeau and Bengio 2003): without it, repeating the splits would narrow the interval at will.

    Parameters
    ----------
    values
        The score on each of the J splits.
    test_share
        The share of the rows that each split tests on.

    Examples
    --------
    >>> [round(x, 3) for x in corrected_interval([0.8, 0.9, 0.85, 0.95], 0.2)]
    [0.875, 0.73, 1.02]
    """
    scores = np.asarray(values, dtype=float)
    factor = 1 / len(scores) + test_share / (1 - test_share)
    reach = stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) * np.sqrt(factor)
    return float(scores.mean()), float(scores.mean() - reach), float(scores.mean() + reach)


def reliability(
    label: npt.ArrayLike, predicted: npt.ArrayLike, bins: int = 10, smallest: int = 1
) -> pd.DataFrame:
    """Return what was predicted and what came, in groups of equal size by prediction.

    Parameters
    ----------
    label, predicted
        What came, and its probability for rows that the model has not seen.
    bins
        Groups at most. Equal predictions stay together.
    smallest
        Groups have at least so many rows, unless there are fewer in all.

    Returns
    -------
    pandas.DataFrame
        predicted (mean), observed (share), low, high (Wilson's 95% interval), customers.
    """
    table = pd.DataFrame({"y": np.asarray(label, dtype=float), "p": np.asarray(predicted)})
    wanted = max(1, min(bins, len(table) // max(smallest, 1)))
    for cuts in range(wanted, 0, -1):
        place = pd.qcut(table["p"], cuts, labels=False, duplicates="drop")
        # With equal predictions everywhere there is no edge between groups.
        groups = table.groupby(place.fillna(0), sort=True)
        # Equal predictions on one side of an edge leave the group on the other with few rows.
        if groups.size().min() >= smallest:
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


# ------------------------------------------------------------------------------ comparing


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


def nested(
    model: str,
    table: pd.DataFrame,
    label: npt.ArrayLike,
    groups: npt.ArrayLike,
    splits: Sequence[Split],
    seed: int,
) -> Judged:
    """Tune a candidate inside each split's training rows, and judge it on the test rows.

    Parameters
    ----------
    model
        One of `CANDIDATES`.
    table, label, groups
        Features, what came, and which rows belong together.
    splits
        From `grouped_splits`.
    seed
        For inner folds and for candidates that draw.
    """
    y, g = np.asarray(label), np.asarray(groups)

    def one(train: npt.NDArray[np.intp], test: npt.NDArray[np.intp]) -> tuple[Any, ...]:
        rows, inner = table.iloc[train], grouped_splits(y[train], g[train], INNER_FOLDS, 1, seed)
        parameters = tune(model, rows, y[train], inner, seed)
        made = fitted(model, rows, y[train], inner, seed, parameters, usual_calibration(model))
        p = probability(made, table.iloc[test])
        return judge(y[test], p), p, parameters

    done = in_parallel(one, splits)
    return Judged(pd.DataFrame([d[0] for d in done]), [d[1] for d in done], [d[2] for d in done])


def in_parallel(work: Callable[..., Any], jobs: Sequence[Sequence[Any]]) -> list[Any]:
    """Do jobs on all cores, one thread each, and return the results in the order of the jobs."""
    return list(Parallel(n_jobs=-1, batch_size=1)(delayed(work)(*job) for job in jobs))


def out_of_fold(predicted: Sequence[Numbers], splits: Sequence[Split], rows: int) -> Numbers:
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
        simplest candidate that is no constant, and ``behind`` the best, both paired by split with
        ``_low`` and ``_high``; roc_auc_lowest and roc_auc_highest (of the single splits);
        parameters (those tuned most often); chosen.
    """
    areas = {model: result.scores["roc_auc"].to_numpy() for model, result in tested.items()}
    best = max(areas, key=lambda model: areas[model].mean())
    base = next((model for model in areas if model != CONSTANT), CONSTANT)
    rows = []
    for model, result in tested.items():
        row: dict[str, Any] = {"model": model}
        compared = {**{m: result.scores[m] for m in MEASURES},
                    "gain": areas[model] - areas[base],
                    "behind": areas[best] - areas[model]}  # fmt: skip
        for name, values in compared.items():
            row[name], row[f"{name}_low"], row[f"{name}_high"] = corrected_interval(
                values, test_share
            )
        row["roc_auc_lowest"], row["roc_auc_highest"] = areas[model].min(), areas[model].max()
        row["parameters"] = usual_parameters(result.parameters)[0]
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(chosen=table.index == int(np.argmax(table["behind_low"] <= 0)))


def usual_parameters(parameters: Sequence[Parameters]) -> tuple[str, Parameters]:
    """Return the parameters that were tuned most often, as text and as they are."""
    texts = [", ".join(f"{name} {value}" for name, value in p.items()) for p in parameters]
    usual = pd.Series(texts, dtype="str").value_counts().sort_index(kind="stable").idxmax()
    return str(usual), parameters[texts.index(str(usual))]

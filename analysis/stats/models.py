"""Define the candidate models, and tune and fit them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed
from scipy import special
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import ParameterGrid
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from analysis.stats.names import CALIBRATIONS, CONSTANT

#: Parameters of a candidate, by name.
Parameters = dict[str, Any]
#: Rows to train on, and rows to test on, by their places.
Split = tuple[npt.NDArray[Any], npt.NDArray[Any]]
Numbers = npt.NDArray[np.float64]


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
        RandomForestClassifier(n_estimators=120, max_features="sqrt", min_samples_leaf=5), {}
    ),
    "gradient boosting": Candidate(
        HistGradientBoostingClassifier(
            learning_rate=0.06, max_iter=120, max_leaf_nodes=4, l2_regularization=10.0
        ),
        {},
    ),
}
#: Folds of the tuning, inside each split's training rows.
INNER_FOLDS = 3


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
    return Pipeline([("prepare", prepare), ("model", _estimator(model, seed, parameters or {}))])


def _estimator(model: str, seed: int, parameters: Parameters) -> BaseEstimator:
    estimator = clone(CANDIDATES[model].estimator).set_params(**parameters)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=seed)
    return estimator


def _level_name(feature: str, level: object) -> str:
    return f"{feature}\0{level}"


def prepare(made: Pipeline, table: pd.DataFrame) -> tuple[Numbers, list[str]]:
    """Return what a candidate's preparation makes of some rows, and whose each column is.

    Parameters
    ----------
    made
        From `fit`.
    table
        Features.

    Returns
    -------
    tuple
        The matrix that the model itself sees, and for each column the feature behind it.
    """
    names = made[0].get_feature_names_out()
    owners = [str(name).split("__", 1)[1].split("\0", 1)[0] for name in names]
    return _call_quietly(made[0].transform, table), owners


class Fold(NamedTuple):
    """Rows to train on and rows to test on, as matrices: prepared by what the first alone teach."""

    rows: Numbers
    label: npt.NDArray[np.bool_]
    tested: Numbers
    outcome: npt.NDArray[np.bool_]


def prepare_fold(table: pd.DataFrame, label: npt.ArrayLike, split: Split) -> Fold:
    """Prepare the rows of a split, once for all candidates and all values of their parameters."""
    y, (train, test) = np.asarray(label), split
    preparation = pipeline(CONSTANT, 0)[0].fit(table.iloc[train])
    rows, tested = (_call_quietly(preparation.transform, table.iloc[part]) for part in split)
    return Fold(rows, y[train], tested, y[test])


def tune(model: str, folds: Sequence[Fold], seed: int) -> Parameters:
    """Return the parameters with the best mean ROC-AUC over some folds: of equals the first."""
    grid = list(ParameterGrid(CANDIDATES[model].grid))
    if len(grid) < 2:
        return grid[0]
    areas = [
        np.mean([roc_auc(f.outcome, predict(model, f, seed, tried)) for f in folds])
        for tried in grid
    ]
    return grid[int(np.argmax(areas))]


def roc_auc(label: npt.NDArray[np.bool_], score: Numbers) -> float:
    """Return the share of pairs that a score ranks correctly; ties count half.

    `sklearn.metrics.roc_auc_score` says the same, and takes longer to check what it is given than
    most models take to predict a fold.

    Examples
    --------
    >>> roc_auc(np.array([False, True, True]), np.array([0.2, 0.2, 0.9]))
    0.75
    """
    positives = int(label.sum())
    pairs = positives * (len(label) - positives)
    above = rankdata(score)[label].sum() - positives * (positives + 1) / 2
    return float(above / pairs)


def predict(model: str, fold: Fold, seed: int, parameters: Parameters) -> Numbers:
    """Return what a candidate that is fitted to a fold's rows predicts for those it tests on."""
    return probability(_estimator(model, seed, parameters).fit(fold.rows, fold.label), fold.tested)


def predict_calibrated(
    model: str,
    fold: Fold,
    inner: Sequence[Fold],
    seed: int,
    parameters: Parameters,
    calibrations: Sequence[str],
) -> list[Numbers]:
    """Return a candidate's predictions for the rows that a fold tests on, calibrated in some ways.

    Calibrators are fitted to scores of training rows by models that have not seen these, in the
    folds of the training rows (Platt 1999; Zadrozny and Elkan 2002).

    Parameters
    ----------
    model, seed, parameters
        As `pipeline` takes them.
    fold
        What to train and to predict on.
    inner
        Folds of its training rows, each of which is tested on once.
    calibrations
        Some of `CALIBRATIONS`.
    """
    made = _estimator(model, seed, parameters).fit(fold.rows, fold.label)
    predicted = {CALIBRATIONS[0]: probability(made, fold.tested)}
    if set(calibrations) - set(predicted):
        parts = [(_estimator(model, seed, parameters).fit(f.rows, f.label), f) for f in inner]
        known = np.concatenate([_score(part, f.tested) for part, f in parts])
        outcome = np.concatenate([f.outcome for f in inner]).astype(float)
        score = _score(made, fold.tested)
        predicted[CALIBRATIONS[1]] = _calibrate_sigmoid(known, outcome, score)
        isotonic = IsotonicRegression(out_of_bounds="clip").fit(known, outcome)
        predicted[CALIBRATIONS[2]] = isotonic.predict(score)
    return [np.asarray(predicted[way], dtype=float) for way in calibrations]


def _score(made: BaseEstimator, rows: pd.DataFrame | Numbers) -> Numbers:
    if isinstance(made, SVC):
        # What its own function says, as a product of matrices: that goes through pairs one by one.
        kernel = rbf_kernel(rows, made.support_vectors_, gamma=made._gamma)
        return np.asarray(kernel @ made.dual_coef_[0] + made.intercept_[0])
    if hasattr(made, "decision_function"):
        return np.asarray(_call_quietly(made.decision_function, rows), dtype=float)
    return probability(made, rows)


def _calibrate_sigmoid(known: Numbers, outcome: Numbers, score: Numbers) -> Numbers:
    """Return scores as probabilities by a sigmoid, fitted to Platt's smoothed targets."""
    ones = outcome.sum()
    target = np.where(outcome > 0, (ones + 1) / (ones + 2), 1 / (len(outcome) - ones + 2))
    sigmoid = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        np.tile(known, 2)[:, None],
        np.repeat([True, False], len(known)),
        sample_weight=np.append(target, 1 - target),
    )
    return np.asarray(sigmoid.predict_proba(score[:, None])[:, 1])


def fit(
    model: str, table: pd.DataFrame, label: npt.ArrayLike, seed: int, parameters: Parameters
) -> Pipeline:
    """Return a candidate with its preparation, fitted to all rows given."""
    return _call_quietly(pipeline(model, seed, parameters).fit, table, label)


def _call_quietly(call: Callable[..., Any], *given: Any) -> Any:
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
        return np.asarray(_call_quietly(made.predict_proba, table)[:, 1], dtype=float)
    return np.asarray(special.expit(_score(made, table)), dtype=float)


def usual_calibration(model: str) -> str:
    """Return how a candidate's predictions become probabilities when nothing else is said."""
    has = hasattr(CANDIDATES[model].estimator, "predict_proba")
    return CALIBRATIONS[0] if has else CALIBRATIONS[1]


def run_parallel(work: Callable[..., Any], jobs: Sequence[Sequence[Any]]) -> list[Any]:
    """Do jobs on all cores, one thread each, and return the results in the order of the jobs."""
    return list(Parallel(n_jobs=-1, batch_size=1)(delayed(work)(*job) for job in jobs))


def usual_parameters(parameters: Sequence[Parameters]) -> tuple[str, Parameters]:
    """Return the parameters that were tuned most often, as text and as they are."""
    texts = [", ".join(f"{name} {value}" for name, value in p.items()) for p in parameters]
    usual = pd.Series(texts, dtype="str").value_counts().sort_index(kind="stable").idxmax()
    return str(usual), parameters[texts.index(str(usual))]

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
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
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
        RandomForestClassifier(n_estimators=120, max_features="sqrt"), {"min_samples_leaf": [1, 5]}
    ),
    "gradient boosting": Candidate(
        HistGradientBoostingClassifier(learning_rate=0.06, max_iter=120, l2_regularization=10.0),
        {"max_leaf_nodes": [4, 12]},
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


def prepare(made: Pipeline, table: pd.DataFrame) -> tuple[Numbers, list[str]]:
    """Return what a candidate's preparation makes of some rows, and whose each column is.

    Parameters
    ----------
    made
        From `fit`, not calibrated.
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


def tune(
    model: str, table: pd.DataFrame, label: npt.ArrayLike, splits: Sequence[Split], seed: int
) -> Parameters:
    """Return the parameters with the best mean ROC-AUC over some splits of the training rows."""
    grid = {f"model__{name}": values for name, values in CANDIDATES[model].grid.items()}
    if not grid:
        return {}
    search = GridSearchCV(
        pipeline(model, seed),
        grid,
        scoring="roc_auc",
        cv=list(splits),
        refit=False,
        error_score="raise",
    )
    search.fit(table, label)
    return {name.removeprefix("model__"): v for name, v in search.best_params_.items()}


def fit(
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
    return _call_quietly(made.fit, table, label)


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
    return np.asarray(special.expit(_call_quietly(made.decision_function, table)), dtype=float)


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

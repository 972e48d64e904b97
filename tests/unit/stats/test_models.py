"""Test that folds which are prepared once give what scikit-learn's own way gives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV

from analysis.stats import evaluation, models

RANDOM = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "spend": RANDOM.normal(50, 20, 240),
        "visits": RANDOM.poisson(5, 240).astype(float),
        "kind": RANDOM.choice(["a", "b", "c"], 240),
    }
)
LABEL = RANDOM.random(240) < 1 / (1 + np.exp((TABLE["spend"] - 50) / 10))
SPLITS = evaluation.grouped_splits(LABEL, np.arange(240), 3, 1, 5)
INNER = [models.prepare_fold(TABLE, LABEL, split) for split in SPLITS]


@pytest.mark.parametrize("model", ["logistic regression", "k-nearest neighbours"])
def test_tuning_finds_what_a_grid_search_finds(model: str) -> None:
    grid = {f"model__{name}": tried for name, tried in models.CANDIDATES[model].grid.items()}
    search = GridSearchCV(models.pipeline(model, 1), grid, scoring="roc_auc", cv=SPLITS)
    best = search.fit(TABLE, LABEL).best_params_
    found = models.tune(model, INNER, 1)
    assert {f"model__{name}": value for name, value in found.items()} == best


@pytest.mark.parametrize("model", ["logistic regression", "support vector machine"])
def test_calibration_is_that_of_scikit_learn(model: str) -> None:
    outer = models.prepare_fold(TABLE, LABEL, (np.arange(240), np.arange(100)))
    ways = ["sigmoid", "isotonic"]
    found = models.predict_calibrated(model, outer, INNER, 1, {}, ways)
    for way, p in zip(ways, found, strict=True):
        expected = CalibratedClassifierCV(
            models.pipeline(model, 1), method=way, cv=SPLITS, ensemble=False
        ).fit(TABLE, LABEL)
        assert p == pytest.approx(expected.predict_proba(TABLE.iloc[:100])[:, 1], abs=1e-4)


def test_without_a_grid_nothing_is_tried() -> None:
    assert models.tune("random forest", [], 1) == {}


def test_what_a_fold_learns_it_learns_from_its_training_rows() -> None:
    train, test = np.arange(120), np.arange(120, 240)
    fold = models.prepare_fold(TABLE, LABEL, (train, test))
    assert fold.rows[:, :2].mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert abs(fold.tested[:, :2].mean(axis=0)).max() > 1e-3


def test_a_support_vector_machine_is_where_scikit_learn_says() -> None:
    made = clone(models.CANDIDATES["support vector machine"].estimator)
    made.fit(INNER[0].rows, INNER[0].label)
    expected = made.decision_function(INNER[0].tested)
    assert models._score(made, INNER[0].tested) == pytest.approx(expected, abs=1e-9)


def test_the_area_is_that_of_scikit_learn() -> None:
    score = np.round(RANDOM.random(240), 1)
    assert models.roc_auc(LABEL.to_numpy(), score) == pytest.approx(roc_auc_score(LABEL, score))

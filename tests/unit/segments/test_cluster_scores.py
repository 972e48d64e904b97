"""Test the scores of clusters against scikit-learn, which is slower."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples

from analysis.segments.cluster_validation import score_candidates

RANDOM = np.random.default_rng(1)
APART = np.repeat(np.eye(3), 4, axis=0)


@pytest.mark.parametrize(
    ("matrix", "labels"),
    [
        (RANDOM.normal(size=(200, 3)), np.arange(200) % 2),
        (RANDOM.normal(size=(200, 3)), np.arange(200) % 7),
        (APART, np.repeat(range(3), 4)),
        (APART, np.array([0] * 4 + [1] * 7 + [2])),  # a cluster of one
        (np.ones((10, 3)), np.arange(10) % 3),
    ],
)
def test_scores_of_clusters_are_those_of_scikit_learn(
    matrix: np.ndarray, labels: np.ndarray
) -> None:
    found = score_candidates(matrix, np.arange(len(matrix)), {("k-means", 3): labels}).iloc[0]
    silhouettes = silhouette_samples(cdist(matrix, matrix), labels, metric="precomputed")
    assert found["silhouette"] == pytest.approx(silhouettes.mean(), abs=1e-12)
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin_score(matrix, labels))
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(matrix, labels))


def test_noise_counts_in_no_score() -> None:
    labels = np.repeat(range(3), 4)
    noisy = np.append(APART, [[9.0, 9.0, 9.0]], axis=0)
    alone = score_candidates(APART, np.arange(12), {("HDBSCAN", 0.1): labels}).iloc[0]
    beside = score_candidates(noisy, np.arange(13), {("HDBSCAN", 0.1): np.append(labels, -1)})
    names = ["k", "silhouette", "davies_bouldin", "calinski_harabasz"]
    assert beside.iloc[0][names].tolist() == alone[names].tolist()

"""Cluster customers, name the clusters, and assign customers to them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.hierarchy import fcluster, ward
from scipy.spatial import KDTree
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from analysis.segments.names import CLUSTERING_SAMPLE, DENSITY, GAUSSIAN, KMEANS, WARD
from analysis.stats.bootstrap import subsample

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
#: A candidate: the method, and its setting (k, or the smallest group as a share of customers).
Key = tuple[str, float]
MEASURES = ["recency_days", "frequency", "monetary"]
SPREADS = [f"{measure}_spread" for measure in MEASURES]
K = range(2, 11)
DENSITY_SHARES = (0.01, 0.02, 0.05)


@dataclass(frozen=True)
class Scaling:
    """What standardises the logarithms: the mean and the spread of each measure."""

    mean: Matrix
    spread: Matrix


def features(customers: pd.DataFrame, scaling: Scaling | None = None) -> tuple[Matrix, Scaling]:
    """Return the standardised logarithms of recency, frequency and monetary value.

    Parameters
    ----------
    customers
        From `segments.rfm.customers`.
    scaling
        Of an earlier table, to measure this one by the same yardstick. None: of this table.

    Examples
    --------
    >>> two = pd.DataFrame({"recency_days": [1, 9], "frequency": [1, 1], "monetary": [5.0, 50.0]})
    >>> features(two)[0].round(3).tolist()
    [[-1.0, 0.0, -1.0], [1.0, 0.0, 1.0]]
    """
    logs = np.log1p(customers[MEASURES].to_numpy(dtype=float).clip(min=0))
    if scaling is None:
        spread = logs.std(axis=0)
        # Equal values have a spread of rounding errors, which must not be blown up.
        scaling = Scaling(logs.mean(axis=0), np.where(spread > 1e-9, spread, 1.0))
    return (logs - scaling.mean) / scaling.spread, scaling


def plan_candidates(matrix: Matrix, models: Iterable[str]) -> list[Key]:
    """Return the candidates that this many different customers allow."""
    few = len(matrix) <= CLUSTERING_SAMPLE
    distinct = len(np.unique(matrix, axis=0)) if few else CLUSTERING_SAMPLE
    ks = [k for k in K if k <= min(distinct, len(matrix) - 1)]
    return [
        (model, setting)
        for model in models
        for setting in (DENSITY_SHARES if model == DENSITY and ks else ks)
    ]


def fit_candidate(
    fit: Matrix, target: Matrix, plan: list[Key], seed: int, restarts: int = 3, mixtures: int = 1
) -> tuple[dict[Key, Labels], dict[Key, float]]:
    """Fit every candidate on one matrix, and say where the rows of another belong.

    Ward's groups become their means, and a row belongs to the nearest; a row belongs with the
    nearest fitted row in the density-based method, where -1 is noise.

    Returns
    -------
    (dict, dict)
        Labels by candidate, and the Bayesian information criterion of Gaussian mixtures.
    """
    found: dict[Key, Labels] = {}
    bic: dict[Key, float] = {}
    tree = ward(fit) if any(model == WARD for model, _ in plan) else None
    near = KDTree(fit).query(target)[1] if any(model == DENSITY for model, _ in plan) else None
    # threadpoolctl: sums over threads round differently. Resamples of few customers may hold
    # fewer different ones than clusters, which scikit-learn warns about: their score shows it.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for model, setting in plan:
            k = int(setting)
            if model == KMEANS:
                means = KMeans(k, n_init=restarts, random_state=seed).fit(fit)
                found[model, setting] = means.predict(target)
            elif model == GAUSSIAN:
                mixture = GaussianMixture(k, n_init=mixtures, random_state=seed).fit(fit)
                found[model, setting] = mixture.predict(target)
                bic[model, setting] = float(mixture.bic(fit))
            elif model == WARD:
                found[model, setting] = _nearest(target, _means(fit, fcluster(tree, k, "maxclust")))
            else:
                minimum_size = max(2, round(setting * len(fit)))
                dense = HDBSCAN(min_cluster_size=minimum_size, copy=True).fit(fit)
                found[model, setting] = dense.labels_[near]
    return {key: labels.astype(np.int64) for key, labels in found.items()}, bic


def _means(matrix: Matrix, labels: Labels) -> Matrix:
    """Return the mean of each cluster, in the order of the labels; noise has none."""
    rows = pd.DataFrame(matrix)[labels >= 0]
    return rows.groupby(labels[labels >= 0]).mean().to_numpy()


def _nearest(matrix: Matrix, centres: Matrix) -> Labels:
    """Return the number of the nearest centre."""
    return KDTree(centres).query(matrix)[1].astype(np.int64)


def order_rows(customers: pd.DataFrame, seed: int) -> tuple[Matrix, Labels]:
    """Return the features in the order of their values, and which rows are the sample."""
    matrix, _ = features(customers.sort_values(MEASURES))
    return matrix, subsample(len(matrix), seed, CLUSTERING_SAMPLE)


def final_centres(matrix: Matrix, rows: Labels, key: Key, labels: Labels) -> Matrix:
    """Return the centres of the chosen cut: of k-means after one more, warm start on everybody."""
    k = int(key[1])
    if key[0] == WARD:
        return _means(matrix[rows], fcluster(ward(matrix[rows]), k, "maxclust"))
    with threadpool_limits(1):
        fitted = KMeans(k, init=_means(matrix, labels), n_init=1).fit(matrix)
    return np.asarray(fitted.cluster_centers_)


def cluster_names(centres: Matrix) -> list[str]:
    """Name clusters by where their centres lie; no name is given twice.

    Parameters
    ----------
    centres
        In the units of `features`, one row per cluster, in their order.

    Examples
    --------
    >>> cluster_names(np.array([[-1.1, 1.3, 1.2], [0.1, 0.4, 0.4], [-0.7, -0.7, -0.6],
    ...                         [1.0, -0.7, -0.6], [0.9, -0.8, -0.9]]))
    ['Top', 'Cooling regulars', 'Recent small', 'Dormant (higher spend)', 'Dormant (lower spend)']
    """
    words = {
        (0, 2): "Top",
        (1, 2): "Cooling top",
        (2, 2): "Lost top",
        (0, 1): "Recent regulars",
        (1, 1): "Cooling regulars",
        (2, 1): "Dormant regulars",
        (0, 0): "Recent small",
        (1, 0): "Cooling small",
        (2, 0): "Dormant",
    }
    value = np.digitize(centres[:, 1:].mean(axis=1), [-0.25, 0.75])
    # Who comes back often is given longer before being called dormant.
    dormant = centres[:, 0] > np.where(value == 0, 0.4, 0.75)
    away = np.where(dormant, 2, centres[:, 0] > -0.25)
    names = [words[int(r), int(v)] for r, v in zip(away, value, strict=True)]
    for name in {name for name in names if names.count(name) > 1}:
        same = [number for number, other in enumerate(names) if other == name]
        if len(same) == 2:
            apart = centres[same[0]] - centres[same[1]]
            measure = int(np.abs(apart).argmax())
            ends = [
                ("longer ago", "more recent"),
                ("more often", "less often"),
                ("higher spend", "lower spend"),
            ][measure]
            details = list(ends if apart[measure] > 0 else ends[::-1])
        else:
            details = [str(number + 1) for number in range(len(same))]
        for number, detail in zip(same, details, strict=True):
            names[number] = f"{name} ({detail})"
    return names


def describe_clusters(customers: pd.DataFrame, centres: Matrix, names: list[str]) -> pd.DataFrame:
    """Return the table of centres, with what the customers of each bring."""
    _, scaling = features(customers.sort_values(MEASURES))
    natural = np.expm1(centres * scaling.spread + scaling.mean)
    table = pd.DataFrame(natural, columns=MEASURES).assign(
        **dict(zip(SPREADS, scaling.spread, strict=True))
    )
    table.insert(0, "cluster", np.arange(1, len(table) + 1))
    table.insert(1, "name", pd.Series(names, dtype="str"))
    return weight_centres(customers, table)


def weight_centres(customers: pd.DataFrame, centres: pd.DataFrame) -> pd.DataFrame:
    """Return centres with how many customers, and how much revenue, each has among these.

    Parameters
    ----------
    customers
        From `segments.rfm.customers`.
    centres
        `Selection.centres`, of this build or read from an earlier one.
    """
    found = assign(customers, centres)
    # Sorted, so that no sum depends on the order of rows.
    spent = customers.sort_values(["monetary"])["monetary"].groupby(found).sum()
    number = centres["name"].map(found.value_counts()).fillna(0).astype("int64")
    revenue = centres["name"].map(spent).fillna(0.0)
    return centres.assign(
        customers=number,
        customers_share=number / len(customers),
        revenue_share=revenue / max(spent.sum(), 1e-9),
    )


def assign(customers: pd.DataFrame, centres: pd.DataFrame) -> pd.Series:
    """Return the cluster of each customer: the one with the nearest centre.

    Parameters
    ----------
    customers
        From `segments.rfm.customers`, of this or of any later day.
    centres
        `Selection.centres`, of this build or read from an earlier one.

    Returns
    -------
    pandas.Series
        Names, on the index of `customers`.
    """
    scaling = Scaling(np.zeros(3), centres[SPREADS].to_numpy(dtype=float)[0])
    number = _nearest(features(customers, scaling)[0], features(centres, scaling)[0])
    names = centres["name"].to_numpy()[number]
    return pd.Series(names, index=customers.index, name="cluster", dtype="str")


def agreement(customers: pd.DataFrame) -> pd.DataFrame:
    """Return how many customers of each cluster are in each named segment.

    Parameters
    ----------
    customers
        With cluster and segment.

    Returns
    -------
    pandas.DataFrame
        cluster, segment, customers, share (of the cluster); every pair has a row.
    """
    counts = pd.crosstab(customers["cluster"], customers["segment"])
    long = counts.reset_index().melt(
        id_vars=["cluster"], var_name="segment", value_name="customers"
    )
    long["share"] = long["customers"] / long.groupby("cluster")["customers"].transform("sum")
    return long

"""Validate clusters: against data without groups, by resampling, and by later spend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits

from analysis.segments.clusters import Key, Labels, Matrix, fit_candidate
from analysis.segments.names import FOUND_AGAIN, KMEANS, MINIMUM_CLUSTER, STABLE, WARD
from analysis.stats.bootstrap import percentile_interval, resampled_counts

Tell = Callable[[str], None]
#: Null draws have fewer customers than `CLUSTERING_SAMPLE`.
NULL_SAMPLE = 2_000
#: The methods that k-means is compared with are slow: they take part in the first few draws only.
RESAMPLES, NULL_DRAWS, FEW, INTERVAL_DRAWS = 100, 20, 6, 200
#: A silhouette this far above the null's speaks of kinds.
CLEAR = 0.03
NO_USE = pd.DataFrame(columns=["grouping", "groups", "explained", "low", "high", "se"])
RULE = (
    "Among the cuts that give every customer, today's and tomorrow's, to the nearest of a few "
    f"centres, that resamples agree on (adjusted Rand of at least {STABLE}, mean Jaccard of every "
    f"cluster of at least {FOUND_AGAIN}; none beyond the first unbroken run of such cuts) and in "
    f"which every cluster holds at least {MINIMUM_CLUSTER:.0%} of customers, take those that are "
    f"clearer than chance (a silhouette above that of data without clusters by {CLEAR} and three "
    "times its spread), or all where none is; of these the ones whose clusters explain next "
    "quarter's spend as well as the best, within one standard error; of these the one with the "
    "most clusters; of equals the one with the highest silhouette."
)


def null_draw(matrix: Matrix, rng: np.random.Generator, size: int | None = None) -> Matrix:
    """Draw customers with the same margins and correlations, but no clusters beyond those.

    A Gaussian copula with the empirical margins: normal variables are drawn, and the n-th largest
    of each gets the n-th largest value of the measure. Ties weaken correlations, so those of the
    normal variables are raised until the correlations of the result agree with the data's. What a
    single measure shows by itself (such as the many customers with one order) is in the null too.

    References
    ----------
    Tibshirani, Walther and Hastie (2001) for the idea of a reference without clusters; Nelsen
    (2006), *An Introduction to Copulas*, for the construction.
    """
    size = size or len(matrix)
    normal = rng.standard_normal((size, matrix.shape[1]))
    levels = (np.arange(size) + 0.5) / size
    margins = np.quantile(matrix, levels, axis=0, method="inverted_cdf")
    latent = wanted = _correlation(matrix)
    for _ in range(6):
        values, vectors = np.linalg.eigh(latent)
        mixed = normal @ (vectors * np.sqrt(values.clip(min=1e-9))).T
        drawn = np.take_along_axis(margins, mixed.argsort(axis=0).argsort(axis=0), axis=0)
        latent = latent + wanted - _correlation(drawn)
        np.fill_diagonal(latent, 1.0)
    return drawn


def _correlation(matrix: Matrix) -> Matrix:
    """Return Pearson's correlations; a measure that does not vary has none."""
    centred = matrix - matrix.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    scaled = centred / np.where(spread > 1e-9, spread, np.inf)
    found: Matrix = scaled.T @ scaled / len(matrix)
    np.fill_diagonal(found, 1.0)
    return found


def _silhouette(distances: Matrix, labels: Labels) -> tuple[float, float]:
    """Return the mean silhouette (Rousseeuw 1987) of clustered customers, and its error.

    By a product of matrices, which takes a tenth of the time of scikit-learn's loop over customers.
    """
    kept = labels >= 0
    clusters, codes = np.unique(labels[kept], return_inverse=True)
    if not 2 <= len(clusters) < kept.sum():
        return np.nan, np.nan
    inner = distances if kept.all() else distances[np.ix_(kept, kept)]
    members = np.eye(len(clusters))[codes]
    with threadpool_limits(1):
        sums = inner @ members
    size, rows = members.sum(axis=0), np.arange(len(codes))
    own = sums[rows, codes] / np.maximum(size[codes] - 1, 1)
    sums[rows, codes] = np.inf
    other = (sums / size).min(axis=1)
    values = np.where(
        size[codes] > 1, (other - own) / np.maximum(np.maximum(own, other), 1e-300), 0
    )
    return float(values.mean()), float(values.std() / np.sqrt(len(values)))


def _null_silhouettes(matrix: Matrix, plan: list[Key], seed: int) -> dict[Key, float]:
    """Cluster one draw from the null, and return the silhouette of each candidate there."""
    drawn = null_draw(matrix, np.random.default_rng(seed), min(len(matrix), NULL_SAMPLE))
    distances = cdist(drawn, drawn)
    labels, _ = fit_candidate(drawn, drawn, plan, seed)
    return {key: _silhouette(distances, found)[0] for key, found in labels.items()}


def _cluster_resample(matrix: Matrix, plan: list[Key], seed: int) -> dict[Key, Labels]:
    """Cluster one bootstrap resample, and say where every customer then belongs."""
    [[times]] = resampled_counts(len(matrix), seed, draws=1)
    rows = np.repeat(np.arange(len(matrix)), times.astype(int))
    return fit_candidate(matrix[rows], matrix, plan, seed)[0]


def stability(reference: Labels, resampled: list[Labels]) -> tuple[float, float]:
    """Say how well clusterings of resamples agree, and how well each finds the worst cluster.

    Returns
    -------
    (float, float)
        The mean adjusted Rand index (Hubert and Arabie 1985) between the clusterings of two
        resamples, on all customers; and the lowest, over the clusters of `reference`, of the mean
        Jaccard similarity with the most similar cluster of a resample (Hennig 2007).
    """
    pairs = zip(resampled, resampled[1:] + resampled[:1], strict=True)
    agreement = float(np.mean([adjusted_rand_score(one, other) for one, other in pairs]))
    similar = []
    for labels in resampled:
        both = contingency_matrix(reference, labels)
        jaccard = both / (both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both)
        # Noise is no cluster: neither one to be found, nor one that finds.
        similar.append(
            jaccard[np.unique(reference) >= 0][:, np.unique(labels) >= 0].max(axis=1, initial=0.0)
        )
    return agreement, float(np.mean(similar, axis=0).min(initial=1.0))


def explained_variance(groups: npt.ArrayLike, spend: npt.ArrayLike, weights: Any = None) -> float:
    """Say which share of the variance of log spend lies between groups (adjusted R squared).

    The logarithm, because a handful of wholesalers decide what explains pounds, whatever happens
    to all others; of one plus spend, because not to buy is what most groups differ in. Adjusted
    for the number of groups (Kelley 1935's epsilon squared), so that more of them gain nothing
    by chance.

    Examples
    --------
    >>> explained_variance(["a", "a", "b", "b"], [0, 0, 9, 9])
    1.0
    """
    codes = pd.factorize(np.asarray(groups))[0]
    values = np.log1p(np.asarray(spend, dtype=float).clip(min=0))
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    size = np.bincount(codes, weight)
    total = np.bincount(codes, weight * values)
    count, number, mean = size.sum(), (size > 0).sum(), total.sum() / size.sum()
    around = (weight * (values - mean) ** 2).sum()
    if count <= number or around <= 1e-12:
        return np.nan
    between = (total[size > 0] ** 2 / size[size > 0]).sum() - count * mean**2
    return float(1 - (1 - between / around) * (count - 1) / (count - number))


def measure_use(
    groupings: dict[Any, npt.ArrayLike], spend: npt.ArrayLike, seed: int
) -> pd.DataFrame:
    """Return what each grouping explains, with the bootstrap's interval and standard error."""
    values = np.asarray(spend, dtype=float)
    codes = {name: pd.factorize(np.asarray(groups))[0] for name, groups in groupings.items()}
    draws = np.array(
        [
            [explained_variance(groups, values, weights) for groups in codes.values()]
            for block in resampled_counts(len(values), seed, INTERVAL_DRAWS)
            for weights in block
        ]
    )
    low, high = percentile_interval(draws)
    found = {
        "groups": [len(np.unique(groups)) for groups in codes.values()],
        "explained": [explained_variance(groups, values) for groups in codes.values()],
        "low": low,
        "high": high,
        "se": draws.std(axis=0),
    }
    return pd.DataFrame({"grouping": pd.Series(list(groupings), dtype="str"), **found})


def verdicts(table: pd.DataFrame, smallest_share: float = MINIMUM_CLUSTER) -> pd.Series:
    """Apply `RULE`: say of each candidate why it is, or is not, the one.

    Parameters
    ----------
    table
        With model, k, silhouette, null_silhouette, null_silhouette_sd, stability, jaccard_low,
        smallest_share, noise_share, use and use_se. Use is not known as long as there is no
        later quarter: it then decides nothing.
    smallest_share
        The least share of customers that a cluster may hold.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984) for the rule of one standard error.
    """
    faults = {
        "finds no clusters": ~(table["k"] >= 2),
        "resamples disagree": ~(table["stability"] >= STABLE),
        "a cluster is not found again": ~(table["jaccard_low"] >= FOUND_AGAIN),
        "a cluster is too small": ~(table["smallest_share"] >= smallest_share),
        "leaves customers out": table["noise_share"] > 0,
        "has no centres to assign by": ~table["model"].isin([KMEANS, WARD]),
    }
    # What is finer than a cut that breaks passes by accident, and flips with the draws.
    ordered = table.sort_values("k")
    breaks = ~((ordered["stability"] >= STABLE) & (ordered["jaccard_low"] >= FOUND_AGAIN))
    begun = (~breaks).groupby(ordered["model"]).cummax()
    faults["a coarser cut breaks"] = (breaks & begun).groupby(ordered["model"]).cummax()
    said = pd.Series("", index=table.index, dtype="str")
    for reason, at_fault in faults.items():
        said[at_fault.reindex(said.index) & (said == "")] = reason
    left = table[said == ""]
    if left.empty:
        return said
    if beats_null(left).any():
        said[left.index[~beats_null(left)]] = "is no clearer than chance"
        left = left[beats_null(left)]
    if left["use"].notna().any():
        best = left.sort_values("use", na_position="first").iloc[-1]
        useful = left["use"] >= best["use"] - best["use_se"]
        said[left.index[~useful]] = "explains less spend"
        left = left[useful]
    said[left.index[left["k"] < left["k"].max()]] = "coarser than needed"
    left = left[left["k"] == left["k"].max()]
    said[left.index] = "is less clear than its equal"
    said[left.sort_values("silhouette", na_position="first").index[-1]] = "chosen"
    return said


def _separation(matrix: Matrix, codes: Labels) -> tuple[float, float]:
    """Return the indices of Davies and Bouldin (1979) and of Calinski and Harabasz (1974).

    Both from one look at the distances to the centres: scikit-learn takes twenty times as long for
    a million customers.
    """
    size = np.bincount(codes)
    centres = np.stack([np.bincount(codes, column) / size for column in matrix.T], axis=1)
    squares = ((matrix - centres[codes]) ** 2).sum(axis=1)
    spread = np.bincount(codes, np.sqrt(squares)) / size
    gaps = cdist(centres, centres)
    np.fill_diagonal(gaps, np.inf)
    within, number = squares.sum(), len(size)
    between = (size * ((centres - matrix.mean(axis=0)) ** 2).sum(axis=1)).sum()
    if not within or not gaps.min():
        return 0.0, 1.0
    similar = (spread[:, None] + spread) / gaps
    crisp = between / (number - 1) / (within / (len(codes) - number))
    return float(similar.max(axis=1).mean()), float(crisp)


def score_candidates(matrix: Matrix, rows: Labels, labels: dict[Key, Labels]) -> pd.DataFrame:
    """Return what can be said of each cut by itself, in the order of `labels`.

    Silhouettes are from the sample, which shares its distances; the rest is from everybody.

    References
    ----------
    Rousseeuw (1987); Davies and Bouldin (1979); Calinski and Harabasz (1974).
    """
    distances = cdist(matrix[rows], matrix[rows])
    found = []
    for cut in labels.values():
        kept = cut >= 0
        sizes = np.bincount(cut[kept])
        sizes = sizes[sizes > 0]
        silhouette, error = _silhouette(distances, cut[rows])
        apart = crisp = np.nan
        if 2 <= len(sizes) < kept.sum():
            apart, crisp = _separation(matrix[kept], np.unique(cut[kept], return_inverse=True)[1])
        found.append(
            {
                "k": len(sizes),
                "silhouette": silhouette,
                "silhouette_se": error if len(rows) < len(matrix) else 0.0,
                "davies_bouldin": apart,
                "calinski_harabasz": crisp,
                "smallest_share": sizes.min(initial=len(cut)) / len(cut),
                "noise_share": 1 - kept.mean(),
            }
        )
    return pd.DataFrame(found)


@dataclass(frozen=True)
class _Resampling:
    """Clusterings of draws from the null, and then of resamples, as they come."""

    done: Iterator[dict[Key, Any]]
    nulls: int
    resamples: int


def start_resampling(
    sample: Matrix, plan: list[Key], seed: int, jobs: int | None, resamples: int | None
) -> _Resampling:
    """Begin to cluster draws from the null and resamples, each by as many methods as pays."""
    simple = [key for key in plan if key[0] == KMEANS]
    again, nulls = (resamples, resamples // 3) if resamples else (RESAMPLES, NULL_DRAWS)
    few = min(FEW, max(2, again // 10))
    seeds = np.random.SeedSequence(seed).generate_state(nulls + again).tolist()
    work = [_null_silhouettes] * nulls + [_cluster_resample] * again
    numbers = [*range(nulls), *range(again)]
    tasks = [
        joblib.delayed(task)(sample, plan if number < few else simple, draw)
        for task, number, draw in zip(work, numbers, seeds, strict=True)
    ]
    workers = jobs or (joblib.cpu_count() if len(sample) > 1_000 else 1)
    return _Resampling(joblib.Parallel(n_jobs=workers, return_as="generator")(tasks), nulls, again)


def read_resampling(
    resampling: _Resampling, rows: Labels, labels: dict[Key, Labels], tell: Tell
) -> pd.DataFrame:
    """Return the null's silhouette and the stability of each cut, in the order of `labels`."""
    nulls, draws = resampling.nulls, resampling.nulls + resampling.resamples
    done: list[dict[Key, Any]] = []
    for result in resampling.done:
        done.append(result)
        if len(done) % 20 == 0:
            tell(f"clustering: {len(done)} of {draws} null draws and resamples")
    found = []
    for key, cut in labels.items():
        null = pd.Series([draw[key] for draw in done[:nulls] if key in draw])
        agreed, worst = stability(cut[rows], [draw[key] for draw in done[nulls:] if key in draw])
        found.append(
            {
                "null_silhouette": null.mean(),
                "null_silhouette_sd": null.std(),
                "stability": agreed,
                "jaccard_low": worst,
            }
        )
    return pd.DataFrame(found)


def beats_null(table: pd.DataFrame) -> pd.Series:
    """Say which candidates have a silhouette well above that of data without clusters."""
    excess = table["silhouette"] - table["null_silhouette"]
    return (excess >= CLEAR) & (excess >= 3 * table["null_silhouette_sd"])


def structure(table: pd.DataFrame) -> str:
    """Say in a word what was chosen: ``kinds``, a cut of a ``continuum``, or ``none``."""
    chosen = table[table["chosen"].astype(bool)]
    if chosen.empty:
        return "none"
    return "kinds" if beats_null(chosen).all() else "continuum"

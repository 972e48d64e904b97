"""How many kinds of customers are there really, and which of them does a customer belong to?

Four methods cut the customers into groups by recency, frequency and monetary value (logarithms,
standardised). Each cut is held against four questions. Is it clearer than the cut of data with
the same margins and correlations but no groups? Is it found again in resamples? Is every group
large enough to be worth an action? And how much of the *next* quarter's spend do groups fixed
today explain? One written rule, `RULE`, chooses.

The result is a small table of centres: a customer belongs to the nearest. Rows are put in the
order of their values before anything is drawn at random, and arithmetic runs in one thread a
process, so that neither the order of customers, nor their ids, nor the number of cores can show.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.cluster.hierarchy import fcluster, ward
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_samples,
    v_measure_score,
)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from analysis.names import (
    CLUSTERING_SAMPLE,
    CLUSTERS,
    DENSITY,
    EVERYONE,
    FOUND_AGAIN,
    GAUSSIAN,
    KMEANS,
    KMEANS_ONLY,
    METHODS,
    SCORE_SUM,
    SEGMENTS,
    SMALLEST_CLUSTER,
    STABLE,
    WARD,
)

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
#: A candidate: the method, and its setting (k, or the smallest group as a share of customers).
Key = tuple[str, float]
Tell = Callable[[str], None]

MEASURES = ["recency_days", "frequency", "monetary"]
SPREADS = [f"{measure}_spread" for measure in MEASURES]
K = range(2, 11)
DENSITY_SHARES = (0.01, 0.02, 0.05)
#: Null draws have fewer customers than `CLUSTERING_SAMPLE`.
NULL_SAMPLE = 2_000
#: The methods that k-means is compared with are slow: they take part in the first few draws only.
RESAMPLES, NULL_DRAWS, FEW, INTERVAL_DRAWS = 100, 20, 6, 200
#: A silhouette this far above the null's speaks of kinds.
CLEAR = 0.03
COLUMNS = [
    "model", "setting", "k", "silhouette", "silhouette_se", "null_silhouette",
    "null_silhouette_sd", "davies_bouldin", "calinski_harabasz", "bic", "stability", "jaccard_low",
    "smallest_share", "noise_share", "use", "use_se", "verdict", "chosen",
]  # fmt: skip
_NO_USE = pd.DataFrame(columns=["grouping", "groups", "explained", "low", "high", "se"])
RULE = (
    "Among the cuts that give every customer, today's and tomorrow's, to the nearest of a few "
    f"centres, that resamples agree on (adjusted Rand of at least {STABLE}, mean Jaccard of every "
    f"cluster of at least {FOUND_AGAIN}; none beyond the first unbroken run of such cuts) and in "
    f"which every cluster holds at least {SMALLEST_CLUSTER:.0%} of customers, take those that are "
    f"clearer than chance (a silhouette above that of data without clusters by {CLEAR} and three "
    "times its spread), or all where none is; of these the ones whose clusters explain next "
    "quarter's spend as well as the best, within one standard error; of these the one with the "
    "most clusters; of equals the one with the highest silhouette."
)


@dataclass(frozen=True)
class Scaling:
    """What standardises the logarithms: the mean and the spread of each measure."""

    mean: Matrix
    spread: Matrix


@dataclass(frozen=True)
class Selection:
    """What was compared, and what was chosen.

    Attributes
    ----------
    table
        One row per candidate: model, setting, k, silhouette, silhouette_se (of sampling; 0 where
        all customers count), null_silhouette, null_silhouette_sd, davies_bouldin,
        calinski_harabasz, bic (Gaussian mixture only), stability, jaccard_low, smallest_share,
        noise_share, use, use_se, verdict (why it was or was not chosen) and chosen.
    centres
        One row per cluster, most valuable first: cluster (1, 2, ...), name, recency_days,
        frequency, monetary (the centre in natural units), their spreads (of the logarithms),
        customers, customers_share, revenue_share. This table is the model: see `assign`.
    use
        One row per way to group customers: grouping, groups, explained, low, high. Empty where
        there is no later quarter.
    """

    table: pd.DataFrame
    centres: pd.DataFrame
    use: pd.DataFrame


def features(customers: pd.DataFrame, scaling: Scaling | None = None) -> tuple[Matrix, Scaling]:
    """Return the standardised logarithms of recency, frequency and monetary value.

    Parameters
    ----------
    customers
        From `analysis.rfm.customers`.
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


# ------------------------------------------------------------------------- the methods


def _plan(matrix: Matrix, models: Iterable[str]) -> list[Key]:
    """Return the candidates that this many different customers allow."""
    few = len(matrix) <= CLUSTERING_SAMPLE
    distinct = len(np.unique(matrix, axis=0)) if few else CLUSTERING_SAMPLE
    ks = [k for k in K if k <= min(distinct, len(matrix) - 1)]
    return [
        (model, setting)
        for model in models
        for setting in (DENSITY_SHARES if model == DENSITY and ks else ks)
    ]


def _cluster(
    fit: Matrix, target: Matrix, plan: list[Key], seed: int, restarts: int = 5, mixtures: int = 2
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
                smallest = max(2, round(setting * len(fit)))
                dense = HDBSCAN(min_cluster_size=smallest, copy=True).fit(fit)
                found[model, setting] = dense.labels_[near]
    return {key: labels.astype(np.int64) for key, labels in found.items()}, bic


def _means(matrix: Matrix, labels: Labels) -> Matrix:
    """Return the mean of each cluster, in the order of the labels; noise has none."""
    rows = pd.DataFrame(matrix)[labels >= 0]
    return rows.groupby(labels[labels >= 0]).mean().to_numpy()


def _nearest(matrix: Matrix, centres: Matrix) -> Labels:
    """Return the number of the nearest centre."""
    return KDTree(centres).query(matrix)[1].astype(np.int64)


# ------------------------------------------------------------------------- what is asked of a cut


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
    """Return the mean silhouette (Rousseeuw 1987) of what is no noise, and its standard error."""
    kept = labels >= 0
    if not 2 <= len(np.unique(labels[kept])) < kept.sum():
        return np.nan, np.nan
    inner = distances if kept.all() else distances[np.ix_(kept, kept)]
    values = silhouette_samples(inner, labels[kept], metric="precomputed")
    return float(values.mean()), float(values.std() / np.sqrt(len(values)))


def _null_silhouettes(matrix: Matrix, plan: list[Key], seed: int) -> dict[Key, float]:
    """Cluster one draw from the null, and return the silhouette of each candidate there."""
    drawn = null_draw(matrix, np.random.default_rng(seed), min(len(matrix), NULL_SAMPLE))
    distances = cdist(drawn, drawn)
    labels, _ = _cluster(drawn, drawn, plan, seed)
    return {key: _silhouette(distances, found)[0] for key, found in labels.items()}


def _resampled(matrix: Matrix, plan: list[Key], seed: int) -> dict[Key, Labels]:
    """Cluster one bootstrap resample, and say where every customer then belongs."""
    rows = np.sort(np.random.default_rng(seed).integers(len(matrix), size=len(matrix)))
    return _cluster(matrix[rows], matrix, plan, seed)[0]


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


def explained(groups: npt.ArrayLike, spend: npt.ArrayLike, weights: Any = None) -> float:
    """Say which share of the variance of log spend lies between groups (adjusted R squared).

    The logarithm, because a handful of wholesalers decide what explains pounds, whatever happens
    to all others; of one plus spend, because not to buy is what most groups differ in. Adjusted
    for the number of groups (Kelley 1935's epsilon squared), so that more of them gain nothing
    by chance.

    Examples
    --------
    >>> explained(["a", "a", "b", "b"], [0, 0, 9, 9])
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


def _use(groupings: dict[Any, npt.ArrayLike], spend: npt.ArrayLike, seed: int) -> pd.DataFrame:
    """Return what each grouping explains, with the bootstrap's interval and standard error."""
    values = np.asarray(spend, dtype=float)
    rng = np.random.default_rng(seed)
    codes = {name: pd.factorize(np.asarray(groups))[0] for name, groups in groupings.items()}
    draws = np.array(
        [
            [explained(groups, values, weights) for groups in codes.values()]
            for weights in (
                np.bincount(rng.integers(len(values), size=len(values)), minlength=len(values))
                for _ in range(INTERVAL_DRAWS)
            )
        ]
    )
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    found = {
        "groups": [len(np.unique(groups)) for groups in codes.values()],
        "explained": [explained(groups, values) for groups in codes.values()],
        "low": low,
        "high": high,
        "se": draws.std(axis=0),
    }
    return pd.DataFrame({"grouping": pd.Series(list(groupings), dtype="str"), **found})


# ------------------------------------------------------------------------- the choice


def verdicts(table: pd.DataFrame) -> pd.Series:
    """Apply `RULE`: say of each candidate why it is, or is not, the one.

    Parameters
    ----------
    table
        With model, k, silhouette, null_silhouette, null_silhouette_sd, stability, jaccard_low,
        smallest_share, noise_share, use and use_se. Use is not known as long as there is no
        later quarter: it then decides nothing.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984) for the rule of one standard error.
    """
    faults = {
        "finds no clusters": ~(table["k"] >= 2),
        "resamples disagree": ~(table["stability"] >= STABLE),
        "a cluster is not found again": ~(table["jaccard_low"] >= FOUND_AGAIN),
        "a cluster is too small": ~(table["smallest_share"] >= SMALLEST_CLUSTER),
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
    if clearer(left).any():
        said[left.index[~clearer(left)]] = "is no clearer than chance"
        left = left[clearer(left)]
    if left["use"].notna().any():
        best = left.sort_values("use", na_position="first").iloc[-1]
        useful = left["use"] >= best["use"] - best["use_se"]
        said[left.index[~useful]] = "explains less of next quarter"
        left = left[useful]
    said[left.index[left["k"] < left["k"].max()]] = "is coarser than need be"
    left = left[left["k"] == left["k"].max()]
    said[left.index] = "is less clear than its equal"
    said[left.sort_values("silhouette", na_position="first").index[-1]] = "chosen"
    return said


def select(
    customers: pd.DataFrame,
    seed: int,
    earlier: pd.DataFrame | None = None,
    later_spend: pd.Series | None = None,
    *,
    tell: Tell = lambda text: None,
    jobs: int | None = None,
    resamples: int | None = None,
) -> Selection:
    """Compare the candidates, choose one by `RULE`, and return its centres.

    Above `CLUSTERING_SAMPLE` customers, silhouettes, stability and all methods but k-means rest
    on a sample of that size; k-means is fitted on `KMEANS_ONLY` of them, and what was chosen once
    more on all.

    Parameters
    ----------
    customers
        From `analysis.rfm.customers`.
    seed
        Of everything random.
    earlier
        Customers as of an earlier day, with r_score, f_score, m_score and segment of that day.
    later_spend
        What they spent in the quarter from that day on, by customer_id; absent is nothing.
    tell
        Takes a line of progress.
    jobs
        Processes to use; the result does not depend on it. None: one a core, or one in all for
        few customers.
    resamples
        How often customers are drawn again, and a third as often from the null. None: `RESAMPLES`.

    References
    ----------
    Ward (1963); Campello, Moulavi and Sander (2013) for HDBSCAN; Schwarz (1978) for the BIC;
    those of the scores stand with them.
    """
    seeds = [int(number) for number in np.random.SeedSequence(seed).generate_state(4)]
    matrix, rows = _ordered(customers, seeds[0])
    plan = _plan(matrix[rows], METHODS if len(matrix) <= KMEANS_ONLY else (KMEANS,))
    used = _NO_USE
    table = pd.DataFrame(columns=COLUMNS)
    if plan:
        tell(f"clustering: {len(plan)} candidates on {len(matrix):,} customers")
        # Begun first: while other processes work on them, this one does what takes everybody.
        trials = _begin_trials(matrix[rows], plan, seeds[2], jobs, resamples)
        labels, bic = _fit(matrix, rows, plan, seeds[1])
        table = pd.DataFrame(
            {"model": model, "setting": float(setting), "bic": bic.get((model, setting), np.nan)}
            for model, setting in plan
        )
        table = table.join(_scores(matrix, rows, labels))
        table = table.join(_trials(trials, rows, labels, tell))
        if earlier is not None and later_spend is not None and len(earlier) > len(K):
            tell("clustering: what groups of a quarter ago explain of the spend since")
            used = _out_of_time(earlier, later_spend, plan, seeds[3])
        use = used.set_index("grouping").reindex([_label(key) for key in plan])
        table["use"], table["use_se"] = use["explained"].to_numpy(), use["se"].to_numpy()
        table["verdict"] = verdicts(table)
        table["chosen"] = table["verdict"] == "chosen"
    if not table["chosen"].any():
        tell("clustering: no cut passes the rule")
        return Selection(table[COLUMNS], _described(customers, matrix[:1], [EVERYONE]), _tidy(used))
    key = next(key for key, chosen in zip(plan, table["chosen"], strict=True) if chosen)
    tell(f"clustering: chose {_label(key)}")
    centres = _final_centres(matrix, rows, key, labels[key])
    centres = centres[np.lexsort((centres[:, 0], -centres[:, 1], -centres[:, 2]))]
    return Selection(
        table[COLUMNS], _described(customers, centres, cluster_names(centres)), _tidy(used, key)
    )


def _ordered(customers: pd.DataFrame, seed: int) -> tuple[Matrix, Labels]:
    """Return the features in the order of their values, and which rows are the sample."""
    matrix, _ = features(customers.sort_values(MEASURES))
    size = min(len(matrix), CLUSTERING_SAMPLE)
    rows = np.random.default_rng(seed).choice(len(matrix), size, replace=False)
    return matrix, np.sort(rows)


def _fit(
    matrix: Matrix, rows: Labels, plan: list[Key], seed: int, mixtures: int = 10
) -> tuple[dict[Key, Labels], dict[Key, float]]:
    """Fit k-means on at most `KMEANS_ONLY` customers, the others on the sample; label everybody."""
    part = np.linspace(0, len(matrix) - 1, min(len(matrix), KMEANS_ONLY)).round().astype(int)
    simple = [key for key in plan if key[0] == KMEANS]
    other = [key for key in plan if key[0] != KMEANS]
    # With many customers any start finds the same.
    starts = 10 if len(part) <= CLUSTERING_SAMPLE else 3
    labels, _ = _cluster(matrix[part], matrix, simple, seed, starts)
    more, bic = _cluster(matrix[rows], matrix, other, seed, mixtures=mixtures)
    return labels | more, bic


def _scores(matrix: Matrix, rows: Labels, labels: dict[Key, Labels]) -> pd.DataFrame:
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
            with threadpool_limits(1):
                apart = davies_bouldin_score(matrix[kept], cut[kept])
                crisp = calinski_harabasz_score(matrix[kept], cut[kept])
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
class _Trials:
    """Clusterings of draws from the null, and then of resamples, as they come."""

    done: Iterator[dict[Key, Any]]
    nulls: int
    resamples: int


def _begin_trials(
    sample: Matrix, plan: list[Key], seed: int, jobs: int | None, resamples: int | None
) -> _Trials:
    """Begin to cluster draws from the null and resamples, each by as many methods as pays."""
    simple = [key for key in plan if key[0] == KMEANS]
    again, nulls = (resamples, resamples // 3) if resamples else (RESAMPLES, NULL_DRAWS)
    few = min(FEW, max(2, again // 10))
    seeds = np.random.SeedSequence(seed).generate_state(nulls + again).tolist()
    trials = [_null_silhouettes] * nulls + [_resampled] * again
    numbers = [*range(nulls), *range(again)]
    tasks = [
        joblib.delayed(trial)(sample, plan if number < few else simple, draw)
        for trial, number, draw in zip(trials, numbers, seeds, strict=True)
    ]
    workers = jobs or (joblib.cpu_count() if len(sample) > 1_000 else 1)
    return _Trials(joblib.Parallel(n_jobs=workers, return_as="generator")(tasks), nulls, again)


def _trials(trials: _Trials, rows: Labels, labels: dict[Key, Labels], tell: Tell) -> pd.DataFrame:
    """Return the null's silhouette and the stability of each cut, in the order of `labels`."""
    nulls, draws = trials.nulls, trials.nulls + trials.resamples
    done: list[dict[Key, Any]] = []
    for result in trials.done:
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


# ------------------------------------------------------------------------- what groups are of use


def _out_of_time(
    earlier: pd.DataFrame, later_spend: pd.Series, plan: list[Key], seed: int
) -> pd.DataFrame:
    """Return what each candidate, fitted on the earlier table, explains of the later spend.

    Beside the candidates stand the named segments, the sum of the scores, and the best of the
    three scores by itself.
    """
    known = earlier.assign(spend=earlier["customer_id"].map(later_spend).fillna(0.0).astype(float))
    known = known.sort_values([*MEASURES, "spend"])
    if len(known) > KMEANS_ONLY:
        known = known.iloc[:: -(-len(known) // KMEANS_ONLY)]
    matrix, _ = features(known)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(matrix), min(len(matrix), CLUSTERING_SAMPLE), replace=False))
    possible = [key for key in _plan(matrix[rows], METHODS) if key in plan]
    labels, _ = _fit(matrix, rows, possible, seed, mixtures=2)
    scores = known[["r_score", "f_score", "m_score"]].set_axis(MEASURES, axis=1)
    alone = {name: explained(scores[name], known["spend"]) for name in MEASURES}
    best = max(alone, key=lambda name: np.nan_to_num(alone[name], nan=-1.0))
    groupings: dict[str, npt.ArrayLike] = {_label(key): cut for key, cut in labels.items()}
    groupings |= {SEGMENTS: known["segment"], SCORE_SUM: scores.sum(axis=1), best: scores[best]}
    return _use(groupings, known["spend"], seed)


def _label(key: Key) -> str:
    return f"{key[0]} {key[1]:g}"


def _tidy(used: pd.DataFrame, key: Key | None = None) -> pd.DataFrame:
    """Return the chosen clusters beside the other groupings, without the other candidates."""
    if key:
        used = used.assign(grouping=used["grouping"].replace({_label(key): CLUSTERS}))
    kept = used["grouping"].isin([CLUSTERS, SEGMENTS, SCORE_SUM, *MEASURES])
    columns = ["grouping", "groups", "explained", "low", "high"]
    return used.loc[kept, columns].sort_values("explained", ascending=False, ignore_index=True)


# ------------------------------------------------------------------------- the clusters themselves


def _final_centres(matrix: Matrix, rows: Labels, key: Key, labels: Labels) -> Matrix:
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
        (0, 2): "Top", (1, 2): "Cooling top", (2, 2): "Lost top",
        (0, 1): "Recent regulars", (1, 1): "Cooling regulars", (2, 1): "Dormant regulars",
        (0, 0): "Recent small", (1, 0): "Cooling small", (2, 0): "Dormant",
    }  # fmt: skip
    worth = np.digitize(centres[:, 1:].mean(axis=1), [-0.25, 0.75])
    # Who comes back often is given longer before being called dormant.
    dormant = centres[:, 0] > np.where(worth == 0, 0.4, 0.75)
    away = np.where(dormant, 2, centres[:, 0] > -0.25)
    names = [words[int(r), int(v)] for r, v in zip(away, worth, strict=True)]
    for name in {name for name in names if names.count(name) > 1}:
        same = [number for number, other in enumerate(names) if other == name]
        if len(same) == 2:
            apart = centres[same[0]] - centres[same[1]]
            measure = int(np.abs(apart).argmax())
            ends = [("longer ago", "more recent"), ("more often", "less often"),
                    ("higher spend", "lower spend")][measure]  # fmt: skip
            details = list(ends if apart[measure] > 0 else ends[::-1])
        else:
            details = [str(number + 1) for number in range(len(same))]
        for number, detail in zip(same, details, strict=True):
            names[number] = f"{name} ({detail})"
    return names


def _described(customers: pd.DataFrame, centres: Matrix, names: list[str]) -> pd.DataFrame:
    """Return the table of centres, with what the customers of each bring."""
    _, scaling = features(customers.sort_values(MEASURES))
    natural = np.expm1(centres * scaling.spread + scaling.mean)
    table = pd.DataFrame(natural, columns=MEASURES).assign(
        **dict(zip(SPREADS, scaling.spread, strict=True))
    )
    table.insert(0, "cluster", np.arange(1, len(table) + 1))
    table.insert(1, "name", pd.Series(names, dtype="str"))
    return weighed(customers, table)


def weighed(customers: pd.DataFrame, centres: pd.DataFrame) -> pd.DataFrame:
    """Return centres with how many customers, and how much revenue, each has among these.

    Parameters
    ----------
    customers
        From `analysis.rfm.customers`.
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
        From `analysis.rfm.customers`, of this or of any later day.
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


def clustering_facts(selection: Selection, customers: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers that the chapter quotes.

    Agreement with the named segments is the adjusted Rand index (Hubert and Arabie 1985) and the
    V-measure (Rosenberg and Hirschberg 2007).
    """
    facts: dict[str, Any] = {
        "clustering.rule": RULE,
        "clustering.structure": structure(selection.table),
        "clustering.clusters": len(selection.centres),
        "clustering.segments_rand": float(
            adjusted_rand_score(customers["segment"], customers["cluster"])
        ),
        "clustering.segments_v_measure": float(
            v_measure_score(customers["segment"], customers["cluster"])
        ),
    }
    chosen = selection.table[selection.table["chosen"]]
    for row in chosen.to_dict("records"):
        numbers = {f"clustering.{name}": value for name, value in row.items()}
        facts |= {name: value for name, value in numbers.items() if pd.notna(value)}
        facts.pop("clustering.chosen")
    return facts


def clearer(table: pd.DataFrame) -> pd.Series:
    """Say which candidates have a silhouette well above that of data without clusters."""
    excess = table["silhouette"] - table["null_silhouette"]
    return (excess >= CLEAR) & (excess >= 3 * table["null_silhouette_sd"])


def structure(table: pd.DataFrame) -> str:
    """Say in a word what was chosen: ``kinds``, a cut of a ``continuum``, or ``none``."""
    chosen = table[table["chosen"].astype(bool)]
    if chosen.empty:
        return "none"
    return "kinds" if clearer(chosen).all() else "continuum"

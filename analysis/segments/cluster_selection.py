"""Select the clustering: fit every candidate, and apply the rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import adjusted_rand_score, v_measure_score

from analysis.segments.cluster_validation import (
    NO_USE,
    RULE,
    explained_variance,
    measure_use,
    read_resampling,
    score_candidates,
    start_resampling,
    structure,
    verdicts,
)
from analysis.segments.clusters import (
    MEASURES,
    K,
    Key,
    Labels,
    Matrix,
    cluster_names,
    describe_clusters,
    features,
    final_centres,
    fit_candidate,
    order_rows,
    plan_candidates,
)
from analysis.segments.names import (
    CLUSTERING_SAMPLE,
    CLUSTERS,
    EVERYONE,
    KMEANS,
    KMEANS_ONLY,
    METHODS,
    MINIMUM_CLUSTER,
    SCORE_SUM,
    SEGMENTS,
)

Tell = Callable[[str], None]
COLUMNS = [
    "model",
    "setting",
    "k",
    "silhouette",
    "silhouette_se",
    "null_silhouette",
    "null_silhouette_sd",
    "davies_bouldin",
    "calinski_harabasz",
    "bic",
    "stability",
    "jaccard_low",
    "smallest_share",
    "noise_share",
    "use",
    "use_se",
    "verdict",
    "chosen",
]


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


def select(
    customers: pd.DataFrame,
    seed: int,
    earlier: pd.DataFrame | None = None,
    later_spend: pd.Series | None = None,
    *,
    tell: Tell = lambda text: None,
    jobs: int | None = None,
    resamples: int | None = None,
    minimum_group: int = 1,
) -> Selection:
    """Compare the candidates, choose one by `RULE`, and return its centres.

    Above `CLUSTERING_SAMPLE` customers, silhouettes, stability and all methods but k-means rest
    on a sample of that size; k-means is fitted on `KMEANS_ONLY` of them, and what was chosen once
    more on all.

    Parameters
    ----------
    customers
        From `segments.rfm.customers`.
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
    minimum_group
        A cluster of fewer customers is too small, as is one of less than `MINIMUM_CLUSTER` of them.

    References
    ----------
    Ward (1963); Campello, Moulavi and Sander (2013) for HDBSCAN; Schwarz (1978) for the BIC;
    those of the scores stand with them.
    """
    seeds = [int(number) for number in np.random.SeedSequence(seed).generate_state(4)]
    matrix, rows = order_rows(customers, seeds[0])
    plan = plan_candidates(matrix[rows], METHODS if len(matrix) <= KMEANS_ONLY else (KMEANS,))
    used = NO_USE
    table = pd.DataFrame(columns=COLUMNS)
    if plan:
        tell(f"clustering: {len(plan)} candidates on {len(matrix):,} customers")
        # Begun first: while other processes work on them, this one does what takes everybody.
        resampling = start_resampling(matrix[rows], plan, seeds[2], jobs, resamples)
        labels, bic = _fit(matrix, rows, plan, seeds[1])
        table = pd.DataFrame(
            {"model": model, "setting": float(setting), "bic": bic.get((model, setting), np.nan)}
            for model, setting in plan
        )
        table = table.join(score_candidates(matrix, rows, labels))
        table = table.join(read_resampling(resampling, rows, labels, tell))
        if earlier is not None and later_spend is not None and len(earlier) > len(K):
            tell("clustering: what groups of a quarter ago explain of the spend since")
            used = _validate_out_of_time(earlier, later_spend, plan, seeds[3])
        use = used.set_index("grouping").reindex([_label(key) for key in plan])
        table["use"], table["use_se"] = use["explained"].to_numpy(), use["se"].to_numpy()
        table["verdict"] = verdicts(table, max(MINIMUM_CLUSTER, minimum_group / len(customers)))
        table["chosen"] = table["verdict"] == "chosen"
    if not table["chosen"].any():
        tell("clustering: no cut passes the rule")
        return Selection(
            table[COLUMNS], describe_clusters(customers, matrix[:1], [EVERYONE]), _tidy(used)
        )
    key = next(key for key, chosen in zip(plan, table["chosen"], strict=True) if chosen)
    tell(f"clustering: chose {_label(key)}")
    centres = final_centres(matrix, rows, key, labels[key])
    centres = centres[np.lexsort((centres[:, 0], -centres[:, 1], -centres[:, 2]))]
    return Selection(
        table[COLUMNS],
        describe_clusters(customers, centres, cluster_names(centres)),
        _tidy(used, key),
    )


def _fit(
    matrix: Matrix, rows: Labels, plan: list[Key], seed: int, mixtures: int = 10
) -> tuple[dict[Key, Labels], dict[Key, float]]:
    """Fit k-means on at most `KMEANS_ONLY` customers, the others on the sample; label everybody."""
    part = np.linspace(0, len(matrix) - 1, min(len(matrix), KMEANS_ONLY)).round().astype(int)
    simple = [key for key in plan if key[0] == KMEANS]
    other = [key for key in plan if key[0] != KMEANS]
    # With many customers any start finds the same.
    starts = 10 if len(part) <= CLUSTERING_SAMPLE else 3
    labels, _ = fit_candidate(matrix[part], matrix, simple, seed, starts)
    more, bic = fit_candidate(matrix[rows], matrix, other, seed, mixtures=mixtures)
    return labels | more, bic


def _validate_out_of_time(
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
    possible = [key for key in plan_candidates(matrix[rows], METHODS) if key in plan]
    labels, _ = _fit(matrix, rows, possible, seed, mixtures=2)
    scores = known[["r_score", "f_score", "m_score"]].set_axis(MEASURES, axis=1)
    alone = {name: explained_variance(scores[name], known["spend"]) for name in MEASURES}
    best = max(alone, key=lambda name: np.nan_to_num(alone[name], nan=-1.0))
    groupings: dict[str, npt.ArrayLike] = {_label(key): cut for key, cut in labels.items()}
    groupings |= {SEGMENTS: known["segment"], SCORE_SUM: scores.sum(axis=1), best: scores[best]}
    return measure_use(groupings, known["spend"], seed)


def _label(key: Key) -> str:
    return f"{key[0]} {key[1]:g}"


def _tidy(used: pd.DataFrame, key: Key | None = None) -> pd.DataFrame:
    """Return the chosen clusters beside the other groupings, without the other candidates."""
    if key:
        used = used.assign(grouping=used["grouping"].replace({_label(key): CLUSTERS}))
    kept = used["grouping"].isin([CLUSTERS, SEGMENTS, SCORE_SUM, *MEASURES])
    columns = ["grouping", "groups", "explained", "low", "high"]
    return used.loc[kept, columns].sort_values("explained", ascending=False, ignore_index=True)


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

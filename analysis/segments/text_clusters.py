"""Say in a sentence what the clusters show.

Every sentence is computed, and holds when nothing was chosen, when only some scores are known,
and whether or not the customers fall into kinds.
"""

from __future__ import annotations

import pandas as pd

from analysis.core.formatting import count, join_words, money, percent
from analysis.segments.names import (
    CLUSTERING_SAMPLE,
    CLUSTERS,
    EVERYONE,
    FOUND_AGAIN,
    KMEANS,
    KMEANS_ONLY,
    MINIMUM_CLUSTER,
    SCORE_SUM,
    SEGMENTS,
    STABLE,
)

NO_CUT = "No cut of the customers passes the rule, so they are treated as one group."
_NAMES = {
    CLUSTERS: "the clusters",
    SEGMENTS: "the named segments",
    SCORE_SUM: "the sum of the three scores",
    "recency_days": "the recency score alone",
    "frequency": "the frequency score alone",
    "monetary": "the monetary score alone",
}


def _chosen_row(table: pd.DataFrame) -> pd.Series | None:
    rows = table[table["chosen"].astype(bool)]
    return None if rows.empty else rows.iloc[0]


def methods(customers: int) -> str:
    """Say what is left out where there are many customers.

    Parameters
    ----------
    customers
        How many there are.

    Returns
    -------
    str
        Empty where every method is tried on everybody.

    Examples
    --------
    >>> methods(CLUSTERING_SAMPLE)
    ''
    >>> methods(KMEANS_ONLY + 1).split(", ")[0]
    'With more than 50,000 customers'
    """
    parts = []
    if customers > KMEANS_ONLY:
        parts.append(
            f"With more than {count(KMEANS_ONLY, 'customer')}, as here, only {KMEANS} is tried: "
            "the other methods would take too long."
        )
    if customers > CLUSTERING_SAMPLE:
        parts.append(
            f"Silhouettes and stability are those of {count(CLUSTERING_SAMPLE, 'customer')} drawn "
            "at random."
        )
    return " ".join(parts)


def silhouettes(table: pd.DataFrame, structure: str) -> str:
    """Say whether the chosen method finds more than it would in data without clusters.

    Parameters
    ----------
    table
        The candidates.
    structure
        From `segments.cluster_validation.structure`.
    """
    row = _chosen_row(table)
    if row is None:
        return NO_CUT
    same = table[table["model"] == row["model"]]
    excess = (same["silhouette"] - same["null_silhouette"]).dropna()
    if excess.empty:
        return "The silhouette of the chosen cut cannot be compared with a null."
    low, high = (f"{value:+.2f}".replace("-", "−") for value in (excess.min(), excess.max()))
    low, high = (text.replace("+0.00", "0").replace("−0.00", "0") for text in (low, high))
    span = f"by {high}" if low == high else f"by {low} to {high}"
    if structure == "kinds":
        return (
            f"Kinds, not only a continuum: with {count(row['k'], 'cluster')} the silhouette is "
            f"{row['silhouette']:.2f}, against {row['null_silhouette']:.2f} in data with the "
            "same margins and correlations but no clusters."
        )
    return (
        f"A continuum rather than kinds, as far as {row['model']} can tell: whatever the number "
        f"of clusters, the silhouette differs {span} from that of data without clusters."
    )


def stability(table: pd.DataFrame) -> str:
    """Say at which numbers of clusters resamples agree on the chosen method's cut."""
    row = _chosen_row(table)
    same = table if row is None else table[table["model"] == row["model"]]
    passed = same["stability"].ge(STABLE) & same["jaccard_low"].ge(FOUND_AGAIN) & same["k"].ge(2)
    ks = sorted({int(k) for k in same.loc[passed, "k"]})
    if not ks:
        return "Resamples agree on no cut of the customers."
    what = f"{row['model']} cuts" if row is not None else "cuts"
    groups = f"{join_words([str(k) for k in ks])} cluster{'s' * (ks != [1])}"
    # A row's number is not its place: the table may be a part of a larger one.
    text = f"Resamples agree on {what} into {groups}"
    if row is None:
        return f"{text}, but none of them passes the whole rule."
    return (
        f"{text}; with the chosen {int(row['k'])}, two resamples agree to {row['stability']:.2f} "
        f"and the least stable cluster is found again to {row['jaccard_low']:.2f}."
    )


def choice(table: pd.DataFrame) -> str:
    """Say what the rule chose, and what stood in the way of the next cuts of the same method."""
    row = _chosen_row(table)
    if row is None:
        return NO_CUT
    text = f"The rule chooses {row['model']} with {count(row['k'], 'cluster')}"
    rest = table[(table["model"] == row["model"]) & ~table["chosen"].astype(bool)]
    near = rest.iloc[(rest["k"] - row["k"]).abs().argsort(kind="stable").to_numpy()].head(2)
    reasons = [
        f"with {int(k)}, {_reason(str(v))}" for k, v in zip(near["k"], near["verdict"], strict=True)
    ]
    return f"{text}; {'; '.join(reasons)}." if reasons else f"{text}."


def _reason(verdict: str) -> str:
    """Turn a verdict into a clause."""
    return {
        "a cluster is too small": f"a cluster holds less than {MINIMUM_CLUSTER:.0%} of customers",
        "explains less of next quarter": "the clusters explain less of the next quarter's spend",
        "is coarser than need be": "the cut is stable, but coarser",
        "a coarser cut breaks": "the cut is finer than one that breaks",
        "is no clearer than chance": "the cut is no clearer than chance",
        "is less clear than its equal": "the cut is less clear",
        "leaves customers out": "customers are left out",
        "has no centres to assign by": "there are no centres to assign customers by",
        "finds no clusters": "no clusters are found",
    }.get(verdict, verdict)


def use(table: pd.DataFrame) -> str:
    """Say what the clusters explain of the next quarter, beside simpler groupings."""
    rows = {row["grouping"]: row for row in table.to_dict("records")}
    if not rows:
        return "The ledger is too short to try the clusters on a later quarter."
    if CLUSTERS not in rows or pd.isna(rows[CLUSTERS]["explained"]):
        return "There are no clusters to try on the later quarter."
    own = rows.pop(CLUSTERS)
    better: list[str] = []
    worse: list[str] = []
    level: list[str] = []
    for name, row in rows.items():
        if pd.isna(row["explained"]):
            continue
        beaten = own["low"] > row["high"]
        (worse if beaten else better if own["high"] < row["low"] else level).append(_NAMES[name])
    share = percent(max(own["explained"], 0.0))
    text = f"Clusters of a quarter ago explain {share} of how log spend has varied since"
    parts = [
        f"{word} {join_words(names)}"
        for word, names in (
            ("more than", worse),
            ("about as much as", level),
            ("less than", better),
        )
        if names
    ]
    return f"{text}: {', '.join(parts)}." if parts else f"{text}."


def agreement(table: pd.DataFrame, rand: float) -> str:
    """Say how far the clusters and the named segments are the same thing.

    Parameters
    ----------
    table
        From `segments.clusters.agreement`.
    rand
        The adjusted Rand index of the two.
    """
    if table.empty or set(table["cluster"]) == {EVERYONE}:
        return NO_CUT
    top = table.sort_values("share", ascending=False, kind="stable").iloc[0]
    how = "largely agree" if rand >= 0.7 else "partly agree" if rand >= 0.3 else "hardly agree"
    return (
        f"Clusters and named segments {how} (adjusted Rand {rand:.2f}); closest, "
        f"{percent(top['share'])} of “{top['cluster']}” are in “{top['segment']}”."
    )


def centres(table: pd.DataFrame, currency: str) -> str:
    """Say what the most valuable cluster is, and what it weighs."""
    if len(table) < 2:
        return NO_CUT
    best = table.sort_values("revenue_share", ascending=False, kind="stable").iloc[0]
    return (
        f"“{best['name']}”, {percent(best['customers_share'])} of customers, bring "
        f"{percent(best['revenue_share'])} of revenue: typically "
        f"{count(best['frequency'], 'order')} and {money(best['monetary'], currency)} each."
    )

"""Choose and fill the sentences about scores and clusters (``sentences.toml``).

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It holds when nothing was chosen, when only some scores are known, and whether or not the customers
fall into kinds.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import count, day, median_text, money, percent
from analysis.core.sentences import fill
from analysis.segments.names import (
    CLUSTERING_SAMPLE,
    FOUND_AGAIN,
    KMEANS,
    KMEANS_ONLY,
    MINIMUM_CLUSTER,
    STABLE,
)

say = partial(fill, "segments")


def rfm_values(
    customers: int | None,
    median_recency: float,
    median_frequency: float,
    median_monetary: float,
    one_order_customers: int,
    currency: str,
) -> dict[str, str] | None:
    """Say what recency, frequency and monetary value usually are, and how many ordered once."""
    if not customers:
        return None
    every = count(customers)
    once = (
        say(
            "rfm-values.said-once",
            count=one_order_customers,
            customers=every,
            share=percent(one_order_customers / customers),
        )
        if one_order_customers
        else say("rfm-values.said-once-none", customers=every)
    )
    return {
        "said-recency": say(
            "rfm-values.said-recency",
            count=median_recency,
            customers=every,
            days=median_text(median_recency),
        ),
        "said-spend": say(
            "rfm-values.said-spend",
            count=median_frequency,
            orders=median_text(median_frequency),
            spend=money(median_monetary, currency),
        ),
        "said-once": once,
    }


def cut_points(
    customers: int | None,
    as_of: str,
    moved_share: float | None,
    clusters_rand: float | None,
) -> dict[str, str] | None:
    """Say whether segments mean what they meant in an earlier build, or are cut anew."""
    if not customers:
        return None
    if moved_share is None:
        return {"said": say("cut-points.said")}
    said = say("cut-points.said-kept", day=day(pd.Timestamp(as_of)), share=percent(moved_share, 1))
    if clusters_rand is None:
        return {"said": said}
    return {"said": said, "note": say("cut-points.note", rand=f"{clusters_rand:.2f}")}


def cluster_choice(clustering: pd.DataFrame, structure: str) -> dict[str, str]:
    """Say what the rule chose, and whether the customers fall into kinds."""
    chosen = clustering[clustering["chosen"].astype(bool)]
    if chosen.empty:
        return {"said": say("cluster-choice.said-none")}
    row = chosen.iloc[0]
    said = {"said": say("cluster-choice.said", count=int(row["k"]), model=str(row["model"]))}
    if structure == "kinds":
        return said | {
            "said-structure": say("cluster-choice.said-structure-kinds"),
            "note": say("cluster-choice.note-kinds"),
        }
    return said | {
        "said-structure": say("cluster-choice.said-structure-continuum"),
        "note": say("cluster-choice.note-continuum"),
    }


def cluster_rule(customers: int | None) -> dict[str, str] | None:
    """Say by which rule a clustering is chosen, and what is left out with many customers."""
    if not customers:
        return None
    told = {
        "said": say("cluster-rule.said", smallest=percent(MINIMUM_CLUSTER)),
        "said-stable": say(
            "cluster-rule.said-stable", rand=f"{STABLE:g}", jaccard=f"{FOUND_AGAIN:g}"
        ),
        "said-use": say("cluster-rule.said-use"),
    }
    if customers > KMEANS_ONLY:
        told["note-kmeans"] = say(
            "cluster-rule.note-kmeans", limit=count(KMEANS_ONLY), model=KMEANS
        )
    if customers > CLUSTERING_SAMPLE:
        told["note-sample"] = say("cluster-rule.note-sample", size=count(CLUSTERING_SAMPLE))
    return told

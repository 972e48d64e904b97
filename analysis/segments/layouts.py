"""Set the tables about scores, segments and clusters.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import count, money, percent, shorten
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid

say = partial(fill, "segments")
HIGHEST = 5


def score_limits(score_cuts: pd.DataFrame, currency: str) -> Table:
    """Set what it takes to have each score."""
    cuts = score_cuts.pivot(index="score", columns="measure", values="beyond")
    shown = pd.DataFrame(
        {
            "score": [
                say("score-limits.cell-score", score=str(score)) if score < HIGHEST else str(score)
                for score in cuts.index
            ],
            "recency": [say("score-limits.cell-recency", count=days) for days in cuts["r"]],
            "frequency": [say("score-limits.cell-frequency", count=orders) for orders in cuts["f"]],
            "monetary": [
                say("score-limits.cell-monetary", amount=money(amount, currency))
                for amount in cuts["m"]
            ],
        }
    )
    names = {
        "score": say("score-limits.column-score"),
        "recency": say("score-limits.column-recency"),
        "frequency": say("score-limits.column-frequency"),
        "monetary": say("score-limits.column-monetary"),
    }
    return Table(grid(shown, "score-limits", names), data=score_cuts)


def named_segments(segment_rules: pd.DataFrame, segment_profiles: pd.DataFrame) -> Table:
    """Set the rules of the named segments, and how many customers are in each."""
    sizes = segment_profiles.set_index("segment")["customers"]
    first = ~segment_rules["segment"].duplicated()
    either = say("named-segments.cell-or")
    shown = segment_rules.assign(
        name=[
            shorten(name) if here else either
            for name, here in zip(segment_rules["segment"], first, strict=True)
        ],
        customers=[
            count(sizes[name]) if here else ""
            for name, here in zip(segment_rules["segment"], first, strict=True)
        ],
    )
    names = {
        "name": say("named-segments.column-segment"),
        "meaning": say("named-segments.column-meaning"),
        "recency": say("named-segments.column-recency"),
        "frequency": say("named-segments.column-frequency"),
        "monetary": say("named-segments.column-monetary"),
        "customers": say("named-segments.column-customers"),
    }
    widths = {"name": "17%", "meaning": "25%", "recency": "16%", "frequency": "17%"}
    made = grid(shown, "named-segments", names, right=["customers"]).cols_width(
        widths | {"monetary": "12%", "customers": "13%"}
    )
    return Table(made, data=segment_rules)


def cluster_profiles(cluster_profiles: pd.DataFrame, currency: str) -> Table | None:
    """Set the profile of each cluster; one with few customers is counted and not described."""
    if len(cluster_profiles) < 2:
        return None
    medians = {
        "recency_median": say("cluster-profiles.column-recency"),
        "frequency_median": say("cluster-profiles.column-frequency"),
        "spend_median": say("cluster-profiles.column-spend"),
        "basket_median": say("cluster-profiles.column-basket"),
    }
    names = {
        "cluster": say("cluster-profiles.column-cluster"),
        "customers": say("cluster-profiles.column-customers"),
        "share": say("cluster-profiles.column-share"),
        "revenue_share": say("cluster-profiles.column-revenue"),
        **medians,
        "second_order_share": say("cluster-profiles.column-second"),
    }
    made = grid(
        cluster_profiles,
        "cluster-profiles",
        names,
        counts=["customers", "recency_median", "frequency_median"],
        amounts=["spend_median", "basket_median"],
        percents=["share", "revenue_share", "second_order_share"],
        currency=currency,
    )
    return Table(made, data=cluster_profiles)


def cluster_candidates(clustering: pd.DataFrame) -> Table | None:
    """Set every cut by the chosen method, and the best one of each other method."""
    chosen = clustering[clustering["chosen"].astype(bool)]
    model = chosen["model"].iloc[0] if len(chosen) else "k-means"
    same = clustering[clustering["model"] == model].sort_values("k")
    others = clustering[clustering["model"] != model].sort_values("use", ascending=False)
    best = pd.concat([same, others.drop_duplicates("model")])
    if best.empty:
        return None
    decimals = ("silhouette", "null_silhouette", "stability")
    shown = pd.DataFrame(
        {
            "name": [
                say("cluster-candidates.cell-name", model=str(row["model"]), count=int(row["k"]))
                for row in best.to_dict("records")
            ],
            **{
                column: [MISSING if pd.isna(value) else f"{value:.2f}" for value in best[column]]
                for column in decimals
            },
            "use": [MISSING if pd.isna(share) else percent(share, 1) for share in best["use"]],
            "verdict": best["verdict"].to_list(),
        }
    )
    names = {
        "name": say("cluster-candidates.column-name"),
        "silhouette": say("cluster-candidates.column-silhouette"),
        "null_silhouette": say("cluster-candidates.column-null"),
        "stability": say("cluster-candidates.column-stability"),
        "use": say("cluster-candidates.column-use"),
        "verdict": say("cluster-candidates.column-verdict"),
    }
    right = [*decimals, "use"]
    return Table(grid(shown, "cluster-candidates", names, right=right), data=clustering)

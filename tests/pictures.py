"""Write every sentence and draw every figure of a subject, for tests of small and of real data."""

from __future__ import annotations

import pandas as pd

from analysis.core import plotting
from analysis.core.plotting import draw
from analysis.forecast import figures_lapse, lapse, text_lapse
from analysis.segments import (
    cluster_selection,
    cluster_validation,
    clusters,
    figures_clusters,
    rules,
    text_clusters,
)


def draw_clusters(
    selection: cluster_selection.Selection, customers: pd.DataFrame, draw_too: bool = True
) -> None:
    """Write every sentence and draw every figure of the clusters."""
    cross = clusters.agreement(customers)
    names = selection.centres["name"].tolist()
    order = [rule.name for rule in rules.read_segments()]
    rand = cluster_selection.clustering_facts(selection, customers)["clustering.segments_rand"]
    sentences = {
        "choice": text_clusters.choice(selection.table),
        "silhouettes": text_clusters.silhouettes(
            selection.table, cluster_validation.structure(selection.table)
        ),
        "stability": text_clusters.stability(selection.table),
        "use": text_clusters.use(selection.use),
        "agreement": text_clusters.agreement(cross, rand),
        "centres": text_clusters.centres(selection.centres, "£"),
    }
    for sentence in sentences.values():
        assert sentence.endswith(".") and "nan" not in sentence.lower(), sentence
    if draw_too:
        draw(figures_clusters.silhouettes(selection.table, sentences["silhouettes"]))
        draw(figures_clusters.stability(selection.table, sentences["stability"]))
        draw(figures_clusters.use(selection.use, sentences["use"]))
        draw(figures_clusters.agreement(cross, names, order, sentences["agreement"]))
        draw(figures_clusters.centres(selection.centres, "£", sentences["centres"]))


def draw_lapse(seen: lapse.Lapse) -> None:
    """Write every sentence and draw every figure of the lapse model."""
    assert text_lapse.verdict(seen.models).startswith("The test")
    assert text_lapse.gain(seen.models) and text_lapse.level(
        seen.rates, seen.facts["lapse.mean_predicted"]
    )
    assert text_lapse.expected_lapses(seen.facts)
    for name, table in (
        ("candidates", seen.models),
        ("rates", seen.rates),
        ("reliability", seen.reliability),
        ("segments", seen.segments),
    ):
        message = getattr(text_lapse, name)(table)
        assert message.endswith(".") and "nan" not in message
        assert plotting.draw(getattr(figures_lapse, name)(table, message)).startswith(b"<svg")

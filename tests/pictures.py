"""Write every sentence and draw every figure of a subject, for tests of small and of real data."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.core.tables import html
from analysis.forecast import figures_lapse, lapse
from analysis.forecast import layouts as forecast_layouts
from analysis.segments import (
    cluster_selection,
    cluster_validation,
    clusters,
    figures_clusters,
    layouts,
    rules,
    text_clusters,
)


def draw_clusters(
    selection: cluster_selection.Selection, customers: pd.DataFrame, draw_too: bool = True
) -> None:
    """Write every sentence, set every table and draw every figure of the choice of clusters."""
    structure = cluster_validation.structure(selection.table)
    rand = cluster_selection.clustering_facts(selection, customers)["clustering.segments_rand"]
    order = pd.DataFrame({"segment": [rule.name for rule in rules.read_segments()]})
    settings = SimpleNamespace(report=SimpleNamespace(smallest_group=5))
    figures = [
        figures_clusters.cluster_silhouettes(selection.table, structure),
        figures_clusters.cluster_stability(selection.table),
        figures_clusters.cluster_use(selection.use),
        figures_clusters.cluster_agreement(
            clusters.agreement(customers), order, selection.centres, rand, settings
        ),
    ]
    told = [*text_clusters.cluster_choice(selection.table, structure).values()]
    told += [figure if isinstance(figure, str) else f"{figure.headline}." for figure in figures]
    if set_table := layouts.cluster_candidates(selection.table):
        told.append(f"{html(set_table.table)[-1:]}.")
    for sentence in told:
        assert sentence.endswith(".") and "nan" not in sentence.lower(), sentence
    for figure in figures:
        if draw_too and not isinstance(figure, str):
            draw(figure.plot)


def draw_lapse(seen: lapse.Lapse) -> None:
    """Draw every figure of the lapse model, and set its table."""
    facts = seen.facts
    table = forecast_layouts.lapse_candidates(
        seen.models,
        facts["lapse.test_date"],
        facts["lapse.test_customers"],
        facts["lapse.training_customers"],
    )
    assert table is not None and table.more
    texts = [*table.more.values()]
    for made in (
        figures_lapse.lapse_rates(seen.rates, facts["lapse.days"]),
        figures_lapse.lapse_by_segment(seen.segments),
        figures_lapse.lapse_reliability(
            seen.reliability,
            seen.rates,
            facts["lapse.mean_predicted"],
            facts["lapse.brier"],
            facts["lapse.constant_brier"],
        ),
    ):
        assert isinstance(made, Figure), made
        texts += [made.headline, made.alt, *(made.more or {}).values()]
        assert draw(made.plot).startswith(b"<svg")
    assert not [text for text in texts if "nan" in text.lower().split()]

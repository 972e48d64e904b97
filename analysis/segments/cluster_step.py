"""Score, segment and cluster the customers: a step of the build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from sklearn.metrics import adjusted_rand_score

from analysis.core.files import Fact
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.orders import as_of
from analysis.orders.ledger import Ledger, with_ledger
from analysis.segments import cluster_selection, clusters, movement, rfm, thresholds
from analysis.segments.reference import Reference
from analysis.segments.rules import Segment, assign


@with_ledger
def segment_and_cluster(
    ledger: Ledger,
    rfm_values: pd.DataFrame,
    named_segments: Sequence[Segment],
    reference: Reference | None,
    settings: Settings,
    progress: Steps,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return the customers with their scores, segments and clusters, and how these were chosen.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    rfm_values
        From `segments.rfm_step`.
    named_segments
        The named segments.
    reference
        Whose cut points and centres are taken over; None where they are fitted.
    """
    cuts = reference.cuts if reference else rfm.cut_points(rfm_values)
    customers = rfm_values.join(rfm.scores(rfm_values, cuts))
    customers = customers.assign(segment=assign(customers, [*named_segments]))
    earlier = spend = None
    if len(dates := movement.cut_offs(ledger)) > 1:
        frozen = reference.cuts if reference else None
        earlier = movement.customers_at(ledger, dates[-2], named_segments, frozen)
        spend = as_of.spend_after(ledger, dates[-2], dates[-1])
    selection = cluster_selection.select(
        customers,
        settings.engine.seed,
        earlier,
        spend,
        tell=progress.tell,
        resamples=settings.clustering.resamples,
        minimum_group=settings.report.smallest_group,
    )
    fitted = selection.centres
    if reference:
        selection = replace(
            selection, centres=clusters.weight_centres(customers, reference.centres)
        )
    customers = customers.assign(cluster=clusters.assign(customers, selection.centres))
    tables = {
        "work/segmented": customers,
        "score_cuts": cuts,
        "segment_rules": thresholds.thresholds(
            [*named_segments], cuts, settings.transactions.currency
        ),
        "clustering": selection.table,
        "cluster_centres": selection.centres,
        "cluster_use": selection.use,
        "cluster_agreement": clusters.agreement(customers),
    }
    names = [rule.name for rule in named_segments]
    sizes = customers["segment"].value_counts().reindex(names, fill_value=0)
    facts: dict[str, Fact] = {
        **{f"rfm.segments.{name}": int(size) for name, size in sizes.items()},
        **cluster_selection.clustering_facts(selection, customers),
    }
    if reference:
        facts |= _reference_facts(customers, fitted, [*named_segments], reference)
    return tables, facts


def _reference_facts(
    customers: pd.DataFrame, fitted: pd.DataFrame, rules: list[Segment], reference: Reference
) -> dict[str, Fact]:
    """Return how far frozen segments and clusters are from those that a fit would give today.

    Parameters
    ----------
    customers
        With recency_days, frequency, monetary, segment and cluster, as the reference has them.
    fitted
        The centres that were found in these customers.
    rules
        The named segments.
    reference
        From `segments.reference`.

    Returns
    -------
    dict
        reference.as_of, reference.moved_share (of customers who would be in another segment),
        reference.clusters_rand (adjusted Rand index with the clusters that were found).
    """
    anew = assign(rfm.scores(customers, rfm.cut_points(customers)), rules)
    facts: dict[str, Fact] = {
        "reference.as_of": reference.as_of,
        "reference.moved_share": float((anew != customers["segment"]).mean()),
    }
    if len(fitted) and len(reference.centres):
        facts["reference.clusters_rand"] = float(
            adjusted_rand_score(customers["cluster"], clusters.assign(customers, fitted))
        )
    return facts

"""Test that clusters depend on customers only, not on the order of rows, ids or cores."""

from __future__ import annotations

import pandas as pd
import pytest
from shoppers import some_customers

from analysis.segments import cluster_selection, cluster_validation, clusters

SEED = 20111210


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less often and try fewer clusters: what is tested does not need more."""
    monkeypatch.setattr(clusters, "K", range(2, 6))
    monkeypatch.setattr(cluster_validation, "FEW", 2)
    monkeypatch.setattr(cluster_validation, "RESAMPLES", 12)
    monkeypatch.setattr(cluster_validation, "NULL_DRAWS", 4)
    monkeypatch.setattr(cluster_validation, "INTERVAL_DRAWS", 40)


@pytest.mark.usefixtures("light")
def test_neither_the_order_of_rows_nor_ids_nor_processes_matter() -> None:
    customers = some_customers(500)
    spend = customers.set_index("customer_id")["monetary"] / 7
    first = cluster_selection.select(customers, SEED, customers, spend, jobs=1)
    mixed = customers.sample(frac=1, random_state=1)
    renamed = {old: f"x{new}" for new, old in enumerate(mixed["customer_id"][::-1])}
    mixed = mixed.assign(customer_id=mixed["customer_id"].map(renamed))
    again = cluster_selection.select(mixed, SEED, mixed, spend.rename(renamed), jobs=2)
    assert len(first.centres) > 1
    pd.testing.assert_frame_equal(first.table, again.table, check_exact=True)
    pd.testing.assert_frame_equal(first.centres, again.centres, check_exact=True)
    pd.testing.assert_frame_equal(first.use, again.use, check_exact=True)
    back = clusters.assign(mixed, again.centres).loc[customers.index]
    pd.testing.assert_series_equal(clusters.assign(customers, first.centres), back)

"""Test that clusters find what was planted in the sample, and a continuum in the gift shop."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pictures import draw_clusters
from sklearn.metrics import adjusted_rand_score

from analysis.ingest.sample import sample_truth
from analysis.segments import (
    cluster_selection,
    cluster_validation,
    clusters,
)
from analysis.segments.names import KMEANS, METHODS


def chosen_row(selection: cluster_selection.Selection) -> pd.Series:
    return selection.table[selection.table["chosen"]].iloc[0]


def left_by(build: Path) -> tuple[pd.DataFrame, cluster_selection.Selection]:
    """Return the customers and their clusters, as a build left them."""
    names = ("customers", "clustering", "cluster_centres", "cluster_use")
    customers, *tables = (pd.read_parquet(build / f"{name}.parquet") for name in names)
    return customers, cluster_selection.Selection(*tables)


@pytest.fixture(scope="module")
def of_sample(sample_build: Path) -> tuple[pd.DataFrame, cluster_selection.Selection]:
    return left_by(sample_build)


def test_the_planted_archetypes_are_found_again(
    of_sample: tuple[pd.DataFrame, cluster_selection.Selection],
) -> None:
    customers, selection = of_sample
    truth = sample_truth().archetypes.astype({"customer_id": str})
    both = customers.astype({"customer_id": str}).merge(truth, on="customer_id")
    found = adjusted_rand_score(both["archetype"], both["cluster"])
    # 0.74; guesses have 0, the cut into two 0.44 and the cut into six 0.52.
    assert found >= 0.7
    assert cluster_validation.structure(selection.table) == "kinds"
    assert set(selection.table["model"]) == set(METHODS)
    assert selection.table["chosen"].sum() == 1


def test_sentences_and_pictures_of_the_sample(
    of_sample: tuple[pd.DataFrame, cluster_selection.Selection],
) -> None:
    customers, selection = of_sample
    draw_clusters(selection, customers)


@pytest.mark.drill
@pytest.mark.real
def test_the_gift_shop_is_a_continuum(gift_shop_build: Path) -> None:
    customers, selection = left_by(gift_shop_build)
    assert len(customers) == 4_324
    table = selection.table[selection.table["model"] == KMEANS].set_index("k")
    assert list(table.index) == list(clusters.K)
    # No number of clusters is clearer than chance would have it by more than a hair.
    assert (table["silhouette"] - table["null_silhouette"]).abs().max() < 0.03
    assert cluster_validation.structure(selection.table) == "continuum"
    # Resamples agree on few clusters, and no longer on many.
    assert table.loc[[2, 3, 4], "stability"].min() > 0.78
    assert table.loc[[8, 9, 10], "stability"].max() < 0.75
    row = chosen_row(selection)
    assert row["model"] == KMEANS and row["k"] in (3, 4)
    top = selection.centres.iloc[0]
    assert top["name"] == "Top" and top["revenue_share"] > 0.5

"""Test how clusters are fitted, validated, chosen, named and shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures import draw_clusters
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from shoppers import some_customers

from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.segments import (
    cluster_selection,
    cluster_validation,
    clusters,
    figures_clusters,
    text_clusters,
)
from analysis.segments.names import EVERYONE, GAUSSIAN, KMEANS, METHODS, WARD

SEED = 20111210


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less often and try fewer clusters: what is tested does not need more."""
    monkeypatch.setattr(clusters, "K", range(2, 6))
    monkeypatch.setattr(cluster_validation, "FEW", 2)
    monkeypatch.setattr(cluster_validation, "RESAMPLES", 12)
    monkeypatch.setattr(cluster_validation, "NULL_DRAWS", 4)
    monkeypatch.setattr(cluster_validation, "INTERVAL_DRAWS", 40)


# ------------------------------------------------------------------------- what must not matter


def test_centres_that_were_written_and_read_assign_alike(tmp_path: Path) -> None:
    customers = some_customers(300)
    matrix, _ = clusters.features(customers)
    centres = clusters.describe_clusters(customers, matrix[:4], ["a", "b", "c", "d"])
    centres.to_parquet(tmp_path / "centres.parquet")
    read = pd.read_parquet(tmp_path / "centres.parquet")
    found = clusters.assign(customers, read)
    pd.testing.assert_series_equal(found, clusters.assign(customers, centres))
    assert found.iloc[:4].tolist() == ["a", "b", "c", "d"]
    # One customer alone belongs where the customer belonged among all.
    assert clusters.assign(customers.iloc[[7]], read).iloc[0] == found.iloc[7]


def test_a_scaling_measures_another_table_by_the_same_yardstick() -> None:
    customers = some_customers(200)
    matrix, scaling = clusters.features(customers)
    assert np.allclose(matrix.mean(axis=0), 0) and np.allclose(matrix.std(axis=0), 1)
    assert np.array_equal(clusters.features(customers.iloc[:5], scaling)[0], matrix[:5])


# ------------------------------------------------------------------------- names and order


def test_names_are_unique_wherever_the_centres_lie() -> None:
    rng = np.random.default_rng(5)
    for k in range(1, 11):
        for _ in range(40):
            names = clusters.cluster_names(rng.normal(scale=rng.choice([0.1, 1.0]), size=(k, 3)))
            assert len(set(names)) == k
    assert len(set(clusters.cluster_names(np.zeros((3, 3))))) == 3


@pytest.mark.usefixtures("light")
def test_clusters_are_numbered_by_value() -> None:
    centres = cluster_selection.select(some_customers(500), SEED).centres
    assert len(centres) > 1
    assert centres["monetary"].is_monotonic_decreasing
    assert centres["cluster"].tolist() == list(range(1, len(centres) + 1))
    assert centres["name"].is_unique
    assert centres["customers"].sum() == 500
    assert centres["revenue_share"].sum() == pytest.approx(1)


# ------------------------------------------------------------------------- few or strange customers


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("count", [1, 2, 3, 5, 30])
def test_few_customers_do_not_break_it(count: int) -> None:
    customers = some_customers(count)
    spend = customers.set_index("customer_id")["monetary"]
    selection = cluster_selection.select(customers, SEED, customers, spend, jobs=1)
    customers = customers.assign(cluster=clusters.assign(customers, selection.centres))
    assert customers["cluster"].notna().all()
    assert selection.centres["customers"].sum() == count
    assert selection.table["chosen"].sum() <= 1
    assert list(selection.table) == cluster_selection.COLUMNS
    assert count < 30 or set(selection.table["model"]) == set(METHODS)
    draw_clusters(selection, customers, draw_too=False)


def test_identical_customers_are_one_group() -> None:
    one = some_customers(1)
    same = pd.concat([one] * 40).assign(customer_id=[str(number) for number in range(40)])
    selection = cluster_selection.select(same, SEED, same, pd.Series(dtype=float))
    assert selection.centres["name"].tolist() == [EVERYONE]
    assert set(clusters.assign(same, selection.centres)) == {EVERYONE}
    assert cluster_validation.structure(selection.table) == "none"


@pytest.mark.usefixtures("light")
def test_two_different_customers_many_times_are_two_groups() -> None:
    two = some_customers(2)
    many = pd.concat([two] * 30, ignore_index=True).assign(customer_id=[str(n) for n in range(60)])
    selection = cluster_selection.select(many, SEED)
    assert selection.centres["customers"].tolist() == [30, 30]


def test_no_customer_and_no_spend_are_not_negative() -> None:
    free = some_customers(30).assign(monetary=0.0)
    assert np.isfinite(clusters.features(free)[0]).all()


# ------------------------------------------------------------------------- the null


def test_the_null_keeps_margins_and_correlations() -> None:
    matrix, _ = clusters.features(some_customers(2_000).sort_values(clusters.MEASURES))
    drawn = cluster_validation.null_draw(matrix, np.random.default_rng(1))
    assert np.array_equal(np.sort(drawn, axis=0), np.sort(matrix, axis=0))
    assert np.abs(np.corrcoef(drawn.T) - np.corrcoef(matrix.T)).max() < 0.03
    assert np.abs(spearmanr(drawn).statistic - spearmanr(matrix).statistic).max() < 0.08


def excess(matrix: np.ndarray, k: int) -> float:
    """Return how far the silhouette of k-means exceeds the null's."""
    plan = [(KMEANS, float(k))]
    labels = clusters.fit_candidate(matrix, matrix, plan, 1)[0][plan[0]]
    null = [cluster_validation._null_silhouettes(matrix, plan, seed)[plan[0]] for seed in range(5)]
    return float(cluster_validation._silhouette(cdist(matrix, matrix), labels)[0] - np.mean(null))


def test_a_mixture_exceeds_the_null_and_one_normal_does_not() -> None:
    rng = np.random.default_rng(2)
    corners = 3.0 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    mixture = np.repeat(corners, 200, axis=0) + rng.normal(scale=0.5, size=(800, 3))
    normal = rng.multivariate_normal(
        np.zeros(3), [[1, -0.5, -0.4], [-0.5, 1, 0.8], [-0.4, 0.8, 1]], size=800
    )
    assert excess(mixture, 4) > 0.15
    assert abs(excess(normal, 4)) < 0.03


# ------------------------------------------------------------------------- scores


def test_stability_is_one_when_resamples_agree_and_low_when_they_guess() -> None:
    labels = np.repeat([0, 1, 2], 50)
    assert cluster_validation.stability(labels, [labels, (labels + 1) % 3, labels]) == (1.0, 1.0)
    rng = np.random.default_rng(1)
    agreed, worst = cluster_validation.stability(
        labels, [rng.permutation(labels) for _ in range(6)]
    )
    assert agreed < 0.1 and worst < 0.4


def test_noise_is_no_cluster_that_is_found_again() -> None:
    labels = np.repeat([0, 1], 50)
    lost = np.where(labels == 1, -1, 0)
    assert cluster_validation.stability(labels, [lost, lost])[1] == 0.0


def test_what_is_explained_is_the_adjusted_r_squared() -> None:
    rng = np.random.default_rng(4)
    groups = rng.integers(4, size=500)
    spend = np.expm1(rng.normal(size=500) + groups).clip(min=0)
    y = np.log1p(spend)
    within = sum(((y[groups == g] - y[groups == g].mean()) ** 2).sum() for g in range(4))
    share = 1 - within / ((y - y.mean()) ** 2).sum()
    assert cluster_validation.explained_variance(groups, spend) == pytest.approx(
        1 - (1 - share) * 499 / 496
    )
    # Groups without meaning explain nothing, however many they are.
    assert abs(cluster_validation.explained_variance(rng.integers(50, size=500), spend)) < 0.1
    assert np.isnan(cluster_validation.explained_variance(groups, np.zeros(500)))


# ------------------------------------------------------------------------- the rule


def candidates(*rows: dict[str, object]) -> pd.DataFrame:
    """Return candidates that differ from a good one."""
    good = {
        "model": KMEANS,
        "k": 4,
        "silhouette": 0.3,
        "null_silhouette": 0.29,
        "null_silhouette_sd": 0.01,
        "stability": 0.9,
        "jaccard_low": 0.9,
        "smallest_share": 0.1,
        "noise_share": 0.0,
        "use": 0.30,
        "use_se": 0.02,
    }
    return pd.DataFrame([{**good, **row} for row in rows])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"k": 1}, "finds no clusters"),
        ({"stability": 0.79}, "resamples disagree"),
        ({"stability": np.nan}, "resamples disagree"),
        ({"jaccard_low": 0.84}, "a cluster is not found again"),
        ({"smallest_share": 0.04}, "a cluster is too small"),
        ({"noise_share": 0.01}, "leaves customers out"),
        ({"model": GAUSSIAN}, "has no centres to assign by"),
        ({"use": 0.27}, "explains less spend"),
        ({"k": 3}, "coarser than needed"),
        ({"null_silhouette": 0.28, "model": GAUSSIAN}, "has no centres to assign by"),
        ({"silhouette": 0.2, "model": WARD}, "is less clear than its equal"),
    ],
)
def test_the_rule_gives_its_reason(fault: dict[str, object], reason: str) -> None:
    said = cluster_validation.verdicts(candidates({}, fault))
    assert said.tolist() == ["chosen", reason]


def test_the_rule_takes_the_most_detail_that_is_as_useful() -> None:
    table = candidates({"k": 3}, {"k": 4, "use": 0.29}, {"k": 5, "use": 0.25})
    assert cluster_validation.verdicts(table).eq("chosen").tolist() == [False, True, False]


def test_the_rule_takes_no_finer_cut_than_the_first_that_breaks() -> None:
    # Three clear kinds: the cut into two breaks, the cut into three does not.
    unstable = {"stability": 0.5}
    table = candidates({"k": 2, **unstable}, {"k": 3}, {"k": 4, **unstable}, {"k": 5, "use": 0.9})
    assert cluster_validation.verdicts(table.iloc[::-1]).sort_index().tolist() == [
        "resamples disagree",
        "chosen",
        "resamples disagree",
        "a coarser cut breaks",
    ]


def test_kinds_come_before_use() -> None:
    table = candidates({"k": 4, "silhouette": 0.4}, {"k": 6, "use": 0.9})
    assert cluster_validation.verdicts(table).tolist() == ["chosen", "is no clearer than chance"]


def test_without_a_later_quarter_the_rule_takes_the_most_stable_detail() -> None:
    table = candidates({"k": 3}, {"k": 5}, {"k": 7, "stability": 0.5}).assign(use=np.nan)
    assert cluster_validation.verdicts(table).tolist()[1] == "chosen"


def test_the_rule_may_choose_nothing() -> None:
    assert "chosen" not in set(cluster_validation.verdicts(candidates({"stability": 0.1})))


# ------------------------------------------------------------------------- words and pictures


@pytest.mark.parametrize("most", [2, 9, 57])
def test_every_candidate_is_drawn_however_many_clusters_it_has(most: int) -> None:
    """What lies beyond an axis is left out with a warning, which fails here."""
    table = candidates({"k": 2}, {"k": most}).assign(
        setting=[2, most], null_silhouette=0.29, null_silhouette_sd=0.01, chosen=False
    )
    for figure in (
        figures_clusters.cluster_silhouettes(table, "none"),
        figures_clusters.cluster_stability(table),
    ):
        assert isinstance(figure, Figure)
        draw(figure.plot)


def test_sentences_say_kinds_only_where_there_are_some() -> None:
    table = candidates({"k": 3}, {"k": 4}, {"k": 5, "stability": 0.5}).assign(
        setting=[3, 4, 5],
        null_silhouette=0.285,
        null_silhouette_sd=0.01,
        chosen=[False, True, False],
    )

    def headline(found: pd.DataFrame, structure: str) -> str:
        figure = figures_clusters.cluster_silhouettes(found, structure)
        assert isinstance(figure, Figure)
        return figure.headline

    assert cluster_validation.structure(table) == "continuum"
    assert headline(table, "continuum").startswith(
        "With k-means, the silhouette never differs by more than"
    )
    assert "0.02" in headline(table, "continuum")
    assert "continuum" in text_clusters.cluster_choice(table, "continuum")["said-structure"]
    kinds = table.assign(null_silhouette=0.2)
    assert cluster_validation.structure(kinds) == "kinds"
    assert headline(kinds, "kinds") == (
        "With 4 clusters the silhouette is 0.30, against 0.20 in data without groups"
    )
    assert "stand apart" in text_clusters.cluster_choice(kinds, "kinds")["said-structure"]
    # The same excess is no evidence where the null itself varies as much.
    assert cluster_validation.structure(kinds.assign(null_silhouette_sd=0.1)) == "continuum"
    nothing = table.assign(chosen=False)
    assert headline(nothing, "none") == "No number of clusters passes our rule"
    assert text_clusters.cluster_choice(nothing, "none") == {
        "said": "No way of grouping the customers passes our rule, so they are treated as one "
        "group."
    }
    unknown = table.assign(null_silhouette=np.nan)
    assert headline(unknown, "continuum").endswith("cannot be compared with data without groups")


def test_stable_numbers_of_clusters_are_named() -> None:
    table = candidates({"k": 3}, {"k": 4}, {"k": 5, "stability": 0.5}).assign(
        setting=[3, 4, 5], chosen=[False, True, False]
    )
    figure = figures_clusters.cluster_stability(table)
    assert isinstance(figure, Figure) and figure.headline.endswith(
        "these numbers of clusters: 3 and 4"
    )
    figure = figures_clusters.cluster_stability(table.assign(stability=0.1, chosen=False))
    assert isinstance(figure, Figure) and figure.headline.startswith("Resamples agree on no")


def test_clusters_are_compared_with_the_best_simpler_grouping() -> None:
    table = pd.DataFrame(
        {
            "grouping": ["segments", "clusters", "frequency"],
            "groups": [10, 4, 1],
            "explained": [0.5, 0.3, 0.1],
            "low": [0.45, 0.25, 0.05],
            "high": [0.55, 0.35, 0.15],
        }
    )
    figure = figures_clusters.cluster_use(table)
    assert isinstance(figure, Figure)
    assert figure.headline == (
        "Clusters explain 30% of the variance of next-quarter spend; the best simpler grouping "
        "(named segments) explains 50%"
    )
    alone = figures_clusters.cluster_use(table[1:2])
    assert isinstance(alone, Figure) and alone.headline.endswith("next-quarter spend")
    assert "too short" not in str(figures_clusters.cluster_use(table[:0]))
    assert figures_clusters.cluster_use(table[:0]) == (
        "The orders cover no whole quarter after an earlier one, so clusters cannot be tested on "
        "later spend."
    )
    assert figures_clusters.cluster_use(table[:1]) == (
        "There are no clusters to test on later spend."
    )


# ------------------------------------------------------------------------- sentences on scores


def test_what_is_usual_is_told_for_one_and_for_many() -> None:
    told = text_clusters.rfm_values(4324, 51.0, 2.0, 656.43, 1501, "£")
    assert told == {
        "said-recency": "Half of the 4,324 customers ordered within the last 51 days.",
        "said-spend": "Half placed at least 2 orders, and half spent £656 or more.",
        "said-once": "35% of the 4,324 customers have ordered only once.",
    }
    told = text_clusters.rfm_values(40, 1.0, 1.0, 20.0, 0, "")
    assert (
        told
        and told["said-spend"] == "Half placed at least one order, and half spent 20.00 or more."
    )
    assert told["said-once"] == "Every one of the 40 customers has ordered at least twice."
    assert text_clusters.rfm_values(None, 0, 0, 0, 0, "") is None


def test_limits_that_were_taken_over_are_told() -> None:
    assert text_clusters.cut_points(None, "", None, None) is None
    fitted = text_clusters.cut_points(40, "", None, None)
    assert fitted and fitted["said"].startswith("We fit the limits")
    kept = text_clusters.cut_points(40, "2011-10-01", 0.123, None)
    assert kept and "were fitted on 1 October 2011" in kept["said"] and "12.3%" in kept["said"]
    assert "note" not in kept
    kept = text_clusters.cut_points(40, "2011-10-01", 0.123, 0.876)
    assert kept and "0.88" in kept["note"]


def test_what_many_customers_cost_is_told() -> None:
    few, many = text_clusters.cluster_rule(4000), text_clusters.cluster_rule(60_000)
    assert few and many and {*many} - {*few} == {"note-kmeans", "note-sample"}
    assert "5% of customers" in few["said"]
    assert text_clusters.cluster_rule(None) is None

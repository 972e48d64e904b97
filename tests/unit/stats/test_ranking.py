"""Rank measures for each resample agree with those of a library on the resampled rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from scipy import stats

from analysis.stats.ranking import captured_share, misplaced, weighted_ranks, weighted_spearman

SMALL = st.integers(0, 5).map(float)


@given(st.data())
def test_a_weighted_rank_correlation_is_that_of_the_repeated_rows(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 12))
    one, other = (data.draw(st_numpy.arrays(float, n, elements=SMALL)) for _ in range(2))
    counts = data.draw(st_numpy.arrays(int, n, elements=st.integers(0, 3)))
    rows = np.repeat(np.arange(n), counts)
    found = weighted_spearman(one, other, counts[None].astype(float))[0]
    if len(rows) < 2 or np.ptp(one[rows]) == 0 or np.ptp(other[rows]) == 0:
        return
    np.testing.assert_allclose(found, stats.spearmanr(one[rows], other[rows])[0], atol=1e-9)


@given(st_numpy.arrays(float, st.integers(1, 20), elements=SMALL))
def test_ranks_of_rows_that_count_once_are_the_usual_ones(values: np.ndarray) -> None:
    found = weighted_ranks(values, np.ones((1, len(values))))[0]
    np.testing.assert_allclose(found, stats.rankdata(values))


def test_a_perfect_list_catches_at_least_what_any_other_catches() -> None:
    random = np.random.default_rng(1)
    values, weights = random.pareto(2, 200), np.ones((1, 200))
    best = captured_share(values, values, weights, 0.1)
    assert best >= captured_share(random.random(200), values, weights, 0.1)


def test_money_expected_in_the_right_groups_is_not_misplaced_whatever_the_level() -> None:
    groups = np.array([0, 0, 1, 1])
    came = np.array([1.0, 3.0, 4.0, 0.0])
    assert misplaced(3 * came, came, groups) == 0
    assert misplaced([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], groups) == 1

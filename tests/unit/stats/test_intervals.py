"""Test intervals of shares against the textbook's formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.stats.intervals import wilson

tried = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(tried, min_size=1))
def test_the_interval_is_the_one_that_wilson_wrote_down(pairs: list[tuple[int, int]]) -> None:
    k, n = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    low, high = wilson(k, n)
    z = stats.norm.ppf(0.975)
    middle = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    assert low == pytest.approx(np.clip(middle - half, 0, 1), abs=1e-12)
    assert high == pytest.approx(np.clip(middle + half, 0, 1), abs=1e-12)
    assert ((low >= 0) & (low <= k / n) & (k / n <= high) & (high <= 1)).all()


def test_where_nothing_was_tried_nothing_is_known() -> None:
    low, high = wilson([3, 0], [10, 0])
    peer = stats.binomtest(3, 10).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((peer.low, peer.high))
    assert np.isnan([low[1], high[1]]).all() and np.isnan(wilson(0, 0)).all()

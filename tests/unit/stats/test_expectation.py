"""Test what is told beforehand of how well risks will do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from analysis.stats.expectation import expect_measures


def test_what_is_expected_beforehand_is_what_comes_on_average() -> None:
    random = np.random.default_rng(3)
    p = random.beta(1, 2, 800)
    area, brier = expect_measures(p, 7)
    came = random.random((300, len(p))) < p
    areas = np.array([roc_auc_score(one, p) for one in came])
    scores = ((came - p) ** 2).mean(axis=1)
    assert area.value == pytest.approx(areas.mean(), abs=0.003)
    assert brier.value == pytest.approx((p * (1 - p)).mean(), abs=0.002)
    for told, found in ((area, areas), (brier, scores)):
        assert 0.9 <= np.mean((found >= told.low) & (found <= told.high)) <= 0.99


def test_the_order_of_customers_does_not_matter_and_many_are_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p = np.random.default_rng(1).random(3000)
    assert expect_measures(p, 1) == expect_measures(p[::-1], 1)
    whole, _ = expect_measures(p, 1)
    monkeypatch.setattr("analysis.stats.expectation.MOST", 1000)
    some, _ = expect_measures(p, 1)
    assert some.value == pytest.approx(whole.value, abs=0.01)
    assert some.high - some.low == pytest.approx(whole.high - whole.low, rel=0.3)


def test_nothing_is_expected_of_nobody_and_of_what_is_certain() -> None:
    assert all(np.isnan(one.value) for one in expect_measures([], 1))
    area, brier = expect_measures([1.0, 1.0], 1)
    assert np.isnan(area.value) and brier.value == 0

"""Test that the gamma-gamma model recovers simulated parameters and means."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats import gamma_gamma
from analysis.stats.gamma_gamma import SpendBase

TRUTH = SpendBase(p=6.0, q=4.0, v=15.0)


def simulated(customers: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return occasions, the mean spend on them, and each customer's true mean."""
    chance = np.random.default_rng(seed)
    rate = chance.gamma(TRUTH.q, 1 / TRUTH.v, customers)
    occasions = chance.integers(1, 9, customers).astype(float)
    total = chance.gamma(TRUTH.p * occasions, 1 / rate)
    return occasions, total / occasions, TRUTH.p / rate


def test_the_parameters_are_found_again_in_any_currency() -> None:
    occasions, mean, _ = simulated(20_000, seed=1)
    for unit in (1.0, 1000.0):
        base = gamma_gamma.fit(occasions, mean * unit)
        assert base.p == pytest.approx(TRUTH.p, rel=0.1)
        assert base.q == pytest.approx(TRUTH.q, rel=0.1)
        assert base.v == pytest.approx(TRUTH.v * unit, rel=0.15)


def test_expected_spend_is_right_on_average_and_closer_than_the_mean_so_far() -> None:
    occasions, mean, true = simulated(20_000, seed=2)
    found = gamma_gamma.mean_spend(gamma_gamma.fit(occasions, mean), occasions, mean)
    assert found.mean() == pytest.approx(true.mean(), rel=0.03)
    once = occasions == 1
    assert np.abs(found - true)[once].mean() < np.abs(mean - true)[once].mean()


def test_where_the_mean_over_customers_is_infinite_each_keeps_the_own_mean() -> None:
    mean = np.array([3.0, 8.0])
    base = SpendBase(2.0, 0.9, 10.0)
    assert gamma_gamma.mean_spend(base, np.ones(2), mean).tolist() == [3, 8]

"""Test that the BG/NBD model recovers simulated parameters and probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from analysis.stats import bgnbd

TRUTH = bgnbd.CustomerBase(r=0.8, alpha=60.0, a=0.8, b=2.5)


def simulated(base: bgnbd.CustomerBase, customers: int, seed: int, days: float) -> pd.DataFrame:
    """Return customers as the model has them, with `none`: no purchase in the days to come."""
    chance = np.random.default_rng(seed)
    rate = chance.gamma(base.r, 1 / base.alpha, customers)
    leaving = chance.beta(base.a, base.b, customers)
    t = chance.uniform(100, 370, customers)
    x, t_x, now = np.zeros((3, customers))
    none, active = np.ones(customers, dtype=bool), np.ones(customers, dtype=bool)
    while active.any():
        now = now + chance.exponential(1 / rate)
        before = active & (now < t)
        x[before] += 1
        t_x[before] = now[before]
        none[active & (now >= t) & (now < t + days)] = False
        active = before & (chance.random(customers) > leaving)
    return pd.DataFrame({"x": x, "t_x": t_x, "t": t, "none": none})


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return simulated(TRUTH, 8_000, 1, 90)


@pytest.fixture(scope="module")
def base(people: pd.DataFrame) -> bgnbd.CustomerBase:
    return bgnbd.fit(people)


def test_the_parameters_are_found_again(people: pd.DataFrame, base: bgnbd.CustomerBase) -> None:
    assert base.r == pytest.approx(TRUTH.r, rel=0.1)
    assert base.alpha == pytest.approx(TRUTH.alpha, rel=0.1)
    # What is known well of a and b is the mean chance to leave.
    assert base.a / (base.a + base.b) == pytest.approx(TRUTH.a / (TRUTH.a + TRUTH.b), abs=0.03)
    # Nothing is likelier than the maximum, not even the truth.
    found, truth = (bgnbd.log_likelihood(b, people).sum() for b in (base, TRUTH))
    assert truth <= found <= truth + 10


def test_probabilities_are_what_comes(people: pd.DataFrame, base: bgnbd.CustomerBase) -> None:
    p = bgnbd.p_none(base, people, 90)
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        group = (p >= low) & (p < high)
        error = np.sqrt((p[group] * (1 - p[group])).sum()) / group.sum()
        assert group.sum() > 100
        assert abs(people["none"][group].mean() - p[group].mean()) < 4 * error


def test_the_order_of_customers_does_not_show(people: pd.DataFrame) -> None:
    some = people.head(500)
    assert bgnbd.fit(some) == bgnbd.fit(some.sample(frac=1, random_state=1))


def test_the_likelihood_is_the_integral_that_it_stands_for() -> None:
    """Equation 3 of the paper, for one customer's rate and chance, mixed over customers."""
    one = pd.DataFrame({"x": [2.0], "t_x": [30.0], "t": [50.0]})

    def over_chances(f: Callable[[float], float]) -> float:
        return integrate.quad(lambda p: f(p) * stats.beta.pdf(p, TRUTH.a, TRUTH.b), 0, 1)[0]

    def over_rates(days: float) -> float:
        mixed = stats.gamma(TRUTH.r, scale=1 / TRUTH.alpha)
        return integrate.quad(lambda rate: rate**2 * np.exp(-rate * days) * mixed.pdf(rate), 0, 2)[
            0
        ]

    still = over_chances(lambda p: (1 - p) ** 2) * over_rates(50)
    gone = over_chances(lambda p: p * (1 - p)) * over_rates(30)
    whole = still + gone
    assert np.exp(bgnbd.log_likelihood(TRUTH, one))[0] == pytest.approx(whole, rel=1e-4)


positive = st.floats(1e-3, 1e3)


@given(positive, positive, positive, positive, st.integers(0, 5000), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_limits(r: float, alpha: float, a: float, b: float, x: int, share: float) -> None:
    base = bgnbd.CustomerBase(r, alpha, a, b)
    one = pd.DataFrame({"x": [float(x)], "t_x": [300 * share * (x > 0)], "t": [300.0]})
    assert np.isfinite(bgnbd.log_likelihood(base, one)).all()
    alive = bgnbd.p_alive(base, one)
    assert 0 <= alive[0] <= 1
    assert x > 0 or alive[0] == 1
    none = [bgnbd.p_none(base, one, days)[0] for days in (0, 1, 90, 1e4)]
    assert none[0] == pytest.approx(1)
    assert none == sorted(none, reverse=True)
    # In the end, only who has left buys nothing: also the slowest rate buys at last.
    end = bgnbd.p_none(bgnbd.CustomerBase(r + 1, alpha, a, b), one, 1e300)[0]
    assert end == pytest.approx(1 - bgnbd.p_alive(bgnbd.CustomerBase(r + 1, alpha, a, b), one)[0])


def test_the_longer_the_silence_the_likelier_the_end() -> None:
    table = pd.DataFrame({"x": 4.0, "t_x": 100.0, "t": [100.0, 130.0, 200.0, 400.0]})
    alive = bgnbd.p_alive(TRUTH, table)
    assert list(alive) == sorted(alive, reverse=True)
    assert alive[0] > 0.8 and alive[-1] < 0.2


def test_a_base_in_which_all_are_alike_is_fitted_too() -> None:
    once = pd.DataFrame({"x": 0.0, "t_x": 0.0, "t": [50.0] * 30})
    often = pd.DataFrame({"x": 10.0, "t_x": 300.0, "t": [300.0] * 30})
    assert bgnbd.p_none(bgnbd.fit(once), once, 90).min() > 0.9
    assert bgnbd.p_none(bgnbd.fit(often), often, 90).max() < 0.2


def test_expected_purchases_are_those_that_come() -> None:
    chance = np.random.default_rng(5)
    table = pd.DataFrame({"x": [0.0, 3.0, 12.0], "t_x": [0.0, 150.0, 340.0], "t": [90.0, 300, 360]})
    found = bgnbd.expected_purchases(TRUTH, table, 90)
    n = 200_000
    for place, (x, t_x, t) in enumerate(table.itertuples(index=False)):
        # What is known of the rate and of the chance to leave, given that the customer is active.
        rate = chance.gamma(TRUTH.r + x, 1 / (TRUTH.alpha + t), n)
        leave = chance.beta(TRUTH.a, TRUTH.b + x, n)
        given_active = (1 - np.exp(-rate * leave * 90)) / leave
        active = bgnbd.p_alive(TRUTH, table)[place]
        assert found[place] == pytest.approx(active * given_active.mean(), rel=0.02), (x, t_x)


def test_where_nobody_leaves_purchases_come_at_the_own_rate() -> None:
    base = bgnbd.CustomerBase(0.8, 60.0, 1e-4, 300.0)
    table = pd.DataFrame({"x": [4.0], "t_x": [200.0], "t": [240.0]})
    assert bgnbd.expected_purchases(base, table, 90) == pytest.approx([4.8 / 300 * 90])


def test_a_shop_that_nobody_leaves_is_recognised(
    people: pd.DataFrame, base: bgnbd.CustomerBase
) -> None:
    assert bgnbd.finds_dropout(base, people)
    stays = bgnbd.CustomerBase(0.8, 60.0, 1e-6, 300.0)
    found = 0
    for seed in range(10):
        table = simulated(stays, 1_000, seed, 90)
        found += bgnbd.finds_dropout(bgnbd.fit(table), table)
    assert found <= 2

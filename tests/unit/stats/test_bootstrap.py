"""Test the bootstrap: resamples, sums over them, and percentile intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.stats import bootstrap

units, seeds = st.integers(1, 40), st.integers(0, 2**32 - 1)


@given(units, seeds, st.integers(0, 60))
def test_a_resample_has_as_many_units_as_there_are(n: int, seed: int, draws: int) -> None:
    blocks = list(bootstrap.resampled_counts(n, seed, draws))
    counts = np.concatenate([np.zeros((0, n)), *blocks])
    assert counts.shape == (draws, n)
    assert (counts.sum(axis=1) == n).all() and (counts >= 0).all()
    again = np.concatenate([np.zeros((0, n)), *bootstrap.resampled_counts(n, seed, draws)])
    assert (counts == again).all()


@given(units, seeds, st.integers(1, 60), st.integers(1, 500))
def test_resamples_do_not_depend_on_the_size_of_a_block(
    n: int, seed: int, draws: int, block: int
) -> None:
    whole = np.concatenate(list(bootstrap.resampled_counts(n, seed, draws)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "BLOCK", block)
        parts = list(bootstrap.resampled_counts(n, seed, draws))
    assert max(part.size for part in parts) <= max(block, n)
    assert (np.concatenate(parts) == whole).all()


def test_every_unit_is_drawn_as_often_as_a_multinomial_says() -> None:
    counts = np.concatenate(list(bootstrap.resampled_counts(5, 3, 20_000)))
    seen = np.bincount(counts[:, 0].astype(int), minlength=6)[:6]
    expected = stats.binom.pmf(np.arange(6), 5, 0.2) * len(counts)
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-4
    # Of a multinomial, two counts correlate by -1 / (n - 1).
    assert np.corrcoef(counts[:, 0], counts[:, 1])[0, 1] == pytest.approx(-0.25, abs=0.03)


@given(st.data(), units, seeds)
def test_sums_are_those_of_the_counts(data: st.DataObject, n: int, seed: int) -> None:
    amounts = st.floats(-1e6, 1e6)
    values = np.array([data.draw(st.lists(amounts, min_size=2, max_size=2)) for _ in range(n)])
    counts = np.concatenate(list(bootstrap.resampled_counts(n, seed, 7)))
    sums = bootstrap.resampled_sums(values, seed, draws=7)
    assert sums == pytest.approx(counts @ values, rel=1e-9, abs=1e-6)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), seeds)
def test_rows_of_a_group_are_drawn_together(groups: list[int], seed: int) -> None:
    """Each group has a column of its own: it holds whole multiples of the group's size."""
    names, sizes = np.unique(groups, return_counts=True)
    flags = (np.asarray(groups)[:, None] == names).astype(float)
    times = bootstrap.resampled_sums(flags, seed, groups, draws=5) / sizes
    assert times == pytest.approx(times.round())
    assert times.sum(axis=1) == pytest.approx(len(names))


@pytest.fixture
def spent() -> npt.NDArray[np.float64]:
    """Return counts, amounts, and a column that is the same for all."""
    random = np.random.default_rng(5)
    money = random.lognormal(5, 1.5, 3000)
    return np.column_stack([random.random(3000) < 0.2, money, np.ones(3000)]).astype(float)


def test_sums_of_many_rows_are_distributed_as_those_of_few(
    monkeypatch: pytest.MonkeyPatch, spent: npt.NDArray[np.float64]
) -> None:
    few = bootstrap.resampled_sums(spent, 1, draws=20_000)
    monkeypatch.setattr(bootstrap, "MANY", 10)
    many = bootstrap.resampled_sums(spent, 2, draws=20_000)
    assert many.mean(axis=0) == pytest.approx(few.mean(axis=0), rel=0.01)
    assert many.std(axis=0) == pytest.approx(few.std(axis=0), rel=0.04)
    one, other = (stats.pearsonr(*sums.T).statistic for sums in (many[:, :2], few[:, :2]))
    assert one == pytest.approx(other, abs=0.04)
    assert (many[:, 2] == 3000).all()


def test_sums_by_group_are_distributed_as_those_of_all_rows(
    monkeypatch: pytest.MonkeyPatch, spent: npt.NDArray[np.float64]
) -> None:
    groups = np.repeat([0, 1, 2], [50, 950, 2000])
    flags = groups[:, None] == np.arange(3)
    wide = np.hstack([spent * flag[:, None] for flag in flags.T])
    all_rows = bootstrap.resampled_sums(wide, 1, draws=8000).reshape(-1, 3, 3)
    for many in (bootstrap.MANY, 1000):
        monkeypatch.setattr(bootstrap, "MANY", many)
        drawn = bootstrap.resampled_group_sums(spent, groups, 2, draws=8000)
        assert drawn.mean(axis=0) == pytest.approx(all_rows.mean(axis=0), rel=0.02)
        assert drawn.std(axis=0) == pytest.approx(all_rows.std(axis=0), rel=0.06)
        assert drawn[:, :, 2].sum(axis=1) == pytest.approx(3000)


def test_the_interval_of_a_mean_is_the_one_of_the_textbook(
    spent: npt.NDArray[np.float64],
) -> None:
    values = np.log(spent[:, [1]])
    low, high = bootstrap.percentile_interval(bootstrap.resampled_sums(values, 1) / len(values))
    assert (high - low)[0] == pytest.approx(2 * 1.96 * stats.sem(values)[0], rel=0.08)
    peer = stats.bootstrap((values[:, 0],), np.mean, method="percentile", rng=1).confidence_interval
    assert (low[0], high[0]) == pytest.approx((peer.low, peer.high), abs=0.1 * (high - low)[0])


finite = st.floats(-1e9, 1e9)
holes = st.sampled_from([np.nan, np.inf, -np.inf])


@given(st.lists(finite, min_size=1), st.lists(holes))
def test_what_is_not_finite_says_nothing(known: list[float], gaps: list[float]) -> None:
    mixed = np.random.default_rng(1).permutation([*known, *gaps])
    ends = bootstrap.percentile_interval(mixed)
    assert ends == pytest.approx(tuple(np.quantile(known, [0.025, 0.975])), rel=1e-9, abs=1e-9)
    assert min(known) <= ends[0] <= ends[1] <= max(known)
    both = bootstrap.percentile_interval(np.column_stack([mixed, np.full(len(mixed), np.nan)]))
    assert (both[0][0], both[1][0]) == ends and np.isnan([both[0][1], both[1][1]]).all()


@given(st.integers(1, 300), st.integers(1, 300), seeds)
def test_a_subsample_has_different_places_in_order(n: int, most: int, seed: int) -> None:
    rows = bootstrap.subsample(n, seed, most)
    assert len(rows) == min(n, most)
    assert (np.diff(rows) > 0).all() and rows[0] >= 0 and rows[-1] < n


@given(seeds)
def test_an_interval_from_a_subsample_is_as_wide_as_that_from_all(seed: int) -> None:
    values = np.random.default_rng(seed).exponential(size=4000)

    def means(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        return bootstrap.resampled_sums(values[rows, None], seed, draws=400)[:, 0] / len(rows)

    rows = bootstrap.subsample(4000, seed, 1000)
    low, high = bootstrap.subsample_interval(
        means(rows), float(values[rows].mean()), float(values.mean()), 1000, 4000
    )
    assert low < values.mean() < high
    whole = np.ptp(bootstrap.percentile_interval(means(np.arange(4000))))
    assert high - low == pytest.approx(whole, rel=0.35)

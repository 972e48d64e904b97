"""Bootstrap: draw resamples of customers, and read intervals from what they give.

Every interval of the report that has no formula comes from here: Efron, B., & Tibshirani, R. J.
(1993). *An Introduction to the Bootstrap*, Chapman & Hall, chapters 6 (resamples) and 13
(percentile intervals).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
#: Resamples of an interval. The standard error of its ends is then about 2% of its width.
DRAWS = 999
#: Of more customers than this, sums are drawn from the normal distribution to which they converge,
#: and other statistics are resampled on as many customers, drawn once.
MANY = 20_000
#: Cells of a table of counts held at a time (2 MB: as fast as it gets).
BLOCK = 250_000


def resampled_counts(n: int, seed: int, draws: int | None = None) -> Iterator[Numbers]:
    """Yield how often each of some units is drawn in each resample, in blocks of resamples.

    Parameters
    ----------
    n
        How many units there are, and how many are drawn with replacement each time.
    seed
        Equal seeds give equal resamples, whatever is computed from them: what two statistics say
        of the same units is then paired.
    draws
        How many resamples; without it, `DRAWS`.

    Yields
    ------
    numpy.ndarray
        One row a resample, one column a unit.

    Examples
    --------
    >>> blocks = list(resampled_counts(3, seed=1, draws=4))
    >>> np.concatenate(blocks).shape, np.concatenate(blocks).sum(axis=1).tolist()
    ((4, 3), [3.0, 3.0, 3.0, 3.0])
    """
    taken = np.full(DRAWS if draws is None else draws, n)
    yield from _counts(n, taken, np.random.default_rng(seed))


def _counts(n: int, taken: Counts, random: np.random.Generator) -> Iterator[Numbers]:
    """Yield how often each of `n` units is drawn in each resample; `taken` holds their sizes."""
    step = max(1, BLOCK // n)
    for start in range(0, len(taken), step):
        some = taken[start : start + step]
        drawn = random.integers(n, size=int(some.sum())) + np.repeat(n * np.arange(len(some)), some)
        yield np.bincount(drawn, minlength=len(some) * n).reshape(-1, n).astype(float)


def resampled_sums(
    values: Numbers, seed: int, together: npt.ArrayLike | None = None, draws: int | None = None
) -> Numbers:
    """Return the sums of columns over resamples of the rows.

    Parameters
    ----------
    values
        One row a customer.
    seed, draws
        As in `resampled_counts`.
    together
        Rows with the same label are drawn together: near-duplicates, say.

    Returns
    -------
    numpy.ndarray
        One row a resample, one column a column.

    Examples
    --------
    >>> resampled_sums(np.array([[1.0, 5.0], [1.0, 5.0]]), seed=1, draws=2).tolist()
    [[2.0, 10.0], [2.0, 10.0]]
    """
    if together is not None:
        _, place = np.unique(np.asarray(together), return_inverse=True)
        summed = np.zeros((place.max() + 1, values.shape[1]))
        np.add.at(summed, place, values)
        values = summed
    taken = np.full(DRAWS if draws is None else draws, len(values))
    return _sums(values, taken, np.random.default_rng(seed))


def resampled_group_sums(
    values: Numbers, groups: npt.NDArray[np.integer[Any]], seed: int, draws: int | None = None
) -> Numbers:
    """Return the sums of columns by group, over resamples of all rows.

    How many of each group are drawn follows a multinomial distribution; each of them is any row of
    the group.

    Parameters
    ----------
    values
        One row a customer.
    groups
        The number of each customer's group, from 0 on without gaps.
    seed, draws
        As in `resampled_counts`.

    Returns
    -------
    numpy.ndarray
        By resample, group and column.
    """
    random = np.random.default_rng(seed)
    sizes = np.bincount(groups)
    taken = random.multinomial(len(values), sizes / len(values), DRAWS if draws is None else draws)
    parts = [_sums(values[groups == g], taken[:, g], random) for g in range(len(sizes))]
    return np.stack(parts, axis=1)


def _sums(values: Numbers, taken: Counts, random: np.random.Generator) -> Numbers:
    """Return the sums of columns over resamples; `taken` holds their sizes."""
    n = len(values)
    if n <= MANY:
        return np.concatenate([counts @ values for counts in _counts(n, taken, random)])
    spread = values.std(axis=0)
    # Counts and amounts differ by orders of magnitude: the decomposition sees correlations.
    scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    drawn = random.multivariate_normal(
        np.zeros(len(spread)),
        scaled.T @ scaled / n,
        len(taken),
        check_valid="ignore",
        method="eigh",
    )
    times = taken[:, None]
    return np.asarray(times * values.mean(axis=0) + np.sqrt(times) * drawn * spread)


def percentile_interval(values: npt.ArrayLike) -> tuple[Any, Any]:
    """Return the ends between which the middle 95% of the resampled values lie.

    Parameters
    ----------
    values
        One row a resample. What is not finite, as a ratio to nothing, says nothing and is left
        out.

    Returns
    -------
    tuple
        Two numbers, or two arrays with an element for each column; missing where no value is
        finite.

    Examples
    --------
    >>> percentile_interval(np.arange(1001))
    (25.0, 975.0)
    """
    found = np.asarray(values, dtype=float)
    known = np.where(np.isfinite(found), found, np.nan)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        low, high = np.nanquantile(known, [0.025, 0.975], axis=0)
    return (low, high) if found.ndim > 1 else (float(low), float(high))


def subsample(n: int, seed: int, most: int | None = None) -> npt.NDArray[np.intp]:
    """Return the places of at most `most` of `n` units, in order, drawn without replacement.

    Without `most`, they are at most `MANY`.

    Examples
    --------
    >>> subsample(4, seed=1).tolist(), len(subsample(10, seed=1, most=3))
    ([0, 1, 2, 3], 3)
    """
    most = MANY if most is None else most
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def subsample_interval(
    drawn: Numbers, of_sample: float, of_all: float, rows: int, n: int
) -> tuple[float, float]:
    """Return the interval of a statistic of all units, of which a subsample was resampled.

    Parameters
    ----------
    drawn
        The statistic in resamples of the subsample.
    of_sample, of_all
        The statistic in the subsample, and in all units.
    rows, n
        How many units the subsample and the whole have: intervals narrow with the square root.

    Examples
    --------
    >>> subsample_interval(np.arange(101.0), of_sample=50.0, of_all=40.0, rows=25, n=100)
    (16.25, 63.75)
    """
    low, high = percentile_interval(drawn - of_sample)
    narrower = float(np.sqrt(rows / n))
    return of_all + low * narrower, of_all + high * narrower

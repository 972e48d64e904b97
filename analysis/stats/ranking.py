"""Measure how well scores rank customers, and place money, once for each resample of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


def captured_share(
    scores: npt.ArrayLike, values: npt.ArrayLike, weights: Numbers, top: float
) -> Numbers:
    """Return which share of some values lies with the customers whose scores are highest.

    Customers with the same score share what is left of the list, so that a score that tells
    nothing catches just `top`.

    Parameters
    ----------
    scores
        By which a list would be made, the highest first.
    values
        What it would catch: of each customer, not below 0.
    weights
        How often each customer counts: one row a resample.
    top
        Length of the list, as a share of the customers.

    Returns
    -------
    numpy.ndarray
        One share a row of weights; missing where there is nothing to catch.

    Examples
    --------
    >>> captured_share([4, 3, 2, 1], [1, 1, 0, 0], np.ones((1, 4)), 0.25)
    array([0.5])
    >>> captured_share([1, 1, 1, 1], [1, 1, 0, 0], np.ones((1, 4)), 0.25)
    array([0.25])
    """
    s, v = np.asarray(scores, dtype=float), np.asarray(values, dtype=float)
    order = np.argsort(-s, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(s[order])) + 1)
    size = np.add.reduceat(weights[:, order], starts, axis=1)
    worth = np.add.reduceat(weights[:, order] * v[order], starts, axis=1)
    above = np.cumsum(size, axis=1) - size
    room = top * weights.sum(axis=1, keepdims=True) - above
    taken = np.clip(room / np.maximum(size, 1e-9), 0, 1)
    total = worth.sum(axis=1)
    return np.asarray((taken * worth).sum(axis=1) / np.where(total > 0, total, np.nan))


def weighted_ranks(values: npt.ArrayLike, weights: Numbers) -> Numbers:
    """Return the rank of each value among all, each counted as often as it is drawn.

    Equal values share their mean rank.

    Examples
    --------
    >>> weighted_ranks([5, 1, 5], np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 2.0]])).tolist()
    [[2.5, 1.0, 2.5], [2.0, 0.5, 2.0]]
    """
    v = np.asarray(values, dtype=float)
    order = np.argsort(v, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(v[order])) + 1)
    size = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(size, axis=1) - size / 2 + 0.5
    place = np.empty(len(v), dtype=np.int64)
    place[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(v))))
    return np.asarray(middle[:, place])


def weighted_spearman(one: npt.ArrayLike, other: npt.ArrayLike, weights: Numbers) -> Numbers:
    """Return Spearman's rank correlation, once for each row of weights.

    It is missing where either has equal values only.

    Examples
    --------
    >>> weighted_spearman([1, 2, 3, 4], [1, 4, 9, 16], np.ones((1, 4)))
    array([1.])
    """
    x, y = weighted_ranks(one, weights), weighted_ranks(other, weights)
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    x -= (weights * x).sum(axis=1, keepdims=True) / total
    y -= (weights * y).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
    return np.asarray((weights * x * y).sum(axis=1) / np.where(spread > 1e-9, spread, np.nan))


def misplaced(
    predicted: npt.ArrayLike, observed: npt.ArrayLike, groups: npt.NDArray[np.int64]
) -> float:
    """Return which share of a total is expected in another group than that in which it came.

    Half the sum of the differences between the groups' shares: whether the total is right does
    not matter.

    Parameters
    ----------
    predicted, observed
        Amounts by customer.
    groups
        The number of each customer's group, from 0 on.

    Examples
    --------
    >>> misplaced([5.0, 5.0], [1.0, 3.0], np.array([0, 1]))
    0.25
    """
    shares = []
    for values in (predicted, observed):
        sums = np.bincount(groups, weights=np.asarray(values, dtype=float))
        shares.append(sums / sums.sum() if sums.sum() > 0 else np.full(len(sums), np.nan))
    return float(np.abs(shares[0] - shares[1]).sum() / 2)

"""Measure the size of effects and associations."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

Numbers = npt.NDArray[np.float64]


def cliffs_delta(declined: npt.ArrayLike, same: npt.ArrayLike) -> tuple[float, float, float]:
    """Return Cliff's delta with its 95% interval.

    Parameters
    ----------
    declined, same
        The values of a feature in both groups, at least two each, none missing.

    Returns
    -------
    tuple of float
        P(declined > same) - P(declined < same), and the ends of its asymmetric interval, with the
        variance estimated without assuming that the groups spread alike.

    Notes
    -----
    N. Cliff (1996), *Ordinal Methods for Behavioral Data Analysis*, and D. Feng,
    N. Cliff (2004), *Monte Carlo evaluation of ordinal d with improved confidence interval*,
    Journal of Modern Applied Statistical Methods 3 (2).

    Examples
    --------
    >>> [round(x, 2) for x in cliffs_delta([1, 2, 3, 4, 5], [3, 4, 5, 6, 7])]
    [-0.64, -0.91, 0.01]
    """
    x, y = np.sort(np.asarray(declined, float)), np.sort(np.asarray(same, float))
    m, n = len(x), len(y)
    x_wins = _dominance(x, y)
    y_wins = _dominance(y, x)
    delta = float(x_wins.mean())
    z = float(scipy.stats.norm.ppf(0.975))
    if math.isclose(abs(delta), 1):
        # Without any overlap the estimated variance is 0: the end of Wilson's interval instead.
        inner = math.copysign((min(m, n) - z**2) / (min(m, n) + z**2), delta)
        return delta, min(delta, inner), max(delta, inner)
    ties = np.searchsorted(y, x, "right") - np.searchsorted(y, x, "left")
    spread = m * n - ties.sum() - m * n * delta**2
    variance = float(
        n**2 * ((x_wins - delta) ** 2).sum() + m**2 * ((y_wins + delta) ** 2).sum() - spread
    ) / (m * n * (m - 1) * (n - 1))
    variance = max(variance, (1 - delta**2) / (m * n - 1))
    half = z * math.sqrt(variance) * math.sqrt((1 - delta**2) ** 2 + z**2 * variance)
    bottom = 1 - delta**2 + z**2 * variance
    return delta, (delta - delta**3 - half) / bottom, (delta - delta**3 + half) / bottom


def _dominance(values: Numbers, others: Numbers) -> Numbers:
    """Return for each value the share of the (sorted) others below it minus the share above."""
    below = np.searchsorted(others, values, "left")
    above = len(others) - np.searchsorted(others, values, "right")
    return (below - above) / len(others)


def correlation_ratio(number: pd.Series, label: pd.Series) -> float:
    """Return how much of the ranks' spread lies between the labels, as a correlation (0 to 1).

    Examples
    --------
    >>> round(correlation_ratio(pd.Series([1, 1, 9, 9]), pd.Series(["a", "a", "b", "b"])), 9)
    1.0
    """
    groups = [values.to_numpy() for _, values in number.groupby(label)]
    if len(number) <= len(groups):
        return math.nan
    h = scipy.stats.kruskal(*groups).statistic
    squared = (h - len(groups) + 1) / (len(number) - len(groups))
    return float(math.sqrt(min(max(squared, 0.0), 1.0)))


def cramers_v(one: pd.Series, other: pd.Series) -> float:
    """Return Cramér's V of two columns of labels, corrected for its bias.

    Examples
    --------
    >>> labels = pd.Series(["a", "b"] * 50)
    >>> cramers_v(labels, labels)
    1.0
    """
    table = pd.crosstab(one, other).to_numpy()
    n, (rows, columns) = table.sum(), table.shape
    squared = scipy.stats.chi2_contingency(table, correction=False).statistic / n
    corrected = max(0.0, squared - (rows - 1) * (columns - 1) / (n - 1))
    most = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(math.sqrt(min(corrected / most, 1.0))) if most > 0 else math.nan

"""Measure how unequal amounts are: the share of the top customers, and the Gini coefficient."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.stats import bootstrap


def top_share(amounts: pd.Series | np.ndarray) -> float:
    """Return the share of the whole that the top 20% of customers bring.

    Examples
    --------
    >>> round(top_share(pd.Series([1, 1, 1, 1, 6])), 2)
    0.6
    """
    values = np.sort(np.asarray(amounts, dtype=float))[::-1]
    return float(values[: round(0.2 * len(values))].sum() / values.sum())


def top_share_interval(amounts: pd.Series, seed: int) -> tuple[float, float]:
    """Return a 95% bootstrap interval of `top_share`, by resampling customers."""
    values = amounts.to_numpy(dtype=float)
    rows = bootstrap.subsample(len(values), seed)
    part = np.sort(values[rows])[::-1]
    top = round(0.2 * len(part))
    drawn = [
        (np.clip(top - counts.cumsum(axis=1) + counts, 0, counts) @ part) / (counts @ part)
        for counts in bootstrap.resampled_counts(len(part), seed)
    ]
    return bootstrap.subsample_interval(
        np.concatenate(drawn), top_share(part), top_share(values), len(part), len(values)
    )


def gini(amounts: pd.Series) -> float:
    """Return the Gini coefficient: 0 when all customers bring the same, 1 when one brings all.

    Gini, C. (1912). *Variabilità e mutabilità*.
    """
    values = np.sort(amounts.to_numpy(dtype=float))
    n = len(values)
    return float((2 * np.arange(1, n + 1) - n - 1) @ values / (n * values.sum()))

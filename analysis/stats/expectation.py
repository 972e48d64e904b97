"""Tell beforehand how well calibrated risks will rank customers, and how far they will be off.

If the risks are right, outcomes are independent draws from them; so the ROC-AUC and the Brier score
that will be measured are known before anything has happened, with their chance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from analysis.stats.bootstrap import percentile_interval, subsample

Numbers = npt.NDArray[np.float64]
DRAWS = 499
#: Of more customers than these, as many are drawn, and the spread is scaled.
MOST = 10_000


class Expected(NamedTuple):
    """What is expected of a measure: its mean, and the ends of its 95% interval."""

    value: float
    low: float
    high: float


def expect_measures(risk: npt.ArrayLike, seed: int) -> tuple[Expected, Expected]:
    """Return the ROC-AUC and the Brier score that calibrated risks will have.

    Parameters
    ----------
    risk
        The probability of each customer.
    seed
        Of the draws of outcomes.

    Returns
    -------
    tuple of Expected
        ROC-AUC and Brier score; missing where all outcomes are certain to be of one kind.

    Examples
    --------
    >>> area, brier = expect_measures(np.full(200, 0.3), 1)
    >>> round(area.value, 2), round(brier.value, 2)
    (0.5, 0.21)
    """
    every = np.sort(np.asarray(risk, dtype=float))
    rows = subsample(len(every), seed, MOST) if len(every) else np.zeros(0, dtype=int)
    p = every[rows]
    none = Expected(np.nan, np.nan, np.nan)
    if not len(p):
        return none, none
    narrower = float(np.sqrt(len(p) / len(every)))
    ranks = rankdata(p)
    random = np.random.default_rng(seed)
    areas, scores = [], []
    for draws in np.array_split(np.arange(DRAWS), max(1, DRAWS * len(p) // 1_000_000)):
        came = random.random((len(draws), len(p))) < p
        events = came.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            above = came @ ranks - events * (events + 1) / 2
            areas.append(above / (events * (len(p) - events)))
        scores.append(((came - p) ** 2).mean(axis=1))
    area, score = np.concatenate(areas), np.concatenate(scores)
    area = area[np.isfinite(area)]
    brier = _interval(score, narrower)
    return (_interval(area, narrower) if len(area) else none), brier


def _interval(drawn: Numbers, narrower: float) -> Expected:
    middle = float(drawn.mean())
    low, high = percentile_interval(middle + (drawn - middle) * narrower)
    return Expected(middle, float(low), float(high))

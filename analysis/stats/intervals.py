"""Estimate confidence intervals of shares, and of differences over splits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats


def corrected_interval(values: npt.ArrayLike, test_share: float) -> tuple[float, float, float]:
    """Return mean and 95% interval of a score over resampled splits, which share training rows.

    The variance of the mean is multiplied by ``1 / J + test / train`` instead of ``1 / J``
    (Nadeau and Bengio 2003): without it, repeating the splits would narrow the interval at will.

    Parameters
    ----------
    values
        The score on each of the J splits.
    test_share
        The share of the rows that each split tests on.

    Examples
    --------
    >>> [round(x, 3) for x in corrected_interval([0.8, 0.9, 0.85, 0.95], 0.2)]
    [0.875, 0.73, 1.02]
    """
    scores = np.asarray(values, dtype=float)
    factor = 1 / len(scores) + test_share / (1 - test_share)
    reach = stats.t.ppf(0.975, len(scores) - 1) * scores.std(ddof=1) * np.sqrt(factor)
    return float(scores.mean()), float(scores.mean() - reach), float(scores.mean() + reach)


Numbers = npt.NDArray[np.float64]


def wilson(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    """Return the 95% interval of a share, missing where nothing was tried.

    Wilson, E. B. (1927). Probable inference. *JASA*, 22(158), 209-212.

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson(3, 10)]
    [0.108, 0.603]
    """
    # Here, because it takes long to load, and not every command needs it.
    from statsmodels.stats.proportion import proportion_confint

    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = proportion_confint(k, n, method="wilson")
        # The share lies within, also where rounding says otherwise: of all or of none.
        return np.fmin(low, k / n), np.fmax(high, k / n)


def share_difference(
    successes: float, trials: float, other_successes: float, other_trials: float
) -> tuple[float, float]:
    """Return the 95% interval of a share less another one.

    Newcombe, R. G. (1998). Interval estimation for the difference between independent
    proportions. *Statistics in Medicine*, 17(8), 873-890: method 10, without Wilson's correction.

    Examples
    --------
    >>> [round(end, 4) for end in share_difference(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        successes, trials, other_successes, other_trials, compare="diff", method="newcomb"
    )
    return float(low), float(high)

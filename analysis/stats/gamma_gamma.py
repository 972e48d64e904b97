"""Fit the gamma-gamma model: what a customer spends on an occasion.

The amounts of a customer's occasions vary as a gamma distribution around a mean of the customer's
own, and these means vary over customers as another: three numbers describe the whole base. The
amounts are taken to be independent of how often the customer buys.

References
----------
Fader, P. S., & Hardie, B. G. S. (2013). *The gamma-gamma model of monetary value.*
http://www.brucehardie.com/notes/025/
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Numbers = npt.NDArray[np.float64]
#: The logarithms of the parameters lie within so much of zero.
REACH = 9.0


class SpendBase(NamedTuple):
    """The three numbers: `p` and `q` are shapes, `v` has the unit of the amounts."""

    p: float
    q: float
    v: float


def fit(occasions: Numbers, mean: Numbers) -> SpendBase:
    """Return the parameters under which the customers' mean amounts are most likely.

    Parameters
    ----------
    occasions
        Of each customer, one at least.
    mean
        What the customer spent on each of them, on average; above zero.
    """
    unit = float(np.median(mean))
    x, m = occasions, mean / unit

    def loss(logs: Numbers) -> float:
        p, q, v = np.exp(logs)
        likely = special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q)
        likely += q * np.log(v) + (p * x - 1) * np.log(m) + p * x * np.log(x)
        likely -= (p * x + q) * np.log(v + x * m)
        return -float(likely.mean())

    found = optimize.minimize(
        loss, np.zeros(3), method="L-BFGS-B", bounds=[(-REACH, REACH)] * 3, options={"ftol": 1e-12}
    )
    p, q, v = np.exp(found.x)
    return SpendBase(float(p), float(q), float(v * unit))


def mean_spend(base: SpendBase, occasions: Numbers, mean: Numbers) -> Numbers:
    """Return what each customer is expected to spend on an occasion.

    With a `q` of one or less the mean over all customers is infinite: each customer's own mean
    stands in then.

    Examples
    --------
    >>> mean_spend(SpendBase(2.0, 3.0, 20.0), np.array([1.0, 4.0]), np.array([50.0, 50.0])).tolist()
    [35.0, 44.0]
    """
    p, q, v = base
    if q <= 1:
        return mean
    return np.asarray(p * (v + occasions * mean) / (p * occasions + q - 1))

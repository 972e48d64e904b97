"""Fit the BG/NBD model: how often customers buy, and who is still a customer.

The BG/NBD model: while active a customer buys at random moments at a rate of their own, and after
any purchase may leave for good, with a chance of their own. Rates vary over customers as a gamma,
chances as a beta distribution: four numbers describe the whole base. It learns from purchases
alone, so that it needs no past outcomes.

Own code, because the library that made the model popular (lifetimes) is no longer maintained,
and its successor (pymc-marketing) brings a probabilistic-programming stack for four numbers.

References
----------
Fader, P. S., Hardie, B. G. S., & Lee, K. L. (2005). "Counting your customers" the easy way: An
alternative to the Pareto/NBD model. *Marketing Science*, 24(2), 275-284.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

Numbers = npt.NDArray[np.float64]
#: Parameters are searched between e^-9 and e^9 times their unit; beyond, the data say "none" or
#: "all alike", and the likelihood is flat.
REACH = 9.0
#: Points at which the chance of leaving is looked at, where no formula integrates over it.
POINTS = 32
#: A mean chance of leaving after a purchase below this one is none.
LEAST_DROPOUT = 0.001


class CustomerBase(NamedTuple):
    """The four numbers: ``r`` and ``alpha`` (days) of the rates, ``a`` and ``b`` of the chances."""

    r: float
    alpha: float
    a: float
    b: float


def summary(first: pd.Series, last: pd.Series, occasions: pd.Series, days: float) -> pd.DataFrame:
    """Return what the model needs to know of each customer.

    Parameters
    ----------
    first, last
        Days from any fixed day to each customer's first and last purchase.
    occasions
        Days on which each customer purchased.
    days
        Days from that fixed day to the day of the forecast.

    Returns
    -------
    pandas.DataFrame
        x (repeat occasions, which do not count the first), t_x (days from the first to the last),
        t (days from the first to the forecast).

    Examples
    --------
    >>> one = [pd.Series([number]) for number in (10, 40, 3)]
    >>> summary(*one, days=100).to_dict("records")
    [{'x': 2.0, 't_x': 30.0, 't': 90.0}]
    """
    return pd.DataFrame(
        {"x": occasions - 1.0, "t_x": (last - first).astype(float), "t": days - first}
    ).astype(float)


def log_likelihood(base: CustomerBase, table: pd.DataFrame) -> Numbers:
    """Return the log likelihood of each customer (equation 6 of the paper).

    Parameters
    ----------
    base
        The parameters.
    table
        From `summary`.
    """
    r, alpha, a, b = base
    x, t_x, t = (table[name].to_numpy(dtype=float) for name in ("x", "t_x", "t"))
    common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    common += special.betaln(a, b + x) - special.betaln(a, b)
    active = -(r + x) * np.log(alpha + t)
    # B(a + 1, b + x - 1) / B(a, b + x) = a / (b + x - 1). Who never came back cannot have left.
    gone = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
    return np.asarray(common + np.where(x > 0, np.logaddexp(active, gone), active))


def fit(table: pd.DataFrame) -> CustomerBase:
    """Return the parameters under which the purchases are most likely.

    Parameters
    ----------
    table
        From `summary`.
    """
    # Few customers differ in all three, and in this order the order of the rows cannot show.
    kinds = table.groupby(["x", "t_x", "t"], sort=True).size().rename("times").reset_index()
    times = kinds["times"].to_numpy(dtype=float)
    # In its own unit of time, all four parameters are of the order of one.
    unit = max(float(kinds["t"].max()), 1.0)
    kinds[["t_x", "t"]] /= unit

    def loss(logs: Numbers) -> float:
        return -float(times @ log_likelihood(CustomerBase(*np.exp(logs)), kinds)) / times.sum()

    found = optimize.minimize(
        loss, np.zeros(4), method="L-BFGS-B", bounds=[(-REACH, REACH)] * 4, options={"ftol": 1e-12}
    )
    r, alpha, a, b = np.exp(found.x)
    return CustomerBase(float(r), float(alpha * unit), float(a), float(b))


def p_alive(base: CustomerBase, table: pd.DataFrame) -> Numbers:
    """Return the probability that each customer has not left by the day of the forecast."""
    r, alpha, a, b = base
    x, t_x, t = (table[name].to_numpy(dtype=float) for name in ("x", "t_x", "t"))
    odds = np.log(a) - np.log(b + np.maximum(x, 1) - 1)
    odds += (r + x) * (np.log(alpha + t) - np.log(alpha + t_x))
    return np.where(x > 0, special.expit(-odds), 1.0)


def p_none(base: CustomerBase, table: pd.DataFrame, days: float) -> Numbers:
    """Return the probability that each customer buys nothing in the days to come.

    A customer who has not left has a rate that is gamma distributed with shape ``r + x`` and rate
    ``alpha + t``, and cannot leave before the next purchase.

    Parameters
    ----------
    base
        The parameters.
    table
        From `summary`.
    days
        From the day of the forecast on.
    """
    r, alpha = base.r, base.alpha
    x, t = table["x"].to_numpy(dtype=float), table["t"].to_numpy(dtype=float)
    still = -np.expm1((r + x) * (np.log(alpha + t) - np.log(alpha + t + days)))
    return np.asarray(1 - p_alive(base, table) * still)


def finds_dropout(base: CustomerBase, table: pd.DataFrame) -> bool:
    """Tell whether the model found that customers leave at all.

    In many shops it does not: the chance of leaving shrinks to nothing, everybody counts as active
    for ever, and the model says no more than how often each customer buys. Dropout is found when
    the model is credibly likelier than the same one without it (likelihood ratio, 95%).

    Parameters
    ----------
    base
        From `fit`.
    table
        From `summary`: what it was fitted to.
    """
    if base.a / (base.a + base.b) < LEAST_DROPOUT:
        return False
    x, t = (table[name].to_numpy(dtype=float) for name in ("x", "t"))
    unit = max(float(t.max()), 1.0)

    def loss(logs: Numbers) -> float:
        r, alpha = np.exp(logs)
        likely = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
        return -float((likely - (r + x) * np.log(alpha + t / unit)).sum())

    start = np.log([base.r, base.alpha / unit])
    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=[(-REACH, REACH)] * 2)
    # The unit of time shifts both likelihoods alike.
    with_dropout = log_likelihood(base, table).sum() + x.sum() * np.log(unit)
    return bool(2 * (with_dropout + found.fun) > stats.chi2.ppf(0.95, 2))


def expected_purchases(base: CustomerBase, table: pd.DataFrame, days: float) -> Numbers:
    """Return how many purchases each customer is expected to make in the days to come.

    Given the chance p of leaving after a purchase, a customer who is active makes
    ``(1 - (A / (A + p days)) ** (r + x)) / p`` purchases, with ``A = alpha + t``. The mean over p,
    which is beta distributed, is taken over `POINTS` of its quantiles: the closed form, a
    hypergeometric function, is not stable where hardly anybody leaves.

    Parameters
    ----------
    base, table, days
        As in `p_none`.
    """
    r, alpha, a, b = base
    x, t = (table[name].to_numpy(dtype=float) for name in ("x", "t"))
    if a / (a + b) < LEAST_DROPOUT:
        return np.asarray((r + x) / (alpha + t) * days)
    kinds, place = np.unique(x, return_inverse=True)
    middles = (np.arange(POINTS) + 0.5) / POINTS
    p = np.maximum(special.betaincinv(a, b + kinds[:, None], middles), 1e-12)[place]
    left = np.log1p(p * days / (alpha + t)[:, None])
    each = -np.expm1(-(r + x)[:, None] * left) / p
    return np.asarray(p_alive(base, table) * each.mean(axis=1))

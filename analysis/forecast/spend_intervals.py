"""Tell how far forecasts of spend may be off, by a bootstrap over the customers learnt from.

Each draw learns again from as many customers, drawn with replacement, and then lets today's
customers order or not, and spend more or less than is expected of them, as those did. So intervals
of a total are for the total that will come, if the season is like the one learnt from; that seasons
differ between years is not in them. Learning again is one Newton step from the coefficients of all
customers, for all draws at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from analysis.forecast.spend import (
    PENALTY,
    REFERENCE,
    TWO_PART,
    Forecast,
    Sample,
    TwoPart,
    add_reference,
    combine_parts,
    design,
    fit_two_part,
    forecast_spend,
    predict_unscaled,
    smearing,
    split_parts,
)
from analysis.forecast.spend_features import account_tiers, is_active
from analysis.stats.bootstrap import percentile_interval, resampled_counts

Numbers = npt.NDArray[np.float64]
DRAWS = 499
#: Draws of more customers than this cost more than they tell: a fifth as many are made.
MANY = 50_000
#: Groups by expected spend in each of which customers deviate from it in their own way.
SPREADS = 5
Z = float(norm.ppf(0.975))


class Uncertain(NamedTuple):
    """A forecast with its uncertainty.

    Attributes
    ----------
    forecast
        What is expected of each customer.
    low, high
        Of each customer's expected spend: 95% over the customers learnt from.
    spend, at_risk
        By group (a row for each column of `groups`): point, low and high of the spend that will
        come, and of the spend at risk, which is of active customers only: what those who have long
        been silent would have spent is lost, not at risk.
    """

    forecast: Forecast
    low: Numbers
    high: Numbers
    spend: Numbers
    at_risk: Numbers


def spend_at_risk(forecast: Forecast) -> Numbers:
    """Return each customer's revenue at risk: P(no order) times spend if they order."""
    return forecast.away * forecast.if_ordering


def forecast_uncertain(
    name: str, train: Sample, target: Sample, days: int, groups: Numbers, seed: int
) -> Uncertain:
    """Return what is expected of customers and groups of them, with intervals.

    Parameters
    ----------
    name
        The candidate, one of `spend.CANDIDATES`.
    train, target, days
        As in `spend.forecast_spend`.
    groups
        One row a customer of the target, one column a group: 1 for its members.
    seed
        Of the draws.
    """
    model = fit_two_part(train)
    if name == REFERENCE:
        train, target = add_reference(train, days), add_reference(target, days)
    point = forecast_spend([name], train, target, days)[name]
    learnt = forecast_spend([name], train, train, days)[name]
    rows, tier = design(target, model.scale, model.segments), account_tiers(target.past)
    active = is_active(target.past)[:, None] * groups
    raw = None
    if name != TWO_PART:
        raw = [predict_unscaled(name, sample, train, days) for sample in (train, target)]
    deviate = Deviations(learnt, model, point)
    random = np.random.default_rng(seed)
    n = len(target.past)
    logs, squares, drawn, total = np.zeros(n), np.zeros(n), 0, []
    draws = DRAWS if n <= MANY else DRAWS // 5
    for counts in _blocks(len(train.past), n, seed, draws):
        odds, sizes, factors = _learn_again(model, counts)
        some = combine_parts(odds @ rows.T, sizes @ rows.T, factors[:, tier], model.cap)
        if raw:
            factor = (counts @ train.came) / np.maximum(counts @ raw[0], 1e-9)
            some = split_parts(name, factor[:, None] * raw[1], some, target)
        value = np.log(np.maximum(some.expected, 1e-9))
        logs, squares, drawn = logs + value.sum(0), squares + (value**2).sum(0), drawn + len(value)
        came = random.random(some.away.shape) >= some.away
        spend = np.where(came, some.per_order * deviate.draw(random, len(value)), 0.0)
        total.append(np.stack([spend @ groups, spend_at_risk(some) @ active]))
    spread = np.sqrt(np.maximum(squares / drawn - (logs / drawn) ** 2, 0.0))
    sums = np.concatenate(total, axis=1)
    points = (point.expected @ groups, spend_at_risk(point) @ active)
    ends = [
        np.stack([p, *percentile_interval(s)], axis=1) for p, s in zip(points, sums, strict=True)
    ]
    return Uncertain(
        point,
        point.expected * np.exp(-Z * spread),
        point.expected * np.exp(Z * spread),
        ends[0],
        ends[1],
    )


def _blocks(n: int, target: int, seed: int, draws: int) -> list[Numbers]:
    """Return how often each customer is drawn, in blocks that leave room for the target's."""
    counts = np.concatenate(list(resampled_counts(n, seed, draws)))
    return np.array_split(counts, max(1, round(draws * max(n, target) / 1_000_000)))


def _learn_again(model: TwoPart, counts: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return the coefficients of both parts, and the factors of smearing, for each draw."""
    rows, inside = model.rows, model.ordered
    penalty = np.eye(rows.shape[1]) * PENALTY
    penalty[0, 0] = 0.0
    p = 1 / (1 + np.exp(-np.clip(rows @ model.order, -50, 50)))
    curve = np.linalg.inv(rows.T @ (rows * (p * (1 - p))[:, None]) + penalty)
    left = (inside - p) / (1 - p * (1 - p) * leverage(rows, curve))
    order = model.order + ((counts - 1) * left) @ rows @ curve
    some, taken = rows[inside], counts[:, inside]
    curve = np.linalg.inv(some.T @ some + penalty)
    left = (np.log(model.came[inside]) - some @ model.spend) / (1 - leverage(some, curve))
    spend = model.spend + ((taken - 1) * left) @ some @ curve
    fitted = np.exp(np.minimum(spend @ some.T, model.cap))
    factors = smearing(taken * model.came[inside], taken * fitted, model.tier[inside])
    return order, spend, factors


def leverage(rows: Numbers, curve: npt.NDArray[np.floating[Any]]) -> Numbers:
    """Return how much each row pulls the fit towards itself.

    What is left of a row that the model has learnt from is too small by as much: divided by one
    less this, it is what would be left if the model had not seen the row.
    """
    return np.minimum(np.einsum("ij,jk,ik->i", rows, curve, rows, optimize=True), 0.9)


class Deviations:
    """How customers who ordered deviated from what was expected of them: ratios, mean 1.

    Ratios are drawn from customers of whom about as much was expected.

    Parameters
    ----------
    learnt
        The forecast for the customers learnt from.
    model
        With what came of them.
    target
        The forecast for those to be drawn for.
    """

    def __init__(self, learnt: Forecast, model: TwoPart, target: Forecast) -> None:
        said = np.maximum(learnt.per_order[model.ordered], 1e-9)
        some = model.rows[model.ordered]
        curve = np.linalg.inv(some.T @ some + PENALTY * np.eye(some.shape[1]))
        ratio = np.exp(np.log(model.came[model.ordered] / said) / (1 - leverage(some, curve)))
        edges = np.quantile(said, np.linspace(0, 1, SPREADS + 1)[1:-1])
        kind = np.searchsorted(edges, said, side="left")
        order = np.argsort(kind, kind="stable")
        size = np.bincount(kind, minlength=SPREADS)
        mean = np.bincount(kind, ratio, minlength=SPREADS) / np.maximum(size, 1)
        self.ratios = (ratio / mean[kind])[order]
        own = np.searchsorted(edges, target.per_order, side="left")
        # Where all expect the same, some groups are empty: all ratios then.
        self.start = np.where(size > 0, np.cumsum(size) - size, 0)[own]
        self.size = np.where(size > 0, size, len(ratio))[own]

    def draw(self, random: np.random.Generator, draws: int) -> Numbers:
        """Return a ratio for each draw and customer."""
        place = random.random((draws, len(self.size))) * self.size
        return np.asarray(self.ratios[self.start + place.astype(np.int64)])

"""Forecast what each customer spends in the days to come, and who will not order.

The candidates, from the simplest to the least simple, are the customer's own rate of spending, the
last period's spend, the mean of the segment, a two-part linear model (the probability of an order
times the spend of those who order), and the field's reference: BG/NBD with gamma-gamma. Each learns
its level from the same season a year earlier: the two-part model whole, all others by one factor,
with which they would have met that season's total.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from analysis.forecast.names import (
    LAST_PERIOD,
    OWN_RATE,
    REFERENCE,
    SEGMENT_MEAN,
    TWO_PART,
)
from analysis.forecast.spend_features import (
    FEWEST_DAYS,
    TIERS,
    account_tiers,
    customer_base,
    history,
    spend_features,
    spend_in,
)
from analysis.orders.purchases import Purchases
from analysis.stats import bgnbd, gamma_gamma

Numbers = npt.NDArray[np.float64]
#: From the simplest to the least simple.
CANDIDATES = (OWN_RATE, LAST_PERIOD, SEGMENT_MEAN, TWO_PART, REFERENCE)
#: The strength of the regularisation: of standardised features, in units of one customer.
PENALTY = 10.0
#: Fewer customers of one kind teach nothing.
FEWEST = 50
#: No finite number of customers makes a certainty.
EDGE = 0.005
#: A tier's own factor of smearing counts half with so many customers who ordered.
HALF = 20


class Sample(NamedTuple):
    """What was known of customers at a date, and, if that is long enough ago, the outcome.

    Attributes
    ----------
    date
        Nothing dated on it or after it is known.
    past
        `spend_features.history`, by customer_id.
    segment
        Of each customer, as known then.
    came
        Net spend on the days from `date` on; empty where it is not known yet.
    """

    date: dt.date
    past: pd.DataFrame
    segment: npt.NDArray[np.object_]
    came: Numbers

    def take(self, rows: npt.NDArray[np.intp]) -> Sample:
        """Return the sample of some customers."""
        came = self.came[rows] if len(self.came) else self.came
        return Sample(self.date, self.past.iloc[rows], self.segment[rows], came)


class Forecast(NamedTuple):
    """What is expected of each customer.

    Attributes
    ----------
    expected
        Spend.
    away
        Probability of no order.
    if_ordering
        Spend of those who order. Candidates that do not tell the two apart have it from the
        two-part model, at their own level: expected spend divided by a small probability of an
        order would be a fantasy.
    """

    expected: Numbers
    away: Numbers
    if_ordering: Numbers

    @property
    def per_order(self) -> Numbers:
        """Expected spend divided by the probability of an order: what a draw of who orders needs.

        Only together with that probability does it mean anything.
        """
        return np.asarray(self.expected / (1 - self.away))


class TwoPart(NamedTuple):
    """The two-part linear model, and the customers that it has learnt from.

    Attributes
    ----------
    scale, segments
        Turn a sample into a matrix, as `design` does.
    rows
        The matrix of the customers learnt from.
    ordered, came, tier
        Whether they ordered, what they spent, and their account tier.
    order, spend
        Coefficients of the logistic regression, and of the logarithm of spend.
    factors
        Of smearing, by tier.
    cap
        The logarithm of the highest spend learnt from: nobody is taken to spend more.
    """

    scale: StandardScaler
    segments: list[str]
    rows: Numbers
    ordered: npt.NDArray[np.bool_]
    came: Numbers
    tier: npt.NDArray[np.int64]
    order: Numbers
    spend: Numbers
    factors: Numbers
    cap: float


def take_sample(
    purchases: Purchases,
    date: dt.date,
    look_back: int,
    days: int,
    segment: npt.NDArray[np.object_] | None = None,
) -> Sample:
    """Return the customers of a date, and the outcome of the days from it on.

    Parameters
    ----------
    purchases, date, look_back
        As in `spend_features.history`.
    days
        Of the outcome; 0 where it is not known.
    segment
        Of these customers; without it, all are in one.
    """
    past = history(purchases, date, look_back)
    came = spend_in(purchases, date, days, past.index) if days else np.zeros(0)
    if segment is None:
        segment = np.full(len(past), "", dtype=object)
    return Sample(date, past, segment, came)


def can_learn(sample: Sample) -> bool:
    """Tell whether enough customers came, and enough stayed away, to learn from."""
    ordered = int((sample.came > 0).sum())
    return min(ordered, len(sample.came) - ordered) >= FEWEST


def design(sample: Sample, scale: StandardScaler, segments: list[str]) -> Numbers:
    """Return the matrix of a sample: one, the standardised features, and a 1 for the segment."""
    features = scale.transform(spend_features(sample.past).to_numpy())
    kinds = (sample.segment[:, None] == np.array(segments, dtype=object)).astype(float)
    return np.hstack([np.ones((len(features), 1)), features, kinds])


def fit_two_part(train: Sample) -> TwoPart:
    """Return the two-part linear model, learnt from a sample.

    A logistic regression tells who orders; a ridge regression of the logarithm tells what those
    spend, and a factor of `smearing` turns the exponential back into a mean.
    """
    scale = StandardScaler().fit(spend_features(train.past).to_numpy())
    segments = sorted(set(train.segment))
    rows = design(train, scale, segments)
    ordered = train.came > 0
    logs = np.log(train.came[ordered])
    logistic = LogisticRegression(C=1 / PENALTY, solver="newton-cholesky", max_iter=100)
    logistic.fit(rows[:, 1:], ordered)
    ridge = Ridge(alpha=PENALTY).fit(rows[ordered, 1:], logs)
    order = np.concatenate([logistic.intercept_, logistic.coef_[0]])
    spend = np.concatenate([[ridge.intercept_], ridge.coef_])
    tier, cap = account_tiers(train.past), float(logs.max())
    fitted = np.exp(np.minimum(rows[ordered] @ spend, cap))
    factors = smearing(train.came[ordered][None], fitted[None], tier[ordered])[0]
    return TwoPart(scale, segments, rows, ordered, train.came, tier, order, spend, factors, cap)


def predict_two_part(model: TwoPart, target: Sample) -> Forecast:
    """Return what the two-part linear model expects of the customers of a sample."""
    rows, tier = design(target, model.scale, model.segments), account_tiers(target.past)
    return combine_parts(rows @ model.order, rows @ model.spend, model.factors[tier], model.cap)


def combine_parts(odds: Numbers, logs: Numbers, factors: Numbers, cap: float) -> Forecast:
    """Return the forecast that log odds of an order, and logarithms of spend, come to."""
    away = clip_probability(1 / (1 + np.exp(np.clip(odds, -50, 50))))
    spend = np.exp(np.minimum(logs, cap)) * factors
    return Forecast((1 - away) * spend, away, spend)


def split_parts(name: str, expected: Numbers, whole: Forecast, target: Sample) -> Forecast:
    """Return a candidate's expected spend with the probability of no order, and spend if ordering.

    Parameters
    ----------
    name
        One of `CANDIDATES`: `REFERENCE` has its own probabilities, which `add_reference` puts into
        `target`; the others have the two-part model's parts, at their own level of spend.
    expected
        Of the customers of `target`, in the last dimension.
    whole
        Of the two-part model.
    target
        Whom it is expected of.
    """
    if name == REFERENCE:
        away = np.broadcast_to(target.past["reference_away"].to_numpy(), expected.shape)
        return Forecast(expected, away, expected / (1 - away))
    total = np.maximum(whole.expected.sum(-1, keepdims=True), 1e-9)
    level = expected.sum(-1, keepdims=True) / total
    return Forecast(expected, whole.away, whole.if_ordering * level)


def smearing(came: Numbers, fitted: Numbers, tier: npt.NDArray[np.int64]) -> Numbers:
    """Return the factors that make means of exponentials of predicted logarithms, by tier.

    Duan's factor, as a ratio of sums instead of a mean of ratios: the total that came is met. It
    differs by tier, as the spend of large accounts varies less; with few customers in a tier, it
    keeps to that of all.

    Parameters
    ----------
    came, fitted
        Spend of customers who ordered, and its exponential fit: one row a resample, times how
        often each is drawn.
    tier
        Of each customer.

    References
    ----------
    Duan, N. (1983). Smearing estimate: a nonparametric retransformation method. *JASA*, 78(383),
    605-610.

    Examples
    --------
    >>> smearing(np.array([[10.0, 30.0]]), np.array([[10.0, 10.0]]), np.array([4, 4]))[0, 4]
    np.float64(2.0)
    """
    kinds = np.eye(len(TIERS) + 1)[tier]
    all_of = came.sum(axis=1, keepdims=True) / np.maximum(fitted.sum(axis=1, keepdims=True), 1e-9)
    own = (came @ kinds) / np.maximum(fitted @ kinds, 1e-9)
    size = kinds.sum(axis=0)
    return np.asarray((size * own + HALF * all_of) / (size + HALF))


def clip_probability(p: Numbers) -> Numbers:
    """Return probabilities of no order that are neither 0 nor 1."""
    return np.clip(p, EDGE, 1 - EDGE)


def add_reference(sample: Sample, days: int) -> Sample:
    """Return a sample with what BG/NBD and gamma-gamma say of its customers.

    They learn from purchases alone, not from what came, so that one fit serves every test of the
    sample.

    Returns
    -------
    Sample
        With reference_spend and reference_away among what is known of the customers.
    """
    past = sample.past
    base = bgnbd.fit(table := customer_base(past))
    occasions = past["occasions"].to_numpy()
    mean = (past["monetary"] / past["occasions"]).to_numpy()
    size = gamma_gamma.mean_spend(gamma_gamma.fit(occasions, mean), occasions, mean)
    past = past.assign(
        reference_spend=bgnbd.expected_purchases(base, table, days) * size,
        reference_away=clip_probability(bgnbd.p_none(base, table, days)),
    )
    return sample._replace(past=past)


def predict_unscaled(name: str, sample: Sample, train: Sample, days: int) -> Numbers:
    """Return what a candidate expects before it knows the season: all but the two-part model.

    Parameters
    ----------
    name
        One of `CANDIDATES`; `REFERENCE` needs `add_reference`.
    sample
        Whom to forecast.
    train
        The sample whose segments' means are known.
    days
        To be forecast.
    """
    past = sample.past
    if name == OWN_RATE:
        tenure = past["tenure_days"].clip(lower=FEWEST_DAYS)
        return np.asarray(past["monetary"] / tenure * days)
    if name == LAST_PERIOD:
        return np.asarray(past[f"spend_{days}"], dtype=float)
    if name == SEGMENT_MEAN:
        means = pd.Series(train.came).groupby(train.segment).mean()
        known = pd.Series(sample.segment, dtype=object).map(means)
        return np.asarray(known.fillna(train.came.mean()), dtype=float)
    return np.asarray(past["reference_spend"], dtype=float)


def forecast_spend(
    names: Sequence[str], train: Sample, target: Sample, days: int
) -> dict[str, Forecast]:
    """Return what candidates, learnt from one sample, expect of the customers of another.

    Parameters
    ----------
    names
        Of `CANDIDATES`. All have the logistic regression's probability of no order, but
        `REFERENCE`, which has its own, and needs `add_reference` of both samples.
    train, target
        From which they learn, and whom they forecast.
    days
        To be forecast.
    """
    whole = predict_two_part(fit_two_part(train), target)
    found = {}
    for name in names:
        if name == TWO_PART:
            found[name] = whole
            continue
        said = predict_unscaled(name, train, train, days).sum()
        factor = train.came.sum() / said if said > 0 else 0.0
        expected = predict_unscaled(name, target, train, days) * factor
        found[name] = split_parts(name, expected, whole, target)
    return found

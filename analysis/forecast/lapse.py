"""Forecast which of today's customers will not order again.

A customer who ordered in the days before a cut-off has lapsed when no net sale follows in as
many days from the cut-off on. Models learn from earlier cut-offs, one of them is chosen on the
latest of these by `stats.names.MODEL_RULE`, and the test is a later one: no window of outcomes
overlaps another, and features use only what was known at their cut-off. There is no support vector
machine among the candidates: its distances are not probabilities before they are calibrated on rows
that it has not seen, and its time grows with the square of the customers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.core.minimum_group import find_group_to_hide
from analysis.forecast.lapse_features import Snapshot, cut_offs, limit_customers, snapshot
from analysis.forecast.names import (
    BG_NBD,
    FEW_AT_LAST,
    FEW_EARLIER,
    LEFT_OUT,
    RECENCY,
    RFM,
    RISKIEST,
    TEST,
    TOO_SHORT,
    TRAINING,
    VALIDATION,
)
from analysis.orders.ledger import GROSS, Ledger
from analysis.stats import bgnbd, evaluation
from analysis.stats import models as stats_models
from analysis.stats.bootstrap import percentile_interval, resampled_counts
from analysis.stats.evaluation import FEWEST, MEASURES, weighted_measures
from analysis.stats.intervals import wilson
from analysis.stats.names import CONSTANT

Numbers = npt.NDArray[np.float64]
Facts = dict[str, Any]
RFM_COLUMNS = ["log_recency", "log_frequency", "log_monetary"]


class Plan(NamedTuple):
    """A candidate: one of `stats.models.CANDIDATES`, or none, and what it sees (empty: all)."""

    model: str
    columns: list[str]


#: From the simplest to the least simple. The BG/NBD model learns from purchases, not outcomes.
PLANS = {
    CONSTANT: Plan(CONSTANT, ["recency_days"]),
    RECENCY: Plan("logistic regression", ["recency_days"]),
    RFM: Plan("logistic regression", RFM_COLUMNS),
    BG_NBD: Plan("", []),
    **{
        model: Plan(model, [])
        for model in (
            "logistic regression",
            "k-nearest neighbours",
            "random forest",
            "gradient boosting",
        )
    },
}
#: Facts that state how many will lapse: only where the season is known.
LEVELS = ("lapse.expected", "lapse.mean_probability")
#: Columns of `segment_risk` that do so; its ranks hold in any season.
SEGMENT_LEVELS = ("mean", "low", "high", "expected", "spend_share")
#: More customers, over all cut-offs to learn from, teach little, and take long: as many are drawn.
MOST_CUSTOMERS = 20_000


class Lapse(NamedTuple):
    """What there is to say about lapsing; where `facts` has a reason, the tables are empty.

    Attributes
    ----------
    models
        From `compare_candidates`.
    rates
        From `rates`.
    reliability
        `stats.evaluation.reliability` of the chosen candidate at the test cut-off.
    segments
        From `segment_risk`.
    probabilities
        lapse_probability by customer_id; missing for customers who are not active.
    facts
        Flat, keyed ``lapse.*``.
    """

    models: pd.DataFrame
    rates: pd.DataFrame
    reliability: pd.DataFrame
    segments: pd.DataFrame
    probabilities: pd.Series
    facts: Facts


def tune_candidate(name: str, train: Sequence[Snapshot], seed: int) -> stats_models.Parameters:
    """Return a candidate's parameters: learnt on earlier cut-offs, tried on the latest.

    With one cut-off they are tried on folds of its customers instead.
    """
    plan = PLANS[name]
    if not plan.model:
        return {}
    table, label = _stack(plan, train)
    folds = [stats_models.prepare_fold(table, label, split) for split in _splits(train, seed)]
    return stats_models.tune(plan.model, folds, seed)


def _stack(plan: Plan, parts: Sequence[Snapshot]) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Return the rows of some cut-offs below each other, as a candidate sees them."""
    table = pd.concat([part.features for part in parts], ignore_index=True)
    return (
        table[plan.columns] if plan.columns else table,
        np.concatenate([part.lapsed for part in parts]),
    )


def _splits(train: Sequence[Snapshot], seed: int) -> list[stats_models.Split]:
    label = np.concatenate([part.lapsed for part in train])
    rows = np.arange(len(label))
    if len(train) == 1:
        return evaluation.grouped_splits(label, rows, 3, 1, seed)
    earlier = len(label) - len(train[-1].lapsed)
    return [(rows[:earlier], rows[earlier:])]


def predict_lapse(
    name: str,
    train: Sequence[Snapshot],
    target: Snapshot,
    days: int,
    parameters: stats_models.Parameters,
    seed: int,
) -> Numbers:
    """Return each active customer's probability of lapsing, learnt from other cut-offs.

    Parameters
    ----------
    name
        One of `PLANS`.
    train
        Snapshots with outcomes, all of them known at the target's date.
    target
        Whom to predict. The BG/NBD model is fitted to all purchases known at its date.
    days
        Length of the window.
    parameters, seed
        As in `stats.models`.
    """
    plan = PLANS[name]
    if not plan.model:
        base = bgnbd.fit(target.base)
        return bgnbd.p_none(base, target.base.loc[target.features.index], days)
    table, label = _stack(plan, train)
    made = stats_models.fit(plan.model, table, label, seed, parameters)
    return stats_models.probability(made, target.features[list(table.columns)])


def predict_validation(
    name: str, train: Sequence[Snapshot], days: int, parameters: stats_models.Parameters, seed: int
) -> Numbers:
    """Return predictions for the latest training cut-off by a model that has not seen its outcomes.

    With one training cut-off each fold of its customers is predicted from the others.
    """
    *earlier, last = train
    plan = PLANS[name]
    if earlier or not plan.model:
        return predict_lapse(name, earlier, last, days, parameters, seed)
    table, label = _stack(plan, train)
    splits = _splits(train, seed)
    parts = [
        stats_models.probability(
            stats_models.fit(plan.model, table.iloc[rest], label[rest], seed, parameters),
            table.iloc[fold],
        )
        for rest, fold in splits
    ]
    return evaluation.mean_out_of_fold(parts, splits, len(label))


def compare_candidates(
    lapsed: npt.NDArray[np.bool_], predictions: Mapping[str, Numbers], seed: int
) -> pd.DataFrame:
    """Set candidates beside each other on the customers of one cut-off.

    Parameters
    ----------
    lapsed
        What came.
    predictions
        By candidate, from the simplest to the least simple.
    seed
        Of the bootstrap over customers, the same for all candidates: differences are paired.

    Returns
    -------
    pandas.DataFrame
        model; each of `MEASURES`; ``gain`` in ROC-AUC over `RFM`, and ``behind`` the best; all
        with ``_low`` and ``_high`` (95%, percentiles); and ``eligible``: not credibly worse than
        the best.
    """
    draws: dict[str, list[dict[str, Numbers]]] = {name: [] for name in predictions}
    for weights in resampled_counts(len(lapsed), seed):
        for name, p in predictions.items():
            draws[name].append(weighted_measures(lapsed, p, weights))
    spread = {
        name: {m: np.concatenate([part[m] for part in parts]) for m in MEASURES}
        for name, parts in draws.items()
    }
    point = {name: evaluation.judge(lapsed, p) for name, p in predictions.items()}
    best = max(point, key=lambda name: point[name]["roc_auc"])
    rows = []
    for name in predictions:
        area, areas = point[name]["roc_auc"], spread[name]["roc_auc"]
        values = {m: (point[name][m], spread[name][m]) for m in MEASURES}
        values["gain"] = (area - point[RFM]["roc_auc"], areas - spread[RFM]["roc_auc"])
        values["behind"] = (point[best]["roc_auc"] - area, spread[best]["roc_auc"] - areas)
        row: dict[str, Any] = {"model": name}
        for measure, (value, drawn) in values.items():
            low, high = percentile_interval(drawn)
            row |= {measure: value, f"{measure}_low": low, f"{measure}_high": high}
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.assign(eligible=table["behind_low"] <= 0)


def rates(
    snapshots: Sequence[Snapshot], roles: Mapping[dt.date, str], minimum_group: int
) -> pd.DataFrame:
    """Return the share of active customers who lapsed, by cut-off.

    Returns
    -------
    pandas.DataFrame
        date, role (`TRAINING`, `VALIDATION`, `TEST`, or `LEFT_OUT`: too few of one kind to learn
        from), customers, share, low, high (Wilson's 95% interval). Shares of fewer customers than
        `minimum_group` are missing.
    """
    size = np.array([len(part.lapsed) for part in snapshots], dtype="int64")
    gone = np.array([part.lapsed.sum() for part in snapshots], dtype="int64")
    low, high = wilson(gone, size)
    table = pd.DataFrame(
        {
            "date": pd.to_datetime([part.date for part in snapshots]),
            "role": [roles.get(part.date, LEFT_OUT) for part in snapshots],
            "customers": size,
            "share": gone / np.maximum(size, 1),
            "low": low,
            "high": high,
        }
    )
    few = size < max(minimum_group, 1)
    table.loc[few, ["share", "low", "high"]] = np.nan
    return table


def segment_risk(
    customers: pd.DataFrame, probabilities: pd.Series, spend: pd.Series, minimum_group: int
) -> pd.DataFrame:
    """Return how many customers of each segment are expected to lapse.

    Parameters
    ----------
    customers
        customer_id and segment.
    probabilities
        lapse_probability by customer_id.
    spend
        What active customers spent in the last days, by customer_id.
    minimum_group
        Segments with fewer active customers are left out.

    Returns
    -------
    pandas.DataFrame
        segment (highest risk first), customers, scored, mean (probability), low, high, expected
        (number lapsing), spend_share (of the last days' spend, weighted by the probabilities),
        riskiest (of the scored, those among the fifth of all active customers with the highest
        probabilities: a rank, which holds in any season; of equal ones, those who spent more;
        missing where they are some, but fewer than `minimum_group`, and in the segment with the
        fewest where the difference to the fifth would reveal so few).
        ``low`` and ``high`` are for the share that will lapse if the probabilities are right: the
        95% of the Poisson binomial distribution, by its normal approximation. That quarters differ
        is not in them.
    """
    table = customers[["customer_id", "segment"]].assign(
        p=probabilities.reindex(customers["customer_id"]).to_numpy(),
        spend=spend.reindex(customers["customer_id"]).to_numpy(),
    )
    table = table.sort_values("customer_id").assign(
        at_risk=lambda t: t["p"] * t["spend"], variance=lambda t: t["p"] * (1 - t["p"])
    )
    ranked = table.dropna(subset=["p"]).sort_values(["p", "spend"], ascending=False, kind="stable")
    table["riskiest"] = table.index.isin(ranked.index[: round(RISKIEST * len(ranked))])
    groups = table.groupby("segment")
    scored = groups["p"].count()
    mean = groups["p"].mean()
    reach = 1.96 * np.sqrt(groups["variance"].sum()) / scored.where(scored > 0)
    found = pd.DataFrame(
        {
            "customers": groups.size(),
            "scored": scored,
            "mean": mean,
            "low": (mean - reach).clip(lower=0),
            "high": (mean + reach).clip(upper=1),
            "expected": groups["p"].sum(),
            "spend_share": groups["at_risk"].sum() / groups["spend"].sum().where(lambda s: s > 0),
            "riskiest": groups["riskiest"].sum(),
        }
    ).reset_index()
    found["riskiest"] = found["riskiest"].where(
        (found["riskiest"] == 0) | (found["riskiest"] >= minimum_group)
    )
    told = found.loc[found["scored"] >= max(minimum_group, 1), "riskiest"]
    hidden = find_group_to_hide(told, table["riskiest"].sum(), minimum_group)
    found.loc[found.index == hidden, "riskiest"] = np.nan
    found = found.loc[told.index]
    return found.sort_values(["mean", "segment"], ascending=[False, True], ignore_index=True)


def read_lapse(
    ledger: Ledger,
    customers: pd.DataFrame,
    days: int,
    seed: int,
    *,
    minimum_group: int = 1,
    home: str = "",
    scores: pd.Series | None = None,
    season_known: bool = True,
    tell: Callable[[str], None] = lambda text: None,
) -> Lapse:
    """Learn from past cut-offs who lapses, test it on the last one, and score today's customers.

    Parameters
    ----------
    ledger
        The ledger.
    customers
        customer_id and segment, today.
    days
        ``lapse_days`` of the settings.
    seed
        For bootstraps, and candidates that draw.
    minimum_group
        Groups of fewer customers are not shown.
    home
        ``home_country`` of the settings.
    scores
        Today's lapse_probability by customer_id, from a model that has learnt from the same season
        (`forecast.coming`); without it, the chosen candidate scores today's customers.
    season_known
        Whether scores tell how many will lapse. Where they only rank customers, no number, share or
        sum is made from them: segments are empty, and the facts lack it.
    tell
        Is told of progress.
    """
    lines = ledger.lines
    first = lines.filter(lines.cleaning_step >= GROSS).invoice_date.min().execute().date()
    dates = cut_offs(first, ledger.as_of, days)
    if len(dates) < 2:
        short = _no_forecast(TOO_SHORT, [], customers, days, minimum_group)
        length = {"lapse.covered_days": (ledger.as_of - first).days}
        return short._replace(facts=short.facts | length)
    whole = []
    for date in dates:
        tell(f"customers as known on {date}")
        whole.append(snapshot(ledger, date, days, home))
    most = MOST_CUSTOMERS // (len(dates) - 1)
    past = [limit_customers(part, most, seed) for part in whole]
    enough = [min(part.lapsed.sum(), (~part.lapsed).sum()) >= FEWEST for part in past]
    test, train = past[-1], [part for part, good in zip(past[:-1], enough, strict=False) if good]
    if not enough[-1] or not train:
        reason = FEW_EARLIER if enough[-1] else FEW_AT_LAST
        few = _no_forecast(reason, whole, customers, days, minimum_group)
        return few._replace(facts=few.facts | {"lapse.fewest_customers": FEWEST})
    parameters, validation, final = {}, {}, {}
    # One thread: sums over several round differently.
    with threadpool_limits(1):
        for name in PLANS:
            tell(f"{name}: learning, and predicting the test")
            tried = parameters[name] = tune_candidate(name, train, seed)
            validation[name] = predict_validation(name, train, days, tried, seed)
            final[name] = predict_lapse(name, train, test, days, tried, seed)
        choice = compare_candidates(train[-1].lapsed, validation, seed).set_index("model")
        chosen = str(choice.index[int(np.argmax(choice["eligible"]))])
        table = compare_candidates(test.lapsed, final, seed)
        today = snapshot(ledger, ledger.as_of, days, home)
        scored = np.zeros(0)
        if scores is not None:
            scored = scores.reindex(today.features.index).to_numpy(dtype=float)
        elif len(today.features):
            scored = predict_lapse(chosen, [*train, test], today, days, parameters[chosen], seed)
    names = {
        f"{m}{end}": f"validation_{m}{end}"
        for m in ("roc_auc", "behind")
        for end in ("", "_low", "_high")
    }
    table = table.merge(choice[list(names)].rename(columns=names).reset_index(), on="model")
    table["parameters"] = [
        ", ".join(f"{key} {value}" for key, value in parameters[name].items()) for name in PLANS
    ]
    table["chosen"] = table["model"] == chosen
    roles = {part.date: TRAINING for part in train}
    roles |= {train[-1].date: VALIDATION, test.date: TEST}
    found = pd.Series(scored, index=today.features.index, dtype=float)
    probabilities = _by_customer(found, customers)
    made = Lapse(
        table,
        rates(whole, roles, minimum_group),
        evaluation.reliability(test.lapsed, final[chosen], minimum_group=max(minimum_group, 5)),
        segment_risk(customers, probabilities, today.spend, minimum_group),
        probabilities,
        {},
    )
    facts = lapse_facts(made, days, final[chosen], test)
    if not season_known:
        facts = {name: value for name, value in facts.items() if name not in LEVELS}
        ranks = made.segments.assign(**dict.fromkeys(SEGMENT_LEVELS, np.nan))
        made = made._replace(segments=ranks)
    return made._replace(facts=facts)


def _by_customer(found: pd.Series, customers: pd.DataFrame) -> pd.Series:
    index = pd.Index(customers["customer_id"], name="customer_id")
    return found.reindex(index).rename("lapse_probability")


def _no_forecast(
    reason: str, past: Sequence[Snapshot], customers: pd.DataFrame, days: int, minimum_group: int
) -> Lapse:
    """Return what there is to say when no model can be made: why, and the rates that are known."""
    none = _by_customer(pd.Series(dtype=float), customers)
    facts: Facts = {"lapse.available": False, "lapse.reason": reason, "lapse.days": days}
    empty = pd.DataFrame
    return Lapse(
        empty(), rates(past, {}, minimum_group) if past else empty(), empty(), empty(), none, facts
    )


def lapse_facts(made: Lapse, days: int, probability: Numbers, test: Snapshot) -> Facts:
    """Return the flat facts of a model that was made.

    Parameters
    ----------
    made
        The tables.
    days
        Length of the windows.
    probability, test
        What the chosen candidate predicted for the test cut-off, and what happened.
    """
    row = made.models[made.models["chosen"]].iloc[0]
    areas = made.models.set_index("model")["roc_auc"]
    constant = made.models[made.models["model"] == CONSTANT].iloc[0]
    rate = made.rates[made.rates["role"] == TEST].iloc[0]
    learnt = made.rates[made.rates["role"].isin([TRAINING, VALIDATION])]
    ends = ("", "_low", "_high")
    scored = made.probabilities.dropna()
    return {
        "lapse.available": True,
        "lapse.reason": "",
        "lapse.days": days,
        "lapse.test_date": f"{test.date}",
        "lapse.training_dates": ", ".join(f"{day:%Y-%m-%d}" for day in learnt["date"]),
        "lapse.training_cut_offs": len(learnt),
        "lapse.training_customers": int(learnt["customers"].sum()),
        "lapse.test_customers": int(rate["customers"]),
        "lapse.model": str(row["model"]),
        "lapse.confirmed": bool(row["eligible"]),
        "lapse.best_on_test": str(areas.idxmax()),
        **{f"lapse.{m}{end}": float(row[f"{m}{end}"]) for m in (*MEASURES, "gain") for end in ends},
        **{f"lapse.constant_{m}": float(constant[m]) for m in MEASURES},
        "lapse.recency_roc_auc": float(areas[RECENCY]),
        "lapse.rfm_roc_auc": float(areas[RFM]),
        "lapse.bg_nbd_roc_auc": float(areas[BG_NBD]),
        "lapse.mean_predicted": float(probability.mean()),
        **{
            f"lapse.observed{end}": float(rate[f"share{end}" if not end else end[1:]])
            for end in ends
        },
        "lapse.rate_lowest": float(made.rates["share"].min()),
        "lapse.rate_highest": float(made.rates["share"].max()),
        "lapse.scored": len(scored),
        "lapse.expected": float(scored.sum()),
        "lapse.mean_probability": float(scored.mean()) if len(scored) else 0.0,
    }

"""Test forecasts of spend against the outcome, and choose one.

Candidates are tested in time order: each learns from the season a year before the test, and both
dates look equally far back. Where no such test is possible, as for twelve months with two years of
orders, they are tested on folds of the customers of the one season there is; the table says so, for
it does not show how years differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import KFold

from analysis.forecast.names import IN_FOLDS, IN_TIME, TIER_NAMES
from analysis.forecast.spend import CANDIDATES, Forecast, Sample, add_reference, forecast_spend
from analysis.forecast.spend_features import account_tiers
from analysis.stats.bootstrap import percentile_interval, resampled_counts, subsample
from analysis.stats.intervals import wilson
from analysis.stats.ranking import captured_share, misplaced, weighted_spearman

Numbers = npt.NDArray[np.float64]
FOLDS = 5
#: Length of the list of the best customers, as a share of them.
TOP = 0.1
DRAWS = 200
#: Of more customers than this, as many are resampled.
MOST = 10_000


class SpendTest(NamedTuple):
    """One test: what each candidate expected of the same customers, and what came.

    Attributes
    ----------
    date, learnt_on, look_back, how
        When they were forecast; from which date it was learnt; days looked back at both;
        `IN_TIME` or `IN_FOLDS`.
    sample
        The customers, with what came.
    forecasts
        By candidate.
    """

    date: dt.date
    learnt_on: dt.date
    look_back: int
    how: str
    sample: Sample
    forecasts: dict[str, Forecast]


def run_test(train: Sample, target: Sample, look_back: int, days: int) -> SpendTest:
    """Return a test in time order."""
    train, target = add_reference(train, days), add_reference(target, days)
    found = forecast_spend(CANDIDATES, train, target, days)
    return SpendTest(target.date, train.date, look_back, IN_TIME, target, found)


def cross_validate(sample: Sample, look_back: int, days: int, seed: int) -> SpendTest:
    """Return a test on folds of the customers of one date."""
    parts: dict[str, list[Forecast]] = {name: [] for name in CANDIDATES}
    held = []
    sample = add_reference(sample, days)
    for rest, fold in KFold(FOLDS, shuffle=True, random_state=seed).split(sample.past):
        held.append(fold)
        found = forecast_spend(CANDIDATES, sample.take(rest), sample.take(fold), days)
        for name in CANDIDATES:
            parts[name].append(found[name])
    place = np.argsort(np.concatenate(held))
    whole = {
        name: Forecast(*(np.concatenate(part)[place] for part in zip(*some, strict=True)))
        for name, some in parts.items()
    }
    return SpendTest(sample.date, sample.date, look_back, IN_FOLDS, sample, whole)


def compare_spend(tests: Sequence[SpendTest], days: int, seed: int) -> pd.DataFrame:
    """Set the candidates beside each other on every test, and choose one.

    Chosen is the simplest whose rank correlation with what customers spent is no more than one
    standard error of the difference below the best, over all tests together.

    Parameters
    ----------
    tests
        Of one horizon.
    days
        The horizon.
    seed
        Of the bootstrap over customers, the same for all candidates: differences are paired.

    Returns
    -------
    pandas.DataFrame
        One row a test and candidate: days, date, learnt_on, look_back, tested (`IN_TIME`,
        `IN_FOLDS`), model, customers; spearman and top_decile (share of the spend that came with
        the tenth of customers of whom most was expected), each with ``_low`` and ``_high`` (95%),
        and perfect_decile (of a perfect list); mae (with the total scaled to what came); predicted,
        came, ratio; segment_misplaced and tier_misplaced (`stats.ranking.misplaced`); brier (of no
        order), brier_constant (of the same risk for all); behind (in rank correlation, over all
        tests) and behind_error (its standard error); chosen.
    """
    rows: list[dict[str, Any]] = []
    spread: dict[str, list[Numbers]] = {name: [] for name in CANDIDATES}
    for number, test in enumerate(tests):
        came = test.sample.came
        some = subsample(len(came), seed, MOST)
        narrower = np.sqrt(len(some) / len(came))
        ranks: dict[str, list[Numbers]] = {name: [] for name in CANDIDATES}
        tops: dict[str, list[Numbers]] = {name: [] for name in CANDIDATES}
        for weights in resampled_counts(len(some), seed + number, DRAWS):
            for name, forecast in test.forecasts.items():
                scores = forecast.expected[some]
                ranks[name].append(rank_correlation(scores, came[some], weights))
                tops[name].append(captured_share(scores, came[some], weights, TOP))
        for name, forecast in test.forecasts.items():
            row = measure(test, forecast)
            for measured, blocks in (("spearman", ranks), ("top_decile", tops)):
                values = np.concatenate(blocks[name])
                middle = values.mean()
                low, high = percentile_interval(middle + (values - middle) * narrower)
                row |= {f"{measured}_low": low, f"{measured}_high": high}
            spread[name].append(np.concatenate(ranks[name]) * narrower)
            rows.append({"days": days, **row, "model": name})
    table = pd.DataFrame(rows)
    means = table.groupby("model")["spearman"].mean()
    best = str(means.reindex(list(CANDIDATES)).idxmax())
    drawn = {name: np.mean(parts, axis=0) for name, parts in spread.items()}
    behind = {name: float(means[best] - means[name]) for name in CANDIDATES}
    error = {name: float(np.std(drawn[best] - drawn[name])) for name in CANDIDATES}
    chosen = next(name for name in CANDIDATES if behind[name] <= error[name])
    return table.assign(
        behind=table["model"].map(behind),
        behind_error=table["model"].map(error),
        chosen=table["model"] == chosen,
    )


def rank_correlation(expected: Numbers, came: Numbers, weights: Numbers) -> Numbers:
    """Return Spearman's correlation; who expects the same of everybody ranks nobody, and has 0."""
    return np.nan_to_num(weighted_spearman(expected, came, weights))


def measure(test: SpendTest, forecast: Forecast) -> dict[str, Any]:
    """Return what one candidate did in one test, without intervals."""
    came, expected = test.sample.came, forecast.expected
    every, away = np.ones((1, len(came))), came == 0
    total, said = float(came.sum()), float(expected.sum())
    scaled = expected * total / said if said > 0 else expected
    segments = np.unique(test.sample.segment.astype(str), return_inverse=True)[1]
    return {
        "date": pd.Timestamp(test.date),
        "learnt_on": pd.Timestamp(test.learnt_on),
        "look_back": test.look_back,
        "tested": test.how,
        "customers": len(came),
        "spearman": float(rank_correlation(expected, came, every)[0]),
        "top_decile": float(captured_share(expected, came, every, TOP)[0]),
        "perfect_decile": float(captured_share(came, came, every, TOP)[0]),
        "mae": float(np.abs(scaled - came).mean()),
        "predicted": said,
        "came": total,
        "ratio": said / total if total > 0 else np.nan,
        "segment_misplaced": misplaced(expected, came, segments),
        "tier_misplaced": misplaced(expected, came, account_tiers(test.sample.past)),
        "brier": float(((forecast.away - away) ** 2).mean()),
        "brier_constant": float(((away.mean() - away) ** 2).mean()),
    }


def calibrate_groups(
    tests: Sequence[SpendTest], chosen: str, days: int, smallest: int
) -> pd.DataFrame:
    """Return what was expected and what came in each segment and account tier of each test.

    Parameters
    ----------
    tests
        Of one horizon.
    chosen
        The candidate.
    days
        The horizon.
    smallest
        Groups with fewer customers, and groups in which fewer came or stayed away, are left out.

    Returns
    -------
    pandas.DataFrame
        days, date, tested, kind ("all", "activity", "segment", "tier"), group, customers;
        predicted, came and ratio of spend; away_predicted (mean), away (share of customers without
        an order), away_low and away_high (Wilson's 95% interval).
    """
    rows = []
    for test in tests:
        forecast, came = test.forecasts[chosen], test.sample.came
        for kind, labels in group_labels(test.sample).items():
            for group in dict.fromkeys(sorted(labels, key=_tier_order)):
                inside = labels == group
                size, gone = int(inside.sum()), int((came[inside] == 0).sum())
                if size < smallest or min(gone, size - gone) < smallest:
                    continue
                low, high = wilson(gone, size)
                said, total = forecast.expected[inside].sum(), came[inside].sum()
                rows.append(
                    {
                        "days": days,
                        "date": pd.Timestamp(test.date),
                        "tested": test.how,
                        "kind": kind,
                        "group": group,
                        "customers": size,
                        "predicted": said,
                        "came": total,
                        "ratio": said / total,
                        "away_predicted": forecast.away[inside].mean(),
                        "away": gone / size,
                        "away_low": float(low),
                        "away_high": float(high),
                    }
                )
    return pd.DataFrame(rows)


def group_labels(sample: Sample) -> dict[str, npt.NDArray[np.object_]]:
    """Return the groups of each customer: all, active or not, segment, account tier."""
    active = sample.past["recency_days"].to_numpy() <= 90
    return {
        "all": np.full(len(active), "all", dtype=object),
        "activity": np.where(active, "active", "inactive").astype(object),
        "segment": sample.segment,
        "tier": np.array(TIER_NAMES, dtype=object)[account_tiers(sample.past)],
    }


def _tier_order(group: str) -> tuple[int, str]:
    return (TIER_NAMES.index(group) if group in TIER_NAMES else 0, str(group))


def spend_test_facts(table: pd.DataFrame, days: int) -> dict[str, Any]:
    """Return the facts of the chosen candidate's last test, and of the baseline's.

    Parameters
    ----------
    table
        From `compare_spend`.
    days
        The horizon; facts of a year end in ``_365``, those of a quarter do not.
    """
    end = "" if days == 90 else f"_{days}"
    last = table[table["date"] == table["date"].max()].set_index("model")
    model = str(last.index[last["chosen"]][0])
    facts: dict[str, Any] = {
        f"forecast.model{end}": model,
        f"forecast.tested{end}": str(last["tested"].iloc[0]),
        f"forecast.tests{end}": int(table["date"].nunique()),
        f"forecast.test_date{end}": f"{last['date'].iloc[0]:%Y-%m-%d}",
        f"forecast.test_customers{end}": int(last["customers"].iloc[0]),
        f"forecast.test_perfect_decile{end}": float(last["perfect_decile"].iloc[0]),
    }
    for who, name in (("test", model), ("own_rate", CANDIDATES[0])):
        for measured in (
            "spearman",
            "top_decile",
            "mae",
            "ratio",
            "segment_misplaced",
            "tier_misplaced",
            "brier",
        ):
            facts[f"forecast.{who}_{measured}{end}"] = float(last.loc[name, measured])
    return facts

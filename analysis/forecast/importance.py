"""Measure which features the decline model depends on, with intervals.

Every explanation rests on customers whom the explained model has not seen. Importance says what
the model leans on, not what would change a customer: nobody was treated differently here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.pipeline import Pipeline

from analysis.core.formatting import join_words
from analysis.forecast.decline import ADDED, GIVEN, Decline, features
from analysis.regulars.names import FEATURE_NAMES
from analysis.regulars.summaries import collinear_pairs
from analysis.regulars.tables import association_matrix
from analysis.stats import intervals, models
from analysis.stats.models import Numbers, Split
from analysis.stats.names import CONSTANT

#: What the columns that an added one is made of are called together.
FAMILIES = {
    "revenue_trend": "revenue of the three months",
    "minutes_change": "minutes on the site",
    "contacts_change": "marketing contacts",
}
#: Columns that go together at least so strongly are judged as one.
COLLINEAR = 0.7
SHUFFLES = 3
GRID = 12
#: Partial effects are shown of so many features.
FEATURES = 4


def explain(
    customers: pd.DataFrame, decline: Decline, test_share: float, minimum_group: int, seed: int
) -> dict[str, pd.DataFrame]:
    """Explain the chosen model, before calibration; nothing when there is none, or it is constant.

    Parameters
    ----------
    customers
        As `forecast.decline.read_decline` took them.
    decline
        What it returned.
    test_share
        The share of rows that each split tests on.
    minimum_group
        As `regulars.tables.association_matrix` takes it.
    seed
        For shuffles.

    Returns
    -------
    dict
        ``activity_importance`` from `importance`, ``activity_partial`` from `partial_effects`.
    """
    if decline.model in ("", CONSTANT):
        return {}
    table, label = features(customers), customers["decline"].to_numpy()
    made = models.run_parallel(
        lambda split, tuned: models.fit(
            decline.model, table.iloc[split[0]], label[split[0]], seed, tuned
        ),
        list(zip(decline.splits, decline.parameters, strict=True)),
    )
    groups = feature_groups(association_matrix(customers, minimum_group))
    return {
        "activity_importance": importance(
            made, table, label, decline.splits, groups, test_share, seed
        ),
        "activity_partial": partial_effects(made, customers, decline.splits, test_share),
    }


# ------------------------------------------------------------------------------ groups


def feature_groups(matrix: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns that can only be judged together, by the name of their group.

    Columns that go together strongly share what they tell: shuffling one of them alone would find
    that it hardly matters. A column that was made of others belongs to them.

    Parameters
    ----------
    matrix
        From `regulars.tables.association_matrix`.
    """
    names = [*GIVEN, *ADDED]
    pairs = collinear_pairs(matrix, COLLINEAR)
    links = [
        *zip(pairs["first"], pairs["second"], strict=True),
        *((made, of) for made, parents in ADDED.items() for of in parents),
    ]
    places = [(names.index(a), names.index(b)) for a, b in links if {a, b} <= set(names)]
    ends = np.array(places, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(places)), (ends[0], ends[1])), shape=(len(names), len(names)))
    _, found = connected_components(graph, directed=False)
    groups = {}
    for number in dict.fromkeys(found):
        members = [name for name, group in zip(names, found, strict=True) if group == number]
        families = [FAMILIES[name] for name in members if name in FAMILIES]
        made_of = {of for name in members if name in ADDED for of in (name, *ADDED[name])}
        alone = [FEATURE_NAMES[name] for name in members if name not in made_of]
        groups[join_words([*families, *alone])] = members
    return groups


# ------------------------------------------------------------------------------ importance


def importance(
    made: Sequence[Pipeline],
    table: pd.DataFrame,
    label: npt.NDArray[np.bool_],
    splits: Sequence[Split],
    groups: dict[str, list[str]],
    test_share: float,
    seed: int,
) -> pd.DataFrame:
    """Return what it costs when the columns of a group are shuffled together among test rows.

    Permutation importance (Breiman 2001) in ROC-AUC on held-out rows, with the corrected interval
    of `stats.intervals.corrected_interval`.

    Parameters
    ----------
    made, splits
        The models, and the rows that each was fitted to and is tested on.
    table, label
        Features and outcomes.
    groups
        Columns by group.
    test_share
        The share of rows that each split tests on.
    seed
        For the shuffles.

    Returns
    -------
    pandas.DataFrame
        group, columns, drop, low, high; the largest drop first.
    """

    def measure_drops(model: Pipeline, test: npt.NDArray[Any], number: int) -> list[float]:
        rng = np.random.default_rng([seed, number])
        rows, owners = models.prepare(model, table.iloc[test])
        whole = models.roc_auc(label[test], models.probability(model[-1], rows))
        drops = []
        for columns in groups.values():
            own = np.flatnonzero(np.isin(owners, columns))
            areas = []
            for _ in range(SHUFFLES):
                mixed = rows.copy()
                mixed[:, own] = rows[rng.permutation(len(rows))][:, own]
                areas.append(models.roc_auc(label[test], models.probability(model[-1], mixed)))
            drops.append(float(whole - np.mean(areas)))
        return drops

    jobs = [(model, test, i) for i, (model, (_, test)) in enumerate(zip(made, splits, strict=True))]
    drops = np.array(models.run_parallel(measure_drops, jobs))
    rows = [
        (
            name,
            join_words([FEATURE_NAMES[c] for c in columns]),
            *intervals.corrected_interval(drops[:, place], test_share),
        )
        for place, (name, columns) in enumerate(groups.items())
    ]
    found = pd.DataFrame(rows, columns=["group", "columns", "drop", "low", "high"])
    return found.sort_values(["drop", "group"], ascending=[False, True], ignore_index=True)


# ------------------------------------------------------------------------------ partial effects


def partial_effects(
    made: Sequence[Pipeline], customers: pd.DataFrame, splits: Sequence[Split], test_share: float
) -> pd.DataFrame:
    """Return `partial_dependence` of the numbers that move the predicted risk most.

    A number moves the risk by the mean absolute deviation of its curve, whose points are quantiles
    and so stand for equally many customers. The first partition, in which each customer is tested
    on once, finds which numbers these are; only their curves come from all partitions, because a
    support vector machine takes long to predict.
    """
    once = max(1, round(1 / test_share))
    numbers = [name for name in GIVEN if customers[name].dtype.kind in "fi"]
    curves = [
        partial_dependence(made[:once], customers, splits[:once], name, test_share)
        for name in numbers
    ]
    moved = [
        -float((curve["probability"] - curve["probability"].mean()).abs().mean())
        for curve in curves
    ]
    most = np.argsort(moved, kind="stable")[:FEATURES]
    return pd.concat(
        [partial_dependence(made, customers, splits, numbers[place], test_share) for place in most],
        ignore_index=True,
    )


def partial_dependence(
    made: Sequence[Pipeline],
    customers: pd.DataFrame,
    splits: Sequence[Split],
    name: str,
    test_share: float,
) -> pd.DataFrame:
    """Return what the models would say of unseen customers if a given column had another value.

    Partial dependence (Friedman 2001). Columns that are made of the changed one change with it.
    The values are quantiles of the column, so that most are where customers are.

    Returns
    -------
    pandas.DataFrame
        feature, value, share (of customers up to the value), probability, low, high (corrected
        interval over the splits).
    """
    grid = np.unique(customers[name].quantile(np.linspace(0.02, 0.98, GRID)).to_numpy())

    def average_risk(model: Pipeline, test: npt.NDArray[Any]) -> Numbers:
        rows = customers.iloc[np.tile(test, len(grid))]
        changed = features(rows.assign(**{name: np.repeat(grid, len(test))}))
        seen, _ = models.prepare(model, changed)
        p = models.probability(model[-1], seen).reshape(len(grid), len(test))
        return np.asarray(p.mean(axis=1))

    jobs = [(model, test) for model, (_, test) in zip(made, splits, strict=True)]
    found = np.array(models.run_parallel(average_risk, jobs))
    ends = [intervals.corrected_interval(found[:, i], test_share) for i in range(len(grid))]
    return pd.DataFrame(
        {
            "feature": name,
            "value": grid,
            "share": [float((customers[name] <= value).mean()) for value in grid],
            "probability": [end[0] for end in ends],
            "low": [end[1] for end in ends],
            "high": [end[2] for end in ends],
        }
    )


# ------------------------------------------------------------------------------ examples

"""What does the model of decline look at, in whom, and how sure is that?

Every explanation stands on customers whom the explained model has not seen. Importance says what
the model leans on, not what would change a customer: nobody was treated differently here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from analysis import models
from analysis.decline import ADDED, GIVEN, Decline, features
from analysis.explore_activity import association_matrix, collinear_pairs
from analysis.models import Numbers, Split
from analysis.names import CONSTANT, FEATURE_NAMES
from analysis.words import listed

#: What the columns that an added one is made of are called together.
FAMILIES = {
    "revenue_trend": "revenue of the three months",
    "minutes_change": "minutes on the site",
    "contacts_change": "marketing contacts",
}
#: Columns that go together at least so strongly are judged as one.
COLLINEAR = 0.7
SHUFFLES = 3
BACKGROUND = 50
GRID = 12
#: An example stands for so many customers of about the same risk.
EXAMPLE_CUSTOMERS = 10
EXAMPLES = {"a customer at high risk": 0.95, "a customer in between": 0.65,
            "a customer at low risk": 0.10}  # fmt: skip


class Explanation(NamedTuple):
    """What the model leans on.

    Attributes
    ----------
    importance
        group, columns (text), drop, low, high: what shuffling the group's columns costs in
        ROC-AUC, the largest first.
    shap
        feature, value (mean; missing for labels), level ("" for numbers), rank (of the value, 0
        to 1), shap (mean, in log-odds), customers: points that stand for several customers each.
    shap_size
        feature, size: mean absolute SHAP value, the largest first.
    partial
        feature, value, probability, low, high, share: what the model would say, were everybody
        to have that value; share of customers up to the value.
    examples
        example, feature, value (text), shap, start, end, probability, customers: waterfalls.
    """

    importance: pd.DataFrame
    shap: pd.DataFrame
    shap_size: pd.DataFrame
    partial: pd.DataFrame
    examples: pd.DataFrame


def explain(
    customers: pd.DataFrame, decline: Decline, test_share: float, smallest: int, seed: int
) -> Explanation | None:
    """Explain the chosen model, before calibration; None when there is none, or it is constant.

    Parameters
    ----------
    customers
        As `analysis.decline.read_decline` took them.
    decline
        What it returned.
    test_share
        The share of rows that each split tests on.
    smallest
        No point of a table stands for fewer customers.
    seed
        For shuffles and backgrounds.
    """
    if decline.model in ("", CONSTANT):
        return None
    table, label = features(customers), customers["decline"].to_numpy()
    made = models.in_parallel(
        lambda split, tuned: models.fitted(
            decline.model, table.iloc[split[0]], label[split[0]], (), seed, tuned
        ),
        list(zip(decline.splits, decline.parameters, strict=True)),
    )
    groups = feature_groups(association_matrix(customers, smallest))
    folds = round(1 / test_share)
    # Customers are explained once, in the first repeat: the others would say the same again.
    values, base = shap_values(made[:folds], table, decline.splits[:folds], seed)
    size = values.abs().mean().sort_values(ascending=False, kind="stable")
    sizes = size.rename_axis("feature").rename("size").reset_index()
    top = [name for name in size.index if name in GIVEN and customers[name].dtype.kind in "fi"]
    return Explanation(
        importance=importance(made, table, label, decline.splits, groups, test_share, seed),
        shap=shap_points(values, table, smallest),
        shap_size=sizes,
        partial=pd.concat(
            [partial_dependence(made, customers, decline.splits, name, test_share)
             for name in top[:4]], ignore_index=True,
        ),
        examples=examples(
            values, base, table, decline.probability, max(smallest, EXAMPLE_CUSTOMERS)
        ),
    )  # fmt: skip


# ------------------------------------------------------------------------------ groups


def feature_groups(matrix: pd.DataFrame, threshold: float = COLLINEAR) -> dict[str, list[str]]:
    """Return the columns that can only be judged together, by the name of their group.

    Columns that go together strongly share what they tell: shuffling one of them alone would find
    that it hardly matters. A column that was made of others belongs to them.

    Parameters
    ----------
    matrix
        From `analysis.explore_activity.association_matrix`.
    threshold
        From which association on columns belong together.
    """
    names = [*GIVEN, *ADDED]
    pairs = collinear_pairs(matrix, threshold)
    links = [*zip(pairs["first"], pairs["second"], strict=True),
             *((made, of) for made, parents in ADDED.items() for of in parents)]  # fmt: skip
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
        groups[listed([*families, *alone])] = members
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
    of `analysis.models.corrected_interval`.

    Parameters
    ----------
    made, splits
        The models, and the rows that each was fitted to and is tested on.
    table, label
        Features and what came.
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

    def one(model: Pipeline, test: npt.NDArray[Any], number: int) -> list[float]:
        rng = np.random.default_rng([seed, number])
        rows, owners = models.prepared(model, table.iloc[test])
        whole = roc_auc_score(label[test], models.probability(model[-1], rows))
        drops = []
        for columns in groups.values():
            own = np.flatnonzero(np.isin(owners, columns))
            areas = []
            for _ in range(SHUFFLES):
                mixed = rows.copy()
                mixed[:, own] = rows[rng.permutation(len(rows))][:, own]
                areas.append(roc_auc_score(label[test], models.probability(model[-1], mixed)))
            drops.append(float(whole - np.mean(areas)))
        return drops

    jobs = [(model, test, i) for i, (model, (_, test)) in enumerate(zip(made, splits, strict=True))]
    drops = np.array(models.in_parallel(one, jobs))
    rows = [
        (name, listed([FEATURE_NAMES[c] for c in columns]),
         *models.corrected_interval(drops[:, place], test_share))
        for place, (name, columns) in enumerate(groups.items())
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=["group", "columns", "drop", "low", "high"])
    return found.sort_values(["drop", "group"], ascending=[False, True], ignore_index=True)


# ------------------------------------------------------------------------------ SHAP


def shap_values(
    made: Sequence[Pipeline], table: pd.DataFrame, splits: Sequence[Split], seed: int
) -> tuple[pd.DataFrame, Numbers]:
    """Return how far each value of each customer moves the model's log-odds.

    SHAP values (Lundberg and Lee 2017) by antithetic permutations, against a background of
    training rows. They are taken of the columns that the model itself sees; those of one word's
    levels are added up. A customer's values and the base add up to the log-odds.

    Returns
    -------
    tuple
        One row a customer and one column a feature, and the base for each customer: the mean
        log-odds of the background of the model that explains them.
    """
    values, base = np.full(table.shape, np.nan), np.full(len(table), np.nan)
    # Here and not in other processes: they would be taken to leak memory for what they import.
    for number, (model, split) in enumerate(zip(made, splits, strict=True)):
        found, origin = _shap_of(model, table, split, seed + number)
        values[split[1]], base[split[1]] = found, origin
    return pd.DataFrame(values, columns=table.columns, index=table.index), base


def _shap_of(
    model: Pipeline, table: pd.DataFrame, split: Split, seed: int
) -> tuple[Numbers, Numbers]:
    """Return the SHAP values and bases of one split's test rows."""
    # To compile what SHAP needs takes longer than to run it as it is.
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    import shap  # takes seconds to load

    def log_odds(rows: Numbers) -> Numbers:
        p = np.clip(models.probability(model[-1], rows), models.EDGE, 1 - models.EDGE)
        return np.asarray(special.logit(p))

    train, test = split
    rng = np.random.default_rng(seed)
    some = rng.choice(train, min(BACKGROUND, len(train)), replace=False)
    background, owners = models.prepared(model, table.iloc[some])
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.PermutationExplainer(log_odds, masker, seed=seed)
    rows, _ = models.prepared(model, table.iloc[test])
    found = explainer(rows, max_evals=2 * rows.shape[1] + 1, silent=True)
    by_feature = pd.DataFrame(found.values.T).groupby(owners).sum().T
    return by_feature.reindex(columns=table.columns, fill_value=0.0).to_numpy(), found.base_values


def shap_points(values: pd.DataFrame, table: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Return points that stand for neighbouring customers, so that no single one is shown.

    Parameters
    ----------
    values, table
        SHAP values and features, of the same shape.
    smallest
        A point stands for at least so many customers.
    """
    parts = []
    for name in table.columns:
        number = table[name].dtype.kind in "fib"
        level = pd.Series("", index=table.index) if number else table[name].astype("str")
        value = table[name].astype(float) if number else pd.Series(np.nan, index=table.index)
        rows = pd.DataFrame({"level": level, "value": value, "shap": values[name]})
        rows["rank"] = rows["value"].rank(pct=True) if number else np.nan
        rows = rows.sort_values(["level", "value", "shap"], kind="stable")
        counted = rows.groupby("level").cumcount() // smallest
        # The few who are left over at the end join those before them.
        last = rows.groupby("level")["shap"].transform("size") // smallest - 1
        point = counted.clip(upper=last.clip(lower=0))
        sizes = rows.groupby(["level", point])["shap"].transform("size")
        rows = rows[sizes >= smallest]
        means = rows.groupby(["level", point.loc[rows.index]], sort=True).agg(
            value=("value", "mean"), rank=("rank", "mean"), shap=("shap", "mean"),
            customers=("shap", "size"),
        )  # fmt: skip
        parts.append(means.reset_index("level").reset_index(drop=True).assign(feature=name))
    points = pd.concat(parts, ignore_index=True)
    return points[["feature", "level", "value", "rank", "shap", "customers"]]


# ------------------------------------------------------------------------------ dependence


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

    def one(model: Pipeline, test: npt.NDArray[Any]) -> Numbers:
        rows = customers.iloc[np.tile(test, len(grid))]
        changed = features(rows.assign(**{name: np.repeat(grid, len(test))}))
        p = models.probability(model, changed).reshape(len(grid), len(test))
        return np.asarray(p.mean(axis=1))

    jobs = [(model, test) for model, (_, test) in zip(made, splits, strict=True)]
    found = np.array(models.in_parallel(one, jobs))
    ends = [models.corrected_interval(found[:, i], test_share) for i in range(len(grid))]
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


def examples(
    values: pd.DataFrame,
    base: Numbers,
    table: pd.DataFrame,
    probability: Numbers,
    customers: int,
    most: int = 7,
) -> pd.DataFrame:
    """Return step by step how the model comes to its log-odds for three made-up customers.

    Each is the mean of `customers` customers of about the same risk, so that none is shown.

    Parameters
    ----------
    values, base
        From `shap_values`.
    table, probability
        Features, and probabilities of unseen customers.
    customers
        How many customers an example stands for.
    most
        How many features are told; the others are one step together.

    Returns
    -------
    pandas.DataFrame
        example, step (1 for the first), feature ("" for all others together), value (text), shap,
        start, end (log-odds before and after), base, probability (mean), customers.
    """
    # Calibration makes ties, which must not be broken by the order of the file.
    order = np.lexsort((base + values.sum(axis=1).to_numpy(), probability))
    rank = np.empty(len(order))
    rank[order] = (np.arange(len(order)) + 0.5) / len(order)
    parts = []
    for name, place in EXAMPLES.items():
        near = np.argsort(np.abs(rank - place), kind="stable")[:customers]
        mean = values.iloc[near].mean()
        told = mean.abs().sort_values(ascending=False, kind="stable").index[:most]
        steps = pd.concat([mean[told], pd.Series({"": mean.drop(told).sum()})])
        ends = base[near].mean() + steps.cumsum()
        parts.append(
            pd.DataFrame(
                {
                    "example": name,
                    "step": range(1, len(steps) + 1),
                    "feature": steps.index,
                    "value": [_typical(table.iloc[near], str(told)) for told in steps.index],
                    "shap": steps.to_numpy(),
                    "start": (ends - steps).to_numpy(),
                    "end": ends.to_numpy(),
                    "base": base[near].mean(),
                    "probability": probability[near].mean(),
                    "customers": len(near),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _typical(rows: pd.DataFrame, name: str) -> str:
    """Return the mean of a column, or its most frequent word, as text."""
    if not name:
        return ""
    if rows[name].dtype.kind not in "fib":
        return str(rows[name].mode().iloc[0])
    return (
        f"{rows[name].mean():,.3g}" if abs(rows[name].mean()) < 100 else f"{rows[name].mean():,.0f}"
    )

"""Compare customers whose spending declines with the others, feature by feature.

Every function takes the customers of `regulars.contract.ActivityTables` and returns a
tidy table. Groups smaller than the report's ``smallest_group`` are pooled, so that no single
customer can be read off a table or a picture.

One measure serves all features: Cliff's delta, the probability that a customer who buys less has
the higher value minus the probability that the other one has. It needs no assumption about
the shape of a distribution, and for a yes-or-no feature it is the difference of two shares.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from analysis.regulars.names import CATEGORICAL, FEATURE_NAMES, NUMERIC
from analysis.regulars.summaries import CHANCE, overlaps
from analysis.stats.effects import cliffs_delta, correlation_ratio, cramers_v
from analysis.stats.intervals import wilson

Numbers = npt.NDArray[np.float64]
OTHER = "other (few customers)"
#: So many features are shown with their distributions.
SHOWN = 4
_EFFECT_COLUMNS = {
    "feature": "str",
    "level": "str",
    "name": "str",
    "declined_q1": "float64",
    "declined_median": "float64",
    "declined_q3": "float64",
    "same_q1": "float64",
    "same_median": "float64",
    "same_q3": "float64",
    "declined_share": "float64",
    "same_share": "float64",
    "delta": "float64",
    "low": "float64",
    "high": "float64",
    "p_value": "float64",
    "p_adjusted": "float64",
    "clear": "bool",
}
_CATEGORY_COLUMNS = {
    "category": "str",
    "customers": "int64",
    "declined": "int64",
    "decline_rate": "float64",
    "low": "float64",
    "high": "float64",
}
_DISTRIBUTION_COLUMNS = {
    "feature": "str",
    "activity": "str",
    "low": "float64",
    "high": "float64",
    "share": "float64",
    "density": "float64",
}


def pool_small(labels: pd.Series, minimum_group: int) -> pd.Series:
    """Return the labels with the rare ones pooled as `OTHER`.

    When the rare ones together are still fewer than `minimum_group`, the next larger groups join
    them until they are not. Missing labels stay missing.

    Examples
    --------
    >>> pool_small(pd.Series(["a", "a", "a", "b", "c"], dtype="str"), 2).tolist()
    ['a', 'a', 'a', 'other (few customers)', 'other (few customers)']
    """
    words = labels.astype("str")
    counts = words.value_counts().sort_index().sort_values(kind="stable")
    before = counts.cumsum() - counts
    rare = (counts < minimum_group) | ((before > 0) & (before < minimum_group))
    return words.mask(words.isin(counts.index[rare]), OTHER)


def _answers(labels: pd.Series) -> pd.Series:
    """Return labels as text; yes and no for true and false."""
    if labels.dtype == bool:
        return labels.map({True: "yes", False: "no"}).astype("str")
    return labels.astype("str")


def feature_effects(customers: pd.DataFrame, minimum_group: int) -> pd.DataFrame:
    """Compare every feature between customers who buy less and those who stay.

    Parameters
    ----------
    customers
        As `regulars.contract.ActivityTables.customers`; a missing value is left out of its
        feature's comparison.
    minimum_group
        Labels with fewer customers are pooled; a feature is left out when a class has fewer.

    Returns
    -------
    pandas.DataFrame
        The largest effect first, one row a number feature and one a label of the others (one only
        where there are two labels): ``feature``; ``level`` ("" for numbers); ``name`` (readable);
        ``declined_q1, declined_median, declined_q3, same_q1, same_median, same_q3`` (numbers) or
        ``declined_share, same_share`` (labels, 0 to 1); ``delta, low, high`` (Cliff's delta with
        its 95% interval, not adjusted; positive: higher among those who buy less); ``p_value``
        (Mann-Whitney), ``p_adjusted`` (Benjamini-Hochberg over all rows), ``clear``
        (``p_adjusted`` below `CHANCE`). Empty when a class has too few customers.
    """
    rows = [
        *(_number_effect(customers, feature) for feature in NUMERIC),
        *itertools.chain.from_iterable(
            _label_effects(customers, feature, minimum_group) for feature in CATEGORICAL
        ),
    ]
    kept = [row for row in rows if row and min(row["declined_n"], row["same_n"]) >= minimum_group]
    if not kept:
        return _empty(_EFFECT_COLUMNS)
    effects = pd.DataFrame(kept)
    effects["p_adjusted"] = scipy.stats.false_discovery_control(effects["p_value"], method="bh")
    effects["clear"] = effects["p_adjusted"] < CHANCE
    effects = effects.reindex(columns=list(_EFFECT_COLUMNS)).astype(_EFFECT_COLUMNS)
    effects = effects.assign(size=effects["delta"].abs()).sort_values(
        ["size", "name"], ascending=[False, True]
    )
    return effects.drop(columns="size").reset_index(drop=True)


def _split(values: pd.Series, decline: pd.Series) -> tuple[Numbers, Numbers]:
    present = values.notna()
    return (
        values[present & decline].to_numpy(float),
        values[present & ~decline].to_numpy(float),
    )


def _compare(values: pd.Series, decline: pd.Series) -> dict[str, Any]:
    """Return the columns that all comparisons share; nothing when a class is empty."""
    declined, same = _split(values, decline)
    if min(len(declined), len(same)) < 2:
        return {}
    delta, low, high = cliffs_delta(declined, same)
    varied = len(np.unique(np.concatenate([declined, same]))) > 1
    test = scipy.stats.mannwhitneyu(declined, same, method="asymptotic") if varied else None
    return {
        "declined_n": len(declined),
        "same_n": len(same),
        "delta": delta,
        "low": low,
        "high": high,
        "p_value": float(test.pvalue) if test else 1.0,
    }


def _number_effect(customers: pd.DataFrame, feature: str) -> dict[str, Any]:
    row = _compare(customers[feature], customers["decline"])
    if not row:
        return row
    parts = zip(("declined", "same"), _split(customers[feature], customers["decline"]), strict=True)
    for group, values in parts:
        quartiles = np.quantile(values, [0.25, 0.5, 0.75])
        for place, value in zip(("q1", "median", "q3"), quartiles, strict=True):
            row[f"{group}_{place}"] = float(value)
    return {**row, "feature": feature, "level": "", "name": FEATURE_NAMES[feature]}


def _label_effects(
    customers: pd.DataFrame, feature: str, minimum_group: int
) -> list[dict[str, Any]]:
    pooled = pool_small(_answers(customers[feature]), minimum_group)
    decline = customers["decline"]
    rows = []
    for level in _compared_levels(pooled):
        has = (pooled == level).astype("float64").where(pooled.notna())
        row = _compare(has, decline)
        if row:
            declined, same = _split(has, decline)
            row |= {"declined_share": float(declined.mean()), "same_share": float(same.mean())}
            row |= {"feature": feature, "level": level}
            rows.append({**row, "name": f"{FEATURE_NAMES[feature]}: {level}"})
    return rows


def _compared_levels(pooled: pd.Series) -> list[str]:
    """Return the labels to compare: all of them, or one of two, whose shares mirror each other."""
    levels = sorted(pooled.dropna().unique())
    if len(levels) != 2:
        return levels if len(levels) > 2 else []
    if "yes" in levels:
        return ["yes"]
    return [min(levels, key=lambda level: (int((pooled == level).sum()), level))]


def association_matrix(customers: pd.DataFrame, minimum_group: int) -> pd.DataFrame:
    """Measure how strongly every two features, and the label, go together.

    All three measures are 0 for independence and 1 for full dependence, need no straight lines,
    and agree where more than one applies: for yes-or-no features each is the size of the rank
    correlation.

    Parameters
    ----------
    customers
        As `regulars.contract.ActivityTables.customers`.
    minimum_group
        Labels with fewer customers are pooled; with fewer customers in all, nothing is measured.

    Returns
    -------
    pandas.DataFrame
        ``first, second`` (columns; each pair once), ``measure``, ``association`` (0 to 1; missing
        where a feature does not vary):

        * two numbers: size of Spearman's rank correlation;
        * a number and a label: square root of the epsilon squared of Kruskal and Wallis (the
          correlation ratio of ranks, corrected for its bias; T. L. Kelley 1935, *An unbiased
          correlation ratio measure*, PNAS 21);
        * two labels: Cramér's V, corrected for its bias (W. Bergsma 2013, *A bias-correction for
          Cramér's V and Tschuprow's T*, Journal of the Korean Statistical Society 42).
    """
    columns = ["decline", *NUMERIC, *CATEGORICAL]
    if len(customers) < minimum_group:
        types = {"first": "str", "second": "str", "measure": "str", "association": "float64"}
        return _empty(types)
    values = {
        name: customers[name]
        if name in NUMERIC
        else pool_small(_answers(customers[name]), minimum_group)
        for name in columns
    }
    rows = []
    for first, second in itertools.combinations(columns, 2):
        measure, association = _association(values[first], values[second])
        rows.append((first, second, measure, association))
    return pd.DataFrame(rows, columns=["first", "second", "measure", "association"])


def _association(one: pd.Series, other: pd.Series) -> tuple[str, float]:
    """Return the measure that suits the two columns, and its value."""
    present = one.notna() & other.notna()
    one, other = one[present], other[present]
    varied = len(one.unique()) > 1 and len(other.unique()) > 1
    numbers = [pd.api.types.is_numeric_dtype(column) for column in (one, other)]
    if all(numbers):
        return "Spearman", abs(float(one.corr(other, method="spearman"))) if varied else math.nan
    if any(numbers):
        number, label = (one, other) if numbers[0] else (other, one)
        return "correlation ratio", correlation_ratio(number, label) if varied else math.nan
    return "Cramér's V", cramers_v(one, other) if varied else math.nan


def categories(customers: pd.DataFrame, minimum_group: int) -> pd.DataFrame:
    """Return the share of customers who buy less by favourite category.

    Parameters
    ----------
    customers
        As `regulars.contract.ActivityTables.customers`.
    minimum_group
        Categories with fewer customers are pooled; with fewer in all, the table is empty.

    Returns
    -------
    pandas.DataFrame
        The highest rate first: ``category, customers, declined, decline_rate``, and ``low, high``,
        its 95% interval by E. B. Wilson (1927), Journal of the American Statistical Association
        22, which stays within 0 and 1 and holds for small groups.
    """
    if len(customers) < minimum_group:
        return _empty(_CATEGORY_COLUMNS)
    pooled = pool_small(customers["favourite_category"], minimum_group)
    groups = customers["decline"].groupby(pooled).agg(["size", "sum"])
    low, high = wilson(groups["sum"], groups["size"])
    table = pd.DataFrame(
        {
            "category": groups.index,
            "customers": groups["size"].to_numpy(),
            "declined": groups["sum"].to_numpy(),
            "decline_rate": (groups["sum"] / groups["size"]).to_numpy(),
            "low": low,
            "high": high,
        }
    ).astype(_CATEGORY_COLUMNS)
    return table.sort_values(["decline_rate", "category"], ascending=[False, True]).reset_index(
        drop=True
    )


def feature_distribution(customers: pd.DataFrame, feature: str, minimum_group: int) -> pd.DataFrame:
    """Return how a feature is spread in both classes.

    Parameters
    ----------
    customers
        As `regulars.contract.ActivityTables.customers`.
    feature
        One of `regulars.names.NUMERIC`.
    minimum_group
        Neighbouring bins are merged until each holds so many customers. A class with fewer
        customers is not shown, nor then the other.

    Returns
    -------
    pandas.DataFrame
        ``feature``; ``activity`` ("declined" or "same"); ``low, high`` (edges of the bin, in the
        feature's unit, at round values; the first and the last bin also hold what lies beyond);
        ``share`` (of the class's customers, 0 to 1); ``density`` (share by unit of the feature).
    """
    present = customers.loc[customers[feature].notna(), ["decline", feature]]
    groups = [present.loc[present["decline"] == label, feature] for label in (True, False)]
    if min(map(len, groups)) < max(minimum_group, 1):
        return _empty(_DISTRIBUTION_COLUMNS)
    edges = _merge(present[feature], _edges(present[feature]), minimum_group)
    tables = []
    for activity, values in zip(("declined", "same"), groups, strict=True):
        share = _counts(values, edges) / len(values)
        tables.append(
            pd.DataFrame(
                {
                    "feature": feature,
                    "activity": activity,
                    "low": edges[:-1],
                    "high": edges[1:],
                    "share": share,
                    "density": share / np.diff(edges),
                }
            )
        )
    return pd.concat(tables, ignore_index=True).astype(_DISTRIBUTION_COLUMNS)


def distributions(
    customers: pd.DataFrame, features: Iterable[str], minimum_group: int
) -> pd.DataFrame:
    """Return `feature_distribution` of the `SHOWN` features in which the classes overlap least."""
    tables = [feature_distribution(customers, name, minimum_group) for name in features]
    full = [table for table in tables if len(table)]
    if not full:
        return _empty(_DISTRIBUTION_COLUMNS)
    together = pd.concat(full, ignore_index=True)
    least = overlaps(together)["feature"].head(SHOWN)
    return pd.concat([together[together["feature"] == name] for name in least], ignore_index=True)


def _edges(values: pd.Series) -> Numbers:
    """Return about 15 round bin edges around the middle 98% of the values."""
    low, high = np.quantile(values, [0.01, 0.99])
    if high <= low:
        low, high = float(values.min()), float(values.max())
    if (values % 1 == 0).all() and high - low <= 25:
        return np.arange(math.floor(low), math.ceil(high) + 2) - 0.5
    if high <= low:
        return np.array([low - 0.5, low + 0.5])
    width = _round_up((high - low) / 15)
    return np.arange(math.floor(low / width), math.ceil(high / width) + 1) * width


def _round_up(width: float) -> float:
    """Return the next larger of 1, 2, 2.5, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= width)


def _counts(values: pd.Series, edges: Numbers) -> npt.NDArray[np.int64]:
    """Count values by bin; what lies beyond an end counts in the bin there."""
    bins = np.searchsorted(edges[1:-1], values.to_numpy(float), "right")
    return np.bincount(bins, minlength=len(edges) - 1)


def _merge(values: pd.Series, edges: Numbers, minimum_group: int) -> Numbers:
    """Return the edges without those that would leave a bin with too few customers."""
    kept, held = [edges[0]], 0
    for count, right in zip(_counts(values, edges), edges[1:], strict=True):
        held += int(count)
        if held >= minimum_group:
            kept.append(right)
            held = 0
    # What is left at the end is too small to stand alone: the last bin takes it in.
    return np.array([*kept[:-1], edges[-1]] if len(kept) > 1 else edges[[0, -1]])


def _empty(types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})

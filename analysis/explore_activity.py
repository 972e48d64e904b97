"""How do customers who buy less differ from those who stay, feature by feature?

Every function takes the customers of `analysis.activity` and returns a tidy table; the
sentences that state a table's message stand next to it. Groups smaller than the report's
``smallest_group`` are pooled, so that no single customer can be read off a table or a picture.

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
import scipy  # its parts load when they are first used: chapters import this module

from analysis.names import CATEGORICAL, FEATURE_NAMES, NUMERIC
from analysis.words import listed, number_text, shorten

Numbers = npt.NDArray[np.float64]

OTHER = "other (few customers)"
#: A comparison counts as more than chance below this adjusted p-value.
CHANCE = 0.05
#: So many features are shown with their distributions.
SHOWN = 4
#: From this association on, two features overlap.
OVERLAP = 0.8

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
#: So many pairs that overlap are named.
_PAIRS_NAMED = 5
_DISTRIBUTION_COLUMNS = {
    "feature": "str",
    "activity": "str",
    "low": "float64",
    "high": "float64",
    "share": "float64",
    "density": "float64",
}

# ---------------------------------------------------------------------------------- small groups


def pool_small(labels: pd.Series, smallest_group: int) -> pd.Series:
    """Return the labels with the rare ones pooled as `OTHER`.

    When the rare ones together are still fewer than `smallest_group`, the next larger groups join
    them until they are not. Missing labels stay missing.

    Examples
    --------
    >>> pool_small(pd.Series(["a", "a", "a", "b", "c"], dtype="str"), 2).tolist()
    ['a', 'a', 'a', 'other (few customers)', 'other (few customers)']
    """
    words = labels.astype("str")
    counts = words.value_counts().sort_index().sort_values(kind="stable")
    before = counts.cumsum() - counts
    rare = (counts < smallest_group) | ((before > 0) & (before < smallest_group))
    return words.mask(words.isin(counts.index[rare]), OTHER)


def _answers(labels: pd.Series) -> pd.Series:
    """Return labels as text; yes and no for true and false."""
    if labels.dtype == bool:
        return labels.map({True: "yes", False: "no"}).astype("str")
    return labels.astype("str")


# -------------------------------------------------------------------------------------- effects


def cliffs_delta(declined: npt.ArrayLike, same: npt.ArrayLike) -> tuple[float, float, float]:
    """Return Cliff's delta with its 95% interval.

    Parameters
    ----------
    declined, same
        The values of a feature in both groups, at least two each, none missing.

    Returns
    -------
    tuple of float
        P(declined > same) - P(declined < same), and the ends of its asymmetric interval, with the
        variance estimated without assuming that the groups spread alike.

    Notes
    -----
    N. Cliff (1996), *Ordinal Methods for Behavioral Data Analysis*, and D. Feng,
    N. Cliff (2004), *Monte Carlo evaluation of ordinal d with improved confidence interval*,
    Journal of Modern Applied Statistical Methods 3 (2).

    Examples
    --------
    >>> [round(x, 2) for x in cliffs_delta([1, 2, 3, 4, 5], [3, 4, 5, 6, 7])]
    [-0.64, -0.91, 0.01]
    """
    x, y = np.sort(np.asarray(declined, float)), np.sort(np.asarray(same, float))
    m, n = len(x), len(y)
    x_wins = _dominance(x, y)
    y_wins = _dominance(y, x)
    delta = float(x_wins.mean())
    z = float(scipy.stats.norm.ppf(0.975))
    if math.isclose(abs(delta), 1):
        # Without any overlap the estimated variance is 0: the end of Wilson's interval instead.
        inner = math.copysign((min(m, n) - z**2) / (min(m, n) + z**2), delta)
        return delta, min(delta, inner), max(delta, inner)
    ties = np.searchsorted(y, x, "right") - np.searchsorted(y, x, "left")
    spread = m * n - ties.sum() - m * n * delta**2
    variance = float(
        n**2 * ((x_wins - delta) ** 2).sum() + m**2 * ((y_wins + delta) ** 2).sum() - spread
    ) / (m * n * (m - 1) * (n - 1))
    variance = max(variance, (1 - delta**2) / (m * n - 1))
    half = z * math.sqrt(variance) * math.sqrt((1 - delta**2) ** 2 + z**2 * variance)
    bottom = 1 - delta**2 + z**2 * variance
    return delta, (delta - delta**3 - half) / bottom, (delta - delta**3 + half) / bottom


def _dominance(values: Numbers, others: Numbers) -> Numbers:
    """Return for each value the share of the (sorted) others below it minus the share above."""
    below = np.searchsorted(others, values, "left")
    above = len(others) - np.searchsorted(others, values, "right")
    return (below - above) / len(others)


def feature_effects(customers: pd.DataFrame, smallest_group: int) -> pd.DataFrame:
    """Compare every feature between customers who buy less and those who stay.

    Parameters
    ----------
    customers
        As `analysis.activity.ActivityTables.customers`; a missing value is left out of its
        feature's comparison.
    smallest_group
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
            _label_effects(customers, feature, smallest_group) for feature in CATEGORICAL
        ),
    ]
    kept = [row for row in rows if row and min(row["declined_n"], row["same_n"]) >= smallest_group]
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
    customers: pd.DataFrame, feature: str, smallest_group: int
) -> list[dict[str, Any]]:
    pooled = pool_small(_answers(customers[feature]), smallest_group)
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


# ---------------------------------------------------------------------------------- associations


def association_matrix(customers: pd.DataFrame, smallest_group: int) -> pd.DataFrame:
    """Measure how strongly every two features, and the label, go together.

    All three measures are 0 for independence and 1 for full dependence, need no straight lines,
    and agree where more than one applies: for yes-or-no features each is the size of the rank
    correlation.

    Parameters
    ----------
    customers
        As `analysis.activity.ActivityTables.customers`.
    smallest_group
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
    if len(customers) < smallest_group:
        types = {"first": "str", "second": "str", "measure": "str", "association": "float64"}
        return _empty(types)
    values = {
        name: customers[name]
        if name in NUMERIC
        else pool_small(_answers(customers[name]), smallest_group)
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


def correlation_ratio(number: pd.Series, label: pd.Series) -> float:
    """Return how much of the ranks' spread lies between the labels, as a correlation (0 to 1).

    Examples
    --------
    >>> round(correlation_ratio(pd.Series([1, 1, 9, 9]), pd.Series(["a", "a", "b", "b"])), 9)
    1.0
    """
    groups = [values.to_numpy() for _, values in number.groupby(label)]
    if len(number) <= len(groups):
        return math.nan
    h = scipy.stats.kruskal(*groups).statistic
    squared = (h - len(groups) + 1) / (len(number) - len(groups))
    return float(math.sqrt(min(max(squared, 0.0), 1.0)))


def cramers_v(one: pd.Series, other: pd.Series) -> float:
    """Return Cramér's V of two columns of labels, corrected for its bias.

    Examples
    --------
    >>> labels = pd.Series(["a", "b"] * 50)
    >>> cramers_v(labels, labels)
    1.0
    """
    table = pd.crosstab(one, other).to_numpy()
    n, (rows, columns) = table.sum(), table.shape
    squared = scipy.stats.chi2_contingency(table, correction=False).statistic / n
    corrected = max(0.0, squared - (rows - 1) * (columns - 1) / (n - 1))
    most = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(math.sqrt(min(corrected / most, 1.0))) if most > 0 else math.nan


def collinear_pairs(matrix: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the pairs of features, without the label, that go together at least so strongly.

    Parameters
    ----------
    matrix
        As `association_matrix` returns it.
    threshold
        0 to 1.

    Returns
    -------
    pandas.DataFrame
        Rows of the matrix, the strongest first.
    """
    strong = matrix[(matrix["first"] != "decline") & (matrix["association"] >= threshold)]
    order = ["association", "first", "second"]
    return strong.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


# ------------------------------------------------------------------------------------ categories


def categories(customers: pd.DataFrame, smallest_group: int) -> pd.DataFrame:
    """Return the share of customers who buy less by favourite category.

    Parameters
    ----------
    customers
        As `analysis.activity.ActivityTables.customers`.
    smallest_group
        Categories with fewer customers are pooled; with fewer in all, the table is empty.

    Returns
    -------
    pandas.DataFrame
        The highest rate first: ``category, customers, declined, decline_rate``, and ``low, high``,
        its 95% interval by E. B. Wilson (1927), Journal of the American Statistical Association
        22, which stays within 0 and 1 and holds for small groups.
    """
    if len(customers) < smallest_group:
        return _empty(_CATEGORY_COLUMNS)
    pooled = pool_small(customers["favourite_category"], smallest_group)
    groups = customers["decline"].groupby(pooled).agg(["size", "sum"])
    rows = []
    for category, (size, declined) in zip(groups.index, groups.to_numpy().tolist(), strict=True):
        interval = scipy.stats.binomtest(int(declined), int(size)).proportion_ci(method="wilson")
        rows.append((category, size, declined, declined / size, interval.low, interval.high))
    table = pd.DataFrame(rows, columns=list(_CATEGORY_COLUMNS)).astype(_CATEGORY_COLUMNS)
    return table.sort_values(["decline_rate", "category"], ascending=[False, True]).reset_index(
        drop=True
    )


# --------------------------------------------------------------------------------- distributions


def feature_distribution(
    customers: pd.DataFrame, feature: str, smallest_group: int
) -> pd.DataFrame:
    """Return how a feature is spread in both classes.

    Parameters
    ----------
    customers
        As `analysis.activity.ActivityTables.customers`.
    feature
        One of `analysis.names.NUMERIC`.
    smallest_group
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
    if min(map(len, groups)) < max(smallest_group, 1):
        return _empty(_DISTRIBUTION_COLUMNS)
    edges = _merge(present[feature], _edges(present[feature]), smallest_group)
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
    customers: pd.DataFrame, features: Iterable[str], smallest_group: int
) -> pd.DataFrame:
    """Return `feature_distribution` of the `SHOWN` features in which the classes overlap least."""
    tables = [feature_distribution(customers, name, smallest_group) for name in features]
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


def _merge(values: pd.Series, edges: Numbers, smallest_group: int) -> Numbers:
    """Return the edges without those that would leave a bin with too few customers."""
    kept, held = [edges[0]], 0
    for count, right in zip(_counts(values, edges), edges[1:], strict=True):
        held += int(count)
        if held >= smallest_group:
            kept.append(right)
            held = 0
    # What is left at the end is too small to stand alone: the last bin takes it in.
    return np.array([*kept[:-1], edges[-1]] if len(kept) > 1 else edges[[0, -1]])


# ------------------------------------------------------------------------------------- sentences


def effects_message(effects: pd.DataFrame) -> str:
    """Say in one sentence in what the customers who buy less differ most.

    Parameters
    ----------
    effects
        As `feature_effects` returns it.
    """
    if effects.empty:
        return "There are too few customers to compare those who buy less with those who stay."
    clear = effects[effects["clear"]]
    if clear.empty:
        return "In no feature do customers who buy less differ from the others by more than chance."
    size = clear["delta"].abs().round(2)
    top = clear[size == size.iloc[0]]
    if len(top) > 1:
        return f"Customers who buy less differ most in {listed(_spoken(top))}."
    return f"Customers who buy less differ most in {_spoken(top)[0]} ({_contrast(top.iloc[0])})."


def _spoken(effects: pd.DataFrame) -> list[str]:
    """Return what the rows of the effects are called in the middle of a sentence."""
    return [
        f"{FEATURE_NAMES[feature]} '{shorten(level)}'" if level else FEATURE_NAMES[feature]
        for feature, level in zip(effects["feature"], effects["level"], strict=True)
    ]


def _contrast(row: pd.Series) -> str:
    """Return both classes' usual values, or which is higher where those are the same."""
    if row["level"]:
        pair = [f"{row[f'{group}_share']:.0%}" for group in ("declined", "same")]
    else:
        as_text = "{:.0%}".format if row["feature"] == "promo_share" else number_text
        pair = [as_text(row[f"{group}_median"]) for group in ("declined", "same")]
    if pair[0] == pair[1]:
        return f"{'higher' if row['delta'] > 0 else 'lower'} than among those who stay"
    if row["level"]:
        return f"{pair[0]}, against {pair[1]} of those who stay"
    return f"typically {pair[0]}, against {pair[1]} for those who stay"


def effects_alt(effects: pd.DataFrame) -> str:
    """Describe the picture of the effects to somebody who cannot see it."""
    if effects.empty:
        return effects_message(effects)
    clear = effects[effects["clear"]]
    ends = [
        f"{name} {delta:+.2f}"
        for name, delta in zip(_spoken(clear.head(5)), clear["delta"].head(5), strict=True)
    ]
    largest = f" The largest effects: {', '.join(ends)}." if ends else ""
    return (
        f"Points with 95% intervals, one row for each of {_many(len(effects), 'comparison')}, "
        "sorted by size of the effect (Cliff's delta, from -1 to 1; right of zero: higher among "
        f"customers who buy less). {len(clear)} of {len(effects)} "
        f"{'differs' if len(clear) == 1 else 'differ'} by more than chance.{largest}"
    )


def associations_message(matrix: pd.DataFrame) -> str:
    """Say in one sentence which features overlap, by `OVERLAP` or more.

    Parameters
    ----------
    matrix
        As `association_matrix` returns it.
    """
    pairs = collinear_pairs(matrix, 0.0)
    if pairs.empty:
        return "There are too few customers, or too little variety, to compare features."
    texts = _pair_texts(pairs)
    strong = int((pairs["association"] >= OVERLAP).sum())
    if not strong:
        return f"No two features overlap. The strongest association is {texts[0]} of 1."
    named = listed(texts[:strong])
    if strong > _PAIRS_NAMED:
        rest = f"{strong - _PAIRS_NAMED} more"
        named = listed([*texts[:_PAIRS_NAMED], rest])
    return f"Features that overlap, so that a model cannot tell which one matters: {named}."


def _pair_texts(pairs: pd.DataFrame) -> list[str]:
    """Return pairs of features with their association."""
    return [
        f"{FEATURE_NAMES[first]} with {FEATURE_NAMES[second]} ({association:.2f})"
        for first, second, association in zip(
            pairs["first"], pairs["second"], pairs["association"], strict=True
        )
    ]


def associations_alt(matrix: pd.DataFrame) -> str:
    """Describe the picture of the associations to somebody who cannot see it."""
    if matrix.empty:
        return associations_message(matrix)
    label = matrix[matrix["first"] == "decline"].sort_values("association", ascending=False)
    label = label.dropna(subset="association")
    pairs = collinear_pairs(matrix, 0.0)
    parts = [
        "Heat map of how strongly every two features go together, from 0 (not at all) to 1 (fully)."
    ]
    if len(pairs):
        parts.append(f"Strongest among the features: {'; '.join(_pair_texts(pairs.head(3)))}.")
    if len(label):
        strongest = [
            f"{FEATURE_NAMES[name]} {value:.2f}"
            for name, value in label[["second", "association"]].head(3).to_numpy().tolist()
        ]
        parts.append(f"Strongest with buying less: {'; '.join(strongest)}.")
    return " ".join(parts)


def categories_message(table: pd.DataFrame) -> str:
    """Say in one sentence which favourite categories lose customers.

    Parameters
    ----------
    table
        As `categories` returns it. Whether rates differ is judged by a chi-squared test over all
        categories.
    """
    if table.empty:
        return "There are too few customers to compare favourite categories."
    if len(table) == 1:
        rate = table["decline_rate"].iloc[0]
        return f"All customers share a favourite category, and {rate:.0%} of them buy less."
    rates = table["decline_rate"].round(2)
    least, most = rates.min(), rates.max()
    if not _rates_differ(table):
        span = f"between {least:.0%} and {most:.0%}" if least < most else f"{most:.0%} everywhere"
        return (
            "The share of customers who buy less does not differ between favourite categories "
            f"by more than chance: {span}."
        )
    top = [f"'{shorten(name)}'" for name in table.loc[rates == most, "category"]]
    bottom = [f"'{shorten(name)}'" for name in table.loc[rates == least, "category"]]
    return (
        f"{most:.0%} of the customers who favour {listed(top, 'or')} buy less, against "
        f"{least:.0%} for {listed(bottom)}."
    )


def _rates_differ(table: pd.DataFrame) -> bool:
    counts = np.column_stack([table["declined"], table["customers"] - table["declined"]])
    if (counts.sum(axis=0) == 0).any():
        return False
    return bool(scipy.stats.chi2_contingency(counts, correction=False).pvalue < CHANCE)


def categories_alt(table: pd.DataFrame) -> str:
    """Describe the picture of the categories to somebody who cannot see it."""
    if table.empty:
        return categories_message(table)
    rates = [
        f"{shorten(row['category'])} {row['decline_rate']:.0%} "
        f"({row['low']:.0%} to {row['high']:.0%}, {_many(row['customers'], 'customer')})"
        for row in table.head(12).to_dict("records")
    ]
    more = f"; and {len(table) - 12} more" if len(table) > 12 else ""
    return (
        "Points with 95% intervals: the share of customers who buy less, by favourite category. "
        f"{'; '.join(rates)}{more}."
    )


def overlaps(table: pd.DataFrame) -> pd.DataFrame:
    """Return how much of the two classes' distributions coincides.

    Parameters
    ----------
    table
        As `distributions` returns it.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``overlap`` (0: apart, 1: alike), the least overlap first.
    """
    wide = table.set_index(["feature", "low", "activity"])["share"].unstack("activity")
    overlap = wide.min(axis="columns").groupby("feature").sum().rename("overlap").reset_index()
    return overlap.sort_values(["overlap", "feature"]).reset_index(drop=True)


def distributions_message(table: pd.DataFrame) -> str:
    """Say in one sentence where the two classes lie furthest apart.

    Parameters
    ----------
    table
        As `distributions` returns it.
    """
    if table.empty:
        return "There are too few customers to compare those who buy less with those who stay."
    overlap = overlaps(table)
    shown = overlap["overlap"].round(2)
    least = [FEATURE_NAMES[name] for name in overlap.loc[shown == shown.min(), "feature"]]
    if shown.min() == 1:
        return "Customers who buy less and those who stay are spread alike in everything shown."
    return (
        f"Customers who buy less and those who stay overlap least in {listed(least)} "
        f"({shown.min():.0%})."
    )


def distributions_alt(table: pd.DataFrame) -> str:
    """Describe the picture of the distributions to somebody who cannot see it."""
    if table.empty:
        return distributions_message(table)
    shares = [
        f"{FEATURE_NAMES[name]} {overlap:.0%}"
        for name, overlap in overlaps(table)[["feature", "overlap"]].to_numpy().tolist()
    ]
    return (
        f"Histograms of {_many(len(shares), 'feature')}, customers who buy less laid over those "
        f"who stay. Share of the two that coincides: {'; '.join(shares)}."
    )


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def _empty(types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})

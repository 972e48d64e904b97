"""Test for drift: whether customers still resemble those that the models were trained on.

Each feature of a model is compared between two tables: by the population stability index, which
says how far it moved, and by a test, which says whether chance moves it so far.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.forecast import decline
from analysis.history.findings import INFORMS, WARNS, Finding

#: A population stability index is moderate, or large, from here on; the level of the tests.
MODERATE, LARGE, LEVEL = 0.1, 0.25, 0.05
#: Words rarer than this are tested together, as models see them together.
RARE = 10


def _counts(before: pd.Series, now: pd.Series) -> pd.DataFrame:
    """Count both in the same bins: words as they are, numbers in the deciles of `before`."""
    if pd.api.types.is_numeric_dtype(before):
        # Values on an edge lie below it, so that heaped values stay together.
        edges = np.unique(np.quantile(before, np.arange(0.1, 1, 0.1)))
        before, now = (pd.Series(np.searchsorted(edges, values)) for values in (before, now))
    counts = {"before": before.value_counts(), "now": now.value_counts()}
    return pd.DataFrame(counts).fillna(0).sort_index()


def stability(before: pd.Series, now: pd.Series) -> float:
    """Return the population stability index of a feature.

    Half a row is added to each bin, so that an empty one does not make the index infinite.

    References
    ----------
    Siddiqi, N. (2006). *Credit Risk Scorecards*: below 0.1 no change, from 0.25 on a large one.
    Samples of n and m rows alone give (bins - 1)(1/n + 1/m): Yurdakul, B. (2018). *Statistical
    Properties of Population Stability Index*.
    """
    counts = _counts(before, now) + 0.5
    share = counts / counts.sum()
    return float(((share["now"] - share["before"]) * np.log(share["now"] / share["before"])).sum())


def p_value(before: pd.Series, now: pd.Series) -> float:
    """Test whether two samples differ: Kolmogorov-Smirnov for numbers, chi-squared for words."""
    if pd.api.types.is_numeric_dtype(before):
        return float(stats.ks_2samp(before, now, method="asymp").pvalue)
    counts = _counts(before, now)
    rare = counts.sum(axis=1) < RARE
    pooled = np.vstack([counts[~rare], counts[rare].sum()])
    pooled = pooled[pooled.sum(axis=1) > 0]
    return float(stats.chi2_contingency(pooled).pvalue) if len(pooled) > 1 else 1.0


def drift(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return how far each feature moved between two tables, the farthest first.

    Returns
    -------
    pandas.DataFrame
        feature, psi, p_value, q_value (corrected for the number of features).

    References
    ----------
    Benjamini, Y., & Hochberg, Y. (1995). Controlling the false discovery rate. *Journal of the
    Royal Statistical Society B*, 57(1), 289-300.
    """
    rows = [
        (name, stability(before[name], now[name]), p_value(before[name], now[name]))
        for name in before
    ]
    table = pd.DataFrame(rows, columns=["feature", "psi", "p_value"])
    table["q_value"] = stats.false_discovery_control(table["p_value"])
    return table.sort_values(["psi", "feature"], ascending=[False, True], ignore_index=True)


def drift_findings(moved: pd.DataFrame, model: str) -> list[Finding]:
    """Return what `drift` found beyond chance in the features of a model (decline, lapse)."""
    return [
        Finding(
            f"{model}.drift",
            WARNS if psi >= LARGE else INFORMS,
            name,
            f"The feature '{name.removeprefix('log_').replace('_', ' ')}' moved: stability "
            f"index {psi:.2f}, where {MODERATE} is moderate and {LARGE} large. What the "
            f"{model} model learned before may not hold.",
            psi,
            0,
            MODERATE,
        )
        for name, psi, q in moved[["feature", "psi", "q_value"]].itertuples(index=False)
        if psi >= MODERATE and q < LEVEL
    ]


def decline_drift(before: pd.DataFrame, now: pd.DataFrame) -> list[Finding]:
    """Return how the decline model's features moved between two tables of regular customers.

    Parameters
    ----------
    before, now
        As in `regulars.contract.CUSTOMERS_SCHEMA`.
    """
    return drift_findings(drift(decline.features(before), decline.features(now)), "decline")

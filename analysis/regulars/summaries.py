"""Select the rows of finished tables that sentences and models mention."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy

#: A comparison counts as more than chance below this adjusted p-value.
CHANCE = 0.05
#: From this association on, two features overlap.
OVERLAP = 0.8


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


def rates_differ(table: pd.DataFrame) -> bool:
    """Tell whether rates of decline differ by more than chance."""
    counts = np.column_stack([table["declined"], table["customers"] - table["declined"]])
    if (counts.sum(axis=0) == 0).any():
        return False
    return bool(scipy.stats.chi2_contingency(counts, correction=False).pvalue < CHANCE)


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

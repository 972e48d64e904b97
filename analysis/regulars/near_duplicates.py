"""Find target leakage: ids that predict the label, and near-identical customers.

Two things, both measured: whether the customer number gives the answer away, and whether
customers come in near-duplicates, of which one could help to train and the other to test.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import roc_auc_score

from analysis.core.problems import Problem, Refused
from analysis.regulars.cells import read_numbers
from analysis.regulars.names import NUMERIC, REVENUES
from analysis.regulars.reading import Facts


def id_predicts(customers: pd.DataFrame) -> float:
    """Return how well the customer id alone tells who declines, as a ROC-AUC.

    0.5 is chance and 1 a file sorted by the label; the direction does not matter. Where ids are
    no numbers, the order of the rows is taken. With one class only there is nothing to tell: 0.5.

    Parameters
    ----------
    customers
        With ``customer_id`` and ``decline``, in the order of the file.
    """
    if customers["decline"].nunique() < 2:
        return 0.5
    numbers = read_numbers(customers["customer_id"].astype("str"))
    order = np.arange(len(customers)) if numbers.isna().any() else numbers
    area = float(roc_auc_score(customers["decline"], order))
    return max(area, 1 - area)


_PAIR_COLUMNS = {
    "first": "str",
    "second": "str",
    "equal_columns": "int64",
    "different_columns": "str",
    "same_revenues": "bool",
    "same_label": "bool",
    "id_distance": "Int64",
}


def find_near_duplicates(
    customers: pd.DataFrame, twin_columns: int, most_pairs: int = 1_000_000
) -> pd.DataFrame:
    """Find the pairs of customers with at least `twin_columns` of the numbers in `NUMERIC` equal.

    Comparing all pairs is out of the question for many customers. But a pair may differ in at
    most ``d = 14 - twin_columns`` columns, so of any ``d + 2`` columns it shares at least two:
    only customers who share two of the ``d + 2`` columns that repeat least are compared. No pair
    is lost (the pigeonhole principle behind blocking in record linkage).

    Parameters
    ----------
    customers
        With ``customer_id``, ``decline`` and the columns in `NUMERIC`. A missing number equals
        nothing.
    twin_columns
        From how many equal columns on two customers are near-duplicates.
    most_pairs
        Stop when more pairs are found: the limit is set too low then, or the data is a copy.

    Returns
    -------
    pandas.DataFrame
        ``first, second`` (ids, the lower one first), ``equal_columns``, ``different_columns``
        (names, separated by commas), ``same_revenues`` (all three), ``same_label``,
        ``id_distance`` (missing unless both ids are whole numbers); the most alike first.
        Internal: it names customers.

    Raises
    ------
    Refused
        When there are more than `most_pairs` pairs.
    """
    codes = np.column_stack([_codes(customers[name]) for name in NUMERIC])
    found = np.empty(0, np.int64)
    for block in _blocks(codes, twin_columns) if twin_columns <= len(NUMERIC) else ():
        # A pair can turn up in several blocks: written as one number, it is easily counted once.
        new = [found]
        for left, right in _pairs_within(block):
            alike = (codes[left] == codes[right]).sum(axis=1) >= twin_columns
            low, high = np.minimum(left, right)[alike], np.maximum(left, right)[alike]
            new.append(low * len(codes) + high)
            if sum(map(len, new[1:])) > most_pairs:
                raise _too_many_pairs(most_pairs)
        found = np.unique(np.concatenate(new))
        if len(found) > most_pairs:
            raise _too_many_pairs(most_pairs)
    if not len(found):
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _PAIR_COLUMNS.items()})
    return _describe_pairs(customers, codes, np.column_stack(np.divmod(found, len(codes))))


def _too_many_pairs(most_pairs: int) -> Refused:
    return Refused(
        [
            Problem(
                source="the activity tables",
                rule=f"there are more than {most_pairs:,} pairs of near-identical customers",
                remedy="Check that no customers were copied, or raise twin_columns in "
                "data/settings.toml.",
            )
        ]
    )


def _codes(numbers: pd.Series) -> npt.NDArray[np.int64]:
    """Return a whole number for each value; each missing value gets one of its own."""
    codes, values = pd.factorize(numbers)
    return np.where(codes < 0, len(values) + np.arange(len(codes)), codes).astype(np.int64)


def _blocks(codes: npt.NDArray[np.int64], twin_columns: int) -> Iterable[npt.NDArray[np.int64]]:
    """Yield labels of blocks of customers; near-duplicates share one at least once."""
    shared = min(2, twin_columns)
    repeats = [float((np.unique(column, return_counts=True)[1] ** 2.0).sum()) for column in codes.T]
    telling = np.argsort(repeats, kind="stable")[: codes.shape[1] - twin_columns + shared]
    for columns in itertools.combinations(telling, shared):
        groups = pd.DataFrame(codes[:, columns]).groupby(list(range(shared)))
        yield np.asarray(groups.ngroup(), dtype=np.int64)


def _pairs_within(
    block: npt.NDArray[np.int64],
) -> Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Yield all pairs of places with equal labels, at most as many at a time as there are places.

    Sorted by label, members of a block are neighbours: each step pairs places one further apart,
    until no block is that long.
    """
    order = np.argsort(block, kind="stable")
    ordered = block[order]
    for step in range(1, len(order)):
        same = ordered[step:] == ordered[:-step]
        if not same.any():
            return
        yield order[:-step][same], order[step:][same]


def _describe_pairs(
    customers: pd.DataFrame, codes: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> pd.DataFrame:
    ids = customers["customer_id"].astype("str")
    whole = ids.str.fullmatch(r"[0-9]{1,18}")
    number = pd.to_numeric(ids.where(whole)).astype("Int64")
    # Numbers first, by size, then the other ids by name: no matter in which order rows came.
    rank = pd.DataFrame({"n": number, "id": ids}).sort_values(["n", "id"]).index
    position = pd.Series(np.arange(len(rank)), index=rank).loc[customers.index].to_numpy()
    swapped = position[places[:, 0]] > position[places[:, 1]]
    first = np.where(swapped, places[:, 1], places[:, 0])
    second = np.where(swapped, places[:, 0], places[:, 1])
    equal = codes[first] == codes[second]
    decline = customers["decline"].to_numpy()
    names = np.array(NUMERIC)
    pairs = pd.DataFrame(
        {
            "first": ids.to_numpy()[first],
            "second": ids.to_numpy()[second],
            "equal_columns": equal.sum(axis=1),
            "different_columns": [", ".join(names[~same]) for same in equal],
            "same_revenues": equal[:, [NUMERIC.index(name) for name in REVENUES]].all(axis=1),
            "same_label": decline[first] == decline[second],
            "id_distance": number.iloc[second].reset_index(drop=True)
            - number.iloc[first].reset_index(drop=True),
        }
    ).astype(_PAIR_COLUMNS)
    order = np.lexsort((position[second], position[first], -pairs["equal_columns"]))
    return pairs.iloc[order].reset_index(drop=True)


def group_near_duplicates(customers: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    """Return a group number for each customer, which near-duplicates share, also by a third one.

    Folds that keep groups together cannot have one of a pair in training and the other in the test.

    Parameters
    ----------
    customers
        With ``customer_id``.
    pairs
        As `find_near_duplicates` returns them.
    """
    place = pd.Series(np.arange(len(customers)), index=customers["customer_id"])
    ends = (place.loc[pairs["first"]].to_numpy(), place.loc[pairs["second"]].to_numpy())
    links = coo_array((np.ones(len(pairs)), ends), shape=(len(customers), len(customers)))
    _, groups = connected_components(links, directed=False)
    return pd.Series(groups, index=customers.index, name="duplicate_group", dtype="int64")


def near_duplicate_facts(customers: pd.DataFrame, pairs: pd.DataFrame) -> Facts:
    """Return how well the id predicts the label, and what the near-duplicates look like, as facts.

    Parameters
    ----------
    customers, pairs
        As `find_near_duplicates` takes and returns them.
    """
    distances = pairs.loc[pairs["same_revenues"], "id_distance"].dropna().value_counts()
    usual: Any = min(distances.index[distances == distances.max()], default=0)
    return {
        "activity.id_auc": id_predicts(customers),
        "activity.duplicate_pairs": len(pairs),
        "activity.duplicate_pairs_same_revenues": int(pairs["same_revenues"].sum()),
        "activity.duplicate_pairs_profit_only": int((pairs["different_columns"] == "profit").sum()),
        "activity.duplicate_pairs_opposite": int((~pairs["same_label"]).sum()),
        "activity.duplicate_usual_distance": int(usual),
        "activity.duplicate_pairs_usual_distance": int(distances.get(usual, 0)),
    }

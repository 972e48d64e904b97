"""Join the four tables, and set aside customers without revenue."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.regulars.contract import (
    CUSTOMERS_SCHEMA,
    IMPOSSIBLE,
    INACTIVE,
    INCOMPLETE,
    MONTHS,
    Role,
)
from analysis.regulars.names import MINUTES, REVENUES


def join(tables: Mapping[Role, pd.DataFrame]) -> pd.DataFrame:
    """Join the four tables to one row a customer of the behaviour table, in its order.

    Parameters
    ----------
    tables
        Accepted rows by role, with unique keys.

    Returns
    -------
    pandas.DataFrame
        Columns as in `CUSTOMERS_SCHEMA`; a figure that a table lacks is missing.
    """
    months = [
        tables[role]
        .pivot(index="customer_id", columns="period", values=role)
        .reindex(columns=list(MONTHS[role]))
        .add_prefix(f"{role}_")
        for role in MONTHS
    ]
    joined = tables["behaviour"].set_index("customer_id")
    for other in (*months, tables["profit"].set_index("customer_id")):
        joined = joined.join(other, how="left", validate="one_to_one")
    joined["decline"] = joined["activity"] == "declined"
    return joined.reset_index()[list(CUSTOMERS_SCHEMA.columns)]


def missing_customers(ids: Mapping[Any, Iterable[str]]) -> pd.DataFrame:
    """Count, for each ordered pair of tables, the customers of one that the other lacks.

    Parameters
    ----------
    ids
        Customer ids by table.

    Returns
    -------
    pandas.DataFrame
        ``from, to, missing_customers``, one row for each of the ordered pairs.

    Examples
    --------
    >>> missing_customers({"a": ["1", "2"], "b": ["2"]}).values.tolist()
    [['a', 'b', 1], ['b', 'a', 0]]
    """
    known = {role: set(values) for role, values in ids.items()}
    return pd.DataFrame(
        [
            (one, other, len(known[one] - known[other]))
            for one, other in itertools.permutations(known, 2)
        ],
        columns=["from", "to", "missing_customers"],
    )


def revenue_limits(joined: pd.DataFrame, times: float) -> pd.Series:
    """Return the highest possible revenue of each month: `times` its 99th percentile.

    The percentile is taken of the customers with sales, and is the observed value at or below
    it: interpolating towards the next would let the outlier raise its own limit.
    """
    revenues = joined[list(REVENUES)]
    return revenues.where(revenues > 0).quantile(0.99, interpolation="lower") * times


def set_aside_rule(joined: pd.DataFrame, limits: pd.Series) -> pd.Series:
    """Return for each customer the first rule that sets them aside; "" for those who are kept."""
    revenues = joined[list(REVENUES)]
    figures = joined[[*REVENUES, *MINUTES, "profit"]]
    rules = {
        INCOMPLETE: figures.isna().any(axis="columns"),
        INACTIVE: (revenues <= 0).any(axis="columns"),
        IMPOSSIBLE: (revenues > limits).any(axis="columns"),
    }
    rule = np.select(list(rules.values()), list(rules), default="")
    return pd.Series(rule, index=joined.index, dtype="str")

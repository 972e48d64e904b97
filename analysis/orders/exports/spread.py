"""Spread an amount of an order over its lines, to the cent."""

from __future__ import annotations

import pandas as pd


def spread(total: pd.Series, weight: pd.Series, order: pd.Series) -> pd.Series:
    """Give each line its share of its order's amount, by value; largest remainders get the rest.

    Parameters
    ----------
    total
        The order's amount on each of its lines, in whole cents.
    weight
        The line's value in whole cents; a line below nought gets no share.
    order
        What tells orders apart.

    Returns
    -------
    pandas.Series
        Whole cents, which add up to the order's amount wherever its lines are worth something. No
        share is above the line's value if the amount is not above the order's.

    Examples
    --------
    >>> one = pd.Series(["a", "a", "a"])
    >>> spread(pd.Series([100] * 3), pd.Series([333] * 3), one).tolist()
    [34, 33, 33]
    """
    weight = weight.clip(lower=0)
    sums = weight.groupby(order).transform("sum")
    total = total.where(sums > 0, 0).astype("int64")
    # In whole numbers, which are as large as need be: a fraction would lose a cent of a large sum.
    exact = total.astype(object) * weight.astype(object)
    divisor = sums.where(sums > 0, 1).astype(object)
    share = (exact // divisor).astype("int64")
    rest = (exact % divisor).astype("float64")
    missing = total - share.groupby(order).transform("sum")
    rank = rest.groupby(order).rank(method="first", ascending=False)
    return (share + (rank <= missing)).astype("int64")

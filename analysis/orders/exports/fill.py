"""Give all rows of an order what only some of them say, and find orders that files share."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import count
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings

#: By these an order is known: two shops may have given the same number on different days.
ORDER = ["invoice", "date"]


def adopt_cut_orders(cells: pd.DataFrame, heads: Sequence[str]) -> pd.DataFrame:
    """Join the rows of orders that an export in numbered files has cut in two.

    Parameters
    ----------
    cells
        With part, and what an order is known by.
    heads
        The columns of which an order has some on its first row.

    Returns
    -------
    pandas.DataFrame
        The cells with `owner`: the part that has the first row of the order.
    """
    headed = cells[[*heads]].notna().any(axis=1) if heads else pd.Series(True, cells.index)
    by_part = headed.groupby([cells["part"], *(cells[k] for k in ORDER)], dropna=False)
    has_head = by_part.transform("any")
    owner = cells["part"].copy()
    if has_head.all():
        return cells.assign(owner=owner)
    first = cells[headed].groupby(ORDER)["part"].min().rename("head")
    adopted = cells[~has_head].join(first, on=ORDER)["head"].dropna()
    owner.loc[adopted.index] = adopted.astype(owner.dtype)
    return cells.assign(owner=owner)


def fill_orders(cells: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Give all rows of an order its first value of each column.

    Examples
    --------
    >>> rows = {"owner": [0, 0, 0], "invoice": ["1", "1", "2"], "date": ["d"] * 3}
    >>> fill_orders(pd.DataFrame(rows | {"status": ["paid", None, None]}), ["status"])[
    ...     "status"
    ... ].tolist()
    ['paid', 'paid', nan]
    """
    groups = cells.groupby(["owner", *ORDER], dropna=False, sort=False)
    filled = {name: cells[name].fillna(groups[name].transform("first")) for name in names}
    return cells.assign(**filled)


def drop_pasted_orders(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[Assumption]]:
    """Leave out orders that stand in one file twice, row for row, as when a block was pasted."""
    order = pd.Series(cells.groupby(["owner", *ORDER], dropna=False, sort=False).ngroup())
    order.index = cells.index
    run = (order != order.shift()).cumsum()
    if run.nunique() == order.nunique():
        return cells, []
    content = pd.util.hash_pandas_object(
        cells.drop(columns=["row_number"]).astype("str"), index=False
    )
    content.index = cells.index
    # A run is known by its rows, in their order.
    place = content.groupby(run).cumcount() + 1
    whole = (content % (1 << 32) * place).groupby(run).sum()
    about = pd.DataFrame({"order": order.groupby(run).first(), "whole": whole})
    again = about.duplicated(["order", "whole"])
    copied = run.map(again)
    if not copied.any():
        return cells, []
    told = Assumption(
        "duplicates",
        state("assumed-exports.orders-twice", count=int(again.sum())),
        rows=int(copied.sum()),
    )
    return cells[~copied], [told]


def keep_newest(
    cells: pd.DataFrame, settings: TransactionSettings, sources: Sequence[str]
) -> tuple[pd.DataFrame, list[Assumption], list[Problem]]:
    """Keep each order as the newest of the files states it: the one whose orders end later.

    Parameters
    ----------
    cells
        With owner, moment, and what an order is known by.
    settings
        `restated_orders` decides where no file is the newest.
    sources
        The files, by the number that `owner` gives.
    """
    if cells["owner"].nunique() < 2 or settings.restated_orders == "all":
        return cells, [], []
    last = cells.groupby("owner")["moment"].max()
    age = {
        owner: place
        for place, owner in enumerate(last.reset_index().sort_values(["moment", "owner"])["owner"])
    }
    rank = cells["owner"].map(age)
    groups = rank.groupby([cells[key] for key in ORDER], dropna=False)
    stale = rank < groups.transform("max")
    if not stale.any():
        return cells, [], []
    problems = []
    ties = last[last.duplicated(keep=False)]
    if len(ties) and not settings.restated_orders:
        shared = cells[groups.transform("nunique") > 1]
        shared = shared[shared["owner"].isin(ties.index)]
        content = pd.util.hash_pandas_object(
            shared.drop(columns=["row_number", "owner", "part"]).astype("str"), index=False
        )
        content.index = shared.index
        sums = (
            (content % (1 << 40)).groupby([shared[key] for key in ORDER] + [shared["owner"]]).sum()
        )
        unlike = sums.groupby(level=[0, 1]).nunique() > 1
        if unlike.any():
            problems.append(
                Problem(
                    " and ".join(sources[int(one)] for one in ties.index),
                    f"{count(int(unlike.sum()), 'order')} stand in several files that say "
                    "different things of them, and these files end with the same order, so none "
                    "is the newest",
                    remedy='Take the older file out, or set restated_orders = "newest" in '
                    "settings.toml: then the last by name is right.",
                )
            )
    orders = cells[stale].drop_duplicates(ORDER)
    told = Assumption(
        "duplicates",
        state("assumed-exports.orders-in-files", count=len(orders)),
        rows=int(stale.sum()),
        setting="transactions.restated_orders",
    )
    return cells[~stale], [told], problems

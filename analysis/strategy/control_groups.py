"""Draw the customers whom no campaign contacts, so that what the campaigns achieve can be measured.

The draw is random within each segment and among customers of like value, and depends on nothing
but the data and the customers: it comes out the same however often it is made.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from analysis.strategy.names import CONTACTED, CONTROL

#: Customers of like value are drawn among each other: each block has the wanted share in control.
BLOCK = 20


def draw_groups(people: pd.DataFrame, share: float, version: str) -> pd.Series:
    """Return who is contacted and who is in the control group.

    Parameters
    ----------
    people
        The customers whom an action is for: customer_id (unique), segment, expected_value.
    share
        Of each segment's customers, the share in the control group: from 0 until below 1.
    version
        The name of the data; another version draws anew.

    Returns
    -------
    pandas.Series
        group: `CONTACTED` or `CONTROL`, by the index of `people`. Within a segment, any run of
        `BLOCK` customers by value has the wanted share, up to a whole customer.
    """
    group = np.full(len(people), CONTACTED, dtype=object)
    place = pd.Series(np.arange(len(people)), people.index)
    ordered = people.sort_values(["expected_value", "customer_id"], ascending=[False, True])
    for segment, members in ordered.groupby("segment", sort=True):
        digest = hashlib.sha256(f"{version}\n{segment}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(digest))
        # How many of the first n are in control, rounded at a random point: nobody's chance is
        # other than the share, in the last block neither.
        totals = np.floor(np.arange(len(members) + 1) * share + random.random()).astype(int)
        places = place[members.index].to_numpy()
        for start in range(0, len(members), BLOCK):
            end = min(start + BLOCK, len(members))
            number = totals[end] - totals[start]
            group[random.choice(places[start:end], number, replace=False)] = CONTROL
    return pd.Series(group, people.index, name="group", dtype="str")


def name_data(people: pd.DataFrame) -> str:
    """Return a name for exactly these customers, whatever the order of the rows.

    Parameters
    ----------
    people
        customer_id, and what else tells one version of the data from another.
    """
    ordered = people.sort_values("customer_id", ignore_index=True)
    cells = pd.util.hash_pandas_object(ordered, index=False).to_numpy()
    return hashlib.sha256(cells.tobytes()).hexdigest()

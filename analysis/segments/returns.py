"""Estimate how many customers order in the next quarter without being contacted, and their spend.

Both rest on past quarters: a customer who orders anyway cannot be won, and a customer who is won
orders and spends about as much as other customers of the segment who order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.orders.as_of import purchases_after
from analysis.orders.ledger import Ledger
from analysis.segments.names import tells_levels
from analysis.stats.intervals import wilson
from analysis.stats.periods import covered_quarters

#: So many whole quarters are pooled where there are as many: a year, with each season once.
QUARTERS = 4


def returns(
    ledger: Ledger, past: pd.DataFrame, names: Sequence[str], minimum_group: int = 1
) -> pd.DataFrame:
    """Return how many of each segment ordered in the quarter that followed, and what they spent.

    Parameters
    ----------
    ledger
        The ledger.
    past
        From `segments.movement.history`.
    names
        All segments, in order.
    minimum_group
        What fewer customers did is not told.

    Returns
    -------
    pandas.DataFrame
        segment, quarters (pooled: up to `QUARTERS` of those that the ledger covers), customers
        (once a quarter), retained (with a net sale in it), share with low and high (Wilson), spend
        (median net spend of these in the quarter) with spend_low and spend_high (95%), spend_mean,
        orders_mean (orders of these in the quarter).

    Notes
    -----
    The interval of the median is that of the smooth bootstrap of Maritz, J. S., & Jarrett, R. G.
    (1978). A note on estimating the variance of the sample median. *JASA*, 73(361), 194-196. A
    customer who stands in several quarters counts in each, as if independent: intervals are rather
    narrow.
    """
    parts = []
    for start, end in covered_quarters(sorted(past["date"].unique()), ledger.as_of):
        people = past[past["date"] == pd.Timestamp(start)]
        bought = purchases_after(ledger, start, end)
        parts.append(
            pd.DataFrame(
                {
                    "segment": people["segment"],
                    "spend": people["customer_id"].map(bought["monetary"]),
                    "orders": people["customer_id"].map(bought["orders"]),
                }
            )
        )
    return pool_quarters(parts[-QUARTERS:], names, minimum_group)


def pool_quarters(
    parts: Sequence[pd.DataFrame], names: Sequence[str], minimum_group: int
) -> pd.DataFrame:
    """Return the table of `returns` from segment, spend and orders (missing: none) by quarter."""
    columns = [
        "segment",
        "quarters",
        "customers",
        "retained",
        "share",
        "low",
        "high",
        "spend",
        "spend_low",
        "spend_high",
        "spend_mean",
        "orders_mean",
    ]
    if not parts:
        return pd.DataFrame(columns=columns)
    rows = []
    every = pd.concat(parts, ignore_index=True)
    for name in names:
        own = every[every["segment"] == name]
        spend = own["spend"].to_numpy(float)
        came = np.sort(spend[~np.isnan(spend)])
        if len(spend) < max(minimum_group, 1):
            continue
        low, high = (float(end[0]) for end in wilson([len(came)], [len(spend)]))
        row = (name, len(parts), len(spend), len(came), len(came) / len(spend), low, high)
        told = (np.nan,) * 5
        if len(came) >= max(minimum_group, 2):
            half = (len(came) + 1) / 2
            ends = np.quantile(came, stats.beta.ppf([0.025, 0.975], half, half))
            told = (
                float(np.median(came)),
                float(ends[0]),
                float(ends[1]),
                float(came.mean()),
                float(own["orders"].mean()),
            )
        rows.append((*row, *told))
    return pd.DataFrame(rows, columns=columns)


def absence_probability(customers: pd.DataFrame, past: pd.DataFrame) -> pd.Series:
    """Return the chance that each customer orders nothing in the next quarter, uncontacted.

    Only these can be won: a customer who orders anyway is not won by a message.

    Parameters
    ----------
    customers
        segment; lapse_probability where there is a model, and expected_spend_90, which is missing
        everywhere where that model only ranks customers, because the season is not known.
    past
        From `returns`; for customers whom the model does not score, the share of their segment.
    """
    known = dict(zip(past["segment"], past["share"].astype(float), strict=True))
    usual = 1 - customers["segment"].map(known).astype(float)
    if "lapse_probability" not in customers or not tells_levels(customers):
        return usual
    return customers["lapse_probability"].astype(float).fillna(usual)

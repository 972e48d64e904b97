"""Back-test lists of next products: hold what was listed against what customers then bought.

A list promised a hit rate, which its test at the time had found. Only customers who ordered in the
days that followed are judged, as in that test: who stays away is another forecast.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.core.names import CROSS_SELL, REORDER
from analysis.history.backtest import MATERIAL, WORSE
from analysis.stats.bootstrap import percentile_interval, resampled_sums

#: How much the hit rates of sound lists differ from quarter to quarter beyond what customers'
#: chance explains: a standard deviation.
BETWEEN = 0.02


def backtest_products(
    lists: pd.DataFrame,
    models: pd.DataFrame,
    bought: pd.DataFrame,
    start: str,
    days: int,
    seed: int,
    minimum_group: int,
) -> pd.DataFrame:
    """Return how many customers bought what an earlier build had listed for them.

    Parameters
    ----------
    lists
        The earlier build's ``next_products``: customer_id, list, place, stock_code.
    models
        The earlier build's ``next_product_models``: what the test of each list had found.
    bought
        customer_id and stock_code of the days from the start on, each pair once; the days are
        over.
    start, days
        The earlier build's day, and how many days.
    seed
        Of the bootstrap over customers.
    minimum_group
        Nothing is told of fewer customers.

    Returns
    -------
    pandas.DataFrame
        A row a list: list, start, days, customers (with a list, who ordered); length (of the
        lists); hit_rate (share of them who bought a listed product at least) and precision (share
        of the listed products that were bought), each with ``_low`` and ``_high`` (95%); promised
        (the hit rate of the test, with ``_low`` and ``_high``); worse (than promised, beyond the
        chance of customers and the variance between quarters).
    """
    came = pd.Index(bought["customer_id"].unique())
    pairs = pd.MultiIndex.from_frame(bought[["customer_id", "stock_code"]])
    rows = []
    for name in (REORDER, CROSS_SELL):
        own = lists[(lists["list"] == name) & lists["customer_id"].isin(came)]
        own = own.sort_values(["customer_id", "place"])
        length = int(own["place"].max()) if len(own) else 0
        test = models[models["chosen"] & (models["list"] == name) & (models["length"] == length)]
        if test.empty or own["customer_id"].nunique() < max(minimum_group, 2):
            continue
        hit = pd.MultiIndex.from_frame(own[["customer_id", "stock_code"]]).isin(pairs)
        customers = pd.Series(hit).groupby(own["customer_id"].to_numpy())
        values = np.column_stack([customers.any(), customers.sum() / length]).astype(float)
        low, high = percentile_interval(resampled_sums(values, seed) / len(values))
        promise = test.iloc[0]
        row = {
            "list": name,
            "start": start,
            "days": days,
            "customers": len(values),
            "length": length,
            "hit_rate": values[:, 0].mean(),
            "hit_rate_low": low[0],
            "hit_rate_high": high[0],
            "precision": values[:, 1].mean(),
            "precision_low": low[1],
            "precision_high": high[1],
            "promised": float(promise["hit_rate"]),
            "promised_low": float(promise["hit_rate_low"]),
            "promised_high": float(promise["hit_rate_high"]),
        }
        rows.append(row | {"worse": is_worse(row)})
    return pd.DataFrame(rows)


def is_worse(row: dict[str, float]) -> bool:
    """Tell whether a hit rate is lower than promised, beyond what chance explains.

    Examples
    --------
    >>> now = {"hit_rate": 0.40, "hit_rate_low": 0.38, "hit_rate_high": 0.42}
    >>> is_worse(now | {"promised": 0.42, "promised_low": 0.40, "promised_high": 0.44})
    False
    >>> is_worse(now | {"promised": 0.52, "promised_low": 0.50, "promised_high": 0.54})
    True
    """
    errors = [(row[f"{n}_high"] - row[f"{n}_low"]) / (2 * 1.96) for n in ("hit_rate", "promised")]
    spread = float(np.sqrt(sum(error**2 for error in errors) + BETWEEN**2))
    return bool(row["promised"] - row["hit_rate"] > max(WORSE * spread, MATERIAL * row["promised"]))

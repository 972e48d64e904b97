"""Make purchases of a shop in balance, and customers on a continuum with their segments."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from analysis.orders.purchases import Purchases, collect_purchases
from analysis.segments import rfm, rules

FIRST, AS_OF = dt.date(2020, 1, 1), dt.date(2022, 1, 15)


def make_purchases(
    seed: int, customers: int = 6000, end: dt.date = AS_OF, season: float = 0.7
) -> Purchases:
    """Return purchases from `FIRST` until before `end`.

    New customers come at the same pace all the time, from years before `FIRST` on, so that one
    year is like the next but for chance. Each has a pace of orders, a size of orders and a day of
    leaving of their own. Orders follow the season: most at the end of a year.
    """
    random = np.random.default_rng(seed)
    days = (end - FIRST).days
    start = random.uniform(-1500, days, customers)
    leave = start + random.exponential(500, customers)
    pace = random.gamma(0.8, 1 / 50, customers)
    size = random.normal(5, 0.9, customers)
    low, high = np.clip(start, 0, days), np.clip(leave, 0, days)
    times = random.poisson(pace * (high - low))
    # The first order is what makes a customer.
    who = np.repeat(np.arange(customers), times)
    when = np.concatenate(
        [start[start >= 0], random.uniform(low[who], np.maximum(high[who], low[who] + 1e-9))]
    )
    who = np.concatenate([np.flatnonzero(start >= 0), who])
    day = np.floor(when).astype(int)
    share = 1 - season / 2 + season / 2 * np.cos(2 * np.pi * (day - 320) / 365.25)
    kept = random.random(len(day)) < share
    who, day = who[kept], day[kept]
    table = pd.DataFrame(
        {
            "customer_id": [f"{number:05}" for number in who],
            "order_id": np.arange(len(who)),
            "day": pd.Timestamp(FIRST) + pd.to_timedelta(day, unit="D"),
            "cancelled": pd.NaT,
            "amount": np.exp(random.normal(size[who], 0.7)).round(2) + 1,
            "lines": random.integers(1, 20, len(who)),
        }
    )
    return collect_purchases(table)


def some_customers(count: int, seed: int = 3) -> pd.DataFrame:
    """Return customers on a continuum, with ties, scores and segments."""
    rng = np.random.default_rng(seed)
    value = rng.normal(size=count)
    orders = 1 + rng.poisson(np.exp(0.1 + 0.9 * value))
    away = rng.exponential(90 * np.exp(-0.6 * value)).clip(0, 370)
    return score(
        pd.DataFrame(
            {
                "customer_id": [str(12_000 + number) for number in range(count)],
                "recency_days": 1 + away.astype(int),
                "frequency": orders,
                "monetary": (orders * np.exp(5.6 + 0.4 * value)).round(2),
            }
        )
    )


def score(table: pd.DataFrame) -> pd.DataFrame:
    """Return customers with their scores and their named segment."""
    scores = rfm.scores(table, rfm.cut_points(table))
    named = rules.assign(scores, rules.read_segments())
    return pd.concat([table, scores], axis=1).assign(segment=named)

"""Forecast the customers of a ledger, as the step of a build does."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.coming import Coming, Shop, forecast_coming
from analysis.orders.ledger import Ledger
from analysis.orders.purchases import read_purchases
from analysis.segments import rfm
from analysis.segments.rules import assign, read_segments

SEED, SMALLEST = 7, 5


def name_segments(past: pd.DataFrame) -> np.ndarray:
    """Return the segments of past customers."""
    scored = past.join(rfm.scores(past, rfm.cut_points(past)))
    return assign(scored, read_segments()).to_numpy(dtype=object)


def forecast(ledger: Ledger) -> Coming:
    """Return what is coming for all customers of a ledger."""
    people = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    people["segment"] = name_segments(people)
    shop = Shop(
        read_purchases(ledger), ledger.first_day, ledger.as_of, name_segments, SMALLEST, SEED
    )
    return forecast_coming(shop, people[["customer_id", "segment"]], 90)

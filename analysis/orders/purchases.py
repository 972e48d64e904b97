"""Read all purchases once, as arrays from which any earlier day can be looked at quickly.

A purchase is what one customer bought in one order on one day, and cancelled on one day, if at all.
One that was cancelled later counts on every day before its cancellation, and on none after it: as
`orders.as_of` has it.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.orders.ledger import GROSS, Ledger

Numbers = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]
#: The day on which a purchase is cancelled that nobody cancelled.
NEVER = np.iinfo(np.int64).max


class Purchases(NamedTuple):
    """Purchases, as arrays of one length, and the customers they belong to.

    Attributes
    ----------
    ids
        customer_id, in order.
    customer
        Whose purchase it is: a place in `ids`. Purchases are ordered by customer, then by day.
    order
        The number of the order that it belongs to.
    day, cancelled
        When it was made, and cancelled (or `NEVER`), in days as `day_number` counts them.
    amount, lines
        The sum of its amounts, and how many order lines it has.
    """

    ids: pd.Index
    customer: npt.NDArray[np.int64]
    order: npt.NDArray[np.int64]
    day: Days
    cancelled: Days
    amount: Numbers
    lines: Numbers

    @property
    def net_days(self) -> Days:
        """The days with net sales, as known today, in order."""
        return np.unique(self.day[self.cancelled == NEVER])


def day_number(day: dt.date) -> int:
    """Return the number of a day, by which days are counted.

    Examples
    --------
    >>> day_number(dt.date(1970, 1, 11))
    10
    """
    return (day - dt.date(1970, 1, 1)).days


def read_purchases(ledger: Ledger) -> Purchases:
    """Return the purchases of products by known customers."""
    lines = ledger.lines.filter(ledger.lines.cleaning_step >= GROSS)
    back = ledger.reversals.select("line_id", "reversed_on")
    lines = lines.left_join(back, "line_id").drop("line_id_right")
    grouped = (
        lines.group_by(
            "customer_id",
            "order_id",
            day=lines.invoice_date.date(),
            cancelled=lines.reversed_on.date(),
        )
        .aggregate(amount=lines.amount.sum().cast("float64"), lines=lines.count())
        .order_by("customer_id", "day", "order_id", ibis.asc("cancelled", nulls_first=True))
    )
    return collect_purchases(grouped.execute())


def collect_purchases(table: pd.DataFrame) -> Purchases:
    """Return purchases from a table.

    Parameters
    ----------
    table
        One row a purchase: customer_id, order_id, day, cancelled (a day, or missing), amount,
        lines.
    """
    table = table.sort_values(["customer_id", "day"], kind="stable", ignore_index=True)
    customer, ids = pd.factorize(table["customer_id"], sort=True)
    day, cancelled = (
        pd.to_datetime(table[name]).to_numpy().astype("datetime64[D]")
        for name in ("day", "cancelled")
    )
    return Purchases(
        pd.Index(ids, name="customer_id"),
        np.asarray(customer, dtype=np.int64),
        np.asarray(table.groupby(["customer_id", "order_id"]).ngroup(), dtype=np.int64),
        day.astype(np.int64),
        np.where(np.isnat(cancelled), NEVER, cancelled.astype(np.int64)),
        table["amount"].to_numpy(dtype=float),
        table["lines"].to_numpy(dtype=float),
    )

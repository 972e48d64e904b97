"""Time the way from net sales lines to scored customers: ours, and what practitioners use.

All read one Parquet file of the net sales lines (customer_id, invoice, invoice_date, amount),
cleaned and written by our reader before any clock starts. They return recency, frequency and
monetary value of every customer, the first column of times, and then the scores from 1 to 5.
Where a contender defines a measure as the SQL does, totals must be the same. Where it defines it
otherwise, `facts` counts the customers for whom that shows:

* Ours and the SQL cut at the quintiles of the values, so that equal values get equal scores.
* The pandas recipe (``qcut`` of ``rank(method="first")``) and openretailscience (``NTILE``) make
  fifths of equal size, and tell customers with equal values apart by their number. So they also
  part customers who are alike, and score some otherwise when customers are numbered anew.
* lifetimes counts days with a purchase, not orders, and has no scores. Its recency runs from the
  first purchase to the last, and its monetary value is the mean of a day, so they are turned into
  ours: recency is age less its recency, monetary value is mean times days. Its default leaves out
  the first purchase, as its models ask for; here it is told to count that too.

The peers ask for older versions of pandas and DuckDB than the report's, and run on those. Ours
and the SQL add up decimals, exactly; the others add up floats, right to the cent at these sizes.
Ours also finds lines per customer and the date of the first order.
"""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SCORES = ["r_score", "f_score", "m_score"]


@dataclass(frozen=True)
class Lines:
    """The net sales lines, and the settings that every contender keeps to."""

    path: Path  #: A Parquet file: customer_id, invoice, invoice_date, amount.
    folder: Path  #: An empty folder for whatever a contender puts on disk.
    memory_limit: str  #: For the engines that know one (DuckDB).
    as_of: dt.date  #: The day that recency is counted to.


@dataclass(frozen=True)
class Scored:
    """What a contender found.

    `customers` has customer_id, recency_days, frequency, monetary and, from most, `SCORES`.
    """

    customers: pd.DataFrame
    orders: bool = True  #: Whether frequency counts distinct orders.
    by_value: bool = False  #: Whether scores change at the quintiles of the values.

    def totals(self) -> dict[str, object]:
        """Return what must be the same for every contender that defines it in the same way."""
        table = self.customers.sort_values("customer_id")
        found: dict[str, object] = {
            "customers": len(table),
            "net revenue": f"{table['monetary'].sum():.2f}",
            "recency": int(table["recency_days"].sum()),
        }
        if self.orders:
            found["frequency"] = int(table["frequency"].sum())
        if self.by_value:
            scores = table[["customer_id", *SCORES]].to_numpy(dtype="int64")
            found["checksum of scores"] = f"{zlib.crc32(scores.tobytes()):08x}"
        return found

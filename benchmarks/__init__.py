"""Measure the time and memory of our way from a ledger to customers, beside other ways.

``make bench`` runs ours, hand-written DuckDB SQL, Polars and idiomatic pandas over the same
Parquet file. `Job` says what is given to each of them, and `Answer` what each must find. Two
more races, in `benchmarks.rfm` and `benchmarks.million`, go on to scores and to clusters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.rfm import Scored


#: A cancellation can reverse a purchase that has the same.
KEYS = ["CustomerID", "StockCode", "UnitPrice", "Quantity"]
#: What orders such purchases, and such cancellations: time first.
TIES = ["InvoiceDate", "InvoiceNo", "Description", "Country"]


@dataclass(frozen=True)
class Job:
    """A ledger, and the settings that every contender keeps to."""

    path: Path  #: A Parquet file with the columns of the gift shop's ledger.
    folder: Path  #: An empty folder for whatever a contender puts on disk.
    memory_limit: str  #: For the engines that know one (DuckDB).
    prefix: str  #: How a cancellation's number begins.
    products: str  #: The pattern of a product's code.
    earliest: dt.date  #: The first sound date.
    largest: float  #: Quantities and prices must stay below.


@dataclass(frozen=True)
class Answer:
    """What a contender found."""

    rules: dict[str, int]  #: Rule of the contract -> lines that break it.
    steps: list[int]  #: Lines on each cleaning step, 1 to 6, or above it.
    customers: pd.DataFrame  #: One row per customer: recency_days, frequency, monetary.

    def totals(self) -> dict[str, object]:
        """Return what must be the same for every contender."""
        table = self.customers
        return {
            "rules": {name: rows for name, rows in self.rules.items() if rows},
            "steps": self.steps,
            "customers": len(table),
            "net revenue": f"{table['monetary'].sum():.2f}",
            "recency": int(table["recency_days"].sum()),
            "frequency": int(table["frequency"].sum()),
        }


class Contender(Protocol):
    """A module of this package."""

    #: How the table calls it.
    NAME: str

    def run(self, job: Any, lap: Callable[[], None]) -> Answer | Scored:
        """Do the job; call `lap` as soon as the rules and the steps are counted.

        In the race of `benchmarks.rfm`: as soon as the customers are there, but for their scores.
        """

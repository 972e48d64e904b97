"""How fast and how small is our way from a ledger to customers, beside three other ways?

``make bench`` runs ours, hand-written DuckDB SQL, Polars and idiomatic pandas over the same
Parquet file. `Job` says what is given to each of them, and `Answer` what each must find.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

#: What stays the same from one step of the ladder to the next, for the lines of one purchase.
KEYS = ["CustomerID", "StockCode", "UnitPrice", "Quantity"]
#: The order of equal purchases in time.
TIES = ["InvoiceDate", "InvoiceNo", "Description", "Country"]


@dataclass(frozen=True)
class Job:
    """A ledger, and the settings that every contender keeps to.

    Attributes
    ----------
    path
        A Parquet file with the columns of the gift shop's ledger.
    folder
        An empty folder for whatever a contender puts on disk.
    memory_limit
        For the engines that know one (DuckDB).
    prefix, products, earliest, largest
        A cancellation's prefix, the pattern of a product's code, the first sound date, and what
        quantities and prices must stay below.
    """

    path: Path
    folder: Path
    memory_limit: str
    prefix: str
    products: str
    earliest: dt.date
    largest: float


@dataclass(frozen=True)
class Answer:
    """What a contender found.

    Attributes
    ----------
    rules
        Rule of the contract -> lines that break it.
    rungs
        Lines of each rung, 1 to 6, and of those above it.
    customers
        One row per customer of net sales: recency_days, frequency, monetary.
    """

    rules: dict[str, int]
    rungs: list[int]
    customers: pd.DataFrame

    def totals(self) -> dict[str, object]:
        """Return what must be the same for every contender."""
        table = self.customers
        return {
            "rules": {name: rows for name, rows in self.rules.items() if rows},
            "rungs": self.rungs,
            "customers": len(table),
            "net revenue": f"{table['monetary'].sum():.2f}",
            "recency": int(table["recency_days"].sum()),
            "frequency": int(table["frequency"].sum()),
        }


class Contender(Protocol):
    """A module of this package."""

    #: How the table calls it.
    NAME: str

    def run(self, job: Job, cleaned: Callable[[], None]) -> Answer:
        """Do the job; call `cleaned` as soon as the rules and the rungs are counted."""

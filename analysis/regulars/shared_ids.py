"""Match regular customers with the customers of the orders, to see whether one shop sent both."""

from __future__ import annotations

from typing import NamedTuple

from analysis.core.problems import Problem
from analysis.core.settings import ActivitySettings
from analysis.orders.ledger import Ledger
from analysis.regulars.contract import ActivityTables

#: Below this share the two inputs are taken for two shops.
LEAST_SHARE = 0.5


class SharedIds(NamedTuple):
    """How many of the regular customers have a number that the orders know.

    Attributes
    ----------
    regulars
        Regular customers.
    found
        Those of them whose id stands on some order line.
    customers
        Customers on the order lines.
    unknown
        The id of one regular customer who is not among them; empty when all are.
    """

    regulars: int
    found: int
    customers: int
    unknown: str

    @property
    def share(self) -> float:
        """Return the share of the regular customers that the orders know."""
        return self.found / self.regulars if self.regulars else 0.0


def shared_ids(ledger: Ledger, tables: ActivityTables) -> SharedIds:
    """Count the regular customers whose ids stand on the order lines.

    Parameters
    ----------
    ledger
        The orders.
    tables
        The tables of regular customers.
    """
    ids = ledger.lines.select("customer_id").distinct().execute()["customer_id"].dropna()
    regulars = tables.joined["customer_id"].astype(str)
    known = regulars.isin(set(ids.astype(str)))
    unknown = regulars[~known]
    return SharedIds(
        len(regulars), int(known.sum()), len(ids), "" if unknown.empty else str(unknown.iloc[0])
    )


def sentence(shared: SharedIds) -> str:
    """Say which share of the regular customers the orders know.

    Examples
    --------
    >>> sentence(SharedIds(1300, 1287, 4372, "99"))
    '1,287 of the 1,300 regular customers (99%) are among the 4,372 customers of the orders.'
    """
    found = (
        f"{shared.found:,} of the {shared.regulars:,} regular customers ({shared.share:.0%}) are"
    )
    if not shared.found:
        found = f"none of the {shared.regulars:,} regular customers is"
    return f"{found} among the {shared.customers:,} customers of the orders."


def problems(shared: SharedIds, settings: ActivitySettings) -> list[Problem]:
    """Return why the two inputs cannot be those of one shop, unless the settings accept it."""
    if shared.share >= LEAST_SHARE or settings.accept_unknown_customers:
        return []
    return [
        Problem(
            f"{settings.folder}/",
            f"{sentence(shared)[:-1]}, so the two inputs seem to come from two shops",
            column="customer_id",
            example=f"customer {shared.unknown!r} is on no order",
            remedy="Give each shop a data folder of its own; or, if they are one shop's "
            "customers under other numbers, set accept_unknown_customers = true in [activity] of "
            "settings.toml.",
        )
    ]

"""Join an earlier forecast with the orders that followed it."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pandas as pd

from analysis.forecast import lapse_features
from analysis.history.names import NO_FORECAST, NOT_OVER, NOTHING_NEW, UNKNOWN
from analysis.orders.as_of import spend_after
from analysis.orders.ledger import GROSS, Ledger
from analysis.regulars.contract import CUSTOMERS_SCHEMA

COLUMNS = ["customer_id", "probability", "happened", "stake", "after", "listed"]


class Outcomes(NamedTuple):
    """What became of the customers who had a forecast; not to be published.

    Attributes
    ----------
    table
        customer_id, in order; probability (as forecast); happened (whether it came); stake
        (money that was at stake when the forecast was made, never below 0); after (money since);
        listed (whether the customer was on a contact list of the earlier build).
    lost
        Customers with a forecast whose outcome cannot be known.
    new
        Customers now who had no forecast.
    reason
        Why `table` is empty: `NO_FORECAST`, `NOT_OVER`, `UNKNOWN` or `NOTHING_NEW`; "" where it is
        not.
    missing
        How many days are not over.
    """

    table: pd.DataFrame
    lost: int = 0
    new: int = 0
    reason: str = ""
    missing: int = 0


def lapse_outcomes(ledger: Ledger, customers: pd.DataFrame, as_of: dt.date, days: int) -> Outcomes:
    """Return who of the active customers of an earlier build stayed away.

    Parameters
    ----------
    ledger
        As known now.
    customers
        The earlier build's: customer_id and lapse_probability (missing where none was told), and
        active: those who were not had a forecast too, but none that was tested. Earlier versions
        had a forecast for active customers only, and no such column.
    as_of
        The earlier build's: the first day of the window.
    days
        The earlier build's ``lapse.days``: length of the window.

    Returns
    -------
    Outcomes
        ``happened`` as `forecast.lapse_features.outcome` labels the customers that models learn
        from: no net sale in the window, as known now. ``stake`` is their spend in the last
        `days` before `as_of`, as known then, as `forecast.lapse` weighs segments; ``after`` is
        the net spend in the window. Lost are customers whom the ledger no longer knows: files
        were replaced, or ids changed. New are those who ordered in the window without a forecast.
        Empty where nobody had a forecast, and where the ledger does not cover the window to its
        end: half a window would show more who stay away than there are.
    """
    if "active" in customers:
        customers = customers[customers["active"]]
    forecast = _forecast(customers, "lapse_probability")
    end = as_of + dt.timedelta(days=days)
    if forecast.empty:
        return _no_outcomes(NO_FORECAST)
    if missing := max((end - ledger.as_of).days, 0):
        return _no_outcomes(NOT_OVER, missing)
    lines = ledger.lines
    known = lines.filter(lines.cleaning_step >= GROSS).select("customer_id").distinct().execute()
    kept = forecast.index[forecast.index.isin(known["customer_id"])]
    if kept.empty:
        return _no_outcomes(UNKNOWN)
    came = spend_after(ledger, as_of, end)
    before = lapse_features.history(ledger, as_of, days)["spend_recent"]
    table = pd.DataFrame(
        {
            "probability": forecast[kept],
            "happened": lapse_features.outcome(ledger, as_of, days, kept),
            "stake": before.reindex(kept, fill_value=0.0),
            "after": came.reindex(kept, fill_value=0.0),
            "listed": _is_listed(customers, kept),
        }
    )
    new = int((~came.index.isin(forecast.index)).sum())
    return Outcomes(_tidy(table), len(forecast) - len(kept), new)


def decline_outcomes(before: pd.DataFrame, now: pd.DataFrame) -> Outcomes:
    """Return who of the regular customers of an earlier build buys less by the new tables.

    Parameters
    ----------
    before
        The earlier build's: customer_id, decline_probability and profit (a month).
    now
        The new tables: customer_id, decline and profit.

    Returns
    -------
    Outcomes
        ``stake`` and ``after`` are the profit a month in the earlier and the new tables; as in
        `strategy.contact_policy`, who brings a loss has nothing at stake. Empty where nobody had a
        forecast, where nobody is in both, and where the new tables say of all who are in both
        what the earlier ones said: they are the same tables again, and the model has learnt from
        them.
    """
    forecast = _forecast(before, "decline_probability")
    if forecast.empty:
        return _no_outcomes(NO_FORECAST)
    then, today = (_index_by_id(table) for table in (before, now))
    kept = forecast.index[forecast.index.isin(today.index)]
    if kept.empty:
        return _no_outcomes(UNKNOWN)
    told = [name for name in CUSTOMERS_SCHEMA.columns if name in then and name in today]
    if "decline" in told and then.loc[kept, told].equals(today.loc[kept, told]):
        return _no_outcomes(NOTHING_NEW)
    table = pd.DataFrame(
        {
            "probability": forecast[kept],
            "happened": today.loc[kept, "decline"].astype(bool),
            "stake": then.loc[kept, "profit"],
            "after": today.loc[kept, "profit"],
            "listed": _is_listed(before, kept),
        }
    )
    return Outcomes(
        _tidy(table), len(forecast) - len(kept), int((~today.index.isin(forecast.index)).sum())
    )


def _index_by_id(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(customer_id=table["customer_id"].astype("str")).set_index("customer_id")


def _forecast(table: pd.DataFrame, column: str) -> pd.Series:
    """Return the probabilities that there are; builds without a model have none, or no column."""
    if column not in table:
        return pd.Series(dtype=float)
    return _index_by_id(table)[column].dropna().astype(float).sort_index()


def _is_listed(table: pd.DataFrame, kept: pd.Index) -> pd.Series:
    """Tell who was on a contact list: who had an action. Early builds have no such column."""
    if "action" not in table:
        return pd.Series(False, index=kept)
    return _index_by_id(table)["action"].reindex(kept).notna()


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(stake=table["stake"].fillna(0.0).clip(lower=0.0))
    return table.rename_axis("customer_id").reset_index()[COLUMNS]


def _no_outcomes(reason: str, missing: int = 0) -> Outcomes:
    kinds = dict(zip(COLUMNS, ("str", "float", "bool", "float", "float", "bool"), strict=True))
    table = pd.DataFrame(columns=COLUMNS).astype(kinds)
    return Outcomes(table, reason=reason, missing=missing)

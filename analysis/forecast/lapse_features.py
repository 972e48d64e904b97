"""Build the features known at a cut-off date, and the outcome after it.

A cut-off's features use the lines dated before it and nothing else; a purchase that was
cancelled later still counts. The outcome uses the days from the cut-off on.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.orders.as_of import lines_known_at, spend_after
from analysis.orders.ledger import GROSS, Ledger
from analysis.stats import bgnbd
from analysis.stats.bootstrap import subsample

#: Older cut-offs tell of a shop that is no longer.
MOST_CUT_OFFS = 9


class Snapshot(NamedTuple):
    """What was known of active customers at a date, and what happened.

    Attributes
    ----------
    date
        Features use the days before it.
    features
        By customer_id, ordered by content: labels of customers cannot show in what is learnt.
    spend
        Of each of these customers in the last days.
    base
        `stats.bgnbd.summary` of all customers known, active or not.
    lapsed
        Whether no net sale followed; empty where that is not known yet.
    """

    date: dt.date
    features: pd.DataFrame
    spend: pd.Series
    base: pd.DataFrame
    lapsed: npt.NDArray[np.bool_]


def cut_offs(first: dt.date, as_of: dt.date, days: int) -> list[dt.date]:
    """Return the cut-offs with a known outcome, in order; the last one is the test.

    Parameters
    ----------
    first
        When the ledger begins: each cut-off has at least `days` days before it.
    as_of
        When it ends: each cut-off has `days` days after it, until the next one or until here.
    days
        Length of the windows.

    Examples
    --------
    >>> [str(day) for day in cut_offs(dt.date(2010, 12, 1), dt.date(2011, 12, 10), 90)]
    ['2011-03-15', '2011-06-13', '2011-09-11']
    """
    most = min((as_of - first).days // days - 1, MOST_CUT_OFFS)
    return [as_of - dt.timedelta(days=days * back) for back in range(most, 0, -1)]


def history(ledger: Ledger, date: dt.date, days: int, home: str = "") -> pd.DataFrame:
    """Return what was known of every customer at the beginning of a day.

    Parameters
    ----------
    ledger
        The ledger.
    date
        Nothing dated on it or after it matters.
    days
        Length of the recent past.
    home
        The home market; without it, the one with the highest sales until then.

    Returns
    -------
    pandas.DataFrame
        By customer_id in order. Days back from `date`: recency_days and tenure_days (the last and
        first order's). Sums over all orders: frequency, occasions (days with orders), monetary,
        lines, products (distinct), gross, cancelled (amount); over the last ``days`` days:
        orders_recent, spend_recent; over the last third of them orders_third, and over as many
        before them orders_before, spend_before. Days between occasions: gap_median, gap_longest,
        gap_last (missing with one occasion). amount_last (of the last occasion); at_home (share
        of lines).
    """
    known = lines_known_at(ledger, date)
    end, moment = ibis.literal(date), ibis.timestamp(f"{date}")
    orders = known.group_by("customer_id", "order_id").aggregate(
        last=known.invoice_date.max(), amount=known.amount.sum(), lines=known.count()
    )
    # A customer's orders of one day are one occasion: no gap between them is of interest.
    orders = orders.mutate(ago=end.delta(orders["last"].date(), unit="day").cast("int64"))
    byday = orders.group_by("customer_id", "ago").aggregate(
        orders=orders.count(), amount=orders.amount.sum(), lines=orders.lines.sum()
    )
    inorder = ibis.window(group_by="customer_id", order_by=ibis.desc(byday.ago))
    byday = byday.mutate(gap=byday.ago.lag().over(inorder) - byday.ago)

    def within(column: ir.Column, start: int, stop: int) -> ir.FloatingValue:
        """Add up over the days from `start` to `stop` before the date."""
        inside = (byday.ago > start) & (byday.ago <= stop)
        return column.sum(where=inside).cast("float64").fill_null(0.0)

    people = byday.group_by("customer_id").aggregate(
        recency_days=byday.ago.min(),
        tenure_days=byday.ago.max(),
        frequency=byday.orders.sum(),
        occasions=byday.count(),
        monetary=byday.amount.sum().cast("float64"),
        lines=byday.lines.sum(),
        orders_recent=within(byday.orders, 0, days),
        orders_third=within(byday.orders, 0, days // 3),
        orders_before=within(byday.orders, days, 2 * days),
        spend_recent=within(byday.amount, 0, days),
        spend_before=within(byday.amount, days, 2 * days),
        gap_median=byday.gap.median(),
        gap_longest=byday.gap.max(),
        gap_last=byday.gap.argmin(byday.ago),
        amount_last=byday.amount.argmin(byday.ago).cast("float64"),
    )
    sold = ledger.lines.filter(
        (ledger.lines.cleaning_step >= GROSS) & (ledger.lines.invoice_date < moment)
    )
    back = ledger.cancellations
    back = back.filter(back["product"] & (back.invoice_date < moment))
    if "country" in ledger.columns and not home:
        home = _largest_market(known)
    extras = (
        known.group_by("customer_id").aggregate(
            products=known.stock_code.nunique(),
            at_home=(known.country == home).mean().fill_null(0.0),
        ),
        sold.group_by("customer_id").aggregate(gross=sold.amount.sum().cast("float64")),
        back.group_by("customer_id").aggregate(cancelled=-back.amount.sum().cast("float64")),
    )
    found = people.order_by("customer_id").execute()
    for extra in extras:
        found = found.merge(extra.execute(), on="customer_id", how="left", validate="1:1")
    found["cancelled"] = found["cancelled"].fillna(0.0)
    return found.set_index("customer_id").astype(float)


def _largest_market(known: ir.Table) -> str:
    sales = known.group_by("country").aggregate(amount=known.amount.sum())
    top = sales.order_by(ibis.desc("amount"), "country").limit(1).execute()
    return str(top["country"].iloc[0]) if len(top) else ""


def features(past: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return what models see of the customers who ordered in the last `days` days.

    Sums, amounts and days are in logarithms (of one more). A customer with orders on one day has
    no gap between orders: the time since then, which the first gap will exceed, stands in, and
    ``one_occasion`` says so.

    Parameters
    ----------
    past
        From `history`.
    days
        Length of the recent past.
    """
    past = past[past["recency_days"] <= days]
    log = np.log1p(past)
    one = past["occasions"] == 1
    tenure = past["tenure_days"]
    gap = ((tenure - past["recency_days"]) / (past["occasions"] - 1).where(~one, 1.0)).where(
        ~one, tenure
    )
    return pd.DataFrame(
        {
            "recency_days": past["recency_days"],
            "log_recency": log["recency_days"],
            "log_frequency": log["frequency"],
            "log_monetary": log["monetary"],
            "log_tenure": log["tenure_days"],
            "log_occasions": log["occasions"],
            "log_orders_recent": log["orders_recent"],
            "log_orders_third": log["orders_third"],
            "log_orders_before": log["orders_before"],
            "log_spend_recent": log["spend_recent"],
            "spend_trend": log["spend_recent"] - log["spend_before"],
            "log_gap_mean": np.log1p(gap),
            "log_gap_median": np.log1p(past["gap_median"].fillna(tenure)),
            "log_gap_longest": np.log1p(past["gap_longest"].fillna(tenure)),
            "log_gap_last": np.log1p(past["gap_last"].fillna(tenure)),
            "log_recency_to_gap": log["recency_days"] - np.log1p(gap),
            "one_occasion": one.astype(float),
            "log_mean_order": np.log1p(past["monetary"] / past["frequency"]),
            "log_last_to_mean": np.log(past["amount_last"] / past["monetary"] * past["occasions"]),
            "log_products": log["products"],
            "log_lines_per_order": np.log1p(past["lines"] / past["frequency"]),
            "cancelled_share": (past["cancelled"] / past["gross"]).clip(0, 1),
            "at_home": past["at_home"],
        }
    )


def outcome(ledger: Ledger, date: dt.date, days: int, customers: pd.Index) -> npt.NDArray[np.bool_]:
    """Tell which customers have no net sale, as known today, on the `days` days from a date on."""
    came = spend_after(ledger, date, date + dt.timedelta(days=days))
    return np.asarray(~customers.isin(came.index))


def snapshot(ledger: Ledger, date: dt.date, days: int, home: str = "") -> Snapshot:
    """Return what was known at a date, and, if that is long enough ago, what happened."""
    past = history(ledger, date, days, home)
    table = features(past, days)
    known = date + dt.timedelta(days=days) <= ledger.as_of
    lapsed = outcome(ledger, date, days, table.index) if known else np.zeros(0, dtype=bool)
    order = np.lexsort([*([lapsed] if known else []), *table.to_numpy().T])
    table = table.iloc[order]
    base = bgnbd.summary(-past["tenure_days"], -past["recency_days"], past["occasions"], 0.0)
    spend = past.loc[table.index, "spend_recent"]
    return Snapshot(date, table, spend, base, lapsed[order] if known else lapsed)


def limit_customers(whole: Snapshot, customers: int, seed: int) -> Snapshot:
    """Return a snapshot with no more than `customers` active customers, drawn at random."""
    if len(whole.features) <= customers:
        return whole
    rows = subsample(len(whole.features), seed, customers)
    return whole._replace(
        features=whole.features.iloc[rows],
        spend=whole.spend.iloc[rows],
        lapsed=whole.lapsed[rows] if len(whole.lapsed) else whole.lapsed,
    )

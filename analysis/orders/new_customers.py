"""Follow new customers: how many there are, what they bring, and what makes them order again."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegression

from analysis.orders.growth import LOOK_BACK, knows_new
from analysis.orders.ledger import NET, Ledger
from analysis.stats.bootstrap import percentile_interval, resampled_sums
from analysis.stats.periods import covers_month, months_between

#: A second order is waited for so many days.
FOLLOW = 90
#: A product in fewer first orders tells nothing.
FEWEST = 30
#: Share of products that may be marked though they do nothing (Benjamini and Hochberg 1995).
FALSE_SHARE = 0.05


def monthly_customers(orders: pd.DataFrame, first: dt.date, as_of: dt.date) -> pd.DataFrame:
    """Return new and returning customers and their revenue by month.

    Parameters
    ----------
    orders
        From `growth.read_orders`, with ``new`` from `growth.mark_new`.
    first, as_of
        The day of the first order, and the day after the last.

    Returns
    -------
    pandas.DataFrame
        month, whole (whether the orders cover it), new_known (whether they reach back twelve months
        before it), customers, new_customers, returning_customers, new_revenue, returning_revenue
        (missing where new ones are not known), known_revenue, nobody_orders, nobody_revenue.
    """
    month = orders["day"].dt.to_period("M").dt.to_timestamp()
    named = orders["customer_id"].notna()
    people = orders[named].assign(month=month[named])
    people["first"] = people.groupby(["customer_id", "month"])["new"].transform("first")
    by = people.groupby(["month", "first"]).agg(
        customers=("customer_id", "nunique"), revenue=("amount", "sum")
    )
    every = pd.date_range(month.min(), month.max(), freq="MS", name="month")
    wide = by.unstack("first", fill_value=0).reindex(every, fill_value=0)

    def column(what: str, new: bool) -> pd.Series:
        key = (what, new)
        return wide[key] if key in wide.columns else pd.Series(0, index=every)

    nobody = orders[~named].groupby(month[~named])["amount"].agg(["size", "sum"])
    nobody = nobody.reindex(every, fill_value=0)
    table = pd.DataFrame(
        {
            "whole": [covers_month(day.date(), first, as_of) for day in every],
            "new_known": [knows_new(day, first) for day in every],
            "customers": column("customers", True) + column("customers", False),
            "new_customers": column("customers", True),
            "returning_customers": column("customers", False),
            "new_revenue": column("revenue", True).round(2),
            "returning_revenue": column("revenue", False).round(2),
            "known_revenue": (column("revenue", True) + column("revenue", False)).round(2),
            "nobody_orders": nobody["size"].astype("int64"),
            "nobody_revenue": nobody["sum"].astype(float).round(2),
        },
        index=every,
    ).reset_index()
    told = [f"{who}_{what}" for who in ("new", "returning") for what in ("customers", "revenue")]
    table[told] = table[told].astype(float).where(table["new_known"])
    return table


def cohort_revenue(
    orders: pd.DataFrame, first: dt.date, as_of: dt.date, seed: int, smallest: int
) -> pd.DataFrame:
    """Return what the customers of each month's first orders have spent since, per customer.

    Parameters
    ----------
    orders, first, as_of
        As in `monthly_customers`.
    seed
        Of the bootstrap over customers.
    smallest
        Cohorts of fewer customers are left out.

    Returns
    -------
    pandas.DataFrame
        cohort (month of the first order), new_known (whether the orders reach back twelve months
        before it: else it holds customers of long standing), months (since then), size,
        cumulative (net revenue per customer until the end of that month) with low and high (95%).
        Months that the orders do not cover whole are left out.
    """
    people = orders[orders["customer_id"].notna()]
    month = people["day"].dt.to_period("M").dt.to_timestamp()
    cohort = month.groupby(people["customer_id"]).transform("min")
    last = max(
        (day for day in month.unique() if covers_month(pd.Timestamp(day).date(), first, as_of)),
        default=None,
    )
    rows = []
    for start in sorted(cohort.unique()):
        own = people[cohort == start]
        size = own["customer_id"].nunique()
        if last is None or start > last or size < max(smallest, 1):
            continue
        span = months_between(start, last) + 1
        when = (own["day"].dt.year - start.year) * 12 + own["day"].dt.month - start.month
        spend = own.assign(when=when).pivot_table(
            "amount", "customer_id", "when", "sum", fill_value=0.0
        )
        total = spend.reindex(columns=range(span), fill_value=0.0).cumsum(axis=1).to_numpy()
        low, high = percentile_interval(resampled_sums(total, seed) / size)
        rows.append(
            pd.DataFrame(
                {
                    "cohort": start,
                    "new_known": knows_new(start, first),
                    "months": np.arange(span),
                    "size": size,
                    "cumulative": total.mean(axis=0),
                    "low": low,
                    "high": high,
                }
            )
        )
    columns = ["cohort", "new_known", "months", "size", "cumulative", "low", "high"]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)


def first_orders(ledger: Ledger, orders: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the customers with a first order that can be followed, and its products.

    A second order is one on another day: several invoices of one day are one purchase.

    Parameters
    ----------
    ledger
        The ledger.
    orders
        From `growth.read_orders`.

    Returns
    -------
    tuple of pandas.DataFrame
        customer_id, day, amount and products (of all that was bought on that first day), returned
        (whether another day with an order followed within `FOLLOW` days); and customer_id and
        stock_code of the products bought on it.
    """
    people = orders[orders["customer_id"].notna()]
    days = people.groupby("customer_id")["day"]
    first = days.transform("min")
    later = people.loc[people["day"] > first].groupby("customer_id")["day"].min()
    table = pd.DataFrame({"day": days.min()})
    start = pd.Timestamp(ledger.first_day) + pd.Timedelta(days=LOOK_BACK)
    end = pd.Timestamp(ledger.as_of) - pd.Timedelta(days=FOLLOW)
    table = table[(table["day"] >= start) & (table["day"] <= end)]
    wait = later.reindex(table.index) - table["day"]
    table["returned"] = (wait <= pd.Timedelta(days=FOLLOW)).to_numpy()
    lines = ledger.lines.filter(
        (ledger.lines.cleaning_step >= NET) & ledger.lines.stock_code.notnull()
    )
    day = lines.invoice_date.date()
    opening = day.min().over(ibis.window(group_by="customer_id"))
    bought = lines.filter(day == opening).group_by("customer_id", "stock_code")
    content = bought.aggregate(amount=lambda t: t.amount.sum().cast("float64"))
    content = content.order_by("customer_id", "stock_code").execute()
    content = content[content["customer_id"].isin(table.index)]
    sums = content.groupby("customer_id").agg(
        amount=("amount", "sum"), products=("stock_code", "size")
    )
    table = table.join(sums, how="inner").reset_index()
    return table, content[["customer_id", "stock_code"]].reset_index(drop=True)


def second_order_products(
    customers: pd.DataFrame, content: pd.DataFrame, smallest: int
) -> pd.DataFrame:
    """Return which products in a first order go with a second one, given the size of the first.

    Customers with large first orders come back more often and buy more products, so that every
    product would seem to win a second order. What is expected of its buyers is therefore the
    return of customers with orders of that amount and of as many products (logistic regression).
    That the product is the reason is not shown.

    Parameters
    ----------
    customers, content
        From `first_orders`.
    smallest
        Products of fewer customers are left out, and those of fewer than `FEWEST`.

    Returns
    -------
    pandas.DataFrame
        stock_code, customers, returned (share), expected (share), difference with low and high
        (95%), marked (distinguishable from none, with at most `FALSE_SHARE` false among all that
        are marked); the largest difference first. Empty where too few customers can be followed.
    """
    columns = ["stock_code", "customers", "returned", "expected", "difference", "low", "high"]
    least = max(smallest, FEWEST)
    y = customers["returned"].to_numpy(dtype=bool)
    if min(y.sum(), (~y).sum()) < least:
        return pd.DataFrame(columns=[*columns, "marked"])
    size = np.log1p(customers[["amount", "products"]].to_numpy(dtype=float))
    size = (size - size.mean(axis=0)) / np.maximum(size.std(axis=0), 1e-9)
    p = LogisticRegression().fit(size, y).predict_proba(size)[:, 1]
    known = customers[["customer_id"]].assign(y=y, p=p, variance=p * (1 - p))
    groups = content.merge(known, on="customer_id").groupby("stock_code")
    table = groups.agg(
        customers=("y", "size"),
        returned=("y", "mean"),
        expected=("p", "mean"),
        variance=("variance", "sum"),
    )
    table = table[table["customers"] >= least].reset_index()
    if table.empty:
        return pd.DataFrame(columns=[*columns, "marked"])
    error = np.sqrt(table["variance"]) / table["customers"]
    difference = table["returned"] - table["expected"]
    likely = stats.false_discovery_control(2 * stats.norm.sf(np.abs(difference / error)))
    reach = stats.norm.ppf(0.975) * error
    table = table.assign(
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        marked=likely <= FALSE_SHARE,
    )
    ordered = table.sort_values(["difference", "stock_code"], ascending=[False, True])
    return ordered[[*columns, "marked"]].reset_index(drop=True)

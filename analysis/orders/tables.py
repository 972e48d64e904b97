"""Tabulate sales by month, weekday, country, product and cohort.

Every function takes the ledger (or a table made here) and returns a tidy pandas table. Amounts
are in the ledger's currency. *Gross* counts every purchase of products by known customers;
*net* leaves out those that a cancellation reversed.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.orders.ledger import GROSS, MONEY, NET, Ledger
from analysis.orders.quality import sum_exactly
from analysis.stats.periods import covers_month, months_between


def monthly(ledger: Ledger) -> pd.DataFrame:
    """Return sales month by month.

    Returns
    -------
    pandas.DataFrame
        One row per calendar month from the first to the last: month (its first day), whole
        (whether the ledger covers it), gross_revenue, net_revenue, orders, customers,
        new_customers (first order in this month), returning_customers, new_revenue, units,
        mean_order, median_order, order_low and order_high (95% interval of the mean order, from
        its standard error), cancelled_revenue.
    """
    lines = ledger.lines
    month = lines.invoice_date.truncate("M").date()
    gross = (
        lines.filter(lines.cleaning_step >= GROSS)
        .group_by(month=month)
        .aggregate(gross_revenue=sum_exactly(lines.amount))
        .execute()
    )
    back = ledger.cancellations
    cancelled = (
        back.filter(back["product"])
        .group_by(month=back.invoice_date.truncate("M").date())
        .aggregate(cancelled_revenue=-sum_exactly(back.amount))
        .execute()
    )
    kept = lines.filter(lines.cleaning_step >= NET)
    orders = kept.group_by("customer_id", "order_id").aggregate(
        amount=kept.amount.sum().cast(MONEY),
        date=kept.invoice_date.min(),
        units=sum_exactly(kept.quantity),
    )
    first = ibis.window(group_by="customer_id")
    orders = orders.mutate(
        month=orders.date.truncate("M").date(),
        first_month=orders.date.min().over(first).truncate("M").date(),
    )
    new = orders.month == orders.first_month
    net = (
        orders.group_by("month")
        .aggregate(
            net_revenue=sum_exactly(orders.amount),
            orders=orders.count(),
            customers=orders.customer_id.nunique(),
            new_customers=orders.customer_id.nunique(where=new),
            new_revenue=orders.amount.sum(where=new).cast("float64").fill_null(0.0),
            units=sum_exactly(orders.units),
            median_order=orders.amount.cast("float64").median(),
            # The square of a large order is beyond the decimals of money.
            squares=(orders.amount.cast("float64") ** 2)
            .cast("decimal(38, 4)")
            .sum()
            .cast("float64"),
        )
        .execute()
    )
    for table in (gross, cancelled, net):
        table["month"] = pd.to_datetime(table["month"])
    table = gross.merge(net, on="month", how="outer").merge(cancelled, on="month", how="outer")
    if table.empty:
        return table.assign(whole=[], returning_customers=[], order_low=[], order_high=[])
    every = pd.date_range(table["month"].min(), table["month"].max(), freq="MS", name="month")
    table = table.set_index("month").reindex(every).reset_index()
    counts = ["orders", "customers", "new_customers"]
    sums = ["gross_revenue", "net_revenue", "new_revenue", "units", "cancelled_revenue"]
    table[counts] = table[counts].fillna(0).astype("int64")
    table[sums] = table[sums].fillna(0.0).round(2)
    orders, mean = table["orders"], table["net_revenue"] / table["orders"]
    variance = (table.pop("squares") / orders - mean**2) * orders / (orders - 1)
    # Equal orders can leave a variance just below nought.
    error = 1.96 * np.sqrt(variance.clip(lower=0) / orders)
    first_day = ledger.first_day
    return table.assign(
        mean_order=mean,
        whole=[covers_month(month.date(), first_day, ledger.as_of) for month in table["month"]],
        returning_customers=table["customers"] - table["new_customers"],
        order_low=mean - error,
        order_high=mean + error,
    )


def week(ledger: Ledger) -> pd.DataFrame:
    """Return customers, orders and net revenue by weekday (0 is Monday) and hour of the order."""
    lines = ledger.lines
    kept = lines.filter(lines.cleaning_step >= NET)
    orders = kept.group_by("customer_id", "order_id").aggregate(
        amount=kept.amount.sum(), date=kept.invoice_date.min()
    )
    return (
        orders.group_by(
            weekday=orders.date.day_of_week.index().cast("int64"),
            hour=orders.date.hour().cast("int64"),
        )
        .aggregate(
            customers=orders.customer_id.nunique(),
            orders=orders.count(),
            revenue=sum_exactly(orders.amount),
        )
        .order_by("weekday", "hour")
        .execute()
    )


def cohorts(ledger: Ledger) -> pd.DataFrame:
    """Return how many of each month's new customers came back, month by month.

    Returns
    -------
    pandas.DataFrame
        cohort (month of the first order), months (since then), customers (who ordered in that
        month), size (of the cohort), share, whole (whether the ledger covers that month).
    """
    lines = ledger.lines
    kept = lines.filter(lines.cleaning_step >= NET)
    active = kept.group_by("customer_id", month=kept.invoice_date.truncate("M").date()).aggregate()
    active = active.mutate(cohort=active.month.min().over(ibis.window(group_by="customer_id")))
    table = (
        active.group_by("cohort", "month")
        .aggregate(customers=active.count())
        .order_by("cohort", "month")
        .execute()
    )
    table[["cohort", "month"]] = table[["cohort", "month"]].apply(pd.to_datetime)
    if table.empty:
        return table.assign(months=[], size=[], share=[], whole=[])
    first_day = ledger.first_day
    months = (table["month"].dt.year - table["cohort"].dt.year) * 12 + (
        table["month"].dt.month - table["cohort"].dt.month
    )
    table = table.assign(months=months)
    every = pd.MultiIndex.from_tuples(
        [
            (cohort, n)
            for cohort in sorted(table["cohort"].unique())
            for n in range(months_between(cohort, table["month"].max()) + 1)
        ],
        names=["cohort", "months"],
    )
    table = table.set_index(["cohort", "months"])[["customers"]].reindex(every, fill_value=0)
    table = table.reset_index()
    size = table[table["months"] == 0].set_index("cohort")["customers"]
    month = [
        c + pd.DateOffset(months=int(n))
        for c, n in zip(table["cohort"], table["months"], strict=True)
    ]
    return table.assign(
        size=table["cohort"].map(size),
        share=table["customers"] / table["cohort"].map(size),
        whole=[covers_month(m.date(), first_day, ledger.as_of) for m in month],
    )


def recent_change(months: pd.DataFrame) -> pd.DataFrame:
    """Compare the last three whole months with those before them, and with those a year earlier.

    Parameters
    ----------
    months
        From `monthly`.

    Returns
    -------
    pandas.DataFrame
        One row per period ("latest", "before", "year_before"; those the ledger does not cover
        are missing): period, first, last (months), net_revenue, orders, mean_order,
        new_customers, customers_per_month, cancelled_share.
    """
    whole = months[months["whole"]].reset_index(drop=True)
    rows = []
    if len(whole) >= 3:
        latest = whole["month"].iloc[-1]
        for period, back in (("latest", 0), ("before", 3), ("year_before", 12)):
            last = latest - pd.DateOffset(months=back)
            first = last - pd.DateOffset(months=2)
            part = whole[(whole["month"] >= first) & (whole["month"] <= last)]
            if len(part) < 3:
                continue
            revenue, orders = part["net_revenue"].sum(), part["orders"].sum()
            gross, cancelled = part["gross_revenue"].sum(), part["cancelled_revenue"].sum()
            rows.append(
                {
                    "period": period,
                    "first": first,
                    "last": last,
                    "net_revenue": round(revenue, 2),
                    "orders": int(orders),
                    "mean_order": revenue / orders if orders else np.nan,
                    "new_customers": int(part["new_customers"].sum()),
                    "customers_per_month": part["customers"].mean(),
                    "cancelled_share": cancelled / gross if gross else np.nan,
                }
            )
    columns = [
        "period",
        "first",
        "last",
        "net_revenue",
        "orders",
        "mean_order",
        "new_customers",
        "customers_per_month",
        "cancelled_share",
    ]
    return pd.DataFrame(rows, columns=columns)


def countries(ledger: Ledger, home: str = "", minimum_group: int = 1) -> pd.DataFrame:
    """Return net sales by country, largest first, with the home market marked.

    Parameters
    ----------
    ledger
        The ledger.
    home
        The home market; empty: the country with the highest sales.
    minimum_group
        Countries with fewer customers are added up in one last row.

    Returns
    -------
    pandas.DataFrame
        country, home, countries (1, or how many were added up), customers, orders, revenue,
        share, mean_order. A customer who ordered from two countries counts in both rows, and once
        in a row of several countries: so customers do not add up to all customers.
    """
    kept = _with_country(ledger)
    table = (
        kept.group_by("country")
        .aggregate(**_SALES)
        .order_by(ibis.desc("revenue"), "country")
        .execute()
        .assign(countries=1)
    )
    home = home or (table["country"].iloc[0] if len(table) else "")
    table["home"] = table["country"] == home
    small = table[(table["customers"] < minimum_group) & ~table["home"]]
    if len(small):
        rest = kept.filter(kept.country.isin([*small["country"]])).aggregate(**_SALES).execute()
        rest = rest.assign(
            country=f"{len(small)} smaller markets", countries=len(small), home=False
        )
        table = pd.concat([table.drop(small.index), rest], ignore_index=True)
    return table.assign(
        revenue=table["revenue"].round(2),
        share=table["revenue"] / table["revenue"].sum(),
        mean_order=table["revenue"] / table["orders"],
    )[["country", "home", "countries", "customers", "orders", "revenue", "share", "mean_order"]]


#: What is counted of some net lines.
_SALES: dict[str, Callable[[ir.Table], ir.Scalar]] = {
    "customers": lambda t: t.customer_id.nunique(),
    "orders": lambda t: t.order_id.nunique(),
    "revenue": lambda t: sum_exactly(t.amount),
}


def _with_country(ledger: Ledger) -> ir.Table:
    kept = ledger.lines.filter(ledger.lines.cleaning_step >= NET)
    return kept.mutate(country=kept.country.fill_null("(not given)"))


def markets(ledger: Ledger, table: pd.DataFrame, minimum_group: int = 1) -> pd.DataFrame:
    """Return net sales of all markets, of the home market and of all others.

    Parameters
    ----------
    ledger
        The ledger.
    table
        From `countries`.
    minimum_group
        Where one part has fewer customers, both parts are left out.

    Returns
    -------
    pandas.DataFrame
        market, customers, orders, revenue, mean_order. Every row counts its customers and orders
        once: those of both the home market and another one make the rows add up to more than the
        first.
    """
    kept = _with_country(ledger)
    home = str(table.loc[table["home"], "country"].iloc[0]) if table["home"].any() else ""
    parts = {"All markets": kept}
    if home:
        parts |= {home: kept.filter(kept.country == home)}
        parts |= {"All other markets": kept.filter(kept.country != home)}
    rows = [part.aggregate(**_SALES).execute().assign(market=name) for name, part in parts.items()]
    found = pd.concat(rows, ignore_index=True)
    if (found["customers"] < minimum_group).any():
        # What is left of all markets without one part is the other part.
        found = found.head(1)
    return found.assign(
        revenue=found["revenue"].round(2),
        mean_order=found["revenue"] / found["orders"].where(found["orders"] > 0),
    )[["market", "customers", "orders", "revenue", "mean_order"]]


def products(ledger: Ledger) -> pd.DataFrame:
    """Return one row per product with its sales and what came back.

    Returns
    -------
    pandas.DataFrame
        stock_code, description (the one used most often), customers, orders, units, revenue
        (gross), share, net_revenue, returned_units, returned_share (cancelled units of those
        sold, at most all of them), ordered by revenue.
    """
    lines = ledger.lines
    sold = lines.filter(lines.cleaning_step >= GROSS)
    by_name = sold.group_by("stock_code", "description").aggregate(times=sold.count())
    best = ibis.window(
        group_by="stock_code", order_by=[ibis.desc(by_name.times), by_name.description]
    )
    names = (
        by_name.mutate(place=ibis.row_number().over(best))
        .filter(lambda t: t.place == 0)
        .select("stock_code", "description")
    )
    totals = sold.group_by("stock_code").aggregate(
        customers=sold.customer_id.nunique(),
        orders=sold.order_id.nunique(),
        units=sum_exactly(sold.quantity),
        revenue=sum_exactly(sold.amount),
        net_revenue=sum_exactly((sold.cleaning_step >= NET).ifelse(sold.amount, 0)),
    )
    back = ledger.cancellations
    returned = back.group_by("stock_code").aggregate(returned_units=-sum_exactly(back.quantity))
    table = (
        totals.left_join(names, "stock_code")
        .drop("stock_code_right")
        .left_join(returned, "stock_code")
        .drop("stock_code_right")
        .order_by(ibis.desc("revenue"), "stock_code")
        .execute()
    )
    table["returned_units"] = table["returned_units"].fillna(0.0)
    return table.assign(
        share=table["revenue"] / table["revenue"].sum(),
        returned_share=(table["returned_units"] / table["units"]).clip(0, 1),
    )[
        [
            "stock_code",
            "description",
            "customers",
            "orders",
            "units",
            "revenue",
            "share",
            "net_revenue",
            "returned_units",
            "returned_share",
        ]
    ]

"""Compare revenue with a year earlier, and split the change into what it is made of.

Periods are compared only where the orders cover both whole. Year on year comes first: against the
months just before, a change is mostly the season. A customer is *new* in a period when the first
order in it has no other in the twelve months before; where the orders do not reach back so far,
new customers are not told from returning ones.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.orders.ledger import NET, Ledger
from analysis.orders.names import (
    ALL,
    CUSTOMERS,
    FREQUENCY,
    ITEMS,
    KNOWN,
    NEW,
    NOBODY,
    ON_PREVIOUS,
    ORDERS,
    PRICE,
    QUARTER_ON_YEAR,
    RETURNING,
    VALUE,
    YEAR_ON_YEAR,
)
from analysis.stats.bootstrap import percentile_interval, resampled_sums
from analysis.stats.periods import covers_month

Numbers = npt.NDArray[np.float64]
Facts = dict[str, Any]
#: Days without an order after which a customer counts as new again.
LOOK_BACK = 365


class Comparison(NamedTuple):
    """Two periods of whole months: the first days, and the first days after them."""

    name: str
    before: tuple[pd.Timestamp, pd.Timestamp]
    after: tuple[pd.Timestamp, pd.Timestamp]


def read_orders(ledger: Ledger) -> pd.DataFrame:
    """Return the orders of net sales, with those that name no customer.

    Of lines without a customer, the cancellations cannot be matched to what they cancel: they
    count as they were sold.

    Returns
    -------
    pandas.DataFrame
        customer_id (missing where none is named), order_id, day, amount, items (sum of the
        quantities; missing where the files have none), ordered by customer and day.
    """
    lines = ledger.lines
    # What would be a sale of products, had it a customer: see `orders.meaning.sales`.
    nobody = (lines.cleaning_step == 0) & (lines.broken == 0) & lines.customer_id.isnull()
    nobody = nobody & ~lines.cancelled & ~lines.no_sale & lines["product"] & (lines.amount > 0)
    nobody = nobody & (lines.quantity > 0).fill_null(True) & (lines.unit_price > 0).fill_null(True)
    kept = lines.filter((lines.cleaning_step >= NET) | nobody.fill_null(False))
    orders = kept.group_by("customer_id", "order_id").aggregate(
        day=kept.invoice_date.min().date(),
        amount=kept.amount.sum().cast("float64"),
        items=kept.quantity.sum().cast("float64"),
    )
    order = ["customer_id", "day", "order_id"]
    table = orders.order_by([ibis.asc(orders[name], nulls_first=False) for name in order])
    found = table.execute()
    return found.assign(day=pd.to_datetime(found["day"]))


def find_comparisons(first: dt.date, as_of: dt.date) -> list[Comparison]:
    """Return what can be compared: the last whole months with others that are covered whole.

    Examples
    --------
    >>> [c.name for c in find_comparisons(dt.date(2010, 12, 1), dt.date(2011, 12, 10))]
    ['three months, against the three before']
    """
    end = pd.Timestamp(as_of).to_period("M").to_timestamp()
    if covers_month(end.date(), first, as_of):
        end += pd.DateOffset(months=1)
    found = []
    for name, months, back in (
        (QUARTER_ON_YEAR, 3, 12),
        (YEAR_ON_YEAR, 12, 12),
        (ON_PREVIOUS, 3, 3),
    ):
        start, length = end - pd.DateOffset(months=back), pd.DateOffset(months=months)
        before = (start - length, start)
        if covers_month(before[0].date(), first, as_of) and before[0] < end - length:
            found.append(Comparison(name, before, (end - length, end)))
    return found


def has_orders(orders: pd.DataFrame, comparison: Comparison) -> bool:
    """Tell whether known customers ordered in both periods: else there is nothing to compare."""
    day = orders.loc[orders["customer_id"].notna(), "day"]
    periods = (comparison.before, comparison.after)
    return all(((day >= start) & (day < end)).any() for start, end in periods)


def mark_new(orders: pd.DataFrame) -> pd.Series:
    """Tell which orders come after no other of the customer in the `LOOK_BACK` days before."""
    gap = orders.groupby("customer_id")["day"].diff()
    return (gap.isna() | (gap > pd.Timedelta(days=LOOK_BACK))) & orders["customer_id"].notna()


def knows_new(start: pd.Timestamp, first: dt.date) -> bool:
    """Tell whether the orders reach back far enough to tell who is new from a day on."""
    return bool(start - pd.Timedelta(days=LOOK_BACK) >= pd.Timestamp(first))


def split_customers(orders: pd.DataFrame, period: tuple[pd.Timestamp, pd.Timestamp]) -> pd.Series:
    """Return whose revenue each order of a period is: `NEW`, `RETURNING` or `NOBODY`.

    A customer who was new with the first order in the period is new in all of it.
    """
    inside = orders[(orders["day"] >= period[0]) & (orders["day"] < period[1])]
    first = inside.groupby("customer_id")["new"].transform("first")
    part = pd.Series(np.where(first.fillna(False).astype(bool), NEW, RETURNING), inside.index)
    return part.mask(inside["customer_id"].isna(), NOBODY)


def sum_parts(
    orders: pd.DataFrame, comparison: Comparison, parts: tuple[str, ...]
) -> tuple[Numbers, Numbers]:
    """Return the sums of customers, and of orders without one, ready for a bootstrap.

    Returns
    -------
    tuple of numpy.ndarray
        One row a customer, and one row an order without a customer. Columns, for each of `parts`
        (without `NOBODY` in the first, with nothing else in the second), before and after:
        customers, orders, items, revenue.
    """
    tables = []
    for when, period in enumerate((comparison.before, comparison.after)):
        part = split_customers(orders, period)
        if KNOWN in parts:
            part = part.where(part == NOBODY, KNOWN)
        some = orders.loc[part.index].assign(part=part, when=when, one=1.0)
        # Orders without a customer are resampled one by one.
        some["unit"] = some["customer_id"].fillna(some["order_id"])
        tables.append(some)
    every = pd.concat(tables)
    found = []
    for names, rows in (
        ([name for name in parts if name != NOBODY], every[every["part"] != NOBODY]),
        ([NOBODY], every[every["part"] == NOBODY]),
    ):
        sums = rows.groupby(["unit", "part", "when"]).agg(
            customers=("one", "first"),
            orders=("one", "sum"),
            items=("items", "sum"),
            revenue=("amount", "sum"),
        )
        wide = pd.DataFrame(sums.unstack(["part", "when"], fill_value=0.0))
        columns = [
            (what, name, when)
            for name in names
            for when in (0, 1)
            for what in ("customers", "orders", "items", "revenue")
        ]
        wide = wide.reindex(columns=pd.MultiIndex.from_tuples(columns), fill_value=0.0)
        found.append(wide.to_numpy(dtype=float))
    return found[0], found[1]


def log_mean(one: Numbers, other: Numbers) -> Numbers:
    """Return the logarithmic mean of positive numbers.

    Examples
    --------
    >>> log_mean(np.array([1.0, 2.0]), np.array([np.e, 2.0])).round(3).tolist()
    [1.718, 2.0]
    """
    ratio = np.log(other / one)
    same = np.abs(ratio) < 1e-9
    return np.where(same, one, (other - one) / np.where(same, 1.0, ratio))


def factor_names(part: str, items: bool) -> tuple[str, ...]:
    """Return the factors of a part's revenue: of orders without a customer, there is one less."""
    rest = (ITEMS, PRICE) if items else (VALUE,)
    return (ORDERS, *rest) if part == NOBODY else (CUSTOMERS, FREQUENCY, *rest)


def factor_values(sums: Numbers, part: str, items: bool) -> Numbers:
    """Return the factors from customers, orders, items and revenue in the last axis."""
    people, orders, pieces, revenue = np.moveaxis(sums, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = [pieces / orders, revenue / pieces] if items else [revenue / orders]
        values = [orders, *values] if part == NOBODY else [people, orders / people, *values]
    return np.stack(values, axis=-1)


def contributions(before: Numbers, after: Numbers) -> Numbers:
    """Return how much each factor adds to the change of their product; they add up exactly.

    The logarithmic mean Divisia index: each factor has the logarithmic mean of the products times
    the logarithm of its own growth. Where a product is nothing before or after, the first factor
    has the whole change.

    Parameters
    ----------
    before, after
        Factors in the last axis.

    References
    ----------
    Ang, B. W. (2005). The LMDI approach to decomposition analysis: a practical guide. *Energy
    Policy*, 33(7), 867-871.

    Examples
    --------
    >>> contributions(np.array([10.0, 2.0]), np.array([20.0, 2.0])).tolist()
    [20.0, 0.0]
    """
    both = np.stack([before, after])
    whole = np.asarray((np.isfinite(both) & (both > 0)).all(axis=(0, -1)))
    safe = [np.where(whole[..., None], values, 1.0) for values in (before, after)]
    mean = log_mean(safe[0].prod(-1), safe[1].prod(-1))
    found = mean[..., None] * np.log(safe[1] / safe[0])
    products = [np.where(np.isfinite(v), v, 0.0).prod(-1) for v in (before, after)]
    alone = np.zeros_like(found)
    alone[..., 0] = products[1] - products[0]
    return np.where(whole[..., None], found, alone)


def compare_revenue(
    orders: pd.DataFrame, comparison: Comparison, first: dt.date, seed: int, smallest: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the change of revenue between two periods, whole and as a tree of its factors.

    Parameters
    ----------
    orders
        From `read_orders`, with ``new`` from `mark_new`.
    comparison
        The periods.
    first
        The day of the first order.
    seed
        Of the bootstrap over customers (and over orders without one).
    smallest
        Where fewer customers are new or returning, they are not told apart.

    Returns
    -------
    tuple of pandas.DataFrame
        By part, of all known customers, and in all: comparison, before_start, before_end,
        after_start, after_end (the day after), part, customers_before, customers_after,
        orders_before, orders_after, revenue_before, revenue_after, change (of revenue, as a share
        of that before) with low and
        high. The tree: comparison, part, factor, before, after, contribution (to the change of
        revenue; all contributions add up to it) with low and high.
    """
    items = bool(orders["items"].notna().all() and (orders["items"] > 0).all())
    parts: tuple[str, ...] = (NEW, RETURNING, NOBODY)
    people, nobody = sum_parts(orders, comparison, parts)
    counted = people.sum(axis=0).reshape(2, 2, 4)[..., 0]
    if not knows_new(comparison.before[0], first) or counted.min() < smallest:
        parts = (KNOWN, NOBODY)
        people, nobody = sum_parts(orders, comparison, parts)
    if not len(nobody):
        parts = parts[:-1]
    point = np.concatenate([people.sum(axis=0), nobody.sum(axis=0)[: 8 * len(nobody)]])
    drawn = [resampled_sums(people, seed)]
    if len(nobody):
        drawn.append(resampled_sums(nobody, seed + 1))
    both = np.concatenate([point[None], np.concatenate(drawn, axis=1)])
    both = both.reshape(len(both), len(parts), 2, 4)
    spans = {
        f"{when}_{end}": day
        for when, period in (("before", comparison.before), ("after", comparison.after))
        for end, day in zip(("start", "end"), period, strict=True)
    }
    rows, tree = [], []
    sums_of = {part: both[:, number] for number, part in enumerate(parts)}
    sums_of.setdefault(KNOWN, both[:, : len(parts) - (NOBODY in parts)].sum(axis=1))
    sums_of[ALL] = both.sum(axis=1)
    for part, sums in sums_of.items():
        revenue = sums[..., 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            change = revenue[:, 1] / revenue[:, 0] - 1
        low, high = percentile_interval(change[1:])
        named = part not in (NOBODY, ALL) or NOBODY not in parts
        rows.append(
            {
                "comparison": comparison.name,
                **spans,
                "part": part,
                "customers_before": sums[0, 0, 0] if named else np.nan,
                "customers_after": sums[0, 1, 0] if named else np.nan,
                "orders_before": sums[0, 0, 1],
                "orders_after": sums[0, 1, 1],
                "revenue_before": revenue[0, 0],
                "revenue_after": revenue[0, 1],
                "change": change[0] if np.isfinite(change[0]) else np.nan,
                "low": low,
                "high": high,
            }
        )
        if part not in parts:
            continue
        values = factor_values(sums, part, items)
        added = contributions(values[:, 0], values[:, 1])
        lows, highs = percentile_interval(added[1:])
        tree += [
            {
                "comparison": comparison.name,
                "part": part,
                "factor": factor,
                "before": values[0, 0, place],
                "after": values[0, 1, place],
                "contribution": added[0, place],
                "low": lows[place],
                "high": highs[place],
            }
            for place, factor in enumerate(factor_names(part, items))
        ]
    return pd.DataFrame(rows), pd.DataFrame(tree)


def growth_facts(growth: pd.DataFrame) -> Facts:
    """Return the facts of growth, missing (null) where a period is not covered.

    ``growth.revenue_*`` is net revenue, that of known customers, as everywhere in the report;
    ``growth.all_revenue_*`` has orders without a customer too.

    Parameters
    ----------
    growth
        The first tables of `compare_revenue` below each other; empty where nothing is covered.
    """
    facts: Facts = {}
    for key, name in (
        ("yoy", QUARTER_ON_YEAR),
        ("yoy_12", YEAR_ON_YEAR),
        ("previous", ON_PREVIOUS),
    ):
        for part, who in (("revenue", KNOWN), ("all_revenue", ALL), ("nobody_revenue", NOBODY)):
            row = _row(growth, name, who)
            for end, column in (("", "change"), ("_low", "low"), ("_high", "high")):
                value = row[column] if row is not None else None
                facts[f"growth.{part}_{key}{end}"] = (
                    float(value) if value is not None and np.isfinite(value) else None
                )
    known = facts["growth.revenue_yoy"] is not None
    facts["growth.year_known"] = known
    return facts


def _row(growth: pd.DataFrame, comparison: str, part: str) -> pd.Series | None:
    """Return a row of the changes."""
    if growth.empty:
        return None
    some = growth[(growth["comparison"] == comparison) & (growth["part"] == part)]
    return some.iloc[0] if len(some) else None

"""Profile the segments: sizes, shares, medians and their intervals.

`names` lists all segments in the order in which they are shown, so that one without customers
still has its row. Work on lines is written in Ibis; work on customers in
pandas. Groups smaller than the report's ``smallest_group`` are counted, and not described.

Spend is heavy-tailed, so medians and quartiles stand before means, and all shares and means
carry 95% intervals: had other customers come, what then?
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.orders.ledger import NET, Ledger
from analysis.segments.names import EVERYONE
from analysis.stats import bootstrap

QUARTILES = {"q1": 0.25, "median": 0.5, "q3": 0.75}
_RANGES = {
    "recency": "recency_days",
    "tenure": "tenure_days",
    "frequency": "frequency",
    "spend": "monetary",
    "second_days": "second_days",
}
# Each ratio of two sums over customers, whose interval comes from the bootstrap.
_RATIOS = {
    "basket_mean": ("monetary", "frequency"),
    "cancelled_share": ("cancelled", "gross"),
    "cancelled_invoices_per_order": ("cancellations", "frequency"),
    "abroad_share": ("abroad", "has_market"),
    "second_order_share": ("returned", "one"),
}


def select_net_lines(ledger: Ledger, customers: pd.DataFrame, by: str) -> ir.Table:
    """Return the lines of net sales with the group of their customer, as ``segment``."""
    groups = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].astype("str"),
            "segment": customers[by].astype("str"),
        }
    ).sort_values("customer_id")
    lines = ledger.lines
    return lines.filter(lines.cleaning_step >= NET).join(ibis.memtable(groups), "customer_id")


def segment_profiles(
    ledger: Ledger,
    details: pd.DataFrame,
    names: Sequence[str],
    *,
    seed: int,
    minimum_group: int,
    by: str = "segment",
) -> pd.DataFrame:
    """Return one row per segment: who is in it, what they bring, and how they buy.

    Parameters
    ----------
    ledger
        The ledger.
    details
        From `customer_details`.
    names
        All segments, in order; those without customers too.
    seed
        Of the bootstrap.
    minimum_group
        A segment with fewer customers has its count and its share, and nothing else.
    by
        The column of `details` with the segment (or the cluster).

    Returns
    -------
    pandas.DataFrame
        segment; customers; shown (whether it is described); share (of customers) and
        revenue_share, basket_mean (net revenue an order), cancelled_share (cancelled amount for
        each unit of gross sales; cancellations of purchases before the ledger begins count
        too), cancelled_invoices_per_order (unlike the amount, no giant order can move it),
        abroad_share (of customers, by their market) and second_order_share (of customers), each
        with ``_low`` and ``_high``; revenue; orders; and the quartiles ``_q1``,
        ``_median``, ``_q3`` of basket (orders' values), recency, tenure and second_days
        (days), frequency (orders a customer) and spend. What the files do not tell is missing.

    References
    ----------
    Intervals are percentiles over bootstraps of all customers, as in `stats.bootstrap`.
    """
    people = _countable(details, by)
    groups = people.groupby("segment", sort=True)
    table = groups.agg(
        customers=("monetary", "size"), revenue=("monetary", "sum"), orders=("frequency", "sum")
    )
    table = table.reindex(pd.Index(list(names), name="segment", dtype="str"))
    table["customers"] = table["customers"].fillna(0).astype("int64")
    total = people["monetary"].sum()
    columns = {
        "share": table["customers"] / len(people),
        "revenue_share": table["revenue"] / total,
    }
    sums = groups[sorted({name for pair in _RATIOS.values() for name in pair})].sum(min_count=1)
    for name, (top, bottom) in _RATIOS.items():
        columns[name] = (sums[top] / sums[bottom].where(sums[bottom] > 0)).reindex(table.index)
    table = table.assign(**columns)
    table = table.join(_intervals(people, seed).reindex(table.index))
    for name, column in _RANGES.items():
        for ending, level in QUARTILES.items():
            table[f"{name}_{ending}"] = groups[column].quantile(level).reindex(table.index)
    table = table.join(_baskets(ledger, details, by).reindex(table.index))
    table["revenue"] = table["revenue"].round(2)
    counted = ["customers", "share", "share_low", "share_high"]
    shown = table["customers"] >= max(minimum_group, 1)
    hidden = table.columns.difference(counted)
    table[hidden] = table[hidden].where(shown).astype("float64")
    table.insert(1, "shown", shown)
    table["orders"] = table["orders"].astype("Int64")
    return table.reset_index()[PROFILE_COLUMNS]


def _with_interval(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


PROFILE_COLUMNS = [
    "segment",
    "customers",
    "shown",
    *_with_interval("share"),
    "revenue",
    *_with_interval("revenue_share"),
    "orders",
    *[name for ratio in _RATIOS for name in _with_interval(ratio)],
    *[f"{name}_{ending}" for name in ("basket", *_RANGES) for ending in QUARTILES],
]


def overall_profile(ledger: Ledger, details: pd.DataFrame, *, seed: int) -> pd.Series:
    """Return the profile of all customers together, as a row of `segment_profiles`."""
    everyone = details.assign(everyone=EVERYONE)
    return segment_profiles(
        ledger, everyone, [EVERYONE], seed=seed, minimum_group=1, by="everyone"
    ).iloc[0]


def _countable(details: pd.DataFrame, by: str) -> pd.DataFrame:
    """Give each customer the numbers that are added up; in order, as draws depend on it."""
    return details.sort_values("customer_id", ignore_index=True).assign(
        segment=lambda t: t[by].astype("str"),
        one=1.0,
        returned=lambda t: (t["frequency"] > 1).astype(float),
        has_market=lambda t: t["abroad"].notna().astype(float),
    )


def _intervals(people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the intervals of shares and ratios, over bootstraps of the customers."""
    columns = sorted({"monetary", *(name for pair in _RATIOS.values() for name in pair)})
    code, names = pd.factorize(people["segment"], sort=True)
    values = people[columns].fillna(0.0).to_numpy(dtype=float)
    drawn = bootstrap.resampled_group_sums(values, code, seed)
    sums = dict(zip(columns, np.moveaxis(drawn, 2, 0), strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "share": sums["one"] / sums["one"].sum(axis=1, keepdims=True),
            "revenue_share": sums["monetary"] / sums["monetary"].sum(axis=1, keepdims=True),
        } | {ratio: sums[top] / sums[bottom] for ratio, (top, bottom) in _RATIOS.items()}
    ends = {
        f"{ratio}_{end}": value
        for ratio, values in found.items()
        for end, value in zip(("low", "high"), bootstrap.percentile_interval(values), strict=True)
    }
    table = pd.DataFrame(ends, index=names).round(6)
    known = people.groupby("segment")[["cancelled", "abroad"]].count() > 0
    for ratio, column in (
        ("cancelled_share", "cancelled"),
        ("cancelled_invoices_per_order", "cancelled"),
        ("abroad_share", "abroad"),
    ):
        both = [f"{ratio}_low", f"{ratio}_high"]
        table[both] = table[both].where(known[column].reindex(table.index), axis=0)
    return table


def _baskets(ledger: Ledger, details: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the quartiles of the values of orders, by segment."""
    lines = select_net_lines(ledger, details, by)
    orders = lines.group_by("segment", "customer_id", "order_id").aggregate(
        amount=lines.amount.sum()
    )
    value = orders.amount.cast("float64")
    table = (
        orders.group_by("segment")
        .aggregate(
            **{f"basket_{ending}": value.quantile(level) for ending, level in QUARTILES.items()}
        )
        .execute()
    )
    return table.set_index("segment")


def count_customers(customers: pd.DataFrame) -> dict[str, int]:
    """Return the number of customers in each segment."""
    sizes = customers["segment"].astype("str").value_counts()
    return {str(name): int(size) for name, size in sizes.items()}

"""Follow customers between segments from quarter to quarter.

Segments are counted again as of the end of each past quarter, with what was known then: lines and
cancellations dated before that day, and cut points of that day's own customers (or those of the
reference build, where there is one). A purchase that was cancelled later still counted. Early
quarters know less history than late ones, as a ledger begins somewhere: a customer of long
standing is new in its first quarter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import ibis
import numpy as np
import pandas as pd

from analysis.orders.as_of import lines_known_at, spend_after
from analysis.orders.ledger import GROSS, Ledger
from analysis.segments import rfm
from analysis.segments.names import GROUPS, NEW
from analysis.segments.rules import Segment, assign
from analysis.stats.intervals import wilson
from analysis.stats.periods import covered_quarters, covers, next_quarter, quarter_start

#: Two dates closer than this are not compared: half a quarter.
APART_DAYS = 45
#: The days of which sales are summed up to a build's day: a quarter.
RECENT = 91


def customers_at(
    ledger: Ledger, date: dt.date, rules: Sequence[Segment], cuts: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the customers and their segments at the beginning of a day, as known then.

    Parameters
    ----------
    ledger
        The ledger.
    date
        The day to which recency is counted; nothing dated on it or after it matters.
    rules
        From `segments.rules.read_segments`.
    cuts
        The cut points of an earlier build; without them, those of that day's own customers.

    Returns
    -------
    pandas.DataFrame
        As `segments.rfm.customers` has them, with r_score, f_score, m_score and segment, ordered
        by customer_id. Empty where nothing was sold before that day.
    """
    known = lines_known_at(ledger, date)
    people = rfm.customers(known, date, GROSS).order_by("customer_id").execute()
    if people.empty:
        return people.assign(
            **{f"{measure}_score": pd.Series(dtype="int64") for measure in rfm.MEASURES},
            segment=pd.Series(dtype="str"),
        )
    people = people.join(rfm.scores(people, rfm.cut_points(people) if cuts is None else cuts))
    return people.assign(segment=assign(people, list(rules)))


def recent_facts(ledger: Ledger, date: dt.date) -> dict[str, float]:
    """Return net revenue, orders and customers of the last `RECENT` days before a day.

    Only what was known at its beginning counts, as in `as_of.lines_known_at`.
    """
    lines = lines_known_at(ledger, date)
    first = ibis.timestamp(f"{date - dt.timedelta(days=RECENT)}")
    lines = lines.filter(lines.invoice_date >= first)
    row = (
        lines.aggregate(
            revenue=lines.amount.sum().cast("float64").fill_null(0.0),
            orders=lines.order_id.nunique(),
            customers=lines.customer_id.nunique(),
        )
        .execute()
        .iloc[0]
    )
    return {
        "recent.revenue": round(float(row["revenue"]), 2),
        "recent.orders": int(row["orders"]),
        "recent.customers": int(row["customers"]),
    }


def cut_offs(ledger: Ledger) -> list[dt.date]:
    """Return the days as of which segments are compared: after each past quarter, and today.

    A quarter counts when the ledger covers it, but for a few days at its ends. One that ended
    less than half a quarter before `as_of` is left to `as_of`.
    """
    first = ledger.first_day
    days = []
    start = quarter_start(first)
    while (end := next_quarter(start)) <= ledger.as_of - dt.timedelta(days=APART_DAYS):
        if covers(start, end, first, ledger.as_of):
            days.append(end)
        start = end
    return [*days, ledger.as_of]


def history(
    ledger: Ledger, rules: Sequence[Segment], cuts: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return every customer's segment at each of the `cut_offs`; not to be published.

    Returns
    -------
    pandas.DataFrame
        date, customer_id, monetary, segment.
    """
    parts = []
    for date in cut_offs(ledger):
        people = customers_at(ledger, date, rules, cuts)[["customer_id", "monetary", "segment"]]
        parts.append(people.assign(date=pd.Timestamp(date)))
    return pd.concat(parts, ignore_index=True)[["date", "customer_id", "monetary", "segment"]]


def movement(past: pd.DataFrame, names: Sequence[str], minimum_group: int = 1) -> pd.DataFrame:
    """Return the size of each segment at each date.

    Parameters
    ----------
    past
        From `history`.
    names
        All segments, from the most to the least valuable.
    minimum_group
        The revenue of fewer customers is not told.

    Returns
    -------
    pandas.DataFrame
        date (the first day after the quarter), quarter_end (the day before it), segment,
        customers, share, revenue (net, since the ledger begins, as known then), revenue_share.
    """
    groups = past.groupby(["date", "segment"])["monetary"].agg(["size", "sum"])
    dates = sorted(past["date"].unique())
    every = pd.MultiIndex.from_product([dates, list(names)], names=["date", "segment"])
    table = groups.reindex(every).fillna(0.0).reset_index()
    total = table.groupby("date")[["size", "sum"]].transform("sum")
    hidden = table["size"] < max(minimum_group, 1)
    return pd.DataFrame(
        {
            "date": table["date"],
            "quarter_end": table["date"] - pd.Timedelta(days=1),
            "segment": table["segment"].astype("str"),
            "customers": table["size"].astype("int64"),
            "share": table["size"] / total["size"],
            "revenue": table["sum"].round(2).mask(hidden),
            "revenue_share": (table["sum"] / total["sum"]).mask(hidden),
        }
    )


def migration(past: pd.DataFrame, names: Sequence[str], minimum_group: int = 1) -> pd.DataFrame:
    """Return how many customers went from each segment to each, between the last two dates.

    Returns
    -------
    pandas.DataFrame
        before and after (the dates), from_segment (`NEW` for those who came in between),
        to_segment, customers, share (of `from_segment`), few: from 1 to less than `minimum_group`
        customers, who are not counted out (customers and share are missing). Customers whose
        every purchase was cancelled in between are no longer customers, and are left out.
        Empty with one date.
    """
    columns = ["before", "after", "from_segment", "to_segment", "customers", "share", "few"]
    if past["date"].nunique() < 2:
        return pd.DataFrame(columns=columns)
    before, after = sorted(past["date"].unique())[-2:]
    flows = _flows(past, names)
    table = flows.reset_index().melt("from_segment", value_name="customers")
    table["from_segment"] = pd.Categorical(table["from_segment"], list(flows.index))
    table = table.sort_values("from_segment", kind="stable", ignore_index=True)
    table["from_segment"] = table["from_segment"].astype("str")
    size = flows.sum(axis=1)
    few = (table["customers"] > 0) & (table["customers"] < minimum_group)
    share = table["customers"] / table["from_segment"].map(size).where(lambda n: n > 0)
    return table.assign(
        before=before,
        after=after,
        customers=table["customers"].astype("Int64").mask(few),
        share=share.mask(few),
        few=few,
    )[columns]


def _flows(past: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the counts of customers by segment at the last two dates: from (rows), to."""
    before, after = sorted(past["date"].unique())[-2:]
    then = past[past["date"] == before].set_index("customer_id")["segment"]
    now = past[past["date"] == after].set_index("customer_id")["segment"]
    pairs = pd.DataFrame({"to_segment": now, "from_segment": then.reindex(now.index).fillna(NEW)})
    flows = pd.crosstab(pairs["from_segment"], pairs["to_segment"])
    return flows.reindex(
        index=pd.Index([*names, NEW], name="from_segment"),
        columns=pd.Index(names, name="to_segment"),
        fill_value=0,
    )


def group_segments(rules: Sequence[Segment]) -> dict[str, str]:
    """Return the group of each segment: frequent or not, and recent or not.

    A segment is frequent (recent) where the frequency (recency) scores that belong to it are 3 or
    more on average.

    Examples
    --------
    >>> from analysis.segments.rules import read_segments
    >>> group_segments(read_segments())["Champions"]
    'frequent-recent'
    """
    found = {}
    for rule in rules:
        scores = np.array([one for box in rule.boxes for one in box.combinations()], dtype=float)
        recent, frequent = scores[:, :2].mean(axis=0) >= 3
        found[rule.name] = GROUPS[2 * int(not frequent) + int(not recent)]
    return found


def group_flows(
    past: pd.DataFrame, groups: Mapping[str, str], minimum_group: int = 1
) -> pd.DataFrame:
    """Return how many customers went from each of four groups to each, between the last two dates.

    Parameters
    ----------
    past
        From `history`.
    groups
        From `group_segments`.
    minimum_group
        Fewer customers are not counted out.

    Returns
    -------
    pandas.DataFrame
        As `migration` has it, with `GROUPS` in place of segments.
    """
    grouped = past.assign(segment=past["segment"].map(groups))
    return migration(grouped, GROUPS, minimum_group)


def retention(
    ledger: Ledger,
    past: pd.DataFrame,
    names: Sequence[str],
    minimum_group: int = 1,
) -> pd.DataFrame:
    """Return which share of each segment ordered in the quarter after a quarter's end.

    Parameters
    ----------
    ledger
        The ledger.
    past
        From `history`.
    names
        All segments, in order.
    minimum_group
        Segments with fewer customers at the date are left out.

    Returns
    -------
    pandas.DataFrame
        date (the first day of the quarter that follows), segment, customers (at the date),
        retained (who had a net sale in that quarter), share, low, high (Wilson's 95% interval).
        Only quarters that the ledger covers to their end.
    """
    columns = ["date", "segment", "customers", "retained", "share", "low", "high"]
    parts = []
    for start, end in covered_quarters(sorted(past["date"].unique()), ledger.as_of):
        date = pd.Timestamp(start)
        people = past[past["date"] == date]
        came = people["customer_id"].isin(spend_after(ledger, start, end).index)
        table = came.groupby(people["segment"]).agg(["size", "sum"])
        table = table[table["size"] >= max(minimum_group, 1)]
        table = table.reindex([name for name in names if name in table.index])
        low, high = wilson(table["sum"], table["size"])
        parts.append(
            pd.DataFrame(
                {
                    "date": date,
                    "segment": table.index.astype("str"),
                    "customers": table["size"].to_numpy(dtype="int64"),
                    "retained": table["sum"].to_numpy(dtype="int64"),
                    "share": (table["sum"] / table["size"]).to_numpy(dtype=float),
                    "low": low,
                    "high": high,
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

"""Say in a sentence what each table of segments shows.

Every sentence is computed, and holds for empty tables, single rows, ties and missing columns.
Names from the data stand in them as they are: whoever prints a sentence escapes it.
"""

from __future__ import annotations

import pandas as pd

from analysis.core.formatting import (
    count,
    day,
    join_words,
    median_text,
    money,
    percent,
    points,
    shorten,
    top_row,
)
from analysis.segments.names import NEW, SUPPORT, TRAITS

NO_SEGMENT = "No segment is large enough to be described."
TOO_SHORT = "The ledger covers no two dates half a quarter apart, too few to see movement."


def _name(text: str) -> str:
    return shorten(text)


def size_value(profiles: pd.DataFrame) -> str:
    """Say which segment brings most, and how many customers that takes."""
    shown = profiles[profiles["shown"]]
    if shown.empty:
        return NO_SEGMENT
    best = top_row(shown, "revenue_share")
    text = (
        f"{percent(best['revenue_share'])} of net revenue comes from {_name(best['segment'])}, "
        f"{percent(best['share'])} of customers"
    )
    if len(shown) == 1:
        return f"{text}."
    largest = top_row(shown, "customers")
    if largest["segment"] == best["segment"]:
        return f"{text}: no segment is larger."
    return (
        f"{text}; the largest segment, {_name(largest['segment'])} with "
        f"{percent(largest['share'])} of customers, brings {percent(largest['revenue_share'])}."
    )


def small_segments(profiles: pd.DataFrame, minimum_group: int) -> str:
    """Say which segments are empty, and which too small to describe; nothing when none is."""
    empty = [_name(name) for name in profiles.loc[profiles["customers"] == 0, "segment"]]
    hidden = profiles[(profiles["customers"] > 0) & ~profiles["shown"]]
    tiny = [
        f"{_name(name)} ({number})"
        for name, number in zip(hidden["segment"], hidden["customers"], strict=True)
    ]
    parts = []
    if empty:
        parts.append(f"Nobody is in {join_words(empty, 'or')} now.")
    if tiny:
        fewer = f"fewer than {count(minimum_group, 'customer')}"
        parts.append(f"Too small to be described ({fewer}): {join_words(tiny)}.")
    return " ".join(parts)


def heatmap(table: pd.DataFrame) -> str:
    """Say which segment stands furthest from the mean, and by what."""
    if table.empty:
        return NO_SEGMENT
    far = top_row(table.assign(far=table["z"].abs()), "far")
    if far["far"] < 0.05:
        return "No segment differs from the mean of all customers in any measure."
    way = "above" if far["z"] > 0 else "below"
    return (
        f"The segment furthest from the mean of all customers is {_name(far['segment'])}, by "
        f"{TRAITS[far['measure']]}: its median is {far['far']:.1f} standard deviations {way} it."
    )


def baskets(profiles: pd.DataFrame, currency: str) -> str:
    """Say where the median order is largest and smallest."""
    shown = profiles.dropna(subset=["basket_median"])
    if shown.empty:
        return NO_SEGMENT
    best = top_row(shown, "basket_median")
    least = top_row(shown.assign(basket_median=-shown["basket_median"]), "basket_median")
    high, low = money(best["basket_median"], currency), money(-least["basket_median"], currency)
    if high == low:
        return f"The median order is worth {high} in every segment that is described."
    return (
        f"The median order is worth {high} among {_name(best['segment'])}, the most of all "
        f"segments, and {low} among {_name(least['segment'])}, the least."
    )


def returns(profiles: pd.DataFrame, overall: pd.Series) -> str:
    """Say which segment cancels most, and whether chance could explain it."""
    if pd.isna(overall["cancelled_share"]):
        return "The files do not tell which lines are cancellations."
    shown = profiles.dropna(subset=["cancelled_share"])
    if shown.empty:
        return NO_SEGMENT
    if not overall["cancelled_share"]:
        return "Nothing was cancelled."
    worst = top_row(shown, "cancelled_share")
    beyond = worst["cancelled_share_low"] > overall["cancelled_share_high"]
    share, usual = percent(worst["cancelled_share"], 1), percent(overall["cancelled_share"], 1)
    interval = (
        f"95% interval {percent(worst['cancelled_share_low'], 1)} to "
        f"{percent(worst['cancelled_share_high'], 1)}"
    )
    if beyond:
        return (
            f"Most is cancelled by {_name(worst['segment'])}, {share} of purchases by value "
            f"({interval}; all customers {usual})."
        )
    return (
        f"Of all purchases by value {usual} were cancelled, and no segment clearly cancels more: "
        f"the highest share, {share} among {_name(worst['segment'])}, is uncertain ({interval})."
    )


def countries(profiles: pd.DataFrame, overall: pd.Series) -> str:
    """Say in which segments customers outside the home market are over-represented."""
    if pd.isna(overall["abroad_share"]):
        return "The files do not tell in which country customers are."
    usual = percent(overall["abroad_share"], 1)
    if not overall["abroad_share"]:
        return "All customers are in the home market."
    more = profiles[profiles["abroad_share_low"] > overall["abroad_share_high"]]
    if more.empty:
        return (
            f"{usual} of all customers are outside the home market, and no segment has clearly "
            "more of them."
        )
    parts = [
        f"{_name(name)} ({percent(share, 1)})"
        for name, share in zip(more["segment"], more["abroad_share"], strict=True)
    ]
    return (
        f"{usual} of all customers are outside the home market; clearly more are among "
        f"{join_words(parts)}."
    )


def second_order(profiles: pd.DataFrame, overall: pd.Series) -> str:
    """Say how many customers have a second order, and how soon it came."""
    if not overall["second_order_share"]:
        return "Nobody has a second order yet."
    median = median_text(overall["second_days_median"])
    low, high = median_text(overall["second_days_q1"]), median_text(overall["second_days_q3"])
    days = "day" if median == "1" else "days"
    return (
        f"{percent(overall['second_order_share'])} of customers have ordered twice or more; their "
        f"second order came {median} {days} after the first at the median (middle half {low} to "
        f"{high})."
    )


def products(table: pd.DataFrame, names_products: bool = True) -> str:
    """Say which product stands out most, and in how many segments any does."""
    if not names_products:
        return "The files name no products."
    if table.empty:
        return (
            "No product is over-represented in any segment beyond chance, among those bought by "
            f"{percent(SUPPORT)} of it or more."
        )
    top = top_row(table, "low")
    some = table["segment"].nunique()
    return (
        f"{shorten(top['description'])} stands out most: {top['lift']:.1f} times as common in "
        f"purchases of {_name(top['segment'])} as in all (95% interval {top['low']:.1f} to "
        f"{top['high']:.1f}); {count(some, 'segment has', 'segments have')} such products."
    )


# ------------------------------------------------------------------------- movement


def movement(table: pd.DataFrame) -> str:
    """Say which segment's share grew most, and which shrank most, between the last two dates."""
    if table["date"].nunique() < 2:
        return TOO_SHORT
    before, now = sorted(table["date"].unique())[-2:]
    shares = table.pivot(index="segment", columns="date", values="share")
    shares = shares.reindex(table["segment"].unique())
    moved = (shares[now] - shares[before]).reset_index(name="moved")
    up, down = top_row(moved, "moved"), top_row(moved.assign(less=-moved["moved"]), "less")
    if up["moved"] < 0.0005:
        return "Every segment kept its share of customers since the quarter before."

    def write_share(row: pd.Series) -> str:
        then, share = shares.loc[row["segment"], before], shares.loc[row["segment"], now]
        return f"{_name(row['segment'])} ({points(share, then)} to {percent(share, 1)})"

    since = day(pd.Timestamp(before) - pd.Timedelta(days=1))
    return (
        f"Since {since} the share of customers grew most for {write_share(up)}, and shrank most "
        f"for {write_share(down)}."
    )


def migration(flows: pd.DataFrame) -> str:
    """Say how many customers rose, fell and stayed (from `segments.movement.direction`)."""
    if flows.empty:
        return TOO_SHORT
    kinds = {row["kind"]: row for row in flows.to_dict("records")}
    total = sum(kinds[kind]["customers"] for kind in ("up", "down", "stayed"))
    balance = kinds["balance"]
    if balance["low"] > 0:
        verdict = "more rose than fell, beyond chance"
    elif balance["high"] < 0:
        verdict = "more fell than rose, beyond chance"
    else:
        verdict = "the balance is within chance"
    return (
        f"Of {count(total, 'customer')} at both dates, {percent(kinds['up']['share'])} moved "
        f"up the list of segments, {percent(kinds['down']['share'])} moved down and "
        f"{percent(kinds['stayed']['share'])} stayed: {verdict}."
    )


def retention(table: pd.DataFrame) -> str:
    """Say which segments came back most and least in the last whole quarter."""
    if table.empty:
        return "The ledger covers no whole quarter after the end of one, so nobody can be followed."
    last = table[table["date"] == table["date"].max()]
    quarter = pd.Timestamp(last["date"].iloc[0])
    when = f"Q{quarter.quarter} {quarter.year}"
    share = percent(last["retained"].sum() / last["customers"].sum())
    text = f"{share} of the customers whom the shop had when {when} began ordered in that quarter"
    best = top_row(last, "share")
    least = top_row(last.assign(less=-last["share"]), "less")
    high, low = percent(best["share"]), percent(least["share"])
    if high == low:
        return f"{text}."
    return f"{text}: {high} of {_name(best['segment'])}, but {low} of {_name(least['segment'])}."


def newcomers(table: pd.DataFrame) -> str:
    """Say where customers of the last period landed (from `segments.movement.migration`)."""
    if table.empty:
        return TOO_SHORT
    came = table[(table["from_segment"] == NEW) & table["customers"].notna()]
    if came.empty or not came["customers"].sum():
        return "No group of new customers came that is large enough to tell."
    top = top_row(came, "customers")
    return (
        f"The most new customers, {count(top['customers'])}, were in {_name(top['to_segment'])} at "
        "the end."
    )

"""Say in a sentence what each table of sales shows.

Every sentence is computed, and holds for empty tables, single rows, ties and falling numbers.
Names from the data stand in them as they are: whoever prints a sentence escapes it.
"""

from __future__ import annotations

import pandas as pd

from analysis.core.formatting import (
    WEEKDAYS,
    change,
    count,
    join_words,
    money,
    month,
    months,
    percent,
    shorten,
    top_row,
)
from analysis.orders.names import TOP_PRODUCTS

NO_SALES = "There are no net sales to show."
NO_WHOLE_MONTH = "The ledger covers no whole month yet."


def cleaning_steps(steps: pd.DataFrame) -> str:
    """Say how much of the ledger becomes net sales, and where most is lost."""
    read, net = steps.iloc[0], steps.iloc[-1]
    if not read["rows"]:
        return NO_SALES
    share = percent(net["rows"] / read["rows"], 1)
    worst = top_row(steps, "removed_rows")
    if not worst["removed_rows"]:
        return f"All {count(read['rows'], 'row')} are net sales."
    reasons = {
        1: "have no customer id, break a rule or repeat a row of another file",
        2: "are exact duplicates",
        3: "are cancellations",
        4: "have no positive quantity and price",
        5: "are no products",
        6: "were taken back by a cancellation",
    }
    lost = count(worst["removed_rows"], "row")
    return (
        f"{share} of {count(read['rows'], 'row')} are net sales; "
        f"the largest group left out: {lost} that {reasons[worst['cleaning_step']]}."
    )


def revenue(table: pd.DataFrame, currency: str) -> str:
    """Say which whole month brought most, and how it compares with the weakest."""
    whole = table[table["whole"]]
    if whole.empty:
        return NO_WHOLE_MONTH
    best = top_row(whole, "net_revenue")
    least = top_row(whole.assign(net_revenue=-whole["net_revenue"]), "net_revenue")
    text = f"{month(best['month'])} brought the most, {money(best['net_revenue'], currency)}"
    if len(whole) == 1:
        return f"{text} (it is the only whole month)."
    if least["net_revenue"] >= 0:
        return f"{text}; {month(least['month'])} brought nothing."
    times = best["net_revenue"] / -least["net_revenue"]
    return f"{text}: {times:.1f} times as much as {month(least['month'])}, the weakest whole month."


def orders(recent: pd.DataFrame, currency: str) -> str:
    """Say how orders and the order value moved between the last two periods."""
    periods = {row["period"]: row for row in recent.to_dict("records")}
    if "latest" not in periods:
        return "The ledger covers fewer than three whole months, too few to compare."
    now = periods["latest"]
    span = months(now["first"], now["last"])
    if "before" not in periods:
        return f"In {span} customers placed {count(now['orders'], 'order')}."
    before = periods["before"]
    moved = _compare_with(now["orders"], before["orders"], "the three months before")
    return (
        f"In {span} customers placed {count(now['orders'], 'order')}, {moved}; the mean order is "
        f"{money(now['mean_order'], currency)}, {change(now['mean_order'], before['mean_order'])}."
    )


def _compare_with(now: float, before: float, what: str) -> str:
    moved = change(now, before)
    return f"as in {what}" if moved == "unchanged" else f"{moved} on {what}"


def new_customers(table: pd.DataFrame) -> str:
    """Say what share of the last whole month's customers ordered for the first time."""
    whole = table[table["whole"]]
    if whole.empty or not whole.iloc[-1]["customers"]:
        return (
            NO_WHOLE_MONTH
            if whole.empty
            else f"Nobody ordered in {month(whole.iloc[-1]['month'])}."
        )
    last = whole.iloc[-1]
    share = percent(last["new_customers"] / last["customers"])
    return (
        f"In {month(last['month'])}, {share} of {count(last['customers'], 'customer')} who ordered "
        "did so for the first time."
    )


def week(table: pd.DataFrame) -> str:
    """Say when most orders come, and which days have none."""
    if table.empty:
        return NO_SALES
    if table["hour"].nunique() == 1:
        return "The ledger has dates without the time of day, so hours tell nothing."
    by_day = table.groupby("weekday", as_index=False)[["orders"]].sum()
    by_hour = table.groupby("hour", as_index=False)[["orders"]].sum()
    day = WEEKDAYS[top_row(by_day, "orders")["weekday"]]
    hour = top_row(by_hour, "orders")["hour"]
    silent = [name for n, name in enumerate(WEEKDAYS) if n not in set(by_day["weekday"])]
    missing = (
        f"; {join_words(silent, 'and')} {'has' if len(silent) == 1 else 'have'} none"
        if silent
        else ""
    )
    return f"{day} is the busiest day and {hour}:00 to {hour + 1}:00 the busiest hour{missing}."


def countries(table: pd.DataFrame) -> str:
    """Say how much the home market brings, and which market follows."""
    if table.empty:
        return NO_SALES
    home, rest = table[table["home"]], table[~table["home"]]
    if home.empty:
        return f"{shorten(table.iloc[0]['country'])} is the largest market."
    name, share = shorten(home.iloc[0]["country"]), percent(home.iloc[0]["share"], 1)
    if rest.empty:
        return f"All net revenue comes from {name}."
    singles = rest[rest["countries"] == 1]
    if singles.empty:
        return f"{name} brings {share} of net revenue; no other market is large enough to show."
    next_one = singles.iloc[0]
    return (
        f"{name} brings {share} of net revenue; the next market, "
        f"{shorten(next_one['country'])}, {percent(next_one['share'], 1)}."
    )


def markets(table: pd.DataFrame) -> str:
    """Say whether the home market and the others add up to all, and why not (`orders.tables`).

    Examples
    --------
    >>> rows = {"market": ["All markets", "UK", "All other markets"], "customers": [9, 8, 3]}
    >>> markets(pd.DataFrame(rows))
    'The customers of the parts add up to more than all customers: 2 ordered from both.'
    """
    everybody, *parts = table["customers"]
    both = int(sum(parts) - everybody) if len(parts) == 2 else 0
    if not both:
        return ""
    return (
        "The customers of the parts add up to more than all customers: "
        f"{count(both)} ordered from both."
    )


def products(table: pd.DataFrame) -> str:
    """Say how much the best sellers bring, and how many of them mostly came back."""
    if table.empty:
        return NO_SALES
    top = table.head(TOP_PRODUCTS)
    together = percent(top["share"].sum(), 1)
    text = (
        f"The top {len(top)} of {count(len(table), 'product')} bring {together} of gross revenue"
        if len(table) > len(top)
        else f"The ledger has {count(len(table), 'product')}"
    )
    back = int((top["returned_share"] >= 0.5).sum())
    if not back:
        return f"{text}."
    were = "was" if back == 1 else "were"
    return f"{text}, but {back} of them {were} mostly cancelled."


def returns(table: pd.DataFrame, share: float) -> str:
    """Say how much of gross revenue is cancelled, and in which whole month the share was highest.

    Parameters
    ----------
    table
        From `orders.tables.monthly`.
    share
        The fact ``transactions.cancelled_share``: over all days, broken months included.
    """
    whole = table[table["whole"] & (table["gross_revenue"] > 0)]
    if whole.empty:
        return NO_WHOLE_MONTH
    whole = whole.assign(share=whole["cancelled_revenue"] / whole["gross_revenue"])
    worst = top_row(whole, "share")
    if not share:
        return "Nothing was cancelled."
    if not worst["share"]:
        return f"{percent(share, 1)} of gross revenue was cancelled, none of it in a whole month."
    return (
        f"{percent(share, 1)} of gross revenue was cancelled; among whole months the share was "
        f"highest in {month(worst['month'])}, {percent(worst['share'], 1)}."
    )


def top_share(share: float, low: float, high: float) -> str:
    """Say how much the top fifth of customers bring, with its interval."""
    return (
        f"The top 20% of customers bring {percent(share, 1)} of gross revenue "
        f"(95% interval {percent(low, 1)} to {percent(high, 1)})."
    )


def cohorts(table: pd.DataFrame) -> str:
    """Say how many new customers order again soon, leaving out the first cohort.

    The first cohort holds everybody who was a customer before the ledger begins.
    """
    later = table[table["cohort"] > table["cohort"].min()] if len(table) else table
    soon = later[later["months"].between(1, 3) & later["whole"]]
    ready = soon.groupby("cohort")["months"].transform("max") == 3 if len(soon) else []
    soon = soon[ready]
    if soon.empty:
        return "The ledger is too short to follow new customers for three months."
    by_month = soon.groupby("months")[["customers", "size"]].sum()
    rates = [percent(rate) for rate in by_month["customers"] / by_month["size"]]
    return (
        f"Of new customers {rates[0]} order again in the first month after, {rates[1]} in the "
        f"second and {rates[2]} in the third."
    )

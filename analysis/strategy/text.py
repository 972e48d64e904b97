"""Say what the actions are worth and what their experiments can show.

Every sentence is computed, and holds where nothing pays, where nothing is known, where a half is
missing and where there is one segment only. Worths rest on assumptions, and the sentences say so.
"""

from __future__ import annotations

import pandas as pd

from analysis.core.formatting import (
    amount,
    capital,
    count,
    join_words,
    money,
    percent,
    shorten,
    top_row,
)
from analysis.strategy.names import (
    COST,
    ENOUGH,
    NEVER,
    RATE,
    REACH,
    TOGETHER,
    TOO_SMALL,
    UPLIFT,
    VALUE,
)

NOTHING = "There is no action whose worth could be told."
#: What the assumptions are called: in the ledger, and among the regular customers.
ASSUMPTIONS = {
    "ledger": {
        UPLIFT: "uplift",
        VALUE: "spend of one who is won",
        RATE: "margin",
        REACH: "share who can be contacted",
        COST: "cost of a contact",
    },
    "activity": {
        UPLIFT: "uplift",
        VALUE: "profit of one who is kept",
        RATE: "profit at stake",
        COST: "cost of a contact",
    },
}


def write_amount(value: float, half: str, currency: str = "", unit: str = " units") -> str:
    """Write an amount of one half: money in the ledger, the unknown unit of the other.

    Examples
    --------
    >>> write_amount(1234.5, "ledger", "£"), write_amount(-0.0068, "activity")
    ('£1,234', '−0.0068 units')
    """
    if pd.isna(value):
        return "not known"
    if half == "ledger":
        return money(round(value, 2) + 0.0, currency).replace("-", "−")
    text = f"{value:.2g}".replace("-", "−") if 0 < abs(value) < 1 else amount(value)
    return f"{text}{unit}"


def sentence(text: str) -> str:
    """Return a text of the actions with its full stop.

    Examples
    --------
    >>> sentence("Once a quarter"), sentence("No calls.")
    ('Once a quarter.', 'No calls.')
    """
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def points(share: float) -> str:
    """Write an uplift in percentage points.

    Examples
    --------
    >>> points(0.015), points(0.00073), points(0.0), points(0.2)
    ('1.5 points', '0.07 points', '0 points', '20 points')
    """
    if pd.isna(share):
        return "not known"
    value = share * 100
    digits = 2 if 0 < abs(value) < 0.1 else 1
    return f"{value:.{digits}f}".removesuffix(".0") + (" point" if value == 1 else " points")


def _ranked_actions(actions: pd.DataFrame) -> pd.DataFrame:
    known = actions[actions["rank"].notna()] if len(actions) else actions
    return known.sort_values("rank", kind="stable") if len(known) else known


def _span(row: pd.Series, half: str, currency: str) -> str:
    ends = [write_amount(row[name], half, currency, unit="") for name in ("low", "high")]
    return f"{ends[0]} to {ends[1]}"


def expected_value(actions: pd.DataFrame, half: str, currency: str = "") -> str:
    """Say how many actions are expected to pay, and which brings most for a contact.

    Parameters
    ----------
    actions
        One half's rows of `strategy.value.value_actions`.
    half, currency
        Of the half.
    """
    known = _ranked_actions(actions)
    if known.empty:
        return NOTHING
    pays = known[known["value_per_contact"] > 0]
    if pays.empty:
        what = "the action is not" if len(known) == 1 else f"none of the {len(known)} actions is"
        return f"As assumed, {what} expected to bring more than it costs."
    top = known.iloc[0]
    name, each = shorten(top["segment"]), write_amount(top["value_per_contact"], half, currency)
    if len(known) == 1:
        return f"As assumed, a contact with '{name}' is expected to bring {each} after its cost."
    how = f"all {len(known)}" if len(pays) == len(known) else f"{len(pays)} of {len(known)}"
    verb = "is" if len(pays) == 1 else "are"
    return (
        f"As assumed, {how} actions {verb} expected to pay; a contact with '{name}' brings most, "
        f"{each} after its cost."
    )


def losing_action(row: pd.Series) -> str:
    """Say what is done with a segment whose action does not pay, and what would change that.

    Parameters
    ----------
    row
        Of `strategy.value.value_actions`.
    """
    text = "Leave these customers to the regular newsletter."
    if pd.isna(row["break_even_uplift"]):
        return f"{text} No uplift would make an action pay."
    return (
        f"{text} An action at {row['cost_per_contact']:g} a contact would have to win "
        f"{points(row['break_even_uplift'])} of those contacted to break even; we expect "
        f"{points(row['uplift'])}."
    )


def largest_total(actions: pd.DataFrame, half: str, currency: str = "") -> str:
    """Say which action brings most in all, where another one brings most for a contact."""
    known = _ranked_actions(actions)
    if known.empty:
        return ""
    first, best = known.iloc[0], top_row(known, "expected_profit")
    if best["segment"] == first["segment"] or not best["expected_profit"] > 0:
        return ""
    return (
        f"For each contact {_quote(first['segment'])} brings most; in all, "
        f"{_quote(best['segment'])} does, "
        f"{write_amount(best['expected_profit'], half, currency)}."
    )


def loss_risk(actions: pd.DataFrame) -> str:
    """Say which actions could also lose, within what is assumed."""
    known = _ranked_actions(actions)
    if known.empty:
        return NOTHING
    loses, pays = known["high"] <= 0, known["low"] >= 0
    said = []
    if pays.all():
        said.append("it pays" if len(known) == 1 else "all of them pay")
    elif pays.any():
        said.append(f"{pays.sum()} of {len(known)} {'pays' if pays.sum() == 1 else 'pay'}")
    for rows, verb in ((known[~pays & ~loses], "may pay or lose"), (known[loses & ~pays], "lose")):
        if len(rows):
            ending = "s" * (verb == "lose" and len(rows) == 1)
            said.append(f"{join_words([_quote(name) for name in rows['segment']])} {verb}{ending}")
    return f"Within the middle 95% of what the assumptions allow, {'; '.join(said)}."


def missing_values(actions: pd.DataFrame) -> str:
    """Say which actions have no value, and why; nothing where all have one."""
    left = actions[actions["reason"].fillna("") != ""] if len(actions) else actions
    said = [
        f"{join_words([_quote(name) for name in rows['segment']])} ({reason})"
        for reason, rows in left.groupby("reason", sort=False)
    ]
    return f"No worth can be told for {'; '.join(said)}." if said else ""


def _quote(name: object) -> str:
    return f"'{shorten(name)}'"


def assumption(name: str, half: str) -> str:
    """Return what an assumption is called in one half."""
    return ASSUMPTIONS[half].get(name, name)


def tornado(table: pd.DataFrame, half: str, currency: str = "") -> str:
    """Say which assumption matters most for one action, and whether it can turn the result.

    Parameters
    ----------
    table
        From `strategy.value.tornado`, one action.
    half, currency
        Of the half.
    """
    moved = table[table["swing"] > 0] if len(table) else table
    if moved.empty:
        return "No assumption has a range, so none can move the result."
    top = top_row(moved, "swing")
    low, high = sorted([top["profit_low"], top["profit_high"]])
    what = capital(assumption(top["assumption"], half))
    ends = [write_amount(low, half, currency, unit=""), write_amount(high, half, currency)]
    turning = moved[
        moved[["profit_low", "profit_high"]].min(axis=1).lt(0)
        & moved[["profit_low", "profit_high"]].max(axis=1).gt(0)
    ]
    text = f"{what} matters most for '{shorten(top['segment'])}': from {ends[0]} to {ends[1]}"
    if turning.empty:
        keeps = "a profit" if low >= 0 else "a loss"
        return f"{text}; no single assumption turns {keeps} into the opposite."
    if len(turning) == 1 and turning["assumption"].iloc[0] == top["assumption"]:
        return f"{text}; no other assumption alone decides between profit and loss."
    return f"{text}; {count(len(turning), 'assumption')} could each decide between profit and loss."


def order(budget: pd.DataFrame, by: str, limit: float, half: str, currency: str = "") -> str:
    """Say whom first with so many contacts, or so much money.

    Parameters
    ----------
    budget
        One half's rows of `strategy.budget.budget`.
    by
        ``contacts`` or ``money``.
    limit
        What there is; 0: no limit.
    half, currency
        Of the half.
    """
    rows = budget[budget["by"] == by] if len(budget) else budget
    if rows.empty:
        return "As assumed, no action pays: keep the money."
    what = count(limit, "contact") if by == "contacts" else write_amount(limit, half, currency)
    which = "the one action that pays" if len(rows) == 1 else f"all {len(rows)} actions that pay"
    part = rows["taken"] < rows["contacts"] * (1 - 1e-9)
    profit = write_amount(rows["taken_profit"].sum(), half, currency)
    if not part.any():
        start = f"{capital(what)} would do for" if limit else "Without a limit there is room for"
        return f"{start} {which}: an expected {profit}."
    some = rows[rows["taken"] > 0]
    names = [_quote(name) for name in some["segment"]]
    who = join_words(names if len(names) < 5 else [*names[:3], f"{len(names) - 3} more"])
    ending = ", the last in part" if part[some.index].any() and len(some) > 1 else ""
    ending = ", in part" if part[some.index].any() and len(some) == 1 else ending
    goes = "goes" if what.startswith("1 ") else "go"
    return f"{capital(what)} {goes} to {who}{ending}: an expected {profit}."


def two_orders(budget: pd.DataFrame) -> str:
    """Say whether contacts and money would go to the actions in the same order."""
    orders = [list(rows["segment"]) for _, rows in budget.groupby("by")] if len(budget) else []
    if len(orders) < 2 or len(orders[0]) < 2:
        return ""
    if orders[0] == orders[1]:
        return "Either way, the order is the same."
    return (
        "The two orders differ, because an expensive contact may bring much and still bring little "
        "for its money."
    )


def budget_curve(budget: pd.DataFrame, half: str, currency: str = "") -> str:
    """Say how the profit grows with the contacts."""
    rows = budget[budget["by"] == "contacts"] if len(budget) else budget
    if rows.empty:
        return "As assumed, no action pays, so no number of contacts does."
    last = rows.iloc[-1]
    total = write_amount(last["cumulative_profit"], half, currency)
    contacts = count(last["cumulative_contacts"], "contact")
    verb = "brings" if contacts == "1 contact" else "bring"
    text = f"As assumed, {contacts} {verb} {total} ({_span(last, half, currency)})"
    enough = rows[rows["cumulative_profit"] >= 0.5 * last["cumulative_profit"]].iloc[0]
    if len(rows) > 1 and enough["cumulative_contacts"] < last["cumulative_contacts"]:
        share = percent(enough["cumulative_contacts"] / last["cumulative_contacts"])
        return f"{text}; the first {share} of them bring at least half of it."
    return f"{text}."


def experiments(table: pd.DataFrame) -> str:
    """Say how many segments are large enough for a trial that tells whether the action pays."""
    single = table[table["segment"] != TOGETHER] if len(table) else table
    if single.empty:
        return "No trial can be planned: no action has a worth and a past rate."
    never = single[single["verdict"] == NEVER]
    names = join_words([_quote(name) for name in never["segment"]])
    text = f" For {names} no uplift that is possible would pay." if len(never) else ""
    single = single[single["verdict"].isin([ENOUGH, TOO_SMALL])]
    if single.empty:
        return text.strip() or "No trial can be planned: no action is assumed to change anything."
    enough = single[single["verdict"] == ENOUGH]
    total, what = len(single), "large enough to tell the smallest uplift worth having"
    if len(enough) in (0, total):
        several = f"All {total} segments are" if len(enough) else f"None of the {total} segments is"
        one = f"The segment is{'' if len(enough) else ' not'}"
        return f"{one if total == 1 else several} {what}.{text}"
    names = join_words([_quote(name) for name in enough["segment"]])
    verb = "is" if len(enough) == 1 else "are"
    return f"Of {total} segments, {len(enough)} {verb} {what}: {names}.{text}"


def joint_experiment(table: pd.DataFrame, actions: pd.DataFrame, waves: int) -> str:
    """Say what a trial of all actions together could tell.

    Parameters
    ----------
    table
        One half's rows of `strategy.experiments.plan_experiments`.
    actions
        One half's rows of `strategy.value.value_actions`.
    waves
        How many quarters a trial may take.
    """
    rows = table[table["segment"] == TOGETHER] if len(table) else table
    if rows.empty:
        return ""
    row = rows.iloc[0]
    time = f"{count(waves, 'quarter')}"
    if pd.isna(row["detectable"]):
        return f"All that pay together are too few to tell anything within {time}."
    pays = actions[actions["value_per_contact"] > 0]
    likely = float((pays["uplift"] * pays["contacts"]).sum() / pays["contacts"].sum())
    text = (
        f"A trial of all that pay together, {count(row['contacts'], 'customer')} a quarter, could "
        f"tell {points(row['detectable'])} within {time}; the likely uplift, as assumed, is "
        f"{points(likely)}"
    )
    if row["detectable"] <= likely:
        return f"{text}: such a trial would probably show it."
    return f"{text}: an effect as large as assumed would probably not be seen, a larger one would."


def rule(half: str, level: float) -> str:
    """Say by which rule a trial is decided."""
    better = "orders more often" if half == "ledger" else "buys less more seldom"
    return (
        "Decide once, when all planned quarters are over, and do not look before. Go on if the "
        f"contacted group {better} and the corrected p-value is below {level:g}; stop if the 95% "
        "interval of the difference ends below the break-even uplift; anything else is undecided."
    )

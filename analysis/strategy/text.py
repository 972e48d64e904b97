"""Write amounts and uplifts, and choose the sentences about budgets, tests and assumptions.

The functions that a section of ``sentences.toml`` names are steps of the build. Orders and regular
customers have different units, and share their words: each step takes the rows of one of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import amount, estimate, join_words, money, percent, shorten
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.sentences import fill
from analysis.strategy.names import ENOUGH, NEVER, TOGETHER, TOO_SMALL

say = partial(fill, "strategy")
#: Names of segments in a list, before the rest is counted.
LISTED = 4


def write_amount(value: float, half: str, currency: str = "", unit: str = " units") -> str:
    """Write an amount of one half: money in the ledger, the unknown unit of the other.

    Examples
    --------
    >>> write_amount(1234.5, "ledger", "£"), write_amount(-0.0068, "activity")
    ('£1,234', '−0.0068 units')
    """
    if pd.isna(value):
        return "not known"
    if half == LEDGER:
        return money(round(value, 2) + 0.0, currency).replace("-", "−")
    text = f"{value:.2g}".replace("-", "−") if 0 < abs(value) < 1 else amount(value)
    return f"{text}{unit}"


def write_estimate(value: float, half: str, currency: str = "") -> str:
    """Write an estimate of one half with two figures.

    Examples
    --------
    >>> write_estimate(1321.4, "ledger", "£"), write_estimate(23.2, "activity")
    ('£1,300', '23 units')
    """
    return estimate(value, currency) if half == LEDGER else f"{estimate(value, '')} units"


def points(share: float) -> str:
    """Write an uplift in percentage points.

    Examples
    --------
    >>> points(0.015), points(0.00073), points(0.0), points(0.00999)
    ('1.5 points', '0.07 points', '0 points', '1 point')
    """
    if pd.isna(share):
        return "not known"
    text = bare_points(share)
    return f"{text} {'point' if text == '1' else 'points'}"


def bare_points(share: float) -> str:
    """Write an uplift in percentage points, where the heading names the unit."""
    value = share * 100
    return f"{value:.{2 if 0 < abs(value) < 0.1 else 1}f}".removesuffix(".0")


def of(table: pd.DataFrame, half: str) -> pd.DataFrame:
    """Return the rows of one half."""
    return table[table["half"] == half] if len(table) else table


def list_names(segments: pd.Series) -> str:
    """Return names of segments as a list, the last of many counted.

    Examples
    --------
    >>> list_names(pd.Series(["a", "b"])), list_names(pd.Series([*"abcdef"]))
    ('a and b', 'a, b, c and 3 more')
    """
    names = [shorten(name) for name in segments]
    if len(names) <= LISTED:
        return join_words(names)
    return join_words([*names[: LISTED - 1], say("plan.more", count=len(names) - LISTED + 1)])


# ------------------------------------------------------------------------- assumptions


def plan_assumptions(
    actions: pd.DataFrame,
    campaigns: pd.DataFrame | None,
    consent_known: bool | None,
    asked: bool | None,
    settings: Any,
) -> dict[str, str]:
    """Say what the values of the actions rest on."""
    given, contact = settings.strategy, settings.contact
    said = {"said-costs": say("plan-assumptions.said-costs", factor=f"{given.wrong_by:g}")}
    if len(of(actions, LEDGER)):
        ends = {
            f"{name}{end}": percent(getattr(getattr(given, name), which))
            for name in ("margin", "reach")
            for end, which in (("", "likely"), ("_low", "low"), ("_high", "high"))
        }
        said["said-orders"] = (
            say("plan-assumptions.said-orders-consent", **ends)
            if asked
            else say("plan-assumptions.said-orders", **ends)
        )
    if len(of(actions, ACTIVITY)):
        said["said-regulars"] = say(
            "plan-assumptions.said-regulars",
            kept=percent(contact.save_rate),
            lost=percent(contact.profit_lost),
            count=contact.months,
        )
        if consent_known is False:
            said["said-consent"] = say("plan-assumptions.said-consent")
    if campaigns is None:
        said["said-untested"] = say("plan-assumptions.said-untested")
    return said


def plan_doubts(
    actions: pd.DataFrame, campaigns: pd.DataFrame | None, asked: bool | None
) -> dict[str, str]:
    """Say what could make the values of the actions wrong."""
    judgement = (
        say("plan-doubts.said-judgement")
        if campaigns is None
        else say("plan-doubts.said-judgement-campaigns")
    )
    said = {
        "said-judgement": judgement,
        "said-persuadable": say("plan-doubts.said-persuadable"),
        "said-forward": say("plan-doubts.said-forward"),
        "said-offers": say("plan-doubts.said-offers"),
        "said-repeated": say("plan-doubts.said-repeated"),
    }
    if len(of(actions, LEDGER)) and not asked:
        said["said-consent"] = say("plan-doubts.said-consent")
    return said


# ------------------------------------------------------------------------- budget


def order_by(budget: pd.DataFrame, by: str, limit: float, half: str, currency: str) -> str:
    """Say which actions a number of contacts, or an amount of money, pays for; 0 is no limit."""
    rows = budget[budget["by"] == by]
    part = rows["taken"] < rows["contacts"] * (1 - 1e-9)
    known = {
        "profit": write_estimate(rows["taken_profit"].sum(), half, currency),
        "names": list_names(rows.loc[rows["taken"] > 0, "segment"]),
    }
    if not limit:
        return say("budget.said-free", profit=known["profit"], count=len(rows))
    if by == "money":
        what = write_amount(limit, half, currency)
        if not part.any():
            return say("budget.said-money-all", profit=known["profit"], money=what)
        return say("budget.said-money", money=what, **known)
    if not part.any():
        return say("budget.said-contacts-all", profit=known["profit"], count=limit)
    return say("budget.said-contacts", count=limit, **known)


def same_order(budget: pd.DataFrame) -> str:
    """Say whether contacts and money would go to the actions in the same order."""
    orders = [list(rows["segment"]) for _, rows in budget.groupby("by")]
    if len(orders) < 2 or len(orders[0]) < 2:
        return ""
    if orders[0] == orders[1]:
        return say("budget.said-order")
    return say("budget.said-order-differs")


# ------------------------------------------------------------------------- tests


def enough_customers(single: pd.DataFrame) -> dict[str, str]:
    """Say how many segments are large enough for a test that tells whether the action pays."""
    never = single[single["verdict"] == NEVER]
    judged = single[single["verdict"].isin([ENOUGH, TOO_SMALL])]
    enough = judged[judged["verdict"] == ENOUGH]
    said = {}
    if len(never):
        said["said-never"] = say("tests.said-never", names=list_names(never["segment"]))
    if len(enough):
        said["said-enough"] = say(
            "tests.said-enough",
            count=len(enough),
            all=str(len(judged)),
            names=list_names(enough["segment"]),
        )
    elif len(judged):
        said["said-enough"] = say("tests.said-enough-none", count=len(judged))
    return said


def joint_test(experiments: pd.DataFrame, actions: pd.DataFrame, waves: int) -> str:
    """Say what a test of all actions together could tell; empty without an action that pays."""
    rows = experiments[experiments["segment"] == TOGETHER]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    if pd.isna(row["detectable"]):
        return say("tests.said-joint-nothing", count=waves)
    pays = actions[actions["listed"] > 0]
    assumed = float((pays["uplift"] * pays["contacts"]).sum() / pays["contacts"].sum())
    known = {
        "customers": f"{row['contacts']:,.0f}",
        "detectable": points(row["detectable"]),
        "assumed": points(assumed),
    }
    if row["detectable"] <= assumed:
        return say("tests.said-joint", count=waves, **known)
    return say("tests.said-joint-misses", count=waves, **known)

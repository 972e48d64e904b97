"""Write amounts and uplifts, and choose the sentences about control groups and assumptions.

The functions that a section of ``sentences.toml`` names are steps of the build. Orders and regular
customers have different units, and share their words: each step takes the rows of one of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import (
    amount,
    bare_points,
    count,
    estimate,
    join_words,
    money,
    percent,
    shorten,
)
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.sentences import fill
from analysis.strategy.names import ENOUGH, NO_SEASON, TOGETHER

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


def of(table: pd.DataFrame, half: str) -> pd.DataFrame:
    """Return the rows of one half."""
    return table[table["half"] == half] if len(table) else table


def list_names(segments: pd.Series) -> str:
    """Return names of segments as a list, the last of many counted, in quotes if they have commas.

    Examples
    --------
    >>> list_names(pd.Series(["a", "b"])), list_names(pd.Series([*"abcdef"]))
    ('a and b', 'a, b, c and 3 more')
    """
    names = [f"“{name}”" if "," in name else name for name in map(shorten, segments)]
    if len(names) <= LISTED:
        return join_words(names)
    return join_words([*names[: LISTED - 1], say("plan.more", count=len(names) - LISTED + 1)])


# ------------------------------------------------------------------------- assumptions


def plan_assumptions(
    actions: pd.DataFrame,
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
        by_segment = actions["reason"].eq(NO_SEASON).any()
        said["said-won"] = (
            say("plan-assumptions.said-won-segment")
            if by_segment
            else say("plan-assumptions.said-won")
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
    measured = measured_actions(actions)
    if measured.empty:
        said["said-untested"] = say("plan-assumptions.said-untested")
    else:
        said["said-untested"] = say(
            "plan-assumptions.said-measured",
            count=len(measured),
            names=list_names(measured["segment"]),
        )
    return said


def measured_actions(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the actions whose uplift campaigns have measured."""
    return actions[actions["campaigns"] > 0] if len(actions) else actions


def plan_doubts(actions: pd.DataFrame, asked: bool | None) -> dict[str, str]:
    """Say what could make the values of the actions wrong."""
    measured = measured_actions(actions)
    judgement = (
        say("plan-doubts.said-judgement")
        if measured.empty
        else say("plan-doubts.said-judgement-measured", names=list_names(measured["segment"]))
    )
    said = {
        "said-judgement": judgement,
        "said-persuadable": say("plan-doubts.said-persuadable"),
        "said-offers": say("plan-doubts.said-offers"),
    }
    if len(of(actions, LEDGER)):
        said["said-forward"] = say("plan-doubts.said-forward")
        said["said-repeated"] = say("plan-doubts.said-repeated")
        if not asked:
            said["said-consent"] = say("plan-doubts.said-consent")
    return said


def what_if(actions: pd.DataFrame) -> dict[str, str]:
    """Return the words beside the sliders; none where no gain is stated."""
    stated = actions[(actions["listed"] > 0) & actions["expected_profit"].notna()]
    if stated.empty:
        return {}
    return {
        "intro": say("what-if.intro"),
        "margin": say("what-if.margin"),
        "reach": say("what-if.reach"),
        "uplift": say("what-if.uplift"),
        "offer": say("what-if.offer"),
        "action": say("what-if.action"),
        "gain": say("what-if.gain"),
        "total": say("what-if.total"),
        "totalunits": say("what-if.totalunits"),
        "reset": say("what-if.reset"),
        "script": say("what-if.script"),
    }


# ------------------------------------------------------------------------- control groups


def control_sentences(
    experiments: pd.DataFrame, actions: pd.DataFrame, half: str, currency: str, given: Any
) -> dict[str, str]:
    """Say what the control groups of one half cost, what they can show, and how likely that is.

    Parameters
    ----------
    experiments, actions
        The rows of one half.
    half, currency
        Of the amounts.
    given
        The settings of the strategy.
    """
    listed = actions[actions["listed"] > 0] if len(actions) else actions
    if listed.empty or not listed["control"].sum():
        return {}
    sizes = {
        "control": count(listed["control"].sum(), "customer"),
        "share": percent(listed["control"].sum() / (listed["control"] + listed["listed"]).sum()),
    }
    said = {"said-held-out": say("tests.said-held-out", **sizes)}
    if listed["expected_profit"].notna().any():
        forgone = write_estimate(listed["forgone"].sum(), half, currency)
        said["said-held-out"] = say("tests.said-forgone", forgone=forgone, **sizes)
    said["said-rule"] = say("tests.said-rule") if half == LEDGER else say("tests.said-rule-group")
    joint = experiments[experiments["segment"] == TOGETHER]
    row = (joint if len(joint) else experiments).iloc[0] if len(experiments) else None
    if row is None:
        return said
    known = {"count": given.most_waves, "expected": points(row["expected"])}
    if pd.isna(row["detectable"]):
        return said | {"said-detects": say("tests.said-detects-nothing", count=given.most_waves)}
    known |= {
        "detectable": points(row["detectable"]),
        "found": percent(row["chance_found"]),
        "decided": percent(row["chance_decided"]),
    }
    said["said-detects"] = (
        say("tests.said-detects", **known)
        if row["verdict"] == ENOUGH
        else say("tests.said-misses", **known)
    )
    single = experiments[experiments["segment"] != TOGETHER]
    enough = single[single["verdict"] == ENOUGH]
    if len(single) > 1 and len(enough):
        said["said-enough"] = say(
            "tests.said-enough",
            count=len(enough),
            all=str(len(single)),
            names=list_names(enough["segment"]),
        )
    elif len(single) > 1:
        said["said-enough"] = say("tests.said-enough-none", count=len(single))
    return said

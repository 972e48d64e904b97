"""Write the summary: what to decide, how sure that is, and what could be wrong.

Three decisions at most: the best action among the customers of the orders, the best among the
regular customers, and the test that would show whether they work. They are of one plan: the same
lists, sizes and amounts stand in the strategy chapter and in the export.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.core.formatting import count, percent, shorten, top_row
from analysis.core.names import ACTIVITY, LEDGER
from analysis.strategy.names import TOGETHER
from analysis.strategy.text import points, sentence, write_amount

PLACE: dict[str, str] = {LEDGER: "the customers of the orders", ACTIVITY: "the regular customers"}
WHO: dict[str, str] = {LEDGER: "segment", ACTIVITY: "group"}


def certainty(draws_paying: float) -> str:
    """Say how often an action pays when its assumptions are drawn from their ranges.

    Examples
    --------
    >>> certainty(0.8)
    'It pays in 80% of the cases that we assumed possible; that range is our judgement.'
    >>> certainty(1.0)
    'It pays across the whole range that we assumed; that range is our judgement.'
    """
    if draws_paying == 1:
        return "It pays across the whole range that we assumed; that range is our judgement."
    if draws_paying == 0:
        return "It loses money across the whole range that we assumed."
    return (
        f"It pays in {percent(draws_paying)} of the cases that we assumed possible; that range is "
        "our judgement."
    )


def best_action(actions: pd.DataFrame, half: str, currency: str = "") -> str:
    """Ask for the action that is expected to bring most in one half; empty without any.

    Parameters
    ----------
    actions
        From `strategy.value.value_actions`; may hold both halves.
    half, currency
        `LEDGER` or `ACTIVITY`, and the sign of its money.

    Returns
    -------
    str
        Who, what, at which cost, for which profit, how sure.
    """
    top = _best(actions, half)
    if top is None:
        return ""
    name = shorten(top["segment"])
    if not top["expected_profit"] > 0:
        return (
            f"Among {PLACE[half]} no action is expected to pay at the assumed costs. The closest, "
            f"for the {WHO[half]} '{name}', would lose {_amount(top, half, currency)} in a "
            "quarter. Contact nobody until a test shows a larger effect."
        )
    number = len(_valued_actions(actions, half))
    largest = f", the largest of {number} actions" if number > 1 else ""
    reached = ""
    if round(top["contacts"]) < top["listed"]:
        reached = f" We assume that {count(top['contacts'])} of them can be reached."
    return (
        f"Contact the {count(top['listed'], 'customer')} on the list for the {WHO[half]} '{name}'."
        f"{reached} {sentence(top['action'])} Cost: {write_amount(top['cost'], half, currency)}. "
        f"Expected net gain: {_amount(top, half, currency)} in a quarter{largest}. "
        f"{certainty(top['draws_paying'])}"
    )


def _valued_actions(actions: pd.DataFrame, half: str) -> pd.DataFrame:
    valued = actions[actions["rank"].notna()] if len(actions) else actions
    return valued[valued["half"] == half] if len(valued) else valued


def _best(actions: pd.DataFrame, half: str) -> pd.Series | None:
    """Return the action of a half with the highest expected profit."""
    known = _valued_actions(actions, half)
    return None if known.empty else top_row(known, "expected_profit")


def _amount(row: pd.Series, half: str, currency: str) -> str:
    ends = [write_amount(row[end], half, currency, unit="") for end in ("low", "high")]
    middle = write_amount(row["expected_profit"], half, currency)
    return f"{middle} ({ends[0]} to {ends[1]})"


def first_experiment(experiments: pd.DataFrame, actions: pd.DataFrame, waves: int) -> str:
    """Ask for the trial that would show whether contacts work; empty without any action that pays.

    Parameters
    ----------
    experiments
        From `strategy.experiments.plan_experiments`; may hold both halves.
    actions
        From `strategy.value.value_actions`.
    waves
        How many quarters a trial may take.
    """
    joint = experiments[experiments["segment"] == TOGETHER] if len(experiments) else experiments
    if joint.empty:
        return ""
    told = joint[joint["detectable"].notna()]
    people = count(actions["listed"].sum(), "customer")
    whole = (
        f"Leave a random half of the {people} on all lists out of the first mailing. "
        "That halves the cost and the gain of the quarter. Without such a control group, "
        "nobody will know what contacting a customer achieves."
    )
    if told.empty:
        return f"{whole} Even {count(waves, 'quarter')} bring too few customers for a result."
    of_ledger = told[told["half"] == LEDGER]
    row: pd.Series = (of_ledger if len(of_ledger) else told).iloc[0]
    own = actions[actions["half"] == row["half"]]
    pays = own[own["value_per_contact"] > 0]
    assumed = (pays["uplift"] * pays["contacts"]).sum() / pays["contacts"].sum()
    enough = row["detectable"] <= assumed
    return (
        f"{whole} Within {count(waves, 'quarter')} the test detects "
        f"{points(row['detectable'])} among {PLACE[row['half']]}; we expect {points(assumed)}, so "
        f"it would probably {'detect' if enough else 'miss'} the effect."
    )


def wrong_uplift(actions: pd.DataFrame, half: str) -> str:
    """Say how far the uplift of the best action may fall before it loses; empty without one."""
    top = _best(actions, half)
    if top is None:
        return ""
    name = shorten(top["segment"])
    if pd.isna(top["break_even_uplift"]):
        return f"No uplift makes the action for '{name}' pay."
    even, likely = points(top["break_even_uplift"]), points(top["uplift"])
    return (
        "No data yet shows what contacting a customer achieves. The action for "
        f"'{name}' assumes an uplift of {likely}; it breaks even at {even}."
    )


def wrong_season(facts: Mapping[str, float | int | str | bool], rates: pd.DataFrame) -> str:
    """Say that quarters differ, or that one alone is known; empty without a ledger model.

    Parameters
    ----------
    facts
        All facts.
    rates
        From `forecast.lapse.rates`.
    """
    if not facts.get("lapse.available") or rates.empty:
        return ""
    low, high = rates["share"].min(), rates["share"].max()
    if len(rates) < 2 or percent(low) == percent(high):
        return "The risk of not ordering was tested in one quarter only; other quarters may differ."
    return (
        f"Between {percent(low)} and {percent(high)} of active customers did not order again in "
        f"the {count(len(rates))} quarters we tested. The risks hold for quarters like those."
    )

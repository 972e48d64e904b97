"""What does the reader have to decide, how sure is that, and what could make it wrong?

Three decisions at most: the best action of each half, and the trial that would show whether it
works. Every sentence is computed, and holds when nothing pays, or when a half is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.findings_strategy import points, sentence, write_amount
from analysis.names import ACTIVITY, LEDGER, TOGETHER
from analysis.words import count, percent, shorten, top_row

#: From this share of the draws on, an action is as good as sure to pay under its assumptions.
SURE, LIKELY, EVEN = 0.95, 0.75, 0.25
PLACE: dict[str, str] = {LEDGER: "the ledger", ACTIVITY: "the tables of regular customers"}
WHO: dict[str, str] = {LEDGER: "the segment", ACTIVITY: "the regular customers with"}


def certainty(draws_paying: float) -> str:
    """Say in words how often an action pays when its assumptions are drawn from their ranges.

    Examples
    --------
    >>> certainty(0.8)
    'likely to pay: in 80% of the draws of the assumptions'
    >>> certainty(1.0)
    'nearly sure to pay: in every draw of the assumptions'
    """
    words = {SURE: "nearly sure to pay", LIKELY: "likely to pay", EVEN: "may pay or lose"}
    said = next((text for bound, text in words.items() if draws_paying >= bound), "likely to lose")
    share = {0.0: "none of the draws", 1.0: "every draw"}.get(
        draws_paying, f"{percent(draws_paying)} of the draws"
    )
    return f"{said}: in {share} of the assumptions"


def best_action(actions: pd.DataFrame, half: str, currency: str = "") -> str:
    """Ask for the action that is expected to bring most in one half; empty without any.

    Parameters
    ----------
    actions
        From `analysis.worth.valued`; may hold both halves.
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
            f"In {PLACE[half]} no action is expected to pay as assumed; the least bad, for "
            f"'{name}', would bring {_amount(top, half, currency)}. Contact nobody until a trial "
            "says otherwise."
        )
    most = ", the most of all" if len(_valued(actions, half)) > 1 else ""
    return (
        f"Contact {count(top['contacts'])} of {WHO[half]} '{name}'. "
        f"{sentence(top['action'])} Cost {write_amount(top['cost'], half, currency)}; expected "
        f"profit after it {_amount(top, half, currency)} in a quarter{most}; "
        f"{certainty(top['draws_paying'])}."
    )


def _valued(actions: pd.DataFrame, half: str) -> pd.DataFrame:
    valued = actions[actions["rank"].notna()] if len(actions) else actions
    return valued[valued["half"] == half] if len(valued) else valued


def _best(actions: pd.DataFrame, half: str) -> pd.Series | None:
    """Return the action of a half with the highest expected profit."""
    known = _valued(actions, half)
    return None if known.empty else top_row(known, "expected_profit")


def _amount(row: pd.Series, half: str, currency: str) -> str:
    ends = [write_amount(row[end], half, currency, unit="") for end in ("low", "high")]
    middle = write_amount(row["expected_profit"], half, currency)
    return f"{middle} ({ends[0]} to {ends[1]})"


def first_trial(trials: pd.DataFrame, actions: pd.DataFrame, waves: int) -> str:
    """Ask for the trial that would show whether contacts work; empty without any action that pays.

    Parameters
    ----------
    trials
        From `analysis.trial.trials`; may hold both halves.
    actions
        From `analysis.worth.valued`.
    waves
        How many quarters a trial may take.
    """
    joint = trials[trials["segment"] == TOGETHER] if len(trials) else trials
    if joint.empty:
        return ""
    told = joint[joint["detectable"].notna()]
    whole = (
        "Hold out half of each segment by lot from every mailing: without such a control group, "
        "nobody will know what a contact brings."
    )
    if told.empty:
        return f"{whole} Even so, {count(waves, 'quarter')} bring too few customers to tell."
    of_ledger = told[told["half"] == LEDGER]
    row: pd.Series = (of_ledger if len(of_ledger) else told).iloc[0]
    own = actions[actions["half"] == row["half"]]
    pays = own[own["value_per_contact"] > 0]
    assumed = (pays["uplift"] * pays["contacts"]).sum() / pays["contacts"].sum()
    of = "The ledger's segments" if row["half"] == LEDGER else "The regular customers"
    enough = row["detectable"] <= assumed
    return (
        f"{whole} {of} together can tell an uplift of {points(row['detectable'])} within "
        f"{count(waves, 'quarter')}; assumed are {points(assumed)}, so an effect as large as that "
        f"would probably {'show' if enough else 'not be seen'}."
    )


def wrong_uplift(actions: pd.DataFrame, half: str) -> str:
    """Say how far the uplift of the best action may fall before it loses; empty without one."""
    top = _best(actions, half)
    if top is None:
        return ""
    if pd.isna(top["break_even_uplift"]):
        return f"No uplift makes the action for '{shorten(top['segment'])}' pay."
    even, likely = points(top["break_even_uplift"]), points(top["uplift"])
    return (
        f"What a contact changes is an opinion. The action for '{shorten(top['segment'])}' is "
        f"assumed to win {likely} of those contacted, and pays from {even} on."
    )


def wrong_season(facts: Mapping[str, float | int | str | bool], rates: pd.DataFrame) -> str:
    """Say that quarters differ, or that one alone is known; empty without a ledger model.

    Parameters
    ----------
    facts
        All facts.
    rates
        From `analysis.lapse.rates`.
    """
    if not facts.get("lapse.available") or rates.empty:
        return ""
    low, high = rates["share"].min(), rates["share"].max()
    if len(rates) < 2 or percent(low) == percent(high):
        return "The risk of staying away was tested in one quarter, and other quarters may differ."
    return (
        f"Quarters differ: from {percent(low)} to {percent(high)} of active customers stayed away "
        "in those that were looked at. Risks hold for a quarter like those that the model has "
        "learnt from."
    )

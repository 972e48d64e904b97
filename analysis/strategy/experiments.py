"""Plan the experiments that measure the effect of an action.

Each holds out a randomly drawn control group and compares the two shares. The sample has to detect
the smallest uplift worth having; where a segment is too small for that, the table says what could
be detected instead. The experiment on all actions together comes first, at the full level; those on
single segments follow, at a level divided by their number (Bonferroni), where Holm's procedure for
judging them begins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.core.names import LEDGER
from analysis.core.settings import StrategySettings
from analysis.strategy.names import ENOUGH, NEVER, TOGETHER, TOO_SMALL, UNKNOWN

BREAK_EVEN, LOWEST, LIKELY = "break-even", "lowest assumed", "likely"
COLUMNS = [
    "half",
    "segment",
    "tests",
    "alpha",
    "power",
    "base",
    "uplift",
    "which",
    "per_arm",
    "contacts",
    "waves",
    "detectable",
    "verdict",
]


def sample_size(base: float, changed: float, alpha: float, power: float) -> float:
    """Return the customers that each arm of an experiment needs to tell two shares apart.

    Parameters
    ----------
    base, changed
        The share without and with the contact.
    alpha
        Of the two-sided test.
    power
        The chance of finding the difference.

    References
    ----------
    Cohen, J. (1988). *Statistical Power Analysis for the Behavioral Sciences* (2nd ed.), chapter 6:
    normal approximation for the difference of two shares, after the arcsine transformation.

    Examples
    --------
    >>> math.ceil(sample_size(0.30, 0.35, 0.05, 0.80))
    1376
    """
    # Here, because it takes long to load, and the chapters do without.
    from statsmodels.stats.power import normal_sample_size_one_tail
    from statsmodels.stats.proportion import proportion_effectsize

    effect = abs(float(proportion_effectsize(changed, base)))
    if not effect:
        return math.inf
    return float(normal_sample_size_one_tail(effect, power, alpha / 2, math.sqrt(2)))


def detectable_uplift(base: float, per_arm: float, alpha: float, power: float, up: bool) -> float:
    """Return the smallest difference that an experiment of a given size can tell: the inverse.

    Parameters
    ----------
    base, alpha, power
        As in `sample_size`.
    per_arm
        Customers in each arm.
    up
        Whether the share is meant to rise; else it is meant to fall.

    Returns
    -------
    float
        Missing where even the whole way to 1, or to 0, would not be enough.

    Examples
    --------
    >>> round(detectable_uplift(0.30, 1376, 0.05, 0.80, up=True), 3)
    0.05
    """
    if per_arm < 2 or not 0 <= base <= 1:
        return math.nan
    # By hand: statsmodels searches for the effect, and does not take it back to a share.
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    angle = math.asin(math.sqrt(base)) + (1 if up else -1) * z * math.sqrt(2 / per_arm) / 2
    if not 0 <= angle <= math.pi / 2:
        return math.nan
    return abs(math.sin(angle) ** 2 - base)


def plan_experiments(
    table: pd.DataFrame, rates: Mapping[str, float], assumed: StrategySettings
) -> pd.DataFrame:
    """Return the experiment that would measure each action of one half.

    Parameters
    ----------
    table
        From `strategy.value.value_actions`.
    rates
        By segment, the share that the metric counts without a contact: who ordered in the quarter
        that followed (ledger), or bought less (regular customers).
    assumed
        The level, the power, and how many quarters an experiment may take.

    Returns
    -------
    pandas.DataFrame
        half; segment (`TOGETHER` first, then those with a value and a rate); tests (how many share
        the level); alpha (of this test); power; base (the rate); uplift (the smallest worth
        having, as a share of those contacted) and which (`BREAK_EVEN`, or `LOWEST` where that is
        larger: less than that is not expected anyway; `LIKELY` where both are nothing); per_arm
        (customers in the contacted and in the control group each); contacts (customers who can
        take part in one quarter, both arms); waves (quarters needed, each with the segment drawn
        anew); detectable (the smallest uplift that can be told in as many quarters as the settings
        allow); verdict (`ENOUGH`; `TOO_SMALL`; `NEVER`: even winning all would not pay; `UNKNOWN`).
    """
    known = table[table["value_per_contact"].notna() & table["segment"].map(rates).notna()]
    rows = []
    pays = known[known["value_per_contact"] > 0]
    if len(pays) > 1:
        rows.append(_row(_joint_action(pays, rates), assumed, tests=1))
    rows += [
        _row({**row, "base": float(rates[str(row["segment"])])}, assumed, tests=len(known))
        for _, row in known.iterrows()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _joint_action(pays: pd.DataFrame, rates: Mapping[str, float]) -> dict[str, Any]:
    """Return the actions that pay as if they were one: means over their contacts."""
    weights = pays["contacts"].to_numpy(float)

    def mean(values: pd.Series) -> float:
        return float(np.average(values.to_numpy(float), weights=weights))

    return {
        "half": pays["half"].iloc[0],
        "segment": TOGETHER,
        "contacts": weights.sum(),
        "base": mean(pays["segment"].map(rates)),
        "break_even_uplift": float(pays["cost"].sum())
        / float((pays["value_per_customer"] * weights).sum()),
        "uplift_low": mean(pays["uplift_low"]),
        "uplift": mean(pays["uplift"]),
    }


def _row(row: Mapping[Any, Any], assumed: StrategySettings, tests: int) -> dict[str, Any]:
    up = row["half"] == LEDGER
    base, alpha = row["base"], assumed.alpha / tests
    candidates = {BREAK_EVEN: row["break_even_uplift"], LOWEST: row["uplift_low"]}
    which = max(candidates, key=lambda name: np.nan_to_num(candidates[name], nan=math.inf))
    uplift = candidates[which]
    if uplift == 0:
        which, uplift = LIKELY, row["uplift"]
    # A share cannot rise above 1, nor fall below 0.
    possible = 0 < uplift <= (1 - base if up else base)
    per_arm = (
        sample_size(base, base + (uplift if up else -uplift), alpha, assumed.power)
        if possible
        else math.nan
    )
    per_wave = math.floor(row["contacts"] / 2)
    waves = math.ceil(per_arm / per_wave) if possible and per_wave else math.nan
    if not uplift > 0:
        verdict = UNKNOWN if uplift == 0 else NEVER
    elif not possible:
        verdict = NEVER
    else:
        verdict = ENOUGH if waves <= assumed.most_waves else TOO_SMALL
    found = detectable_uplift(base, per_wave * assumed.most_waves, alpha, assumed.power, up)
    return {
        "half": row["half"],
        "segment": row["segment"],
        "tests": tests,
        "alpha": alpha,
        "power": assumed.power,
        "base": base,
        "uplift": uplift,
        "which": which,
        "per_arm": float(math.ceil(per_arm)) if possible else math.nan,
        "contacts": row["contacts"],
        "waves": float(waves),
        "detectable": found,
        "verdict": verdict,
    }

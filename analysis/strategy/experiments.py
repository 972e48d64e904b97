"""Tell what the control groups of the plan can show.

Each list leaves a random control group out, and the shares of both groups that order are compared
(of the regular customers, the shares that buy less). The comparison over all actions is made at the
full level; those of single segments share it (Bonferroni), where Holm's procedure for judging them
begins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.core.names import LEDGER
from analysis.core.settings import StrategySettings
from analysis.strategy.names import ENOUGH, TOGETHER, TOO_SMALL, UPLIFT

Numbers = npt.NDArray[np.float64]
COLUMNS = [
    "half",
    "segment",
    "alpha",
    "power",
    "base",
    "break_even",
    "expected",
    "contacted",
    "control",
    "detectable",
    "chance_found",
    "chance_decided",
    "verdict",
]


def detectable_uplift(
    base: float, first: float, second: float, alpha: float, power: float, up: bool
) -> float:
    """Return the smallest difference between two groups that is found with a given power.

    Parameters
    ----------
    base
        The share without the contact.
    first, second
        Customers in the two groups.
    alpha, power
        Of the two-sided test.
    up
        Whether the share is meant to rise; else it is meant to fall.

    Returns
    -------
    float
        Missing where even the whole way to 1, or to 0, would not be enough.

    References
    ----------
    Cohen, J. (1988). *Statistical Power Analysis for the Behavioral Sciences* (2nd ed.), chapter 6:
    normal approximation for the difference of two shares, after the arcsine transformation.

    Examples
    --------
    >>> round(detectable_uplift(0.30, 1376, 1376, 0.05, 0.80, up=True), 3)
    0.05
    """
    if min(first, second) < 2 or not 0 <= base <= 1:
        return math.nan
    # By hand: statsmodels searches for the effect, and does not take it back to a share.
    z = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    shift = z * math.sqrt(1 / first + 1 / second) / 2
    angle = math.asin(math.sqrt(base)) + (1 if up else -1) * shift
    if not 0 <= angle <= math.pi / 2:
        return math.nan
    return abs(math.sin(angle) ** 2 - base)


def chance_of_decision(
    uplift: Numbers, break_even: float, error: float, alpha: float
) -> tuple[float, float]:
    """Return how probable it is that a test shows an effect, and that it decides at all.

    A test decides to go on where the interval of the difference lies above zero, and to stop where
    it lies below the break-even.

    Parameters
    ----------
    uplift
        What the uplift may be, each as probable.
    break_even
        The uplift below which the action does not pay; missing where none pays.
    error
        The standard error of the measured uplift.
    alpha
        One less the level of the interval.

    Examples
    --------
    >>> chance_of_decision(np.array([0.0]), 0.0, 0.01, 0.05)
    (0.025, 0.05)
    """
    z = float(stats.norm.ppf(1 - alpha / 2))
    found = stats.norm.sf(z - uplift / error)
    stopped = stats.norm.cdf((break_even - uplift) / error - z)
    # Where the break-even is far above zero, both may be true of the same result.
    both = max(break_even / error - 2 * z, 0.0) > 0
    decided = np.ones_like(found) if both else found + stopped
    decided = found if math.isnan(break_even) else decided
    return round(float(found.mean()), 6), round(float(decided.mean()), 6)


def plan_experiments(
    table: pd.DataFrame,
    rates: Mapping[str, float],
    draws: Mapping[str, Mapping[str, Numbers]],
    assumed: StrategySettings,
) -> pd.DataFrame:
    """Return what the control groups of one half can show.

    Parameters
    ----------
    table
        From `strategy.value.value_actions`, with control (customers held out).
    rates
        By segment, the share that the metric counts without a contact: who orders in the next
        quarter, or who of the regular customers buys less.
    draws
        From `strategy.value.draw_assumptions`.
    assumed
        The level, the power, and how many quarters are looked at together.

    Returns
    -------
    pandas.DataFrame
        half; segment (`TOGETHER` first, then those with a list and a rate); alpha (of this test);
        power; base (the rate); break_even and expected (uplifts, as shares of those reached);
        contacted and control (customers in a quarter); detectable (the smallest uplift that is
        found with the power within the quarters that the settings allow, each with customers drawn
        anew); chance_found and chance_decided (as in `chance_of_decision`, if the uplift is as
        likely as assumed); verdict (`ENOUGH` where the expected uplift is detectable, else
        `TOO_SMALL`).
    """
    able = (table["listed"] > 0) & (table["control"] > 0) & table["segment"].map(rates).notna()
    known = table[able]
    known = known.assign(base=known["segment"].map(rates).astype(float))
    uplifts = {key: np.minimum(draws[key][UPLIFT], 1.0) for key in known["segment"]}
    rows = []
    if len(known) > 1:
        joint, uplift = _join_actions(known, uplifts)
        rows.append(_row(joint, uplift, assumed, tests=1))
    rows += [
        _row(row, uplifts[row["segment"]], assumed, tests=len(known))
        for row in known.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _join_actions(
    known: pd.DataFrame, uplifts: Mapping[str, Numbers]
) -> tuple[dict[str, Any], Numbers]:
    """Return all actions as if they were one: means over their contacts."""
    weights = known["contacts"].to_numpy(float)

    def mean(values: pd.Series) -> float:
        return float(np.average(values.to_numpy(float), weights=weights))

    row = {
        "half": known["half"].iloc[0],
        "segment": TOGETHER,
        "contacts": weights.sum(),
        "listed": known["listed"].sum(),
        "control": known["control"].sum(),
        "base": mean(known["base"]),
        "break_even_uplift": float(known["cost"].sum())
        / float((known["value_per_customer"] * weights).sum()),
        "uplift": mean(known["uplift"]),
    }
    every = np.stack([uplifts[key] for key in known["segment"]])
    return row, np.average(every, axis=0, weights=weights)


def _row(
    row: Mapping[Any, Any], uplift: Numbers, assumed: StrategySettings, tests: int
) -> dict[str, Any]:
    base, alpha = float(row["base"]), assumed.alpha / tests
    first, second = (float(row[name]) * assumed.most_waves for name in ("listed", "control"))
    # All customers of a group are compared, also those who cannot be reached.
    reach = row["contacts"] / row["listed"]
    up = row["half"] == LEDGER
    found = detectable_uplift(base, first, second, alpha, assumed.power, up) / reach
    error = math.sqrt(base * (1 - base) * (1 / first + 1 / second)) / reach
    chances = (
        chance_of_decision(uplift, float(row["break_even_uplift"]), error, alpha)
        if error > 0
        else (math.nan, math.nan)
    )
    return {
        "half": row["half"],
        "segment": row["segment"],
        "alpha": alpha,
        "power": assumed.power,
        "base": base,
        "break_even": row["break_even_uplift"],
        "expected": row["uplift"],
        "contacted": int(row["listed"]),
        "control": int(row["control"]),
        "detectable": found,
        "chance_found": chances[0],
        "chance_decided": chances[1],
        "verdict": ENOUGH if found <= row["uplift"] else TOO_SMALL,
    }

"""Replace assumed uplifts by what campaigns have measured: prior times measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.core.names import LEDGER
from analysis.strategy.campaigns import update_range
from analysis.strategy.names import ALL_CAMPAIGNS, BROKEN
from analysis.strategy.plan import Action
from analysis.strategy.terms import Assumed, assumed_uplift


def measure_uplift(
    action: Action, campaigns: pd.DataFrame, reach: float
) -> tuple[Assumed, int] | None:
    """Return the uplift of an action after its past campaigns, and their number.

    None where no campaign was measured.

    A campaign is compared over all who were assigned, so its difference is divided by the share who
    can be reached.

    Parameters
    ----------
    action
        An action for a segment, with its uplift: the prior.
    campaigns
        From `strategy.campaigns.measure_campaigns`; may be empty.
    reach
        The share of the assigned customers who are reached.
    """
    own = list_measurements(action, campaigns)
    if own.empty or not reach > 0:
        return None
    found = own.assign(**{name: own[name] / reach for name in ("uplift", "low", "high")})
    assumed = assumed_uplift(action)
    ends = update_range(assumed.low, assumed.likely, assumed.high, found)
    return Assumed(*ends, "normal"), len(found)


def list_measurements(action: Action, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Return the sound measurements of an action: the share that ordered, by campaign."""
    if campaigns.empty:
        return campaigns
    own = campaigns[
        campaigns["half"].eq(LEDGER)
        & campaigns["segment"].eq(action.segment)
        & campaigns["outcome"].eq("ordered")
        & campaigns["campaign"].ne(ALL_CAMPAIGNS)
        & (campaigns["srm_p"] >= BROKEN)
    ]
    return own if action.half == LEDGER else own.iloc[:0]


def has_harmed(action: Action, campaigns: pd.DataFrame, alpha: float) -> bool:
    """Tell whether a campaign of the action made customers order less, beyond chance.

    Then the action is stopped, however sure we were that it helps.
    """
    own = list_measurements(action, campaigns)
    return bool(len(own)) and bool(((own["p_holm"] < alpha) & (own["uplift"] < 0)).any())


UPDATES = [
    "half",
    "segment",
    "campaigns",
    *("assumed", "assumed_low", "assumed_high"),
    *("measured", "measured_low", "measured_high"),
    *("updated", "updated_low", "updated_high"),
    "agrees",
    "harmed",
]


def list_updates(
    actions: Sequence[Action], campaigns: pd.DataFrame, reach: Mapping[str, float], alpha: float
) -> pd.DataFrame:
    """Return what was assumed of each measured action, what was measured, and what is assumed now.

    Parameters
    ----------
    actions
        Of the plan.
    campaigns
        From `strategy.campaigns.measure_campaigns`; may be empty.
    reach
        By segment, the share of the assigned customers who are reached.
    alpha
        Of the settings.

    Returns
    -------
    pandas.DataFrame
        half, segment, campaigns (their number); assumed, measured (all campaigns together, weighted
        by their precision) and updated, each with _low and _high: shares of the customers reached;
        agrees (whether assumed and measured differ by no more than chance); harmed (as in
        `has_harmed`).
    """
    rows = []
    for action in actions:
        own, share = list_measurements(action, campaigns), reach.get(action.segment, 1.0)
        found = measure_uplift(action, campaigns, share)
        if found is None:
            continue
        low, mean, high, _ = assumed_uplift(action)
        half_widths = (own["high"] - own["low"]).to_numpy(float) / 2 / share
        weights = 1 / np.maximum(half_widths, 1e-9) ** 2
        measured = float(np.average(own["uplift"].to_numpy(float) / share, weights=weights))
        width = float(weights.sum() ** -0.5)
        rows.append(
            (
                *(action.half, action.segment, len(own), mean, low, high),
                *(measured, measured - width, measured + width),
                *(found[0].likely, found[0].low, found[0].high),
                abs(measured - mean) <= float(np.hypot(width, (high - low) / 2)),
                has_harmed(action, campaigns, alpha),
            )
        )
    return pd.DataFrame(rows, columns=UPDATES)

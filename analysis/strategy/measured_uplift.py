"""Replace assumed uplifts by what campaigns have measured: prior times measurement."""

from __future__ import annotations

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

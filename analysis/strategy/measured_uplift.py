"""Replace assumed uplifts by what campaigns have measured: prior times measurement."""

from __future__ import annotations

import pandas as pd

from analysis.core.names import LEDGER
from analysis.strategy.campaigns import update_range
from analysis.strategy.names import ALL_CAMPAIGNS, BROKEN
from analysis.strategy.plan import Action
from analysis.strategy.terms import Assumed, assumed_uplift


def measure_uplift(
    action: Action, campaigns: pd.DataFrame, away: float, reach: float
) -> tuple[Assumed, int] | None:
    """Return the uplift of an action after its past campaigns, and their number.

    None where no campaign was measured.

    A campaign is compared over all who were assigned, so its difference is divided by the share who
    can be reached. It is taken relative to the share of the control group that did not order,
    because only these can be won, and applied to those who are expected not to order now.

    Parameters
    ----------
    action
        An action for a segment, with its uplift: the prior.
    campaigns
        From `strategy.campaigns.measure_campaigns`; may be empty.
    away
        The share of the segment that is expected not to order without a contact.
    reach
        The share of the assigned customers who are reached.
    """
    own = list_measurements(action, campaigns)
    if own.empty or not reach > 0:
        return None
    scale = away / (1 - own["base"]) / reach
    found = own.assign(**{name: own[name] * scale for name in ("uplift", "low", "high")})
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
        & (campaigns["base"] < 1)
    ]
    return own if action.half == LEDGER else own.iloc[:0]

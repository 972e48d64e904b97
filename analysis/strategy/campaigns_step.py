"""Measure past campaigns by the orders that followed: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.orders.ledger import NET, Ledger, with_ledger
from analysis.segments.rules import read_segments
from analysis.strategy.campaigns import collect_outcomes, measure_campaigns
from analysis.strategy.names import ALL_CAMPAIGNS, BROKEN
from analysis.strategy.plan import read_plan


@with_ledger
def measure_past_campaigns(
    ledger: Ledger, campaigns: pd.DataFrame, settings: Settings
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return what each campaign achieved, by what its customers ordered afterwards.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    campaigns
        From `strategy.campaign_files.read_campaigns`.
    """
    facts: dict[str, Fact] = {"campaigns.available": False}
    if campaigns.empty:
        return {}, facts
    lines = ledger.lines.filter(ledger.lines.cleaning_step >= NET)
    sales = (
        lines.group_by("customer_id", "order_id", day=lines.invoice_date.date())
        .aggregate(amount=lines.amount.sum().cast("float64"))
        .order_by("customer_id", "day", "order_id")
        .execute()
    )
    costs = {
        (action.half, action.segment): (action.cost or 0.0, action.offer_cost)
        for action in read_plan(read_segments()).actions
    }
    keys = zip(campaigns["half"], campaigns["segment"], strict=True)
    planned = pd.DataFrame(
        [costs.get(key, (None, 0.0)) for key in keys],
        campaigns.index,
        ["cost_per_contact", "cost_per_order"],
        dtype="float64",
    )
    assigned = campaigns.fillna(planned)
    outcomes = collect_outcomes(assigned, sales, ledger.as_of, settings.strategy.margin.likely)
    share = campaigns.groupby("campaign")["control_share"].first()
    found = measure_campaigns(outcomes, share, settings.report.smallest_group)
    single = found[found["campaign"] != ALL_CAMPAIGNS].drop_duplicates("campaign")
    facts |= {
        "campaigns.available": bool(len(found)),
        "campaigns.number": int(campaigns["campaign"].nunique()),
        "campaigns.measured": len(single),
        "campaigns.broken": int((single["srm_p"] < BROKEN).sum()),
        "campaigns.contacted": int(single["treated"].sum()),
        "campaigns.control": int(single["control"].sum()),
    }
    return {"campaigns": found} if len(found) else {}, facts

"""Plant past campaigns in the sample: one that helps, one that does nothing, and one that harms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.ingest.sample_orders import FIRST_DAY

#: The day on which all were sent, and the days after it in which they work.
SENT_ON = np.datetime64("2025-08-04")
DAYS = 90
#: The days from the ledger's first until the effects end.
ENDS_AFTER_DAYS = int((SENT_ON - FIRST_DAY).astype(int)) + DAYS
CUSTOMERS, CONTROL_SHARE = 240, 0.4
#: The share of those who order whom a campaign moves: who would not have ordered without it, or,
#: negative, whom it drives away.
EFFECTS = {"daily calls": -0.4, "summer catalogue": 0.45, "weekly newsletter": 0.0}
#: The segment that each was for. The first is of customers with most orders before it, and so on.
SEGMENTS = {
    "daily calls": "Loyal customers",
    "summer catalogue": "Light buyers",
    "weekly newsletter": "Least active",
}


def assign_campaigns(
    rng: np.random.Generator, customers: pd.Index, orders: pd.Series
) -> pd.DataFrame:
    """Return the customers of each campaign with their groups: customer, campaign and group.

    Parameters
    ----------
    rng
        Draws customers and groups.
    customers
        Among whom the customers are drawn.
    orders
        Orders before the campaigns, by customer: those with most get the first campaign.
    """
    chosen = pd.Index(rng.choice(customers, CUSTOMERS * len(EFFECTS), replace=False))
    before = orders.reindex(chosen, fill_value=0)
    chosen = before.sort_values(ascending=False, kind="stable").index
    group = np.where(rng.random(len(chosen)) < CONTROL_SHARE, "control", "contacted")
    campaign = np.repeat([*EFFECTS], CUSTOMERS)
    return pd.DataFrame({"customer": chosen, "campaign": campaign, "group": group})


def plant_effects(
    rng: np.random.Generator, ledger: pd.DataFrame, assigned: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the ledger as the campaigns changed them, and by how much each changed who orders.

    Who does not order without a campaign that helps is in the control group, and who does not order
    because of one that harms was contacted: these orders, in the days after, are taken away. Only
    customers all of whose lines in these days are without dirt are moved, so that as much of it is
    left as was planted.
    """
    day = ledger["time"].to_numpy().astype("datetime64[D]")
    within = (day >= SENT_ON) & (day < SENT_ON + DAYS)
    lines = ledger[within]
    clean = lines["planted"].eq("").groupby(lines["customer"]).all()
    ordering = clean.index[clean]
    gone: list[int] = []
    uplifts = {}
    for campaign, effect in EFFECTS.items():
        group = "control" if effect > 0 else "contacted"
        own = assigned[(assigned["campaign"] == campaign) & (assigned["group"] == group)]
        moved = rng.random(len(own)) < abs(effect)
        lost = own["customer"][moved & own["customer"].isin(ordering).to_numpy()]
        uplifts[campaign] = float(np.sign(effect)) * len(lost) / len(own)
        gone += [*lost]
    kept = ledger[~(within & ledger["customer"].isin(gone).to_numpy())]
    return kept.reset_index(drop=True), uplifts


def export_campaigns(assigned: pd.DataFrame) -> dict[str, bytes]:
    """Return the file of the campaigns: the plan, completed with the day on which it was sent."""
    table = pd.DataFrame(
        {
            "customer_id": assigned["customer"],
            "campaign": assigned["campaign"],
            "group": assigned["group"],
            "sent_on": str(SENT_ON),
            "control_share": CONTROL_SHARE,
            "cost_per_contact": 0.5,
            "half": "ledger",
            "segment": assigned["campaign"].map(SEGMENTS),
        }
    )
    return {"campaigns/2025-q3.csv": table.to_csv(index=False, lineterminator="\n").encode()}

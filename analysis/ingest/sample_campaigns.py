"""Plant past campaigns in the sample: one that helps, one that does nothing, and one that harms."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: The day on which all were sent, and the days after it in which they work.
SENT_ON = np.datetime64("2025-08-04")
DAYS = 90
CUSTOMERS, CONTROL_SHARE = 500, 0.4
#: Of the contacted who would not order, the share whom the campaign wins; of those who would, the
#: share whom it drives away, written as a negative number.
EFFECTS = {"summer catalogue": 0.35, "weekly newsletter": 0.0, "daily calls": -0.45}


def assign_campaigns(rng: np.random.Generator, customers: pd.DataFrame) -> pd.DataFrame:
    """Return customers who joined before the campaigns: customer, campaign and group, at random."""
    joined = customers.index[customers["start"] < 365]
    chosen = rng.choice(joined, CUSTOMERS * len(EFFECTS), replace=False)
    group = np.where(rng.random(len(chosen)) < CONTROL_SHARE, "control", "contacted")
    campaign = np.repeat([*EFFECTS], CUSTOMERS)
    return pd.DataFrame({"customer": chosen, "campaign": campaign, "group": group})


def plant_effects(
    rng: np.random.Generator, sales: pd.DataFrame, assigned: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return the sales as the campaigns changed them, and by how much each changed who orders.

    Who is won orders once more what he or she ordered on some earlier day; who is driven away
    orders nothing in those days.
    """
    day = sales["time"].to_numpy().astype("datetime64[D]")
    known = (sales["planted"] == "").to_numpy()
    within = (day >= SENT_ON) & (day < SENT_ON + DAYS)
    ordering = {*sales.loc[within & known, "customer"]}
    earlier = sales[(day < SENT_ON) & known]
    document = earlier.groupby("customer")["document"].last()
    next_document = int(sales["document"].max()) + 1
    added, driven_away, uplifts = [], [], {}
    for campaign, effect in EFFECTS.items():
        own = assigned[(assigned["campaign"] == campaign) & (assigned["group"] == "contacted")]
        changed = rng.random(len(own)) < abs(effect)
        orders = own["customer"].isin(ordering).to_numpy()
        won = own["customer"][changed & ~orders & (effect > 0)]
        won = won[won.isin(document.index)]
        lost = own["customer"][changed & orders & (effect < 0)]
        uplifts[campaign] = (len(won) - len(lost)) / len(own)
        driven_away += [*lost]
        for customer in won:
            lines = earlier[earlier["document"] == document[customer]]
            later = SENT_ON + int(rng.integers(1, DAYS))
            clock = lines["time"] - lines["time"].dt.normalize()
            added.append(lines.assign(document=next_document, time=pd.Timestamp(later) + clock))
            next_document += 1
    kept = sales[~(within & sales["customer"].isin(driven_away).to_numpy())]
    return pd.concat([kept, *added], ignore_index=True), uplifts


def export_campaigns(assigned: pd.DataFrame) -> dict[str, bytes]:
    """Return the file as `export` writes it, completed with the day."""
    table = pd.DataFrame(
        {
            "customer_id": assigned["customer"],
            "campaign": assigned["campaign"],
            "group": assigned["group"],
            "sent_on": str(SENT_ON),
            "control_share": CONTROL_SHARE,
            "cost_per_contact": 0.5,
        }
    )
    return {"campaigns/2025-q3.csv": table.to_csv(index=False, lineterminator="\n").encode()}

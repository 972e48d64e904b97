"""Write sample data of a shop, with a known truth about its customers.

One generator makes a gift shop's ledger of invoice lines and the four tables of regular customers,
with known archetypes, known chances of decline, and a counted amount of every kind of dirt.
`write_sample` writes the files as a shop would send them; `sample_truth` tells what was planted.
A step of the report is right when it finds the truth again from the files alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.ingest.data_folder import MARKER
from analysis.ingest.sample_campaigns import (
    ENDS_AFTER_DAYS,
    SENT_ON,
    assign_campaigns,
    export_campaigns,
    plant_effects,
)
from analysis.ingest.sample_orders import (
    archetype_truth,
    busyness,
    draw_customers,
    draw_orders,
    draw_products,
    draw_sale_lines,
    export_quarters,
    most_orders,
    plant_dirt,
)
from analysis.ingest.sample_regulars import (
    PEOPLE,
    TWINS,
    draw_people,
    expected_roc_auc,
    export_tables,
)

SEED = 20251231


@dataclass(frozen=True)
class Truth:
    """What was planted in the sample data.

    Attributes
    ----------
    archetypes
        One row per customer with a readable line in the ledger: customer_id, archetype, lapsed
        (will not order again after 31 December 2025; true of every one-off buyer), lapse_date
        (missing while active) and orders_a_year (the customer's own rate while active).
    decline
        One row per customer of the activity tables: customer_id and the probability of decline
        from which the label was drawn, as the features were before dirt was planted.
    best_roc_auc
        The expected ROC-AUC of that probability over the labels that it may give: no model can
        be expected to do better.
    dirt
        How often each kind of dirt was planted; lines that stand in two files count in
        ``transactions.late_lines`` and ``transactions.lines`` alone.
    uplifts
        By campaign, the change of the share of contacted customers who order in the 90 days after.
    """

    archetypes: pd.DataFrame
    decline: pd.DataFrame
    best_roc_auc: float
    dirt: dict[str, int]
    uplifts: dict[str, float]


def write_sample(folder: Path) -> None:
    """Write both halves of a data folder, and the marker that says they are generated.

    Parameters
    ----------
    folder
        The data folder; made when missing. Files of the same names are replaced.
    """
    files, _ = _make(SEED)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def sample_truth(seed: int = SEED) -> Truth:
    """Return what `write_sample` plants.

    Parameters
    ----------
    seed
        Another seed gives another shop with the same habits.
    """
    return _make(seed)[1]


def _make(seed: int) -> tuple[dict[str, bytes], Truth]:
    """Return every file of the sample by its path in the data folder, and the truth."""
    ledger_seed, activity_seed, campaign_seed = np.random.SeedSequence(seed).spawn(3)
    rng = np.random.Generator(np.random.PCG64(ledger_seed))
    clock = np.cumsum(busyness())
    products = draw_products(rng)
    customers = draw_customers(rng, clock[-1])
    sales = draw_sale_lines(rng, draw_orders(rng, customers, clock), products)
    ledger = plant_dirt(rng, sales, customers, products)
    readable = ledger.loc[~ledger["planted"].str.startswith("refused"), "customer"]
    customers = customers[customers.index.isin(readable)]
    campaign_rng = np.random.Generator(np.random.PCG64(campaign_seed))
    # Only customers who are known already, and have not left, can be won.
    known = ledger.loc[ledger["planted"].eq("") & ledger["time"].lt(SENT_ON), "customer"]
    active = customers.index[customers["lapse"] > clock[ENDS_AFTER_DAYS]]
    before = ledger[ledger["time"].lt(SENT_ON)].groupby("customer")["invoice"].nunique()
    assigned = assign_campaigns(campaign_rng, active[active.isin(known)], before)
    after_campaigns, uplifts = plant_effects(campaign_rng, ledger, assigned)
    ledger_files, ledger_dirt = export_quarters(after_campaigns)

    rng = np.random.Generator(np.random.PCG64(activity_seed))
    people = draw_people(rng, most_orders(ledger, customers, PEOPLE + TWINS))
    decline = people[["id", "probability"]].set_axis(["customer_id", "probability"], axis=1)
    activity_files, activity_dirt = export_tables(rng, people)

    marker = (
        "This data is generated, and describes no real shop or person.\n"
        f"It was written by `python -m analysis sample` with seed {seed}.\n"
    )
    truth = Truth(
        archetypes=archetype_truth(customers, clock),
        decline=decline.sort_values("customer_id", ignore_index=True),
        best_roc_auc=expected_roc_auc(people["probability"].to_numpy()),
        dirt=ledger_dirt | activity_dirt,
        uplifts=uplifts,
    )
    files = {MARKER: marker.encode()} | ledger_files | activity_files
    return files | export_campaigns(assigned), truth

"""Forecast which customers will not order again: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.forecast.lapse import read_lapse
from analysis.orders.ledger import Ledger, with_ledger


@with_ledger
def forecast_lapse(
    ledger: Ledger,
    segmented: pd.DataFrame,
    settings: Settings,
    progress: Steps,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return each customer's probability to lapse, and how well that can be told.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    segmented
        From `segments.cluster_step`.
    """
    found = read_lapse(
        ledger,
        segmented,
        settings.models.lapse_days,
        settings.engine.seed,
        minimum_group=settings.report.smallest_group,
        home=settings.transactions.home_country,
        tell=progress.tell,
    )
    probabilities = pd.DataFrame(
        {
            "customer_id": segmented["customer_id"],
            "lapse_probability": found.probabilities.to_numpy(),
        }
    )
    tables = {
        "work/lapse": probabilities,
        "lapse_models": found.models,
        "lapse_rates": found.rates,
        "lapse_reliability": found.reliability,
        "lapse_segments": found.segments,
    }
    return tables, found.facts

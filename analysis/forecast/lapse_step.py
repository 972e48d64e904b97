"""Forecast which customers will not order again: a step of the build."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.core.files import Fact
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.forecast.lapse import read_lapse
from analysis.orders.ledger import open_ledger


def forecast_lapse(
    lines: Path,
    reversals: Path,
    about: pd.DataFrame,
    segmented: pd.DataFrame,
    settings: Settings,
    progress: Steps,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return each customer's probability to lapse, and how well that can be told.

    Parameters
    ----------
    lines, reversals, about
        From `orders.ledger.write_ledger`.
    segmented
        From `segments.cluster_step`.
    """
    with open_ledger(lines, reversals, about, settings.engine) as ledger:
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

"""Forecast which customers will not order again: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.forecast.lapse import read_lapse
from analysis.orders.home_market import named_home
from analysis.orders.ledger import Ledger, with_ledger


@with_ledger
def forecast_lapse(
    ledger: Ledger,
    segmented: pd.DataFrame,
    customers_coming: pd.DataFrame,
    season_known: bool,
    settings: Settings,
    progress: Steps,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return how well it can be told who will lapse, and, in a known season, how many will.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    segmented
        From `segments.cluster_step`.
    customers_coming
        From `forecast.coming_step`: with each customer's lapse_probability.
    season_known
        Whether these tell how many will lapse, or rank customers only.
    """
    found = read_lapse(
        ledger,
        segmented,
        settings.models.lapse_days,
        settings.engine.seed,
        minimum_group=settings.report.smallest_group,
        home=named_home(ledger, settings.transactions.home_country),
        scores=customers_coming.set_index("customer_id")["lapse_probability"],
        season_known=season_known,
        tell=progress.tell,
    )
    tables = {
        "lapse_models": found.models,
        "lapse_rates": found.rates,
        "lapse_reliability": found.reliability,
        "lapse_segments": found.segments,
    }
    return tables, found.facts

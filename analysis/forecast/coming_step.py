"""Forecast what is coming, and what each customer may buy next: steps of the build."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.core.files import Fact
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.forecast.coming import Shop, forecast_coming
from analysis.orders.ledger import Ledger, with_ledger
from analysis.orders.purchases import read_purchases
from analysis.segments import rfm
from analysis.segments.rules import Segment, assign


@with_ledger
def forecast_customers(
    ledger: Ledger,
    segmented: pd.DataFrame,
    named_segments: Sequence[Segment],
    settings: Settings,
    progress: Steps,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return what is expected of each customer and of groups of them, and how it was tested.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    segmented
        From `segments.cluster_step`.
    named_segments
        The named segments.
    """

    def segmenter(past: pd.DataFrame) -> npt.NDArray[np.object_]:
        if past.empty:
            return np.zeros(0, dtype=object)
        scored = past.join(rfm.scores(past, rfm.cut_points(past)))
        return assign(scored, [*named_segments]).to_numpy(dtype=object)

    purchases = read_purchases(ledger)
    first, as_of = ledger.first_day, ledger.as_of
    shop = Shop(
        purchases,
        first,
        as_of,
        segmenter,
        max(settings.report.smallest_group, 1),
        settings.engine.seed,
    )
    people = segmented[["customer_id", "segment"]]
    # One thread: sums over several round differently.
    with threadpool_limits(1):
        made = forecast_coming(shop, people, settings.models.lapse_days, progress.tell)
    tables = {"work/customers_coming": made.customers, "coming": made.groups}
    if len(made.models):
        tables |= {"spend_models": made.models, "spend_calibration": made.calibration}
    return tables, made.facts

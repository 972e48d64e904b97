"""Test the lapse model on the gift shop."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import reading
from pictures import draw_lapse

from analysis.forecast import lapse
from analysis.forecast.lapse_features import (
    snapshot,
)
from analysis.forecast.names import RECENCY, RFM, TEST
from analysis.segments import rfm
from analysis.segments.rules import assign, read_segments
from analysis.stats import evaluation

SEED = 7


@pytest.mark.drill
@pytest.mark.real
def test_the_gift_shop(gift_shop: Path) -> None:
    rules = read_segments()
    with reading([gift_shop / "transactions" / "online_retail.parquet"]) as found:
        table = rfm.customers(found.lines, found.as_of).order_by("customer_id").execute()
        table = table.join(rfm.scores(table, rfm.cut_points(table)))
        customers = table.assign(segment=assign(table, rules))
        seen = lapse.read_lapse(found, customers, 90, SEED, minimum_group=5)
        parts = [snapshot(found, date.date(), 90) for date in seen.rates["date"]]
    facts, by_model = seen.facts, seen.models.set_index("model")
    assert facts["lapse.test_date"] == "2011-09-11"
    assert facts["lapse.training_dates"] == "2011-03-15, 2011-06-13"
    assert facts["lapse.model"] == RFM and facts["lapse.confirmed"]
    assert by_model.loc[RECENCY, "roc_auc"] == pytest.approx(0.598, abs=0.02)
    # Nothing adds to all orders' recency, number and amount, taken as logarithms.
    assert facts["lapse.roc_auc"] >= 0.745
    assert by_model["roc_auc"].max() >= 0.752
    assert facts["lapse.brier"] <= 0.186
    # The reference's R, F and M (0.695) are matched by those of the last 90 days alone.
    recent = lapse.Plan(
        "logistic regression", ["log_recency", "log_orders_recent", "log_spend_recent"]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lapse, "PLANS", {"recent": recent})
        p = lapse.predict_lapse("recent", parts[:-1], parts[-1], 90, {"C": 0.03}, SEED)
    assert evaluation.judge(parts[-1].lapsed, p)["roc_auc"] == pytest.approx(0.695, abs=0.02)
    # Quarters differ: before Christmas more come back.
    assert seen.rates["share"].iloc[-1] < seen.rates["low"].iloc[:-1].min()
    tested = seen.rates[seen.rates["role"] == TEST].iloc[0]
    assert tested["low"] <= facts["lapse.mean_predicted"] <= tested["high"]
    assert facts["lapse.scored"] == (customers["recency_days"] <= 90).sum()
    draw_lapse(seen)

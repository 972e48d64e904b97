"""Compute recency, frequency and monetary value of each customer: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.orders.ledger import GROSS, Ledger, with_ledger
from analysis.segments import movement, rfm
from analysis.segments.contract import CUSTOMERS, validate
from analysis.stats import concentration


@with_ledger
def rfm_table(
    ledger: Ledger, settings: Settings
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return a row for each customer with net sales, and facts of revenue and its concentration."""
    customers = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    customers = validate(CUSTOMERS, customers, "the customers of the ledger")
    customers = customers.merge(rfm.consents(ledger.lines), on="customer_id", how="left")
    customers["consent"] = customers["consent"].astype("boolean")
    gross = rfm.customers(ledger.lines, ledger.as_of, GROSS).order_by("customer_id").execute()
    recent = movement.recent_facts(ledger, ledger.as_of)
    low, high = concentration.top_share_interval(gross["monetary"], settings.engine.seed)
    facts: dict[str, Fact] = {
        **rfm.rfm_facts(customers),
        **recent,
        "transactions.top20_share": concentration.top_share(gross["monetary"]),
        "transactions.top20_share_low": low,
        "transactions.top20_share_high": high,
        "transactions.gini": concentration.gini(gross["monetary"]),
    }
    return {"work/rfm_values": customers}, facts

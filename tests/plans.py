"""Make a plan, segment profiles and action terms for tests of the strategy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from analysis.forecast.names import GROUPS
from analysis.segments.rules import read_segments
from analysis.strategy import value
from analysis.strategy.names import COST, OFFER, RATE, REACH, UPLIFT, VALUE
from analysis.strategy.plan import read_plan
from analysis.strategy.terms import Assumed, Terms, wrong_by

RULES = read_segments()
PLAN = read_plan(RULES)


def profile(name: str, **values: Any) -> dict[str, Any]:
    """Return a row of a profile: everything in the middle, but for what is named."""
    row: dict[str, Any] = {"segment": name, "customers": 400, "shown": True, "orders": 900}
    for share in (
        "share",
        "revenue_share",
        "cancelled_share",
        "cancelled_invoices_per_order",
        "abroad_share",
        "second_order_share",
    ):
        row |= {share: 0.2, f"{share}_low": 0.18, f"{share}_high": 0.22}
    row |= {"basket_mean": 300.0, "basket_mean_low": 290.0, "basket_mean_high": 310.0}
    for measure in ("basket", "spend", "frequency", "recency", "tenure", "second_days"):
        row |= {f"{measure}_q1": 40.0, f"{measure}_median": 50.0, f"{measure}_q3": 60.0}
    return row | values


OVERALL = pd.Series(profile("All customers", customers=9000, orders=20000))


def regular(size: int = 240, **columns: Any) -> pd.DataFrame:
    """Return regular customers, a quarter in each group, all alike but for what is given."""
    random = np.random.default_rng(1)
    names = (
        "contacts_6_months",
        "contacts_this_month",
        "days_registered",
        "promo_share",
        "categories_per_visit",
        "unpaid_items",
        "service_errors",
        "pages_per_visit",
        "revenue_two_months_ago",
        "revenue_last_month",
        "revenue_this_month",
        "minutes_last_month",
        "minutes_this_month",
        "profit",
    )
    table = pd.DataFrame({name: random.random(size) for name in names})
    table["risk_group"] = np.array(GROUPS)[np.arange(size) % 4]
    table["favourite_category"] = np.array(["Toys", "Pots", "{here}"])[np.arange(size) % 3]
    table["service_level"] = np.where(random.random(size) < 0.5, "standard", "premium")
    table["consent"] = random.random(size) < 0.7
    return table.assign(**columns)


def terms(
    people: int = 400,
    uplift: float = 0.02,
    spend: float = 300.0,
    cost: float = 0.5,
    offer: float = 0.0,
) -> Terms:
    """Return the terms of an action of the ledger."""
    return Terms(
        people,
        0.4,
        {
            UPLIFT: Assumed(0.0, uplift, uplift * 2),
            VALUE: Assumed(spend * 0.8, spend, spend * 1.3, "lognormal"),
            RATE: Assumed(0.3, 0.4, 0.5),
            REACH: Assumed(0.2, 0.5, 0.8),
            COST: wrong_by(cost, 2.0),
            OFFER: wrong_by(offer, 2.0),
        },
        anyway=0.9,
        orders=1.5,
    )


def table(known: dict[str, Terms | str], half: str = "ledger") -> Any:
    """Return the value of some actions."""
    return value.value_actions(pd.DataFrame({"half": half, "segment": [*known]}), known, seed=1)


some_terms = st.builds(
    terms,
    st.integers(1, 5000),
    st.floats(0, 0.15),
    st.floats(0, 5000),
    st.floats(0, 50),
    st.floats(0, 20),
)

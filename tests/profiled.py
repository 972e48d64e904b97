"""Profile the segments of a ledger, for tests of what the profiles say."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.orders.home_market import home_market
from analysis.orders.ledger import Ledger
from analysis.segments import profiles, rfm, rules
from analysis.segments.details import customer_details

RULES = rules.read_segments()
NAMES = [rule.name for rule in RULES]
SEED = 7


@dataclass(frozen=True)
class Shop:
    """A ledger, its customers with their segments, and what the profiles say of them."""

    ledger: Ledger
    cuts: pd.DataFrame
    details: pd.DataFrame
    profiles: pd.DataFrame
    overall: pd.Series


def shop_of(ledger: Ledger) -> Shop:
    """Return a ledger with its profiles."""
    people = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    cuts = rfm.cut_points(people)
    people = people.join(rfm.scores(people, cuts))
    people["segment"] = rules.assign(people, RULES)
    details = customer_details(ledger, people, home_market(ledger))
    table = profiles.segment_profiles(ledger, details, NAMES, seed=SEED, minimum_group=5)
    return Shop(ledger, cuts, details, table, profiles.overall_profile(ledger, details, seed=SEED))

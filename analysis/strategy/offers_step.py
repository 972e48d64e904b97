"""Give each contacted regular customer an offer: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.strategy import offers


def personal_offers(
    regulars_planned: pd.DataFrame, settings: Settings
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return the regular customers with their offers, who gets which, and the group worth keeping.

    Parameters
    ----------
    regulars_planned
        With action and group; without both where there is no model of who will buy less.
    """
    people, smallest = regulars_planned, settings.report.smallest_group
    if "group" not in people:
        return {"activity": people}, {}
    rules = offers.read_offers()
    people = people.join(offers.give_offers(people, rules))
    tables = {
        "activity": people,
        "offer_counts": offers.count_offers(people, rules),
        "offer_conditions": offers.check_conditions(people, rules, smallest),
        "target_categories": offers.compare_categories(people, smallest),
    }
    given: dict[str, Fact] = {"strategy.activity.offers": int(people["offer"].notna().sum())}
    return {name: table for name, table in tables.items() if len(table)}, given

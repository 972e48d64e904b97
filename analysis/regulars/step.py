"""Compare the regular customers, and find near-duplicates: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.regulars import near_duplicates, tables
from analysis.regulars.names import NUMERIC


def regular_tables(
    regulars: pd.DataFrame, settings: Settings
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return the regular customers with their near-duplicates, and how those who decline differ.

    Parameters
    ----------
    regulars
        The joined customers, from `regulars.reading.read_activity`.
    """
    minimum_group = settings.report.smallest_group
    pairs = near_duplicates.find_near_duplicates(regulars, settings.activity.twin_columns)
    grouped = regulars.assign(
        duplicate_group=near_duplicates.group_near_duplicates(regulars, pairs)
    )
    made = {
        "work/regulars_grouped": grouped,
        "activity_effects": tables.feature_effects(regulars, minimum_group),
        "activity_associations": tables.association_matrix(regulars, minimum_group),
        "activity_categories": tables.categories(regulars, minimum_group),
        "activity_distributions": tables.distributions(regulars, NUMERIC, minimum_group),
    }
    return made, near_duplicates.near_duplicate_facts(regulars, pairs)

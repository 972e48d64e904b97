"""Test the reading of the four tables on a real shop: published facts, near-duplicates."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.core.settings import ActivitySettings, read_settings
from analysis.regulars.contract import ROLES, ActivityTables
from analysis.regulars.near_duplicates import (
    find_near_duplicates,
    group_near_duplicates,
    near_duplicate_facts,
)
from analysis.regulars.reading import read_activity

SETTINGS = read_settings().activity


SOURCES = {role: f"{names[0]}.csv" for role, names in SETTINGS.files.items()}


Tables = dict[str, pd.DataFrame]


def read(tables: Tables, chosen: ActivitySettings = SETTINGS) -> ActivityTables:
    return read_activity(tables, chosen, SOURCES)


@pytest.fixture(scope="module")
def real(one_click: Path) -> ActivityTables:
    folder = one_click / "activity"
    return read({role: pd.read_csv(folder / SOURCES[role], dtype=str) for role in ROLES})


@pytest.mark.real
def test_real_facts(real: ActivityTables) -> None:
    facts = real.facts
    expected = {
        "activity.customers": 1300,
        "activity.same": 802,
        "activity.declined": 498,
        "activity.rows_revenue": 3900,
        "activity.rows_minutes": 2600,
        "activity.refused_rows": 0,
        "activity.typo_kinds": 3,
        "activity.typo_rows_service_level": 10,
        "activity.typo_rows_period": 1300,
        "activity.typo_rows_favourite_category": 223,
        "activity.unmatched_customers": 0,
        "activity.incomplete_customers": 0,
        "activity.inactive_customers": 3,
        "activity.impossible_revenue_rows": 1,
        "activity.impossible_revenue_highest": 106_862.2,
        "activity.kept_customers": 1296,
    }
    assert {key: facts[key] for key in expected} == expected
    assert facts["activity.kept_declined_share"] == pytest.approx(0.381, abs=0.0005)
    assert real.set_aside_customers["customer_id"].tolist() == [
        "215348",
        "215357",
        "215359",
        "215380",
    ]
    assert real.lookalikes.empty
    assert set(real.customers["service_level"]) == {"standard", "premium"}


@pytest.mark.real
@pytest.mark.parametrize("name", ["joined", "customers"])
def test_real_ids_and_twins(real: ActivityTables, name: str) -> None:
    customers = getattr(real, name)
    pairs = find_near_duplicates(customers, SETTINGS.twin_columns)
    facts = near_duplicate_facts(customers, pairs)
    assert facts.pop("activity.id_auc") == pytest.approx(0.98, abs=0.005)
    assert facts == {
        "activity.duplicate_pairs": 22,
        "activity.duplicate_pairs_same_revenues": 21,
        "activity.duplicate_pairs_profit_only": 12,
        "activity.duplicate_pairs_opposite": 9,
        "activity.duplicate_usual_distance": 210,
        "activity.duplicate_pairs_usual_distance": 21,
    }
    assert group_near_duplicates(customers, pairs).nunique() == len(customers) - 22

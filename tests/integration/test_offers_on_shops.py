"""Test the personal offers on a real shop, against counts of its raw file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.forecast.names import TARGET
from analysis.regulars.names import NUMERIC
from analysis.strategy import offers
from analysis.strategy.names import CONTACTED, NO_DIFFERENCE, OPPOSITE, SEPARATES

COLUMNS = {
    "id": "customer_id",
    "Маркет_актив_6_мес": "contacts_6_months",
    "Акционные_покупки": "promo_share",
    "Средний_просмотр_категорий_за_визит": "categories_per_visit",
    "Неоплаченные_продукты_штук_квартал": "unpaid_items",
    "Ошибка_сервиса": "service_errors",
    "Страниц_за_визит": "pages_per_visit",
}
#: Who has no revenue in an earlier month, or one that cannot be true.
LEFT_OUT = [215348, 215357, 215359, 215380]


@pytest.fixture(scope="module")
def raw(one_click: Path) -> pd.DataFrame:
    """Return the behaviour table as it lies there, without the project's loader."""
    table = pd.read_csv(one_click / "activity" / "market_file.csv").rename(columns=COLUMNS)
    table["decline"] = table["Покупательская активность"].eq("Снизилась")
    return table[~table["customer_id"].isin(LEFT_OUT)]


def test_the_conditions_are_those_that_the_raw_table_shows(raw: pd.DataFrame) -> None:
    numbers = [name for name in NUMERIC if name in raw]
    found = offers.check_conditions(
        raw.astype(dict.fromkeys(numbers, float)), offers.read_offers(), 5
    )
    rows = {(row["column"], row["way"]): row for row in found.to_dict("records")}
    assert {key: (row["limit"], row["verdict"]) for key, row in rows.items()} == {
        ("unpaid_items", 1): (3.0, SEPARATES),
        ("promo_share", 1): (0.3, SEPARATES),
        ("pages_per_visit", -1): (8.0, SEPARATES),
        ("categories_per_visit", -1): (3.0, SEPARATES),
        ("service_errors", 1): (6.0, NO_DIFFERENCE),
        ("contacts_6_months", 1): (4.9, OPPOSITE),
        ("promo_share", -1): (0.17, OPPOSITE),
    }
    decline = raw["decline"]
    for (column, way), row in rows.items():
        met = raw[column] > row["limit"] if way > 0 else raw[column] < row["limit"]
        assert row["declined_share"] == pytest.approx(met[decline].mean())
        assert row["same_share"] == pytest.approx(met[~decline].mean())
    basket = rows["unpaid_items", 1]
    assert (basket["declined_share"], basket["same_share"]) == (252 / 494, 192 / 802)


@pytest.mark.drill
def test_every_contacted_customer_of_the_shop_has_one_offer(one_click_build: Path) -> None:
    people = pd.read_parquet(one_click_build / "activity.parquet")
    counts = pd.read_parquet(one_click_build / "offer_counts.parquet")
    contacted = people[people["group"] == CONTACTED]
    assert contacted["offer_reason"].notna().all() and counts["customers"].sum() == len(contacted)
    assert people.loc[people["group"] != CONTACTED, "offer"].isna().all()
    free = contacted[contacted["offer_rule"] == "Free delivery of what was left in the basket"]
    expected = contacted[(contacted["risk_group"] == TARGET) & (contacted["unpaid_items"] > 3)]
    assert sorted(free["customer_id"]) == sorted(expected["customer_id"])
    actions = pd.read_parquet(one_click_build / "actions.parquet")
    assert actions["listed"].sum() == len(contacted)


@pytest.mark.drill
def test_the_categories_of_the_group_add_up(one_click_build: Path) -> None:
    people = pd.read_parquet(one_click_build / "activity.parquet")
    found = pd.read_parquet(one_click_build / "target_categories.parquet")
    target = people[people["risk_group"] == TARGET]
    sizes = target["favourite_category"].value_counts()
    assert dict(zip(found["category"], found["customers"], strict=True)) == sizes.to_dict()
    assert found["profit"].sum() == pytest.approx(target["profit"].sum())

"""Generate the four tables of the sample's regular customers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.ingest.sample_orders import csv_text, pick

Array = npt.NDArray[Any]
PEOPLE, TWINS, SERVICE_TYPOS = 1_485, 15, 12
CATEGORIES = {
    "Товары для детей": 0.25,
    "Домашний текстиль": 0.19,
    "Косметика и аксесуары": 0.17,
    "Техника для красоты и здоровья": 0.15,
    "Мелкая бытовая техника и электроника": 0.13,
    "Кухонная посуда": 0.11,
}
# Our name = the heading in market_file.csv, in its order.
BEHAVIOUR = {
    "id": "id",
    "label": "Покупательская активность",
    "service": "Тип сервиса",
    "consent": "Разрешить сообщать",
    "contacts_6": "Маркет_актив_6_мес",
    "contacts": "Маркет_актив_тек_мес",
    "days": "Длительность",
    "promo": "Акционные_покупки",
    "category": "Популярная_категория",
    "categories": "Средний_просмотр_категорий_за_визит",
    "unpaid": "Неоплаченные_продукты_штук_квартал",
    "errors": "Ошибка_сервиса",
    "pages": "Страниц_за_визит",
}
REVENUES = {"earlier": "препредыдущий_месяц", "last": "предыдущий_месяц", "this": "текущий_месяц"}
MINUTES = {"minutes_last": "предыдцщий_месяц", "minutes_this": "текущий_месяц"}


def draw_people(rng: np.random.Generator, ids: Array) -> pd.DataFrame:
    """Return regular customers, their true chance of decline, and the label drawn from it."""
    risk = rng.normal(size=PEOPLE)  # what makes the features go together; nobody sees it

    def spread(mean: float, by_risk: float, own: float, low: float, high: float) -> Array:
        noise = rng.normal(size=PEOPLE)
        return np.asarray((mean + by_risk * risk + own * noise).clip(low, high))

    hunter = rng.random(PEOPLE) < 1 / (1 + np.exp(2.0 - 1.1 * risk))
    earlier = spread(4850, -100, 380, 3000, 5900)
    last = 0.5 * earlier + spread(2530, -90, 600, 600, 4300)
    minutes = spread(13.5, -1.7, 3.4, 5, 23)
    people = pd.DataFrame(
        {
            "earlier": earlier,
            "last": last,
            "this": 0.5 * last + spread(2750, -190, 620, 600, 4900),
            "minutes_last": minutes,
            "minutes_this": (0.5 * minutes + spread(6.6, -0.7, 2.9, 1, 13)).clip(4, 23),
            "contacts_6": spread(4.25, -0.38, 0.93, 0.9, 6.6),
            "days": spread(600, 15, 255, 110, 1079),
            "categories": spread(3.3, -0.45, 1.25, 1, 6),
            "unpaid": spread(2.8, 0.75, 1.8, 0, 10),
            "errors": spread(4.2, -0.15, 1.95, 0, 9),
            "pages": spread(8.2, -1.9, 3.4, 1, 20),
            "profit": spread(4.0, 0, 1.02, 0.86, 7.43),
        }
    )
    usual, bargains = spread(0.22, 0.01, 0.08, 0, 0.5), spread(0.92, 0.01, 0.05, 0.6, 0.99)
    people["promo"] = np.where(hunter, bargains, usual)
    places = dict.fromkeys(people, 0) | dict.fromkeys([*REVENUES, "contacts_6"], 1)
    people = people.round(places | {"promo": 2, "profit": 2})
    whole = [name for name in people if people[name].mod(1).eq(0).all()]
    people = people.astype(dict.fromkeys(whole, int)).assign(
        service=rng.choice(["стандарт", "премиум"], PEOPLE, p=[0.71, 0.29]),
        consent=rng.choice(["да", "нет"], PEOPLE, p=[0.74, 0.26]),
        category=rng.choice(list(CATEGORIES), PEOPLE, p=list(CATEGORIES.values())),
        contacts=rng.choice([3, 4, 5], PEOPLE, p=[0.24, 0.51, 0.25]),
        pair=range(PEOPLE),
    )
    people["probability"] = _decline_probability(people)
    # A near-duplicate differs in what does not bear on the decline; its label is drawn anew.
    near_duplicates = people.loc[pick(rng, people["probability"].between(0.2, 0.8), TWINS)]
    near_duplicates = near_duplicates.assign(profit=(8.29 - near_duplicates["profit"]).round(2))
    near_duplicates["errors"] = near_duplicates["errors"].mask(
        near_duplicates["pair"] % 3 == 0, 9 - near_duplicates["errors"]
    )
    people = pd.concat([people, near_duplicates], ignore_index=True)
    declines = rng.random(len(people)) < people["probability"]
    people["label"] = np.where(declines, "Снизилась", "Прежний уровень")
    # As such files come: sorted by the label, so that the id gives it away.
    people = people.iloc[rng.permutation(len(people))]
    people = people.sort_values("label", ascending=False, kind="stable", ignore_index=True)
    return people.assign(id=ids)


def _decline_probability(people: pd.DataFrame) -> pd.Series:
    """Return the chance of decline: logistic in the features, but for one interaction."""
    unpaid = (people["unpaid"] - 2.8) / 2
    score = (
        -0.70
        - 1.00 * (people["pages"] - 8.2) / 3.9
        - 0.85 * (people["minutes_last"] + people["minutes_this"] - 26.8) / 7
        - 0.65 * (people["categories"] - 3.3) / 1.35
        - 0.55 * (people["contacts_6"] - 4.25)
        - 0.65 * (people["this"] - people["earlier"] - 330) / 800
        + 0.70 * unpaid
        + 1.90 * (people["promo"] - 0.33)
        + 0.70 * unpaid * (people["promo"] > 0.5)  # who hunts bargains and leaves carts behind
    )
    return pd.Series(1 / (1 + np.exp(-score.to_numpy()))).round(6)


def expected_roc_auc(probability: Array) -> float:
    """Return the expected ROC-AUC of the true probabilities over the labels that they draw."""
    pairs = np.outer(probability, 1 - probability)  # the first declines and the second does not
    np.fill_diagonal(pairs, 0)
    wins = (np.sign(probability[:, None] - probability[None, :]) + 1) / 2
    return round(float((pairs * wins).sum() / pairs.sum()), 6)


def export_tables(
    rng: np.random.Generator, people: pd.DataFrame
) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the four tables with their dirt, and its counts."""
    people = people.copy()
    near_duplicates = people["pair"].duplicated(keep=False)
    rows = rng.permutation(pick(rng, ~near_duplicates, 5))
    people.loc[rows[0], "this"] = 104_381.7
    people.loc[rows[1:4], "earlier"] = 0.0
    people.loc[rows[1:3], "last"] = 0.0
    people.loc[pick(rng, people["service"].eq("стандарт"), SERVICE_TYPOS), "service"] = "стандартт"
    stray = pd.DataFrame({"id": [people["id"].max() + 1], "profit": [3.33]})
    profit = pd.concat([people.loc[people.index != rows[4], ["id", "profit"]], stray])
    tables = {
        "market_file": people[list(BEHAVIOUR)].rename(columns=BEHAVIOUR),
        "market_money": _long(people, REVENUES, "Выручка"),
        "market_time": _long(people, MINUTES, "минут"),
        "money": profit.rename(columns={"profit": "Прибыль"}),
    }
    dirt = {
        "customers": len(people),
        "service_level_typos": SERVICE_TYPOS,
        "period_typos": len(people),
        "category_typos": int(people["category"].eq("Косметика и аксесуары").sum()),
        "impossible_revenues": 1,
        "customers_without_earlier_revenue": 3,
        "duplicate_pairs": TWINS,
        "duplicate_pairs_with_opposite_labels": int(
            people[near_duplicates].groupby("pair")["label"].nunique().eq(2).sum()
        ),
        "customers_without_profit": 1,
        "profits_without_customer": 1,
    }
    return (
        {f"activity/{name}.csv": csv_text(table).encode() for name, table in tables.items()},
        {f"activity.{kind}": number for kind, number in dirt.items()},
    )


def _long(people: pd.DataFrame, periods: dict[str, str], value: str) -> pd.DataFrame:
    """Return one row per customer and period."""
    table = people.rename(columns=periods).melt("id", list(periods.values()), "Период", value)
    return table.sort_values("id", kind="stable", ignore_index=True)

"""Test how the four tables are read, validated and joined, and near-duplicates found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.problems import Refused
from analysis.core.settings import ActivitySettings, read_settings
from analysis.ingest.parts import ROW
from analysis.regulars.cells import read_numbers
from analysis.regulars.contract import INACTIVE, INCOMPLETE, ActivityTables
from analysis.regulars.joins import missing_customers
from analysis.regulars.names import NO_ANSWERS, NUMERIC, REVENUES
from analysis.regulars.near_duplicates import (
    find_near_duplicates,
    group_near_duplicates,
    id_predicts,
)
from analysis.regulars.reading import read_activity

SETTINGS = read_settings().activity
SOURCES = {role: f"{names[0]}.csv" for role, names in SETTINGS.files.items()}
LENIENT = SETTINGS.model_copy(update={"refused_share": 0.5})

Tables = dict[str, pd.DataFrame]


def four_tables(customers: int = 40) -> Tables:
    """Return four clean tables as a CSV reader hands them over: all text, in the file's words."""
    ids = [str(1000 + i) for i in range(customers)]
    even = [i % 2 == 0 for i in range(customers)]
    behaviour = pd.DataFrame(
        {
            "id": ids,
            "Покупательская активность": ["Снизилась" if e else "Прежний уровень" for e in even],
            "Тип сервиса": ["стандарт" if i % 3 else "премиум" for i in range(customers)],
            "Разрешить сообщать": ["да" if i % 4 else "нет" for i in range(customers)],
            "Маркет_актив_6_мес": [f"{3 + i / 10:.1f}" for i in range(customers)],
            "Маркет_актив_тек_мес": [str(3 + i % 3) for i in range(customers)],
            "Длительность": [str(100 + i) for i in range(customers)],
            "Акционные_покупки": [f"{i % 10 / 10:.1f}" for i in range(customers)],
            "Популярная_категория": [
                ["Кухонная посуда", "Мебель"][i % 2] for i in range(customers)
            ],
            "Средний_просмотр_категорий_за_визит": [str(1 + i % 6) for i in range(customers)],
            "Неоплаченные_продукты_штук_квартал": [str(i % 7) for i in range(customers)],
            "Ошибка_сервиса": [str(i % 5) for i in range(customers)],
            "Страниц_за_визит": [str(2 + i % 11) for i in range(customers)],
        }
    )
    months = ["препредыдущий_месяц", "предыдущий_месяц", "текущий_месяц"]
    revenue = pd.DataFrame(
        [
            (id_, month, f"{4000 + 7 * i + j}")
            for i, id_ in enumerate(ids)
            for j, month in enumerate(months)
        ],
        columns=["id", "Период", "Выручка"],
    )
    minutes = pd.DataFrame(
        [(id_, month, str(5 + i % 9)) for i, id_ in enumerate(ids) for month in months[1:]],
        columns=["id", "Период", "минут"],
    )
    profit = pd.DataFrame({"id": ids, "Прибыль": [f"{1 + i / 100:.2f}" for i in range(customers)]})
    tables = {"behaviour": behaviour, "revenue": revenue, "minutes": minutes, "profit": profit}
    return {role: table.astype("str") for role, table in tables.items()}


def read(tables: Tables, chosen: ActivitySettings = SETTINGS) -> ActivityTables:
    return read_activity(tables, chosen, SOURCES)


def refusal(tables: Tables, chosen: ActivitySettings = SETTINGS) -> Refused:
    with pytest.raises(Refused) as refused:
        read(tables, chosen)
    return refused.value


# ------------------------------------------------------------------------------------ clean data


def test_clean_tables_give_one_row_a_customer() -> None:
    result = read(four_tables())
    first = result.customers.iloc[0]
    assert result.customers["customer_id"].is_unique
    assert len(result.customers) == 40
    assert (first["customer_id"], first["service_level"], first["consent"]) == (
        "1000",
        "premium",
        False,
    )
    assert first[list(REVENUES)].tolist() == [4000, 4001, 4002]
    assert first["favourite_category"] == "Kitchenware"
    # A label that the settings do not list stays as it stands.
    assert set(result.customers["favourite_category"]) == {"Kitchenware", "Мебель"}
    assert result.quarantine.empty
    assert result.typos.empty
    assert result.joins["missing_customers"].sum() == 0


def test_names_of_columns_are_found_in_another_spelling() -> None:
    tables = four_tables()
    tables["profit"] = tables["profit"].rename(columns={"id": "ID", "Прибыль": " прибыль "})
    assert len(read(tables).customers) == 40


@pytest.mark.parametrize("arrow", [False, True])
def test_typed_columns_mean_the_same_as_text(arrow: bool) -> None:
    text = four_tables()
    typed: dict[str, pa.Table | pd.DataFrame] = {}
    for role, table in text.items():
        numbers = {
            name: table[name].astype(float) if name == "id" else pd.to_numeric(table[name])
            for name in table.columns
            if pd.to_numeric(table[name], errors="coerce").notna().all()
        }
        frame = table.assign(**numbers)
        typed[role] = pa.Table.from_pandas(frame) if arrow else frame
    result, expected = read_activity(typed, SETTINGS, SOURCES), read(text)
    pd.testing.assert_frame_equal(result.customers, expected.customers)
    assert result.facts == expected.facts


def test_rows_are_numbered_as_the_reader_numbers_them() -> None:
    tables = four_tables()
    tables["profit"].loc[3, "Прибыль"] = "?"
    assert read(tables).quarantine["row_number"].tolist() == [5]
    tables["profit"] = tables["profit"].assign(**{ROW: range(101, 141)})
    quarantine = read(tables).quarantine
    assert quarantine["row_number"].tolist() == [104]
    assert quarantine["line"].tolist() == ["1003 | ?"]


@given(st.permutations(range(12)))
@settings(max_examples=4, deadline=None)
def test_order_of_rows_does_not_matter(order: list[int]) -> None:
    tables = four_tables(12)
    shuffled = {
        role: table.iloc[order] for role, table in tables.items() if role in ("behaviour", "profit")
    }
    result = read({**tables, **shuffled}).customers.sort_values("customer_id", ignore_index=True)
    pd.testing.assert_frame_equal(result, read(tables).customers)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,5", 1.5),
        ("1 234,5", 1234.5),
        ("1\u00a0234", 1234),
        ("-2", -2),
        ("1e3", 1000),
        (" 7 ", 7),
    ],
)
def test_numbers_are_read(text: str, number: float) -> None:
    assert read_numbers(pd.Series([text], dtype="str")).tolist() == [number]


@pytest.mark.parametrize(
    "text", ["abc", "", "nan", "inf", "1e999", "1,234.5", "5%", "12 34", "0x1A"]
)
def test_other_text_is_no_number(text: str) -> None:
    assert read_numbers(pd.Series([text], dtype="str")).isna().all()


# ------------------------------------------------------------------------------------------ dirt


def test_known_misspellings_are_mended_and_counted() -> None:
    tables = four_tables()
    tables["behaviour"].loc[[1, 2], "Тип сервиса"] = "стандартт"
    tables["behaviour"].loc[4, "Тип сервиса"] = " стандарт"
    late = tables["minutes"]["Период"] == "предыдущий_месяц"
    tables["minutes"].loc[late, "Период"] = "предыдцщий_месяц"
    result = read(tables)
    assert result.typos.values.tolist() == [
        ["market_file.csv", "Тип сервиса", " стандарт", "стандарт", 1],
        ["market_file.csv", "Тип сервиса", "стандартт", "стандарт", 2],
        ["market_time.csv", "Период", "предыдцщий_месяц", "предыдущий_месяц", 40],
    ]
    assert result.facts["activity.typo_rows"] == 43
    assert result.facts["activity.typo_rows_service_level"] == 3
    assert result.facts["activity.typo_rows_consent"] == 0
    assert set(result.customers["service_level"]) == {"standard", "premium"}


def test_an_unknown_misspelling_is_reported_and_left() -> None:
    tables = four_tables()
    tables["behaviour"].loc[1, "Популярная_категория"] = "Кухоная посуда"
    tables["behaviour"].loc[3, "Популярная_категория"] = "Сад"
    result = read(tables)
    assert result.lookalikes.values.tolist() == [
        ["market_file.csv", "Популярная_категория", "Кухоная посуда", "Кухонная посуда", 1]
    ]
    assert "Кухоная посуда" in set(result.customers["favourite_category"])


def test_customers_are_set_aside_by_rule() -> None:
    tables = four_tables(200)
    tables["revenue"].loc[0, "Выручка"] = "0"
    tables["revenue"].loc[3, "Выручка"] = "900000"
    tables["profit"] = tables["profit"].drop(index=5)
    tables["minutes"] = tables["minutes"].drop(index=[12])
    result = read(tables)
    assert dict(result.set_aside.values.tolist())[INACTIVE] == 1
    assert dict(zip(*result.set_aside_customers.T.values.tolist(), strict=True)) == {
        "1000": INACTIVE,
        "1001": "an impossible revenue in one of the months",
        "1005": INCOMPLETE,
        "1006": INCOMPLETE,
    }
    assert len(result.customers) == 196
    assert result.facts["activity.impossible_revenue_rows"] == 1
    assert result.facts["activity.impossible_revenue_highest"] == 900_000


def test_an_impossible_revenue_does_not_raise_its_own_limit() -> None:
    tables = four_tables(40)
    tables["revenue"].loc[3, "Выручка"] = "900000"
    assert read(tables).facts["activity.impossible_revenue_customers"] == 1


def test_joins_are_checked_both_ways() -> None:
    tables = four_tables()
    tables["profit"] = tables["profit"].drop(index=[5, 6])
    tables["minutes"].loc[[0, 1], "id"] = "9999"
    joins = read(tables).joins.set_index(["from", "to"])["missing_customers"]
    assert len(joins) == 12
    assert joins["behaviour", "profit"] == 2
    assert joins["profit", "behaviour"] == 0
    assert joins["behaviour", "minutes"] == 1
    assert joins["minutes", "behaviour"] == 1
    assert joins["minutes", "profit"] == 3


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
@settings(max_examples=30, deadline=None)
def test_missing_customers_add_up(one: set[str], other: set[str]) -> None:
    missing = missing_customers({"one": one, "other": other})["missing_customers"]
    assert len(one) - missing[0] == len(other) - missing[1] == len(one & other)


# -------------------------------------------------------------------------------- refused rows


ROW_RULES = [
    ("behaviour", "id", None, "'id' is empty"),
    ("behaviour", "id", "2.15E+05", "'id' is not a customer id"),
    ("behaviour", "id", "0,98", "'id' is not a customer id"),
    ("behaviour", "id", "a\x1bb", "'id' is not a customer id"),
    ("behaviour", "Покупательская активность", None, "'Покупательская активность' is empty"),
    ("behaviour", "Тип сервиса", "  ", "'Тип сервиса' is empty"),
    ("behaviour", "Разрешить сообщать", "может", "'Разрешить сообщать' is neither yes nor no"),
    ("behaviour", "Длительность", "много", "'Длительность' is not a number"),
    ("behaviour", "Длительность", "-1", "'Длительность' is below 0"),
    ("behaviour", "Акционные_покупки", "1.01", "'Акционные_покупки' is above 1"),
    ("behaviour", "Акционные_покупки", "-0.1", "'Акционные_покупки' is below 0"),
    ("behaviour", "Страниц_за_визит", None, "'Страниц_за_визит' is empty"),
    ("revenue", "Выручка", "-5", "'Выручка' is below 0"),
    ("revenue", "Выручка", "inf", "'Выручка' is not a number"),
    ("revenue", "Период", "завтра", "'Период' is not a known period"),
    ("revenue", "id", None, "'id' is empty"),
    ("minutes", "Период", "препредыдущий_месяц", "'Период' is not a known period"),
    ("minutes", "минут", "10 мин", "'минут' is not a number"),
    ("profit", "Прибыль", "", "'Прибыль' is empty"),
]


@pytest.mark.parametrize(("role", "column", "cell", "rule"), ROW_RULES)
def test_each_rule_refuses_a_row(role: str, column: str, cell: str | None, rule: str) -> None:
    tables = four_tables()
    tables[role].loc[7, column] = cell
    result = read(tables, LENIENT)
    assert result.quarantine[["source", "row_number", "rule"]].values.tolist() == [
        [SOURCES[role], 9, rule]
    ]
    assert len(result.joined) == 40 - (role == "behaviour")


def test_profit_may_be_negative() -> None:
    tables = four_tables()
    tables["profit"].loc[7, "Прибыль"] = "-3"
    assert read(tables).quarantine.empty


def test_a_repeated_row_is_refused_once() -> None:
    tables = four_tables()
    tables["revenue"] = pd.concat([tables["revenue"], tables["revenue"].iloc[[0]]])
    result = read(tables)
    assert result.quarantine[["row_number", "rule"]].values.tolist() == [
        [122, "the same row stands in the file before"]
    ]
    assert len(result.customers) == 40


def test_rows_that_contradict_each_other_are_all_refused() -> None:
    tables = four_tables()
    extra = tables["profit"].iloc[[0]].assign(**{"Прибыль": "99"})
    tables["profit"] = pd.concat([tables["profit"], extra])
    result = read(tables, LENIENT)
    assert result.quarantine["row_number"].tolist() == [2, 42]
    assert result.quarantine["rule"].str.startswith("several rows that differ").all()
    assert result.set_aside_customers["customer_id"].tolist() == ["1000"]


def test_a_row_is_set_apart_once_with_all_its_rules() -> None:
    tables = four_tables()
    tables["revenue"].loc[0, ["Период", "Выручка"]] = ["завтра", "-1"]
    quarantine = read(tables).quarantine
    assert quarantine["rule"].tolist() == ["'Период' is not a known period; 'Выручка' is below 0"]
    assert quarantine["line"].tolist() == ["1000 | завтра | -1"]


# ------------------------------------------------------------------------------- refused files


def test_a_file_with_too_many_refused_rows_is_refused_with_every_rule() -> None:
    tables = four_tables()
    tables["revenue"].loc[:9, "Выручка"] = "abc"
    tables["revenue"].loc[10:12, "Период"] = "завтра"
    refused = refusal(tables)
    assert [(p.column, p.rule, p.rows, p.example) for p in refused.problems] == [
        ("Выручка", "is not a number", 10, "'abc' in row 2"),
        ("Период", "is not a known period", 3, "'завтра' in row 12"),
    ]
    assert "10.8% of the file's rows" in str(refused)
    assert "up to 5.0%" in str(refused)


def test_without_the_settings_typo_the_minutes_are_refused() -> None:
    tables = four_tables()
    tables["minutes"]["Период"] = tables["minutes"]["Период"].replace(
        "предыдущий_месяц", "предыдцщий_месяц"
    )
    (problem,) = refusal(tables, SETTINGS.model_copy(update={"typos": {}})).problems
    assert (problem.source, problem.rows) == ("market_time.csv", 40)
    assert "[activity.typos]" in problem.remedy


def test_every_problem_of_every_table_comes_in_one_message() -> None:
    tables = four_tables()
    tables["behaviour"] = tables["behaviour"].drop(columns=["Тип сервиса", "Длительность"])
    tables["revenue"] = tables["revenue"].head(0)
    tables["minutes"]["минут"] = "x" * 500
    del tables["profit"]
    refused = refusal(tables)
    assert {p.source for p in refused.problems} == {
        "activity/",
        "market_file.csv",
        "market_money.csv",
        "market_time.csv",
    }
    text = str(refused)
    assert "2 columns missing: service_level (accepted: 'Тип сервиса'); days_registered" in text
    assert "there are no rows below the header" in text
    assert "the profit table is missing" in text
    assert "money.csv" in text
    assert "x" * 100 not in text


def test_two_columns_that_claim_one_name_are_refused() -> None:
    tables = four_tables()
    tables["profit"]["при быль"] = "1"
    assert "both 'Прибыль' and 'при быль'" in str(refusal(tables))


def test_ids_that_are_not_ids_are_refused() -> None:
    tables = four_tables()
    tables["profit"]["id"] = [f"{i}.5" for i in range(40)]
    (problem,) = refusal(tables).problems
    assert (problem.column, problem.rule, problem.rows) == ("id", "is not a customer id", 40)


def test_a_table_of_other_customers_is_refused() -> None:
    tables = four_tables()
    tables["profit"]["id"] = "X" + tables["profit"]["id"]
    (problem,) = refusal(tables).problems
    assert problem.rule == "no customer of this file is in market_file.csv"
    assert problem.example == "'X1000' in row 2"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"Снизилась": "Прежний уровень"}, "it has 1: 'same' (40)"),
        ({"Снизилась": "Упала"}, "it has 2: 'same' (20), 'Упала' (20)"),
        ({"Снизилась": "A", "Прежний уровень": "B"}, "it has 2: 'A' (20), 'B' (20)"),
    ],
)
def test_the_label_must_have_the_two_known_values(change: dict[str, str], found: str) -> None:
    tables = four_tables()
    label = "Покупательская активность"
    tables["behaviour"][label] = tables["behaviour"][label].replace(change)
    (problem,) = refusal(tables).problems
    assert problem.column == label
    assert problem.rule.endswith(found)
    assert "Expected 'Снизилась' and 'Прежний уровень'" in problem.remedy


def test_a_third_label_is_refused() -> None:
    tables = four_tables()
    tables["behaviour"].loc[0, "Покупательская активность"] = "Выросла"
    (problem,) = refusal(tables).problems
    assert "it has 3" in problem.rule
    assert problem.rows == 1
    assert problem.example == "'Выросла' in row 2"


def test_all_rows_refused_is_a_refusal_whatever_the_share() -> None:
    tables = four_tables()
    tables["profit"]["Прибыль"] = "?"
    anything = SETTINGS.model_copy(update={"refused_share": 1.0})
    assert refusal(tables, anything).problems[0].rows == 40


def test_no_customer_left_is_refused() -> None:
    tables = four_tables()
    tables["revenue"].loc[::3, "Выручка"] = "0"
    assert "no customer is in all four tables" in str(refusal(tables))


def test_one_class_left_is_refused() -> None:
    tables = four_tables()
    even = tables["revenue"]["id"].astype(int) % 2 == 0
    tables["revenue"].loc[even, "Выручка"] = "0"
    assert "must both be there" in str(refusal(tables))


# ------------------------------------------------------------------------- ids and near-duplicates


def random_customers(seed: int, n: int, values: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    numbers = {name: rng.integers(0, values, n).astype(float) for name in NUMERIC}
    return pd.DataFrame(
        {
            "customer_id": rng.permutation(n).astype("str"),
            "decline": rng.random(n) < 0.5,
            **numbers,
        }
    )


def test_an_id_that_sorts_by_label_predicts_it() -> None:
    sorted_file = pd.DataFrame({"customer_id": ["1", "2", "30", "40"], "decline": [1, 1, 0, 0]})
    sorted_file["decline"] = sorted_file["decline"].astype(bool)
    assert id_predicts(sorted_file) == 1.0
    assert id_predicts(sorted_file.iloc[::-1]) == 1.0
    assert id_predicts(sorted_file.assign(decline=True)) == 0.5
    # Ids that are no numbers: the order of the rows.
    assert id_predicts(sorted_file.assign(customer_id=list("dbca"))) == 1.0
    assert id_predicts(sorted_file.assign(decline=[True, False, False, True])) == 0.5


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 4), st.integers(1, 15))
@settings(max_examples=30, deadline=None)
def test_blocks_find_the_pairs_that_comparing_all_finds(
    seed: int, n: int, values: int, twin_columns: int
) -> None:
    customers = random_customers(seed, n, values)
    numbers = customers[list(NUMERIC)].to_numpy()
    expected = {
        (frozenset(customers["customer_id"].iloc[[i, j]]), int((numbers[i] == numbers[j]).sum()))
        for i in range(n)
        for j in range(i)
        if (numbers[i] == numbers[j]).sum() >= twin_columns
    }
    pairs = find_near_duplicates(customers, twin_columns)
    found = {
        (frozenset((a, b)), k) for a, b, k in pairs[["first", "second", "equal_columns"]].values
    }
    assert found == expected
    assert len(pairs) == len(expected)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_twins_do_not_depend_on_the_order_of_rows(seed: int) -> None:
    customers = random_customers(seed, 60, 3)
    shuffled = customers.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(
        find_near_duplicates(customers, 8), find_near_duplicates(shuffled, 8)
    )


def test_a_pair_is_described() -> None:
    customers = random_customers(1, 2, 2)
    customers.loc[1] = customers.loc[0]
    customers["customer_id"] = ["107", "20"]
    customers["decline"] = [True, False]
    customers.loc[0, ["profit", "promo_share"]] = [5.0, 0.9]
    pairs = find_near_duplicates(customers, 9)
    assert pairs.values.tolist() == [["20", "107", 12, "promo_share, profit", True, False, 87]]
    customers["customer_id"] = ["x", "20"]
    assert find_near_duplicates(customers, 9)["id_distance"].isna().all()
    assert find_near_duplicates(customers, 9)[["first", "second"]].values.tolist() == [["20", "x"]]


def test_missing_numbers_are_not_equal() -> None:
    customers = random_customers(1, 2, 1)
    assert len(find_near_duplicates(customers, 9)) == 1
    customers[list(NUMERIC[:6])] = np.nan
    assert find_near_duplicates(customers, 9).empty
    assert len(find_near_duplicates(customers, 8)) == 1


def test_too_many_twins_are_refused_before_memory_is_full() -> None:
    with pytest.raises(Refused, match="more than 1,000 pairs"):
        find_near_duplicates(random_customers(1, 200, 1), 9, most_pairs=1000)


def test_twins_of_twins_share_a_group() -> None:
    customers = pd.DataFrame({"customer_id": list("abcd")}, index=[5, 6, 7, 8])
    pairs = pd.DataFrame({"first": ["a", "b"], "second": ["b", "d"]})
    groups = group_near_duplicates(customers, pairs)
    assert groups.index.tolist() == [5, 6, 7, 8]
    assert groups[5] == groups[6] == groups[8] != groups[7]
    assert group_near_duplicates(customers, pairs.head(0)).nunique() == 4


# ------------------------------------------------------------------------------------ consent


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_a_column_of_consent_without_any_answer_means_that_nobody_is_known_to_consent(
    empty: str | None,
) -> None:
    tables = four_tables()
    tables["behaviour"]["Разрешить сообщать"] = pd.Series([empty] * 40, dtype="str")
    result = read(tables)
    assert len(result.customers) == 40 and result.quarantine.empty
    assert not result.customers["consent"].any()
    assert result.facts["activity.consent_known"] is False
    assert read(four_tables()).facts["activity.consent_known"] is True
    assert "nobody is known to consent" in NO_ANSWERS


def test_one_answer_makes_the_empty_cells_gaps() -> None:
    tables = four_tables()
    answers = ["да", *[""] * 39]
    tables["behaviour"]["Разрешить сообщать"] = pd.Series(answers, dtype="str")
    assert "is empty (39 rows)" in str(refusal(tables))
    # What is neither yes nor no is no empty column, either.
    tables["behaviour"]["Разрешить сообщать"] = pd.Series(["?"] * 40, dtype="str")
    assert "is neither yes nor no (40 rows)" in str(refusal(tables))


def test_a_missing_column_of_consent_is_refused_and_told_how_to_go_on() -> None:
    tables = four_tables()
    tables["behaviour"] = tables["behaviour"].drop(columns="Разрешить сообщать")
    text = str(refusal(tables))
    assert "1 column missing: consent" in text
    assert "send its column empty" in text
    tables["behaviour"] = four_tables()["behaviour"].drop(columns="Тип сервиса")
    assert "send its column empty" not in str(refusal(tables))

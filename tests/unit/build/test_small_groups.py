"""Test that no published table describes fewer customers than the settings allow."""

from __future__ import annotations

import itertools
from pathlib import PurePath

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis.build.small_groups import NO_GROUPS, PRIVATE, RULES, hide_small_groups, is_small
from analysis.build.steps import STEPS

TABLES = {
    name
    for step in STEPS
    for name in step.makes
    if not name.startswith("work/") and not PurePath(name).suffix
}


def test_every_table_has_a_rule_or_a_reason_to_have_none() -> None:
    said = [*RULES, *PRIVATE, *itertools.chain(*NO_GROUPS.values())]
    assert sorted(said) == sorted(TABLES)


def test_a_step_that_makes_a_table_with_a_rule_reads_the_setting() -> None:
    for step in STEPS:
        if set(step.makes) & set(RULES):
            assert "report.smallest_group" in step.settings, step.name


@given(
    st.sampled_from(sorted(RULES)),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12),
    st.integers(1, 9),
)
def test_no_number_is_left_in_a_row_of_too_few_customers(
    name: str, sizes: list[tuple[int, int]], smallest: int
) -> None:
    table = pd.DataFrame(
        {
            "label": [f"row {n}" for n in range(len(sizes))],
            "hour": 9,
            **{rule.count: [size[n % 2] for size in sizes] for n, rule in enumerate(RULES[name])},
            **{hidden: 1.5 for rule in RULES[name] for hidden in rule.hides},
            "money": 100.0,
        }
    )
    for n, rule in enumerate(RULES[name]):
        table[rule.count] = pd.Series([size[n % 2] for size in sizes], dtype="int64")
    found = hide_small_groups(name, table, smallest)
    assert set(found["label"]) <= set(table["label"])
    by_label = found.set_index("label")
    for row in table.to_dict("records"):
        for rule in RULES[name]:
            if not 0 < row[rule.count] < smallest:
                continue
            if rule.drops:
                assert row["label"] not in by_label.index
            else:
                numbers = rule.hides or (rule.count, "money")
                assert by_label.loc[row["label"], list(numbers)].isna().all()
    if all(row[rule.count] >= smallest for row in table.to_dict("records") for rule in RULES[name]):
        pd.testing.assert_frame_equal(found, table)


def test_what_is_hidden_comes_last_where_lists_are_cut_from_the_top() -> None:
    products = pd.DataFrame({"stock_code": ["A", "B"], "customers": [2, 9], "revenue": [9.0, 1.0]})
    found = hide_small_groups("products", products, 5)
    assert found["stock_code"].to_list() == ["B", "A"]
    assert found["revenue"].isna().to_list() == [False, True]


def test_an_empty_group_describes_nobody() -> None:
    assert is_small(pd.Series([0, 1, 4, 5]), 5).to_list() == [False, True, True, False]

"""Test how an assumption is told, ordered and tabulated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.core.assumptions import KINDS, Assumption, as_table, in_order


def test_what_is_not_known_is_not_told() -> None:
    one = Assumption("orders", "An order is a day.")
    assert one.full_sentence("£") == "An order is a day."
    assert (
        Assumption("orders", "An order is a day.", rows=0)
        .full_sentence("£")
        .endswith("day (0 rows).")
    )


def test_money_is_written_in_the_currency_of_the_data() -> None:
    one = Assumption("money", "Nothing is known.", source="a.csv", rows=1, money=-4.0)
    assert one.full_sentence("€") == "a.csv: Nothing is known (1 row, -€4.00)."
    assert as_table([one], "€")["told"].to_list() == [one.full_sentence("€")]
    assert as_table([], "€").empty


def test_a_value_from_a_file_cannot_drive_a_terminal() -> None:
    assert "\x1b" not in Assumption("columns", "x", column="\x1b[2J").full_sentence("")


@given(st.lists(st.sampled_from([Assumption(kind, f"{kind}.") for kind in KINDS])))
def test_each_is_told_once_and_in_the_order_of_kinds(found: list[Assumption]) -> None:
    told = in_order(found)
    assert len(told) == len(set(found))
    assert [KINDS.index(one.kind) for one in told] == sorted(
        KINDS.index(o.kind) for o in set(found)
    )

"""Test how an assumption is told, ordered and tabulated."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.core.assumptions import KINDS, Assumption, as_table, in_order, state
from analysis.core.told_assumptions import sentences_of, write_line

ORDER = state("assumed-orders.order-is-a-number")


def test_what_is_not_known_is_not_told() -> None:
    one = Assumption("orders", ORDER)
    assert (
        write_line(one, "£")
        == "An order is all lines of one customer that share an invoice number."
    )
    assert write_line(Assumption("orders", ORDER, rows=0), "£").endswith("number (0 rows).")


def test_money_is_written_in_the_currency_of_the_data() -> None:
    one = Assumption(
        "money", state("assumed-orders.currency", code="EUR"), source="a.csv", rows=1, money=-4.0
    )
    assert write_line(one, "€") == "a.csv: All lines are in the currency EUR (1 row, -€4.00)."
    assert sentences_of(as_table([one])) == ["All lines are in the currency EUR."]
    assert as_table([]).empty


def test_a_value_from_a_file_cannot_drive_a_terminal() -> None:
    assert "\x1b" not in write_line(Assumption("columns", ORDER, column="\x1b[2J"), "")


@given(st.lists(st.sampled_from([Assumption(kind, ORDER) for kind in KINDS])))
def test_each_is_told_once_and_in_the_order_of_kinds(found: list[Assumption]) -> None:
    told = in_order(found)
    assert len(told) == len(set(found))
    assert [KINDS.index(one.kind) for one in told] == sorted(
        KINDS.index(o.kind) for o in set(found)
    )


def test_a_table_keeps_templates_and_values_without_addresses() -> None:
    said = state("assumed-orders.no-customer", value="ann@example.org") + ORDER
    table = as_table([Assumption("customers", said, rows=2)])
    assert "ann" not in table["said"].iloc[0]
    (told,) = sentences_of(table)
    assert told.startswith("The value ") and told.endswith("an invoice number.")

"""Test the figures by month that a user holds against the shop system's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import a_line, reading, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.orders.control import control_figures, control_lines


def test_a_month_adds_up_by_hand(tmp_path: Path) -> None:
    lines = [
        a_line(Quantity="6", UnitPrice="2"),
        a_line(Quantity="6", UnitPrice="2"),  # twice
        a_line(InvoiceNo="2", Quantity="3", UnitPrice="5"),
        a_line(InvoiceNo="3", CustomerID="", Quantity="1", UnitPrice="7"),
        a_line(InvoiceNo="2", StockCode="POST", Quantity="1", UnitPrice="4"),
        a_line(InvoiceNo="C4", Quantity="-3", UnitPrice="5", InvoiceDate="2011-02-03 10:00:00"),
    ]
    write_lines(tmp_path / "a.csv", lines)
    with reading([tmp_path / "a.csv"]) as ledger:
        january, february = control_figures(ledger).to_dict("records")
    assert january == {
        "month": "2011-01",
        "orders": 1,
        "gross": 27.0,
        "refunds": 15.0,
        "net": 12.0,
        "no_customer": 7.0,
        "other": 31.0,  # the repeated line, postage, and the purchase that was taken back
        "all_lines": 50.0,
    }
    assert (february["net"], february["all_lines"]) == (0, -15)


@settings(max_examples=5, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-9, 9), st.sampled_from(["1", "", "2"]), st.integers(1, 3)),
        min_size=1,
        max_size=12,
    )
)
def test_all_lines_are_the_sum_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int]]
) -> None:
    lines = [
        a_line(
            InvoiceNo=str(n),
            Quantity=str(q),
            CustomerID=who,
            InvoiceDate=f"2011-0{month}-14 10:00:00",
        )
        for n, (q, who, month) in enumerate([(5, "9", 1), *rows])
    ]
    path = tmp_path_factory.mktemp("control") / "a.csv"
    write_lines(path, lines)
    price = float(a_line()["UnitPrice"])
    with reading([path]) as ledger:
        table = control_figures(ledger)
    assert table["all_lines"].sum() == pytest.approx(price * (5 + sum(row[0] for row in rows)))
    parts = table["net"] + table["no_customer"] + table["other"]
    assert parts.tolist() == pytest.approx(table["all_lines"].tolist())
    text = control_lines(table, "£")
    assert len({len(line) for line in text[1:]}) == 1
    assert text[-1].startswith("Total")

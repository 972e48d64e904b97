"""Test on small ledgers that changes since the last report are split into new and restated."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from conftest import Row, reading, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import shop

from analysis.history import changes, text_changes
from analysis.orders.ledger import NET
from analysis.segments import movement, rfm
from analysis.segments.rules import read_segments

RULES = read_segments()
NAMES = [rule.name for rule in RULES]


def own_facts(rows: list[Row], folder: Path) -> dict[str, float]:
    """Return the facts of a build of these lines, as the pipeline takes them."""
    write_lines(folder / "transactions" / "a.csv", rows)
    with reading([folder / "transactions" / "a.csv"]) as ledger:
        people = rfm.customers(ledger.lines, ledger.as_of).execute()
        return {
            **rfm.rfm_facts(people),
            **movement.recent_facts(ledger, ledger.as_of),
            "transactions.net_revenue": round(float(people["monetary"].sum()), 2),
            "orders": ledger.lines.filter(ledger.lines.cleaning_step >= NET)
            .order_id.nunique()
            .execute(),
        }


@pytest.mark.drill
@given(cut=st.integers(20, 160), seed=st.integers(0, 50))
@settings(max_examples=6, deadline=None)
def test_lines_that_are_only_added_restate_nothing(
    tmp_path_factory: pytest.TempPathFactory, cut: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("since")
    rows = shop(dt.date(2011, 1, 3), dt.date(2011, 7, 1), seed)
    day = dt.date(2011, 1, 3) + dt.timedelta(days=cut)
    before = own_facts([row for row in rows if row["InvoiceDate"] < str(day)], folder / "old")
    # The last order of then may be days before the cut: as of the day after it, as a build is.
    as_of = max(pd.Timestamp(r["InvoiceDate"]).date() for r in rows if r["InvoiceDate"] < str(day))
    now = own_facts(rows, folder / "new")
    with reading([folder / "new" / "transactions" / "a.csv"]) as ledger:
        then = changes.known_facts(ledger, as_of + dt.timedelta(days=1), RULES)
    table = changes.changes(before, then, now, NAMES).set_index("fact")
    assert (table["restated"] == 0).all(), table
    assert table["business"].to_dict() == table["change"].to_dict()
    assert table.loc["transactions.net_revenue", "change"] == pytest.approx(
        now["transactions.net_revenue"] - before["transactions.net_revenue"]
    )


def test_a_late_order_is_restated_and_a_new_one_is_business(tmp_path: Path) -> None:
    rows = shop(dt.date(2011, 1, 3), dt.date(2011, 4, 1))
    late = [{**row, "InvoiceNo": f"9{n}", "CustomerID": "777"} for n, row in enumerate(rows[:3])]
    late = [row for row in late if float(row["Quantity"]) > 0]
    came = shop(dt.date(2011, 4, 1), dt.date(2011, 5, 1), seed=2)
    before = own_facts(rows, tmp_path / "old")
    now = own_facts([*rows, *late, *came], tmp_path / "new")
    with reading([tmp_path / "new" / "transactions" / "a.csv"]) as ledger:
        then = changes.known_facts(ledger, dt.date(2011, 4, 1), RULES)
    table = changes.changes(before, then, now, NAMES).set_index("fact")
    row = table.loc["transactions.net_revenue"]
    assert row["restated"] == pytest.approx(
        sum(float(r["Quantity"]) * float(r["UnitPrice"]) for r in late)
    )
    assert row["restated"] + row["business"] == pytest.approx(row["change"])
    assert table.loc["rfm.customers", "restated"] == 1
    told = text_changes.restatements(table.reset_index(), {"since.as_of": "2011-04-01"}, "£")
    assert f"its net revenue is £{row['restated']:.2f} higher" in told
    assert "the report as of 1 April 2011" in told

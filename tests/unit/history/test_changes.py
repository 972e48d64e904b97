"""Test the comparison with the last report: changes, restated figures, and their sentences."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from conftest import Row, reading, write_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import shop

from analysis.core.files import Fact
from analysis.history import changes, text_changes
from analysis.orders.ledger import NET
from analysis.segments import movement, rfm
from analysis.segments.names import NEW
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


def test_what_only_one_of_two_builds_knows_is_left_out() -> None:
    table = changes.changes(
        {"rfm.customers": 5}, {}, {"rfm.customers": 7, "lapse.scored": 3}, NAMES
    )
    assert table[["fact", "before", "now", "change"]].to_numpy().tolist() == [
        ["rfm.customers", 5, 7, 2]
    ]
    # Nobody has looked at that day with today's lines: what is restated is not known.
    assert table[["restated", "business"]].isna().all(axis=None)
    assert text_changes.restatements(table, {}) == ""
    assert changes.changes({}, {}, {}, NAMES).empty


def test_sentences_hold_when_nothing_changed_and_when_nothing_is_known() -> None:
    facts: dict[str, Fact] = {"since.as_of": "2011-04-01", "since.stayed_share": 1.0}
    same = changes.changes({"rfm.customers": 5}, {"rfm.customers": 5}, {"rfm.customers": 5}, NAMES)
    assert text_changes.restatements(same, facts).startswith(
        "No figure of the report as of 1 April 2011 was restated"
    )
    flows = pd.DataFrame(
        {
            "from_segment": ["A", "A", NEW],
            "to_segment": ["A", "B", "B"],
            "customers": pd.array([9, 4, 99], dtype="Int64"),
        }
    )
    stayed = {"said": "100% of the customers of the last report are in the same segment now."}
    assert text_changes.segments_since(flows, 1.0) == stayed | {
        "said-largest": "The largest move is that of 4 customers, from “A” to “B”."
    }
    assert text_changes.segments_since(flows[:1], 1.0) == stayed
    nothing = changes.changes({}, {}, {}, NAMES)
    assert text_changes.summary_changes(nothing, None, None, None, "£") == {}
    assert text_changes.segments_since(flows, None) is None
    assert text_changes.restatements(nothing, facts) == text_changes.day_of("") == ""


def test_the_summary_says_what_moved_and_counts_what_warns() -> None:
    history = pd.DataFrame({"check": "", "severity": ["stops", "warns", "informs"], "message": ""})
    table = changes.changes({"recent.revenue": 1}, {}, {"recent.revenue": 3}, NAMES)
    assert text_changes.summary_changes(table, history, None, None, "£") == {
        "said-revenue": "Net revenue, last 91 days: £3.00, up £2.00 since the last report.",
        "said-files": "2 findings about the new data were accepted by name or need a check.",
    }

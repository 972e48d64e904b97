"""Test the comparison with the last report: changes, restated figures, and their sentences."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.history import changes, text_changes
from analysis.segments.names import NEW
from analysis.segments.rules import read_segments

RULES = read_segments()
NAMES = [rule.name for rule in RULES]


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
    stayed = {"said": "100% of the customers in the last report are still in the same segment."}
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
        "said-files": "2 findings about the new data were explicitly accepted or need checking.",
    }

"""Test what a refresh is told of its files before anything in them is compared."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis.history import acceptance
from analysis.history.findings import INFORMS, STOPS, WARNS, findings

NAMES = ["behaviour", "minutes", "profit", "revenue"]


@given(st.sets(st.sampled_from(NAMES)), st.booleans())
def test_some_of_the_four_tables_stop_a_refresh_where_there_is_a_history(
    new: set[str], accepted: bool
) -> None:
    old = set(NAMES) - new
    found = findings(acceptance.file_findings(accepted, sorted(new), old))
    stops = bool(accepted and new and old)
    assert found["check"].tolist() == ["activity.incomplete"] * stops
    for severity, message, value in zip(
        found["severity"], found["message"].astype(str), found["value"], strict=True
    ):
        assert severity == STOPS and value == len(new)
        assert f"{len(new)} of the 4 tables" in message
        assert all(name in message for name in old)


def test_files_put_in_by_hand_are_a_warning() -> None:
    (found,) = acceptance.file_findings(False, NAMES, (), "a.csv was put there by hand.")
    assert (found.check, found.severity) == ("files.by_hand", WARNS)
    assert found.message == "a.csv was put there by hand."


def test_a_first_refresh_says_that_there_is_no_history() -> None:
    assert acceptance.no_history().severity == INFORMS


def test_only_an_encoding_that_no_accepted_file_had_is_a_warning() -> None:
    def files(*encodings: str) -> pd.DataFrame:
        sources = [f"{number}.csv" for number in range(len(encodings))]
        return pd.DataFrame({"source": sources, "encoding": encodings})

    known = files("utf-8", "", "utf-8")
    found = list(acceptance._encoding_findings(known, files("utf-8", "cp1251", "")))
    assert [(one.check, one.where) for one in found] == [("schema.encoding", "1.csv")]
    assert "cp1251" in found[0].message and "utf-8" in found[0].message
    # Workbooks and Parquet have no encoding: nothing can be unusual beside them.
    assert not list(acceptance._encoding_findings(files("", ""), files("cp1251")))

"""Set the tables about the time since the last accepted report.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid
from analysis.history.text_changes import day_of, list_findings, write_change, write_measure

say = partial(fill, "history")


def _changes(chapter: str, changes: pd.DataFrame, as_of: str | None, currency: str) -> Table | str:
    """Set what changed in a chapter; what was restated stands apart from the shop's own changes."""
    day = day_of(as_of or "")
    found = changes[changes["chapter"] == chapter]
    if found.empty:
        return say("changes.none", day=day) if day else say("changes.none-undated")
    names = {
        "measure": say("changes.measure"),
        "before": say("changes.before"),
        "now": say("changes.now"),
        "change": say("changes.change"),
    }
    caption = say("changes.caption", day=day) if day else say("changes.caption-undated")
    if day and found["restated"].notna().any():
        names["restated"] = say("changes.restated")
        caption = say("changes.caption-restated", day=day)
    write = {
        "before": write_measure,
        "now": write_measure,
        "change": write_change,
        "restated": write_change,
    }
    shown = found[["measure"]].assign(
        **{
            column: [
                MISSING if pd.isna(row[column]) else form(row[column], row["unit"], currency)
                for row in found.to_dict("records")
            ]
            for column, form in write.items()
        }
    )
    right = [column for column in names if column != "measure"]
    return Table(
        grid(shown, f"changes-{chapter}", names, right=right),
        caption,
        data=found.drop(columns="chapter"),
    )


def changes_data_checks(changes: pd.DataFrame, as_of: str | None, currency: str) -> Table | str:
    """Set what changed in the chapter on data checks."""
    return _changes("data-checks", changes, as_of, currency)


def changes_exploration(changes: pd.DataFrame, as_of: str | None, currency: str) -> Table | str:
    """Set what changed in the chapter on exploration."""
    return _changes("exploration", changes, as_of, currency)


def changes_rfm(changes: pd.DataFrame, as_of: str | None, currency: str) -> Table | str:
    """Set what changed in the chapter on RFM and clustering."""
    return _changes("rfm", changes, as_of, currency)


def changes_profiles(changes: pd.DataFrame, as_of: str | None, currency: str) -> Table | str:
    """Set what changed in the chapter on segment profiles."""
    return _changes("profiles", changes, as_of, currency)


def changes_activity(changes: pd.DataFrame, as_of: str | None, currency: str) -> Table | str:
    """Set what changed in the chapter on activity model."""
    return _changes("activity", changes, as_of, currency)


def changes_strategy(changes: pd.DataFrame, as_of: str | None, currency: str) -> Table | str:
    """Set what changed in the chapter on strategy."""
    return _changes("strategy", changes, as_of, currency)


def new_data_findings(
    history: pd.DataFrame | None, noticed: pd.DataFrame | None
) -> Table | str | None:
    """Set what stands out in the new data, the most serious first."""
    if history is None and noticed is None:
        return None
    found = list_findings(history, noticed)
    if found.empty:
        return say("new-data-findings.none")
    severities = {
        "stops": say("new-data-findings.stops"),
        "warns": say("new-data-findings.warns"),
        "informs": say("new-data-findings.informs"),
    }
    rows = found.assign(
        severity=found["severity"].map(severities),
        check=found["check"].str.replace(".", ": ").str.replace("_", " "),
    )
    names = {
        "severity": say("new-data-findings.severity"),
        "check": say("new-data-findings.check"),
        "message": say("new-data-findings.message"),
    }
    widths = {"severity": "17%", "check": "20%", "message": "63%"}
    return Table(
        grid(rows, "new-data-findings", names).cols_width(widths),
        more={"said": say("new-data-findings.said", count=len(found))},
        data=found,
    )

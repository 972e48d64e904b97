"""Compare a build with the last accepted one: the last step of a build."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.history.changes import compare_with_last
from analysis.orders.ledger import Ledger, with_ledger
from analysis.segments.reference import Reference
from analysis.segments.rules import Segment


@with_ledger
def compare(
    facts: dict[str, Fact],
    ledger: Ledger | None,
    customers: pd.DataFrame | None,
    activity: pd.DataFrame | None,
    accepted: Sequence[Path],
    noticed: pd.DataFrame | None,
    named_segments: Sequence[Segment],
    reference: Reference | None,
    settings: Settings,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return what changed since the last accepted build, and what was noticed in the new files.

    Parameters
    ----------
    facts, customers, activity
        Of the new build.
    ledger
        The cleaned order lines; None without orders.
    accepted
        The accepted builds of other files, oldest first; may be empty.
    noticed
        What was remarkable in the new files, from `history.new_files`; None if nobody looked.
    """
    told: dict[str, Fact] = {
        "since.available": bool(accepted),
        "history.available": noticed is not None,
    }
    made: dict[str, pd.DataFrame] = {}
    if accepted:
        given = {"customers": customers, "activity": activity}
        tables = {name: table for name, table in given.items() if table is not None}
        cuts = reference.cuts if reference else None
        made, more = compare_with_last(
            accepted, ledger, tables, facts, named_segments, settings, cuts
        )
        told |= more
    if noticed is not None:
        made["history"] = noticed
    return {f"since/{name}": table for name, table in made.items()}, told

"""Compare a build with the last accepted one: the last step of a build."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.history.changes import compare_with_last
from analysis.orders.ledger import open_ledger
from analysis.segments.reference import Reference
from analysis.segments.rules import Segment


def compare(
    facts: dict[str, Fact],
    lines: Path | None,
    reversals: Path | None,
    about: pd.DataFrame | None,
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
    lines, reversals, about
        From `orders.ledger.write_ledger`; None without orders.
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
        with ExitStack() as stack:
            ledger = None
            if lines is not None and reversals is not None and about is not None:
                opened = open_ledger(lines, reversals, about, settings.engine)
                ledger = stack.enter_context(opened)
            made, more = compare_with_last(
                accepted, ledger, tables, facts, named_segments, settings, cuts
            )
        told |= more
    if noticed is not None:
        made["history"] = noticed
    return {f"since/{name}": table for name, table in made.items()}, told

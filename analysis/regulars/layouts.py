"""Set the tables about the four tables of regular customers.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import grid

say = partial(fill, "regulars")


def regulars_spellings(activity_typos: pd.DataFrame) -> Table | str:
    """Set the spellings that were corrected."""
    if activity_typos.empty:
        return say("regulars-spellings.none")
    names = {
        "source": say("regulars-spellings.file"),
        "column": say("regulars-spellings.column"),
        "found": say("regulars-spellings.found"),
        "read_as": say("regulars-spellings.read_as"),
        "rows": say("regulars-spellings.rows"),
    }
    made = grid(activity_typos, "regulars-spellings", names, counts=["rows"])
    return Table(made, data=activity_typos)


def regulars_lookalikes(activity_lookalikes: pd.DataFrame) -> Table | None:
    """Set the rare spellings that resemble a frequent one."""
    if activity_lookalikes.empty:
        return None
    names = {
        "source": say("regulars-lookalikes.file"),
        "column": say("regulars-lookalikes.column"),
        "found": say("regulars-lookalikes.found"),
        "looks_like": say("regulars-lookalikes.looks_like"),
        "rows": say("regulars-lookalikes.rows"),
    }
    made = grid(activity_lookalikes, "regulars-lookalikes", names, counts=["rows"])
    return Table(made, data=activity_lookalikes)


def regulars_unmatched(activity_joins: pd.DataFrame) -> Table | str:
    """Set the customers whom one table has and another lacks."""
    lost = activity_joins[activity_joins["missing_customers"] > 0]
    if lost.empty:
        return say("regulars-unmatched.none")
    names = {
        "from": say("regulars-unmatched.from"),
        "to": say("regulars-unmatched.to"),
        "missing_customers": say("regulars-unmatched.customers"),
    }
    made = grid(lost, "regulars-unmatched", names, counts=["missing_customers"])
    return Table(made, data=activity_joins)


def regulars_set_aside(activity_set_aside: pd.DataFrame) -> Table | str:
    """Set how many customers were set aside, by rule."""
    if activity_set_aside.empty:
        return say("regulars-set-aside.none")
    names = {
        "rule": say("regulars-set-aside.rule"),
        "customers": say("regulars-set-aside.customers"),
    }
    made = grid(activity_set_aside, "regulars-set-aside", names, counts=["customers"])
    return Table(made, data=activity_set_aside)

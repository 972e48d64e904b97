"""Collect findings about new data by severity: information, warnings, and reasons to stop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

INFORMS, WARNS, STOPS = SEVERITIES = ("informs", "warns", "stops")


class Finding(NamedTuple):
    """One thing that was noticed; from `low` to `high` it would have been unremarkable."""

    check: str
    severity: str
    where: str
    message: str
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan


def findings(found: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table: first what stops, with how to accept it in its message."""
    order = sorted(found, key=lambda f: (-SEVERITIES.index(f.severity), f.check, f.where))
    table = pd.DataFrame(order, columns=list(Finding._fields))
    table = table.astype(dict.fromkeys(Finding._fields[:4], "str"))
    how = " If this is right, go on with --accept " + table["check"] + "."
    # Tables of findings are joined, and made again: how to accept one is said once.
    said = [text.endswith(end) for text, end in zip(table["message"], how, strict=True)]
    stop = (table["severity"] == STOPS) & ~np.array(said, dtype=bool)
    return table.assign(message=table["message"].where(~stop, table["message"] + how)).astype(
        dict.fromkeys(Finding._fields[4:], "float64")
    )


def stops(table: pd.DataFrame, accepted: set[str]) -> pd.DataFrame:
    """Return the findings that stop, and whose checks are not accepted by name."""
    return table[(table["severity"] == STOPS) & ~table["check"].isin(accepted)]

"""Reuse the segment limits and cluster centres of an accepted build, to keep their meaning.

The cut points of the scores and the centres of the clusters are fitted to each quarter's
customers, or taken over from an accepted build that the settings name (``[report] reference``).
Fitted, a fifth is always a fifth; frozen, a segment grows when more customers deserve its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.core.files import file_hash, read_json
from analysis.core.paths import ROOT
from analysis.core.problems import Problem, Refused
from analysis.core.settings import Settings

#: The tables of a build that say what its segments and clusters mean.
TABLES = ("score_cuts", "cluster_centres")


class Reference(NamedTuple):
    """What an earlier build's segments and clusters meant: its day, cut points, and centres."""

    as_of: str
    cuts: pd.DataFrame
    centres: pd.DataFrame


def files_of(settings: Settings, root: Path = ROOT) -> list[Path]:
    """Return the files of the reference build; none where everything is fitted anew."""
    folder = settings.report.reference
    return [root / folder / f"{name}.parquet" for name in TABLES] if folder else []


def fingerprint(settings: Settings, root: Path = ROOT) -> list[str]:
    """Return the SHA-256 of each file of the reference build.

    Raises
    ------
    Refused
        When the settings name a folder that is not a build with customers of a ledger.
    """
    try:
        return [file_hash(path) for path in files_of(settings, root)]
    except OSError as error:
        raise Refused(
            [
                Problem(
                    "settings.toml",
                    f"[report] reference: {settings.report.reference} is not a build with orders",
                    remedy="Name the folder of an accepted build ('python -m analysis history' "
                    'lists them), or "" to fit cut points and centres anew.',
                )
            ]
        ) from error


def read_reference(settings: Settings, root: Path = ROOT) -> Reference | None:
    """Read what the segments and clusters of the reference build meant, if one is named.

    Raises
    ------
    Refused
        As `fingerprint`.
    """
    if not settings.report.reference:
        return None
    fingerprint(settings, root)
    cuts, centres = (pd.read_parquet(path) for path in files_of(settings, root))
    facts = read_json(root / settings.report.reference / "facts.json")
    return Reference(str(facts.get("transactions.as_of", "")), cuts, centres)

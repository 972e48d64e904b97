"""Reuse the segment limits and cluster centres of an accepted build, to keep their meaning.

The cut points of the scores and the centres of the clusters are fitted to each quarter's
customers, or taken over from an accepted build that the settings name (``[report] reference``).
Fitted, a fifth is always a fifth; frozen, a segment grows when more customers deserve its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.core.files import file_hash, read_json
from analysis.core.problems import Problem, Refused
from analysis.core.settings import ROOT, Settings
from analysis.segments import rfm
from analysis.segments.rules import Segment, assign

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
                    f"[report] reference: {settings.report.reference} is no build of a ledger",
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


def reference_facts(
    customers: pd.DataFrame, fitted: pd.DataFrame, rules: list[Segment], reference: Reference
) -> Mapping[str, Any]:
    """Return how far frozen segments and clusters are from those that a fit would give today.

    Parameters
    ----------
    customers
        With recency_days, frequency, monetary, segment and cluster, as the reference has them.
    fitted
        The centres that were found in these customers.
    rules
        The named segments.
    reference
        From `read_reference`.

    Returns
    -------
    dict
        reference.as_of, reference.moved_share (of customers who would be in another segment),
        reference.clusters_rand (adjusted Rand index with the clusters that were found).
    """
    from sklearn.metrics import adjusted_rand_score  # takes seconds to load

    from analysis.segments import clusters

    anew = assign(rfm.scores(customers, rfm.cut_points(customers)), rules)
    facts: dict[str, Any] = {
        "reference.as_of": reference.as_of,
        "reference.moved_share": float((anew != customers["segment"]).mean()),
    }
    if len(fitted) and len(reference.centres):
        facts["reference.clusters_rand"] = float(
            adjusted_rand_score(customers["cluster"], clusters.assign(customers, fitted))
        )
    return facts

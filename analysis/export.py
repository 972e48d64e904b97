"""Who exactly is in each segment? Lists for a CRM, which never leave the shop's own machine.

They are written into the build's folder ``export``, which no chapter reads and no site holds.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from analysis import artifacts
from analysis.problems import Problem, Refused

COLUMNS = ["customer_id", "segment", "cluster", "recency_days", "frequency", "monetary"]


def write_lists(build: Path) -> list[Path]:
    """Write one CSV file a segment: id, segment, cluster, recency, frequency, monetary.

    Parameters
    ----------
    build
        The folder of a build with customers.

    Returns
    -------
    list of Path
        The files written, in alphabetical order.

    Raises
    ------
    Refused
        When the folder holds no build, or one without a ledger.
    """
    source = build / "customers.parquet"
    if not source.is_file():
        raise Refused(
            [
                Problem(
                    str(build),
                    "there are no customers to export",
                    remedy="Run 'python -m analysis build' on a folder with a ledger first.",
                )
            ]
        )
    customers = pd.read_parquet(source, columns=COLUMNS)
    with artifacts.replacing(build / "export") as new:
        for segment, members in customers.groupby("segment"):
            members.to_csv(
                new / f"{slug(str(segment))}.csv",
                index=False,
                encoding="utf-8",
                lineterminator="\n",
            )
        artifacts.write_json(
            new / artifacts.MANIFEST,
            {
                "key": artifacts.read_json(build / artifacts.MANIFEST).get("key", ""),
                "customers": {
                    str(segment): int(n)
                    for segment, n in customers["segment"].value_counts().items()
                },
            },
        )
    return sorted((build / "export").glob("*.csv"))


def slug(name: str) -> str:
    """Return a name that is safe as a file's.

    Examples
    --------
    >>> slug("Cannot lose them")
    'cannot-lose-them'
    """
    return re.sub(r"[^\w]+", "-", name.casefold()).strip("-") or "unnamed"

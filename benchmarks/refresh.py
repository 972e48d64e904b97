"""Time the refresh of one quarter, beside a build and a render of all files from nothing.

A ledger is cut 91 days before its end. One copy of the project accepts the older part, and is
then refreshed with the newer one, which is timed; another copy builds and renders both parts.
Both render as the machine can: with Quarto, or without it.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from analysis.core.paths import ROOT
from analysis.release.refresh import NOT_COPIED

DAYS = 91


def compare(lines: Path, work: Path) -> str:
    """Time both, and return what they took, in seconds and in seconds of the processors.

    Parameters
    ----------
    lines
        A ledger in Parquet, with the public ledger's column names.
    work
        A folder for the copies of the project.
    """
    table = pd.read_parquet(lines)
    cut = table["InvoiceDate"].max().normalize() - pd.Timedelta(days=DAYS)
    files = {"older": work / "older.parquet", "newer": work / "newer.parquet"}
    table[table["InvoiceDate"] < cut].to_parquet(files["older"], index=False)
    table[table["InvoiceDate"] >= cut].to_parquet(files["newer"], index=False)
    del table
    refreshed, built = (_project(work / name) for name in ("refreshed", "built"))
    _time_refresh(refreshed, "analysis", "refresh", str(files["older"]))
    for path in files.values():
        shutil.copy2(path, built / "data" / "raw" / "transactions")
    whole = _time_refresh(built, "report")
    quarter = _time_refresh(refreshed, "analysis", "refresh", str(files["newer"]))
    rows = [
        f"{name:26}{seconds:8.1f} s{cpu:10.1f} s"
        for name, (seconds, cpu) in {"build and render": whole, "refresh": quarter}.items()
    ]
    ratios = (now / bar for now, bar in zip(quarter, whole, strict=True))
    return "\n".join(
        [
            f"{'':26}{'elapsed':>10}{'processor':>12}",
            *rows,
            f"{'ratio':26}" + "".join(f"{ratio:10.2f}" for ratio in ratios),
        ]
    )


def _project(folder: Path) -> Path:
    shutil.copytree(
        ROOT, folder, symlinks=True, ignore=lambda place, names: NOT_COPIED & set(names)
    )
    (folder / "data" / "raw" / "transactions").mkdir(parents=True)
    return folder


def _time_refresh(project: Path, *module: str) -> tuple[float, float]:
    own = {name: text for name, text in os.environ.items() if name != "REPORT_DATA"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", *module], cwd=project, env=own, check=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu

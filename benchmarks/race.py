"""Runs that take turns, each in a process of its own."""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from benchmarks import Contender, Job

CONTENDERS = ("ours", "with_sql", "with_polars", "with_pandas")
BAR = "with_sql"
Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run of one contender took, and what it found."""

    name: str  #: How the table calls the contender.
    cleaned: float  #: Seconds until the rules and the rungs were counted.
    seconds: float  #: Seconds until the customers were there.
    peak: float  #: Largest resident set of the process, in GB.
    totals: dict[str, object]  #: From `benchmarks.Answer.totals`.


def in_own_process(
    function: Callable[Given, Result], *arguments: Given.args, **more: Given.kwargs
) -> Result:
    """Call a function of this package in a fresh interpreter."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments, **more).result()


def prepare(data: Path | None, sizes: list[int], work: Path) -> tuple[str, dict[int, int], Job]:
    """Write the ledgers of all sizes; return their source, their rows, and the job but for paths.

    Meant for a process of its own: Linux counts the peak of a process into that of its children.
    """
    from analysis.schemas import LARGEST
    from analysis.settings import read_settings
    from benchmarks.ledgers import find_ledger, write_copies

    files = [data] if data else find_ledger(work)
    rows = write_copies(files, sizes, work)
    ours = read_settings()
    job = Job(
        Path(),
        Path(),
        memory_limit=ours.engine.memory_limit,
        prefix=ours.transactions.cancellation_prefix,
        products="|".join(ours.transactions.product_codes),
        earliest=ours.transactions.earliest_date,
        largest=LARGEST,
    )
    return ", ".join(path.name for path in files), rows, job


def measure(module: str, job: Job) -> Run:
    """Let one contender do a job in this process."""
    contender = cast(Contender, importlib.import_module(f"benchmarks.{module}"))
    laps: list[float] = []
    start = time.perf_counter()
    answer = contender.run(job, lambda: laps.append(time.perf_counter() - start))
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    return Run(contender.NAME, laps[0], seconds, peak, answer.totals())


def take_turns(job: Job, turns: int) -> dict[str, list[Run]]:
    """Let every contender do a job, in turn, so many times."""
    runs: dict[str, list[Run]] = {module: [] for module in CONTENDERS}
    for _ in range(turns):
        for module, done in runs.items():
            with tempfile.TemporaryDirectory(dir=job.path.parent) as folder:
                own = dataclasses.replace(job, folder=Path(folder))
                done.append(in_own_process(measure, module, own))
    return runs


def as_text(runs: dict[str, list[Run]]) -> str:
    """Set the medians, and the medians of the ratios to the bar within a turn, as a table."""
    lines = [
        f"{'':22}{'cleaned':>10}{'ratio':>7}{'in all':>10}{'ratio':>7}{'peak':>10}{'ratio':>7}"
    ]
    for done in runs.values():
        cells = f"{done[0].name:22}"
        for what, unit in (("cleaned", "s"), ("seconds", "s"), ("peak", "GB")):
            mine = [getattr(run, what) for run in done]
            bar = [getattr(run, what) for run in runs[BAR]]
            ratio = statistics.median(m / b for m, b in zip(mine, bar, strict=True))
            cells += f"{f'{statistics.median(mine):.2f} {unit}':>10}{ratio:7.2f}"
        lines.append(cells)
    return "\n".join(lines)


def differences(runs: dict[str, list[Run]]) -> list[str]:
    """Say in a sentence each where a run's totals are not those of the bar."""
    right = runs[BAR][0].totals
    return [
        f"{run.name}: {what} is {found}, but {right[what]} by {runs[BAR][0].name}"
        for done in runs.values()
        for run in done
        for what, found in run.totals.items()
        if found != right[what]
    ]

"""Time runs that take turns, each in a process of its own."""

from __future__ import annotations

import dataclasses
import importlib
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar, TypeVarTuple, cast

from benchmarks import Contender, Job
from benchmarks.rfm import Lines

CONTENDERS = ("ours", "with_sql", "with_sql_all_lines", "with_polars", "with_pandas")
BAR = "with_sql"
RFM_CONTENDERS = ("rfm.ours", "rfm.with_sql", "rfm.with_pandas")
RFM_PEERS = ("rfm.with_openretailscience", "rfm.with_lifetimes")
RFM_BAR = "rfm.with_sql"
Given = TypeVarTuple("Given")
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run of one contender took, and what it found."""

    name: str  #: How the table calls the contender.
    lap: float  #: Seconds until the rules and the steps were counted, or customers had no scores.
    seconds: float  #: Seconds until all was there.
    processor: float  #: Seconds that processors worked for it.
    peak: float  #: Largest resident set of the process, in GB.
    totals: dict[str, object]  #: From `totals` of its answer.


def call_in_process(
    function: Callable[[*Given], Result], *arguments: *Given, python: Path | None = None
) -> Result:
    """Call a function of this package in a fresh interpreter, ours or the one given."""
    done = subprocess.run(
        [python or sys.executable, "-c", "from benchmarks import race; race.answer()"],
        input=pickle.dumps((function, arguments)),
        stdout=subprocess.PIPE,
        check=True,
    )
    return cast(Result, pickle.loads(done.stdout))


def answer() -> None:
    """Call what stands on standard input; its result alone goes to standard output."""
    function, arguments = pickle.load(sys.stdin.buffer)
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)  # whatever a library prints
        pickle.dump(function(*arguments), output)


def prepare(data: Path | None, sizes: list[int], work: Path) -> tuple[str, dict[int, int], Job]:
    """Write the ledgers of all sizes; return their source, their rows, and the job but for paths.

    Meant for a process of its own: Linux counts the peak of a process into that of its children.
    """
    from analysis.core.settings import read_settings
    from analysis.orders.contract import LARGEST
    from benchmarks.ledgers import find_ledger, write_copies

    files = find_ledger(data, work)
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


def measure(module: str, job: Job | Lines) -> Run:
    """Let one contender do a job in this process."""
    contender = cast(Contender, importlib.import_module(f"benchmarks.{module}"))
    laps: list[float] = []
    start, processor = time.perf_counter(), time.process_time()
    answer = contender.run(job, lambda: laps.append(time.perf_counter() - start))
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    return Run(contender.NAME, laps[0], seconds, processor, peak, answer.totals())


def take_turns(
    contenders: Iterable[str], job: Job | Lines, turns: int, pythons: dict[str, Path] | None = None
) -> dict[str, list[Run]]:
    """Let every contender do a job, in turn, so many times; some by a Python of their own."""
    runs: dict[str, list[Run]] = {module: [] for module in contenders}
    for _ in range(turns):
        for module, done in runs.items():
            with tempfile.TemporaryDirectory(dir=job.path.parent) as folder:
                own = dataclasses.replace(job, folder=Path(folder))
                python = (pythons or {}).get(module)
                done.append(call_in_process(measure, module, own, python=python))
    return runs


def as_text(runs: dict[str, list[Run]], bar: str = BAR, lap: str = "cleaned") -> str:
    """Set the medians, and the medians of the ratios to the bar within a turn, as a table."""
    heads = (lap, "in all", "processor", "peak")
    lines = [f"{'':26}" + "".join(f"{head:>10}{'ratio':>7}" for head in heads)]
    for done in runs.values():
        cells = f"{done[0].name:26}"
        for what, unit in (("lap", "s"), ("seconds", "s"), ("processor", "s"), ("peak", "GB")):
            mine = [getattr(run, what) for run in done]
            theirs = [getattr(run, what) for run in runs[bar]]
            ratio = statistics.median(m / t for m, t in zip(mine, theirs, strict=True))
            cells += f"{f'{statistics.median(mine):.2f} {unit}':>10}{ratio:7.2f}"
        lines.append(cells)
    return "\n".join(lines)


def differences(runs: dict[str, list[Run]], bar: str = BAR) -> list[str]:
    """Say in a sentence each where a run's totals are not those of the bar."""
    right = runs[bar][0].totals
    return [
        f"{run.name}: {what} is {found}, but {right[what]} by {runs[bar][0].name}"
        for done in runs.values()
        for run in done
        for what, found in run.totals.items()
        if found != right[what]
    ]

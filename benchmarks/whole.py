"""Build everything from one and from ten copies of a ledger: seconds and memory of each step.

A step that grows faster than the data would not do for a shop ten times as large. What grows is
told by processor seconds, of all processes of the build, which other work on the machine does not
lengthen as it does those of the clock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from analysis.core.progress import Steps

#: Steps of fewer seconds, at the largest size, are left out of the table.
SHORT = 0.5
STATUS, REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Cost(NamedTuple):
    """What a step took.

    Seconds by the clock, those of processors, and the largest resident set of the build's own
    process in GB.
    """

    seconds: float
    processor: float
    peak: float


class MeasuredSteps(Steps):
    """Steps that also keep their peak memory, where Linux tells it."""

    def __init__(self) -> None:
        super().__init__()
        self.costs: dict[str, Cost] = {}
        self._open: list[float] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, and measure its peak, to which steps within it belong."""
        if self._open:
            self._open[-1] = max(self._open[-1], _peak())
        self._open.append(0.0)
        _forget_peak()
        start, processor = time.perf_counter(), _processor()
        with super().step(name):
            yield
        peak = max(self._open.pop(), _peak())
        if self._open:
            self._open[-1] = max(self._open[-1], peak)
        seconds = time.perf_counter() - start
        self.costs[name] = Cost(seconds, _processor() - processor, peak)


def _processor() -> float:
    """Return the processor seconds of this process and of all that it started, ended or not."""
    own = os.times()
    ticks, waiting = 0, [str(os.getpid())]
    while waiting:
        for children in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            for child in _read(children).split():
                waiting.append(child)
                fields = _read(Path(f"/proc/{child}/stat")).rpartition(")")[2].split()
                ticks += sum(int(field) for field in fields[11:15])
    return sum(own[:4]) + ticks / os.sysconf("SC_CLK_TCK")


def _read(path: Path) -> str:
    """Return what the system says; nothing of a process that has ended meanwhile."""
    with suppress(OSError):
        return path.read_text()
    return ""


def _peak() -> float:
    """Return the peak of this process in GB since it was last forgotten; 0 where nothing tells."""
    if not STATUS.is_file():
        return 0.0
    [line] = [one for one in STATUS.read_text().splitlines() if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e9


def _forget_peak() -> None:
    if REFS.is_file():
        REFS.write_text("5")


class Built(NamedTuple):
    """A build: its customers, what each step took, and the seconds in all, of both kinds."""

    customers: int
    costs: dict[str, Cost]
    seconds: float
    processor: float


def build(lines: Path, work: Path) -> Built:
    """Build everything from a ledger. Meant for a process of its own."""
    from analysis.build import pipeline
    from analysis.core.files import read_json
    from analysis.core.settings import read_settings
    from analysis.ingest.data_folder import find_inputs

    folder = work / f"whole-{lines.stem}"
    (folder / "transactions").mkdir(parents=True)
    (folder / "transactions" / lines.name).symlink_to(lines)
    settings, steps, start = read_settings(), MeasuredSteps(), time.perf_counter()
    processor = _processor()
    pipeline.build(find_inputs(folder, settings), settings, folder / "build", steps)
    seconds = time.perf_counter() - start
    customers = int(read_json(folder / "build" / "facts.json")["rfm.customers"])
    return Built(customers, steps.costs, seconds, _processor() - processor)


def as_text(small: Built, large: Built, times: int) -> str:
    """Set two builds beside each other, and mark the steps that grow faster than the data."""
    clock, processor = "seconds", "processor seconds"
    rows = [f"{'':44}{clock:>17}{processor:>21}{'ratio':>8}{'peak':>10}"]
    for name, cost in large.costs.items():
        own = small.costs.get(name)
        if cost.seconds < SHORT or own is None:
            continue
        ratio = cost.processor / max(own.processor, 0.01)
        faster = "  grows faster than the data" if ratio > times and cost.processor > 2 else ""
        rows.append(_row(name, own, cost, ratio) + f"{cost.peak:7.2f} GB{faster}")
    rows.append(_row("in all", small, large, large.processor / small.processor))
    return "\n".join(rows)


def _row(name: str, small: Cost | Built, large: Cost | Built, ratio: float) -> str:
    return (
        f"{name[:43]:44}{small.seconds:8.1f}{large.seconds:9.1f}"
        f"{small.processor:11.1f}{large.processor:10.1f}{ratio:8.1f}"
    )

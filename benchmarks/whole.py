"""Build everything from one and from ten copies of a ledger: seconds and memory of each step.

A step whose seconds grow faster than the data would not do for a shop ten times as large.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from analysis.core.progress import Steps

#: Steps of fewer seconds, at the largest size, are left out of the table.
SHORT = 0.5
STATUS, REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Cost(NamedTuple):
    """What a step took: seconds, and the largest resident set of the build's own process."""

    seconds: float
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
        start = time.perf_counter()
        with super().step(name):
            yield
        peak = max(self._open.pop(), _peak())
        if self._open:
            self._open[-1] = max(self._open[-1], peak)
        self.costs[name] = Cost(time.perf_counter() - start, peak)


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
    """A build: its customers, what each step took, and the seconds in all."""

    customers: int
    costs: dict[str, Cost]
    seconds: float


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
    pipeline.build(find_inputs(folder, settings), settings, folder / "build", steps)
    seconds = time.perf_counter() - start
    customers = int(read_json(folder / "build" / "facts.json")["rfm.customers"])
    return Built(customers, steps.costs, seconds)


def as_text(small: Built, large: Built, times: int) -> str:
    """Set two builds beside each other, and mark the steps that grow faster than the data."""
    rows = [f"{'':44}{'1x':>8}{f'{times}x':>9}{'ratio':>8}{'peak':>10}"]
    for name, cost in large.costs.items():
        own = small.costs.get(name)
        if cost.seconds < SHORT or own is None:
            continue
        ratio = cost.seconds / max(own.seconds, 0.01)
        faster = "  grows faster than the data" if ratio > times and cost.seconds > 2 else ""
        rows.append(
            f"{name[:43]:44}{own.seconds:6.1f} s{cost.seconds:7.1f} s{ratio:8.1f}"
            f"{cost.peak:7.2f} GB{faster}"
        )
    growth = large.seconds / small.seconds
    rows.append(f"{'in all':44}{small.seconds:6.1f} s{large.seconds:7.1f} s{growth:8.1f}")
    return "\n".join(rows)

"""Test what the benchmark of a whole build says of its steps."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmarks import whole
from benchmarks.whole import Built, Cost


@pytest.mark.skipif(not whole.REFS.is_file(), reason="only Linux tells the peak of a process")
def test_a_step_has_the_peak_of_steps_within_it_and_of_none_before() -> None:
    steps = whole.MeasuredSteps()
    with steps.step("outer"):
        with steps.step("inner"):
            np.ones(30_000_000).sum()
        np.ones(1_000).sum()
    with steps.step("small"):
        pass
    peaks = {name: cost.peak for name, cost in steps.costs.items()}
    assert peaks["outer"] == peaks["inner"] >= 0.24
    assert peaks["small"] <= peaks["inner"] - 0.2


def test_steps_that_grow_faster_than_the_data_are_marked() -> None:
    one, short = Cost(1, 1, 0.1), Cost(0.01, 0.01, 0.1)
    small = Built(10, {"read": one, "sort": one, "end": short}, 3, 3)
    # A busy machine lengthens the seconds of the clock alone.
    costs = {"read": Cost(20, 9, 1), "sort": Cost(30, 30, 1), "end": Cost(0.1, 0.1, 1)}
    large = Built(100, costs, 60, 40)
    lines = whole.as_text(small, large, 10).splitlines()
    assert len(lines) == 4
    assert [line[:4] for line in lines if "grows faster" in line] == ["sort"]


@pytest.mark.skipif(not whole.REFS.is_file(), reason="only Linux tells of children that run")
def test_processor_seconds_are_those_of_children_too() -> None:
    before = whole._processor()
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        running = whole._processor() - before
        child.communicate(b"\n")
    assert running >= 0.25
    assert whole._processor() - before >= 0.25

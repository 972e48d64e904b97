"""Test what the benchmark of a whole build says of its steps."""

from __future__ import annotations

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
    small = Built(10, {"read": Cost(1, 0.1), "sort": Cost(1, 0.1), "end": Cost(0.01, 0.1)}, 3)
    large = Built(100, {"read": Cost(9, 1), "sort": Cost(30, 1), "end": Cost(0.1, 1)}, 40)
    lines = whole.as_text(small, large, 10).splitlines()
    assert len(lines) == 4
    assert [line[:4] for line in lines if "grows faster" in line] == ["sort"]

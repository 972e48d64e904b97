"""Test that drift is found where it is, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.history import drift


def test_the_stability_index_is_that_of_a_hand_count() -> None:
    before, now = pd.Series(["a"] * 60 + ["b"] * 40), pd.Series(["a"] * 30 + ["b"] * 70)
    p, q = np.array([60.5, 40.5]) / 101, np.array([30.5, 70.5]) / 101
    assert drift.stability(before, now) == pytest.approx(((q - p) * np.log(q / p)).sum())
    numbers = pd.Series(np.arange(1000.0))
    assert drift.stability(numbers, numbers) == 0
    # Deciles of 1,000 numbers: one bin takes all that is moved above them.
    assert drift.stability(numbers, numbers + 5000) > 1
    assert drift.stability(pd.Series([1.0] * 50), pd.Series([1.0] * 80)) == 0


def test_drift_is_found_where_it_is_and_chance_is_none() -> None:
    random = np.random.default_rng(1)
    before = pd.DataFrame({f"f{n}": random.normal(size=800) for n in range(20)})
    now = pd.DataFrame({f"f{n}": random.normal(size=600) for n in range(20)})
    now["f3"] += 1
    before["word"], now["word"] = ["a", "b"] * 400, ["a", "a", "b"] * 200
    table = drift.drift(before, now)
    assert table["feature"].tolist()[:2] == ["f3", "word"]
    assert (table["q_value"] >= table["p_value"]).all()
    assert table.query("q_value < 0.05")["feature"].tolist() == ["f3", "word"]
    found = drift.drift_findings(table, "lapse")
    assert [(one.where, one.severity) for one in found] == [("f3", "warns"), ("word", "informs")]

"""Test the summary: its decisions, sentences and lists agree with the tables."""

from __future__ import annotations

import pandas as pd

from analysis.core.names import LEDGER
from analysis.strategy import summary


def test_nothing_known_gives_nothing_said() -> None:
    empty = pd.DataFrame()
    assert summary.best_action(empty, LEDGER) == ""
    assert summary.first_experiment(empty, empty, 4) == ""
    assert summary.wrong_uplift(empty, LEDGER) == ""
    assert summary.wrong_season({}, empty) == ""

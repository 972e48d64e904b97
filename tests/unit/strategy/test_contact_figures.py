"""Test what is said and drawn of the contact cut-off, also where contacting does not pay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core import formatting
from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.strategy import figures_contacts

EMPTY = pd.DataFrame()


def figure(
    table: pd.DataFrame, scenarios: pd.DataFrame = EMPTY, known: bool | None = True
) -> Figure:
    """Return a figure that was not refused."""
    made = figures_contacts.contact_cut_off(table, scenarios, known)
    assert isinstance(made, Figure), made
    return made


def curve(expected: list[float], contacted: list[int] | None = None) -> pd.DataFrame:
    size = len(expected)
    value = np.array(expected)
    table = pd.DataFrame(
        {
            "threshold": np.round(np.linspace(0, 1, size), 2),
            "expected": value,
            "profit": value - 1,
            "contacted": contacted or list(range(10 * size, 0, -10)),
            "low": value - 3,
            "high": value + 3,
            "least": value / 2 - 2,
            "most": value * 2,
            "precision": 0.6,
            "precision_low": 0.5,
            "precision_high": 0.7,
            "recall": 0.4,
            "recall_low": 0.3,
            "recall_high": 0.5,
        }
    )
    best = size - 1 - int(np.argmax(value[::-1]))
    return table.assign(chosen=table.index == best)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-50, 500).map(float), min_size=3, max_size=11))
def test_the_cut_off_is_where_the_profit_is_highest(values: list[float]) -> None:
    table = curve(values)
    row = table[table["chosen"]].iloc[0]
    headline = figure(table).headline
    band = figures_contacts.flat_band(table)
    if max(values) <= 0:
        assert "does not pay" in headline and band is None
        return
    assert f"{formatting.amount(max(values))} units expected" in headline
    assert ("all" in headline) == (row["threshold"] == 0)
    assert band is not None and band[0] <= row["threshold"] <= band[1]
    run = table[table["threshold"].between(*band)]
    assert (run["expected"] >= 0.95 * max(values)).all()


def test_the_band_is_marked_and_told() -> None:
    made = figure(curve([10.0, 96.0, 100.0, 97.0, 20.0]))
    assert made.headline == (
        "Contacting the 30 consenting customers at 50% risk or more earns the most: 100 units "
        "expected"
    )
    told = made.more or {}
    assert told["band"] == "Any cut-off from 25% to 75% earns within 5% of the best."
    assert told["reach"].startswith("60% of the 30 customers contacted did buy less (precision)")
    sharp = figure(curve([10.0, 50.0, 100.0, 40.0, 20.0])).more or {}
    assert sharp["band"] == "Neighbouring cut-offs earn over 5% less."
    assert draw(made.plot).startswith(b"<svg")


def test_contacts_where_nobody_is_worth_it() -> None:
    made = figure(curve([-9.0, -4.0, 0.0], [30, 20, 0]))
    assert not made.more
    unknown = figure(curve([1.0, 5.0, 3.0]).assign(recall=np.nan))
    assert "reach" not in (unknown.more or {})
    nobody = figures_contacts.contact_cut_off(EMPTY, EMPTY, True)
    assert nobody == "Nobody has consented to messages, so there is nobody to contact."
    empty = figures_contacts.contact_cut_off(EMPTY, EMPTY, False)
    assert isinstance(empty, str) and empty.startswith("The consent column is empty")


def test_scenarios_name_the_dearest_mistake() -> None:
    table = pd.DataFrame(
        {
            "scenario": ["as assumed", "a contact costs half", "a contact costs twice"],
            "threshold": [0.3, 0.2, 0.5],
            "contacted": [9, 12, 5],
            "expected": [50.0, 60.0, 40.0],
            "kept_threshold": [50.0, 58.0, 33.0],
            "lost": [0.0, 2.0, 7.0],
        }
    )
    told = (figure(curve([1.0, 5.0, 3.0]), table).more or {})["scenarios"]
    assert "between 20% and 50%" in told
    assert told.endswith("loses at most 7.0 of 40 units (if a contact costs twice).")
    same = table.assign(threshold=0.3, lost=0.0)
    free = (figure(curve([1.0, 5.0, 3.0]), same).more or {})["scenarios"]
    assert free.endswith("the chosen cut-off is still the best.")


def test_assumptions_are_told_with_their_ranges() -> None:
    contact = SimpleNamespace(
        cost=0.02, save_rate=0.1, save_rate_low=0.05, save_rate_high=0.2, profit_lost=0.5, months=3
    )
    given: Any = SimpleNamespace(contact=contact)
    told = figures_contacts.contact_assumptions(pd.DataFrame({"profit": [100.0, 200.0]}), given)
    assert told is not None and "0.02 units" in told["said"] and "300 units a month" in told["said"]
    assert "keeps 10% (from 5% to 20%)" in told["effect"]
    assert told["profit"].endswith("keeping the customer saves it for 3 months.")

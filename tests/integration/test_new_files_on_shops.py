"""Test the checks of new files on real shops: quarter after quarter, and half after half."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from pathlib import Path

import ibis
import pandas as pd
import pytest
from conftest import reading

from analysis.core.settings import read_settings
from analysis.history import comparison, drift, findings, new_files
from analysis.orders.ledger import Ledger
from analysis.regulars import contract
from analysis.regulars.reading import read_activity


def severities(found: pd.DataFrame) -> dict[str, str]:
    """Return the gravest severity of each check but the one that is always there."""
    first = found.drop_duplicates("check").set_index("check")["severity"]
    return {str(check): severity for check, severity in first.items() if check != "ledger.follows"}


def part(ledger: Ledger, start: str, end: str) -> Ledger:
    """Return the ledger as if it held only the lines from a day until before another."""
    date = ledger.lines.invoice_date
    lines = ledger.lines.filter((date >= ibis.timestamp(start)) & (date < ibis.timestamp(end)))
    return replace(ledger, lines=lines, as_of=dt.date.fromisoformat(end))


@pytest.mark.drill
@pytest.mark.real
def test_the_real_ledger_goes_on_quarter_after_quarter_and_another_shop_stops(
    gift_shop: Path, sample_data: Path
) -> None:
    files = sorted((gift_shop / "transactions").glob("*.parquet"))
    sample = sample_data / "transactions" / "sales_2024-Q1.csv"
    first, *cuts = (
        "2010-12-01",
        "2011-01-01",
        "2011-04-01",
        "2011-07-01",
        "2011-10-01",
        "2011-12-10",
    )
    said = []
    with reading(files) as real, reading([sample]) as other:
        for cut, end in itertools.pairwise(cuts):
            old, new = (part(real, *days) for days in ((first, cut), (cut, end)))
            drawn = comparison.draw(old)
            found = new_files.ledger_findings(drawn, comparison.draw(new), "£")
            assert not (found["severity"] == "stops").any()
            said.append(severities(found))
        # The other shop's customers have numbers that this one's have too.
        found = new_files.ledger_findings(drawn, comparison.draw(other), "£")
    assert {"ledger.gap", "ledger.known_products"} <= set(findings.stops(found, set())["check"])
    assert "ledger.known_products" in set(findings.stops(found, {"ledger.gap"})["check"])
    # Christmas, with a month of history; the season, with three quarters.
    assert said[0] == {
        "ledger.gap": "warns",
        "ledger.short_history": "informs",
    }
    assert said[1] == {}
    assert said[2] == {"ledger.country": "warns"}
    assert said[3] == {
        **dict.fromkeys(
            ["ledger.lines", "ledger.orders", "ledger.customers", "ledger.revenue"],
            "warns",
        )
    }


@pytest.mark.real
def test_halves_of_the_real_regular_customers_are_alike(one_click: Path) -> None:
    chosen = read_settings().activity
    files: dict[str, str] = {role: f"{chosen.files[role][0]}.csv" for role in contract.ROLES}
    raw: dict[str, pd.DataFrame] = {
        role: pd.read_csv(one_click / "activity" / name, dtype=str) for role, name in files.items()
    }
    tables = read_activity(raw, chosen, files)
    people = tables.customers.sample(frac=1, random_state=1)
    half = len(people) // 2
    found = new_files.activity_findings(people[:half], people[half:])
    assert severities(found) == {"activity.known_customers": "warns"}
    assert drift.decline_drift(people[:half], people[half:]) == []
    moved = people[half:].assign(promo_share=people["promo_share"] + 0.4)
    assert [found.where for found in drift.decline_drift(people[:half], moved)] == ["promo_share"]

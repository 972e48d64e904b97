"""All contenders of the benchmark find the same, on the generated sample."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("polars")

from analysis.sample import write_sample
from analysis.settings import read_settings
from analysis.sources import find_files
from benchmarks import race
from benchmarks.ledgers import write_copies


@pytest.fixture
def sample(tmp_path: Path) -> list[Path]:
    write_sample(tmp_path / "sample")
    return find_files(tmp_path / "sample" / read_settings().transactions.folder)


def test_contenders_agree_on_the_sample(
    sample: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.ledgers.find_ledger", lambda work: sample)
    _, rows, job = race.prepare(None, [2], tmp_path)
    runs = {}
    for module in race.CONTENDERS:
        (tmp_path / module).mkdir()
        own = dataclasses.replace(job, path=tmp_path / "2.parquet", folder=tmp_path / module)
        runs[module] = [race.measure(module, own)]
    assert race.differences(runs) == []
    rungs = runs["ours"][0].totals["rungs"]
    assert isinstance(rungs, list)
    assert 0 < rungs[-1] < rungs[0] < rows[2]
    assert race.BAR in runs and "hand-written SQL" in race.as_text(runs)


def test_copies_share_no_customer_and_no_invoice(sample: list[Path], tmp_path: Path) -> None:
    write_copies(sample, [1, 3], tmp_path)
    one, three = (pd.read_parquet(tmp_path / f"{n}.parquet") for n in (1, 3))
    assert len(three) == 3 * len(one)
    for column in ("CustomerID", "InvoiceNo"):
        assert three[column].nunique() == 3 * one[column].nunique()


def test_a_difference_is_told() -> None:
    right = race.Run("a", 1, 1, 1, {"customers": 3})
    wrong = race.Run("b", 1, 1, 1, {"customers": 4})
    assert race.differences({race.BAR: [right], "ours": [wrong]}) == [
        "b: customers is 4, but 3 by a"
    ]

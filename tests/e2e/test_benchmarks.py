"""Test the benchmarks: every contender finds the same customers, and differences are reported."""

from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("polars")

from analysis.core.settings import read_settings
from analysis.ingest.readers import find_files
from analysis.ingest.sample import write_sample
from benchmarks import million, peers, race
from benchmarks.ledgers import write_copies
from benchmarks.rfm import Lines, Scored, facts

pytestmark = pytest.mark.drill


@pytest.fixture(scope="module")
def sample(sample_data: Path) -> list[Path]:
    return find_files(sample_data / read_settings().transactions.folder)


def test_contenders_agree_on_the_sample(sample: list[Path], tmp_path: Path) -> None:
    _, rows, job = race.prepare(sample[0].parent.parent, [2], tmp_path)
    runs = {}
    for module in race.CONTENDERS:
        (tmp_path / module).mkdir()
        own = dataclasses.replace(job, path=tmp_path / "2.parquet", folder=tmp_path / module)
        runs[module] = [race.measure(module, own)]
    assert race.differences(runs) == []
    steps = runs["ours"][0].totals["steps"]
    assert isinstance(steps, list)
    assert 0 < steps[-1] < steps[0] < rows[2]
    assert race.BAR in runs and "hand-written SQL" in race.as_text(runs)


def test_a_folder_without_orders_is_told_in_a_sentence(tmp_path: Path) -> None:
    write_sample(tmp_path)
    for path in find_files(tmp_path / "transactions"):
        path.unlink()
    with pytest.raises(SystemExit, match="there are no orders here to measure with"):
        race.prepare(tmp_path, [1], tmp_path)


def test_copies_share_no_customer_and_no_invoice(sample: list[Path], tmp_path: Path) -> None:
    write_copies(sample, [1, 3], tmp_path)
    one, three = (pd.read_parquet(tmp_path / f"{n}.parquet") for n in (1, 3))
    assert len(three) == 3 * len(one)
    for column in ("CustomerID", "InvoiceNo"):
        assert three[column].nunique() == 3 * one[column].nunique()


@pytest.fixture(scope="module")
def lines(sample: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Lines:
    folder = tmp_path_factory.mktemp("lines")
    write_copies(sample, [1], folder)
    rows, job = facts.write_lines(folder / "1.parquet", folder / "1.net")
    assert rows == len(pd.read_parquet(job.path)) > 1_000
    return job


def test_scores_of_ours_and_the_sql_agree_and_ranks_depend_on_numbers(lines: Lines) -> None:
    runs = {module: [race.measure(module, lines)] for module in race.RFM_CONTENDERS}
    assert race.differences(runs, race.RFM_BAR) == []
    assert {"checksum of scores", "frequency"} <= set(runs["rfm.ours"][0].totals)
    facts.write_variants(lines.path)
    for module in race.RFM_CONTENDERS:
        facts.keep(module, lines)
    names = {module: module for module in race.RFM_CONTENDERS}
    told = facts.count(lines.folder, names, race.RFM_BAR).splitlines()
    found = {line.split()[0]: line.split()[1:] for line in told[3:]}
    assert found["rfm.ours"] == found["rfm.with_sql"] == ["0"] * 4
    frequency, scores, shuffled, renumbered = found["rfm.with_pandas"]
    assert (frequency, shuffled) == ("0", "0") and "0" not in (scores, renumbered)


@pytest.mark.parametrize("size", [5, 10, 11, 64])
def test_quintiles_of_ours_and_the_sql_are_the_same_at_any_size(tmp_path: Path, size: int) -> None:
    number = pd.Series(range(size))
    pd.DataFrame(
        {
            "customer_id": number,
            "invoice": number.astype(str),
            "invoice_date": pd.Timestamp("2024-01-31") - pd.to_timedelta(number % 7, unit="D"),
            "amount": (number * 37 % size + 1) / 4,
        }
    ).to_parquet(tmp_path / "few.net")
    job = Lines(tmp_path / "few.net", tmp_path, "1GB", dt.date(2024, 2, 1))
    runs = {module: [race.measure(module, job)] for module in ("rfm.ours", race.RFM_BAR)}
    assert race.differences(runs, race.RFM_BAR) == []


def test_what_is_defined_otherwise_is_counted_and_not_compared(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"customer_id": [1, 2], "recency_days": [1, 2], "frequency": [3, 1], "monetary": [5.0, 6]}
    )
    days = table.assign(frequency=[2, 1])
    for module, found in (("a", table), ("b", days)):
        for variant in facts.VARIANTS:
            found.to_parquet(tmp_path / f"{module}.{variant}")
    told = facts.count(tmp_path, {"a": "a", "b": "b"}, "a").splitlines()
    assert told[-1].split() == ["b", "1", "-", "-", "-"]
    runs = {
        "a": [race.Run("a", 1, 1, 1, 1, Scored(table).totals())],
        "b": [race.Run("b", 1, 1, 1, 1, Scored(days, orders=False).totals())],
        "c": [race.Run("c", 1, 1, 1, 1, Scored(days).totals())],
    }
    assert race.differences(runs, "a") == ["c: frequency is 3, but 4 by a"]


def test_a_process_of_its_own_returns_the_result_and_nothing_printed() -> None:
    assert race.call_in_process(print, "on standard error") is None
    assert race.call_in_process(divmod, 7, 2) == (3, 1)


def test_peers_that_cannot_be_installed_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*arguments: object, **options: object) -> None:
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(peers, "FOLDER", peers.FOLDER.with_name("peers-of-a-test"))
    monkeypatch.setattr("venv.create", lambda *arguments, **options: None)
    monkeypatch.setattr("subprocess.run", closed)
    assert peers.interpreter() is None
    pins = peers.PINS.read_text().splitlines()
    assert all("==" in line for line in pins if not line.startswith("#"))


def test_many_customers_are_drawn_and_clustered(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.segments.cluster_selection.KMEANS_ONLY", 500)
    monkeypatch.setattr("analysis.segments.clusters.K", range(2, 4))
    told = million.cluster(lines, 900)
    assert " candidates chosen: " in told and "peak" in told


def test_a_difference_is_told() -> None:
    right = race.Run("a", 1, 1, 1, 1, {"customers": 3})
    wrong = race.Run("b", 1, 1, 1, 1, {"customers": 4})
    assert race.differences({race.BAR: [right], "ours": [wrong]}) == [
        "b: customers is 4, but 3 by a"
    ]

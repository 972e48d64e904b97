"""Test that a store in the layout of November 2026 still works."""

from __future__ import annotations

import itertools
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from conftest import choose_from_few, present_nothing, quick_settings_file

from analysis.build import pipeline
from analysis.core.files import read_json
from analysis.core.progress import Steps
from analysis.core.settings import read_settings
from analysis.ingest.data_folder import find_inputs, role_of
from analysis.release import open_store, raw, store

STORE = Path(__file__).parents[1] / "fixtures" / "release-layout-1.tar.gz"
JULY, OCTOBER = "2025-07-01", "2025-10-01"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with two accepted builds, the second of which is published."""
    root = tmp_path / "project"
    with tarfile.open(STORE) as packed:
        packed.extractall(root, filter="data")
    return root


def used(root: Path) -> set[str]:
    files = raw.find_in_use(root, role_of(read_settings())).files
    return {Path(place).name for place in files}


def test_it_is_imported_as_two_releases(project: Path) -> None:
    files = {path.name for path in (project / "data" / "raw" / "transactions").iterdir()}
    page = (project / "_site" / "index.html").read_bytes()
    for _ in range(2):
        with open_store(project):
            assert store.published_name(project) == OCTOBER
    assert [path.parent.name for path in store.accepted_builds(project)] == [JULY, OCTOBER]
    assert (project / "_site" / "index.html").read_bytes() == page
    assert used(project) >= files
    for name in (JULY, OCTOBER):
        manifest = read_json(store.build_of(project, name) / "manifest.json")
        assert "schema" not in manifest
        assert manifest["versions"]["shap"]


def test_a_rollback_restores_the_build_before(project: Path) -> None:
    with open_store(project):
        assert store.rollback(project) == JULY
    assert JULY in (project / "_site" / "index.html").read_text(encoding="utf-8")
    assert "sales_2025-Q3.csv" not in used(project)
    assert "sales_2025-Q2.csv" in used(project)
    with open_store(project):
        assert store.rollback(project, OCTOBER) == OCTOBER
    assert "sales_2025-Q3.csv" in used(project)


def test_what_make_report_published_since_stays_and_gives_way(project: Path) -> None:
    (project / "_site" / "publication.json").unlink()
    (project / "_site" / "index.html").write_text("made by hand", encoding="utf-8")
    with open_store(project):
        assert (project / "_site" / "index.html").read_text(encoding="utf-8") == "made by hand"
        assert store.rollback(project) == OCTOBER
    assert OCTOBER in (project / "_site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("call", ["symlink_to", "rename"])
def test_an_interrupted_import_goes_on(
    call: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted before its n-th call, the import is completed by the next command."""
    own = getattr(Path, call)
    number = 0
    while True:
        number += 1
        root = Path(shutil.copytree(project, project.parent / f"copy-{number}"))
        calls = itertools.count(1)

        def stop(*arguments: Path, calls: Iterator[int] = calls, last: int = number) -> object:
            if next(calls) == last:
                raise KeyboardInterrupt
            return own(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Path, call, stop)
            try:
                with open_store(root):
                    break
            except KeyboardInterrupt:
                pass
        with open_store(root):
            assert [path.parent.name for path in store.accepted_builds(root)] == [JULY, OCTOBER]
            assert store.published_name(root) == OCTOBER
            assert OCTOBER in (root / "_site" / "index.html").read_text(encoding="utf-8")
    assert number > 1


@pytest.mark.drill
def test_a_new_build_is_compared_with_it_and_tests_its_forecast(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only the comparison is looked at: nothing is set or drawn.
    present_nothing(monkeypatch)
    choose_from_few(monkeypatch)
    settings = read_settings(quick_settings_file(tmp_path / "settings.toml"))
    inputs = find_inputs(project / "data" / "raw", settings)
    with open_store(project):
        accepted = [path for path in store.accepted_builds(project) if path.parent.name == JULY]
    out = tmp_path / "build"
    pipeline.build(inputs, settings, out, Steps(), None, accepted)
    told = read_json(out / "since" / "facts.json")
    assert told["since.name"] == JULY
    assert told["since.as_of"] == JULY
    assert 0 < told["since.stayed_share"] < 1
    changes = pd.read_parquet(out / "since" / "changes.parquet").set_index("fact")
    before = read_json(accepted[0] / "facts.json")
    # A fact that kept its name kept its meaning.
    for fact in ("rfm.customers", "transactions.net_revenue", "lapse.roc_auc"):
        assert changes.loc[fact, "before"] == pytest.approx(before[fact])
    # Since then, a row without a customer is of the customer whom its order's other rows name.
    told_now = pd.read_parquet(out / "assumptions.parquet")
    of_orders = told_now["said"].str.contains("assumed-orders.first-row", regex=False)
    filled = told_now.loc[of_orders, "money"].sum()
    assert filled > 0
    restated = changes.loc["transactions.net_revenue", "restated"]
    assert restated == pytest.approx(filled, abs=0.005)
    tested = pd.read_parquet(out / "since" / "backtest.parquet").set_index("model")
    (lapse,) = tested.loc[["lapse"]].to_dict("records")
    assert lapse["start"] == JULY
    assert lapse["n"] > 50
    assert 0.5 < lapse["roc_auc"] <= 1

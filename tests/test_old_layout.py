"""Does a store of accepted builds in the layout of November 2026 still work?"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pandas as pd
import pytest
from conftest import quick_settings_file

from analysis import pipeline, vault
from analysis.artifacts import read_json
from analysis.inputs import find_inputs
from analysis.progress import Steps
from analysis.settings import read_settings

STORE = Path(__file__).parent / "fixtures" / "release-layout-1.tar.gz"
JULY, OCTOBER = "2025-07-01", "2025-10-01"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with two accepted builds, the second of which is published."""
    root = tmp_path / "project"
    with tarfile.open(STORE) as store:
        store.extractall(root, filter="data")
    return root


def test_it_is_what_the_fixture_says(project: Path) -> None:
    assert vault.published(project) == OCTOBER
    assert [path.name for path in vault.accepted(project)] == [JULY, OCTOBER]
    for name in (JULY, OCTOBER):
        manifest = read_json(project / "builds" / name / "manifest.json")
        assert "schema" not in manifest
        assert manifest["versions"]["shap"]


def test_a_rollback_restores_the_build_before(project: Path) -> None:
    with vault.lock(project):
        done = vault.rollback(project)
    assert done.name == vault.published(project) == JULY
    assert JULY in (project / "_site" / "index.html").read_text(encoding="utf-8")
    files = {path.name for path in (project / "data" / "raw" / "transactions").iterdir()}
    assert "sales_2025-Q3.csv" not in files and "sales_2025-Q2.csv" in files


@pytest.mark.drill
def test_a_new_build_is_compared_with_it_and_tests_its_forecast(
    project: Path, tmp_path: Path
) -> None:
    settings = read_settings(quick_settings_file(tmp_path / "settings.toml"))
    inputs = find_inputs(project / "data" / "raw", settings)
    accepted = [path for path in vault.accepted(project) if path.name == JULY]
    out = tmp_path / "build"
    pipeline.build(inputs, settings, out, "key", Steps(), None, accepted)
    told = read_json(out / "since" / "facts.json")
    assert told["since.name"] == JULY
    assert told["since.as_of"] == JULY
    assert 0 < told["since.stayed_share"] < 1
    changes = pd.read_parquet(out / "since" / "changes.parquet").set_index("fact")
    before = read_json(accepted[0] / "facts.json")
    # A fact that kept its name kept its meaning.
    for fact in ("rfm.customers", "transactions.net_revenue", "lapse.roc_auc"):
        assert changes.loc[fact, "before"] == pytest.approx(before[fact])
    assert changes.loc["transactions.net_revenue", "restated"] == pytest.approx(0, abs=0.005)
    tested = pd.read_parquet(out / "since" / "backtest.parquet").set_index("model")
    (lapse,) = tested.loc[["lapse"]].to_dict("records")
    assert lapse["start"] == JULY
    assert lapse["n"] > 50
    assert 0.5 < lapse["roc_auc"] <= 1

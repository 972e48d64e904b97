"""Test the import contracts: they hold, and a forbidden import fails them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from analysis.core.paths import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
#: What sentences and pictures may import beside one another: names, and what every package uses.
LIGHT = ("names", "summaries")


def lint_imports(project: Path) -> subprocess.CompletedProcess[str]:
    """Hold a copy of the project to the contracts."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
            "--no-cache",
        ],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(project), *sys.path])},
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the package and its contracts."""
    shutil.copytree(ROOT / "analysis", tmp_path / "analysis")
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "forbidden", "contract"),
    [
        ("core/formatting.py", "import analysis.orders.tables", "packages import one way"),
        ("stats/periods.py", "import analysis.release.store", "packages import one way"),
        ("orders/text.py", "import analysis.orders.tables", "sentences and pictures"),
        ("segments/figures_clusters.py", "import sklearn", "sentences and pictures"),
    ],
)
def test_a_forbidden_import_is_noticed(
    project: Path, module: str, forbidden: str, contract: str
) -> None:
    path = project / "analysis" / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{forbidden}\n", encoding="utf-8")
    done = lint_imports(project)
    assert done.returncode == 1
    assert any(contract in line and "BROKEN" in line for line in done.stdout.splitlines())


def test_every_module_of_a_subject_has_its_side() -> None:
    speaking, computing = (
        set(CONTRACTS[1][key]) for key in ("source_modules", "forbidden_modules")
    )
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "analysis").glob("*/**/*.py")
        if path.stem not in ("__init__", *LIGHT) and path.parent.name != "core"
    }
    assert speaking | {name for name in computing if "." in name} == modules
    assert not speaking & computing
    spoken = {name for name in modules if name.split(".")[2].startswith(("text", "figures"))}
    assert spoken <= speaking

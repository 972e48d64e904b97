"""Test with axe that everybody can read the pages: light and dark, at three widths."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from books import rendered
from conftest import KINDS

pytestmark = pytest.mark.drill
#: A folder into which npm has installed axe-core and playwright-core; the drill downloads nothing.
MODULES = Path(os.environ.get("AXE", "no-folder")) / "node_modules"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NODE = shutil.which("node")
#: Two colour schemes, at three widths each.
VIEWS = 6


@pytest.mark.skipif(
    not (NODE and CHROMIUM and (MODULES / "axe-core").is_dir()),
    reason="needs node, Chromium, and AXE=folder with axe-core and playwright-core of npm",
)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_its_window(
    kind: str, shared: Path
) -> None:
    assert NODE and CHROMIUM
    site = (rendered(kind, shared) / "_site").resolve()
    script = Path(__file__).with_name("axe.js")
    command = [NODE, str(script), str(MODULES.resolve()), CHROMIUM, str(site)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["found"] == []
    pages = [path for path in site.rglob("*.html") if "site_libs" not in path.parts]
    assert told["looked"] == VIEWS * len(pages) > 0

"""Test the sliders of the what-if section in a browser, from the disk."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from books import rendered
from conftest import KINDS

from analysis.strategy.what_if import gain_of

pytestmark = pytest.mark.drill
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
MOVE = """<script>
window.addEventListener("load", function () {
  var moved = %s;
  Object.keys(moved).forEach(function (name) {
    var input = document.getElementById("what-if-" + name);
    if (!input) { return; }
    input.value = moved[name];
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  if (%s) { document.querySelector(".what-if-form button").click(); }
});
</script>"""


def totals(page: Path, folder: Path, moved: dict[str, float], reset: bool) -> dict[str, float]:
    """Return the totals of a page after its sliders were moved, and perhaps reset."""
    assert BROWSER
    text = page.read_text(encoding="utf-8")
    script = MOVE % (json.dumps(moved), json.dumps(reset))
    copy = folder / "page.html"
    copy.write_text(text + script, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    done = subprocess.run(
        [*command, "--virtual-time-budget=4000", copy.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = re.findall(r'data-total="(\w+)" data-value="([^"]+)"', done.stdout)
    return {half: float(value) for half, value in found}


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("kind", [*KINDS])
def test_sliders_agree_with_the_book_and_with_the_formula(
    kind: str, shared: Path, tmp_path: Path
) -> None:
    site = rendered(kind, shared) / "_site"
    pages = [path for path in site.rglob("*.html") if 'id="what-if"' in path.read_text("utf-8")]
    if not pages:
        told = json.loads((site.parent / "build" / "what_if.json").read_text("utf-8"))
        assert told["actions"] == []
        pytest.skip("no gain is stated, so there are no sliders")
    data = re.search(r'id="what-if-data">(.*?)</script>', pages[0].read_text("utf-8"), re.DOTALL)
    assert data
    told = json.loads(data[1])
    halves = {action["half"] for action in told["actions"]}
    book = {
        half: sum(one["expected_profit"] for one in told["actions"] if one["half"] == half)
        for half in halves
    }
    assert totals(pages[0], tmp_path, {}, reset=False) == pytest.approx(book, rel=1e-9)
    moved = {"margin": 0.3, "reach": 0.8, "uplift": 2.0, "offer": 0.5}
    expected = {
        half: sum(gain_of(one, **moved) for one in told["actions"] if one["half"] == half)
        for half in halves
    }
    assert totals(pages[0], tmp_path, moved, reset=False) == pytest.approx(expected, rel=1e-9)
    assert totals(pages[0], tmp_path, moved, reset=True) == pytest.approx(book, rel=1e-9)

"""Test the brief: the summary's sentences, small, by itself, and safe."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

from report.brief import SAMPLE, TAKEAWAYS, write_brief

HOSTILE = "<script>alert(1)</script> \" ' & <img src=x onerror=alert(1)>"


def made(folder: Path, said: str) -> str:
    """Return the brief of a build that says a text wherever it can."""
    names = re.findall(r'say = "([^"]+)"', TAKEAWAYS.read_text(encoding="utf-8"))
    text = dict.fromkeys(["summary-headline.said", "summary-scale.said-orders", *names], said)
    tile = dict.fromkeys(["label", "value", "note", "warning"], said) | {"sparkline": ""}
    card = {"title": said, "badge": said, "lines": [[said, said]]}
    (folder / "cards").mkdir()
    for name, content in (
        ("text", text),
        ("manifest", {"sample": True}),
        ("cards/summary-tiles", {"cards": [tile] * 5}),
        ("cards/summary-decisions", {"cards": [card] * 4}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    write_brief(folder, folder)
    return (folder / "brief.html").read_text(encoding="utf-8")


def test_a_hostile_text_is_shown_letter_by_letter(tmp_path: Path) -> None:
    page = made(tmp_path, HOSTILE)
    assert "<script" not in page and "<img" not in page
    assert HOSTILE in unescape(page)


def test_the_brief_is_small_whole_and_asks_no_other_host(tmp_path: Path) -> None:
    page = made(tmp_path, "A sentence of the summary.")
    # Headline, scale, 5 tiles of 4 texts, 4 decisions of 4 texts, at most 6 changes and 3 doubts.
    found = page.count("A sentence of the summary.")
    assert 2 + 20 + 16 < found <= 2 + 20 + 16 + 6 + 3
    assert SAMPLE in page and len(page.encode()) < 150_000
    assert not re.search(r"https?:|src=|href=|url\(", page)

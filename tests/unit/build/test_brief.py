"""Test the brief: the summary's sentences, small, by itself, and safe."""

from __future__ import annotations

import io
import json
import re
from html import escape, unescape
from itertools import chain
from pathlib import Path

import pandas as pd
import plotnine as p9
from PIL import Image

from analysis.build.presentation import MAILED
from analysis.core.paths import ROOT
from analysis.core.plotting import DOTS, draw_pixels, report_theme
from report.brief import PICTURES, SAMPLE, TAKEAWAYS, brief, write_brief

PIXELS = b"\x89PNG"

HOSTILE = "<script>alert(1)</script> \" ' & <img src=x onerror=alert(1)>"


def made(folder: Path, said: str) -> str:
    """Return the brief of a build that says a text wherever it can."""
    names = re.findall(r'say = "([^"]+)"', TAKEAWAYS.read_text(encoding="utf-8"))
    names += [f"{name}.{key}" for name in MAILED for key in ("headline", "alt")]
    text = dict.fromkeys(["summary-headline.said", "summary-scale.said-orders", *names], said)
    tile = dict.fromkeys(["label", "value", "note", "warning"], said) | {"sparkline": ""}
    card = {"title": said, "badge": said, "lines": [[said, said]]}
    for name in ("cards", "mail"):
        (folder / name).mkdir()
    for name in MAILED:
        (folder / "mail" / f"{name}.png").write_bytes(PIXELS)
    for name, content in (
        ("text", text),
        ("manifest", {"sample": True}),
        ("facts", {"transactions.available": True}),
        ("cards/summary-tiles", {"cards": [tile] * 5}),
        ("cards/summary-decisions", {"cards": [card] * 4}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    write_brief(folder, folder)
    return (folder / "brief.html").read_text(encoding="utf-8")


def test_a_hostile_text_is_shown_letter_by_letter(tmp_path: Path) -> None:
    page = made(tmp_path, HOSTILE)
    assert "<script" not in page and "<img src=x" not in page
    assert HOSTILE in unescape(page)
    assert re.findall(r"<img alt=\"([^\"]*)\"", page) == [escape(HOSTILE)] * len(PICTURES[True])


def test_the_brief_is_small_whole_and_asks_no_other_host(tmp_path: Path) -> None:
    page = made(tmp_path, "A sentence of the summary.")
    # Headline, scale, 5 tiles of 4 texts, 4 decisions of 4 texts, 2 pictures of 2 texts, at most 6
    # changes and 3 doubts.
    found = page.count("A sentence of the summary.")
    assert 2 + 20 + 16 + 4 < found <= 2 + 20 + 16 + 4 + 6 + 3
    assert SAMPLE in page
    # Its pictures are inside.
    page, pictures = re.subn(r'src="data:image/png;base64,[\w+/=]+"', "", page)
    assert pictures == len(PICTURES[True])
    assert not re.search(r"https?:|src=|href=|url\(", page)


def test_pictures_of_regular_customers_do_not_stand_in_for_those_of_orders(tmp_path: Path) -> None:
    made(tmp_path, "A sentence.")
    for name in chain(*PICTURES[True]):
        (tmp_path / "mail" / f"{name}.png").unlink()
    assert "<img" not in brief(tmp_path)


def test_the_brief_shows_the_pictures_of_the_summary_page() -> None:
    summary = (ROOT / "index.qmd").read_text(encoding="utf-8")
    shown = set(re.findall(r"page\.(?:figure|quote)\((.+)\)", summary))
    quoted = {name for call in shown for name in re.findall(r'"([\w-]+)"', call)}
    assert {*chain(*PICTURES[True], *PICTURES[False])} == quoted == MAILED


def test_a_picture_for_a_mail_is_small_and_has_the_size_that_it_is_shown_at() -> None:
    points = pd.DataFrame({"x": range(200), "y": range(200)})
    plot = p9.ggplot(points, p9.aes("x", "y")) + p9.geom_point() + report_theme(3)
    drawn = draw_pixels(plot)
    assert drawn == draw_pixels(plot)
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.size == (round(7.0 * DOTS), round(3 * DOTS))
        assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
    # Two of them, as text, and the sentences stay below the size of a mail.
    assert len(drawn) < 40_000

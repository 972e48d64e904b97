"""Write what a presenting step gives: pictures, set tables, cards, sentences, data to download."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.build.step import Step
from analysis.core import sentences
from analysis.core.presentation import Figure, Table, Tile
from analysis.core.spreadsheets import write_csv
from analysis.core.svg import sparkline

#: Words that a page places as their templates stand, unless a step gives others.
PLACED = ("name", "headline", "caption", "alt")
#: What a step gives: words by key; or one sentence, which says why there is nothing to show.
Words = Mapping[str, str] | str | None
#: Content by the name that the step declares: bytes, or a file.
Files = dict[str, bytes | Path]


def write_text(given: Words, step: Step, scratch: Path) -> Files:
    """Return the words of a topic; nothing where there are none."""
    return {} if given is None else _words(given, step)


def write_figure(given: Figure | str | None, step: Step, scratch: Path) -> Files:
    """Return the picture, words and data of a figure; only words where there is none."""
    if given is None or isinstance(given, str):
        return write_text(given, step, scratch)
    from analysis.core.plotting import draw, draw_pixels

    picture, download, *mailed, _ = step.makes
    words = {"headline": given.headline, "alt": given.alt, "caption": given.caption}
    return {
        picture: draw(given.plot),
        **{name: draw_pixels(given.plot) for name in mailed},
        **_download(download, given.data, scratch),
        **_words(words | dict(given.more or {}), step),
    }


def write_table(given: Table | str | None, step: Step, scratch: Path) -> Files:
    """Return the set table, words and data of a table; only words where there is none."""
    if given is None or isinstance(given, str):
        return write_text(given, step, scratch)
    from analysis.core.tables import html

    table, download, _ = step.makes
    words = {"caption": given.caption, **(given.more or {})}
    made = html(given.table)
    files = _download(download, given.data, scratch)
    # A table of a single row reads better as a line of text.
    if line := row_as_text(made):
        return files | _words(words, step, line)
    return files | {table: made.encode()} | _words(words, step)


def write_cards(given: Sequence[NamedTuple] | str | None, step: Step, scratch: Path) -> Files:
    """Return cards, tiles or other entries, and their words; only words where there are none."""
    if not given:
        return {}
    if isinstance(given, str):
        return write_text(given, step, scratch)
    cards = [_fields(card) for card in given]
    content = json.dumps({"cards": cards}, ensure_ascii=False, indent=1)
    return {step.makes[0]: content.encode(), **_words({}, step)}


def _fields(card: NamedTuple) -> dict[str, object]:
    """Return what a page places of a card; of a tile's months, a sparkline."""
    fields = card._asdict()
    if isinstance(card, Tile):
        fields["sparkline"] = sparkline(fields.pop("months"))
    return fields


def row_as_text(html: str) -> str:
    """Return the only row of a table as text: each heading with its value. Else nothing.

    Examples
    --------
    >>> row_as_text("<tr><th>File</th><th>Rows</th></tr><tr><td>a&amp;b</td><td>3</td></tr>")
    'File: a&b. Rows: 3.'
    """
    if html.count("<tr") != 2:
        return ""
    names, values = (
        [
            unescape(re.sub(r"<[^>]+>", "", text))
            for text in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", html, re.S)
        ]
        for tag in ("th", "td")
    )
    return " ".join(
        f"{name}: {value}." if name else f"{value}."
        for name, value in zip(names, values, strict=True)
    )


def _words(given: Mapping[str, str] | str, step: Step, row: str = "") -> Files:
    """Return the file of a step's words: those that it gives, and those that are fixed."""
    own = step.says[0]
    name = own.partition(".")[2]
    words = {
        key: template
        for key, template in sentences.constant_texts(own).items()
        if key in PLACED or (step.kind == "text" and "-" not in key)
    }
    words |= {"none": given} if isinstance(given, str) else {k: v for k, v in given.items() if v}
    texts = {f"{name}.{key}": " ".join(text.split()) for key, text in sorted(words.items())}
    # Steps of one kind, such as the changes of each chapter, share the templates of a section.
    sections = [said.partition(".")[2] for said in step.says]
    for key in words:
        if not any(sentences.is_known(f"{section}.{key}") for section in sections):
            raise ValueError(f"'{step.name}' says '{name}.{key}', for which there is no template")
    if row:
        texts[f"{name}.row"] = row
    return {step.makes[-1]: json.dumps(texts, ensure_ascii=False, indent=1).encode()}


def _download(name: str, data: pd.DataFrame | None, scratch: Path) -> Files:
    if data is None:
        return {}
    path = scratch / "data.csv"
    write_csv(data, path, encoding="utf-8-sig")
    return {name: path}

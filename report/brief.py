"""Write the brief: the summary as one small page with inline styles, to paste into a mail."""

from __future__ import annotations

import tomllib
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from analysis.core.files import read_json

TAKEAWAYS = Path(__file__).resolve().parent / "takeaways.toml"
TILES = ("summary-tiles", "summary-tiles-of-regulars")
SCALE = (
    "summary-scale.said-orders",
    "summary-scale.said-regulars",
    "summary-scale.said-cost",
    "summary-scale.said-small",
)
#: Heading, chapter of ``takeaways.toml``, and the most sentences that the summary page shows.
LISTS = (("Changes since the last report", "summary-changes", 6), ("Doubts", "summary-doubts", 3))
#: The pictures of the summary page, with orders and without: the first that there is of each row.
PICTURES = {
    True: (
        ("segment-size-and-value",),
        ("revenue-at-risk-by-tier", "revenue-at-risk-by-segment"),
    ),
    False: (("risk-groups",), ("decline-by-category",)),
}
SAMPLE = (
    "This report shows sample data. The shop and its customers are generated: "
    "no number describes a real shop."
)
BODY = "font-family:Arial,sans-serif;color:#1f2933;background:#ffffff;line-height:1.4;margin:16px"
CELL = "vertical-align:top;padding:8px 12px 8px 0;border-top:2px solid #6b7785"


def write_brief(build: Path, book: Path) -> None:
    """Write ``brief.html`` of a build beside the pages of the rendered book."""
    (book / "brief.html").write_text(brief(build), encoding="utf-8")


def brief(build: Path) -> str:
    """Return the sentences, tiles, pictures and decisions of the summary page, for a mail."""
    text: dict[str, str] = read_json(build / "text.json")
    parts = [_element("p", SAMPLE)] if read_json(build / "manifest.json").get("sample") else []
    parts += [_element("h1", text.get("summary-headline.said", ""), "font-size:20px")]
    parts += [_tiles(_cards(build, name)) for name in TILES]
    orders = bool(read_json(build / "facts.json")["transactions.available"])
    parts += [_picture(build, text, names) for names in PICTURES[orders]]
    parts += [_element("h2", "Decisions", "font-size:16px")]
    parts += [_decision(**card) for card in _cards(build, "summary-decisions")]
    parts += [_element("p", text.get(name, "")) for name in SCALE]
    every = tomllib.loads(TAKEAWAYS.read_text(encoding="utf-8"))
    for heading, chapter, most in LISTS:
        said = [text[one["say"]] for one in every[chapter] if text.get(one["say"])][:most]
        if said:
            items = "".join(_element("li", one) for one in said)
            parts += [_element("h2", heading, "font-size:16px"), f"<ul>{items}</ul>"]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Brief</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>\n'
        f'<body style="{BODY}"><main style="max-width:640px">\n'
        + "\n".join(part for part in parts if part)
        + "\n</main></body></html>\n"
    )


def _cards(build: Path, name: str) -> list[dict[str, Any]]:
    path = build / "cards" / f"{name}.json"
    return list(read_json(path)["cards"]) if path.is_file() else []


def _element(tag: str, said: str, style: str = "margin:8px 0") -> str:
    """Return a sentence as an element; nothing where there is no sentence."""
    flat = escape(" ".join(said.split()))
    return f'<{tag} style="{style}">{flat}</{tag}>' if flat else ""


def _picture(build: Path, text: dict[str, str], names: Sequence[str]) -> str:
    """Return the first figure that there is, with its headline; nothing where none was drawn."""
    for name in names:
        path = build / "mail" / f"{name}.png"
        if path.is_file():
            headline = text.get(f"{name}.headline", "")
            alt = escape(text.get(f"{name}.alt") or headline)
            data = b64encode(path.read_bytes()).decode()
            return (
                _element("p", headline, "margin:16px 0 4px;font-weight:bold")
                + f'<img alt="{alt}" width="640" style="max-width:100%;height:auto" '
                + f'src="data:image/png;base64,{data}">'
            )
    return ""


def _tiles(tiles: list[dict[str, Any]]) -> str:
    """Return the tiles as the rows of a table, which every mail program keeps."""
    rows = "".join(
        f'<tr><td style="{CELL}">{escape(tile["label"])}</td>'
        f'<td style="{CELL};font-size:18px;white-space:nowrap"><b>{escape(tile["value"])}</b></td>'
        f'<td style="{CELL}">{escape(tile["note"])} {escape(tile["warning"])}</td></tr>'
        for tile in tiles
    )
    return f'<table role="presentation" cellspacing="0">{rows}</table>' if rows else ""


def _decision(title: str, badge: str, lines: list[tuple[str, str]]) -> str:
    heading = f"{title} ({badge})" if badge else title
    told = "".join(
        f'<p style="margin:4px 0"><b>{escape(label)}:</b> {escape(said)}</p>'
        for label, said in lines
    )
    return _element("h3", heading, "font-size:14px;margin:12px 0 4px") + told

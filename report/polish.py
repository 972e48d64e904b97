"""Correct what Quarto leaves in rendered pages: module scripts, and names for screen readers.

Each change is a plain replacement of what Quarto writes; where it writes something else, nothing is
changed, and the tests of the rendered book tell.
"""

from __future__ import annotations

import re
from pathlib import Path

#: What Quarto writes in a page, and what stands there instead.
REPLACED = (
    # Both scripts are one now, see `make_scripts_classic`.
    (re.compile(r'<script src="[^"]*/tabsets\.js" type="module"></script>\n?'), ""),
    (re.compile(r'(/quarto\.js") type="module">'), r"\1 defer>"),
    # The name of a link must begin with what is written on it: without a label it does.
    (re.compile(r'(<a href="[^"]*" class="pagination-link") aria-label="[^"]*"'), r"\1"),
    # A link that unfolds a part of the list is no landmark.
    (re.compile(r'(<a class="[^"]*"(?: [^>]*?)?) role="navigation"'), r'\1 role="button"'),
    # Landmarks of one kind need different names.
    (re.compile(r'<nav id="quarto-sidebar"'), '<nav id="quarto-sidebar" aria-label="Chapters"'),
    # Quarto's styles and scripts find the contents of a page by its role.
    (re.compile(r'<nav id="TOC" role'), '<nav id="TOC" aria-label="On this page" role'),
    (re.compile(r'<nav class="page-navigation"'), '<nav class="page-navigation" aria-label="Next"'),
    # The first stop of the keyboard.
    (
        re.compile(r'(<body[^>]*>)(.*?)(<a class="skip-link"[^>]*>[^<]*</a>\n?)', re.DOTALL),
        r"\1\3\2",
    ),
    # The references of a chapter stand under a heading.
    (re.compile(r'(<div id="refs" )'), r'<h2 class="unnumbered">References</h2>\n\1'),
)


def polish(book: Path) -> None:
    """Correct the pages and scripts of a rendered book."""
    make_scripts_classic(book)
    for page in book.rglob("*.html"):
        text = changed = page.read_text(encoding="utf-8")
        for pattern, instead in REPLACED:
            changed = pattern.sub(instead, changed)
        if changed != text:
            page.write_text(changed, encoding="utf-8")


def make_scripts_classic(book: Path) -> None:
    """Turn Quarto's module scripts into one classic script: a browser blocks modules on file://.

    Its `quarto.js` imports `tabsets.js`, and nothing else.
    """
    script = book / "site_libs" / "quarto-html" / "quarto.js"
    tabsets = script.parent / "tabsets" / "tabsets.js"
    if not script.is_file() or not tabsets.is_file():
        return
    first, _, rest = script.read_text(encoding="utf-8").partition("\n")
    if not first.startswith("import * as tabsets from "):
        return
    inner = tabsets.read_text(encoding="utf-8").replace("export function init", "function init")
    classic = [
        "(function () {",
        "const tabsets = (function () {",
        inner,
        "return { init };",
        "})();",
        rest,
        "})();",
    ]
    script.write_text("\n".join(classic) + "\n", encoding="utf-8")

"""Render the book of each kind of input once, for the drills that look at it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from conftest import BOOKS, built, call_in, once


def rendered(kind: str, shared: Path) -> Path:
    """Return a project with the published book of a kind of input: CI's, where CI rendered it.

    As in CI, the sample's book is rendered without Quarto, and the others with it where it is.
    """
    made = built(kind, shared)
    if BOOKS:
        return made

    def render(project: Path) -> None:
        shutil.copytree(made, project)
        quarto = shutil.which("quarto") if kind != "both" else None
        code = "from report import __main__ as m; m.find_quarto = lambda: {}; exit(m.main())"
        said = call_in(project, sys.executable, "-c", code.format(repr(quarto)))
        assert "build/ is up to date with " in said

    return once(made.with_name(f"{kind}-book"), render)

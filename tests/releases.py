"""Make a project with releases for tests of the release store."""

from __future__ import annotations

from pathlib import Path

from analysis.release import store
from analysis.release.disk import refuse_system_errors

DAYS = ("2011-03-31", "2011-06-30", "2011-09-30")


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def role(path: Path) -> str:
    return path.name.split(".")[0]


def roll_back(root: Path, to: str = "") -> str:
    with store.lock(root):
        return store.rollback(root, to)


def report(root: Path, text: str = "made by hand") -> str:
    with store.lock(root), refuse_system_errors(root):
        put(root / "_book" / "index.html", text)
        put(root / "_book" / "style" / "book.css", text)
        put(root / "build" / "manifest.json", text)
        return store.publish(root, store.Release(), root / "build", root / "_book").name


def new_project(root: Path) -> Path:
    """Return a project with data, and a site that an older version has published."""
    put(root / "data" / "raw" / "transactions" / "sales_0.csv", "sales of quarter 0")
    put(root / "data" / "raw" / "activity" / "market_file.csv", "customers of quarter 0")
    put(root / "data" / "raw" / "README.md", "what goes here")
    put(root / "_site" / "index.html", "made by hand")
    return root

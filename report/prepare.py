"""Prepare a render: make the build if anything changed, and write the book's settings.

Quarto runs this first (``pre-render``), and so does the path without Quarto. It makes the build
if anything changed, unless the caller names the build to render (REPORT_BUILD), and writes
``build/book.yml``: the date, the footer, and which inputs there are, which Quarto merges into
``_quarto.yml``.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    import yaml

    from analysis import __main__ as command
    from analysis.core import files
    from analysis.core.formatting import day as write_day
    from analysis.release.refresh import REPORT_BUILD
except ModuleNotFoundError as lacking:
    raise SystemExit(
        f"{sys.executable} lacks the library '{lacking.name}'. Run 'make report' once: it sets up "
        "an environment that has all of them, and 'quarto render' finds it from then on."
    ) from None


def main() -> int:
    """Build, describe the build, and return the exit code."""
    if named := os.environ.get(REPORT_BUILD):
        if files.read_json(ROOT / "build" / "manifest.json").get("key") != named:
            print("Not rendered: build/ is not the build that was named.", file=sys.stderr)
            return 1
    elif code := command.main(["build"]):
        return code
    facts = files.read_json(ROOT / "build" / "facts.json")
    since = files.read_json(ROOT / "build" / "since" / "facts.json")
    manifest = files.read_json(ROOT / "build" / "manifest.json")
    settings = manifest["settings"]["report"]
    version = files.data_version(manifest)
    as_of = facts.get("transactions.as_of", "")
    day = f"As of {write_day(dt.date.fromisoformat(as_of))}" if as_of else "Undated tables"
    sample = ", sample data" if facts["report.sample"] else ""
    available = {
        "ledger": facts["transactions.available"],
        "activity": facts["activity.available"],
        "decline": bool(facts.get("activity.model")),
        "lapse": bool(facts.get("lapse.available")),
        "season": bool(facts.get("forecast.season_known")),
        "next_products": bool(facts.get("next_products.available")),
        "campaigns": bool(facts.get("campaigns.available")),
        "what_if": bool(facts.get("strategy.what_if")),
        "since": bool(since.get("since.available")),
        "history": bool(since.get("history.available")),
        "backtest": (ROOT / "build" / "since" / "backtest.parquet").is_file(),
        "spend_backtest": (ROOT / "build" / "since" / "backtest_spend.parquet").is_file(),
        "offers": bool(facts.get("strategy.activity.offers")),
        "target_categories": (ROOT / "build" / "target_categories.parquet").is_file(),
        "list_backtest": (ROOT / "build" / "since" / "backtest_products.parquet").is_file(),
    }
    # A section that is about one figure is left out where the figure could not be drawn.
    made = {path.stem: True for path in sorted((ROOT / "build" / "figures").glob("*.svg"))}
    listed = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))["contents"]
    about = {
        "book": {
            **contents(listed, available),
            "title": settings["title"],
            "subtitle": f"{settings['shop']}. {day}{sample}",
            "author": settings["author"],
            "page-footer": {
                "left": f"{day}{sample}",
                "center": f"Data version {version}",
                "right": f"Commit {manifest['commit']}",
            },
        },
        "available": available,
        "made": made,
        "data-version": f"Data version {version}, commit {manifest['commit']}",
    }
    text = yaml.safe_dump(about, allow_unicode=True, sort_keys=False)
    (ROOT / "build" / "book.yml").write_text(text, encoding="utf-8")
    return 0


def contents(listed: dict[str, Any], available: dict[str, bool]) -> dict[str, Any]:
    """Return the parts and appendices of the book, without chapters whose input is not there.

    Parameters
    ----------
    listed
        ``contents`` of ``_quarto.yml``. Its ``needs`` names the input of a chapter.
    available
        Which inputs and results there are.

    Examples
    --------
    >>> parts = [{"part": "A", "chapters": ["a.qmd", "b.qmd"]}]
    >>> parts += [{"part": "B", "chapters": ["c.qmd"]}]
    >>> listed = {"parts": parts, "appendices": ["d.qmd"], "needs": {"a.qmd": "x", "c.qmd": "x"}}
    >>> contents(listed, {"x": False})
    {'chapters': [{'part': 'A', 'chapters': ['b.qmd']}], 'appendices': ['d.qmd']}
    """

    def there(names: list[str]) -> list[str]:
        needs = listed.get("needs", {})
        return [name for name in names if name not in needs or available[needs[name]]]

    parts = [part | {"chapters": there(part["chapters"])} for part in listed["parts"]]
    return {
        "chapters": [part for part in parts if part["chapters"]],
        "appendices": there(listed["appendices"]),
    }


if __name__ == "__main__":
    sys.exit(main())

"""Publish a rendered book as a site, all of it or nothing.

Quarto runs this last (``post-render``), and so does the path without Quarto. The rendered folder
``_book`` becomes a site of the release store, unless the caller who named the build
(REPORT_BUILD) publishes it himself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from analysis.core.problems import Refused  # noqa: E402 - the path above must come first
from analysis.release import open_store, store  # noqa: E402
from analysis.release.refresh import REPORT_BUILD  # noqa: E402
from report.brief import write_brief  # noqa: E402
from report.polish import polish  # noqa: E402


def main(root: Path = ROOT) -> int:
    """Publish the book, if all of it was rendered; return the exit code."""
    if os.environ.get("QUARTO_PROJECT_OUTPUT_DIR") and not os.environ.get(
        "QUARTO_PROJECT_RENDER_ALL"
    ):
        return 0  # a single chapter was rendered, for somebody who writes
    book = root / "_book"
    polish(book)
    lacking = [
        name for name in ("index.html", "customer-report.pdf") if not _is_filled(book / name)
    ]
    if lacking:
        print(f"Not published: {' and '.join(lacking)} missing in {book.name}.", file=sys.stderr)
        return 1
    if (root / "build" / "text.json").is_file():
        write_brief(root / "build", book)
    return 0 if os.environ.get(REPORT_BUILD) else publish(root)


def publish(root: Path = ROOT) -> int:
    """Publish the rendered book; return the exit code."""
    try:
        with open_store(root):
            store.publish(root, store.Release(), root / "build", root / "_book")
    except Refused as error:
        print(f"Not published: {error} What was published stays.", file=sys.stderr)
        return 1
    print("The book is whole: _site/index.html and _site/customer-report.pdf", file=sys.stderr)
    return 0


def _is_filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


if __name__ == "__main__":
    sys.exit(main())

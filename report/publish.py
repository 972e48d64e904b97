"""How does a finished book get to its readers? Whole, or not at all.

Quarto runs this last (``post-render``), and so does the path without Quarto: the rendered folder
``_book`` is copied beside the published one, ``_site``, and the two are swapped in one step.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from analysis.artifacts import replacing  # noqa: E402 - the path above must come first


def main() -> int:
    """Publish the book, if all of it was rendered; return the exit code."""
    if os.environ.get("QUARTO_PROJECT_OUTPUT_DIR") and not os.environ.get(
        "QUARTO_PROJECT_RENDER_ALL"
    ):
        return 0  # a single chapter was rendered, for somebody who writes
    book = ROOT / "_book"
    lacking = [name for name in ("index.html", "customer-report.pdf") if not _full(book / name)]
    if lacking:
        print(f"Not published: {' and '.join(lacking)} missing in {book.name}.", file=sys.stderr)
        return 1
    try:
        with replacing(ROOT / "_site", mark="index.html") as new:
            shutil.copytree(book, new, dirs_exist_ok=True)
    except OSError as error:
        # Of a disk that is full, copytree tells once for each file.
        reason = error.args[0][0][-1] if isinstance(error, shutil.Error) else error
        print(f"Not published: {reason}. What was published stays.", file=sys.stderr)
        return 1
    print("The book is whole: _site/index.html and _site/customer-report.pdf", file=sys.stderr)
    return 0


def _full(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


if __name__ == "__main__":
    sys.exit(main())

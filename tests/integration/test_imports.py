"""Test that chapters start without the libraries that the analysis computes with."""

from __future__ import annotations

import re
import subprocess
import sys

from analysis.core.settings import ROOT

#: Each takes longer to import than a chapter needs for its pictures.
HEAVY = {
    "duckdb",
    "fastexcel",
    "ibis",
    "pandera",
    "scipy.spatial",
    "scipy.sparse",
    "scipy.special",
    "scipy.stats",
    "sklearn",
    "statsmodels",
}


def test_what_chapters_import_is_light() -> None:
    spoken = ("text*", "figures*", "names", "formatting", "plotting", "assumptions", "dictionary")
    files = [path for name in spoken for path in (ROOT / "analysis").glob(f"*/{name}.py")]
    chapters = [ROOT / "index.qmd", *(ROOT / "report").glob("*.qmd")]
    lines = {
        line
        for chapter in chapters
        for line in re.findall(
            r"^(?:from|import) .+$", chapter.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert len(files) > 15 and "from report import page" in lines
    code = "\n".join(
        [
            "import sys",
            *(f"import analysis.{path.parent.name}.{path.stem}" for path in files),
            *sorted(lines),
            f"print(sorted({HEAVY!r} & set(sys.modules)))",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"

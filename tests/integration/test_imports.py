"""Test that chapters start without the libraries that the analysis computes with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import good_lines, write_lines

from analysis.core.paths import ROOT

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


def test_a_page_loads_no_table_library() -> None:
    """Every chapter starts a kernel for each format: what a page imports is paid twenty times."""
    code = (
        "import sys, report.page; print(sorted({'numpy', 'pandas', 'pydantic'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


#: What fits models and draws: no command that only reads needs it.
MODELS = {"sklearn", "statsmodels", "scipy", "joblib", "matplotlib", "plotnine", "great_tables"}
#: What reads tables.
TABLES = {"duckdb", "ibis", "pandera", "fastexcel"}


@pytest.mark.parametrize(
    ("command", "without"),
    [
        (["--help"], MODELS | TABLES - {"fastexcel"}),
        (["history"], MODELS | TABLES - {"fastexcel"}),
        (["check", "--data", "data"], MODELS),
    ],
    ids=lambda words: str(words[0]) if isinstance(words, list) else "",
)
def test_a_command_that_only_reads_starts_light(
    command: list[str], without: set[str], tmp_path: Path
) -> None:
    write_lines(tmp_path / "data" / "transactions" / "a.csv", good_lines(1))
    code = "\n".join(
        [
            "import sys",
            "from contextlib import suppress",
            "from analysis import __main__",
            "with suppress(SystemExit):",
            f"    assert __main__.main({command!r}) == 0",
            f"print(sorted({without!r} & set(sys.modules)))",
        ]
    )
    own = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=own, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"

"""What did a build leave behind, from what, and is it still true?

A build writes tables (Parquet), ``facts.json`` (flat name -> number or short string) and
``manifest.json`` into one folder. It writes them beside that folder first, and swaps the two
when everything is there: whoever reads, finds a whole build or the one before.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from analysis.problems import Problem, Refused
from analysis.settings import ROOT

#: The libraries whose versions can change a result.
LIBRARIES = (
    "duckdb",
    "fastexcel",
    "ibis-framework",
    "numpy",
    "pandas",
    "pandera",
    "pyarrow",
    "scikit-learn",
    "scipy",
)
MANIFEST = "manifest.json"
Fact = str | int | float | bool


@contextmanager
def replacing(out: Path, mark: str = MANIFEST) -> Iterator[Path]:
    """Give a new folder to write to, and put it in the place of `out` when all went well.

    When anything goes wrong, `out` stays as it was. What an interrupted build left beside it is
    removed by the next one.

    Parameters
    ----------
    out
        The folder to replace.
    mark
        The file by which such a folder is known.

    Raises
    ------
    Refused
        When `out` holds something else, which would be lost.
    """
    out = out.resolve()
    if out.exists() and not (out / mark).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise Refused(
            [
                Problem(
                    str(out),
                    "this is no folder of an earlier build, and a new one would replace it",
                    remedy="Name a folder that is new or empty with --out.",
                )
            ]
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    new, old = out.with_name(f".{out.name}.new"), out.with_name(f".{out.name}.old")
    if old.exists() and not out.exists():
        old.rename(out)  # a build was stopped between the two renames below
    for rest in (new, old):
        shutil.rmtree(rest, ignore_errors=True)
    new.mkdir()
    try:
        yield new
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if out.exists():
        out.rename(old)
    new.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write sorted, readable JSON; refuse what JSON has no word for (NaN, infinity)."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent or broken file is an empty one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def versions() -> dict[str, str]:
    """Return the versions of the libraries that a result depends on."""
    return {name: metadata.version(name) for name in LIBRARIES}


def commit() -> str:
    """Return the short commit of the checkout, with a plus sign when files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def key(inputs: Iterable[tuple[str, str]], settings: Path, about: str) -> str:
    """Return a fingerprint of all that a build depends on: data, choices, code, libraries.

    Parameters
    ----------
    inputs
        (name, SHA-256) of every data file.
    settings
        The settings file.
    about
        Whatever else the result depends on.
    """
    digest = hashlib.sha256()
    for name, content in inputs:
        digest.update(f"{name}\0{content}\0".encode())
    rules = ROOT / "data" / "segments.toml"
    for path in (settings, rules, *sorted(Path(__file__).parent.glob("*.py"))):
        digest.update(path.read_bytes())
    digest.update(json.dumps([versions(), about], sort_keys=True).encode())
    return digest.hexdigest()


def is_current(out: Path, fingerprint: str) -> bool:
    """Tell whether a folder holds the build with this fingerprint, whole."""
    manifest = read_json(out / "manifest.json")
    return manifest.get("key") == fingerprint and all(
        (out / name).is_file() for name in manifest.get("artifacts", ["missing"])
    )


def data_version(manifest: Mapping[str, Any]) -> str:
    """Return a short name for exactly these input files: the same files give the same name."""
    hashes = "".join(item["sha256"] for item in manifest.get("inputs", []))
    return hashlib.sha256(hashes.encode()).hexdigest()[:8]

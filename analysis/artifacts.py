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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

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
#: The layout of a build: names of tables, columns and facts. Manifests of layout 1 do not name it.
SCHEMA = 2
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
    new.mkdir(mode=0o700)  # tables of customers are for their owner only
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


def key(*parts: object) -> str:
    """Return a fingerprint of all that a result depends on: code, libraries, and `parts`.

    Parameters
    ----------
    parts
        Names, hashes of files, settings: whatever JSON can write.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    digest.update(json.dumps([versions(), parts], sort_keys=True).encode())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def table_hash(table: pd.DataFrame) -> str:
    """Return a fingerprint of what a table holds, whatever its index is."""
    described = repr(list(zip(table.columns, map(str, table.dtypes), strict=True)))
    rows = pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()
    return hashlib.sha256(described.encode() + rows).hexdigest()


class Remembered(NamedTuple):
    """What a step of an earlier build gave: its tables, its facts, and the seconds it took."""

    tables: dict[str, pd.DataFrame]
    facts: dict[str, Fact]
    seconds: dict[str, float]


def recall(out: Path, step: str, fingerprint: str) -> Remembered | None:
    """Return a step of the build in `out`, if it had the same fingerprint and all of it is there.

    A step takes minutes, and a refresh of one half of the data leaves the other as it was.
    """
    record = read_json(out / MANIFEST).get("steps", {}).get(step, {})
    facts = read_json(out / "facts.json")
    files = {name: out / f"{name}.parquet" for name in record.get("tables", ())}
    whole = all(path.is_file() for path in files.values()) and set(record.get("facts", ())) <= {
        *facts
    }
    if record.get("key") != fingerprint or not whole:
        return None
    try:
        tables = {name: pd.read_parquet(path) for name, path in files.items()}
    except (OSError, ValueError):  # a damaged file: the step is done again
        return None
    return Remembered(tables, {name: facts[name] for name in record["facts"]}, record["seconds"])


def is_current(out: Path, fingerprint: str) -> bool:
    """Tell whether a folder holds the build with this fingerprint, whole."""
    manifest = read_json(out / MANIFEST)
    return manifest.get("key") == fingerprint and all(
        (out / name).is_file() for name in manifest.get("artifacts", ["missing"])
    )


def data_version(manifest: Mapping[str, Any]) -> str:
    """Return a short name for exactly these input files: the same files give the same name."""
    hashes = "".join(item["sha256"] for item in manifest.get("inputs", []))
    return hashlib.sha256(hashes.encode()).hexdigest()[:8]

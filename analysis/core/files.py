"""Read and write JSON, fingerprint files, and replace a folder atomically."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analysis.core.problems import Problem, Refused

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
                    "this folder does not hold an earlier build, and a new one would replace it",
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


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def data_version(manifest: Mapping[str, Any]) -> str:
    """Return a short name for exactly these input files: the same files give the same name."""
    hashes = "".join(item["sha256"] for item in manifest.get("inputs", []))
    return hashlib.sha256(hashes.encode()).hexdigest()[:8]

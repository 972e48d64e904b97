"""Fingerprint a build, and reuse the results of steps whose inputs did not change."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis.core.files import MANIFEST, Fact, read_json
from analysis.core.settings import ROOT, Settings
from analysis.ingest.data_folder import Inputs
from analysis.segments import reference
from analysis.segments.rules import SEGMENTS_FILE

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
#: The layout of a build: names of tables, columns and facts. Manifests of layout 1 do not name it.
SCHEMA = 2


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
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    digest.update(json.dumps([versions(), parts], sort_keys=True).encode())
    return digest.hexdigest()


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


def build_key(inputs: Inputs, settings: Settings, accepted: Sequence[Path]) -> str:
    """Return a fingerprint of all that a build depends on: data, choices, code and comparisons.

    Parameters
    ----------
    inputs
        From `find_inputs`.
    settings
        All settings.
    accepted
        The accepted builds that it is compared with.

    Raises
    ------
    Refused
        When the reference build that the settings name is not there.
    """
    rules = SEGMENTS_FILE.read_text(encoding="utf-8")
    compared = [path.parent.name for path in accepted]
    chosen = settings.model_dump(mode="json")
    return key(
        inputs.sha256, chosen, inputs.place, rules, reference.fingerprint(settings), compared
    )

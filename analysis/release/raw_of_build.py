"""Find the raw files that a build was made from, for what a build must not hold itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from analysis.core.files import file_hash
from analysis.release import store


@contextmanager
def open_raw_files(
    root: Path, manifest: Mapping[str, Any], folder: str
) -> Iterator[tuple[list[Path], list[str]]]:
    """Give the raw files of a build, by the names that people know, as long as the context.

    Parameters
    ----------
    root
        The project's folder.
    manifest
        Of the build; its `inputs` name the files with their SHA-256.
    folder
        The half of the data folder that is wanted, such as ``transactions``.

    Yields
    ------
    tuple
        The files that are found unchanged, in the release store or in the data folder; and the
        names of those that are not.
    """
    data = root / str(manifest.get("data", ""))
    with TemporaryDirectory(prefix="customer-report-") as name:
        found, missing = [], []
        for item in manifest.get("inputs", []):
            place = str(item["file"])
            if Path(place).parts[0] != folder:
                continue
            candidates = (root / store.RAW / item["sha256"], data / place)
            path = next((p for p in candidates if _is_file(p, item["sha256"])), None)
            if path is None:
                missing.append(place)
                continue
            link = Path(name) / Path(place).name
            link.symlink_to(path.absolute())
            found.append(link)
        yield found, missing


def _is_file(path: Path, sha256: str) -> bool:
    return path.is_file() and file_hash(path) == sha256

"""Write files durably and atomically, and describe disk errors in plain words."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.core.problems import Problem, Refused

_AGAIN = "Nothing was changed; run it again after that."
_WORDS = {
    errno.ENOSPC: ("the disk is full", f"Free some space. {_AGAIN}"),
    errno.EDQUOT: ("your disk quota is used up", f"Free some space. {_AGAIN}"),
    errno.EROFS: ("this disk is read-only", f"Make it writable. {_AGAIN}"),
    errno.EACCES: ("permission denied", f"Ask for permission to read and write there. {_AGAIN}"),
    errno.EPERM: ("permission denied", f"Ask for permission to read and write there. {_AGAIN}"),
    errno.EIO: ("the disk reports an error", f"Have it checked. {_AGAIN}"),
}


@contextmanager
def refuse_system_errors(root: Path, every: bool = True) -> Iterator[None]:
    """Turn errors of the system into refusals; with `every` false, only those of its disks."""
    try:
        yield
    except OSError as error:
        if every or error.errno in _WORDS or isinstance(error, shutil.Error):
            raise explain(root, error) from error
        raise


def explain(root: Path, error: OSError, path: Path | None = None) -> Refused:
    """Say in one sentence which file an error is about, and what to do."""
    if isinstance(error, shutil.Error):  # it lists many files; the first says enough
        source, _, reason = error.args[0][0]
        number = re.match(r"\[Errno (\d+)\]", str(reason))
        error = OSError(int(number[1]) if number else 0, str(reason), str(source))
    path = path or Path(str(error.filename2 or error.filename or "this machine"))
    path = path.relative_to(root) if path.is_relative_to(root) else path
    rule, remedy = _WORDS.get(error.errno or 0, (error.strerror or str(error), _AGAIN))
    return Refused([Problem(str(path), rule, remedy=remedy)])


def make_folder(folder: Path) -> Path:
    """Make a folder that survives a power failure, unless it is there, and return it."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)
    return folder


def write(path: Path, text: str) -> None:
    """Write a file so that its old or its new content is there, whatever happens."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    sync(new)
    new.replace(path)
    sync(path.parent)


def sync_tree(folder: Path) -> None:
    """Make sure that all of a folder is on the disk."""
    for path in (*folder.rglob("*"), folder):
        sync(path)


def sync(path: Path) -> None:
    """Make sure that a file, or the list of a folder's files, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

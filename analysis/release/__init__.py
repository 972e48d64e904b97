"""Turn new files into a published release; keep, restore and erase releases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.release import legacy, store


@contextmanager
def open_store(root: Path) -> Iterator[None]:
    """Lock the release store, import what an older version kept, and tidy up.

    Within itself it does nothing.

    Raises
    ------
    Refused
        When another command is at work, or the store is damaged.
    """
    if store.is_locked(root):
        yield
        return
    with store.lock(root):
        legacy.adopt(root)
        store.tidy(root)
        yield

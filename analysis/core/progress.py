"""Show the progress of a run and the seconds of each step, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    """Tells each step as it starts, and its seconds when it is done.

    On a terminal the line of a step is written over when the step ends; in a log, each finished
    step is one plain line.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._live = sys.stderr.isatty()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step."""
        start = time.perf_counter()
        if self._live:
            print(f"  … {name}", end="", file=sys.stderr, flush=True)
        try:
            yield
        except BaseException:
            if self._live:
                print(file=sys.stderr)
            raise
        self.seconds[name] = round(time.perf_counter() - start, 2)
        overwrite = "\r\x1b[2K" if self._live else ""
        print(f"{overwrite}  {name}: {self.seconds[name]:.1f} s", file=sys.stderr, flush=True)

    def tell(self, text: str) -> None:
        """Tell what a long step is at."""
        overwrite = "\r\x1b[2K" if self._live else ""
        print(f"{overwrite}    {text}", file=sys.stderr, flush=True)

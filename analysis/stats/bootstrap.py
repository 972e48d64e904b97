"""Draw bootstrap resamples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

DRAWS = 999
Numbers = npt.NDArray[np.float64]
#: Cells of a table of bootstrap weights held at a time (a block of 16 MB).
BLOCK = 2_000_000


def resamples(customers: int, seed: int) -> Iterator[Numbers]:
    """Yield `DRAWS` bootstrap weights in blocks of rows: how often each customer is drawn."""
    random = np.random.default_rng(seed)
    step = max(1, BLOCK // customers)
    for start in range(0, DRAWS, step):
        size = min(step, DRAWS - start)
        yield random.multinomial(customers, np.full(customers, 1 / customers), size).astype(float)

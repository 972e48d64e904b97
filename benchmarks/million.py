"""Select clusters for a million customers, as the build does, in seconds and gigabytes.

The customers are drawn from the ledger's, with replacement, and jittered: each measure is
multiplied by a log-normal number with a spread of 0.1, and recency and frequency are rounded.
`select` compares every k of k-means, fits on a part, and labels, scores and assigns all. It does
not ask what groups explain of the next quarter: drawn customers have none. Silhouettes rest on a
sample, whose standard error it states.
"""

from __future__ import annotations

import re
import resource
import sys
import time
from pathlib import Path

from benchmarks.rfm import Lines

SEED, JITTER = 1, 0.1


def cluster(job: Lines, size: int) -> str:
    """Draw so many customers, choose their clusters, assign them, and say what that took.

    Meant for a process of its own.
    """
    import numpy as np

    from analysis.core.settings import read_settings
    from analysis.segments import cluster_selection, clusters
    from benchmarks.rfm import ours

    rng = np.random.default_rng(SEED)
    drawn = ours.run(job, lambda: None).customers[clusters.MEASURES]
    drawn = drawn.sort_values(clusters.MEASURES)
    drawn = drawn.iloc[rng.integers(len(drawn), size=size)].reset_index(drop=True)
    drawn *= np.exp(JITTER * rng.standard_normal(drawn.shape))
    whole = ["recency_days", "frequency"]
    customers = drawn.assign(customer_id=np.arange(size), monetary=drawn["monetary"].round(2))
    customers[whole] = drawn[whole].round().clip(lower=1).astype("int64")

    settings = read_settings()
    start = time.perf_counter()
    found = cluster_selection.select(
        customers, settings.engine.seed, resamples=settings.clustering.resamples
    )
    clusters.assign(customers, found.centres)
    seconds = time.perf_counter() - start
    chosen = found.table[found.table["chosen"]]
    names = [
        f"{row.model}, k = {row.k:.0f}, silhouette {row.silhouette:.3f} "
        f"(standard error of sampling {row.silhouette_se:.3f})"
        for row in chosen.itertuples()
    ]
    return f"{seconds:.1f} s; {peaks()}; of {len(found.table)} candidates chosen: " + (
        "; ".join(names) or "none"
    )


def peaks() -> str:
    """Say how much memory this process took at its largest, and those that it started."""
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    # Not RUSAGE_CHILDREN: Linux counts the peak of a process into that of its children.
    workers = [
        int(kilobytes) * 1024 / 1e9
        for children in Path("/proc/self/task").glob("*/children")
        for child in children.read_text().split()
        for kilobytes in re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child}/status").read_text())
    ]
    return f"peak {own:.2f} GB" + (
        f" and {sum(workers):.2f} GB in its {len(workers)} processes" if workers else ""
    )

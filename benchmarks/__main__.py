"""From Parquet to customers, ours beside hand-written SQL, Polars and pandas: ``make bench``.

The work, the same for all, on 1, 10 and 50 copies of the ledger whose customers and invoices have
numbers of their own: count the lines that break each rule of the contract; place the lines on
the six rungs of the cleaning ladder and count them; return recency, frequency and monetary value
of the customers of net sales as a pandas frame. Every run has a process of its own, whose clock
starts after the imports, before the first byte is read. Runs take turns, so that a busy minute
hits all alike. Ratios are medians of the ratios within a turn. Peak memory is the resident set
of the process at its largest, imports included. When totals differ the exit is an error.

What is not alike, and cannot be:

* Ours also does what a shop needs beyond the totals: it recognises columns and notations, sums
  up each file and each rule, looks for dates in the future and for ids that are none, and keeps
  refused lines and lines without a customer for the exploration chapter. The others do none of
  it, and drop those lines before they look for duplicates.
* Rules on texts that are no number or no date cannot fail in a typed Parquet file; the others
  do not state them. They know from the file's types that a customer's id is a number.
* Ours and the SQL add up decimals, exactly; Polars and pandas add up floats, right to the cent
  at these sizes, though not to the last bit.
* DuckDB gets the memory limit of ``data/settings.toml`` and spills beyond it. The streaming
  engine of Polars takes no limit; pandas needs every line in memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

from benchmarks import race


def main() -> int:
    """Measure, print a table per size, and compare the totals."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="a ledger (default: the real one, or data/raw)")
    parser.add_argument("--sizes", default="1,10,50", help="copies of it (default: %(default)s)")
    parser.add_argument("--turns", type=int, help="runs of each (default: 3, and 2 from 50 on)")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="customer-report-bench-") as folder:
        work = Path(folder)
        source, rows, job = race.in_own_process(race.prepare, options.data, sizes, work)
        wrong = []
        for size in sizes:
            turns = options.turns or (3 if size < 50 else 2)
            print(f"\n{size} x {source}: {rows[size]:,} lines, {turns} turns", flush=True)
            runs = race.take_turns(dataclasses.replace(job, path=work / f"{size}.parquet"), turns)
            print(race.as_text(runs))
            differences = race.differences(runs)
            print(*(differences or ["Totals: the same for all"]), sep="\n", flush=True)
            wrong += differences
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

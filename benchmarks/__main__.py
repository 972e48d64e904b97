"""Run the benchmarks: ours beside hand-written SQL, Polars, pandas and peers (``make bench``).

There are five races. ``--only rfm`` is told of in `benchmarks.rfm`; ``--only million``,
``--only build`` and ``--only refresh``, where ours runs alone, in `benchmarks.million`,
`benchmarks.whole` and `benchmarks.refresh`. ``--only ledger`` goes from Parquet to customers.

The work, the same for all, on 1, 10 and 50 copies of the ledger whose customers and invoices have
numbers of their own: count the lines that break each rule of the contract; place the lines on
the six cleaning steps and count them; return recency, frequency and monetary value
of the customers of net sales as a pandas frame. When totals differ the exit is an error.

In all races every run has a process of its own, whose clock starts after the imports, before the
first byte is read. Runs take turns, so that a busy minute hits all alike. Ratios are medians of
the ratios within a turn; those of processor seconds, of all threads, depend least on what else
the machine does. Peak memory is the resident set of the process at its largest, imports
included.

What is not alike, and cannot be:

* Ours also does what a shop needs beyond the totals: it recognises columns and notations, sums
  up each file and each rule, looks for dates in the future and for ids that are none, and keeps
  refused lines and lines without a customer for the exploration chapter. The others do none of
  it, and drop those lines before they look for duplicates; only the SQL that keeps all lines
  does not.
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

from benchmarks import million, peers, race, refresh, whole
from benchmarks.rfm import facts
from benchmarks.rfm.facts import write_lines

RACES = ("ledger", "rfm", "million", "build", "refresh")


def main() -> int:
    """Run the races, print a table per size, and compare the totals."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=RACES, help="one race (default: all)")
    parser.add_argument("--data", type=Path, help="orders: a file or a data folder")
    parser.add_argument("--sizes", help="copies of it (default: 1,10,50; of net sales: 1,10)")
    parser.add_argument("--turns", type=int, help="runs of each (default: 3, and 2 from 50 on)")
    options = parser.parse_args()
    wanted = [options.only] if options.only else RACES
    asked = [int(size) for size in options.sizes.split(",")] if options.sizes else []
    sizes = {"ledger": asked or [1, 10, 50], "rfm": asked or [1, 10]}
    sizes |= {"million": [1], "refresh": [1], "build": [1, max(asked, default=10)]}
    with tempfile.TemporaryDirectory(prefix="customer-report-bench-") as folder:
        work = Path(folder)
        every = sorted({size for name in wanted for size in sizes[name]})
        source, rows, job = race.call_in_process(race.prepare, options.data, every, work)
        wrong = []
        if "ledger" in wanted:
            for size in sizes["ledger"]:
                turns = options.turns or (3 if size < 50 else 2)
                print(f"\n{size} x {source}: {rows[size]:,} lines, {turns} turns", flush=True)
                own = dataclasses.replace(job, path=work / f"{size}.parquet")
                wrong += _print_race(
                    race.take_turns(race.CONTENDERS, own, turns), race.BAR, "cleaned"
                )
        if "rfm" in wanted:
            wrong += _rfm(work, source, sizes["rfm"], options.turns or 3)
        if "million" in wanted:
            _, lines = race.call_in_process(write_lines, work / "1.parquet", work / "million.net")
            print(f"\nClusters of a million customers like those of {source}", flush=True)
            print(race.call_in_process(million.cluster, lines, 1_000_000), flush=True)
        if "build" in wanted:
            times = sizes["build"][1]
            small, large = (
                race.call_in_process(whole.build, work / f"{size}.parquet", work)
                for size in sizes["build"]
            )
            print(f"\nA build of {large.customers:,} customers, {times} x {source}", flush=True)
            print(whole.as_text(small, large, times), flush=True)
        if "refresh" in wanted:
            print(f"\nA refresh of the last quarter of {source}", flush=True)
            print(race.call_in_process(refresh.compare, work / "1.parquet", work), flush=True)
    return 1 if wrong else 0


def _rfm(work: Path, source: str, sizes: list[int], turns: int) -> list[str]:
    """Run the race from net sales lines to scores; return what differs and should not."""
    python = peers.interpreter()
    if python is None:
        print("\nThe peers cannot be installed here, so the race goes without them.")
    pythons = dict.fromkeys(race.RFM_PEERS, python) if python else {}
    contenders = (*race.RFM_CONTENDERS, *pythons)
    wrong = []
    for size in sizes:
        path = work / f"{size}.net"
        rows, job = race.call_in_process(write_lines, work / f"{size}.parquet", path)
        print(f"\nRFM, {size} x {source}: {rows:,} net sales lines, {turns} turns", flush=True)
        runs = race.take_turns(contenders, job, turns, pythons)
        wrong += _print_race(runs, race.RFM_BAR, "RFM")
        race.call_in_process(facts.write_variants, path)
        for module in contenders:
            race.call_in_process(facts.keep, module, job, python=pythons.get(module))
        names = {module: done[0].name for module, done in runs.items()}
        print(race.call_in_process(facts.count, work, names, race.RFM_BAR), flush=True)
    return wrong


def _print_race(runs: dict[str, list[race.Run]], bar: str, lap: str) -> list[str]:
    """Print a race's table and the differences of its totals; return these."""
    print(race.as_text(runs, bar, lap))
    differences = race.differences(runs, bar)
    print(
        *(differences or ["Totals: the same for all that define them alike"]), sep="\n", flush=True
    )
    return differences


if __name__ == "__main__":
    sys.exit(main())

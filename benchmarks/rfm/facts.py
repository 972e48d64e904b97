"""Count the customers who score otherwise by another definition or another order of lines."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rfm import SCORES, Lines

if TYPE_CHECKING:
    import pandas as pd

#: The same lines: by date, in random order, and with customers numbered the other way round.
VARIANTS = ("given", "shuffled", "renumbered")


def write_lines(ledger: Path, path: Path) -> tuple[int, Lines]:
    """Clean a ledger and write its net sales lines; return how many these are, and the job.

    Customers are integers and amounts floats, as most files have them. Meant for a process of its
    own, like all functions here.
    """
    import pyarrow.parquet as pq

    from analysis.core.settings import read_settings
    from analysis.ingest import readers
    from analysis.orders import cleaning
    from analysis.orders.ledger import NET, connect

    settings = read_settings()
    work = path.with_suffix("")
    work.mkdir()
    engine = connect(settings.engine, work)
    engine.raw_sql("SET enable_progress_bar = false")
    parts = readers.read_parts(ledger, work, settings.files.encodings)
    read = cleaning.read_ledger(engine, parts, settings.transactions)
    lines = read.lines.filter(read.lines.cleaning_step >= NET)
    lines = lines.select(
        customer_id=lines.customer_id.cast("int64"),
        invoice=lines.order_id,
        invoice_date=lines.invoice_date,
        amount=lines.amount.cast("float64"),
    )
    table = lines.to_pyarrow().sort_by([(name, "ascending") for name in lines.columns[::-1]])
    pq.write_table(table.sort_by("invoice_date"), path)
    return len(table), Lines(path, path.parent, settings.engine.memory_limit, read.as_of)


def write_variants(path: Path) -> None:
    """Write the `VARIANTS` of a file of net sales lines beside it."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    given = pq.read_table(path)
    mirrored = pc.subtract(pc.max(given["customer_id"]), given["customer_id"])
    variants = {
        "given": given,
        "shuffled": given.take(np.random.default_rng(1).permutation(len(given))),
        "renumbered": given.set_column(0, "customer_id", mirrored),
    }
    for variant in VARIANTS:
        pq.write_table(variants[variant], path.with_suffix(f".{variant}"))


def keep(module: str, job: Lines) -> None:
    """Let a contender find the customers in every variant, and write them beside it."""
    contender = importlib.import_module(f"benchmarks.{module}")
    for variant in VARIANTS:
        path = job.path.with_suffix(f".{variant}")
        customers = contender.run(dataclasses.replace(job, path=path), lambda: None).customers
        customers.to_parquet(path.with_name(f"{module}.{variant}"), index=False)


def count(folder: Path, modules: dict[str, str], bar: str) -> str:
    """Set as a table for how many customers a contender differs from the bar, or from itself.

    Parameters
    ----------
    folder
        Where `keep` wrote.
    modules
        Contenders, and how the table calls them.
    bar
        The one that they are held against.
    """
    import pandas as pd

    found = {
        (module, variant): pd.read_parquet(folder / f"{module}.{variant}").sort_values(
            "customer_id", ignore_index=True, ascending=variant != "renumbered"
        )
        for module in modules
        for variant in VARIANTS
    }
    right = found[bar, "given"]
    heads = ("frequency", "scores", "shuffled", "renumbered")
    lines = [
        f"Customers, of {len(right):,}, whose frequency or scores differ from the bar's, and whose "
        "scores change when lines",
        "are shuffled, or customers numbered the other way round:",
        f"{'':26}" + "".join(f"{head:>12}" for head in heads),
    ]
    for module, name in modules.items():
        mine = found[module, "given"]
        pairs = [
            _count_differing(mine, right, ["frequency"]),
            _count_differing(mine, right, SCORES),
            *(_count_differing(found[module, variant], mine, SCORES) for variant in VARIANTS[1:]),
        ]
        cells = ("-" if number is None else f"{number:,}" for number in pairs)
        lines.append(f"{name:26}" + "".join(f"{cell:>12}" for cell in cells))
    return "\n".join(lines)


def _count_differing(one: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> int | None:
    """Count the rows that differ; None where there is nothing to compare."""
    if not set(columns) <= set(one) & set(other):
        return None
    return int((one[columns].to_numpy() != other[columns].to_numpy()).any(axis=1).sum())

"""Set the tables about the files of a report.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import capital
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import grid
from analysis.core.told_assumptions import sentences_of

say = partial(fill, "ingest")


def input_files(input_rows: pd.DataFrame) -> Table:
    """Set the files of the report with the start of their fingerprints."""
    names = {
        "file": say("input-files.file"),
        "rows": say("input-files.rows"),
        "bytes": say("input-files.bytes"),
        "sha256": say("input-files.sha256"),
    }
    shown = input_rows.assign(sha256=input_rows["sha256"].str[:16])
    return Table(grid(shown, "input-files", names, counts=["rows", "bytes"]), data=input_rows)


def data_assumptions(assumptions: pd.DataFrame) -> Table | str:
    """Set what was assumed about the files, and the setting that decides it."""
    if assumptions.empty:
        return say("data-assumptions.none")
    assumptions = assumptions.assign(sentence=sentences_of(assumptions))
    rows = _join_files(assumptions)
    rows = rows.assign(
        kind=rows["kind"].map(capital),
        # A long name may go on in the next line, after a dot.
        setting=rows["setting"].str.replace(".", ".\u200b", regex=False),
    )
    names = {
        "kind": say("data-assumptions.kind"),
        "sentence": say("data-assumptions.sentence"),
        "rows": say("data-assumptions.rows"),
        "money": say("data-assumptions.money"),
        "setting": say("data-assumptions.setting"),
    }
    made = grid(rows, "data-assumptions", names, counts=["rows"], amounts=["money"])
    widths = {"kind": "12%", "sentence": "46%", "rows": "9%", "money": "12%", "setting": "21%"}
    # Examples may name a customer, so they are not published.
    published = ["kind", "source", "column", "sentence", "rows", "money", "setting"]
    return Table(made.cols_width(widths), data=assumptions[published])


def _join_files(assumptions: pd.DataFrame) -> pd.DataFrame:
    """Return what was assumed of several files in one row, with their rows and money together."""
    found = []
    keys = ["kind", "column", "sentence", "setting"]
    for alike, own in assumptions.groupby(keys, sort=False):
        kind, _, sentence, setting = map(str, alike)
        sources = [source for source in own["source"] if source]
        if len(sources) > 1:
            where = {"source": sources[0], "count": len(sources) - 1}
            sentence = say("data-assumptions.where-several", sentence=sentence, **where)
        elif sources:
            sentence = say("data-assumptions.where", source=sources[0], sentence=sentence)
        row = {"kind": kind, "sentence": sentence, "setting": setting}
        found.append(row | {name: own[name].sum(min_count=1) for name in ("rows", "money")})
    return pd.DataFrame(found).astype({"rows": "Int64", "money": "float64"})

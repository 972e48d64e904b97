"""Hold the lines while their meaning is decided, with what was assumed and what was refused.

A guard takes a `Draft` and returns one: it looks at evidence, gives the lines a meaning, and says
so. Evidence is drawn by queries; the lines stay an expression until all guards have spoken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import ibis.expr.types as ir
import pandas as pd
from ibis.backends.duckdb import Backend

from analysis.core.assumptions import Assumption
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings
from analysis.orders.canonical import Reading


@dataclass(frozen=True)
class Draft:
    """The typed lines of all parts, and what the guards have said about them."""

    engine: Backend
    lines: ir.Table
    readings: tuple[Reading, ...]
    settings: TransactionSettings
    assumptions: tuple[Assumption, ...] = ()
    problems: tuple[Problem, ...] = ()
    #: The currency that the files name, as its code or its sign; empty where they name none.
    currency: str = ""
    #: Of the pseudonyms, and whether there are any.
    salt: bytes = b""
    pseudonyms: bool = False
    #: The distinct customer ids, as the guards of customers found them; None when they changed.
    ids: ir.Table | None = None

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns that some part has, under our names."""
        return frozenset(name for reading in self.readings for name in reading.names)

    @property
    def source(self) -> str:
        """Return the file's name where there is one only."""
        return self.readings[0].part.source if len(self.readings) == 1 else "the ledger"

    def spelled(self, name: str) -> str:
        """Return how the files call one of our columns: the first that has it."""
        return next((r.names[name] for r in self.readings if name in r.names), name)


Guard = Callable[[Draft], Draft]


def tell(draft: Draft, *assumptions: Assumption) -> Draft:
    """Return a draft with more assumptions; a column's is of the file that has it."""
    named = [
        replace(one, source=draft.source) if one.column and not one.source else one
        for one in assumptions
    ]
    return replace(draft, assumptions=(*draft.assumptions, *named))


def refuse(
    draft: Draft, problem: Problem, name: str = "", instead: Assumption | None = None
) -> Draft:
    """Return a draft with one more problem, unless the settings accept it by its name.

    Parameters
    ----------
    draft
        The draft.
    problem
        What is wrong; its remedy names the setting that decides.
    name
        The name in ``accept`` that has the data read as it is; empty where there is none.
    instead
        What is told if the problem is accepted.
    """
    if name and name in draft.settings.accept:
        return tell(draft, instead) if instead else draft
    if name:
        more = f'To have it read as it is, add "{name}" to accept in data/settings.toml.'
        problem = replace(problem, remedy=f"{problem.remedy} {more}")
    return replace(draft, problems=(*draft.problems, problem))


def sound(draft: Draft) -> ir.Table:
    """Return the lines that break no rule of the contract."""
    return draft.lines.filter(draft.lines.broken == 0)


def measured(table: ir.Table, **measures: ir.Scalar) -> pd.Series:
    """Return some measures of a table, with nought where nothing was found."""
    return table.aggregate(**measures).execute().iloc[0].fillna(0)

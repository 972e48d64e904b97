"""Record what was assumed about the data, so that every check and every book can tell it.

What is recorded is the template of a sentence and the values of its fields, so that a better
sentence in ``analysis/ingest/sentences.toml`` reads no data anew. `core.told_assumptions` writes
the sentences.

An assumption is recorded where it is made: on the `ingest.parts.Part`, the
`orders.canonical.Reading` or the `orders.ledger.Ledger` that it is about, in their field
`assumptions`. `build.validation.assumptions` gathers them, with what follows from the finished
tables. A reason to refuse data is not an assumption but a `core.problems.Problem`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd

from analysis.core.privacy import mask_addresses

#: What an assumption is about, in the order in which a reader needs them.
Kind = Literal[
    "columns",
    "notation",
    "orders",
    "customers",
    "products",
    "money",
    "refunds",
    "duplicates",
    "left out",
    "time",
    "regular customers",
    "campaigns",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Said(NamedTuple):
    """A sentence: its template, and the value of each of its fields."""

    template: str
    values: tuple[tuple[str, str | float], ...]


def state(template: str, **values: str | float) -> tuple[Said, ...]:
    """Return one sentence by its template (``section.key``); several add up.

    Examples
    --------
    >>> state("assumed-orders.currency", code="EUR")
    (Said(template='assumed-orders.currency', values=(('code', 'EUR'),)),)
    """
    return (Said(template, tuple(values.items())),)


@dataclass(frozen=True)
class Assumption:
    """One thing that was assumed, or noticed, about the data.

    Attributes
    ----------
    kind
        What it is about.
    said
        What was assumed, and on what evidence, without the rows and the money: from `state`.
    source
        The file it is about; empty when it is about all files.
    column
        The column as the file spells it; empty when none is meant.
    rows
        How many rows it concerns; None when rows do not come into it.
    money
        What those rows are worth, in the currency of the data; None when it is not known.
    setting
        The setting that decides it, such as ``transactions.no_customer``.
    example
        One value with its row, as the file has it.
    """

    kind: Kind
    said: tuple[Said, ...]
    source: str = ""
    column: str = ""
    rows: int | None = None
    money: float | None = None
    setting: str = ""
    example: str = ""


def in_order(assumptions: Iterable[Assumption]) -> list[Assumption]:
    """Return assumptions by kind, each once; those of a kind stay in the order they came in."""
    return sorted(dict.fromkeys(assumptions), key=lambda one: KINDS.index(one.kind))


def as_table(assumptions: Iterable[Assumption]) -> pd.DataFrame:
    """Return assumptions as a table: the fields of `Assumption`; `said` as JSON."""

    def mask(value: Any) -> Any:
        return mask_addresses(value) if isinstance(value, str) else value

    rows = []
    for one in assumptions:
        said = [
            (name, [(field, mask(value)) for field, value in values]) for name, values in one.said
        ]
        fields = vars(one) | {"said": json.dumps(said, ensure_ascii=False)}
        rows.append({name: mask(value) for name, value in fields.items()})
    types = dict.fromkeys(Assumption.__dataclass_fields__, "str")
    types |= {"rows": "Int64", "money": "float64"}
    return pd.DataFrame(rows, columns=[*types]).astype(types)

"""Record what was assumed about the data, so that every check and every book can tell it.

An assumption is recorded where it is made: on the `ingest.parts.Part`, the
`orders.canonical.Reading` or the `orders.ledger.Ledger` that it is about, in their field
`assumptions`. `build.validation.assumptions` gathers them, with what follows from the finished
tables. A reason to refuse data is not an assumption but a `core.problems.Problem`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import pandas as pd

from analysis.core.formatting import count, money
from analysis.core.privacy import mask_addresses
from analysis.core.problems import printable

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


@dataclass(frozen=True)
class Assumption:
    """One thing that was assumed, or noticed, about the data.

    Attributes
    ----------
    kind
        What it is about.
    sentence
        What was assumed, and on what evidence: a whole sentence, without the rows and the money.
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

    Examples
    --------
    >>> Assumption(
    ...     "customers",
    ...     "The value '0' means that a line has no customer.",
    ...     source="orders.csv",
    ...     column="CustomerID",
    ...     rows=533,
    ...     money=4213.0,
    ...     setting="transactions.no_customer",
    ... ).full_sentence("£")  # doctest: +NORMALIZE_WHITESPACE
    "orders.csv, column 'CustomerID': The value '0' means that a line has no customer
    (533 rows, £4,213; setting transactions.no_customer)."
    """

    kind: Kind
    sentence: str
    source: str = ""
    column: str = ""
    rows: int | None = None
    money: float | None = None
    setting: str = ""
    example: str = ""

    def full_sentence(self, currency: str) -> str:
        """Return one line: source, column, sentence, rows, money, example, setting."""
        where = f"{self.source}, column '{self.column}'" if self.column else self.source
        size = []
        if self.rows is not None:
            size.append(count(self.rows, "row"))
        if self.money is not None:
            size.append(money(self.money, currency))
        more = [", ".join(size)] if size else []
        if self.example:
            more.append(f"for example {self.example}")
        if self.setting:
            more.append(f"setting {self.setting}")
        sentence = self.sentence
        if more:
            sentence = f"{sentence.removesuffix('.')} ({'; '.join(more)})."
        return printable(f"{where}: {sentence}" if where else sentence)


def in_order(assumptions: Iterable[Assumption]) -> list[Assumption]:
    """Return assumptions by kind, each once; those of a kind stay in the order they came in."""
    return sorted(dict.fromkeys(assumptions), key=lambda one: KINDS.index(one.kind))


def as_table(assumptions: Iterable[Assumption], currency: str) -> pd.DataFrame:
    """Return assumptions as a table: the fields of `Assumption`, and told (the whole line)."""
    rows = [
        {
            name: mask_addresses(value) if isinstance(value, str) else value
            for name, value in asdict(one).items()
        }
        | {"told": one.full_sentence(currency)}
        for one in assumptions
    ]
    names = [*Assumption.__dataclass_fields__, "told"]
    types = dict.fromkeys(names, "str") | {"rows": "Int64", "money": "float64"}
    return pd.DataFrame(rows, columns=names).astype(types)

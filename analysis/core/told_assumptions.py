"""Write the sentences of what was assumed about the data: see `core.assumptions`."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pandas as pd

from analysis.core.assumptions import Assumption, Said
from analysis.core.formatting import count, money
from analysis.core.problems import printable
from analysis.core.sentences import fill

#: The subject whose file holds the sentences, whoever records them.
SUBJECT = "ingest"


def write_sentences(said: Iterable[Said]) -> str:
    """Fill the templates of some sentences."""
    return " ".join(fill(SUBJECT, one.template, **dict(one.values)) for one in said)


def write_line(one: Assumption, currency: str) -> str:
    """Return one line: source, column, sentence, rows, money, example, setting.

    Examples
    --------
    >>> from analysis.core.assumptions import Assumption, state
    >>> no_customer = state("assumed-orders.no-customer", value="'0'")
    >>> known = dict(source="orders.csv", column="CustomerID", rows=533, money=4213.0)
    >>> one = Assumption("customers", no_customer, setting="transactions.no_customer", **known)
    >>> write_line(one, "£")  # doctest: +NORMALIZE_WHITESPACE
    "orders.csv, column 'CustomerID': The value '0' means that a line has no customer
    (533 rows, £4,213; setting transactions.no_customer)."
    """
    where = f"{one.source}, column '{one.column}'" if one.column else one.source
    size = []
    if one.rows is not None:
        size.append(count(one.rows, "row"))
    if one.money is not None:
        size.append(money(one.money, currency))
    more = [", ".join(size)] if size else []
    if one.example:
        more.append(f"for example {one.example}")
    if one.setting:
        more.append(f"setting {one.setting}")
    sentence = write_sentences(one.said)
    if more:
        sentence = f"{sentence.removesuffix('.')} ({'; '.join(more)})."
    return printable(f"{where}: {sentence}" if where else sentence)


def sentences_of(table: pd.DataFrame) -> list[str]:
    """Return the sentences of what `as_table` returned."""
    return [
        write_sentences(Said(name, tuple(values)) for name, values in json.loads(said))
        for said in table["said"]
    ]

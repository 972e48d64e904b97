"""Read money and pieces: signs, symbols, marks between thousands, parentheses."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import pandas as pd
from ibis.backends.duckdb import Backend

from analysis.core.assumptions import Assumption, state
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings
from analysis.orders.numbers import (
    NumberEvidence,
    decide,
    form_of,
    mark_name,
    other,
    read_number,
    weigh,
)
from analysis.orders.telling_columns import is_currency

_DIGITS = str.maketrans("123456789", "999999999")
#: More decimals than this no currency has.
MOST_DECIMALS = 3


def read_amounts(
    engine: Backend,
    cells: pd.DataFrame,
    names: Sequence[str],
    settings: TransactionSettings,
    source: str,
) -> tuple[pd.DataFrame, list[Assumption], list[Problem], str]:
    """Return columns of texts as numbers.

    Parameters
    ----------
    engine
        It reads the numbers.
    cells
        With the named columns, as texts.
    names
        The columns; the same program wrote them all, so they have one decimal mark.
    settings
        Of the ledger: a decimal mark, and the currency.
    source
        The file, for messages.

    Returns
    -------
    tuple
        The numbers, null where a cell is empty or holds none; what was assumed; what is unclear;
        and the currency that stands beside the amounts, if it is one.
    """
    evidence = {name: _evidence(cells[name]) for name in names}
    marks = [mark for one in evidence.values() if (mark := one.decimal())]
    common = [max(marks, key=marks.count)] if marks else []
    read, told, problems = {}, [], []
    affixes = {a for n, one in evidence.items() if n != "quantity" for a in one.affixes if a}
    for name, one in evidence.items():
        mark, reason = settings.decimal_mark, state("assumed-notation.because-settings")
        if not mark:
            mark, reason = decide(one, common, settings.currency)
        if not mark:
            unclear = one.unclear or "."
            example = one.examples.get(("either", unclear), "")
            problems.append(
                Problem(
                    source,
                    f"numbers such as {example!r} can be read with decimals, or with a separator "
                    "between thousands",
                    column=name,
                    rows=one.rows["either", unclear],
                    remedy=f"Set decimal_mark in [transactions] of settings.toml: {unclear!r} for "
                    f"decimals, {other(unclear)!r} for thousands.",
                )
            )
            mark = unclear
        elif reason and (rows := one.rows["either", "."] + one.rows["either", ","]):
            said = state("assumed-notation.decimal-mark", mark=mark_name(mark)) + reason
            told.append(Assumption("notation", said, source=source, column=name, rows=rows))
        read[name] = _numbers(engine, cells[name], one, mark)
    currency = affixes.pop() if len(affixes) == 1 else ""
    return (
        pd.DataFrame(read, index=cells.index),
        told,
        problems,
        (currency.upper() if currency and is_currency(currency) else ""),
    )


def _evidence(column: pd.Series) -> NumberEvidence:
    texts = column.dropna()
    counts = texts.str.translate(_DIGITS).value_counts()
    examples = dict(zip(texts.str.translate(_DIGITS), texts, strict=True))
    return weigh((shape, int(counts[shape]), example) for shape, example in examples.items())


def _numbers(engine: Backend, column: pd.Series, one: NumberEvidence, mark: str) -> pd.Series:
    """Read each different text once."""
    texts = column.dropna().drop_duplicates()
    if texts.empty:
        return pd.Series(float("nan"), column.index, dtype="float64")
    form = form_of(one, mark)
    table = ibis.memtable(pd.DataFrame({"text": texts.to_numpy(dtype=object)}))
    plain = table.text.strip()
    # Where several currencies stand beside amounts, another column must tell them apart.
    for affix in sorted((a for a in one.affixes if a), key=len, reverse=True):
        plain = plain.replace(affix + ".", "").replace(affix, "")
    found = engine.to_pandas(table.select("text", number=read_number(plain.strip(), form)))
    values = dict(zip(found["text"], found["number"], strict=True))
    return column.map(values).astype("float64")


def decimals(cells: pd.DataFrame, names: Sequence[str]) -> int:
    """Return how many decimals amounts have in their texts: at most `MOST_DECIMALS`.

    Examples
    --------
    >>> decimals(pd.DataFrame({"price": ["1.5", "12,30", "$1,234.50"]}), ["price"])
    2
    """
    most = 0
    for name in names:
        ends = cells[name].dropna().str.extract(r"[.,](\d+)\D*$", expand=False).dropna()
        lengths = ends.str.len()
        lengths = lengths[lengths <= MOST_DECIMALS]
        most = max(most, int(lengths.max()) if len(lengths) else 0)
    return most

"""Find the ledger's columns under the names that a file uses: a name that the user set wins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from analysis.core.assumptions import Assumption, state
from analysis.core.settings import shipped_columns
from analysis.ingest.columns import match_columns, plain_name

#: Columns that say what a line means, and are no part of it.
EXTRAS = ("till", "status", "currency_code", "discount")
#: Columns that stay with the lines though no order is made of them: whether the customer agreed to
#: messages, where and to whom was sold, and by what a refund of an export knows its purchase.
KEPT = ("consent", "channel", "company", "refund_key")
#: A column that counts the rows of a file tells nothing about them.
_COUNTER = re.compile(r"(unnamed:?\d*|index|rows?|row(id|no|nr|num|number|index)|nr|no|#|№|)\.?")


def find_columns(
    names: Sequence[str], wanted: Mapping[str, Sequence[str]]
) -> tuple[dict[str, str], list[Assumption]]:
    """Find our columns in a file; case, spaces and underscores do not matter.

    A name that is listed in the settings wins over our own name for the column, and a column that
    the user named wins over one that is found by a name that the project ships.

    Parameters
    ----------
    names
        The file's column names.
    wanted
        Our name -> the names it may have in a file. Our own name is accepted where none of them
        is found.

    Returns
    -------
    tuple
        Our name -> the file's name, for the columns that were found; and what was assumed.

    Raises
    ------
    ValueError
        When two columns of the file claim one name; the message is a clause for a `Problem`.

    Examples
    --------
    >>> find_columns(["AMOUNT", "Paid"], {"amount": ["Paid"]})[0]
    {'amount': 'Paid'}
    """
    named = named_by_user(wanted)
    taken = {plain_name(name) for ours in named for name in wanted[ours]}
    lists = {
        ours: [name for name in theirs if ours in named or plain_name(name) not in taken]
        for ours, theirs in wanted.items()
    }
    beside = (*EXTRAS, *KEPT[:3])
    found = match_columns(names, {o: theirs for o, theirs in lists.items() if o not in beside})
    for ours in beside:
        free = [name for name in names if name not in found.values()]
        accepted = {*map(plain_name, lists.get(ours, ())), plain_name(ours)}
        if hits := [name for name in free if plain_name(name) in accepted]:
            found[ours] = hits[0]
    return found, [
        Assumption(
            "columns",
            state("assumed-files.named-column", role=ours.replace("_", " "), other=repr(own)),
            column=found[ours],
            setting=f"transactions.columns.{ours}",
        )
        for ours in found
        for own in names
        if plain_name(own) == plain_name(ours) and own not in found.values()
    ]


def named_by_user(wanted: Mapping[str, Sequence[str]]) -> set[str]:
    """Return our columns whose list of names is not the one that the project ships."""
    shipped = shipped_columns()
    return {
        ours
        for ours, names in wanted.items()
        if {*map(plain_name, names)} - {*map(plain_name, shipped.get(ours, ())), plain_name(ours)}
    }


def unread_columns(columns: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Return a file's columns that none of ours is read from, without those that count rows."""
    taken = set(names.values())
    return [
        name
        for name in columns
        if name not in taken and not _COUNTER.fullmatch(plain_name(name).strip())
    ]

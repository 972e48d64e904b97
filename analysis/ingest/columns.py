"""Find our columns under the names that a file uses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence


def plain_name(name: str) -> str:
    """Return a column's name as it is compared: without case, spaces and underscores."""
    return re.sub(r"[\s_]+", "", name).casefold()


def match_columns(names: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Find our columns under the names that a file uses; case, spaces, underscores do not matter.

    A name that the settings list wins over our own name, which is accepted without being listed:
    where the settings say ``customer_id = ["Email"]``, the column Email is the customer, even if
    the file has a column customer_id as well. Where two of ours claim one column, it goes to the
    one whose own name is another: ``quantity = ["Amount"]`` was written by somebody who knew.

    Parameters
    ----------
    names
        The file's column names.
    wanted
        Our name -> the names it may have in a file. Our own name is always accepted.

    Returns
    -------
    dict
        Our name -> the file's name, for the columns that were found.

    Raises
    ------
    ValueError
        When two columns of the file claim one name, or the other way round; the message is a
        clause for a `Problem`.

    Examples
    --------
    >>> match_columns(["Customer ID", "x"], {"customer_id": ["CustomerID"], "price": ["Price"]})
    {'customer_id': 'Customer ID'}
    >>> match_columns(["Email", "customer_id"], {"customer_id": ["Email"]})
    {'customer_id': 'Email'}
    >>> match_columns(["Amount", "Paid"], {"quantity": ["Amount"], "amount": ["Amount", "Paid"]})
    {'quantity': 'Amount', 'amount': 'Paid'}
    """
    listed = {ours: {plain_name(name) for name in theirs} for ours, theirs in wanted.items()}
    claims = {
        ours: [name for name in names if plain_name(name) in listed[ours]]
        or [name for name in names if plain_name(name) == plain_name(ours)]
        for ours in wanted
    }
    given = {
        name
        for ours, hits in claims.items()
        for name in hits
        if plain_name(name) != plain_name(ours)
    }
    found: dict[str, str] = {}
    for ours, hits in claims.items():
        mine = [name for name in hits if plain_name(name) != plain_name(ours) or name not in given]
        if len(mine) > 1:
            raise ValueError(f"both {' and '.join(map(repr, mine))} could be '{ours}'")
        if mine:
            if mine[0] in found.values():
                other = next(name for name, taken in found.items() if taken == mine[0])
                raise ValueError(f"the column {mine[0]!r} could be '{other}' and '{ours}'")
            found[ours] = mine[0]
    return found

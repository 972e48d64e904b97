"""Find the home market of a shop."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import ibis

from analysis.orders.ledger import NET, Ledger


def home_market(ledger: Ledger, home: str = "") -> str:
    """Return the home market: the one that the settings mean, or that with the highest sales."""
    lines = ledger.lines
    if home or "country" not in ledger.columns:
        return named_home(ledger, home)
    kept = lines.filter((lines.cleaning_step >= NET) & lines.country.notnull())
    table = (
        kept.group_by("country")
        .aggregate(revenue=kept.amount.sum())
        .order_by(ibis.desc("revenue"), "country")
        .limit(1)
        .execute()
    )
    return str(table["country"].iloc[0]) if len(table) else ""


def named_home(ledger: Ledger, home: str) -> str:
    """Return the country of the ledger that the setting ``home_country`` means, if it is set."""
    if not home or "country" not in ledger.columns:
        return home
    countries = ledger.lines.filter(ledger.lines.country.notnull()).select("country").distinct()
    return nearest(home, countries.execute()["country"]) or home


def nearest(name: str, values: Iterable[str]) -> str:
    """Return the value that a name most likely means: by its letters, or by its initials.

    Examples
    --------
    >>> nearest("UK", ["France", "United Kingdom"]), nearest("Germny", ["Germany", "France"])
    ('United Kingdom', 'Germany')
    >>> nearest("Mars", ["France"])
    ''
    """
    values = sorted(values)
    plain = {value.casefold(): value for value in values}
    short = {"".join(word[0] for word in value.casefold().split()): value for value in values}
    key = name.casefold().replace(".", "").strip()
    if name in values:
        return name
    close = difflib.get_close_matches(key, plain, n=1, cutoff=0.75)
    if key in plain:
        return plain[key]
    if close:
        return plain[close[0]]
    return short.get(key, "") if len(key) > 1 else ""

"""Find the home market of a shop."""

from __future__ import annotations

import ibis

from analysis.orders.ledger import NET, Ledger


def home_market(ledger: Ledger, home: str = "") -> str:
    """Return the home market: the one that the settings name, or that with the highest sales."""
    lines = ledger.lines
    if home or "country" not in ledger.columns:
        return home
    kept = lines.filter((lines.cleaning_step >= NET) & lines.country.notnull())
    table = (
        kept.group_by("country")
        .aggregate(revenue=kept.amount.sum())
        .order_by(ibis.desc("revenue"), "country")
        .limit(1)
        .execute()
    )
    return str(table["country"].iloc[0]) if len(table) else ""

"""Compare the new files of a refresh with the accepted ones, and say what is remarkable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import pandas as pd

from analysis.core import formatting
from analysis.history import comparison, new_files
from analysis.history.findings import INFORMS, STOPS, WARNS, Finding
from analysis.orders.ledger import Ledger


def file_findings(
    accepted: bool, new_tables: Sequence[str], old_tables: Collection[str], by_hand: str = ""
) -> Iterator[Finding]:
    """Say what the files of a refresh are, before anything in them is compared.

    Parameters
    ----------
    accepted
        Whether any files were accepted before.
    new_tables
        The names of the new tables of regular customers.
    old_tables
        The names of those that stay as they are.
    by_hand
        What was changed by hand, as a sentence.
    """
    if by_hand:
        yield Finding("files.by_hand", WARNS, "", by_hand)
    if accepted and new_tables and old_tables:
        text = (
            f"{len(new_tables)} of the {len(new_tables) + len(old_tables)} tables of regular "
            f"customers are new; {', '.join(sorted(old_tables))} would stay as accepted before. "
            "Send all of one quarter together."
        )
        yield Finding("activity.incomplete", STOPS, "", text, len(new_tables))


def no_history() -> Finding:
    """Say that nothing was accepted before."""
    text = "Nothing was accepted before: there is no history to compare the new files with."
    return Finding("files.first", INFORMS, "", text)


def order_findings(
    accepted: Ledger,
    new: Ledger,
    currency: str,
    kept: Ledger | None = None,
    replaced: Sequence[str] = (),
) -> Iterator[Finding]:
    """Compare new order lines with the accepted ones.

    Parameters
    ----------
    accepted
        All accepted lines.
    new
        The lines of the new files alone.
    currency
        The sign for amounts.
    kept
        The accepted lines that stay, where files are replaced; None where none stay.
    replaced
        The names of accepted files whose place the new ones take.
    """
    files = accepted.files
    yield from _encoding_findings(files, new.files)
    gone = files[files["source"].map(lambda name: _is_of(name, replaced))] if replaced else None
    table = new_files.ledger_findings(
        comparison.draw(accepted),
        comparison.draw(new),
        currency,
        comparison.draw(kept) if kept else None,
        gone,
    )
    yield from (Finding(*row) for row in table.itertuples(index=False))


def customer_findings(accepted: pd.DataFrame, new: pd.DataFrame) -> Iterator[Finding]:
    """Compare new regular customers with the accepted ones, as `new_files.activity_findings`."""
    table = new_files.activity_findings(accepted, new)
    yield from (Finding(*row) for row in table.itertuples(index=False))


def _encoding_findings(before: pd.DataFrame, now: pd.DataFrame) -> Iterator[Finding]:
    """Say which files were decoded in a way that no accepted one was."""
    usual = sorted(set(before["encoding"]) - {""})
    news = now[~now["encoding"].isin(["", *usual])] if usual else now.iloc[:0]
    for name, encoding in zip(news["source"], news["encoding"], strict=True):
        yield Finding(
            "schema.encoding",
            WARNS,
            formatting.shorten(name),
            f"{formatting.shorten(name)} was read as {encoding}, and what was accepted as "
            f"{formatting.join_words(usual)}. See whether names and descriptions are whole; or "
            "save it as 'CSV UTF-8'.",
        )


def _is_of(source: str, names: Sequence[str]) -> bool:
    """Tell whether a part is of one of these files: a sheet is called ``file.xlsx [sheet]``."""
    return any(source == name or source.startswith(f"{name} [") for name in names)

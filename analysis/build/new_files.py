"""Check new files alone, and beside those that were accepted before."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.build import validation
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.history import acceptance, findings
from analysis.ingest import readers
from analysis.ingest.data_folder import Inputs, role_of


def check_against_history(
    staged: Inputs,
    came: Collection[str],
    gone: Collection[str],
    before: Path,
    settings: Settings,
    steps: Steps,
    by_hand: str = "",
) -> pd.DataFrame:
    """Check the new files alone, and return what is remarkable beside the accepted ones.

    Parameters
    ----------
    staged
        All files that will be in use.
    came
        Those of them that are new, as names from the data folder.
    gone
        Those of the files before that they replace, as names from the data folder.
    before
        A folder with the files before.
    by_hand
        What was changed by hand, as a sentence.

    Returns
    -------
    pandas.DataFrame
        As `history.findings.findings`.

    Raises
    ------
    Refused
        When the new files, or the accepted ones, break their contracts.
    """
    tables = {
        role: path for role, path in staged.activity.items() if _relative_name(staged, path) in came
    }
    old = _accepted_inputs(staged, before, settings)
    rest = [path.name for role, path in staged.activity.items() if role not in tables]
    found = [*acceptance.file_findings(bool(old.activity), [*tables], rest, by_hand)]
    new = replace(
        staged,
        transactions=tuple(
            path for path in staged.transactions if _relative_name(staged, path) in came
        ),
        activity=staged.activity if tables else {},
        # The build reads them beside all orders: those of a single quarter lack many customers.
        campaigns=(),
    )
    kept = replace(
        old,
        activity={},
        transactions=tuple(p for p in old.transactions if _relative_name(old, p) not in gone),
    )
    replaced = [path.name for path in old.transactions if _relative_name(old, path) in gone]
    with ExitStack() as stack:
        # Where no orders, or no regular customers, are new, nothing of theirs is compared.
        compared = replace(
            old,
            transactions=old.transactions if new.transactions else (),
            activity=old.activity if new.activity else {},
        )
        was = _check_files(stack, compared, settings, steps, "the accepted files")
        # All dates of a short file may be readable in two ways: what was accepted settles it.
        usual = set(was.ledger.files["date_format"]) if was and was.ledger else set()
        now = _check_files(stack, new, settings, steps, "the new files", usual)
        if now and now.ledger and was and was.ledger:
            stay = (
                _check_files(stack, kept, settings, steps, "those that stay") if replaced else None
            )
            currency = settings.transactions.currency
            with steps.step("compare the orders with their history"):
                found += acceptance.order_findings(
                    was.ledger, now.ledger, currency, stay.ledger if stay else None, replaced
                )
        if now and now.customers and was and was.customers:
            found += acceptance.customer_findings(was.customers.customers, now.customers.customers)
    if not old.transactions and not old.activity:
        found.append(acceptance.no_history())
    return findings.findings(found)


def _relative_name(inputs: Inputs, path: Path) -> str:
    return path.relative_to(inputs.folder).as_posix()


def _accepted_inputs(staged: Inputs, folder: Path, settings: Settings) -> Inputs:
    """Return the files before the refresh; without the four tables, if one of them is missing."""
    role = role_of(settings)
    tables = {role(p): p for p in readers.find_files(folder / settings.activity.folder)}
    return replace(
        staged,
        folder=folder,
        transactions=tuple(readers.find_files(folder / settings.transactions.folder)),
        activity=tables if set(tables) == set(settings.activity.files) else {},
        campaigns=(),
    )


def _check_files(
    stack: ExitStack,
    inputs: Inputs,
    settings: Settings,
    steps: Steps,
    what: str,
    usual_dates: Collection[str] = (),
) -> validation.Checked | None:
    """Read and validate files, where there are any; their tables live as long as the stack."""
    if not inputs.transactions and not inputs.activity:
        return None
    steps.tell(what)
    return stack.enter_context(validation.check(inputs, settings, steps, usual_dates))

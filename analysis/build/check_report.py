"""Report what a check understood: in lines for people, as one JSON object for programs.

The JSON object has four keys:

``outcome``
    ``read`` or ``refused``.
``problems``
    Sentences: why the data was refused.
``notes``
    Sentences: everything that was assumed or noticed.
``facts``
    customers, orders, lines (of net sales of known customers), net_revenue, gross_revenue,
    first_date, last_date, currency, profile, rows, refused_rows, home_country, regular_customers,
    files (for each file its rows, encoding, separator, date format and decimal mark), and months
    (`orders.control.control_figures`). A fact about an input that is not there is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from analysis.build.validation import Checked, assumptions, currency
from analysis.core.formatting import count
from analysis.core.problems import Problem
from analysis.core.settings import Settings
from analysis.core.told_assumptions import write_line
from analysis.orders.control import control_figures, control_lines
from analysis.orders.home_market import home_market
from analysis.orders.ledger import GROSS, NET, Ledger

FACTS = (
    "customers",
    "orders",
    "lines",
    "net_revenue",
    "gross_revenue",
    "first_date",
    "last_date",
    "currency",
    "profile",
    "rows",
    "refused_rows",
    "home_country",
    "regular_customers",
    "files",
    "months",
)


def refusal(problems: Sequence[Problem], notes: Sequence[str] = ()) -> dict[str, Any]:
    """Return the JSON object of data, or settings, that were refused."""
    return {
        "outcome": "refused",
        "problems": [str(problem) for problem in problems],
        "notes": list(notes),
        "facts": dict.fromkeys(FACTS),
    }


def report(checked: Checked, settings: Settings) -> dict[str, Any]:
    """Return the JSON object of data that was read.

    Parameters
    ----------
    checked
        From `build.validation.check`.
    settings
        All settings.
    """
    facts: dict[str, Any] = dict.fromkeys(FACTS)
    facts["currency"] = currency(checked, settings)
    if ledger := checked.ledger:
        facts |= _order_facts(ledger)
        facts["profile"] = ", ".join(checked.profiles)
        facts["home_country"] = home_market(ledger, settings.transactions.home_country) or None
        facts["files"] = _files(ledger.files)
        facts["months"] = control_figures(ledger).to_dict("records")
    if checked.customers:
        facts["regular_customers"] = len(checked.customers.joined)
    return {
        "outcome": "read",
        "problems": [],
        "notes": notes(checked, settings),
        "facts": facts,
    }


def _order_facts(ledger: Ledger) -> dict[str, Any]:
    """Return what the orders add up to: net sales of known customers, but for gross revenue."""
    lines = ledger.lines
    net = lines.cleaning_step >= NET
    found = (
        lines.aggregate(
            customers=lines.customer_id.nunique(where=net),
            orders=lines.order_id.nunique(where=net),
            lines=net.sum(),
            net_revenue=lines.amount.sum(where=net),
            gross_revenue=lines.amount.sum(where=lines.cleaning_step >= GROSS),
            first_date=lines.invoice_date.min(where=net),
            last_date=lines.invoice_date.max(where=net),
        )
        .execute()
        .iloc[0]
    )
    return {
        **{name: int(found[name]) for name in ("customers", "orders", "lines")},
        **{name: round(float(found[name]), 2) for name in ("net_revenue", "gross_revenue")},
        **{name: f"{found[name]:%Y-%m-%d}" for name in ("first_date", "last_date")},
        "rows": int(ledger.files["rows"].sum()),
        "refused_rows": int(ledger.files["refused_rows"].sum()),
    }


def _files(files: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return how each file is written; null where its format leaves no choice."""
    names = ["encoding", "separator", "date_format", "decimal_mark"]
    return {
        str(row["source"]): {"rows": int(row["rows"]), "refused_rows": int(row["refused_rows"])}
        | {name: row[name] or None for name in names}
        for row in files.to_dict("records")
    }


def notes(checked: Checked, settings: Settings) -> list[str]:
    """Say everything that was assumed or noticed, a sentence each."""
    sign = currency(checked, settings)
    return [*settings.notes, *(write_line(one, sign) for one in assumptions(checked, settings))]


def lines(checked: Checked, settings: Settings) -> Iterator[str]:
    """Say for people what came in, and everything that was assumed or noticed."""
    found = report(checked, settings)
    facts = found["facts"]
    if checked.ledger:
        files = checked.ledger.files
        yield (
            f"Orders: {count(facts['rows'], 'row')} in {count(len(files), 'file')}, "
            f"{files['first_date'].min():%Y-%m-%d} to {files['last_date'].max():%Y-%m-%d}; "
            f"{count(facts['refused_rows'], 'row')} refused."
        )
        yield (
            f"  {count(facts['customers'], 'customer')}, {count(facts['orders'], 'order')}, "
            f"net revenue {facts['currency']}{facts['net_revenue']:,.2f} "
            f"(gross {facts['currency']}{facts['gross_revenue']:,.2f})."
        )
    else:
        yield "Orders: none."
    if checked.customers:
        refused = len(checked.customers.quarantine)
        yield (
            f"Regular customers: {facts['regular_customers']:,}; "
            f"{len(checked.customers.customers):,} after setting aside by rule; "
            f"{count(refused, 'row')} refused."
        )
    else:
        yield "Regular customers: none."
    yield "What was understood:"
    for note in found["notes"]:
        yield f"  * {note}"
    if checked.ledger:
        yield from control_lines(pd.DataFrame(facts["months"]), facts["currency"])

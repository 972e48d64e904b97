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
    and files: for each file its rows, encoding, separator, date format and decimal mark. A fact
    about an input that is not there is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.build.validation import Checked, currency
from analysis.core.formatting import count, day, money
from analysis.core.problems import Problem
from analysis.core.settings import Settings
from analysis.orders.home_market import home_market
from analysis.orders.ledger import GROSS, NET, Ledger
from analysis.orders.quality import cleaning_steps
from analysis.regulars import shared_ids
from analysis.regulars.names import NO_ANSWERS

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
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
        facts["home_country"] = home_market(ledger, settings.transactions.home_country) or None
        facts["files"] = _files(ledger.files)
    if checked.customers:
        facts["regular_customers"] = len(checked.customers.joined)
    return {
        "outcome": "read",
        "problems": [],
        "notes": list(notes(checked, settings)),
        "facts": facts,
    }


def _order_facts(ledger: Ledger) -> dict[str, Any]:
    """Return what the orders add up to: net sales of known customers, but for gross revenue."""
    lines = ledger.lines
    net = lines.cleaning_step >= NET
    # The same number may stand for orders of two customers.
    order = lines.customer_id.concat("\t", lines.order_id)
    found = (
        lines.aggregate(
            customers=lines.customer_id.nunique(where=net),
            orders=order.nunique(where=net),
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


def notes(checked: Checked, settings: Settings) -> Iterator[str]:
    """Say everything that was assumed or noticed, a sentence each."""
    yield from settings.notes
    if checked.ledger:
        yield from _order_notes(checked.ledger, settings)
    if checked.customers:
        yield from _regular_notes(checked)
    if sign := currency(checked, settings):
        yield f"Amounts are taken to be in {sign}, as the settings say."
    else:
        yield "The settings name no currency: amounts are shown without a sign."


def _order_notes(ledger: Ledger, settings: Settings) -> Iterator[str]:
    chosen = settings.transactions
    for row in ledger.files.to_dict("records"):
        yield from _notation(row)
        if row["refused_rows"]:
            yield (
                f"{row['source']}: {count(row['refused_rows'], 'row')} of {row['rows']:,} broke a "
                "rule and went into quarantine."
            )
    steps = cleaning_steps(ledger).set_index("cleaning_step")
    removed = steps["removed_rows"].to_dict()
    amounts = steps["removed_amount"].to_dict()

    def gone(step: int) -> str:
        return f"{count(removed[step], 'row')} ({money(amounts[step], chosen.currency)})"

    if removed[1]:
        yield f"{gone(1)} carry no customer number: RFM and segments leave them out."
    if removed[2]:
        yield f"{gone(2)} are equal in every column that is read to another row, and count once."
    if removed[3]:
        yield (
            f"{gone(3)} are cancellations: their invoice number begins with "
            f"{chosen.cancellation_prefix!r} (setting cancellation_prefix)."
        )
    if removed[4]:
        yield f"{gone(4)} have no quantity or price above zero, and are left out."
    if removed[5]:
        yield f"{gone(5)} have a code that is not a product's (setting product_codes)."
    if removed[6]:
        yield f"{gone(6)} were cancelled later, and are not part of net revenue."
    if "invoice" not in ledger.columns:
        yield "There is no column of invoice numbers: what a customer buys in a day is one order."
    if home := home_market(ledger, chosen.home_country):
        source = "as the settings say" if chosen.home_country else "since it has the highest sales"
        yield f"The home market is taken to be {home}, {source}."
    yield f"Recency is counted from {day(ledger.as_of)}."
    if ledger.late_rows:
        yield f"{count(ledger.late_rows, 'row')} dated on that day or later are left out."


def _notation(file: Mapping[Any, Any]) -> Iterator[str]:
    """Say how a text file is written."""
    parts = []
    if file["encoding"]:
        mark = SEPARATORS.get(file["separator"], repr(file["separator"]))
        parts.append(f"text in {file['encoding']}, fields separated by a {mark}")
    if file["date_format"]:
        parts.append(f"dates as {file['date_format']}")
    if file["decimal_mark"]:
        parts.append(f"decimals with a {'comma' if file['decimal_mark'] == ',' else 'point'}")
    if parts:
        yield f"{file['source']} was read as {', '.join(parts)}."


def _regular_notes(checked: Checked) -> Iterator[str]:
    tables = checked.customers
    if tables is None:
        return
    if checked.shared:
        yield shared_ids.sentence(checked.shared)
    for row in tables.typos.to_dict("records"):
        yield (
            f"{row['source']}, column '{row['column']}': {row['found']!r} was read as "
            f"{row['read_as']!r} in {count(row['rows'], 'row')}."
        )
    for row in tables.lookalikes.to_dict("records"):
        yield (
            f"{row['source']}, column '{row['column']}': {row['found']!r} looks like "
            f"{row['looks_like']!r}, and was left as it is in {count(row['rows'], 'row')}."
        )
    for row in tables.set_aside.query("customers > 0").to_dict("records"):
        yield f"{count(row['customers'], 'regular customer')} set aside: {row['rule']}."
    if len(tables.quarantine):
        yield (
            f"{count(len(tables.quarantine), 'row')} of the four tables broke a rule and went into "
            "quarantine."
        )
    if not tables.facts["activity.consent_known"]:
        yield f"{NO_ANSWERS} Nobody of them will be on a contact list."


def lines(checked: Checked, settings: Settings) -> Iterator[str]:
    """Say for people what came in, and everything that was assumed or noticed."""
    facts = report(checked, settings)["facts"]
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
    for note in notes(checked, settings):
        yield f"  * {note}"

"""List the guards that decide what the lines mean, in the order in which they speak."""

from __future__ import annotations

from analysis.ingest.profiles import LEDGER
from analysis.orders.meaning import (
    copies,
    customers,
    discounts,
    money,
    numbers,
    restated,
    sales,
    settings_fit,
    totals,
)
from analysis.orders.meaning.draft import Draft, Guard

#: Each needs what those before it have decided: who the customer is before what an order is,
#: and what an order is before what a copy of one is.
GUARDS: tuple[Guard, ...] = (
    money.minor_units,
    money.line_amounts,
    discounts.discounts,
    money.small_amounts,
    totals.line_totals,
    totals.order_totals,
    totals.order_sums,
    totals.parts_of_sets,
    totals.price_units,
    totals.one_line,
    totals.unread_refunds,
    customers.no_customers,
    customers.spellings,
    customers.pseudonyms,
    numbers.spellings,
    numbers.orders,
    money.currencies,
    sales.statuses,
    sales.returns_with_numbers,
    sales.products,
    sales.cancellations,
    restated.restated_orders,
    customers.returning,
    settings_fit.home_country,
    copies.equal_lines,
    copies.keys,
    sales.cleaning_steps,
)


#: These look for what an export's profile knows already.
KNOWN_TO_PROFILES: frozenset[Guard] = frozenset(
    (
        *(money.small_amounts, totals.line_totals, totals.order_totals, totals.one_line),
        *(totals.unread_refunds, sales.returns_with_numbers, restated.restated_orders),
    )
)


def give_meaning(draft: Draft) -> Draft:
    """Let every guard speak; where all files have an import profile, those that it needs."""
    profiled = all(reading.part.profile != LEDGER for reading in draft.readings)
    for guard in GUARDS:
        if not (profiled and guard in KNOWN_TO_PROFILES):
            draft = guard(draft)
    return draft

"""List the guards that decide what the lines mean, in the order in which they speak."""

from __future__ import annotations

from analysis.orders.meaning import copies, customers, money, numbers, sales, settings_fit
from analysis.orders.meaning.draft import Draft, Guard

#: Each needs what those before it have decided: who the customer is before what an order is,
#: and what an order is before what a copy of one is.
GUARDS: tuple[Guard, ...] = (
    money.line_amounts,
    money.small_amounts,
    customers.no_customers,
    customers.spellings,
    numbers.orders,
    money.currencies,
    sales.statuses,
    sales.products,
    sales.cancellations,
    customers.returning,
    settings_fit.home_country,
    copies.equal_lines,
    copies.keys,
    sales.cleaning_steps,
)


def give_meaning(draft: Draft) -> Draft:
    """Let every guard speak."""
    for guard in GUARDS:
        draft = guard(draft)
    return draft

"""Compare revenue with a year earlier, and follow new customers: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.orders import growth, new_customers
from analysis.orders.ledger import Ledger, with_ledger


@with_ledger
def growth_tables(
    ledger: Ledger,
    products: pd.DataFrame,
    settings: Settings,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return the change of revenue, its tree, and what became of new customers.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    products
        From `orders.tables.products`, which names them.
    """
    smallest, seed = settings.report.smallest_group, settings.engine.seed
    orders = growth.read_orders(ledger)
    followed, content = new_customers.first_orders(ledger, orders)
    first, as_of = ledger.first_day, ledger.as_of
    orders = orders.assign(new=growth.mark_new(orders))
    found = [
        growth.compare_revenue(orders, comparison, first, seed, smallest)
        for comparison in growth.find_comparisons(first, as_of)
        if growth.has_orders(orders, comparison)
    ]
    change, tree = (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        for parts in ([pair[number] for pair in found] for number in (0, 1))
    )
    second = new_customers.second_order_products(followed, content, smallest)
    names = products.drop_duplicates("stock_code").set_index("stock_code")["description"]
    facts = growth.growth_facts(change)
    facts["growth.followed_customers"] = len(followed)
    facts["growth.second_order_share"] = (
        float(followed["returned"].mean()) if len(followed) else None
    )
    tables = {
        "monthly_customers": new_customers.monthly_customers(orders, first, as_of),
        "cohort_revenue": new_customers.cohort_revenue(orders, first, as_of, seed, smallest),
        "second_order_products": second.assign(description=second["stock_code"].map(names)),
    }
    if found:
        tables |= {"growth": change, "revenue_tree": tree}
    return tables, facts

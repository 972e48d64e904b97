"""Keep published tables from describing fewer customers than the settings allow.

Every table that a step makes passes here before it is written. `RULES` says of each table with
groups of customers which column counts them, and what happens to a row whose group is smaller than
``[report] smallest_group``. A table with nothing to hide is in `NO_GROUPS`, with the reason; one of
single customers, which is never published, in `PRIVATE`. A test holds the three to the tables that
the steps make. Producers may pool small groups before (markets, categories): then nothing is left
to do here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Rule:
    """What happens to the rows of a table that describe too few customers.

    Attributes
    ----------
    count
        The column that counts the customers of a row. No customers are not too few.
    drops
        Whether the row goes; else it stays with its labels, and without its numbers.
    hides
        The numbers that it stays without; empty: all numbers but those in `keeps`.
    keeps
        Numbers that say nothing of customers, such as the hour of a row.
    """

    count: str
    drops: bool = False
    hides: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


NEW = ("new_customers", "returning_customers", "new_revenue")
RULES: dict[str, tuple[Rule, ...]] = {
    "activity_categories": (Rule("customers", drops=True),),
    "activity_reliability": (Rule("customers", drops=True),),
    "campaigns": (Rule("treated", drops=True), Rule("control", drops=True)),
    "cluster_agreement": (Rule("customers"),),
    "cohort_revenue": (Rule("size", drops=True),),
    "cohorts": (Rule("size", drops=True),),
    "countries": (Rule("customers", drops=True),),
    "giant_reversals": (Rule("customers", drops=True),),
    "lapse_rates": (Rule("customers", drops=True),),
    "lapse_reliability": (Rule("customers", drops=True),),
    "lapse_segments": (Rule("scored", drops=True),),
    "left_out_codes": (Rule("customers"),),
    "markets": (Rule("customers", drops=True),),
    # Of the new and the returning customers of a month, each tells the other.
    "monthly": (
        Rule("customers"),
        Rule("new_customers", hides=NEW),
        Rule("returning_customers", hides=NEW),
    ),
    "monthly_customers": (
        Rule("customers", hides=("customers", "known_revenue", *NEW, "returning_revenue")),
        Rule("new_customers", hides=(*NEW, "returning_revenue")),
        Rule("returning_customers", hides=(*NEW, "returning_revenue")),
        Rule("nobody_orders", hides=("nobody_orders", "nobody_revenue")),
    ),
    "movement": (Rule("customers", hides=("revenue", "revenue_share")),),
    # Who ordered is not known: each order may be another customer's.
    "channels": (Rule("orders", drops=True),),
    "no_customer_countries": (Rule("orders", drops=True),),
    "no_customer_months": (Rule("orders"),),
    "no_customer_products": (Rule("orders", drops=True),),
    "offer_counts": (Rule("customers", hides=("profit", "profit_share")),),
    "products": (Rule("customers"),),
    "recent_change": (Rule("customers_per_month", drops=True),),
    "retention": (Rule("customers", drops=True),),
    "second_order_products": (Rule("customers", drops=True),),
    "segment_next_products": (Rule("customers", drops=True),),
    "segment_products": (Rule("customers", drops=True),),
    "segment_returns": (Rule("customers", drops=True),),
    "week": (Rule("customers", keeps=("weekday", "hour")),),
}
#: Tables about single customers and single lines: they stay in the build, and are not published.
PRIVATE = ("activity", "customers", "next_products", "quarantine", "transactions")
#: Tables that hold no groups of customers, or whose producer leaves small ones out.
NO_GROUPS = {
    "all customers": (
        "activity_associations",
        "activity_distributions",
        "activity_effects",
        "activity_importance",
        "activity_leakage",
        "activity_models",
        "activity_partial",
        "cleaning_steps",
        "cluster_use",
        "clustering",
        "contact_scenarios",
        "lapse_models",
        "offer_conditions",
        "next_product_models",
        "no_customer_code",
        "score_cuts",
        "segment_overall",
        "spend_models",
        "unusual_lines",
    ),
    "files, rules and settings": (
        "activity_joins",
        "activity_lookalikes",
        "activity_set_aside",
        "activity_typos",
        "assumptions",
        "completeness",
        "files",
        "rules",
        "segment_groups",
        "segment_rules",
    ),
    "segments and groups that are counted, and described only where they are large enough": (
        "action_budget",
        "action_experiments",
        "action_tornado",
        "action_traits",
        "actions",
        "campaign_updates",
        "cluster_centres",
        "cluster_profiles",
        "coming",
        "contact_curve",
        "growth",
        "revenue_tree",
        "risk_group_effects",
        "risk_groups",
        "segment_flows",
        "segment_profiles",
        "spend_calibration",
        "target_categories",
    ),
}


def hide_small_groups(name: str, table: pd.DataFrame, minimum_group: int) -> pd.DataFrame:
    """Return a table without what it says of fewer customers than `minimum_group`.

    Parameters
    ----------
    name
        The table's name in the build.
    table
        The table.
    minimum_group
        ``[report] smallest_group``.

    Examples
    --------
    >>> table = pd.DataFrame({"cohort": ["May", "June"], "size": [3, 9], "share": [0.3, 0.1]})
    >>> hide_small_groups("cohorts", table, 5)["cohort"].to_list()
    ['June']
    """
    for rule in RULES.get(name, ()):
        if rule.count not in table:
            continue
        small = is_small(table[rule.count], minimum_group)
        if not small.any():
            continue
        if rule.drops:
            table = table[~small].reset_index(drop=True)
            continue
        hides = list(rule.hides) or [
            column for column in table.select_dtypes("number").columns if column not in rule.keeps
        ]
        numbers = table[hides].astype("float64").mask(small)
        # Lists are cut from the top: what is not shown comes last.
        table = table.assign(**{column: numbers[column] for column in hides})
        if name in ("products", "left_out_codes"):
            table = pd.concat([table[~small], table[small]], ignore_index=True)
    return table


def is_small(count: pd.Series, minimum_group: int) -> pd.Series:
    """Tell which groups are too small to be described; an empty group describes nobody."""
    return count.notna() & (count > 0) & (count < minimum_group)

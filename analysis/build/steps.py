"""Declare the steps of a build: what each needs, makes, and reads of the settings.

`analysis.build.runner` runs them in the order that follows from this. Tables whose names begin
with ``work/`` pass between steps only; those that begin with ``since/`` compare with the last
accepted build; all others are what the book and its users rely on. `LEDGER` stands for the cleaned
order lines, which `orders.ledger.with_ledger` opens for a step.
"""

from __future__ import annotations

from analysis.build.presentation import presenting_steps
from analysis.build.step import Step

LEDGER = ("work/lines", "work/reversals", "work/about")
PATHS = ("work/lines", "work/reversals")
LEDGER_IF_ANY = tuple(f"{name}?" for name in LEDGER)

READ = Step(
    "read and check the data",
    "analysis.build.validation:read",
    needs=("inputs", "profiles"),
    makes=(
        *LEDGER,
        "work/input_rows",
        "assumptions",
        "files",
        "rules",
        "work/regulars",
        "work/campaigns",
        "activity_typos",
        "activity_lookalikes",
        "activity_set_aside",
        "activity_joins",
        "quarantine",
    ),
    settings=(
        "files",
        "transactions",
        "activity",
        "campaigns",
        "engine",
        "report.as_of",
        "report.smallest_group",
    ),
)
ORDERS = (
    Step(
        "tables of sales",
        "analysis.orders.step:sales_tables",
        needs=(*LEDGER, "files", "rules"),
        makes=(
            "cleaning_steps",
            "completeness",
            "left_out_codes",
            "giant_reversals",
            "unusual_lines",
            "monthly",
            "recent_change",
            "week",
            "cohorts",
            "countries",
            "markets",
            "products",
            "channels",
            "no_customer_months",
            "no_customer_countries",
            "no_customer_products",
            "no_customer_code",
        ),
        settings=("engine", "transactions.home_country", "report.smallest_group"),
        paths=PATHS,
    ),
    Step(
        "lines of net sales",
        "analysis.orders.step:sales_lines",
        needs=LEDGER,
        makes=("transactions",),
        settings=("engine",),
        paths=PATHS,
    ),
    Step(
        "recency, frequency and monetary value",
        "analysis.segments.rfm_step:rfm_table",
        needs=LEDGER,
        makes=("work/rfm_values",),
        settings=("engine",),
        paths=PATHS,
    ),
    Step(
        "segments and clusters",
        "analysis.segments.cluster_step:segment_and_cluster",
        needs=(*LEDGER, "work/rfm_values", "named_segments", "reference?"),
        makes=(
            "work/segmented",
            "score_cuts",
            "segment_rules",
            "clustering",
            "cluster_centres",
            "cluster_use",
            "cluster_agreement",
        ),
        settings=("engine", "clustering", "transactions.currency", "report.smallest_group"),
        paths=PATHS,
    ),
    Step(
        "segment profiles and changes",
        "analysis.segments.profile_step:profile_segments",
        needs=(*LEDGER, "work/segmented", "cluster_centres", "named_segments", "reference?"),
        makes=(
            "segment_profiles",
            "segment_overall",
            "segment_products",
            "cluster_profiles",
            "movement",
            "segment_groups",
            "segment_flows",
            "retention",
            "segment_returns",
        ),
        settings=("engine", "transactions.home_country", "report.smallest_group"),
        paths=PATHS,
    ),
    Step(
        "forecast of lapsing",
        "analysis.forecast.lapse_step:forecast_lapse",
        needs=(*LEDGER, "work/segmented", "work/customers_coming"),
        makes=("lapse_models", "lapse_rates", "lapse_reliability", "lapse_segments"),
        settings=(
            "engine",
            "models.lapse_days",
            "transactions.home_country",
            "report.smallest_group",
        ),
        paths=PATHS,
        facts=("forecast.season_known",),
    ),
    Step(
        "growth and new customers",
        "analysis.orders.growth_step:growth_tables",
        needs=(*LEDGER, "products"),
        makes=(
            "growth",
            "revenue_tree",
            "monthly_customers",
            "cohort_revenue",
            "second_order_products",
        ),
        settings=("engine", "report.smallest_group"),
        paths=PATHS,
    ),
    Step(
        "forecast of orders and spend",
        "analysis.forecast.coming_step:forecast_customers",
        needs=(*LEDGER, "work/segmented", "named_segments"),
        makes=("work/customers_coming", "coming", "spend_models", "spend_calibration"),
        settings=("engine", "models.lapse_days", "report.smallest_group"),
        paths=PATHS,
    ),
    Step(
        "next products",
        "analysis.forecast.next_products_step:list_next_products",
        needs=(*LEDGER, "work/segmented", "products"),
        makes=("next_products", "segment_next_products", "next_product_models"),
        settings=("engine", "report.smallest_group"),
        paths=PATHS,
    ),
)
REGULARS = (
    Step(
        "tables of regular customers",
        "analysis.regulars.step:regular_tables",
        needs=("work/regulars",),
        makes=(
            "work/regulars_grouped",
            "activity_effects",
            "activity_associations",
            "activity_categories",
            "activity_distributions",
        ),
        settings=("activity.twin_columns", "report.smallest_group"),
    ),
    Step(
        "forecast of decline",
        "analysis.forecast.decline_step:forecast_decline",
        needs=("work/regulars_grouped",),
        makes=(
            "work/regulars_at_risk",
            "activity_models",
            "activity_reliability",
            "activity_leakage",
            "risk_groups",
            "risk_group_effects",
            "activity_importance",
            "activity_partial",
        ),
        settings=("models", "engine", "report.smallest_group"),
    ),
    Step(
        "contact policy",
        "analysis.strategy.step:contact_tables",
        needs=("work/regulars_at_risk", "activity_models"),
        makes=("contact_curve", "contact_scenarios"),
        settings=("contact", "engine", "report.smallest_group"),
    ),
)
CAMPAIGNS = Step(
    "past campaigns",
    "analysis.strategy.campaigns_step:measure_past_campaigns",
    needs=(*LEDGER, "work/campaigns"),
    makes=("campaigns",),
    settings=("engine", "strategy", "report.smallest_group"),
    paths=PATHS,
    reads=("data/segments.toml",),
)
ACTIONS = Step(
    "actions and their value",
    "analysis.strategy.step:plan_actions",
    needs=(
        "work/segmented?",
        "work/customers_coming?",
        "coming?",
        "segment_profiles?",
        "segment_overall?",
        "segment_returns?",
        "work/regulars_at_risk?",
        "risk_groups?",
        "risk_group_effects?",
        "contact_curve?",
        "campaigns?",
    ),
    makes=(
        "customers",
        "work/regulars_planned",
        "actions",
        "action_traits",
        "action_tornado",
        "action_budget",
        "action_experiments",
        "campaign_updates",
    ),
    settings=(
        "engine",
        "strategy",
        "contact",
        "campaigns",
        "transactions.currency",
        "report.smallest_group",
    ),
    facts=("transactions.as_of",),
    reads=("data/segments.toml",),
)
OFFERS = Step(
    "personal offers",
    "analysis.strategy.offers_step:personal_offers",
    needs=("work/regulars_planned",),
    makes=("activity", "offer_counts", "offer_conditions", "target_categories"),
    settings=("report.smallest_group",),
    reads=("data/segments.toml",),
)
WHAT_IF = Step(
    "aggregates for the what-if page",
    "analysis.strategy.what_if:write_what_if",
    needs=("actions",),
    makes=("what_if.json",),
    settings=("strategy", "transactions.currency"),
)
STEPS = (READ, *ORDERS, *REGULARS, CAMPAIGNS, ACTIONS, WHAT_IF, OFFERS, *presenting_steps())
#: Runs only where there is something to compare with. Its facts are kept apart, in ``since/``.
COMPARE = Step(
    "changes since the last release",
    "analysis.history.step:compare",
    needs=(
        "facts",
        *LEDGER_IF_ANY,
        "customers?",
        "activity?",
        "accepted",
        "noticed?",
        "named_segments",
        "reference?",
    ),
    makes=tuple(
        f"since/{name}"
        for name in (
            "changes",
            "migration",
            "noticed",
            "backtest",
            "backtest_spend",
            "backtest_products",
            "reliability_lapse",
            "reliability_decline",
            "history",
        )
    ),
    settings=("engine", "report.smallest_group"),
    paths=PATHS,
)

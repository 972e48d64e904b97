"""List the report's assumptions, and what changes if one of them fails.

Each assumption with its value, where it comes from, what rests on it, and what its failure would
change: computed wherever the build knows, and a plain sentence elsewhere. Which of them are
opinions is said: until a test has measured them, they are no findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from analysis.core.formatting import (
    amount,
    count,
    difference,
    join_words,
    money,
    percent,
    shorten,
    signed_number,
)
from analysis.core.settings import Settings
from analysis.forecast.text_decline import name
from analysis.strategy.names import COST, RATE, REACH, UPLIFT, VALUE
from analysis.strategy.text import points, write_amount

OURS = "ours"
OPINION = "our judgement, until a test measures it"
ASKED = "to be confirmed by the owner of the data"
#: Gives a table of the build, which is empty where there is none.
Tables = Callable[[str], pd.DataFrame]


class Assumption(NamedTuple):
    """One assumption.

    Attributes
    ----------
    name
        What is assumed.
    value
        In this build.
    source
        Where it comes from.
    cites
        Keys of the bibliography.
    settings
        Where it can be changed.
    rests
        Labels of the sections that rest on it.
    fails
        What would change if it failed.
    """

    name: str
    value: str
    source: str
    cites: tuple[str, ...]
    settings: str
    rests: tuple[str, ...]
    fails: str


def assumption_table(
    facts: Mapping[str, Any],
    actions: pd.DataFrame | None,
    action_tornado: pd.DataFrame | None,
    segment_returns: pd.DataFrame | None,
    activity_leakage: pd.DataFrame | None,
    contact_scenarios: pd.DataFrame | None,
    settings: Settings,
) -> list[Assumption]:
    """Return the assumptions of a build, for the appendix; a section declares this step."""
    given = {
        "actions": actions,
        "action_tornado": action_tornado,
        "segment_returns": segment_returns,
        "activity_leakage": activity_leakage,
        "contact_scenarios": contact_scenarios,
    }
    there = {name: table for name, table in given.items() if table is not None}
    return assumptions(facts, settings, lambda name: there.get(name, pd.DataFrame()))


def assumptions(facts: Mapping[str, Any], settings: Settings, tables: Tables) -> list[Assumption]:
    """Return the assumptions of those parts of the report that are there, in its order.

    Parameters
    ----------
    facts
        Of the build.
    settings
        Of the build.
    tables
        Of the build, by name.
    """
    found = [_small_groups(settings)]
    if facts["transactions.available"]:
        found += [*_cleaning(facts, settings), *_segments(facts, settings)]
        if facts.get("lapse.available"):
            found += _lapse(facts, settings, tables)
        found += _expected_value(facts, settings, tables)
    if facts["activity.available"]:
        found += _regulars(facts, settings)
        if facts.get("activity.model"):
            found += [*_model(facts, settings, tables), *_contact(facts, settings, tables)]
    return found


def _small_groups(settings: Settings) -> Assumption:
    return Assumption(
        "Groups below a minimum size would describe single persons",
        f"fewer than {count(settings.report.smallest_group, 'customer')}",
        OURS,
        (),
        "report",
        ("sec-checks",),
        "A larger limit hides more groups and changes no other figure.",
    )


# ------------------------------------------------------------------------- the ledger


def _cleaning(facts: Mapping[str, Any], settings: Settings) -> Iterator[Assumption]:
    given = settings.transactions

    def pounds(value: float) -> str:
        return money(value, given.currency)

    guests = facts["transactions.missing_customer_rows"] / facts["transactions.raw_rows"]
    yield Assumption(
        "Order lines without a customer are left out",
        f"{percent(guests, 1)} of order lines",
        OURS,
        (),
        "",
        ("sec-cleaning",),
        "If they come from other kinds of customers, the whole shop differs from the report.",
    )
    copies = facts["transactions.rung1_rows"] - facts["transactions.rung2_rows"]
    twice = facts["transactions.rung1_revenue"] - facts["transactions.rung2_revenue"]
    yield Assumption(
        "Identical order lines are copies of one",
        count(copies, "line"),
        OURS,
        (),
        "",
        ("sec-cleaning",),
        f"If each were a purchase, revenue would be {pounds(twice)} higher.",
    )
    if facts["transactions.has_stock_code"]:
        codes = facts["transactions.no_product_revenue"]
        share = percent(codes / facts["transactions.rung4_revenue"], 1)
        yield Assumption(
            "Only stock codes of a certain form are products",
            join_words(given.product_codes, "or"),
            OURS,
            (),
            "transactions",
            ("sec-codes",),
            f"The lines left out add up to {pounds(codes)}, {share} of sales before this step.",
        )
    if facts["transactions.has_invoice"]:
        back = facts["transactions.reversals_revenue"]
        share = percent(back / facts["transactions.net_revenue"], 1)
        yield Assumption(
            "A cancellation removes the purchase with the same customer, product, price and "
            "quantity",
            f"numbers that begin with {given.cancellation_prefix}; "
            f"{count(facts['transactions.reversals'], 'purchase')} removed",
            OURS,
            (),
            "transactions",
            ("sec-cleaning",),
            f"If none were removed, net sales would be {pounds(back)} ({share}) higher: cancelled "
            "orders would count as sales.",
        )
    yield Assumption(
        "All measures refer to the as-of date",
        str(facts["transactions.as_of"]),
        "set in the settings" if settings.report.as_of else "the day after the last transaction",
        (),
        "report",
        ("sec-scores", "sec-lapse"),
        "A later date adds the same days to every customer's recency and changes no score; but "
        "days without data would count as days without orders.",
    )


def _segments(facts: Mapping[str, Any], settings: Settings) -> Iterator[Assumption]:
    once = facts["rfm.one_order_customers"] / facts["rfm.customers"]
    yield Assumption(
        "Quintiles of recency, orders and spend, on net sales, separate customers",
        "five scores each; equal values have equal scores",
        "the usual method",
        ("hughes1994",),
        "",
        ("sec-scores",),
        f"Other limits move customers near them into the next segment. {percent(once)} of "
        "customers ordered once, and no limit separates them by orders.",
    )
    rand = facts["clustering.segments_rand"]
    yield Assumption(
        "Segments are useful divisions, not natural kinds of customers",
        f"rules in data/segments.toml; agreement with clusters {rand:.2f} (1: the same cuts, 0: "
        "chance)",
        OURS,
        (),
        "",
        ("sec-segments", "sec-strategy"),
        "If there were distinct kinds of customers, segments along them would serve better. "
        + (
            "Data without any kinds look much like this."
            if facts.get("clustering.structure") != "kinds"
            else "There is more structure than in data without groups: see the clusters."
        ),
    )
    if facts.get("clustering.k"):
        plain, null = facts["clustering.silhouette"], facts["clustering.null_silhouette"]
        yield Assumption(
            "Clusters are chosen for stability and use",
            f"{count(facts['clustering.k'], 'cluster')}, "
            f"{count(settings.clustering.resamples, 'resample')}",
            "a rule fixed in advance",
            ("tibshirani2001", "hennig2007"),
            "clustering",
            ("sec-chosen",),
            f"The silhouette is {plain:.2f}, and {null:.2f} in data without groups. No part of "
            "the strategy uses the clusters.",
        )


def _lapse(facts: Mapping[str, Any], settings: Settings, tables: Tables) -> Iterator[Assumption]:
    days = count(settings.models.lapse_days, "day")
    yield Assumption(
        "Customers without an order for a certain time have stopped ordering",
        days,
        OURS,
        (),
        "models",
        ("sec-lapse", "sec-worth-ledger"),
        "With a longer time fewer customers count as lost, and fewer past dates remain to learn "
        "from; a customer who orders once a year counts as lost for most of the year.",
    )
    ends = [percent(facts[f"lapse.rate_{end}"]) for end in ("lowest", "highest")]
    starts = [*facts["lapse.training_dates"].split(", "), facts["lapse.test_date"]]
    yield Assumption(
        "The next quarter is like those that the model learned from",
        f"{count(len(starts), 'period')} of {days}, the first from {starts[0]} on, "
        f"the last from {starts[-1]} on",
        OURS,
        (),
        "",
        ("sec-lapse",),
        f"In the past, {' to '.join(dict.fromkeys(ends))} of active customers stopped ordering. "
        "The level may be wrong by as much; the ranking of customers suffers less.",
    )


def _expected_value(
    facts: Mapping[str, Any], settings: Settings, tables: Tables
) -> Iterator[Assumption]:
    given, sign = settings.strategy, settings.transactions.currency
    actions = _rows_of(tables("actions"), "ledger")
    if actions.empty or not actions["rank"].notna().any():
        return
    top = actions.sort_values("rank").iloc[0]
    moved = _tornado(tables, "ledger", str(top["segment"]))
    where = ("sec-worth-ledger", "sec-budget-ledger")

    def span(low: float, likely: float, high: float) -> str:
        return f"{percent(likely)} ({percent(low)} to {percent(high)})"

    def swing(assumption: str) -> str:
        return _swing(moved, assumption, "ledger", sign, str(top["segment"]))

    known = actions["uplift"].dropna()
    even = (
        f"For '{shorten(top['segment'])}' an uplift below {points(top['break_even_uplift'])} would "
        f"lose money, and {points(top['uplift'])} are assumed. "
        if pd.notna(top["break_even_uplift"])
        else ""
    )
    yield Assumption(
        "A contact changes what some customers do (uplift)",
        f"{points(known.min())} to {points(known.max())}, by action",
        OPINION,
        (),
        "data/segments.toml",
        (*where, "sec-trials-ledger"),
        f"{even}{swing(UPLIFT)}",
    )
    yield Assumption(
        "Each customer won back spends the segment's median",
        "the median of customers who ordered",
        "robust to a few large customers",
        ("maritz1978",),
        "",
        where,
        f"{swing(VALUE)}{_compare_with_mean(tables('segment_returns'), str(top['segment']), sign)}",
    )
    yield Assumption(
        "The share of sales that is profit (margin)",
        span(given.margin.low, given.margin.likely, given.margin.high),
        OPINION,
        (),
        "strategy",
        where,
        swing(RATE),
    )
    yield Assumption(
        "The share of a segment that can be contacted (reach)",
        span(given.reach.low, given.reach.likely, given.reach.high),
        f"{OPINION}, for customers whose consent is not known",
        (),
        "strategy",
        where,
        f"{swing(REACH)} If the customers who can be reached differ from the rest, all values "
        "shift.",
    )
    costs = actions["cost_per_contact"].dropna()
    yield Assumption(
        "What a contact costs, with its offer",
        f"{' to '.join(write_amount(end, 'ledger', sign) for end in (costs.min(), costs.max()))}"
        f", by action; wrong by a factor of {given.wrong_by:g} at most",
        OPINION,
        (),
        "data/segments.toml",
        where,
        swing(COST),
    )
    told = facts.get("strategy.ledger.detectable")
    yield Assumption(
        "Customers decide independently, and a test may take a year",
        f"level {given.alpha:g}, power {percent(given.power)}, "
        f"{count(given.most_waves, 'quarter')}",
        "convention",
        ("cohen1988", "holm1979"),
        "strategy",
        ("sec-trials-ledger",),
        "If customers talk to each other, or take part several times, a test shows less than "
        "planned" + (f": at best {points(told)} for all actions that pay." if told else "."),
    )


def _compare_with_mean(past: pd.DataFrame, segment: str, currency: str) -> str:
    """Say what the mean of those who came would be, beside the median."""
    own = past[past["segment"] == segment] if len(past) else past
    if own.empty or own[["spend", "spend_mean"]].isna().any(axis=None):
        return ""
    usual, mean = (money(float(own[name].iloc[0]), currency) for name in ("spend", "spend_mean"))
    return f" Customers who ordered spent a median of {usual} and a mean of {mean}."


# ------------------------------------------------------------------------- the regular customers


def _regulars(facts: Mapping[str, Any], settings: Settings) -> Iterator[Assumption]:
    aside = facts["activity.impossible_revenue_customers"]
    yield Assumption(
        "A revenue far above all others is an error",
        f"over {settings.activity.impossible_revenue:g} times the 99th percentile of its month; "
        f"{count(aside, 'customer')}",
        OURS,
        (),
        "activity",
        ("sec-tables",),
        "If it were real, one customer would outweigh many others in every sum of revenue."
        if aside
        else "No customer is left out because of it now.",
    )
    yield Assumption(
        "The outcome was recorded after the months shown",
        "the tables do not say when",
        ASKED,
        (),
        "",
        ("sec-decline", "sec-worth-activity"),
        "If it were derived from these months, the model would describe the past and forecast "
        "nothing, and no value for regular customers would hold.",
    )


def _model(facts: Mapping[str, Any], settings: Settings, tables: Tables) -> Iterator[Assumption]:
    leakage = tables("activity_leakage")
    near_duplicates = leakage[leakage["mistake"] == "near_duplicates"] if len(leakage) else leakage
    most = near_duplicates.sort_values("added").iloc[-1] if len(near_duplicates) else None
    yield Assumption(
        "Near-duplicates are one customer twice, or agree by more than chance",
        f"{settings.activity.twin_columns} equal columns or more: "
        f"{count(facts['activity.duplicate_pairs'], 'pair')}, kept in the same fold",
        OURS,
        (),
        "activity",
        ("sec-flatter",),
        "If they were split between training and testing, a model would look better"
        + (
            "."
            if most is None
            else f", by {signed_number(most['added'])} of ROC-AUC at most ({name(most['model'])})."
        ),
    )
    yield Assumption(
        "The customer number is not a feature",
        f"alone it has a ROC-AUC of {facts['activity.id_auc']:.2f} (0.5: chance)",
        OURS,
        (),
        "",
        ("sec-flatter",),
        "A model with the number would know the order of the file and nothing of new customers.",
    )
    yield Assumption(
        "Calibrated risks can be read as probabilities",
        f"calibration: {facts.get('activity.calibration', 'none')}",
        "fitted inside the training folds",
        ("platt1999", "zadrozny2002"),
        "",
        ("sec-calibration",),
        f"{percent(facts['activity.mean_probability'], 1)} are expected to buy less, and "
        f"{percent(facts['activity.kept_declined_share'], 1)} did."
        " Wrong risks would put the contact cut-off in the wrong place.",
    )
    yield Assumption(
        "High risk begins at a fixed limit",
        percent(settings.models.high_risk),
        OURS,
        (),
        "models",
        ("sec-risk-groups",),
        "Another limit gives other groups; it does not decide whom it pays to contact.",
    )


def _contact(facts: Mapping[str, Any], settings: Settings, tables: Tables) -> Iterator[Assumption]:
    given = settings.contact
    cases = tables("contact_scenarios")
    actions = _rows_of(tables("actions"), "activity")
    where = ("sec-contact", "sec-worth-activity")

    def case(times: str) -> str:
        rows = cases[cases["scenario"] == times] if len(cases) else cases
        if rows.empty:
            return "No customer can be contacted now, so nothing depends on it."
        row = rows.iloc[0]
        lost = amount(difference(row["expected"], row["kept_threshold"]))
        return (
            f"If {times}, the best profit is {amount(row['expected'])} units of the profit table, "
            f"and keeping the chosen cut-off loses {lost} of it."
        )

    yield Assumption(
        "The share of customers who would buy less that a contact keeps",
        f"{percent(given.save_rate)} ({percent(given.save_rate_low)} to "
        f"{percent(given.save_rate_high)})",
        OPINION,
        (),
        "contact",
        (*where, "sec-trials-activity"),
        case("a contact keeps half as many"),
    )
    yield Assumption(
        "What a contact costs regular customers' profit",
        f"{given.cost:g} units of the profit table",
        OPINION,
        (),
        "contact",
        where,
        case("a contact costs twice"),
    )
    ranked = actions[actions["rank"].notna()].sort_values("rank") if len(actions) else actions
    at_stake = "It scales every value for regular customers."
    if len(ranked):
        segment = str(ranked["segment"].iloc[0])
        moved = _tornado(tables, "activity", segment)
        at_stake = f"{at_stake} {_swing(moved, RATE, 'activity', '', segment)}"
    yield Assumption(
        "What is at stake when a customer buys less",
        f"{percent(given.profit_lost)} of the profit, for {count(given.months, 'month')}",
        OPINION,
        (),
        "contact",
        where,
        at_stake,
    )


# ------------------------------------------------------------------------- what a range moves


def _rows_of(table: pd.DataFrame, half: str) -> pd.DataFrame:
    return table[table["half"] == half] if len(table) else table


def _tornado(tables: Tables, half: str, segment: str) -> pd.DataFrame:
    own = _rows_of(tables("action_tornado"), half)
    return own[own["segment"] == segment] if len(own) else own


def _swing(moved: pd.DataFrame, assumption: str, half: str, currency: str, segment: str) -> str:
    """Say between what the expected profit of the first action lies over a range."""
    row = moved[moved["assumption"] == assumption] if len(moved) else moved
    if row.empty or not row["swing"].iloc[0] > 0:
        return f"It has no range of its own for '{shorten(segment)}'."
    ends = sorted([float(row["profit_low"].iloc[0]), float(row["profit_high"].iloc[0])])
    low, high = (write_amount(end, half, currency, unit="") for end in ends)
    unit = "" if half == "ledger" else " units of the profit table"
    turns = ", which decides between profit and loss" if ends[0] < 0 < ends[1] else ""
    return (
        f"Over its range the action for '{shorten(segment)}' brings {low} to {high}{unit}{turns}."
    )

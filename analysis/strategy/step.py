"""Decide whom to contact, and what that is worth: steps of the build."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.segments.rules import read_segments
from analysis.strategy import contact_policy
from analysis.strategy.plan import date_actions, read_plan
from analysis.strategy.tables import strategy


def contact_tables(
    regulars_at_risk: pd.DataFrame,
    activity_models: pd.DataFrame,
    settings: Settings,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return what contacting regular customers brings at each cut-off of their risk."""
    people, terms = regulars_at_risk, settings.contact
    risk = people["decline_probability"].to_numpy()
    smallest = settings.report.smallest_group
    curve = contact_policy.contact_curve(people, risk, terms, settings.engine.seed, smallest)
    tables = {
        "contact_curve": curve,
        "contact_scenarios": contact_policy.contact_scenarios(people, risk, terms),
    }
    return tables, contact_policy.contact_facts(curve, terms)


def plan_actions(
    segmented: pd.DataFrame | None,
    customers_coming: pd.DataFrame | None,
    coming: pd.DataFrame | None,
    segment_profiles: pd.DataFrame | None,
    segment_overall: pd.DataFrame | None,
    segment_returns: pd.DataFrame | None,
    regulars_at_risk: pd.DataFrame | None,
    risk_groups: pd.DataFrame | None,
    risk_group_effects: pd.DataFrame | None,
    contact_curve: pd.DataFrame | None,
    campaigns: pd.DataFrame | None,
    as_of: str | None,
    settings: Settings,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return the actions and their value, and the customers with all that is known of them.

    Parameters
    ----------
    segmented, customers_coming, coming, segment_profiles, segment_overall, segment_returns
        Of the customers of the orders; None without orders.
    regulars_at_risk, risk_groups, risk_group_effects, contact_curve
        Of the regular customers; None without them, or without a model.
    campaigns
        What past campaigns achieved; None where none was measured.
    as_of
        The report's date; None where only undated tables came.

    Returns
    -------
    tuple
        As `strategy.tables.strategy`, with ``work/regulars_planned`` for ``activity``; this and
        ``customers`` are there whenever their input is.
    """
    given: dict[str, pd.DataFrame | None] = {
        "customers": segmented,
        "coming": coming,
        "segment_profiles": segment_profiles,
        "segment_overall": segment_overall,
        "segment_returns": segment_returns,
        "activity": regulars_at_risk,
        "risk_groups": risk_groups,
        "risk_group_effects": risk_group_effects,
        "contact_curve": contact_curve,
        "campaigns": campaigns,
    }
    tables = {name: table for name, table in given.items() if table is not None}
    if customers_coming is not None:
        tables["customers"] = tables["customers"].merge(
            customers_coming, on="customer_id", validate="1:1"
        )
    plan = date_actions(read_plan(read_segments()), dt.date.fromisoformat(as_of) if as_of else None)
    made, facts = strategy(tables, plan, settings)
    people = {name: tables[name] for name in ("customers", "activity") if name in tables}
    every = people | made
    names = {"activity": "work/regulars_planned"}
    return {names.get(name, name): table for name, table in every.items()}, facts

"""Forecast which regular customers will buy less: a step of the build."""

from __future__ import annotations

import pandas as pd

from analysis.core.files import Fact
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.forecast import decline, importance, risk_groups


def forecast_decline(
    regulars_grouped: pd.DataFrame, settings: Settings, progress: Steps
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return each regular customer's risk, how good the model is, and what it depends on.

    Parameters
    ----------
    regulars_grouped
        From `regulars.step`.
    """
    seed, minimum_group = settings.engine.seed, settings.report.smallest_group
    customers = regulars_grouped
    found = decline.read_decline(
        customers, customers["duplicate_group"], settings.models, seed, progress.step
    )
    customers = customers.assign(decline_probability=found.probability)
    customers["risk_group"] = risk_groups.assign(
        customers, found.probability, settings.models.high_risk
    )
    tables = {"work/regulars_at_risk": customers}
    facts = {**found.facts, **decline.label_facts(customers)}
    if not found.model:
        return tables, facts
    groups = risk_groups.risk_groups(customers, seed, minimum_group)
    tables |= {
        "activity_models": found.models,
        "activity_reliability": found.reliability,
        "activity_leakage": found.leakage,
        "risk_groups": groups,
        "risk_group_effects": risk_groups.group_effects(customers, minimum_group),
    }
    with progress.step("explain the chosen model"):
        tables |= importance.explain(
            customers, found, 1 / settings.models.folds, minimum_group, seed
        )
    return tables, {**facts, **risk_groups.risk_facts(groups)}

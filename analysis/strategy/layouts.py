"""Set the tables of the strategy: the value of actions, and the tests that would measure it.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
Orders and regular customers share their words, and never a table.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import capital, count, estimate, percent
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid, with_range
from analysis.strategy.names import ENOUGH, NEVER, TOGETHER, TOO_SMALL
from analysis.strategy.text import bare_points, enough_customers, joint_test, of, write_amount

say = partial(fill, "strategy")


def action_values(actions: pd.DataFrame, currency: str) -> Table | None:
    """Set what the values of the segments' actions are made of."""
    return _values(actions, LEDGER, currency)


def group_values(actions: pd.DataFrame) -> Table | None:
    """Set what the values of the regular customers' actions are made of."""
    return _values(actions, ACTIVITY, "")


def _values(actions: pd.DataFrame, half: str, currency: str) -> Table | None:
    own = of(actions, half)
    rows = own[own["rank"].notna()] if len(own) else own
    if rows.empty:
        return None
    rows = rows.sort_values("expected_profit", ascending=False, kind="stable")
    label = "action-values" if half == LEDGER else "group-values"

    def write(value: float) -> str:
        return estimate(value, currency)

    def cells(name: str, low: str, high: str, form: Any) -> list[str]:
        ends = zip(rows[name], rows[low], rows[high], strict=True)
        return [with_range(*one, write=form) for one in ends]

    shown = pd.DataFrame(
        {
            "segment": [capital(str(name)) for name in rows["segment"]],
            "profit": cells("expected_profit", "low", "high", write),
            "contacts": [count(number) for number in rows["contacts"]],
            "cost": [
                write_amount(value, half, currency, unit="") for value in rows["cost_per_contact"]
            ],
            "uplift": cells("uplift", "uplift_low", "uplift_high", bare_points),
            "even": [
                MISSING if pd.isna(value) else bare_points(value)
                for value in rows["break_even_uplift"]
            ],
            "one": cells(
                "value_per_customer",
                "value_per_customer_low",
                "value_per_customer_high",
                write,
            ),
        }
    )
    names = {
        "segment": say("values.column-segment"),
        "profit": say("values.column-profit"),
        "contacts": say("values.column-contacts"),
        "cost": say("values.column-cost"),
        "uplift": say("values.column-uplift"),
        "even": say("values.column-even"),
        "one": say("values.column-won") if half == LEDGER else say("values.column-kept"),
    }
    return Table(
        grid(shown, label, names, right=[*names][1:]),
        say("values.caption") if half == LEDGER else say("values.caption-units"),
        data=own.drop(columns="shown", errors="ignore"),
    )


def action_tests(
    action_experiments: pd.DataFrame, actions: pd.DataFrame, settings: Any
) -> Table | str | None:
    """Set the tests that would measure the segments' actions."""
    return _tests(action_experiments, actions, LEDGER, settings.strategy)


def group_tests(
    action_experiments: pd.DataFrame, actions: pd.DataFrame, settings: Any
) -> Table | str | None:
    """Set the tests that would measure the regular customers' actions."""
    return _tests(action_experiments, actions, ACTIVITY, settings.strategy)


def _tests(
    experiments: pd.DataFrame, actions: pd.DataFrame, half: str, assumed: Any
) -> Table | str | None:
    own = of(actions, half)
    if own.empty:
        return None
    rows = of(experiments, half)
    if rows.empty:
        return say("tests.none")
    label = "action-tests" if half == LEDGER else "group-tests"
    answers = {
        ENOUGH: say("tests.cell-enough"),
        TOO_SMALL: say("tests.cell-small"),
        NEVER: say("tests.cell-never"),
    }
    together = say("tests.cell-together")
    shown = pd.DataFrame(
        {
            "segment": [
                together if name == TOGETHER else capital(str(name)) for name in rows["segment"]
            ],
            "base": [percent(value) for value in rows["base"]],
            "uplift": [bare_points(value) for value in rows["uplift"]],
            "detectable": [
                MISSING if pd.isna(value) else bare_points(value) for value in rows["detectable"]
            ],
            "verdict": [answers.get(verdict, MISSING) for verdict in rows["verdict"]],
        }
    )
    names = {
        "segment": say("tests.column-segment"),
        "base": say("tests.column-base") if half == LEDGER else say("tests.column-base-group"),
        "uplift": say("tests.column-uplift"),
        "detectable": say("tests.column-detectable", count=assumed.most_waves),
        "verdict": say("tests.column-verdict"),
    }
    rule = (
        say("tests.said-rule", level=f"{assumed.alpha:g}")
        if half == LEDGER
        else say("tests.said-rule-group", level=f"{assumed.alpha:g}")
    )
    said = enough_customers(rows[rows["segment"] != TOGETHER]) | {"said-rule": rule}
    if joint := joint_test(rows, own, assumed.most_waves):
        said["said-joint"] = joint
    return Table(
        grid(shown, label, names, right=["base", "uplift", "detectable"]),
        say("tests.caption", level=f"{assumed.alpha:g}", power=percent(assumed.power)),
        more=said,
        data=rows,
    )

"""Set the tables of the strategy: the value of actions, and what control groups can show of it.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
Orders and regular customers share their words, and never a table.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import (
    bare_points,
    capital,
    count,
    estimate,
    percent,
    shorten,
    without_full_stop,
)
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid, with_range
from analysis.strategy.names import TOGETHER
from analysis.strategy.text import control_sentences, list_names, of, write_amount

say = partial(fill, "strategy")


def action_plan(actions: pd.DataFrame) -> Table | str | None:
    """Set the plan for segments, for print: the web has a card for each."""
    return _plan(actions, LEDGER)


def group_plan(actions: pd.DataFrame) -> Table | str | None:
    """Set the plan for regular customers, for print."""
    return _plan(actions, ACTIVITY)


def _plan(actions: pd.DataFrame, half: str) -> Table | str | None:
    own = of(actions, half)
    if own.empty:
        return None
    rows, left = own[own["listed"] > 0], own[(own["listed"] == 0) & own["shown"]]
    said = {}
    if len(left):
        names = list_names(left["segment"])
        said["said-left"] = say("plan-table.said-left", count=len(left), names=names)
    if rows.empty:
        return say("plan-table.none")
    shown = pd.DataFrame(
        {
            "segment": [capital(shorten(name)) for name in rows["segment"]],
            "listed": [f"{number:,}" for number in rows["listed"]],
            "action": [
                say(
                    "plan-table.cell-action",
                    action=without_full_stop(action),
                    offer=without_full_stop(offer),
                )
                for action, offer in zip(rows["action"], rows["offer"], strict=True)
            ],
            "owner": [
                say("plan.owner", owner=without_full_stop(owner), timing=without_full_stop(timing))
                for owner, timing in zip(rows["owner"], rows["timing"], strict=True)
            ],
            "verdict": list(rows["verdict"]),
        }
    )
    headings = {
        "segment": say("plan-table.column-segment"),
        "listed": say("plan-table.column-listed"),
        "action": say("plan-table.column-action"),
        "owner": say("plan-table.column-owner"),
        "verdict": say("plan-table.column-verdict"),
    }
    label = "action-plan" if half == LEDGER else "group-plan"
    widths = {"segment": "14%", "listed": "8%", "action": "42%", "owner": "24%", "verdict": "12%"}
    return Table(
        grid(shown, label, headings, right=["listed"]).cols_width(widths),
        say("plan-table.caption"),
        more=said,
        data=own.drop(columns="shown", errors="ignore"),
    )


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
            "share": [
                MISSING if pd.isna(share) else percent(share, 1)
                for share in rows["expected_profit"] / rows["revenue"].where(rows["revenue"] > 0)
            ],
            "contacts": [count(number) for number in rows["contacts"]],
            "cost": [
                write_amount(value, half, currency, unit="") for value in rows["cost_per_contact"]
            ],
            "uplift": cells("uplift", "uplift_low", "uplift_high", bare_points),
            "even": [
                MISSING if pd.isna(value) else bare_points(value)
                for value in rows["break_even_uplift"]
            ],
        }
    )
    if half == LEDGER:
        shown["offer"] = [
            MISSING if pd.isna(value) else write_amount(value, half, currency)
            for value in rows["highest_offer_cost"]
        ]
    names = {
        "segment": say("values.column-segment"),
        "profit": say("values.column-profit"),
        "share": (
            say("values.column-share") if half == LEDGER else say("values.column-share-units")
        ),
        "contacts": say("values.column-contacts"),
        "cost": say("values.column-cost"),
        "uplift": say("values.column-uplift"),
        "even": say("values.column-even"),
    }
    if half == LEDGER:
        names["offer"] = say("values.column-offer")
    return Table(
        grid(shown, label, names, right=[*names][1:]),
        say("values.caption") if half == LEDGER else say("values.caption-units"),
        data=own.drop(columns="shown", errors="ignore"),
    )


def action_tests(
    action_experiments: pd.DataFrame, actions: pd.DataFrame, currency: str, settings: Any
) -> Table | str | None:
    """Set what the control groups of the segments' actions can show."""
    return _tests(action_experiments, actions, LEDGER, currency, settings.strategy)


def group_tests(
    action_experiments: pd.DataFrame, actions: pd.DataFrame, settings: Any
) -> Table | str | None:
    """Set what the control groups of the regular customers' actions can show."""
    return _tests(action_experiments, actions, ACTIVITY, "", settings.strategy)


def _tests(
    experiments: pd.DataFrame, actions: pd.DataFrame, half: str, currency: str, assumed: Any
) -> Table | str | None:
    own, rows = of(actions, half), of(experiments, half)
    if own.empty:
        return None
    if rows.empty:
        return say("tests.none")
    label = "action-tests" if half == LEDGER else "group-tests"
    together = say("tests.cell-together")
    shown = pd.DataFrame(
        {
            "segment": [
                together if name == TOGETHER else capital(str(name)) for name in rows["segment"]
            ],
            "base": [percent(value) for value in rows["base"]],
            "expected": [bare_points(value) for value in rows["expected"]],
            "detectable": [
                MISSING if pd.isna(value) else bare_points(value) for value in rows["detectable"]
            ],
            "decided": [
                MISSING if pd.isna(value) else percent(value) for value in rows["chance_decided"]
            ],
        }
    )
    names = {
        "segment": say("tests.column-segment"),
        "base": say("tests.column-base") if half == LEDGER else say("tests.column-base-group"),
        "expected": say("tests.column-expected"),
        "detectable": say("tests.column-detectable", count=assumed.most_waves),
        "decided": say("tests.column-decided"),
    }
    return Table(
        grid(shown, label, names, right=[*names][1:]),
        say(
            "tests.caption",
            interval=percent(1 - assumed.alpha),
            level=f"{assumed.alpha:g}",
            power=percent(assumed.power),
        ),
        more=control_sentences(rows, own, half, currency, assumed),
        data=rows,
    )

"""Test the declared steps of the build: what depends on what, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.build.keys import select_settings, sources
from analysis.build.step import Step, sort_steps
from analysis.build.steps import COMPARE, READ, STEPS
from analysis.core.paths import ROOT
from analysis.core.settings import Settings

ALL = (*STEPS, COMPARE)
COMPUTING = tuple(step for step in ALL if not step.kind)
#: Steps that fit a model or look for clusters.
LONG = ("segments and clusters", "forecast of lapsing", "forecast of decline")


def code(step: Step) -> set[str]:
    return set(sources(step.run.partition(":")[0], ROOT))


def after(name: str) -> set[str]:
    """Return the steps that need a step's tables, and those that need theirs."""
    found = {name}
    computing = [step for step in COMPUTING if step is not COMPARE]
    for step in sort_steps(computing):
        makers = {other.name for other in computing if set(other.makes) & set(step.inputs)}
        if makers & found:
            found.add(step.name)
    return found


def test_reading_comes_first_comparing_then_and_presenting_last() -> None:
    order = sort_steps(ALL)
    assert order[0] is READ
    assert order[len(COMPUTING) - 1] is COMPARE
    assert all(step.kind for step in order[len(COMPUTING) :])


@pytest.mark.parametrize("step", COMPUTING, ids=lambda step: step.name)
def test_no_step_that_computes_depends_on_sentences_pictures_or_chapters(step: Step) -> None:
    spoken = ("text", "figures", "layouts", "presentation", "sentences")
    assert {path for path in code(step) if Path(path).name.startswith(spoken)} == set()
    assert not any(path.startswith(("report/", "analysis/release/")) for path in code(step))


@pytest.mark.parametrize("step", ALL, ids=lambda step: step.name)
def test_the_settings_that_a_step_names_exist(step: Step, settings: Settings) -> None:
    assert set(select_settings(settings.model_dump(mode="json"), step.settings)) == set(
        step.settings
    )


def test_the_plan_of_actions_refits_no_model() -> None:
    for module in ("analysis/strategy/value.py", "analysis/strategy/tables.py"):
        touched = {step.name for step in STEPS if module in code(step)}
        assert touched
        for name in touched:
            assert not after(name) & set(LONG)


def test_a_parameter_of_the_models_of_decline_touches_nothing_of_the_orders() -> None:
    touched = {step.name for step in STEPS if {"models", "models.folds"} & set(step.settings)}
    # The table of candidates says how often they were tried, and computes nothing.
    assert touched == {"forecast of decline", "table decline-candidates"}
    assert after("forecast of decline") == {
        "forecast of decline",
        "contact policy",
        "actions and their value",
        "aggregates for the what-if page",
        "personal offers",
    }

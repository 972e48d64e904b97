"""Test the sentences, figures and tables of the decline model, on typical and extreme tables."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core import formatting
from analysis.core.plotting import draw
from analysis.core.presentation import Figure, Table
from analysis.forecast import decline, figures_decline, layouts, text_decline
from analysis.forecast.names import GROUPS
from analysis.ingest.sample_orders import HOSTILE
from analysis.stats.names import CONSTANT

EMPTY = pd.DataFrame()
NAMES = [CONSTANT, "logistic regression", "decision tree", "random forest"]
GIVEN: Any = SimpleNamespace(models=SimpleNamespace(folds=5, repeats=3, high_risk=0.5))


def figure(made: Figure | str | None) -> Figure:
    """Return a figure that was not refused."""
    assert isinstance(made, Figure), made
    return made


def said(made: Table | Figure | None) -> dict[str, str]:
    """Return the sentences that come with a table or a figure."""
    assert made is not None
    return dict(made.more or {})


def candidates(areas: list[float], reach: float = 0.02) -> pd.DataFrame:
    """Return a table as `stats.evaluation.comparison` makes it, chosen by its rule."""
    roc = np.array(areas)
    behind = roc.max() - roc
    table = pd.DataFrame({"model": NAMES[-len(areas) :], "roc_auc": roc, "behind": behind})
    for column in ("roc_auc", "behind"):
        ends = np.where(table[column] == 0, 0, reach)
        table[f"{column}_low"], table[f"{column}_high"] = table[column] - ends, table[column] + ends
    table["brier"], table["brier_low"], table["brier_high"] = 1 - roc, 0.9 - roc, 1.1 - roc
    # Probabilities may fit best where customers are not ranked best.
    table["log_loss"] = np.abs(roc - 0.8)
    table["log_loss_low"], table["log_loss_high"] = table["log_loss"], table["log_loss"]
    return decline.mark_roles(table)


areas = st.lists(st.integers(450, 999).map(lambda x: x / 1000), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(areas)
def test_the_choice_agrees_with_its_table(values: list[float]) -> None:
    table = candidates(values)
    best = table.iloc[int(table["roc_auc"].to_numpy().argmax())]
    chosen = table[table["chosen"]].iloc[0]
    told = said(layouts.decline_candidates(table, GIVEN))
    if best["model"] == CONSTANT:
        assert told["said"].startswith("No candidate ranks customers better")
        return
    # A share that is not whole must not be rounded to all pairs.
    right = formatting.share_of_hundred(best["roc_auc"])
    assert (
        f"({best['model']}) ranks the riskier of two customers correctly {right} " in told["said"]
    )
    if len(values) > 1:
        same = chosen["model"] == best["model"]
        assert ("also has the lowest log loss" in told["choice"]) == same
        assert (
            f"The risks come from {text_decline.name(chosen['model'])}" in told["choice"]
        ) != same


def test_roc_auc_is_put_in_words() -> None:
    told = said(layouts.decline_candidates(candidates([0.5, 0.9, 0.8]), GIVEN))
    assert told["said"] == (
        "The best candidate by ROC-AUC (decision tree) ranks the riskier of two customers "
        "correctly 90 times in 100, likely between 88 and 92; guessing would be right 50 times."
    )
    unknown = candidates([0.9, 0.8]).assign(roc_auc_low=np.nan, roc_auc_high=np.nan)
    assert "likely" not in said(layouts.decline_candidates(unknown, GIVEN))["said"]
    assert layouts.decline_candidates(EMPTY, GIVEN) is None


def test_the_table_of_candidates_has_intervals_and_marks_the_choice() -> None:
    made = layouts.decline_candidates(candidates([0.9, 0.95, 0.8]), GIVEN)
    assert made is not None
    html = made.table.as_raw_html()
    assert (
        "Decision tree (best ROC-AUC)" in html
        and html.count("(gives the risks)") == 1
        and "0.950 (0.930 to 0.970)" in html
    )
    assert made.caption and "3 random partitions into 5 parts" in made.caption


@pytest.mark.parametrize(
    ("declined", "word"), [(0.14, "not a fall in revenue"), (-0.2, "matches a fall")]
)
def test_the_label_is_held_against_the_revenue(declined: float, word: str) -> None:
    told = text_decline.decline_label(declined, 0.025, 0.77)
    assert told and word in told["said"] and "+2.5%" in told["said"]
    assert text_decline.decline_label(None, 0.1, 0.2) is None


def curves(used: str = "isotonic") -> pd.DataFrame:
    ways = [("as it is", 0.1), ("sigmoid", 0.4), ("isotonic", 0.5)]
    rows = [(p, 0.5, 0.3, 0.7, 20 + i, way) for way, p in ways for i in range(2)]
    columns = ["predicted", "observed", "low", "high", "customers", "calibration"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(used=table["calibration"] == used)


def test_reliability_counts_the_groups_of_the_calibration_in_use() -> None:
    assert figure(figures_decline.decline_reliability(curves())).headline == (
        "The predicted risk agrees with the outcome, within chance, in 2 of 2 groups"
    )
    own = figure(figures_decline.decline_reliability(curves("as it is")))
    assert own.headline.endswith("in 0 of 2 groups")
    assert figures_decline.decline_reliability(EMPTY) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "isotonic calibration lowered it by 0.100, likely between 0.050 and 0.150."),
        ({"calibration_gain_low": -0.1}, "by 0.100, which may be chance."),
        ({"calibration": "as it is"}, "Calibration would not lower it, so none is used."),
        ({"calibration_gain": 0.0}, "gives scores, which the isotonic calibration turns into"),
    ],
)
def test_calibration_says_what_is_in_use(changed: dict[str, Any], words: str) -> None:
    facts: dict[str, Any] = {
        "model": "logistic regression",
        "calibration": "isotonic",
        "constant_brier": 0.236,
        "brier_as_it_is": 0.12,
        "brier_sigmoid": 0.11,
        "brier_isotonic": 0.1,
        "calibration_gain": 0.1,
        "calibration_gain_low": 0.05,
        "calibration_gain_high": 0.15,
    }
    told = text_decline.decline_calibration(**(facts | changed))
    assert told is not None and words in told["said"] and "0.236" in told["said"]
    assert text_decline.decline_calibration(**(facts | {"model": ""})) is None


def importances(*drops: float, reach: float = 0.01) -> pd.DataFrame:
    table = pd.DataFrame({"group": [f"group {i}" for i in range(len(drops))], "drop": drops})
    return table.assign(low=table["drop"] - reach, high=table["drop"] + reach, columns="")


def test_importance_names_only_what_is_clear_and_shows_six() -> None:
    made = figure(figures_decline.decline_importance(importances(0.02, 0.05, *[0.001] * 9)))
    assert made.headline == (
        "The model relies most on group 1: with these values shuffled, it ranks 5.0 fewer "
        "pairs in 100 correctly"
    )
    assert made.caption.startswith("The 6 most important groups") and len(made.plot.data) == 6
    chance = figure(figures_decline.decline_importance(importances(0.005, -0.02)))
    assert chance.headline == "No group of measures matters to the model by more than chance"
    assert figures_decline.decline_importance(EMPTY) is None


def partials(values: list[float], feature: str = "promo_share") -> pd.DataFrame:
    p = np.array(values)
    share = np.linspace(0.1, 1, len(p))
    return pd.DataFrame(
        {
            "feature": feature,
            "value": share,
            "share": share,
            "probability": p,
            "low": p - 0.05,
            "high": p + 0.05,
        }
    )


def test_partial_effects_name_the_ends_of_the_steepest_curve() -> None:
    both = pd.concat([partials([0.3, 0.31], "pages_per_visit"), partials([0.6, 0.4, 0.2])])
    assert figure(figures_decline.decline_partial(both)).headline == (
        "If share bought on promotion were 10% for every customer, the model would expect 60% to "
        "buy less; at 100%, 20%"
    )
    flat = figure(figures_decline.decline_partial(partials([0.3, 0.301])))
    assert flat.headline.startswith("The mean predicted risk stays at about 30%")
    assert figures_decline.decline_partial(EMPTY) is None


def groups(profit: float = 100.0, shown: bool = True, refusing: float = 6.0) -> pd.DataFrame:
    total = profit + 300
    table = pd.DataFrame(
        {
            "group": GROUPS,
            "customers": [20, 30, 30, 20],
            "share": [0.2, 0.3, 0.3, 0.2],
            "shown": [shown, True, True, True],
            "profit": [profit, 100.0, 100.0, 100.0],
            "declined": 0.9,
            "declined_low": 0.8,
            "declined_high": 0.95,
            "consenting": 14.0,
            "refusing": refusing,
        }
    )
    table["profit_share"] = table["profit"] / total
    table["profit_share_low"] = table["profit_share"] - 0.05
    return table.assign(profit_share_high=table["profit_share"] + 0.05)


def test_the_groups_are_described_as_far_as_they_may_be() -> None:
    made = figure(figures_decline.risk_groups(groups(), GIVEN))
    assert made.headline == (
        "50 regular customers are at high risk of buying less, and the high-profit customers "
        "among them bring 25% of all profit"
    )
    assert said(made)["said"].endswith("90% did buy less (95% interval 80% to 95%).")
    assert said(made)["consent"].startswith("In this group, 14 customers have consented")
    # Of a loss of 200, 500 are two and a half times as much, and no share of a profit.
    loss = figure(figures_decline.risk_groups(groups(-500.0), GIVEN))
    assert loss.headline == "50 regular customers are at high risk of buying less, 50% of all"
    assert not said(figures_decline.risk_groups(groups(shown=False), GIVEN))
    # Where one number is withheld, the other would give it away.
    hidden = said(figures_decline.risk_groups(groups(refusing=np.nan), GIVEN))
    assert "consent" not in hidden
    none = figure(figures_decline.risk_groups(groups().assign(customers=0), GIVEN))
    assert none.headline == "No regular customer is at high risk of buying less"
    assert figures_decline.risk_groups(EMPTY, GIVEN) is None


def test_tiles_show_size_profit_and_outcome() -> None:
    tiles = figure(figures_decline.risk_groups(groups(shown=False), GIVEN)).plot.data
    assert tiles["size"].tolist()[:2] == ["20 customers (20%)", "30 customers (30%)"]
    assert tiles["rest"].tolist()[0] == "too few to describe"
    assert re.fullmatch(r"profit 100, 25% of all\n90% bought less", tiles["rest"].tolist()[1])


def test_leakage_has_a_column_for_each_mistake() -> None:
    rows = [("id", "random forest", 0.8, 0.95, 0.15, 0.1, 0.2)]
    columns = ["mistake", "model", "honest", "leaky", "added", "low", "high"]
    made = layouts.decline_leakage(pd.DataFrame(rows, columns=columns))
    assert made is not None
    html = made.table.as_raw_html()
    assert "+0.150 (+0.100 to +0.200)" in html and "near-duplicates split" not in html
    assert layouts.decline_leakage(EMPTY) is None


def test_without_a_model_only_the_reason_is_told() -> None:
    assert text_decline.decline_scope(100, 0.2, "") is None
    assert text_decline.decline_scope(None, None, None) is None
    assert text_decline.decline_without_model(None, None) is None
    told = text_decline.decline_without_model(12, 50)
    assert told == {
        "said": "There is no model of who will buy less: it needs at least 50 customers who buy "
        "less and as many who do not, but one of the two groups has only 12."
    }


PLOTS: dict[str, Any] = {
    "reliability": lambda: figures_decline.decline_reliability(curves()),
    "importance": lambda: figures_decline.decline_importance(
        importances(0.1, 0.0).assign(group=HOSTILE * 5)
    ),
    "partial": lambda: figures_decline.decline_partial(partials([0.3])),
    "groups": lambda: figures_decline.risk_groups(groups(-500.0, shown=False), GIVEN),
}


@pytest.mark.parametrize("name", PLOTS)
def test_pictures_can_be_drawn(name: str) -> None:
    assert draw(figure(PLOTS[name]()).plot).startswith(b"<svg")

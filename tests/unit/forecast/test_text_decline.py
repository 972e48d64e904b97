"""Test the sentences and pictures of the decline model, on typical and extreme tables."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core import formatting
from analysis.core.plotting import draw
from analysis.forecast import figures_decline, text_decline
from analysis.forecast.names import CALM, GROUPS
from analysis.ingest.sample_orders import HOSTILE
from analysis.regulars.figures import effect_plot
from analysis.stats.names import CONSTANT
from analysis.strategy import figures, text_contacts

EMPTY = pd.DataFrame()
NAMES = [CONSTANT, "logistic regression", "decision tree", "random forest"]


def candidates(areas: list[float], reach: float = 0.02) -> pd.DataFrame:
    """Return a table as `stats.evaluation.comparison` makes it, chosen by its rule."""
    roc = np.array(areas)
    behind = roc.max() - roc
    table = pd.DataFrame({"model": NAMES[-len(areas) :], "roc_auc": roc, "behind": behind})
    for column in ("roc_auc", "behind"):
        ends = np.where(table[column] == 0, 0, reach)
        table[f"{column}_low"], table[f"{column}_high"] = table[column] - ends, table[column] + ends
    table["brier"], table["brier_low"], table["brier_high"] = 1 - roc, 0.9 - roc, 1.1 - roc
    return table.assign(chosen=table.index == int(np.argmax(table["behind_low"] <= 0)))


areas = st.lists(st.integers(450, 999).map(lambda x: x / 1000), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(areas)
def test_the_choice_agrees_with_its_table(values: list[float]) -> None:
    table = candidates(values)
    chosen = table[table["chosen"]].iloc[0]
    message, reason = text_decline.candidates(table), text_decline.choice(table)
    if chosen["model"] != CONSTANT:
        # A share that is not whole must not be rounded to all pairs.
        assert f"{formatting.share_of_hundred(chosen['roc_auc'])} of 100 pairs" in message
        assert text_decline.name(chosen["model"]) in message
        assert ("no candidate does better" in message) == (chosen["roc_auc"] == max(values))
    assert "is credibly better" not in message
    if len(values) > 1:
        worse = set(table.loc[table["behind_low"] > 0, "model"])
        said = reason.split("worse than the best: ")[-1] if "best: " in reason else ""
        assert {model for model in table["model"] if text_decline.name(model) in said} == worse
        if "not credibly worse, so the rule takes it" in reason:
            assert chosen["behind_low"] <= 0 < chosen["behind"]


def test_a_guess_that_is_chosen_is_not_praised() -> None:
    level = candidates([0.5, 0.5, 0.49, 0.48])
    assert text_decline.candidates(level).startswith("No candidate ranks customers better")
    near = candidates([0.5, 0.51, 0.49, 0.48])
    assert "logistic regression, is not credibly better than the same" in text_decline.candidates(
        near
    )
    assert "as a coin would" in text_decline.explain_roc_auc(near)
    # A table that breaks the rule is not covered up.
    broken = candidates([0.5, 0.6, 0.9]).assign(chosen=[True, False, False])
    assert "is credibly better than" in text_decline.candidates(broken)
    assert "so the rule takes it" not in text_decline.choice(broken)


def test_roc_auc_is_put_in_words() -> None:
    text = text_decline.explain_roc_auc(candidates([0.5, 0.9, 0.8]))
    assert "90 of 100 such pairs" in text
    assert "0.900 (95% interval 0.880 to 0.920)" in text
    assert formatting.share_of_hundred(0.999) == "over 99"
    assert formatting.share_of_hundred(1.02) == "100"


def test_published_scores_are_held_against_single_folds_of_their_own_table() -> None:
    models = pd.DataFrame(
        {
            "model": ["logistic regression", "support vector machine", "random forest"],
            "roc_auc_lowest": [0.85, 0.86, 0.5],
            "roc_auc_highest": [0.93, 0.94, 1.0],
        }
    )
    read = {"another file", text_decline.PUBLISHED_OF}
    text = text_decline.published_scores(models, read)
    assert "0.920 (logistic regression) and 0.914 (support vector machine)" in text
    assert "within the noise of one" in text and text.endswith("folds score 0.850 to 0.940.")
    narrow = models.assign(roc_auc_highest=[0.915, 0.94, 1.0])
    assert "not all lie within the noise" in text_decline.published_scores(narrow, read)
    assert text_decline.published_scores(models, {"another file"}) == ""
    assert text_decline.published_scores(models.tail(1), read) == ""


def curves(used: str = "isotonic") -> pd.DataFrame:
    ways = [("as it is", 0.1), ("sigmoid", 0.4), ("isotonic", 0.5)]
    rows = [(p, 0.5, 0.3, 0.7, 20 + i, way) for way, p in ways for i in range(2)]
    columns = ["predicted", "observed", "low", "high", "customers", "calibration"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(used=table["calibration"] == used)


def test_calibration_says_what_is_in_use() -> None:
    assert "in 2 of 2 groups; before calibration in 0 of 2" in text_decline.reliability(curves())
    assert text_decline.reliability(curves("as it is")).endswith("in 0 of 2 groups.")
    facts: dict[str, Any] = {
        "activity.model": "logistic regression",
        "activity.calibration": "isotonic",
        "activity.constant_brier": 0.236,
        "activity.brier_as_it_is": 0.12,
        "activity.brier_sigmoid": 0.11,
        "activity.brier_isotonic": 0.1,
    }
    facts |= {
        "activity.calibration_gain": 0.1,
        "activity.calibration_gain_low": 0.05,
        "activity.calibration_gain_high": 0.15,
    }
    assert "isotonic scores best, and is in use" in text_decline.calibration(facts)
    assert "not certain" not in text_decline.calibration(facts)
    assert "not certain" in text_decline.calibration(
        facts | {"activity.calibration_gain_low": -0.1}
    )
    as_it_is = facts | {"activity.calibration": "as it is"}
    assert "No calibration lowers it" in text_decline.calibration(as_it_is)
    distances = facts | {
        "activity.model": "support vector machine",
        "activity.calibration": "sigmoid",
        "activity.calibration_gain": 0.0,
    }
    assert "makes probabilities" in text_decline.calibration(distances)
    assert text_decline.calibration({"activity.model": ""}) == text_decline.NO_MODEL


def importances(*drops: float, reach: float = 0.01) -> pd.DataFrame:
    table = pd.DataFrame({"group": [f"group {i}" for i in range(len(drops))], "drop": drops})
    return table.assign(low=table["drop"] - reach, high=table["drop"] + reach, columns="")


def test_importance_names_only_what_is_clear() -> None:
    text = text_decline.importance(importances(0.02, 0.05, 0.001))
    assert "most on group 1: shuffled, it ranks 5.0 fewer" in text
    assert text.endswith("then on group 0.")
    assert text_decline.importance(importances(0.005, -0.02)).startswith("Shuffling no group")
    assert "cause" not in text and "not what makes" in text_decline.NOT_THE_CAUSE


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


def test_partial_dependence_names_the_ends_of_the_widest_curve() -> None:
    both = pd.concat([partials([0.3, 0.31], "pages_per_visit"), partials([0.6, 0.4, 0.2])])
    text = text_decline.partial(both)
    assert text.startswith("With share bought on promotion at 10%") and "60%" in text
    assert text.endswith("at 100%, 20%.")
    assert "about the same risk" in text_decline.partial(partials([0.3, 0.301]))


def curve(expected: list[float], contacted: list[int] | None = None) -> pd.DataFrame:
    size = len(expected)
    value = np.array(expected)
    table = pd.DataFrame(
        {
            "threshold": np.round(np.linspace(0, 1, size), 2),
            "expected": value,
            "profit": value - 1,
            "contacted": contacted or list(range(10 * size, 0, -10)),
            "low": value - 3,
            "high": value + 3,
            "least": value / 2 - 2,
            "most": value * 2,
            "precision": 0.6,
            "precision_low": 0.5,
            "precision_high": 0.7,
            "recall": 0.4,
            "recall_low": 0.3,
            "recall_high": 0.5,
        }
    )
    best = size - 1 - int(np.argmax(value[::-1]))
    return table.assign(chosen=table.index == best)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-50, 500).map(float), min_size=3, max_size=11))
def test_the_line_is_where_the_profit_is_highest(values: list[float]) -> None:
    table = curve(values)
    row = table[table["chosen"]].iloc[0]
    message, line = (
        text_contacts.contact_curve(table, "units"),
        text_contacts.contact_line(table, "units"),
    )
    if max(values) <= 0:
        assert "contact nobody" in message
        return
    assert formatting.amount(max(values), "units") in message
    if row["threshold"] == 0:
        assert "all of the" in message
    elif row["threshold"] == 0.5:
        assert "lies at one half" in message
    else:
        assert f"a risk of {row['threshold']:.0%}, not at one half" in message
    if found := re.match(r"Lines from (\d+)% to (\d+)%", line):
        ends = [int(end) / 100 for end in found.groups()]
        assert ends[0] <= row["threshold"] <= ends[1]
        # Percentages of the thresholds in eleven steps at most are told apart.
        run = table[table["threshold"].between(ends[0] - 0.006, ends[1] + 0.006)]
        assert (run["expected"] >= 0.95 * max(values)).all()


def test_contacts_where_nobody_is_worth_it() -> None:
    table = curve([-9.0, -4.0, 0.0], [30, 20, 0])
    assert text_contacts.contact_reach(table) == "At the chosen line nobody is contacted."
    assert "buy less (precision)" in text_contacts.contact_reach(curve([1.0, 5.0, 3.0]))
    unknown = curve([1.0, 5.0, 3.0]).assign(recall=np.nan)
    assert text_contacts.contact_reach(unknown).endswith("nobody with consent bought less.")
    assert text_contacts.contact_curve(EMPTY, "units") == text_contacts.NOBODY


def test_scenarios_name_the_dearest_mistake() -> None:
    table = pd.DataFrame(
        {
            "scenario": ["as assumed", "a contact costs half", "a contact costs twice"],
            "threshold": [0.3, 0.2, 0.5],
            "contacted": [9, 12, 5],
            "expected": [50.0, 60.0, 40.0],
            "kept_threshold": [50.0, 58.0, 33.0],
            "lost": [0.0, 2.0, 7.0],
        }
    )
    text = text_contacts.scenarios(table, "units")
    assert "between 20% and 50%" in text
    assert "7.0 units of 40 (if a contact costs twice)" in text
    same = table.assign(threshold=0.3, lost=0.0)
    assert text_contacts.scenarios(same, "").endswith("would cost nothing.")


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


def test_the_group_is_described_as_far_as_it_may_be() -> None:
    text = text_decline.risk_groups(groups())
    assert text.endswith("25% (20% to 30%) of all profit; 90% (80% to 95%) of these did buy less.")
    # Of a loss of 200, 500 are two and a half times as much, and no share of a profit.
    assert "bring a high profit; " in text_decline.risk_groups(groups(-500.0))
    assert text_decline.risk_groups(groups(shown=False)).endswith("too few to describe.")
    assert "14 gave it; 6 did not" in text_decline.consent(groups())
    hidden = text_decline.consent(groups(refusing=np.nan))
    assert "14" not in hidden and "20" not in hidden
    none = groups().assign(customers=0)
    assert text_decline.risk_groups(none) == "No regular customer is at high risk of buying less."


def test_at_high_risk_are_also_those_who_bring_little() -> None:
    assert text_decline.risk_groups(groups()).startswith(
        "50 regular customers are at high risk of buying less, 50% of all. 20 of them also bring "
    )
    only = groups().assign(customers=[0, 30, 30, 40])
    assert text_decline.risk_groups(only).endswith("None of them brings a high profit.")


def effects(delta: float, own: float, other: float, clear: bool = True) -> pd.DataFrame:
    rows = [
        ("profit", "", "profit", 0.99, 9.0, 1.0),
        ("pages_per_visit", "", "", delta, own, other),
    ]
    columns = ["feature", "level", "name", "delta", "declined_median", "same_median"]
    return pd.DataFrame(rows, columns=columns).assign(
        clear=clear, against=CALM, declined_share=np.nan, same_share=np.nan, low=delta, high=delta
    )


def test_what_sets_the_group_apart_is_not_how_it_was_cut() -> None:
    text = text_decline.effects(effects(-0.5, 4, 9), CALM)
    assert "lower pages per visit (4 against 9)" in text and "profit" not in text
    assert "higher pages per visit (9 against 4)" in text_decline.effects(effects(0.5, 9, 4), CALM)
    # Medians that contradict the comparison of pairs are not shown beside it.
    assert text_decline.effects(effects(0.1, 4, 5), CALM).endswith("has higher pages per visit.")
    assert "nothing clearly" in text_decline.effects(effects(0.5, 9, 4, clear=False), CALM)
    assert "too few" in text_decline.effects(effects(0.5, 9, 4), "all others")


@pytest.mark.parametrize(
    "say",
    [
        "candidates",
        "choice",
        "explain_roc_auc",
        "reliability",
        "risk_groups",
        "importance",
        "partial",
    ],
)
def test_without_a_model_nothing_is_claimed(say: str) -> None:
    assert getattr(text_decline, say)(EMPTY) in (text_decline.NO_MODEL, text_decline.NO_EXPLANATION)


def test_empty_tables_are_spoken_of_honestly() -> None:
    assert "too small" in text_decline.consent(EMPTY)
    assert text_decline.published_scores(EMPTY, {text_decline.PUBLISHED_OF}) == ""


PLOTS: dict[str, Any] = {
    "candidates": lambda m: figures_decline.candidates(candidates([0.5, 0.9, 0.8]), m),
    "only the guess": lambda m: figures_decline.candidates(
        candidates([0.5, 0.5, 0.5, 0.5]).head(1), m
    ),
    "reliability": lambda m: figures_decline.reliability(curves(), m),
    "importance": lambda m: figures_decline.importance(
        importances(0.1, 0.0).assign(group=HOSTILE * 5), m
    ),
    "partial": lambda m: figures_decline.partial(partials([0.3]), m),
    "contacts": lambda m: figures.contact_curve(curve([-5.0, -2.0, 0.0]), m, ""),
    "groups": lambda m: figures_decline.risk_groups(groups(-500.0, shown=False), m),
    "effects": lambda m: effect_plot(effects(0.5, 9, 4), m, subtitle="The group and others"),
    "nothing": lambda m: figures_decline.partial(EMPTY, m),
}


@pytest.mark.parametrize("name", PLOTS)
def test_pictures_carry_their_message_and_can_be_drawn(name: str) -> None:
    plot: p9.ggplot = PLOTS[name](HOSTILE)
    assert " ".join(str(plot.labels.title).split()) == HOSTILE
    assert draw(plot).startswith(b"<svg")


@pytest.mark.parametrize("name", ["candidates", "reliability", "importance", "partial"])
def test_pictures_of_nothing_say_why(name: str) -> None:
    assert getattr(figures_decline, name)(EMPTY, "Why.").labels.title == "Why."

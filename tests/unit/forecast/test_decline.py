"""Test the decline model: no leakage, model choice, importance, risk groups, contact policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.settings import Settings
from analysis.forecast import decline, risk_groups
from analysis.stats import evaluation, intervals, models
from analysis.strategy import contact_policy
from analysis.strategy.names import AS_ASSUMED

SEED = 7


# ------------------------------------------------------------------------------ what may be seen


@given(
    sizes=st.lists(st.integers(1, 4), min_size=40, max_size=60),
    folds=st.integers(2, 5),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=25, deadline=None)
def test_groups_stay_together_and_every_row_is_tested_once_a_repeat(
    sizes: list[int], folds: int, seed: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    label = np.arange(len(groups)) % 2 == 0
    splits = evaluation.grouped_splits(label, groups, folds, 2, seed)
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
    for repeat in (splits[:folds], splits[folds:]):
        tested = np.concatenate([test for _, test in repeat])
        assert sorted(tested) == list(range(len(groups)))


# ------------------------------------------------------------------------------ judging


def test_interval_of_dependent_splits_is_wider_than_the_naive_one_and_no_narrower_by_repeats() -> (
    None
):
    scores = np.random.default_rng(1).normal(0.9, 0.02, 25)
    mean, low, high = intervals.corrected_interval(scores, 0.2)
    naive = 2 * 2.064 * scores.std(ddof=1) / 5
    assert low < mean < high
    assert (high - low) == pytest.approx(naive * np.sqrt(25 * (1 / 25 + 0.25)), rel=1e-3)
    repeated = intervals.corrected_interval(np.tile(scores, 40), 0.2)
    assert repeated[2] - repeated[1] > 2 * 1.96 * 0.5 * scores.std() * 0.95


@given(st.lists(st.floats(0.5, 1), min_size=3, max_size=6), st.floats(0.001, 0.1))
def test_the_simplest_not_credibly_worse_is_chosen(areas: list[float], noise: float) -> None:
    rng = np.random.default_rng(3)
    wobble = rng.normal(0, noise, 10)
    names = list(models.CANDIDATES)[: len(areas)]
    tested = {
        name: evaluation.Judged(
            pd.DataFrame(
                {m: area + wobble + rng.normal(0, noise, 10) for m in evaluation.MEASURES}
            ),
            [],
            [{}],
        )
        for name, area in zip(names, areas, strict=True)
    }
    table = evaluation.comparison(tested, 0.2)
    assert table["chosen"].sum() == 1
    place = int(np.flatnonzero(table["chosen"])[0])
    assert (table["behind_low"].iloc[:place] > 0).all()
    assert table["behind_low"].to_numpy()[place] <= 0
    assert table["behind"].to_numpy()[table["roc_auc"].to_numpy().argmax()] == 0
    folds = [result.scores["roc_auc"] for result in tested.values()]
    assert table["roc_auc_lowest"].tolist() == [scores.min() for scores in folds]
    assert table["roc_auc_highest"].tolist() == [scores.max() for scores in folds]


@given(
    st.lists(
        st.tuples(st.booleans(), st.one_of(st.floats(0, 1), st.sampled_from([0.2, 0.4]))),
        min_size=1,
        max_size=200,
    ),
    st.integers(1, 20),
)
def test_reliability_counts_everybody_and_no_group_is_small(
    rows: list[tuple[bool, float]], minimum_group: int
) -> None:
    label, p = map(np.array, zip(*rows, strict=True))
    table = evaluation.reliability(label, p, minimum_group=minimum_group)
    assert table["customers"].sum() == len(rows)
    assert table["customers"].min() >= min(minimum_group, len(rows))
    assert (table["observed"] * table["customers"]).sum() == pytest.approx(label.sum())
    assert (
        (table["low"] <= table["observed"] + 1e-9) & (table["observed"] <= table["high"] + 1e-9)
    ).all()


# ------------------------------------------------------------------------------ money and groups


def some(rows: int = 300, seed: int = 5, **columns: Any) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.uniform(size=rows)
    table = pd.DataFrame(
        {
            "decline": rng.uniform(size=rows) < p,
            "profit": rng.gamma(4, 1, rows),
            "consent": rng.uniform(size=rows) < 0.7,
            "duplicate_group": np.arange(rows),
        }
    ).assign(**columns)
    return table, p


def test_nobody_without_consent_is_counted(settings: Settings) -> None:
    table, p = some()
    curve = contact_policy.contact_curve(table, p, settings.contact, SEED)
    assert curve["contacted"].max() == table["consent"].sum()
    kept = table["consent"].to_numpy()
    alone = contact_policy.contact_curve(table[kept], p[kept], settings.contact, SEED)
    pd.testing.assert_frame_equal(curve, alone)
    assert contact_policy.contact_curve(
        table.assign(consent=False), p, settings.contact, SEED
    ).empty


def test_no_risk_from_which_on_few_are_contacted_is_shown(settings: Settings) -> None:
    table, p = some(60, consent=True)
    whole = contact_policy.contact_curve(table, p, settings.contact, SEED)
    curve = contact_policy.contact_curve(table, p, settings.contact, SEED, 7)
    assert whole["contacted"].between(1, 6).any()
    assert not curve["contacted"].between(1, 6).any()
    assert curve["chosen"].sum() == 1
    few = contact_policy.contact_curve(table.head(5), p[:5], settings.contact, SEED, 7)
    assert set(few["contacted"]) == {0} and few["chosen"].sum() == 1


def test_the_line_is_where_a_contact_pays(settings: Settings) -> None:
    table, p = some(4000, profit=4.0, consent=True)
    assumed = settings.contact
    curve = contact_policy.contact_curve(table, p, assumed, SEED)
    pays = assumed.cost / (assumed.save_rate * assumed.profit_lost * assumed.months * 4.0)
    line = curve.loc[curve["chosen"], "threshold"].item()
    assert line == pytest.approx(pays, abs=0.021)
    around = curve[curve["chosen"]].iloc[0]
    assert around["low"] <= around["profit"] <= around["high"]
    assert around["least"] <= around["profit"] <= around["most"]


@given(cost=st.floats(0.01, 2), save=st.floats(0.01, 0.6))
@settings(max_examples=25, deadline=None)
def test_knowing_better_never_costs(cost: float, save: float) -> None:
    from analysis.core.settings import read_settings

    assumed = read_settings().contact.model_copy(
        update={"cost": cost, "save_rate": save, "save_rate_low": save, "save_rate_high": save}
    )
    table, p = some()
    scenarios = contact_policy.contact_scenarios(table, p, assumed).set_index("scenario")
    assert (scenarios["lost"] >= -1e-9).all()
    assert scenarios.loc[AS_ASSUMED, "lost"] == 0


def test_groups_cover_everybody_once_and_small_ones_are_not_described() -> None:
    table, p = some()
    table = table.assign(decline_probability=p, risk_group=risk_groups.assign(table, p, 0.97))
    groups = risk_groups.risk_groups(table, SEED, 10)
    assert groups["customers"].sum() == len(table)
    hidden = groups[~groups["shown"]]
    assert len(hidden) and hidden[["profit", "declined", "consenting"]].isna().all(axis=None)
    shown = groups[groups["shown"]]
    assert (shown["profit_share_low"] <= shown["profit_share"]).all()


def test_distances_are_never_taken_for_probabilities() -> None:
    """A model that gives distances is calibrated, even where the distances score better."""
    random = np.random.default_rng(1)
    label = random.random(120) < 0.4
    splits = [(np.arange(60), np.arange(60, 120)), (np.arange(60, 120), np.arange(60))]
    right = np.clip(label * 0.8 + 0.1, 0, 1)
    ways = {
        "as it is": [right[test] for _, test in splits],
        "sigmoid": [np.full(len(test), 0.4) for _, test in splits],
        "isotonic": [np.full(len(test), 0.9) for _, test in splits],
    }
    used = {
        model: decline.compare_calibrations(ways, label, splits, 0.5, model).set_index("used")
        for model in ("support vector machine", "logistic regression")
    }
    assert used["support vector machine"].loc[True, "calibration"] == "sigmoid"
    assert used["logistic regression"].loc[True, "calibration"] == "as it is"

"""Test the decline model: no leakage, model choice, importance, risk groups, contact policy."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from analysis.build import validation
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.forecast import decline, importance, risk_groups
from analysis.forecast.names import TARGET
from analysis.ingest.data_folder import find_inputs
from analysis.ingest.sample import sample_truth
from analysis.regulars import near_duplicates
from analysis.regulars.names import FEATURE_NAMES
from analysis.regulars.tables import association_matrix
from analysis.stats import evaluation, intervals, models
from analysis.stats.names import CONSTANT
from analysis.strategy import contact_policy
from analysis.strategy.names import AS_ASSUMED

LOGISTIC = "logistic regression"
SEED = 7


def quiet(_: str) -> nullcontext[None]:
    return nullcontext()


def duplicated(data: Path, settings: Settings) -> pd.DataFrame:
    """Return the regular customers of a data folder with their twin groups."""
    inputs = replace(find_inputs(data, settings), transactions=())
    with validation.check(inputs, settings, Steps()) as checked:
        assert checked.customers
        customers = checked.customers.customers
    pairs = near_duplicates.find_near_duplicates(customers, settings.activity.twin_columns)
    return customers.assign(duplicate_group=near_duplicates.group_near_duplicates(customers, pairs))


@pytest.fixture(scope="module")
def people(sample_data: Path, settings: Settings) -> pd.DataFrame:
    return duplicated(sample_data, settings)


@pytest.fixture(scope="module")
def two_models() -> Any:
    """Leave the constant and the logistic regression: enough for what is tested here, and quick."""
    with pytest.MonkeyPatch.context() as patch:
        kept = {name: models.CANDIDATES[name] for name in (CONSTANT, LOGISTIC)}
        patch.setattr(models, "CANDIDATES", kept)
        yield


@pytest.fixture(scope="module")
def found(people: pd.DataFrame, settings: Settings, two_models: None) -> decline.Decline:
    chosen = settings.models.model_copy(update={"repeats": 2})
    return decline.read_decline(people, people["duplicate_group"], chosen, SEED, quiet)


# ------------------------------------------------------------------------------ what may be seen


def test_neither_id_nor_label_nor_profit_reaches_a_feature(people: pd.DataFrame) -> None:
    rng = np.random.default_rng(SEED)
    other = people.assign(
        customer_id=rng.permutation(people["customer_id"]),
        decline=rng.permutation(people["decline"]),
        profit=rng.normal(size=len(people)),
        duplicate_group=rng.permutation(people["duplicate_group"]),
    )
    pd.testing.assert_frame_equal(decline.features(people), decline.features(other))
    assert not {"customer_id", "decline", "profit"} & set(decline.features(people))


def test_no_feature_is_a_copy_of_what_may_not_be_seen(people: pd.DataFrame) -> None:
    table = decline.features(people).select_dtypes("number")
    for hidden in ("customer_id", "profit"):
        rank = pd.to_numeric(people[hidden]).rank()
        assert table.rank().corrwith(rank).abs().max() < 0.9


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


# ------------------------------------------------------------------------------ the model


def test_the_planted_best_is_within_the_interval_on_the_sample(
    found: decline.Decline, people: pd.DataFrame
) -> None:
    truth = sample_truth()
    row = found.models.set_index("model").loc[LOGISTIC]
    assert row["roc_auc_low"] <= truth.best_roc_auc <= row["roc_auc_high"]
    # The interval is wide; a broken feature would still fall within it.
    assert row["roc_auc"] > truth.best_roc_auc - 0.015
    planted = truth.decline.astype({"customer_id": str}).set_index("customer_id")["probability"]
    known = planted.reindex(people["customer_id"]).to_numpy()
    assert np.isfinite(known).all()
    assert spearmanr(found.probability, known).statistic > 0.9


def test_row_order_and_group_numbers_do_not_matter(
    found: decline.Decline, people: pd.DataFrame, settings: Settings, two_models: None
) -> None:
    order = np.random.default_rng(2).permutation(len(people))
    mixed = people.iloc[order].assign(
        duplicate_group=lambda t: t["duplicate_group"].max() - t["duplicate_group"]
    )
    chosen = settings.models.model_copy(update={"repeats": 2})
    again = decline.read_decline(mixed, mixed["duplicate_group"], chosen, SEED, quiet)
    np.testing.assert_array_equal(again.probability, found.probability[order])
    assert again.facts == found.facts


def test_every_customer_is_predicted_by_models_that_saw_neither_them_nor_a_twin(
    found: decline.Decline, people: pd.DataFrame
) -> None:
    groups = people["duplicate_group"].to_numpy()
    for train, test in found.splits:
        assert not set(groups[train]) & set(groups[test])
    assert np.isfinite(found.probability).all()
    assert ((found.probability >= 0) & (found.probability <= 1)).all()


def test_the_id_would_have_flattered_the_model(found: decline.Decline) -> None:
    leakage = found.leakage
    assert leakage.loc[leakage["mistake"] == "id", "added"].min() > 0.02
    assert leakage.loc[leakage["mistake"] == "id", "leaky"].min() > 0.93


def test_too_few_customers_of_one_kind_give_no_model(
    people: pd.DataFrame, settings: Settings
) -> None:
    few = pd.concat([people[people["decline"]].head(30), people[~people["decline"]].head(200)])
    none = decline.read_decline(few, few["duplicate_group"], settings.models, SEED, quiet)
    assert none.model == "" and np.isnan(none.probability).all()
    assert "30" in str(none.facts["activity.no_model"])


# ------------------------------------------------------------------------------ explanation


@pytest.fixture(scope="module")
def explained(found: decline.Decline, people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return importance.explain(people, found, 1 / 5, 5, SEED)


def test_partial_effects_are_those_of_the_numbers_that_move_the_risk_most(
    explained: dict[str, pd.DataFrame], found: decline.Decline, people: pd.DataFrame
) -> None:
    table, label = decline.features(people), people["decline"].to_numpy()
    made = [
        models.fit(LOGISTIC, table.iloc[train], label[train], (), SEED, tuned)
        for (train, _), tuned in zip(found.splits, found.parameters, strict=True)
    ]
    numbers = [name for name in decline.GIVEN if people[name].dtype.kind in "fi"]
    assert len(numbers) == 13
    spread = {}
    for name in numbers:
        curve = importance.partial_dependence(made, people, found.splits, name, 0.2)["probability"]
        spread[name] = (curve - curve.mean()).abs().mean()
    expected = sorted(numbers, key=lambda name: -spread[name])[:4]
    shown = explained["activity_partial"]
    assert list(dict.fromkeys(shown["feature"])) == expected
    assert (shown["low"] <= shown["probability"]).all()


def test_without_a_model_there_is_nothing_to_explain(
    found: decline.Decline, people: pd.DataFrame
) -> None:
    for model in ("", CONSTANT):
        assert importance.explain(people, found._replace(model=model), 1 / 5, 5, SEED) == {}


def test_a_column_of_noise_has_no_importance(
    found: decline.Decline, people: pd.DataFrame, settings: Settings
) -> None:
    noise = np.random.default_rng(4).normal(size=len(people))
    table = decline.features(people).assign(noise=noise)
    label = people["decline"].to_numpy()
    splits, seed = found.splits[:5], SEED
    made = [
        models.fit(LOGISTIC, table.iloc[train], label[train], (), seed, found.parameters[0])
        for train, _ in splits
    ]
    groups = {"noise": ["noise"], "pages": ["pages_per_visit"]}
    names = {**FEATURE_NAMES, "noise": "noise"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importance, "FEATURE_NAMES", names)
        drop = importance.importance(made, table, label, splits, groups, 0.2, seed)
    assert list(drop["group"]) == ["pages", "noise"]
    assert drop["low"].to_numpy()[1] <= 0 <= drop["high"].to_numpy()[1] + 0.002


def test_made_columns_are_judged_with_what_they_are_made_of(people: pd.DataFrame) -> None:
    groups = importance.feature_groups(association_matrix(people, 5))
    members = list(groups.values())
    judged = [name for group in members for name in group]
    assert sorted(judged) == sorted([*decline.GIVEN, *decline.ADDED])
    for made, parents in decline.ADDED.items():
        assert any({made, *parents} <= set(group) for group in members)


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


# ------------------------------------------------------------------------------ the real tables


@pytest.mark.real
def test_the_real_tables_give_what_careful_work_finds(one_click: Path, settings: Settings) -> None:
    people = duplicated(one_click, settings)
    table, label = decline.features(people), people["decline"].to_numpy()
    groups = people["duplicate_group"].to_numpy()
    splits = evaluation.grouped_splits(label, groups, 5, 2, settings.engine.seed)
    tested = evaluation.cross_validate(LOGISTIC, table, label, groups, splits, SEED)
    assert tested.scores["roc_auc"].mean() == pytest.approx(0.903, abs=0.008)
    ways = decline.calibrations(LOGISTIC, table, label, groups, splits, tested.parameters, SEED)
    p = evaluation.mean_out_of_fold(ways["isotonic"], splits, len(label))
    assert evaluation.judge(label, p)["brier"] == pytest.approx(0.095, abs=0.006)
    cut = people.assign(decline_probability=p, risk_group=risk_groups.assign(people, p, 0.5))
    target = risk_groups.risk_groups(cut, SEED, 5).set_index("group").loc[TARGET]
    assert target["customers"] == pytest.approx(207, abs=12)
    assert target["profit_share"] == pytest.approx(0.19, abs=0.015)
    assert target["declined"] == pytest.approx(0.92, abs=0.03)

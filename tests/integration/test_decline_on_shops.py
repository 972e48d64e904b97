"""Test the decline model on the regular customers of the sample and of a real shop."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
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
from analysis.stats import evaluation, models
from analysis.stats.names import CONSTANT

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
    assert none.facts["activity.fewest_of_one_kind"] == 30


@pytest.fixture(scope="module")
def explained(found: decline.Decline, people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return importance.explain(people, found, 1 / 5, 5, SEED)


def test_partial_effects_are_those_of_the_numbers_that_move_the_risk_most(
    explained: dict[str, pd.DataFrame], found: decline.Decline, people: pd.DataFrame
) -> None:
    table, label = decline.features(people), people["decline"].to_numpy()
    made = [
        models.fit(LOGISTIC, table.iloc[train], label[train], SEED, tuned)
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
        models.fit(LOGISTIC, table.iloc[train], label[train], seed, found.parameters[0])
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


@pytest.mark.real
def test_the_real_tables_give_what_careful_work_finds(one_click: Path, settings: Settings) -> None:
    people = duplicated(one_click, settings)
    table, label = decline.features(people), people["decline"].to_numpy()
    groups = people["duplicate_group"].to_numpy()
    splits = evaluation.grouped_splits(label, groups, 5, 2, settings.engine.seed)
    prepared = evaluation.prepare_splits(table, label, groups, splits, SEED)
    tested = evaluation.cross_validate(LOGISTIC, prepared, SEED)
    assert tested.scores["roc_auc"].mean() == pytest.approx(0.903, abs=0.008)
    ways = decline.calibrations(LOGISTIC, prepared, tested.parameters, SEED)
    p = evaluation.mean_out_of_fold(ways["isotonic"], splits, len(label))
    assert evaluation.judge(label, p)["brier"] == pytest.approx(0.095, abs=0.006)
    cut = people.assign(decline_probability=p, risk_group=risk_groups.assign(people, p, 0.5))
    target = risk_groups.risk_groups(cut, SEED, 5).set_index("group").loc[TARGET]
    assert target["customers"] == pytest.approx(207, abs=12)
    assert target["profit_share"] == pytest.approx(0.19, abs=0.015)
    assert target["declined"] == pytest.approx(0.92, abs=0.03)

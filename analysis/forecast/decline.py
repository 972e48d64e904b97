"""Forecast which regular customers will buy less in the next three months.

Candidates are compared on the labelled customers in a nested, repeated cross-validation that
keeps near-duplicates together; the chosen one is calibrated if that helps, and every later
figure rests on its predictions for customers whom it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn.model_selection import StratifiedKFold

from analysis.core.settings import ModelSettings
from analysis.forecast.names import FEW
from analysis.regulars.cells import read_numbers
from analysis.regulars.names import BEHAVIOUR_NUMBERS, CATEGORICAL, MINUTES, REVENUES
from analysis.regulars.reading import Facts
from analysis.stats import evaluation, intervals, models
from analysis.stats.evaluation import Judged, Prepared
from analysis.stats.models import Fold, Numbers, Parameters, Split
from analysis.stats.names import CALIBRATIONS, CONSTANT

#: The columns that were given and may tell who declines. Never the id, the label or the profit,
#: by which the customers worth keeping are chosen afterwards.
GIVEN = (*BEHAVIOUR_NUMBERS, *REVENUES, *MINUTES, *CATEGORICAL)
#: What a marketer would add: column -> the columns that it is made of.
ADDED = {
    "revenue_trend": REVENUES,
    "minutes_change": MINUTES,
    "contacts_change": ("contacts_6_months", "contacts_this_month"),
}
#: Models whose gain from a leak is measured: a simple one, and those that look at neighbours.
LEAK_MODELS = (
    "logistic regression",
    "k-nearest neighbours",
    "support vector machine",
    "random forest",
)


class Decline(NamedTuple):
    """What is known about the model.

    Attributes
    ----------
    models
        One row a candidate, from `stats.evaluation.comparison`; empty where nothing was fitted.
    model
        The candidate that was chosen; "" where nothing was fitted.
    calibration
        One of `stats.names.CALIBRATIONS`.
    parameters
        For each split, what was tuned for the chosen model.
    splits
        The outer splits: training and test rows.
    probability
        Of decline, for each customer, by models that saw neither it nor a near-duplicate:
        the mean over the repeats. NaN where nothing was fitted.
    reliability
        calibration, and the columns of `stats.evaluation.reliability`.
    leakage
        From `leakage_gains`: what the id, or splitting near-duplicates, would have added.
    facts
        Keyed ``activity.*``.
    """

    models: pd.DataFrame
    model: str
    calibration: str
    parameters: list[Parameters]
    splits: list[Split]
    probability: Numbers
    reliability: pd.DataFrame
    leakage: pd.DataFrame
    facts: Facts


def features(customers: pd.DataFrame) -> pd.DataFrame:
    """Return what a model may see of each customer.

    Parameters
    ----------
    customers
        As in `regulars.contract.CUSTOMERS_SCHEMA`.

    Returns
    -------
    pandas.DataFrame
        The columns in `GIVEN` and `ADDED`: ``revenue_trend`` is the logarithm of this month's
        revenue over the mean of the two months before, ``minutes_change`` and
        ``contacts_change`` are this month less last month, and less the usual month.
    """
    before = customers[list(REVENUES[:2])].mean(axis="columns")
    added: dict[str, pd.Series] = {
        "revenue_trend": (customers[REVENUES[2]] / before).map(np.log),
        "minutes_change": customers[MINUTES[1]] - customers[MINUTES[0]],
        "contacts_change": customers["contacts_this_month"] - customers["contacts_6_months"],
    }
    table = customers[list(GIVEN)].assign(**added)
    return table.astype({"consent": float, "service_level": str, "favourite_category": str})


def read_decline(
    customers: pd.DataFrame,
    duplicate_group: pd.Series,
    settings: ModelSettings,
    seed: int,
    step: Callable[[str], AbstractContextManager[None]],
) -> Decline:
    """Compare the candidates, choose one, calibrate it, and measure what leakage would have added.

    Parameters
    ----------
    customers
        As in `regulars.contract.CUSTOMERS_SCHEMA`, in any order.
    duplicate_group
        From `regulars.near_duplicates.group_near_duplicates`.
    settings
        Folds and repeats.
    seed
        For folds, and for models that draw.
    step
        Called with what comes next; gives a context that takes its time.
    """
    # The order of a file must not decide who is in which fold.
    order = customers["customer_id"].argsort(kind="stable").to_numpy()
    table = features(customers).iloc[order].reset_index(drop=True)
    label = customers["decline"].to_numpy()[order]
    groups = _renumber(duplicate_group.to_numpy()[order])
    fewest = min(label.sum(), (~label).sum())
    if fewest < evaluation.FEWEST:
        return _no_model(len(label), int(fewest))
    splits = evaluation.grouped_splits(label, groups, settings.folds, settings.repeats, seed)
    with step("prepare the splits"):
        prepared = evaluation.prepare_splits(table, label, groups, splits, seed)
    tested = {}
    for model in models.CANDIDATES:
        with step(f"test {model}"):
            tested[model] = evaluation.cross_validate(model, prepared, seed)
    table_of_models = mark_roles(evaluation.comparison(tested, 1 / settings.folds))
    chosen = str(table_of_models.loc[table_of_models["chosen"], "model"].iloc[0])
    parameters = tested[chosen].parameters
    with step("calibrate the chosen model"):
        ways = calibrations(chosen, prepared, parameters, seed)
        compared = compare_calibrations(ways, label, splits, 1 / settings.folds, chosen)
        calibration = str(compared.loc[compared["used"], "calibration"].iloc[0])
        curves = pd.concat(
            [
                evaluation.reliability(
                    label, evaluation.mean_out_of_fold(found, splits, len(label))
                ).assign(calibration=way, used=way == calibration)
                for way, found in ways.items()
            ],
            ignore_index=True,
        )
    with step("measure what leakage would have added"):
        ids = _numbers_of(customers["customer_id"])[order]
        leakage = leakage_gains(table, label, groups, ids, tested, prepared, splits, seed)
    p = evaluation.mean_out_of_fold(ways[calibration], splits, len(label))
    back = np.empty(len(label))
    back[order] = p
    return Decline(
        models=table_of_models,
        model=chosen,
        calibration=calibration,
        parameters=parameters,
        splits=[(order[train], order[test]) for train, test in splits],
        probability=back,
        reliability=curves,
        leakage=leakage,
        facts=_facts(table_of_models, chosen, compared, leakage, label, p),
    )


def mark_roles(table: pd.DataFrame) -> pd.DataFrame:
    """Mark the candidate that ranks best, and the one that the probabilities come from.

    The case study asks for the highest ROC-AUC, which is about ranks. Whom it pays to contact
    depends on probabilities, and log loss judges these: it alone decides which are used.

    Parameters
    ----------
    table
        From `stats.evaluation.comparison`.

    Returns
    -------
    pandas.DataFrame
        `table` with best_ranking (the highest ROC-AUC) and chosen (the lowest log loss), each
        true of one candidate: the simplest of equals.
    """
    area = table["roc_auc"].astype(float).fillna(-1.0).to_numpy()
    loss = table["log_loss"].astype(float).fillna(np.inf).to_numpy()
    return table.assign(
        best_ranking=np.arange(len(table)) == int(area.argmax()),
        chosen=np.arange(len(table)) == int(loss.argmin()),
    )


def label_facts(customers: pd.DataFrame) -> Facts:
    """Return what the label says of the revenue in the table: a check, which no model sees.

    ``activity.label_change_declined`` and ``_stayed`` are medians of this month's revenue over that
    of two months ago, less one; ``activity.label_not_less`` is the share of those labelled as
    declining whose revenue has not fallen.
    """
    before, now = (customers[name].astype(float) for name in (REVENUES[0], REVENUES[2]))
    change = (now / before - 1).where(before > 0)
    declined = customers["decline"].astype(bool)
    known = {"declined": change[declined].dropna(), "stayed": change[~declined].dropna()}
    if any(part.empty for part in known.values()):
        return {}
    facts: Facts = {
        f"activity.label_change_{name}": float(part.median()) for name, part in known.items()
    }
    facts["activity.label_not_less"] = float((known["declined"] >= 0).mean())
    return facts


def _renumber(groups: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return groups numbered by their first row, so that their old numbers do not matter."""
    return np.asarray(pd.factorize(groups)[0], dtype=np.int64)


def _no_model(customers: int, fewest: int) -> Decline:
    """Return what is left to say when there are too few customers of one kind."""
    nothing = pd.DataFrame()
    return Decline(
        nothing,
        "",
        "",
        [],
        [],
        np.full(customers, np.nan),
        nothing,
        nothing,
        {
            "activity.model": "",
            "activity.no_model": FEW,
            "activity.fewest_of_one_kind": fewest,
            "activity.needed_of_each_kind": evaluation.FEWEST,
        },
    )


# ------------------------------------------------------------------------------ calibration


def calibrations(
    model: str, prepared: Sequence[Prepared], parameters: Sequence[Parameters], seed: int
) -> dict[str, list[Numbers]]:
    """Return, for each way to calibrate, the predictions for every split's test rows."""

    def predict_split(split: Prepared, tuned: Parameters) -> list[Numbers]:
        return models.predict_calibrated(model, *split, seed, tuned, CALIBRATIONS)

    done = models.run_parallel(predict_split, list(zip(prepared, parameters, strict=True)))
    return dict(zip(CALIBRATIONS, map(list, zip(*done, strict=True)), strict=True))


def compare_calibrations(
    ways: dict[str, list[Numbers]],
    label: npt.NDArray[np.bool_],
    splits: Sequence[Split],
    test_share: float,
    model: str,
) -> pd.DataFrame:
    """Return what each way to calibrate does to the Brier score, and which one is used.

    The way with the lowest score is used, like any other choice that tuning makes: a calibrator
    has next to no parameters. Distances have to become probabilities, whatever the score.

    Returns
    -------
    pandas.DataFrame
        calibration, brier, gain (over the model's own probabilities), gain_low, gain_high, used.
    """
    own = models.usual_calibration(model)
    brier = {way: _scores(found, label, splits, "brier") for way, found in ways.items()}
    gains = [
        intervals.corrected_interval(brier[own] - found, test_share) for found in brier.values()
    ]
    table = pd.DataFrame(gains, columns=["gain", "gain_low", "gain_high"])
    table.insert(0, "calibration", list(ways))
    table.insert(1, "brier", [found.mean() for found in brier.values()])
    allowed = table["brier"].where(
        table["calibration"].isin(CALIBRATIONS[CALIBRATIONS.index(own) :])
    )
    return table.assign(used=table.index == int(np.nanargmin(allowed.to_numpy())))


def _scores(
    predicted: Sequence[Numbers], label: npt.NDArray[np.bool_], splits: Sequence[Split], name: str
) -> Numbers:
    """Return one measure for each split's test rows."""
    pairs = zip(predicted, splits, strict=True)
    return np.array([evaluation.judge(label[test], p)[name] for p, (_, test) in pairs])


# ------------------------------------------------------------------------------ leakage


def leakage_gains(
    table: pd.DataFrame,
    label: npt.NDArray[np.bool_],
    groups: npt.NDArray[Any],
    ids: npt.NDArray[Any],
    tested: dict[str, Judged],
    prepared: Sequence[Prepared],
    splits: Sequence[Split],
    seed: int,
) -> pd.DataFrame:
    """Measure what two mistakes would have added to the ROC-AUC of each model.

    Parameters
    ----------
    table, label, groups
        Features, outcomes, and near-duplicates.
    ids
        The customers' numbers, which a careless table has among its features.
    tested
        By model, how it did on the honest splits. All are fitted with the usual parameters, so that
        nothing but the mistake differs.
    prepared, splits
        The honest ones, some repeats of a cross-validation.
    seed
        As of the honest splits.

    Returns
    -------
    pandas.DataFrame
        mistake ("near_duplicates": their pairs are split between training and test; "id": the
        number is among the features), model, honest, leaky, added, low, high. The interval is over
        the repeats, so that it knows the luck of the splits and not that of the customers. Without
        near-duplicates there are no rows about them.
    """
    folds = round(len(label) / np.mean([len(test) for _, test in splits]))
    repeats = len(splits) // folds
    careless = [
        split
        for repeat in range(repeats)
        for split in StratifiedKFold(folds, shuffle=True, random_state=seed + repeat).split(
            table, label
        )
    ]
    with_id = table.assign(customer_id=ids)
    kinds = {"near_duplicates": (table, careless), "id": (with_id, splits)}
    if len(np.unique(groups)) == len(groups):
        del kinds["near_duplicates"]
    mistaken = {
        mistake: models.run_parallel(models.prepare_fold, [(seen, label, split) for split in used])
        for mistake, (seen, used) in kinds.items()
    }
    rows = []
    for model in (name for name in tested if name in LEAK_MODELS):
        usual = models.usual_parameters(tested[model].parameters)[1]
        honest = tested[model].scores["roc_auc"].to_numpy(copy=True)
        other = [i for i, tuned in enumerate(tested[model].parameters) if tuned != usual]
        honest[other] = _areas(model, [prepared[i].outer for i in other], usual, seed)
        for mistake, seen_folds in mistaken.items():
            leaky = _areas(model, seen_folds, usual, seed)
            # A repeat as a whole sees every customer once: its mean is what is reported.
            added = (leaky - honest).reshape(repeats, folds).mean(axis=1)
            reach = _reach(added)
            rows.append(
                {
                    "mistake": mistake,
                    "model": model,
                    "honest": float(honest.mean()),
                    "leaky": float(leaky.mean()),
                    "added": float(added.mean()),
                    "low": float(added.mean() - reach),
                    "high": float(added.mean() + reach),
                }
            )
    return pd.DataFrame(rows)


def _reach(values: Numbers) -> float:
    """Return how far the 95% interval of a mean goes to either side; nothing is known of one."""
    if len(values) < 2:
        return float("nan")
    return float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))


def _areas(model: str, folds: Sequence[Fold], parameters: Parameters, seed: int) -> Numbers:
    """Return the ROC-AUC on each fold with given parameters."""

    def score_fold(fold: Fold) -> float:
        return models.roc_auc(fold.outcome, models.predict(model, fold, seed, parameters))

    return np.array(models.run_parallel(score_fold, [(fold,) for fold in folds]))


def _numbers_of(ids: pd.Series) -> npt.NDArray[Any]:
    """Return ids as numbers; where they are none, their place in the file."""
    numbers = read_numbers(ids.astype("str"))
    return np.arange(len(ids)) if numbers.isna().any() else numbers.to_numpy()


def _facts(
    table: pd.DataFrame,
    model: str,
    compared: pd.DataFrame,
    leakage: pd.DataFrame,
    label: npt.NDArray[np.bool_],
    p: Numbers,
) -> Facts:
    """Return the numbers that the prose quotes."""
    by_model: dict[Any, dict[Any, Any]] = table.set_index("model").to_dict("index")
    ways: dict[Any, dict[Any, Any]] = compared.set_index("calibration").to_dict("index")
    used = next(way for way, row in ways.items() if row["used"])
    best = max(by_model, key=lambda name: by_model[name]["roc_auc"])
    facts: Facts = {
        "activity.model": model,
        "activity.calibration": used,
        "activity.best_model": best,
        "activity.best_roc_auc": by_model[best]["roc_auc"],
        "activity.mean_probability": float(p.mean()),
        **{
            f"activity.out_of_fold_{name}": value
            for name, value in evaluation.judge(label, p).items()
        },
        **{f"activity.brier_{way.replace(' ', '_')}": row["brier"] for way, row in ways.items()},
        **{
            f"activity.calibration_{end}": ways[used][end]
            for end in ("gain", "gain_low", "gain_high")
        },
        "activity.constant_brier": by_model[CONSTANT]["brier"],
        "activity.constant_pr_auc": by_model[CONSTANT]["pr_auc"],
    }
    for name in ("roc_auc", "pr_auc", "brier", "log_loss", "behind"):
        for end in ("", "_low", "_high"):
            facts[f"activity.{name}{end}"] = by_model[model][f"{name}{end}"]
    for row in leakage.to_dict("records"):
        about = f"activity.leak_{row['mistake']}_{row['model'].replace(' ', '_')}"
        facts |= {about: row["leaky"], f"{about}_added": row["added"]}
    return facts

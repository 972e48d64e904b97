"""Say in a sentence or two what the decline model shows.

Every sentence is computed, and holds whichever candidate was chosen, where nothing is clear, where
profits are negative, and where there is no model at all (then tables are empty).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from analysis.core.formatting import (
    capital,
    count,
    join_words,
    minus,
    number_text,
    percent,
    score,
    share_of_hundred,
    shorten,
)
from analysis.forecast.names import CALM, HIGH_RISK, TARGET
from analysis.regulars.names import FEATURE_NAMES
from analysis.stats.names import CALIBRATIONS, CONSTANT

NO_MODEL = "There is no model of who buys less."
NO_EXPLANATION = "There is no model to explain."
NOT_THE_CAUSE = (
    "This is what the model leans on, not what makes customers buy less: nobody was treated "
    "differently here, so nothing shows what a change would do."
)
_SHARES = ("promo_share", "consent")
NEARLY = 0.05
#: What others reported of a table, named by its SHA-256: ROC-AUC of one random split each.
PUBLISHED_OF = "5884abf3de76477562e51ce3f8a5bcdf11944d6667019cb47406f03b79460f09"
PUBLISHED = {"support vector machine": 0.914, "logistic regression": 0.92}


def name(model: str) -> str:
    """Return how the report calls a candidate.

    Examples
    --------
    >>> name("constant"), name("random forest")
    ('the same guess for everybody', 'random forest')
    """
    return "the same guess for everybody" if model == CONSTANT else shorten(model)


def feature_name(feature: object) -> str:
    """Return how the report calls a feature, in the middle of a sentence."""
    return FEATURE_NAMES.get(str(feature), shorten(feature))


def feature_value(feature: object, value: float) -> str:
    """Return a feature's value as text.

    Examples
    --------
    >>> feature_value("promo_share", 0.331), feature_value("revenue_trend", -0.2)
    ('33%', '−0.2')
    """
    return percent(value) if feature in _SHARES else minus(number_text(value))


def _span(low: float, high: float) -> str:
    """Return an interval of a score in brackets, or nothing where it is not known."""
    unknown = pd.isna(low) or pd.isna(high)
    return "" if unknown else f" (95% interval {score(low)} to {score(high)})"


def share_text(row: pd.Series, column: str) -> str:
    """Return a share with its interval."""
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    known = pd.notna(low) and pd.notna(high)
    return percent(row[column]) + (f" ({percent(low)} to {percent(high)})" if known else "")


def _best(models: pd.DataFrame) -> pd.Series:
    return models.iloc[int(models["roc_auc"].astype(float).fillna(-np.inf).to_numpy().argmax())]


def chosen_row(table: pd.DataFrame) -> pd.Series | None:
    """Return the chosen row of a table, if there is one."""
    rows = table[table["chosen"].astype(bool)] if len(table) else table
    return None if rows.empty else rows.iloc[0]


def explain_roc_auc(models: pd.DataFrame) -> str:
    """Explain the ROC-AUC of the chosen model to somebody who has never heard of it."""
    row = chosen_row(models)
    if row is None or pd.isna(row["roc_auc"]):
        return NO_MODEL
    if row["model"] == CONSTANT:
        return "The same guess for everybody puts no customer before another, as a coin would."
    return (
        f"Take a customer who buys less and one who does not. {capital(name(row['model']))} gives "
        f"the first the higher risk in {share_of_hundred(row['roc_auc'])} of 100 such pairs, where "
        "a tie counts half; a coin would in 50, a perfect model in 100. Divided by 100, this is "
        f"the ROC-AUC: {score(row['roc_auc'])}{_span(row['roc_auc_low'], row['roc_auc_high'])}."
    )


def candidates(models: pd.DataFrame) -> str:
    """Say how well the chosen candidate ranks customers, and whether another is better."""
    row = chosen_row(models)
    if row is None or pd.isna(row["roc_auc"]):
        return NO_MODEL
    best, behind = _best(models), row["behind_low"]
    alone = row["roc_auc"] >= best["roc_auc"]
    beats = f"is {'' if behind > 0 else 'not '}credibly better than"
    other = f"the best candidate, {name(best['model'])}, {beats}"
    if row["model"] == CONSTANT and alone:
        return "No candidate ranks customers better than the same guess for everybody."
    if row["model"] == CONSTANT:
        return f"{capital(other)} the same guess for everybody."
    return (
        f"Of a customer who buys less and one who does not, {name(row['model'])} puts the first "
        f"higher in {share_of_hundred(row['roc_auc'])} of 100 pairs; "
        + ("no candidate does better." if alone else f"{other} it.")
    )


def choice(models: pd.DataFrame) -> str:
    """Say why the rule takes this candidate, what the next one is, and how they differ."""
    row = chosen_row(models)
    if row is None:
        return NO_MODEL
    rest = models[models["model"] != row["model"]]
    if rest.empty:
        return f"There was one candidate only: {name(row['model'])}."
    best, own = _best(models), capital(name(row["model"]))
    if best["model"] == row["model"]:
        after = _best(rest)
        text = (
            f"{own} ranks best (ROC-AUC {score(row['roc_auc'])}). The runner-up, "
            f"{name(after['model'])}, is behind by {score(after['behind'])}"
            f"{_span(after['behind_low'], after['behind_high'])}"
        )
    else:
        order = list(models["model"])
        simpler = order.index(row["model"]) < order.index(best["model"])
        text = (
            f"{capital(name(best['model']))} ranks best (ROC-AUC {score(best['roc_auc'])}). "
            f"{own} is {'simpler, and ' if simpler else ''}behind by {score(row['behind'])}"
            f"{_span(row['behind_low'], row['behind_high'])}"
        )
        if simpler and row["behind_low"] <= 0:
            text += ": not credibly worse, so the rule takes it"
    worse = [name(model) for model in rest.loc[rest["behind_low"] > 0, "model"]]
    if not worse:
        return f"{text}. No candidate is credibly worse than the best."
    return f"{text}. Credibly worse than the best: {join_words(worse)}."


def published_scores(models: pd.DataFrame, files: Collection[str]) -> str:
    """Say whether published scores lie within the noise of a single split; empty for other tables.

    Parameters
    ----------
    models
        From `stats.evaluation.comparison`.
    files
        SHA-256 of the files that were read.
    """
    rows = models[models["model"].isin(PUBLISHED)] if len(models) else models
    if PUBLISHED_OF not in files or rows.empty:
        return ""
    claims = rows["model"].map(PUBLISHED)
    scores = join_words(
        [
            f"{score(claim)} ({name(model)})"
            for claim, model in zip(claims, rows["model"], strict=True)
        ]
    )
    folds = f"{score(rows['roc_auc_lowest'].min())} to {score(rows['roc_auc_highest'].max())}"
    if claims.between(rows["roc_auc_lowest"], rows["roc_auc_highest"]).all():
        return (
            f"Published scores of these tables, {scores}, come from one random split each and lie "
            f"within the noise of one: our single test folds score {folds}."
        )
    return (
        f"Published scores of these tables, {scores}, come from one random split each, and not all "
        f"lie within the noise of one: our single test folds score {folds}."
    )


def reliability(curves: pd.DataFrame) -> str:
    """Say in how many groups the predicted risk agrees with what came."""
    before = curves[curves["calibration"] == CALIBRATIONS[0]] if len(curves) else curves
    used = curves[curves["used"].astype(bool)] if len(curves) else curves
    if used.empty:
        return NO_MODEL
    text = f"The predicted risk agrees with what came, within chance, in {_count_agreeing(used)}"
    if before.empty or used["calibration"].iloc[0] == CALIBRATIONS[0]:
        return f"{text}."
    return f"{text}; before calibration in {_count_agreeing(before)}."


def _count_agreeing(rows: pd.DataFrame) -> str:
    inside = int(rows["predicted"].between(rows["low"], rows["high"]).sum())
    return f"{inside} of {count(len(rows), 'group')}"


def calibration(facts: Mapping[str, str | float]) -> str:
    """Say what calibration does to the Brier score (`Decline.facts`), and which way is in use."""
    model, used = str(facts.get("activity.model", "")), facts.get("activity.calibration")
    if not model or used not in CALIBRATIONS:
        return NO_MODEL
    said = []
    for way in CALIBRATIONS:
        value = score(float(facts[f"activity.brier_{way.replace(' ', '_')}"]))
        said.append(f"{value} {'' if way == CALIBRATIONS[0] else 'calibrated by '}{way}")
    text = (
        "The Brier score, the mean squared distance of the predicted risk from what came (0 is "
        f"perfect, {score(float(facts['activity.constant_brier']))} the same guess for everybody), "
        f"is {join_words(said)}"
    )
    if used == CALIBRATIONS[0]:
        return f"{text}. No calibration lowers it, so none is in use."
    gain, low, high = (
        float(facts[f"activity.calibration_gain{end}"]) for end in ("", "_low", "_high")
    )
    if gain > 0:
        sure = "" if low > 0 else "; that it helps at all is not certain"
        return (
            f"{text}. The calibration {used} scores best, and is in use: it lowers the score by "
            f"{score(gain)}{_span(low, high)}{sure}."
        )
    return f"{text}. The model gives distances; the calibration {used} makes probabilities of them."


def importance(table: pd.DataFrame) -> str:
    """Say what the model leans on most."""
    if table.empty:
        return NO_EXPLANATION
    clear = table[table["low"] > 0].sort_values("drop", ascending=False, kind="stable")
    if clear.empty:
        return "Shuffling no group of features costs the model more than chance."
    top, *rest = [shorten(group, 60) for group in clear["group"].head(3)]
    cost = f"{100 * clear['drop'].iloc[0]:.1f} fewer of 100 pairs"
    text = f"The model leans most on {top}: shuffled, it ranks {cost} rightly"
    return f"{text}; then on {join_words(rest)}." if rest else f"{text}. No other group is clear."


def partial(table: pd.DataFrame) -> str:
    """Say what the model would expect if everybody had another value of one feature."""
    if table.empty:
        return NO_EXPLANATION
    spans = table.groupby("feature", sort=False)["probability"].agg(np.ptp)
    feature = str(spans.index[int(spans.to_numpy().argmax())])
    rows = table[table["feature"] == feature].sort_values("probability", kind="stable")
    ends = [rows.iloc[-1], rows.iloc[0]]
    high, low = (percent(end["probability"]) for end in ends)
    if high == low:
        return "Whatever one value everybody had, the model would expect about the same risk."
    at = [feature_value(feature, end["value"]) for end in ends]
    return (
        f"With {feature_name(feature)} at {at[0]} for everybody, the model would expect {high} to "
        f"buy less; at {at[1]}, {low}."
    )


def risk_groups(groups: pd.DataFrame) -> str:
    """Say how many are at high risk, how many of these bring a high profit, and which share of it.

    Parameters
    ----------
    groups
        From `forecast.risk_groups.risk_groups`.
    """
    row = _target(groups)
    if row is None:
        return NO_MODEL
    at_risk = groups[groups["group"].isin(HIGH_RISK)]
    high, everybody = at_risk["customers"].sum(), groups["customers"].sum()
    if not high:
        return "No regular customer is at high risk of buying less."
    verb = "is" if high == 1 else "are"
    text = (
        f"{count(high, 'regular customer')} {verb} at high risk of buying less, "
        f"{percent(high / everybody)} of all."
    )
    if not row["customers"]:
        return f"{text} None of them brings a high profit."
    brings = "brings" if row["customers"] == 1 else "bring"
    also = f"{text} {count(row['customers'])} of them also {brings}"
    if not row["shown"]:
        return f"{also} a high profit: too few to describe."
    # Of a loss, shares would have the wrong sign.
    known = groups[groups["profit_share"].abs() > 0]
    gained = len(known) and (known["profit"] / known["profit_share"]).iloc[0] > 0
    profit = " a high profit"
    if gained:
        profit += f", {share_text(row, 'profit_share')} of all profit"
    return f"{also}{profit}; {share_text(row, 'declined')} of these did buy less."


def consent(groups: pd.DataFrame) -> str:
    """Say how many of the group may be contacted."""
    row = _target(groups)
    if row is None or not row["shown"]:
        return "The group is too small to say how many may be contacted."
    # Where one number is withheld, the other would give it away.
    if pd.isna(row["consenting"]) or pd.isna(row["refusing"]):
        return "So few differ from the others in their consent that they are not counted."
    yes, no = count(row["consenting"]), count(row["refusing"])
    return f"Consent to messages: {yes} gave it; {no} did not, and are on no contact list."


def _target(groups: pd.DataFrame) -> pd.Series | None:
    rows = groups[groups["group"] == TARGET] if len(groups) else groups
    return None if rows.empty else rows.iloc[0]


def effects(table: pd.DataFrame, against: str, most: int = 3) -> str:
    """Say what sets the group apart (`forecast.risk_groups.group_effects`, one ``against``)."""
    others = "those at low risk who bring as much" if against == CALM else against
    rows = table[table["against"] == against] if len(table) else table
    if rows.empty:
        return f"There are too few customers to compare the group with {others}."
    # The group was cut by profit: that it differs in it is no finding.
    clear = rows[rows["clear"].astype(bool) & (rows["feature"] != "profit")]
    if clear.empty:
        return f"But for profit, nothing clearly sets the group apart from {others}."
    top = clear.iloc[(-clear["delta"].abs()).argsort(kind="stable").to_numpy()[:most]]
    said = join_words([_contrast(row) for _, row in top.iterrows()])
    return f"Compared with {others}, the group has {said}."


def _contrast(row: pd.Series) -> str:
    """Return a feature with both groups' usual values, where those tell the same story."""
    column = "share" if row["level"] else "median"
    own, other = row[f"declined_{column}"], row[f"same_{column}"]
    if row["level"]:
        text = f"{'more' if row['delta'] > 0 else 'fewer'} with {shorten(row['name'], 50)}"
        own_text, other_text = percent(own), percent(other)
    else:
        text = f"{'higher' if row['delta'] > 0 else 'lower'} {feature_name(row['feature'])}"
        own_text, other_text = (feature_value(row["feature"], value) for value in (own, other))
    # Most pairs may differ one way where the medians do not.
    if own_text == other_text or (own > other) != (row["delta"] > 0):
        return text
    return f"{text} ({own_text} against {other_text})"

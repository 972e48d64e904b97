"""Say above which risk contacting a customer pays."""

from __future__ import annotations

import pandas as pd

from analysis.core.formatting import amount, count, difference, percent
from analysis.forecast.text_decline import NEARLY, chosen_row, share_text
from analysis.strategy.names import AS_ASSUMED

NOBODY = "There is no model, or nobody consented to messages: there is nobody to contact."


def contact_curve(curve: pd.DataFrame, unit: str) -> str:
    """Say from which risk on a contact pays."""
    row = chosen_row(curve)
    if row is None:
        return NOBODY
    if not row["expected"] > 0:
        return "As assumed, contacting brings no profit from any risk on: better contact nobody."
    who = f"the {count(row['contacted'], 'customer')} with consent"
    brings = f"brings the most, an expected {amount(row['expected'], unit)}"
    if row["contacted"] == curve["contacted"].max():
        return f"Contacting all of {who} {brings}."
    same = abs(row["threshold"] - 0.5) < 0.005
    where = "one half" if same else f"a risk of {percent(row['threshold'])}, not at one half"
    return f"The line lies at {where}: contacting {who} from there on {brings}."


def contact_line(curve: pd.DataFrame, unit: str) -> str:
    """Say how much the place of the line matters, and what came of those beyond it."""
    row = chosen_row(curve)
    if row is None:
        return NOBODY
    came = (
        f"By what came, the chosen line would have brought {amount(row['profit'], unit)} (95% "
        f"interval {amount(row['low'])} to {amount(row['high'])}); {amount(row['least'])} if the "
        f"lowest share assumed is kept, {amount(row['most'])} if the highest is."
    )
    if not row["expected"] > 0:
        return came
    at, enough = row["threshold"], curve["expected"] >= (1 - NEARLY) * row["expected"]
    # The best line is in a run of good ones; others may lie apart from it.
    bad = [-1.0, *curve.loc[~enough, "threshold"], 2.0]
    first, last = max(t for t in bad if t < at), min(t for t in bad if t > at)
    run = curve.loc[curve["threshold"].gt(first) & curve["threshold"].lt(last), "threshold"]
    if len(run) < 2:
        return f"Lines next to it bring less by over {percent(NEARLY)}. {came}"
    span = f"from {percent(run.min())} to {percent(run.max())}"
    return f"Lines {span} bring within {percent(NEARLY)} of that. {came}"


def contact_reach(curve: pd.DataFrame) -> str:
    """Say what precision and recall are at the chosen line."""
    row = chosen_row(curve)
    if row is None or not row["contacted"]:
        return NOBODY if row is None else "At the chosen line nobody is contacted."
    text = (
        f"Of the {count(row['contacted'], 'customer')} contacted, {share_text(row, 'precision')} "
    )
    text += "did buy less (precision)"
    if pd.isna(row["recall"]):
        return f"{text}; nobody with consent bought less."
    reached = f"{share_text(row, 'recall')} are among the contacted (recall)"
    return f"{text}; of all with consent who bought less, {reached}."


def scenarios(table: pd.DataFrame, unit: str) -> str:
    """Say what it costs to keep to the line when an assumption is wrong by a factor of two."""
    others = table[table["scenario"] != AS_ASSUMED] if len(table) else table
    if others.empty:
        return NOBODY
    worst = others.iloc[int(others["lost"].to_numpy().argmax())]
    first, last = percent(others["threshold"].min()), percent(others["threshold"].max())
    span = f"at {first}" if first == last else f"between {first} and {last}"
    text = f"Were one assumption wrong by a factor of two, the best line would lie {span}; to keep "
    if not worst["lost"] > 0:
        return f"{text}to the chosen one would cost nothing."
    lost = difference(worst["expected"], worst["kept_threshold"])
    cost = f"{amount(lost, unit)} of {amount(worst['expected'])}"
    return f"{text}to the chosen one would cost at most {cost} (if {worst['scenario']})."

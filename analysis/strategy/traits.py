"""Find the traits of a segment that its action mentions.

A sentence of ``data/segments.toml`` is said about the segments that show its trait, with their own
numbers, and about no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.core.formatting import count, join_words, median_text, money, percent, shorten
from analysis.forecast.names import GROUPS, TARGET
from analysis.regulars.summaries import CHANCE
from analysis.regulars.tables import feature_effects
from analysis.strategy.plan import ACTIVITY_TRAITS, EVERYBODY, LEDGER_TRAITS, Plan, Trait

#: A difference of less than this part of what all customers have is not told.
RELEVANT = 0.1
_BRACKETS = re.compile(r"\s*\([^()]*\{(?:here|there)\}[^()]*\)")

# ------------------------------------------------------------------------- what they are like


def ledger_traits(profiles: pd.DataFrame, overall: pd.Series, currency: str = "") -> pd.DataFrame:
    """Return the values of each described segment that a trait may ask about.

    Parameters
    ----------
    profiles, overall
        From `segments.profiles.segment_profiles` and `overall_profile`.
    currency
        The sign before amounts.

    Returns
    -------
    pandas.DataFrame
        segment, column (of `LEDGER_TRAITS`), level (empty), here (the segment's value) with low
        and high, there (that of all customers), way (1: clearly above all customers, -1: clearly
        below, both by `RELEVANT` or more; 0: neither), here_text, there_text.

    Notes
    -----
    Shares and means differ clearly where their 95% intervals are apart, which is stricter than a
    test. Medians: where their notches are, the median +- 1.57 interquartile ranges over the root
    of the number of values (McGill, R., Tukey, J. W., & Larsen, W. A. (1978). Variations of box
    plots. *The American Statistician*, 32(1), 12-16).
    """
    rows = []
    for row in profiles[profiles["shown"].astype(bool)].to_dict("records"):
        for column, kind in LEDGER_TRAITS.items():
            ends = (*_ends(row, column), *_ends(overall, column))
            rows.append((row["segment"], column, "", kind, *ends))
    names = ["segment", "column", "level", "kind", "here", "low", "high"]
    table = pd.DataFrame(rows, columns=[*names, "there", "there_low", "there_high"])
    table = table.dropna(subset=["here", "there"])
    # In a large shop any difference is clear: one that is small as well says nothing to act on.
    large = (table["here"] - table["there"]).abs() >= RELEVANT * table["there"].abs()
    up, down = table["low"] > table["there_high"], table["high"] < table["there_low"]
    table["way"] = (up & large).astype(int) - (down & large).astype(int)
    return _write_values(table, currency)


def _ends(row: Any, column: str) -> tuple[float, float, float]:
    """Return a value of a profile with the ends of its interval."""
    value = float(row[column])
    if f"{column}_low" in row:
        return value, float(row[f"{column}_low"]), float(row[f"{column}_high"])
    name = column.removesuffix("_median")
    size = float(row["orders" if name == "basket" else "customers"])
    if name == "second_days":
        size *= float(row["second_order_share"])
    spread = float(row[f"{name}_q3"]) - float(row[f"{name}_q1"])
    reach = 1.57 * spread / np.sqrt(size) if size > 0 else np.nan
    return value, value - reach, value + reach


def group_traits(
    customers: pd.DataFrame, effects: pd.DataFrame, minimum_group: int
) -> pd.DataFrame:
    """Return the values of each group by risk and profit that a trait may ask about.

    Parameters
    ----------
    customers
        With risk_group and all features, as `forecast.risk_groups.risk_groups` takes them.
    effects
        From `forecast.risk_groups.group_effects`, which are taken over for the group worth keeping,
        so that no sentence says other than the picture of that group.
    minimum_group
        As in `regulars.tables.feature_effects`.

    Returns
    -------
    pandas.DataFrame
        As `ledger_traits` returns it; ``there`` is the value of all other groups, and ``way`` is
        not 0 where the difference is more than chance, adjusted for all comparisons of the other
        three groups.
    """
    parts = []
    for group in GROUPS[1:]:
        others = customers.assign(decline=customers["risk_group"] == group)
        parts.append(feature_effects(others, minimum_group).assign(segment=group))
    found = pd.concat(parts, ignore_index=True)
    if len(found):
        adjusted = stats.false_discovery_control(found["p_value"], method="bh")
        found = found.assign(clear=adjusted < CHANCE)
    if len(effects):
        own = effects[effects["against"] == "all others"].assign(segment=TARGET)
        found = pd.concat([own, found], ignore_index=True) if len(found) else own
    if found.empty:
        return pd.DataFrame()
    label = found["level"] != ""
    here = found["declined_share"].where(label, found["declined_median"])
    there = found["same_share"].where(label, found["same_median"])
    way = np.sign(found["delta"]) * found["clear"].astype(bool)
    kinds = [ACTIVITY_TRAITS[feature] for feature in found["feature"]]
    table = pd.DataFrame(
        {
            "segment": found["segment"],
            "column": found["feature"],
            "level": found["level"],
            "kind": kinds,
            "here": here,
            "low": here,
            "high": here,
            "there": there,
            "way": way.astype(int),
        }
    )
    return _write_values(table, currency="")


def _write_values(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Add how the values are written; a comparison that medians do not show has none."""

    def text(kind: str, value: float) -> str:
        if kind in ("share", "label"):
            return percent(value, 1 if kind == "share" and value < 0.1 else 0)
        if kind == "money":
            return money(value, currency)
        return count(value, "day") if kind == "days" else median_text(value)

    for name in ("here", "there"):
        pairs = zip(table["kind"], table[name], strict=True)
        table[f"{name}_text"] = [text(kind, value) for kind, value in pairs]
    return table.drop(columns=["kind", "there_low", "there_high"], errors="ignore")


# ------------------------------------------------------------------------- what fits


def match_traits(plan: Plan, values: pd.DataFrame, half: str) -> pd.DataFrame:
    """Return the sentences that each segment has earned.

    Parameters
    ----------
    plan
        From `read_plan`.
    values
        From `ledger_traits` or `group_traits`; may be empty.
    half
        `LEDGER` or `ACTIVITY`.

    Returns
    -------
    pandas.DataFrame
        half, segment, column, sentence; in the order of the file's actions and traits.
    """
    rows = []
    for action in plan.actions:
        if action.half != half or values.empty:
            continue
        own = values[values["segment"] == action.segment]
        for trait in plan.traits:
            if trait.half == half and (not trait.segments or action.segment in trait.segments):
                rows += [
                    (half, action.segment, trait.column, text)
                    for text in _trait_sentences(trait, own)
                ]
    return pd.DataFrame(rows, columns=["half", "segment", "column", "sentence"], dtype="str")


def _trait_sentences(trait: Trait, own: pd.DataFrame) -> Iterator[str]:
    rows = own[own["column"] == trait.column]
    wanted = 1 if trait.above is not None else -1
    limit = trait.above if wanted == 1 else trait.below
    if limit == EVERYBODY:
        rows = rows[rows["way"] == wanted]
    else:
        rows = rows[rows["low"] > limit] if wanted == 1 else rows[rows["high"] < limit]
    if rows.empty:
        return
    row = rows.iloc[0]
    # Most pairs may differ one way where the medians do not.
    told = row["here_text"] != row["there_text"] and (
        limit != EVERYBODY or (row["here"] > row["there"]) == (wanted == 1)
    )
    text = trait.say if told else _BRACKETS.sub("", trait.say)
    if not told and ("{here}" in text and "{there}" in text):
        return  # the sentence lives on a difference that cannot be seen in its numbers
    levels = join_words([f"“{shorten(level)}”" for level in rows["level"]])
    yield text.format(here=row["here_text"], there=row["there_text"], levels=levels)

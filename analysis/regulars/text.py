"""Say in a sentence what each table of regular customers shows."""

from __future__ import annotations

import pandas as pd

from analysis.core.formatting import join_words, number_text, shorten
from analysis.regulars.names import FEATURE_NAMES
from analysis.regulars.summaries import OVERLAP, collinear_pairs, overlaps, rates_differ

#: So many pairs that overlap are named.
_PAIRS_NAMED = 5


def effects_message(effects: pd.DataFrame) -> str:
    """Say in one sentence in what the customers who buy less differ most.

    Parameters
    ----------
    effects
        As `feature_effects` returns it.
    """
    if effects.empty:
        return "There are too few customers to compare those who buy less with those who stay."
    clear = effects[effects["clear"]]
    if clear.empty:
        return "In no feature do customers who buy less differ from the others by more than chance."
    size = clear["delta"].abs().round(2)
    top = clear[size == size.iloc[0]]
    if len(top) > 1:
        return f"Customers who buy less differ most in {join_words(_feature_phrases(top))}."
    feature = _feature_phrases(top)[0]
    return f"Customers who buy less differ most in {feature} ({_contrast(top.iloc[0])})."


def _feature_phrases(effects: pd.DataFrame) -> list[str]:
    """Return what the rows of the effects are called in the middle of a sentence."""
    return [
        f"{FEATURE_NAMES[feature]} '{shorten(level)}'" if level else FEATURE_NAMES[feature]
        for feature, level in zip(effects["feature"], effects["level"], strict=True)
    ]


def _contrast(row: pd.Series) -> str:
    """Return both classes' usual values, or which is higher where those are the same."""
    if row["level"]:
        pair = [f"{row[f'{group}_share']:.0%}" for group in ("declined", "same")]
    else:
        as_text = "{:.0%}".format if row["feature"] == "promo_share" else number_text
        pair = [as_text(row[f"{group}_median"]) for group in ("declined", "same")]
    if pair[0] == pair[1]:
        return f"{'higher' if row['delta'] > 0 else 'lower'} than among those who stay"
    if row["level"]:
        return f"{pair[0]}, against {pair[1]} of those who stay"
    return f"typically {pair[0]}, against {pair[1]} for those who stay"


def effects_alt(effects: pd.DataFrame) -> str:
    """Describe the picture of the effects to somebody who cannot see it."""
    if effects.empty:
        return effects_message(effects)
    clear = effects[effects["clear"]]
    ends = [
        f"{name} {delta:+.2f}"
        for name, delta in zip(_feature_phrases(clear.head(5)), clear["delta"].head(5), strict=True)
    ]
    largest = f" The largest effects: {', '.join(ends)}." if ends else ""
    return (
        f"Points with 95% intervals, one row for each of {_many(len(effects), 'comparison')}, "
        "sorted by size of the effect (Cliff's delta, from -1 to 1; right of zero: higher among "
        f"customers who buy less). {len(clear)} of {len(effects)} "
        f"{'differs' if len(clear) == 1 else 'differ'} by more than chance.{largest}"
    )


def associations_message(matrix: pd.DataFrame) -> str:
    """Say in one sentence which features overlap, by `OVERLAP` or more.

    Parameters
    ----------
    matrix
        As `association_matrix` returns it.
    """
    pairs = collinear_pairs(matrix, 0.0)
    if pairs.empty:
        return "There are too few customers, or too little variety, to compare features."
    texts = _pair_texts(pairs)
    strong = int((pairs["association"] >= OVERLAP).sum())
    if not strong:
        return f"No two features overlap. The strongest association is {texts[0]} of 1."
    named = join_words(texts[:strong])
    if strong > _PAIRS_NAMED:
        rest = f"{strong - _PAIRS_NAMED} more"
        named = join_words([*texts[:_PAIRS_NAMED], rest])
    return f"Features that overlap, so that a model cannot tell which one matters: {named}."


def _pair_texts(pairs: pd.DataFrame) -> list[str]:
    """Return pairs of features with their association."""
    return [
        f"{FEATURE_NAMES[first]} with {FEATURE_NAMES[second]} ({association:.2f})"
        for first, second, association in zip(
            pairs["first"], pairs["second"], pairs["association"], strict=True
        )
    ]


def associations_alt(matrix: pd.DataFrame) -> str:
    """Describe the picture of the associations to somebody who cannot see it."""
    if matrix.empty:
        return associations_message(matrix)
    label = matrix[matrix["first"] == "decline"].sort_values("association", ascending=False)
    label = label.dropna(subset="association")
    pairs = collinear_pairs(matrix, 0.0)
    parts = [
        "Heat map of how strongly every two features go together, from 0 (not at all) to 1 (fully)."
    ]
    if len(pairs):
        parts.append(f"Strongest among the features: {'; '.join(_pair_texts(pairs.head(3)))}.")
    if len(label):
        strongest = [
            f"{FEATURE_NAMES[name]} {value:.2f}"
            for name, value in label[["second", "association"]].head(3).to_numpy().tolist()
        ]
        parts.append(f"Strongest with buying less: {'; '.join(strongest)}.")
    return " ".join(parts)


def categories_message(table: pd.DataFrame) -> str:
    """Say in one sentence which favourite categories lose customers.

    Parameters
    ----------
    table
        As `categories` returns it. Whether rates differ is judged by a chi-squared test over all
        categories.
    """
    if table.empty:
        return "There are too few customers to compare favourite categories."
    if len(table) == 1:
        rate = table["decline_rate"].iloc[0]
        return f"All customers share a favourite category, and {rate:.0%} of them buy less."
    rates = table["decline_rate"].round(2)
    least, most = rates.min(), rates.max()
    if not rates_differ(table):
        span = f"between {least:.0%} and {most:.0%}" if least < most else f"{most:.0%} everywhere"
        return (
            "The share of customers who buy less does not differ between favourite categories "
            f"by more than chance: {span}."
        )
    top = [f"'{shorten(name)}'" for name in table.loc[rates == most, "category"]]
    bottom = [f"'{shorten(name)}'" for name in table.loc[rates == least, "category"]]
    return (
        f"{most:.0%} of the customers who favour {join_words(top, 'or')} buy less, against "
        f"{least:.0%} for {join_words(bottom)}."
    )


def categories_alt(table: pd.DataFrame) -> str:
    """Describe the picture of the categories to somebody who cannot see it."""
    if table.empty:
        return categories_message(table)
    rates = [
        f"{shorten(row['category'])} {row['decline_rate']:.0%} "
        f"({row['low']:.0%} to {row['high']:.0%}, {_many(row['customers'], 'customer')})"
        for row in table.head(12).to_dict("records")
    ]
    more = f"; and {len(table) - 12} more" if len(table) > 12 else ""
    return (
        "Points with 95% intervals: the share of customers who buy less, by favourite category. "
        f"{'; '.join(rates)}{more}."
    )


def distributions_message(table: pd.DataFrame) -> str:
    """Say in one sentence where the two classes lie furthest apart.

    Parameters
    ----------
    table
        As `distributions` returns it.
    """
    if table.empty:
        return "There are too few customers to compare those who buy less with those who stay."
    overlap = overlaps(table)
    shown = overlap["overlap"].round(2)
    least = [FEATURE_NAMES[name] for name in overlap.loc[shown == shown.min(), "feature"]]
    if shown.min() == 1:
        return "Customers who buy less and those who stay are spread alike in everything shown."
    return (
        f"Customers who buy less and those who stay overlap least in {join_words(least)} "
        f"({shown.min():.0%})."
    )


def distributions_alt(table: pd.DataFrame) -> str:
    """Describe the picture of the distributions to somebody who cannot see it."""
    if table.empty:
        return distributions_message(table)
    shares = [
        f"{FEATURE_NAMES[name]} {overlap:.0%}"
        for name, overlap in overlaps(table)[["feature", "overlap"]].to_numpy().tolist()
    ]
    return (
        f"Histograms of {_many(len(shares), 'feature')}, customers who buy less laid over those "
        f"who stay. Share of the two that coincides: {'; '.join(shares)}."
    )


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"

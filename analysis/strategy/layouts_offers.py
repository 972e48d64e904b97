"""Set who gets which personal offer, and what the group worth keeping likes to buy.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import (
    amount,
    capital,
    count,
    join_words,
    median_text,
    percent,
    shorten,
    top_row,
)
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import MISSING, grid, with_range
from analysis.regulars.names import FEATURE_NAMES, SHARES
from analysis.strategy.names import NO_DIFFERENCE, OPPOSITE, SEPARATES, TOO_FEW
from analysis.strategy.text import list_names

say = partial(fill, "strategy")


def offer_counts(offer_counts: pd.DataFrame) -> Table | None:
    """Set how many contacted customers get each offer, and how much profit they stand for."""
    rows = offer_counts
    if not rows["customers"].sum():
        return None
    shown = pd.DataFrame(
        {
            "offer": [shorten(name, 80) for name in rows["offer"]],
            "segments": [
                capital(name) if name else say("offer-counts.cell-all") for name in rows["segments"]
            ],
            "condition": [
                capital(text) if text else say("offer-counts.cell-others")
                for text in _write_conditions(rows)
            ],
            "customers": [count(number) for number in rows["customers"]],
            "profit": [_write_profit(value) for value in rows["profit"]],
        }
    )
    names = {
        "offer": say("offer-counts.column-offer"),
        "segments": say("offer-counts.column-segments"),
        "condition": say("offer-counts.column-condition"),
        "customers": say("offer-counts.column-customers"),
        "profit": say("offer-counts.column-profit"),
    }
    most = top_row(rows, "customers")
    said = {
        "said-most": say(
            "offer-counts.said-most",
            share=percent(most["share"]),
            count=count(rows["customers"].sum()),
            offer=_inside(shorten(most["offer"], 80)),
        )
    }
    # Where the profit of few customers is left out, the sum of all would give it away.
    if rows["profit"].notna().all() and rows["profit_share"].notna().all():
        said["said-profit"] = say(
            "offer-counts.said-profit",
            profit=amount(rows["profit"].sum()),
            share=percent(rows["profit_share"].sum()),
        )
    return Table(
        grid(shown, "offer-counts", names, right=["customers", "profit"]),
        say("offer-counts.caption"),
        more=said,
        data=rows,
    )


def offer_conditions(offer_conditions: pd.DataFrame) -> Table | None:
    """Set which conditions of the offers tell customers who buy less from the others."""
    rows = offer_conditions
    if rows.empty:
        return None
    written = _write_conditions(rows)
    shown = pd.DataFrame({"condition": map(capital, written), **_write_shares(rows)})
    names = {
        "condition": say("offer-conditions.column-condition"),
        "declined": say("offer-conditions.column-declined"),
        "same": say("offer-conditions.column-same"),
        "difference": say("offer-conditions.column-difference"),
    }
    said = {}
    for key, verdict in (
        ("offer-conditions.said-separates", SEPARATES),
        ("offer-conditions.said-opposite", OPPOSITE),
        ("offer-conditions.said-unclear", NO_DIFFERENCE),
        ("offer-conditions.said-few", TOO_FEW),
    ):
        own = [
            text for text, found in zip(written, rows["verdict"], strict=True) if found == verdict
        ]
        if own:
            said[key.partition(".")[2]] = say(key, count=len(own), measures=join_words(own))
    return Table(
        grid(shown, "offer-conditions", names, right=[*names][1:]),
        say("offer-conditions.caption"),
        more=said,
        data=rows,
    )


def _inside(text: str) -> str:
    """Return a text as it stands in the middle of a sentence."""
    return text[:1].lower() + text[1:]


def _write_conditions(rows: pd.DataFrame) -> list[str]:
    """Write conditions as they stand in the middle of a sentence; none is an empty text."""
    found = []
    for column, way, limit in zip(rows["column"], rows["way"], rows["limit"], strict=True):
        if not column:
            found.append("")
            continue
        written = percent(limit) if column in SHARES else median_text(limit)
        key = "offers.condition-above" if way > 0 else "offers.condition-below"
        found.append(say(key, measure=FEATURE_NAMES[column], limit=written))
    return found


def target_categories(target_categories: pd.DataFrame) -> Table | None:
    """Set the favourite categories at high risk and high profit beside those of the rest."""
    rows = target_categories
    if rows.empty:
        return None
    shown = pd.DataFrame(
        {
            "category": [shorten(name) for name in rows["category"]],
            "customers": [count(number) for number in rows["customers"]],
            "profit": [_write_profit(value) for value in rows["profit"]],
            **_write_shares(rows),
        }
    )
    names = {
        "category": say("target-categories.column-category"),
        "customers": say("target-categories.column-customers"),
        "profit": say("target-categories.column-profit"),
        "declined": say("target-categories.column-declined"),
        "same": say("target-categories.column-same"),
        "difference": say("target-categories.column-difference"),
    }
    clear = rows[rows["clear"]]
    said = {}
    for key, own in (
        ("target-categories.said-more", clear[clear["difference"] > 0]),
        ("target-categories.said-fewer", clear[clear["difference"] < 0].iloc[::-1]),
    ):
        if len(own):
            names_of = list_names("“" + own["category"] + "”")
            said[key.partition(".")[2]] = say(key, count=len(own), names=names_of)
    if clear.empty:
        said["said-more"] = say("target-categories.said-none")
    best = top_row(rows, "profit")
    said["said-profit"] = say(
        "target-categories.said-profit",
        category=f"“{shorten(best['category'])}”",
        profit=_write_profit(best["profit"]),
        all=_write_profit(rows["profit"].sum()),
    )
    return Table(
        grid(shown, "target-categories", names, right=[*names][1:]),
        say("target-categories.caption"),
        more=said,
        data=rows,
    )


def _write_profit(value: float) -> str:
    return MISSING if pd.isna(value) else amount(value)


def _write_shares(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Write a share in both groups and their difference, in percentage points."""
    ends = zip(rows["difference"], rows["low"], rows["high"], strict=True)
    return {
        **{
            name: [MISSING if pd.isna(share) else percent(share) for share in rows[f"{name}_share"]]
            for name in ("declined", "same")
        },
        "difference": [with_range(*one, write=_write_points) for one in ends],
    }


def _write_points(value: float) -> str:
    return f"{value * 100:.0f}".replace("-0", "0").replace("-", "−")

"""Write a segment's limits in days, orders and money."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.core.formatting import median_text, money
from analysis.segments.rfm import MEASURES
from analysis.segments.rules import Segment

NOBODY = "no customer"


def _plural(number: float, noun: str) -> str:
    return noun if median_text(number) == "1" else f"{noun}s"


def _noun(number: float, noun: str) -> str:
    return f"{median_text(number)} {_plural(number, noun)}"


def thresholds(rules: Sequence[Segment], cuts: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Say what each segment's rule means in days, orders and money.

    Parameters
    ----------
    rules
        From `segments.rules.read_segments`.
    cuts
        From `segments.rfm.cut_points`.
    currency
        The sign that stands before amounts.

    Returns
    -------
    pandas.DataFrame
        segment, meaning, recency ("at most 15 days"), frequency ("at least 4 orders"), monetary
        ("over £916"), possible. A segment of several boxes has several rows: a customer belongs
        to it who fits one of them. Where values are tied, quintiles coincide, and no customer can
        have some scores; such a box stands there only if its segment has no other, and is not
        ``possible``.
    """
    beyond: dict[str, dict[int, float]] = {measure: {} for measure in MEASURES}
    for measure, score, value in zip(cuts["measure"], cuts["score"], cuts["beyond"], strict=True):
        beyond[measure][int(score)] = float(value)
    rows: list[dict[str, Any]] = []
    for rule in rules:
        texts = [
            {
                "segment": rule.name,
                "meaning": rule.meaning_of(box),
                "recency": _days(box.r, beyond["r"]),
                "frequency": _orders(box.f, beyond["f"]),
                "monetary": _amounts(box.m, beyond["m"], currency),
                "possible": all(
                    _is_possible(scores, beyond[measure], measure)
                    for measure, scores in zip(MEASURES, (box.r, box.f, box.m), strict=True)
                ),
            }
            for box in rule.boxes
        ]
        possible = [text for text in texts if text["possible"]]
        rows += list({tuple(t.values()): t for t in possible or texts[:1]}.values())
    return pd.DataFrame(rows)


Range = tuple[int, int]


def _ends(scores: Range, beyond: dict[int, float]) -> tuple[float | None, float | None]:
    """Return the cut points between which scores lie; None where they are open."""
    return beyond.get(scores[0]), beyond.get(scores[1] + 1)


def _is_possible(scores: Range, beyond: dict[int, float], measure: str) -> bool:
    """Tell whether any value has these scores; the latest order is a day old at least."""
    worst, best = _ends(scores, beyond)
    if measure == "r":
        return (math.inf if worst is None else worst) > (1 if best is None else best)
    return (0 if worst is None else worst) < (math.inf if best is None else best)


def _days(scores: Range, beyond: dict[int, float]) -> str:
    if not _is_possible(scores, beyond, "r"):
        return NOBODY
    worst, best = _ends(scores, beyond)
    if worst is not None and best is not None:
        few, many = round(best), round(worst) - 1
        return _noun(few, "day") if few == many else f"{few:,} to {_noun(many, 'day')}"
    if worst is not None:
        return f"at most {_noun(round(worst) - 1, 'day')}"
    return "any" if best is None else f"at least {_noun(round(best), 'day')}"


def _orders(scores: Range, beyond: dict[int, float]) -> str:
    if not _is_possible(scores, beyond, "f"):
        return NOBODY
    worst, best = _ends(scores, beyond)
    if worst is not None and best is not None:
        few, many = round(worst) + 1, round(best)
        return _noun(few, "order") if few == many else f"{few:,} to {_noun(many, 'order')}"
    if worst is not None:
        return f"at least {_noun(round(worst) + 1, 'order')}"
    if best is None:
        return "any"
    return "1 order" if round(best) == 1 else f"at most {_noun(round(best), 'order')}"


def _amounts(scores: Range, beyond: dict[int, float], currency: str) -> str:
    if not _is_possible(scores, beyond, "m"):
        return NOBODY
    worst, best = _ends(scores, beyond)
    if worst is not None and best is not None:
        low, high = money(worst, currency), money(best, currency)
        return high if low == high else f"over {low}, up to {high}"
    if worst is not None:
        return f"over {money(worst, currency)}"
    return "any" if best is None else f"up to {money(best, currency)}"

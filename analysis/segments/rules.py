"""Read the named segments, and assign customers to them by their scores.

The rules are data (``data/segments.toml``): boxes in the space of the three scores. They must
cover every combination of scores exactly once, which is checked whenever they are read.
"""

from __future__ import annotations

import itertools
import tomllib
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.core.paths import ROOT
from analysis.core.problems import Problem, Refused

SEGMENTS_FILE = ROOT / "data" / "segments.toml"
SCORES = ("r_score", "f_score", "m_score")
Score = Annotated[int, Field(ge=1, le=5)]


class Box(BaseModel):
    """A range of scores in each direction, both ends included."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    r: tuple[Score, Score] = (1, 5)
    f: tuple[Score, Score] = (1, 5)
    m: tuple[Score, Score] = (1, 5)

    def combinations(self) -> list[tuple[int, int, int]]:
        """Return every (r, f, m) in the box."""
        return [
            (r, f, m)
            for r, f, m in itertools.product(*(range(low, high + 1) for low, high in self._sides()))
        ]

    def _sides(self) -> tuple[tuple[int, int], ...]:
        return (self.r, self.f, self.m)


#: What a score says of a customer, in comparison with the others: (lowest, highest score) -> word.
LEVELS = {
    (1, 1): "lowest",
    (1, 2): "low",
    (1, 3): "low to middle",
    (1, 4): "not highest",
    (2, 2): "low",
    (2, 3): "low to middle",
    (2, 4): "middle",
    (2, 5): "not lowest",
    (3, 3): "middle",
    (3, 4): "middle to high",
    (3, 5): "middle to high",
    (4, 4): "high",
    (4, 5): "high",
    (5, 5): "highest",
}


class Segment(BaseModel):
    """A named segment: the score combinations that belong to it.

    Attributes
    ----------
    name
        What the report calls it.
    former
        What earlier reports called it.
    meaning
        What it means in words; empty: what its scores say, which is true in every shop.
    boxes
        The score combinations.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(min_length=1)
    former: list[str] = []
    meaning: str = ""
    boxes: list[Box] = Field(min_length=1)

    def meaning_of(self, box: Box) -> str:
        """Return what it means to be in one of the segment's boxes.

        Examples
        --------
        >>> one = Segment(name="Champions", boxes=[Box(r=(5, 5), f=(4, 5), m=(4, 5))])
        >>> one.meaning_of(one.boxes[0])
        'highest recency, high frequency, high monetary value'
        """
        sides = {"recency": box.r, "frequency": box.f, "monetary value": box.m}
        words = [f"{LEVELS[side]} {name}" for name, side in sides.items() if side in LEVELS]
        return self.meaning or ", ".join(words) or "any scores"


class Segments(BaseModel):
    """All segments, from the most to the least valuable."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    segments: list[Segment] = Field(min_length=1)
    # What is done about them stands in the same file, for `strategy.plan` and `strategy.offers`.
    actions: list[Any] = []
    traits: list[Any] = []
    offers: list[Any] = []


def read_segments() -> list[Segment]:
    """Read the segment rules, and hold them to covering every score combination exactly once.

    Raises
    ------
    Refused
        When the file cannot be read, or combinations are covered twice or not at all.

    Examples
    --------
    >>> read_segments()[0].name
    'Champions'
    """
    path, remedy = SEGMENTS_FILE, "Correct the boxes in data/segments.toml."
    try:
        found = Segments.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).segments
    except (OSError, ValueError) as error:
        reasons = (
            [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            if isinstance(error, ValidationError)
            else [str(error)]
        )
        raise Refused([Problem(path.name, reason, remedy=remedy) for reason in reasons]) from None
    times = Counter(
        combination
        for segment in found
        for box in segment.boxes
        for combination in box.combinations()
    )
    every = set(itertools.product(range(1, 6), repeat=3))
    problems = [
        Problem(path.name, what, example=f"r, f, m = {min(which)}", rows=len(which), remedy=remedy)
        for what, which in (
            ("score combinations belong to no segment", every - times.keys()),
            ("score combinations belong to two segments", {c for c, n in times.items() if n > 1}),
        )
        if which
    ]
    called = Counter(name for s in found for name in (s.name, *s.former))
    if twice := [name for name, times_called in called.items() if times_called > 1]:
        problems.append(Problem(path.name, f"two segments are called {twice[0]!r}", remedy=remedy))
    if problems:
        raise Refused(problems)
    return found


def former_names(rules: Sequence[Segment]) -> dict[str, str]:
    """Return each name that a segment had in earlier reports -> its name."""
    return {old: segment.name for segment in rules for old in segment.former}


def assign(scores: pd.DataFrame, rules: list[Segment]) -> pd.Series:
    """Return the segment of each row of scores.

    Parameters
    ----------
    scores
        With the columns in `SCORES`, integers from 1 to 5.
    rules
        From `read_segments`.
    """
    where = {
        combination: segment.name
        for segment in rules
        for box in segment.boxes
        for combination in box.combinations()
    }
    keys = zip(*(scores[name] for name in SCORES), strict=True)
    return pd.Series([where[key] for key in keys], index=scores.index, name="segment", dtype="str")

"""Read the plan: the actions for each segment.

Actions are data, in ``data/segments.toml`` beside the rules, and so are the sentences that depend
on a trait of a segment (`strategy.traits`). Segments smaller than the report's ``smallest_group``
are counted, and not described.
"""

from __future__ import annotations

import datetime as dt
import string
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from analysis.core.formatting import capital, deadline, join_words
from analysis.core.names import ACTIVITY, LEDGER, Half
from analysis.core.problems import Problem, Refused
from analysis.core.settings import ShareRange
from analysis.forecast.names import GROUPS
from analysis.regulars.names import CATEGORICAL, NUMERIC, REVENUES
from analysis.segments.rules import SEGMENTS_FILE, Segment
from analysis.strategy.names import TEXTS

EVERYBODY = "everybody"
#: The columns of a segment's profile that a trait may ask about, and how their values are written.
LEDGER_TRAITS = {
    "share": "share",
    "revenue_share": "share",
    "cancelled_share": "share",
    "cancelled_invoices_per_order": "share",
    "abroad_share": "share",
    "second_order_share": "share",
    "basket_mean": "money",
    "basket_median": "money",
    "spend_median": "money",
    "frequency_median": "number",
    "recency_median": "days",
    "tenure_median": "days",
    "second_days_median": "days",
}
ACTIVITY_TRAITS = {
    **dict.fromkeys(NUMERIC, "number"),
    "promo_share": "share",
    **dict.fromkeys(CATEGORICAL, "label"),
}
PLACES = {"here", "there", "levels"}

# ------------------------------------------------------------------------- the file


def _fields(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        raise ValueError("a brace is not closed") from None


def _sentence(text: str) -> str:
    found = _fields(text)
    if strange := found - PLACES:
        raise ValueError(
            f"there is no {{{min(strange)}}}; a sentence may hold {{here}}, {{there}} or {{levels}}"
        )
    return text


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Action(_Entry):
    """What is done about one segment, what a contact costs, and what it is assumed to change.

    ``cost`` is that of a message, ``offer_cost`` that of each order that uses the offer. In
    ``timing``, {by} stands for the day that is ``within_days`` after the report's date.
    """

    half: Half
    segment: str
    objective: str = Field(min_length=1)
    action: str = Field(min_length=1)
    channel: str = Field(min_length=1)
    offer: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    timing: str = Field(min_length=1)
    within_days: Annotated[int, Field(gt=0, le=366)] | None = None
    metric: str = Field(min_length=1)
    avoid: str = Field(min_length=1)
    cost: Annotated[float, Field(ge=0)] | None = None
    offer_cost: float = Field(default=0.0, ge=0)
    uplift: ShareRange | None = None

    @model_validator(mode="after")
    def _check_cost_and_uplift(self) -> Self:
        if self.half == LEDGER and (self.cost is None or self.uplift is None):
            raise ValueError("an action of the ledger needs a cost and an uplift")
        if self.uplift and self.uplift.low > 0:
            raise ValueError("the low end of an uplift must be 0: a contact may change nothing")
        return self

    @model_validator(mode="after")
    def _check_timing(self) -> Self:
        if _fields(self.timing) != ({"by"} if self.within_days else set()):
            raise ValueError(
                "timing holds {by} where the action has within_days, and no other braces"
            )
        return self


class Trait(_Entry):
    """A condition on a segment's profile, and the sentence that it adds."""

    half: Half
    segments: list[str] = []
    column: str
    above: float | Literal["everybody"] | None = None
    below: float | Literal["everybody"] | None = None
    say: Annotated[str, Field(min_length=1), AfterValidator(_sentence)]

    @model_validator(mode="after")
    def _check_one_condition(self) -> Self:
        known = LEDGER_TRAITS if self.half == LEDGER else ACTIVITY_TRAITS
        if self.column not in known:
            raise ValueError(
                f"there is no column {self.column!r}; there are {join_words([*known])}"
            )
        if (self.above is None) == (self.below is None):
            raise ValueError("a trait has one condition: above, or below")
        if known[self.column] == "label" and EVERYBODY not in (self.above, self.below):
            raise ValueError("labels are compared with everybody, not with a number")
        return self


class Plan(NamedTuple):
    """All actions, in the order of the file, and all traits."""

    actions: list[Action]
    traits: list[Trait]


class _File(_Entry):
    segments: list[Any] = []
    actions: list[Action] = Field(min_length=1)
    traits: list[Trait] = []
    # `strategy.offers` reads them.
    offers: list[Any] = []


def read_plan(rules: Sequence[Segment], path: Path = SEGMENTS_FILE) -> Plan:
    """Read the actions, and hold them to one for each segment and each group.

    Parameters
    ----------
    rules
        From `segments.rules.read_segments`.
    path
        The file.

    Raises
    ------
    Refused
        When the file cannot be read, a segment has no action or two, or one is not known.

    Examples
    --------
    >>> from analysis.segments.rules import read_segments
    >>> read_plan(read_segments()).actions[0].owner
    'Key accounts'
    """
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        reasons = (
            [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            if isinstance(error, ValidationError)
            else [str(error)]
        )
        raise _refusal(path, reasons) from None
    known = {(LEDGER, rule.name) for rule in rules} | {(ACTIVITY, name) for name in GROUPS}
    given = [(action.half, action.segment) for action in found.actions]
    meant = {(trait.half, name) for trait in found.traits for name in trait.segments}
    reasons = [
        *(f"{half} segment {name!r} has no action" for half, name in sorted(known - {*given})),
        *(
            f"{half} segment {name!r} has two actions"
            for half, name in sorted({one for one in given if given.count(one) > 1})
        ),
        *(
            f"there is no {half} segment {name!r}"
            for half, name in sorted(({*given} | meant) - known)
        ),
    ]
    if reasons:
        raise _refusal(path, reasons)
    return Plan(found.actions, found.traits)


def date_actions(plan: Plan, as_of: dt.date | None) -> Plan:
    """Return the plan with the dates that its actions are due; without a date, in how many days.

    Examples
    --------
    >>> from analysis.segments.rules import read_segments
    >>> plan = date_actions(read_plan(read_segments()), dt.date(2026, 1, 1))
    >>> plan.actions[0].timing.partition(",")[0]
    'First by 31 January 2026'
    """

    def date(action: Action) -> Action:
        if action.within_days is None:
            return action
        timing = action.timing.format(by=deadline(as_of, action.within_days))
        return action.model_copy(update={"timing": capital(timing)})

    return plan._replace(actions=[date(action) for action in plan.actions])


def _refusal(path: Path, reasons: Sequence[str]) -> Refused:
    remedy = "Correct the actions or traits in data/segments.toml."
    return Refused([Problem(path.name, reason, remedy=remedy) for reason in reasons])


# ------------------------------------------------------------------------- one row a segment


def actions(
    plan: Plan, profiles: pd.DataFrame, groups: pd.DataFrame, customers: pd.DataFrame
) -> pd.DataFrame:
    """Return the action of each segment and group of the halves that are there.

    Parameters
    ----------
    plan
        From `read_plan`.
    profiles
        From `segments.profiles.segment_profiles`; empty without a ledger.
    groups
        From `forecast.risk_groups.risk_groups`; empty without a model of decline.
    customers
        The regular customers with risk_group; empty without a model of decline.

    Returns
    -------
    pandas.DataFrame
        half, segment, customers, share (of customers), shown (whether it is described),
        revenue_share (of the ledger's net sales, or of the regular customers' revenue in the
        months of their table), and `TEXTS`; in the order of the file.
    """
    sizes = {}
    for row in profiles.to_dict("records"):
        sizes[LEDGER, row["segment"]] = (
            row["customers"],
            row["share"],
            row["shown"],
            row["revenue_share"],
        )
    if len(groups):
        revenue = customers[list(REVENUES)].sum(axis=1).groupby(customers["risk_group"]).sum()
        for row in groups.to_dict("records"):
            share = revenue.get(row["group"], 0.0) / (revenue.sum() or np.nan)
            sizes[ACTIVITY, row["group"]] = (
                row["customers"],
                row["share"],
                row["shown"],
                share if row["shown"] else np.nan,
            )
    rows = [
        (
            action.half,
            action.segment,
            *sizes[action.half, action.segment],
            *(getattr(action, name) for name in TEXTS),
        )
        for action in plan.actions
        if (action.half, action.segment) in sizes
    ]
    names = ["half", "segment", "customers", "share", "shown", "revenue_share", *TEXTS]
    table = pd.DataFrame(rows, columns=names)
    return table.astype(
        {
            **dict.fromkeys(["half", "segment", *TEXTS], "str"),
            "customers": "int64",
            "share": "float64",
            "shown": "bool",
            "revenue_share": "float64",
        }
    )

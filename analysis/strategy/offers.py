"""Choose the personal offer of each contacted regular customer, and say why it is his or hers.

The rules are data, in ``data/segments.toml`` beside the actions: the first one that is true of a
customer gives the offer, and the last one is true of everybody. Whether a rule's trait tells
customers who buy less from the others is measured in the data, with what they did and not with
the risk that a model predicts, since the model looks at the same traits.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from scipy import stats

from analysis.core.formatting import join_words, median_text, percent, shorten
from analysis.core.problems import Problem, Refused
from analysis.forecast.names import GROUPS, TARGET
from analysis.regulars.names import NUMERIC, SHARES
from analysis.regulars.summaries import CHANCE
from analysis.regulars.tables import OTHER, pool_small
from analysis.segments.rules import SEGMENTS_FILE
from analysis.stats.intervals import share_difference
from analysis.strategy.names import (
    CONTACTED,
    NO_DIFFERENCE,
    OPPOSITE,
    SEPARATES,
    TOO_FEW,
)

#: Limits that the data set: all regular customers count.
QUARTILES = {"lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75}
#: What a text about one customer may hold, and which of it needs a condition.
PLACES = {"category", "value", "limit"}
OF_CONDITION = {"value", "limit"}
COLUMNS = ["offer", "offer_reason", "offer_rule"]
#: What `compare_shares` returns.
COMPARED = ("declined_share", "same_share", "difference", "low", "high", "p_value")

# ------------------------------------------------------------------------- the file


def _places(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        raise ValueError("a brace is not closed") from None


def _limit(given: object) -> object:
    number = isinstance(given, int | float) and not isinstance(given, bool) and np.isfinite(given)
    if not number and not (isinstance(given, str) and given in QUARTILES):
        raise ValueError(f"a limit is a number, or one of {join_words([*QUARTILES])}")
    return given


def _text(text: str) -> str:
    if strange := _places(text) - PLACES:
        raise ValueError(
            f"there is no {{{min(strange)}}}; a text may hold {{category}}, {{value}} or {{limit}}"
        )
    if any(spec or change for _, _, spec, change in string.Formatter().parse(text)):
        raise ValueError("a name in braces stands alone, as in {category}")
    return text


_Text = Annotated[str, Field(min_length=1), AfterValidator(_text)]
_Limit = Annotated[float | str, BeforeValidator(_limit)]


class Offer(BaseModel):
    """An offer, the customers it is for, and the reason that a list gives for it.

    Attributes
    ----------
    name
        The offer in general, as the report names it.
    segments
        The groups by risk and profit that it is limited to; empty: all.
    column, above, below
        The condition: a number of the customer is above, or below, a limit. Without a column the
        offer is for everybody.
    offer, reason
        For the list. ``{category}`` is the customer's favourite category, ``{value}`` the
        customer's number, and ``{limit}`` the limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    segments: list[str] = []
    column: str | None = None
    above: _Limit | None = None
    below: _Limit | None = None
    offer: _Text
    reason: _Text

    @property
    def way(self) -> int:
        """1 where the customer's number must be above the limit, -1 below, 0 without a limit."""
        return (self.above is not None) - (self.below is not None)

    @model_validator(mode="after")
    def _check_condition(self) -> Self:
        ends = (self.above is not None) + (self.below is not None)
        if self.column is None:
            if ends:
                raise ValueError("a limit needs the column that it is for")
            if strange := (_places(self.offer) | _places(self.reason)) & OF_CONDITION:
                raise ValueError(f"without a condition there is no {{{min(strange)}}}")
            return self
        if self.column not in NUMERIC:
            raise ValueError(
                f"there is no column {self.column!r} of numbers; there are {join_words(NUMERIC)}"
            )
        if ends != 1:
            raise ValueError("a condition has one limit: above, or below")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    offers: list[Offer] = Field(min_length=1)


def read_offers(path: Path = SEGMENTS_FILE) -> list[Offer]:
    """Read the rules of personal offers, and hold them to giving each customer one.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    Refused
        When the file cannot be read, a name is there twice, a group is not known, the last rule
        is not for everybody, or another one is, so that those after it are never used.

    Examples
    --------
    >>> read_offers()[-1].column is None
    True
    """
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).offers
    except (OSError, ValueError) as error:
        reasons = (
            [
                f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}"
                for e in error.errors()
            ]
            if isinstance(error, ValidationError)
            else [str(error)]
        )
        raise _refusal(path, reasons) from None
    names = [rule.name for rule in found]
    whole = [rule.column is None and not rule.segments for rule in found]
    reasons = [
        *(f"there are two offers {name!r}" for name in sorted({*names}) if names.count(name) > 1),
        *(
            f"the offer {rule.name!r} names the group {group!r}, which is not known"
            for rule in found
            for group in sorted({*rule.segments} - {*GROUPS})
        ),
        *(
            f"the offer {rule.name!r} is for everybody, so that those after it are never given"
            for rule, everybody in zip(found[:-1], whole[:-1], strict=True)
            if everybody
        ),
        *(
            []
            if whole[-1]
            else [f"the last offer, {names[-1]!r}, must be for everybody, without a condition"]
        ),
    ]
    if reasons:
        raise _refusal(path, reasons)
    return found


def _refusal(path: Path, reasons: Sequence[str]) -> Refused:
    remedy = "Correct the offers in data/segments.toml."
    return Refused([Problem(path.name, reason, remedy=remedy) for reason in reasons])


# ------------------------------------------------------------------------- one offer a customer


def set_limits(people: pd.DataFrame, offers: Sequence[Offer]) -> dict[str, float]:
    """Return the limit of each rule that has a condition, by the rule's name.

    Parameters
    ----------
    people
        All regular customers: a quartile is theirs, not that of the contacted.
    offers
        From `read_offers`.
    """
    limits = {}
    for rule in offers:
        if rule.column is None:
            continue
        given = rule.above if rule.above is not None else rule.below
        limits[rule.name] = (
            float(people[rule.column].quantile(QUARTILES[given]))
            if isinstance(given, str)
            else float(given or 0)
        )
    return limits


def meets_condition(
    rule: Offer, people: pd.DataFrame, limits: Mapping[str, float]
) -> npt.NDArray[np.bool_]:
    """Tell of whom the condition of a rule is true, in whatever group; an unknown number is not."""
    if rule.column is None:
        return np.ones(len(people), dtype=bool)
    values = people[rule.column].to_numpy(float)
    limit = limits[rule.name]
    return values > limit if rule.way > 0 else values < limit


def give_offers(people: pd.DataFrame, offers: Sequence[Offer]) -> pd.DataFrame:
    """Return the offer of each contacted customer.

    Parameters
    ----------
    people
        All regular customers with group, risk_group, favourite_category and the numbers that the
        rules ask for.
    offers
        From `read_offers`.

    Returns
    -------
    pandas.DataFrame
        offer, offer_reason and offer_rule (its name), by the index of `people`; missing for
        customers who are not contacted.
    """
    limits = set_limits(people, offers)
    contacted = people["group"].eq(CONTACTED).fillna(False).to_numpy(bool)
    rules = np.full(len(people), -1)
    for place, rule in enumerate(offers):
        of_group = people["risk_group"].isin(rule.segments) if rule.segments else True
        mine = contacted & (rules < 0) & meets_condition(rule, people, limits) & of_group
        rules[mine] = place
    rows = [
        (None, None, None) if place < 0 else _write(offers[place], row, limits)
        for place, row in zip(rules, people.to_dict("records"), strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS, index=people.index).astype("str")


def _write(rule: Offer, row: Mapping[Any, Any], limits: Mapping[str, float]) -> tuple[str, ...]:
    """Return the offer, its reason and its rule for one customer."""
    places = {"category": f"'{shorten(row['favourite_category'])}'"}
    if rule.column is not None:
        value, limit = write_numbers(rule.column, row[rule.column], limits[rule.name])
        places |= {"value": value, "limit": limit}
    return rule.offer.format(**places), rule.reason.format(**places), rule.name


def write_numbers(column: str, value: float, limit: float) -> tuple[str, str]:
    """Write a number of a customer and its limit, so exactly that they differ where they do.

    Examples
    --------
    >>> write_numbers("promo_share", 0.9, 0.304), write_numbers("promo_share", 0.304, 0.301)
    (('90%', '30%'), ('30.4%', '30.1%'))
    >>> write_numbers("unpaid_items", 4.0, 2.5), write_numbers("pages_per_visit", 4.98, 5.02)
    (('4', '2.5'), ('4.98', '5.02'))
    """
    for digits in range(4):
        texts = (_write_number(column, value, digits), _write_number(column, limit, digits))
        if texts[0] != texts[1]:
            break
    return texts


def _write_number(column: str, value: float, digits: int) -> str:
    if column in SHARES:
        return percent(value, digits)
    return median_text(value) if digits < 2 else f"{value:,.{digits}f}"


# ------------------------------------------------------------------------- who gets which


def count_offers(people: pd.DataFrame, offers: Sequence[Offer]) -> pd.DataFrame:
    """Return how many customers get each offer, and how much profit they stand for.

    Parameters
    ----------
    people
        All regular customers with profit, and what `give_offers` added.
    offers
        From `read_offers`.

    Returns
    -------
    pandas.DataFrame
        In the order of the rules: offer (its name); segments (the groups that it is limited to,
        as a list; empty for all); column, way (1: above the limit, -1: below) and limit, empty
        without a condition; customers, share (of the contacted), profit (their monthly profit,
        together) and profit_share (of that of all regular customers).
    """
    limits = set_limits(people, offers)
    given, total = people["offer_rule"], float(people["profit"].sum())
    rows = []
    for rule in offers:
        own = people[given.eq(rule.name).fillna(False)]
        profit = float(own["profit"].sum())
        rows.append(
            {
                "offer": rule.name,
                "segments": join_words(rule.segments) if rule.segments else "",
                "column": rule.column or "",
                "way": rule.way,
                "limit": limits.get(rule.name, np.nan),
                "customers": len(own),
                "share": len(own) / max(int(given.notna().sum()), 1),
                "profit": profit,
                "profit_share": profit / total if total > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def check_conditions(
    people: pd.DataFrame, offers: Sequence[Offer], minimum_group: int
) -> pd.DataFrame:
    """Return whether customers who buy less meet the rules' conditions more often than the others.

    Parameters
    ----------
    people
        All regular customers with decline.
    offers
        From `read_offers`.
    minimum_group
        As in `compare_shares`.

    Returns
    -------
    pandas.DataFrame
        A row for each condition, in the order of the rules: column, way and limit as in
        `count_offers`; declined_share and same_share (of those who buy less, and of the others,
        those who meet it), difference with low and high (95%), p_adjusted, verdict.
    """
    limits = set_limits(people, offers)
    rows = []
    for rule in offers:
        if rule.column is None:
            continue
        known = people[people[rule.column].notna()]
        met = meets_condition(rule, known, limits)
        compared = compare_shares(met, known["decline"], minimum_group)
        where = {"column": rule.column, "way": rule.way, "limit": limits[rule.name]}
        rows.append(where | (compared or dict.fromkeys(COMPARED, np.nan)))
    table = pd.DataFrame(rows).drop_duplicates(["column", "way", "limit"], ignore_index=True)
    table["p_adjusted"] = _adjust(table["p_value"])
    verdict = np.where(table["difference"] > 0, SEPARATES, OPPOSITE)
    verdict = np.where(table["p_adjusted"] < CHANCE, verdict, NO_DIFFERENCE)
    table["verdict"] = np.where(table["p_adjusted"].isna(), TOO_FEW, verdict)
    return table.drop(columns="p_value")


def compare_shares(has: npt.ArrayLike, flagged: pd.Series, minimum_group: int) -> dict[str, float]:
    """Return how much more frequent something is among flagged customers than among the others.

    Parameters
    ----------
    has
        Of each customer, whether he or she has it.
    flagged
        Whether he or she is one of those described.
    minimum_group
        Nothing is returned where fewer have it, or do not have it, or are flagged, or are not.

    Returns
    -------
    dict
        `COMPARED`; the p-value is that of Fisher's exact test.
    """
    own, others = np.asarray(has)[flagged.to_numpy()], np.asarray(has)[~flagged.to_numpy()]
    sizes = (len(own), len(others), own.sum() + others.sum())
    if min(*sizes, len(own) + len(others) - sizes[2]) < max(minimum_group, 1):
        return {}
    low, high = share_difference(own.sum(), len(own), others.sum(), len(others))
    cells = [[own.sum(), len(own) - own.sum()], [others.sum(), len(others) - others.sum()]]
    return {
        "declined_share": float(own.mean()),
        "same_share": float(others.mean()),
        "difference": float(own.mean() - others.mean()),
        "low": low,
        "high": high,
        "p_value": float(stats.fisher_exact(cells).pvalue),
    }


def _adjust(values: pd.Series) -> pd.Series:
    """Return p-values adjusted for their number (Benjamini-Hochberg); unknown ones stay so."""
    known = values.dropna()
    if known.empty:
        return values
    adjusted = stats.false_discovery_control(known, method="bh")
    return pd.Series(adjusted, known.index).reindex(values.index)


# ------------------------------------------------------------------------- the group worth keeping


def compare_categories(people: pd.DataFrame, minimum_group: int) -> pd.DataFrame:
    """Return the favourite categories of the group at high risk and high profit, and of the rest.

    Parameters
    ----------
    people
        All regular customers with risk_group.
    minimum_group
        Categories with fewer customers in the group, or among the rest, are pooled.

    Returns
    -------
    pandas.DataFrame
        The largest difference first: category, customers (of the group), profit (a month),
        declined_share (of the group), same_share (of the rest), difference with low and high
        (95%), p_adjusted, clear. Empty where the group, or the rest, has too few customers.
    """
    placed = people[people["risk_group"].notna()]
    flagged = placed["risk_group"].eq(TARGET)
    if min(int(flagged.sum()), int((~flagged).sum())) < max(minimum_group, 1):
        return pd.DataFrame()
    labels = placed["favourite_category"].astype("str")
    for part in (flagged, ~flagged, flagged):
        own = labels[part]
        pooled = pool_small(own, minimum_group)
        few = set(own[pooled.eq(OTHER)])
        labels = labels.mask(labels.isin(few), OTHER)
    rows = []
    for category in sorted(labels.unique()):
        has = labels.eq(category)
        row = compare_shares(has, flagged, minimum_group)
        if row:
            both = has & flagged
            profit = float(placed.loc[both, "profit"].sum())
            row_of = {"category": category, "customers": int(both.sum()), "profit": profit}
            rows.append({**row_of, **row})
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows).sort_values(
        ["difference", "category"], ascending=[False, True], ignore_index=True
    )
    adjusted = _adjust(table["p_value"])
    return table.assign(p_adjusted=adjusted, clear=adjusted < CHANCE).drop(columns="p_value")

"""Test that every segment gets its action, and only the sentences that fit its profile."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from plans import OVERALL, PLAN, RULES, profile, regular

from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.problems import Refused
from analysis.forecast.names import GROUPS, TARGET
from analysis.segments.rules import SEGMENTS_FILE
from analysis.strategy import traits
from analysis.strategy.plan import Plan, Trait, actions, date_actions, read_plan

NAMES = [rule.name for rule in RULES]


def said(trait: dict[str, Any], **values: Any) -> list[str]:
    """Return what a trait says about a segment 'Champions' with some values."""
    plan = Plan(PLAN.actions, [Trait.model_validate({"half": LEDGER, "say": "{here}", **trait})])
    table = traits.ledger_traits(pd.DataFrame([profile("Champions", **values)]), OVERALL)
    return list(traits.match_traits(plan, table, LEDGER)["sentence"])


def test_every_segment_and_every_group_has_one_action() -> None:
    given = [(action.half, action.segment) for action in PLAN.actions]
    assert sorted(given) == sorted([(LEDGER, n) for n in NAMES] + [(ACTIVITY, n) for n in GROUPS])


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('owner = "Key accounts"', 'owner = "Key accounts"\nboss = "x"', "boss"),
        ('segment = "Champions"', 'segment = "Champs"', "there is no ledger segment 'Champs'"),
        ('segment = "Champions"', 'segment = "Promising"', "'Promising' has two actions"),
        ("cost = 3.00\n", "", "an action of the ledger needs a cost and an uplift"),
        ("likely = 0.015, high", "likely = 0.5, high", "likely must lie between low and high"),
        ("low = 0.0, likely", "low = 0.001, likely", "the low end of an uplift must be 0"),
        ('column = "cancelled_invoices_per_order"', 'column = "size"', "there is no column 'size'"),
        ("above = 0.25", "above = 0.25\nbelow = 0.5", "a trait has one condition"),
        ("{here} of net", "{name} of net", "there is no {name}"),
        ("{here} of net", "{here of net", "a brace is not closed"),
        (
            'column = "favourite_category"\nabove = "everybody"',
            'column = "favourite_category"\nabove = 0.5',
            "labels are compared with everybody",
        ),
        (
            'segments = ["Potential',
            'segments = ["Nobody", "Potential',
            "no ledger segment 'Nobody'",
        ),
        ("[[actions]]", "[[actions]", "line"),
        ('timing = "First {by}, then with', 'timing = "With', "timing holds {by}"),
        ("within_days = 30\n", "", "timing holds {by}"),
        ('"First {by}, then once a season"', '"{by} {day}"', "no other braces"),
        ('"First {by}, then once a season"', '"{by"', "a brace is not closed"),
    ],
)
def test_a_wrong_file_is_refused_and_says_why(
    tmp_path: Path, old: str, new: str, what: str
) -> None:
    text = SEGMENTS_FILE.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "segments.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        read_plan(RULES, tmp_path / "segments.toml")
    problems = [str(problem) for problem in refused.value.problems]
    assert any(what in problem for problem in problems), problems
    assert all("data/segments.toml" in problem for problem in problems)


def test_a_segment_that_does_not_show_a_trait_does_not_get_the_sentence() -> None:
    higher = {"column": "cancelled_share", "above": "everybody"}
    lower = {"column": "cancelled_share", "below": "everybody"}
    high = {"cancelled_share": 0.5, "cancelled_share_low": 0.4, "cancelled_share_high": 0.6}
    unclear = {"cancelled_share": 0.5, "cancelled_share_low": 0.21, "cancelled_share_high": 0.8}
    assert (said(higher, **high), said(lower, **high)) == (["50%"], [])
    assert said(higher) == said(lower) == []
    assert said(higher, **unclear) == said(lower, **unclear) == []
    nobody = {
        "cancelled_share": np.nan,
        "cancelled_share_low": np.nan,
        "cancelled_share_high": np.nan,
    }
    assert said(higher, **nobody) == []
    # A number has to lie outside the interval.
    assert said({"column": "cancelled_share", "above": 0.3}, **high) == ["50%"]
    assert said({"column": "cancelled_share", "above": 0.45}, **high) == []
    assert said({"column": "cancelled_share", "below": 0.65}, **high) == ["50%"]


def test_medians_differ_clearly_where_their_notches_do() -> None:
    trait = {"column": "basket_median", "above": "everybody", "say": "{here}, {there}"}
    assert said(trait, basket_median=56.0) == ["56.00, 50.00"]
    assert said(trait, basket_median=56.0, orders=20) == []
    assert said(trait, basket_median=50.5) == []
    slow = {"column": "second_days_median", "above": "everybody"}
    assert said(slow, second_days_median=60.0) == ["60 days"]
    # Nobody with a second order: no notch, no sentence.
    assert said(slow, second_days_median=60.0, second_order_share=0.0) == []


def test_a_sentence_keeps_to_its_segments_and_small_ones_get_none() -> None:
    trait = {"column": "abroad_share", "above": 0.1, "segments": ["Promising"]}
    assert said(trait) == []
    assert said(trait | {"segments": ["Champions"]}) == ["20%"]
    assert said(trait | {"segments": []}, shown=False) == []


def test_a_group_is_told_its_traits_and_its_favourites() -> None:
    people = regular()
    risky = people["risk_group"] == "high risk, low profit"
    people.loc[risky, "promo_share"] += 1
    people.loc[risky, "favourite_category"] = "{here}"
    values = traits.group_traits(people, pd.DataFrame(), 5)
    found = traits.match_traits(PLAN, values, ACTIVITY)
    told = found[found["segment"] == "high risk, low profit"].set_index("column")["sentence"]
    assert "another price cut" in told["promo_share"] and "against" in told["promo_share"]
    assert told["favourite_category"].startswith("More of them than of the others favour “{here}”")
    assert not set(found["column"]) & {"unpaid_items", "contacts_6_months"}
    # The group worth keeping is told by its own comparison, which is missing here.
    assert TARGET not in set(found["segment"])


def test_values_that_read_the_same_are_left_out() -> None:
    people = regular(service_errors=4.0)
    group = people["risk_group"] == "low risk, high profit"
    people.loc[group & (people.index % 8 < 4), "service_errors"] = 9.0
    values = traits.group_traits(people, pd.DataFrame(), 5)
    row = values[
        (values["segment"] == "low risk, high profit") & (values["column"] == "service_errors")
    ].iloc[0]
    values.loc[row.name, ["here_text", "there_text"]] = "4"
    found = traits.match_traits(PLAN, values, ACTIVITY)
    sentence = found.loc[found["column"] == "service_errors", "sentence"].iloc[0]
    assert (
        sentence == "They met more service errors than the others: fix these first, and tell them."
    )


def test_sizes_and_shares_stand_beside_the_action_and_either_half_may_be_missing() -> None:
    rows = [
        profile("Champions"),
        profile("Promising", customers=3, shown=False, revenue_share=np.nan),
    ]
    table = actions(PLAN, pd.DataFrame(rows), pd.DataFrame(), pd.DataFrame())
    assert list(table["segment"]) == ["Champions", "Promising"]
    assert list(table["customers"]) == [400, 3] and list(table["shown"]) == [True, False]
    assert table["revenue_share"].isna().tolist() == [False, True]
    groups = pd.DataFrame(
        {"group": GROUPS, "customers": 60, "share": 0.25, "shown": [True, True, True, False]}
    )
    table = actions(PLAN, pd.DataFrame(), groups, regular())
    assert set(table["half"]) == {ACTIVITY} and len(table) == 4
    assert table["revenue_share"].iloc[:3].between(0.2, 0.3).all()
    assert np.isnan(table["revenue_share"].iloc[3])
    assert actions(PLAN, pd.DataFrame(), pd.DataFrame(), pd.DataFrame()).empty


def test_a_difference_that_is_clear_but_small_is_not_told() -> None:
    def way(share: float) -> int:
        ends = {f"abroad_share{end}": share for end in ("", "_low", "_high")}
        sharp = OVERALL.copy()
        sharp[["abroad_share_low", "abroad_share_high"]] = sharp["abroad_share"]
        table = traits.ledger_traits(pd.DataFrame([profile("Champions", **ends)]), sharp)
        return int(table.set_index("column")["way"].to_dict()["abroad_share"])

    assert [way(share) for share in (0.17, 0.19, 0.21, 0.23)] == [-1, 0, 0, 1]


def test_an_action_has_a_date_where_the_report_has_one() -> None:
    def timing(as_of: dt.date | None) -> list[str]:
        return [
            action.timing
            for action in date_actions(PLAN, as_of).actions
            if action.segment
            in ("Cannot lose them", "Latest light buyers", "high risk, low profit")
        ]

    rolling = "From the day of the last delivery"
    assert timing(dt.date(2011, 12, 10)) == [
        "By 24 December 2011, the largest customers first",
        rolling,
        "By 9 January 2012, and only once",
    ]
    assert timing(None) == [
        "Within 14 days, the largest customers first",
        rolling,
        "Within 30 days, and only once",
    ]

"""Test the expected value of actions and contacts, and the order in which contacts are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import a_line, reading, write_lines
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from plans import some_terms, table, terms

from analysis.core.names import LOSES
from analysis.core.settings import ContactSettings, Settings
from analysis.forecast.names import TARGET
from analysis.segments import returns
from analysis.segments.movement import history
from analysis.segments.rules import read_segments
from analysis.strategy import budget, value
from analysis.strategy.contact_policy import gain
from analysis.strategy.names import (
    COST,
    FEW,
    FEW_ABOVE,
    MEASURED,
    NO_CONSENT,
    NO_PAST,
    NO_PROFIT,
    NO_RISK,
    NO_SEASON,
    PAYS,
    RATE,
    REACH,
    UNCERTAIN,
    UNCOUNTED,
    UPLIFT,
    VALUE,
)
from analysis.strategy.plan import read_plan
from analysis.strategy.terms import (
    Assumed,
    Terms,
    consenting,
    contact_of,
    group_terms,
    ledger_contacts,
    ledger_terms,
    profit_at_stake,
    triangular_quantiles,
    wrong_by,
)

PLAN = read_plan(read_segments())


@pytest.fixture
def contact(settings: Settings) -> ContactSettings:
    return settings.contact


def by(found: pd.DataFrame, column: str) -> Any:
    """Return a table by one of its columns, of any type: pandas knows none for a cell."""
    return found.set_index(column)


@effort(max_examples=40, deadline=None)
@given(some_terms)
def test_profit_is_what_is_won_less_the_cost(known: Terms) -> None:
    row = table({"A": known}).iloc[0]
    won = row["contacts"] * row["uplift"] * row["value_per_customer"]
    assert row["expected_profit"] == pytest.approx(won - row["cost"], abs=1e-6)
    assert row["low"] <= row["expected_profit"] <= row["high"]
    assert row["cost"] == pytest.approx(row["contacts"] * row["cost_per_contact"])
    offers = row["offer_cost"] * row["orders_anyway"]
    assert row["cost_per_contact"] == pytest.approx(row["message_cost"] + offers)
    # Twice the customers: twice everything. No uplift: the cost is lost. Break-even: nothing is.
    double = table({"A": known._replace(people=known.people * 2)}).iloc[0]
    for name in ("contacts", "cost", "expected_profit", "low", "high"):
        assert double[name] == pytest.approx(2 * row[name], abs=1e-6)
    assert double["value_per_contact"] == pytest.approx(row["value_per_contact"], abs=1e-9)
    assert float(known.profit(**{UPLIFT: 0.0})) == pytest.approx(-row["cost"])
    even = row["break_even_uplift"]
    if pd.notna(even) and even <= known.movable:
        assert float(known.profit(**{UPLIFT: even})) == pytest.approx(0, abs=1e-6)


@effort(max_examples=40, deadline=None)
@given(some_terms)
def test_an_offer_pays_up_to_its_highest_cost(known: Terms) -> None:
    most = value.highest_offer_cost(known)
    at = float(known.profit(offer=most))
    # Where even a free offer does not pay, no cost does.
    assert at == pytest.approx(0, abs=1e-6) if most else at <= 1e-9
    assert float(known.profit(offer=most * 1.1 + 0.01)) < 0
    assert np.isnan(value.highest_offer_cost(known._replace(anyway=0.0, orders=0.0)))


def test_expected_values_are_means_of_what_is_drawn() -> None:
    known = terms(offer=1.0)
    drawn = value.draw_assumptions({"A": known}, 1)["A"]
    spread = known.profit(**drawn)
    error = float(spread.std() / np.sqrt(len(spread)))
    assert float(known.profit()) == pytest.approx(float(spread.mean()), abs=4 * error)
    for name, assumed in known.ranges.items():
        assert drawn[name].mean() == pytest.approx(assumed.mean, rel=0.05)
    # A factor, and what data say, have the likely value as their mean.
    assert wrong_by(3.0, 2.0).mean == pytest.approx(3.0)
    assert Assumed(60.0, 100.0, 170.0, "lognormal").mean == pytest.approx(100.0, rel=2e-3)


def test_nobody_can_be_won_who_comes_anyway() -> None:
    known = terms(uplift=0.3)._replace(movable=0.1)
    row = table({"A": known}).iloc[0]
    assert row["uplift_high"] == 0.1 and row["uplift"] < 0.1
    assert float(known._replace(movable=0.0).profit()) == pytest.approx(-100)


def test_the_more_is_assumed_the_wider_the_interval() -> None:
    ranges = {
        name: Assumed(one.likely, one.likely, one.likely) for name, one in terms().ranges.items()
    }
    sure = terms()._replace(ranges=ranges)
    row = table({"A": sure}).iloc[0]
    assert [row["low"], row["high"]] == pytest.approx([row["expected_profit"]] * 2)
    one = sure._replace(ranges=sure.ranges | {UPLIFT: terms().ranges[UPLIFT]})
    narrow, wide = table({"A": one}).iloc[0], table({"A": terms()}).iloc[0]
    assert 0 < narrow["high"] - narrow["low"] < wide["high"] - wide["low"]
    assert table({"A": terms()}).equals(table({"A": terms()}))


def test_triangles_have_their_mean() -> None:
    u = (np.arange(20_000) + 0.5) / 20_000
    for low, likely, high in ((0.0, 0.1, 0.4), (1.0, 1.0, 2.0), (1.0, 2.0, 2.0)):
        drawn = triangular_quantiles(u, low, likely, high)
        assert drawn.mean() == pytest.approx((low + likely + high) / 3, rel=1e-4)
        assert low <= drawn.min() and drawn.max() <= high
        # The textbook's quantiles, by hand.
        left = low + np.sqrt(u * (high - low) * (likely - low))
        right = high - np.sqrt((1 - u) * (high - low) * (high - likely))
        expected = np.where(u < (likely - low) / (high - low), left, right)
        assert drawn == pytest.approx(expected, rel=1e-12)


def test_actions_are_ranked_by_contact_and_those_without_value_are_not() -> None:
    known: dict[str, Terms | str] = {
        "poor": terms(cost=20),
        "rich": terms(spend=900),
        "none": NO_PAST,
        "good": terms(),
    }
    found = table(known)
    assert found["rank"].tolist() == [3, 1, pd.NA, 2]
    assert found["reason"].tolist() == ["", "", NO_PAST, ""]
    assert found.loc[2, ["contacts", "expected_profit"]].isna().all()
    assert found["draws_paying"].iloc[0] == 0 and found["draws_paying"].iloc[1] > 0.9
    assert table({"none": FEW})["expected_profit"].isna().all()


def test_a_verdict_says_what_is_known() -> None:
    measured = terms()._replace(
        ranges=terms().ranges | {UPLIFT: Assumed(0.015, 0.02, 0.025, "normal")}, campaigns=2
    )
    harm = measured._replace(
        ranges=terms().ranges | {UPLIFT: Assumed(-0.03, -0.02, -0.01, "normal")}
    )
    known: dict[str, Terms | str] = {
        "measured": measured,
        "harmful": harm,
        "rich": terms(spend=9000),
        "open": terms(spend=80),
        "none": FEW,
    }
    found = table(known)
    assert found["verdict"].tolist() == [MEASURED, LOSES, PAYS, UNCERTAIN, UNCERTAIN]
    assert found["listed"].tolist() == [400, 0, 400, 400, 0]
    assert found["campaigns"].tolist() == [2, 2, 0, 0, 0]


def test_a_tornado_changes_one_assumption_at_a_time() -> None:
    found = by(value.tornado("A", "ledger", terms()), "assumption")
    assert list(found["swing"]) == sorted(found["swing"], reverse=True)
    cost = found.loc[COST]
    assert cost["profit_low"] > cost["profit"] > cost["profit_high"]
    assert found.loc[REACH, "profit_high"] == pytest.approx(found.loc[REACH, "profit"] * 0.8 / 0.5)
    assert found.loc[RATE, "profit_low"] == pytest.approx(200 * (0.02 * 300 * 0.3 - 0.5), rel=1e-3)
    fixed = terms()._replace(ranges=terms().ranges | {REACH: Assumed(1.0, 1.0, 1.0)})
    assert REACH not in set(value.tornado("A", "ledger", fixed)["assumption"])


# ------------------------------------------------------------------------- customer by customer


def customers(size: int = 200, seed: int = 3) -> pd.DataFrame:
    """Return customers of the orders with a forecast: what a contact with each could win."""
    random = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "segment": "A",
            "expected_spend_90": random.lognormal(5, 1, size),
            "spend_if_ordering_90": random.lognormal(5, 1, size),
            "lapse_probability_90": random.beta(2, 2, size),
        }
    )
    past = pd.DataFrame(
        {"segment": ["A"], "share": [0.6], "spend_mean": [250.0], "orders_mean": [1.7]}
    )
    return ledger_contacts(people, past).assign(segment="A")


def test_lists_add_up_to_their_action(settings: Settings) -> None:
    """The values of the contacts of any part of a segment have the action's value as their mean."""
    action = PLAN.actions[1]
    everybody = customers()
    whole = ledger_terms(action, everybody, everybody, (0.9, 1.2), settings.strategy)
    values = value.value_contacts(
        everybody.assign(won=everybody["away"] / everybody["away"].mean()), whole
    )
    for some in (everybody, everybody[values > values.median()], everybody.iloc[:30]):
        part = ledger_terms(action, some, everybody, (0.9, 1.2), settings.strategy)
        row = table({"A": part}).iloc[0]
        assert values[some.index].mean() == pytest.approx(row["value_per_contact"], rel=1e-4)
        assert values[some.index].sum() * part.mean(REACH) == pytest.approx(
            row["expected_profit"], rel=1e-4
        )


def test_a_customer_is_worth_what_is_expected_of_this_customer(settings: Settings) -> None:
    # Without a forecast nobody has a value; without a season all are as their segment was.
    gone = pd.DataFrame(
        {
            "segment": "A",
            "expected_spend_90": [1.0, np.nan],
            "spend_if_ordering_90": [2.0, np.nan],
            "lapse_probability_90": [0.5, np.nan],
        }
    )
    past = pd.DataFrame(
        {"segment": ["A"], "share": [0.6], "spend_mean": [250.0], "orders_mean": [1.7]}
    )
    found = ledger_contacts(gone, past)
    assert found["away"].tolist()[0] == 0.5 and found["spend"].isna().tolist() == [False, True]
    unknown = ledger_contacts(gone.assign(expected_spend_90=np.nan), past)
    assert unknown["away"].tolist() == pytest.approx([0.4, 0.4])
    assert unknown["spend"].tolist() == [250.0, 250.0]
    assert unknown["anyway"].tolist() == pytest.approx([0.6 * 1.7] * 2)


def test_the_most_valuable_customers_come_first_and_no_limit_is_broken() -> None:
    chosen = pd.DataFrame(
        {
            "expected_value": [5.0, 1.0, 4.0, 3.0],
            "reach": [0.5, 0.5, 0.5, 1.0],
            "cost": [10.0, 0.1, 1.0, 1.0],
        }
    )
    assert budget.choose_within(chosen).all()
    assert budget.choose_within(chosen, contacts=1.0).tolist() == [True, False, True, False]
    # For money, the value per unit of cost counts: the second customer brings ten times its cost.
    assert budget.choose_within(chosen, money=0.6).tolist() == [False, True, True, False]


@effort(max_examples=15, deadline=None)
@given(st.integers(30, 300), st.integers(0, 99))
def test_the_curve_of_the_gain_ends_where_the_actions_do(size: int, seed: int) -> None:
    from analysis.core.settings import read_settings

    assumed = read_settings().strategy
    parts = {}
    rows = []
    for segment, action in (("A", PLAN.actions[0]), ("B", PLAN.actions[3])):
        people = customers(size, seed).assign(segment=segment)
        parts[segment] = ledger_terms(action, people, people, (0.8, 1.3), assumed)
        rows.append(people.assign(won=people["away"] / people["away"].mean()))
    listed = pd.concat(rows, ignore_index=True)
    listed["expected_value"] = np.concatenate(
        [value.value_contacts(own, parts[str(key)]) for key, own in listed.groupby("segment")]
    )
    curve = budget.gain_by_contacts(listed, parts, 1, 10)
    whole = table(dict(parts))
    last = curve.iloc[-1]
    for name in ("contacts", "cost", "expected_profit"):
        assert last[name] == pytest.approx(whole[name].sum())
    assert last["listed"] == 2 * size and curve["listed"].diff().dropna().min() >= 9
    # The best come first: the first half of the contacts brings more than the second.
    middle = curve[curve["listed"] <= size].iloc[-1]
    assert middle["expected_profit"] >= last["expected_profit"] * middle["listed"] / (2 * size) - 1
    assert budget.gain_by_contacts(listed.iloc[:5], parts, 1, 10).empty


# ------------------------------------------------------------------------- regular customers


def group(size: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "risk_group": TARGET,
            "profit": random.normal(4, 1, size),
            "duplicate_group": range(size),
            "decline_probability": random.uniform(0.5, 1, size),
            "consent": random.random(size) < 0.6,
        }
    )


def test_a_group_is_worth_what_its_contacts_gain(contact: ContactSettings) -> None:
    people = group()
    asked = people[people["consent"]]
    for action in (a for a in PLAN.actions if a.half == "activity"):
        known = group_terms(action, asked, contact, 2.0)
        assert isinstance(known, Terms)
        sure = contact_of(action, contact)
        expected = gain(asked["profit"], asked["decline_probability"], sure)
        row = table({"A": known}, "activity").iloc[0]
        assert row["contacts"] == len(asked) < len(people)
        assert row["expected_profit"] == pytest.approx(expected.sum(), rel=1e-6)
        assert row["uplift"] == pytest.approx(sure.save_rate * asked["decline_probability"].mean())
        for save, end in ((sure.save_rate_low, "low"), (sure.save_rate_high, "high")):
            changed = sure.model_copy(update={"save_rate": save})
            brought = gain(asked["profit"], asked["decline_probability"], changed).sum()
            bars = by(value.tornado("A", "activity", known), "assumption")
            assert bars.loc[UPLIFT, f"profit_{end}"] == pytest.approx(brought, rel=1e-6)


def test_where_consent_could_be_read_off_nothing_is_told() -> None:
    people = group()
    for yes, reason in ((0, NO_CONSENT), (3, UNCOUNTED), (57, UNCOUNTED)):
        few = people.assign(consent=people.index < yes)
        assert consenting(few, 5, 0.0) == reason
    assert len(consenting(people.assign(consent=True), 5, 0.0)) == len(people)


def test_only_customers_at_or_above_the_cut_off_count() -> None:
    people = group().assign(consent=True)
    line = float(people["decline_probability"].median())
    found = consenting(people, 1, line)
    assert isinstance(found, pd.DataFrame) and found["decline_probability"].min() >= line
    third = float(people["decline_probability"].nlargest(3).min())
    for cut_off, reason in ((third, FEW_ABOVE), (float("inf"), NO_RISK)):
        assert consenting(people, 5, cut_off) == reason


def test_losses_are_not_worth_keeping_and_no_risk_nothing_to_keep(
    contact: ContactSettings,
) -> None:
    action = next(a for a in PLAN.actions if a.segment == TARGET)
    for change in ({"profit": -3.0}, {"decline_probability": 0.0}):
        known = group_terms(action, group().assign(**change), contact, 2.0)
        assert isinstance(known, Terms)
        row = table({"A": known}, "activity").iloc[0]
        assert row["expected_profit"] == pytest.approx(-row["cost"])
        assert np.isnan(row["break_even_uplift"])


def test_a_profit_that_is_not_known_is_taken_as_the_mean(contact: ContactSettings) -> None:
    action = next(a for a in PLAN.actions if a.segment == TARGET)
    people = group().assign(decline_probability=0.8)
    gap = people.assign(profit=people["profit"].mask(people.index < 5))
    known = group_terms(action, gap, contact, 2.0)
    assert isinstance(known, Terms)
    row = table({"A": known}, "activity").iloc[0]
    at_stake = profit_at_stake(gap, action, contact)
    assert row["contacts"] == len(gap) and at_stake.isna().sum() == 5
    assert known.mean(VALUE) * known.movable == pytest.approx(at_stake.mean(), rel=1e-6)
    unknown = gap.assign(profit=np.nan)
    assert group_terms(action, unknown, contact, 2.0) == NO_PROFIT


# ------------------------------------------------------------------------- the past


def test_past_quarters_are_pooled_and_few_are_not_told() -> None:
    parts = [
        pd.DataFrame(
            {
                "segment": ["A"] * 8 + ["B"] * 3,
                "spend": [100.0, 200, 900] + [np.nan] * 8,
                "orders": [1.0, 1, 4] + [np.nan] * 8,
            }
        ),
        pd.DataFrame(
            {
                "segment": ["A"] * 4,
                "spend": [300.0, 400, 500, np.nan],
                "orders": [2.0, 2, 2, np.nan],
            }
        ),
    ]
    found = by(returns.pool_quarters(parts, ["A", "B", "C"], minimum_group=5), "segment")
    assert list(found.index) == ["A"]
    row = found.loc["A"]
    assert (row["quarters"], row["customers"], row["retained"], row["share"]) == (2, 12, 6, 0.5)
    assert (row["spend"], row["spend_mean"], row["orders_mean"]) == (350, 400, 2)
    assert 100 <= row["spend_low"] < 350 < row["spend_high"] <= 900
    told = by(returns.pool_quarters(parts, ["A", "B"], minimum_group=7), "segment")
    assert np.isnan(told.loc["A", "spend"]) and told.loc["A", "share"] == 0.5
    assert returns.pool_quarters([], ["A"], 5).empty


def test_the_interval_of_the_median_covers_it() -> None:
    random = np.random.default_rng(7)
    inside = []
    for _ in range(300):
        sample = pd.DataFrame({"segment": "A", "spend": random.lognormal(0, 1, 41), "orders": 1.0})
        row = returns.pool_quarters([sample], ["A"], 1).iloc[0]
        inside.append(row["spend_low"] <= 1 <= row["spend_high"])
    assert 0.91 <= np.mean(inside) <= 0.985


def test_who_is_not_scored_stays_away_as_the_segment_does() -> None:
    past = pd.DataFrame({"segment": ["A"], "share": [0.7]})
    people = pd.DataFrame({"segment": ["A", "A", "B"], "lapse_probability": [0.1, np.nan, np.nan]})
    away = returns.absence_probability(people, past)
    assert away.tolist()[:2] == pytest.approx([0.1, 0.3]) and np.isnan(away[2])
    assert returns.absence_probability(people[["segment"]], past).tolist()[:2] == pytest.approx(
        [0.3, 0.3]
    )
    # A probability that only ranks customers says nothing of how many stay away.
    unknown = people.assign(expected_spend_90=np.nan)
    assert returns.absence_probability(unknown, past).tolist()[:2] == pytest.approx([0.3, 0.3])


def test_the_past_of_a_small_ledger_is_counted_by_hand(tmp_path: Path) -> None:
    dates = {
        "1": ["2011-01-05", "2011-05-01", "2011-05-03"],
        "2": ["2011-02-05", "2011-08-01"],
        "3": ["2011-04-10", "2011-07-05"],
        "4": ["2011-09-30"],
    }
    rows = [
        a_line(
            CustomerID=who,
            InvoiceNo=f"{who}{n}",
            InvoiceDate=f"{day} 10:00:00",
            Quantity="10",
            UnitPrice="1",
            StockCode=f"1000{n}",
        )
        for who, days in dates.items()
        for n, day in enumerate(days)
    ]
    write_lines(tmp_path / "a.csv", rows)
    rules = read_segments()
    with reading([tmp_path / "a.csv"]) as ledger:
        past = history(ledger, rules)
        found = returns.returns(ledger, past, [rule.name for rule in rules])
    # As of April: 1 (comes) and 2; as of July: 1, 2 (comes) and 3 (comes).
    assert found["quarters"].eq(2).all()
    assert (found["customers"].sum(), found["retained"].sum()) == (5, 3)


def test_without_a_known_season_nothing_that_is_expected_is_stated() -> None:
    made = table({"a": terms(), "b": FEW, "c": terms(cost=50)}).assign(forgone=1.0)
    hidden = value.hide_levels(made)
    assert hidden[list(value.LEVELS)].isna().all(axis=None) and hidden["rank"].isna().all()
    assert hidden["reason"].to_list() == [NO_SEASON, FEW, NO_SEASON]
    assert hidden["verdict"].to_list() == [UNCERTAIN, UNCERTAIN, LOSES]
    # Lists, costs and the break-even are no forecasts.
    same = ["listed", "cost", "break_even_uplift", "highest_offer_cost"]
    assert hidden[same].equals(made[same])

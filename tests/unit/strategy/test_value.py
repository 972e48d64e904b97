"""Test the expected value of actions, and the order in which a budget is spent."""

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

from analysis.core.settings import ContactSettings, Settings, StrategySettings
from analysis.forecast.names import GROUPS, TARGET
from analysis.segments import returns
from analysis.segments.movement import history
from analysis.segments.rules import read_segments
from analysis.strategy import budget, value
from analysis.strategy.contact_policy import gain
from analysis.strategy.names import COST, NO_SEASON, RATE, REACH, UPLIFT
from analysis.strategy.plan import read_plan
from analysis.strategy.tables import terms_of
from analysis.strategy.value import Terms

PLAN = read_plan(read_segments())


@pytest.fixture
def assumed(settings: Settings) -> StrategySettings:
    return settings.strategy


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
    _, uplift, _ = known.ranges[UPLIFT]
    won = row["contacts"] * uplift * row["value_per_customer"]
    assert row["expected_profit"] == pytest.approx(won - row["cost"], abs=1e-6)
    assert row["low"] <= row["expected_profit"] <= row["high"]
    assert row["cost"] == pytest.approx(row["contacts"] * row["cost_per_contact"])
    # Half the segment: half of everything. No uplift: the cost is lost. Break-even: nothing is.
    half = table({"A": known._replace(people=known.people * 2)}).iloc[0]
    for name in ("contacts", "cost", "expected_profit", "low", "high"):
        assert half[name] == pytest.approx(2 * row[name], abs=1e-6)
    assert half["value_per_contact"] == pytest.approx(row["value_per_contact"], abs=1e-9)
    assert float(known.profit(**{UPLIFT: 0.0})) == pytest.approx(-row["cost"])
    even = row["break_even_uplift"]
    if pd.notna(even) and even <= known.movable:
        assert float(known.profit(**{UPLIFT: even})) == pytest.approx(0, abs=1e-6)


def test_nobody_can_be_won_who_comes_anyway() -> None:
    known = terms(uplift=0.3)._replace(movable=0.1)
    row = table({"A": known}).iloc[0]
    assert (row["uplift_low"], row["uplift"], row["uplift_high"]) == (0.1, 0.1, 0.1)
    assert row["expected_profit"] == pytest.approx(200 * (0.1 * 300 * 0.4 - 0.5))
    assert float(known._replace(movable=0.0).profit()) == pytest.approx(-100)


def test_the_more_is_assumed_the_wider_the_interval() -> None:
    sure = terms()._replace(ranges={name: (x, x, x) for name, (_, x, _) in terms().ranges.items()})
    row = table({"A": sure}).iloc[0]
    assert row["low"] == row["high"] == pytest.approx(row["expected_profit"])
    one = sure._replace(ranges=sure.ranges | {UPLIFT: terms().ranges[UPLIFT]})
    narrow, wide = table({"A": one}).iloc[0], table({"A": terms()}).iloc[0]
    assert 0 < narrow["high"] - narrow["low"] < wide["high"] - wide["low"]
    assert table({"A": terms()}).equals(table({"A": terms()}))


def test_triangles_have_their_mean() -> None:
    u = (np.arange(20_000) + 0.5) / 20_000
    for low, likely, high in ((0.0, 0.1, 0.4), (1.0, 1.0, 2.0), (1.0, 2.0, 2.0)):
        drawn = value.triangular_quantiles(u, low, likely, high)
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
        "none": value.NO_PAST,
        "good": terms(),
    }
    found = table(known)
    assert found["rank"].tolist() == [3, 1, pd.NA, 2]
    assert found["reason"].tolist() == ["", "", value.NO_PAST, ""]
    assert found.loc[2, ["contacts", "expected_profit"]].isna().all()
    assert found["draws_paying"].iloc[1] == 1 and found["draws_paying"].iloc[0] == 0
    assert table({"none": value.FEW})["expected_profit"].isna().all()


def test_a_tornado_changes_one_assumption_at_a_time() -> None:
    found = by(value.tornado("A", "ledger", terms()), "assumption")
    assert list(found["swing"]) == sorted(found["swing"], reverse=True)
    cost = found.loc[COST]
    assert cost["profit_low"] > cost["profit"] > cost["profit_high"]
    assert found.loc[REACH, "profit_high"] == pytest.approx(found.loc[REACH, "profit"] * 0.8 / 0.5)
    assert found.loc[RATE, "profit_low"] == pytest.approx(200 * (0.02 * 300 * 0.3 - 0.5))
    fixed = terms()._replace(ranges=terms().ranges | {REACH: (1.0, 1.0, 1.0)})
    assert REACH not in set(value.tornado("A", "ledger", fixed)["assumption"])


def test_a_budget_goes_to_the_best_first_and_never_to_a_loss() -> None:
    known: dict[str, Terms | str] = {
        "loss": terms(cost=20),
        "dear": terms(spend=3000, cost=4),
        "cheap": terms(cost=0.1),
    }
    found = table(known)
    order = budget.budget(found, known, 1, contacts=300, money=100)
    orders = {name: by(rows, "segment") for name, rows in order.groupby("by")}
    assert list(orders["contacts"].index) == ["dear", "cheap"]
    assert list(orders["money"].index) == ["cheap", "dear"]
    assert orders["contacts"]["taken"].tolist() == [200, 100]
    assert orders["money"].loc["cheap", "taken"] == 200
    assert orders["money"].loc["dear", "taken"] == pytest.approx(80 / 4)
    last = orders["contacts"].iloc[-1]
    assert last["cumulative_profit"] == pytest.approx(
        found.loc[found["expected_profit"] > 0, "expected_profit"].sum()
    )
    assert last["low"] < last["cumulative_profit"] < last["high"]
    assert orders["contacts"]["taken_profit"].sum() < last["cumulative_profit"]
    # No limit: everything that pays.
    free = budget.budget(found, known, 1)
    assert (free["taken"] == free["contacts"]).all()
    assert budget.budget(table({"loss": terms(cost=20)}), known, 1).empty


@effort(max_examples=25, deadline=None)
@given(st.lists(some_terms, min_size=1, max_size=5), st.integers(1, 4000))
def test_a_budget_is_never_overdrawn(several: list[Terms], limit: int) -> None:
    known: dict[str, Terms | str] = {f"{n}": term for n, term in enumerate(several)}
    order = budget.budget(table(known), known, 1, limit, limit)
    for by, spent in (("contacts", 1.0), ("money", order["cost"] / order["contacts"])):
        rows = order["by"] == by
        total = float((order["taken"] * spent)[rows].sum())
        assert total <= limit * (1 + 1e-9)
        if (order["taken"] < order["contacts"] * (1 - 1e-9))[rows].any():
            assert total == pytest.approx(limit)
    assert (order["expected_profit"] > 0).all()


def test_customers_of_a_segment_bring_its_value_on_average() -> None:
    random = np.random.default_rng(3)
    people = pd.DataFrame(
        {
            "segment": np.repeat(["A", "B", "C"], 50),
            "frequency": random.integers(1, 9, 150),
            "monetary": random.lognormal(5, 1, 150),
            "away": random.random(150),
        }
    )
    people.loc[people["segment"] == "B", "away"] = 0.0
    found = table({"A": terms(), "B": terms(), "C": value.NO_PAST})
    values = budget.ledger_values(people, found)
    means: Any = values.groupby(people["segment"]).mean()
    assert means["A"] == pytest.approx(found["value_per_contact"].iloc[0])
    assert means["B"] == pytest.approx(found["value_per_contact"].iloc[1])
    assert values[people["segment"] == "C"].isna().all()
    first = people[people["segment"] == "A"]
    low = first.assign(away=first["away"] / 2, order=first["monetary"] / first["frequency"])
    assert values[first.index].corr(low["away"] * low["order"], method="spearman") > 0.95


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


def test_a_group_is_worth_what_its_contacts_gain(
    contact: ContactSettings, assumed: StrategySettings
) -> None:
    people = group()
    asked = people[people["consent"]]
    for action in (a for a in PLAN.actions if a.half == "activity"):
        known = value.group_terms(action, people, contact, assumed.wrong_by, 5)
        assert isinstance(known, Terms)
        sure = value.contact_of(action, contact)
        expected = gain(asked["profit"], asked["decline_probability"], sure)
        row = table({"A": known}, "activity").iloc[0]
        assert row["contacts"] == len(asked) < len(people)
        assert row["expected_profit"] == pytest.approx(expected.sum())
        assert row["uplift"] == pytest.approx(sure.save_rate * asked["decline_probability"].mean())
        own = people.assign(risk_group=action.segment)
        values = budget.group_values(own, PLAN, contact)
        assert values.sum() == pytest.approx(expected.sum())
        assert values[~own["consent"]].isna().all() and values[own["consent"]].notna().all()
        for save, end in ((sure.save_rate_low, "low"), (sure.save_rate_high, "high")):
            changed = sure.model_copy(update={"save_rate": save})
            brought = gain(asked["profit"], asked["decline_probability"], changed).sum()
            bars = by(value.tornado("A", "activity", known), "assumption")
            assert bars.loc[UPLIFT, f"profit_{end}"] == pytest.approx(brought)


def test_where_consent_could_be_read_off_nothing_is_told(
    contact: ContactSettings, assumed: StrategySettings
) -> None:
    action = next(a for a in PLAN.actions if a.segment == TARGET)
    people = group()
    for yes, reason in ((0, value.NO_CONSENT), (3, value.UNCOUNTED), (57, value.UNCOUNTED)):
        few = people.assign(consent=people.index < yes)
        assert value.group_terms(action, few, contact, assumed.wrong_by, 5) == reason
    everybody = people.assign(consent=True)
    assert isinstance(value.group_terms(action, everybody, contact, 2.0, 5), Terms)


def test_losses_are_not_worth_keeping_and_no_risk_nothing_to_keep(
    contact: ContactSettings, assumed: StrategySettings
) -> None:
    action = next(a for a in PLAN.actions if a.segment == TARGET)
    for change in ({"profit": -3.0}, {"decline_probability": 0.0}):
        known = value.group_terms(action, group().assign(**change), contact, assumed.wrong_by, 5)
        assert isinstance(known, Terms)
        row = table({"A": known}, "activity").iloc[0]
        assert row["expected_profit"] == pytest.approx(-row["cost"])
        assert np.isnan(row["break_even_uplift"])


def test_a_profit_that_is_not_known_is_taken_as_the_mean(
    contact: ContactSettings, assumed: StrategySettings
) -> None:
    action = next(a for a in PLAN.actions if a.segment == TARGET)
    people = group().assign(consent=True, decline_probability=0.8)
    gap = people.assign(profit=people["profit"].mask(people.index < 5))
    known = value.group_terms(action, gap, contact, assumed.wrong_by, 5)
    assert isinstance(known, Terms)
    row = table({"A": known}, "activity").iloc[0]
    values = budget.group_values(gap, PLAN, contact)
    assert row["contacts"] == len(gap) and values.isna().sum() == 5
    assert row["value_per_contact"] == pytest.approx(values.mean())
    unknown = gap.assign(profit=np.nan)
    assert value.group_terms(action, unknown, contact, assumed.wrong_by, 5) == value.NO_PROFIT


def test_past_quarters_are_pooled_and_few_are_not_told() -> None:
    parts = [
        pd.DataFrame({"segment": ["A"] * 8 + ["B"] * 3, "spend": [100.0, 200, 900] + [np.nan] * 8}),
        pd.DataFrame({"segment": ["A"] * 4, "spend": [300.0, 400, 500, np.nan]}),
    ]
    found = by(returns.pool_quarters(parts, ["A", "B", "C"], minimum_group=5), "segment")
    assert list(found.index) == ["A"]
    row = found.loc["A"]
    assert (row["quarters"], row["customers"], row["retained"], row["share"]) == (2, 12, 6, 0.5)
    assert (row["spend"], row["spend_mean"]) == (350, 400)
    assert 100 <= row["spend_low"] < 350 < row["spend_high"] <= 900
    told = by(returns.pool_quarters(parts, ["A", "B"], minimum_group=7), "segment")
    assert np.isnan(told.loc["A", "spend"]) and told.loc["A", "share"] == 0.5
    assert returns.pool_quarters([], ["A"], 5).empty


def test_the_interval_of_the_median_covers_it() -> None:
    random = np.random.default_rng(7)
    inside = []
    for _ in range(300):
        sample = pd.DataFrame({"segment": "A", "spend": random.lognormal(0, 1, 41)})
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


def test_only_customers_at_or_above_the_cut_off_count(
    contact: ContactSettings, assumed: StrategySettings
) -> None:
    action = next(one for one in PLAN.actions if one.half == "activity")
    people = group().assign(consent=True)
    line = float(people["decline_probability"].median())
    above = people[people["decline_probability"] >= line]
    found = value.group_terms(action, people, contact, assumed.wrong_by, 1, line)
    assert found == value.group_terms(action, above, contact, assumed.wrong_by, 1)
    assert isinstance(found, Terms) and found.people == len(above)
    third = float(people["decline_probability"].nlargest(3).min())
    for cut_off, reason in ((third, value.FEW_ABOVE), (float("inf"), value.NO_RISK)):
        assert value.group_terms(action, people, contact, 2.0, 5, cut_off) == reason


def test_all_groups_have_terms_in_order(
    contact: ContactSettings, assumed: StrategySettings
) -> None:
    people = pd.concat([group().assign(risk_group=name) for name in GROUPS], ignore_index=True)
    rows = pd.DataFrame({"half": "activity", "segment": GROUPS, "shown": [True] * 3 + [False]})
    found = terms_of(
        PLAN, rows, "activity", people, pd.DataFrame(), assumed, contact, minimum_group=5
    )
    assert [isinstance(term, Terms) for term in found.values()] == [True] * 3 + [False]
    assert found[GROUPS[3]] == value.FEW


def test_without_a_known_season_nothing_that_is_expected_is_stated() -> None:
    made = table({"a": terms(), "b": value.FEW})
    hidden = value.hide_levels(made)
    assert hidden[list(value.LEVELS)].isna().all(axis=None) and hidden["rank"].isna().all()
    assert hidden["reason"].to_list() == [NO_SEASON, value.FEW]
    # Lists, costs and the break-even are no forecasts.
    same = ["listed", "cost", "break_even_uplift", "verdict"]
    assert hidden[same].equals(made[same])

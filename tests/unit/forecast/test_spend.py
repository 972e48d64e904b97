"""Forecasts of spend: what is known at a date, the candidates, their tests, and what is stated."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from shoppers import AS_OF, FIRST, make_purchases

from analysis.forecast import coming, spend, spend_evaluation, spend_features
from analysis.forecast.coming import Shop, forecast_coming
from analysis.forecast.season import find_season
from analysis.forecast.spend_intervals import forecast_uncertain
from analysis.orders.purchases import Purchases, collect_purchases, day_number

EARLIER = dt.date(2021, 1, 15)


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    return make_purchases(seed=1, customers=4000)


def some_of(purchases: Purchases, kept: np.ndarray) -> Purchases:
    """Return some of the purchases."""
    return Purchases(purchases.ids, *(part[kept] for part in purchases[1:]))


def one_segment(past: pd.DataFrame) -> np.ndarray:
    return np.full(len(past), "everybody", dtype=object)


def the_shop(purchases: Purchases, first: dt.date = FIRST) -> Shop:
    return Shop(purchases, first, AS_OF, one_segment, smallest=5, seed=1)


def two_samples(purchases: Purchases, days: int = 90) -> tuple[spend.Sample, spend.Sample]:
    return (
        spend.take_sample(purchases, EARLIER, 380, days),
        spend.take_sample(purchases, AS_OF, 380, 0),
    )


def people_of(purchases: Purchases) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": purchases.ids, "segment": "everybody"})


def test_what_is_known_is_counted_as_by_hand() -> None:
    rows = [
        ("a", 1, "2021-01-01", None, 10.0),
        ("a", 1, "2021-01-01", "2021-01-05", 5.0),  # cancelled before the day: not known any more
        ("a", 2, "2021-03-01", "2021-06-01", 20.0),  # cancelled after it: still counts
        ("a", 3, "2021-04-10", None, 99.0),  # after the day
        ("b", 4, "2020-01-01", None, 7.0),  # before the look-back
    ]
    names = ["customer_id", "order_id", "day", "cancelled", "amount"]
    made = collect_purchases(pd.DataFrame(rows, columns=names).assign(lines=1))
    past = spend_features.history(made, dt.date(2021, 4, 10), 365)
    assert past.index.tolist() == ["a"]
    names = ["recency_days", "tenure_days", "frequency", "monetary"]
    assert past[names].to_numpy().tolist() == [[40, 99, 2, 30]]
    names = ["spend_30", "spend_90", "orders_90", "largest"]
    assert past[names].to_numpy().tolist() == [[0, 20, 1, 20]]
    assert spend_features.spend_in(made, dt.date(2021, 4, 10), 90, past.index).tolist() == [99]
    assert spend_features.spend_in(made, dt.date(2021, 3, 1), 30, past.index).tolist() == [0]


def test_nothing_that_comes_later_changes_what_is_known(purchases: Purchases) -> None:
    before = purchases.day < day_number(EARLIER)
    cut = some_of(purchases, before)
    pd.testing.assert_frame_equal(
        spend_features.history(purchases, EARLIER, 380), spend_features.history(cut, EARLIER, 380)
    )


@pytest.mark.parametrize("name", spend.CANDIDATES)
def test_each_candidate_meets_the_total_that_it_has_learnt_from(
    purchases: Purchases, name: str
) -> None:
    train = spend.add_reference(two_samples(purchases)[0], 90)
    found = spend.forecast_spend([name], train, train, 90)[name]
    assert found.expected.sum() == pytest.approx(train.came.sum(), rel=0.05)
    assert (found.expected >= 0).all()
    assert ((found.away > 0) & (found.away < 1)).all()
    # Nobody is taken to spend a fortune because an order of theirs is unlikely.
    whole = spend.forecast_spend([spend.TWO_PART], train, train, 90)[spend.TWO_PART]
    assert found.if_ordering.max() < 2 * whole.if_ordering.max()
    if name != spend.REFERENCE:
        coming = ((1 - found.away) * found.if_ordering).sum()
        assert coming == pytest.approx(found.expected.sum())


def test_the_order_of_customers_does_not_matter(purchases: Purchases) -> None:
    train, target = two_samples(purchases)
    usual = spend.forecast_spend([spend.TWO_PART], train, target, 90)[spend.TWO_PART]
    backwards = np.arange(len(target.past))[::-1]
    found = spend.forecast_spend([spend.TWO_PART], train, target.take(backwards), 90)
    assert found[spend.TWO_PART].expected[backwards] == pytest.approx(usual.expected, rel=1e-9)


def test_tests_choose_the_simplest_within_one_standard_error(purchases: Purchases) -> None:
    train, _ = two_samples(purchases)
    table = spend_evaluation.compare_spend(
        [spend_evaluation.cross_validate(train, 380, 90, seed=1)], 90, seed=1
    )
    within = table[table["behind"] <= table["behind_error"]]
    assert table.loc[table["chosen"], "model"].tolist() == [within["model"].iloc[0]]
    assert set(table["tested"]) == {spend_evaluation.IN_FOLDS}
    assert (table["top_decile"] <= table["perfect_decile"]).all()


def test_an_unknown_season_states_no_level(purchases: Purchases) -> None:
    shop = the_shop(purchases)
    late = dt.date(2021, 2, 1)
    cut = some_of(purchases, purchases.day >= day_number(late))
    made = forecast_coming(
        shop._replace(purchases=cut, first=late), people_of(purchases), lapse_days=90
    )
    assert made.facts["forecast.season_known"] is False
    levels = [f"{kind}_" for kind in ("expected", "at_risk", "away", "earlier", "ordering")]
    assert not [key for key in made.facts if any(word in key for word in levels)]
    for table in (made.customers, made.groups):
        columns = [name for name in map(str, table) if any(word in name for word in levels)]
        assert columns
        assert table[columns].isna().all(axis=None)
    assert made.models.empty
    # Customers are ranked all the same, and the riskiest are told by their past revenue.
    risk = made.customers.set_index("customer_id")["lapse_probability"]
    assert risk.notna().any()
    risky, rest = (
        made.customers[made.customers["active"] & (made.customers["riskiest"] == kind)]
        for kind in (True, False)
    )
    assert risky["lapse_probability"].min() >= rest["lapse_probability"].max()
    assert made.facts["forecast.riskiest_customers"] == len(risky) > 0


def test_a_known_season_states_levels_that_agree_with_each_other(purchases: Purchases) -> None:
    made = forecast_coming(the_shop(purchases), people_of(purchases), lapse_days=90)
    facts, people = made.facts, made.customers
    assert facts["forecast.season_known"] is True
    for days in (90, 365):
        total = facts[f"forecast.expected_{days}"]
        assert people[f"expected_spend_{days}"].sum() == pytest.approx(total)
        assert facts[f"forecast.expected_{days}_low"] < total
        assert total < facts[f"forecast.expected_{days}_high"]
        for kind in ("activity", "segment", "tier"):
            some = made.groups[made.groups["kind"] == kind]
            assert some[f"expected_{days}"].sum() == pytest.approx(total)
    # What is at risk is of active customers, and adds up.
    assert people.loc[~people["active"], "at_risk_90"].isna().all()
    own = people["lapse_probability_90"] * people["spend_if_ordering_90"]
    assert people["at_risk_90"].sum() == pytest.approx(own[people["active"]].sum())
    for kind in ("all", "activity", "segment", "tier"):
        some = made.groups[made.groups["kind"] == kind]
        assert some["at_risk_90"].sum() == pytest.approx(people["at_risk_90"].sum())
    scored = people.dropna(subset=["expected_spend_90"])
    assert (scored["expected_spend_365"] > scored["expected_spend_90"]).mean() > 0.9
    # The same season a year earlier, and not the days just before, sets the level.
    came = facts["forecast.earlier_away_90_active"]
    assert facts["forecast.away_90_active"] == pytest.approx(came, abs=0.03)


def test_too_few_customers_know_no_season(purchases: Purchases) -> None:
    small = some_of(purchases, purchases.customer < 60)
    found = find_season(FIRST, AS_OF, small.net_days)
    assert not coming.check_sample(the_shop(small), found).known


def test_intervals_are_the_same_for_the_same_seed_and_hold_the_forecast(
    purchases: Purchases,
) -> None:
    train, target = two_samples(purchases)
    every = np.ones((len(target.past), 1))
    one, other = (
        forecast_uncertain(spend.TWO_PART, train, target, 90, every, seed=3) for _ in range(2)
    )
    assert np.array_equal(one.spend, other.spend)
    point, low, high = one.spend[0]
    assert low < point < high
    assert (one.low <= one.forecast.expected).all()
    assert (one.high >= one.forecast.expected).all()


def test_the_baseline_has_intervals_too(purchases: Purchases) -> None:
    train, target = two_samples(purchases)
    every = np.ones((len(target.past), 1))
    for name in (spend.OWN_RATE, spend.REFERENCE):
        made = forecast_uncertain(name, train, target, 90, every, seed=3)
        point, low, high = made.spend[0]
        assert low < point < high

"""Test the forecasts of orders and spend, growth and next products on the gift shop.

The yardsticks are an independent recomputation of the same orders.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import faults
import numpy as np
import pandas as pd
import pytest
from conftest import reading
from forecasting import SEED, SMALLEST, forecast
from shoppers import AS_OF, FIRST, make_purchases

from analysis.forecast import next_products, spend
from analysis.forecast.coming import Coming
from analysis.forecast.season import find_season
from analysis.forecast.spend_evaluation import IN_FOLDS, IN_TIME, group_labels
from analysis.forecast.spend_features import spend_in
from analysis.forecast.spend_intervals import forecast_uncertain
from analysis.orders import growth
from analysis.orders.ledger import Ledger


@pytest.fixture(scope="module")
def ledger(two_years: Path) -> Iterator[Ledger]:
    with reading(sorted((two_years / "transactions").iterdir())) as found:
        yield found


@pytest.fixture(scope="module")
def made(ledger: Ledger) -> Coming:
    return forecast(ledger)


@pytest.mark.real
def test_the_level_of_lapse_is_that_of_the_same_season(made: Coming) -> None:
    facts = made.facts
    assert facts["forecast.season_known"] is True
    # The quarter before, 31% stayed away; the winter before, 61%.
    assert facts["forecast.away_90_active"] == pytest.approx(0.61, abs=0.02)
    assert facts["forecast.earlier_away_90_active"] == pytest.approx(0.607, abs=0.002)
    # Most of them had not left: they ordered again later in the year.
    assert facts["forecast.earlier_returned"] == pytest.approx(0.574, abs=0.005)
    assert facts["forecast.away_365_active"] < 0.35
    # Inactive customers are forecast, too.
    assert 0.02 < 1 - facts["forecast.away_90_inactive"] < 0.3


@pytest.mark.real
def test_spend_is_forecast_as_well_as_by_the_yardsticks(made: Coming) -> None:
    table = made.models
    assert table["tested"][table["days"] == 90].eq(IN_TIME).all()
    last = table[(table["days"] == 90) & (table["date"] == "2011-09-11")].set_index("model")
    chosen = last[last["chosen"]].iloc[0]
    baseline = last.loc[spend.OWN_RATE]
    assert len(last) == len(spend.CANDIDATES)
    assert int(chosen["customers"]) == 3364
    assert chosen["perfect_decile"] == pytest.approx(0.66, abs=0.01)
    error = (baseline["top_decile_high"] - baseline["top_decile_low"]) / 3.92
    assert chosen["top_decile"] >= baseline["top_decile"] - error
    assert chosen["spearman"] >= baseline["spearman"]
    assert chosen["spearman"] >= 0.52
    assert chosen["top_decile"] >= 0.55
    assert 0.8 <= chosen["ratio"] <= 1.25
    assert chosen["segment_misplaced"] <= 0.05
    assert chosen["brier"] < chosen["brier_constant"]
    assert last["top_decile"][spend.SEGMENT_MEAN] < 0.45
    year = table[table["days"] == 365]
    assert year["tested"].eq(IN_FOLDS).all()
    best = year[year["chosen"]].iloc[0]
    assert best["spearman"] >= 0.62
    assert best["top_decile"] >= 0.60
    assert best["ratio"] == pytest.approx(1, abs=0.05)


@pytest.mark.real
def test_expected_revenue_and_revenue_at_risk(made: Coming) -> None:
    facts = made.facts
    assert facts["forecast.expected_90"] == pytest.approx(1.18e6, rel=0.05)
    assert facts["forecast.expected_90_low"] == pytest.approx(1.07e6, rel=0.08)
    assert facts["forecast.expected_90_high"] == pytest.approx(1.29e6, rel=0.08)
    assert facts["forecast.expected_365"] == pytest.approx(6.57e6, rel=0.05)
    assert facts["forecast.at_risk_90"] == pytest.approx(0.80e6, rel=0.1)
    assert facts["forecast.last_90"] == pytest.approx(3.16e6, rel=0.01)
    tiers = made.groups[made.groups["kind"] == "tier"]
    assert tiers["expected_90"].sum() == pytest.approx(facts["forecast.expected_90"])
    assert tiers["away_90"].is_monotonic_increasing


@pytest.mark.real
def test_the_calibration_of_lapse_by_segment(made: Coming) -> None:
    table = made.calibration
    some = table[(table["days"] == 90) & (table["kind"] == "segment")]
    inside = some["away_predicted"].between(some["away_low"], some["away_high"])
    # Of twenty intervals of 95%, four may be missed when the model is learnt, too.
    assert inside.mean() >= 0.8
    whole = table[(table["days"] == 90) & (table["kind"] == "all")]
    assert (whole["away_predicted"] - whole["away"]).abs().max() < 0.02


@pytest.mark.real
def test_one_year_of_orders_states_no_level(gift_shop: Path) -> None:
    with reading(sorted((gift_shop / "transactions").iterdir())) as found:
        made = forecast(found)
        compared = growth.find_comparisons(found.first_day, found.as_of)
    assert made.facts["forecast.season_known"] is False
    assert not [name for name in made.facts if "expected" in name or "at_risk" in name]
    assert made.customers.filter(like="expected_spend").isna().all(axis=None)
    assert made.groups.filter(regex="expected|at_risk|away").isna().all(axis=None)
    assert made.facts["forecast.riskiest_customers"] == 575
    assert [one.name for one in compared] == [growth.ON_PREVIOUS]
    # BG/NBD found no drop-out: it cannot explain silence by customers who left.
    assert made.facts["forecast.dropout_found"] is False


@pytest.mark.real
def test_growth_against_the_year_before(ledger: Ledger) -> None:
    orders = growth.read_orders(ledger)
    orders = orders.assign(new=growth.mark_new(orders))
    tables = [
        growth.compare_revenue(orders, comparison, ledger.first_day, SEED, SMALLEST)
        for comparison in growth.find_comparisons(ledger.first_day, ledger.as_of)
    ]
    change = pd.concat([pair[0] for pair in tables])
    facts = growth.growth_facts(change)
    assert facts["growth.revenue_yoy"] == pytest.approx(0.038, abs=0.001)
    assert facts["growth.revenue_yoy_low"] < 0 < facts["growth.revenue_yoy_high"]
    # Against the three months before, which is the season: what the report used to call growth.
    assert facts["growth.revenue_previous"] == pytest.approx(0.63, abs=0.01)
    row = change[
        (change["comparison"] == growth.QUARTER_ON_YEAR) & (change["part"] == growth.KNOWN)
    ].iloc[0]
    assert row["orders_after"] / row["orders_before"] - 1 == pytest.approx(-0.006, abs=0.001)
    assert row["customers_after"] / row["customers_before"] - 1 == pytest.approx(-0.009, abs=0.001)
    for one, tree in tables:
        whole = one[one["part"] == growth.ALL].iloc[0]
        added = whole["revenue_after"] - whole["revenue_before"]
        assert tree["contribution"].sum() == pytest.approx(added, abs=0.01)


@pytest.mark.real
def test_next_products_are_found_better_than_by_popularity(gift_shop: Path) -> None:
    date = dt.date(2011, 9, 11)
    with reading(sorted((gift_shop / "transactions").iterdir())) as found:
        baskets = next_products.collect_baskets(found, date, SMALLEST)
        bought = next_products.bought_after(found, date, 90)
    table = next_products.compare_lists(baskets, bought, date, 90, SEED)
    some = table[(table["length"] == 10) & (table["list"] == next_products.CROSS_SELL)]
    some = some.set_index("model")
    assert some["precision"][next_products.RIDGE] == pytest.approx(0.10, abs=0.01)
    assert some["hit_rate"][next_products.RIDGE] == pytest.approx(0.50, abs=0.03)
    assert some["precision"][next_products.CO_PURCHASE] == pytest.approx(0.085, abs=0.01)
    assert some["precision"][next_products.POPULARITY] == pytest.approx(0.055, abs=0.01)
    assert some["precision"][next_products.RANDOM] < 0.02
    reorder = table[(table["length"] == 5) & (table["list"] == next_products.REORDER)]
    own = reorder[reorder["chosen"]].iloc[0]
    assert own["hit_rate"] == pytest.approx(0.76, abs=0.03)
    assert own["precision"] == pytest.approx(0.39, abs=0.03)


@pytest.mark.drill
def test_intervals_hold_what_comes_in_95_of_100_shops() -> None:
    """Many shops, each in balance: the total that came, and that of the accounts in each tier."""
    days = 90
    inside: dict[str, list[bool]] = {}
    for seed in range(faults.SHOPS):
        purchases = make_purchases(seed, end=AS_OF + dt.timedelta(days=days))
        season = find_season(FIRST, AS_OF, purchases.net_days)
        assert season.known
        train = spend.take_sample(purchases, season.earlier, season.look_back, days)
        target = spend.take_sample(purchases, AS_OF, season.look_back, 0)
        labels = group_labels(target)
        names = [("all", "all"), *(("tier", name) for name in sorted(set(labels["tier"])))]
        groups = np.stack([(labels[kind] == name).astype(float) for kind, name in names], axis=1)
        made = forecast_uncertain(spend.TWO_PART, train, target, days, groups, seed)
        came = spend_in(purchases, AS_OF, days, target.past.index) @ groups
        for (_, name), value, (_, low, high) in zip(names, came, made.spend, strict=True):
            inside.setdefault(str(name), []).append(bool(low <= value <= high))
    coverage = {name: float(np.mean(hits)) for name, hits in inside.items()}
    assert 0.91 <= coverage["all"] <= 0.98
    # Of the twenty largest accounts, one order may be most of it.
    assert min(coverage.values()) >= 0.88

"""Test that campaigns are measured as they were drawn, with intervals that hold the truth."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.strategy import campaigns, figures_campaigns, layouts_campaigns
from analysis.strategy.names import ALL_CAMPAIGNS, BROKEN, CONTACTED, CONTROL

AS_OF = dt.date(2026, 7, 1)


def an_arm(campaign: str, group: str, customers: int, share: float) -> pd.DataFrame:
    """Return the outcomes of a group of which a share ordered."""
    ordered = np.arange(customers) < round(customers * share)
    return pd.DataFrame(
        {
            "campaign": campaign,
            "group": group,
            "ordered": ordered.astype(int),
            "orders": ordered.astype(int),
            "net_revenue": 10.0 * ordered,
            "margin": 4.0 * ordered,
            "before": 0.0,
            "days": 90,
            "sent_on": "2026-01-05",
            "half": "",
            "segment": "",
            "cost_per_contact": 0.0,
        }
    )


def two_arms(campaign: str, treated: int, share: float, control: int, base: float) -> pd.DataFrame:
    return pd.concat(
        [an_arm(campaign, CONTACTED, treated, share), an_arm(campaign, CONTROL, control, base)],
        ignore_index=True,
    )


def ordered(found: pd.DataFrame) -> dict[str, Any]:
    """Return the rows of who ordered, by campaign."""
    rows: Any = found[found["outcome"] == "ordered"].set_index("campaign").to_dict("index")
    return rows


def draw(found: pd.DataFrame) -> Any:
    """Return the figure of effects."""
    return figures_campaigns.campaign_effects(found, "£")


def test_hillstroms_experiment_comes_out_as_published() -> None:
    """Hillstrom's e-mail experiment (2008), rebuilt from its counts: visits within two weeks."""
    people = pd.concat(
        [
            two_arms("men's e-mail", 21_307, 0.1828, 21_306, 0.1062),
            two_arms("women's e-mail", 21_387, 0.1514, 21_306, 0.1062),
        ],
        ignore_index=True,
    )
    share = pd.Series({"men's e-mail": 0.5, "women's e-mail": 0.5})
    found = ordered(campaigns.measure_campaigns(people, share, 10))
    men, women = found["men's e-mail"], found["women's e-mail"]
    assert men["uplift"] == pytest.approx(0.0766, abs=5e-5)
    assert women["uplift"] == pytest.approx(0.0452, abs=5e-5)
    # The textbook's interval of a difference of two shares.
    error = np.sqrt(0.1828 * 0.8172 / 21_307 + 0.1062 * 0.8938 / 21_306)
    assert men["high"] - men["low"] == pytest.approx(2 * 1.96 * error, rel=0.01)
    assert men["srm_p"] > 0.05 and women["srm_p"] > 0.05
    assert women["uplift"] < found[ALL_CAMPAIGNS]["uplift"] < men["uplift"]


def test_groups_of_another_size_than_planned_are_noticed_and_not_pooled() -> None:
    people = pd.concat(
        [two_arms("sound", 800, 0.3, 200, 0.2), two_arms("broken", 700, 0.5, 300, 0.2)],
        ignore_index=True,
    )
    found = campaigns.measure_campaigns(people, pd.Series({"sound": 0.2, "broken": 0.2}), 10)
    table = ordered(found)
    assert table["broken"]["srm_p"] < BROKEN < table["sound"]["srm_p"]
    assert ALL_CAMPAIGNS not in table
    figure: Any = draw(found)
    assert "broken" in figure.more["said-broken"] and "broken" not in figure.headline
    assert "said-works" in figure.more and "broken" not in figure.more["said-works"]


@pytest.mark.parametrize(
    ("treated", "control", "days"), [(300, 9, 90), (9, 300, 90), (300, 300, 13)]
)
def test_small_groups_and_short_times_are_not_measured(
    treated: int, control: int, days: int
) -> None:
    people = two_arms("a", treated, 0.3, control, 0.2).assign(days=days)
    assert campaigns.measure_campaigns(people, pd.Series({"a": 0.5}), 10).empty


def test_customers_who_are_all_alike_have_no_effect_and_give_no_warning() -> None:
    people = two_arms("a", 100, 0.0, 100, 0.0)
    row = ordered(campaigns.measure_campaigns(people, pd.Series({"a": 0.5}), 10))["a"]
    assert [row[name] for name in ("uplift", "low", "high", "p")] == [0.0, 0.0, 0.0, 1.0]


def test_outcomes_are_those_of_the_days_after_and_costs_fall_on_the_contacted() -> None:
    assigned = pd.DataFrame(
        {
            "customer_id": ["1", "2", "3"],
            "campaign": "a",
            "group": [CONTACTED, CONTROL, CONTACTED],
            "sent_on": pd.to_datetime(["2026-06-01"] * 3),
            "cost_per_contact": 1.0,
            "cost_per_order": 2.0,
        }
    )
    sales = pd.DataFrame(
        [
            ("1", "A", "2026-05-31", 50.0),
            ("1", "B", "2026-06-01", 10.0),
            ("1", "C", "2026-06-30", 20.0),
            ("2", "D", "2026-06-10", 40.0),
            ("9", "E", "2026-06-10", 70.0),
            ("2", "F", "2024-06-10", 70.0),
        ],
        columns=["customer_id", "order_id", "day", "amount"],
    )
    found = campaigns.collect_outcomes(assigned, sales, AS_OF, margin=0.5)
    assert found["days"].tolist() == [30, 30, 30]
    assert found["orders"].tolist() == [2, 1, 0] and found["ordered"].tolist() == [1, 1, 0]
    assert found["net_revenue"].tolist() == [30.0, 40.0, 0.0]
    assert found["before"].tolist() == [50.0, 0.0, 0.0]
    assert found["margin"].tolist() == [15.0 - 1 - 2 * 2, 20.0, -1.0]


def test_a_measurement_moves_what_was_assumed_by_its_precision() -> None:
    none = pd.DataFrame({"uplift": [], "low": [], "high": []})
    assert campaigns.update_range(0.0, 0.02, 0.04, none) == pytest.approx((0.0, 0.02, 0.04))
    sure = pd.DataFrame({"uplift": [-0.01], "low": [-0.011], "high": [-0.009]})
    low, likely, high = campaigns.update_range(0.0, 0.02, 0.04, sure)
    assert low < likely < high < 0
    vague = pd.DataFrame({"uplift": [-0.5], "low": [-9.0], "high": [8.0]})
    assert campaigns.update_range(0.0, 0.02, 0.04, vague)[1] == pytest.approx(0.02, abs=1e-3)


def test_what_is_said_follows_the_numbers() -> None:
    people = pd.concat(
        [
            two_arms("mail", 800, 0.30, 800, 0.20),
            two_arms("calls", 800, 0.10, 800, 0.20),
            two_arms("nothing", 800, 0.20, 800, 0.20).assign(days=40, cost_per_contact=np.nan),
        ],
        ignore_index=True,
    )
    found = campaigns.measure_campaigns(
        people, pd.Series(0.5, index=["mail", "calls", "nothing"]), 10
    )
    figure: Any = draw(found)
    assert figure.headline == (
        "Mail raised the share of customers who order by 10 points; calls lowered it by 10 points"
    )
    assert figure.more["said-harm"].endswith("Stop it.") and "calls" in figure.more["said-harm"]
    assert "mail" in figure.more["said-works"] and "nothing" in figure.more["said-short"]
    assert "nothing" in figure.more["said-free"]
    table: Any = layouts_campaigns.campaign_results(found, "£")
    assert "−10 (−13" in table.table.as_raw_html() and "All campaigns" in table.table.as_raw_html()
    alone = found[found["campaign"] == "nothing"]
    assert "no clear effect" in draw(alone).headline

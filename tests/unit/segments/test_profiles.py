"""Test the segment profiles: they match the ledger, hide small groups, survive odd data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Row, a_line, reading, write_lines
from profiled import NAMES, RULES, SEED, Shop, shop_of

from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.segments import (
    cards,
    figures_profiles,
    products,
    profiles,
    rfm,
    text_profiles,
    thresholds,
)

EMPTY = pd.DataFrame()


@pytest.fixture
def small_shop(tmp_path: Path) -> Callable[[Sequence[Row]], Iterator[Shop]]:
    def make(rows: Sequence[Row]) -> Iterator[Shop]:
        path = tmp_path / "transactions" / "a.csv"
        write_lines(path, rows)
        with reading([path]) as ledger:
            yield shop_of(ledger)

    return make


# ------------------------------------------------------------------------- what


def bought(customer: int, product: int, day: int = 1) -> Row:
    return a_line(
        InvoiceNo=str(customer * 100 + day),
        StockCode=str(10_000 + product),
        Description=f"PRODUCT {product}",
        CustomerID=str(customer),
        InvoiceDate=f"2011-01-{day:02d} 10:00:00",
    )


def test_top_products_are_those_of_net_revenue_that_enough_customers_bought(
    small_shop: Callable[[Sequence[Row]], Iterator[Shop]],
) -> None:
    # Product 1 is bought by all, 2 by half of "a", 3 by four of "a" for much money, 4 by "b" alone.
    rows = []
    for customer in range(1, 41):
        rows.append(bought(customer, 1))
        if customer % 2 and customer <= 20:
            rows.append({**bought(customer, 2, 2), "UnitPrice": "50"})
        if customer <= 4:
            rows.append({**bought(customer, 3, 3), "UnitPrice": "5000"})
        if customer > 20:
            rows.append({**bought(customer, 4, 4), "UnitPrice": "1"})
    for shop in small_shop(rows):
        people = shop.details.assign(
            segment=np.where(shop.details["customer_id"].astype(int) > 20, "b", "a")
        )
        found = products.segment_products(shop.ledger, people, ["b", "a"], minimum_group=5)
        assert found[["segment", "place", "description", "customers"]].to_numpy().tolist() == [
            ["b", 1, "PRODUCT 1", 20],
            ["b", 2, "PRODUCT 4", 20],
            ["a", 1, "PRODUCT 2", 10],
            ["a", 2, "PRODUCT 1", 20],
        ]
        assert found["revenue"].tolist() == [306.0, 120.0, 3000.0, 306.0]
        total = 306 + 3000 + 4 * 6 * 5000
        assert found["share"].iloc[2] == pytest.approx(3000 / total)
        nobody = products.segment_products(shop.ledger, people, ["a", "b"], minimum_group=21)
        assert nobody.empty and list(nobody) == list(found)


# ------------------------------------------------------------------------- thresholds


def test_thresholds_that_nobody_can_reach_say_so() -> None:
    most_once = pd.DataFrame(
        {
            "recency_days": [1, 2, 3, 4, 5],
            "frequency": [1, 1, 1, 1, 2],
            "monetary": [1.0, 2, 3, 4, 5],
        }
    )
    table = thresholds.thresholds(RULES, rfm.cut_points(most_once), "£").set_index("segment")
    assert not table.loc["Need attention", "possible"]
    assert table.loc["Need attention", "frequency"] == "no customer"
    assert table.loc["Latest light buyers", "frequency"] == "1 order"
    assert table.loc["Latest light buyers", "recency"] == "at most 1 day"


def test_where_all_customers_are_equal_the_thresholds_name_their_value() -> None:
    equal = pd.DataFrame({"recency_days": [1] * 3, "frequency": [1] * 3, "monetary": [250.0] * 3})
    table = thresholds.thresholds(RULES, rfm.cut_points(equal), "£").set_index("segment")
    row = table.loc["Need attention"]
    assert row["possible"]
    assert list(row[["recency", "frequency"]]) == ["1 day", "1 order"]
    assert not table.loc["Least active", "possible"]
    assert list(table.loc["Least active", ["recency", "frequency"]]) == [
        "at least 2 days",
        "no customer",
    ]


# ------------------------------------------------------------------------- sentences


def test_without_the_columns_a_profile_says_what_is_missing(
    small_shop: Callable[[Sequence[Row]], Iterator[Shop]],
) -> None:
    rows = [
        {
            "CustomerID": str(100 + i % 12),
            "InvoiceDate": f"2011-01-{1 + i % 25:02d}",
            "Amount": str(5 + i),
        }
        for i in range(60)
    ]
    for shop in small_shop(rows):
        shown = shop.profiles[shop.profiles["shown"]]
        missing = [n for n in shown if re.match("cancel|abroad_share", str(n))]
        assert shown[missing].isna().all(axis=None)
        assert shown[["basket_median", "second_days_median"]].notna().any(axis=None)
        product = products.segment_products(shop.ledger, shop.details, NAMES, minimum_group=1)
        assert product.empty
        overall = shop.overall.to_frame().T.infer_objects()
        figure = figures_profiles.segment_traits(shown, overall, "£", False, False)
        assert isinstance(figure, Figure) and figure.data is not None
        assert not {"abroad_share", "cancelled_invoices_per_order"} & set(figure.data)
        draw(figure.plot)


def test_one_customer_with_one_order(
    small_shop: Callable[[Sequence[Row]], Iterator[Shop]],
) -> None:
    for shop in small_shop([a_line(Description="<b>$x$</b>")]):
        table = profiles.segment_profiles(
            shop.ledger, shop.details, NAMES, seed=SEED, minimum_group=1
        )
        assert table["customers"].sum() == 1
        assert table["revenue_share"].sum() == 1
        product = products.segment_products(shop.ledger, shop.details, NAMES, minimum_group=1)
        assert product["description"].tolist() == ["<b>$x$</b>"]
        figure = figures_profiles.segment_size_and_value(table)
        assert isinstance(figure, Figure)
        assert figure.headline.endswith("100% of customers, bring 100% of net revenue")
        overall = shop.overall.to_frame().T.infer_objects()
        assert figures_profiles.second_order(table, overall) == (
            "No customer has placed a second order yet."
        )
        hidden = shop.profiles
        assert not hidden["shown"].any()
        for none in (
            figures_profiles.segment_size_and_value(hidden),
            figures_profiles.segment_traits(hidden, overall, "£", True, True),
        ):
            assert none == "No segment has enough customers to be described."
        assert (
            cards.segment_cards(hidden, product, EMPTY, EMPTY, None, None, EMPTY, EMPTY, "£") == []
        )


# ------------------------------------------------------------------------- figures and cards


def profile(
    segment: str, customers: int, revenue_share: float, **more: object
) -> dict[str, object]:
    """Return a row of the profiles."""
    share = customers / 100
    return {
        "segment": segment,
        "customers": customers,
        "shown": customers >= 5,
        "share": share,
        "share_low": share - 0.01,
        "share_high": share + 0.01,
        "revenue": 1000 * revenue_share,
        "revenue_share": revenue_share,
        "revenue_share_low": revenue_share - 0.01,
        "revenue_share_high": revenue_share + 0.01,
        "spend_median": 250.0,
        "basket_median": 20.0,
        "recency_median": 7.0,
        "frequency_median": 2.0,
        "cancelled_invoices_per_order": 0.1,
        "abroad_share": 0.2,
        "second_order_share": 0.5,
        "second_days_q1": 10.0,
        "second_days_median": 20.0,
        "second_days_q3": 40.0,
        **more,
    }


def table_of(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def figure_of(given: Figure | str) -> Figure:
    assert isinstance(given, Figure), given
    draw(given.plot)
    return given


def test_the_largest_segment_is_named_where_another_brings_most() -> None:
    both = table_of(profile("a", 20, 0.7), profile("b", 80, 0.3))
    told = figure_of(figures_profiles.segment_size_and_value(both))
    assert told.headline == (
        "a, 20% of customers, bring 70% of net revenue; b, 80% of customers, bring 30%"
    )
    assert "a reaches furthest to the right, from 20% of customers to 70%" in told.alt
    one = table_of(profile("a", 80, 0.7), profile("b", 20, 0.3))
    told = figure_of(figures_profiles.segment_size_and_value(one))
    assert told.headline == "a, 80% of customers, bring 70% of net revenue"


def test_orders_are_compared_only_where_they_differ() -> None:
    overall = table_of(profile("All customers", 100, 1.0))
    both = table_of(profile("a", 20, 0.7), profile("b", 80, 0.3, basket_median=30.0))
    told = figure_of(figures_profiles.segment_traits(both, overall, "£", True, True))
    assert told.headline == "The median order is worth £30 among b, and £20 among a"
    same = figures_profiles.segment_traits(
        both.assign(basket_median=20.0), overall, "£", True, False
    )
    assert isinstance(same, Figure) and same.headline == (
        "The median order is worth £20 in every segment shown"
    )
    second = figure_of(figures_profiles.second_order(both, overall))
    assert second.headline == (
        "50% of customers have ordered at least twice, half of them within 20 days of the first "
        "order"
    )


def test_segments_that_are_not_described_are_named() -> None:
    settings = SimpleNamespace(report=SimpleNamespace(smallest_group=5))

    def told(*sizes: int) -> dict[str, str]:
        rows = [profile(name, size, 0.1) for name, size in zip("abcd", sizes, strict=False)]
        return text_profiles.small_segments(table_of(*rows), settings)

    assert told(5, 6) == {}
    assert told(0, 6, 0) == {"said-empty": "No customers are in a or c now."}
    assert told(6, 3) == {"said-small": "b has fewer than 5 customers, too few to be described."}
    assert told(3, 3, 0)["said-small"] == (
        "a and b have fewer than 5 customers each, too few to be described."
    )


ACTION = {
    "half": "ledger",
    "segment": "a",
    "revenue_share": 0.7,
    "action": "Call each one.",
    "offer": "Early access",
    "owner": "Sales",
    "timing": "This month",
    "listed": 20,
    "rank": 1,
    "expected_profit": 1321.0,
    "low": 1010.0,
    "high": 2345.0,
    "cost": 60.0,
    "break_even_uplift": 0.0123,
    "verdict": "pays if assumptions hold",
    "reason": "",
}


def card_of(
    before: int = 10,
    quarters: slice = slice(None),
    coming: pd.DataFrame | None = None,
    following: pd.DataFrame | None = None,
    retention: pd.DataFrame | None = None,
    **changes: object,
) -> tuple[str, dict[str, str]]:
    """Return the badge and the lines of the card of a segment whose action differs."""
    sizes = pd.DataFrame(
        {
            "date": pd.to_datetime(["2011-10-01", "2011-12-10"]),
            "quarter_end": pd.to_datetime(["2011-09-30", "2011-12-09"]),
            "segment": "a",
            "customers": [before, 20],
        }
    )
    kept = pd.DataFrame(
        {
            "date": pd.to_datetime(["2011-04-01", "2011-07-01"]),
            "segment": "a",
            "share": [0.5, 0.4],
        }
    )
    if retention is not None:
        kept = retention
    bought = pd.DataFrame(
        {"segment": ["a", "a"], "description": ["MUG", "CUP"], "revenue": [900.0, 80.5]}
    )
    traits = pd.DataFrame({"half": ["ledger"], "segment": ["a"], "sentence": ["They buy mugs."]})
    (card,) = cards.segment_cards(
        table_of(profile("a", 20, 0.7), profile("b", 4, 0.3)),
        bought,
        sizes,
        kept.iloc[quarters],
        coming,
        following,
        pd.DataFrame([{**ACTION, **changes}]),
        traits,
        "£",
    )
    assert card.title == "a"
    return card.badge, dict(card.lines)


def test_a_card_states_when_an_action_pays_where_it_cannot_state_a_gain() -> None:
    hidden: dict[str, Any] = {"rank": pd.NA, "expected_profit": np.nan}
    hidden |= {"low": np.nan, "high": np.nan}
    _, lines = card_of(**hidden, uplift=0.02, reason="the season is not known")
    assert lines["Break-even"].startswith("It pays if at least 1.2 percentage points more")
    assert lines["Next step"].endswith("This month.") and "Expected gain" not in lines
    _, lines = card_of(**hidden, uplift=0.02, listed=0, reason="the season is not known")
    assert lines["Action"] == "None for now. At the assumed costs, the planned action does not pay."
    assert "Offer" not in lines


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        (["reorder", "new to the customer"], "Buy again: MUG. New to some of them: CUP."),
        (["reorder", "reorder"], "Buy again: MUG and CUP."),
        (["new to the customer"] * 2, "New to some of them: MUG and CUP."),
    ],
)
def test_a_card_names_the_next_products_of_its_segment(kinds: list[str], says: str) -> None:
    table = pd.DataFrame(
        {"segment": "a", "list": kinds, "place": [1, 1], "description": ["MUG", "CUP"]}
    )
    assert card_of(following=table)[1]["Next products"] == says
    assert "Next products" not in card_of(following=table.assign(segment="b"))[1]


def test_a_card_says_what_a_segment_is_and_what_to_do() -> None:
    badge, lines = card_of()
    assert badge == "pays if assumptions hold"
    assert lines == {
        "Size": "20 customers, 20.0% of all.",
        "Money": "£700 of net revenue, 70.0% of the total. Half of these customers spent £250 or "
        "more.",
        "Trend": "Up 100% since 30 September 2011, from 10.",
        "Repeat orders": "40% of those in the segment at the start of Q3 2011 ordered in that "
        "quarter, against 50% in Q2 2011.",
        "Top products": "MUG (£900) and CUP (£80.50).",
        "Profile": "They buy mugs.",
        "Action": "Call each one.",
        "Offer": "Early access.",
        "Expected gain": "£1,300 a quarter after a cost of £60; £1,000 to £2,300 across the "
        "range we assumed.",
        "Next step": "Sales: contact the 20 customers on the list. This month.",
    }


def test_a_card_compares_with_the_same_quarter_of_the_year_before() -> None:
    days = pd.to_datetime(["2010-07-01", "2011-04-01", "2011-07-01"])
    retention = pd.DataFrame({"date": days, "segment": "a", "share": [0.6, 0.5, 0.4]})
    assert card_of(retention=retention)[1]["Repeat orders"] == (
        "40% of those in the segment at the start of Q3 2011 ordered in that quarter, against 60% "
        "in Q3 2010."
    )


def test_a_card_recommends_nothing_that_loses_money() -> None:
    badge, lines = card_of(
        expected_profit=-230.0, listed=0, verdict="does not pay", break_even_uplift=0.05
    )
    assert badge == "does not pay"
    assert lines["Action"] == (
        "None for now. At the assumed costs, the planned action would lose £230 a quarter."
    )
    assert lines["Next step"].endswith("until a test shows an uplift above 5 percentage points.")
    assert not {"Offer", "Expected gain"} & {*lines}
    _, lines = card_of(expected_profit=-230.0, listed=0, break_even_uplift=np.nan)
    assert lines["Next step"].endswith("no uplift would cover the cost of a contact.")
    nothing: dict[str, Any] = {"rank": pd.NA, "expected_profit": np.nan}
    nothing["break_even_uplift"] = np.nan
    _, lines = card_of(**nothing, listed=0, reason="there is no past quarter")
    assert lines["Action"] == ("Call each one. Its gain is not known: there is no past quarter.")
    assert "Next step" not in lines


@pytest.mark.parametrize(
    ("before", "trend"),
    [
        (25, "Down 20% since 30 September 2011, from 25."),
        (20, "As large as on 30 September 2011."),
        (0, "There was no customer in this segment on 30 September 2011."),
    ],
)
def test_a_card_says_how_a_segment_has_grown(before: int, trend: str) -> None:
    _, lines = card_of(before=before, quarters=slice(1, None))
    assert lines["Trend"] == trend
    assert lines["Repeat orders"].endswith("ordered in that quarter.")
    assert "Repeat orders" not in card_of(quarters=slice(0, 0))[1]


def test_a_card_says_what_is_at_risk_where_the_season_is_known() -> None:
    row = {
        "kind": "segment",
        "group": "a",
        "at_risk_90": 1234.0,
        "expected_90": 5678.0,
        "riskiest": 7,
        "riskiest_revenue": 150.0,
    }
    known = card_of(coming=pd.DataFrame([row]))[1]["At risk"]
    assert known == "£1,200 of net revenue is at risk in the next 90 days; we expect £5,700."
    quiet = card_of(coming=pd.DataFrame([{**row, "at_risk_90": np.nan}]))[1]["At risk"]
    assert quiet.endswith("we expect £5,700 in the next 90 days.") and "1,200" not in quiet
    unknown = {**row, "at_risk_90": np.nan, "expected_90": np.nan}
    assert card_of(coming=pd.DataFrame([unknown]))[1]["At risk"] == (
        "7 customers are in the riskiest fifth of the shop’s active customers; they brought £150 "
        "in the last 12 months."
    )
    few = {**unknown, "riskiest_revenue": np.nan}
    assert "At risk" not in card_of(coming=pd.DataFrame([few]))[1]
    assert "At risk" not in card_of(coming=pd.DataFrame([{**row, "group": "b"}]))[1]


@pytest.mark.parametrize(
    ("now", "trend"),
    [
        (30.0, "Revenue was ₽300 this month, up 50% on two months ago."),
        (20.0, "Revenue was ₽200 this month, the same as two months ago."),
        (10.0, "Revenue was ₽100 this month, down 50% on two months ago."),
    ],
)
def test_a_card_of_regular_customers_has_no_currency_for_profit(now: float, trend: str) -> None:
    people = pd.DataFrame(
        {
            "risk_group": ["high risk, high profit"] * 10,
            "favourite_category": ["Home"] * 6 + ["Kids"] * 4,
            "revenue_two_months_ago": 20.0,
            "revenue_this_month": now,
        }
    )
    groups = pd.DataFrame(
        {
            "group": ["high risk, high profit", "low risk, low profit"],
            "customers": [10, 2],
            "share": [0.8, 0.2],
            "shown": [True, False],
            "profit_share": [0.9, np.nan],
            "predicted": [0.6, np.nan],
            "declined": [0.5, np.nan],
        }
    )
    action = {**ACTION, "half": "activity", "segment": "high risk, high profit", "cost": 0.0364}
    (card,) = cards.risk_group_cards(
        groups,
        people,
        pd.DataFrame([action]),
        EMPTY,
        "₽",
        SimpleNamespace(report=SimpleNamespace(smallest_group=5)),
    )
    lines = dict(card.lines)
    assert card.title == "High risk, high profit"
    assert lines["Trend"] == trend
    assert lines["Money"] == "90.0% of the profit and 70.0% of the revenue."
    assert lines["Risk"] == "The model expects 60% to buy less; 50% did so in the data."
    assert lines["Favourite categories"] == "Home (60%)."
    assert lines["Expected gain"].startswith("1,300 a quarter after a cost of 0.036; 1,000 to")


def test_regular_customers_at_high_risk_are_counted() -> None:
    groups = pd.DataFrame(
        {
            "group": [
                "high risk, high profit",
                "low risk, high profit",
                "high risk, low profit",
                "low risk, low profit",
            ],
            "customers": [20, 30, 10, 40],
            "shown": True,
            "profit_share": [0.3, 0.4, 0.1, 0.2],
            "predicted": [0.8, 0.1, 0.7, 0.1],
            "declined": [0.75, 0.1, 0.7, 0.1],
            "consenting": [12.0, 20.0, 8.0, 30.0],
        }
    )
    assert text_profiles.risk_group_totals(groups) == {
        "said-risk": "30 regular customers (30%) are at high risk of buying less; they bring 40% "
        "of the profit.",
        "said-target": "20 customers combine high risk with high profit; the model expects 80% of "
        "them to buy less, and 75% did.",
        "said-consent": "Of the 30 customers at high risk, 20 have agreed to be contacted.",
    }
    unknown = text_profiles.risk_group_totals(groups.assign(consenting=np.nan))
    assert "said-consent" not in unknown
    assert text_profiles.risk_group_totals(groups.assign(shown=False)) == {}
    assert text_profiles.risk_group_totals(groups.assign(customers=[0, 50, 0, 50])) == {}

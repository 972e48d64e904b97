"""Test personal offers: each contacted customer has exactly one, and its reason is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.problems import Refused
from analysis.core.settings import read_settings
from analysis.forecast.names import GROUPS, TARGET
from analysis.strategy import layouts_offers, offers, offers_step
from analysis.strategy.names import CONTACTED, CONTROL, NO_DIFFERENCE, OPPOSITE, SEPARATES, TOO_FEW
from analysis.strategy.offers import Offer, read_offers

LAST = '[[offers]]\nname = "Last"\noffer = "News"\nreason = "No other"\n'
ONE = '[[offers]]\nname = "{name}"\n{more}\noffer = "{offer}"\nreason = "Because"\n'
NUMBERS = ("unpaid_items", "promo_share", "pages_per_visit", "categories_per_visit")
HOSTILE = "<b>Посуда</b> & {category} 'x'\n| =1+1"


def customers(size: int = 60, seed: int = 1) -> pd.DataFrame:
    """Return regular customers as the plan leaves them; those who buy less leave more unpaid."""
    random = np.random.default_rng(seed)
    decline = np.arange(size) % 2 == 0
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(size)],
            "decline": decline,
            "profit": random.uniform(1, 5, size).round(2),
            "unpaid_items": random.integers(0, 4, size) + 4.0 * decline,
            "promo_share": random.uniform(0, 1, size).round(2),
            "pages_per_visit": random.integers(1, 12, size) - 0.9 * decline,
            "categories_per_visit": random.integers(1, 6, size).astype(float),
            "service_errors": random.integers(0, 9, size).astype(float),
            "contacts_6_months": random.uniform(0, 8, size).round(1) * ~decline,
            "favourite_category": random.choice(["Посуда", "Toys", "Linen"], size),
            "risk_group": random.choice(GROUPS, size),
            "group": pd.Series([CONTACTED, CONTROL, None], dtype="str").sample(
                size, replace=True, random_state=seed, ignore_index=True
            ),
        }
    )


def a_rule(**changes: object) -> Offer:
    return Offer.model_validate({"name": "A", "offer": "An offer", "reason": "A reason"} | changes)


# ------------------------------------------------------------------------- one offer a customer


@given(
    st.integers(0, 40).flatmap(
        lambda size: st.tuples(st.just(size), st.integers(0, 1_000), st.permutations(range(size)))
    )
)
def test_each_contacted_customer_has_one_true_offer_whatever_the_order_of_the_rows(
    drawn: tuple[int, int, list[int]],
) -> None:
    size, seed, order = drawn
    people, rules = customers(size, seed), read_offers()
    found = offers.give_offers(people, rules)
    contacted = people["group"].eq(CONTACTED).fillna(False)
    assert found.notna().all(axis=1).equals(contacted)
    assert found.isna().all(axis=1).equals(~contacted)

    limits = offers.set_limits(people, rules)
    for index, own in found[contacted].iterrows():
        person = people.loc[[index]]
        true = [
            rule.name
            for rule in rules
            if (not rule.segments or person["risk_group"].iloc[0] in rule.segments)
            and offers.meets_condition(rule, person, limits).all()
        ]
        assert own["offer_rule"] == true[0], "the first rule that is true"

    shuffled = offers.give_offers(people.iloc[order], rules)
    pd.testing.assert_frame_equal(shuffled.reindex(people.index), found)


def test_a_reason_names_the_numbers_of_the_customer() -> None:
    people = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "unpaid_items": [7.0, 2.0, np.nan, 9.0],
            "promo_share": [0.9, 0.9, 0.304, 0.9],
            "favourite_category": ["Toys", "Toys", "Посуда", "Toys"],
            "risk_group": [TARGET, TARGET, TARGET, TARGET],
            "group": [CONTACTED, CONTACTED, CONTACTED, CONTROL],
        }
    )
    rules = [
        a_rule(name="Basket", column="unpaid_items", above=4, reason="{value} unpaid, not {limit}"),
        a_rule(
            name="Promotion",
            column="promo_share",
            above=0.301,
            offer="A set from {category}",
            reason="{value}, above {limit}",
        ),
        a_rule(name="Last"),
    ]
    found = offers.give_offers(people, rules)
    assert found["offer_reason"].dropna().to_list() == [
        "7 unpaid, not 4",
        "90%, above 30%",
        "30.4%, above 30.1%",
    ]
    assert found["offer"].to_list()[:3] == ["An offer", "A set from 'Toys'", "A set from 'Посуда'"]
    assert found.loc[3].isna().all(), "who is held out has no offer"


def test_quartiles_are_those_of_all_regular_customers() -> None:
    people = customers(8).assign(unpaid_items=[0.0, 1, 2, 3, 4, 5, 6, 7], group=CONTROL)
    people.loc[[6, 7], "group"] = CONTACTED
    rule = a_rule(column="unpaid_items", above="upper quartile")
    assert offers.set_limits(people, [rule]) == {"A": 5.25}
    given_offers = offers.give_offers(people, [rule, a_rule(name="Last")])
    assert given_offers["offer_rule"].dropna().to_list() == ["A", "A"]


def test_a_category_is_data_and_never_a_template() -> None:
    people = customers(4).assign(favourite_category=HOSTILE, group=CONTACTED)
    found = offers.give_offers(people, [a_rule(offer="From {category}", reason="{category}")])
    assert found["offer"].iloc[0] == "From '<b>Посуда</b> & {category} 'x' | =1+1'"


# ------------------------------------------------------------------------- tables


def test_counts_and_profit_add_up_to_the_contacted() -> None:
    people, rules = customers(200), read_offers()
    people = people.join(offers.give_offers(people, rules))
    found = offers.count_offers(people, rules)
    contacted = people[people["group"].eq(CONTACTED).fillna(False)]
    assert found["offer"].to_list() == [rule.name for rule in rules]
    assert found["customers"].sum() == len(contacted)
    assert found["profit"].sum() == pytest.approx(contacted["profit"].sum())
    assert found["share"].sum() == pytest.approx(1)


def test_conditions_say_whether_those_who_buy_less_meet_them_more_often() -> None:
    people = pd.DataFrame({"decline": [True] * 70 + [False] * 80})
    people["unpaid_items"] = [9.0] * 56 + [1.0] * 14 + [9.0] * 48 + [1.0] * 32
    people["service_errors"] = [1.0, 2.0] * 75
    people["contacts_6_months"] = [1.0] * 70 + [2.0] * 80
    people["pages_per_visit"] = [1.0] * 3 + [5.0] * 147
    rules = [
        a_rule(name="1", column="unpaid_items", above=4),
        a_rule(name="2", column="service_errors", above=1),
        a_rule(name="3", column="contacts_6_months", above=1),
        a_rule(name="4", column="pages_per_visit", below=2),
        a_rule(name="5", column="unpaid_items", above=4, segments=[TARGET]),
        a_rule(name="Last"),
    ]
    found = offers.check_conditions(people, rules, minimum_group=5)
    assert found["verdict"].to_list() == [SEPARATES, NO_DIFFERENCE, OPPOSITE, TOO_FEW]
    first = found.iloc[0]
    assert (first["declined_share"], first["same_share"]) == (0.8, 0.6)
    # Newcombe (1998), table II, example (a), method 10.
    assert [round(first[end], 4) for end in ("low", "high")] == [0.0524, 0.3339]
    assert found.iloc[3][["declined_share", "difference", "low"]].isna().all()


@given(st.integers(0, 1_000), st.integers(1, 12))
def test_no_row_is_about_few_customers_of_the_group_or_of_the_rest(
    seed: int, minimum_group: int
) -> None:
    people = customers(80, seed)
    found = offers.compare_categories(people, minimum_group)
    if found.empty:
        return
    target = people["risk_group"].eq(TARGET)
    assert found["customers"].sum() == target.sum()
    assert found["declined_share"].sum() == pytest.approx(1)
    assert found["same_share"].sum() == pytest.approx(1)
    others = (found["same_share"] * (~target).sum()).round()
    for sizes in (found["customers"], others):
        assert sizes[(sizes > 0) & (sizes < minimum_group)].empty


def test_without_a_model_nobody_has_an_offer() -> None:
    people = customers().drop(columns="group")
    tables, facts = offers_step.personal_offers(people, read_settings())
    assert (list(tables), facts) == (["activity"], {})


# ------------------------------------------------------------------------- what is set


def test_the_text_claims_risk_only_for_conditions_that_separate() -> None:
    rows = pd.DataFrame(
        {
            "column": ["unpaid_items", "service_errors", "promo_share"],
            "way": [1, 1, -1],
            "limit": [3.0, 6.0, 0.18],
            "declined_share": [0.5, 0.1, np.nan],
            "same_share": [0.2, 0.12, np.nan],
            "difference": [0.3, -0.02, np.nan],
            "low": [0.25, -0.05, np.nan],
            "high": [0.35, 0.01, np.nan],
            "p_adjusted": [0.0, 0.4, np.nan],
            "verdict": [SEPARATES, NO_DIFFERENCE, TOO_FEW],
        }
    )
    made = layouts_offers.offer_conditions(rows)
    assert made is not None and made.more is not None
    assert made.more == {
        "said-separates": "Customers who buy less meet one condition more often than the others: "
        "unpaid items in the basket above 3.",
        "said-unclear": "One condition shows no clear difference: service errors met above 6.",
        "said-few": "One condition is met or missed by too few customers to compare: share "
        "bought on promotion below 18%.",
    }


def test_the_profit_of_few_customers_cannot_be_found_by_subtraction() -> None:
    rows = pd.DataFrame(
        {
            "offer": ["One", "Two"],
            "segments": ["", TARGET],
            "column": ["unpaid_items", ""],
            "way": [1, 0],
            "limit": [3.0, np.nan],
            "customers": [20, 3],
            "share": [20 / 23, 3 / 23],
            "profit": [80.0, np.nan],
            "profit_share": [0.4, np.nan],
        }
    )
    made = layouts_offers.offer_counts(rows)
    assert made is not None and made.more is not None
    assert "said-profit" not in made.more
    assert made.more["said-most"] == (
        "The most frequent offer goes to 87% of the 23 contacted customers: one."
    )
    assert layouts_offers.offer_counts(rows.assign(customers=0)) is None


def test_names_from_the_data_are_escaped_in_the_table() -> None:
    people = customers(40).assign(favourite_category=HOSTILE)
    people.loc[::3, "favourite_category"] = "Toys"
    made = layouts_offers.target_categories(offers.compare_categories(people, 2))
    assert made is not None
    page = made.table.as_raw_html()
    assert "<b>Посуда" not in page and "&lt;b&gt;Посуда" in page


# ------------------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "offers: Field required"),
        ("offers = []", "at least 1 item"),
        ("[[offers]]\nname = 3", "offers.0.offer: Field required"),
        (LAST + LAST, "there are two offers 'Last'"),
        (LAST + LAST.replace("Last", "After"), "'Last' is for everybody, so that those after it"),
        (
            ONE.format(name="A", more='column = "unpaid_items"\nabove = 3', offer="B"),
            "the last offer, 'A', must be for everybody",
        ),
        (
            ONE.format(name="A", more='segments = ["rich"]', offer="B") + LAST,
            "'A' names the group 'rich', which is not known",
        ),
        (
            ONE.format(name="A", more='column = "age"\nabove = 3', offer="B") + LAST,
            "no column 'age'",
        ),
        (
            ONE.format(name="A", more='column = "unpaid_items"', offer="B") + LAST,
            "a condition has one limit: above, or below",
        ),
        (
            ONE.format(name="A", more='column = "unpaid_items"\nabove = 3\nbelow = 5', offer="B")
            + LAST,
            "a condition has one limit: above, or below",
        ),
        (
            ONE.format(name="A", more="above = 3", offer="B") + LAST,
            "needs the column that it is for",
        ),
        *(
            (
                ONE.format(name="A", more=f'column = "unpaid_items"\nabove = {limit}', offer="B")
                + LAST,
                "a limit is a number, or one of lower quartile, median and upper quartile",
            )
            for limit in ('"mean"', "nan", "true", "[3]")
        ),
        (LAST.replace("News", "{name}"), "there is no {name}"),
        (LAST.replace("News", "{value} items"), "without a condition there is no {value}"),
        (LAST.replace("News", "{category!r}"), "a name in braces stands alone"),
        (LAST.replace("News", "{category"), "a brace is not closed"),
        (LAST + 'channel = "Call"', "offers.0.channel: Extra inputs"),
        ("[[offers]", "Expected"),
    ],
)
def test_broken_offers_are_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "segments.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as caught:
        read_offers(path)
    assert reason in str(caught.value)
    assert "Correct the offers in data/segments.toml." in str(caught.value)


def test_the_offers_of_the_project_cover_what_the_case_asks_for() -> None:
    rules = read_offers()
    asked = {(rule.column, rule.way) for rule in rules}
    assert asked >= {
        ("unpaid_items", 1),
        ("promo_share", 1),
        ("promo_share", -1),
        ("pages_per_visit", -1),
        ("categories_per_visit", -1),
        ("service_errors", 1),
        ("contacts_6_months", 1),
        (None, 0),
    }
    assert any("{category}" in rule.offer for rule in rules)

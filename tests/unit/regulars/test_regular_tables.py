"""Test the tables, sentences and pictures of regular customers."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.core.formatting import shorten
from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.forecast.decline import ADDED
from analysis.regulars.contract import CUSTOMERS_SCHEMA
from analysis.regulars.figures import (
    decline_by_category,
    decline_differences,
    decline_distributions,
    overlapping_measures,
)
from analysis.regulars.names import FEATURE_NAMES, NUMERIC
from analysis.regulars.summaries import collinear_pairs, overlaps
from analysis.regulars.tables import (
    OTHER,
    association_matrix,
    categories,
    distributions,
    feature_distribution,
    feature_effects,
    pool_small,
)
from analysis.stats.effects import cliffs_delta, cramers_v

matplotlib.use("Agg")


def made_up(seed: int = 0, n: int = 400) -> pd.DataFrame:
    """Return customers of whom those who buy less see fewer pages, and favour "a" more often."""
    rng = np.random.default_rng(seed)
    decline = rng.random(n) < 0.4
    numbers = {name: rng.normal(50, 10, n) for name in NUMERIC}
    table = pd.DataFrame(
        {
            "customer_id": [f"id{i:05}" for i in range(n)],
            "decline": decline,
            "service_level": rng.choice(["standard", "premium"], n, p=[0.7, 0.3]),
            "consent": rng.random(n) < 0.7,
            "favourite_category": np.where(
                rng.random(n) < np.where(decline, 0.6, 0.2), "a", rng.choice(["b", "c"], n)
            ),
            **numbers,
        }
    ).astype({"service_level": "str", "favourite_category": "str"})
    table["pages_per_visit"] = rng.poisson(np.where(decline, 5, 10)).astype(float)
    table["promo_share"] = rng.integers(0, 100, n) / 100
    table["revenue_this_month"] = table["revenue_last_month"] * 1.1
    return table[list(CUSTOMERS_SCHEMA.columns)]


# --------------------------------------------------------------------------------------- effects


samples = st.lists(st.integers(0, 6), min_size=2, max_size=25)


@given(samples, samples)
@settings(max_examples=60, deadline=None)
def test_delta_is_the_difference_of_two_probabilities(one: list[int], other: list[int]) -> None:
    delta, low, high = cliffs_delta(one, other)
    expected = np.sign(np.subtract.outer(one, other)).mean()
    assert delta == pytest.approx(expected)
    assert -1 - 1e-12 <= low <= delta + 1e-12 <= high + 2e-12 <= 1 + 1e-9
    mirrored = cliffs_delta(other, one)
    assert mirrored == pytest.approx((-delta, -high, -low))


def test_delta_agrees_with_mann_whitney() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.exponential(1, 80), rng.exponential(2, 70)
    u = stats.mannwhitneyu(one, other).statistic
    assert cliffs_delta(one, other)[0] == pytest.approx(2 * u / (80 * 70) - 1)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    truth = 2 * stats.norm.cdf(0.5 / np.sqrt(2)) - 1
    hits = 0
    for _ in range(400):
        _, low, high = cliffs_delta(rng.normal(0.5, 1, 60), rng.normal(0, 1, 40))
        hits += low <= truth <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_for_shares_delta_is_their_difference() -> None:
    effects = feature_effects(made_up(), 10)
    labels = effects[effects["level"] != ""]
    difference = labels["declined_share"] - labels["same_share"]
    assert labels["delta"].to_numpy() == pytest.approx(difference.to_numpy())


def test_effects_find_what_was_put_in() -> None:
    effects = feature_effects(made_up(), 10)
    assert effects["feature"].iloc[0] == "pages_per_visit"
    assert effects["delta"].iloc[0] < -0.7
    assert set(effects.loc[effects["clear"], "feature"]) == {
        "pages_per_visit",
        "favourite_category",
    }
    assert effects["delta"].abs().is_monotonic_decreasing
    assert (effects["p_adjusted"] >= effects["p_value"]).all()
    # One row for two labels, one a label for three.
    assert effects.groupby("feature").size()[["consent", "service_level"]].tolist() == [1, 1]
    assert set(effects.loc[effects["feature"] == "favourite_category", "level"]) == set("abc")
    assert "customer_id" not in set(effects["feature"])


@given(st.integers(0, 1000))
@settings(max_examples=3, deadline=None)
def test_order_and_ids_do_not_change_effects(seed: int) -> None:
    customers = made_up(seed, 150)
    other = customers.sample(frac=1, random_state=seed).assign(
        customer_id=[f"z{i}" for i in range(150)]
    )
    pd.testing.assert_frame_equal(feature_effects(customers, 10), feature_effects(other, 10))
    pd.testing.assert_frame_equal(association_matrix(customers, 10), association_matrix(other, 10))
    pd.testing.assert_frame_equal(categories(customers, 10), categories(other, 10))
    pd.testing.assert_frame_equal(
        distributions(customers, NUMERIC, 10), distributions(other, NUMERIC, 10)
    )


def test_missing_and_constant_features_do_not_break_effects() -> None:
    customers = made_up().assign(profit=1.0)
    customers.loc[:200, "unpaid_items"] = np.nan
    customers["service_errors"] = np.nan
    effects = feature_effects(customers, 10).set_index("feature")
    assert effects["delta"]["profit"] == 0
    assert effects["p_value"]["profit"] == 1
    assert "unpaid_items" in effects.index
    assert "service_errors" not in effects.index


def test_too_few_customers_of_a_class_are_not_compared() -> None:
    customers = made_up().sort_values("decline")
    few = pd.concat([customers.head(100), customers.tail(9)])
    assert feature_effects(few, 10).empty
    assert not feature_effects(few, 9).empty


# ---------------------------------------------------------------------------------- small groups


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=60), st.integers(1, 15))
@settings(max_examples=60, deadline=None)
def test_no_group_is_smaller_than_allowed(labels: list[str], minimum_group: int) -> None:
    pooled = pool_small(pd.Series(labels, dtype="str"), minimum_group)
    counts = pooled.value_counts()
    assert counts.sum() == len(labels)
    assert counts.min() >= min(minimum_group, len(labels))
    untouched = pooled[pooled != OTHER]
    assert untouched.tolist() == [labels[i] for i in untouched.index]


def test_a_rare_category_shows_nowhere() -> None:
    customers = made_up()
    customers.loc[:3, "favourite_category"] = "rare"
    customers.loc[:3, "service_level"] = "gold"
    effects, table = feature_effects(customers, 10), categories(customers, 10)
    assert not effects["level"].isin(["rare", "gold"]).any()
    assert "rare" not in set(table["category"])
    assert OTHER in set(table["category"])
    assert table["customers"].min() >= 10
    assert table["customers"].sum() == 400


def test_every_bin_holds_enough_customers_and_no_extreme() -> None:
    customers = made_up()
    customers.loc[0, "profit"] = 1e9
    table = feature_distribution(customers, "profit", 10)
    assert table["high"].max() < 1e6
    sizes = customers["decline"].map({True: "declined", False: "same"}).value_counts()
    held = (table["share"] * table["activity"].map(sizes)).groupby(table["low"]).sum()
    assert held.min() >= 10 - 1e-9
    assert held.sum() == pytest.approx(400)


# -------------------------------------------------------------------------------------- the rest


def test_measures_agree_for_yes_and_no() -> None:
    customers = made_up(n=2000)
    customers["profit"] = customers["consent"].astype(float)
    matrix = association_matrix(customers, 10).set_index(["first", "second"])["association"]
    rank = abs(stats.spearmanr(customers["decline"], customers["consent"]).statistic)
    assert matrix["decline", "profit"] == pytest.approx(matrix["decline", "consent"], abs=1e-6)
    # Both are corrected for bias, so they are a little smaller.
    assert matrix["decline", "consent"] <= rank
    assert matrix["profit", "consent"] == pytest.approx(1)


def test_association_finds_the_copied_column_only() -> None:
    matrix = association_matrix(made_up(), 10)
    assert len(matrix) == 18 * 17 / 2
    assert matrix["association"].between(0, 1).all()
    pairs = collinear_pairs(matrix, 0.8)
    assert pairs[["first", "second"]].values.tolist() == [
        ["revenue_last_month", "revenue_this_month"]
    ]
    assert cramers_v(pd.Series(["a", "b"] * 50), pd.Series(["x"] * 50 + ["y"] * 50)) == 0


def test_category_intervals_are_wilson() -> None:
    table = categories(made_up(), 10)
    row = table.iloc[0]
    z, n, p = stats.norm.ppf(0.975), row["customers"], row["decline_rate"]
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    assert (row["low"] + row["high"]) / 2 == pytest.approx(middle)
    assert row["category"] == "a"
    assert table["declined"].sum() == made_up()["decline"].sum()


@given(st.integers(0, 1000), st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_shares_of_a_distribution_add_up(seed: int, digits: int) -> None:
    customers = made_up(seed, 120)
    rng = np.random.default_rng(seed)
    customers["profit"] = np.round(rng.lognormal(0, digits, 120), digits)
    table = feature_distribution(customers, "profit", 10)
    assert table.groupby("activity")["share"].sum().tolist() == pytest.approx([1, 1])
    assert (table["high"] > table["low"]).all()
    assert overlaps(table)["overlap"].between(0, 1 + 1e-9).all()


# ------------------------------------------------------------------------------------- sentences


def headline(made: Figure | str) -> str:
    """Return what is said above a figure, or why there is none."""
    return made if isinstance(made, str) else made.headline


def test_headlines_say_what_was_put_in() -> None:
    customers = made_up()
    medians = customers.groupby("decline")["pages_per_visit"].median()
    assert headline(decline_differences(feature_effects(customers, 10))) == (
        "Customers who buy less differ most in pages per visit: a median of "
        f"{medians[True]:g}, against {medians[False]:g} for the others"
    )
    made = overlapping_measures(association_matrix(customers, 10))
    assert isinstance(made, Figure) and made.more
    assert made.headline.startswith("One pair of measures overlaps")
    assert made.more["said"].startswith(
        "The one pair of measures that a model cannot tell apart is revenue last month with "
        "revenue this month ("
    )
    assert "of customers who favour “a” buy less, against" in headline(
        decline_by_category(categories(customers, 10))
    )
    said = headline(decline_distributions(distributions(customers, NUMERIC, 10)))
    assert "overlap least in pages per visit (" in said


def test_differences_for_none_one_and_ties() -> None:
    effects = feature_effects(made_up(), 10)
    assert headline(decline_differences(effects.head(0))).startswith("There are too few customers")
    chance = decline_differences(effects.assign(clear=False))
    assert "do not differ from the others by more than chance" in headline(chance)
    assert isinstance(chance, Figure) and chance.caption.endswith(
        "None exceeds chance after correction for multiple comparisons."
    )
    tied = effects.assign(delta=[0.7, -0.7, *[0.1] * (len(effects) - 2)], clear=True)
    assert headline(decline_differences(tied)).endswith(
        "differ most in pages per visit and favourite category: a"
    )
    same = effects.head(1).assign(declined_median=4.0, same_median=4.0)
    assert headline(decline_differences(same)).endswith("differ most in pages per visit")
    share = effects[effects["level"] == "a"]
    assert headline(decline_differences(share)).endswith("of the others")


def test_differences_are_shown_in_real_units() -> None:
    customers = made_up()
    made = decline_differences(feature_effects(customers, 10))
    assert isinstance(made, Figure)
    rows = made.plot.data.set_index(["panel", "group"])["value"]
    medians = customers.groupby("decline")["pages_per_visit"].median()
    assert rows["Pages per visit", "buy less"] == medians[True]
    assert rows["Pages per visit", "others"] == medians[False]
    assert len(rows) <= 12


def test_overlaps_for_none_and_many() -> None:
    def said(matrix: pd.DataFrame) -> str:
        made = overlapping_measures(matrix)
        assert isinstance(made, Figure) and made.more
        return made.more["said"]

    matrix = association_matrix(made_up(), 10)
    features = matrix["first"] != "decline"
    none = matrix.assign(association=matrix["association"].clip(upper=0.79))
    assert said(none).startswith("The strongest association is ")
    assert headline(overlapping_measures(none)).startswith("No two measures overlap")
    several = none.assign(association=none["association"].mask(features & (none.index > 148), 0.9))
    assert said(several).count("(0.90)") == (features & (none.index > 148)).sum()
    many = none.assign(association=none["association"].mask(features, 0.9))
    assert said(many).count("(0.90)") == 5
    assert said(many).endswith(f"there are {features.sum() - 5} more.")
    assert "too few customers" in headline(overlapping_measures(matrix.head(0)))


def test_categories_for_none_one_ties_and_chance() -> None:
    def told(*counts: tuple[str, int, int]) -> str:
        rows = [(name, n, d, d / n, 0.0, 1.0) for name, n, d in counts]
        names = ["category", "customers", "declined", "decline_rate", "low", "high"]
        return headline(decline_by_category(pd.DataFrame(rows, columns=names)))

    assert "too few" in told()
    assert told(("a", 10, 5)).endswith("and 50% of them buy less")
    assert "by more than chance: 40% to 50%" in told(("a", 10, 5), ("b", 10, 4))
    assert told(("a", 10, 5), ("b", 10, 5)).startswith("50% of customers buy less, whatever")
    assert told(("a", 10, 0), ("b", 10, 0)).startswith("0% of customers buy less, whatever")
    assert told(("a", 100, 90), ("b", 100, 90), ("c", 100, 10)) == (
        "90% of customers who favour “a” or “b” buy less, against 10% for “c”"
    )


def test_distributions_are_shown_of_the_four_features_that_overlap_least() -> None:
    customers = made_up()
    every = pd.concat([feature_distribution(customers, name, 10) for name in NUMERIC])
    least = overlaps(every)["feature"].head(4).tolist()
    shown = distributions(customers, NUMERIC, 10)
    assert list(dict.fromkeys(shown["feature"])) == least


def test_alike_distributions_are_said_to_be_alike() -> None:
    table = distributions(made_up(), ["profit"], 10)
    half = table[table["activity"] == "declined"]
    alike = pd.concat([half, half.assign(activity="same")])
    made = decline_distributions(alike)
    assert isinstance(made, Figure)
    assert made.headline.endswith("are distributed alike") and made.alt.startswith("One histogram")
    assert "too few" in headline(decline_distributions(table.head(0)))


@given(st.text(max_size=80), st.integers(5, 40))
@settings(max_examples=30, deadline=None)
def test_labels_are_short_and_printable(text: str, longest: int) -> None:
    short = shorten(text, longest)
    assert 0 < len(short) <= max(longest, len("(no name)"))
    assert short.isprintable()


# --------------------------------------------------------------------------------------- figures


HOSTILE = [
    "$x$ \\frac{",
    "<b>&amp;",
    "Long " * 60,
    "Long " * 61,
    "a\nb\x1b",
    "",
    "{y}_^",
    "x" * 300,
]


def hostile() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    customers = made_up().assign(profit=0.0)
    customers["favourite_category"] = rng.choice(HOSTILE, len(customers))
    customers.loc[0, "revenue_this_month"] = 1e12
    return customers


def figures(customers: pd.DataFrame) -> dict[str, Figure | str]:
    return {
        "differences": decline_differences(feature_effects(customers, 10)),
        "associations": overlapping_measures(association_matrix(customers, 10)),
        "categories": decline_by_category(categories(customers, 10)),
        "distributions": decline_distributions(distributions(customers, NUMERIC, 10)),
    }


def test_the_picture_of_the_associations_is_light() -> None:
    made = figures(made_up())["associations"]
    assert isinstance(made, Figure)
    assert len(draw(made.plot)) < 150_000


@pytest.mark.parametrize("name", ["differences", "associations", "categories", "distributions"])
def test_figures_are_drawn_whatever_the_labels(name: str) -> None:
    made = figures(hostile())[name]
    assert isinstance(made, Figure)
    assert draw(made.plot).startswith(b"<svg")
    few = figures(made_up(n=6))[name]
    assert isinstance(few, str) and few.startswith("There are too few customers")


def test_a_long_list_keeps_every_label_apart() -> None:
    made = figures(hostile())["categories"]
    assert isinstance(made, Figure)
    names = made.plot.data["category"]
    assert names.is_unique
    assert len(names) == len(HOSTILE)
    assert names.str.len().max() < 60


def test_texts_about_hostile_labels_stay_short() -> None:
    for made in figures(hostile()).values():
        assert isinstance(made, Figure)
        for text in (made.headline, made.alt):
            assert text.isprintable()
            assert len(text) < 1200


def test_nothing_shown_names_a_customer() -> None:
    customers = made_up()
    ids = set(customers["customer_id"])
    tables = [
        feature_effects(customers, 10),
        association_matrix(customers, 10),
        categories(customers, 10),
        distributions(customers, NUMERIC, 10),
    ]
    for table in tables:
        assert ids.isdisjoint(table.astype("str").to_numpy().ravel())


def test_every_feature_has_a_name_without_commas() -> None:
    assert set(FEATURE_NAMES) - set(ADDED) == set(CUSTOMERS_SCHEMA.columns) - {"customer_id"}
    assert not any("," in name for name in FEATURE_NAMES.values())

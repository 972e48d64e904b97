"""Test what is said and drawn of what is coming, with and without a known season."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from analysis.core.plotting import draw
from analysis.core.presentation import Figure, Table
from analysis.core.settings import Settings
from analysis.core.tables import html
from analysis.forecast import figures_coming, layouts_coming, text_coming
from analysis.forecast.coming import ENDS, HORIZONS, hide_differences
from analysis.forecast.names import FEW, GAP, IN_FOLDS, IN_TIME, OWN_RATE, TOO_SHORT, TWO_PART

NAN = float("nan")
#: Words that state what will be.
FUTURE = re.compile(r"\bwill\b|\bexpect|\bat risk\b|\bnext \d+", re.I)


def coming(known: bool = True) -> pd.DataFrame:
    """Return a table as `forecast.coming.describe_groups` makes it."""
    groups = [
        ("all", "all", 100),
        ("activity", "active", 60),
        ("activity", "inactive", 40),
        ("segment", "Champions", 30),
        ("segment", "Loyal", 68),
        ("segment", "Tiny", 2),
        ("tier", "top 20", 20),
        ("tier", "21 to 100", 80),
    ]
    rows = []
    for kind, group, size in groups:
        hidden = size < 5
        row: dict[str, Any] = {"kind": kind, "group": group, "customers": size}
        row |= {"active": size, "recent_revenue": 1000.0 * size}
        row |= {"riskiest": size // 5, "riskiest_revenue": 10.0 * size, "scored": size}
        for days in (90, 365):
            for what, value in (("expected", 50.0), ("at_risk", 20.0)):
                amounts = (value * size, value * size * 0.9, value * size * 1.1)
                for end, amount in zip(("", "_low", "_high"), amounts, strict=True):
                    row[f"{what}_{days}{end}"] = amount if known else NAN
            row[f"away_{days}"] = 0.6 if known else NAN
        if hidden:
            row |= {key: NAN for key in row if key not in ("kind", "group", "customers")}
        rows.append(row)
    return pd.DataFrame(rows)


def told(known: bool = True, reason: str = "") -> dict[str, str]:
    facts = (120.0, 110.0, 3000.0) if known else (None, None, None)
    return text_coming.coming(coming(known), "£", "2011-12-10", known, reason, *facts)


def test_what_comes_if_nothing_is_done_has_an_amount_an_interval_and_a_condition() -> None:
    said = told()["said"]
    assert said == (
        "If we do nothing and the season is like last year’s, known customers will bring net "
        "revenue of £5,000 by 8 March 2012, likely between £4,500 and £5,500."
    )
    assert "8 December 2012" in told()["year"]


@pytest.mark.parametrize(
    ("reason", "word"), [(TOO_SHORT, "do not cover"), (GAP, "gaps"), (FEW, "too few")]
)
def test_without_a_known_season_one_sentence_says_what_is_missing(reason: str, word: str) -> None:
    texts = told(known=False, reason=reason)
    assert {*texts} == {"said", "worth"} and not re.search(r"\d", texts["worth"])
    assert word in texts["said"] and "second year of history" in texts["said"]
    assert not re.search(r"\d", texts["said"])


def test_customers_who_stay_away_are_told_beside_the_year_before() -> None:
    texts = text_coming.coming_activity(coming(), "2011-12-10", True, 0.607, 0.574, 275)
    assert texts is not None
    assert texts["said"].startswith("Of 60 customers active in the last 90 days, 60% are expected")
    assert texts["returned"].startswith("Most of those had not left: 57%")
    few = text_coming.coming_activity(coming(), "2011-12-10", True, 0.607, 0.2, 275)
    assert few and few["returned"].startswith("Of those, 20%")
    assert text_coming.coming_activity(coming(False), "2011-12-10", False, None, None, None) is None


def test_the_riskiest_customers_are_told_by_what_they_have_brought(settings: Settings) -> None:
    texts = text_coming.coming_riskiest("£", 12, 120.0, 0.012, 60, 40, 365, settings)
    assert texts and "12 customers. They brought £120 in the last 12 months, 1.2%" in texts["said"]
    assert texts["unscored"].startswith("40 customers without an order in the last 365 days")
    few = text_coming.coming_riskiest("£", 1, 120.0, 0.012, 60, 0, 365, settings)
    assert few == {}
    none = text_coming.coming_riskiest("£", 0, 0.0, None, 0, 9, 365, settings)
    assert none and "not ranked" in none["said"]
    assert text_coming.coming_riskiest("£", None, None, None, None, None, None, settings) is None


def all_texts(table: pd.DataFrame, known: bool) -> str:
    """Return all that figures and tables say of what is coming."""
    parts = []
    for figure in (
        figures_coming.revenue_at_risk_by_tier(table, "£"),
        figures_coming.revenue_at_risk_by_segment(table, "£"),
    ):
        assert isinstance(figure, Figure)
        parts += [figure.headline, figure.alt, figure.caption, draw(figure.plot).decode()]
        assert figure.data is not None
        parts += [*figure.data.columns]
    grid = layouts_coming.coming_by_group(table, "£", known)
    return " ".join([*parts, grid.caption, html(grid.table)])


def test_figures_and_tables_state_levels_only_where_the_season_is_known() -> None:
    known, unknown = all_texts(coming(), True), all_texts(coming(False), False)
    assert FUTURE.search(known) and "£2,000" in known
    assert not FUTURE.search(re.sub(r"not what they will bring", "", unknown))
    assert "nan" not in known + unknown


def test_revenue_at_risk_names_the_largest() -> None:
    made = figures_coming.revenue_at_risk_by_tier(coming(), "£")
    assert isinstance(made, Figure)
    assert made.headline == (
        "£2,000 of net revenue is at risk in the next 90 days, £1,600 of it with customers ranked "
        "21 to 100"
    )
    segments = figures_coming.revenue_at_risk_by_segment(coming(), "£")
    assert isinstance(segments, Figure)
    assert segments.headline == "Loyal hold the most revenue at risk, £1,400; Champions hold £600"
    nobody = coming().assign(at_risk_90=NAN, riskiest_revenue=NAN)
    assert isinstance(figures_coming.revenue_at_risk_by_tier(nobody, "£"), str)
    assert isinstance(figures_coming.revenue_at_risk_by_segment(nobody, "£"), str)


def spend_tests(chosen: str, behind: float, how: str = IN_FOLDS) -> pd.DataFrame:
    """Return a table as `spend_evaluation.compare_spend` makes it, of two candidates."""
    rows = []
    for days, tested in ((90, IN_TIME), (365, how)):
        for model, spearman in ((OWN_RATE, 0.50), (TWO_PART, 0.54)):
            row: dict[str, Any] = {
                "days": days,
                "date": pd.Timestamp("2011-09-11"),
                "tested": tested,
                "model": model,
                "customers": 3364,
                "chosen": model == chosen,
                "perfect_decile": 0.66,
                "mae": 580.0,
                "predicted": 2_000_000.0,
                "came": 2_500_000.0,
                "ratio": 0.8,
                "segment_misplaced": 0.03,
                "behind": behind if model == OWN_RATE else 0.0,
                "behind_error": 0.01,
            }
            for name, value in (("spearman", spearman), ("top_decile", 0.58)):
                row |= {name: value, f"{name}_low": value - 0.02, f"{name}_high": value + 0.02}
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("chosen", "behind", "says"),
    [
        (TWO_PART, 0.04, "better than the baseline, their own rate"),
        (TWO_PART, 0.005, "about as well as the baseline, their own rate"),
        (OWN_RATE, 0.005, "own rate of spending so far ranks them as well as any model"),
    ],
)
def test_the_model_of_spend_is_told_beside_the_baseline(
    chosen: str, behind: float, says: str
) -> None:
    texts = text_coming.spend_test(spend_tests(chosen, behind), "£", False)
    assert texts and says in texts["baseline"]
    assert "was £2.00 million, and customers spent £2.50 million" in texts["said"]
    assert "not tested on another year" in texts["year"]
    assert "silence as chance" in texts["said-dropout"]
    later = text_coming.spend_test(spend_tests(chosen, behind, IN_TIME), "£", True)
    assert later and later["year"].startswith("In its last test") and "said-dropout" not in later


def test_candidates_of_spend_are_set_by_forecast_with_the_chosen_marked() -> None:
    table = layouts_coming.spend_candidates(spend_tests(TWO_PART, 0.04), "£")
    assert isinstance(table, Table)
    page = html(table.table)
    assert page.count("(chosen)") == 2
    assert "customers in folds" in page
    assert layouts_coming.spend_candidates(None, "£") is None


def test_calibration_by_group_counts_the_groups_within_chance() -> None:
    rows = [("segment", "Champions", 0.3, 0.2, 0.4), ("tier", "top 20", 0.5, 0.1, 0.3)]
    table = pd.DataFrame(
        [
            {
                "days": 90,
                "date": pd.Timestamp("2011-09-11"),
                "tested": IN_TIME,
                "kind": kind,
                "group": group,
                "customers": 50,
                "predicted": 10.0,
                "came": 9.0,
                "ratio": 10 / 9,
                "away_predicted": expected,
                "away": (low + high) / 2,
                "away_low": low,
                "away_high": high,
            }
            for kind, group, expected, low, high in rows
        ]
    )
    made = layouts_coming.spend_calibration(table, "£")
    assert made and made.more
    assert "in 1 of 2 segments and account tiers" in made.more["said"]


def lists() -> pd.DataFrame:
    """Return a table as `next_products.compare_lists` makes it."""
    rows = []
    for name, models in (
        ("reorder", ("popularity", "own purchases")),
        ("new to the customer", ("popularity", "co-purchase")),
    ):
        for n, model in enumerate(models):
            row: dict[str, Any] = {"list": name, "model": model, "length": 5, "days": 90}
            row |= {"date": pd.Timestamp("2011-09-11"), "chosen": n == 1}
            for measure in ("hit_rate", "precision"):
                row |= {measure: 0.2 + n / 10, f"{measure}_low": 0.1, f"{measure}_high": 0.5}
            rows.append(row)
    return pd.DataFrame(rows)


def test_lists_of_next_products_are_told_beside_popularity_and_promise_no_sales() -> None:
    made = layouts_coming.next_products(lists(), True, 1500, 12)
    assert isinstance(made, Table) and made.more
    assert "30% bought at least one of the five products, new to them" in made.more["cross-said"]
    assert "it would have been 20%" in made.more["cross-said"]
    assert "do not show" in made.more["limits"]
    assert "12 products" in made.more["seasonal"]
    assert isinstance(layouts_coming.next_products(None, False, None, None), str)
    assert layouts_coming.next_products(None, None, None, None) is None


def test_no_difference_to_the_total_tells_of_few_customers() -> None:
    names = [f"{n}" for n in range(40)]
    groups = pd.DataFrame(
        {"segment": "a", "tier": ["x"] * 3 + ["y"] * 10 + ["z"] * 27},
        index=pd.Index(names, name="customer_id"),
    )
    own = pd.DataFrame({"riskiest": True, "active": True}, index=groups.index)
    table = pd.DataFrame(
        {
            "kind": ["segment", "tier", "tier", "tier"],
            "group": ["a", "x", "y", "z"],
            "riskiest": [40, NAN, 10, 27],
            "riskiest_revenue": [40.0, NAN, 10.0, 27.0],
            **{
                f"at_risk_{days}{end}": [400.0, NAN, 100.0, 270.0]
                for days in HORIZONS
                for end in ENDS
            },
        }
    )
    # Three of x would follow from 40 less 10 less 27.
    hidden = hide_differences(table, own, groups, 5)
    for name in ("riskiest", "riskiest_revenue", "at_risk_90", "at_risk_365_high"):
        assert hidden[name].isna().to_list() == [False, True, True, False]
    assert hide_differences(table, own, groups, 3)["riskiest"].notna().sum() == 3

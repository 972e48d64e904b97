"""Test the lapse model: features end at the cut-off, and the test cut-off is only tested on."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Row, a_line, reading, write_lines
from hypothesis import given
from hypothesis import strategies as st
from pictures import draw_lapse
from sklearn.ensemble import RandomForestClassifier
from threadpoolctl import threadpool_limits

from analysis.core.presentation import Figure
from analysis.forecast import figures_lapse, lapse, layouts, text_lapse
from analysis.forecast.lapse_features import (
    MOST_CUT_OFFS,
    Snapshot,
    cut_offs,
    features,
    history,
    limit_customers,
    snapshot,
)
from analysis.forecast.names import BG_NBD, FEW_AT_LAST, FEW_EARLIER, RECENCY, RFM, TOO_SHORT
from analysis.orders.ledger import Ledger
from analysis.segments import rfm
from analysis.stats import bootstrap, evaluation, models
from analysis.stats.names import CONSTANT

DAYS = 60
START = dt.date(2011, 1, 3)
AS_OF = START + dt.timedelta(days=5 * DAYS)
CUT = AS_OF - dt.timedelta(days=DAYS)
SEED = 7


def shop(customers: int = 450, seed: int = 1, gap: tuple[int, int] = (0, 0)) -> list[Row]:
    """Return the lines of customers who order at their own pace, and may leave after any order."""
    chance = np.random.default_rng(seed)
    rows: list[Row] = []
    for customer in range(customers):
        # The first one is there from the first day on.
        day = chance.uniform(0, 4.5 * DAYS) if customer else 0.0
        pace, leaves = chance.gamma(2, 20), chance.beta(1, 4)
        while day < 5 * DAYS:
            if not gap[0] <= day < gap[1]:
                rows.append(
                    a_line(
                        InvoiceNo=f"{len(rows)}",
                        CustomerID=f"{5000 + 7 * customer % 9973}",
                        StockCode=f"{20000 + chance.integers(60)}",
                        Quantity=f"{chance.integers(1, 12)}",
                        UnitPrice="2.5",
                        InvoiceDate=f"{START + dt.timedelta(days=int(day))} 10:00",
                        Country=str(chance.choice(["France", "Spain"])),
                    )
                )
            if chance.random() < leaves:
                break
            day += chance.exponential(pace) + 1
    return rows


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return shop()


@pytest.fixture(scope="module")
def ledger(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("shop") / "transactions" / "a.csv"
    write_lines(path, rows)
    with reading([path], as_of=AS_OF) as found:
        yield found


def people(ledger: Ledger) -> pd.DataFrame:
    """Return customers with a segment each: those with one order, and the others."""
    table = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    return table.assign(segment=np.where(table["frequency"] > 1, "again", "once"))


def told(
    ledger: Ledger,
    customers: pd.DataFrame,
    days: int = DAYS,
    given: dict[str, Any] | None = None,
    **more: Any,
) -> lapse.Lapse:
    """Read a ledger with few resamples, and candidates that are quick to learn."""
    quick = {name: plan for name, plan in lapse.PLANS.items() if name in text_lapse.NAMES}
    quick["logistic regression"] = lapse.PLANS["logistic regression"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"PLANS": quick, "DRAWS": 199, **more}.items():
            patch.setattr(bootstrap if name == "DRAWS" else lapse, name, value)
        return lapse.read_lapse(ledger, customers, days, SEED, minimum_group=5, **(given or {}))


def of(path: Path, rows: list[Row]) -> lapse.Lapse:
    write_lines(path, rows)
    with reading([path], as_of=AS_OF) as found:
        return told(found, people(found))


@pytest.fixture(scope="module")
def parts(ledger: Ledger) -> list[Snapshot]:
    """Return the cut-offs, and today."""
    return [snapshot(ledger, date, DAYS) for date in [*cut_offs(START, AS_OF, DAYS), AS_OF]]


@pytest.fixture(scope="module")
def customers(ledger: Ledger) -> pd.DataFrame:
    return people(ledger)


Turned = Callable[[Snapshot], Snapshot]
Read = Callable[[Turned], lapse.Lapse]


@pytest.fixture(scope="module")
def as_if(ledger: Ledger, parts: list[Snapshot], customers: pd.DataFrame) -> Read:
    """Return how to read the ledger as if its snapshots were others."""
    by_date = {part.date: part for part in parts}
    return lambda turn: told(ledger, customers, snapshot=lambda _, date, *more: turn(by_date[date]))


@pytest.fixture(scope="module")
def made(as_if: Read) -> lapse.Lapse:
    return as_if(lambda part: part)


# ------------------------------------------------------------------------- cut-offs


@given(
    st.dates(dt.date(2010, 1, 1), dt.date(2014, 1, 1)), st.integers(0, 2000), st.integers(7, 400)
)
def test_windows_never_overlap(first: dt.date, length: int, days: int) -> None:
    as_of = first + dt.timedelta(days=length)
    window = dt.timedelta(days=days)
    dates = cut_offs(first, as_of, days)
    assert len(dates) == max(0, min(length // days - 1, MOST_CUT_OFFS))
    if not dates:
        return
    # The test's outcome ends today; each other outcome ends no later than the next cut-off.
    assert dates[-1] + window == as_of
    assert all(one + window <= following for one, following in pairwise(dates))
    assert first + window <= dates[0]


# ------------------------------------------------------------------------- features


def known(path: Path, rows: list[Row], date: dt.date = CUT) -> tuple[pd.DataFrame, pd.DataFrame]:
    write_lines(path, rows)
    with reading([path]) as found:
        past = history(found, date, DAYS)
    return past, features(past, DAYS)


def same_bytes(one: pd.DataFrame, other: pd.DataFrame, what: str = "") -> None:
    assert list(one.index) == list(other.index), what
    assert list(one.columns) == list(other.columns), what
    assert one.to_numpy().tobytes() == other.to_numpy().tobytes(), what


def test_nothing_at_or_after_the_cut_off_reaches_a_feature(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "transactions" / "a.csv"
    text = str(CUT)
    # Some are taken back before the cut-off: that is known.
    early = [
        {**row, "InvoiceNo": f"C{row['InvoiceNo']}", "Quantity": f"-{row['Quantity']}"}
        for row in rows[:60:6]
    ]
    rows = [*rows, *early]
    expected = known(path, rows)
    assert len(expected[1]) > 100
    assert (expected[1]["cancelled_share"] > 0).any()
    before = [row for row in rows if row["InvoiceDate"] < text]
    after = [row for row in rows if row["InvoiceDate"] >= text]
    assert before and after
    bought = [row for row in before if not row["InvoiceNo"].startswith("C")]
    order = np.random.default_rng(2).permutation(len(rows))
    others = {
        "no future": [*before, a_line(InvoiceDate=f"{CUT} 00:00", CustomerID="4")],
        "another future, rows in another order": [
            *[rows[place] for place in order if rows[place]["InvoiceDate"] < text],
            *[
                {
                    **row,
                    "CustomerID": other["CustomerID"],
                    "Quantity": "9999",
                    "Country": "Peru",
                    "StockCode": "99999",
                    "UnitPrice": "77",
                }
                for row, other in zip(after, reversed(after), strict=True)
            ],
        ],
        "on the day, all is taken back and ordered again": [
            *rows,
            *[
                {
                    **row,
                    "InvoiceNo": f"C9{row['InvoiceNo']}",
                    "Quantity": f"-{row['Quantity']}",
                    "InvoiceDate": f"{text} 00:00",
                }
                for row in bought
            ],
            *[
                {**row, "InvoiceNo": f"8{row['InvoiceNo']}", "InvoiceDate": f"{text} 00:00"}
                for row in bought
            ],
        ],
    }
    for what, changed in others.items():
        for one, other in zip(expected, known(path, changed), strict=True):
            same_bytes(one, other, what)


def test_features_of_a_few_customers(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    cut = dt.date(2011, 7, 1)

    def order(invoice: str, customer: str, day: str, quantity: int = 4, **more: Any) -> Row:
        return a_line(
            InvoiceNo=invoice,
            CustomerID=customer,
            InvoiceDate=f"{day} 10:00",
            Quantity=f"{quantity}",
            UnitPrice="2.5",
            **more,
        )

    write_lines(
        path,
        [
            order("1", "11", "2011-03-03"),
            order("2", "11", "2011-05-12", 8, Country="France"),
            order("3", "11", "2011-06-21", 2, StockCode="22423"),
            # Two orders of one day are one occasion.
            order("4", "11", "2011-06-21", 2),
            order("C5", "11", "2011-06-25", -8),
            order("6", "12", "2011-06-01"),
            # 62 days before: no longer active.
            order("7", "13", "2011-04-30"),
            # Ordered, and cancelled before the cut-off: not known as a customer.
            order("8", "14", "2011-06-02"),
            order("C9", "14", "2011-06-03", -4),
            order("10", "12", "2011-08-30"),
        ],
    )
    with reading([path]) as found:
        past = history(found, cut, DAYS)
    assert list(past.index) == ["11", "12", "13"]
    one = past.loc["11"]
    expected = {
        "recency_days": 10,
        "tenure_days": 120,
        "frequency": 3,
        "occasions": 2,
        "monetary": 20,
        "orders_recent": 2,
        "orders_third": 2,
        "orders_before": 1,
        "spend_recent": 10,
        "spend_before": 10,
        "gap_median": 110,
        "gap_longest": 110,
        "gap_last": 110,
        "amount_last": 10,
        "products": 2,
        "gross": 40,
        "cancelled": 20,
        "at_home": 1,
    }
    assert {name: one[name] for name in expected} == expected
    table = features(past, DAYS)
    assert list(table.index) == ["11", "12"]
    assert not table.isna().any(axis=None)
    once = table.loc["12"]
    assert once["one_occasion"] == 1 and once["log_gap_mean"] == np.log1p(30)
    assert table.loc["11", "cancelled_share"] == 0.5


def test_the_outcome_is_no_net_sale_in_the_days_that_follow(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    cut = dt.date(2011, 7, 1)
    last = cut + dt.timedelta(days=DAYS - 1)
    later = {
        "11": [f"{cut} 00:00"],
        "12": [f"{last} 23:59"],
        "13": [f"{last + dt.timedelta(days=1)} 00:00"],
        "14": [],
        "15": [f"{cut} 12:00"],
    }
    rows = [
        a_line(InvoiceNo=f"{customer}{nth}", CustomerID=customer, InvoiceDate=moment)
        for customer, moments in later.items()
        for nth, moment in enumerate(["2011-06-20 10:00", *moments])
    ]
    # Taken back, if long after: no sale as known today.
    rows.append(
        a_line(
            InvoiceNo="C1",
            CustomerID="15",
            Quantity="-6",
            StockCode="85123A",
            InvoiceDate="2011-10-01 10:00",
        )
    )
    rows.append(a_line(InvoiceNo="2", CustomerID="16", InvoiceDate="2011-10-02 10:00"))
    write_lines(path, rows)
    with reading([path]) as found:
        seen = snapshot(found, cut, DAYS)
    lapsed = pd.Series(seen.lapsed, index=seen.features.index)
    # The cancellation takes back the first of 15's two purchases, so the second stands.
    assert lapsed.sort_index().to_dict() == {
        "11": False,
        "12": False,
        "13": True,
        "14": True,
        "15": False,
    }


def test_of_many_customers_some_are_drawn(parts: list[Snapshot]) -> None:
    whole = parts[-2]
    some = limit_customers(whole, 50, SEED)
    assert len(some.features) == len(some.lapsed) == len(some.spend) == 50
    assert some.features.index.isin(whole.features.index).all()
    assert list(limit_customers(whole, 50, SEED).features.index) == list(some.features.index)
    assert limit_customers(whole, len(whole.features), SEED) is whole


# ------------------------------------------------------------------------- models


def test_names_and_the_order_of_rows_do_not_show(
    tmp_path: Path, rows: list[Row], parts: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = RandomForestClassifier(n_estimators=10)
    monkeypatch.setitem(models.CANDIDATES, "random forest", models.Candidate(small, {}))
    path = tmp_path / "transactions" / "a.csv"
    new = {row["CustomerID"]: f"{99999 - 3 * int(row['CustomerID'])}" for row in rows}
    write_lines(path, [{**row, "CustomerID": new[row["CustomerID"]]} for row in reversed(rows)])
    with reading([path], as_of=AS_OF) as found:
        others = [snapshot(found, part.date, DAYS) for part in parts[-3:]]
    parts = parts[-3:]
    for one, other in zip(parts, others, strict=True):
        renamed = one.features.rename(index=new)
        pd.testing.assert_frame_equal(
            renamed.sort_index(), other.features.sort_index(), check_exact=True
        )
    for name in lapse.PLANS:
        with threadpool_limits(1):
            p, q = (
                lapse.predict_lapse(name, train, today, DAYS, {}, SEED)
                for *train, today in (parts, others)
            )
        assert p.tobytes() == q.tobytes(), name
        assert ((p >= 0) & (p <= 1)).all(), name
    quick = "logistic regression"
    assert lapse.tune_candidate(quick, parts[:-1], SEED) == lapse.tune_candidate(
        quick, others[:-1], SEED
    )


def test_two_runs_are_alike(tmp_path: Path, rows: list[Row], made: lapse.Lapse) -> None:
    again = of(tmp_path / "transactions" / "a.csv", rows[::-1])
    assert json.dumps(again.facts) == json.dumps(made.facts)
    pd.testing.assert_series_equal(again.probabilities, made.probabilities, check_exact=True)
    for name in ("models", "rates", "reliability", "segments"):
        pd.testing.assert_frame_equal(
            getattr(again, name), getattr(made, name), check_exact=True, obj=name
        )


def test_the_test_has_no_say_in_the_choice(as_if: Read, made: lapse.Lapse) -> None:
    columns = [name for name in made.models if str(name).startswith("validation")]
    columns += ["model", "parameters", "chosen"]

    def turn(part: Snapshot) -> Snapshot:
        return part._replace(lapsed=~part.lapsed) if part.date == CUT else part

    other = as_if(turn)
    assert other.facts["lapse.roc_auc"] == pytest.approx(1 - float(made.facts["lapse.roc_auc"]))
    pd.testing.assert_frame_equal(other.models[columns], made.models[columns], check_exact=True)


def test_weights_count_customers_as_often(made: lapse.Lapse) -> None:
    chance = np.random.default_rng(3)
    # Few different predictions, so that many are equal.
    p = np.round(chance.random(80), 1)
    y = chance.random(80) < p
    weights = chance.integers(0, 4, (3, 80)).astype(float)
    found = evaluation.weighted_measures(y, p, np.vstack([np.ones(80), weights]))
    for place, row in enumerate(np.vstack([np.ones(80), weights])):
        times = row.astype(int)
        expected = evaluation.judge(np.repeat(y, times), np.repeat(p, times))
        for measure, value in expected.items():
            assert found[measure][place] == pytest.approx(value), measure


def test_the_table_of_candidates(made: lapse.Lapse) -> None:
    table = made.models.set_index("model")
    assert table["chosen"].sum() == 1
    for measure in (*evaluation.MEASURES, "gain", "behind"):
        assert (table[f"{measure}_low"] <= table[f"{measure}_high"]).all()
    assert table.loc[CONSTANT, "roc_auc"] == 0.5
    assert (table.loc[RFM, ["gain", "gain_low", "gain_high"]] == 0).all()
    # The rule: the first that is not credibly worse than the best.
    worse = table["validation_behind_low"] > 0
    assert worse.to_numpy()[: int(np.argmax(table["chosen"]))].all()
    assert not worse[table["chosen"]].any()
    # Customers leave at random after an order: recency tells much, and a guess nothing.
    assert made.facts["lapse.roc_auc_low"] > 0.5
    json.dumps(made.facts, allow_nan=False)
    assert list(made.rates["role"]) == ["left out", "training", "validation", "test"]


def test_today_only_active_customers_are_scored(
    customers: pd.DataFrame, parts: list[Snapshot], made: lapse.Lapse
) -> None:
    customers = customers.set_index("customer_id")
    assert len(parts[-1].lapsed) == 0
    p = made.probabilities
    assert p.name == "lapse_probability"
    assert list(p.index) == list(customers.index)
    active = customers["recency_days"] <= DAYS
    assert (p.notna() == active).all()
    assert p.dropna().between(0, 1).all()
    risk = made.segments.set_index("segment")
    for name, group in customers[active].groupby("segment"):
        assert risk["scored"][str(name)] == len(group)
        assert risk["mean"][str(name)] == pytest.approx(p[group.index].mean())
    assert risk["expected"].sum() == pytest.approx(made.facts["lapse.expected"])


def test_how_many_will_lapse_is_told_only_where_the_season_is_known(
    ledger: Ledger, customers: pd.DataFrame
) -> None:
    scores = pd.Series(0.6, index=customers["customer_id"])
    few = {name: lapse.PLANS[name] for name in (CONSTANT, RECENCY, RFM, BG_NBD)}
    known, unknown = (
        told(ledger, customers, given={"scores": scores, "season_known": season}, PLANS=few)
        for season in (True, False)
    )
    # The scores are those of the forecast of orders, for active customers.
    assert known.probabilities.dropna().eq(0.6).all()
    assert known.facts["lapse.mean_probability"] == pytest.approx(0.6)
    assert known.facts["lapse.expected"] == pytest.approx(0.6 * known.facts["lapse.scored"])
    assert not set(lapse.LEVELS) & set(unknown.facts)
    assert len(known.segments)
    assert unknown.segments[[*lapse.SEGMENT_LEVELS]].isna().all(axis=None)
    assert unknown.segments["riskiest"].tolist() == known.segments["riskiest"].tolist()
    # What came in the past is told in any case.
    assert unknown.rates.equals(known.rates)


def test_small_segments_are_left_out() -> None:
    names = [f"{n}" for n in range(12)]
    customers = pd.DataFrame({"customer_id": names, "segment": ["a"] * 6 + ["b"] * 4 + ["c"] * 2})
    p = pd.Series(0.25, index=names, name="lapse_probability")
    p.iloc[0] = np.nan
    table = lapse.segment_risk(customers, p, pd.Series(10.0, index=names[1:]), 5)
    assert table["segment"].to_list() == ["a"]
    row = table.iloc[0]
    assert (row["customers"], row["scored"], row["expected"]) == (6, 5, 1.25)
    assert row["spend_share"] == pytest.approx(0.25)
    assert row["low"] == 0 and row["high"] == pytest.approx(0.25 + 1.96 * np.sqrt(0.1875 / 5))


# ------------------------------------------------------------------------- hard cases


def nothing(part: Snapshot) -> Snapshot:
    return part._replace(
        features=part.features.head(0), spend=part.spend.head(0), lapsed=part.lapsed[:0]
    )


HARD: dict[str, tuple[Turned, str]] = {
    "all lapse": (lambda part: part._replace(lapsed=np.ones_like(part.lapsed)), FEW_AT_LAST),
    "none lapses": (lambda part: part._replace(lapsed=np.zeros_like(part.lapsed)), FEW_AT_LAST),
    "all lapsed before": (
        lambda part: part if part.date == CUT else part._replace(lapsed=np.ones_like(part.lapsed)),
        FEW_EARLIER,
    ),
    "nobody is active": (nothing, FEW_AT_LAST),
}


@pytest.mark.parametrize("case", HARD)
def test_where_there_is_no_model_the_reason_is_told(
    as_if: Read, customers: pd.DataFrame, case: str
) -> None:
    turn, reason = HARD[case]
    every = "on every date that it could learn from"
    when = every if reason == FEW_EARLIER else "on the last date that can be tested"
    said = f"{when}, fewer than 50 active customers came back, or fewer than 50 did not."
    hold_without_model(as_if(turn), customers, reason, said)


def hold_without_model(seen: lapse.Lapse, customers: pd.DataFrame, reason: str, said: str) -> None:
    """Hold that there is no model, and that the reason is told."""
    assert seen.facts["lapse.available"] is False
    assert seen.facts["lapse.reason"] == reason
    assert seen.probabilities.isna().all() and len(seen.probabilities) == len(customers)
    assert seen.models.empty and seen.segments.empty and seen.reliability.empty
    facts = (seen.facts.get(f"lapse.{name}") for name in ("covered_days", "fewest_customers"))
    told_why = text_lapse.lapse_without_model(False, reason, DAYS, *facts)
    assert told_why == {"said": f"There is no model of who will stop ordering: {said}"}
    figures_lapse.lapse_rates(seen.rates, DAYS)


def test_a_ledger_of_less_than_three_windows(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "transactions" / "a.csv"
    end = START + dt.timedelta(days=3 * DAYS - 2)
    write_lines(path, [row for row in rows if row["InvoiceDate"] < str(end)])
    with reading([path]) as found:
        customers = people(found)
        said = (
            f"the orders cover {3 * DAYS - 2} days, but 180 are needed: 60 to get to know "
            "customers, 60 to learn from and 60 to test on."
        )
        hold_without_model(told(found, customers), customers, TOO_SHORT, said)


def test_nobody_is_active_today(as_if: Read) -> None:
    seen = as_if(lambda part: nothing(part) if part.date == AS_OF else part)
    assert seen.facts["lapse.available"] and seen.facts["lapse.scored"] == 0
    assert seen.probabilities.isna().all() and seen.segments.empty
    assert figures_lapse.lapse_by_segment(seen.segments) == (
        "No segment has enough active customers to compare their risk."
    )


def test_a_gap_leaves_out_the_cut_offs_that_it_empties(tmp_path: Path) -> None:
    # Nobody comes back after the second cut-off, and nobody is active at the third.
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, shop(gap=(2 * DAYS, 3 * DAYS + 2)))
    with reading([path], as_of=AS_OF) as found:
        seen = told(found, people(found), FEWEST=10)
    assert list(seen.rates["role"]) == ["validation", "left out", "left out", "test"]
    # With one cut-off to learn from, its customers are folded.
    assert seen.facts["lapse.training_cut_offs"] == 1
    assert seen.models["chosen"].sum() == 1


# ------------------------------------------------------------------------- words and pictures


def test_sentences_and_pictures(made: lapse.Lapse) -> None:
    draw_lapse(made)


def test_sentences_follow_the_numbers() -> None:
    table = pd.DataFrame(
        {
            "model": ["constant", "R, F and M", "random forest"],
            "roc_auc": [0.5, 0.75, 0.79],
            "roc_auc_low": [0.5, 0.7, 0.75],
            "roc_auc_high": [0.5, 0.8, 0.82],
            "gain": [-0.25, 0, 0.04],
            "gain_low": [-0.3, 0, 0.01],
            "gain_high": [-0.2, 0, 0.07],
            "chosen": [False, True, False],
            "eligible": [False, False, True],
        }
    )
    told = sentences(table)
    assert told["said"] == (
        "In the last test, the chosen candidate, “recency, orders and spend”, ranked the riskier "
        "of two customers correctly 75 times in 100, likely between 70 and 80; guessing would be "
        "right 50 times."
    )
    assert told["gain"].endswith(
        "random forest credibly improves the ranking; the best adds 4.0 "
        "correct pairs in 100 (1.0 to 7.0)."
    )
    assert "all measures, random forest does credibly better" in told["verdict"]
    assert sentences(table.assign(eligible=True))["verdict"].startswith("The test confirms")
    assert "no other measure" in sentences(table.assign(gain_low=-0.01))["gain"]
    first = table.assign(chosen=[True, False, False])
    assert sentences(first) == {
        "said": "No candidate tells customers who stop ordering from those who order again."
    }


def sentences(models: pd.DataFrame) -> dict[str, str]:
    """Return the sentences that come with the table of candidates."""
    areas = {f"{name}{end}": 0.5 for name in ("pr_auc", "brier") for end in ("", "_low", "_high")}
    made = layouts.lapse_candidates(models.assign(**areas), "2011-09-11", 1300, 2500)
    assert made is not None and "1,300 customers active on 11 September 2011" in made.caption
    return dict(made.more or {})


RATES = pd.DataFrame(
    {
        "date": pd.to_datetime(["2011-03-15", "2011-06-13"]),
        "role": ["validation", "test"],
        "share": [0.4, 0.3],
        "low": [0.35, 0.25],
        "high": [0.45, 0.34],
    }
)


def test_quarters_are_compared_by_their_intervals() -> None:
    made = figures_lapse.lapse_rates(RATES, 90)
    assert isinstance(made, Figure) and made.headline == (
        "Quarters differ: 30% of active customers placed no order in the 90 days from 13 June "
        "2011, and 40% from 15 March 2011"
    )
    alike = figures_lapse.lapse_rates(RATES.assign(high=0.45), 90)
    assert isinstance(alike, Figure) and alike.headline.startswith("In every quarter tested")
    one = figures_lapse.lapse_rates(RATES.tail(1), 90)
    assert isinstance(one, Figure) and one.headline.startswith("30% of active customers placed")


@pytest.mark.parametrize(
    ("predicted", "words"),
    [(0.4, "but only 30% did"), (0.3, "the two agree."), (0.2, "stop ordering, but 30% did")],
)
def test_the_level_of_the_test_is_compared(predicted: float, words: str) -> None:
    groups = pd.DataFrame(
        {"predicted": [0.1, 0.5], "observed": [0.1, 0.3], "low": [0, 0.2], "high": [0.2, 0.4]}
    )
    made = figures_lapse.lapse_reliability(groups, RATES, predicted, 0.18, 0.21)
    assert isinstance(made, Figure)
    assert made.headline.endswith("agreed with the outcome in 1 of 2 groups")
    assert words in (made.more or {})["said"]
    none = figures_lapse.lapse_reliability(groups.head(0), RATES, predicted, 0.18, 0.21)
    assert none == "The test has too few customers to compare groups."


def test_segments_are_compared_by_rank_and_not_by_what_will_come() -> None:
    table = pd.DataFrame(
        {
            "segment": ["Loyal", "Dozing", "Small"],
            "customers": [200, 90, 9],
            "scored": [100, 40, 8],
            "riskiest": [5.0, 24.0, np.nan],
            "mean": [0.2, 0.7, 0.5],
            "expected": [20.0, 28.0, 4.0],
            "spend_share": [0.2, 0.7, 0.5],
        }
    )
    made = figures_lapse.lapse_by_segment(table)
    assert isinstance(made, Figure) and made.headline == (
        "In the segment Dozing, 60% of active customers are in the riskiest fifth; in Loyal, 5%"
    )
    labels = made.plot.data["text"].tolist()
    assert labels == ["60% (24 of 40)", "5% (5 of 100)", "too few to show"]
    assert made.data is not None and not {"mean", "expected"} & set(made.data)
    one = figures_lapse.lapse_by_segment(table.head(1))
    assert isinstance(one, Figure) and one.headline.endswith("are in the riskiest fifth")
    nobody = figures_lapse.lapse_by_segment(table.tail(1))
    assert isinstance(nobody, str)


def test_the_riskiest_fifth_is_counted_by_segment() -> None:
    people = pd.DataFrame(
        {"customer_id": [f"{i}" for i in range(20)], "segment": ["a"] * 10 + ["b"] * 10}
    )
    ids = people["customer_id"]
    risk = pd.Series(np.linspace(0.1, 0.9, 20), index=ids)
    spend = pd.Series(1.0, index=ids)
    found = lapse.segment_risk(people, risk, spend, 1).set_index("segment")
    assert found["riskiest"].to_dict() == {"a": 0, "b": 4}
    # Of equal risks, those who spent more are in the fifth; a few are not told.
    flat, more = risk * 0 + 0.5, spend.where(spend.index != "3", 9.0)
    found = lapse.segment_risk(people.head(10), flat.head(10), more.head(10), 5)
    assert found["riskiest"].isna().all()


def test_no_difference_to_the_riskiest_fifth_tells_of_few_customers() -> None:
    sizes = {"a": 60, "b": 30, "c": 10}
    segment = [name for name, size in sizes.items() for _ in range(size)]
    people = pd.DataFrame({"customer_id": [f"{i}" for i in range(100)], "segment": segment})
    ids = people["customer_id"]
    # Of the 20 riskiest, 11 are of a, 6 of b, 3 of c.
    top = [*range(11), *range(60, 66), *range(90, 93)]
    risk = pd.Series(np.where(np.isin(np.arange(100), top), 0.9, 0.1), index=ids)
    found = lapse.segment_risk(people, risk, pd.Series(1.0, index=ids), 5).set_index("segment")
    # Three of c would follow from 20 less 11 less 6.
    assert found["riskiest"].dropna().to_dict() == {"a": 11}
    found = lapse.segment_risk(people, risk, pd.Series(1.0, index=ids), 3).set_index("segment")
    assert found["riskiest"].to_dict() == {"a": 11, "b": 6, "c": 3}


# ------------------------------------------------------------------------- the real ledger


@pytest.mark.parametrize(
    ("known", "reason", "words"),
    [
        (True, "", "Of 500 active customers, 40% are expected to place no order"),
        (False, "too short", "A second year of history would make that possible."),
        (False, "gap", "A second year of history without gaps would make that possible."),
        (False, "few customers", "A second year of history with more customers would"),
    ],
)
def test_how_many_is_told_only_where_the_season_is_known(
    known: bool, reason: str, words: str
) -> None:
    told = text_lapse.lapse_season(True, known, reason, 500, 0.4, 0.38)
    assert told is not None and words in told["said"]
    assert known or not re.search(r"\d", told["said"])
    assert text_lapse.lapse_season(False, known, reason, 500, 0.4, 0.38) is None
    assert text_lapse.lapse_season(None, None, None, None, None, None) is None


def test_every_candidate_has_a_name_of_its_own() -> None:
    names = [text_lapse.name(model) for model in lapse.PLANS]
    assert len(set(names)) == len(names)
    assert all("measures" in name for name in names[4:])

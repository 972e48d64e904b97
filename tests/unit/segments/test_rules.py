"""Test that every word about a segment is true of its members, in any ledger."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.core.problems import Refused
from analysis.segments import rfm, rules, thresholds
from analysis.strategy.plan import read_plan

RULES = rules.read_segments()
#: Claims that are true in some shops, and not in others.
CLAIMS = (
    r"bought once|\btwice\b|\bnew (customer|buyer)|newcomer|just now|lately|recently|\bago\b|"
    r"sleep|hibernat|lapsed|inactive|"
    r"stayed away|\bstopped\b|used to|first order|second order|third order|win them back|come back"
)
#: Few values, so that ties are the rule; the money of a small shop, and of a shop in yen.
CUSTOMERS = st.lists(
    st.tuples(
        st.integers(1, 12) | st.integers(1, 4000),
        st.integers(1, 4) | st.integers(1, 300),
        st.sampled_from([4.99, 5.0, 360.0]) | st.floats(0.01, 1e8),
    ),
    min_size=1,
    max_size=60,
)


def table(people: list[tuple[int, int, float]]) -> pd.DataFrame:
    return pd.DataFrame(people, columns=["recency_days", "frequency", "monetary"])


def scored(people: pd.DataFrame) -> pd.DataFrame:
    scores = rfm.scores(people, rfm.cut_points(people))
    return people.join(scores).assign(segment=rules.assign(scores, RULES))


def holds(word: str, value: float, values: np.ndarray) -> bool:
    """Tell whether a word is true of a value among all values; higher is better."""
    below, as_good = (values < value).mean(), (values >= value).mean()
    truths: dict[str, Callable[[], bool]] = {
        "highest": lambda: below >= 0.8,
        "high": lambda: below >= 0.6,
        "middle to high": lambda: below >= 0.4 or as_good == 1,
        "middle": lambda: (below >= 0.4 and as_good >= 0.4) or np.ptp(values) == 0,
        "low to middle": lambda: as_good >= 0.4,
        "low": lambda: as_good >= 0.6,
        "lowest": lambda: as_good >= 0.8,
    }
    return bool(truths[word]())


@given(CUSTOMERS)
@example([(1, 1, 5.0)] * 60)  # all bought the same, yesterday
@example([(days, 18, 360.0) for days in range(1, 31)])  # subscribers
@example([(days, 1, 5.0) for days in (1, 1, 1, 9)])
def test_every_word_about_a_segment_is_true_of_its_members(
    people: list[tuple[int, int, float]],
) -> None:
    customers = scored(table(people))
    measures = {
        "recency": -customers["recency_days"].to_numpy(),
        "frequency": customers["frequency"].to_numpy(),
        "monetary value": customers["monetary"].to_numpy(),
    }
    by_name = {segment.name: segment for segment in RULES}
    for place, person in enumerate(customers.to_dict("records")):
        segment = by_name[person["segment"]]
        scores = (person["r_score"], person["f_score"], person["m_score"])
        box = next(box for box in segment.boxes if scores in box.combinations())
        for claim in segment.meaning_of(box).split(", "):
            name = next(name for name in measures if claim.endswith(f" {name}"))
            word = claim.removesuffix(f" {name}")
            assert holds(word, measures[name][place], measures[name]), (claim, person)


@given(CUSTOMERS)
def test_equal_values_have_the_middle_score_and_all_others_keep_their_cut_points(
    people: list[tuple[int, int, float]],
) -> None:
    customers = scored(table(people))
    cuts = rfm.cut_points(customers)
    for measure, (column, high_is_good) in rfm.MEASURES.items():
        values = customers[column].to_numpy(dtype=float)
        if np.ptp(values) == 0:
            assert set(customers[f"{measure}_score"]) == {3}
            continue
        sign = 1 if high_is_good else -1
        quintiles = np.quantile(sign * values, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
        found = cuts.loc[cuts["measure"] == measure, "beyond"].to_numpy()
        assert found.tolist() == np.abs(quintiles).tolist()
        expected = 1 + (sign * values[:, None] > quintiles).sum(axis=1)
        assert customers[f"{measure}_score"].to_numpy().tolist() == expected.tolist()


@given(CUSTOMERS)
def test_nobody_is_in_a_segment_whose_limits_no_customer_can_meet(
    people: list[tuple[int, int, float]],
) -> None:
    customers = scored(table(people))
    limits = thresholds.thresholds(RULES, rfm.cut_points(customers), "£")
    possible = set(limits.loc[limits["possible"], "segment"])
    assert set(customers["segment"]) <= possible
    assert (
        thresholds.NOBODY
        not in limits.loc[limits["possible"], ["recency", "frequency", "monetary"]].to_numpy()
    )


def within(limit: str, value: float) -> bool:
    """Tell whether a value keeps to a limit as it is written; money may be off by its rounding."""
    scale = {"": 1.0, " million": 1e6, " billion": 1e9}
    numbers = [
        float(number.replace(",", "")) * scale[unit]
        for number, unit in re.findall(r"(\d[\d,]*(?:\.\d+)?)( million| billion|)", limit)
    ]
    slack = 0.5 + 0.006 * value if "£" in limit else 0.0
    low, high = min(numbers, default=0.0) - slack, max(numbers, default=0.0) + slack
    if limit == "any":
        return True
    if limit.startswith(("at most", "up to")):
        return value <= high
    if limit.startswith(("at least", "over")) and "up to" not in limit:
        return value >= low
    return low <= value <= high


@settings(max_examples=40)
@given(CUSTOMERS)
@example([(days, 1, 5.0) for days in range(1, 41)])  # nobody has ordered twice
@example([(30 * n, 4 + n % 3, 9.5) for n in range(1, 40)])  # nobody has ordered once
def test_every_limit_of_a_segment_holds_for_its_members(
    people: list[tuple[int, int, float]],
) -> None:
    customers = scored(table(people))
    limits = thresholds.thresholds(RULES, rfm.cut_points(customers), "£")
    for person in customers.to_dict("records"):
        own = limits[limits["segment"] == person["segment"]].to_dict("records")
        assert any(
            within(row["recency"], person["recency_days"])
            and within(row["frequency"], person["frequency"])
            and within(row["monetary"], person["monetary"])
            for row in own
        ), (person, own)


def test_no_name_and_no_action_claims_what_only_some_shops_show() -> None:
    texts = [segment.name for segment in RULES] + [segment.meaning for segment in RULES]
    for action in read_plan(RULES).actions:
        if action.half == "ledger":
            texts += [str(value) for value in action.model_dump().values()]
    assert len(texts) > 80
    assert [text for text in texts if re.search(CLAIMS, text, re.IGNORECASE)] == []


def test_a_segment_can_be_found_under_its_former_name() -> None:
    former = rules.former_names(RULES)
    assert former["Hibernating"] == "Least active"
    assert set(former.values()) <= {segment.name for segment in RULES}
    assert not set(former) & {segment.name for segment in RULES}


def test_a_former_name_belongs_to_one_segment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = rules.SEGMENTS_FILE.read_text(encoding="utf-8")
    path = tmp_path_factory.mktemp("segments") / "segments.toml"
    path.write_text(text.replace('former = ["Hibernating"]', 'former = ["Champions"]'))
    monkeypatch.setattr(rules, "SEGMENTS_FILE", path)
    with pytest.raises(Refused, match="two segments are called 'Champions'"):
        rules.read_segments()

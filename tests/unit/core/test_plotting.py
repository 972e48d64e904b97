"""Test the marks of axes: few, round, within the limits, and written alike."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.core.plotting import count_labels, few_breaks, money_labels, percent_labels

ends = st.floats(-1e6, 1e6)


@given(ends, ends)
def test_breaks_are_few_and_within_the_limits(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assume(high - low > 1e-3 * max(abs(low), abs(high), 1e-3))
    found = few_breaks((low, high))
    assert 1 <= len(found) <= 5 and found == sorted(found)
    assert all(low - 1e-6 <= place <= high + 1e-6 for place in found)
    if high - low >= 2:
        assert all(place == round(place) for place in found)


@given(st.lists(st.integers(-(10**6), 10**6).map(lambda n: 1000 * n), min_size=1, max_size=8))
def test_a_minus_is_as_long_as_a_plus(places: list[int]) -> None:
    texts = money_labels("£")(places)
    assert [text.startswith("−£") for text in texts] == [place < 0 for place in places]
    assert not any("-" in text for text in texts)


def test_marks_are_written_alike() -> None:
    assert count_labels([0, 1500]) == ["0", "1,500"]
    assert percent_labels([0.05, 0.125]) == ["5%", "12.5%"]
    assert money_labels("$")([0.0, 0.5, 1.0]) == ["$0", "$0.5", "$1"]
    assert money_labels("")([-0.25]) == ["−0.25"]

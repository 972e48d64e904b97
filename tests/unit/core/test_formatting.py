"""Test how lists and amounts are written, whatever the words and the currency."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.formatting import join_words, money, short_money

words = st.lists(st.text(min_size=1), min_size=1, max_size=6)


@given(words, st.sampled_from(["and", "or"]))
def test_a_list_has_every_word_as_it_is(names: list[str], joint: str) -> None:
    """Names come from the data: braces in one are no place to fill."""
    *first, last = names
    expected = f"{', '.join(first)} {joint} {last}" if first else last
    assert join_words(names, "and" if joint == "and" else "or") == expected


def test_no_words_are_no_text() -> None:
    assert join_words([]) == ""


signs = st.sampled_from(["£", "$", "kr ", "₽", "", "XYZ ", "units "])


@given(st.floats(-1e12, 1e12), signs)
def test_an_amount_has_its_sign_and_currency_first_and_is_close(value: float, sign: str) -> None:
    for text, digits in ((money(value, sign), 0.006), (short_money(value, sign), 0.051)):
        match = re.fullmatch(rf"(-?){re.escape(sign)}([\d,.]+)( ?[a-z]*)", text)
        assert match and (match[1] == "-") == (value < 0)
        times = {"": 1, "k": 1e3, "m": 1e6, "bn": 1e9, " million": 1e6, " billion": 1e9}[match[3]]
        written = float(match[2].replace(",", "")) * times
        assert written == pytest.approx(abs(value), abs=max(0.51, digits * times))

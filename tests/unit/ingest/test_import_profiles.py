"""Test the import profiles as files: which fits, and what is wrong with a broken one."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.privacy import is_personal, is_pseudonym, mask_addresses, pseudonym
from analysis.core.problems import Refused
from analysis.ingest import salt
from analysis.ingest.profiles import choose_profile, read_profiles
from analysis.orders.exports.spread import spread

GOOD = """
title = "A till"
required = ["Bon", "When"]
customer = ["Card"]
[columns]
invoice = ["Bon"]
amount = ["Sum"]
[date]
columns = [["When"]]
"""


def test_a_user_adds_a_profile_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "till.toml").write_text(GOOD, encoding="utf-8")
    profiles = read_profiles(tmp_path)
    assert choose_profile("a.csv", ["when", "BON", "Sum"], profiles).name == "till"
    assert choose_profile("a.csv", ["When", "Sum"], profiles).name == "ledger"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("customer = ", "buyer = "), "[buyer]"),
        (('amount = ["Sum"]', 'money_of = ["Sum"]'), "money_of"),
        (('amount = ["Sum"]', ""), "amount, or quantity and unit_price"),
        (('"Bon", "When"', '"Bon"'), "at least two columns"),
        (("[date]", "[refunds]\nshape = 'order'\n[date]"), "name order_refund"),
        (("[date]", "[date"), "cannot be read"),
    ],
)
def test_a_broken_profile_is_told_with_its_file_and_key(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    (tmp_path / "till.toml").write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(Refused) as refused:
        read_profiles(tmp_path)
    assert "till.toml" in str(refused.value) and words in str(refused.value)


def test_the_salt_is_made_once_and_only_its_owner_may_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(salt.ENVIRONMENT, raising=False)
    assert salt.find(tmp_path) == b""
    made = salt.make(tmp_path)
    assert salt.make(tmp_path) == salt.find(tmp_path) == made
    assert stat.S_IMODE((tmp_path / salt.PLACE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / salt.PLACE).parent.stat().st_mode) == 0o700
    monkeypatch.setenv(salt.ENVIRONMENT, "another salt of more than sixteen letters")
    facts = [{salt.FACT: salt.mark(made)}, {}]
    assert "has changed" in salt.change(facts, salt.find(tmp_path))
    assert salt.change(facts, made) == ""
    monkeypatch.setenv(salt.ENVIRONMENT, "short")
    with pytest.raises(Refused, match="fewer than 16"):
        salt.find(tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        *("kim@example.com", "Kim.O'Brien+tag@example.com", "jörg@bücher.example"),
        *('"odd one"@example.com', "用户@例え.jp", "<kim@example.com>", "a=b@example.org"),
    ],
)
def test_addresses_are_masked_wherever_they_stand(address: str) -> None:
    bare = address.strip("<>")
    assert is_personal(bare) and is_pseudonym(pseudonym(bare, b"salt"))
    for text in (address, f"row 7: {address!r}", f"a | {address} | b", f"<td>{address}</td>"):
        masked = mask_addresses(text)
        assert "@" not in masked and "example" not in masked


@given(
    st.lists(st.integers(0, 10**11), min_size=1, max_size=9),
    st.floats(0, 1),
)
def test_a_spread_amount_adds_up_and_takes_no_line_below_nought(
    weights: list[int], share: float
) -> None:
    total = int(sum(weights) * share)
    lines = pd.Series(weights)
    shares = spread(pd.Series(total, lines.index), lines, pd.Series(0, lines.index))
    assert shares.sum() == total
    assert ((shares >= 0) & (shares <= lines)).all()

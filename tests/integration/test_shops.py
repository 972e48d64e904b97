"""Test that tests of real shops run wherever there are real shops."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SHOPS, shop, write_lines


def test_a_shop_may_be_missing_only_where_there_are_none(tmp_path: Path) -> None:
    shops = tmp_path / "shops"
    with pytest.raises(pytest.skip.Exception, match="there are no real shops at"):
        shop("gift-shop", shops)
    (shops / "gift-shop" / "transactions").mkdir(parents=True)
    for name in ("gift-shop", "one-click"):  # the one is empty, the other is not there
        with pytest.raises(pytest.fail.Exception, match=f"but not the data of {name}$"):
            shop(name, shops)
    folder = write_lines(shops / "gift-shop" / "transactions" / "a.csv", [{"a": 1}])
    assert shop("gift-shop", shops) == folder


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("gift_shop", ["transactions"]),
        ("two_years", ["transactions"]),
        ("one_click", ["activity"]),
    ],
)
def test_every_shop_is_there_and_sends_one_kind_of_input(
    name: str, inputs: list[str], request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(name)
    assert path.parent == SHOPS
    assert [folder.name for folder in path.iterdir() if folder.is_dir()] == inputs

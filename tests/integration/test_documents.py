"""Test that README, CONTRIBUTING and CHANGELOG name what exists, and that the lock file fits."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from packaging.requirements import Requirement

from analysis.core.plotting import draw
from analysis.core.settings import ROOT
from analysis.orders import figures, tables, text

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCUMENTS = ("README.md", "CONTRIBUTING.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_newest_release_in_the_changelog_is_the_version() -> None:
    assert re.findall(r"^## \[(.+?)\]", read("CHANGELOG.md"), re.M)[:2] == [
        "Unreleased",
        PROJECT["version"],
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_exists(document: str) -> None:
    text = read(document)
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.M))
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)", text, re.M))
    assert named and {one or other for one, other in named} <= targets
    commands = set(re.findall(r'^ +\("([a-z]+)", _', read("analysis/__main__.py"), re.M))
    commands |= set(re.findall(r'add_parser\("([a-z]+)"', read("analysis/__main__.py")))
    assert "check" in commands and "refresh" in commands
    assert set(re.findall(r"python -m analysis ([a-z]+)", text)) <= commands


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str) -> None:
    text = read(document)
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    code = re.findall(r"`((?:analysis|report|tests|benchmarks|\.github|\.ci)/[\w./-]*)`", text)
    assert links and code
    named = links | {path for path in code if "NAME" not in path}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize(
    "asked", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
)
def test_the_lock_file_holds_what_is_asked_for(asked: str) -> None:
    """An update of pyproject.toml without `make lock` would never be installed."""
    requirement = Requirement(asked)
    pins = re.findall(rf"^{re.escape(requirement.name)}==(\S+)", read("requirements.lock"), re.M)
    # One pin, or one for each range of Python versions.
    assert pins and all(requirement.specifier.contains(pin) for pin in pins)


def test_the_example_of_a_figure_works() -> None:
    """The table, the sentence and the figure of "How to add a figure", in their modules."""
    blocks = re.findall(r"^   ```python\n(.+?)^   ```", read("CONTRIBUTING.md"), re.M | re.S)
    makers: list[Callable[..., Any]] = []
    for block, module in zip(blocks, (tables, text, figures), strict=True):
        names = dict(vars(module))
        exec(textwrap.dedent(block), names)
        makers.append(names["weekdays"])
    tabulate, say, plot = makers
    table = tabulate(pd.DataFrame({"weekday": [1, 1, 3], "hour": [9, 10, 9], "orders": [4, 2, 2]}))
    assert table["orders"].tolist() == [0, 6, 0, 2, 0, 0, 0]
    assert say(table) == "Tuesday has 75% of all orders."
    assert say(table.assign(orders=0)) == text.NO_SALES
    assert b"Tuesday has 75% of all orders." in draw(plot(table, say(table)))

"""Test that README, CONTRIBUTING and CHANGELOG name what exists, and that the lock file fits."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from analysis.build.presentation import presenting_steps
from analysis.build.presenting import write_figure
from analysis.core import sentences
from analysis.core.paths import ROOT
from analysis.orders import figures

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


def test_the_example_of_a_figure_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The section and the function of "How to add a figure", in their files."""
    written = read("CONTRIBUTING.md").partition("## How to add a figure")[2]
    words, drawing = (
        textwrap.dedent(re.findall(rf"^   ```{kind}\n(.+?)^   ```", written, re.M | re.S)[0])
        for kind in ("toml", "python")
    )
    path = tmp_path / "analysis" / "orders" / sentences.FILE
    path.parent.mkdir(parents=True)
    path.write_text(words, encoding="utf-8")
    monkeypatch.setattr(sentences, "ROOT", tmp_path)
    sentences.sections.cache_clear()
    try:
        (step,) = presenting_steps()
        names = dict(vars(figures))
        exec(drawing, names)
        draw_days = names[step.run.partition(":")[2]]
        week = pd.DataFrame({"weekday": [1, 1, 3], "hour": [9, 10, 9], "orders": [4, 2, 2]})
        made = draw_days(week)
        files = write_figure(made, step, tmp_path)
        assert made.headline == "Tuesday has 75% of all orders"
        assert made.data["orders"].tolist() == [0, 6, 0, 2, 0, 0, 0]
        assert set(files) == set(step.makes)
        assert draw_days(week.head(0)) == "There are no net sales to show."
    finally:
        sentences.sections.cache_clear()

"""Test that the lock files pin what each command needs, and a report nothing more."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from analysis.core.settings import ROOT
from report.__main__ import OFFLINE, OFFLINE_LOCK

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
#: A cluster brings its own Spark: no lock file says which.
LOCKED = [extra for extra in EXTRAS if extra != "spark"]
OWN = {"analysis", "benchmarks", "report"}


def lock_file(extra: str) -> str:
    return f"requirements-{extra}.lock" if extra else "requirements.lock"


def pins(extra: str) -> dict[str, set[str]]:
    """Return the versions that a lock file pins: one, or one for each range of Python versions."""
    found: dict[str, set[str]] = {}
    text = (ROOT / lock_file(extra)).read_text(encoding="utf-8")
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.M):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def asked_for(extra: str) -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for: all projects' needs, and those of an extra."""
    yield from map(Requirement, PROJECT["dependencies"])
    for requirement in map(Requirement, EXTRAS[extra] if extra else ()):
        if requirement.name == PROJECT["name"]:
            for inner in requirement.extras:
                yield from asked_for(inner)
        else:
            yield requirement


@pytest.mark.parametrize("extra", ["", *LOCKED])
def test_a_lock_file_holds_what_is_asked_for(extra: str) -> None:
    """An update of pyproject.toml without `make lock` would never be installed."""
    pinned = pins(extra)
    for requirement in asked_for(extra):
        versions = pinned.get(canonicalize_name(requirement.name), set())
        assert versions and all(requirement.specifier.contains(one) for one in versions), (
            requirement
        )


@pytest.mark.parametrize("extra", ["", *LOCKED])
def test_lock_files_agree_on_every_version(extra: str) -> None:
    everything = pins("dev")
    assert {name: everything.get(name) for name in pins(extra)} == pins(extra)


@pytest.mark.parametrize("extra", ["", *LOCKED])
def test_a_lock_file_names_no_place_to_download_from(extra: str) -> None:
    text = (ROOT / lock_file(extra)).read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text


def imported(path: Path) -> set[str]:
    """Return the packages that a module imports, also within functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - OWN - sys.stdlib_module_names


@pytest.mark.parametrize("extra", ["", "offline"])
def test_what_a_report_imports_is_in_its_lock_file(extra: str) -> None:
    """A library that only tests need would be missing where only a report is made."""
    offline = [*(ROOT / "report" / "offline").rglob("*.py")]
    always = {*(ROOT / "analysis").rglob("*.py"), *(ROOT / "report").rglob("*.py")} - {*offline}
    names = set().union(*map(imported, offline if extra else always))
    providers, pinned = packages_distributions(), pins(extra)
    missing = {
        name
        for name in names
        if not any(canonicalize_name(one) in pinned for one in providers.get(name, ()))
    }
    assert names and missing == set()


def test_the_path_without_quarto_looks_for_all_that_only_it_needs() -> None:
    needed = {canonicalize_name(Requirement(one).name) for one in EXTRAS["offline"]}
    providers = packages_distributions()
    assert {canonicalize_name(providers[name][0]) for name in OFFLINE} == needed
    assert lock_file("offline") == OFFLINE_LOCK

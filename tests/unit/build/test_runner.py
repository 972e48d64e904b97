"""Test that a step runs when, and only when, something that its result depends on has changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel

from analysis.build import keys
from analysis.build.keys import restrict_settings, sources
from analysis.build.runner import LEFT_OUT, RUNS, TAKEN_OVER, Earlier, Outcome, Outside, run
from analysis.build.step import Step, makers, sort_steps
from analysis.core.progress import Steps

MODULES = {
    "__init__.py": "",
    "helper.py": "RATE = 2\n",
    "sentences.py": "TEXT = 'many'\n",
    "steps.py": """
import pandas as pd


def read(files):
    return {"lines": pd.DataFrame({"amount": files})}, {"lines.rows": len(files)}


def total(lines, settings):
    from toy_shop import helper

    own = lines.assign(amount=lines["amount"] * helper.RATE * settings.model.weight)
    return {"totals": own}, {"totals.sum": float(own["amount"].sum())}
""",
    "words.py": """
from toy_shop import sentences


def tell(totals, extra):
    said = f"{sentences.TEXT}: {len(totals)}{'' if extra is None else ' and more'}"
    return {"text": pd_frame(said)}, {}


def pd_frame(text):
    import pandas as pd

    return pd.DataFrame({"text": [text]})
""",
}
READ = Step("read", "toy_shop.steps:read", needs=("files",), makes=("lines",))
TOTAL = Step(
    "total",
    "toy_shop.steps:total",
    needs=("lines",),
    makes=("totals",),
    settings=("model.weight",),
    reads=("data/rules.toml",),
)
TELL = Step("tell", "toy_shop.words:tell", needs=("totals", "extra?"), makes=("text",))
STEPS = [TELL, TOTAL, READ]


class Model(BaseModel):
    weight: int = 3
    other: int = 1


class Choices(BaseModel):
    model: Model = Model()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a project with a small package of steps."""
    for name, text in MODULES.items():
        path = tmp_path / "toy_shop" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rules.toml").write_text("a = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "toy_shop"]:
        del sys.modules[name]


def built(root: Path, name: str) -> Earlier:
    """Return a build as it would be found by the next one."""
    return Earlier(root / name, json.loads((root / f"{name}.json").read_text()))


def build(
    root: Path,
    name: str = "first",
    earlier: str = "",
    *,
    steps: list[Step] | None = None,
    files: tuple[int, ...] = (1, 2),
    settings: Choices | None = None,
    **more: Outside,
) -> list[Outcome]:
    """Build into a folder of the project, after another one that was built before."""
    out = root / name
    out.mkdir()
    before = None
    if earlier:
        before = built(root, earlier)
    outside = {"files": Outside(list(files), str(files)), **more}
    for module in [module for module in sys.modules if module.partition(".")[0] == "toy_shop"]:
        del sys.modules[module]
    done = run(steps or STEPS, outside, settings or Choices(), root, Steps(), before, out)
    records = {o.step.name: o.record for o in done if o.record}
    (root / f"{name}.json").write_text(json.dumps(records))
    return done


def states(done: list[Outcome]) -> dict[str, str]:
    return {outcome.step.name: outcome.state for outcome in done}


def edit(path: str, old: str, new: str) -> Callable[[Path], dict[str, Any]]:
    def change(root: Path) -> dict[str, Any]:
        text = (root / path).read_text()
        assert old in text
        (root / path).write_text(text.replace(old, new))
        return {}

    return change


def damage(name: str) -> Callable[[Path], dict[str, Any]]:
    def change(root: Path) -> dict[str, Any]:
        path = root / "first" / f"{name}.parquet"
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        return {}

    return change


def test_the_first_run_makes_everything_in_order(shop: Path) -> None:
    done = build(shop)
    assert [outcome.step.name for outcome in done] == ["read", "total", "tell"]
    assert set(states(done).values()) == {RUNS}
    assert {fact: n for o in done for fact, n in o.record["facts"].items()} == {
        "lines.rows": 2,
        "totals.sum": 18.0,
    }
    assert pd.read_parquet(shop / "first" / "text.parquet")["text"].tolist() == ["many: 2"]


def test_an_unchanged_step_is_taken_over_with_its_facts_and_the_same_bytes(shop: Path) -> None:
    first = build(shop)
    second = build(shop, "second", "first")
    assert set(states(second).values()) == {TAKEN_OVER}
    assert [o.record for o in second] == [o.record for o in first]
    for path in (shop / "first").iterdir():
        assert (shop / "second" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "runs", "why"),
    [
        (edit("toy_shop/sentences.py", "many", "several"), {"tell"}, "other code"),
        (edit("toy_shop/helper.py", "2", "4"), {"read", "total", "tell"}, "other code"),
        (edit("toy_shop/__init__.py", "", "# a note\n"), {"read", "total", "tell"}, "other code"),
        (edit("data/rules.toml", "1", "2"), {"total", "tell"}, "other data files"),
        (
            lambda _: {"settings": Choices(model=Model(weight=4))},
            {"total", "tell"},
            "other settings",
        ),
        (lambda _: {"settings": Choices(model=Model(other=4))}, set(), ""),
        (lambda _: {"files": (1, 2, 3)}, {"read", "total", "tell"}, "other inputs"),
        (lambda _: {"extra": Outside("news", "1")}, {"tell"}, "other inputs"),
        (damage("totals"), {"total"}, "totals missing or damaged"),
        (damage("text"), {"tell"}, "text missing or damaged"),
        (
            lambda _: {"steps": [TELL, replace(TOTAL, paths=("files",)), READ]},
            {"total", "tell"},
            "other declaration",
        ),
    ],
)
def test_a_change_runs_the_steps_that_depend_on_it_and_no_others(
    shop: Path, change: Callable[[Path], dict[str, Any]], runs: set[str], why: str
) -> None:
    build(shop)
    done = build(shop, "second", "first", **change(shop))
    assert {name for name, state in states(done).items() if state == RUNS} == runs
    assert next((outcome.why for outcome in done if outcome.state == RUNS), "") == why


@pytest.mark.parametrize("name", ["python", "pandas"])
def test_another_version_of_python_or_a_library_runs_everything(
    shop: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    build(shop)
    now = keys.versions()
    monkeypatch.setattr(keys, "versions", lambda: now | {name: "99"})
    done = build(shop, "second", "first")
    assert set(states(done).values()) == {RUNS}
    assert done[0].why == "other versions"


def test_versions_name_python_and_each_library_that_computes() -> None:
    assert {"python", "pandas", "duckdb", "scikit-learn"} <= set(keys.versions())


def test_a_plan_writes_nothing_and_says_why(shop: Path) -> None:
    build(shop)
    edit("toy_shop/sentences.py", "many", "several")(shop)
    earlier = built(shop, "first")
    before = sorted(shop.rglob("*"))
    done = run(STEPS, {"files": Outside([1, 2], "(1, 2)")}, Choices(), shop, Steps(), earlier)
    assert [(o.step.name, o.state, o.why) for o in done] == [
        ("read", TAKEN_OVER, ""),
        ("total", TAKEN_OVER, ""),
        ("tell", RUNS, "other code"),
    ]
    assert sorted(shop.rglob("*")) == before


def test_a_step_without_what_it_needs_is_left_out_and_so_are_those_behind_it(shop: Path) -> None:
    (shop / "out").mkdir()
    done = run(STEPS, {}, Choices(), shop, Steps(), None, shop / "out")
    assert [(o.state, o.why) for o in done] == [
        (LEFT_OUT, "there is no files"),
        (LEFT_OUT, "there is no lines"),
        (LEFT_OUT, "there is no totals"),
    ]
    assert not any((shop / "out").iterdir())


def test_a_step_sees_no_setting_that_it_does_not_name() -> None:
    seen = restrict_settings(Choices(), ["model.weight"])
    assert seen.model.weight == 3
    with pytest.raises(AttributeError):
        _ = seen.model.other
    with pytest.raises(AttributeError):
        _ = restrict_settings(Choices(), []).model


def test_declarations_that_contradict_each_other_are_refused(shop: Path) -> None:
    with pytest.raises(ValueError, match="'read' and 'again' both make 'lines'"):
        makers([READ, replace(READ, name="again")])
    with pytest.raises(ValueError, match="two steps are called 'read'"):
        makers([READ, replace(READ, makes=("others",))])
    with pytest.raises(ValueError, match="cycle"):
        sort_steps([replace(READ, needs=("text",)), TOTAL, TELL])
    with pytest.raises(ValueError, match="'read' makes lines, which it does not declare"):
        build(shop, steps=[replace(READ, makes=())])
    with pytest.raises(ValueError, match=r"'twice' gives the fact 'lines\.rows'"):
        twice = Step("twice", "toy_shop.again:read", needs=("files",), makes=("more",))
        source = "def read(files):\n    return {}, {'lines.rows': 1}\n"
        (shop / "toy_shop" / "again.py").write_text(source)
        build(shop, "twice", steps=[READ, twice])


def test_sources_follow_imports_in_functions_and_refuse_relative_ones(shop: Path) -> None:
    assert set(sources("toy_shop.words", shop)) == {
        "toy_shop/__init__.py",
        "toy_shop/sentences.py",
        "toy_shop/words.py",
    }
    assert "toy_shop/helper.py" in sources("toy_shop.steps", shop)
    (shop / "toy_shop" / "near.py").write_text("from . import helper\n")
    with pytest.raises(ValueError, match=r"near\.py imports by a relative name"):
        sources("toy_shop.near", shop)
    with pytest.raises(ValueError, match=r"there is no module toy_shop\.gone"):
        sources("toy_shop.gone", shop)

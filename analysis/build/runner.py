"""Run the steps of a build in their order, and take over those whose key has not changed.

Tables pass from step to step as Parquet files in the build's folder. A step is taken over from an
earlier build when all parts of its key (`analysis.build.keys`) are as recorded there, and every
table that it made then is there, byte for byte.
"""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.build.keys import digest, file_digest, key, restrict_settings
from analysis.build.step import FACTS, Step, makers, sort_steps, upstream_steps
from analysis.core.progress import Steps

#: What the manifest keeps of a step: key (its parts), tables (name -> SHA-256), facts, seconds.
Record = dict[str, Any]
TAKEN_OVER, RUNS, LEFT_OUT = "taken over", "runs", "left out"


class Outside(NamedTuple):
    """An input that no step makes: what functions get, and what its content is known by."""

    value: Any
    fingerprint: str


class Earlier(NamedTuple):
    """An earlier build: its folder, and the records of its steps."""

    folder: Path
    records: Mapping[str, Record]


class Outcome(NamedTuple):
    """What becomes of a step, and why; `record` is empty where nothing was done."""

    step: Step
    state: str
    why: str
    record: Record
    key: str = ""


def run(
    steps: Iterable[Step],
    outside: Mapping[str, Outside],
    settings: Any,
    root: Path,
    progress: Steps,
    earlier: Earlier | None = None,
    out: Path | None = None,
) -> list[Outcome]:
    """Make the tables of all steps in a folder, or only say which would be made, and why.

    Parameters
    ----------
    steps
        The steps, in any order.
    outside
        The inputs that no step makes, by name.
    settings
        All settings.
    root
        The project's folder.
    progress
        Takes the names and seconds of steps.
    earlier
        The build whose steps are taken over where nothing has changed.
    out
        The folder to write to, which is there and empty. None: nothing is done or written.

    Returns
    -------
    list of Outcome
        One for each step, in order.

    Raises
    ------
    ValueError
        When a step makes a table that it has not declared, or gives a fact that another gave.
    Exception
        Whatever a step raises.
    """
    ordered = sort_steps(steps)
    maker = makers(ordered)
    known = {name: given.fingerprint for name, given in outside.items()}
    keys: dict[str, str] = {}
    there = {*outside, FACTS}
    found: list[Outcome] = []
    facts: dict[str, Any] = {}
    for step in ordered:
        if unmet := [name for name, must in step.inputs.items() if must and name not in there]:
            found.append(Outcome(step, LEFT_OUT, f"there is no {' and no '.join(unmet)}", {}))
            continue
        upstream = {
            s.name: keys[s.name] for s in upstream_steps(step, ordered, maker) if s.name in keys
        }
        parts = key(step, settings, known, upstream, root)
        keys[step.name] = digest(parts)
        why = _reason_to_run(step, parts, earlier)
        record = {} if why or not earlier else dict(earlier.records[step.name])
        if out and why:
            given = {name: value.value for name, value in outside.items()} | {FACTS: dict(facts)}
            record = _perform(step, given, there, settings, out, progress)
        elif out and earlier:
            _take_over(record, earlier.folder, out)
            progress.seconds[step.name] = record["seconds"]
        # What a step that is only planned would make is not known: it may make all of it.
        there |= set(record["tables"]) if record else set(step.makes)
        if twice := facts.keys() & record.get("facts", {}):
            raise ValueError(f"'{step.name}' gives the fact '{min(twice)}', and so does another")
        facts |= record.get("facts", {})
        record = record and record | {"key": parts}
        state = RUNS if why else TAKEN_OVER
        found.append(Outcome(step, state, why, record, keys[step.name]))
    return found


def _reason_to_run(step: Step, parts: Mapping[str, str], earlier: Earlier | None) -> str:
    """Return why a step cannot be taken over; empty when it can."""
    record = earlier.records.get(step.name) if earlier else None
    if not earlier or not record:
        return "it was not made before"
    if changed := [name for name, value in parts.items() if record["key"].get(name) != value]:
        return f"other {' and other '.join(changed)}"
    damaged = [
        name
        for name, sha256 in record["tables"].items()
        if file_digest(table_path(earlier.folder, name)) != sha256
    ]
    return f"{' and '.join(damaged)} missing or damaged" if damaged else ""


def table_path(folder: Path, name: str) -> Path:
    """Return where a build keeps a table."""
    return folder / f"{name}.parquet"


def _perform(
    step: Step,
    outside: Mapping[str, Any],
    there: set[str],
    settings: Any,
    out: Path,
    progress: Steps,
) -> Record:
    """Run a step, write its tables, and return its record without the key."""
    module, _, name = step.run.partition(":")
    with progress.step(step.name), tempfile.TemporaryDirectory(dir=out, prefix=".") as scratch:
        function = getattr(import_module(module), name)
        arguments = {
            need.rpartition("/")[2]: _value(need, step, outside, out) if need in there else None
            for need in step.inputs
        }
        offered = {
            "settings": restrict_settings(settings, step.settings),
            "progress": progress,
            "scratch": Path(scratch),
        }
        wanted = inspect.signature(function).parameters
        arguments |= {name: value for name, value in offered.items() if name in wanted}
        tables, facts = function(**arguments)
        if undeclared := set(tables) - set(step.makes):
            raise ValueError(f"'{step.name}' makes {min(undeclared)}, which it does not declare")
        for table, content in tables.items():
            path = table_path(out, table)
            path.parent.mkdir(exist_ok=True)
            if isinstance(content, pd.DataFrame):
                content.to_parquet(path, index=False)
            else:
                content.rename(path)
    hashes = {table: file_digest(table_path(out, table)) for table in tables}
    return {"tables": hashes, "facts": dict(facts), "seconds": progress.seconds[step.name]}


def _value(need: str, step: Step, outside: Mapping[str, Any], out: Path) -> Any:
    if need in outside:
        return outside[need]
    path = table_path(out, need)
    return path if need in step.paths else pd.read_parquet(path)


def _take_over(record: Record, folder: Path, out: Path) -> None:
    """Give the tables of an earlier build a second name in the new one, or copy them."""
    for name in record["tables"]:
        source, target = table_path(folder, name), table_path(out, name)
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

"""Run the steps of a build in their order, and take over those whose key has not changed.

Tables pass from step to step as Parquet files in the build's folder. A step is taken over from an
earlier build when all parts of its key (`analysis.build.keys`) are as recorded there, and every
table that it made then is there, byte for byte.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from analysis.build.keys import digest, file_digest, key
from analysis.build.performing import Record, file_path, job, perform, perform_side_by_side
from analysis.build.step import FACTS, Step, makers, sort_steps, upstream_steps
from analysis.core.progress import Steps

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
    """What becomes of a step, and why; `record` is empty where nothing was done.

    `parts` are those of its key.
    """

    step: Step
    state: str
    why: str
    record: Record
    key: str = ""
    parts: Mapping[str, str] = {}


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
    values = {name: given.value for name, given in outside.items()}
    keys: dict[str, str] = {}
    there = {*outside, FACTS}
    found: list[Outcome] = []
    facts: dict[str, Any] = {}
    presented: list[int] = []
    for step in ordered:
        if unmet := [name for name, must in step.inputs.items() if must and name not in there]:
            found.append(Outcome(step, LEFT_OUT, f"there is no {' and no '.join(unmet)}", {}))
            continue
        upstream = {
            s.name: keys[s.name] for s in upstream_steps(step, ordered, maker) if s.name in keys
        }
        parts = key(step, settings, known, upstream, root, facts)
        keys[step.name] = digest(parts)
        why = _reason_to_run(step, parts, earlier)
        record = {} if why or not earlier else dict(earlier.records[step.name])
        if out and why and step.kind:
            presented.append(len(found))
        elif out and why:
            with progress.step(step.name):
                given = values | {FACTS: dict(facts)}
                record = perform(job(step, given, there, facts, settings, out), progress)
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
        found.append(Outcome(step, state, why, record, keys[step.name], parts))
    if out and presented:
        with progress.step("sentences, figures and tables for the chapters"):
            given = values | {FACTS: dict(facts)}
            jobs = [job(found[n].step, given, there, facts, settings, out) for n in presented]
            for n, record in zip(presented, perform_side_by_side(jobs), strict=True):
                progress.seconds[found[n].step.name] = record["seconds"]
                found[n] = found[n]._replace(record=record | {"key": found[n].parts})
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
        if file_digest(file_path(earlier.folder, name)) != sha256
    ]
    return f"{' and '.join(damaged)} missing or damaged" if damaged else ""


def _take_over(record: Record, folder: Path, out: Path) -> None:
    """Give the tables of an earlier build a second name in the new one, or copy them."""
    for name in record["tables"]:
        source, target = file_path(folder, name), file_path(out, name)
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

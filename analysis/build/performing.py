"""Perform a step: give its function what it needs, and write what it makes."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.build.keys import file_digest, restrict_settings
from analysis.build.small_groups import RULES, hide_small_groups
from analysis.build.step import PRESENTING, Step
from analysis.core import sentences
from analysis.core.progress import Steps

#: What the manifest keeps of a step: key (its parts), tables (name -> SHA-256), facts, seconds.
Record = dict[str, Any]


class Job(NamedTuple):
    """A step that is to run: all that it may see.

    Attributes
    ----------
    step
        The step.
    outside
        The needed inputs that no step makes, by name.
    there
        Which of the tables that it needs there are.
    facts
        Those that it may read.
    settings
        Those that it names.
    out
        The folder of the build.
    """

    step: Step
    outside: Mapping[str, Any]
    there: frozenset[str]
    facts: Mapping[str, Any]
    settings: Any
    out: Path


def job(
    step: Step,
    outside: Mapping[str, Any],
    there: set[str],
    facts: Mapping[str, Any],
    settings: Any,
    out: Path,
) -> Job:
    """Return a step with what it may see of all that there is."""
    return Job(
        step,
        {need: outside[need] for need in step.inputs if need in outside},
        frozenset(there.intersection(step.inputs)),
        {name: facts.get(name) for name in step.facts},
        restrict_settings(settings, step.settings),
        out,
    )


def file_path(folder: Path, name: str) -> Path:
    """Return where a build keeps what a step makes: a table, or a file with a suffix.

    Examples
    --------
    >>> file_path(Path("build"), "week").name, file_path(Path("build"), "figures/week.svg").name
    ('week.parquet', 'week.svg')
    """
    return folder / name if Path(name).suffix else folder / f"{name}.parquet"


def perform(work: Job, progress: Steps) -> Record:
    """Run a step, write what it makes, and return its record without the key."""
    step, start = work.step, time.perf_counter()
    with tempfile.TemporaryDirectory(dir=work.out, prefix=".") as scratch:
        function = _function(step.run)
        arguments = {
            need.rpartition("/")[2]: _value(need, work) if need in work.there else None
            for need in step.inputs
        }
        arguments |= {name.rpartition(".")[2]: value for name, value in work.facts.items()}
        offered = {"settings": work.settings, "progress": progress, "scratch": Path(scratch)}
        wanted = inspect.signature(function).parameters
        arguments |= {name: value for name, value in offered.items() if name in wanted}
        if step.kind:
            with sentences.only(step.says):
                given = function(**arguments)
                made, facts = _function(PRESENTING[step.kind])(given, step, Path(scratch)), {}
        else:
            made, facts = function(**arguments)
        if undeclared := set(made) - set(step.makes):
            raise ValueError(f"'{step.name}' makes {min(undeclared)}, which it does not declare")
        for name, content in made.items():
            path = file_path(work.out, name)
            path.parent.mkdir(exist_ok=True)
            if isinstance(content, pd.DataFrame):
                if name in RULES:
                    smallest = work.settings.report.smallest_group
                    content = hide_small_groups(name, content, smallest)
                content.to_parquet(path, index=False)
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                content.rename(path)
    hashes = {name: file_digest(file_path(work.out, name)) for name in made}
    return {
        "tables": hashes,
        "facts": dict(facts),
        "seconds": round(time.perf_counter() - start, 2),
    }


def perform_side_by_side(jobs: Sequence[Job]) -> Iterator[Record]:
    """Run steps that do not need each other, in as many processes as there are cores."""
    if not jobs:
        return
    # What forks from here has this process's threads half-way through their work.
    ways = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in ways else "spawn")
    if any(one.step.kind == "figure" for one in jobs):
        context.set_forkserver_preload(["analysis.core.plotting"])  # imported once for all
    workers = min(len(jobs), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent) as pool:
        running = [pool.submit(perform, one, Steps()) for one in jobs]
        try:
            for one, done in zip(jobs, running, strict=True):
                try:
                    yield done.result()
                except Exception as error:
                    error.add_note(f"while the build made the {one.step.name}")
                    raise
        finally:
            pool.shutdown(cancel_futures=True)


def end_with_parent() -> None:
    """End this worker once the build that started it is gone, however that ended.

    A worker waits for work at a pipe of which it holds both ends, so it would wait forever.
    """
    parent = multiprocessing.parent_process()

    def end() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def _function(name: str) -> Any:
    module, _, own = name.partition(":")
    return getattr(import_module(module), own)


def _value(need: str, work: Job) -> Any:
    if need in work.outside:
        return work.outside[need]
    path = file_path(work.out, need)
    return path if need in work.step.paths else pd.read_parquet(path)

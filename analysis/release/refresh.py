"""Refresh the report with new files: check, build, compare, render and publish, all or nothing.

Everything is made in a folder of the release store that nobody reads: the new files are checked
alone and against those that were accepted before, all files are built, the build is compared with
the last accepted one, and the book is rendered in a copy of the project. Then one step publishes
the new release (`analysis.release.store`). Whatever fails before that step changes nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.core.files import MANIFEST, SCHEMA, data_version, read_json, replacing
from analysis.core.problems import Problem, Refused
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.ingest import salt
from analysis.ingest.data_folder import Inputs, find_inputs, role_of
from analysis.release import open_store, raw, store
from analysis.release.disk import refuse_system_errors
from analysis.release.placing import placing, renaming

#: What a copy of the project does without: made, or large, or not needed to render.
NOT_COPIED = {
    ".git",
    ".venv",
    ".quarto",
    "_book",
    "_site",
    "sites",
    "build",
    "builds",
    "releases",
    "raw",
    "sample",
    "tests",
    "benchmarks",
    "images",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
}
#: Names the build that a renderer takes as it is, by its key: it then builds and publishes nothing.
REPORT_BUILD = "REPORT_BUILD"
Tell = Callable[[str], None]


def earlier_accepted_builds(
    root: Path, inputs: Inputs, settings: Settings, tell: Tell
) -> list[Path]:
    """Return the accepted builds that a build of these files is compared with, oldest first.

    They are of other files. Only the data of the usual folder has a history; what is named on the
    command line is compared with nothing.
    """
    if inputs.place != str(settings.report.data):
        return []
    found = []
    for folder in store.accepted_builds(root):
        manifest = read_json(folder / MANIFEST)
        if data_version(manifest) == inputs.version:
            continue
        if (layout := manifest.get("schema", 1)) > SCHEMA:
            tell(
                f"Not compared with {folder.parent.name}: its build has layout {layout}, and this "
                f"version of the program reads layouts 1 to {SCHEMA}."
            )
            continue
        found.append(folder)
    return found


def earlier_facts(builds: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the facts of some builds, where there are any."""
    return [read_json(folder / "facts.json") for folder in builds]


def earlier_build(root: Path, inputs: Inputs, out: Path) -> Path:
    """Return the build whose long steps may be taken over: of the same files, if there is one."""
    builds = [out, *reversed(store.accepted_builds(root))]
    same = (b for b in builds if data_version(read_json(b / MANIFEST)) == inputs.version)
    return next(same, next((b for b in builds if (b / MANIFEST).is_file()), out))


def bring_build(root: Path) -> str:
    """Make ``build/`` that of the published release, and return the release's name.

    Where nothing is published yet, ``build/`` is left as it is, and the name is empty.
    """
    release, out = store.current_release(root), root / "build"
    if not release or not (build := store.build_of(root, release.name)).joinpath(MANIFEST).exists():
        return ""
    if read_json(out / MANIFEST).get("key") != read_json(build / MANIFEST).get("key"):
        with replacing(out) as new:
            shutil.copytree(build, new, dirs_exist_ok=True)
    return release.name


def refresh(
    root: Path,
    files: Sequence[Path],
    settings: Settings,
    tell: Tell,
    *,
    dry_run: bool = False,
    accept: Sequence[str] = (),
    replaces: Sequence[str] = (),
    removes: Sequence[str] = (),
) -> store.Release | None:
    """Take in new files, build, compare, render, and publish: all of it, or nothing.

    Parameters
    ----------
    root
        The project's folder.
    files
        Files of orders, of past campaigns, or tables of regular customers.
    settings
        The project's own settings.
    tell
        Takes lines for the person who waits.
    dry_run
        Whether to stop after the comparison.
    accept
        The checks whose findings do not stop (see `history.new_files`).
    replaces
        Accepted files of which the new ones take the place, though they have other names.
    removes
        Accepted files to be taken out of use.

    Returns
    -------
    Release
        What is published now; None after a dry run.

    Raises
    ------
    Refused
        With all that is wrong. What is published, and data/raw, are as they were.
    """
    if settings.report.data != store.DATA:
        data = settings.report.data
        rule = f"[report] data is {data}, and a refresh works with {store.DATA}"
        raise Refused([Problem("settings.toml", rule, remedy=f'Set it to "{store.DATA}".')])
    with (
        open_store(root),
        store.prepare_folder(root) as work,
        refuse_system_errors(root, every=False),
    ):
        role = role_of(settings)
        used = raw.find_in_use(root, role, renaming(settings))
        if used.retired:
            tell(raw.retired_line(used))
        plan = raw.plan(root, used, files, placing(settings), role, replaces, removes)
        for place, path in plan.after.paths.items():
            store.keep_raw(root, path, plan.after.files[place])
        after = raw.stored_files(root, plan.after.files)
        project = work / "project"
        if not dry_run:
            _copy_project(root, project)
        with raw.view(root, after) as folder, raw.view(root, plan.before) as old:
            # heavy
            from analysis.build import new_files, pipeline
            from analysis.history import findings, text_changes

            steps = Steps()
            inputs = find_inputs(folder, settings, str(store.DATA), root)
            by_hand = (
                raw.by_hand_line(used) if used.by_hand and store.release_in_force(root) else ""
            )
            noticed = new_files.check_against_history(
                inputs, plan.came, plan.gone, old, settings, steps, by_hand
            )
            if changed := salt.change(earlier_facts(store.accepted_builds(root)), inputs.salt):
                new = findings.Finding("customers.salt", findings.STOPS, "", changed)
                noticed = pd.concat([findings.findings([new]), noticed], ignore_index=True)
            _stop(noticed, set(accept), tell)
            inputs = replace(inputs, salt=salt.make(root))
            accepted = earlier_accepted_builds(root, inputs, settings, tell)
            tell(f"Building from {len(after.files)} files, {len(plan.came)} of them new")
            build = project / "build"
            earlier = earlier_build(root, inputs, root / "build")
            key = pipeline.build(inputs, settings, build, steps, earlier, accepted, noticed, root)
        lines = text_changes.lines(build)
        for line in lines:
            tell(line)
        if dry_run:
            tell("A dry run: nothing was changed.")
            return None
        _render(project, key)
        before = store.release_in_force(root)
        release = store.Release(
            name=(as_of := str(read_json(build / MANIFEST).get("as_of", ""))) or "undated",
            files=after.files,
            superseded=tuple(sorted({*(before.superseded if before else ()), *plan.superseded})),
            as_of=as_of,
            data_version=inputs.version,
            notes=(
                f"data version {inputs.version}",
                *(f"new: {place}" for place in plan.came),
                *(f"replaced or removed: {place}" for place in plan.gone),
                *(f"accepted in spite of {name}" for name in sorted(set(accept))),
                *(lines if accepted else []),
            ),
        )
        release = store.publish(root, release, build, project / "_book")
        with suppress(OSError, Refused):  # it is published; `build` and `export` see to it later
            bring_build(root)
        return release


def _stop(noticed: pd.DataFrame, accept: set[str], tell: Tell) -> None:
    """Tell what is remarkable in the new files, and refuse them if it stops a refresh."""
    from analysis.history import findings

    stops = findings.stops(noticed, accept)
    for row in noticed.drop(stops.index).to_dict("records"):
        tell(f"{row['severity']}: {row['message']}")
    if len(stops):
        told = [Problem("the new files", text.removesuffix(".")) for text in stops["message"]]
        raise Refused(told)


# ------------------------------------------------------------------------- the book


def _copy_project(root: Path, target: Path) -> None:
    """Copy all that a book is made from, beside its data and its build."""
    shutil.copytree(
        root,
        target,
        symlinks=True,
        ignore=lambda folder, names: {
            name
            for name in names
            if name in NOT_COPIED or (Path(folder) == root and name.startswith((".git", ".ci")))
        },
    )


def _render(project: Path, key: str) -> None:
    """Render the book in the copy of the project, from the build that is there."""
    own = {n: v for n, v in os.environ.items() if n not in ("REPORT_DATA", "PYTHONPATH")}
    own[REPORT_BUILD] = key
    done = subprocess.run([sys.executable, "-m", "report"], cwd=project, env=own, check=False)
    if done.returncode:
        remedy = "What is published stays as it was. Run the refresh again after that."
        rule = "it could not be rendered; the messages above say why"
        raise Refused([Problem("the book", rule, remedy=remedy)])

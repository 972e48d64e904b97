"""Build the tables and facts of a data folder: prepare the inputs, run the steps, describe them.

The steps are declared in `analysis.build.steps`. Nothing that lasts is written before all data is
found good.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.build.keys import digest, presenting_versions, versions
from analysis.build.performing import Record, file_path
from analysis.build.runner import (
    LEFT_OUT,
    TAKEN_OVER,
    Earlier,
    Outcome,
    Outside,
    run,
)
from analysis.build.steps import COMPARE, STEPS
from analysis.core.files import MANIFEST, SCHEMA, data_version, read_json, replacing, write_json
from analysis.core.paths import ROOT
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.ingest.data_folder import Inputs
from analysis.ingest.profiles import read_profiles
from analysis.ingest.salt import mark
from analysis.segments import reference
from analysis.segments.rules import read_segments
from analysis.strategy.plan import read_plan


def external_inputs(
    inputs: Inputs,
    settings: Settings,
    earlier: Path | None,
    accepted: Sequence[Path],
    noticed: pd.DataFrame | None,
    root: Path,
) -> dict[str, Outside]:
    """Return what steps need that no step makes, each with what its content is known by.

    Raises
    ------
    Refused
        When the segments, their actions, or the reference build cannot be read.
    """
    profiles = read_profiles()
    segments = read_segments()
    read_plan(segments)  # before anything long: what is wrong with the actions is told at once
    if noticed is None and earlier:
        noticed = _earlier_findings(earlier, inputs)
    rules = digest([rule.model_dump(mode="json") for rule in segments])
    found = {
        "inputs": Outside(inputs, digest(inputs.sha256, inputs.sample, mark(inputs.salt))),
        "profiles": Outside(profiles, digest([one.model_dump(mode="json") for one in profiles])),
        "named_segments": Outside(segments, rules),
    }
    if frozen := reference.read_reference(settings, root):
        found["reference"] = Outside(frozen, digest(reference.fingerprint(settings, root)))
    if accepted or noticed is not None:
        names = [data_version(read_json(folder / MANIFEST)) for folder in accepted]
        found["accepted"] = Outside(accepted, digest(names, [f.parent.name for f in accepted]))
    if noticed is not None:
        found["noticed"] = Outside(noticed, digest(noticed.to_json()))
    return found


def plan(
    inputs: Inputs,
    settings: Settings,
    earlier: Path | None = None,
    accepted: Sequence[Path] = (),
    noticed: pd.DataFrame | None = None,
    root: Path = ROOT,
) -> list[Outcome]:
    """Return what each step of a build would do, and why, without doing it.

    Parameters and errors are those of `build`.
    """
    given = external_inputs(inputs, settings, earlier, accepted, noticed, root)
    return run([*STEPS, COMPARE], given, settings, ROOT, Steps(), _earlier(earlier))


def key(outcomes: Sequence[Outcome], inputs: Inputs, settings: Settings) -> str:
    """Return the fingerprint of a build: of its steps, its settings and its data folder."""
    steps = {outcome.step.name: outcome.key for outcome in outcomes if outcome.state != LEFT_OUT}
    return digest(steps, inputs.place, settings.model_dump(mode="json"))


def is_current(out: Path, outcomes: Sequence[Outcome], inputs: Inputs, settings: Settings) -> bool:
    """Tell whether a folder holds the build that was planned on it, whole."""
    manifest = read_json(out / MANIFEST)
    done = all(outcome.state in (TAKEN_OVER, LEFT_OUT) for outcome in outcomes)
    whole = all((out / name).is_file() for name in manifest.get("artifacts", ["missing"]))
    return done and whole and manifest.get("key") == key(outcomes, inputs, settings)


def build(
    inputs: Inputs,
    settings: Settings,
    out: Path,
    progress: Steps,
    earlier: Path | None = None,
    accepted: Sequence[Path] = (),
    noticed: pd.DataFrame | None = None,
    root: Path = ROOT,
) -> str:
    """Run every step, write tables, facts and manifest, and return the key of the build.

    Parameters
    ----------
    inputs
        The files, from `ingest.data_folder.find_inputs`.
    settings
        All settings.
    out
        The folder that the new build replaces.
    progress
        Takes the seconds of each step.
    earlier
        A build whose steps are taken over where nothing that they depend on has changed.
    accepted
        The accepted builds of other data, oldest first: the new one is compared with them.
    noticed
        What was remarkable in the new files, from `history.new_files`. Without it, what
        `earlier` says of the same files.
    root
        The project's folder, in which the reference build lies. Code and rules are always ours.

    Raises
    ------
    Refused
        When the data cannot be used; `out` is then as it was.
    """
    given = external_inputs(inputs, settings, earlier, accepted, noticed, root)
    with replacing(out) as new:
        outcomes = run([*STEPS, COMPARE], given, settings, ROOT, progress, _earlier(earlier), new)
        facts: dict[str, Any] = {}
        for outcome in outcomes:
            record = outcome.record
            if outcome.step is not COMPARE:
                facts |= record.get("facts", {})
            elif record:
                (new / "since").mkdir(exist_ok=True)
                write_json(new / "since" / "facts.json", record["facts"])
        write_json(new / "facts.json", facts)
        write_json(new / "text.json", texts(new))
        rows = pd.read_parquet(file_path(new, "work/input_rows")).set_index("file")["rows"]
        written = sorted(p.relative_to(new).as_posix() for p in new.rglob("*") if p.is_file())
        fingerprint = key(outcomes, inputs, settings)
        write_json(
            new / MANIFEST,
            {
                "schema": SCHEMA,
                "key": fingerprint,
                "data": inputs.place,
                "sample": inputs.sample,
                "inputs": inputs.describe_files({str(name): int(n) for name, n in rows.items()}),
                "as_of": facts.get("transactions.as_of", ""),
                "settings": settings.model_dump(mode="json"),
                "versions": dict(sorted((versions() | presenting_versions()).items())),
                "commit": commit(),
                "seconds": progress.seconds,
                "steps": {o.step.name: o.record for o in outcomes if o.record},
                "artifacts": written,
            },
        )
    return fingerprint


def texts(folder: Path) -> dict[str, str]:
    """Return all sentences of a build by name, as the presenting steps left them."""
    found: dict[str, str] = {}
    for path in sorted((folder / "text").glob("*.json")):
        found |= read_json(path)
    return found


def explain(outcomes: Sequence[Outcome]) -> list[str]:
    """Return lines that say what each step needs and makes, whether it would run, and why."""
    lines = []
    for number, (step, state, why, *_) in enumerate(outcomes, 1):
        lines.append(f"{number:2}. {step.name}: {state}{f' ({why})' if why else ''}")
        lines.append(f"    needs {', '.join(step.needs) or 'nothing'}")
        lines.append(f"    makes {', '.join(step.makes) or 'nothing'}")
    return lines


def commit() -> str:
    """Return the short commit of the checkout, with a plus sign when files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _earlier(folder: Path | None) -> Earlier | None:
    """Return an earlier build as the runner takes it; None if there is none that it can read."""
    if folder is None:
        return None
    records: dict[str, Record] = {
        name: record
        for name, record in read_json(folder / MANIFEST).get("steps", {}).items()
        if isinstance(record.get("key"), dict) and isinstance(record.get("tables"), dict)
    }
    return Earlier(folder, records)


def _earlier_findings(earlier: Path, inputs: Inputs) -> pd.DataFrame | None:
    """Return what an earlier build says was remarkable in these very files."""
    path = earlier / "since" / "history.parquet"
    if data_version(read_json(earlier / MANIFEST)) != inputs.version:
        return None
    return pd.read_parquet(path) if path.is_file() else None

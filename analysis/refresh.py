"""How do new files become the next report, and what stays if they do not?

Everything is done in a copy of the project, ``.refresh/stage``: the new files are checked alone
and against those that were accepted before, all of them are built, the build is compared with the
last accepted one, and the book is rendered. Only then, and in one step each, the files, the build
and the site take their places (`analysis.vault`). Whatever happens before that changes nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis import sources, vault, words
from analysis.artifacts import MANIFEST, data_version, is_current, read_json
from analysis.inputs import Inputs, build_key, find_inputs
from analysis.problems import Problem, Refused
from analysis.progress import Steps
from analysis.settings import ROOT, Settings

if TYPE_CHECKING:
    from analysis import against_history, pipeline

RAW = vault.RAW
#: What a copy of the project does without: made, or large, or brought by the stage itself.
NOT_COPIED = {
    ".git", ".venv", ".refresh", ".quarto", "_book", "_site", "build", "builds", "raw", "sample",
    "tests", "benchmarks", "images", "__pycache__", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis",
}  # fmt: skip
Tell = Callable[[str], None]


def accepted_before(inputs: Inputs, settings: Settings) -> list[Path]:
    """Return the accepted builds of other data than this, oldest first.

    Only the data of the usual folder has a history; what is named on the command line is
    compared with nothing.
    """
    if inputs.place != str(settings.report.data):
        return []
    return [
        folder
        for folder in vault.accepted(ROOT)
        if data_version(read_json(folder / MANIFEST)) != inputs.version
    ]


def refresh(
    files: Sequence[Path],
    settings: Settings,
    tell: Tell,
    *,
    dry_run: bool = False,
    accept: Sequence[str] = (),
    replaces: Sequence[str] = (),
) -> vault.Accepted | None:
    """Take in new files, build, compare, render, and publish: all of it, or nothing.

    Parameters
    ----------
    files
        Ledger files, or tables of regular customers.
    settings
        The project's own settings.
    tell
        Takes lines for the person who waits.
    dry_run
        Whether to stop after the comparison.
    accept
        The checks whose findings do not stop (see `analysis.against_history`).
    replaces
        Accepted files of which the new ones take the place, though they have other names.

    Returns
    -------
    vault.Accepted
        What is published now; None after a dry run.

    Raises
    ------
    Refused
        With all that is wrong. What was published, and data/raw, are as they were.
    """
    if settings.report.data != RAW:
        rule = f"[report] data is {settings.report.data}, and a refresh keeps its files in {RAW}"
        raise Refused([Problem("settings.toml", rule, remedy=f'Set it to "{RAW}".')])
    with vault.lock(ROOT) as handle:
        if done := vault.recover(ROOT):
            tell(done)
        half_of, role_of = _half(settings), _role(settings)
        with vault.intake(ROOT, files, half_of, role_of, replaces) as stage:
            from analysis import against_history, findings_since, pipeline  # heavy

            steps = Steps()
            noticed = held_against_history(stage, settings, steps)
            stops = against_history.stops(noticed, set(accept))
            for row in noticed.drop(stops.index).to_dict("records"):
                tell(f"{row['severity']}: {row['message']}")
            if len(stops):
                raise Refused(
                    [Problem("the new files", text.removesuffix(".")) for text in stops["message"]]
                )
            inputs = find_inputs(stage.raw, settings, str(RAW))
            accepted = accepted_before(inputs, settings)
            fingerprint = build_key(inputs, settings, accepted)
            tell(f"Building from {len(stage.files)} files, {len(stage.arrivals)} of them new")
            pipeline.build(
                inputs, settings, stage.build, fingerprint, steps, ROOT / "build", accepted, noticed
            )
            lines = findings_since.lines(stage.build)
            for line in lines:
                tell(line)
            if dry_run:
                tell("A dry run: nothing was changed.")
                return None
            _copy_project(stage.folder)
            _render(stage.folder, handle)
            if not is_current(stage.build, fingerprint):
                rule = "it was rendered from another build: code or settings changed meanwhile"
                raise Refused([Problem("the book", rule, remedy="Run the refresh again.")])
            as_of = str(read_json(stage.build / MANIFEST).get("as_of", ""))
            went = [f"accepted in spite of {name}" for name in sorted(set(accept))]
            notes = [*went, *(lines if accepted else [])]
            return vault.commit(stage, as_of, inputs.version, notes)


# ------------------------------------------------------------------------- new and accepted files


def _half(settings: Settings) -> Callable[[Path], str]:
    """Return what tells the half of the data that a file belongs to, or refuses it."""
    names = {name for known in settings.activity.files.values() for name in known}

    def half_of(path: Path) -> str:
        if not path.name.lower().endswith(sources.FORMATS):
            rule = f"a file of this kind is not read; {words.listed(sources.FORMATS)} are"
            raise Refused([Problem(path.name, rule, remedy="Export it as one of these.")])
        tables = sources.stem(path) in names
        return settings.activity.folder if tables else settings.transactions.folder

    return half_of


def _role(settings: Settings) -> Callable[[Path], str]:
    """Return what tells which files take each other's place: the same table, or the same name."""
    roles = {name: role for role, known in settings.activity.files.items() for name in known}
    return lambda path: roles.get(sources.stem(path), path.name)


def held_against_history(stage: vault.Stage, settings: Settings, steps: Steps) -> pd.DataFrame:
    """Check the new files alone, and return what is remarkable beside the accepted ones.

    Returns
    -------
    pandas.DataFrame
        As `analysis.against_history.findings`.

    Raises
    ------
    Refused
        When the new files, or the accepted ones, break their contracts.
    """
    from analysis import against_history as ah

    staged = find_inputs(stage.raw, settings)
    came = {arrival.place for arrival in stage.arrivals}
    gone = {place for arrival in stage.arrivals for place in arrival.supersedes}
    tables = {role: path for role, path in staged.activity.items() if _in(staged, path) in came}
    old = _accepted_inputs(staged, settings)
    found = _by_hand(stage)
    if old.activity and 0 < len(tables) < len(staged.activity):
        rest = sorted(path.name for role, path in staged.activity.items() if role not in tables)
        text = (
            f"{len(tables)} of the {len(staged.activity)} tables of regular customers are new; "
            f"{', '.join(rest)} would stay as accepted before. Send all of one quarter together."
        )
        found.append(ah.Finding("activity.incomplete", ah.STOPS, "", text, len(tables)))
    new = replace(
        staged,
        transactions=tuple(path for path in staged.transactions if _in(staged, path) in came),
        activity=staged.activity if tables else {},
    )
    kept = replace(
        old, activity={}, transactions=tuple(p for p in old.transactions if _in(old, p) not in gone)
    )
    replaced = [path.name for path in old.transactions if _in(old, path) in gone]
    with ExitStack() as stack:
        # Of a half that is not new, nothing is compared.
        compared = replace(
            old,
            transactions=old.transactions if new.transactions else (),
            activity=old.activity if new.activity else {},
        )
        was = _checked(stack, compared, settings, steps, "the accepted files")
        # All dates of a short file may be readable in two ways: what was accepted settles it.
        usual = set(was.ledger.files["date_format"]) if was and was.ledger else set()
        now = _checked(stack, new, settings, steps, "the new files", usual)
        if now and now.ledger and was and was.ledger:
            rest_of = (
                _checked(stack, kept, settings, steps, "those that stay") if replaced else None
            )
            table = was.ledger.files
            found += _encodings(table, now.ledger.files)
            with steps.step("hold the ledger against its history"):
                noticed = ah.ledger_findings(
                    ah.draw(was.ledger),
                    ah.draw(now.ledger),
                    settings.transactions.currency,
                    ah.draw(rest_of.ledger) if rest_of and rest_of.ledger else None,
                    table[table["source"].map(lambda name: _is_of(name, replaced))]
                    if replaced
                    else None,
                )
            found += [ah.Finding(*row) for row in noticed.itertuples(index=False)]
        if now and now.customers and was and was.customers:
            noticed = ah.activity_findings(was.customers.customers, now.customers.customers)
            found += [ah.Finding(*row) for row in noticed.itertuples(index=False)]
    if not old.transactions and not old.activity:
        text = "Nothing was accepted before: there is no history to hold the new files against."
        found.append(ah.Finding("files.first", ah.INFORMS, "", text))
    return ah.findings(found)


def _encodings(before: pd.DataFrame, now: pd.DataFrame) -> list[against_history.Finding]:
    """Say which files were decoded in a way that no accepted one was."""
    from analysis import against_history as ah

    usual = sorted(set(before["encoding"]) - {""})
    news = now[~now["encoding"].isin(["", *usual])] if usual else now.iloc[:0]
    return [
        ah.Finding("schema.encoding", ah.WARNS, words.shorten(name),
                   f"{words.shorten(name)} was read as {encoding}, and what was accepted as "
                   f"{words.listed(usual)}. See whether names and descriptions are whole; or save "
                   "it as 'CSV UTF-8'.")
        for name, encoding in zip(news["source"], news["encoding"], strict=True)
    ]  # fmt: skip


def _in(inputs: Inputs, path: Path) -> str:
    return path.relative_to(inputs.folder).as_posix()


def _is_of(source: str, names: Sequence[str]) -> bool:
    """Tell whether a part is of one of these files: a sheet is called ``file.xlsx [sheet]``."""
    return any(source == name or source.startswith(f"{name} [") for name in names)


def _accepted_inputs(staged: Inputs, settings: Settings) -> Inputs:
    """Return the files of data/raw as they are, without those of which some are lacking."""
    folder = ROOT / RAW
    role_of = _role(settings)
    tables = {role_of(p): p for p in sources.find_files(folder / settings.activity.folder)}
    return replace(
        staged,
        folder=folder,
        transactions=tuple(sources.find_files(folder / settings.transactions.folder)),
        activity=tables if set(tables) == set(settings.activity.files) else {},
    )


def _checked(
    stack: ExitStack,
    inputs: Inputs,
    settings: Settings,
    steps: Steps,
    what: str,
    usual_dates: Collection[str] = (),
) -> pipeline.Checked | None:
    """Read and validate files, where there are any; their tables live as long as the stack."""
    from analysis import pipeline

    if not inputs.transactions and not inputs.activity:
        return None
    steps.tell(what)
    return stack.enter_context(pipeline.check(inputs, settings, steps, usual_dates))


def _by_hand(stage: vault.Stage) -> list[against_history.Finding]:
    """Say which files were put there, or taken away, without a refresh."""
    from analysis import against_history as ah

    if not stage.by_hand:
        return []
    text = (
        f"{words.count(len(stage.by_hand), 'file')} of {RAW} changed since the last refresh, by "
        f"hand: {words.listed(stage.by_hand[:5])}. What is there now counts."
    )
    return [ah.Finding("files.by_hand", ah.WARNS, "", text, len(stage.by_hand))]


# ------------------------------------------------------------------------- the book


def _copy_project(stage: Path) -> None:
    """Copy all that a book is made from, beside the stage's data and build."""
    for path in ROOT.iterdir():
        if path.name in NOT_COPIED or path.name.startswith((".git", ".ci")):
            continue
        if path.is_dir():
            shutil.copytree(
                path,
                stage / path.name,
                symlinks=True,
                dirs_exist_ok=True,
                ignore=lambda folder, names: NOT_COPIED & set(names),
            )
        else:
            shutil.copy2(path, stage / path.name)
    # The book's first step asks whether the build is up to date, and looks at the accepted ones.
    (stage / vault.BUILDS).symlink_to(ROOT / vault.BUILDS)


def _render(stage: Path, handle: int) -> None:
    """Render the book in the copy of the project.

    The renderer keeps the lock with the descriptor: one that outlives a killed refresh keeps the
    next one out of the folder that it still writes to.
    """
    own = {
        name: text for name, text in os.environ.items() if name not in ("REPORT_DATA", "PYTHONPATH")
    }
    done = subprocess.run(
        [sys.executable, "-m", "report"], cwd=stage, env=own, pass_fds=[handle], check=False
    )
    if done.returncode:
        raise Refused(
            [
                Problem(
                    "the book",
                    "it could not be rendered; the messages above say why",
                    remedy="What is published stays as it was. Run the refresh again after that.",
                )
            ]
        )

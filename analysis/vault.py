"""How do new files, a new build and a new publication take the place of the old, all or none?

==============================  ================================================================
``data/raw/<half>/<file>``      the shop's files in use; none is ever changed or deleted
``data/raw/set-aside/<16 of     those that others took the place of, or that came with a build
SHA-256>/<half>/<file>``        that was rolled back; the analysis does not read them
``builds/<name>/``              an accepted build, named by its as-of date (``2011-12-10``, then
                                ``2011-12-10.2``), and in ``site/`` what was published from it;
                                ``before`` is what `make report` had published
``builds/log.json``             what was accepted and rolled back; ``CHANGELOG.md`` for people
``build/``, ``_site/``          the current build, and its publication
``.refresh/``                   ``lock``, ``journal.json``, and all that is in progress
==============================  ================================================================

A refresh first makes everything beside what is there. Then it writes into the journal which file
or folder goes where, with the fingerprint or the mark by which each is known, and only then moves
them. Without a journal nothing was touched, and what is in progress is thrown away. With one, all
is ready, and each move whose source is still the one meant is done: after a kill or a power cut
again, and nothing is done twice. So `recover` needs nobody's judgement. The order is that of the
log: clocks may be wrong, or set back.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.problems import Problem, Refused, printable

RAW, BUILDS, REFRESH = Path("data/raw"), Path("builds"), Path(".refresh")
ASIDE, ARRIVING = RAW / "set-aside", RAW / ".arriving"
LOCK, JOURNAL = REFRESH / "lock", REFRESH / "journal.json"
STAGE, READY = REFRESH / "stage", REFRESH / "ready"
LOG, CHANGELOG = BUILDS / "log.json", BUILDS / "CHANGELOG.md"
#: In each build and site that came by a refresh: which one it is. Others lack the file.
MARK = "publication.json"
#: The files without which a folder is no build, and no site.
WHOLE = {"build": "manifest.json", "_site": "index.html"}
_AGAIN = "Nothing was changed; run it again after that."
_WORDS = {
    errno.ENOSPC: ("the disk is full", f"Free some space. {_AGAIN}"),
    errno.EDQUOT: ("your share of the disk is used up", f"Free some space. {_AGAIN}"),
    errno.EROFS: ("this disk can only be read", f"Make it writable. {_AGAIN}"),
    errno.EACCES: ("you may not read or write this", f"Ask for the right to. {_AGAIN}"),
    errno.EPERM: ("you may not read or write this", f"Ask for the right to. {_AGAIN}"),
    errno.EIO: ("the disk fails", f"Have it checked. {_AGAIN}"),
}
_held: set[Path] = set()
Event = dict[str, Any]
Named = Callable[[Path], str]
#: What the log tells of an event; `event` is accepted, rolled back to, or kept.
BLANK: Event = {"event": "", "name": "", "as_of": "", "data_version": "", "files": {}, "notes": []}


class Unfinished(Refused):
    """All was accepted, and not everything is in its place yet: `recover` goes on."""


@dataclass(frozen=True)
class Arrival:
    """A new file: where it is, its place in data/raw, and the places of those it replaces."""

    source: Path
    place: str
    sha256: str
    supersedes: tuple[str, ...]


@dataclass(frozen=True)
class Stage:
    """A refresh in progress: `folder` is for a copy of the project, to build and render in.

    In it, `raw` is the data folder as it will be (to be read only: most of its files are those of
    data/raw under a second name), and the caller makes `build` and `site`. `files` are the
    fingerprints in `raw`, by place, and `present` those in data/raw; `by_hand` are the files there
    that others changed, added or removed since the last refresh.
    """

    root: Path
    folder: Path
    raw: Path
    build: Path
    site: Path
    arrivals: tuple[Arrival, ...]
    files: Mapping[str, str]
    present: Mapping[str, str]
    by_hand: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """An event of the log: a build that was accepted, or a publication that was restored."""

    number: int
    name: str
    as_of: str
    data_version: str
    at: str


@contextmanager
def lock(root: Path) -> Iterator[int]:
    """Keep others out, and give the descriptor of the lock.

    The system lets go of the lock when the process ends, however it ends. A program that is
    started with the descriptor (``pass_fds``) holds it too: a renderer that outlives a killed
    refresh then keeps the next one out of the folder that it still writes to.

    Raises
    ------
    Refused
        When another process holds the lock.
    """
    root = root.resolve()
    with in_words(root):
        (root / REFRESH).mkdir(exist_ok=True)
        handle = os.open(root / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with in_words(root):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = os.pread(handle, 200, 0).decode(errors="replace") or "starting now"
                remedy = "Wait until it has ended, then run this again."
                raise _refused(LOCK, f"a refresh is under way ({holder})", remedy) from error
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} since {_now()}".encode(), 0)
        _held.add(root)
        yield handle
    finally:
        _held.discard(root)
        os.close(handle)


def recover(root: Path) -> str:
    """Finish what was decided, or clear away what was not; return what was done, or nothing.

    Raises
    ------
    Unfinished
        When a move fails again.
    """
    root = root.resolve()
    if root not in _held:
        raise RuntimeError("this needs the lock: two at once would spoil each other's work")
    if (root / JOURNAL).exists():
        return f"An interrupted refresh was finished: {_finish(root).name} is published."
    with in_words(root):
        return "What an interrupted refresh had left was cleared away." if _clear(root) else ""


def check_files(
    root: Path, files: Sequence[Path], half_of: Named, role_of: Named, replaces: Sequence[str] = ()
) -> list[Arrival]:
    """Check new files, and change nothing.

    Parameters
    ----------
    half_of
        Gives the folder in data/raw that a file belongs to; may refuse it.
    role_of
        A new file replaces those of its half with the same role, or the same name (case aside).
    replaces
        Names of further files in use that the new ones replace, with or without their folder.

    Raises
    ------
    Refused
        With all that is wrong with the files.
    """

    def claims(half: str, path: Path) -> set[tuple[str, ...]]:
        return {(half, "role", role_of(path).casefold()), (half, "name", path.name.casefold())}

    with in_words(root):
        present = _fingerprints(root / RAW)
    claimed = {place: claims(Path(place).parent.name, Path(place)) for place in present}
    named = {sha256: f"{RAW}/{place}" for place, sha256 in present.items()}
    taken: dict[tuple[str, ...], Path] = {}
    problems: list[Problem] = []
    arrivals: list[Arrival] = []
    for path in files:
        try:
            if not path.is_file() or _ignored(path):
                rule = "is no file of data" if path.exists() else "there is no such file"
                raise _refused(path, rule, "Name files of data.")
            half, sha256 = half_of(path), _sha256(path)
            claim = claims(half, path)
            if sha256 in named:
                raise _refused(path, f"the same file is already there: {named[sha256]}", "Omit it.")
            if rival := claim & taken.keys():
                rule = f"{taken[min(rival)]} would take the same place"
                raise _refused(path, rule, "Send one of the two.")
        except Refused as refused:
            problems += refused.problems
        except OSError as error:
            problems += _told(root, error, path).problems
        else:
            named[sha256] = str(path)
            taken |= dict.fromkeys(claim, path)
            older = tuple(place for place in present if claim & claimed[place])
            arrivals.append(Arrival(path, f"{half}/{path.name}", sha256, older))
    for name in dict.fromkeys(replaces):
        hits = [place for place in present if name in (place, Path(place).name)]
        half = Path(hits[0]).parent.name if len(hits) == 1 else ""
        heirs = [i for i, arrival in enumerate(arrivals) if arrival.place.startswith(f"{half}/")]
        if not half:
            rule = "several files in use have this name" if hits else "no file in use has this name"
            remedy = f"Name one of: {', '.join(hits or present) or '(there are none)'}."
            problems.append(Problem(name, rule, remedy=remedy))
        elif not heirs:
            remedy = f"Name a new file of {half}, too, or do not replace this one."
            problems.append(Problem(hits[0], "no new file takes its place", remedy=remedy))
        elif not any(hits[0] in arrival.supersedes for arrival in arrivals):
            heir = arrivals[heirs[0]]
            arrivals[heirs[0]] = replace(heir, supersedes=(*heir.supersedes, hits[0]))
    if problems:
        raise Refused(problems)
    return arrivals


@contextmanager
def intake(
    root: Path, files: Sequence[Path], half_of: Named, role_of: Named, replaces: Sequence[str] = ()
) -> Iterator[Stage]:
    """Check new files (see `check_files`), and stage them beside those that are there.

    Inside, the caller builds and renders, and calls `commit` if all is well. Without that, for
    whatever reason, nothing was changed, and the stage is removed: that is all of a dry run.

    Raises
    ------
    Refused
        When the files are, or when the disk is full or may not be used, here or in the caller.
    """
    root = root.resolve()
    folder, raw = root / STAGE, root / STAGE / RAW
    with _cleared(root):
        with in_words(root):
            arrivals = check_files(root, files, half_of, role_of, replaces)
            present = _fingerprints(root / RAW)
            gone = {old for arrival in arrivals for old in arrival.supersedes}
            staged = {place: sha256 for place, sha256 in present.items() if place not in gone}
            raw.mkdir(parents=True)
            for place in staged:
                _link(root / RAW / place, raw / place)
            for new in arrivals:
                staged[new.place] = _copy(new.source, raw / new.place)
                if staged[new.place] != new.sha256:
                    raise _refused(new.source, "it changed while it was copied", "Send it again.")
            last = [present, *(event["files"] for event in _events(root))][-1]
        by_hand = tuple(sorted({place for place, _ in present.items() ^ last.items()}))
        targets = (folder / "build", folder / "_site")
        with in_words(root, every=False):
            yield Stage(root, folder, raw, *targets, tuple(arrivals), staged, present, by_hand)


def commit(stage: Stage, as_of: str, data_version: str, notes: Sequence[str] = ()) -> Accepted:
    """Put the new files, the build and the site in their places; all of them, or none.

    Parameters
    ----------
    stage
        With a whole build and a whole site.
    as_of
        The build's day; empty for tables without one.
    data_version
        The name of exactly these input files.
    notes
        What changed, for the changelog, a line each.

    Raises
    ------
    Refused
        When something is missing, or in the way; all is as it was.
    Unfinished
        When a move failed; `recover`, or the next refresh, does the rest.
    """
    root, arrivals = stage.root, stage.arrivals
    with in_words(root):
        for folder, file in zip((stage.build, stage.site), WHOLE.values(), strict=True):
            if not (folder / file).is_file():
                raise _refused(folder, f"{file} is missing", "Build and render it first.")
        _check_targets(root)
        if _fingerprints(root / RAW) != stage.present:
            raise _refused(RAW, "its files were changed during the refresh", "Run it again.")
        (root / READY).mkdir()
        events, moves = _events(root), []

        def keep(name: str, build: Path, site: Path) -> tuple[Path, Path]:
            kept = root / READY / name
            shutil.copytree(build, kept, symlinks=True) if build.exists() else kept.mkdir()
            shutil.copytree(site, kept / "site", symlinks=True)
            for folder in (kept, kept / "site"):
                _write(folder / MARK, json.dumps({"publication": name}))
            return READY / name, BUILDS / name

        known = [event["name"] for event in _live(events)[-1:]]
        if (root / "_site" / WHOLE["_site"]).is_file() and published(root) not in known:
            name = _new_name(root, "before")
            moves.append(keep(name, root / "build", root / "_site"))
            events.append(BLANK | {"event": "kept", "name": name, "files": dict(stage.present)})
        name = _new_name(root, as_of or "undated")
        moves.append(keep(name, stage.build, stage.site))
        for folder in (stage.build, stage.site):
            shutil.copy(root / READY / name / MARK, folder)
        for new in arrivals:  # now, so that the disk of data/raw has room for them
            _link(stage.raw / new.place, root / ARRIVING / new.place)
        gone = list(dict.fromkeys(old for arrival in arrivals for old in arrival.supersedes))
        moves += [(RAW / old, _aside(old, stage.present[old])) for old in gone]
        moves += [(ARRIVING / new.place, RAW / new.place) for new in arrivals]
        moves += [(STAGE / name, Path(name)) for name in WHOLE]
        told = [f"new: {new.place}" for new in arrivals] + [f"replaced: {old}" for old in gone]
        told = [f"data version {data_version}", *told, *notes]
        event = BLANK | {"event": "accepted", "name": name, "as_of": as_of, "notes": told}
        event |= {"data_version": data_version, "files": dict(stage.files)}
        _decide(root, [*events, event], moves)
    return _finish(root)


def rollback(root: Path) -> Accepted:
    """Restore what was published before: the site, its build, and the set of files in use.

    A site that `make report` published since gives way to the last one that came by a refresh.
    What is rolled back stays in ``builds``, and its files are set aside.

    Raises
    ------
    Refused
        When there is no earlier publication, or a part of it is gone.
    Unfinished
        As in `commit`.
    """
    root = root.resolve()
    with _cleared(root), in_words(root):
        events = _events(root)
        live = _live(events)
        if live and live[-1]["name"] == published(root):
            live.pop()
        if not live:
            raise _refused(Path("_site"), "there is no earlier publication", "Keep this one.")
        old, kept = live[-1], BUILDS / live[-1]["name"]
        present, wanted = _fingerprints(root / RAW), old["files"]
        moves = [(RAW / p, _aside(p, s)) for p, s in present.items() if wanted.get(p) != s]
        back = {_aside(p, s): (p, s) for p, s in wanted.items() if present.get(p) != s}
        lost = [aside for aside, (_, sha256) in back.items() if _identity(root / aside) != sha256]
        lost += [kept] * (not (root / kept / "site" / WHOLE["_site"]).is_file())
        if lost:
            rule = f"it is not there any more, and {old['name']} needs it"
            remedy = "Put it back from a backup. Nothing was changed."
            raise Refused([Problem(str(path), rule, remedy=remedy) for path in lost])
        shutil.copytree(root / kept, root / READY / "build", symlinks=True)
        (root / READY / "build" / "site").rename(root / READY / "_site")
        moves += [(aside, RAW / place) for aside, (place, _) in back.items()]
        moves += [(READY / name, Path(name)) for name in WHOLE]
        _decide(root, [*events, old | {"event": "rolled back to", "notes": []}], moves)
        return _finish(root)


def history(root: Path) -> list[dict[str, str]]:
    """Return a row a kept build, in order; `published`: ``now``, ``earlier``, ``rolled back``."""
    events, now = _events(root), published(root)
    state = dict.fromkeys((event["name"] for event in _live(events)), "earlier") | {now: "now"}
    rows = []
    for event in (event for event in events if event["event"] != "rolled back to"):
        row = {key: str(event[key]) for key in ("name", "as_of", "data_version")}
        row |= {"accepted_at": event["at"], "files": ", ".join(event["files"])}
        rows.append(row | {"published": state.get(event["name"], "rolled back")})
    return rows


def accepted(root: Path) -> list[Path]:
    """Return the folders of the builds that count, the oldest first.

    They were accepted and not rolled back; what `make report` had published is not among them.
    """
    live = [root / BUILDS / e["name"] for e in _live(_events(root)) if e["event"] == "accepted"]
    return [folder for folder in live if folder.is_dir()]


def published(root: Path) -> str:
    """Return the name of the build that ``_site`` shows; empty if it came by no refresh."""
    return _identity(root / "_site")


def changelog(events: Sequence[Event]) -> str:
    """Write the data versions for people, the last one first."""
    parts = ["# Data versions", "Kept by the refresh; what is added by hand is overwritten."]
    for event in reversed(events):
        told = [printable(note) for note in event["notes"]]  # and no Markdown, no HTML:
        told = ["* " + re.sub(r"([\\`*\[<&])", r"\\\1", note) for note in told]
        parts += [f"## {event['event'].capitalize()} {event['name']}", event["at"], "\n".join(told)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _events(root: Path) -> list[Event]:
    """Return what the log tells; an absent log is an empty one, and a broken one is not."""
    try:
        events = json.loads((root / LOG).read_text(encoding="utf-8"))["events"]
        if all(event.keys() >= BLANK.keys() | {"number", "at"} for event in events):
            return list(events)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    remedy = "Restore it from a backup. Or move it away: the next refresh then begins a new one, "
    raise _refused(LOG, "this cannot be read", f"{remedy}and keeps the present site as 'before'.")


def _live(events: Sequence[Event]) -> list[Event]:
    """Return what was published and not rolled back, in order."""
    shown: list[Event] = []
    for event in events:
        if event["event"] != "rolled back to":
            shown.append(event)
        while shown and shown[-1]["name"] != event["name"]:
            shown.pop()
    return shown


def _new_name(root: Path, name: str) -> str:
    """Return a name that no build has or had."""
    if not re.fullmatch(r"\w[\w-]*", name):
        raise ValueError(f"{name!r} is no day")
    taken = {event["name"] for event in _events(root)}
    number, tried = 1, name
    while tried in taken or (root / BUILDS / tried).exists():
        number += 1
        tried = f"{name}.{number}"
    return tried


@contextmanager
def _cleared(root: Path) -> Iterator[None]:
    """Begin and end with nothing in progress, unless it was decided and is not finished."""
    recover(root)
    try:
        with in_words(root):
            _check_targets(root)
        yield
    finally:
        with suppress(OSError):  # the next refresh clears what this one cannot
            if not (root / JOURNAL).exists():
                _clear(root)


def _decide(root: Path, events: list[Event], moves: list[tuple[Path, Path]]) -> None:
    """Make sure that all is on the disk, and write down that it counts."""
    for number, event in enumerate(events, 1):
        event["at"] = event["at"] if event.get("number") == number else _now()
        event["number"] = number
    _write(root / READY / LOG.name, json.dumps({"events": events}, indent=1))
    _write(root / READY / CHANGELOG.name, changelog(events))
    moves += [(READY / path.name, path) for path in (LOG, CHANGELOG)]
    for source, target in moves:
        _folder((root / target).parent)
        for folder in ((root / source).parent, (root / target).parent):
            if not os.access(folder, os.W_OK):
                raise PermissionError(errno.EACCES, "", str(folder))
        for path in (root / source, *(root / source).rglob("*")):
            if not path.is_symlink():
                _sync(path)
    known = [[str(source), str(target), _identity(root / source)] for source, target in moves]
    try:
        _write(root / JOURNAL, json.dumps({"moves": known, "event": events[-1]}))
    except OSError:
        (root / JOURNAL).unlink(missing_ok=True)  # it may be there, and not for good
        raise


def _finish(root: Path) -> Accepted:
    """Do those moves of the journal that were not done yet."""
    try:
        with in_words(root):
            journal = json.loads((root / JOURNAL).read_text(encoding="utf-8"))
            for source, target, identity in journal["moves"]:
                if _identity(root / source) == identity:
                    _put(root / source, root / target)
            (root / JOURNAL).unlink()
            _sync(root / REFRESH)
    except ValueError as error:
        raise _refused(JOURNAL, "this cannot be read", "Restore it from a backup.") from error
    except Refused as refused:
        remedy = "All is accepted; mend this, and the next refresh moves the rest into place."
        told = [replace(problem, remedy=remedy) for problem in refused.problems]
        raise Unfinished(told) from refused
    with suppress(OSError):  # all is in place; the next refresh clears what this one cannot
        _clear(root)
    return Accepted(**{key: journal["event"][key] for key in Accepted.__dataclass_fields__})


def _clear(root: Path) -> bool:
    """Remove all in progress, and empty folders; tell whether there was anything in progress."""
    rest = [path for path in (root / REFRESH).iterdir() if path != root / LOCK]
    rest += [root / ARRIVING] * (root / ARRIVING).exists()
    for path in rest:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in sorted((root / ASIDE).rglob("*/"), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    return bool(rest)


def _put(source: Path, target: Path) -> None:
    """Move a file or a folder to its place; swap it with the folder that is there.

    Linux swaps two folders in one step. Elsewhere there is a moment between two renames in which
    the target is missing; if the process dies just then, `recover` does the second rename.
    """
    if target.is_dir():
        target = target.resolve()
        if not _exchange(source, target):
            old = source.with_name(f"{source.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
            source.rename(target)
    elif source.is_symlink():  # elsewhere, a link may lead to nothing
        _copy(source, target)
        source.unlink()
    else:
        source.replace(target)
    _sync(target.parent)
    _sync(source.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, if this system can; tell whether it did."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _check_targets(root: Path) -> None:
    """Refuse to replace what is no build or no site, or what cannot be replaced in one step."""
    for path in (root / RAW, root / BUILDS, *(root / name for name in WHOLE)):
        target, file = path.resolve(), WHOLE.get(path.name, "")
        if path.is_symlink() and not path.exists():
            remedy = "Is a disk missing? Connect it, or remove the link."
            raise _refused(path, "this is a link to what is not there", remedy)
        near = target if target.exists() else target.parent
        if path != root / RAW and near.stat().st_dev != (root / REFRESH).stat().st_dev:
            rule = "it is on another disk than the project, and cannot be replaced in one step"
            raise _refused(path, rule, "Move it to the disk of the project.")
        known = not file or (target / file).is_file() or (target / MARK).is_file()
        if not known and target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise _refused(path, f"it would be replaced, and has no {file}", "Move it away.")
    for half in (root / RAW).glob("*/"):
        if half.stat().st_dev != (root / RAW).stat().st_dev:
            remedy = "Keep all of data/raw on one disk; data/raw itself may be a link to it."
            raise _refused(half, "it is on another disk than data/raw", remedy)


def _fingerprints(raw: Path) -> dict[str, str]:
    """Return the fingerprint of each file in use, by its place."""
    halves = [path for path in raw.iterdir() if path.is_dir()] if raw.exists() else []
    return {
        f"{half.name}/{path.name}": _sha256(path)
        for half in sorted(halves)
        if half.name != ASIDE.name and not _ignored(half)
        for path in sorted(half.iterdir())
        if path.is_file() and not _ignored(path)
    }


def _ignored(path: Path) -> bool:
    return path.name.lower().startswith((".", "~$", "readme"))


def _aside(place: str, sha256: str) -> Path:
    return ASIDE / sha256[:16] / place


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _identity(path: Path) -> str:
    """Return what a file or a folder is known by: its fingerprint, its mark; or nothing."""
    if not path.is_dir():
        return _sha256(path) if path.is_file() else ""
    try:
        return str(json.loads((path / MARK).read_text(encoding="utf-8"))["publication"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return ""


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; or copy it, where that cannot be."""
    _folder(target.parent)
    try:
        os.link(source.resolve(), target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
            raise
        _copy(source, target)


def _copy(source: Path, target: Path) -> str:
    """Copy a file, whole or not at all, for reading only; return the copy's fingerprint."""
    _folder(target.parent)
    new = target.with_name(".new")  # hidden: never taken for data
    new.unlink(missing_ok=True)
    digest = hashlib.sha256()
    with source.open("rb") as old, new.open("wb") as file:
        while block := old.read(1 << 20):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o444)
    new.replace(target)
    return digest.hexdigest()


def _write(path: Path, text: str) -> None:
    """Write a file so that its old or its new content is there, whatever happens."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    _sync(new)
    new.replace(path)
    _sync(path.parent)


def _folder(path: Path) -> None:
    """Make a folder, for good."""
    if not path.is_dir():
        _folder(path.parent)
        path.mkdir(exist_ok=True)
        _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _refused(path: Path, rule: str, remedy: str) -> Refused:
    return Refused([Problem(str(path), rule, remedy=remedy)])


def _told(root: Path, error: OSError, path: Path | None = None) -> Refused:
    """Say in one sentence which file, and what to do."""
    if isinstance(error, shutil.Error):  # of many files: the first says enough
        source, _, reason = error.args[0][0]
        number = re.match(r"\[Errno (\d+)\]", str(reason))
        error = OSError(int(number[1]) if number else 0, str(reason), str(source))
    path = path or Path(str(error.filename2 or error.filename or "this machine"))
    path = path.relative_to(root) if path.is_relative_to(root) else path
    rule, remedy = _WORDS.get(error.errno or 0, (error.strerror or str(error), _AGAIN))
    return _refused(path, rule, remedy)


@contextmanager
def in_words(root: Path, every: bool = True) -> Iterator[None]:
    """Turn what the system refuses into a refusal; or only what its disks do."""
    try:
        yield
    except OSError as error:
        if every or error.errno in _WORDS or isinstance(error, shutil.Error):
            raise _told(root, error) from error
        raise

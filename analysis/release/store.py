"""Keep releases, and publish one of them by an atomic pointer.

===========================  ===================================================================
``_site``                    the pointer: a link to ``sites/<name>``, which is what readers see
``sites/<name>/``            the web site of a release; ``<release>.report-<n>`` is one that
                             `make report` rendered afterwards. Nothing else is in ``sites``
``releases/<name>/``         a release: ``build`` and ``release.json``, which never change, and
                             ``published``, an empty file that says that it once was
``releases/raw/<SHA-256>``   the raw files of all releases, for reading only
``releases/CHANGELOG.md``    what was accepted and rolled back, for people; nothing reads it
===========================  ===================================================================

Releases and sites are prepared in folders named ``.making`` and renamed when they are complete.
The last step of a publication or a rollback replaces the link. So there is nothing to recover
after an interruption: `tidy` removes what was never published.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import filelock

from analysis.problems import Problem, Refused, printable

SITE, SITES, RELEASES = Path("_site"), Path("sites"), Path("releases")
RAW, DATA = RELEASES / "raw", Path("data/raw")
CHANGELOG = RELEASES / "CHANGELOG.md"
LOCK, HOLDER = RELEASES / ".lock", RELEASES / ".holder"
MAKING = (RELEASES / ".making", SITES / ".making")
NEW_LINK = Path("._site.new")
MANIFEST, PUBLISHED = "release.json", "published"
#: Folders that hold data of customers: for their owner only.
PRIVATE = (RELEASES, Path("build"), Path("builds"), DATA)
SCHEMA = 1
_REPORT = re.compile(r"\.?report-(\d+)$")
_AGAIN = "Nothing was changed; run it again after that."
_WORDS = {
    errno.ENOSPC: ("the disk is full", f"Free some space. {_AGAIN}"),
    errno.EDQUOT: ("your disk quota is used up", f"Free some space. {_AGAIN}"),
    errno.EROFS: ("this disk is read-only", f"Make it writable. {_AGAIN}"),
    errno.EACCES: ("permission denied", f"Ask for permission to read and write it. {_AGAIN}"),
    errno.EPERM: ("permission denied", f"Ask for permission to read and write it. {_AGAIN}"),
    errno.EIO: ("the disk fails", f"Have it checked. {_AGAIN}"),
}
_held: set[Path] = set()


@dataclass(frozen=True)
class Release:
    """What ``release.json`` says of a release.

    Attributes
    ----------
    name
        Its day (``2011-12-10``, then ``2011-12-10.2``).
    number
        Its place in the order of releases: clocks may be wrong, or set back.
    previous
        The site that was published before it; empty for the first.
    files
        The raw files in use: place in the data folder -> SHA-256.
    superseded
        The SHA-256 of all files that this release, or one before it, took out of use.
    as_of, data_version, accepted_at, notes
        For people: its day, the name of exactly these files, when it was accepted, what changed.
    published, built
        Whether it ever was published, and whether its build is still there: not in the file.
    """

    name: str
    number: int
    previous: str
    files: Mapping[str, str]
    superseded: tuple[str, ...] = ()
    as_of: str = ""
    data_version: str = ""
    accepted_at: str = ""
    notes: tuple[str, ...] = ()
    published: bool = False
    built: bool = True


# ------------------------------------------------------------------------- what there is


def build_of(root: Path, name: str) -> Path:
    """Return the folder of a release's build."""
    return root / RELEASES / name / "build"


def base_of(site: str) -> str:
    """Return the release that a site belongs to; empty if `make report` rendered it before any.

    Examples
    --------
    >>> base_of("2011-12-10.2"), base_of("2011-12-10.2.report-3"), base_of("report-1")
    ('2011-12-10.2', '2011-12-10.2', '')
    """
    return _REPORT.sub("", site)


def pointed(root: Path) -> str:
    """Return the name of the site that is published; empty where there is no link yet.

    Raises
    ------
    Refused
        When ``_site`` is a link that somebody else made.
    """
    link = root / SITE
    if not link.is_symlink():
        return ""
    target = link.readlink()
    if target.parent != SITES:
        remedy = f"Remove it, and let it be made anew: {SITE} becomes a link into {SITES}/."
        raise refused(SITE, f"this is a link to {target}, which is no site of this project", remedy)
    return target.name


def releases(root: Path) -> dict[str, Release]:
    """Return the releases that were published, in order.

    Raises
    ------
    Refused
        When one of them cannot be read.
    """
    now = base_of(pointed(root))
    return {n: r for n, r in _manifests(root).items() if r.published or n == now}


def current(root: Path) -> Release | None:
    """Return the release that is published; None before the first.

    Raises
    ------
    Refused
        When the link is gone, or the release that it names.
    """
    every, site = releases(root), pointed(root)
    if every and not site:
        name = list(every)[-1]
        rule = f"it is not the link that tells which release of {RELEASES}/ is published"
        remedy = f"Publish one: 'python -m analysis rollback --to {name}'."
        raise refused(SITE, rule, remedy)
    if (name := base_of(site)) and name not in every:
        remedy = "Restore it from a backup."
        raise refused(_folder(Path(), name), "it is missing, and its site is published", remedy)
    return every.get(name)


def chain(root: Path) -> list[Release]:
    """Return the published release and those before it, oldest first.

    Releases that were rolled back are not among them.
    """
    now, every = current(root), releases(root)
    found: list[Release] = []
    while now:
        found.append(now)
        now = every.get(base_of(now.previous))
    return found[::-1]


def accepted(root: Path) -> list[Path]:
    """Return the builds of the published release and of those before it, oldest first."""
    return [build_of(root, release.name) for release in chain(root) if release.built]


def history(root: Path) -> list[dict[str, str]]:
    """Return a row for each release, in order; `state`: now, earlier, rolled back, or pruned."""
    line = {release.name for release in chain(root)}
    now = pointed(root)
    rows = []
    for name, release in releases(root).items():
        state = "now" if name == now else "earlier" if name in line else "rolled back"
        row = {key: getattr(release, key) for key in ("name", "as_of", "data_version")}
        row |= {"accepted_at": release.accepted_at, "files": ", ".join(release.files)}
        rows.append(row | {"state": state if release.built else f"{state}, pruned"})
    return rows


def _folder(root: Path, name: str) -> Path:
    return root / RELEASES / name


def _manifests(root: Path) -> dict[str, Release]:
    """Return all releases, whether published or not, in order.

    What cannot be read is an error: `tidy` removes what no release needs.
    """
    found = []
    for name in _names(root / RELEASES):
        folder = _folder(root, name)
        if name.startswith(".") or not folder.is_dir() or MANIFEST not in (has := _names(folder)):
            continue
        try:
            content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            del content["schema"]
            content |= {key: tuple(content[key]) for key in ("superseded", "notes")}
            content |= {"published": PUBLISHED in has, "built": "build" in has}
            found.append(Release(**content))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            path = RELEASES / name / MANIFEST
            raise refused(path, "this cannot be read", "Restore it from a backup.") from error
    return {release.name: release for release in sorted(found, key=lambda r: r.number)}


def _names(folder: Path) -> list[str]:
    """Return what is in a folder; nothing if it is not there."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


# ------------------------------------------------------------------------- one at a time


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Keep other processes out; within one process it can be taken again.

    The system releases the lock when the process ends, however it ends.

    Raises
    ------
    Refused
        When another process holds the lock.
    """
    root = root.resolve()
    if root in _held:
        yield
        return
    with in_words(root):
        (root / RELEASES).mkdir(mode=0o700, exist_ok=True)
        for folder in PRIVATE:
            with suppress(OSError):  # it is not there, or somebody else's
                (root / folder).chmod(0o700)
        guard = filelock.FileLock(root / LOCK, timeout=0)
        try:
            guard.acquire()
        except filelock.Timeout as error:
            holder = root / HOLDER
            who = holder.read_text(encoding="utf-8") if holder.exists() else ""
            rule = f"another command is running ({who or 'starting now'})"
            raise refused(LOCK, rule, "Wait until it has ended, then run this again.") from error
    try:
        _held.add(root)
        with suppress(OSError):  # it only tells others
            who = f"process {os.getpid()} since {_now()}"
            (root / HOLDER).write_text(who, encoding="utf-8")
        yield
    finally:
        _held.discard(root)
        guard.release()


@contextmanager
def making(root: Path) -> Iterator[Path]:
    """Give an empty folder to prepare a release in, and tidy up before and after.

    Each time it has another name: a renderer that outlives a killed refresh writes to a folder
    that nothing reads any more.
    """
    tidy(root)
    try:
        with in_words(root):
            folder = _draft(root, MAKING[0])
        yield folder
    finally:
        with suppress(OSError, Refused):  # the next command removes what this one cannot
            tidy(root)


def tidy(root: Path) -> None:
    """Remove what was never published, and raw files that no release uses."""
    if root.resolve() not in _held:
        raise RuntimeError("this needs the lock: two at once would spoil each other's work")
    with in_words(root):
        (root / NEW_LINK).unlink(missing_ok=True)
        for box in MAKING:
            for name in _names(root / box):
                shutil.rmtree(root / box / name, ignore_errors=True)
        _note(root)
        kept = releases(root)
        for name in _manifests(root).keys() - kept.keys():
            _remove(root, _folder(root, name), MAKING[0])
        built = {name: release for name, release in kept.items() if release.built}
        for name in _names(root / SITES):
            known = name.startswith(".") or name in built or name == pointed(root)
            if not known and not _REPORT.search(name):
                _remove(root, root / SITES / name, MAKING[1])
        wanted = {sha256 for release in built.values() for sha256 in release.files.values()}
        for name in _names(root / RAW):
            if name not in wanted:
                (root / RAW / name).unlink()


# ------------------------------------------------------------------------- publishing


def keep_raw(root: Path, source: Path, sha256: str) -> None:
    """Copy a file into the store, for reading only.

    Raises
    ------
    Refused
        When its content is not what it was.
    """
    target = root / RAW / sha256
    if target.exists():
        return
    with tempfile.NamedTemporaryFile(dir=_draft(root, MAKING[0]), delete=False) as new:
        with source.open("rb") as file:
            shutil.copyfileobj(file, new, 1 << 20)
        new.flush()
        os.fchmod(new.fileno(), 0o400)
        os.fsync(new.fileno())
    if file_hash(Path(new.name)) != sha256:
        raise refused(source, "it changed while it was copied", "Send it again.")
    _made(target.parent)
    Path(new.name).replace(target)


def publish_release(root: Path, build: Path, book: Path, release: Release) -> Release:
    """Publish a build and its site as a new release.

    Parameters
    ----------
    build, book
        Prepared in `making`; the build is moved away.
    release
        Its name is a wish: the day of the data, which a number follows where it is taken.

    Returns
    -------
    Release
        As it was published.
    """
    with in_words(root):
        _adopt(root)
        number = 1 + max((r.number for r in _manifests(root).values()), default=0)
        name, previous = _free(root, release.name), pointed(root)
        release = replace(release, name=name, number=number, previous=previous, accepted_at=_now())
        draft = _draft(root, MAKING[0])
        build.rename(draft / "build")
        write_manifest(draft, release)
        _sync_tree(draft)
        _made(root / RAW)
        _sync(root / RAW)
        _put_site(root, book, release.name)
        draft.rename(_folder(root, release.name))
        _sync(root / RELEASES)
        _point(root, release.name)
    _noted(root)
    return release


def publish_report(root: Path, book: Path) -> str:
    """Publish a site that belongs to no release of its own, and return its name.

    The site before it stays until the next publication: somebody may be reading it.
    """
    with in_words(root):
        _adopt(root)
        now = current(root)
        before = {pointed(root), *(release.previous for release in releases(root).values())}
        for site in (root / SITES).glob("*report-*/") if (root / SITES).is_dir() else ():
            if site.name not in before:
                _remove(root, site, MAKING[1])
        name = _report_name(root, now.name if now else "")
        _put_site(root, book, name)
        _point(root, name)
    return name


def rollback(root: Path, to: str = "") -> str:
    """Publish again what was published before, and return the name of its site.

    A site of `make report` gives way to the release that it belongs to.

    Parameters
    ----------
    to
        The release to publish; if empty, the one before the present one.

    Raises
    ------
    Refused
        When there is no such release, or a part of it is missing.
    """
    tidy(root)
    with in_words(root):
        every = releases(root)
        if to:
            name = to
        else:
            now, site = current(root), pointed(root)
            name = "" if now is None else now.previous if now.name == site else now.name
        if not name or (to and to not in every):
            rule = f"there is no release {to}" if to else "there is no earlier publication"
            remedy = f"Name one of: {', '.join(every)}." if to and every else "Keep this one."
            raise refused(SITE, rule, remedy)
        lost = [SITES / name] * (not (root / SITES / name / "index.html").is_file())
        if base := base_of(name):
            kept = every[base] if base in every and every[base].built else None
            lost += [] if kept else [build_of(Path(), base)]
            files = kept.files.values() if kept else ()
            lost += [RAW / sha256 for sha256 in files if not _is(root / RAW / sha256, sha256)]
        if lost:
            rule, remedy = f"it is missing or damaged, and {name} needs it", "Restore it from"
            remedy += " a backup, or name another release with --to. Nothing was changed."
            raise Refused([Problem(str(path), rule, remedy=remedy) for path in lost])
        _adopt(root)
        _point(root, name)
    _noted(root)
    return name


def write_manifest(folder: Path, release: Release) -> None:
    """Write ``release.json``, old or new and nothing between."""
    about = {"schema": SCHEMA, **asdict(release)}
    del about["published"], about["built"]
    write(folder / MANIFEST, json.dumps(about, indent=1, ensure_ascii=False))


def _adopt(root: Path) -> None:
    """Make the folder ``_site`` of older days a site like others, and a link of ``_site``.

    This takes two steps, and is needed once: if it is interrupted between them, `_note` does the
    second.
    """
    folder = root / SITE
    if folder.is_symlink() or not folder.exists():
        return
    if not (folder / "index.html").is_file():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            return
        raise refused(SITE, "it would be replaced, and has no index.html", "Move it away.")
    _made(root / SITES)
    name = _report_name(root, "")
    folder.rename(root / SITES / name)
    _point(root, name)


def _report_name(root: Path, base: str) -> str:
    numbers = [_REPORT.search(path.name) for path in (root / SITES).glob("*report-*")]
    number = 1 + max((int(found[1]) for found in numbers if found), default=0)
    return f"{base}.report-{number}".lstrip(".")


def _free(root: Path, name: str) -> str:
    """Return a name that no release has."""
    if not re.fullmatch(r"\w[\w-]*", name) or name == RAW.name:
        raise ValueError(f"{name!r} is no day")
    number, tried = 1, name
    while _folder(root, tried).exists():
        number += 1
        tried = f"{name}.{number}"
    return tried


def _put_site(root: Path, book: Path, name: str) -> None:
    """Copy a rendered book into the place of a site; everybody may read it."""
    draft = _draft(root, MAKING[1])
    shutil.copytree(book, draft, dirs_exist_ok=True)
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    _sync_tree(draft)
    draft.rename(root / SITES / name)
    _sync(root / SITES)


def _point(root: Path, name: str) -> None:
    """Publish a site: the one step that decides what is current."""
    new = root / NEW_LINK
    new.unlink(missing_ok=True)
    new.symlink_to(SITES / name)
    new.replace(root / SITE)
    with suppress(OSError):  # it is published, whatever comes now
        _sync(root)


def _noted(root: Path) -> None:
    with suppress(OSError, Refused):  # else the next command does it
        _note(root)


def _note(root: Path) -> None:
    """Note which release is published, in its folder and in the changelog."""
    if not (root / SITE).exists() and not (root / SITE).is_symlink() and not _manifests(root):
        for site in (root / SITES).glob("report-*/"):  # `_adopt` was interrupted
            _point(root, site.name)
            return
    now = releases(root).get(base_of(pointed(root)))
    if now and not (mark := _folder(root, now.name) / PUBLISHED).exists():
        mark.touch()
        _sync(mark.parent)
    log = root / CHANGELOG
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    told = re.findall(r"^## (?:Accepted|Rolled back to) (.+)$", text, re.MULTILINE)
    name = now.name if now else "a report without a release"
    if not pointed(root) or told[-1:] == [name] or not (told or now):
        return
    entry = f"## Rolled back to {name}\n\n{_now()}\n"
    if now and name not in told:
        notes = [re.sub(r"([\\`*\[<&])", r"\\\1", printable(note)) for note in now.notes]
        lines = "".join(f"* {note}\n" for note in notes)
        entry = f"## Accepted {name}\n\n{now.accepted_at}\n\n{lines}"
    write(log, f"{text or '# Releases'}\n{entry}".replace("# Releases\n##", "# Releases\n\n##"))


# ------------------------------------------------------------------------- files and disks


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, text: str) -> None:
    """Write a file so that its old or its new content is there, whatever happens."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    _sync(new)
    new.replace(path)
    _sync(path.parent)


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and file_hash(path) == sha256


def _draft(root: Path, box: Path) -> Path:
    _made(root / box)
    return Path(tempfile.mkdtemp(dir=root / box))


def _made(folder: Path) -> None:
    """Make a folder, for good."""
    if not folder.is_dir():
        _made(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _remove(root: Path, folder: Path, box: Path) -> None:
    """Remove a folder in one step: first it is renamed, and then deleted."""
    draft = _draft(root, box)
    folder.rename(draft / folder.name)
    shutil.rmtree(draft, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def refused(path: Path, rule: str, remedy: str) -> Refused:
    """Return a refusal with one problem."""
    return Refused([Problem(str(path), rule, remedy=remedy)])


@contextmanager
def in_words(root: Path, every: bool = True) -> Iterator[None]:
    """Turn errors of the system into refusals; or only those of its disks."""
    try:
        yield
    except OSError as error:
        if every or error.errno in _WORDS or isinstance(error, shutil.Error):
            raise explain(root, error) from error
        raise


def explain(root: Path, error: OSError, path: Path | None = None) -> Refused:
    """Say in one sentence which file an error is about, and what to do."""
    if isinstance(error, shutil.Error):  # of many files: the first says enough
        source, _, reason = error.args[0][0]
        number = re.match(r"\[Errno (\d+)\]", str(reason))
        error = OSError(int(number[1]) if number else 0, str(reason), str(source))
    path = path or Path(str(error.filename2 or error.filename or "this machine"))
    path = path.relative_to(root) if path.is_relative_to(root) else path
    rule, remedy = _WORDS.get(error.errno or 0, (error.strerror or str(error), _AGAIN))
    return refused(path, rule, remedy)

"""Keep releases, and publish one of them by an atomic pointer.

===========================  ===================================================================
``_site``                    the pointer: a link to ``sites/<name>``, which is what readers see
``sites/<name>/``            the web site of a release, and nothing else
``releases/<name>/``         its ``build`` and ``release.json``, which never change, and
                             ``published``, an empty file that says that it once was
``releases/raw/<SHA-256>``   the raw files of all releases, read-only
===========================  ===================================================================

Everything is prepared in folders called ``.making`` and renamed when it is complete. The last step
of a publication or a rollback replaces the link, so there is nothing to recover after an
interruption: `tidy` removes what was never published. `make report` publishes releases, too: they
name no raw files, because they use those that lie in ``data/raw``, and only the newest two are
kept.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import filelock

from analysis.core.files import file_hash, read_json
from analysis.core.problems import Problem, Refused
from analysis.ingest import salt
from analysis.release.disk import make_folder, refuse_system_errors, sync, sync_tree, write

SITE, SITES, RELEASES = Path("_site"), Path("sites"), Path("releases")
RAW, DATA = RELEASES / "raw", Path("data/raw")
NEW_LINK = Path("._site.new")
MANIFEST, PUBLISHED = "release.json", "published"
#: Folders that hold customers' data: only their owner may read them.
PRIVATE = (RELEASES, Path("build"), Path("builds"), DATA)
SCHEMA = 1


@dataclass(frozen=True)
class Release:
    """What ``release.json`` says of a release.

    Attributes
    ----------
    name
        Its day (``2011-12-10``, then ``2011-12-10.2``), or ``report-3``.
    number
        Its place in the order of releases, because clocks may be wrong or set back.
    previous
        The release before it, which a rollback restores; empty for the first.
    files
        The raw files in use: place in the data folder -> SHA-256.
    superseded
        The SHA-256 of all files that this release, or one before it, took out of use.
    as_of, data_version, accepted_at, notes
        For people: its day, the name of exactly these files, when it was accepted (empty if
        `make report` made it), and what changed.
    published, built
        Whether it ever was published, and whether its build is still there: not in the file.
    """

    name: str = ""
    number: int = 0
    previous: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
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


def published_name(root: Path) -> str:
    """Return the name of the release that is published; empty where there is no link yet.

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
        remedy = f"Remove it; a link into {SITES}/ will take its place."
        raise refusal(SITE, f"this is a link to {target}, which is not a site of ours", remedy)
    return target.name


def manifests(root: Path) -> dict[str, Release]:
    """Return all releases in order, whether they were published or not.

    Raises
    ------
    Refused
        When one of them cannot be read: `tidy` removes what no release needs.
    """
    found, now = [], published_name(root)
    for path in sorted((root / RELEASES).glob(f"[!.]*/{MANIFEST}")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            del content["schema"]
            content |= {key: tuple(content[key]) for key in ("superseded", "notes")}
            shown = path.with_name(PUBLISHED).exists() or content["name"] == now
            built = path.with_name("build").exists()
            found.append(Release(**content, published=shown, built=built))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            place = path.relative_to(root)
            raise refusal(place, "this cannot be read", "Restore it from a backup.") from error
    return {release.name: release for release in sorted(found, key=lambda r: r.number)}


def releases(root: Path) -> dict[str, Release]:
    """Return the releases that were published, in order."""
    return {name: release for name, release in manifests(root).items() if release.published}


def current_release(root: Path) -> Release | None:
    """Return the release that is published; None before the first.

    Raises
    ------
    Refused
        When the link is gone, or the release that it names.
    """
    every, name = releases(root), published_name(root)
    if every and not name:
        rule = f"it is not the link that tells which release of {RELEASES}/ is published"
        remedy = f"Publish one: 'python -m analysis rollback --to {list(every)[-1]}'."
        raise refusal(SITE, rule, remedy)
    if name and name not in every:
        remedy = "Restore it from a backup."
        raise refusal(RELEASES / name, "it is missing, and its site is published", remedy)
    return every.get(name)


def chain(root: Path) -> list[Release]:
    """Return the published release and those before it, oldest first, without rolled-back ones."""
    now, every = current_release(root), releases(root)
    found: list[Release] = []
    while now:
        found.append(now)
        now = every.get(now.previous)
    return found[::-1]


def release_in_force(root: Path) -> Release | None:
    """Return the last release of the chain that names raw files; None if none does."""
    return next((release for release in reversed(chain(root)) if release.files), None)


def accepted_builds(root: Path) -> list[Path]:
    """Return the builds of the accepted releases of the chain, oldest first."""
    return [build_of(root, r.name) for r in chain(root) if r.built and r.accepted_at]


def history(root: Path) -> list[dict[str, str]]:
    """Return a row for each release, in order; `state`: now, earlier, rolled back, or pruned."""
    line, now = {release.name for release in chain(root)}, published_name(root)
    rows = []
    for name, release in releases(root).items():
        state = "now" if name == now else "earlier" if name in line else "rolled back"
        row = {key: getattr(release, key) for key in ("name", "as_of", "data_version")}
        row |= {"accepted_at": release.accepted_at, "files": ", ".join(release.files)}
        rows.append(row | {"state": state if release.built else f"{state}, pruned"})
    return rows


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
    guard = _guard(root)
    with refuse_system_errors(root):
        (root / RELEASES).mkdir(mode=0o700, exist_ok=True)
        for folder in PRIVATE:
            with suppress(OSError):  # it is not there, or somebody else's
                (root / folder).chmod(0o700)
        try:
            guard.acquire()
        except filelock.Timeout as error:
            remedy = "Wait until it has ended, then run this again."
            raise refusal(RELEASES, "another command is at work here", remedy) from error
    try:
        yield
    finally:
        guard.release()


def is_locked(root: Path) -> bool:
    """Tell whether this process holds the lock."""
    return _guard(root).is_locked


def _guard(root: Path) -> filelock.BaseFileLock:
    return filelock.FileLock(root.resolve() / RELEASES / ".lock", timeout=0, is_singleton=True)


@contextmanager
def prepare_folder(root: Path) -> Iterator[Path]:
    """Give an empty folder to prepare a release in, and tidy up before and after.

    Each time it has another name: a renderer that outlives a killed refresh writes to a folder
    that nothing reads any more.
    """
    tidy(root)
    try:
        with refuse_system_errors(root):
            folder = new_folder(root / RELEASES)
        yield folder
    finally:
        with suppress(OSError, Refused):  # the next command removes what this one cannot
            tidy(root)


def tidy(root: Path) -> None:
    """Remove what was never published, what no release needs, and old sites of `make report`."""
    if not is_locked(root):
        raise RuntimeError("this needs the lock: two at once would spoil each other's work")
    with refuse_system_errors(root):
        (root / NEW_LINK).unlink(missing_ok=True)
        for box in (RELEASES, SITES):
            shutil.rmtree(root / box / ".making", ignore_errors=True)
        every = manifests(root)
        if len(every) == 1 and not (root / SITE).is_symlink() and not (root / SITE).exists():
            point(root, *every)  # `take_over` was interrupted
            every = manifests(root)
        if now := published_name(root):
            _mark(root, now)
        reports = [n for n, r in every.items() if r.published and not r.accepted_at]
        wanted = {now, *reports[-2:], *(r.previous for r in every.values() if r.accepted_at)}
        kept = {n: r for n, r in every.items() if r.published and (r.accepted_at or n in wanted)}
        for name in every.keys() - kept:
            remove(root / RELEASES / name)
        whole = {name for name, release in kept.items() if release.built}
        for site in (root / SITES).glob("[!.]*"):
            if site.name not in whole:
                remove(site)
        needed = {sha256 for name in whole for sha256 in kept[name].files.values()}
        for path in (root / RAW).glob("*"):
            if path.name not in needed:
                path.unlink()


# ------------------------------------------------------------------------- publishing


def keep_raw(root: Path, source: Path, sha256: str) -> None:
    """Copy a file into the store, read-only.

    Raises
    ------
    Refused
        When its content is not what it was.
    """
    target = root / RAW / sha256
    if target.exists():
        return
    draft = new_folder(root / RELEASES) / sha256
    shutil.copyfile(source, draft)
    draft.chmod(0o400)
    sync(draft)
    if file_hash(draft) != sha256:
        raise refusal(source, "it changed while it was copied", "Send it again.")
    make_folder(target.parent)
    draft.replace(target)


def publish(root: Path, release: Release, build: Path, book: Path) -> Release:
    """Publish a build and its rendered book as a new release.

    Parameters
    ----------
    release
        What is known of it. Its name is a wish: the day of the data, which a number follows where
        it is taken; without one it is a release of `make report`.
    build, book
        They are copied.

    Returns
    -------
    Release
        As it was published.
    """
    with refuse_system_errors(root):
        take_over(root)
        now, every = current_release(root), manifests(root)
        number = _next_number(every)
        previous = now.name if now else ""
        if release.name:
            stamp = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            release = replace(release, name=_free(every, release.name), accepted_at=stamp)
        else:  # it takes the place of one before it
            previous = now.previous if now and not now.accepted_at else previous
            release = replace(release, name=f"report-{number}")
        release = replace(release, number=number, previous=previous)
        put_release(root, release, build)
        put_site(root, book, release.name)
        point(root, release.name)
    return release


def rollback(root: Path, to: str = "") -> str:
    """Publish again what was published before, and return the name of its release.

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
    with refuse_system_errors(root):
        every = releases(root)
        now = None if to else current_release(root)
        name = to or (now.previous if now else "")
        if name not in every:
            rule = f"there is no release {to}" if to else "there is no earlier publication"
            remedy = f"Name one of: {', '.join(every)}." if to and every else "Keep this one."
            raise refusal(SITE, rule, remedy)
        lost = [SITES / name] * (not (root / SITES / name / "index.html").is_file())
        lost += [RELEASES / name / "build"] * (not every[name].built)
        files = every[name].files.values()
        lost += [RAW / sha256 for sha256 in files if not holds(root / RAW / sha256, sha256)]
        if lost:
            rule = f"it is missing or damaged, and {name} needs it"
            remedy = "Restore it from a backup, or name another release with --to. "
            remedy += "Nothing was changed."
            raise Refused([Problem(str(path), rule, remedy=remedy) for path in lost])
        take_over(root)
        point(root, name)
    return name


def put_release(root: Path, release: Release, build: Path, leave: Sequence[str] = ()) -> None:
    """Copy a build, if there is one, into the place of a release, with what is known of it."""
    draft = new_folder(root / RELEASES)
    if build.is_dir():
        # Lists that were exported into the build hold addresses where it has pseudonyms.
        addresses = ["export"] * (salt.FACT in read_json(build / "facts.json"))
        ignored = shutil.ignore_patterns(*addresses, *leave)
        shutil.copytree(build, draft / "build", ignore=ignored)
    (draft / "build").mkdir(exist_ok=True)
    write_manifest(draft, release)
    if release.published:
        (draft / PUBLISHED).touch()
    sync_tree(draft)
    sync(make_folder(root / RAW))
    draft.rename(root / RELEASES / release.name)
    sync(root / RELEASES)


def write_manifest(folder: Path, release: Release) -> None:
    """Write ``release.json``, old or new and nothing between."""
    about = {"schema": SCHEMA, **asdict(release)}
    del about["published"], about["built"]
    write(folder / MANIFEST, json.dumps(about, indent=1, ensure_ascii=False))


def put_site(root: Path, book: Path, name: str) -> None:
    """Copy a rendered book into the place of a site; everybody may read it."""
    draft = new_folder(root / SITES)
    shutil.copytree(book, draft, dirs_exist_ok=True)
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    sync_tree(draft)
    draft.rename(root / SITES / name)
    sync(root / SITES)


def point(root: Path, name: str) -> None:
    """Publish a site: the one step that decides what is current."""
    new = root / NEW_LINK
    new.unlink(missing_ok=True)
    new.symlink_to(SITES / name)
    new.replace(root / SITE)
    with suppress(OSError):  # it is published, whatever comes now
        sync(root)
        _mark(root, name)


def _mark(root: Path, name: str) -> None:
    """Note that a release was published."""
    if not (mark := root / RELEASES / name / PUBLISHED).exists():
        mark.touch()


def take_over(root: Path, previous: str = "") -> None:
    """Make the folder ``_site`` of an older version a release, and ``_site`` a link to it.

    If this is interrupted between its two steps, `tidy` does the second.
    """
    folder = root / SITE
    if folder.is_symlink() or not folder.exists():
        return
    if not (folder / "index.html").is_file():
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            return
        raise refusal(SITE, "it would be replaced, and has no index.html", "Move it away.")
    number = _next_number(manifests(root))
    old = Release(name=f"report-{number}", number=number, previous=previous)
    put_release(root, old, new_folder(root / RELEASES))
    make_folder(root / SITES)
    folder.rename(root / SITES / old.name)
    point(root, old.name)


def _next_number(every: Mapping[str, Release]) -> int:
    return 1 + max((release.number for release in every.values()), default=0)


def _free(every: Mapping[str, Release], name: str) -> str:
    """Return a name that no release has: the one that is wished, or with a number."""
    if not re.fullmatch(r"\w[\w-]*", name) or name == RAW.name:
        raise ValueError(f"{name!r} is no day")
    numbered = (f"{name}.{number}" for number in itertools.count(2))
    return next(tried for tried in itertools.chain([name], numbered) if tried not in every)


def new_folder(box: Path) -> Path:
    """Make an empty folder to prepare something in."""
    return Path(tempfile.mkdtemp(dir=make_folder(box / ".making")))


def remove(path: Path) -> None:
    """Remove a folder in one step: first it is renamed, and then deleted."""
    draft = new_folder(path.parent)
    path.rename(draft / path.name)
    shutil.rmtree(draft, ignore_errors=True)


def holds(path: Path, sha256: str) -> bool:
    """Tell whether a file is there, with this content."""
    return path.is_file() and file_hash(path) == sha256


def refusal(path: Path, rule: str, remedy: str) -> Refused:
    """Return a refusal with one problem."""
    return Refused([Problem(str(path), rule, remedy=remedy)])

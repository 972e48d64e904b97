"""Find the raw files in use: those of the published release, and those put into data/raw by hand.

The published release says which files are in use, and the release store holds them. A file that
somebody puts into ``data/raw`` counts as well, unless a release knows it already: then it is in
use, or it was taken out of use. It takes the place of a file of the same name, or of the same one
of the four tables. Before the first release, ``data/raw`` counts as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.core import formatting
from analysis.core.files import file_hash
from analysis.core.problems import Problem, Refused
from analysis.release import store
from analysis.release.disk import explain, refuse_system_errors

#: Where older versions kept the files that others took the place of.
SET_ASIDE = "set-aside"
Named = Callable[[Path], str]


@dataclass(frozen=True)
class InUse:
    """The raw files in use.

    Attributes
    ----------
    files
        Place in the data folder -> SHA-256.
    paths
        Place -> where the file can be read.
    by_hand
        Those that lie in data/raw, and that no release knows.
    retired
        The places of files in data/raw that do not count: a release took them out of use.
    """

    files: Mapping[str, str]
    paths: Mapping[str, Path]
    by_hand: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a refresh makes of the files in use.

    Attributes
    ----------
    before, after
        The files in use before, as they were accepted, and afterwards.
    came
        The places of new files.
    gone
        The places of files that are taken out of use, or replaced.
    superseded
        The SHA-256 of these, and of files in data/raw that a named one replaces.
    """

    before: InUse
    after: InUse
    came: tuple[str, ...]
    gone: tuple[str, ...]
    superseded: tuple[str, ...]


def find_in_use(
    root: Path, role_of: Named, rename: Callable[[str, Path], str] = lambda place, _: place
) -> InUse:
    """Find the files in use.

    Parameters
    ----------
    role_of
        Files of the same folder and the same role take each other's place, and so do files of
        the same name (case aside).
    rename
        Gives the place under which a file in data/raw counts, from the one where it lies.
    """
    with refuse_system_errors(root):
        here, paths = _rename(fingerprints(root / store.DATA), root / store.DATA, rename)
        release = store.release_in_force(root)
        if release is None:
            return InUse(here, paths, tuple(here))
        every = store.releases(root).values()
        known = {sha256 for each in every for sha256 in each.files.values()}
        known |= set(release.superseded)
        new = {place: sha256 for place, sha256 in here.items() if sha256 not in known}
        used = set(release.files.values())
        retired = [p for p, sha256 in here.items() if sha256 in known and sha256 not in used]
        claimed = {claim for place in new for claim in claims(place, role_of)}
        kept = {p: s for p, s in release.files.items() if not claims(p, role_of) & claimed}
        ours = dict(stored_files(root, kept).paths) | {p: paths[p] for p in new}
        return InUse(kept | new, ours, tuple(new), tuple(retired))


def _rename(
    here: Mapping[str, str], data: Path, rename: Callable[[str, Path], str]
) -> tuple[dict[str, str], dict[str, Path]]:
    """Return the SHA-256 and the path of each file by the place under which it counts.

    Raises
    ------
    Refused
        When two different files would count under the same place.
    """
    names: dict[str, str] = {}
    for place in here:
        other = names.setdefault(rename(place, data / place), place)
        if other != place and here[other] != here[place]:
            rule = f"{store.DATA}/{other} is of the same campaigns"
            raise store.refusal(store.DATA / place, rule, "Remove one of the two.")
    return (
        {named: here[place] for named, place in names.items()},
        {named: data / place for named, place in names.items()},
    )


def stored_files(root: Path, files: Mapping[str, str]) -> InUse:
    """Return files that the release store holds."""
    return InUse(files, {place: root / store.RAW / sha256 for place, sha256 in files.items()})


def by_hand_line(used: InUse) -> str:
    """Say which files were put into data/raw since the last refresh."""
    files, names = (
        formatting.count(len(used.by_hand), "file"),
        formatting.join_words(used.by_hand[:5]),
    )
    return (
        f"{files} of {store.DATA} changed since the last refresh, by hand: {names}. "
        "What is there now counts."
    )


def retired_line(used: InUse) -> str:
    """Say which files in data/raw do not count."""
    return (
        f"Not used, since a release replaced or removed them, or was rolled back: "
        f"{formatting.join_words(used.retired[:5])} in {store.DATA}. To use one again, name it in "
        "a refresh."
    )


@contextmanager
def view(root: Path, used: InUse) -> Iterator[Path]:
    """Give a folder with links to the files in use, by the names that people know.

    It also has what else lies in data/raw, such as a folder among the files: that is told, and
    not overlooked.
    """
    with TemporaryDirectory(prefix="customer-report-") as name:
        folder = Path(name)
        data = root / store.DATA
        odd = {
            path.relative_to(data).as_posix(): path
            for part in _parts(data)
            for path in part.iterdir()
            if not path.is_file()
        }
        for place, path in (odd | dict(used.paths)).items():
            (folder / place).parent.mkdir(exist_ok=True)
            (folder / place).symlink_to(path.absolute())
        yield folder


def plan(
    root: Path,
    used: InUse,
    files: Sequence[Path],
    place_of: Named,
    role_of: Named,
    replaces: Sequence[str] = (),
    removes: Sequence[str] = (),
) -> Plan:
    """Check new files, and say which of those in use they replace; change nothing.

    Parameters
    ----------
    used
        From `find_in_use`.
    files
        The new files. What lies in data/raw by hand is new, too, once there is a release.
    place_of
        Gives the place of a file in the data folder; may refuse it.
    role_of
        As in `find_in_use`.
    replaces
        Names of further files in use that the new ones replace, with or without their folder.
    removes
        Names of files in use to be taken out of use, likewise.

    Raises
    ------
    Refused
        With all that is wrong with the files.
    """
    release = store.release_in_force(root)
    by_hand = used.by_hand if release or not files else ()
    old = dict(release.files) if release else {p: used.files[p] for p in used.by_hand}
    old = {} if by_hand and not release else old
    came = {place: used.paths[place] for place in by_hand}
    hashes = {place: used.files[place] for place in by_hand}
    holds = {sha256: f"{store.DATA}/{place}" for place, sha256 in (old | hashes).items()}
    taken: dict[tuple[str, ...], Path] = {}
    problems: list[Problem] = []
    for path in files:
        try:
            if path.exists() and any(path.samefile(used.paths[place]) for place in by_hand):
                continue  # it lies in data/raw, and counts already
            if not path.is_file() or _is_ignored(path):
                rule = "is not a data file" if path.exists() else "there is no such file"
                raise store.refusal(path, rule, "Name data files.")
            place = place_of(path)
            sha256, claim = file_hash(path), claims(place, role_of)
            if sha256 in holds:
                rule = f"the same file is already in use: {holds[sha256]}"
                raise store.refusal(path, rule, "Omit it.")
            if rival := claim & taken.keys():
                rule = f"{taken[min(rival)]} would take the same place"
                raise store.refusal(path, rule, "Send one of the two.")
        except Refused as refused:
            problems += refused.problems
        except OSError as error:
            problems += explain(root, error, path).problems
        else:
            for place_by_hand in [p for p in came if claims(p, role_of) & claim]:
                del came[place_by_hand]  # what is named wins
            holds[sha256] = str(path)
            taken |= dict.fromkeys(claim, path)
            came[place], hashes[place] = path, sha256
    claimed = {claim for place in came for claim in claims(place, role_of)}
    gone = [place for place in old if claims(place, role_of) & claimed]
    for name in dict.fromkeys([*replaces, *removes]):
        hits = [place for place in old if name in (place, Path(place).name)]
        half = Path(hits[0]).parent.name if len(hits) == 1 else ""
        if not half:
            rule = "several files in use have this name" if hits else "no file in use has this name"
            remedy = f"Name one of: {', '.join(hits or old) or '(there are none)'}."
            problems.append(Problem(name, rule, remedy=remedy))
        elif name in replaces and not any(place.startswith(f"{half}/") for place in came):
            remedy = f"Name a new file of {half}, too, or take it out of use with --remove."
            problems.append(Problem(hits[0], "no new file takes its place", remedy=remedy))
        else:
            gone += hits
    if not came and not gone and not problems:
        problems.append(Problem(str(store.DATA), "nothing is new", remedy="Name new files."))
    if problems:
        raise Refused(problems)
    kept = [place for place in old if place not in gone]
    after = InUse(
        {place: old[place] for place in kept} | {place: hashes[place] for place in came},
        {place: used.paths[place] for place in kept} | came,
    )
    known = {*old.values(), *(used.files[place] for place in by_hand)}
    superseded = sorted(known - set(after.files.values()))
    before = stored_files(root, old) if release else InUse(old, {p: used.paths[p] for p in old})
    return Plan(before, after, tuple(came), tuple(dict.fromkeys(gone)), tuple(superseded))


def claims(place: str, role_of: Named) -> set[tuple[str, ...]]:
    """Return what makes two files take each other's place: the same role, or the same name."""
    half, name = place.split("/")
    return {(half, "role", role_of(Path(name)).casefold()), (half, "name", name.casefold())}


def fingerprints(data: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a data folder, by its place."""
    return {
        f"{part.name}/{path.name}": file_hash(path)
        for part in _parts(data)
        for path in sorted(part.iterdir())
        if path.is_file() and not _is_ignored(path)
    }


def _parts(data: Path) -> list[Path]:
    parts = sorted(data.iterdir()) if data.is_dir() else []
    return [p for p in parts if p.is_dir() and p.name != SET_ASIDE and not _is_ignored(p)]


def _is_ignored(path: Path) -> bool:
    return path.name.lower().startswith((".", "~$", "readme"))

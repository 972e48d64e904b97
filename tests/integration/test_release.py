"""Test that a release is all old or all new, wherever it is interrupted or the disk is full.

The fault tests run in a process of their own, `inject`, which forks: each child does the same
small job, and fails at one call to the file system. This module loads nothing that has threads.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faults
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from releases import DAYS, new_project, put, report, role, roll_back

from analysis.core.files import file_hash
from analysis.core.problems import Refused
from analysis.release import raw, store
from analysis.release.disk import refuse_system_errors

ROOT = Path(__file__).resolve().parents[2]
Tree = Mapping[str, bytes]
#: What the interpreter tells of before it asks the system; `os.fsync` is added by hand.
CALLS = {
    *("open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.scandir"),
    *("os.listdir", "os.truncate", "os.chmod", "os.utime", "os.symlink", "os.fsync"),
    *("shutil.copyfile", "shutil.copytree", "shutil.rmtree"),
}
#: Those that need room on the disk, and those that read; `open` does either.
GROWING = {"os.rename", "os.link", "os.mkdir", "os.symlink", "os.fsync"}
READING = {"os.scandir", "os.listdir"}
#: More calls than any job makes: a test that finds no end is broken, and must not run on.
MOST = 2_000


def place_of(path: Path) -> str:
    folder = "activity" if path.name.startswith("market") else "transactions"
    return f"{folder}/{path.name}"


def incoming(root: Path, number: int) -> list[Path]:
    """Return the files of a quarter, outside the project: one is new, one restates another."""
    box = root.parent.parent / "inbox" / str(number)
    files = [box / f"sales_{number}.csv", box / "market_file.csv"]
    for path in files if not box.exists() else ():
        put(path, f"{path.stem} of quarter {number}")
    return files


def texts(used: raw.InUse) -> dict[str, str]:
    return {place: path.read_text(encoding="utf-8") for place, path in used.paths.items()}


def in_use(root: Path) -> dict[str, str]:
    """Return the text of each file that the analysis would read."""
    return texts(raw.find_in_use(root, role))


def take(
    root: Path, files: Sequence[Path], day: str = DAYS[0], replaces: Sequence[str] = ()
) -> store.Release:
    """Do all of a refresh with these files; the build and the site hold what they are made of."""
    with store.lock(root), store.prepare_folder(root) as work, refuse_system_errors(root):
        plan = raw.plan(root, raw.find_in_use(root, role), files, place_of, role, replaces)
        for place, path in plan.after.paths.items():
            store.keep_raw(root, path, plan.after.files[place])
        data = texts(plan.after)
        put(work / "build" / "manifest.json", json.dumps(data, sort_keys=True))
        put(work / "build" / "figures" / "one.svg", f"figure of {day}")
        put(work / "book" / "index.html", f"book of {day}: {sorted(data.values())}")
        put(work / "book" / "style" / "book.css", f"style of {day}: {sorted(data.values())}")
        before = store.release_in_force(root)
        gone = tuple(sorted({*plan.superseded, *(before.superseded if before else ())}))
        release = store.Release(day, files=plan.after.files, superseded=gone, as_of=day)
        return store.publish(root, release, work / "build", work / "book")


def refresh(root: Path, number: int) -> store.Release:
    return take(root, incoming(root, number), DAYS[number - 1])


def tidy(root: Path) -> None:
    with store.lock(root):
        store.tidy(root)


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder; of a link, those of the folder that it leads to."""
    folder = folder.resolve()
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != ".lock"
    }


def page(root: Path) -> str:
    return (root / "_site" / "index.html").read_text(encoding="utf-8")


def state(root: Path) -> Mapping[str, Tree]:
    """Return all that counts, but for the moment at which a release was accepted.

    Nor does it count whether the folder ``_site`` of an older version was made a release already.
    """
    found: dict[str, dict[str, bytes]] = {
        name: {path: text for path, text in tree(root / name).items() if "report-" not in path}
        for name in ("_site", "sites", "releases", "data")
    }
    for path, text in found["releases"].items():
        found["releases"][path] = re.sub(rb'"(accepted_at": "2|previous": "rep)[^"]+"', b"", text)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return new_project(tmp_path / "start" / "project")


#: What is interrupted, and what was done before.
JOBS: dict[str, tuple[Callable[[Path], object], Sequence[Callable[[Path], object]]]] = {
    "first": (lambda root: refresh(root, 1), ()),
    "later": (lambda root: refresh(root, 2), (lambda root: refresh(root, 1),)),
    "rollback": (roll_back, (lambda root: refresh(root, 1), lambda root: refresh(root, 2))),
    "report": (report, (lambda root: refresh(root, 1),)),
}


def fail_at(number: int, how: str, root: Path) -> list[str]:
    """Make the number-th call to the file system fail, and return the list of calls so far.

    kill: the process dies before the call; power: and of each new file that was not made safe,
    half is lost; once: the call fails; full: so do all later ones that need room; locked: so do
    all later ones that read.
    """
    calls: list[str] = []
    code = errno.EACCES if how == "locked" else errno.ENOSPC
    safe = {path.stat().st_ino for path in root.rglob("*")} if how == "power" else set()

    def watch(event: str, details: tuple[Any, ...]) -> None:
        if event not in CALLS:
            return
        calls.append(event)
        if len(calls) == number and how in ("kill", "power"):
            for path in root.rglob("*") if how == "power" else ():
                if path.is_file() and path.stat().st_ino not in safe:
                    os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        writes = event == "open" and bool(details[2] & (os.O_WRONLY | os.O_RDWR))
        if (
            (how == "once" and len(calls) == number)
            or (how == "full" and (event in GROWING or writes))
            or (how == "locked" and (event in READING or (event == "open" and not writes)))
        ) and len(calls) >= number:
            raise OSError(code, os.strerror(code), str(details[0]) if details else None)

    def fsync(fd: int) -> None:  # nothing is written: a kill does not empty the system's cache
        watch("os.fsync", ())
        safe.add(os.fstat(fd).st_ino)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(watch)
    return calls


def in_child(root: Path, job: str, number: int, how: str) -> int:
    """Do a job in a child that fails at a call to the file system.

    It ends with 0: done; 1: refused; 3: there was no such call; or with a signal (negative).
    """
    child = os.fork()
    if child:
        return child
    code = 9
    try:
        calls = fail_at(number, how, root)
        JOBS[job][0](root)
        code = 0 if len(calls) >= number else 3
    except Refused:
        code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target, symlinks=True))


def inject(base: Path, job: str, how: str, step: int) -> dict[str, int]:
    """Let a job fail at every step-th call, look at what is left, and go on from it.

    Returns how often there was each exit code; ends with an error when anything is lost.
    """
    do, earlier = JOBS[job]
    start, work = new_project(base / "start" / "project"), base / "work" / "project"
    for quarter in (1, 2, 3):
        incoming(start, quarter)  # before anything fails
    for each in earlier:
        each(start)
    do(copied(start, work))
    before, after = state(start), state(work)
    refresh(work, 3)
    later = state(work)
    assert before != after != later
    counts: dict[str, int] = {}
    for number in faults.sample(MOST, step, f"{job} {how}"):
        code = ended(in_child(copied(start, work), job, number, how))
        where = f"{job} {how} {number}"
        assert code in (-signal.SIGKILL, 0, 1, 3), f"{where}: {code}"
        if code == 3:
            return counts
        counts[str(code)] = counts.get(str(code), 0) + 1
        # Readers have one site or the other; only the folder of an older version has a gap.
        seen = (work / "_site").exists() and tree(work / "_site")
        assert seen in (before["_site"], after["_site"]) or (job == "first" and code < 0), where
        # After the next start all is old or all is new, and nothing else is there.
        tidy(work)
        found = state(work)
        assert found in ((before,) if code == 1 else (after,) if code == 0 else (before, after)), (
            where,
            {
                name: [
                    sorted(tree.keys() ^ before[name].keys()),
                    sorted(tree.keys() ^ after[name].keys()),
                ]
                for name, tree in found.items()
            },
        )
        if found == before:
            do(work)
            assert state(work) == after, where
        if sum(counts.values()) % 5 == 1:
            refresh(work, 3)
            assert state(work) == later, where
    raise AssertionError(f"{job} does not end")


#: Which job, how it fails, at every which call, and how many faults at least.
FAULTS = [
    ("first", "kill", 9, 20),
    ("later", "kill", 5, 40),
    ("later", "power", 5, 40),
    ("later", "once", 23, 9),
    ("later", "full", 23, 9),
    ("later", "locked", 23, 9),
    ("rollback", "kill", 2, 10),
    ("rollback", "full", 4, 4),
    ("rollback", "locked", 4, 4),
    ("report", "kill", 7, 10),
    ("report", "power", 7, 10),
    ("report", "full", 11, 5),
]


def race(base: Path) -> None:
    """Let four processes refresh at once: one does, and the others are refused."""
    start, alone = new_project(base / "start" / "project"), base / "work" / "project"
    incoming(start, 1)
    refresh(copied(start, alone), 1)
    children = [in_child(start, "first", MOST, "kill") for _ in range(4)]
    codes = sorted(map(ended, children))
    assert codes == [1, 1, 1, 3], codes
    assert state(start) == state(alone)


def inject_all() -> None:
    """Inject all faults, in memory where that can be, and print what each job returns."""
    os.fsync = lambda fd: None
    memory = Path("/dev/shm")
    counts = []
    for job, how, step, _ in FAULTS:
        with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as base:
            counts.append(inject(Path(base), job, how, step))
    with TemporaryDirectory() as base:
        race(Path(base))
    print(json.dumps(counts))


@pytest.mark.drill
@pytest.mark.skipif(sys.platform != "linux", reason="other systems name open files differently")
def test_a_failure_at_any_call_leaves_all_old_or_all_new() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import test_release; test_release.inject_all()"],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
            )
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for (job, how, _, least), codes in zip(FAULTS, json.loads(done.stdout), strict=True):
        assert sum(codes.values()) >= least, (job, how, codes)
        if how in ("kill", "power"):
            assert set(codes) == {"-9"}  # each child was killed, and none got to its end
        else:
            assert codes["1"] >= least / 3, (job, how, codes)


def test_a_reader_sees_only_whole_sites_while_releases_are_switched(project: Path) -> None:
    refresh(project, 1)
    code = """
import os, sys
from pathlib import Path
site, seen, print_ = Path(sys.argv[1]), set(), print("ready", flush=True)
while not (site.parent / "stop").exists():
    handle = os.open(site, os.O_RDONLY)
    page, style = (
        open(name, opener=lambda path, flags: os.open(path, flags, dir_fd=handle)).read()
        for name in ("index.html", "style/book.css")
    )
    os.close(handle)
    assert page.removeprefix("book") == style.removeprefix("style"), (page, style)
    assert (site / "index.html").read_text() and (site / "style/book.css").read_text()
    seen.add(page)
print(len(seen))
"""
    command = [sys.executable, "-c", code, str(project / "_site")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == "ready\n"
        refresh(project, 2)
        for number in range(150):
            if number % 3:
                roll_back(project, DAYS[number % 2])
            else:
                report(project, f"made by hand, {number}")
        (project / "stop").touch()
        seen = reader.stdout.read()
    assert reader.returncode == 0
    assert int(seen) > 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of one megabyte."""
    disk = tmp_path / "disk" / "small"
    disk.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only the administrator may mount a small disk")
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let its administrator mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill_up(disk: Path, pages: int) -> Path:
    """Leave so many pages of 4 KB free."""
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    ballast.write_bytes(bytes(max(0, room.f_bavail - pages) * room.f_bsize))
    return ballast


def test_a_full_disk_is_told_and_leaves_all_as_it_was(small_disk: Path) -> None:
    home = new_project(small_disk / "start" / "project")
    refresh(home, 1)
    incoming(home, 2)
    before = state(home)
    refused = 0
    for pages in range(60):
        ballast = fill_up(small_disk, pages)
        try:
            refresh(home, 2)
        except Refused as error:
            refused += 1
            assert "the disk is full. Free some space." in str(error), pages
            assert len(str(error).splitlines()) == 1
            assert state(home) == before, pages
            ballast.unlink()
        else:
            ballast.unlink()
            break
    else:
        refresh(home, 2)
    assert refused >= 5
    assert [row["name"] for row in store.history(home)] == ["report-1", *DAYS[:2]]


@pytest.mark.parametrize("name", ["data/raw", "releases", "sites"])
def test_data_releases_and_sites_may_each_be_on_another_disk(
    small_disk: Path, project: Path, name: str
) -> None:
    (project / name).mkdir(exist_ok=True)
    shutil.move(project / name, small_disk / "elsewhere")
    (project / name).symlink_to(small_disk / "elsewhere")
    if name == "sites":  # a folder of older days cannot be renamed to another disk
        shutil.rmtree(project / "_site")
    refresh(project, 1)
    first = page(project), in_use(project)
    refresh(project, 2)
    assert roll_back(project) == DAYS[0]
    assert (page(project), in_use(project)) == first


def test_a_new_file_that_the_disk_cannot_read(project: Path, tmp_path: Path) -> None:
    if not Path("/proc/self/mem").exists():  # reading its first byte is an error of the disk
        pytest.skip("this system has no file that cannot be read")
    (tmp_path / "bad.csv").symlink_to("/proc/self/mem")
    (said,) = refusal(project, tmp_path / "bad.csv")
    assert "bad.csv: the disk reports an error" in said


def test_a_file_that_changes_while_it_is_copied_is_refused(project: Path) -> None:
    (path, _) = incoming(project, 1)
    with (
        store.lock(project),
        store.prepare_folder(project),
        pytest.raises(Refused, match="it changed while it was copied"),
    ):
        store.keep_raw(project, path, "another hash")


def test_builds_of_one_day_get_numbers_and_order_does_not_heed_the_clock(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(dt.datetime):
        year_now = 2031

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Clock:
            cls.year_now -= 1
            return cls(cls.year_now, 1, 1, tzinfo=tz)

    monkeypatch.setattr(store.dt, "datetime", Clock)
    names = [take(project, incoming(project, number)).name for number in (1, 2, 3)]
    assert names == [DAYS[0], f"{DAYS[0]}.2", f"{DAYS[0]}.3"]
    rows = store.history(project)[1:]
    assert [row["name"] for row in rows] == names
    assert rows[0]["accepted_at"] > rows[2]["accepted_at"]
    assert [path.parent.name for path in store.accepted_builds(project)] == names
    assert roll_back(project) == names[1]


def test_a_refresh_puts_everything_in_its_place(project: Path) -> None:
    done = refresh(project, 1)
    assert (done.name, done.number, done.previous) == (DAYS[0], 2, "report-1")
    used = {
        "activity/market_file.csv": "market_file of quarter 1",
        "transactions/sales_0.csv": "sales of quarter 0",
        "transactions/sales_1.csv": "sales_1 of quarter 1",
    }
    assert in_use(project) == used
    build = store.build_of(project, DAYS[0])
    assert json.loads((build / "manifest.json").read_text(encoding="utf-8")) == used
    assert (project / "_site").readlink() == Path("sites") / DAYS[0]
    assert sorted(path.name for path in (project / "sites").glob("[!.]*")) == [DAYS[0], "report-1"]
    # Nobody else may read what is about customers; everybody may read the site.
    for name in ("releases", "data/raw"):
        assert (project / name).stat().st_mode & 0o077 == 0
    for path in (project / "sites" / DAYS[0]).rglob("*"):
        assert path.stat().st_mode & 0o044 == 0o044
    for path in (project / store.RAW).iterdir():
        assert path.stat().st_mode & 0o777 == 0o400
        assert file_hash(path) == path.name


def test_a_first_refresh_needs_no_folder_but_the_project(tmp_path: Path) -> None:
    project = tmp_path / "start" / "project"
    project.mkdir(parents=True)
    refresh(project, 1)
    assert sorted(path.name for path in project.iterdir()) == ["_site", "releases", "sites"]
    with pytest.raises(Refused, match="there is no earlier publication"):
        roll_back(project)


def test_a_dry_run_and_a_failing_caller_leave_no_trace(project: Path) -> None:
    refresh(project, 1)
    before = state(project)
    errors: list[tuple[BaseException, type[BaseException]]] = [
        (OSError(errno.ENOSPC, "full", "big.parquet"), Refused),
        (shutil.Error([("a", "b", "full")]), Refused),
        (FileNotFoundError(errno.ENOENT, "a fault of the program"), FileNotFoundError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ]
    for error, told in errors:
        with (
            pytest.raises(told),
            store.lock(project),
            store.prepare_folder(project) as work,
            refuse_system_errors(project, every=False),
        ):
            put(work / "build" / "manifest.json", "{}")
            store.keep_raw(project, path := incoming(project, 2)[0], file_hash(path))
            raise error
        assert state(project) == before


def test_a_renderer_that_outlives_a_killed_refresh_writes_where_nobody_reads(project: Path) -> None:
    with store.lock(project), store.prepare_folder(project) as killed:
        pass
    killed.mkdir(parents=True)
    put(killed / "book" / "index.html", "late")
    refresh(project, 1)
    assert not killed.exists()
    assert "late" not in page(project)


def test_rollback_goes_back_step_by_step_with_its_data(project: Path) -> None:
    start = page(project), in_use(project)
    refresh(project, 1)
    first = page(project), in_use(project)
    refresh(project, 2)
    assert roll_back(project) == DAYS[0]
    assert (page(project), in_use(project)) == first
    states = [row["state"] for row in store.history(project)]
    assert states == ["earlier", "now", "rolled back"]

    # What was rolled back does not come back by a later rollback, and its files are welcome again.
    refresh(project, 3)
    assert roll_back(project) == DAYS[0]
    assert take(project, incoming(project, 2), DAYS[1]).name == f"{DAYS[1]}.2"
    assert roll_back(project) == DAYS[0]
    assert roll_back(project, DAYS[2]) == DAYS[2]
    with pytest.raises(Refused, match=rf"no release 2010. Name one of: report-1, {DAYS[0]}, "):
        roll_back(project, "2010")
    assert roll_back(project) == DAYS[0]

    assert roll_back(project) == "report-1"
    assert (page(project), in_use(project)) == start
    assert store.accepted_builds(project) == []


def test_a_report_gives_way_to_the_release_before_it(project: Path) -> None:
    first = refresh(project, 1)
    used = in_use(project)
    for number in (3, 4, 5):
        assert report(project) == f"report-{number}"
        assert page(project) == "made by hand"
        assert in_use(project) == used
        assert store.accepted_builds(project) == [store.build_of(project, first.name)]
    tidy(project)
    # The one before stays, as somebody may be reading it; an earlier one does not.
    sites = sorted(path.name for path in (project / "sites").glob("[!.]*"))
    assert sites == [DAYS[0], "report-1", "report-4", "report-5"]
    assert roll_back(project) == DAYS[0]
    name = report(project, "made by hand again")
    refresh(project, 2)
    for _ in range(3):
        report(project, "other")
    assert roll_back(project) == DAYS[1]
    assert roll_back(project) == name
    assert page(project) == "made by hand again"
    assert roll_back(project) == DAYS[0]


def test_without_a_release_data_counts_as_it_is_and_a_folder_becomes_a_link(project: Path) -> None:
    before = tree(project / "data")
    report(project, "made anew")
    assert (project / "_site").readlink() == Path("sites/report-2")
    assert (project / "sites" / "report-1" / "index.html").is_file()
    assert page(project) == "made anew"
    assert tree(project / "data") == before
    with pytest.raises(Refused, match="there is no earlier publication"):
        roll_back(project)
    assert roll_back(project, "report-1") == "report-1"


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "take", "replace", "back"]), *[st.integers(0, 3)] * 2),
    max_size=7,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_any_sequence_keeps_every_file_and_restores_what_was(steps: list[Step]) -> None:
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda fd: None)
        root = new_project(Path(name, "project"))
        shown = [("report-1", in_use(root), "made by hand")]  # the model
        ever = set(in_use(root).values())
        for job, file, content in steps:
            _, now, _ = shown[-1]
            new = put(Path(name, "new", f"sales_{file}.csv"), f"content {content}")
            if job == "back":
                if len(shown) == 1:
                    with pytest.raises(Refused, match="no earlier publication"):
                        roll_back(root)
                else:
                    shown.pop()
                    assert roll_back(root) == shown[-1][0]
            elif f"content {content}" in now.values():
                with pytest.raises(Refused, match="the same file is already in use"):
                    take(root, [new])
            else:
                place = f"transactions/sales_{file}.csv"
                gone = sorted(now)[content % len(now)] if job == "replace" else place
                if gone.startswith("activity"):
                    gone = place
                replaces = [gone] if gone in now else []
                build = take(root, [new], DAYS[0], replaces).name
                after = {p: text for p, text in now.items() if p not in (gone, place)}
                shown.append((build, after | {place: f"content {content}"}, ""))
                ever.add(f"content {content}")
            build, data, text = shown[-1]
            assert in_use(root) == data
            if len(shown) > 1:
                assert store.published_name(root) == build
                text = f"book of {DAYS[0]}: {sorted(data.values())}"
            assert page(root) == text
            kept = {*tree(root / "data").values(), *tree(root / store.RAW).values()}
            assert ever <= {content.decode() for content in kept}
            builds = [name for name, _, _ in shown[1:]]
            assert [path.parent.name for path in store.accepted_builds(root)] == builds
            tidy(root)
            assert not any((root / "releases" / ".making").glob("*"))


def test_files_by_hand_count_until_a_release_knows_them(project: Path, tmp_path: Path) -> None:
    refresh(project, 1)
    data = project / "data" / "raw"
    put(data / "transactions" / "extra.csv", "added")
    put(data / "transactions" / "SALES_1.csv", "corrected by hand")
    put(data / "activity" / "market_file.xlsx", "customers by hand")
    put(data / "transactions" / "README.txt", "no data")
    used = raw.find_in_use(project, role)
    now = {
        "activity/market_file.xlsx": "customers by hand",
        "transactions/SALES_1.csv": "corrected by hand",
        "transactions/extra.csv": "added",
        "transactions/sales_0.csv": "sales of quarter 0",
    }
    assert texts(used) == now
    assert sorted(used.by_hand) == sorted(now)[:3]
    # The table of quarter 0 lies there as well, and a release took it out of use.
    assert used.retired == ("activity/market_file.csv",)
    with raw.view(project, used) as folder:
        assert {str(p.relative_to(folder)): p.read_text() for p in folder.glob("*/*")} == now

    # The next refresh takes them in; then data/raw can be emptied.
    take(project, [put(tmp_path / "sales_2.csv", "sales of quarter 2")], DAYS[1])
    now |= {"transactions/sales_2.csv": "sales of quarter 2"}
    assert in_use(project) == now
    shutil.rmtree(data)
    assert in_use(project) == now
    # What a backup brings back is known: it was replaced.
    put(data / "transactions" / "sales_1.csv", "sales_1 of quarter 1")
    assert in_use(project) == now
    # So is what was rolled back: it counts again when it is sent again.
    roll_back(project)
    late = put(data / "transactions" / "sales_2.csv", "sales of quarter 2")
    assert "transactions/sales_2.csv" not in in_use(project)
    assert raw.find_in_use(project, role).retired == ("transactions/sales_2.csv",)
    take(project, [late], DAYS[2])
    assert in_use(project)["transactions/sales_2.csv"] == "sales of quarter 2"


def test_what_is_no_file_is_seen_in_the_view(project: Path) -> None:
    refresh(project, 1)
    (project / "data" / "raw" / "transactions" / "more.csv").mkdir()
    with raw.view(project, raw.find_in_use(project, role)) as folder:
        assert (folder / "transactions" / "more.csv").is_dir()


def test_a_file_is_taken_out_of_use(project: Path) -> None:
    refresh(project, 1)
    used = raw.find_in_use(project, role)
    plan = raw.plan(project, used, [], place_of, role, removes=["sales_0.csv"])
    assert set(plan.after.files) == {"activity/market_file.csv", "transactions/sales_1.csv"}
    assert plan.superseded == (used.files["transactions/sales_0.csv"],)
    with pytest.raises(Refused, match=r"data/raw: nothing is new. Name new files"):
        raw.plan(project, used, [], place_of, role)


def refusal(root: Path, *files: Path, replaces: Sequence[str] = ()) -> list[str]:
    """Return what is said of files that are refused, and see that nothing was changed."""
    before = state(root)
    with pytest.raises(Refused) as caught:
        take(root, list(files), DAYS[0], replaces)
    assert state(root) == before
    return [str(problem) for problem in caught.value.problems]


def test_files_that_cannot_be_taken_are_all_named_at_once(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    put(tmp_path / "README.csv", "no data")
    put(tmp_path / "again.csv", "sales of quarter 0")
    put(tmp_path / "one.csv", "one")
    put(tmp_path / "two.csv", "one")
    put(tmp_path / "other" / "ONE.csv", "another")
    names = ("absent", "link", "folder", "pipe", "README", "again", "one", "two", "other/ONE")
    said = refusal(project, *(tmp_path / f"{name}.csv" for name in names))
    found = {line.split(": ")[0].removeprefix(f"{tmp_path}/"): line for line in said}
    for name in ("absent", "link"):
        assert "there is no such file" in found[f"{name}.csv"]
    for name in ("folder", "pipe", "README"):
        assert "is not a data file" in found[f"{name}.csv"]
    assert "already in use: data/raw/transactions/sales_0.csv" in found["again.csv"]
    assert f"already in use: {tmp_path / 'one.csv'}" in found["two.csv"]
    assert f"{tmp_path / 'one.csv'} would take the same place" in found["other/ONE.csv"]
    assert len(said) == 8


def test_a_new_file_may_replace_one_of_another_name(project: Path, tmp_path: Path) -> None:
    sales = put(tmp_path / "all.csv", "sales of all quarters")
    (said,) = refusal(project, sales, replaces=("sales_9.csv",))
    assert "sales_9.csv: no file in use has this name" in said
    assert "activity/market_file.csv, transactions/sales_0.csv" in said
    (said,) = refusal(project, sales, replaces=("market_file.csv",))
    assert "no new file takes its place" in said
    table = put(tmp_path / "market_file.v2.csv", "customers of quarter 1")
    take(project, [sales, table], DAYS[0], ["sales_0.csv"])
    assert set(in_use(project)) == {"activity/market_file.v2.csv", "transactions/all.csv"}
    old = put(tmp_path / "market_file.csv", "customers of quarter 0")  # it was replaced
    take(project, [old])
    assert in_use(project)["activity/market_file.csv"] == "customers of quarter 0"


def test_a_rollback_needs_all_that_it_restores(project: Path) -> None:
    refresh(project, 1)
    refresh(project, 2)
    before = page(project)
    first = store.releases(project)[DAYS[0]]
    lost = project / store.RAW / first.files["activity/market_file.csv"]
    lost.chmod(0o600)
    content = lost.read_text(encoding="utf-8")
    put(lost, "edited")
    with pytest.raises(Refused, match=rf"raw/{lost.name}: it is missing or damaged"):
        roll_back(project)
    put(lost, content)
    shutil.move(project / "sites" / DAYS[0], project / "elsewhere")
    with pytest.raises(Refused, match=rf"sites/{DAYS[0]}: it is missing or damaged"):
        roll_back(project)
    shutil.move(project / "elsewhere", project / "sites" / DAYS[0])
    assert page(project) == before
    assert roll_back(project) == DAYS[0]


def test_a_lost_pointer_is_not_taken_for_a_first_start(project: Path) -> None:
    refresh(project, 1)
    refresh(project, 2)
    (project / "_site").unlink()
    for do in (lambda: refresh(project, 3), lambda: report(project), lambda: roll_back(project)):
        with pytest.raises(Refused, match=rf"published. Publish one: .*rollback --to {DAYS[1]}"):
            do()
    assert roll_back(project, DAYS[1]) == DAYS[1]
    # A copy may have followed the link.
    copy = Path(shutil.copytree(project, project.parent / "copy"))
    with pytest.raises(Refused, match=r"_site: it is not the link that tells which release"):
        refresh(copy, 3)
    assert roll_back(copy, DAYS[1]) == DAYS[1]
    assert [path.parent.name for path in store.accepted_builds(copy)] == list(DAYS[:2])
    assert page(copy) == page(project)
    (project / "_site").unlink()
    (project / "_site").symlink_to("/var/www")
    with pytest.raises(
        Refused, match=r"_site: this is a link to /var/www, which is not a site of ours"
    ):
        refresh(project, 3)


def test_nothing_foreign_is_replaced(project: Path) -> None:
    (project / "_site" / "index.html").rename(project / "_site" / "notes.txt")
    with pytest.raises(Refused, match=r"it would be replaced, and has no index\.html"):
        refresh(project, 1)


@pytest.mark.parametrize("broken", ["{", "[]", '{"schema": 1}', '{"schema": 1, "notes": 2}'])
def test_a_broken_manifest_is_not_taken_for_an_absent_one(project: Path, broken: str) -> None:
    refresh(project, 1)
    refresh(project, 2)
    put(project / "releases" / DAYS[0] / "release.json", broken)
    before = state(project)
    for do in (tidy, lambda root: refresh(root, 3), roll_back):
        with pytest.raises(Refused, match=r"release\.json: this cannot be read. Restore it"):
            do(project)
    assert state(project) == before


def test_a_second_process_is_refused_until_the_first_has_ended(project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from analysis.release import store\n"
        "with store.lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(project)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for do in (lambda: refresh(project, 1), lambda: report(project), lambda: tidy(project)):
            with pytest.raises(Refused) as caught:
                do()
            said = "releases: another command is at work here. Wait until it has ended, then run"
            assert str(caught.value) == f"{said} this again."
        other.kill()
    refresh(project, 1)


def test_without_the_lock_nothing_is_touched(project: Path) -> None:
    for call in (store.tidy, store.rollback):
        with pytest.raises(RuntimeError, match="needs the lock"):
            call(project)

"""Is everything old or everything new, wherever a refresh is killed, or the disk is full?

The drills run in a process of their own, `drill`, which forks: each child does the same small
job, and fails at one call to the file system. This module loads nothing that has threads.
"""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faults
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import vault
from analysis.problems import Refused

ROOT = Path(__file__).resolve().parent.parent
Tree = Mapping[str, bytes]
#: What the interpreter tells of before it asks the system; `os.fsync` is added by hand.
CALLS = {
    *("open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.scandir"),
    *("os.listdir", "os.truncate", "os.chmod", "os.utime", "os.symlink", "os.fsync"),
    *("shutil.copyfile", "shutil.copytree", "shutil.rmtree", "ctypes.dlopen", "ctypes.dlsym"),
}
#: Those that need room on the disk; `open` only for writing.
GROWING = {"os.rename", "os.link", "os.mkdir", "os.symlink", "os.fsync", "open"}
#: More calls than any job makes: a drill that finds no end is broken, and must not run on.
MOST = 1_000
DAYS = ("2011-03-31", "2011-06-30", "2011-09-30")


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def half(path: Path) -> str:
    return "activity" if path.name.startswith("market") else "transactions"


def role(path: Path) -> str:
    return path.name.split(".")[0]


def incoming(root: Path, number: int) -> list[Path]:
    """Return the files of a quarter, outside the project: one is new, one restates another."""
    box = root.parent.parent / "inbox" / str(number)
    files = [box / f"sales_{number}.csv", box / "market_file.csv"]
    for path in files if not box.exists() else ():
        put(path, f"{path.stem} of quarter {number}")
    return files


def fill(stage: vault.Stage, day: str) -> None:
    """Pretend to build and render: both hold what they were made of."""
    data = {place: text_of(stage.raw / place) for place in stage.files}
    put(stage.build / "manifest.json", json.dumps(data, sort_keys=True))
    put(stage.build / "figures" / "one.svg", f"figure of {day}")
    put(stage.site / "index.html", f"book of {day}: {sorted(data.values())}")
    put(stage.site / "style" / "book.css", f"style of {day}")


def take(root: Path, files: list[Path], day: str = DAYS[0], *replaces: str) -> vault.Accepted:
    """Do all of a refresh with these files."""
    with vault.lock(root), vault.intake(root, files, half, role, replaces) as stage:
        fill(stage, day)
        return vault.commit(stage, day, f"version of {day}", [f"Made for {day}."])


def refresh(root: Path, number: int) -> vault.Accepted:
    return take(root, incoming(root, number), DAYS[number - 1])


def roll_back(root: Path) -> vault.Accepted:
    with vault.lock(root):
        return vault.rollback(root)


def recover(root: Path) -> str:
    with vault.lock(root):
        return vault.recover(root)


def tree(folder: Path, within: str = "") -> Tree:
    """Return all files of a folder, hidden ones too, but for the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / within).rglob("*"))
        if path.is_file() and path.relative_to(folder) != vault.LOCK
    }


def settled(whole: Tree) -> Tree:
    """Leave out what is in progress."""
    work = (vault.REFRESH, vault.ARRIVING)
    return {p: text for p, text in whole.items() if not any(map(Path(p).is_relative_to, work))}


def in_use(root: Path) -> dict[str, str]:
    """Return the text of each file that the analysis would read."""
    raw = root / vault.RAW
    return {place: text_of(raw / place) for place in vault._fingerprints(raw)}


def new_project(root: Path) -> Path:
    """Return a project with data, and a site that came by no refresh."""
    put(root / "data" / "raw" / "transactions" / "sales_0.csv", "sales of quarter 0")
    put(root / "data" / "raw" / "activity" / "market_file.csv", "customers of quarter 0")
    put(root / "data" / "raw" / "README.md", "what goes here")
    put(root / "_site" / "index.html", "made by hand")
    put(root / "build" / "manifest.json", "{}")
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return new_project(tmp_path / "start" / "project")


# ------------------------------------------------------------------------- the drills

JOBS: Mapping[str, Callable[[Path], object]] = {
    "first": lambda root: refresh(root, 1),
    "later": lambda root: refresh(root, 2),
    "rollback": roll_back,
    "recover": recover,
}


def fail_at(number: int, how: str, root: Path) -> list[str]:
    """Make the number-th call to the file system fail, and return the list of calls so far.

    kill: the process dies before the call; power: and of each new file that was not made safe,
    half is lost; once: the call fails; full: so do all later ones that need room; locked: so do
    all later ones that read.
    """
    calls: list[str] = []
    code = errno.EACCES if how == "locked" else errno.ENOSPC
    safe = {path.stat().st_ino for path in root.rglob("*")}

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
            or (how == "full" and event in GROWING and (event != "open" or writes))
            or (how == "locked" and event == "open" and not writes)
        ) and len(calls) >= number:
            raise OSError(code, os.strerror(code), str(details[0]) if details else None)

    def fsync(fd: int) -> None:  # nothing is written: a kill does not empty the system's cache
        watch("os.fsync", ())
        safe.add(os.fstat(fd).st_ino)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(watch)
    return calls


def no_exchange(one: Path, other: Path) -> bool:
    """Stand in for a system that cannot swap two folders in one step."""
    return False


def ended(child: int) -> int:
    """Wait for a child; return its signal (negative) or its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_child(root: Path, job: str, number: int, how: str) -> int:
    """Do a job in a child that fails at a call to the file system.

    It ends with 0: done; 1: refused; 2: refused, and to be finished; 3: there was no such call.
    """
    child = os.fork()
    if child:
        return child
    code = 9
    try:
        calls = fail_at(number, how, root)
        JOBS[job](root)
        code = 0 if len(calls) >= number else 3
    except vault.Unfinished:
        code = 2
    except Refused:
        code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    return target


def drill(base: Path, job: str, how: str, step: int) -> dict[str, int]:
    """Let a job fail at every step-th call, look at what is left, and go on from it.

    Returns how often there was each exit code; ends with an error when anything is lost.
    """
    start, work = new_project(base / "start" / "project"), base / "work" / "project"
    for quarter in (1, 2, 3):
        incoming(start, quarter)  # before anything fails
    for number in {"first": (), "rollback": (1, 2)}.get(job, (1,)):
        refresh(start, number)
    whole = "later" if job == "recover" else job
    JOBS[whole](copied(start, work))
    before, after = tree(start), tree(work)
    refresh(work, 3)
    later = tree(work)
    assert before != after != later
    counts: dict[str, int] = {}
    for origin in unfinished(start) if job == "recover" else [start]:
        for number in faults.sample(MOST, step, f"{job} {how}"):
            code = ended(in_child(copied(origin, work), job, number, how))
            where = f"{job} {how} {number}"
            assert code in (-signal.SIGKILL, 0, 1, 2, 3), f"{where}: {code}"
            if code == 3:
                break
            counts[str(code)] = counts.get(str(code), 0) + 1
            look(work, before, after, code, where)
            if job != "recover":
                assert code != 1 or settled(tree(work)) == settled(before), where
                assert code != 0 or settled(tree(work)) == settled(after), where
            # The next start: all is old or all is new, and nothing else is there.
            decided = (work / vault.JOURNAL).exists()
            recover(work)
            found = tree(work)
            assert found == after if decided else found in (before, after), where
            assert recover(work) == "", where
            if found == before:
                JOBS[whole](work)
                assert tree(work) == after, where
            if sum(counts.values()) % 5 == 1:
                refresh(work, 3)
                assert tree(work) == later, where
        else:
            raise AssertionError(f"{job} does not end")
    return counts


def look(work: Path, before: Tree, after: Tree, code: int, where: str) -> None:
    """See that readers have one site or the other, and that no file of the shop's is lost."""

    def of(whole: Tree, name: str) -> Tree:
        return {path: text for path, text in whole.items() if Path(path).is_relative_to(name)}

    site = tree(work, "_site")
    gap = vault._exchange is no_exchange and code < 0 and not site
    assert site in (of(before, "_site"), of(after, "_site")) or gap, where
    assert set(of(before, "data/raw").values()) <= set(tree(work, "data/raw").values()), where


def unfinished(start: Path) -> list[Path]:
    """Return a few projects whose refresh was killed at different moves."""
    found: list[Path] = []
    for number in range(1, MOST, 7):
        folder = copied(start, start.parent.parent / f"unfinished-{number}" / "project")
        if ended(in_child(folder, "later", number, "kill")) == 3:
            return found[::3]
        if (folder / vault.JOURNAL).exists():
            found.append(folder)
    raise AssertionError("a refresh does not end")


#: Which job, how it fails, at every which call, whether folders can be swapped, points at least.
DRILLS = [
    ("first", "kill", 9, True, 30),
    ("later", "kill", 7, True, 40),
    ("later", "kill", 29, False, 10),
    ("later", "power", 5, True, 50),
    ("later", "once", 23, True, 10),
    ("later", "full", 23, True, 10),
    ("later", "locked", 23, True, 10),
    ("rollback", "kill", 7, True, 30),
    ("rollback", "full", 23, True, 5),
    ("recover", "kill", 11, True, 10),
    ("recover", "kill", 13, False, 10),
]


def race(base: Path) -> None:
    """Let four processes refresh at once: one does, and the others are refused."""
    start, alone = new_project(base / "start" / "project"), base / "work" / "project"
    incoming(start, 1)
    refresh(copied(start, alone), 1)
    children = [in_child(start, "first", MOST, "kill") for _ in range(4)]
    assert sorted(map(ended, children)) == [1, 1, 1, 3]
    assert tree(start) == tree(alone)


def all_drills() -> None:
    """Do all drills, in memory where that can be, and print what each returns."""
    os.fsync = lambda fd: None
    vault._now = lambda: "2012-01-01T00:00:00+00:00"
    exchange, memory = vault._exchange, Path("/dev/shm")
    counts = []
    for job, how, step, swaps, _ in DRILLS:
        vault._exchange = exchange if swaps else no_exchange
        with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as base:
            counts.append(drill(Path(base), job, how, step))
    vault._exchange = exchange
    with TemporaryDirectory() as base:
        race(Path(base))
    print(json.dumps(counts))


@pytest.mark.drill
@pytest.mark.skipif(sys.platform != "linux", reason="other systems name open files differently")
def test_a_failure_at_any_call_leaves_all_old_or_all_new() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import test_vault; test_vault.all_drills()"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    killed = 0
    for (job, how, _, _, least), codes in zip(DRILLS, json.loads(done.stdout), strict=True):
        assert sum(codes.values()) >= least, (job, how, codes)
        if how in ("kill", "power"):
            assert set(codes) == {"-9"}  # each child was killed, and none got to its end
            killed += codes["-9"]
        else:
            assert codes["1"] >= least / 3, (job, how, codes)
    assert killed >= 150


# ------------------------------------------------------------------------- disks and clocks


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
    before = tree(home)
    refused = 0
    for pages in range(0, 60, 3):
        ballast = fill_up(small_disk, pages)
        try:
            refresh(home, 2)
        except Refused as error:
            refused += 1
            assert "the disk is full. Free some space." in str(error), pages
            assert len(str(error).splitlines()) == 1
            assert tree(home) == before, pages
            ballast.unlink()
        else:
            ballast.unlink()
            break
    else:
        refresh(home, 2)
    assert refused >= 5
    assert vault.published(home) == DAYS[1]
    assert [row["name"] for row in vault.history(home)] == ["before", *DAYS[:2]]


def test_data_may_be_on_another_disk_and_the_site_may_not(
    small_disk: Path, project: Path, tmp_path: Path
) -> None:
    shutil.move(project / "data" / "raw", small_disk / "raw")
    (project / "data" / "raw").symlink_to(small_disk / "raw")
    refresh(project, 1)
    assert in_use(project) == {
        "activity/market_file.csv": "market_file of quarter 1",
        "transactions/sales_0.csv": "sales of quarter 0",
        "transactions/sales_1.csv": "sales_1 of quarter 1",
    }
    before = tree(project), in_use(project)
    ballast = fill_up(small_disk, 1)
    with pytest.raises(Refused, match="the disk is full"):
        refresh(project, 2)
    assert (tree(project), in_use(project)) == before
    ballast.unlink()
    refresh(project, 2)
    assert roll_back(project).name == DAYS[0]
    assert in_use(project) == before[1]
    raw = project / "data" / "raw"
    shutil.move(raw / "activity", project / "elsewhere")
    (raw / "activity").symlink_to(project / "elsewhere")
    with pytest.raises(Refused, match="Keep all of data/raw on one disk"):
        refresh(project, 3)
    (raw / "activity").unlink()
    shutil.move(project / "elsewhere", raw / "activity")
    shutil.move(project / "_site", small_disk / "site")
    (project / "_site").symlink_to(small_disk / "site")
    with pytest.raises(Refused, match="on another disk than the project"):
        refresh(project, 3)
    (project / "data" / "raw").unlink()
    (project / "data" / "raw").symlink_to(tmp_path / "unplugged")
    with pytest.raises(Refused, match="Is a disk missing"):
        refresh(project, 3)


def test_a_new_file_that_the_disk_cannot_read(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(3)

    opened, before = Path.open, settled(tree(project))
    sales, market = incoming(project, 1)

    def fails(path: Path, *how: Any, **more: Any) -> Any:
        copying = (project / vault.STAGE).exists()
        return Failing(b"sales") if path == market and copying else opened(path, *how, **more)

    with monkeypatch.context() as patch, pytest.raises(Refused, match="the disk fails"):
        patch.setattr(Path, "open", fails)
        take(project, [sales, market])
    assert settled(tree(project)) == before
    if Path("/proc/self/mem").exists():  # reading its first byte is an error of the disk
        (tmp_path / "bad.csv").symlink_to("/proc/self/mem")
        (said,) = refusal(project, tmp_path / "bad.csv")
        assert "bad.csv: the disk fails" in said
    refresh(project, 1)


def test_builds_of_one_day_get_numbers_and_order_does_not_heed_the_clock(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(f"20{year}-01-01T00:00:00+00:00" for year in (30, 30, 30, 20, 20, 10, 10, 40, 40))
    monkeypatch.setattr(vault, "_now", lambda: next(clock))
    names = [take(project, incoming(project, number)).name for number in (1, 2, 3)]
    assert names == [DAYS[0], f"{DAYS[0]}.2", f"{DAYS[0]}.3"]
    rows = vault.history(project)
    assert [row["name"] for row in rows] == ["before", *names]
    assert rows[1]["accepted_at"] > rows[3]["accepted_at"]
    assert [path.name for path in vault.accepted(project)] == names
    assert roll_back(project).name == names[1]


# ------------------------------------------------------------------------- as it should go


def test_a_refresh_puts_everything_in_its_place(project: Path) -> None:
    done = refresh(project, 1)
    assert (done.number, done.name, vault.published(project)) == (2, DAYS[0], DAYS[0])
    builds = project / "builds"
    assert in_use(project) == {
        "activity/market_file.csv": "market_file of quarter 1",
        "transactions/sales_0.csv": "sales of quarter 0",
        "transactions/sales_1.csv": "sales_1 of quarter 1",
    }
    (kept,) = (project / "data" / "raw" / "set-aside").glob("*/activity/market_file.csv")
    assert text_of(kept) == "customers of quarter 0"
    assert json.loads(text_of(project / "build" / "manifest.json")) == in_use(project)
    site = {f"builds/{DAYS[0]}/site{p[5:]}": text for p, text in tree(project, "_site").items()}
    assert site == tree(project, f"builds/{DAYS[0]}/site")
    assert text_of(builds / "before" / "site" / "index.html") == "made by hand"
    assert [path.name for path in (project / ".refresh").iterdir()] == ["lock"]
    log = text_of(builds / "CHANGELOG.md")
    assert f"## Accepted {DAYS[0]}\n" in log
    assert f"* data version version of {DAYS[0]}\n" in log
    assert f"* replaced: activity/market_file.csv\n* Made for {DAYS[0]}." in log
    assert [row["published"] for row in vault.history(project)] == ["earlier", "now"]


def test_a_first_refresh_needs_no_folder_but_the_project(tmp_path: Path) -> None:
    project = tmp_path / "start" / "project"
    project.mkdir(parents=True)
    refresh(project, 1)
    assert sorted(path.name for path in project.iterdir()) == [
        *(".refresh", "_site", "build", "builds", "data")
    ]
    with pytest.raises(Refused, match="there is no earlier publication"):
        roll_back(project)


def test_a_dry_run_and_a_failing_caller_leave_no_trace(project: Path) -> None:
    before = tree(project)
    errors: list[tuple[BaseException, type[BaseException]]] = [
        (OSError(errno.ENOSPC, "full", "big.parquet"), Refused),
        (shutil.Error([("a", "b", "full")]), Refused),
        (FileNotFoundError(errno.ENOENT, "a fault of the program"), FileNotFoundError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ]
    for error, told in errors:
        with (
            pytest.raises(told),
            vault.lock(project),
            vault.intake(project, incoming(project, 1), half, role) as stage,
        ):
            fill(stage, DAYS[0])
            raise error
        assert tree(project) == before
    with vault.lock(project), vault.intake(project, incoming(project, 1), half, role) as stage:
        assert stage.raw == stage.folder / "data" / "raw"
        fill(stage, DAYS[0])
    assert tree(project) == before


def test_rollback_goes_back_step_by_step_with_its_data(project: Path) -> None:
    start = tree(project, "_site"), tree(project, "build"), in_use(project)
    refresh(project, 1)
    first = tree(project, "_site"), tree(project, "build"), in_use(project)
    refresh(project, 2)
    done = roll_back(project)
    assert (done.name, done.data_version) == (DAYS[0], f"version of {DAYS[0]}")
    assert (tree(project, "_site"), tree(project, "build"), in_use(project)) == first
    assert [row["published"] for row in vault.history(project)] == ["earlier", "now", "rolled back"]

    # What was rolled back does not come back by a later rollback, and its files are welcome again.
    refresh(project, 3)
    assert roll_back(project).name == DAYS[0]
    assert take(project, incoming(project, 2), DAYS[1]).name == f"{DAYS[1]}.2"
    assert roll_back(project).name == DAYS[0]
    assert (project / "builds" / DAYS[2] / "site" / "index.html").is_file()

    assert roll_back(project).name == "before"
    for folder in ("_site", "build"):
        (project / folder / vault.MARK).unlink()
    assert (tree(project, "_site"), tree(project, "build"), in_use(project)) == start
    assert vault.accepted(project) == []
    assert text_of(project / "builds" / "CHANGELOG.md").count("## Rolled back to") == 4


def test_a_site_of_make_report_is_kept_and_gives_way_to_the_last_accepted(project: Path) -> None:
    refresh(project, 1)
    for _ in range(2):
        shutil.rmtree(project / "_site")
        put(project / "_site" / "index.html", "made by hand again")
        assert vault.published(project) == ""
        assert roll_back(project).name == DAYS[0]
    shutil.rmtree(project / "_site")
    put(project / "_site" / "index.html", "made by hand again")
    refresh(project, 2)
    assert roll_back(project).name == "before.2"
    assert text_of(project / "_site" / "index.html") == "made by hand again"
    assert roll_back(project).name == DAYS[0]


def test_a_rollback_needs_all_that_it_restores(project: Path) -> None:
    refresh(project, 1)
    (kept,) = (project / "data" / "raw" / "set-aside").glob("*/activity/market_file.csv")
    put(kept, "edited")
    before = tree(project)
    with pytest.raises(Refused, match=r"set-aside/.*: it is not there any more"):
        roll_back(project)
    put(kept, "customers of quarter 0")
    shutil.move(project / "builds" / "before", project / "elsewhere")
    with pytest.raises(Refused, match=r"builds/before: it is not there any more"):
        roll_back(project)
    shutil.move(project / "elsewhere", project / "builds" / "before")
    put(kept, "edited")
    assert tree(project) == before


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
        shown = [("before", in_use(root), "made by hand")]  # the model
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
                    assert roll_back(root).name == shown[-1][0]
            elif f"content {content}" in now.values():
                with pytest.raises(Refused, match="the same file is already there"):
                    take(root, [new])
            else:
                place = f"transactions/sales_{file}.csv"
                gone = sorted(now)[content % len(now)] if job == "replace" else place
                if gone.startswith("activity"):
                    gone = place
                replaces = [gone] if gone in now else []
                build = take(root, [new], DAYS[0], *replaces).name
                after = {p: text for p, text in now.items() if p != gone}
                shown.append((build, after | {place: f"content {content}"}, ""))
                ever.add(f"content {content}")
            build, data, page = shown[-1]
            assert in_use(root) == data
            if len(shown) > 1:
                assert vault.published(root) == build
                page = f"book of {DAYS[0]}: {sorted(data.values())}"
            assert text_of(root / "_site" / "index.html") == page
            assert ever <= {text.decode() for text in tree(root, "data/raw").values()}
            builds = [name for name, _, _ in shown[1:]]
            assert [path.name for path in vault.accepted(root)] == builds
            assert [path.name for path in (root / ".refresh").iterdir()] == ["lock"]


# ------------------------------------------------------------------------- what is refused


def refusal(root: Path, *files: Path, replaces: tuple[str, ...] = ()) -> list[str]:
    """Return what is said of files that are refused, and see that nothing was changed."""
    before = tree(root)
    with pytest.raises(Refused) as caught:
        take(root, list(files), DAYS[0], *replaces)
    assert tree(root) == before
    return [str(problem) for problem in caught.value.problems]


def failing(code: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


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
        assert "is no file of data" in found[f"{name}.csv"]
    assert "already there: data/raw/transactions/sales_0.csv" in found["again.csv"]
    assert f"already there: {tmp_path / 'one.csv'}" in found["two.csv"]
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
    take(project, [sales, table], DAYS[0], "sales_0.csv")
    assert set(in_use(project)) == {"activity/market_file.v2.csv", "transactions/all.csv"}
    old = put(tmp_path / "market_file.csv", "customers of quarter 0")  # it was set aside
    with vault.lock(project):
        (arrival,) = vault.check_files(project, [old], half, role)
    assert arrival.supersedes == ("activity/market_file.v2.csv",)
    take(project, [old])
    assert in_use(project)["activity/market_file.csv"] == "customers of quarter 0"


def test_a_link_in_the_data_is_set_aside_with_what_it_leads_to(
    project: Path, tmp_path: Path
) -> None:
    (project / "data" / "raw" / "transactions" / "sales_1.csv").symlink_to("../../linked.csv")
    put(project / "data" / "linked.csv", "sales by a link")
    take(project, [put(tmp_path / "sales_1.csv", "sales of quarter 1")])
    assert in_use(project)["transactions/sales_1.csv"] == "sales of quarter 1"
    (kept,) = (project / "data" / "raw" / "set-aside").glob("*/transactions/sales_1.csv")
    (project / "data" / "linked.csv").unlink()
    assert text_of(kept) == "sales by a link"


def test_a_file_that_changes_while_it_is_copied_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "_copy", lambda source, target: "another fingerprint")
    assert "it changed while it was copied" in refusal(project, incoming(project, 1)[0])[0]


def test_changes_by_hand_are_told_and_not_overwritten(project: Path) -> None:
    refresh(project, 1)
    raw = project / "data" / "raw"
    put(raw / "transactions" / "extra.csv", "added")
    (raw / "activity" / "market_file.csv").unlink()
    put(raw / "transactions" / "README.txt", "no data")
    with vault.lock(project), vault.intake(project, incoming(project, 2), half, role) as stage:
        assert stage.by_hand == ("activity/market_file.csv", "transactions/extra.csv")
        fill(stage, DAYS[1])
        put(raw / "transactions" / "late.csv", "added during the refresh")
        with pytest.raises(Refused, match="its files were changed during the refresh"):
            vault.commit(stage, DAYS[1], "version", [])
    assert "transactions/late.csv" in in_use(project)


@pytest.mark.parametrize("file", ["_site/index.html", "build/manifest.json"])
def test_nothing_incomplete_is_published_and_nothing_foreign_replaced(
    project: Path, file: str
) -> None:
    before = tree(project)
    with vault.lock(project), vault.intake(project, incoming(project, 1), half, role) as stage:
        fill(stage, DAYS[0])
        (stage.folder / file).unlink()
        with pytest.raises(Refused, match=f"{Path(file).name} is missing"):
            vault.commit(stage, DAYS[0], "version1", [])
    assert tree(project) == before
    (project / file).rename(project / file.replace(".", "_"))
    with pytest.raises(Refused, match=f"it would be replaced, and has no {Path(file).name}"):
        refresh(project, 1)


def test_a_folder_that_may_not_be_written_is_told_before_anything_moves(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, activity = tree(project), project / "data" / "raw" / "activity"
    with monkeypatch.context() as patch, pytest.raises(Refused) as caught:
        patch.setattr(os, "access", lambda path, how: path != activity)
        refresh(project, 1)
    assert "data/raw/activity: you may not read or write this" in str(caught.value)
    assert tree(project) == before
    with monkeypatch.context() as patch, pytest.raises(Refused, match="can only be read"):
        patch.setattr(os, "link", failing(errno.EROFS))
        refresh(project, 1)
    assert tree(project) == before


def test_what_was_decided_is_finished_when_the_disk_works_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(vault.Unfinished) as caught:
        patch.setattr(vault, "_put", failing(errno.EIO))
        refresh(project, 1)
    assert "All is accepted; mend this" in str(caught.value)
    assert text_of(project / "_site" / "index.html") == "made by hand"
    journal = project / vault.JOURNAL
    whole = text_of(journal)
    put(journal, "{")
    with pytest.raises(Refused, match=r"journal\.json: this cannot be read"):
        recover(project)
    put(journal, whole)
    done = f"An interrupted refresh was finished: {DAYS[0]} is published."
    assert [recover(project), recover(project)] == [done, ""]
    assert vault.published(project) == DAYS[0]


@pytest.mark.parametrize("broken", ["{", "[]", '{"events": [1]}', '{"events": [{}]}'])
def test_a_broken_log_is_not_taken_for_an_empty_one(project: Path, broken: str) -> None:
    refresh(project, 1)
    put(project / "builds" / "log.json", broken)
    with pytest.raises(Refused, match=r"log\.json: this cannot be read. Restore it"):
        refresh(project, 2)
    (project / "builds" / "log.json").unlink()
    refresh(project, 2)
    assert roll_back(project).name == "before.2"


def test_names_cannot_write_markdown_into_the_changelog(project: Path) -> None:
    with vault.lock(project), vault.intake(project, [], half, role) as stage:
        fill(stage, DAYS[0])
        vault.commit(stage, "", "v", ["<script>\n# [x](y)"])
    log = text_of(project / "builds" / "CHANGELOG.md")
    assert "* \\<script>\N{REPLACEMENT CHARACTER}# \\[x](y)\n" in log
    assert "## Accepted undated\n" in log


# ------------------------------------------------------------------------- two at once


def test_a_second_process_is_told_who_holds_the_lock_which_dies_with_it(project: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from analysis import vault\n"
        "with vault.lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(project)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Refused) as caught:
            refresh(project, 1)
        said = str(caught.value)
        assert said.startswith(
            f".refresh/lock: a refresh is under way (process {other.pid} since 2"
        )
        assert said.endswith("Wait until it has ended, then run this again.")
        other.kill()
    refresh(project, 1)


def test_a_program_that_was_given_the_lock_keeps_it(project: Path) -> None:
    with vault.lock(project) as handle:
        renderer = subprocess.Popen(["sleep", "60"], pass_fds=[handle])
    try:
        with pytest.raises(Refused, match="a refresh is under way"):
            refresh(project, 1)
    finally:
        renderer.kill()
        renderer.wait()
    refresh(project, 1)


def test_without_the_lock_nothing_is_touched(project: Path) -> None:
    for call in (vault.recover, vault.rollback):
        with pytest.raises(RuntimeError, match="needs the lock"):
            call(project)

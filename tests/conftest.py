"""Provide the fixtures: real shops, small ledgers, commands, builds and books."""

from __future__ import annotations

import csv
import datetime as dt
import fcntl
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.build import pipeline, runner
from analysis.build.performing import Job, Record, perform
from analysis.core import plotting
from analysis.core.paths import ROOT
from analysis.core.progress import Steps
from analysis.core.settings import Settings, read_settings
from analysis.forecast import lapse, text_lapse
from analysis.ingest import readers
from analysis.ingest.sample import write_sample
from analysis.orders import cleaning
from analysis.orders.ledger import Ledger, connect
from analysis.segments import clusters

#: The long files come first, so that both workers end together. At the start each worker is dealt
#: two files: a short one stands behind the longest.
FIRST = (
    *("book", "refresh", "rfm", "pipeline", "cleaning_on_shops", "four_quarters"),
    *("campaigns_steer_the_plan", "perturbed", "offline", "profiles_on_shops"),
)
#: Real shops, one data folder each, and the ledger of one of them as a workbook.
SHOPS = ROOT.parent / "shared" / "shops"
WORKBOOK = ROOT.parent / "shared" / "data" / "formats" / "Online Retail.xlsx"
#: What a shop sends: the kinds of input that every book is tested with. CI names the folder that
#: holds the books it has rendered, one a kind, in the environment.
KINDS = {"orders": "transactions", "regulars": "activity", "both": "*"}
BOOKS = os.environ.get("BOOKS", "")
#: Where CI keeps what the tests make once, for the drills: the sample, built.
SHARED = os.environ.get("SHARED", "")
# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


def few_examples(number: int) -> hypothesis.settings:
    """Return how a property is tried whose every example reads a ledger: the same few each time."""
    return hypothesis.settings(
        max_examples=number,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )


Row = dict[str, Any]
LINE: Row = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Description": "WHITE LANTERN",
    "Quantity": "6",
    "InvoiceDate": "2011-01-14 08:26:00",
    "UnitPrice": "2.55",
    "CustomerID": "17850",
    "Country": "United Kingdom",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first."""
    rank = {f"test_{name}": number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def a_line(**changes: Any) -> Row:
    """Return a good line of the ledger, with some values changed."""
    return {**LINE, **changes}


def good_lines(count: int = 20) -> list[Row]:
    """Return good lines of five customers, all different."""
    return [
        a_line(InvoiceNo=str(536365 + i), CustomerID=str(17850 + i % 5), Quantity=str(1 + i))
        for i in range(count)
    ]


def write_lines(path: Path, rows: Sequence[Row], delimiter: str = ",") -> Path:
    """Write rows as a text file, and return the data folder: the parent of the file's folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path.parent.parent


def raw_lines(path: Path) -> pd.DataFrame:
    """Read a file of the sample's ledger without the project's loader: every line, all as text."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251")
    separator = next(mark for mark in "\t;," if mark in text.splitlines()[0])
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))[1:]
    names = ["invoice", "code", "description", "quantity", "date", "price", "customer", "country"]
    table = pd.DataFrame(rows, columns=names).assign(file=path.name)
    if separator == ";":
        table["price"] = table["price"].str.replace(",", ".")
    day_first = r"(\d\d)\.(\d\d)\.(\d{4})"
    table["date"] = table["date"].str.replace(day_first, r"\3-\2-\1", regex=True)
    table["date"] = table["date"].str.replace("T", " ").str.slice(0, 16)
    return table


@contextmanager
def reading(
    files: Iterable[Path], settings: Settings | None = None, **more: Any
) -> Iterator[Ledger]:
    """Read files as one ledger."""
    chosen = settings or read_settings()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        parts = [
            part
            for path in files
            for part in readers.read_parts(
                path, work, chosen.files.encodings, readers.known_words(chosen)
            )
        ]
        engine = connect(chosen.engine, work)
        try:
            yield cleaning.read_ledger(engine, parts, chosen.transactions, **more)
        finally:
            engine.disconnect()


def cleaned_lines(ledger: Ledger) -> pd.DataFrame:
    """Return the distinct lines with their cleaned_lines."""
    return ledger.lines.execute()


def changed(settings: Settings, **values: Any) -> Settings:
    """Return settings with some of the ledger's changed."""
    ledger = settings.transactions.model_copy(update=values)
    return settings.model_copy(update={"transactions": ledger})


def settings_file(path: Path, *changes: tuple[str, str]) -> Path:
    """Write a copy of the project's settings with some text replaced."""
    text = (ROOT / "data" / "settings.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


def snapshot(*folders: Path) -> Mapping[str, object]:
    """Return all that is in some folders: names, and the bytes and times of files."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
        for folder in folders
        for path in (folder, *sorted(folder.rglob("*")))
        if path.exists()
    }


@dataclass(frozen=True)
class Outcome:
    """What a command gave back and said."""

    code: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        """The lines of the one message that lists what is wrong."""
        return [line.strip(" *") for line in self.err.splitlines() if line.startswith("  * ")]


Run = Callable[..., Outcome]


@pytest.fixture(scope="session", autouse=True)
def presenting_here() -> Iterator[None]:
    """Let builds of the test process draw in it: to start processes takes longer than to draw.

    Builds that are commands of their own start them, as `sample_build`, which is compared with
    builds of this process byte by byte.
    """

    def perform_in_turn(jobs: Sequence[Job]) -> Iterator[Record]:
        return (perform(one, Steps()) for one in jobs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "perform_side_by_side", perform_in_turn)
        yield


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Leave the pictures of builds empty, where no test looks at them: they take longest."""
    patch.setattr(plotting, "draw", lambda _: b"<svg/>")


def choose_from_few(patch: pytest.MonkeyPatch) -> None:
    """Look for few clusters and models, where no test is about how they are chosen."""
    patch.setattr(clusters, "K", range(2, 3))
    few = {name: plan for name, plan in lapse.PLANS.items() if name in text_lapse.NAMES}
    patch.setattr(lapse, "PLANS", few)


def present_nothing(patch: pytest.MonkeyPatch) -> None:
    """Leave out what builds set, draw and say, where tests look at tables, facts and folders."""
    patch.setattr(pipeline, "STEPS", [step for step in pipeline.STEPS if not step.kind])


@pytest.fixture
def unpresented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this test's builds set, draw and say nothing."""
    present_nothing(monkeypatch)


@pytest.fixture
def projects() -> list[Path]:
    """Return the folders that were projects; `run` takes the last one."""
    return [ROOT]


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, projects: list[Path]
) -> Run:
    """Run a command in this process."""
    monkeypatch.delenv("REPORT_DATA", raising=False)

    def run_command(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments], projects[-1])
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capfd.readouterr()
        return Outcome(code, said.out, said.err)

    return run_command


def shop(name: str, shops: Path = SHOPS) -> Path:
    """Return the data folder of a real shop.

    A test that needs it is skipped where there are no shops at all; where there are some and this
    one is missing, it fails.
    """
    if not shops.is_dir():
        pytest.skip(f"there are no real shops at {shops}")
    folder = shops / name
    if not any(path.is_file() for path in folder.glob("*/*")):
        pytest.fail(f"{shops} holds shops, but not the data of {name}")
    return folder


@pytest.fixture(scope="session")
def gift_shop() -> Path:
    """Return the data folder of the gift shop: orders of a year."""
    return shop("gift-shop")


@pytest.fixture(scope="session")
def two_years() -> Path:
    """Return the data folder of the gift shop with the year before, in two files that overlap."""
    return shop("gift-shop-two-years")


@pytest.fixture(scope="session")
def one_click() -> Path:
    """Return the data folder of the household shop: four tables of regular customers."""
    return shop("one-click")


@pytest.fixture(scope="session")
def workbook(gift_shop: Path) -> Path:
    """Return the gift shop's ledger as a workbook."""
    assert WORKBOOK.is_file(), f"the workbook is missing at {WORKBOOK}"
    return WORKBOOK


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that is the same in all workers of this run, or the one that CI keeps."""
    if SHARED:
        Path(SHARED).mkdir(parents=True, exist_ok=True)
        return Path(SHARED)
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


def once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first worker to ask makes; meanwhile the others wait."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, or its process ends
        if not folder.exists():
            draft = folder.with_name(f"{folder.name}.draft")
            shutil.rmtree(draft, ignore_errors=True)
            make(draft)
            draft.rename(folder)
    return folder


def call_in(project: Path, *command: str) -> str:
    """Run a command in a project that is no checkout, and return what it says: no warnings."""
    own = {"QUARTO_PYTHON": sys.executable, "REPORT_DATA": "", "PYTHONPATH": ""}
    done = subprocess.run(
        command, cwd=project, env=os.environ | own, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "warning" not in said.casefold(), said
    return said


@pytest.fixture(scope="session")
def quick_settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return settings that look for clusters, and test models, no longer than they must."""
    return quick_settings_file(tmp_path_factory.mktemp("settings") / "settings.toml")


def quick_settings_file(path: Path, resamples: int = 12) -> Path:
    """Write settings that look for clusters, and test models, no longer than they must."""
    return settings_file(
        path,
        ("resamples = 60", f"resamples = {resamples}"),
        ("folds = 5", "folds = 2"),
        ("repeats = 5", "repeats = 1"),
    )


@pytest.fixture(scope="session")
def sample_project(shared: Path) -> Path:
    """Return a project that holds what a build needs, and the sample data in its usual place.

    A build depends on the folder that its data has in the project: in a copy of this one, what is
    built here is up to date.
    """

    def make(project: Path) -> None:
        for folder in ("analysis", "report/theme/fonts"):
            shutil.copytree(ROOT / folder, project / folder)
        write_sample(project / "data" / "sample")
        for path in (ROOT / "data").glob("*.toml"):
            shutil.copy2(path, project / "data")
        quick_settings_file(project / "data" / "settings.toml")

    return once(shared / "sample-project", make)


@pytest.fixture(scope="session")
def sample_data(sample_project: Path) -> Path:
    """Return a folder with the sample data."""
    return sample_project / "data" / "sample"


@pytest.fixture(scope="session")
def sample_build(sample_project: Path) -> Path:
    """Return a build of the sample data."""
    command = [sys.executable, "-m", "analysis", "build", "--out"]
    return once(sample_project / "build", lambda out: call_in(sample_project, *command, str(out)))


def copy_project(target: Path) -> Path:
    """Copy what git knows of the project, as a clone would have it."""
    files = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def data_of(kind: str, sample: Path) -> Path:
    """Write data of a kind of input where there is none: the gift shop, one-click, the sample.

    Where there are no real shops, orders alone and tables alone are those of the sample.
    """
    if kind != "both" and SHOPS.is_dir():
        return shop({"orders": "gift-shop", "regulars": "one-click"}[kind])
    write_sample(sample)
    for folder in set(KINDS.values()) - {"*", KINDS[kind]} if kind != "both" else ():
        shutil.rmtree(sample / folder)
    return sample


def built(kind: str, shared: Path) -> Path:
    """Return a project with a build of a kind of input: CI's, where CI has rendered a book of it.

    The build is the one that readers get: no step of it is shortened.
    """
    if BOOKS:
        return Path(BOOKS) / kind

    def make(project: Path) -> None:
        data = data_of(kind, copy_project(project) / "data" / "sample")
        call_in(project, sys.executable, "-m", "analysis", "build", "--data", str(data))

    return once(shared / f"{kind}-project", make)


@pytest.fixture(scope="session")
def gift_shop_build(gift_shop: Path, shared: Path) -> Path:
    """Return a build of the gift shop."""
    return built("orders", shared) / "build"


@pytest.fixture(scope="session")
def one_click_build(one_click: Path, shared: Path) -> Path:
    """Return a build of the household shop."""
    return built("regulars", shared) / "build"


@pytest.fixture(scope="session")
def settings() -> Settings:
    """Return the project's settings."""
    return read_settings()


def moment(text: str) -> dt.datetime:
    """Read a moment."""
    return dt.datetime.fromisoformat(text)

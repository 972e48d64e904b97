"""Test the quarterly refresh: good files are taken in whole, bad files change nothing."""

from __future__ import annotations

import datetime as dt
import errno
import gzip
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import bad_input
import duckdb
import fastexcel
import faults
import pandas as pd
import pytest
import xlsxwriter
from conftest import (
    LINE,
    Outcome,
    Row,
    Run,
    choose_from_few,
    draw_nothing,
    present_nothing,
    quick_settings_file,
    reading,
    snapshot,
    write_lines,
)
from ledgers import Change, each, in_month, less, shop, times, without
from summary_said import check_summary
from workbooks import text_of

from analysis.build import pipeline
from analysis.core.files import read_json
from analysis.core.paths import ROOT
from analysis.core.problems import Refused
from analysis.core.settings import read_settings
from analysis.history import changes as history_changes
from analysis.ingest import delimited, readers
from analysis.ingest.data_folder import role_of
from analysis.ingest.sample import write_sample
from analysis.orders import tables as sales_tables
from analysis.release import raw as raw_files
from analysis.release import refresh, store
from analysis.segments import clusters, reference
from analysis.segments.rules import read_segments

START, END = dt.date(2010, 12, 27), dt.date(2011, 10, 1)


def among_many(sold: list[Row], people: int = 250) -> list[Row]:
    """Deal the orders to more customers: so many that some stay away, and that can be learned."""
    whom = {
        row["InvoiceNo"].lstrip("C"): f"{12000 + 7 * random.Random(i).randrange(people)}"
        for i, row in enumerate(sold)
    }
    return [
        row | {"CustomerID": row["CustomerID"] and whom[row["InvoiceNo"].lstrip("C")]}
        for row in sold
    ]


pytestmark = pytest.mark.drill
#: The real renderer, which most tests here replace.
OWN_RENDER = refresh._render
SHOP = among_many(shop(START, END))
CUTS = ("2010-12-27", "2011-04-01", "2011-07-01", "2011-10-01")
Q1, Q2, Q3 = (
    [row for row in SHOP if start <= row["InvoiceDate"] < end]
    for start, end in itertools.pairwise(CUTS)
)


# ------------------------------------------------------------------------- a small project


def new_project(root: Path) -> Path:
    """Make a project with nothing but settings that are quick."""
    (root / "data").mkdir(parents=True)
    quick_settings_file(root / "data" / "settings.toml")
    # A forecast needs a past of three times as many days: here, half a year is enough.
    change_settings(root, ("threads = 0", "threads = 1"), ("lapse_days = 90", "lapse_days = 60"))
    return root


def change_settings(root: Path, *changes: tuple[str, str]) -> None:
    path = root / "data" / "settings.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def render(project: Path, key: str) -> None:
    """Stand in for the book: a page, and a report to print, from the facts of the build."""
    assert store.is_locked(project.parents[3])
    assert read_json(project / "build" / "manifest.json").get("key", "") == key
    facts = (project / "build" / "facts.json").read_bytes()
    (project / "_book").mkdir()
    (project / "_book" / "index.html").write_bytes(facts)
    (project / "_book" / "customer-report.pdf").write_bytes(facts[::-1])


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, projects: list[Path]) -> Callable[[Path], Path]:
    """Take a folder as the project, whose builds have tables and facts, and present nothing."""
    make_it_quick(monkeypatch)
    present_nothing(monkeypatch)

    def use_folder(root: Path) -> Path:
        projects.append(root)
        return root

    return use_folder


def make_it_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Render no book, draw no picture, and look for few clusters and models."""
    monkeypatch.setattr(refresh, "_render", render)
    draw_nothing(monkeypatch)
    choose_from_few(monkeypatch)


def state(root: Path) -> object:
    """Return all that is published, in use, or kept; and that nothing is in progress.

    The salt of pseudonyms is made by the first command that reads, whatever becomes of the data.
    """
    store_now = {
        path: content
        for path, content in snapshot(root / "releases").items()
        if Path(path).name not in (".lock", ".making", "releases", "raw", "customer-salt")
    }
    return store_now, snapshot(*(root / name for name in ("data", "_site", "sites", "build")))


def write_file(path: Path, rows: Sequence[Row]) -> Path:
    write_lines(path, rows)
    return path


# ------------------------------------------------------------------------- bad and hostile files


@pytest.fixture(scope="module")
def half_a_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with two quarters in use, and a site; how it was built does not matter."""
    root = new_project(tmp_path_factory.mktemp("half") / "project")
    folder = root / store.DATA / "transactions"
    write_file(folder / "first.csv", Q1)
    write_file(folder / "second.csv", Q2)
    for name, file in (("build", "manifest.json"), ("_site", "index.html")):
        (root / name).mkdir()
        (root / name / file).write_text("{}", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def regulars(half_a_year: Path) -> Path:
    """Return the same with tables of regular customers in the place of the ledger."""
    root = half_a_year.parent / "regulars"
    shutil.copytree(half_a_year, root)
    shutil.rmtree(root / store.DATA / "transactions")
    for name, data in bad_input.activity_tables().items():
        bad_input.content(f"raw/activity/{name}", data)(root / "data")
    # They are no customers of the orders here: this is not about that.
    accepted = ("accept_unknown_customers = false", "accept_unknown_customers = true")
    change_settings(root, accepted)
    return root


MORE = ""


def stopped(found: Outcome, *said: str) -> None:
    """See that a refresh ended with these problems, in words for people.

    There are no others, unless they end with `MORE`.
    """
    count = len(found.problems)
    first = f"The refresh stopped: {count} problem{'s' * (count != 1)}. What is published, and "
    assert found.code == 1, found.err
    assert first + "data/raw, are as they were." in found.err.splitlines()
    for sentence in said:
        assert any(re.search(sentence, problem) for problem in found.problems), found.problems
    assert count >= len(said) if said[-1] is MORE else count == len(said), found.problems
    assert_plain(found)


def assert_plain(found: Outcome) -> None:
    """See that nothing drives a terminal, and no fault of the program is shown."""
    assert "Traceback" not in found.err + found.out
    assert (found.err + found.out).replace("\n", "").isprintable()


#: Of the bad data folders, those whose files can be named one by one.
FOLDERS = {
    "no data",
    "a folder that is called like a file",
    "files in a folder below",
    "a link to nothing",
    "a kind of file that is not read",
}
FILES = {name: case for name, case in bad_input.CASES.items() if name not in FOLDERS}


@pytest.mark.parametrize("bad", FILES.values(), ids=list(FILES))
def test_what_is_bad_data_stops_a_refresh_too(
    bad: bad_input.Case,
    half_a_year: Path,
    regulars: Path,
    use: Callable[[Path], Path],
    tmp_path: Path,
    run: Run,
) -> None:
    bad.write(tmp_path)
    # The other half is in use: so nothing but the bad files is read.
    root = use(half_a_year if (tmp_path / "activity").exists() else regulars)
    before = state(root)
    found = run("refresh", *sorted(path for path in tmp_path.rglob("*") if path.is_file()))
    stopped(found, *bad.said)
    assert state(root) == before


Write = Callable[[Path], Sequence[object]]


def rows(change: Change, name: str = "third.csv") -> Callable[[Path], list[Path]]:
    """Write the new quarter, changed."""
    return lambda box: [write_file(box / name, change(Q3))]


def raw(data: bytes, name: str = "third.csv") -> Callable[[Path], list[Path]]:
    def write(box: Path) -> list[Path]:
        (box / name).write_bytes(data)
        return [box / name]

    return write


def named_again(box: Path) -> list[Path]:
    return [write_file(box / "third.csv", Q2)]


def twice(box: Path) -> list[Path]:
    (path,) = rows(list)(box)
    return [path, path]


def two_copies(box: Path) -> list[Path]:
    (path,) = rows(list)(box)
    return [path, Path(shutil.copy(path, box / "copy.csv"))]


def in_two_kinds(box: Path) -> list[Path]:
    (path,) = rows(list)(box)
    write_file(box / "more" / "third.csv", Q3[:50])
    return [path, box / "more" / "third.csv"]


def restated(box: Path) -> list[Path]:
    june = [row for row in Q2 if row["InvoiceDate"] >= "2011-06"]
    return [write_file(box / "third.csv", [{**june[0], "Quantity": "900"}, *june[1:], *Q3])]


def loses_days(box: Path) -> list[object]:
    path = write_file(box / "third.csv", [row for row in Q2 if row["InvoiceDate"] < "2011-06-10"])
    return [path, "--replaces", "second.csv"]


def another_shop(box: Path) -> list[Path]:
    write_sample(box)
    path = box / "transactions" / "sales_2024-Q1.csv"
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:3_000]))
    return [path]


def shifted(sold: list[Row]) -> list[Row]:
    """Move every value one column to the left, and leave the header."""
    return [dict(zip(LINE, [*list(row.values())[1:], ""], strict=True)) for row in sold]


def zip_bomb(box: Path) -> list[Path]:
    path = box / "third.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book,
        book.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(110):
            sheet.write(bytes(1_000_000))
    return [path]


def gzip_bomb(box: Path) -> list[Path]:
    member = gzip.compress(b"1,2,3,4,5,6,7,8\n" * 62_500)
    return raw(member * 120, "third.csv.gz")(box)


def formulas(box: Path) -> list[Path]:
    """Write a workbook whose prices are formulas that nobody ever calculated."""
    book = xlsxwriter.Workbook(str(box / "third.xlsx"))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, list(LINE))
    for i, row in enumerate(Q3, 1):
        sheet.write_row(i, 0, list(row.values()))
        place = list(row).index("UnitPrice")
        sheet.write_formula(i, place, f"=Z{i}*2", value="")
    book.close()
    return [box / "third.xlsx"]


def a_folder(box: Path) -> list[Path]:
    (box / "third.csv").mkdir()
    return [box / "third.csv"]


def a_dead_link(box: Path) -> list[Path]:
    (box / "third.csv").symlink_to(box / "gone.csv")
    return [box / "third.csv"]


def a_pipe(box: Path) -> list[Path]:
    os.mkfifo(box / "third.csv")
    return [box / "third.csv"]


KIND = r"a file of this kind is not read; \.parquet, .*\.csv, .* and \.xml are. Export it"
BAD: dict[str, tuple[Write, tuple[str, ...]]] = {
    "an accepted file under another name": (
        named_again,
        (
            r"third\.csv: the same file is already in use: data/raw/transactions/second"
            r"\.csv\. Omit it",
        ),
    ),
    "a file twice": (twice, (r"third\.csv: the same file is already in use: /.*third\.csv",)),
    "a file and its copy": (two_copies, (r"copy\.csv: the same file is already in use",)),
    "two files for one place": (
        in_two_kinds,
        (r"more/third\.csv: .*third\.csv would take the same place. Send one",),
    ),
    "no such file": (lambda box: [box / "third.csv"], (r"third\.csv: there is no such file",)),
    "a folder": (a_folder, (r"third\.csv: is not a data file. Name data files",)),
    "a link to nothing": (a_dead_link, (r"third\.csv: there is no such file",)),
    "a pipe": (a_pipe, (r"third\.csv: is not a data file",)),
    "a device": (lambda box: ["/dev/zero"], (r"/dev/zero: is not a data file",)),
    "a hidden file": (rows(list, ".third.csv"), (r"\.third\.csv: is not a data file",)),
    "the lock of an open workbook": (raw(b"x", "~$third.xlsx"), ("is not a data file",)),
    "an old workbook": (raw(bad_input.OLE, "third.xls"), (rf"third\.xls: {KIND}",)),
    "a workbook with macros": (raw(b"PK", "third.xlsm"), (rf"third\.xlsm: {KIND}",)),
    "an archive": (raw(b"PK", "third.zip"), (rf"third\.zip: {KIND}",)),
    "a name without ending": (raw(b"a,b\n1,2\n", "third"), (rf"third: {KIND}",)),
    "a name that drives a terminal": (
        raw(b"x", "th\x1b[2Jird.xls"),
        (rf"th.\[2Jird\.xls: {KIND}",),
    ),
    "an unknown file to replace": (
        lambda box: [*rows(list)(box), "--replaces", "fourth.csv"],
        (r"fourth\.csv: no file in use has this name. Name one of: transactions/first\.csv, tr",),
    ),
    "a restated month": (
        restated,
        (
            r"the new files: June 2011 is restated: 1 line changed, 0 went, 0 came\. .* See that "
            r"it is meant\. If this is right, go on with --accept ledger\.restated",
        ),
    ),
    "a replaced file that loses days": (
        loses_days,
        (
            r"second\.csv ran from 1 April 2011 to 30 June 2011, and the new files run "
            r"from 1 April 2011 to 9 June 2011: .*--accept ledger\.lost",
            "Every line of the new files was accepted before",
        ),
    ),
    "another shop": (
        another_shop,
        (
            r"There is no line on \d+ days.*--accept ledger\.gap",
            "Products known before in January 2024: 0.0%",
            MORE,
        ),
    ),
    "other customers": (
        rows(each(CustomerID=lambda row: row["CustomerID"] and f"8{row['CustomerID']}")),
        ("Customers known before in July 2011: 0.0%, .*--accept ledger.known_customers",),
    ),
    "a gap of two months": (
        rows(lambda sold: without("2011-07-01", "2011-09-01", sold)),
        (r"no line on 62 days from 1 July 2011 on; .*--accept ledger\.gap",),
    ),
    "day and month swapped": (
        rows(
            lambda sold: each(
                InvoiceDate=lambda row: (
                    f"2011-{row['InvoiceDate'][8:10]}-"
                    f"{row['InvoiceDate'][5:7]}{row['InvoiceDate'][10:]}"
                )
            )([row for row in sold if row["InvoiceDate"][8:10] < "13"])
        ),
        (r"0% of the lines are of days after the 12th.*--accept ledger\.swapped_days", MORE),
    ),
    "thousands in prices": (
        rows(each(UnitPrice=lambda row: f"1,{row['UnitPrice']}")),
        (r"column 'UnitPrice': .*for example row 2: '1,\d\.\d\d'. Export numbers plainly",),
    ),
    "pence": (
        rows(in_month("2011-08", times("UnitPrice", 100))),
        (
            "The price level of known products in August 2011: 100, .*close to 100 times",
            "Revenue a day in August 2011",
            "The mean price in August 2011",
        ),
    ),
    "columns shifted": (
        rows(shifted),
        ("column 'InvoiceDate': 100.0% of the rows .*for example row 2: ", MORE),
    ),
    "a header twice": (
        raw(text_of(Q3).replace("Description", "Quantity", 1).encode()),
        (r"third\.csv: the header has the column 'Quantity' more than once",),
    ),
    "no header": (
        raw("\n".join(text_of(Q3).splitlines()[1:]).encode()),
        tuple(
            rf"third\.csv: there is no column for {name}"
            for name in ("customer id", "invoice date", "quantity", "unit price")
        ),
    ),
    "no invoice": (
        rows(less("InvoiceNo")),
        ("The column for invoice was accepted, and is not in",),
    ),
    "a zip bomb": (
        zip_bomb,
        (
            r"third\.xlsx: it holds \d{3},\d{3} bytes, and would unpack to 110,000,000: more"
            " than 200 times as many, as no table of sales does. Ask its sender",
        ),
    ),
    "a gzip bomb": (
        gzip_bomb,
        (
            r"third\.csv\.gz: it holds \d{3},\d{3} bytes, and would unpack to 10\d,\d{3},"
            r"\d{3} or more: more than 200 times",
        ),
    ),
    "formulas that were not calculated": (formulas, ("column 'UnitPrice'.*empty",)),
}


@pytest.mark.parametrize(("write", "said"), BAD.values(), ids=list(BAD))
def test_a_bad_file_stops_a_refresh_and_changes_nothing(
    write: Write,
    said: tuple[str, ...],
    half_a_year: Path,
    use: Callable[[Path], Path],
    tmp_path: Path,
    run: Run,
) -> None:
    given = [str(argument) for argument in write(tmp_path)]
    root = use(half_a_year)
    before = state(root)
    stopped(run("refresh", *given), *said)
    assert state(root) == before


def tables(box: Path, change: Callable[[str], str], *names: str) -> list[Path]:
    """Write some of the four tables, changed, and return them."""
    for name, data in bad_input.activity_tables().items():
        if name in names or not names:
            text = change(data.decode("utf-8"))
            (box / name).write_text(text, encoding="utf-8", newline="")
    return sorted(box.iterdir())


REGULARS: dict[str, tuple[Write, tuple[str, ...]]] = {
    "the very same tables": (
        lambda box: tables(box, str),
        (
            r"market_file\.csv: the same file is already in use: .*market_file\.csv",
            "market_money",
            "market_time",
            r"/money\.csv: the same file",
        ),
    ),
    "the same customers in other files": (
        lambda box: tables(box, lambda text: text.replace("\n", "\r\n")),
        (r"The tables are those that were accepted before.*--accept activity\.nothing_new",),
    ),
    "two tables of four": (
        lambda box: tables(
            box, lambda text: re.sub(r"(?m)^.*\n?\Z", "", text), "money.csv", "market_time.csv"
        ),
        (
            r"2 of the 4 tables of regular customers are new; market_file\.csv, market_money\.csv "
            r"would stay as accepted before. Send all of one quarter.*--accept activity.incomplete",
        ),
    ),
    "one table twice": (
        lambda box: [
            *tables(box, lambda text: text.replace("\n", "\r\n"), "money.csv"),
            Path(shutil.copy(box / "money.csv", box / "money.csv.gz")),
        ],
        (r"money\.csv\.gz: the same file is already in use",),
    ),
}


@pytest.mark.parametrize(("write", "said"), REGULARS.values(), ids=list(REGULARS))
def test_bad_tables_of_regular_customers_stop_a_refresh(
    write: Write,
    said: tuple[str, ...],
    regulars: Path,
    use: Callable[[Path], Path],
    tmp_path: Path,
    run: Run,
) -> None:
    given = [str(argument) for argument in write(tmp_path)]
    root = use(regulars)
    before = state(root)
    stopped(run("refresh", *given), *said)
    assert state(root) == before


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = zip_bomb(tmp_path)
    monkeypatch.setattr(fastexcel, "read_excel", lambda _: pytest.fail("it was unpacked"))
    with pytest.raises(Refused, match="would unpack to 110,000,000"):
        readers.read_parts(path, tmp_path, ["utf-8"])
    # Of the other, little more than what is too much is read; and never all at once.
    (path,) = gzip_bomb(tmp_path)
    with pytest.raises(Refused) as refused:
        readers.read_parts(path, tmp_path, ["utf-8"])
    told = re.search(r"unpack to ([\d,]+) or more", str(refused.value))
    assert told
    assert 100_000_000 < int(told[1].replace(",", "")) < 105_000_000


def test_there_are_more_than_enough_kinds() -> None:
    assert len(FILES) + len(BAD) + len(REGULARS) >= 70


# ------------------------------------------------------------------------- quarter after quarter

HOSTILE = (
    {"Description": "<script>alert(1)</script>", "Country": '#import "x.typ": *'},
    {"Description": '=cmd|"/C calc"!A0', "CustomerID": "<script>7</script>"},
    {"Description": "\x1b[2J\u202e[x](javascript:y)", "Country": "\x1b[2J<b>"},
    {"Description": "{{< include /etc/passwd >}}", "CustomerID": "=7+7|x"},
)
#: The third quarter holds all that markup: in names, countries, and customers' ids.
BACK = {row["InvoiceNo"][1:] for row in SHOP if row["InvoiceNo"][0] == "C"}
MARKED = [row for row in Q3 if row["InvoiceNo"] not in BACK][: len(HOSTILE)]
ODD = [{**row, **HOSTILE[MARKED.index(row)]} if row in MARKED else row for row in Q3]
NAMES = ("2011-04-01", "2011-07-01", "2011-10-01")


class Year(NamedTuple):
    """Three quarters, taken in one after another: the project after each, and what was told."""

    after: list[Path]
    told: list[list[str]]
    files: list[Path]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    box = tmp_path_factory.mktemp("year")
    files = [
        write_file(box / name, sold)
        for name, sold in (("first.csv", Q1), ("second.csv", Q2), ("third.csv", ODD))
    ]
    after, told = [], []
    with pytest.MonkeyPatch.context() as patch:
        make_it_quick(patch)
        root = new_project(box / "project")
        settings = read_settings(root / "data" / "settings.toml")
        for number, path in enumerate(files):
            lines: list[str] = []
            if not number:
                with store.lock(root):
                    before = state(root)
                assert refresh.refresh(root, [path], settings, lines.append, dry_run=True) is None
                assert lines.pop() == "A dry run: nothing was changed."
                assert state(root) == before
                assert before == ({}, snapshot(root / "data"))
            lines.clear()
            done = refresh.refresh(root, [path], settings, lines.append)
            assert done is not None
            assert (done.name, done.as_of) == (NAMES[number], NAMES[number])
            told.append(lines)
            after.append(Path(shutil.copytree(root, box / f"after-{number}", symlinks=True)))
    yield Year(after, told, files)


@pytest.fixture
def at(year: Year, use: Callable[[Path], Path], tmp_path: Path) -> Callable[[int], Path]:
    """Go on from the end of a quarter, in a copy."""
    return lambda number: use(
        Path(shutil.copytree(year.after[number], tmp_path / "project", symlinks=True))
    )


def made(folder: Path) -> dict[str, bytes]:
    """Return the tables and facts of a build."""
    paths = [*folder.glob("*.parquet"), folder / "facts.json"]
    return {path.name: path.read_bytes() for path in paths}


def site(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / "_site").iterdir()}


def in_use(root: Path) -> list[str]:
    used = raw_files.find_in_use(root, role_of(read_settings(root / "data" / "settings.toml")))
    return sorted(Path(place).name for place in used.files)


def since_of(root: Path) -> tuple[pd.DataFrame, dict[str, object]]:
    folder = root / "build" / "since"
    return pd.read_parquet(folder / "changes.parquet"), read_json(folder / "facts.json")


def net(sold: Sequence[Row]) -> float:
    """Return net revenue: a cancellation stands with its sign, and one line names the customer."""
    named = {r["InvoiceNo"] for r in sold if r["CustomerID"]}
    return sum(
        float(r["UnitPrice"]) * float(r["Quantity"]) for r in sold if r["InvoiceNo"] in named
    )


def test_each_quarter_is_kept_compared_and_back_tested(year: Year) -> None:
    for number, root in enumerate(year.after):
        assert list(store.releases(root)) == list(NAMES[: number + 1])
        assert made(store.build_of(root, NAMES[number])) == made(root / "build")
        assert site(root)["index.html"] == (root / "build" / "facts.json").read_bytes()
        assert in_use(root) == ["first.csv", "second.csv", "third.csv"][: number + 1]
        facts = read_json(root / "build" / "since" / "facts.json")
        assert facts["since.available"] == (number > 0)
        if not number:
            check_summary(root / "build")
            continue
        table, told = since_of(root)
        assert told["since.as_of"] == told["since.name"] == NAMES[number - 1]
        assert told["since.restated"] == 0
        assert (table["restated"].dropna() == 0).all()
        row = table.set_index("fact").loc["transactions.net_revenue"]
        assert row["change"] == pytest.approx(net([Q1, Q2, ODD][number]), abs=0.01)
        assert row["business"] == row["change"]
        assert (root / "build" / "since" / "migration.parquet").is_file()
        before = store.build_of(root, NAMES[number - 1])
        assert "summary-changes.said-customers" in check_summary(root / "build", before)
        noticed = pd.read_parquet(root / "build" / "since" / "history.parquet")
        assert "ledger.follows" in set(noticed["check"])
        assert not (noticed["severity"] == "stops").any()
    customers = pd.read_parquet(year.after[2] / "build" / "customers.parquet")
    assert {"<script>7</script>", "=7+7|x"} <= set(customers["customer_id"])
    # The forecast of July is over in October: the last one whose days are.
    judged = pd.read_parquet(year.after[2] / "build" / "since" / "backtest.parquet")
    assert judged["start"].tolist() == ["2011-07-01"]
    assert f"Compared with the report as of {words_day(NAMES[1])}:" in year.told[2]


def words_day(day: str) -> str:
    return f"{dt.date.fromisoformat(day):%-d %B %Y}"


def test_one_by_one_gives_what_all_at_once_gives(
    year: Year, use: Callable[[Path], Path], tmp_path: Path, run: Run
) -> None:
    root = use(new_project(tmp_path / "project"))
    for path in year.files:
        (root / store.DATA / "transactions").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / store.DATA / "transactions")
    assert run("build").code == 0
    assert made(root / "build") == made(year.after[2] / "build")


def test_campaigns_come_with_the_quarter_and_stay(
    year: Year, at: Callable[[int], Path], tmp_path: Path, run: Run
) -> None:
    root = at(1)
    people = pd.read_parquet(root / "build" / "customers.parquet")["customer_id"]
    plan = pd.DataFrame(
        {
            "customer_id": people,
            "campaign": f"{NAMES[1]} Everybody",
            "group": ["contacted", "contacted", "contacted", "control"] * (len(people) // 4)
            + ["contacted"] * (len(people) % 4),
            "sent_on": "",
            "control_share": "0.25",
        }
    )
    path = tmp_path / "groups.csv"
    plan.to_csv(path, index=False)
    before = state(root)
    found = run("refresh", year.files[2], path)
    stopped(found, r"groups\.csv, column 'sent_on': no row says when a campaign was sent")
    assert state(root) == before
    plan.assign(sent_on="2011-07-05").to_csv(path, index=False)
    # The new quarter knows only some of these customers: they are looked for in all orders.
    found = run("refresh", year.files[2], path)
    assert found.code == 0, found.err
    kept = f"groups-{NAMES[1]}.csv"
    assert in_use(root) == ["first.csv", kept, "second.csv", "third.csv"]
    facts = read_json(root / "build" / "facts.json")
    assert facts["campaigns.measured"] == 1 and facts["campaigns.broken"] == 0
    assert facts["campaigns.contacted"] + facts["campaigns.control"] == len(people)
    # Corrected, and alone: it takes the place of the one before.
    plan.assign(sent_on="2011-07-08").to_csv(path, index=False)
    found = run("refresh", path)
    assert found.code == 0, found.err
    assert in_use(root) == ["first.csv", kept, "second.csv", "third.csv"]
    table = pd.read_parquet(root / "build" / "campaigns.parquet")
    assert set(table["started"]) == {"2011-07-08"}


def test_what_is_rolled_back_can_come_again_with_the_segments_of_a_reference(
    year: Year, at: Callable[[int], Path], run: Run
) -> None:
    root = at(2)
    found = run("history")
    assert found.code == 0
    assert [line.split()[0] for line in found.out.splitlines()] == list(NAMES)
    assert [line.split()[-1] for line in found.out.splitlines()] == ["earlier", "earlier", "now"]
    found = run("rollback")
    assert found.code == 0, found.err
    assert f"Restored: _site/ is the report {NAMES[1]} again" in found.err
    assert site(root) == site(year.after[1])
    assert made(root / "build") == made(year.after[1] / "build")
    assert in_use(root) == ["first.csv", "second.csv"]
    change_settings(root, ('reference = ""', f'reference = "releases/{NAMES[0]}/build"'))
    found = run("refresh", year.files[2])
    assert found.code == 0, found.err
    assert_plain(found)
    assert f"Published: _site/ is the report {NAMES[2]}.2 " in found.err
    assert in_use(root) == ["first.csv", "second.csv", "third.csv"]
    frozen, now = (
        {name: pd.read_parquet(folder / f"{name}.parquet") for name in reference.TABLES}
        for folder in (store.build_of(root, NAMES[0]), root / "build")
    )
    pd.testing.assert_frame_equal(now["score_cuts"], frozen["score_cuts"])
    pd.testing.assert_frame_equal(
        now["cluster_centres"][clusters.MEASURES],
        frozen["cluster_centres"][clusters.MEASURES],
    )
    facts = read_json(root / "build" / "facts.json")
    assert facts["reference.as_of"] == NAMES[0]
    assert 0 < facts["reference.moved_share"] < 1
    fitted = pd.read_parquet(year.after[2] / "build" / "score_cuts.parquet")
    assert not fitted.equals(frozen["score_cuts"])
    # By other cut points, then and now, nothing can be said of the segments' sizes; but no more.
    table, told = since_of(root)
    assert told["since.restated"] == 0
    sizes = table["fact"].str.startswith("rfm.segments.")
    assert table.loc[sizes, "restated"].isna().all()
    assert table.loc[table["fact"].str.startswith("recent."), "restated"].eq(0).all()


def test_a_reference_that_is_no_build_is_refused(
    year: Year, at: Callable[[int], Path], run: Run
) -> None:
    root = at(1)
    change_settings(root, ('reference = ""', 'reference = "releases/2010-01-01/build"'))
    before = state(root)
    found = run("refresh", year.files[2])
    stopped(
        found,
        r"settings\.toml: \[report\] reference: releases/2010-01-01/build is not a build with",
    )
    assert state(root) == before


def test_a_restated_month_is_told_apart_from_business(
    year: Year, at: Callable[[int], Path], tmp_path: Path, run: Run
) -> None:
    root = at(1)
    change = next(
        i
        for i, row in enumerate(Q2[:-1])
        if row["CustomerID"] and Q2[i + 1]["Quantity"][0] != "-" and row["Quantity"][0] != "-"
    )
    more = {**Q2[change], "Quantity": f"{int(Q2[change]['Quantity']) + 10}"}
    corrected = [*Q2[:change], more, *Q2[change + 1 :]]
    path = write_file(tmp_path / "second-corrected.csv", corrected)
    found = run("refresh", year.files[2], path, "--replaces", "second.csv")
    assert found.code == 0, found.err
    assert "warns: April 2011 is restated: 1 line changed, 0 went, 0 came." in found.err
    assert in_use(root) == ["first.csv", "second-corrected.csv", "third.csv"]
    table, told = since_of(root)
    row = table.set_index("fact").loc["transactions.net_revenue"]
    assert row["restated"] == pytest.approx(10 * float(more["UnitPrice"]), abs=0.01)
    assert row["business"] == pytest.approx(net(ODD), abs=0.01)
    assert row["before"] == pytest.approx(net(Q1 + Q2), abs=0.01)
    assert told["since.restated"] == (table["restated"].abs() > 0.005).sum() > 0

    # Another build of the same files goes on saying what was new in them.
    kept = {
        name: (root / "build" / "since" / f"{name}.parquet").read_bytes()
        for name in ("changes", "history", "migration")
    }
    change_settings(root, ("likely = 0.40", "likely = 0.41"))
    assert run("build").code == 0
    for name, content in kept.items():
        path = root / "build" / "since" / f"{name}.parquet"
        assert path.read_bytes() == content or name == "changes"
    again = since_of(root)[0].set_index("fact").loc["transactions.net_revenue"]
    assert again.to_dict() == row.to_dict()


def test_a_gap_is_accepted_by_name_and_a_late_file_fills_it(
    year: Year, at: Callable[[int], Path], run: Run
) -> None:
    root = at(0)
    found = run("refresh", year.files[2], "--accept", "ledger.gap")
    assert found.code == 0, found.err
    assert_plain(found)
    assert "stops: There is no line on 91 days" in found.err
    assert "accepted in spite of ledger.gap" in store.releases(root)[NAMES[2]].notes
    _, told = since_of(root)
    assert told["since.restated"] == 0
    found = run("refresh", year.files[1])
    assert found.code == 0, found.err
    assert_plain(found)
    assert "warns: The new files end on 30 June 2011" in found.err
    table, told = since_of(root)
    assert told["since.as_of"] == NAMES[2]
    rows = table.set_index("fact")
    assert rows.loc["transactions.net_revenue", "restated"] == pytest.approx(net(Q2), abs=0.01)
    assert rows.loc["transactions.net_revenue", "business"] == pytest.approx(0, abs=0.01)
    assert made(root / "build") == made(year.after[2] / "build")


# ------------------------------------------------------------------------- what a disk may do


def broken_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken_engine(*_: object) -> None:
    raise duckdb.IOException('IO Error: Could not write file "x": No space left on device\nat 1')


def no_build(inputs: object, settings: object, out: Path, *_: object) -> str:
    out.mkdir()
    (out / "facts.json").write_text("{}", encoding="utf-8")
    return ""


FULL = r"the disk is full. Free some space. Nothing was changed; run it again after that"
DISKS: dict[str, tuple[dict[str, Callable[..., object]], str]] = {
    "build": ({"build": broken_disk}, FULL),
    "engine": (
        {"engine": broken_engine},
        r"the engine: it could not go on \(IO Error: .*No space left on device\). Free some space",
    ),
    "copies": ({"read": broken_disk}, FULL),
    "book": ({"build": no_build, "render": broken_disk}, FULL),
    "failing book": ({"build": no_build}, r"the book: it could not be rendered; the messages ab"),
}


@pytest.mark.parametrize(("broken", "said"), DISKS.values(), ids=list(DISKS))
def test_a_full_disk_ends_in_a_sentence_and_changes_nothing(
    broken: dict[str, Callable[..., object]],
    said: str,
    regulars: Path,
    use: Callable[[Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    root = use(regulars)
    path = write_file(tmp_path / "third.csv", Q3)
    before = state(root)
    # The real renderer finds no chapters here, and fails.
    monkeypatch.setattr(refresh, "_render", broken.get("render", OWN_RENDER))
    if "build" in broken:
        monkeypatch.setattr(pipeline, "build", broken["build"])
    if "engine" in broken:
        monkeypatch.setattr(sales_tables, "monthly", broken["engine"])
    if "read" in broken:
        monkeypatch.setattr(delimited, "_copy", broken["read"])
    found = run("refresh", path)
    if said is FULL or "engine" in said:
        assert "Traceback" not in found.err
    stopped(found, said)
    assert state(root) == before


@pytest.mark.parametrize("second", ["cp1251", "utf-8"])
def test_a_file_in_another_encoding_is_told_and_one_in_two_is_refused(
    second: str,
    half_a_year: Path,
    use: Callable[[Path], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    root = use(half_a_year)
    head, *rest = text_of(Q3).replace("WHITE LANTERN", "CAFÉ ТАРЕЛКА").splitlines()
    lines = [line.encode("cp1251" if i % 2 else second, "replace") for i, line in enumerate(rest)]
    (path,) = raw(b"\n".join([head.encode(), *lines]))(tmp_path)
    before = state(root)
    monkeypatch.setattr(pipeline, "build", broken_disk)
    found = run("refresh", path)
    if second == "cp1251":
        assert "warns: third.csv was read as cp1251, and what was accepted as utf-8." in found.err
        stopped(found, FULL)
    else:
        stopped(found, "Save the whole file as 'CSV UTF-8'")
    assert state(root) == before


# ------------------------------------------------------------------------- what was said stands


@pytest.mark.parametrize("seed", range(3))
def test_what_only_follows_restates_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    sold = shop(START, END, seed, orders=chance.randint(2, 5))
    # Orders are cancelled months later, too: on the day of the cut nobody knew.
    for row in chance.sample([r for r in sold if r["Quantity"][0] != "-"], 30):
        day = dt.date.fromisoformat(row["InvoiceDate"][:10]) + dt.timedelta(chance.randint(1, 120))
        back = {**row, "InvoiceNo": f"C9{row['InvoiceNo']}", "Quantity": f"-{row['Quantity']}"}
        sold.append({**back, "InvoiceDate": f"{day} 20:00:00"})
    cut = str(dt.date(2011, 6, 1) + dt.timedelta(chance.randint(0, 90)))
    old, new = (
        write_file(tmp_path / name, [row for row in sold if (row["InvoiceDate"] < cut) == before])
        for name, before in (("old.csv", True), ("new.csv", False))
    )
    rules = read_segments()
    with reading([old]) as then, reading([old, new]) as now:
        assert now.as_of > then.as_of
        was, known = (
            history_changes.known_facts(ledger, then.as_of, rules) for ledger in (then, now)
        )
        table = history_changes.changes(was, known, known, [rule.name for rule in rules])
    assert len(table) > 10
    assert (table["restated"] == 0).all()
    assert (table["change"] == 0).all()


# ------------------------------------------------------------------------- killed at any moment

#: Loads what a refresh needs, and then runs one in a child for every line that it reads.
DRIVER = """
import os, sys, time
from analysis import __main__ as command
from analysis.build import pipeline
from analysis.forecast import lapse
from analysis.history import changes, new_files, text_changes
from analysis.segments import clusters, profiles, returns
from analysis.strategy import plan, tables
import ibis.backends.duckdb, sklearn.ensemble, sklearn.linear_model
from analysis.forecast import text_lapse
clusters.K = range(2, 3)
lapse.PLANS = {k: v for k, v in lapse.PLANS.items() if k in text_lapse.NAMES}
pipeline.STEPS = [step for step in pipeline.STEPS if step.kind != "figure"]
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(os.open("said.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC), 2)
        code = command.main(line.split())
        os._exit(code)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""
BOOK = """
import pathlib
site = pathlib.Path("_book")
site.mkdir()
facts = pathlib.Path("build", "facts.json").read_bytes()
(site / "customer-report.pdf").write_bytes(facts[::-1])
(site / "index.html").write_bytes(facts)
"""
#: When, as shares of the time that a dry run takes, and by what a refresh ends.
CUT = 50 if faults.ALL else 5
MOMENTS = [faults.drawn(f"moment {i}").uniform(i / CUT, (i + 1) / CUT) for i in range(CUT)]
ENDS = [
    *((moment, signal.SIGKILL) for moment in MOMENTS),
    (0.2, signal.SIGTERM),
    (0.3, signal.SIGINT),
]


@contextmanager
def children(root: Path, temporary: Path) -> Iterator[Callable[..., int]]:
    """Give what runs a command in a process of its own, ends it, and returns how it ended."""
    own = os.environ | {"PYTHONPATH": "", "REPORT_DATA": "", "TMPDIR": str(temporary)}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", DRIVER], cwd=root, env=own, **pipes) as driver:
        assert driver.stdin
        assert driver.stdout
        into, out = driver.stdin, driver.stdout

        def run(words: str, after: float = 0.0, end: int = 0) -> int:
            into.write(words + "\n")
            into.flush()
            child = int(out.readline())
            if end:
                time.sleep(after)
                with suppress(ProcessLookupError):  # it was faster than the dry run
                    os.kill(child, end)
            return os.waitstatus_to_exitcode(int(out.readline()))

        yield run


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_refresh_that_is_killed_at_any_moment_leaves_all_as_it_was(
    year: Year, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(year.after[0], tmp_path / "project", symlinks=True))
    shutil.copytree(ROOT / "analysis", root / "analysis")
    shutil.copy(ROOT / "data" / "segments.toml", root / "data")
    (root / "report").mkdir()
    (root / "report" / "__init__.py").touch()
    (root / "report" / "__main__.py").write_text(BOOK, encoding="utf-8")
    shown, words, said = site(root), f"refresh {year.files[1]}", root / "said.txt"
    before = state(root)
    killed = 0
    with children(root, tmp_path) as run:
        start = time.monotonic()
        assert run(f"{words} --dry-run") == 0, said.read_text()
        took = time.monotonic() - start
        assert state(root) == before
        for moment, end in ENDS:
            code = run(words, moment * took, end)
            assert code in (0, -end, 130), said.read_text()
            killed += code != 0
            if end == signal.SIGINT and code:
                assert said.read_text().splitlines()[-1].startswith("Stopped. What is published")
            published = store.published_name(root) != NAMES[0]
            assert published or code != 0
            assert (site(root) == shown) != published
            # The next command removes what was not published, and nothing else.
            assert run(f"rollback --to {NAMES[0]}") == 0, said.read_text()
            assert site(root) == shown
            assert in_use(root) == ["first.csv"]
            assert published or state(root) == before
            before = state(root)
        assert killed >= 4
        assert run(words) == 0, said.read_text()
    assert site(root)["index.html"] == (root / "build" / "facts.json").read_bytes()
    assert made(root / "build") == made(year.after[1] / "build")
    assert in_use(root) == ["first.csv", "second.csv"]

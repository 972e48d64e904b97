"""Does a quarter's refresh take in what is good, all of it, and change nothing for what is not?"""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import fastexcel
import pytest
import test_bad_input as bad_input
import xlsxwriter
from conftest import (
    LINE,
    Outcome,
    Row,
    Run,
    quick_settings_file,
    snapshot,
    write_lines,
)
from test_against_history import Change, each, in_month, less, shop, times, without
from test_sources import text_of

from analysis import __main__ as command
from analysis import clustering, reference, refresh, sources, vault
from analysis.problems import Refused
from analysis.sample import write_sample
from analysis.settings import read_settings

START, END = dt.date(2011, 1, 3), dt.date(2011, 10, 1)
SHOP = shop(START, END)
CUTS = ("2011-01-03", "2011-04-01", "2011-07-01", "2011-10-01")
Q1, Q2, Q3 = ([row for row in SHOP if start <= row["InvoiceDate"] < end]
              for start, end in itertools.pairwise(CUTS))  # fmt: skip


# ------------------------------------------------------------------------- a small project


def new_project(root: Path) -> Path:
    """Make a project with nothing but settings that are quick."""
    (root / "data").mkdir(parents=True)
    quick_settings_file(root / "data" / "settings.toml")
    change_settings(root, ("threads = 0", "threads = 1"))
    return root


def change_settings(root: Path, *changes: tuple[str, str]) -> None:
    path = root / "data" / "settings.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def render(stage: Path, handle: int) -> None:
    """Stand in for the book: a page, and a report to print, from the facts of the build."""
    os.fstat(handle)  # the lock is held while it is made
    facts = (stage / "build" / "facts.json").read_bytes()
    (stage / "_site").mkdir()
    (stage / "_site" / "index.html").write_bytes(facts)
    (stage / "_site" / "customer-report.pdf").write_bytes(facts[::-1])


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Take a folder as the project."""
    return lambda root: take_as_project(root, monkeypatch)


def take_as_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (refresh, reference, command):
        monkeypatch.setattr(module, "ROOT", root)
    from analysis import inputs

    monkeypatch.setattr(inputs, "ROOT", root)
    path = root / "data" / "settings.toml"
    monkeypatch.setattr(command, "read_settings", lambda *_: read_settings(path))
    monkeypatch.setattr(refresh, "_render", render)
    # Few candidates: what is tested here is not how clusters are chosen.
    monkeypatch.setattr(clustering, "K", range(2, 3))
    return root


def state(root: Path) -> object:
    """Return all that is published, in use, or kept; and that nothing is in progress."""
    assert [path.name for path in (root / vault.REFRESH).iterdir()] == ["lock"]
    return snapshot(*(root / name for name in ("data", "_site", "build", "builds")))


def write_file(path: Path, rows: Sequence[Row]) -> Path:
    write_lines(path, rows)
    return path


# ------------------------------------------------------------------------- bad and hostile files


@pytest.fixture(scope="module")
def half_a_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with two quarters in use, and a site; how it was built does not matter."""
    root = new_project(tmp_path_factory.mktemp("half") / "project")
    raw = root / vault.RAW / "transactions"
    write_file(raw / "first.csv", Q1)
    write_file(raw / "second.csv", Q2)
    for name, file in vault.WHOLE.items():
        (root / name).mkdir()
        (root / name / file).write_text("{}", encoding="utf-8")
    (root / vault.REFRESH).mkdir()
    (root / vault.LOCK).touch()
    return root


@pytest.fixture(scope="module")
def regulars(half_a_year: Path) -> Path:
    """Return the same with tables of regular customers in the place of the ledger."""
    root = half_a_year.parent / "regulars"
    shutil.copytree(half_a_year, root)
    shutil.rmtree(root / vault.RAW / "transactions")
    for name, data in bad_input.activity_tables().items():
        bad_input.content(f"raw/activity/{name}", data)(root / "data")
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
    return [write_file(box / "third.csv", [{**june[0], "Quantity": "1"}, *june[1:], *Q3])]


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


KIND = r"a file of this kind is not read; \.parquet, \.csv\.gz, \.csv and \.xlsx are. Export it"
BAD: dict[str, tuple[Write, tuple[str, ...]]] = {
    "an accepted file under another name": (
        named_again, (r"third\.csv: the same file is already there: data/raw/transactions/second"
                      r"\.csv\. Omit it",)),
    "a file twice": (twice, (r"third\.csv: the same file is already there: /.*third\.csv",)),
    "a file and its copy": (two_copies, (r"copy\.csv: the same file is already there",)),
    "two files for one place": (
        in_two_kinds, (r"more/third\.csv: .*third\.csv would take the same place. Send one",)),
    "no such file": (lambda box: [box / "third.csv"], (r"third\.csv: there is no such file",)),
    "a folder": (a_folder, (r"third\.csv: is no file of data. Name files",)),
    "a link to nothing": (a_dead_link, (r"third\.csv: there is no such file",)),
    "a pipe": (a_pipe, (r"third\.csv: is no file of data",)),
    "a device": (lambda box: ["/dev/zero"], (r"/dev/zero: is no file of data",)),
    "a hidden file": (rows(list, ".third.csv"), (r"\.third\.csv: is no file of data",)),
    "the lock of an open workbook": (raw(b"x", "~$third.xlsx"), ("is no file of data",)),
    "an old workbook": (raw(bad_input.OLE, "third.xls"), (rf"third\.xls: {KIND}",)),
    "a workbook with macros": (raw(b"PK", "third.xlsm"), (rf"third\.xlsm: {KIND}",)),
    "an archive": (raw(b"PK", "third.zip"), (rf"third\.zip: {KIND}",)),
    "a name without ending": (raw(b"a,b\n1,2\n", "third"), (rf"third: {KIND}",)),
    "a name that drives a terminal": (
        raw(b"x", "th\x1b[2Jird.xls"), (rf"th.\[2Jird\.xls: {KIND}",)),
    "an unknown file to replace": (
        lambda box: [*rows(list)(box), "--replaces", "fourth.csv"],
        (r"fourth\.csv: no file in use has this name. Name one of: transactions/first\.csv, tr",)),
    "a restated month": (
        restated, (r"the new files: June 2011 is restated \(1 line\), and what was accepted of it "
                   r"would count as well. Name the accepted file .*--replaces\. If this is right, "
                   r"go on with --accept ledger\.counted_twice",)),
    "a replaced file that loses days": (
        loses_days, (r"second\.csv ran from 01 April 2011 to 30 June 2011, and the new files run "
                     r"from 01 April 2011 to 09 June 2011: .*--accept ledger\.lost",
                     "Every line of the new files was accepted before")),
    "another shop": (
        another_shop, (r"There is no line on \d+ days.*--accept ledger\.gap",
                       "Products known before in January 2024: 0.0%", MORE)),
    "other customers": (
        rows(each(CustomerID=lambda row: row["CustomerID"] and f"8{row['CustomerID']}")),
        ("Customers known before in July 2011: 0.0%, .*--accept ledger.known_customers",)),
    "a gap of two months": (
        rows(lambda sold: without("2011-07-01", "2011-09-01", sold)),
        (r"no line on 62 days from 01 July 2011 on; .*--accept ledger\.gap",)),
    "day and month swapped": (
        rows(lambda sold: each(InvoiceDate=lambda row: f"2011-{row['InvoiceDate'][8:10]}-"
                               f"{row['InvoiceDate'][5:7]}{row['InvoiceDate'][10:]}")(
            [row for row in sold if row["InvoiceDate"][8:10] < "13"])),
        (r"0% of the lines are of days after the 12th.*--accept ledger\.swapped_days", MORE)),
    "thousands in prices": (
        rows(each(UnitPrice=lambda row: f"1,{row['UnitPrice']}")),
        (r"column 'UnitPrice': .*for example row 2: '1,\d\.\d\d'. Export numbers plainly",)),
    "pence": (
        rows(in_month("2011-08", times("UnitPrice", 100))),
        ("The price level of known products in August 2011: 100, .*close to 100 times",
         "Revenue a day in August 2011", "The mean price in August 2011")),
    "columns shifted": (
        rows(shifted), ("column 'InvoiceDate': 100.0% of the rows .*for example row 2: ", MORE)),
    "a header twice": (
        raw(text_of(Q3).replace("Description", "Quantity", 1).encode()),
        (r"third\.csv: the header has the column 'Quantity' more than once",)),
    "no header": (
        raw("\n".join(text_of(Q3).splitlines()[1:]).encode()),
        tuple(rf"third\.csv: there is no column for {name}"
              for name in ("customer id", "invoice date", "quantity", "unit price"))),
    "no invoice": (
        rows(less("InvoiceNo")), ("The column for invoice was accepted, and is not in",)),
    "a zip bomb": (
        zip_bomb, (r"third\.xlsx: it holds \d{3},\d{3} bytes, and would unpack to 110,000,000: more"
                   " than 200 times as many, as no table of sales does. Ask its sender",)),
    "a gzip bomb": (
        gzip_bomb, (r"third\.csv\.gz: it holds \d{3},\d{3} bytes, and would unpack to 10\d,\d{3},"
                    r"\d{3} or more: more than 200 times",)),
    "formulas that were not calculated": (formulas, ("column 'UnitPrice'.*empty",)),
}  # fmt: skip


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
        (r"market_file\.csv: the same file is already there: data/raw/activity/market_file\.csv",
         "market_money", "market_time", r"/money\.csv: the same file")),
    "the same customers in other files": (
        lambda box: tables(box, lambda text: text.replace("\n", "\r\n")),
        (r"The tables are those that were accepted before.*--accept activity\.nothing_new",)),
    "two tables of four": (
        lambda box: tables(box, lambda text: re.sub(r"(?m)^.*\n?\Z", "", text),
                           "money.csv", "market_time.csv"),
        (r"2 of the 4 tables of regular customers are new; market_file\.csv, market_money\.csv "
         r"would stay as accepted before. Send all of one quarter.*--accept activity.incomplete",)),
    "one table twice": (
        lambda box: [*tables(box, lambda text: text.replace("\n", "\r\n"), "money.csv"),
                     Path(shutil.copy(box / "money.csv", box / "money.csv.gz"))],
        (r"money\.csv\.gz: the same file is already there",)),
}  # fmt: skip


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
        sources.read_parts(path, tmp_path, ["utf-8"])
    # Of the other, little more than what is too much is read; and never all at once.
    (path,) = gzip_bomb(tmp_path)
    with pytest.raises(Refused) as refused:
        sources.read_parts(path, tmp_path, ["utf-8"])
    told = re.search(r"unpack to ([\d,]+) or more", str(refused.value))
    assert told
    assert 100_000_000 < int(told[1].replace(",", "")) < 105_000_000


def test_there_are_more_than_enough_kinds() -> None:
    assert len(FILES) + len(BAD) + len(REGULARS) >= 70

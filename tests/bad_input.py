"""Define the cases of bad data, and write them into a data folder."""

from __future__ import annotations

import datetime as dt
import functools
import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from conftest import LINE, Row, a_line, good_lines, write_lines
from workbooks import text_of, typed, write_workbook

from analysis.ingest.sample import write_sample

Write = Callable[[Path], object]


def content(name: str, data: bytes | str) -> Write:
    """Write one file of the data folder."""

    def write(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)

    return write


def lines(rows: list[Row], name: str = "a.csv") -> Write:
    return lambda folder: write_lines(folder / "transactions" / name, rows)


def with_some(count: int, **values: str) -> Write:
    """Write 20 lines of which the first `count` have other values."""
    return lines([row | values if i < count else row for i, row in enumerate(good_lines())])


def without(*columns: str) -> list[Row]:
    return [{n: v for n, v in row.items() if n not in columns} for row in good_lines()]


def cut_short(name: str) -> Write:
    """Write a file of a kind, and keep its first half."""

    def write(folder: Path) -> None:
        path = folder / "transactions" / name
        path.parent.mkdir(parents=True)
        rows = good_lines(500)
        if name.endswith(".xlsx"):
            write_workbook(path, {"S": [typed(row) for row in rows]})
        elif name.endswith(".parquet"):
            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            path.write_bytes(gzip.compress(text_of(rows).encode()))
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])

    return write


def damaged_parquet(folder: Path) -> None:
    path = folder / "transactions" / "a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(good_lines(500)), path, use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[40:200] = bytes(160)
    path.write_bytes(data)


def sheets(**content: list[Row] | list[str]) -> Write:
    return lambda folder: write_workbook(folder / "transactions" / "book.xlsx", dict(content))


@functools.cache
def activity_tables() -> dict[str, bytes]:
    """Return the sample's activity tables by their names."""
    with TemporaryDirectory() as folder:
        write_sample(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder, "activity").iterdir()}


def activity(name: str, change: Callable[[str], str]) -> Write:
    """Write the sample's activity tables with one of them changed."""

    def write(folder: Path) -> None:
        for table, data in activity_tables().items():
            content(f"activity/{table}", data)(folder)
        path = folder / "activity" / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return write


def activity_without(name: str) -> Write:
    def write(folder: Path) -> None:
        activity(name, str)(folder)
        (folder / "activity" / name).unlink()

    return write


def parquet_without_rows(folder: Path) -> None:
    (folder / "transactions").mkdir()
    table = pa.Table.from_pylist(good_lines())[:0]
    pq.write_table(table, folder / "transactions" / "a.parquet")


def a_folder(folder: Path) -> None:
    (folder / "transactions" / "2011.csv").mkdir(parents=True)
    lines(good_lines())(folder)


def a_subfolder(folder: Path) -> None:
    write_lines(folder / "transactions" / "2010" / "b.csv", good_lines())
    lines(good_lines())(folder)


def a_dead_link(folder: Path) -> None:
    lines(good_lines())(folder)
    (folder / "transactions" / "b.csv").symlink_to(folder / "gone.csv")


def ragged(count: int) -> str:
    rows = text_of(good_lines()).splitlines()
    return "\n".join([row + ",1" if 0 < i <= count else row for i, row in enumerate(rows)])


FUTURE = f"{dt.date.today().year + 2}-03-01 10:00:00"
HTML = "<html><table><tr><td>InvoiceNo</td></tr></table></html>"
OLE = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600)


@dataclass(frozen=True)
class Case:
    """A kind of bad data, and the sentences that its message must have, one a problem."""

    write: Write
    said: tuple[str, ...]


def case(write: Write, *said: str) -> Case:
    return Case(write, said)


CASES = {
    # -- what is in the folder
    "no data": case(lambda folder: None, "the folder holds no data.* Put"),
    "a folder that is called like a file": case(
        a_folder, r"transactions/2011\.csv/: this is a folder, and only files are read. Put"
    ),
    "files in a folder below": case(a_subfolder, "transactions/2010/: this is a folder, and only"),
    "a link to nothing": case(a_dead_link, r"b\.csv: this is a link to a file that is not there"),
    "a kind of file that is not read": case(
        content("transactions/old.xls", OLE),
        r"old\.xls: files of the kind \.xls are not read. Save it as \.xlsx",
        "the folder holds no data",
    ),
    # -- files that cannot be opened
    "empty file": case(content("transactions/a.csv", b""), r"a\.csv: the file is empty. Send"),
    "header only": case(
        content("transactions/a.csv", ",".join(LINE) + "\n"),
        r"a\.csv: there are no rows below the header",
    ),
    "no table": case(
        content("transactions/a.csv", "Dear Ann\nhere is the data\n"),
        r"a\.csv: this is not a table: its first row has no more than one column; for example "
        "'Dear Ann'. The first row must hold the column names",
    ),
    "binary file": case(
        content("transactions/a.csv", b"a,b\n\0\1\2,1\n" * 9),
        r"a\.csv: the file holds binary data, not text. Save it as 'CSV UTF-8'",
    ),
    "workbook called csv": case(
        lambda folder: write_workbook(
            folder / "transactions" / "a.xlsx", {"S": [typed(a_line())]}
        ).rename(folder / "transactions" / "a.csv"),
        r"a\.csv: the (file holds binary data|text is in none of the encodings)",
    ),
    "no known encoding": case(
        content("transactions/a.csv", b"a,b\n" + b"\xb3x\xb1y\xb2z\xb0q\x83w\x9b" * 2 + b",1\n"),
        r"a\.csv: the text is in none of the encodings utf-8, cp1252.*line 2.* Save the file as",
    ),
    "two encodings in one file": case(
        content("transactions/a.csv", "a,b\nGrün,1\n".encode() + "Köln,2\n".encode("cp1252")),
        r"a\.csv: the text is partly in UTF-8 \('Grün'\) and partly in another encoding; for "
        r"example line 3: 'K.ln,2'. Save the whole file",
    ),
    "truncated workbook": case(
        cut_short("a.xlsx"), r"a\.xlsx: the file cannot be read as xlsx. It may be damaged, cut"
    ),
    "truncated parquet": case(
        cut_short("a.parquet"), r"a\.parquet: the file cannot be read as parquet. It may be damag"
    ),
    "truncated gzip": case(
        cut_short("a.csv.gz"), r"a\.csv\.gz: the file cannot be read as gz. It may be damaged, cut"
    ),
    "parquet damaged in the middle": case(
        damaged_parquet, r"a\.parquet: the file cannot be read as parquet. It may be damaged \("
    ),
    "html called xlsx": case(
        content("transactions/a.xlsx", HTML), r"a\.xlsx: the file cannot be read as xlsx. It may"
    ),
    "protected or old workbook called xlsx": case(
        content("transactions/a.xlsx", OLE),
        r"a\.xlsx: the file cannot be read as xlsx. .*protected, or of another kind than its name",
    ),
    "blank workbook": case(sheets(A=[], B=[]), r"book\.xlsx: there are no rows below the header"),
    "parquet without rows": case(
        parquet_without_rows,
        r"a\.parquet: there are no rows below the header",
    ),
    # -- headers
    "missing columns": case(
        lines(without("CustomerID", "UnitPrice")),
        r"a\.csv: there is no column for customer id; for example the header reads 'InvoiceNo', .*"
        r"Name it 'CustomerID', 'Customer ID', or add its name to \[transactions.columns\]",
        r"a\.csv: there is no column for unit price \(or a column with the amount\)",
    ),
    "ambiguous columns": case(
        lines([{**row, "Price": "2"} for row in good_lines()]),
        r"a\.csv: both 'UnitPrice' and 'Price' could be 'unit_price'. Rename one",
    ),
    "column twice": case(
        content("transactions/a.csv", "Invoice,Price,PRICE\n1,2,3\n"),
        r"a\.csv: the header has the column 'Price', 'PRICE' more than once",
    ),
    "column twice in a workbook": case(
        lambda folder: write_twice(folder / "transactions" / "a.xlsx"),
        r"a\.xlsx: the header has the column 'Quantity' more than once",
    ),
    "one sheet of several lacks a column": case(
        sheets(Y1=list(map(typed, good_lines())), Y2=list(map(typed, without("CustomerID")))),
        r"book\.xlsx \[Y2\]: there is no column for customer id",
    ),
    # -- rows
    "unreadable dates": case(
        with_some(20, InvoiceDate="14th of January"),
        r"a\.csv, column 'InvoiceDate': 100\.0% of the rows break the rule 'the invoice date is "
        r"in a known format' \(at most 5\.0% of a file's rows may be refused\) \(20 rows\); for "
        r"example row 2: '14th of January'. Export dates as 2024-12-31 14:05",
    ),
    "dates of the future": case(
        with_some(1, InvoiceDate=FUTURE),
        rf"a\.csv, column 'InvoiceDate': dates lie in the future \(1 row\); for example row 2: "
        rf"{FUTURE[:10]}. Correct the dates",
    ),
    "dates too early": case(
        with_some(2, InvoiceDate="1900-01-01 00:00:00"),
        r"column 'InvoiceDate': 10\.0% of the rows break the rule 'the date is not before "
        r"1995-01-01' .*\(2 rows\); for example row 2: '1900-01-01",
    ),
    "dates that could be two": case(
        with_some(20, InvoiceDate="03/04/2011"),
        r"column 'InvoiceDate': the dates can be read in 2 ways, '%d/%m/%Y' and '%m/%d/%Y'; for "
        "example '03/04/2011'",
    ),
    "bad quantities": case(
        with_some(5, Quantity="many"),
        r"column 'Quantity': 25\.0% of the rows break the rule 'the quantity is a plain number'.*"
        r"\(5 rows\); for example row 2: 'many'. Export numbers plainly",
    ),
    "no quantities": case(
        with_some(2, Quantity=""),
        r"column 'Quantity': 10\.0% of the rows break the rule 'the quantity is given'.*row 2: "
        "empty. Correct these rows",
    ),
    "prices with words": case(
        with_some(20, UnitPrice="about 2.55"),
        r"column 'UnitPrice': 100\.0% of the rows break .*for example row 2: 'about 2\.55'. Export "
        "numbers plainly, without currency",
    ),
    "numbers that could be two": case(
        with_some(20, UnitPrice="1,234"),
        r"column 'UnitPrice': numbers such as '1,234' can be read in two ways: with decimals, the "
        r"file's lines are worth [\d.]+, and with a separator between thousands [\d,.]+ \(20 rows\)"
        r".*Set decimal_mark",
    ),
    "prices for ids": case(
        with_some(20, CustomerID="12.50"),
        r"column 'CustomerID': 100\.0% of the rows break the rule 'an id is no number with "
        r"decimals'.*'12\.50'. Name the column that holds the customer's number",
    ),
    "ids that a spreadsheet mangled": case(
        with_some(20, CustomerID="1.23457E+11"), r"'an id is no number.*for example row 2: '1\.234"
    ),
    "no ids": case(
        with_some(20, CustomerID=""),
        r"a\.csv, column 'CustomerID': no row has a customer id. Nothing can be said",
    ),
    "each row another id": case(
        lines([a_line(CustomerID=str(i), InvoiceNo=str(i)) for i in range(1000)]),
        r"column 'CustomerID': the column does not look like a customer id: every row has a "
        r"different value \(1,000 rows",
    ),
    "ragged lines": case(
        content("transactions/a.csv", ragged(2)),
        r"a\.csv: 10\.0% of the rows break the rule 'the row has as many fields as the header' .*"
        r"\(2 rows\); for example row 2 has 9 fields, the header 8: '536365,",
    ),
    "nothing but ragged lines": case(
        content("transactions/a.csv", ragged(20)),
        r"a\.csv: no row has as many fields as the header; for example the header has 8 fields, "
        "and row 2 has 9",
    ),
    "a quotation mark that is not closed": case(
        content("transactions/a.csv", text_of([a_line(Description='"6'), *good_lines()])),
        r"a\.csv: in row 2 a quotation mark is opened and not closed: the value swallows other",
    ),
    "no sale": case(
        with_some(20, Quantity="-1"), "the ledger: no line before 2011-01-15 is a sale: 20 have"
    ),
    "control characters": case(
        with_some(20, Quantity="\x1b[2J\x07\u202e6"), r"row 2: '\\x1b\[2J\\x07\\u202e6'"
    ),
    # -- the activity half
    "activity table missing": case(
        activity_without("money.csv"),
        "activity/: the table of profit is missing. Put one file named money there",
    ),
    "activity ragged": case(
        activity("money.csv", lambda text: text.replace("\n", ",9\n").replace(",9\n", "\n", 1)),
        r"money\.csv: no row has as many fields as the header",
    ),
    "activity somewhat ragged": case(
        activity("money.csv", lambda text: re.sub(r"(?m)^(4\d*0[;,\t].*)$", r"\1;;,,\t", text)),
        r"money\.csv: \d+\.\d% of the rows break the rule 'the row has as many fields",
    ),
    "activity column missing": case(
        activity("market_file.csv", lambda text: text.replace("Длительность", "Days", 1)),
        r"market_file\.csv: 1 column missing: days_registered",
    ),
}


def write_twice(path: Path) -> None:
    path.parent.mkdir()
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [*LINE, "Quantity"])
    sheet.write_row(1, 0, [*typed(a_line()).values(), 1][:4])
    book.close()

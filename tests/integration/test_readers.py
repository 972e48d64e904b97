"""Test that files of each kind are read cell by cell, and unreadable ones refused."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from conftest import LINE, Row, a_line, cleaned_lines, good_lines, reading, write_lines
from workbooks import text_of, typed, write_workbook

from analysis.core.problems import Refused
from analysis.core.settings import read_settings
from analysis.core.told_assumptions import write_sentences
from analysis.ingest import readers
from analysis.ingest.columns import match_columns

ENCODINGS = ["utf-8", "cp1251"]


def read(path: Path, work: Path) -> tuple[readers.Part, list[Row]]:
    (part,) = readers.read_parts(path, work, ENCODINGS)
    return part, readers.read_table(part).to_pylist()


EXPECTED = good_lines(12)


def as_text(encoding: str, delimiter: str = ",", comma: bool = False) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "transactions" / "a.csv"
        path.parent.mkdir()
        rows = [
            row | {"Description": "КРУЖКА", "UnitPrice": "2,55" if comma else row["UnitPrice"]}
            for row in EXPECTED
        ]
        path.write_bytes(text_of(rows, delimiter).encode(encoding))
        return path

    return write


def as_gzip(name: str, members: int = 1) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        lines = text_of(EXPECTED).encode().splitlines(keepends=True)
        size = -(-len(lines) // members)
        path.write_bytes(
            b"".join(
                gzip.compress(b"".join(lines[i : i + size])) for i in range(0, len(lines), size)
            )
        )
        return path

    return write


def as_parquet(**types: Callable[[list[str]], pa.Array]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        columns = {name: [row[name] for row in EXPECTED] for name in LINE}
        table = {
            name: types[name](values) if name in types else pa.array(values)
            for name, values in columns.items()
        }
        path = folder / "a.parquet"
        pq.write_table(pa.table(table), path)
        return path

    return write


def moments(values: list[str], **options: Any) -> pa.Array:
    found = [dt.datetime.fromisoformat(value) for value in values]
    return pa.array(found, pa.timestamp("ns", **options))


def workbook_of(*sheets: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        rows = list(map(typed, EXPECTED))
        size = len(rows) // len(sheets)
        content: dict[str, Any] = {
            name: rows[i * size : (i + 1) * size] for i, name in enumerate(sheets)
        }
        content |= {
            "Notes": ["Exported by the shop", "on Monday", "by Ann"],
            "Blank": [],
            "By country": [{"Country": "France", "Sum": 5.0}, {"Country": "Spain", "Sum": 6.0}],
            "2012": [dict(zip(LINE, LINE, strict=True))][:0],
        }
        return write_workbook(folder / "book.xlsx", content)

    return write


def online_retail_ii(folder: Path) -> Path:
    names = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    rows = [{names.get(n, n): value for n, value in row.items()} for row in EXPECTED]
    return write_lines(folder / "transactions" / "ii.csv", rows) / "transactions" / "ii.csv"


def odd_header(folder: Path) -> Path:
    path = folder / "a.csv"
    rows = [row | {"": "", " ": ""} for row in EXPECTED]
    first, rest = text_of(rows).split("\n", 1)
    first = first.replace("InvoiceNo", " invoice_no ").replace("Country", '"COUNTRY"')
    path.write_bytes(b"\xef\xbb\xbf" + first.encode() + b"\r\n" + rest.encode())
    return path


def float_ids(folder: Path) -> Path:
    path = folder / "a.csv"
    frame = pd.DataFrame(EXPECTED).astype({"CustomerID": float, "InvoiceNo": float})
    frame.to_csv(path, index=False)
    return path


GUISES: dict[str, Callable[[Path], Path]] = {
    "utf-8": as_text("utf-8"),
    "utf-8 with mark, semicolons": as_text("utf-8-sig", ";"),
    "cp1251, tabs": as_text("cp1251", "\t"),
    "utf-16": as_text("utf-16", "\t"),
    "decimal commas": as_text("utf-8", ";", comma=True),
    "gzip": as_gzip("a.csv.gz"),
    "gzip in capitals, in two members": as_gzip("A.CSV.GZ", 2),
    "parquet of text": as_parquet(),
    "parquet of numbers and moments": as_parquet(
        InvoiceNo=lambda v: pa.array(map(int, v), pa.int64()),
        CustomerID=lambda v: pa.array(map(float, v), pa.float64()),
        Quantity=lambda v: pa.array(map(int, v), pa.int16()),
        UnitPrice=lambda v: pa.array(map(Decimal, v), pa.decimal128(9, 2)),
        InvoiceDate=moments,
    ),
    "parquet with odd types": as_parquet(
        InvoiceNo=lambda v: pa.array(v, pa.large_string()),
        CustomerID=lambda v: pa.array(map(Decimal, v), pa.decimal128(12, 2)),
        UnitPrice=lambda v: pa.array(map(float, v), pa.float32()).cast(pa.float64()),
        InvoiceDate=lambda v: moments(v, tz="UTC"),
        StockCode=lambda v: pa.array(v).dictionary_encode(),
        Description=lambda v: pa.array([None] * len(v), pa.null()),
        Country=lambda v: pa.array([{"name": c} for c in v]),
    ),
    "workbook": workbook_of("Online Retail"),
    "workbook with two years": workbook_of("Year 2009-2010", "Year 2010-2011"),
    "names of Online Retail II": online_retail_ii,
    "odd header and empty columns": odd_header,
    "ids and invoices as 17850.0": float_ids,
}


@pytest.mark.parametrize("guise", GUISES.values(), ids=list(GUISES))
def test_a_ledger_is_the_same_in_every_guise(guise: Callable[[Path], Path], tmp_path: Path) -> None:
    with reading([guise(tmp_path)]) as ledger:
        lines = cleaned_lines(ledger).sort_values("invoice")
        assert ledger.quarantine.empty
    assert (lines["cleaning_step"] == 6).all()
    for column, ours in {"customer_id": "CustomerID", "invoice": "InvoiceNo"}.items():
        assert lines[column].tolist() == [row[ours] for row in EXPECTED]
    assert lines["stock_code"].unique().tolist() == ["85123A"]
    assert lines["quantity"].tolist() == [float(row["Quantity"]) for row in EXPECTED]
    assert lines["unit_price"].round(6).unique().tolist() == [2.55]
    assert lines["invoice_date"].unique().tolist() == [pd.Timestamp("2011-01-14 08:26:00")]


def test_ids_that_are_missing_numbers_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    ids = [17850.0, float("nan"), None, float("inf"), 12345678901234567890.0]
    table = {name: [row[name] for row in good_lines(40)] for name in LINE}
    table["CustomerID"] = ids + [17850.0] * 35
    pq.write_table(pa.table(table), path)
    with reading([path]) as ledger:
        found = cleaned_lines(ledger)["customer_id"]
        assert ledger.quarantine["row_number"].tolist() == [5]
    assert found.isna().sum() == 3
    assert (found == "17850").sum() == 36


def test_codes_keep_their_kind_in_a_column_of_numbers_and_names(tmp_path: Path) -> None:
    codes: list[Any] = [85123, "85123A", 22423.0, "POST"]
    rows = [typed(a_line()) | {"StockCode": code, "InvoiceNo": i} for i, code in enumerate(codes)]
    with reading([write_workbook(tmp_path / "a.xlsx", {"S": rows})]) as ledger:
        lines = cleaned_lines(ledger).sort_values("invoice")
    assert lines["stock_code"].tolist() == ["85123", "85123A", "22423", "POST"]
    assert lines["cleaning_step"].tolist() == [6, 6, 6, 4]


def test_quotation_marks_hold_delimiters_line_breaks_and_quotation_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('"a\nb",c\n"x,y","1 ""q"""\n"line\nbreak", pad \n,""\n', encoding="utf-8")
    part, rows = read(path, tmp_path)
    assert part.columns == ("a\nb", "c")
    assert [list(row.values()) for row in rows] == [
        ["x,y", '1 "q"', 2],
        ["line\nbreak", " pad ", 3],
    ]


def test_ragged_lines_are_set_apart_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n7,8\n\n9,10\n11\n", encoding="utf-8")
    part, rows = read(path, tmp_path)
    assert part.rows == 3
    assert [(bad.row, bad.fields, bad.line) for bad in part.ragged] == [
        (3, 1, "3"),
        (4, 3, "4,5,6"),
        (7, 1, "11"),
    ]
    assert [row[readers.ROW] for row in rows] == [2, 5, 6]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-le"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    path.write_bytes(f"{mark}имя,b\nЯ,2\n".encode(encoding))
    part, rows = read(path, tmp_path)
    assert part.columns == ("имя", "b")
    assert rows[0]["имя"] == "Я"
    known = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16"}
    assert part.encoding == known.get(encoding, encoding)


def test_a_value_that_swallows_rows_is_never_silent(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f'{i},"thing {i}",5' for i in range(2, 40_000)]
    for place, name in {10: "a quotation mark follows", -1: "none follows"}.items():
        broken = list(lines)
        broken[10] = '12,"thing 12,5'
        if place == -1:
            broken[11:] = [line.replace('"', "") for line in broken[11:]]
        for size in (30, len(broken)):
            path.write_text("\n".join(["a,b,c", *broken[:size]]) + "\n", encoding="utf-8")
            with pytest.raises(Refused, match="a quotation mark is opened and not closed"):
                read(path, tmp_path)
                pytest.fail(name)


def test_a_last_value_that_is_not_closed_costs_its_line_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b,c\n1,2,3\n4,"5,6\n', encoding="utf-8")
    part, rows = read(path, tmp_path)
    assert len(rows) == 1
    assert [bad.row for bad in part.ragged] == [3]


def test_columns_are_found_in_spite_of_case_spaces_and_underscores() -> None:
    wanted = {"customer_id": ["CustomerID"], "unit_price": ["Price"]}
    assert match_columns(["CUSTOMER id", "unit price"], wanted) == {
        "customer_id": "CUSTOMER id",
        "unit_price": "unit price",
    }
    wanted = {"unit_price": ["Price", "Net"]}
    with pytest.raises(ValueError, match="both 'Price' and 'net' could be 'unit_price'"):
        match_columns(["Price", "net", "unit_price"], wanted)


def test_names_that_a_search_pattern_would_match_are_just_names(tmp_path: Path) -> None:
    """DuckDB takes * and [1] in a path for patterns, and a folder x=1 for a column."""
    folder = tmp_path / "year=2011" / "transactions"
    write_lines(folder / "orders [Q1]*.csv", good_lines(3))
    pq.write_table(pa.Table.from_pylist(good_lines(9)[5:]), folder / "orders [Q2]?.parquet")
    with reading(readers.find_files(folder)) as ledger:
        assert len(cleaned_lines(ledger)) == 7
        assert ledger.files["source"].tolist() == ["orders [Q1]*.csv", "orders [Q2]?.parquet"]


def test_what_a_folder_holds(tmp_path: Path) -> None:
    for name in ("b.CSV", "a.parquet", ".hidden.csv", "~$a.xlsx", "README.txt", "notes.md"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in readers.find_files(tmp_path)] == ["a.parquet", "b.CSV"]
    assert readers.find_files(tmp_path / "none") == []
    assert readers.find_overlooked(tmp_path) == []


# ------------------------------------------------------------------------- around the table


KNOWN = frozenset({"invoice", "date", "price", "who"})


def read_text(path: Path, text: str | bytes, known: frozenset[str] = KNOWN) -> list[list[Any]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    (part,) = readers.read_parts(path, path.parent, ENCODINGS, known)
    rows = readers.read_table(part).to_pylist()
    return [list(part.columns), *(list(row.values()) for row in rows)]


TABLE = "Invoice;Date;Price\n1;2022-05-01;2\n2;2022-05-02;3\n"


@pytest.mark.parametrize("above", ["", "Report\n", "Sales;;\n;;\n", "\n\nA;B\n\n", "sep=;\n"])
@pytest.mark.parametrize("below", ["", ";;\n" * 30, " ; ;\n;;\n\n"])
@pytest.mark.parametrize("known", [KNOWN, frozenset[str]()], ids=["known", "unknown"])
def test_what_stands_around_the_table_is_no_part_of_it(
    tmp_path: Path, above: str, below: str, known: frozenset[str]
) -> None:
    if above.startswith("\n") and not known:
        return  # nothing tells that A;B is no header
    rows = read_text(tmp_path / "a.csv", above + TABLE + below, known)
    first = (above + TABLE).split("\n").index("1;2022-05-01;2") + 1
    assert rows == [
        ["Invoice", "Date", "Price"],
        ["1", "2022-05-01", "2", first],
        ["2", "2022-05-02", "3", first + 1],
    ]


@pytest.mark.parametrize("mark", ",;\t|")
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt", "A.TAB"])
def test_fields_are_separated_by_what_separates_them(tmp_path: Path, mark: str, name: str) -> None:
    rows = read_text(tmp_path / name, TABLE.replace(";", mark).replace("2\n", '"2,5;|"\n'))
    assert [row[2] for row in rows] == ["Price", "2,5;|", "3"]


def test_a_title_is_told_and_a_hint_for_spreadsheets_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for above, told in {"Sales 2022;;\n": 1, "sep=;\n": 0, '"sep=;"\n': 0, "": 0}.items():
        path.write_text(above + TABLE, encoding="utf-8")
        (part,) = readers.read_parts(path, tmp_path, ENCODINGS, KNOWN)
        assert len(part.assumptions) == told
    assert not part.assumptions


def test_a_title_above_the_table_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yyyy"})
    sheet = book.add_worksheet()
    for place, row in {
        1: ["Sales 2022"],
        4: ["Invoice", "Date", "Price"],
        5: [1, dt.datetime(2022, 5, 1), 2.5],
        9: [2, dt.datetime(2022, 5, 2), 3.5],
    }.items():
        sheet.write_row(place, 0, row)
    book.close()
    (part,) = readers.read_parts(path, tmp_path, ENCODINGS, KNOWN)
    rows = readers.read_table(part).to_pylist()
    assert [row["Price"] for row in rows] == [2.5, 3.5]
    assert [row["Date"] for row in rows] == [dt.datetime(2022, 5, 1), dt.datetime(2022, 5, 2)]
    assert [row[readers.ROW] for row in rows] == [6, 10]
    assert "row 5" in write_sentences(part.assumptions[0].said)


def test_addresses_over_several_lines_are_values(tmp_path: Path) -> None:
    lines = [f'{i};2022-05-01;"{i} Lane; Flat 1;\nTown; Shire; Land"' for i in range(50)]
    rows = read_text(tmp_path / "a.csv", "\n".join(["Invoice;Date;Who", *lines]) + "\n")
    assert len(rows) == 51
    assert rows[-1][2] == "49 Lane; Flat 1;\nTown; Shire; Land"
    assert rows[-1][-1] == 51


@pytest.mark.parametrize("closing", ['"', ""])
def test_a_quotation_mark_that_swallows_whole_rows_is_found(tmp_path: Path, closing: str) -> None:
    """Closed by the next stray mark: correct for a reader of text files, and wrong all the same."""
    lines = [f"{i};2022-05-01;thing {i}" for i in range(50)]
    lines[10] = '10;2022-05-01;"thing 10'
    lines[12] = f"12;2022-05-01;thing 12{closing}"
    if not closing:
        lines[12] = '12;2022-05-01;"thing 12"'
    with pytest.raises(Refused, match="a quotation mark is opened and not closed"):
        read_text(tmp_path / "a.csv", "\n".join(["Invoice;Date;Who", *lines]) + "\n")


# ------------------------------------------------------------------------- encodings


ALL_ENCODINGS = read_settings().files.encodings
LANGUAGES = {
    "de": ("cp1252", "Stückpreis Österreich Großbritannien Türkei Schlüsselanhänger Kännchen"),
    "fr": ("cp1252", "Référence Désignation Société Générale Crème brûlée Théière française"),
    "es": ("cp1252", "Descripción España Niño Año Bolígrafo Pequeño Azúcar"),
    "sv": ("cp1252", "Kundnummer Malmö Göteborg Örebro Änglar Ljuslåda"),
    "pl": ("cp1250", "Łódź Kraków Gdańsk Świeca Kółko Obrączka Żółty"),
    "cs": ("cp1250", "Zákazník Číslo Hrneček Žlutý Příbor Sklenička"),
    "hu": ("cp1250", "Vevő Ország Győr Székesfehérvár Gyertyatartó Kékfestő"),
    "ru": ("cp1251", "Покупатель Выручка Кружка Свеча Москва Санкт-Петербург"),
    "uk": ("cp1251", "Україна Київ Їжак Ґанок Чашка Дніпро"),
    "el": ("cp1253", "Ελλάδα Αθήνα Θεσσαλονίκη Κούπα Κερί"),
    "tr": ("cp1254", "Türkiye İstanbul Müşteri Ürün Sipariş Tarihi Işık Çaydanlık"),
    "lt": ("cp1257", "Lietuva Vilnius Šiauliai Panevėžys Žvakė Puodelis Pirkėjas"),
    "russian terminal": ("koi8-r", "Покупатель Выручка Кружка Свеча Москва"),
    "russian console": ("cp866", "Покупатель Выручка Кружка Свеча Москва"),
    "mac": ("mac-roman", "Stückpreis Österreich Großbritannien Türkei Schlüsselanhänger"),
    "console": ("cp850", "Stückpreis Österreich Großbritannien Türkei Schlüsselanhänger"),
}


@pytest.mark.parametrize(("encoding", "words"), LANGUAGES.values(), ids=list(LANGUAGES))
def test_the_words_of_a_language_tell_its_encoding(
    tmp_path: Path, encoding: str, words: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"who,price\n{words},1\n".encode(encoding))
    (part,) = readers.read_parts(path, tmp_path, ALL_ENCODINGS, KNOWN)
    assert readers.read_table(part).to_pylist()[0]["who"] == words
    assert not part.assumptions or part.encoding in write_sentences(part.assumptions[0].said)


def test_names_in_the_settings_tell_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("who,Größe\nZoë,1\n".encode("cp1252"))
    for encodings in (["cp1251", "cp1252"], ["koi8-r", "cp866", "cp1252"]):
        (part,) = readers.read_parts(path, tmp_path, encodings, {"größe"})
        assert part.columns == ("who", "Größe")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_unicode_is_found_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    text = "who,price\nÖsterreich,1\nŁódź,2\n"
    rows = read_text(tmp_path / "a.csv", text.encode(encoding))
    assert [row[0] for row in rows] == ["who", "Österreich", "Łódź"]

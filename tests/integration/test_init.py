"""Test the first minutes of somebody whose files nobody has seen before."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import Run

GERMAN = ("Bestelldatum", "Kundennr", "Belegnr", "Artikelnr", "Bezeichnung", "Menge", "Preis €")
RUSSIAN = ("Дата", "Покупатель", "Заказ", "Артикул", "Товар", "Количество", "Цена")
BARE = ("c1", "c2", "c3", "c4", "c5", "c6", "c7")


def write(path: Path, header: Sequence[str], day: Callable[[int], str], rows: int = 60) -> Path:
    """Write a ledger of few customers, whose product codes are unlike those of the gift shop."""
    lines = [";".join(header)]
    lines += [
        f"{day(n)};K{n // 2 % 9:03};R{n // 2:04};AB-{n % 7};Tasse {n % 7};{1 + n % 4};{n % 7},50"
        for n in range(rows)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def german_day(n: int) -> str:
    return f"{1 + n % 28:02}.{1 + n // 28:02}.2023"


@pytest.mark.parametrize("header", [GERMAN, RUSSIAN])
def test_headers_that_nobody_has_seen_are_understood_by_name_and_value(
    tmp_path: Path, run: Run, header: tuple[str, ...]
) -> None:
    file = write(tmp_path / "export.csv", header, german_day)
    done = run("init", file, "--data", tmp_path / "shop")
    assert done.code == 0, done.err
    own = tomllib.loads((tmp_path / "shop" / "settings.toml").read_text(encoding="utf-8"))
    columns = own["transactions"]["columns"]
    names = ("invoice_date", "customer_id", "invoice", "stock_code", "description", "quantity")
    assert [columns[name][0] for name in (*names, "unit_price")] == list(header)
    assert own["transactions"]["product_codes"] == ["."]
    assert own["transactions"]["currency"] == ("€" if header is GERMAN else "")
    assert "  9 customers, 30 orders" in done.out
    assert "Next: make report DATA=" in done.err
    assert (tmp_path / "shop" / "transactions" / "export.csv").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "form",
    [
        *("%d-%b-%Y", "%d %B %Y", "%b %d, %Y %I:%M %p", "%y/%m/%d"),
        *("%d.%m.%y", "%Y%m%d", "%Y年%m月%d日"),
    ],
)
def test_dates_of_all_kinds_are_found_and_read(tmp_path: Path, run: Run, form: str) -> None:
    first = dt.date(2023, 1, 3)
    file = write(tmp_path / "a.csv", GERMAN, lambda n: f"{first + dt.timedelta(days=4 * n):{form}}")
    done = run("init", file, "--data", tmp_path / "shop")
    assert done.code == 0, done.err
    assert "'Bestelldatum' is taken as the invoice date: dates, such as" in done.err
    assert f"2023-01-03 to {first + dt.timedelta(days=4 * 59)}" in done.out


def test_what_names_do_not_tell_is_left_open_with_candidates(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "export.csv", BARE, german_day)
    done = run("init", file, "--data", tmp_path / "shop")
    assert done.code == 1
    assert "The customer id is not clear. It could be 'c2' (9 different values" in done.err
    assert "Traceback" not in done.err
    text = (tmp_path / "shop" / "settings.toml").read_text(encoding="utf-8")
    assert '# customer_id = ["c2"]' in text
    assert "columns" not in tomllib.loads(text)["transactions"] or not (
        tomllib.loads(text)["transactions"]["columns"].keys() & {"customer_id"}
    )
    # The user takes the # off the right lines, and the check passes.
    picked = {"customer_id": "c2", "invoice_date": "c1", "quantity": "c6", "unit_price": "c7"}
    lines = [f'{name} = ["{column}"]' for name, column in picked.items()]
    (tmp_path / "shop" / "settings.toml").write_text(
        "[transactions.columns]\n" + "\n".join(lines) + "\n"
    )
    assert run("check", "--data", tmp_path / "shop").code == 0


def test_files_that_are_known_get_no_columns(tmp_path: Path, run: Run) -> None:
    header = ("InvoiceDate", "CustomerID", "InvoiceNo", "StockCode", "Description", "Quantity")
    file = write(tmp_path / "export.csv", (*header, "UnitPrice"), german_day)
    done = run("init", file, "--data", tmp_path / "shop")
    assert done.code == 0, done.err
    own = tomllib.loads((tmp_path / "shop" / "settings.toml").read_text(encoding="utf-8"))
    assert set(own["transactions"]) == {"currency", "product_codes"}


def test_a_folder_with_data_is_left_alone(tmp_path: Path, run: Run) -> None:
    file = write(tmp_path / "export.csv", GERMAN, german_day)
    assert run("init", file, "--data", tmp_path / "shop").code == 0
    before = (tmp_path / "shop" / "settings.toml").read_bytes()
    done = run("init", file, "--data", tmp_path / "shop")
    assert done.code == 1 and "the folder already holds files" in done.err
    assert (tmp_path / "shop" / "settings.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"only one column\n1\n2\n", "not a table"),
        ("a.docx", b"PK\x03\x04", "holds no data"),
        ("a.xlsx", b"not a workbook", "cannot be read"),
        ("a.csv", b"when;who\n2023-01-01;K1\n2023-01-02;K1\n", "there is no column"),
    ],
)
def test_odd_files_are_refused_in_a_sentence(
    tmp_path: Path, run: Run, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = run("init", tmp_path / name, "--data", tmp_path / "shop")
    assert done.code == 1
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, run: Run) -> None:
    done = run("init", tmp_path / "gone.csv", "--data", tmp_path / "shop")
    assert done.code == 1 and "there is no such file" in done.err
    assert not (tmp_path / "shop").exists()

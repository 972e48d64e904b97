"""Test that dates and numbers are read by evidence, and what stays open is refused."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from conftest import Row, a_line, changed, cleaned_lines, reading, write_lines
from hypothesis import given
from hypothesis import strategies as st

from analysis.core.problems import Refused
from analysis.core.settings import read_settings
from analysis.core.told_assumptions import write_sentences
from analysis.orders import dates, numbers

SETTINGS = read_settings()


def shop(number: int = 60, seed: int = 3) -> list[Row]:
    """Return lines of a shop over some months, on days of all kinds."""
    chance = random.Random(seed)
    rows = []
    for place in range(number):
        moment = dt.datetime(2022, 3, 1, 9, 5) + dt.timedelta(days=3 * place, minutes=place)
        rows.append(
            a_line(
                InvoiceNo=str(500 + place),
                InvoiceDate=f"{moment}",
                UnitPrice=f"{chance.choice([6.31, 24.93, 1250.5, 0.75, 15])}",
                CustomerID=str(12000 + place % 9),
            )
        )
    return rows


def facts(path: Path, rows: list[Row], delimiter: str = ";") -> list[tuple[object, ...]]:
    write_lines(path, rows, delimiter=delimiter)
    with reading([path]) as ledger:
        assert ledger.quarantine.empty
        lines = cleaned_lines(ledger).sort_values("invoice")
    days = lines["invoice_date"].dt.strftime("%Y-%m-%d")
    return list(zip(lines["invoice"], days, lines["unit_price"], strict=True))


def dated(form: str) -> Callable[[Row], Row]:
    return lambda row: {
        **row,
        "InvoiceDate": dt.datetime.fromisoformat(row["InvoiceDate"]).strftime(form),
    }


def priced(form: Callable[[float], str]) -> Callable[[Row], Row]:
    return lambda row: {**row, "UnitPrice": form(float(row["UnitPrice"]))}


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def seconds(moment: str) -> str:
    return f"{dt.datetime.fromisoformat(moment + '+00:00').timestamp():.0f}"


def serial(moment: str) -> str:
    since = dt.datetime.fromisoformat(moment) - dt.datetime(1899, 12, 30)
    return f"{since / dt.timedelta(days=1):.5f}"


def few_thousands(text: str) -> str:
    """Leave two decimals to the few prices above a thousand, and one to the others."""
    return text if "." in text else text.removesuffix("0")


NOTATIONS: dict[str, Callable[[Row], Row]] = {
    "day first": dated("%d/%m/%Y %H:%M"),
    "month first, two digits": dated("%m/%d/%y %H:%M"),
    "American clock": dated("%m/%d/%Y %I:%M %p"),
    "names of months": dated("%d-%b-%Y"),
    "names of months, American": dated("%B %d, %Y"),
    "whole numbers": dated("%Y%m%d"),
    "with Z": dated("%Y-%m-%dT%H:%M:%SZ"),
    "with an offset": dated("%Y-%m-%d %H:%M:%S -0500"),
    "seconds since 1970": lambda row: {**row, "InvoiceDate": seconds(row["InvoiceDate"])},
    "milliseconds": lambda row: {**row, "InvoiceDate": f"{seconds(row['InvoiceDate'])}000"},
    "days of a spreadsheet": lambda row: {**row, "InvoiceDate": serial(row["InvoiceDate"])},
    "few in German thousands": priced(lambda value: few_thousands(german(value))),
    "German numbers": priced(german),
    "English numbers": priced(lambda value: f"{value:,.2f}"),
    "Swiss numbers": priced(lambda value: f"{value:,.2f}".replace(",", "'")),
    "French numbers": priced(lambda value: german(value).replace(".", " ")),
    "a currency before": priced(lambda value: f"£{value:.2f}"),
    "a currency behind": priced(lambda value: f"{german(value)} €"),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """Return the facts of the shop in the notation of its own."""
    return facts(tmp_path_factory.mktemp("plain") / "transactions" / "a.csv", shop())


@pytest.mark.parametrize("change", NOTATIONS.values(), ids=list(NOTATIONS))
def test_the_notation_changes_no_fact(
    tmp_path: Path, change: Callable[[Row], Row], plain: list[tuple[object, ...]]
) -> None:
    path = tmp_path / "transactions" / "a.csv"
    assert facts(path, [change(row) for row in shop()]) == plain


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"),
        ("%d-%b-%Y", "%d-%b-%Y"),
        ("%-m/%-d/%y %-H:%M", "%m/%d/%y %H:%M"),
        ("%y/%m/%d", "%y/%m/%d"),
    ],
)
def test_a_format_that_the_user_names_is_taken(tmp_path: Path, written: str, named: str) -> None:
    path = write_lines(tmp_path / "transactions" / "a.csv", [dated(written)(row) for row in shop()])
    settings = changed(SETTINGS, date_formats=[named])
    with reading([path / "transactions" / "a.csv"], settings) as ledger:
        days = set(cleaned_lines(ledger)["invoice_date"].dt.strftime("%Y-%m-%d"))
    assert days == {row["InvoiceDate"][:10] for row in shop()}


def test_days_of_parquet_can_be_whole_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame(shop())
    table["InvoiceDate"] = pd.to_datetime(table["InvoiceDate"]).dt.strftime("%Y%m%d").astype(int)
    table.to_parquet(tmp_path / "a.parquet")
    with reading([tmp_path / "a.parquet"]) as ledger:
        days = set(cleaned_lines(ledger)["invoice_date"].dt.strftime("%Y-%m-%d"))
    assert days == {row["InvoiceDate"][:10] for row in shop()}


def test_dinars_have_three_decimals(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    prices = ["0.750", "12.345", "3.520", "9.202"]
    write_lines(path, [row | {"UnitPrice": prices[i % 4]} for i, row in enumerate(shop())])
    for currency in ("KWD", "£"):
        with reading([path], changed(SETTINGS, currency=currency)) as ledger:
            found = cleaned_lines(ledger)["unit_price"]
        assert set(found) == {0.75, 12.345, 3.52, 9.202}


def workbook(path: Path, day: Callable[[dt.datetime], object]) -> Path:
    book = openpyxl.Workbook()
    rows = shop()
    book.active.append(list(rows[0]))
    for row in rows:
        moment = dt.datetime.fromisoformat(row["InvoiceDate"])
        numbers = {"Quantity": int(row["Quantity"]), "UnitPrice": float(row["UnitPrice"])}
        book.active.append([*{**row, **numbers, "InvoiceDate": day(moment)}.values()])
    book.save(path)
    return path


def test_cells_of_a_sheet_can_be_dates_and_texts(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", lambda m: f"{m:%d/%m/%Y %H:%M}" if m.minute % 9 == 0 else m
    )
    with reading([path]) as ledger:
        days = set(cleaned_lines(ledger)["invoice_date"].dt.strftime("%Y-%m-%d"))
    assert days == {row["InvoiceDate"][:10] for row in shop()}


def test_dates_of_cells_that_a_spreadsheet_swapped_are_put_right(tmp_path: Path) -> None:
    def swapped(moment: dt.datetime) -> object:
        if moment.day > 12:
            return f"{moment:%d/%m/%Y %H:%M}"
        return moment.replace(day=moment.month, month=moment.day)

    with reading([workbook(tmp_path / "a.xlsx", swapped)]) as ledger:
        days = set(cleaned_lines(ledger)["invoice_date"].dt.strftime("%Y-%m-%d"))
    assert days == {row["InvoiceDate"][:10] for row in shop()}


def test_months_have_names_in_other_languages(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    names = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
    ]

    def spanish(row: Row) -> Row:
        day = dt.datetime.fromisoformat(row["InvoiceDate"])
        return {**row, "InvoiceDate": f"{day.day} de {names[day.month - 1]} de {day.year}"}

    assert facts(path, [spanish(row) for row in shop()]) == facts(path, shop())


def test_rows_with_totals_are_no_lines_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    total = dict.fromkeys(shop()[0], "") | {"Description": "Subtotal", "Quantity": "42"}
    rows = [*shop()[:30], total, *shop()[30:], total]
    assert facts(path, rows) == facts(path, shop())
    write_lines(path, rows)
    with reading([path]) as ledger:
        (told,) = [one for one in ledger.assumptions if "total" in write_sentences(one.said)]
    assert told.rows == 2


def test_days_that_a_spreadsheet_swapped_are_put_right_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"

    def mangled(row: Row) -> Row:
        moment = dt.datetime.fromisoformat(row["InvoiceDate"])
        form = "%Y-%d-%m %H:%M:%S" if moment.day <= 12 else "%d/%m/%Y %H:%M"
        return {**row, "InvoiceDate": moment.strftime(form)}

    assert facts(path, [mangled(row) for row in shop()]) == facts(path, shop())
    write_lines(path, [mangled(row) for row in shop()[:6]])
    with pytest.raises(Refused, match="swapped day and month"), reading([path]):
        pass


def test_thousands_without_other_evidence_are_refused_with_both_figures(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = [row | {"UnitPrice": "38.500", "Quantity": "2"} for row in shop(10)]
    write_lines(path, rows)
    with (
        pytest.raises(Refused, match=r"worth 770\.00, and with a separator .* 770,000\.00"),
        reading([path]),
    ):
        pass
    for values, price in {
        ("decimal_mark", ","): 38500.0,
        ("decimal_mark", "."): 38.5,
        ("currency", "Rp"): 38500.0,
        ("currency", "KWD"): 38.5,
    }.items():
        with reading([path], changed(SETTINGS, **dict([values]))) as ledger:
            assert set(cleaned_lines(ledger)["unit_price"]) == {price}


def test_whole_prices_show_where_thousands_begin(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    prices = ["990", "560", "1.290", "2.590", "12.990"]
    rows = [row | {"UnitPrice": prices[i % 5]} for i, row in enumerate(shop(50))]
    write_lines(path, rows)
    with reading([path]) as ledger:
        assert cleaned_lines(ledger)["unit_price"].max() == 12990
        assert any("separates thousands" in write_sentences(one.said) for one in ledger.assumptions)


@given(st.decimals(min_value="0.01", max_value="9999999", places=2))
def test_a_number_with_two_decimals_has_one_reading(value: object) -> None:
    for text, mark in ((f"{value:,.2f}", "."), (german(float(str(value))), ",")):
        shape = numbers.shape_of(text)
        assert (shape.kind, shape.mark) == ("decimal", mark)


def test_formats_fit_shapes() -> None:
    assert dates.fits("%d/%m/%Y", "9/9/9999")
    assert not dates.fits("%Y%m%d%H%M", "9999999999")
    assert dates.month_words(["99 März 9999", "99 août 9999"]) == {"März": "Mar", "août": "Aug"}


def test_files_of_lines_and_of_amounts_are_one_ledger(tmp_path: Path) -> None:
    whole, amounts = tmp_path / "transactions" / "a.csv", tmp_path / "transactions" / "b.csv"
    write_lines(whole, shop(30))
    rows = [
        {name: row[name] for name in ("InvoiceNo", "InvoiceDate", "CustomerID")} | {"Amount": "7.5"}
        for row in shop()[30:]
    ]
    write_lines(amounts, rows)
    with reading([whole, amounts]) as ledger:
        lines = cleaned_lines(ledger)
        assert ledger.quarantine.empty
    late = lines[lines["invoice"].astype(int) >= 530]
    assert late["amount"].astype(float).tolist() == [7.5] * 30

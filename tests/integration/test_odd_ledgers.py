"""Test ledgers as shops send them, each with one thing that could be read silently wrong.

Every file is made here from lines whose worth is counted by hand. What evidence decides must be
read as it is worth; what it leaves open must be refused, with the setting that decides.
"""

from __future__ import annotations

import datetime as dt
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from conftest import Row, few_examples, reading
from hypothesis import given
from hypothesis import strategies as st
from made_shops import columns, each, many_customers, net_figures, read, shop, worth

from analysis.core.problems import Refused
from analysis.core.told_assumptions import write_sentences


def lines() -> list[Row]:
    """Return the lines of 40 customers, three orders each."""
    return each(shop(120), CustomerID=lambda row: str(12000 + int(row["InvoiceNo"]) % 40))


def amount(row: Row) -> float:
    return float(row["Quantity"]) * float(row["UnitPrice"])


def when(row: Row) -> dt.datetime:
    return dt.datetime.fromisoformat(row["InvoiceDate"])


def often(number: int) -> Callable[[Row], bool]:
    return lambda row: int(row["InvoiceNo"]) % number == 0


# ------------------------------------------------------------------------- customers


@pytest.mark.parametrize(
    "value",
    ["#N/A", "(blank)", "k.A.", "?", "Cash sales", "Laufkundschaft", "1", "999999", "Розница",
     "[null]", "Client comptoir"],
)  # fmt: skip
def test_what_many_strangers_share_is_no_customer(tmp_path: Path, value: str) -> None:
    rows = lines()
    guests = each(shop(30, seed=5), CustomerID=value, InvoiceNo=lambda r: f"8{r['InvoiceNo']}")
    found, told = read(tmp_path, [*rows, *guests])
    assert found == worth(rows)
    assert "no customer" in told


@pytest.mark.parametrize("values", [["CASH 1", "CASH 2", "CASH 3"], ["99999", "11111"]])
def test_each_till_can_have_a_placeholder_of_its_own(tmp_path: Path, values: list[str]) -> None:
    rows, guests = lines(), []
    for place, value in enumerate(values):
        some = shop(30, seed=3 + place)
        guests += each(some, CustomerID=value, InvoiceNo=lambda r, p=place: f"{p}9{r['InvoiceNo']}")
    assert read(tmp_path, [*rows, *guests])[0] == worth(rows)


def test_one_large_customer_is_told(tmp_path: Path) -> None:
    rows = many_customers(200)
    large = each(shop(40, seed=3), CustomerID="12377", InvoiceNo=lambda r: f"9{r['InvoiceNo']}")
    found, told = read(tmp_path, [*rows, *large])
    assert found == worth([*rows, *large])
    assert "40 orders share the value '12377': 17% of all. It counts as one customer" in told


SPELLINGS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "two spaces": (lambda one: f"Anna Lee {one}", lambda one: one.replace(" ", "  ")),
    "an apostrophe": (str, lambda one: f"'{one}"),
    "thousands": (str, lambda one: f"{int(one):,}"),
    "telephones": (lambda one: f"+49 171 {one}", lambda one: one.replace(" ", "")),
    "accents": (lambda one: f"Müller {one}", lambda one: unicodedata.normalize("NFD", one)),
}


@pytest.mark.parametrize(("spell", "again"), SPELLINGS.values(), ids=list(SPELLINGS))
def test_spellings_of_an_id_are_one_customer(
    tmp_path: Path, spell: Callable[[str], str], again: Callable[[str], str]
) -> None:
    rows = each(lines(), CustomerID=lambda row: spell(row["CustomerID"]))
    both = [
        {**row, "CustomerID": again(row["CustomerID"]) if i % 3 == 0 else row["CustomerID"]}
        for i, row in enumerate(rows)
    ]
    assert read(tmp_path, both)[0] == worth(rows)


def test_ids_that_a_spreadsheet_rounded_are_refused(tmp_path: Path) -> None:
    rounded = each(lines(), CustomerID=lambda row: f"4,9{row['CustomerID'][:3]}E+13")
    with pytest.raises(Refused, match="an id is no number with decimals"):
        read(tmp_path, rounded)


# ------------------------------------------------------------------------- money


@pytest.mark.parametrize(("name", "value"), [("Discount", "0.2"), ("Discount %", "20")])
def test_discounts_are_taken_off(tmp_path: Path, name: str, value: str) -> None:
    cheap = often(3)
    rows = each(lines(), **{name: lambda row: value if cheap(row) else "0"})
    total = sum(amount(row) * (0.8 if cheap(row) else 1) for row in rows)
    found, told = read(tmp_path, rows)
    assert found == (*worth(rows)[:2], pytest.approx(total, abs=0.02))
    assert "A discount is" in told


def test_discounts_that_could_be_anything_are_refused(tmp_path: Path) -> None:
    rows = each(lines(), Rabatt=lambda row: "3" if often(3)(row) else "0")
    with pytest.raises(Refused, match="it is not clear what the discounts are"):
        read(tmp_path, rows)
    off = 3 * sum(often(3)(row) for row in rows)
    figures = worth(rows)
    found, _ = read(tmp_path, rows, line_discount="money")
    assert found == (*figures[:2], pytest.approx(figures[2] - off, abs=0.01))
    assert read(tmp_path, rows, line_discount="none")[0] == figures


def test_a_price_that_grows_with_the_quantity_is_refused(tmp_path: Path) -> None:
    chance = random.Random(3)
    rows = each(lines(), Quantity=lambda row: str(chance.randint(1, 12)))
    totals = each(rows, UnitPrice=lambda row: f"{amount(row):.2f}")
    with pytest.raises(Refused, match="as the total of a line does"):
        read(tmp_path, totals)
    found, _ = read(tmp_path, totals, columns=columns(amount=["UnitPrice"]))
    assert found == worth(rows)


def test_the_total_of_an_order_on_each_of_its_lines_is_refused(tmp_path: Path) -> None:
    totals: dict[str, float] = {}
    for row in lines():
        totals[row["InvoiceNo"]] = totals.get(row["InvoiceNo"], 0) + amount(row)
    rows = [
        {k: v for k, v in row.items() if k not in ("Quantity", "UnitPrice")}
        | {"Amount": f"{totals[row['InvoiceNo']]:.2f}"}
        for row in lines()
    ]
    with pytest.raises(Refused, match=r"15,795\.52 if each order counts once"):
        read(tmp_path, rows)


def test_large_numbers_of_spreadsheets_are_numbers(tmp_path: Path) -> None:
    price = {True: "1.00E+05", False: "7.25"}
    rows = each(lines(), Quantity="1", UnitPrice=lambda row: price[often(30)(row)])
    plain = each(rows, UnitPrice=lambda row: str(float(row["UnitPrice"])))
    assert read(tmp_path, rows)[0] == worth(plain)
    german = each(rows, UnitPrice=lambda row: row["UnitPrice"].replace(".", ","))
    assert read(tmp_path, german)[0] == worth(plain)


def test_sums_of_a_quadrillion_are_exact(tmp_path: Path) -> None:
    rows = each(
        lines(), Quantity="1", UnitPrice=lambda row: f"{400_000_000_000 + int(row['InvoiceNo'])}"
    )
    rows = rows * 11
    rows = [{**row, "InvoiceNo": f"{i // 2:06d}"} for i, row in enumerate(rows)]
    found, _ = read(tmp_path, rows, currency="₫")
    assert found[2] == sum(int(row["UnitPrice"]) for row in rows) > 1e15


def test_a_bar_code_among_the_quantities_is_no_quantity(tmp_path: Path) -> None:
    rows = lines()
    wrong = [{**row, "Quantity": "4006381333931"} if i == 5 else row for i, row in enumerate(rows)]
    assert read(tmp_path, wrong)[0] == worth([row for row in rows if row is not rows[5]])


def test_one_line_with_most_of_the_money_is_told(tmp_path: Path) -> None:
    rows = lines()
    rows[7]["UnitPrice"] = "99999"
    assert "One line accounts for" in read(tmp_path, rows)[1]


# ------------------------------------------------------------------------- what is a sale

REFUNDS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "a type": ({"Type": "Sale"}, {"Type": "Refund"}),
    "a flag": ({"IsReturn": "0"}, {"IsReturn": "1"}),
    "a prefix": ({}, {"InvoiceNo": lambda row: f"RET{row['InvoiceNo']}"}),
}


@pytest.mark.parametrize(("sale", "back"), REFUNDS.values(), ids=list(REFUNDS))
def test_refunds_without_a_minus_take_purchases_back(
    tmp_path: Path, sale: dict[str, object], back: dict[str, object]
) -> None:
    rows = lines()
    later = {"InvoiceDate": "2024-12-01 10:00:00", "InvoiceNo": lambda row: f"9{row['InvoiceNo']}"}
    refunds = each(rows[::7], **{**later, **back})
    found, told = read(tmp_path, [*each(rows, **sale), *refunds])
    assert found == worth([row for i, row in enumerate(rows) if i % 7])
    assert "without a minus: 100% of them are like an earlier line" in told


def test_the_same_things_bought_again_and_again_are_no_refunds(tmp_path: Path) -> None:
    rows = each(lines(), StockCode="20000", Quantity="1", UnitPrice="5.00")
    rows = each(rows, InvoiceNo=lambda row: f"{'W' if often(4)(row) else ''}{row['InvoiceNo']}")
    single = [row for i, row in enumerate(rows) if i % 2]
    assert read(tmp_path, single)[0] == worth(single)


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("Order State", "Cancelled", "Complete"),
        ("Cancelled", "True", "False"),
        ("Cancelled at", "2024-12-01", ""),
    ],
)
def test_cancelled_orders_are_found_by_their_values(
    tmp_path: Path, name: str, yes: str, no: str
) -> None:
    rows = each(lines(), **{name: lambda row: yes if often(4)(row) else no})
    found, told = read(tmp_path, rows)
    assert found == worth([row for row in rows if row[name] == no])
    assert name in told
    assert read(tmp_path, rows, columns=columns(status=[]))[0] == worth(rows)


def test_a_column_of_refunded_money_is_refused(tmp_path: Path) -> None:
    rows = each(lines(), **{"Refund Amount": lambda row: "5.50" if often(9)(row) else "0.00"})
    with pytest.raises(Refused, match="no line's money is less for them"):
        read(tmp_path, rows)


def test_currencies_are_found_by_their_codes(tmp_path: Path) -> None:
    rows = each(lines(), **{"Curr.": lambda row: "JPY" if often(3)(row) else "EUR"})
    with pytest.raises(Refused, match="2 currencies"):
        read(tmp_path, rows)


def test_codes_that_the_settings_do_not_know_are_refused(tmp_path: Path) -> None:
    rows = each(lines(), StockCode=lambda r: f"{'A' if often(5)(r) else ''}{r['StockCode']}")
    with pytest.raises(Refused, match="codes that no pattern in product_codes fits"):
        read(tmp_path, rows)
    assert read(tmp_path, rows, product_codes=["."])[0] == worth(rows)


# ------------------------------------------------------------------------- copies


def test_a_block_that_is_pasted_twice_counts_once_where_a_line_is_a_piece(tmp_path: Path) -> None:
    rows = [row for row in each(lines(), Quantity="1") for _ in range(3)]
    assert read(tmp_path, [*rows, *rows[:150]])[0] == worth(rows)
    numbered = [{**row, "order_item_id": str(i)} for row in rows[::3] for i in range(2)]
    assert read(tmp_path, [*numbered, *numbered[:150]])[0] == worth(numbered)
    chance = random.Random(1)
    assert read(tmp_path, chance.sample(rows, len(rows)))[0] == worth(rows)


OVERLAPS: dict[str, Callable[[Row], Row]] = {
    "zeros of numbers": lambda row: {**row, "InvoiceNo": row["InvoiceNo"].lstrip("0")},
    "a sign": lambda row: {**row, "InvoiceNo": f"#{row['InvoiceNo']}"},
    "zeros of codes": lambda row: {**row, "StockCode": row["StockCode"].lstrip("0")},
    "other codes": lambda row: {**row, "StockCode": str(int(row["StockCode"]) + 50000)},
    "another clock": lambda row: {**row, "InvoiceDate": str(when(row) + dt.timedelta(hours=2))},
}


@pytest.mark.parametrize("change", OVERLAPS.values(), ids=list(OVERLAPS))
def test_orders_in_two_files_count_once(tmp_path: Path, change: Callable[[Row], Row]) -> None:
    rows = each(
        lines(),
        InvoiceNo=lambda row: f"00{row['InvoiceNo']}",
        StockCode=lambda row: f"0{row['StockCode']}",
        InvoiceDate=lambda row: str(when(row).replace(hour=23)),
    )
    files = [rows[:200], [change(row) for row in rows[150:]]]
    assert read(tmp_path, *files, product_codes=["."])[0] == worth(rows)


def corrected() -> tuple[list[Row], list[Row]]:
    rows = lines()
    new = [{**r, "Quantity": str(int(r["Quantity"]) + (i % 5 == 0))} for i, r in enumerate(rows)]
    return rows, new


def test_the_newest_file_says_what_an_order_is(tmp_path: Path) -> None:
    rows, new = corrected()
    found, told = read(tmp_path, rows[:200], new[150:])
    assert found == worth([*rows[:150], *new[150:]])
    assert "They count once, as the newest file has them: in older files these lines" in told


def test_without_a_newest_file_unlike_orders_are_refused(tmp_path: Path) -> None:
    rows, new = corrected()
    with pytest.raises(Refused, match="none is the newest"):
        read(tmp_path, rows, new[150:])
    chosen, _ = read(tmp_path, rows, new[150:], restated_orders="newest")
    assert chosen == worth([*rows[:150], *new[150:]])


def test_orders_that_are_split_over_files_by_product_count_whole(tmp_path: Path) -> None:
    rows = lines()
    assert read(tmp_path, rows[::2], rows[1::2])[0] == worth(rows)


# ------------------------------------------------------------------------- rows and dates


def test_headers_and_totals_among_the_rows_are_no_lines(tmp_path: Path) -> None:
    rows = lines()
    header = {name: name for name in rows[0]}
    total = dict.fromkeys(rows[0], "") | {"InvoiceNo": "Total", "Quantity": "999"}
    assert read(tmp_path, [*rows[:50], header, *rows[50:], total])[0] == worth(rows)


def test_each_month_can_begin_with_order_one(tmp_path: Path) -> None:
    rows = lines()
    numbers: dict[str, dict[str, str]] = {}
    for row in rows:
        month = numbers.setdefault(row["InvoiceDate"][:7], {})
        month.setdefault(row["InvoiceNo"], str(len(month) + 1))
    restarted = each(rows, InvoiceNo=lambda row: numbers[row["InvoiceDate"][:7]][row["InvoiceNo"]])
    assert read(tmp_path, restarted)[0] == worth(rows)


def test_pieces_with_three_decimals_are_pieces(tmp_path: Path) -> None:
    rows = lines()
    german = each(
        rows,
        Quantity=lambda row: f"{row['Quantity']},000",
        UnitPrice=lambda row: row["UnitPrice"].replace(".", ","),
    )
    assert read(tmp_path, german)[0] == worth(rows)


def test_rows_of_a_sheet_are_counted_from_its_top(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows = lines()[:30]
    for place, name in enumerate(rows[0], 1):
        book.active.cell(4, place, name)
        for number, row in enumerate(rows, 5):
            book.active.cell(number, place, row[name])
    book.save(tmp_path / "a.xlsx")
    with reading([tmp_path / "a.xlsx"]) as ledger:
        found = ledger.lines.row_number.as_table().execute()["row_number"]
        assert not any("title" in write_sentences(one.said) for one in ledger.assumptions)
    assert sorted(found) == list(range(5, 35))


# ------------------------------------------------------------------------- properties

DATES = ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y", "%Y%m%d"]
NUMBERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "German": lambda text: f"{float(text):,.2f}".translate(str.maketrans(",.", ".,")),
    "French": lambda text: f"{float(text):,.2f}".replace(",", "\u202f").replace(".", ","),
    "with a sign": lambda text: f"£{float(text):.2f}",
}


@few_examples(4)
@given(data=st.data())
def test_notation_order_and_splitting_change_no_figure(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = each(lines(), UnitPrice=lambda row: f"{float(row['UnitPrice']) * 101:.2f}")
    rows = each(rows, Country=lambda row: "Österreich" if often(3)(row) else "Türkiye")
    chance = random.Random(data.draw(st.integers(0, 99)))
    mixed = chance.sample(rows, len(rows))
    cut = data.draw(st.integers(20, len(rows) - 20))
    folder = tmp_path_factory.mktemp("shop")
    paths = []
    for place, some in enumerate((mixed[:cut], mixed[cut:])):
        form, number = data.draw(st.sampled_from(DATES)), data.draw(st.sampled_from([*NUMBERS]))
        case = data.draw(st.sampled_from([str.upper, str.lower, str.strip]))
        told = each(
            some,
            InvoiceDate=lambda row, f=form: when(row).strftime(f),
            UnitPrice=lambda row, n=number: NUMBERS[n](row["UnitPrice"]),
            CustomerID=lambda row, c=case: c(f" k{row['CustomerID']} "),
        )
        mark = data.draw(st.sampled_from(";\t|"))
        text = [mark.join(told[0]), *(mark.join(row.values()) for row in told)]
        for _ in range(data.draw(st.integers(0, 3))):
            text.insert(chance.randint(1, len(text)), mark * (len(told[0]) - 1))
        if data.draw(st.booleans()):
            total = dict.fromkeys(told[0], "") | {"Description": "Total", "Quantity": "99999"}
            text.append(mark.join(total.values()))
        encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
        # A narrow space is not in every code page.
        content = "\r\n".join(text).replace("\u202f", "\u00a0") + "\r\n"
        paths.append(folder / f"{place}.csv")
        paths[-1].write_bytes(content.encode(encoding))
    with reading(paths) as ledger:
        assert net_figures(ledger) == worth(rows)
        countries = ledger.lines.select("country").distinct().execute()["country"]
    assert {*countries.dropna()} == {"Österreich", "Türkiye"}

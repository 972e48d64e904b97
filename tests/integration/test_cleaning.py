"""Test the cleaning steps: by properties, and rule by rule."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import (
    LINE,
    Row,
    a_line,
    changed,
    cleaned_lines,
    few_examples,
    good_lines,
    reading,
    write_lines,
)
from hypothesis import given
from hypothesis import strategies as st
from ledgers import plain_cleaning, total
from pandera.errors import SchemaErrors

from analysis.core.privacy import is_pseudonym
from analysis.core.problems import Refused
from analysis.core.settings import Settings
from analysis.ingest import readers
from analysis.orders import canonical, contract, notation, quality
from analysis.orders.ledger import LINE_COLUMNS, Ledger
from analysis.segments import rfm

# ------------------------------------------------------------------------- against plain Python


# A number belongs to one customer: what is told of those that do not has tests of its own.
CUSTOMERS = {"1": "11", "2": "12", "3": "", "C4": "11", "c5": "12", "C6": ""}

# Few values each, so that duplicates, cancellations and reversals meet.
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "InvoiceNo": st.sampled_from(["1", "2", "3", "C4", "c5", "C6"]),
            "StockCode": st.sampled_from(["85123A", "22423", "DCGS01", "POST", "2242"]),
            "Description": st.just("A THING"),
            "Quantity": st.sampled_from(["1", "2", "-1", "-1", "-2", "0"]),
            "InvoiceDate": st.sampled_from([f"2011-01-0{day} 10:00:00" for day in range(1, 6)]),
            "UnitPrice": st.sampled_from(["2.5", "2.5", "1.15", "0"]),
            "Country": st.just("France"),
        }
    ).map(lambda row: row | {"CustomerID": CUSTOMERS[row["InvoiceNo"]]}),
    min_size=15,
    max_size=50,
)


@few_examples(3)
@given(lines=LINES)
def test_the_cleaning_is_that_of_a_plain_program_in_any_order_and_stays_where_it_is(
    lines: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    lines = [
        *lines,
        a_line(Country="France", CustomerID="11", Quantity="6"),
    ]  # one sale there must be
    expected = plain_cleaning(lines)
    path = folder / "transactions" / "a.csv"
    write_lines(path, lines)
    with reading([path]) as ledger:
        steps = quality.cleaning_steps(ledger)
        customers = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
        kept = cleaned_lines(ledger).query("cleaning_step == 6")
    assert steps["rows"].tolist() == [len(lines), *map(len, expected)]
    assert steps["amount"].tolist()[1:] == pytest.approx([total(rows) for rows in expected])
    assert steps["customers"].tolist()[1:] == [
        len({row["CustomerID"] for row in rows}) for rows in expected
    ]
    assert steps["rows"].is_monotonic_decreasing
    assert steps["customers"].is_monotonic_decreasing
    assert steps["orders"].is_monotonic_decreasing
    assert sorted(kept[["invoice", "stock_code", "unit_price"]].itertuples(index=False)) == (
        sorted((r["InvoiceNo"], r["StockCode"], float(r["UnitPrice"])) for r in expected[-1])
    )

    shuffled = random.Random(len(lines)).sample(lines, len(lines))
    write_lines(path, shuffled)
    with reading([path]) as ledger:
        pd.testing.assert_frame_equal(quality.cleaning_steps(ledger), steps)
        again = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    pd.testing.assert_frame_equal(again, customers)

    write_lines(path, expected[-1])
    with reading([path]) as ledger:
        same = quality.cleaning_steps(ledger)
    assert same["rows"].nunique() == same["amount"].nunique() == 1
    assert same["amount"].iloc[-1] == steps["amount"].iloc[-1]


@few_examples(3)
@given(first=LINES, second=LINES)
def test_a_line_in_two_files_counts_as_often_as_in_the_file_that_has_it_most(
    first: list[Row], second: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    files = {"a": [*first, a_line()], "b": [*second, *first[::2], a_line()]}
    paths = [folder / "transactions" / f"{name}.csv" for name in files]
    for path, rows in zip(paths, files.values(), strict=True):
        write_lines(path, rows)
    counts = [
        pd.Series([tuple(row[name] for name in LINE) for row in rows]).value_counts()
        for rows in files.values()
    ]
    most = pd.concat(counts, axis=1).fillna(0).max(axis=1).astype(int)
    times: dict[Any, int] = most.to_dict()
    once = [dict(zip(LINE, line, strict=True)) for line, n in times.items() for _ in range(n)]
    with reading(paths) as ledger:
        lines, steps = cleaned_lines(ledger), quality.cleaning_steps(ledger)
        facts = quality.ledger_facts(ledger, steps)
    read = sum(map(len, files.values()))
    assert lines["copies"].sum() == len(once)
    assert lines["read"].sum() == facts["transactions.raw_rows"] == read
    assert facts["transactions.overlap_rows"] == read - len(once)
    assert steps["rows"].tolist()[1:] == list(map(len, plain_cleaning(once)))
    assert steps["amount"].tolist()[1:] == pytest.approx([total(r) for r in plain_cleaning(once)])


# ------------------------------------------------------------------------- cases of step 6


#: What one customer took back, and which of two purchases is left.
TAKEN_BACK: list[tuple[list[tuple[str, int, str]], set[str]]] = [
    ([("2011-01-02", -6, "2.55")], {"2nd"}),  # the first purchase goes
    ([("2011-01-02", -6, "2.55"), ("2011-01-04", -6, "2.55")], set()),
    ([("2011-01-04", -6, "2.55")], {"2nd"}),  # whichever is meant, the n-th for the n-th
    ([("2010-12-31", -6, "2.55")], {"1st", "2nd"}),  # nothing was bought before it
    ([("2010-12-31", -6, "2.55"), ("2011-01-02", -6, "2.55")], {"1st", "2nd"}),
    ([("2011-01-02", -5, "2.55")], {"1st", "2nd"}),  # a part of a line
    ([("2011-01-02", -6, "2.50")], {"1st", "2nd"}),  # another price
    ([("2011-01-01", -6, "2.55")], {"2nd"}),  # in the same minute
]


def test_the_nth_cancellation_removes_the_nth_purchase_if_that_came_no_later(
    tmp_path: Path,
) -> None:
    path = tmp_path / "transactions" / "a.csv"
    lines = []
    for customer, (cancellations, _) in enumerate(TAKEN_BACK, 11):
        own = [
            a_line(InvoiceNo=f"{customer}1", InvoiceDate="2011-01-01"),
            a_line(InvoiceNo=f"{customer}2", InvoiceDate="2011-01-03"),
            a_line(InvoiceNo=f"{customer}3", InvoiceDate="2011-01-03", StockCode="22423"),
        ]
        own += [
            a_line(InvoiceNo=f"C{customer}{i}", InvoiceDate=day, Quantity=str(n), UnitPrice=price)
            for i, (day, n, price) in enumerate(cancellations)
        ]
        lines += [row | {"CustomerID": str(customer)} for row in own]
    write_lines(path, lines)
    with reading([path]) as ledger:
        kept = set(cleaned_lines(ledger).query("cleaning_step == 6")["order_id"])
    names = {"1st": 1, "2nd": 2}
    for customer, (_, left) in enumerate(TAKEN_BACK, 11):
        expected = {f"{customer}{names[name]}" for name in left} | {f"{customer}3"}
        assert {order for order in kept if order.startswith(str(customer))} == expected


# ------------------------------------------------------------------------- the contract of a line

BROKEN = {
    "customer_id_is_an_id": {"CustomerID": "12.5"},
    "invoice_date_given": {"InvoiceDate": ""},
    "invoice_date_read": {"InvoiceDate": "last Tuesday"},
    "invoice_date_not_too_early": {"InvoiceDate": "1899-12-30 00:00:00"},
    "quantity_given": {"Quantity": "", "Amount": ""},
    "quantity_read": {"Quantity": "six"},
    "quantity_finite": {"Quantity": "12345678901"},
    "unit_price_given": {"UnitPrice": " ", "Amount": ""},
    "unit_price_read": {"UnitPrice": "2.55 or so"},
    "unit_price_finite": {"UnitPrice": "9999999999999"},
    "unit_price_not_negative": {"UnitPrice": "-11062.06", "CustomerID": ""},
    "line_amount_finite": {"UnitPrice": "50000000", "Quantity": "50000"},
    "amount_given": {"Amount": "", "Quantity": ""},
    "amount_read": {"Amount": "n/a"},
    "amount_finite": {"Amount": "1000000000000"},
}


def with_amounts(rows: list[Row]) -> list[Row]:
    """Add the amount to lines: quantity times price."""
    return [
        row | {"Amount": f"{float(row['Quantity']) * float(row['UnitPrice']):.2f}"} for row in rows
    ]


def test_every_rule_has_a_line_that_breaks_it(settings: Settings) -> None:
    rules = contract.sentences(contract.lines_schema(set(LINE_COLUMNS), dt.date(1995, 1, 1)))
    assert set(rules) == set(BROKEN)


def test_lines_that_break_a_rule_are_set_apart(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = with_amounts(good_lines(400))  # at most a twentieth may be refused
    places = {rule: 16 + 20 * i for i, rule in enumerate(BROKEN)}
    for rule, values in BROKEN.items():
        rows[places[rule]] |= values | {"Description": f"BAD {rule}"}
    write_lines(path, rows)
    with reading([path]) as ledger:
        bad = {row["row_number"]: row for row in ledger.quarantine.to_dict("records")}
        lines = cleaned_lines(ledger)
        found = ledger.rules.set_index("rule")
    assert sorted(bad) == [place + 2 for place in places.values()]
    for rule, values in BROKEN.items():
        one = bad[places[rule] + 2]
        assert one["source"] == "a.csv"
        assert rule in one["rule"].split(", ")
        assert f"BAD {rule}" in one["line"]
        assert all(str(value).strip() in one["line"] for value in values.values())
        broken = sum(rule in each["rule"].split(", ") for each in bad.values())
        assert found.loc[rule, "rows"] == broken >= 1
        assert found.loc[rule, "share"] == pytest.approx(broken / 400)
    assert (lines["cleaning_step"] == 6).sum() == 400 - len(BROKEN)
    apart = lines.loc[lines["cleaning_step"] == 0, "description"]
    assert sorted(apart) == sorted(f"BAD {rule}" for rule in BROKEN)


def test_pandera_finds_what_our_one_query_finds(tmp_path: Path, settings: Settings) -> None:
    rows = with_amounts(good_lines(10))
    rows += [rows[0] | values for values in BROKEN.values()]
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, rows)
    chosen = settings.transactions
    engine = ibis.duckdb.connect()
    parts = readers.read_parts(path, tmp_path, ["utf-8"])
    (reading_,), problems = notation.read_notations(engine, parts, chosen)
    raw = canonical.canonical_lines(reading_)
    schema = contract.lines_schema(set(LINE_COLUMNS), chosen.earliest_date)
    ours = {
        name: int(expr.sum().execute()) for name, expr in contract.breaches(schema, raw).items()
    }
    with pytest.raises(SchemaErrors) as caught:
        schema.validate(raw, lazy=True)
    found = caught.value.failure_cases["check"].value_counts().to_dict()
    engine.disconnect()
    assert not problems
    sentences = contract.sentences(schema)
    assert found == {sentences[name][1]: rows for name, rows in ours.items()}
    assert all(ours.values())


def test_ids_may_be_numbers_or_names_with_numbers_in_any_script(tmp_path: Path) -> None:
    ids = ["17850", "17850.0", " 17850 ", "КЛ-001", "a.b+7@shop.example", "0042", "№7", "1.78E+04"]
    rows = [*good_lines(200), *(a_line(InvoiceNo=str(i), CustomerID=x) for i, x in enumerate(ids))]
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, rows)
    with reading([path]) as ledger:
        lines = (
            cleaned_lines(ledger).query("cleaning_step == 6").set_index("invoice")["customer_id"]
        )
        refused = ledger.quarantine["row_number"].tolist()
    assert lines[["0", "1", "2"]].tolist() == ["17850"] * 3
    assert lines[["3", "5"]].tolist() == ["КЛ-001", "0042"]
    # Who is known by an address has a pseudonym inside.
    assert is_pseudonym(lines["4"])
    assert refused == [209]


# ------------------------------------------------------------------------- ledgers at the edge


@pytest.mark.parametrize(
    "rows",
    [
        [a_line(Quantity="-6")],
        [a_line(UnitPrice="0")],
        [a_line(UnitPrice="0.00001", Quantity="1")],
        [a_line(StockCode="POST"), a_line(StockCode="M")],
        [a_line(InvoiceNo="C1", Quantity="-6")],
        [a_line(), a_line(InvoiceNo="C1", Quantity="-6", InvoiceDate="2011-01-15 00:00:00")],
    ],
    ids=["returned", "free", "next to nothing", "no product", "cancellation", "all cancelled"],
)
def test_a_ledger_without_a_sale_is_refused_in_a_sentence(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, rows)
    with (
        pytest.raises(Refused, match=r"is a sale: |no pattern in product_codes fits"),
        reading([path]),
    ):
        pass


def test_an_as_of_day_leaves_later_lines_out_and_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, [a_line(InvoiceDate=f"2011-01-{day:02d} 23:59:00") for day in range(1, 21)])
    with reading([path], as_of=dt.date(2011, 1, 11)) as ledger:
        customers = rfm.customers(ledger.lines, ledger.as_of).execute()
        assert ledger.late_rows == 10
    assert customers["recency_days"].tolist() == [1]
    assert customers["lines"].tolist() == [10]
    with (
        pytest.raises(Refused, match=r"no line before 2011-01-01 is a sale.*20 come later"),
        reading([path], as_of=dt.date(2011, 1, 1)),
    ):
        pass


def test_without_invoices_a_day_is_an_order(tmp_path: Path) -> None:
    days = ["2011-01-01 10:00:00", "2011-01-01 18:00:00", "2011-01-02 10:00:00"]
    rows = [{"Customer ID": "7", "InvoiceDate": day, "Amount": "5,50"} for day in days]
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, rows, delimiter=";")
    with reading([path]) as ledger:
        customers = rfm.customers(ledger.lines, ledger.as_of).execute()
        steps = quality.cleaning_steps(ledger)
        assert ledger.columns == {"customer_id", "invoice_date", "amount"}
    assert customers[["frequency", "monetary"]].values.tolist() == [[2, 16.5]]
    assert steps["rows"].unique().tolist() == [3]


# ------------------------------------------------------------------------- notation


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["2,55", "10", "0,5"], [2.55, 10, 0.5]),
        (["2.55", "10", "1 234.50"], [2.55, 10, 1234.5]),
        (["2,55", "1\u00a0234,5", "1\u202f000"], [2.55, 1234.5, 1000]),
        (["2,5", "1,234", "7"], [2.5, 1.234, 7]),  # a comma is decimal elsewhere in the file
    ],
)
def test_numbers_are_read_as_they_are_written(
    tmp_path: Path, written: list[str], read: list[float]
) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = [a_line(InvoiceNo=str(i), UnitPrice=price) for i, price in enumerate(written)]
    write_lines(path, rows, delimiter=";")
    with reading([path]) as ledger:
        assert cleaned_lines(ledger).sort_values("invoice")["unit_price"].tolist() == read


@pytest.mark.parametrize("strange", ["1e3", "2.5.5", "1,23,4", "12'00", "two", "5 - 6", "1.5%"])
def test_a_number_that_could_be_another_is_refused_not_guessed(
    tmp_path: Path, strange: str
) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, [*good_lines(30), a_line(InvoiceNo="odd", UnitPrice=strange)])
    with reading([path]) as ledger:
        assert ledger.quarantine["rule"].tolist() == ["unit_price_read"]
        assert ledger.files["decimal_mark"].tolist() == ["."]
    write_lines(path, [a_line(InvoiceNo=str(i), UnitPrice=strange) for i in range(9)], "\t")
    with pytest.raises(Refused, match="a plain number"), reading([path]):
        pass


def days(form: str, *dates: str) -> list[Row]:
    return [
        a_line(InvoiceNo=date, InvoiceDate=dt.date.fromisoformat(date).strftime(form))
        for date in dates
    ]


def dates_of(ledger: Ledger) -> list[str]:
    lines = cleaned_lines(ledger)
    return sorted(lines["invoice_date"].dt.strftime("%Y-%m-%d"))


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d"])
def test_one_late_day_tells_which_is_the_month(tmp_path: Path, form: str) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, days(form, "2011-01-05", "2011-02-07", "2011-03-31"))
    with reading([path]) as ledger:
        assert dates_of(ledger) == ["2011-01-05", "2011-02-07", "2011-03-31"]
        assert ledger.files["date_format"].tolist() == [form]


def test_dates_that_could_be_two_are_settled_by_another_file_or_refused(tmp_path: Path) -> None:
    unclear, clear = tmp_path / "transactions" / "a.csv", tmp_path / "transactions" / "b.csv"
    write_lines(unclear, days("%m/%d/%Y", "2011-01-05", "2011-02-07"))
    with (
        pytest.raises(
            Refused,
            match=r"a\.csv, column 'InvoiceDate': the dates can be read in 2 ways, "
            r"'%d/%m/%Y' and '%m/%d/%Y'; for example '01/05/2011'",
        ),
        reading([unclear]),
    ):
        pass
    write_lines(clear, days("%m/%d/%Y", "2011-02-21"))
    with reading([unclear, clear]) as ledger:
        assert dates_of(ledger) == ["2011-01-05", "2011-02-07", "2011-02-21"]
    # The same day and month either way: there is nothing to settle.
    write_lines(unclear, days("%m/%d/%Y", "2011-05-05"))
    with reading([unclear]) as ledger:
        assert dates_of(ledger) == ["2011-05-05"]


def test_a_moment_with_a_time_zone_falls_on_its_day_in_utc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    path = tmp_path / "a.parquet"
    moments = pa.array([dt.datetime(2011, 1, 1, 23, 30)], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"customer id": ["1"], "invoice_date": moments, "amount": [1.0]}), path)
    with reading([path]) as ledger:
        assert dates_of(ledger) == ["2011-01-01"]


# ------------------------------------------------------------------------- several files


def test_files_with_overlapping_columns_need_not_have_all(
    tmp_path: Path, settings: Settings
) -> None:
    first, second = tmp_path / "transactions" / "a.csv", tmp_path / "transactions" / "b.csv"
    write_lines(first, good_lines(5))
    renamed = [
        {
            "Invoice": "9",
            "Customer ID": "17850.0",
            "InvoiceDate": "2011-01-20",
            "Price": 2,
            "Quantity": 3,
        }
    ]
    write_lines(second, renamed)
    loose = changed(settings, product_codes=[""])
    with reading([first, second], loose) as ledger:
        lines = cleaned_lines(ledger)
    assert len(lines) == 6
    assert lines.set_index("order_id").loc["9", "amount"] == 6

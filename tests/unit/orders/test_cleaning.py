"""Test the cleaning steps: on the real ledger, by properties, and rule by rule."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import LINE, Row, a_line, changed, cleaned_lines, good_lines, reading, write_lines
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from analysis.core.problems import Refused
from analysis.core.settings import Settings
from analysis.ingest import readers
from analysis.orders import contract, notation, quality
from analysis.orders.ledger import GROSS, LINE_COLUMNS, Ledger
from analysis.orders.tables import monthly
from analysis.segments import rfm
from analysis.stats.concentration import top_share

# ------------------------------------------------------------------------- an independent cleaning


def plain_cleaning(rows: Sequence[Row]) -> list[list[Row]]:
    """Climb the six cleaned_lines in plain Python, line by line; returns the lines on each."""
    known = [row for row in rows if row["CustomerID"]]
    distinct = [dict(items) for items in sorted({tuple(sorted(row.items())) for row in known})]
    sales = [row for row in distinct if not row["InvoiceNo"].upper().startswith("C")]
    positive = [r for r in sales if float(r["Quantity"]) > 0 and float(r["UnitPrice"]) > 0]
    products = [row for row in positive if re.match(r"\d{5}|DCGS", row["StockCode"])]
    bought, back = defaultdict(list), defaultdict(list)
    for row in distinct:
        if row["InvoiceNo"].upper().startswith("C"):
            back[what(row, -1)].append(row)
    for row in products:
        bought[what(row)].append(row)
    net = []
    for key, purchases in bought.items():
        purchases.sort(key=lambda row: (row["InvoiceDate"], row["InvoiceNo"]))
        times = sorted(row["InvoiceDate"] for row in back[key])
        for n, row in enumerate(purchases):
            if not (n < len(times) and row["InvoiceDate"] <= times[n]):
                net.append(row)
    return [known, distinct, sales, positive, products, net]


def what(row: Row, sign: int = 1) -> tuple[str, str, float, float]:
    quantity = sign * float(row["Quantity"])
    return row["CustomerID"], row["StockCode"], float(row["UnitPrice"]), quantity


def total(rows: Sequence[Row]) -> float:
    return round(sum(float(row["Quantity"]) * float(row["UnitPrice"]) for row in rows), 2)


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
            "CustomerID": st.sampled_from(["11", "12", ""]),
            "Country": st.just("France"),
        }
    ),
    min_size=15,
    max_size=50,
)


@examples(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(lines=LINES)
def test_the_cleaning_is_that_of_a_plain_program_in_any_order_and_stays_where_it_is(
    lines: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    lines = [*lines, a_line(Country="France", CustomerID="11")]  # one sale there must be
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


@examples(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
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


@pytest.mark.parametrize(
    ("cancellations", "left"),
    [
        ([("2011-01-02", -6, "2.55")], {"2"}),  # the first purchase goes
        ([("2011-01-02", -6, "2.55"), ("2011-01-04", -6, "2.55")], set()),
        ([("2011-01-04", -6, "2.55")], {"2"}),  # whichever is meant, the n-th for the n-th
        ([("2010-12-31", -6, "2.55")], {"1", "2"}),  # nothing was bought before it
        ([("2010-12-31", -6, "2.55"), ("2011-01-02", -6, "2.55")], {"1", "2"}),
        ([("2011-01-02", -5, "2.55")], {"1", "2"}),  # a part of a line
        ([("2011-01-02", -6, "2.50")], {"1", "2"}),  # another price
        ([("2011-01-01", -6, "2.55")], {"2"}),  # in the same minute
    ],
)
def test_the_nth_cancellation_removes_the_nth_purchase_if_that_came_no_later(
    tmp_path: Path, cancellations: list[tuple[str, int, str]], left: set[str]
) -> None:
    path = tmp_path / "transactions" / "a.csv"
    lines = [
        a_line(InvoiceNo="1", InvoiceDate="2011-01-01"),
        a_line(InvoiceNo="2", InvoiceDate="2011-01-03"),
        a_line(InvoiceNo="3", InvoiceDate="2011-01-03", StockCode="22423"),
        *(
            a_line(InvoiceNo=f"C{i}", InvoiceDate=date, Quantity=quantity, UnitPrice=price)
            for i, (date, quantity, price) in enumerate(cancellations)
        ),
    ]
    write_lines(path, lines)
    with reading([path]) as ledger:
        kept = cleaned_lines(ledger).query("cleaning_step == 6")
    assert set(kept["order_id"]) == {*left, "3"}


# ------------------------------------------------------------------------- the contract of a line

BROKEN = {
    "customer_id_is_an_id": {"CustomerID": "walk in"},
    "invoice_date_given": {"InvoiceDate": ""},
    "invoice_date_read": {"InvoiceDate": "last Tuesday"},
    "invoice_date_not_too_early": {"InvoiceDate": "1899-12-30 00:00:00"},
    "quantity_given": {"Quantity": ""},
    "quantity_read": {"Quantity": "six"},
    "quantity_finite": {"Quantity": "12345678901"},
    "unit_price_given": {"UnitPrice": " "},
    "unit_price_read": {"UnitPrice": "£2.55"},
    "unit_price_finite": {"UnitPrice": "9999999999"},
    "unit_price_not_negative": {"UnitPrice": "-11062.06"},
    "line_amount_finite": {"UnitPrice": "50000", "Quantity": "50000"},
    "amount_given": {"Amount": ""},
    "amount_read": {"Amount": "n/a"},
    "amount_finite": {"Amount": "1000000000000"},
}


def test_every_rule_has_a_line_that_breaks_it(settings: Settings) -> None:
    rules = contract.sentences(contract.lines_schema(set(LINE_COLUMNS), dt.date(1995, 1, 1)))
    assert set(rules) == set(BROKEN)


@pytest.mark.parametrize(("rule", "values"), BROKEN.items(), ids=list(BROKEN))
def test_a_line_that_breaks_a_rule_is_set_apart(tmp_path: Path, rule: str, values: Row) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = [row | {"Amount": "1.00"} for row in good_lines(30)]
    rows[16] |= values | {"Description": "THE BAD ONE"}
    write_lines(path, rows)
    with reading([path]) as ledger:
        (bad,) = ledger.quarantine.to_dict("records")
        lines = cleaned_lines(ledger)
        found = ledger.rules.set_index("rule").loc[rule]
    assert (bad["source"], bad["row_number"]) == ("a.csv", 18)
    assert rule in bad["rule"].split(", ")
    assert "THE BAD ONE" in bad["line"]
    assert all(str(value).strip() in bad["line"] for value in values.values())
    assert found["rows"] == 1
    assert found["share"] == pytest.approx(1 / 30)
    assert (lines["cleaning_step"] == 6).sum() == 29
    assert lines.loc[lines["cleaning_step"] == 0, "description"].tolist() == ["THE BAD ONE"]


def test_pandera_finds_what_our_one_query_finds(tmp_path: Path, settings: Settings) -> None:
    rows = [row | {"Amount": "1.00"} for row in good_lines(10)]
    rows += [good_lines(1)[0] | {"Amount": "1.00"} | values for values in BROKEN.values()]
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, rows)
    chosen = settings.transactions
    engine = ibis.duckdb.connect()
    parts = readers.read_parts(path, tmp_path, ["utf-8"])
    (reading_,), problems = notation.read_notations(engine, parts, chosen)
    raw = notation.canonical_lines(reading_)
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
    assert lines[["3", "4", "5"]].tolist() == ["КЛ-001", "a.b+7@shop.example", "0042"]
    assert refused == [208, 209]


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
    with pytest.raises(Refused, match="is a sale: "), reading([path]):
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


@pytest.mark.parametrize("strange", ["1.234,50", "1,234", "1,234.50", "12'000", "1e3", "2.5.5"])
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


# ------------------------------------------------------------------------- the real ledger


@pytest.fixture(scope="module")
def quarters(gift_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The real ledger cut by quarter into files of different kinds, its rows shuffled."""
    table = pq.read_table(gift_shop / "transactions" / "online_retail.parquet").to_pandas()
    table = table.sample(frac=1, random_state=1)
    folder = tmp_path_factory.mktemp("quarters")
    paths = []
    for quarter, rows in table.groupby(table["InvoiceDate"].dt.to_period("Q")):
        if quarter.quarter % 2:
            path = folder / f"{quarter}.csv.gz"
            rows.to_csv(path, index=False, sep=";", compression={"method": "gzip", "mtime": 0})
        else:
            path = folder / f"{quarter}.parquet"
            rows.to_parquet(path, index=False)
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def whole(gift_shop: Path) -> Iterator[Ledger]:
    with reading([gift_shop / "transactions" / "online_retail.parquet"]) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def of_workbook(workbook: Path) -> Iterator[Ledger]:
    with reading([workbook]) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def cut(quarters: list[Path]) -> Iterator[Ledger]:
    with reading(quarters) as ledger:
        yield ledger


Results = tuple[dict[str, object], pd.DataFrame, pd.DataFrame]


def results(ledger: Ledger) -> Results:
    steps = quality.cleaning_steps(ledger)
    customers = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    facts = quality.ledger_facts(ledger, steps) | rfm.rfm_facts(customers)
    return dict(facts), customers, monthly(ledger)


@pytest.fixture(scope="module")
def expected(whole: Ledger) -> Results:
    return results(whole)


# As in section 5 of the design; cleaning step n is "after cleaning step n".
FACTS = {
    "raw_rows": 541_909,
    "raw_invoices": 25_900,
    "raw_customers": 4_372,
    "raw_revenue": 9_747_747.93,
    "cancelled_revenue": 471_750.71,
    "unmatched_cancelled_revenue": 85_915.14,
    "countries": 38,
    "missing_customer_rows": 135_080,
    "missing_description_rows": 1_454,
    "duplicate_rows": 5_268,
    "cancelled_rows": 9_288,
    "cancelled_invoices": 3_836,
    "negative_quantity_rows": 10_624,
    "negative_quantity_not_cancelled_rows": 1_336,
    "nonpositive_price_rows": 2_517,
    "negative_price_rows": 2,
    "rung1_rows": 406_829,
    "rung1_customers": 4_372,
    "rung2_rows": 401_604,
    "rung3_rows": 392_732,
    "rung3_customers": 4_339,
    "rung4_rows": 392_692,
    "rung4_customers": 4_338,
    "rung4_invoices": 18_532,
    "rung4_revenue": 8_887_208.89,
    "rung5_rows": 391_150,
    "rung5_customers": 4_334,
    "rung5_invoices": 18_402,
    "rung5_revenue": 8_737_227.64,
    "gross_revenue": 8_737_227.64,
    "reversals": 2_709,
    "reversals_revenue": 385_835.57,
    "rung6_rows": 388_441,
    "rung6_customers": 4_324,
    "rung6_invoices": 18_322,
    "rung6_revenue": 8_351_392.07,
    "net_revenue": 8_351_392.07,
    "as_of": "2011-12-10",
    "refused_rows": 2,
    "late_rows": 0,
    "overlap_rows": 0,
}
RFM_FACTS = {
    "rfm.customers": 4_324,
    "rfm.median_recency": 51,
    "rfm.median_frequency": 2,
    "rfm.median_monetary": 656.43,
    "rfm.one_order_customers": 1_501,
}


@pytest.mark.real
def test_the_facts_of_the_gift_shop(whole: Ledger, expected: Results) -> None:
    facts, _, months = expected
    design = {f"transactions.{name}": value for name, value in FACTS.items()} | RFM_FACTS
    assert {name: facts[name] for name in design} == design
    by_month = months.set_index(months["month"].dt.strftime("%Y-%m"))["gross_revenue"]
    assert len(by_month) == 13
    assert by_month["2010-12"] == by_month.iloc[0] == 565_199.56
    assert by_month["2011-02"] == by_month.min() == 442_293.59
    assert by_month["2011-11"] == by_month.max() == 1_136_534.00
    assert by_month["2011-12"] == by_month.iloc[-1] == 512_228.08
    assert round(by_month.sum(), 2) == 8_737_227.64
    gross = rfm.customers(whole.lines, whole.as_of, GROSS).execute()["monetary"]
    assert round(top_share(gross), 3) == 0.746


@pytest.mark.drill
@pytest.mark.real
@pytest.mark.parametrize("other", ["of_workbook", "cut"])
def test_the_same_lines_as_another_kind_of_file_or_several_give_the_same(
    expected: Results, other: str, request: pytest.FixtureRequest
) -> None:
    facts, customers, months = expected
    other_facts, other_customers, other_months = results(request.getfixturevalue(other))
    assert other_facts | {"transactions.files": 1} == facts
    pd.testing.assert_frame_equal(other_customers, customers, check_exact=True)
    pd.testing.assert_frame_equal(other_months, months, check_exact=True)


# Of both years. The files share the first nine days of December 2010, and each counts its raw rows.
TWO_YEARS = {
    "files": 2,
    "raw_rows": 525_461 + 541_909,
    "overlap_rows": 22_523,
    "refused_rows": 5,
    "raw_customers": 5_942,
    "first_date": "2009-12-01",
    "as_of": "2011-12-10",
    "rung1_rows": 809_560,
    "rung2_rows": 797_884,
    "rung6_rows": 770_587,
    "rung6_customers": 5_839,
    "rung6_invoices": 36_414,
    "net_revenue": 16_522_091.54,
}


@pytest.mark.real
def test_lines_that_both_years_of_the_gift_shop_hold_count_once(two_years: Path) -> None:
    files = sorted((two_years / "transactions").iterdir())
    with reading(files) as ledger:
        facts = quality.ledger_facts(ledger, quality.cleaning_steps(ledger))
    assert {name: facts[f"transactions.{name}"] for name in TWO_YEARS} == TWO_YEARS
    # The same by counting equal lines; the later file has other names for three columns.
    tables = [pd.read_parquet(path) for path in files]
    assert {"Invoice", "Price", "Customer ID"} <= set(tables[0])
    assert {"InvoiceNo", "UnitPrice", "CustomerID"} <= set(tables[1])
    names = list(tables[1])
    counts = pd.concat(
        [table.set_axis(names, axis=1).value_counts(dropna=False) for table in tables],
        axis=1,
        keys=["earlier", "later"],
    ).fillna(0)
    assert counts.min(axis=1).sum() == TWO_YEARS["overlap_rows"]
    known = counts[counts.index.get_level_values("CustomerID").notna()]
    assert known.max(axis=1).sum() == TWO_YEARS["rung1_rows"]
    assert len(known) == TWO_YEARS["rung2_rows"]


@pytest.mark.real
def test_the_two_giant_orders_that_were_cancelled_lead_no_table(whole: Ledger) -> None:
    giants = quality.giant_reversals(whole)
    assert giants["quantity"].tolist()[:2] == [80_995, 74_215]
    largest = quality.unusual_lines(whole).set_index("measure")["largest"]
    assert float(largest["quantity"]) < 5000


@pytest.mark.real
def test_what_is_no_product_is_listed_with_its_amount(whole: Ledger) -> None:
    codes = quality.left_out_codes(whole)
    assert {"POST", "M", "DOT", "C2", "PADS", "BANK CHARGES"} <= set(codes["stock_code"])
    assert codes["amount"].sum() == pytest.approx(8_887_208.89 - 8_737_227.64)


@pytest.mark.drill
@pytest.mark.real
def test_the_reversals_of_the_gift_shop_are_those_of_a_plain_program(whole: Ledger) -> None:
    lines = cleaned_lines(whole).query("cleaning_step >= 2")
    rows = pd.DataFrame(
        {
            "InvoiceNo": lines["invoice"],
            "StockCode": lines["stock_code"],
            "Description": lines["description"],
            "Quantity": lines["quantity"],
            "InvoiceDate": lines["invoice_date"],
            "UnitPrice": lines["unit_price"],
            "CustomerID": lines["customer_id"],
            "Country": lines["country"],
        }
    )
    # Only lines that some cancellation matches can be reversed.
    back = rows["InvoiceNo"].str.startswith("C")
    key = ["CustomerID", "StockCode", "UnitPrice", "size"]
    rows["size"] = rows["Quantity"].abs()
    some = rows.merge(rows.loc[back, key].drop_duplicates(), on=key).drop(columns="size")
    *_, gross, net = plain_cleaning(
        [{str(n): v for n, v in row.items()} for row in some.to_dict("records")]
    )
    assert len(gross) - len(net) == FACTS["reversals"]
    assert total(gross) - total(net) == pytest.approx(FACTS["reversals_revenue"])


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

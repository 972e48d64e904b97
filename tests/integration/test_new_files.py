"""Test the checks of new files: each fault is found, and ordinary files pass."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import numpy as np
import pandas as pd
import pytest
from conftest import Row, a_line, reading, write_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import Change, each, in_month, less, shop, times, without

from analysis.history import comparison, findings, new_files, unusual
from analysis.orders.ledger import MONEY, Ledger
from analysis.regulars import contract
from analysis.regulars.names import NUMERIC

START, CUT, END = dt.date(2011, 1, 3), dt.date(2011, 7, 1), dt.date(2011, 10, 1)
COLUMNS = {
    "invoice": "InvoiceNo",
    "stock_code": "StockCode",
    "description": "Description",
    "quantity": "Quantity",
    "invoice_date": "InvoiceDate",
    "unit_price": "UnitPrice",
    "customer_id": "CustomerID",
    "country": "Country",
    "amount": "Amount",
}
WHOLE = shop(START, END)
OLD = [row for row in WHOLE if row["InvoiceDate"] < str(CUT)]
NEW = [row for row in WHOLE if row["InvoiceDate"] >= str(CUT)]


@pytest.fixture(scope="module")
def read() -> Iterator[Ledger]:
    """Read the accepted files."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "transactions" / "a.csv"
        write_lines(path, OLD)
        with reading([path]) as ledger:
            yield ledger


COUNTER = itertools.count()
Make = Callable[[list[Row]], comparison.Drawn]


@pytest.fixture(scope="module")
def make(read: Ledger) -> Make:
    """Make what is drawn from other lines, at a tenth of the time that reading them takes."""

    def made(rows: list[Row]) -> comparison.Drawn:
        text = pd.DataFrame(rows, dtype="object").replace("", None)
        table = pd.DataFrame(index=text.index)
        for name, column in COLUMNS.items():
            table[name] = text.get(column, pd.Series(None, text.index, dtype="object"))
        numbers = ["quantity", "unit_price", "amount"]
        table[numbers] = table[numbers].astype(float)
        texts = [name for name in COLUMNS if name not in (*numbers, "invoice_date")]
        table[texts] = table[texts].astype("str")
        whole = table["quantity"] * table["unit_price"]
        table["invoice_date"] = pd.to_datetime(table["invoice_date"])
        nobody = table["customer_id"].isna()
        cancelled = table["invoice"].fillna("").str.startswith("C")
        day = "day " + table["invoice_date"].dt.strftime("%Y-%m-%d")
        table = table.assign(
            amount=whole.round(4) if "UnitPrice" in text else table["amount"],
            copies=1,
            broken=0,
            cancelled=cancelled,
            order_id=table["invoice"].fillna(day),
            cleaning_step=np.select([nobody, cancelled], [0, 2], 6),
        )
        lines = read.engine.create_table(f"made_{next(COUNTER)}", ibis.memtable(table))
        lines = lines.mutate(amount=lines.amount.cast(MONEY))
        names = frozenset(name for name, column in COLUMNS.items() if column in text)
        return comparison.draw(replace(read, lines=lines, columns=names))

    return made


@pytest.fixture(scope="module")
def accepted(read: Ledger) -> comparison.Drawn:
    return comparison.draw(read)


def severities(found: pd.DataFrame) -> dict[str, str]:
    """Return the gravest severity of each check but the one that is always there."""
    first = found.drop_duplicates("check").set_index("check")["severity"]
    return {str(check): severity for check, severity in first.items() if check != "ledger.follows"}


JUNE = [row for row in OLD if row["InvoiceDate"] >= "2011-06"]
DEAR = max(JUNE, key=lambda row: float(row["UnitPrice"]) * float(row["Quantity"]))
LATE = a_line(InvoiceNo="99", CustomerID="12007", InvoiceDate="2011-06-12 11:00:00")
# What is done to the new quarter, and what is noticed.
CASES: dict[str, tuple[Change, dict[str, str]]] = {
    "as always": (lambda rows: rows, {}),
    "shuffled": (lambda rows: random.Random(1).sample(rows, len(rows)), {}),
    "a week is lacking": (
        lambda rows: without("2011-08-10", "2011-08-19", rows),
        {"ledger.gap": "warns"},
    ),
    "two months are lacking": (
        lambda rows: without("2011-07-01", "2011-09-01", rows),
        {"ledger.gap": "stops"},
    ),
    "sent again": (lambda rows: OLD, {"ledger.nothing_new": "stops", "ledger.resent": "informs"}),
    "a month comes again": (lambda rows: JUNE + rows, {"ledger.resent": "informs"}),
    "a month again, a line changed": (
        lambda rows: [{**r, "Quantity": "5"} if r is DEAR else r for r in JUNE] + rows,
        {"ledger.restated": "warns", "ledger.resent": "informs"},
    ),
    "a month again, without some": (
        lambda rows: JUNE[:40] + JUNE[44:] + rows,
        {"ledger.restated": "warns", "ledger.resent": "informs"},
    ),
    "a month again, a tenth dearer": (
        lambda rows: times("UnitPrice", 1.1)(JUNE) + rows,
        {"ledger.restated": "stops"},
    ),
    "a month again, under other numbers": (
        lambda rows: each(InvoiceNo=lambda row: f"7{row['InvoiceNo']}")(JUNE) + rows,
        {"ledger.late": "stops"},
    ),
    "one line is late": (lambda rows: [LATE, *rows], {"ledger.late": "informs"}),
    "one old order is corrected": (
        lambda rows: [{**DEAR, "Quantity": "1"}, *rows],
        {"ledger.restated": "warns"},
    ),
    "an earlier year": (
        each(InvoiceDate=lambda row: f"2010{row['InvoiceDate'][4:]}"),
        {"ledger.ends_before": "warns", "ledger.late": "warns"},
    ),
    "no country": (less("Country"), {"schema.column_went": "warns"}),
    "no invoice": (less("InvoiceNo"), {"schema.column_went": "stops"}),
    "other customers": (
        each(CustomerID=lambda row: row["CustomerID"] and f"8{row['CustomerID']}"),
        {"ledger.known_customers": "stops"},
    ),
    "letters in ids": (
        each(CustomerID=lambda row: row["CustomerID"] and f"K{row['CustomerID']}"),
        {"ledger.known_customers": "stops", "schema.id_form": "warns"},
    ),
    "zeros before ids": (
        each(CustomerID=lambda row: row["CustomerID"] and f"00{row['CustomerID']}"),
        {"ledger.known_customers": "stops", "schema.id_form": "warns"},
    ),
    "most customers are others": (
        each(
            CustomerID=lambda row: (
                row["CustomerID"]
                and (row["CustomerID"] if row["CustomerID"][-1] == "7" else f"8{row['CustomerID']}")
            )
        ),
        {"ledger.known_customers": "warns"},
    ),
    "other products": (
        each(StockCode=lambda row: f"5{row['StockCode'][1:]}"),
        {"ledger.known_products": "stops"},
    ),
    "pence": (
        times("UnitPrice", 100),
        {"ledger.price_level": "stops", "ledger.mean_price": "stops", "ledger.revenue": "stops"},
    ),
    "thousands": (
        times("Quantity", 1000),
        {"ledger.quantity_level": "stops", "ledger.revenue": "stops"},
    ),
    "dollars": (times("UnitPrice", 1.3), {"ledger.price_level": "warns"}),
    "inflation": (times("UnitPrice", 1.03), {}),
    "half of a month": (
        in_month("2011-08", lambda rows: rows * (rows[0]["InvoiceNo"][-1] in "01")),
        {
            "ledger.lines": "warns",
            "ledger.orders": "warns",
            "ledger.customers": "warns",
            "ledger.revenue": "warns",
        },
    ),
    "nobody is known": (
        in_month("2011-08", each(CustomerID=lambda row: "")),
        {
            "ledger.missing_customers": "stops",
            "ledger.customers": "stops",
            "ledger.revenue": "stops",
        },
    ),
    "fewer are known": (
        each(CustomerID=lambda row: "" if row["InvoiceNo"][-1] in "01" else row["CustomerID"]),
        {
            "ledger.missing_customers": "warns",
            "ledger.customers": "warns",
            "ledger.revenue": "warns",
        },
    ),
    "a third cancels": (
        lambda rows: (
            rows
            + [
                {**row, "InvoiceNo": f"C8{n}", "Quantity": f"-{row['Quantity']}"}
                for n, row in enumerate(rows[::3])
                if row["Quantity"][0] != "-"
            ]
        ),
        {"ledger.cancelled": "warns", "ledger.orders": "warns"},
    ),
    "another market": (
        each(Country=lambda row: "Spain" if row["InvoiceNo"][-1] in "01" else row["Country"]),
        {"ledger.country": "warns"},
    ),
    "another country": (each(Country=lambda row: "Spain"), {"ledger.country": "stops"}),
    "day and month are swapped": (
        lambda rows: each(
            InvoiceDate=lambda row: (
                f"2011-{row['InvoiceDate'][8:10]}-"
                f"{row['InvoiceDate'][5:7]}{row['InvoiceDate'][10:]}"
            )
        )([row for row in rows if row["InvoiceDate"][8:10] < "13"]),
        {"ledger.swapped_days": "stops"},
    ),
}
#: What else is noticed follows from the change, and differs with its size.
LOOSE = {
    "a week is lacking",
    "day and month are swapped",
    "two months are lacking",
    "an earlier year",
    "no invoice",
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_noticed_and_nothing_else(
    accepted: comparison.Drawn, make: Make, case: str
) -> None:
    change, expected = CASES[case]
    found = new_files.ledger_findings(accepted, make(change(NEW)))
    said = severities(found)
    shown = found[["check", "severity", "where", "message"]].to_string()
    if case in LOOSE:
        said = {check: said.get(check, "") for check in expected}
    assert said == expected, shown
    assert found["message"].str.endswith(".").all()
    accept = "--accept " + found["check"] + "."
    told = [how in text for how, text in zip(accept, found["message"], strict=True)]
    assert told == (found["severity"] == "stops").tolist()
    assert not findings.stops(found, set(found["check"])).size
    assert set(findings.stops(found, set())["check"]) == set(
        found.query("severity == 'stops'")["check"]
    )


def test_what_follows_is_told_and_what_is_restated_adds_up(
    accepted: comparison.Drawn, make: Make
) -> None:
    changed = {**DEAR, "Quantity": f"{int(DEAR['Quantity']) + 10}"}
    lost = [row for row in JUNE if row["InvoiceNo"] == JUNE[0]["InvoiceNo"]]
    rows = [changed if row is DEAR else row for row in JUNE if row not in lost]
    came = [{**LATE, "Description": "new", "UnitPrice": "3", "Quantity": "2"}]
    found = new_files.ledger_findings(accepted, make(rows + came + NEW), "£").set_index("check")
    assert found.loc["ledger.follows", "value"] == len(NEW)
    assert found.loc["ledger.resent", "value"] == len(rows) - 1
    row = found.loc["ledger.restated"]
    total = sum(abs(float(r["UnitPrice"]) * float(r["Quantity"])) for r in JUNE)
    gone = sum(float(r["UnitPrice"]) * float(r["Quantity"]) for r in lost)
    moved = 10 * float(DEAR["UnitPrice"]) + 6 + gone
    assert row["value"] == pytest.approx(moved / total)
    assert row["where"] == "June 2011"
    for text in ("1 line changed", f"{len(lost)} went", "1 came", f"£{moved:.2f}"):
        assert text in row["message"]


def test_prices_a_hundred_times_as_high_are_called_so(
    accepted: comparison.Drawn, make: Make
) -> None:
    found = new_files.ledger_findings(accepted, make(times("UnitPrice", 100)(NEW))).query(
        "check == 'ledger.price_level'"
    )
    assert found["where"].tolist() == ["July 2011, August 2011 and September 2011"]
    assert not found["message"].str.contains("season").any()
    assert found["message"].str.contains("close to 100 times as much as before").all()
    assert found["value"].tolist() == pytest.approx([100], rel=0.01)


def test_a_whole_file_that_comes_late_is_no_reason_to_stop(make: Make) -> None:
    gap = make(without("2011-03-01", "2011-05-01", WHOLE))
    late = [row for row in WHOLE if "2011-03" <= row["InvoiceDate"] < "2011-05"]
    found = new_files.ledger_findings(gap, make(late))
    assert severities(found) == {"ledger.ends_before": "warns", "ledger.late": "warns"}
    assert found.query("check == 'ledger.late'")["where"].tolist() == ["April 2011", "March 2011"]


def test_lines_that_were_read_are_drawn_as_those_that_are_made(
    accepted: comparison.Drawn, make: Make
) -> None:
    made = make(OLD)
    for name in ("days", "countries", "medians", "ids", "forms"):
        one, other = (getattr(drawn, name).reset_index() for drawn in (accepted, made))
        one, other = (t.drop(columns="index", errors="ignore") for t in (one, other))
        one, other = (t.sort_values(list(t), ignore_index=True) for t in (one, other))
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


def file_of(rows: list[Row]) -> pd.DataFrame:
    days = pd.to_datetime(pd.Series([row["InvoiceDate"] for row in rows]))
    return pd.DataFrame(
        {"source": ["june.csv"], "first_date": [days.min()], "last_date": [days.max()]}
    )


def test_a_file_in_the_place_of_another_restates_it_and_may_not_lose_days(
    accepted: comparison.Drawn, make: Make
) -> None:
    kept = make([row for row in OLD if row not in JUNE])
    corrected = [{**r, "Quantity": "5"} if r is DEAR else r for r in JUNE]
    found = new_files.ledger_findings(accepted, make(corrected + NEW), "£", kept, file_of(JUNE))
    assert severities(found) == {"ledger.restated": "warns", "ledger.resent": "informs"}
    # All that was accepted is replaced; part of it is not sent again.
    found = new_files.ledger_findings(accepted, make(corrected), "£", None, file_of(OLD))
    assert severities(found)["ledger.lost"] == "stops"
    assert "3 January 2011 to 30 June 2011" in found.set_index("check")["message"]["ledger.lost"]
    # Another file than the one that holds June is named.
    found = new_files.ledger_findings(accepted, make(corrected), "£", accepted, file_of(JUNE))
    assert severities(found)["ledger.counted_twice"] == "stops"


def test_names_from_the_files_cannot_drive_a_terminal(make: Make) -> None:
    hostile = "\x1b[2J<script>" + "x" * 100
    named = make([{**r, "Country": hostile} for r in OLD])
    found = new_files.ledger_findings(named, make(NEW))
    assert (found["check"] == "ledger.country").any()
    assert found["message"].map(str.isprintable).all()
    assert found["where"].map(str.isprintable).all()


@given(cut=st.integers(1, 4), seed=st.integers(0, 99), orders=st.integers(1, 4))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_a_ledger_split_at_a_quarter_goes_on(make: Make, cut: int, seed: int, orders: int) -> None:
    rows = shop(dt.date(2010, 7, 1), dt.date(2011, 10, 1), seed, orders)
    day = str((pd.Timestamp("2010-07-01") + pd.DateOffset(months=3 * cut)).date())
    before = make([row for row in rows if row["InvoiceDate"] < day])
    after = [row for row in rows if row["InvoiceDate"] >= day]
    found = new_files.ledger_findings(before, make(after))
    assert not (found["severity"] == "stops").any(), found["message"].to_string()
    random.Random(seed).shuffle(after)
    pd.testing.assert_frame_equal(new_files.ledger_findings(before, make(after)), found)


def test_a_ledger_without_products_and_prices_is_compared_too(make: Make) -> None:
    def plain(rows: list[Row]) -> list[Row]:
        kept = ("InvoiceDate", "CustomerID")
        return [
            {k: row[k] for k in kept}
            | {"Amount": f"{float(row['Quantity']) * float(row['UnitPrice']):.2f}"}
            for row in rows
            if row["CustomerID"] and row["Quantity"][0] != "-"
        ]

    before = make(plain(OLD))
    assert severities(new_files.ledger_findings(before, make(plain(NEW)))) == {}
    again = new_files.ledger_findings(before, make(plain(JUNE) + plain(NEW)))
    assert severities(again) == {"ledger.resent": "informs"}
    dear = new_files.ledger_findings(before, make(times("Amount", 100)(plain(NEW))))
    assert severities(dear) == {"ledger.price_level": "stops", "ledger.revenue": "stops"}


def months(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"value": values, "n": 100.0})


def test_tolerances_are_learned_from_what_varied() -> None:
    measure = unusual.MEASURES["ledger.lines"]
    assert np.isnan(unusual.tolerance(months([10, 10]), measure, 30)).all()
    assert unusual.tolerance(months([10, 10, 10]), measure, 30) == pytest.approx((10 / 1.5, 15))
    wide = unusual.tolerance(months([5, 10, 20]), measure, 30)
    assert wide == pytest.approx((10 * 2 ** (-3.5 * 1.4826), 10 * 2 ** (3.5 * 1.4826)), rel=1e-3)
    share = unusual.MEASURES["ledger.cancelled"]
    low, high = unusual.tolerance(months([0.2] * 4), share, 1e9)
    assert (low, high) == pytest.approx((1 / 9, 1 / 3))
    assert unusual.tolerance(months([0.2] * 4), share, 25)[1] > 0.4
    assert unusual.extremes(months([10, 10]), measure) == (1, 100)
    assert unusual.extremes(months([0.2]), share) == pytest.approx((-0.3, 0.7))


@pytest.mark.parametrize(
    ("value", "said"), [(14.99, 0), (15.01, 0), (15.2, 1), (6.666, 0), (6.5, 1)]
)
def test_a_value_that_is_written_as_its_bound_is_usual(value: float, said: int) -> None:
    def table(values: list[float]) -> pd.DataFrame:
        dates = pd.date_range("2011-01-01", periods=len(values), freq="MS")
        return months(values).assign(check="ledger.lines", detail="", month=dates)

    found = unusual.unusual(table([10, 10, 10]), table([value]))
    assert [f.check for f in found] == ["ledger.lines"] * said


@pytest.mark.parametrize(("factor", "expected"), [(1.3, {}), (100, "stops")])
def test_a_short_history_leaves_extreme_bounds_alone(
    make: Make, factor: float, expected: object
) -> None:
    short = make([row for row in OLD if row["InvoiceDate"] < "2011-03"])
    new = [row for row in OLD if "2011-03" <= row["InvoiceDate"] < "2011-04"]
    said = severities(new_files.ledger_findings(short, make(times("UnitPrice", factor)(new))))
    assert said.pop("ledger.short_history") == "informs"
    assert said.get("ledger.price_level", {}) == expected


def regulars(count: int = 400, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    numbers = {name: random.uniform(0.1, 0.9, count) for name in NUMERIC}
    table = pd.DataFrame(numbers).assign(
        customer_id=[f"{n + 100 * seed}" for n in range(count)],
        decline=random.random(count) < 0.4,
        service_level=random.choice(["standard", "premium"], count),
        consent=random.random(count) < 0.7,
        favourite_category=random.choice(["Kitchenware", "Textiles"], count),
    )
    return table[list(contract.CUSTOMERS_SCHEMA.columns)]


def test_new_tables_of_regular_customers_are_compared() -> None:
    before, now = regulars(), regulars(seed=2)
    assert new_files.activity_findings(before, now).empty
    again = new_files.activity_findings(before, before.sample(frac=1, random_state=1))
    assert severities(again) == {"activity.nothing_new": "stops"}
    strange = now.assign(customer_id="x" + now["customer_id"])
    assert severities(new_files.activity_findings(before, strange)) == {
        "activity.known_customers": "warns"
    }
    words = now.assign(favourite_category=["Kitchenwear\x1b"] * 3 + ["Textiles"] * 397)
    found = new_files.activity_findings(before, words).query("check == 'activity.new_category'")
    assert found["severity"].tolist() == ["informs"]
    assert "3 customers was never seen before: Kitchenwear." in found["message"].iloc[0]

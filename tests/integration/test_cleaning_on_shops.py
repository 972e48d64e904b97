"""Test the cleaning steps on the gift shop: published facts, other kinds of files, two years."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import cleaned_lines, reading
from ledgers import plain_cleaning, total

from analysis.orders import quality
from analysis.orders.ledger import GROSS, Ledger
from analysis.orders.tables import monthly
from analysis.segments import rfm
from analysis.stats.concentration import top_share


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
    assert giants["quantity"].tolist()[:2] == [80_995, 74_480]
    assert quality.giant_reversals(whole, 5)["customers"].min() >= 5
    largest = quality.unusual_lines(whole).set_index("measure")["p999"]
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

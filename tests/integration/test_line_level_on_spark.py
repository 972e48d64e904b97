"""Test that the contract, the cleaning and RFM are the same expressions on local Spark.

What reads files, finds copies by their hashes and updates tables is DuckDB's own. A shop with a
cluster has its lines in a table there, with types, and the rest runs on it as it is.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pytest

from analysis.core.settings import Settings
from analysis.ingest.parts import Part
from analysis.orders.canonical import Reading
from analysis.orders.contract import breaches, lines_schema
from analysis.orders.ledger import GROSS, LINE_COLUMNS
from analysis.orders.meaning import sales
from analysis.orders.meaning.draft import Draft
from analysis.orders.meaning.money import exact
from analysis.orders.meaning.reversals import find_reversals
from analysis.segments import rfm

pytestmark = [pytest.mark.drill, pytest.mark.real]

SPELLED = {
    "customer_id": "CustomerID",
    "invoice_date": "InvoiceDate",
    "invoice": "InvoiceNo",
    "stock_code": "StockCode",
    "description": "Description",
    "country": "Country",
    "quantity": "Quantity",
    "unit_price": "UnitPrice",
}


@pytest.fixture(scope="module")
def spark() -> Iterator[ibis.BaseBackend]:
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is missing: pip install '.[spark]'")
    if not shutil.which("java"):
        pytest.skip("Java is missing: apt install openjdk-17-jre-headless")
    session = (
        sql.SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    yield ibis.pyspark.connect(session)
    session.stop()


def typed_lines(raw: ir.Table) -> ir.Table:
    """Return the lines as a warehouse has them: typed, nothing of them an unread text."""
    number = raw.CustomerID
    return raw.select(
        **{name: raw[column] for name, column in SPELLED.items()},
        **{f"{n}_text": ibis.null("string") for n in ("invoice_date", "quantity", "unit_price")},
        amount_text=ibis.null("string"),
        amount=ibis.null("float64"),
    ).mutate(
        customer_id=ibis.ifelse(number.isnan(), None, number.cast("int64")).cast("string"),
        quantity=raw.Quantity.cast("float64"),
    )


def clean(engine: ibis.BaseBackend, path: Path, settings: Settings) -> ir.Table:
    """Place typed lines at their cleaning steps by the project's own expressions."""
    ledger = settings.transactions
    raw = engine.read_parquet(path)
    part = Part(path.name, path.name, path, tuple(SPELLED.values()), 0, numbered=True)
    reading = Reading(part, raw, SPELLED)
    lines = typed_lines(raw)
    broken = ibis.or_(*breaches(lines_schema({*SPELLED}, ledger.earliest_date), lines).values())
    lines = lines.mutate(
        amount=exact(lines.quantity * lines.unit_price),
        broken=broken.cast("int32"),
        product=sales.is_product(lines, ledger, []),
        order_id=lines.invoice,
    )
    # DuckDB finds equal lines by hashes, which takes less memory; the lines that stay are the same.
    distinct = lines.select("order_id", *LINE_COLUMNS, "broken", "product").distinct()
    draft = Draft(engine, distinct, (reading,), ledger)
    for guard in (sales.statuses, sales.cancellations, sales.cleaning_steps):
        draft = guard(draft)
    assert not draft.problems
    order = [draft.lines[name] for name in ("order_id", *LINE_COLUMNS)]
    kept = draft.lines.mutate(line_id=ibis.row_number().over(order_by=order)).cache()
    back = find_reversals(kept, lambda name, table: table.cache()).mutate(back=True)
    both = kept.left_join(back.select("line_id", "back"), "line_id")
    return both.mutate(
        cleaning_step=ibis.ifelse(both.back.fill_null(False), GROSS, both.cleaning_step)
    ).drop("back")


@pytest.mark.filterwarnings("ignore")
def test_local_spark_finds_the_customers_that_duckdb_finds(
    spark: ibis.BaseBackend, gift_shop: Path, settings: Settings
) -> None:
    lines = clean(spark, gift_shop / "transactions" / "online_retail.parquet", settings)
    customers = rfm.customers(lines, dt.date(2011, 12, 10)).execute()
    assert len(customers) == 4_324
    assert customers["frequency"].sum() == 18_322
    assert customers["monetary"].sum() == pytest.approx(8_351_392.07, abs=0.005)
    assert customers["recency_days"].median() == 51
    assert (customers["frequency"] == 1).sum() == 1_501

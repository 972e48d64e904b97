"""Make ledgers of any size: copies of one, each with its own customer and invoice numbers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.core.paths import ROOT
from analysis.core.settings import read_settings
from analysis.ingest import readers
from analysis.ingest.columns import match_columns
from analysis.ingest.data_folder import SAMPLE
from analysis.ingest.sample import write_sample
from analysis.orders import cleaning, ledger

#: The gift shop beside the checkout, where it is.
REAL = ROOT.parent / "shared" / "shops" / "gift-shop"
SCHEMA = pa.schema(
    {
        "InvoiceNo": pa.string(),
        "StockCode": pa.string(),
        "Description": pa.string(),
        "Quantity": pa.int64(),
        "InvoiceDate": pa.timestamp("us"),
        "UnitPrice": pa.float64(),
        "CustomerID": pa.float64(),
        "Country": pa.string(),
    }
)


def find_ledger(named: Path | None, work: Path) -> list[Path]:
    """Return the files of the orders to measure with.

    Parameters
    ----------
    named
        A file of orders, or a data folder. None: the gift shop, else what is in the usual data
        folder, else a sample.
    work
        Where a sample is made.

    Raises
    ------
    SystemExit
        When there are no orders in what was named.
    """
    orders = read_settings().transactions.folder
    if named is not None:
        files = [named] if named.is_file() else readers.find_files(named / orders)
        if not files:
            raise SystemExit(
                f"{named}: there are no orders here to measure with. Name a file of orders, or a "
                f"data folder with files in {orders}/."
            )
        return files
    for folder in (REAL, ROOT / read_settings().report.data, ROOT / SAMPLE):
        if files := readers.find_files(folder / orders):
            return files
    write_sample(work / "sample")
    return readers.find_files(work / "sample" / orders)


def write_copies(files: list[Path], sizes: list[int], work: Path) -> dict[int, int]:
    """Write ``<size>.parquet``, that many copies of a ledger, for every size.

    A contender starts from typed columns, so a ledger that is not a single Parquet file is read
    by `orders.cleaning` first; what that cannot type becomes null. Invoices must be numbers,
    apart from letters before them; lines of customers whose id is no number are left out.

    Returns
    -------
    dict
        Size -> rows.
    """
    if [path.suffix for path in files] != [".parquet"]:
        files = [_convert(files, work)]
    table = pq.read_table(files[0])
    wanted = {str(name): names for name, names in read_settings().transactions.columns.items()}
    found = match_columns(table.column_names, wanted)
    ours = (
        "invoice",
        "stock_code",
        "description",
        "quantity",
        "invoice_date",
        "unit_price",
        "customer_id",
        "country",
    )
    table = pa.table([table[found[name]] for name in ours], names=SCHEMA.names).cast(SCHEMA)
    letters = pc.replace_substring_regex(table["InvoiceNo"], r"\d+$", "")
    number = pc.cast(pc.replace_substring_regex(table["InvoiceNo"], r"^\D+", ""), pa.int64())
    customers = 10 ** len(f"{pc.max(table['CustomerID']).as_py():.0f}")
    invoices = 10 ** len(str(pc.max(number).as_py()))
    for size in sizes:
        with pq.ParquetWriter(work / f"{size}.parquet", SCHEMA, compression="zstd") as writer:
            for copy in range(size):
                invoice = pc.cast(pc.add(number, copy * invoices), pa.string())
                columns = {name: table[name] for name in SCHEMA.names} | {
                    "InvoiceNo": pc.binary_join_element_wise(letters, invoice, ""),
                    "CustomerID": pc.add(table["CustomerID"], float(copy * customers)),
                }
                writer.write_table(pa.table(columns, schema=SCHEMA), row_group_size=122_880)
    return {size: size * len(table) for size in sizes}


def _convert(files: list[Path], work: Path) -> Path:
    """Read a ledger of any format, and write its lines as one Parquet file."""
    settings = read_settings()
    engine = ledger.connect(settings.engine, work)
    parts = [
        part for path in files for part in readers.read_parts(path, work, settings.files.encodings)
    ]
    lines = cleaning.read_ledger(engine, parts, settings.transactions).lines.execute()
    lines = lines.loc[lines.index.repeat(lines["copies"])].drop(columns=["amount", "order_id"])
    # Without its id, such a line would be given the customer of its order.
    lines = lines[lines["customer_id"].isna() | lines["customer_id"].str.isdecimal()]
    lines = lines.astype({"customer_id": "float64", "quantity": "float64"})
    lines = lines.sort_values(["invoice_date", "invoice", "stock_code"], kind="stable")
    path = work / "typed.parquet"
    lines.to_parquet(path, index=False, coerce_timestamps="us")
    return path

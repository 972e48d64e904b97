"""Write rows as text files and as workbooks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import xlsxwriter
from conftest import Row


def text_of(rows: list[Row], delimiter: str = ",") -> str:
    lines = [delimiter.join(rows[0]), *(delimiter.join(map(str, r.values())) for r in rows)]
    return "\n".join(lines) + "\n"


def typed(row: Row) -> Row:
    """Return a line as a workbook holds it: numbers as numbers, dates as dates."""
    number = {"Quantity", "UnitPrice", "CustomerID", "InvoiceNo"} & set(row)
    return {
        **row,
        **{name: float(row[name]) for name in number},
        "InvoiceDate": dt.datetime.fromisoformat(row["InvoiceDate"]),
    }


def write_workbook(path: Path, sheets: dict[str, Any]) -> Path:
    """Write sheets of rows, or of notes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yy hh:mm"})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        if rows and isinstance(rows[0], str):
            sheet.write_column(0, 0, rows)
        elif rows:
            sheet.write_row(0, 0, rows[0])
            for i, row in enumerate(rows, 1):
                sheet.write_row(i, 0, row.values())
    book.close()
    return path

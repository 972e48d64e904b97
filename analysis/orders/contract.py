"""Define the rules that order lines and kept sale lines must meet (Pandera).

The contracts are Pandera schemas on Pandera's Ibis API, so that they reach data of any size where
it lies.

Pandera runs one query a check. That is 0.64 s for some 15 checks on the 541,909 lines of the
public gift-shop ledger, against 0.06 s for one query that counts them all, and the gap widens
with the data. (Its Polars backend took 0.07 s, but a streaming Polars needs 5.5 GB for 27
million lines where DuckDB stays under 2.5 GB; its pandas backend took 0.23 s and needs every
line in memory.) So `breaches` asks the schema for its checks' expressions, with Pandera's own
call, and puts them into the one query that reads the ledger anyway: one set of contracts, one
pass. A test holds `breaches` to what ``schema.validate`` finds. Traps that Pandera's Ibis backend
has, and which are avoided here: ``unique=True`` passes duplicates, ``coerce=True`` does nothing,
and element-wise lambdas fail.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import ibis
import ibis.expr.types as ir
import pandera.ibis as pai

#: What is no customer's id: what a spreadsheet makes of a long number, or a number with decimals.
NO_ID_PATTERN = r"^[+-]?\d+\.\d+([eE][+-]?\d+)?$|^[+-]?\d+(,\d+)?[eE]\+\d+$"
#: Far above any number of pieces, and below what a bar code is as a number.
MOST_PIECES = 1e9
#: Far above any price, in rials or dong too; beyond it decimals break.
LARGEST = 1e12


def _check(
    name: str, sentence: str, holds: Callable[[ir.Table, str], ir.BooleanValue]
) -> pai.Check:
    """Make a check whose column may be null: a null does not break it unless it says so."""
    return pai.Check(
        lambda data: holds(data.table, data.key), name=name, error=sentence, ignore_na=False
    )


def _row_check(
    column: str, name: str, sentence: str, holds: Callable[[ir.Table], ir.BooleanValue]
) -> pai.Check:
    """Make a check of a column that looks at others, too: Pandera gives a column's own only it."""
    return pai.Check(
        lambda data: holds(data.table), name=name, error=sentence, title=column, ignore_na=False
    )


def _given(table: ir.Table, column: str) -> ir.BooleanValue:
    return table[column].notnull() | table[f"{column}_text"].notnull()


def _readable_checks(column: str, what: str, instead: Sequence[str] = ()) -> list[pai.Check]:
    """Refuse a value that is not there, and a text that is no number, or no date.

    Nothing is missing where all columns are there that can stand in its place.
    """
    text, words = f"{column}_text", column.replace("_", " ")

    def given(table: ir.Table) -> ir.BooleanValue:
        here = _given(table, column)
        return here | ibis.and_(*(_given(table, o) for o in instead)) if instead else here

    return [
        _row_check(column, f"{column}_given", f"the {words} is given", given),
        _row_check(
            column,
            f"{column}_read",
            f"the {words} is {what}",
            lambda t: t[column].notnull() | t[text].isnull(),
        ),
    ]


def _finite_check(column: str, most: float = LARGEST) -> pai.Check:
    return _check(
        f"{column}_finite",
        f"the {column.replace('_', ' ')} is finite and below {most:,.0f}",
        lambda t, key: t[key].isnull() | (t[key].abs() < most),
    )


def lines_schema(columns: set[str], earliest: dt.date) -> pai.DataFrameSchema:
    """Return the contract of a line as it comes in; a line that breaks it goes to quarantine.

    Parameters
    ----------
    columns
        The columns that the files have, under our names.
    earliest
        A line dated before this is refused.

    Returns
    -------
    pandera.ibis.DataFrameSchema
        Over the canonical lines of `orders.cleaning`: for each number and date also a
        column ``<name>_text`` with the original where it could not be typed by the reader.
        A missing customer id breaks no rule: cleaning sets such lines apart.
    """
    optional = {
        "quantity": [_finite_check("quantity", MOST_PIECES)],
        "unit_price": [
            _finite_check("unit_price"),
            _check(
                "unit_price_not_negative",
                "the price is not negative, or takes money back from a known customer",
                lambda t, key: t[key].isnull() | (t[key] >= 0) | t["customer_id"].notnull(),
            ),
        ],
        "amount": [_finite_check("amount")],
    }
    optional = {name: checks for name, checks in optional.items() if name in columns}
    product = {"quantity", "unit_price"}
    # A file may give quantity and price, and the next one the amount.
    instead = {"quantity": ["amount"], "unit_price": ["amount"], "amount": sorted(product)}
    instead = {name: others for name, others in instead.items() if {*others} <= columns}
    rows = [
        *_readable_checks("invoice_date", "in a known format"),
        *(
            check
            for name in optional
            for check in _readable_checks(name, "a plain number", instead.get(name, ()))
        ),
    ]
    if product <= columns:
        rows.append(
            _row_check(
                "unit_price",
                "line_amount_finite",
                f"quantity times price is below {LARGEST:,.0f}",
                lambda t: (t["quantity"] * t["unit_price"]).abs().fill_null(0) < LARGEST,
            )
        )
    return pai.DataFrameSchema(
        {
            "customer_id": pai.Column(
                str,
                _check(
                    "customer_id_is_an_id",
                    "an id is no number with decimals",
                    lambda t, key: (
                        t[key].isnull()
                        # Few ids have what the pattern asks for, which is quicker to see.
                        | ibis.ifelse(
                            t[key].contains(".") | t[key].contains("+"),
                            ~t[key].re_search(NO_ID_PATTERN),
                            True,
                        )
                    ),
                ),
                nullable=True,
            ),
            "invoice_date": pai.Column(
                checks=[
                    _check(
                        "invoice_date_not_too_early",
                        f"the date is not before {earliest}",
                        lambda t, key: t[key].isnull() | (t[key] >= ibis.timestamp(f"{earliest}")),
                    ),
                ],
                nullable=True,
            ),
            **{name: pai.Column(float, checks, nullable=True) for name, checks in optional.items()},
        },
        checks=rows,
    )


def _checks(schema: pai.DataFrameSchema) -> Iterator[tuple[str, pai.Check, str | None]]:
    """Yield a schema's checks column by column: the column, the check, and what it is called on."""
    for name, column in schema.columns.items():
        yield from ((name, check, None) for check in schema.checks if check.title == name)
        yield from ((name, check, name) for check in column.checks)


def breaches(schema: pai.DataFrameSchema, table: ir.Table) -> dict[str, ir.BooleanColumn]:
    """Return, for every check of a schema, the expression that is true where a line breaks it.

    Nothing is executed: the expressions go into whatever query reads the table.

    Returns
    -------
    dict
        The check's name -> a boolean column of `table`.
    """
    return {check.name: ~check(table, key).check_output for _, check, key in _checks(schema)}


def sentences(schema: pai.DataFrameSchema) -> dict[str, tuple[str, str]]:
    """Return, for every check of a schema, its column and what it asks for in words."""
    return {check.name: (name, check.error) for name, check, _ in _checks(schema)}


def sales_schema(columns: set[str]) -> pai.DataFrameSchema:
    """Return the contract of a kept sale line, as ``build/transactions.parquet`` has it."""

    def holds(name: str, test: Callable[[ir.Column], ir.BooleanValue]) -> pai.Check:
        return _check(name, name.replace("_", " "), lambda t, key: test(t[key]))

    whole = {"quantity", "unit_price"} <= columns
    return pai.DataFrameSchema(
        {
            "customer_id": pai.Column(str, holds("id given", lambda c: c.notnull())),
            "order_id": pai.Column(str, holds("order given", lambda c: c.notnull())),
            "invoice_date": pai.Column(checks=holds("date given", lambda c: c.notnull())),
            "amount": pai.Column(checks=holds("amount above zero", lambda c: c >= 0)),
            **(
                {
                    "quantity": pai.Column(float, holds("quantity above zero", lambda c: c > 0)),
                    "unit_price": pai.Column(float, holds("price above zero", lambda c: c > 0)),
                }
                if whole
                else {}
            ),
        }
    )

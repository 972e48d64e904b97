"""Say how the order lines were understood: columns, notation, orders, customers, refunds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import day, join_words
from analysis.core.settings import TransactionSettings
from analysis.ingest.parts import ROW
from analysis.ingest.profiles import LEDGER
from analysis.orders.canonical import Reading
from analysis.orders.home_market import home_market
from analysis.orders.ledger import LINE_COLUMNS, Ledger
from analysis.orders.no_customer import sales_without_customer
from analysis.orders.quality import cancelled_amount, cleaning_steps

#: From so many days after the last line on, the day of recency is worth a remark.
STALE = 31
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


def columns_assumption(reading: Reading) -> Assumption:
    """Say which columns of a part were taken for what, and which were not used."""
    taken = [
        f"{reading.names[name]!r} is the {name.replace('_', ' ')}"
        for name in LINE_COLUMNS
        if name in reading.names
    ]
    unused = [
        repr(name) for name in reading.part.columns if name not in {*reading.names.values(), ROW}
    ]
    said = state("assumed-files.columns", columns=join_words(taken))
    if unused:
        said += state("assumed-files.unused", columns=join_words(unused))
    return Assumption("columns", said, source=reading.part.source, setting="transactions.columns")


def reading_assumptions(readings: Sequence[Reading]) -> tuple[Assumption, ...]:
    """Return what was assumed while the parts of a ledger were read."""
    found: list[Assumption] = []
    for reading in readings:
        if reading.part.profile == LEDGER:  # an export's profile has said it
            found.append(columns_assumption(reading))
        found += [*reading.part.assumptions, *reading.assumptions]
    return tuple(found)


def order_assumptions(ledger: Ledger, settings: TransactionSettings) -> Iterator[Assumption]:
    """Yield all that was assumed or noticed about the order lines.

    Parameters
    ----------
    ledger
        From `orders.cleaning.read_ledger`, with what was recorded on the way.
    settings
        Those that it was read with.
    """
    yield from ledger.assumptions
    refused = _refused_money(ledger)
    for place, row in enumerate(ledger.files.to_dict("records")):
        yield from _file_assumptions(row, refused.get(place))
    yield from _who_is_a_customer(ledger)
    yield _what_a_refund_is(ledger, settings)
    yield from _left_out(ledger)
    if home := home_market(ledger, settings.home_country):
        named = settings.home_country
        said = (
            state("assumed-orders.home-settings", home=home)
            if named
            else state("assumed-orders.home-largest", home=home)
        )
        yield Assumption(
            "customers",
            said,
            setting="transactions.home_country",
        )
    yield Assumption(
        "time", state("assumed-orders.as-of", day=day(ledger.as_of)), setting="report.as_of"
    )
    yield from _gaps(ledger)
    away = (ledger.as_of - ledger.files["last_date"].max().date()).days
    if away > STALE:
        yield Assumption(
            "time",
            state("assumed-orders.stale", count=away),
            setting="report.as_of",
        )
    if ledger.late_rows:
        yield Assumption(
            "time",
            state("assumed-orders.late"),
            rows=ledger.late_rows,
            setting="report.as_of",
        )


def _refused_money(ledger: Ledger) -> dict[int, float]:
    """Return the money of the refused rows of each file, as far as it can be read."""
    lines = ledger.lines.filter(ledger.lines.broken != 0)
    found = lines.group_by("part").aggregate(
        money=(lines.amount * lines.read).sum().cast("float64").fill_null(0.0)
    )
    return {int(row["part"]): float(row["money"]) for row in found.execute().to_dict("records")}


def _who_is_a_customer(ledger: Ledger) -> Iterator[Assumption]:
    """Say what a customer is, and what was sold to nobody who is known."""
    yield Assumption(
        "customers",
        state("assumed-orders.customer"),
        setting="transactions.columns.customer_id",
    )
    nobody = sales_without_customer(ledger)
    found = nobody.aggregate(rows=nobody.count(), money=nobody.amount.sum().cast("float64"))
    row = found.execute().iloc[0]
    if row["rows"]:
        yield Assumption(
            "customers",
            state("assumed-orders.channel"),
            rows=int(row["rows"]),
            money=float(row["money"]),
        )


def _file_assumptions(file: Mapping[Any, Any], money: float | None) -> Iterator[Assumption]:
    """Say how a file is written, and how many of its rows were refused."""
    parts = []
    if file["encoding"]:
        mark = SEPARATORS.get(file["separator"], repr(file["separator"]))
        parts.append(f"text in {file['encoding']}, fields separated by a {mark}")
    if file["date_format"]:
        parts.append(f"dates as {file['date_format']}")
    if file["decimal_mark"]:
        parts.append(f"decimals with a {'comma' if file['decimal_mark'] == ',' else 'point'}")
    if parts:
        said = state("assumed-files.notation", notation=", ".join(parts))
        yield Assumption("notation", said, source=file["source"])
    if file["refused_rows"]:
        yield Assumption(
            "left out",
            state(
                "assumed-files.quarantine",
                count=int(file["rows"]),
                refused=f"{file['refused_rows']:,}",
            ),
            source=file["source"],
            money=money,
            setting="transactions.refused_share",
        )


def _gaps(ledger: Ledger) -> Iterator[Assumption]:
    """Name the months between the first line and the last that have no line at all."""
    date = ledger.lines.invoice_date
    found = ledger.lines.filter(date.notnull() & (ledger.lines.broken == 0))
    found = found.select(month=found.invoice_date.truncate("M")).distinct().execute()
    there = pd.PeriodIndex(found["month"], freq="M")
    if there.empty:
        return
    every = pd.period_range(there.min(), there.max(), freq="M")
    missing = [f"{month:%B %Y}" for month in every.difference(there)]
    if missing:
        shown = missing if len(missing) <= 12 else [*missing[:11], f"{len(missing) - 11} others"]
        yield Assumption(
            "time",
            state("assumed-orders.empty-months", count=len(missing), months=join_words(shown)),
        )


def _what_a_refund_is(ledger: Ledger, settings: TransactionSettings) -> Assumption:
    prefix = settings.cancellation_prefix
    back = ledger.lines.filter(ledger.lines.cancelled)
    found = back.aggregate(rows=back.count(), money=back.amount.sum().cast("float64")).execute()
    rows = int(found["rows"].iloc[0])
    if not rows:
        return Assumption(
            "refunds",
            state("assumed-orders.no-refunds", prefix=repr(prefix)),
            setting="transactions.cancellation_prefix",
        )
    return Assumption(
        "refunds",
        state("assumed-orders.cancellations", prefix=repr(prefix)),
        rows=rows,
        money=float(found["money"].fillna(0).iloc[0]),
        setting="transactions.cancellation_prefix",
    )


#: What each cleaning step takes away: its kind, its sentence, and the setting that decides.
_STEPS: dict[int, Assumption] = {
    1: Assumption(
        "left out",
        state("assumed-orders.step-customer"),
        setting="transactions.columns.customer_id",
    ),
    2: Assumption("duplicates", state("assumed-orders.step-copies")),
    3: Assumption("left out", state("assumed-orders.step-cancellations")),
    4: Assumption("left out", state("assumed-orders.step-money")),
    5: Assumption(
        "left out",
        state("assumed-orders.step-products"),
        setting="transactions.product_codes",
    ),
    6: Assumption("refunds", state("assumed-orders.step-reversals")),
}


def _left_out(ledger: Ledger) -> Iterator[Assumption]:
    """Yield what each cleaning step takes away, with its rows and its money."""
    steps = cleaning_steps(ledger)
    for row in steps.to_dict("records"):
        if row["cleaning_step"] and row["removed_rows"]:
            step = _STEPS[row["cleaning_step"]]
            yield replace(step, rows=row["removed_rows"], money=row["removed_amount"])
    open_refunds = cancelled_amount(ledger) - float(steps["removed_amount"].iloc[-1])
    if round(open_refunds, 2) > 0:
        yield Assumption(
            "refunds",
            state("assumed-orders.open-refunds"),
            money=round(open_refunds, 2),
        )

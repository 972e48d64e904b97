"""Detect how files name columns and write dates and decimals; refuse what is unclear."""

from __future__ import annotations

import datetime as dt
import functools
import glob
import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from analysis.core.assumptions import Assumption, Said, state
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings
from analysis.ingest.parts import Part
from analysis.ingest.profiles import LEDGER
from analysis.orders.canonical import (
    MONEY_FIRST,
    Reading,
    date_as_text,
    line_money,
    text_column,
)
from analysis.orders.columns import find_columns
from analysis.orders.dates import (
    ALIKE,
    NUMBERS,
    SERIAL,
    DateEvidence,
    DateForm,
    order_of,
    weigh_dates,
)
from analysis.orders.numbers import (
    NumberEvidence,
    decide,
    form_of,
    mark_name,
    other,
    shapes_table,
    weigh,
)

#: What a row is called that adds up others.
_TOTAL = (
    r"(?i)^\W*(?:(?:sub|grand|page|running)[\s-]*)?totals?\b|^\W*(?:zwischen|gesamt|end)?summe\b|"
    r"^\W*(?:gesamt|insgesamt|somme|sous-total|totale|suma|razem|subtotaal|totaal|yhteensä)\b|"
    r"^\W*(?:итого|всего)"
)
#: Two readings that differ by less than this share of the larger are as good as one.
SAME = 0.01


def read_notations(
    engine: Backend,
    parts: Sequence[Part],
    settings: TransactionSettings,
    usual_dates: Collection[str] = (),
) -> tuple[list[Reading], list[Problem]]:
    """Find each part's columns, and how it writes dates and numbers; say which part lacks them.

    A sheet of a workbook that is no ledger (notes, a summary, or nothing below the header) is
    passed over when another is one. A sheet that has most of the other's columns was meant to be.
    """
    readings: list[Reading] = []
    problems: list[tuple[Part, int, Problem]] = []
    for number, part in enumerate(parts):
        try:
            names, told = find_columns(part.columns, settings.columns)
        except ValueError as error:
            problem = Problem(
                part.source,
                str(error),
                remedy="Rename one of them, or name the one that is meant, alone, in "
                "[transactions.columns] in data/settings.toml.",
            )
            problems.append((part, len(part.columns), problem))
            continue
        if part.profile != LEDGER:
            names |= {"refund_key": "refund_key"} if "refund_key" in part.columns else {}
        if lacking := _missing_columns(names):
            problems += [
                (part, len(names), _missing_column(part, name, settings)) for name in lacking
            ]
            continue
        if not part.rows:
            problem = Problem(part.source, "there are no rows below the header")
            problems.append((part, 0, problem))
            continue
        table = engine.read_parquet(
            glob.escape(str(part.path)),
            table_name=f"part_{number}",
            file_row_number=not part.numbered,
            hive_partitioning=False,
        )
        told = [replace(one, source=part.source) for one in told]
        reading = Reading(part, table, names, assumptions=tuple(told))
        readings.append(_without_totals(reading))
    most = {reading.part.file: len(reading.names) for reading in readings}
    meant = [
        problem for part, matches, problem in problems if 2 * matches >= most.get(part.file, 0)
    ]
    readings, numbers = _read_numbers(readings, settings)
    readings, dates = _read_dates(readings, settings, usual_dates)
    return _fill(readings), meant + numbers + dates


def _without_totals(reading: Reading) -> Reading:
    """Leave out rows that are no lines: totals, notes below the table, the header once more."""
    table, names = reading.table, reading.names
    date = table[names["invoice_date"]]
    dateless = _blank(date)
    if date.type().is_string():
        title = date.strip() == names["invoice_date"]
        dateless = dateless | title | date.re_search(_TOTAL)
    if not table.aggregate(some=dateless.any()).execute().iloc[0, 0]:
        return reading
    texts = [table[name] for name in reading.part.columns if table[name].type().is_string()]
    words = [text.re_search(_TOTAL).fill_null(False) for text in texts]
    if date.type().is_string():
        words.append(title.fill_null(False))
    empty = [_blank(table[names[name]]) for name in MONEY_FIRST if name in names]
    total = functools.reduce(operator.or_, words) if words else ibis.literal(False)
    nothing = functools.reduce(operator.and_, empty)
    aside = (dateless & (total | nothing)).fill_null(False)
    line = ibis.literal(" | ").join(
        [table[name].cast("string").fill_null("") for name in reading.part.columns]
    )
    found = table.mutate(aside=aside, line=line)
    found = found.aggregate(rows=found.aside.sum(), example=found.line.min(where=found.aside))
    rows, example = found.execute().iloc[0]
    if not rows:
        return reading
    told = Assumption(
        "left out",
        state("assumed-files.total-rows"),
        source=reading.part.source,
        rows=int(rows),
        example=repr(str(example)[:80]),
    )
    return replace(reading, table=table.filter(~aside), assumptions=(*reading.assumptions, told))


def _blank(column: ir.Column) -> ir.BooleanValue:
    if column.type().is_string():
        return column.strip().nullif("").isnull()
    return column.isnull()


def _fill(readings: list[Reading]) -> list[Reading]:
    """Let a file do without the columns that only other files have, if its amounts are whole."""
    known = {name for reading in readings for name in reading.names}
    lines = {"quantity", "unit_price"}
    filled = []
    for reading in readings:
        mine = reading.names.keys()
        lacking: set[str] = set()
        if lines <= known and not lines <= mine and "amount" in mine:
            lacking |= lines
        if "amount" in known and lines <= mine and "amount" not in mine:
            lacking |= {"amount"}
        told = reading.assumptions
        if lines <= lacking:
            told += (
                Assumption(
                    "money",
                    state("assumed-orders.amounts-only"),
                    source=reading.part.source,
                    rows=reading.part.rows,
                ),
            )
        filled.append(replace(reading, filled=frozenset(lacking), assumptions=told))
    return filled


def _missing_columns(names: dict[str, str]) -> list[str]:
    lacking = [name for name in ("customer_id", "invoice_date") if name not in names]
    if "amount" not in names:
        lacking += [name for name in ("quantity", "unit_price") if name not in names]
    return lacking


def _missing_column(part: Part, name: str, settings: TransactionSettings) -> Problem:
    accepted = ", ".join(repr(n) for n in settings.columns.get(name, [name]))
    instead = " (or a column with the amount)" if name in ("quantity", "unit_price") else ""
    return Problem(
        part.source,
        f"there is no column for {name.replace('_', ' ')}{instead}",
        example=f"the header reads {', '.join(map(repr, part.columns[:12]))}",
        remedy=f"Name it {accepted}, or add its name to [transactions.columns] in "
        "data/settings.toml.",
    )


def _read_numbers(
    readings: Sequence[Reading], settings: TransactionSettings
) -> tuple[list[Reading], list[Problem]]:
    """Find how each part writes its numbers, by its own and by other files; refuse what is unclear.

    What has two readings that differ in money is refused with both figures.
    """
    evidence: list[dict[str, NumberEvidence]] = []
    for reading in readings:
        found = {}
        for name in MONEY_FIRST:
            if (text := text_column(reading, name)) is not None:
                shapes = shapes_table(text).filter(ibis._.shape.notnull()).execute()
                found[name] = weigh(shapes.itertuples(index=False, name=None))
        evidence.append(found)
    sure = [[mark for name in found if (mark := found[name].decimal())] for found in evidence]
    settled, problems = [], []
    for place, (reading, found) in enumerate(zip(readings, evidence, strict=True)):
        others = [mark for number, marks in enumerate(sure) if number != place for mark in marks]
        elsewhere = [*sure[place], *(others if len({*others}) == 1 else ())]
        forms, told, unclear = {}, list(reading.assumptions), {}
        for name, column in found.items():
            mark, reason = settings.decimal_mark, state("assumed-notation.because-settings")
            if not mark:
                mark, reason = decide(column, elsewhere, settings.currency)
            if not mark:
                unclear[name] = column.unclear or "."
            forms[name] = form_of(column, mark or ".")
            if mark:
                told += _doubts_of_numbers(reading, name, column, mark, reason)
        reading = replace(reading, numbers=forms, assumptions=tuple(told))
        if unclear:
            problem, reading = _weigh_readings(reading, found, unclear)
            problems += problem
        settled.append(reading)
    return settled, problems


def _doubts_of_numbers(
    reading: Reading, name: str, column: NumberEvidence, mark: str, reason: tuple[Said, ...]
) -> Iterator[Assumption]:
    """Say what of a column's numbers could be taken for something else."""
    assume = functools.partial(
        Assumption,
        source=reading.part.source,
        column=reading.names[name],
        setting="transactions.decimal_mark",
    )
    thousand = other(mark)
    what, role = mark_name(thousand), mark_name(mark)
    if rows := column.rows["either", thousand] + column.rows["thousands", thousand]:
        example = (
            column.examples.get(("either", thousand)) or column.examples["thousands", thousand]
        )
        said = state("assumed-notation.thousands", mark=what) + reason
        yield assume("notation", said, rows=rows, example=repr(example))
    if (rows := column.rows["either", mark]) and reason:
        said = state("assumed-notation.three-digits", mark=role) + reason
        example = column.examples["either", mark]
        yield assume("notation", said, rows=rows, example=repr(example))
    if rows := column.rows["decimal", thousand]:
        said = state("assumed-notation.other-mark", mark=role, other=what)
        example = column.examples["decimal", thousand]
        yield assume("notation", said, rows=rows, example=repr(example))
    for affix in column.affixes:
        if affix and len({*filter(None, column.affixes)}) == 1:
            said = state("assumed-notation.affix", affix=repr(affix))
            yield assume("money", said, rows=column.affixes[affix])


def _weigh_readings(
    reading: Reading, found: Mapping[str, NumberEvidence], unclear: Mapping[str, str]
) -> tuple[list[Problem], Reading]:
    """Refuse numbers with two readings if the money differs; else read them with a point."""
    ways = {}
    for mark in ".,":
        forms = {**reading.numbers, **{name: form_of(found[name], mark) for name in unclear}}
        ways[mark] = replace(reading, numbers=forms)
    worth = {mark: _sum_of_lines(way) for mark, way in ways.items()}
    most = max(map(abs, worth.values()))
    name, mark = next(iter(unclear.items()))
    if most and abs(worth["."] - worth[","]) <= SAME * most:
        return [], ways[mark]
    rows = found[name].rows["either", mark]
    example = found[name].examples.get(("either", mark), "")
    return [
        Problem(
            reading.part.source,
            f"numbers such as {example!r} can be read in two ways: with decimals, the file's lines "
            f"are worth {worth[mark]:,.2f}, and with a separator between thousands "
            f"{worth[other(mark)]:,.2f}",
            column=reading.names[name],
            rows=rows,
            example=repr(example),
            remedy=f"Set decimal_mark in [transactions] of settings.toml: {mark!r} for decimals, "
            f"{other(mark)!r} for thousands.",
        )
    ], reading


def _sum_of_lines(reading: Reading) -> float:
    """Return what a part's lines add up to, returns as well as sales."""
    return float(
        reading.table.aggregate(worth=line_money(reading).abs().sum().fill_null(0))
        .execute()
        .iloc[0, 0]
    )


def _read_dates(
    readings: Sequence[Reading], settings: TransactionSettings, usual: Collection[str] = ()
) -> tuple[list[Reading], list[Problem]]:
    """Find how each part writes its dates, by itself and by other files; refuse what is unclear."""
    tomorrow = dt.date.today() + dt.timedelta(days=1)
    evidence: list[DateEvidence | None] = []
    for reading in readings:
        text = date_as_text(reading)
        evidence.append(
            None
            if text is None
            else weigh_dates(text, settings.date_formats, settings.earliest_date, tomorrow)
        )
    clear = {
        order_of(one)
        for found in evidence
        if found and len(found.forms) == 1
        for one in found.forms[0].formats
    } & ALIKE
    known = {order_of(one) for one in usual} & ALIKE
    settled, problems = [], []
    for reading, found in zip(readings, evidence, strict=True):
        if found is None:
            settled.append(reading)
            continue
        forms = found.forms
        for orders in (clear, known):
            mine = [f for f in forms if {order_of(one) for one in f.formats} & orders]
            forms = tuple(mine) if len(mine) == 1 else forms
        if len(forms) > 1:
            problems.append(_two_readings(reading, forms, found))
        if found.swapped == "unclear":
            problems.append(_mixed_dates(reading, found))
        told = tuple(_doubts_of_dates(reading, forms, found)) if forms else ()
        settled.append(replace(reading, dates=forms, assumptions=reading.assumptions + told))
    return settled, problems


def _two_readings(reading: Reading, forms: Sequence[DateForm], found: DateEvidence) -> Problem:
    ways = [form.formats[0] for form in forms]
    first = date_as_text(reading)
    assert first is not None
    example = first.as_table().limit(1).execute().iloc[0, 0]
    return Problem(
        reading.part.source,
        f"the dates can be read in {len(ways)} ways, {' and '.join(map(repr, ways))}",
        column=reading.names["invoice_date"],
        example=repr(example),
        remedy="Export dates as 2024-12-31 14:05, or take the wrong format out of date_formats in "
        "data/settings.toml.",
    )


def _mixed_dates(reading: Reading, found: DateEvidence) -> Problem:
    return Problem(
        reading.part.source,
        "dates and text are mixed: all days in the one are at most 12, and all in the other above "
        "it, as if a spreadsheet had swapped day and month",
        column=reading.names["invoice_date"],
        example=repr(found.example),
        remedy="Export the file again as text or with dates as 2024-12-31, without opening it in a "
        "spreadsheet of another country.",
    )


def _doubts_of_dates(
    reading: Reading, forms: Sequence[DateForm], found: DateEvidence
) -> Iterator[Assumption]:
    """Say what of the dates could be taken for something else."""
    form = forms[0]
    assume = functools.partial(
        Assumption,
        source=reading.part.source,
        column=reading.names["invoice_date"],
        setting="transactions.date_formats",
    )
    if found.swapped == "undone":
        rows = sum(found.rows[one] for one in form.formats if one.startswith("%Y-%d-%m"))
        yield assume("notation", state("assumed-notation.swapped"), rows=rows)
    elif len(form.formats) > 1:
        ways = ", ".join(f"{one} ({found.rows[one]:,} rows)" for one in form.formats)
        yield assume("notation", state("assumed-notation.several-dates", ways=ways))
    if form.zone:
        yield assume("time", state("assumed-notation.offset"))
    for one in form.formats:
        if one in NUMBERS:
            said = (
                state("assumed-notation.serial", numbers=one)
                if one == SERIAL
                else state("assumed-notation.since-1970", numbers=one)
            )
            yield assume("notation", said, rows=found.rows[one])

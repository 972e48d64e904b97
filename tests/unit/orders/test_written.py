"""Test where lines are written, and that one table is enough for the lines of one file."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
from ibis.backends.duckdb import Backend

from analysis.orders.columns import EXTRAS, KEPT
from analysis.orders.ledger import NET
from analysis.orders.meaning.draft import Draft
from analysis.orders.meaning.written import settle_lines, write_lines


@pytest.fixture
def draft() -> Draft:
    engine: Backend = ibis.duckdb.connect()
    rows = ibis.memtable({"customer_id": ["1", None, "2"], "row_number": [1, 2, 3]})
    lines = write_lines(engine, "typed", rows.mutate(part=ibis.literal(0)))
    nothing = {name: ibis.null("string") for name in (*EXTRAS, *KEPT)}
    one_file: Any = SimpleNamespace(names={"customer_id": "Customer"})
    settings: Any = None
    step = ibis.ifelse(lines.customer_id.isnull(), 0, NET).cast("int8")
    lines = lines.mutate(**nothing, cleaning_step=step)
    return Draft(engine, lines, (one_file,), settings)


def tables(draft: Draft) -> list[str]:
    return [
        str(row[0])
        for row in draft.engine.raw_sql("FROM duckdb_tables() SELECT table_name").fetchall()
    ]


def steps(lines: ir.Table) -> dict[int, int]:
    found = lines.execute().sort_values("row_number")
    assert set(found["copies"]) == set(found["read"]) == {1}
    return dict(zip(found["row_number"], found["reached"], strict=True))


def test_what_is_the_same_for_all_lines_takes_no_room(draft: Draft) -> None:
    assert "part" not in draft.engine.table("typed").columns
    assert set(draft.lines.execute()["part"]) == {0}


def test_lines_of_one_file_stay_in_their_table(draft: Draft) -> None:
    table, settled = settle_lines(draft)
    assert table == "typed"
    assert steps(settled) == {1: NET, 2: 0, 3: NET}
    assert tables(draft) == ["typed"]


def test_lines_that_others_decide_on_are_written(draft: Draft) -> None:
    lines = draft.lines.filter(draft.lines.row_number > 1)
    table, settled = settle_lines(Draft(draft.engine, lines, draft.readings, draft.settings))
    assert table == "read"
    assert steps(settled) == {2: 0, 3: NET}
    assert tables(draft) == ["read"]


def test_lines_of_several_files_are_written(draft: Draft) -> None:
    both = draft.readings * 2
    table, settled = settle_lines(Draft(draft.engine, draft.lines, both, draft.settings))
    assert table == "read"
    assert steps(settled) == {1: NET, 2: 0, 3: NET}

"""Write lines to a table of the engine, once, and what is the same for all of them not at all."""

from __future__ import annotations

import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from analysis.orders.columns import EXTRAS, KEPT
from analysis.orders.ledger import NET
from analysis.orders.meaning.draft import Draft

_PLAIN = (ops.Project, ops.DropColumns, ops.DatabaseTable)
#: What is known of a line only when all are there: how often it stands in the file that has it
#: most often, and in all files, and the cleaning step that it reaches.
_MARKS = {
    "copies": "INTEGER DEFAULT 1",
    "read": "INTEGER DEFAULT 1",
    "reached": f"TINYINT DEFAULT {NET}",
}


def write_lines(engine: Backend, name: str, lines: ir.Table) -> ir.Table:
    """Write lines to a table; return it with the marks that come later, and `line_id`.

    A column that is the same for all lines is added to what is returned: as a column of a table it
    would be as large as any other.
    """
    same = {column: value for column in lines.columns if (value := constant(lines, column))}
    engine.create_table(name, lines.drop(*same))
    for mark, kind in _MARKS.items():
        if mark not in lines.columns:
            engine.raw_sql(f"ALTER TABLE {name} ADD COLUMN {mark} {kind}")
    table = engine.table(name)
    return table.mutate(
        line_id=table.rowid(), **{column: value.to_expr() for column, value in same.items()}
    )


def settle_lines(draft: Draft) -> tuple[str, ir.Table]:
    """Return the lines with the meaning that the guards gave them, and the name of their table.

    Where the lines stand in one table that holds all that they are made of, there they stay: a
    second table would take as much memory as the first. Lines of several files, and those that
    were filtered or joined with others, are written. Their table tells which cleaning step each
    has `reached`, so that no query has to find it out again.
    """
    lines = draft.lines.drop(*EXTRAS, *({*KEPT} - draft.columns))
    if len(draft.readings) == 1 and _stand_alone(lines):
        low = lines.filter(lines.cleaning_step < NET).select("line_id", "cleaning_step")
        draft.engine.create_table("low", low, temp=True)
        draft.engine.raw_sql(
            "UPDATE typed SET reached = cleaning_step FROM low WHERE typed.rowid = line_id"
        )
        draft.engine.raw_sql("DROP TABLE low")
        return "typed", lines.drop("cleaning_step")
    lines = lines.drop("line_id", *_MARKS).rename(reached="cleaning_step")
    read = write_lines(draft.engine, "read", lines)
    draft.engine.raw_sql("DROP TABLE typed")
    return "read", read


def _stand_alone(lines: ir.Table) -> bool:
    """Tell whether lines are made, each by itself, of what they were typed as."""
    found = set(lines.op().find(ops.Relation))
    tables = {one.name for one in found if isinstance(one, ops.DatabaseTable)}
    return tables == {"typed"} and all(isinstance(one, _PLAIN) for one in found)


def constant(table: ir.Table, name: str) -> ops.Literal | None:
    """Return what a column is for all lines: a whole number, a truth value or nothing; else None.

    Examples
    --------
    >>> import ibis
    >>> lines = ibis.table({"price": "float64"}, name="lines").mutate(part=ibis.literal(2))
    >>> constant(lines, "part").value, constant(lines, "price")
    (2, None)
    """
    value = table[name].op()
    while isinstance(value, ops.Field) and isinstance(value.rel, ops.Project):
        value = value.rel.values[value.name]
    plain = isinstance(value, ops.Literal) and isinstance(value.value, int | None)
    return value if plain else None

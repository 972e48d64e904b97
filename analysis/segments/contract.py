"""Define the rules that the table of customers must meet (Pandera)."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pap
from pandera.errors import SchemaErrors

from analysis.core.problems import Problem, Refused

CUSTOMERS = pap.DataFrameSchema(
    {
        "customer_id": pap.Column(str, pap.Check.str_matches(r"^\S(.*\S)?$"), unique=True),
        "recency_days": pap.Column("int64", pap.Check.ge(1)),
        "frequency": pap.Column("int64", pap.Check.ge(1)),
        "monetary": pap.Column(float, pap.Check.gt(0)),
    },
    strict=False,
)


def validate(schema: pap.DataFrameSchema, table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Hold a customer-level table to its schema, lazily, and say every breach in a sentence.

    Raises
    ------
    Refused
        With one `Problem` a broken rule: column, rule, rows, an example.
    """
    try:
        return schema.validate(table, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        raise Refused(
            [
                Problem(
                    source=source,
                    column=str(column),
                    rule=f"breaks the rule {check}",
                    rows=len(rows),
                    example=repr(rows["failure_case"].iloc[0]),
                    remedy="This is a fault of the program: please report it with this message.",
                )
                for (column, check), rows in cases.groupby(["column", "check"], dropna=False)
            ]
        ) from None

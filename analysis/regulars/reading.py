"""Read, validate and join the four tables of regular customers.

The tables say how customers behave, what they spent and how long they stayed in each month,
and what profit they brought. A row that breaks a rule is set apart and the rest goes on; a file
that cannot be trusted is refused, with every problem of all four files in one message.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.core.problems import Problem, Refused
from analysis.core.settings import ActivitySettings
from analysis.ingest.columns import match_columns
from analysis.regulars.cells import (
    find_lookalikes,
    find_typos,
    read_texts,
    read_words,
    stack_tables,
    type_cells,
)
from analysis.regulars.contract import (
    IMPOSSIBLE,
    INACTIVE,
    INCOMPLETE,
    ROLES,
    ActivityTables,
    Role,
    RoleTable,
)
from analysis.regulars.joins import join, missing_customers, revenue_limits, set_aside_rule
from analysis.regulars.names import REVENUES
from analysis.regulars.refusals import (
    check_customers,
    find_broken_rows,
    find_strangers,
    label_problem,
    list_row_problems,
    missing_columns,
    missing_table,
    quarantine_rows,
    refuse_table,
)

Facts = dict[str, float | int | str]
_WORDS: dict[Role, tuple[str, ...]] = {
    "behaviour": ("activity", "service_level", "consent", "favourite_category"),
    "revenue": ("period",),
    "minutes": ("period",),
    "profit": (),
}


def read_activity(
    tables: Mapping[str, pa.Table | pd.DataFrame],
    settings: ActivitySettings,
    sources: Mapping[str, str],
) -> ActivityTables:
    """Check the four tables, mend what is known, and join them to one row a customer.

    Parameters
    ----------
    tables
        Raw tables by role: behaviour, revenue, minutes, profit. Text and typed columns are both
        fine. A column `ingest.parts.ROW` gives the rows' numbers in their file; without it
        the first row counts as row 2, after the header.
    settings
        Names, spellings and limits of the activity case.
    sources
        File names by role, for messages.

    Raises
    ------
    Refused
        With every problem of all tables: a missing table or column, no rows, too many refused
        rows, a label column without exactly the two known labels, tables of other customers.
    """
    given = {role: tables[role] for role in ROLES if role in tables}
    names = {role: sources.get(role, role) for role in given}
    read = {role: read_role(role, given[role], names[role], settings) for role in given}
    problems = [problem for table in read.values() for problem in table.problems]
    problems += [missing_table(role, settings) for role in ROLES if role not in given]
    sound = {role: table for role, table in read.items() if not table.problems}
    problems += find_strangers(sound, names)
    if problems:
        raise Refused(problems)

    joined = join({role: table.rows for role, table in read.items()})
    limits = revenue_limits(joined, settings.impossible_revenue)
    rule = set_aside_rule(joined, limits)
    customers = _finish(joined[rule == ""])
    check_customers(customers, names["behaviour"])

    typos = stack_tables([table.typos for table in read.values()])
    lookalikes = stack_tables([table.lookalikes for table in read.values()])
    quarantine = stack_tables([table.quarantine for table in read.values()])
    joins = missing_customers({role: table.rows["customer_id"] for role, table in read.items()})
    aside = joined.loc[rule != "", ["customer_id"]].assign(rule=rule[rule != ""])
    result = ActivityTables(
        customers=customers,
        joined=joined,
        typos=typos.drop(columns="ours"),
        lookalikes=lookalikes,
        set_aside=_count_rules(rule),
        set_aside_customers=aside.reset_index(drop=True),
        joins=joins,
        quarantine=quarantine,
        facts={},
    )
    rows = {role: len(table.rows) + len(table.quarantine) for role, table in read.items()}
    result.facts.update(_facts(result, typos, rows, limits))
    result.facts["activity.consent_known"] = read["behaviour"].consent_known
    return result


def read_role(
    role: Role, table: pa.Table | pd.DataFrame, source: str, settings: ActivitySettings
) -> RoleTable:
    """Read one of the four tables.

    Parameters
    ----------
    role
        Which of `ROLES` the table is.
    table
        The raw table.
    source
        The file's name.
    settings
        Names, spellings and limits of the activity case.

    Returns
    -------
    RoleTable
        With problems instead of an exception, so that they can be gathered over all tables.
    """
    texts = read_texts(table)
    wanted = settings.columns[role]
    try:
        found = match_columns(list(texts.columns), wanted)
    except ValueError as ambiguous:
        return refuse_table(
            Problem(source, str(ambiguous), remedy="Rename the one that is not meant.")
        )
    if missing := [name for name in wanted if name not in found]:
        return refuse_table(missing_columns(missing, role, source, list(texts.columns), settings))
    if texts.empty:
        return refuse_table(
            Problem(source, "there are no rows below the header", remedy="Send the file again.")
        )

    raw = texts[list(found.values())].set_axis(list(found), axis="columns")
    words = {name: read_words(raw[name], settings.typos) for name in _WORDS[role]}
    typos = find_typos(raw, words, source, found)
    typed = type_cells(role, raw, words, settings.labels)
    # An empty cell among answers is a gap, and its row is refused. A column without any answer
    # says that nobody was asked: nobody is known to consent, and everything else can be trusted.
    consent_known = "consent" not in words or bool(words["consent"].notna().any())
    if not consent_known:
        typed["consent"] = pd.array([False] * len(typed), dtype="boolean")
    broken = find_broken_rows(role, typed, raw, found)
    quarantine = quarantine_rows(broken, texts, source, found)
    accepted = typed.drop(index=pd.Index(quarantine["row_number"]))
    problems = label_problem(role, accepted, raw, source, found, settings)
    if accepted.empty or len(quarantine) > settings.refused_share * len(raw):
        problems += list_row_problems(broken, raw, source, found, settings.refused_share)
    return RoleTable(
        rows=accepted,
        typos=typos,
        lookalikes=find_lookalikes(words, settings, source, found),
        quarantine=quarantine,
        problems=tuple(problems),
        id_column=found["customer_id"],
        consent_known=consent_known,
    )


def _count_rules(rule: pd.Series) -> pd.DataFrame:
    rules = [INCOMPLETE, INACTIVE, IMPOSSIBLE]
    counts = rule.value_counts().reindex(rules, fill_value=0)
    return counts.rename_axis("rule").rename("customers").reset_index()


def _finish(joined: pd.DataFrame) -> pd.DataFrame:
    """Return the kept customers, with plain types."""
    return joined.reset_index(drop=True).astype({"consent": bool, "decline": bool})


def _facts(
    result: ActivityTables, typos: pd.DataFrame, rows: Mapping[Role, int], limits: pd.Series
) -> Facts:
    """Return the numbers that the prose quotes."""
    joined, kept = result.joined, result.customers
    impossible = joined[list(REVENUES)].gt(limits)
    aside = result.set_aside.set_index("rule")["customers"]
    words = dict.fromkeys(name for names in _WORDS.values() for name in names)
    joins = result.joins.set_index(["from", "to"])["missing_customers"]
    return {
        "activity.customers": len(joined),
        "activity.declined": int(joined["decline"].sum()),
        "activity.same": int((~joined["decline"]).sum()),
        "activity.declined_share": float(joined["decline"].mean()),
        **{f"activity.rows_{role}": rows[role] for role in ROLES},
        "activity.refused_rows": len(result.quarantine),
        "activity.typo_kinds": len(typos),
        "activity.typo_rows": int(typos["rows"].sum()),
        **{
            f"activity.typo_rows_{name}": int(typos.loc[typos["ours"] == name, "rows"].sum())
            for name in words
        },
        "activity.lookalike_kinds": len(result.lookalikes),
        "activity.unmatched_customers": int(joins.sum()),
        "activity.incomplete_customers": int(aside[INCOMPLETE]),
        "activity.inactive_customers": int(aside[INACTIVE]),
        "activity.impossible_revenue_customers": int(aside[IMPOSSIBLE]),
        "activity.impossible_revenue_rows": int(impossible.to_numpy().sum()),
        "activity.impossible_revenue_highest": float(
            np.nan_to_num(joined[list(REVENUES)].where(impossible).max().max())
        ),
        "activity.kept_customers": len(kept),
        "activity.kept_declined": int(kept["decline"].sum()),
        "activity.kept_declined_share": float(kept["decline"].mean()),
    }

"""Say how the four tables of regular customers were understood."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.core.assumptions import Assumption
from analysis.core.formatting import count
from analysis.regulars import shared_ids
from analysis.regulars.contract import ActivityTables
from analysis.regulars.names import NO_ANSWERS


def regular_assumptions(
    tables: ActivityTables, shared: shared_ids.SharedIds | None
) -> Iterator[Assumption]:
    """Yield all that was assumed or noticed about the regular customers.

    Parameters
    ----------
    tables
        From `regulars.reading.read_activity`.
    shared
        From `regulars.shared_ids.shared_ids`, where there are orders too.
    """
    if shared:
        yield Assumption(
            "regular customers",
            shared_ids.sentence(shared),
            setting="activity.accept_unknown_customers",
        )
    for row in tables.typos.to_dict("records"):
        yield Assumption(
            "regular customers",
            f"{row['found']!r} was read as {row['read_as']!r}.",
            source=row["source"],
            column=row["column"],
            rows=int(row["rows"]),
            setting="activity.typos",
        )
    for row in tables.lookalikes.to_dict("records"):
        yield Assumption(
            "regular customers",
            f"{row['found']!r} looks like {row['looks_like']!r}, and was left as it is.",
            source=row["source"],
            column=row["column"],
            rows=int(row["rows"]),
            setting="activity.typos",
        )
    for row in tables.set_aside.query("customers > 0").to_dict("records"):
        yield Assumption(
            "regular customers",
            f"{count(row['customers'], 'regular customer')} set aside: {row['rule']}.",
        )
    if len(tables.quarantine):
        yield Assumption(
            "regular customers",
            "Rows of the four tables that broke a rule went into quarantine.",
            rows=len(tables.quarantine),
            setting="activity.refused_share",
        )
    if not tables.facts["activity.consent_known"]:
        yield Assumption(
            "regular customers", f"{NO_ANSWERS} Nobody of them will be on a contact list."
        )

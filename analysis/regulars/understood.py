"""Say how the four tables of regular customers were understood."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.core.assumptions import Assumption, state
from analysis.regulars import shared_ids
from analysis.regulars.contract import ActivityTables


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
            state(
                "assumed-regulars.shared",
                count=shared.found,
                regulars=f"{shared.regulars:,}",
                share=f"{shared.share:.0%}",
                customers=f"{shared.customers:,}",
            )
            if shared.found
            else state(
                "assumed-regulars.not-shared",
                regulars=f"{shared.regulars:,}",
                customers=f"{shared.customers:,}",
            ),
            setting="activity.accept_unknown_customers",
        )
    for row in tables.typos.to_dict("records"):
        yield Assumption(
            "regular customers",
            state("assumed-regulars.typo", found=repr(row["found"]), read=repr(row["read_as"])),
            source=row["source"],
            column=row["column"],
            rows=int(row["rows"]),
            setting="activity.typos",
        )
    for row in tables.lookalikes.to_dict("records"):
        yield Assumption(
            "regular customers",
            state(
                "assumed-regulars.lookalike",
                found=repr(row["found"]),
                like=repr(row["looks_like"]),
            ),
            source=row["source"],
            column=row["column"],
            rows=int(row["rows"]),
            setting="activity.typos",
        )
    for row in tables.set_aside.query("customers > 0").to_dict("records"):
        yield Assumption(
            "regular customers",
            state("assumed-regulars.set-aside", count=int(row["customers"]), rule=row["rule"]),
        )
    if len(tables.quarantine):
        yield Assumption(
            "regular customers",
            state("assumed-regulars.quarantine"),
            rows=len(tables.quarantine),
            setting="activity.refused_share",
        )
    if not tables.facts["activity.consent_known"]:
        yield Assumption("regular customers", state("assumed-regulars.no-answers"))

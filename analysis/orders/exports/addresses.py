"""Find the addresses behind pseudonyms in the raw files, for lists that the shop itself uses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import pandas as pd
import pyarrow.parquet as pq

from analysis.core.privacy import is_personal, pseudonym
from analysis.core.settings import TransactionSettings
from analysis.ingest.parts import Part
from analysis.ingest.profiles import LEDGER, Profile, choose_profile
from analysis.orders.columns import find_columns
from analysis.orders.exports.cells import CUSTOMER, as_text, read_cells
from analysis.orders.exports.customers import identities
from analysis.orders.meaning.customer_ids import tidy_id


def find_addresses(
    parts: Sequence[Part],
    profiles: Sequence[Profile],
    settings: TransactionSettings,
    salt: bytes,
) -> dict[str, str]:
    """Return the address of each customer who has a pseudonym.

    Parameters
    ----------
    parts
        The tables of the raw files, from `ingest.readers.read_parts`.
    profiles, settings, salt
        Those that the ledger was read with.

    Returns
    -------
    dict
        Pseudonym -> the id as most rows write it: an address, a telephone number, or a name.
    """
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for part in parts:
        profile = choose_profile(part.source, part.columns, profiles, settings.profile)
        for identity, written, rows in _identities(part, profile, settings):
            spelled[pseudonym(identity, salt)][written] += rows
    return {
        name: min(written, key=lambda one: (-written[one], one))
        for name, written in spelled.items()
    }


def _identities(
    part: Part, profile: Profile, settings: TransactionSettings
) -> Iterator[tuple[str, str, int]]:
    """Yield the personal ids of a part: as compared, as written, and how often."""
    if profile.name == LEDGER:
        column = find_columns(part.columns, settings.columns)[0].get("customer_id")
        if column is None:
            return
        frame = pq.read_table(part.path, columns=[column], partitioning=None).to_pandas()
        for one, rows in as_text(frame[column]).value_counts().items():
            if is_personal(str(one)):
                yield tidy_id(str(one)), str(one), int(rows)
        return
    cells = read_cells(part, profile)
    if CUSTOMER not in cells:
        return
    counts = {str(text): int(n) for text, n in cells[CUSTOMER].value_counts().items()}
    written = pd.Series([*counts], dtype="str")
    identity = identities(written, profile.customer_before, settings.no_customer)
    for text, own in zip(counts, identity.tolist(), strict=True):
        if isinstance(own, str):
            shown = text.partition(profile.customer_before)[0] if profile.customer_before else text
            yield own, tidy_id(shown), counts[text]

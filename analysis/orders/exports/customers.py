"""Say who bought: the first of several columns, behind a pseudonym."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from analysis.core.privacy import pseudonym
from analysis.ingest.profiles import ConsentRule
from analysis.orders.meaning.customer_ids import tidy_id
from analysis.orders.telling_columns import plain_word


def identities(customer: pd.Series, before: str, no_customer: Collection[str]) -> pd.Series:
    """Return customers as they are compared: in small letters, without margins; guests are null.

    Parameters
    ----------
    customer
        What the files say.
    before
        What is cut off, with all that follows it; empty: nothing.
    no_customer
        Words of the settings for guests.

    Examples
    --------
    >>> identities(pd.Series([" Kim@X.de", "guest", None]), "", ["guest"]).tolist()
    ['kim@x.de', nan, nan]
    """
    words = {plain_word(word) for word in no_customer} - {""}

    def plain(text: str) -> str | None:
        short = tidy_id(text.partition(before)[0] if before else text).casefold()
        return None if not short or plain_word(short) in words else short

    known = customer.dropna().drop_duplicates()
    return customer.map({text: plain(text) for text in known}).astype("str")


def pseudonyms(identity: pd.Series, salt: bytes) -> pd.Series:
    """Return the pseudonym of each customer.

    Raises
    ------
    AssertionError
        When two customers share one, which chance does not bring about.
    """
    known = identity.dropna().drop_duplicates()
    names = {text: pseudonym(text, salt) for text in known}
    if len(set(names.values())) < len(names):
        raise AssertionError("two customers have one pseudonym")
    return identity.map(names).astype("str")


def consents(answer: pd.Series, rule: ConsentRule) -> pd.Series:
    """Return "yes", "no" or null for what customers answered."""
    words = dict.fromkeys(map(plain_word, rule.no), "no")
    words |= dict.fromkeys(map(plain_word, rule.yes), "yes")
    return answer.map(plain_word, na_action="ignore").map(words).astype("str")

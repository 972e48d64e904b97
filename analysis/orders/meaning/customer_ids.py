"""Compare the spellings of a customer's id."""

from __future__ import annotations

import re
import unicodedata

#: A whole number with marks between its thousands, and a telephone number with spaces and signs.
THOUSANDS = r"^\d{1,3}(?:[.,' ]\d{3})+$"
TELEPHONE = r"^(?:\+|00?|\(\+?0)[\d\s()/.-]{6,}$"


def tidy_id(text: str) -> str:
    """Return an id without what programs add to it, but for zeros: see `bare_id`."""
    text = re.sub(r"[\s\u200b\ufeff]+", " ", unicodedata.normalize("NFC", text))
    text = text.strip().removeprefix("'")
    if re.search(THOUSANDS, text) or re.search(TELEPHONE, text):
        text = re.sub(r"[^\d+]", "", text)
    return text


def bare_id(text: str) -> str:
    """Return an id as it is compared: without case, zeros before it, spaces and marks.

    Examples
    --------
    >>> bare_id(" KIM@x.de"), bare_id("0012001"), bare_id("12,001"), bare_id("A-7")
    ('kim@x.de', '12001', '12001', 'a-7')
    """
    plain = re.sub(r"^(\d+)\.0+$", r"\1", tidy_id(text)).casefold()
    return plain.lstrip("0") or "0" if plain.isdecimal() else plain

"""Keep customers' addresses out of everything that is written: pseudonyms, and masked texts.

Inside, a customer whose id is an address or a name is known by a pseudonym: a keyed hash of the
id. The key (the salt) never leaves the private store, so nobody can find an address by hashing a
list of them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

#: What stands in the place of an address in texts.
MASK = "[address]"
#: A pseudonym has so many digits: with 80 bits, ten million customers share one by chance in one
#: of twenty billion shops.
_DIGITS = 20
_PSEUDONYM = re.compile(rf"c[0-9a-f]{{{_DIGITS}}}")
#: A generous pattern: what looks like an address is masked, whether a server would take it or not.
#: The last part of a domain has letters, so that "6@4.50" is none.
_ADDRESS = re.compile(
    r"(?:\"[^\"\n]{1,64}\"|[^\s<>()\[\]{},;|\"'=][^\s<>()\[\]{},;|\"=]*)[@\uff20](?:[^\s<>()\[\]{},;|\"'@]+\.)*"
    r"[^\s<>()\[\]{},;|\"'@.]*[^\W\d_][^\s<>()\[\]{},;|\"'@.]*"
)
_TELEPHONE = re.compile(r"\+\d[\d\s()/.-]{5,}")
_NAME_MARKS = set(" .,'’-\u00a0")


def mask_addresses(text: str) -> str:
    """Replace e-mail addresses in a text.

    Examples
    --------
    >>> mask_addresses("'Kim+shop@example.com' is 'kim@example.com'")
    "'[address]' is '[address]'"
    >>> mask_addresses('Box 6@4.50 for <b>"a b"@exämple.org</b>')
    'Box 6@4.50 for <b>[address]</b>'
    """
    if "@" not in text and "\uff20" not in text:
        return text
    return _ADDRESS.sub(MASK, text)


def is_personal(identity: str) -> bool:
    """Tell whether a customer's id is an address, a telephone number or a name.

    A word in capitals, or one with digits, is taken for a code.

    Examples
    --------
    >>> [is_personal(one) for one in ("kim@x.de", "Kim Lee", "Özil", "+49 170 1234567")]
    [True, True, True, True]
    >>> [is_personal(one) for one in ("17850", "VINET", "C-17", "0012001", "c01")]
    [False, False, False, False, False]
    """
    text = identity.strip()
    if re.search("[^@\uff20][@\uff20]", text):
        return True
    if _TELEPHONE.fullmatch(text):
        return True
    letters = "".join(c for c in unicodedata.normalize("NFC", text) if c not in _NAME_MARKS)
    if not letters.isalpha():
        return False
    return letters != text.rstrip(".") or (text.istitle() and len(text) > 1)


def pseudonym(identity: str, salt: bytes) -> str:
    """Return the name by which a customer is known inside: letters and digits.

    Case, accents apart from their letters, and spaces around do not matter.

    Examples
    --------
    >>> pseudonym("Kim@x.de ", b"salt") == pseudonym("kim@X.de", b"salt")
    True
    >>> pseudonym("kim@x.de", b"salt") == pseudonym("kim@x.de", b"pepper")
    False
    """
    plain = " ".join(unicodedata.normalize("NFC", identity).casefold().split())
    return "c" + hmac.new(salt, plain.encode(), hashlib.sha256).hexdigest()[:_DIGITS]


def is_pseudonym(text: str) -> bool:
    """Tell whether a text has the form of a pseudonym."""
    return bool(_PSEUDONYM.fullmatch(text))


def show_identity(value: str) -> str:
    """Return a customer's id as a message may show it."""
    if is_personal(value) or is_pseudonym(value):
        return "(a customer's name or address, not shown)"
    return repr(value)

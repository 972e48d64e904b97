"""Find the encoding of a text file, by evidence: which decoding gives words that people write.

A file that is valid UTF-8 is taken as UTF-8. Nearly every other file can be read in several code
pages, each of which gives other letters: what is Österreich in one is Цsterreich in another. So
each candidate is judged by the words that it makes of the file's bytes: by whether they are words
of the settings (a column's name, the home country), and by how usual their letters are beside
each other in the names of countries, languages, months and days, which Babel has in every
language.
"""

from __future__ import annotations

import codecs
import functools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

#: The languages whose words say which letters stand beside each other.
LANGUAGES = (
    *("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "is", "en"),
    *("pl", "cs", "sk", "hu", "sl", "hr", "ro", "lt", "lv", "et"),
    *("ru", "uk", "bg", "be", "mk", "sr", "el", "tr", "he", "ar"),
)
#: Words of languages in whose names an accent is rarer than elsewhere.
MORE_WORDS = {
    "it": "più già però così città perché caffè tè è età blu là né sarà giù metà tessuti qualità",
    "hu": "fűszer bőr győr tűz gyűrű fő kő hűtő erdő szűcs",
    "en": "café décor rosé crème fiancé",
}
#: So many different words are enough to tell.
ENOUGH = 400
#: How unusual a pair of letters can be: the logarithm of its share of all pairs; and how unusual
#: words may be on average before the text counts as unreadable.
UNKNOWN, UNREADABLE = -14.0, -10.5
#: So many characters are enough to say so.
FEW = 10
#: A word of the settings speaks for an encoding as much as so many usual pairs of letters.
KNOWN = 60.0
#: Each place further down the list of candidates counts against an encoding so much.
LATER = 0.7
#: Where the second best encoding is this close, both are possible.
CLOSE = 4.0
#: The same of a pair that a language's words do not have, though its letters are the language's;
#: and of a sign, such as a corner of a frame, beside a letter.
RARE, NEVER = -11.0, -20.0
#: How usual a sign of money is before or after a number, and a letter beside a digit.
MONEY, BESIDE_DIGIT = -4.0, -9.0
#: The alphabets that no word mixes.
SCRIPTS = {"LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC"}
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_HIGH = re.compile(rb"[\x80-\xff]+")
_NUMBER_END, _NUMBER_START = re.compile(rb"[0-9] $"), re.compile(rb" [0-9]")
_WORD_BYTES = re.compile(rb"[A-Za-z0-9\x80-\xff]")


@dataclass(frozen=True)
class Encoding:
    """An encoding, and why it was taken.

    Attributes
    ----------
    name
        What Python calls it.
    word
        A word of the file that shows it; empty where nothing had to be decided.
    other, other_word
        The next best encoding that reads this word in another way, and what it makes of it.
    sure
        Whether the evidence is clear.
    """

    name: str
    word: str = ""
    other: str = ""
    other_word: str = ""
    sure: bool = True


def encoding_shown(start: bytes) -> str:
    """Return the encoding that the beginning of a file shows: by its mark, or as UTF-16.

    Examples
    --------
    >>> encoding_shown("a;b".encode("utf-16"))
    'utf-16'
    >>> encoding_shown("Invoice;Date".encode("utf-16-le"))
    'utf-16-le'
    """
    for mark, name in _BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return name
    even, odd = start[: 2 * (len(start) // 2) : 2], start[1::2]
    if len(odd) >= 4:
        # Every other byte of a Latin text in UTF-16 is zero.
        if odd.count(0) > 0.8 * len(odd) and even.count(0) == 0:
            return "utf-16-le"
        if even.count(0) > 0.8 * len(even) and odd.count(0) == 0:
            return "utf-16-be"
    return ""


def fits(blocks: Iterable[bytes], encoding: str) -> bool:
    """Tell whether bytes can be decoded from beginning to end."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def high_words(blocks: Iterable[bytes]) -> list[bytes]:
    """Return different words that have a byte beyond ASCII, at most some `ENOUGH`."""
    words: dict[bytes, None] = {}
    for block in blocks:
        for found in _HIGH.finditer(block):
            start, end = found.span()
            while start > 0 and _WORD_BYTES.match(block, start - 1):
                start -= 1
            while end < len(block) and _WORD_BYTES.match(block, end):
                end += 1
            word = block[start:end]
            if len(word) == 1:
                # A sign alone can be one of money, with a space between it and its number.
                word = b"0 " * bool(_NUMBER_END.search(block[max(start - 2, 0) : start])) + word
                word += b" 0" * bool(_NUMBER_START.match(block, end))
            words[word] = None
            if len(words) >= ENOUGH:
                return [*words]
    return [*words]


def choose(
    words: Collection[bytes], encodings: Sequence[str], known: Collection[str] = ()
) -> Encoding | None:
    """Choose the encoding that makes most sense of a file's words; None where none does.

    Parameters
    ----------
    words
        From `high_words`.
    encodings
        The candidates, the more common first.
    known
        Words that the settings hold, in any case of letters.

    Examples
    --------
    >>> words = ["Österreich".encode("cp1252"), "Türkei".encode("cp1252")]
    >>> choose(words, ["cp1251", "cp1252"])
    Encoding(name='cp1252', word='Türkei', other='cp1251', other_word='Tьrkei', sure=True)
    """
    names = {part for name in known for part in _foreign_words(name)}
    found = []
    for place, encoding in enumerate(encodings):
        try:
            texts = [word.decode(encoding) for word in words]
        except UnicodeError:
            continue
        score, pairs = max(
            ((sum(_score(text, pairs) for text in texts), pairs) for pairs in _pairs()),
            key=lambda both: both[0],
        )
        marks = sum(character > "\x7f" for text in texts for character in text)
        if marks < FEW or score >= UNREADABLE * marks:
            evidence = score + KNOWN * sum(text.casefold() in names for text in texts)
            found.append(_Candidate(encoding, texts, evidence - LATER * place, pairs))
    if not found:
        return None
    found.sort(key=lambda candidate: -candidate.evidence)
    best = found[0]
    rivals = [candidate for candidate in found if candidate.texts != best.texts]
    if not rivals:
        return Encoding(best.name)
    second = rivals[0]
    mine, theirs = max(
        ((a, b) for a, b in zip(best.texts, second.texts, strict=True) if a != b),
        key=lambda two: _score(two[0], best.pairs) - _score(two[1], second.pairs),
    )
    return Encoding(best.name, mine, second.name, theirs, best.evidence - second.evidence > CLOSE)


@dataclass(frozen=True)
class _Candidate:
    name: str
    texts: list[str]
    evidence: float
    pairs: Mapping[str, float]


def _foreign_words(text: str) -> Iterator[str]:
    """Yield the words of a text that have a letter beyond ASCII, in small letters."""
    return (word for word in re.findall(r"\w+", text.casefold()) if not word.isascii())


def _score(text: str, pairs: Mapping[str, float]) -> float:
    """Return how usual a word is in a language: the sum over its characters beyond ASCII."""
    padded = f" {text} "
    mixed = _mixes_scripts(text)
    total = 0.0
    for place, character in enumerate(padded):
        if character <= "\x7f":
            continue
        before, after = padded[place - 1], padded[place + 1]
        number = _ends_in_digit(padded[:place]) or _ends_in_digit(padded[:place:-1])
        if not character.isalpha():
            total += _symbol(character, before, after, number)
        elif number and not (before.isalpha() or after.isalpha()):
            total += BESIDE_DIGIT
        elif mixed:
            total += UNKNOWN
        else:
            total += _pair(before, character, pairs) / 2 + _pair(character, after, pairs) / 2
    return total


@functools.lru_cache(maxsize=4096)
def _mixes_scripts(text: str) -> bool:
    """Tell whether a word has letters of two alphabets: a Latin word has no Cyrillic capital."""
    return any(
        len({_script(letter) for letter in word} & SCRIPTS) > 1
        for word in re.findall(r"[^\W\d_]+", text)
    )


@functools.cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _ends_in_digit(text: str) -> bool:
    return text.rstrip()[-1:].isdigit()


def _pair(first: str, second: str, pairs: Mapping[str, float]) -> float:
    """Return the logarithm of how often two letters stand beside each other."""
    if first.islower() and second.isupper():
        return UNKNOWN
    if first.isdigit() or second.isdigit():
        return BESIDE_DIGIT
    first, second = (c.lower() if c.isalpha() else " " for c in (first, second))
    usual = pairs.get(first + second)
    if usual is None:
        return RARE if first in pairs and second in pairs else UNKNOWN
    return usual


def _symbol(character: str, before: str, after: str, number: bool) -> float:
    """Return how usual a character is that is no letter."""
    kind = unicodedata.category(character)
    if kind == "Sc":
        if before.isalpha():
            return NEVER if after.isalpha() else UNKNOWN
        return MONEY if number else -7.0
    inside = before.isalpha() and after.isalpha()
    if inside and (character in "°№" or kind in ("Pi", "Pf")) and character != "’":
        return NEVER
    if character in "°º№" or kind in ("Pd", "Pi", "Pf", "Zs"):
        return -7.0
    if kind in ("So", "Sm", "Cc") and (before.isalpha() or after.isalpha()):
        return NEVER
    return UNKNOWN if before.isalpha() or after.isalpha() or kind == "Cc" else -11.0


@functools.cache
def _pairs() -> tuple[dict[str, float], ...]:
    """Return, language by language, the logarithm of each pair's share of all its pairs."""
    from babel import Locale  # only text in a code page needs it

    found = []
    for language in LANGUAGES:
        locale = Locale.parse(language)
        texts = [*locale.territories.values(), *locale.languages.values()]
        texts += [*locale.currencies.values(), *locale.scripts.values()]
        texts.append(MORE_WORDS.get(language, ""))
        for kind in ("format", "stand-alone"):
            texts += [*locale.months[kind]["wide"].values(), *locale.days[kind]["wide"].values()]
        pairs: Counter[str] = Counter()
        for text in texts:
            for word in re.findall(r"[^\W\d_]+", text.lower()):
                padded = f" {word} "
                pairs.update(padded[i : i + 2] for i in range(len(padded) - 1))
        total = sum(pairs.values())
        found.append(
            {pair: math.log(number / total) for pair, number in pairs.items()}
            | {letter: 0.0 for pair in pairs for letter in pair}
        )
    return tuple(found)

"""Find how a column of text writes its numbers, and read them.

Evidence are the shapes of a column's numbers, its digits but for 0 written as 9. Some shapes have
one reading: 12,50 has a decimal comma, 1.234.567 has points between thousands, 0.750 a decimal
point. Others have two: 38.500 is thirty-eight and a half, or a thousand times as much. These are
read as the others of their column, of their file, or of the other files are; or as the currency
allows; or not at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.types as ir

from analysis.core.assumptions import Said, state

#: Characters that stand for others: spaces between thousands, apostrophes, minus signs.
_ALIKE = str.maketrans({**dict.fromkeys("\u00a0\u202f\u2009\u2007\t", " "), "−": "-", "’": "'"})
_NUMBER = re.compile(
    r"(?P<open>\()?\s*(?P<sign>[-+])?\s*(?P<before>[^\W\d_]{1,4}\.?|[^\w\s.,'()+%-]{1,2})?\s*"
    r"(?P<inner>[-+])?\s*(?P<body>[.,]?\d[\d., ']*?)\s*(?P<last>-)?\s*"
    r"(?P<after>[^\W\d_]{1,4}\.?|[^\w\s.,'()+%-]{1,2})?\s*(?P<close>\))?"
)
#: What spreadsheets make of large numbers: 1.5E+05.
_SCIENTIFIC = re.compile(r"[-+]?\d([.,]\d+)?[eE][-+]\d{1,2}")
_SPACED = re.compile(r"\d{1,3}([ ']\d{3})+(?![\d])")
#: Currencies of which nobody writes hundredths; those whose countries only know decimal points; and
#: those that have thousandths. Signs and codes.
WHOLE = frozenset(
    (
        *("VND", "₫", "IDR", "RP", "CLP", "CLP$", "PYG", "₲", "GS"),
        *("ISK", "HUF", "FT", "UGX", "USH", "RWF", "XOF", "XAF", "CFA"),
        *("FCFA", "XPF", "KMF", "GNF", "BIF", "DJF", "VUV", "COP", "COL$"),
        *("CRC", "₡", "MMK", "LAK", "₭", "KHR", "៛", "IRR", "IQD"),
        *("UZS", "TZS", "TSH", "MGA", "AR", "AMD", "֏"),
    )
)
POINT = frozenset(("JPY", "¥", "円", "KRW", "₩", "TWD"))
THOUSANDTHS = frozenset(("KWD", "BHD", "BD", "OMR", "JOD", "JD", "TND", "DT", "LYD", "LD", "KD"))
#: A number of rows that nobody writes by chance.
SOME = 5

#: Above this share, numbers with the other decimal mark leave open what 1.234 is.
MIXED = 0.05

Kind = Literal["plain", "long", "decimal", "thousands", "either", "unreadable"]


@dataclass(frozen=True)
class Shape:
    """What one way of writing a number shows.

    `mark` is the point or comma in it (the last one), `kind` what it must be: a decimal mark, a
    mark between thousands, or either. ``long`` is a whole number of a thousand or more without any.
    """

    kind: Kind
    mark: str = ""
    affix: str = ""
    simple: bool = False
    zero: bool = False


@dataclass(frozen=True)
class NumberForm:
    """How a column writes its numbers.

    Attributes
    ----------
    decimal
        The decimal mark.
    simple
        Whether every value is a number as programs write it, so that nothing has to be taken away.
    affix
        A currency, or a unit, that stands before or behind numbers.
    both
        Whether some numbers have the other decimal mark, beyond doubt.
    """

    decimal: str = "."
    simple: bool = False
    affix: str = ""
    both: bool = False


@dataclass(frozen=True)
class NumberEvidence:
    """What the shapes of a column show: rows by kind and mark."""

    rows: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    examples: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    affixes: Counter[str] = field(default_factory=Counter)
    simple: bool = True
    #: Marks of numbers of both readings that end in 0.
    zeros: frozenset[str] = frozenset()

    def decimal(self) -> str:
        """Return the decimal mark that most rows have beyond doubt, or an empty text."""
        marks = {mark: self.for_decimal(mark) for mark in ".,"}
        return max(marks, key=lambda mark: marks[mark]) if any(marks.values()) else ""

    def for_decimal(self, mark: str) -> int:
        """Return the rows that show, beyond doubt, that a mark is the decimal one."""
        return self.rows["decimal", mark] + self.rows["thousands", other(mark)]

    @property
    def unclear(self) -> str:
        """Return the mark of numbers that have two readings, where no other number helps."""
        if self.decimal():
            return ""
        marks = [mark for mark in ".," if self.rows["either", mark]]
        return max(marks, key=lambda mark: self.rows["either", mark]) if marks else ""


def other(mark: str) -> str:
    """Return the comma for the point, and the point for the comma."""
    return "." if mark == "," else ","


def shape_of(text: str) -> Shape:
    """Return what a number shows, written with its digits or as a shape.

    Examples
    --------
    >>> [shape_of(text).kind for text in ("12,50", "1.234.567", "38.500", "0.750", "1 234", "x")]
    ['decimal', 'thousands', 'either', 'decimal', 'plain', 'unreadable']
    >>> shape_of("€ 1.234,50-")
    Shape(kind='decimal', mark=',', affix='€', simple=False, zero=False)
    """
    if found := _SCIENTIFIC.fullmatch(text):
        mark = found[1][0] if found[1] else ""
        return Shape("decimal" if mark else "plain", mark, "", mark != ",")
    found = _NUMBER.fullmatch(text.translate(_ALIKE))
    unreadable = Shape("unreadable")
    if not found or bool(found["open"]) != bool(found["close"]):
        return unreadable
    signs = [found[name] for name in ("open", "sign", "inner", "last") if found[name]]
    affixes = [found[name].rstrip(".") for name in ("before", "after") if found[name]]
    if len(signs) > 1 or len(affixes) > 1:
        return unreadable
    affix = affixes[0] if affixes else ""
    body = found["body"]
    if " " in body or "'" in body:
        grouped = _SPACED.match(body)
        if not grouped:
            return unreadable
        rest = body[grouped.end() :]
        if not re.fullmatch(r"([.,]\d*)?", rest):
            return unreadable
        return Shape("decimal" if len(rest) > 1 else "plain", rest[:1], affix)
    simple = bool(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", text))
    points, commas = body.count("."), body.count(",")
    if not points and not commas:
        return Shape("long" if len(body.lstrip("0")) > 3 else "plain", "", affix, simple)
    mark = body[max(body.rfind("."), body.rfind(","))]
    head, tail = body.rsplit(mark, 1)
    if points and commas:
        groups = _grouped(head, other(mark)) and mark not in head
        return Shape("decimal", mark, affix) if groups else unreadable
    if points + commas > 1:
        return Shape("thousands", mark, affix) if _grouped(body, mark) else unreadable
    if len(tail) == 3 and 1 <= len(head) <= 3 and not head.startswith("0"):
        return Shape("either", mark, affix, simple, zero=tail.endswith("0"))
    # A point and a zero are what programs write of whole numbers: they show nothing.
    shown = tail not in ("", "0")
    return Shape("decimal" if shown else "plain", mark, affix, simple)


def _grouped(body: str, mark: str) -> bool:
    """Tell whether a mark stands between thousands, or between hundreds as in India."""
    mark = re.escape(mark)
    pattern = rf"\d{{1,3}}({mark}\d{{3}})+|\d{{1,2}}({mark}\d{{2}})+{mark}\d{{3}}"
    return bool(re.fullmatch(pattern, body)) and not body.startswith("0")


def shapes_table(column: ir.StringValue) -> ir.Table:
    """Return a column's shapes: shape, rows, example."""
    # Equal texts first: there are few different prices.
    texts = column.as_table().rename(text=column.get_name())
    texts = texts.group_by("text").aggregate(rows=texts.count())
    shape = texts.text.translate("123456789", "999999999")
    return texts.group_by(shape=shape).aggregate(rows=texts.rows.sum(), example=texts.text.min())


def weigh(shapes: Iterable[tuple[str, int, str]]) -> NumberEvidence:
    """Add up what the shapes of a column show.

    Parameters
    ----------
    shapes
        Of each shape: the shape, its rows, and one number of it.
    """
    rows: Counter[tuple[Kind, str]] = Counter()
    examples: dict[tuple[Kind, str], str] = {}
    affixes: Counter[str] = Counter()
    simple, zeros = True, set()
    for text, number, example in shapes:
        shape = shape_of(text)
        key = (shape.kind, shape.mark)
        rows[key] += number
        examples.setdefault(key, example)
        affixes[shape.affix] += number
        simple = simple and shape.simple
        if shape.kind == "either" and shape.zero:
            zeros.add(shape.mark)
    return NumberEvidence(rows, examples, affixes, simple, frozenset(zeros))


def decide(
    evidence: NumberEvidence, elsewhere: Sequence[str], currency: str
) -> tuple[str, tuple[Said, ...]]:
    """Return a column's decimal mark, and why it is that; an empty text where nothing tells.

    Parameters
    ----------
    evidence
        Of the column.
    elsewhere
        The decimal marks that other columns of the file, then other files, have beyond doubt.
    currency
        The sign or code before amounts.

    Returns
    -------
    tuple
        The mark, and a sentence that says why; none where the numbers themselves leave no doubt.
    """
    if mark := evidence.decimal():
        minority = evidence.for_decimal(other(mark))
        either = evidence.rows["either", "."] + evidence.rows["either", ","]
        if either and minority > MIXED * evidence.for_decimal(mark):
            return "", ()
        return mark, ()
    mark = evidence.unclear
    if not mark:
        return (elsewhere[0] if elsewhere else "."), ()
    either, plain = evidence.rows["either", mark], evidence.rows["plain", ""]
    if not evidence.rows["long", ""] and plain >= SOME and mark in evidence.zeros:
        return other(mark), state(
            "assumed-notation.because-lengths",
            mark=mark_name(mark),
            below=f"{plain:,}",
            above=f"{either:,}",
        )
    if elsewhere:
        return elsewhere[0], state("assumed-notation.because-others", mark=mark_name(elsewhere[0]))
    sign, written = currency.strip().upper().rstrip("."), currency.strip()
    if sign in WHOLE:
        return other(mark), state("assumed-notation.because-whole", currency=written)
    if sign in POINT:
        return ".", state("assumed-notation.because-commas", currency=written)
    if sign in THOUSANDTHS:
        return mark, state("assumed-notation.because-thousandths", currency=written)
    return "", ()


def mark_name(mark: str) -> str:
    """Return what a mark is called."""
    return "comma" if mark == "," else "point"


def form_of(evidence: NumberEvidence, decimal: str) -> NumberForm:
    """Return how to read a column of which the decimal mark is known."""
    affixes = [affix for affix in evidence.affixes if affix]
    return NumberForm(
        decimal=decimal,
        simple=evidence.simple and decimal == ".",
        affix=affixes[0] if len(affixes) == 1 else "",
        both=bool(evidence.rows["decimal", other(decimal)]),
    )


def read_number(text: ir.StringValue, form: NumberForm) -> ir.FloatingValue:
    """Return texts as numbers, and null where one is not written as the form says."""
    if form.simple:
        return text.try_cast("float64")
    # One or two digits behind a space are no thousands.
    odd = text.re_search(r"\d[\s\x{00a0}\x{202f}\x{2009}\x{2007}'’](?:\d{1,2}(?:\D|$)|\d{4})")
    text = ibis.ifelse(odd, ibis.null("string"), text)
    plain = text.re_replace(r"[\s\x{00a0}\x{202f}\x{2009}\x{2007}'’]", "").replace("−", "-")
    if form.affix:
        plain = plain.replace(form.affix + ".", "").replace(form.affix, "")
    minus = plain.startswith("(") | plain.endswith("-") | plain.startswith("-")
    plain = plain.re_replace(r"^\((.*)\)$", r"\1").re_replace(r"^[-+]|-$", "")
    point, comma = form.decimal, other(form.decimal)
    whole = rf"\d+|\d{{1,3}}(?:[{comma}]\d{{3}})+|\d{{1,2}}(?:[{comma}]\d{{2}})+[{comma}]\d{{3}}"
    found = ibis.ifelse(
        plain.re_search(rf"^(?:(?:{whole})(?:[{point}]\d*)?|[{point}]\d+)$"),
        plain.replace(comma, "").replace(point, "."),
        ibis.null("string"),
    )
    if form.both:
        # One comma among decimal points, but not before three digits: it can only be one, too.
        odd = plain.re_search(rf"^(?:\d*[{comma}](?:\d{{1,2}}|\d{{4,}})|0+[{comma}]\d{{3}})$")
        found = ibis.ifelse(odd, plain.replace(comma, "."), found)
    power = ibis.ifelse(
        plain.re_search(rf"^\d([{point}]\d+)?[eE][-+]\d{{1,2}}$"),
        plain.replace(point, "."),
        ibis.null("string"),
    )
    number = ibis.coalesce(found, power).try_cast("float64")
    return ibis.ifelse(minus, -number, number)

"""Find how a column writes its dates, and read them.

Evidence are the shapes of a column's dates, with every digit as 9: which formats fit the shapes,
how many rows each of them reads, and whether the days that it gives lie in the past.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.types as ir

#: Languages whose names of months are known, beside English.
LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "ru", "uk")
#: Formats that are no pattern: numbers since some moment; their scale in microseconds, and how many
#: digits they have before the point.
SERIAL = "days since 1899-12-30"
NUMBERS = {
    SERIAL: (86_400_000_000, (5,)),
    "seconds since 1970": (1_000_000, (9, 10)),
    "milliseconds since 1970": (1_000, (12, 13)),
    "microseconds since 1970": (1, (15, 16)),
}
_PARTS = {
    "%Y": r"9{4}",
    "%y": r"99",
    **dict.fromkeys(("%d", "%m", "%H", "%I"), r"9{1,2}"),
    **dict.fromkeys(("%M", "%S"), r"99"),
    "%f": r"9{1,9}",
    "%p": r"[AaPp][Mm]",
    "%b": r"[A-Za-z]{3}",
    "%B": r"[A-Za-z]{3,9}",
    "%a": r"[A-Za-z]{3}",
    "%A": r"[A-Za-z]{6,9}",
    "%j": r"9{1,3}",
}
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p")
_ZONE = r"(:\d{2}(?:[.,]\d+)?)\s*(?:Z|z|UTC|GMT|[A-Z]{3,4}|[+-]\d{2}(?::?\d{2})?)$"
Order = Literal["year first", "short year first", "day first", "month first", ""]
#: Orders that one date can be read in.
ALIKE = {"short year first", "day first", "month first"}


@ibis.udf.scalar.builtin
def try_strptime(text: str, form: str) -> dt.datetime:  # type: ignore[empty-body]
    """Read a date, or give null where the text does not fit the format (DuckDB's own)."""


@dataclass(frozen=True)
class DateForm:
    """How a column writes its dates.

    Attributes
    ----------
    formats
        The formats, or names of `NUMBERS`; the first reads most rows.
    zone
        Whether an offset or a zone stands behind the time; the local time is kept.
    words
        Word of the column -> the month in English, or nothing, where months have names.
    """

    formats: tuple[str, ...] = ()
    zone: bool = False
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DateEvidence:
    """What the dates of a column show.

    `forms` are those that read most rows; where there are several, the dates they give differ.
    `rows` are those of each format that is used, `swapped` is set where a spreadsheet may have
    turned day and month round.
    """

    forms: tuple[DateForm, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    swapped: Literal["", "undone", "unclear"] = ""
    example: str = ""


def order_of(form: str) -> Order:
    """Return what comes first in a format.

    Examples
    --------
    >>> [order_of(form) for form in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y", "%d-%b-%Y")]
    ['year first', 'day first', 'month first', '']
    >>> order_of("%y/%m/%d")
    'short year first'
    """
    found = re.findall(r"%[YymdbB]", form)
    if {"%b", "%B"} & set(found) or len(found) < 3:
        return ""
    first: dict[str, Order] = {
        "%d": "day first",
        "%m": "month first",
        "%y": "short year first",
    }
    return first.get(found[0], "year first")


def without_zone(form: str) -> str:
    """Return a format without the offset, which is taken off the texts."""
    return re.sub(r"\s*%[zZ]", "", form).replace("%-", "%")


@functools.cache
def known_formats() -> tuple[str, ...]:
    """Return the formats that are tried where those of the settings do not fit."""
    dates = [f"%Y{m}%m{m}%d" for m in "-/."]
    dates += [f"%d{m}%m{m}%{y}" for m in "./-" for y in "Yy"]
    dates += [f"%m{m}%d{m}%{y}" for m in "/-" for y in "Yy"]
    dates += [f"%y{m}%m{m}%d" for m in "/-."]
    dates += ["%Y年%m月%d日", "%Y년 %m월 %d일"]
    dates += ["%d %b %Y", "%b %d %Y", "%Y %b %d", "%d %b %y", "%b %d %y"]
    times = [*_TIMES, *(time.replace(" ", "T", 1) for time in _TIMES[1:4])]
    compact = ["%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%S", "%Y%m%d %H:%M"]
    return (*(date + time for date in dates for time in times), *compact)


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = _PARTS
    if re.search(r"%[YymdH]%[YymdHM]", form):
        # Without anything between them, all parts have their full width.
        parts = _PARTS | dict.fromkeys(("%d", "%m", "%H"), "99")
    pieces = re.split(r"(%.)", form)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces))


def fits(form: str, shape: str) -> bool:
    """Tell whether a format can read dates of a shape.

    Examples
    --------
    >>> fits("%d/%m/%Y %H:%M", "9/99/9999 99:99"), fits("%d/%m/%Y", "9/9/99")
    (True, False)
    """
    return bool(_pattern(form).fullmatch(shape))


@functools.cache
def _months() -> dict[str, str]:
    """Return the names of months in many languages, with the English ones of three letters."""
    from babel import Locale  # only months with names need it

    english = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    found: dict[str, str] = {}
    for language in ("en", *LANGUAGES):
        for form in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in Locale.parse(language).months[form][width].items():
                    found.setdefault(name.casefold().rstrip("."), english[number - 1])
    return found | {"sept": "Sep", "mrz": "Mar"}


def month_words(shapes: Sequence[str]) -> dict[str, str]:
    """Return the words of some shapes, with the month that each names, or nothing."""
    words = {word for shape in shapes for word in re.findall(r"[^\W\d_]{2,}", shape)}
    words = {word for word in words if word.casefold() not in ("am", "pm")}
    months = _months() if any(len(word) > 2 for word in words) else {}
    found = {word: months.get(word.casefold(), "") for word in words}
    return found if any(found.values()) else {}


def plain_date(column: ir.StringValue, form: DateForm) -> ir.StringValue:
    """Return dates without their zone, and with months in English."""
    text = column
    if form.zone:
        text = text.re_replace(_ZONE, r"\1")
    if form.words:
        for word in sorted(form.words, key=len, reverse=True):
            text = text.re_replace(rf"(?i)\b{re.escape(word)}\b", f" {form.words[word]} ")
        text = text.re_replace(r"(\d)(?:st|nd|rd|th)\b", r"\1")
        text = text.re_replace(r"[^0-9A-Za-z:]+", " ").strip()
    return text


def read_date(column: ir.StringValue, form: DateForm) -> ir.TimestampValue:
    """Return texts as moments, and null where one is not written as the form says."""
    if not form.formats:
        return ibis.null("timestamp")
    text = plain_date(column, form)
    # A year of two digits comes first: a format with four would take it for one of antiquity.
    formats = sorted(form.formats, key=lambda one: "%y" not in one)
    read = [
        _since(text, one) if one in NUMBERS else try_strptime(text, one).cast("timestamp")
        for one in formats
    ]
    return read[0] if len(read) == 1 else ibis.coalesce(*read)


def _since(text: ir.StringValue, name: str) -> ir.TimestampValue:
    """Return numbers since some moment as moments, to the second for days."""
    scale, digits = NUMBERS[name]
    number = text.try_cast("float64")
    right = text.re_search(rf"^\d{{{min(digits)},{max(digits)}}}(?:\.\d+)?$")
    if name == SERIAL:
        seconds = (number * 86_400).round().cast("int64") - 25_569 * 86_400
        micros = seconds * 1_000_000
    else:
        micros = (number * scale).cast("int64")
    moment = (micros / 1_000_000).cast("float64")
    return ibis.ifelse(right, _moment(moment), ibis.null("timestamp"))


@ibis.udf.scalar.builtin(name="make_timestamp")
def _make_timestamp(micros: int) -> dt.datetime:  # type: ignore[empty-body]
    """Return a moment from microseconds since 1970 (DuckDB's own)."""


def _moment(seconds: ir.FloatingValue) -> ir.TimestampValue:
    return _make_timestamp((seconds * 1_000_000).cast("int64")).cast("timestamp")


def weigh_dates(
    column: ir.StringValue, wanted: Sequence[str], earliest: dt.date, latest: dt.date
) -> DateEvidence:
    """See how a column of texts writes its dates.

    Parameters
    ----------
    column
        Dates as texts, or numbers as texts.
    wanted
        The formats of the settings: where one of them fits, no other is tried.
    earliest, latest
        The days between which dates are expected.
    """
    texts = column.as_table().rename(text=column.get_name())
    texts = texts.group_by("text").aggregate(rows=texts.count()).filter(ibis._.text.notnull())
    shape = texts.text.translate("0123456789", "9999999999")
    table = texts.group_by(shape=shape).aggregate(
        rows=texts.rows.sum(), distinct=texts.count(), example=texts.text.min()
    )
    shapes = table.order_by(ibis.desc("rows"), "shape").limit(400).execute()
    if shapes.empty:
        return DateEvidence()
    zone = any(re.search(_ZONE.replace(r"\d", "9"), shape) for shape in shapes["shape"])
    cut = {
        shape: re.sub(_ZONE.replace(r"\d", "9"), r"\1", shape) if zone else shape
        for shape in shapes["shape"]
    }
    formats = [without_zone(form) for form in wanted]
    listed = {shape for shape in cut if any(fits(form, cut[shape]) for form in formats)}
    words = month_words([cut[shape] for shape in cut if shape not in listed])
    if words and not listed:
        form = DateForm(zone=zone, words=words)
        plain = ibis.memtable({"text": list(cut.values())})
        changed = plain.select(text=plain_date(plain.text, form)).execute()["text"]
        cut = dict(zip(cut, changed, strict=True))
    else:
        words = {}
    candidates: dict[str, None] = {}
    for text in cut.values():
        mine = [form for form in formats if fits(form, text)]
        mine = mine or [form for form in known_formats() if fits(form, text)]
        mine += [] if mine else [name for name in NUMBERS if _is_number(text, name)]
        candidates |= dict.fromkeys(mine)
    if not candidates:
        return DateEvidence(total=int(shapes["rows"].sum()))
    return _choose(
        texts,
        [*candidates],
        DateForm(zone=zone, words=words),
        earliest,
        latest,
        shapes["rows"].sum(),
    )


def _is_number(shape: str, name: str) -> bool:
    digits = NUMBERS[name][1]
    return bool(re.fullmatch(rf"9{{{min(digits)},{max(digits)}}}(\.9+)?", shape))


def _choose(
    texts: ir.Table,
    candidates: Sequence[str],
    form: DateForm,
    earliest: dt.date,
    latest: dt.date,
    total: int,
) -> DateEvidence:
    """Choose among the formats that fit: those of one order, and all that have no other."""
    read = {one: read_date(texts.text, _with(form, (one,))) for one in candidates}
    first, last = ibis.timestamp(f"{earliest}"), ibis.timestamp(f"{latest}")
    sound = {one: (moment >= first) & (moment < last) for one, moment in read.items()}
    asked = {}
    for number, (one, moment) in enumerate(read.items()):
        asked[f"all{number}"] = texts.rows.sum(where=moment.notnull()).fill_null(0)
        asked[f"sound{number}"] = texts.rows.sum(where=sound[one]).fill_null(0)
        asked[f"days{number}"] = texts.text.left(10).nunique(where=moment.notnull())
        asked[f"low{number}"] = moment.day().min()
        asked[f"high{number}"] = moment.day().max()
        asked[f"years{number}"] = moment.year().nunique()
    found = texts.aggregate(**asked).execute().iloc[0]
    rows = {one: int(found[f"all{n}"]) for n, one in enumerate(candidates)}
    good = {one: int(found[f"sound{n}"]) for n, one in enumerate(candidates)}
    used = [one for one in candidates if rows[one]]
    orders = ALIKE & {order_of(one) for one in used}
    if len(orders) < 2:
        options = [used]
    else:
        options = [
            [one for one in used if order_of(one) not in orders - {o}] for o in sorted(orders)
        ]
        reads = [sum(good[one] for one in option) for option in options]
        options = [o for o, number in zip(options, reads, strict=True) if number == max(reads)]
        years = {one: int(found[f"years{n}"]) for n, one in enumerate(candidates)}
        options = _with_fewest_years(options, years)
    forms = []
    for option in options:
        # Dates that cannot be read soundly in any format are read as they stand, and refused.
        kept = sorted([one for one in option if good[one]] or option, key=lambda one: -rows[one])
        forms.append(_with(form, tuple(kept)))
    forms = _distinct(texts, forms)
    place = {one: n for n, one in enumerate(candidates)}
    iso = [one for one in forms[0].formats if one.startswith("%Y-%m-%d")] if forms else []
    text = [one for one in forms[0].formats if order_of(one) in ("day first", "month first")]
    swapped: Literal["", "undone", "unclear"] = ""
    if iso and text and len(forms) == 1:
        early = all(found[f"high{place[one]}"] <= 12 for one in iso)
        late = all(found[f"low{place[one]}"] > 12 for one in text)
        if early and late:
            days = [sum(int(found[f"days{place[o]}"]) for o in some) for some in (iso, text)]
            chance = (12 / 31) ** days[0] * (19 / 31) ** days[1]
            swapped = "undone" if chance < 1e-4 and min(days) >= SOME_DAYS else "unclear"
            if swapped == "undone":
                turned = {one: one.replace("%Y-%m-%d", "%Y-%d-%m") for one in iso}
                forms = [_with(form, tuple(turned.get(one, one) for one in forms[0].formats))]
                rows |= {turned[one]: rows[one] for one in iso}
    example = texts.aggregate(example=texts.text.min()).execute().iloc[0, 0]
    return DateEvidence(tuple(forms), rows, int(total), swapped, str(example))


def _with_fewest_years(options: list[list[str]], years: Mapping[str, int]) -> list[list[str]]:
    """Leave a short year first where it gives fewer years than others, and take it out elsewhere.

    Days that are taken for years give as many years as a month has days.
    """
    short = [o for o in options if any(order_of(one) == "short year first" for one in o)]
    others = [option for option in options if option not in short]
    if not short or not others:
        return options

    def most(option: list[str]) -> int:
        return max(years[one] for one in option)

    return short if most(short[0]) < min(map(most, others)) else others


#: So many different days of each kind are enough to say that a spreadsheet swapped them.
SOME_DAYS = 3


def _with(form: DateForm, formats: tuple[str, ...]) -> DateForm:
    return DateForm(formats, form.zone, form.words)


def _distinct(texts: ir.Table, forms: list[DateForm]) -> list[DateForm]:
    """Return the first of some forms, and those of the others that give other dates."""
    if len(forms) < 2:
        return forms
    first, *others = forms
    ours = read_date(texts.text, first)
    differ = {f"d{n}": (read_date(texts.text, o) != ours).any() for n, o in enumerate(others)}
    found = texts.aggregate(**differ).execute().iloc[0]
    return [first, *(form for n, form in enumerate(others) if found[f"d{n}"])]

"""Format numbers, money, dates and lists as text, the same way everywhere."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from babel.lists import format_list

if TYPE_CHECKING:  # pages use this module, and load no table library
    import pandas as pd

#: British English: day before month, and no comma before the last of a list.
LOCALE = "en_GB"
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def count(number: float, one: str = "", many: str = "") -> str:
    """Write a count, with its noun if there is one.

    Examples
    --------
    >>> count(1300, "customer"), count(1, "customer"), count(2, "country", "countries")
    ('1,300 customers', '1 customer', '2 countries')
    """
    text = f"{number:,.0f}"
    if not one:
        return text
    return f"{text} {one}" if text == "1" else f"{text} {many or one + 's'}"


def median_text(number: float) -> str:
    """Write a median of counts: whole where it is.

    Examples
    --------
    >>> median_text(2.0), median_text(2.5), median_text(1234.0)
    ('2', '2.5', '1,234')
    """
    return f"{number:,.1f}".removesuffix(".0")


def number_text(value: float) -> str:
    """Return a number with three figures at most before it is rounded to whole ones.

    Examples
    --------
    >>> number_text(4957.5), number_text(0.2449), number_text(13.0)
    ('4,958', '0.245', '13')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def money(amount: float, currency: str) -> str:
    """Write an amount as a person would say it.

    Examples
    --------
    >>> money(8351392.07, "£"), money(-64300, "£"), money(12.5, "£"), money(443.2, "₽")
    ('£8.35 million', '-£64,300', '£12.50', '₽443')
    """
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    if size >= 999_950_000:
        text = f"{size / 1e9:.2f} billion"
    elif size >= 999_950:
        text = f"{size / 1e6:.2f} million"
    else:
        text = f"{size:,.0f}" if size >= 100 or size == 0 else f"{size:,.2f}"
    return f"{sign}{currency}{text}"


def whole_money(amount: float, currency: str) -> str:
    """Write an amount without pence, unless it is small.

    Examples
    --------
    >>> whole_money(90.43, "£"), whole_money(8.5, "£"), whole_money(1234.5, "£")
    ('£90', '£8.50', '£1,234')
    """
    return money(amount if abs(amount) < 10 else round(amount), currency).removesuffix(".00")


def without_full_stop(text: object) -> str:
    """Return a text without its full stop, where a template sets one.

    Examples
    --------
    >>> without_full_stop("Call each one. ")
    'Call each one'
    """
    return str(text).strip().removesuffix(".")


def estimate(amount: float, currency: str) -> str:
    """Write an estimated amount with two figures, and pence where it has any.

    Examples
    --------
    >>> estimate(1183201, "£"), estimate(1321.4, "£"), estimate(-0.0364, ""), estimate(0, "£")
    ('£1.2 million', '£1,300', '−0.036', '£0')
    >>> estimate(9.8, "£"), estimate(9.8, ""), estimate(2.0, "£"), estimate(-0.21, "£")
    ('£9.80', '9.8', '£2', '−£0.21')
    """
    if not amount:
        return f"{currency}0"
    rounded = float(f"{amount:.2g}")
    if abs(rounded) < 10:
        text = f"{abs(rounded):.2g}"
        pence = "0" if currency and text[-2:-1] == "." else ""
        return minus(f"{'-' * int(rounded < 0)}{currency}{text}{pence}")
    if abs(rounded) < 999_950:
        return minus(f"{'-' * int(rounded < 0)}{currency}{abs(rounded):,.0f}")
    return minus(money(rounded, currency).replace("0 million", " million"))


def short_money(amount: float, currency: str) -> str:
    """Write an amount for an axis.

    Examples
    --------
    >>> short_money(1136534, "£"), short_money(250000, "£"), short_money(0, "£")
    ('£1.1m', '£250k', '£0')
    """
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    for unit, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if size >= unit:
            return f"{sign}{currency}{f'{size / unit:.1f}'.removesuffix('.0')}{letter}"
    return f"{sign}{currency}{size:,.0f}"


def _is_missing(value: Any) -> bool:
    """Tell whether a cell of a table has no value."""
    import pandas as pd

    return bool(pd.isna(value))


def percent(share: float, digits: int = 0) -> str:
    """Write a share; one that rounds to nothing, or to everything, says so.

    A negative one has a minus, unless it rounds to nothing.

    Examples
    --------
    >>> percent(0.746, 1), percent(0.0004), percent(0), percent(0.9997), percent(-0.0351, 1)
    ('74.6%', 'under 1%', '0%', 'over 99%', '−3.5%')
    """
    if _is_missing(share):
        return "not known"
    minimum = 10.0**-digits
    value = share * 100
    if 0 < value < minimum / 2:
        return f"under {minimum:.{digits}f}%"
    if 100 - minimum / 2 < value < 100:
        return f"over {100 - minimum:.{digits}f}%"
    return f"{minus(f'{value:.{digits}f}')}%"


def month(date: pd.Timestamp) -> str:
    """Write a month.

    Examples
    --------
    >>> import pandas as pd
    >>> month(pd.Timestamp("2011-11-01"))
    'November 2011'
    """
    return f"{date:%B %Y}"


def day(date: dt.date) -> str:
    """Write a date.

    Examples
    --------
    >>> import pandas as pd
    >>> day(pd.Timestamp("2011-12-09"))
    '9 December 2011'
    """
    return f"{date.day} {date:%B %Y}"


def deadline(start: dt.date | None, days: int) -> str:
    """Write by when something is due; without a day to count from, within how many days.

    Examples
    --------
    >>> deadline(dt.date(2026, 1, 1), 30), deadline(None, 14)
    ('by 31 January 2026', 'within 14 days')
    """
    if start is None:
        return f"within {count(days, 'day')}"
    return f"by {day(start + dt.timedelta(days=days))}"


def months(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Write a span of months.

    Examples
    --------
    >>> import pandas as pd
    >>> months(pd.Timestamp("2011-09-01"), pd.Timestamp("2011-11-01"))
    'September to November 2011'
    >>> months(pd.Timestamp("2010-12-01"), pd.Timestamp("2011-02-01"))
    'December 2010 to February 2011'
    """
    if first == last:
        return month(first)
    start = f"{first:%B}" if first.year == last.year else month(first)
    return f"{start} to {month(last)}"


def change(now: float, before: float) -> str:
    """Write how a number moved.

    Examples
    --------
    >>> change(150, 100), change(80, 100), change(100.2, 100), change(5, 0)
    ('up 50%', 'down 20%', 'unchanged', 'up from nothing')
    """
    if _is_missing(now) or _is_missing(before):
        return "not known"
    if not before:
        return "up from nothing" if now else "unchanged"
    ratio = now / before - 1
    if abs(ratio) < 0.005:
        return "unchanged"
    return f"{'up' if ratio > 0 else 'down'} {abs(ratio):.0%}"


def points(now: float, before: float) -> str:
    """Write how a share moved, in percentage points.

    Examples
    --------
    >>> points(0.027, 0.025), points(0.1, 0.12), points(0.1, 0.1)
    ('up 0.2 points', 'down 2.0 points', 'unchanged')
    """
    if _is_missing(now) or _is_missing(before):
        return "not known"
    moved = (now - before) * 100
    if abs(moved) < 0.05:
        return "unchanged"
    return f"{'up' if moved > 0 else 'down'} {abs(moved):.1f} points"


def place_name(country: str) -> str:
    """Return the name of a country as it stands in a sentence.

    Examples
    --------
    >>> place_name("United Kingdom"), place_name("Netherlands"), place_name("Germany")
    ('the United Kingdom', 'the Netherlands', 'Germany')
    """
    with_article = re.match(r"(United|Netherlands|USA|Philippines|Bahamas|Maldives)\b", country)
    ends = country.endswith((" Republic", " Islands", " Emirates", " Federation"))
    return f"the {country}" if with_article or ends else country


def bare_points(share: float) -> str:
    """Write an uplift in percentage points, where the text around it names the unit.

    Examples
    --------
    >>> bare_points(0.015), bare_points(0.0025), bare_points(0.01), bare_points(0.0)
    ('1.5', '0.25', '1', '0')
    """
    value = share * 100
    digits = 2 if abs(value) < 1 else 1
    return minus(f"{value:.{digits}f}".rstrip("0").rstrip("."))


def join_words(words: Sequence[str], joint: Literal["and", "or"] = "and") -> str:
    """Write a list.

    Examples
    --------
    >>> join_words(["a"]), join_words(["a", "b"]), join_words(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    >>> join_words(["a", "b"], "or"), join_words(["high, low", "low, low"])
    ('a or b', 'high, low; and low, low')
    """
    if len(words) > 1 and any(", " in word for word in words):
        return f"{'; '.join(words[:-1])}; {joint} {words[-1]}"
    return format_list(words, style="standard" if joint == "and" else "or", locale=LOCALE)


def shorten(text: object, longest: int = 40) -> str:
    """Cut a text from the data to one printable line that fits a sentence or a label.

    Examples
    --------
    >>> shorten("WHITE HANGING HEART T-LIGHT HOLDER", 20), shorten(" ")
    ('WHITE HANGING HEART…', '(no name)')
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    if not line:
        return "(no name)"
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def labels(names: Sequence[object], longest: int = 40, endings: Sequence[str] = ()) -> list[str]:
    """Return labels for an axis, in one line each; names cut to the same text stay apart.

    Examples
    --------
    >>> labels(["MUG", "MUG", "CUP"], endings=[" (1)", " (1)", " (2)"])
    ['MUG (1)', 'MUG (1) [2]', 'CUP (2)']
    """
    made: list[str] = []
    for name, tail in zip(names, endings or [""] * len(names), strict=True):
        label = shorten(name, longest) + tail
        same = sum(other.startswith(label) for other in made)
        made.append(f"{label} [{same + 1}]" if label in made else label)
    return made


def top_row(table: pd.DataFrame, column: str) -> pd.Series:
    """Return the (first) row with the highest value of a column, for a sentence about it."""
    return table.iloc[int(table[column].astype(float).to_numpy().argmax())]


def amount(value: float, unit: str = "") -> str:
    """Return a profit with its unit.

    Examples
    --------
    >>> amount(1234.4, "units"), amount(-3.52, "units"), amount(12.0)
    ('1,234 units', '−3.5 units', '12')
    """
    if _is_missing(value):
        return "not known"
    text = f"{value:,.{_digits(value)}f}"
    return f"{minus(text)} {unit}".strip()


def _digits(value: float) -> int:
    return 0 if abs(value) >= 10 or value == 0 else 1


def difference(more: float, less: float) -> float:
    """Return a difference as it follows from both numbers as `amount` writes them.

    Examples
    --------
    >>> amount(320.4), amount(306.6), amount(difference(320.4, 306.6))
    ('320', '307', '13')
    """
    return round(round(more, _digits(more)) - round(less, _digits(less)), 1)


def capital(text: str) -> str:
    """Return a text as it begins a sentence."""
    return text[:1].upper() + text[1:]


def minus(text: str) -> str:
    """Write a minus as long as a plus; what rounds to nothing has no sign."""
    bare = text.lstrip("+-")
    return text.replace("-", "−") if bare.strip("0.,") else bare


def score(value: float) -> str:
    """Return a score with three digits."""
    return "not known" if _is_missing(value) else minus(f"{value:.3f}")


def signed_number(value: float) -> str:
    """Return a difference with its sign.

    Examples
    --------
    >>> signed_number(0.0136), signed_number(-0.778), signed_number(-0.0001)
    ('+0.014', '−0.778', '0.000')
    """
    return minus(f"{value:+.3f}")


def share_of_hundred(share: float) -> str:
    """Return a share as a number out of a hundred, cut to what is possible."""
    return percent(min(max(float(share), 0.0), 1.0)).removesuffix("%")

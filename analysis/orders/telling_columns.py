"""Find columns that say what a line means by their values: a status, a flag, a currency."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from analysis.core.assumptions import Assumption, state
from analysis.core.settings import TransactionSettings
from analysis.orders.canonical import Reading
from analysis.orders.columns import unread_columns

#: So many rows, and no more different values than this, show what a column holds.
ROWS, VALUES = 50_000, 30
#: A column is a status if so many of its rows have a word that the settings list.
KNOWN = 0.9
#: In these languages signs of currencies are known.
SPOKEN = (
    *("en", "en_CA", "en_AU", "de", "de_CH", "fr", "es", "pt", "it", "nl", "sv", "da", "nb", "fi"),
    *("pl", "cs", "hu", "tr", "ru", "uk", "ja", "zh", "ko", "hi", "id", "vi", "ar"),
)
#: Names of columns that say, line by line, whether it was cancelled, came back, or was a test.
_CANCELLED = re.compile(r"cancel|storn|void|annul|отмен|anulad")
_RETURNED = re.compile(r"return|refund|retour|rückgabe|возврат|devol|rembours|reembols|rimbors")
_TEST = re.compile(r"(?:^|is|[^a-zа-я])test(?:$|[^a-zа-я]|orders?$)|^тест")
_SET = {"1", "true", "t", "yes", "y", "ja", "j", "oui", "si", "sí", "да", "x", "✓"}
_NOT_SET = {"0", "false", "f", "no", "n", "nein", "non", "нет", "", "-"}
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*")


def plain_word(text: str) -> str:
    """Return a word as it is compared: without case, spaces and punctuation.

    Examples
    --------
    >>> plain_word("Walk-in customer"), plain_word("-1"), plain_word("N/A"), plain_word("000")
    ('walkincustomer', '-1', 'na', '0')
    """
    if re.fullmatch(r"[-+]?\d+", text.strip()):
        return re.sub(r"^([-+]?)0+(?=\d)", r"\1", text.strip())
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def find_by_values(reading: Reading, settings: TransactionSettings) -> Reading:
    """Add the columns to a reading that its values show to be a status, a flag or a currency.

    A column that the settings name is taken without a look, and where their list of names is
    empty none is looked for.
    """
    columns = unread_columns(reading.part.columns, reading.names)
    seen = {name: found for name in columns if (found := _values(reading.table[name])) is not None}
    told = list(reading.assumptions)
    names = dict(reading.names)
    assume = functools.partial(Assumption, "columns", source=reading.part.source)
    if "currency_code" not in names and settings.columns.get("currency_code"):
        for name, values in seen.items():
            if _are_currencies(values):
                names["currency_code"] = name
                told.append(assume(state("assumed-files.currencies"), column=name))
                break
    if "status" not in names and settings.columns.get("status"):
        for name, values in seen.items():
            if name not in names.values() and _are_statuses(values, settings):
                names["status"] = name
                told.append(assume(state("assumed-files.statuses"), column=name))
                break
    table = reading.table
    if settings.columns.get("status"):
        for name in [name for name in columns if name not in names.values()]:
            if flag := _flag(name, table[name], seen.get(name)):
                word, is_set = flag
                text = ibis.ifelse(is_set, word, ibis.null("string"))
                into = names.setdefault("status", name)
                if into != name:
                    text = ibis.coalesce(text, table[into].cast("string"))
                table = table.mutate(**{into: text})
                told.append(assume(state("assumed-files.flag", status=repr(word)), column=name))
    return replace(reading, table=table, names=names, assumptions=tuple(told))


def _values(column: ir.Column) -> Mapping[str, int] | None:
    """Return the values of the first rows with their numbers; None where they are many."""
    if not (column.type().is_string() or column.type().is_boolean() or column.type().is_integer()):
        return None
    some = column.as_table().rename(value=column.get_name()).limit(ROWS)
    some = some.mutate(value=some.value.cast("string").strip().fill_null(""))
    found = some.group_by("value").aggregate(rows=some.count()).limit(VALUES + 1).execute()
    if len(found) > VALUES:
        return None
    return dict(zip(found["value"], found["rows"], strict=True))


@functools.cache
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies  # only unread_columns columns need it

    return frozenset(list_currencies()) | {"€", "£", "$", "¥", "₽", "₹", "₴", "₺"}


def is_currency(text: str) -> bool:
    """Tell whether a text is the code or the sign of a currency."""
    return text.upper() in _currencies()


def is_sign_of(sign: str, currency: str) -> bool:
    """Tell whether a sign may stand for a currency: by its code, or its sign in some language.

    Examples
    --------
    >>> is_sign_of("€", "EUR"), is_sign_of("kr", "SEK"), is_sign_of("£", "EUR")
    (True, True, False)
    """
    from babel import Locale  # only files that name their currency need it

    signs = {str(Locale.parse(one).currency_symbols.get(currency, "")) for one in SPOKEN}
    known = {currency, *signs} - {""}
    given = sign.strip().upper().rstrip(".")
    unlike_others = {one for one in known if one in "€£¥₽₹" and one in given}
    return bool(unlike_others) or given in {one.upper().rstrip(".") for one in known}


def _are_currencies(values: Collection[str]) -> bool:
    """Tell whether all values are codes or signs of currencies."""
    given = {value.upper() for value in values if value}
    return bool(given) and given <= _currencies()


def status_words(settings: TransactionSettings) -> tuple[set[str], set[str], set[str]]:
    """Return the words of no sale, of refunds (which are no sales), and of sales, as compared."""
    refund = {plain_word(one) for one in settings.refund_statuses}
    out = {plain_word(one) for one in settings.no_sale_statuses} | refund
    return out, refund, {plain_word(one) for one in settings.sale_statuses} - out


def _are_statuses(values: Mapping[str, int], settings: TransactionSettings) -> bool:
    """Tell whether values are statuses, of which one says that there is no sale."""
    out, _, sale = status_words(settings)
    words = {value: plain_word(value) for value in values if value}
    rows = sum(values[value] for value in words)
    known = sum(values[value] for value, word in words.items() if word in out | sale)
    some = {word for word in words.values() if word in out}
    return bool(some) and len(words) > 1 and known >= KNOWN * rows


def _flag(
    name: str, column: ir.Column, values: Mapping[str, int] | None
) -> tuple[str, ir.BooleanValue] | None:
    """Return what a column marks, and on which lines; None where it is no flag."""
    plain = name.casefold()
    kinds = {"cancelled": _CANCELLED, "returned": _RETURNED, "test": _TEST}
    word = next((word for word, names in kinds.items() if names.search(plain)), "")
    if not word:
        return None
    if column.type().is_temporal():
        return word, column.notnull()
    text = column.cast("string").strip().fill_null("").lower()
    if values is not None:
        given = {value.casefold() for value in values}
        if given <= _SET | _NOT_SET and given & _SET and given & _NOT_SET:
            return word, text.isin(sorted(_SET))
    if not column.type().is_string():
        return None
    some = column.as_table().rename(value=name).limit(ROWS)
    blank = some.value.strip().fill_null("") == ""
    found = some.aggregate(
        blank=blank.sum(),
        dates=(~blank & some.value.strip().re_search(rf"^{_DATE.pattern}$")).sum(),
        rows=some.count(),
    )
    row = found.execute().iloc[0]
    if row["blank"] and row["dates"] and row["blank"] + row["dates"] == row["rows"]:
        return word, text != ""
    return None


def refund_columns(reading: Reading) -> Sequence[str]:
    """Return the unread columns of numbers whose names speak of refunds, or of what came back."""
    return [
        name
        for name in unread_columns(reading.part.columns, reading.names)
        if _RETURNED.search(name.casefold())
        and (reading.table[name].type().is_numeric() or reading.table[name].type().is_string())
    ]

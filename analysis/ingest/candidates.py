"""Find which columns of an unknown file could be the date, the customer, the money and so on.

A column is judged by its values and by words in its name. Both count: values say what a column
cannot be, and a name in any of a few languages says which of two possible ones was meant.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from analysis.core.privacy import mask_addresses, show_identity
from analysis.ingest.columns import plain_name
from analysis.ingest.encodings import LANGUAGES

#: Rows that are looked at.
ROWS = 20_000
#: Words in the names of columns, as `plain_name` writes them, in five languages.
WORDS = {
    role: "|".join(words.split())
    for role, words in {
        "customer_id": "custom client kund buyer member user mail klient клиент покупат card",
        "invoice_date": "date datum time zeit fecha created moment дата время jour when",
        "invoice": "invoice order receipt bon beleg rechnung bestell ticket facture commande "
        "factura pedido заказ чек счет transaction basket",
        "stock_code": "sku stockcode articlen artikeln artikelc itemcode itemno itemid productcode "
        "productno productid код артикул ean plu",
        "description": "description product item name artikel bezeichnung produit producto товар "
        "goods title",
        "quantity": "quantity qty menge anzahl pieces units stück cantidad колич штук count pcs",
        "unit_price": "price preis prix precio цена rate",
        "amount": "amount total sum revenue sales betrag umsatz montant importe сумма выручка "
        "turnover paid value",
        "country": "country land pays país pais страна market",
    }.items()
}
_NUMERIC = r"\d{1,4}\s?[-./年년]\s?\d{1,2}\s?[-./月월]\s?\d{1,4}[日일]?"
_DAY_FIRST = (
    r"(?:[^\W\d_]+[.,]?\s+)?\d{1,2}(?:st|nd|rd|th)?[-./\s]*(?:de\s+)?(?P<month>[^\W\d_]{3,12})"
)
_MONTH_FIRST = r"(?P<month>[^\W\d_]{3,12})[-./\s]+\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"[-.,/\s]+(?:de\s+)?(?:\d{4}|\d{2})"
_COMPACT = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?"
_TIME = r"(?:[T,\s]+\d{1,2}:\d{2}.*)?"
_DATES = [
    re.compile(date + _TIME)
    for date in (_NUMERIC, _DAY_FIRST + _YEAR, _MONTH_FIRST + _YEAR, _COMPACT)
]
_NUMBER = re.compile(r"^[-+]?[€£$₽¥]?\s?[-+]?\d[\d\s\u00a0\u202f.,']*\s?([€£$₽¥]|[A-Z]{3})?$")


class Candidate(NamedTuple):
    """A column that could have a role.

    Attributes
    ----------
    column
        As the file spells it.
    named
        Whether its name says so.
    evidence
        What its values say, as a clause.
    score
        How much speaks for it: a whole point for the name, up to one for the values.
    """

    column: str
    named: bool
    evidence: str
    score: float


def find_candidates(table: pd.DataFrame, taken: Sequence[str]) -> dict[str, list[Candidate]]:
    """Return the columns that could have each role, the likeliest first.

    Parameters
    ----------
    table
        The first rows of a file; cells as they stand there.
    taken
        Columns whose role is known.

    Returns
    -------
    dict
        Role (a name of ours) -> candidates. A column whose values speak against a role is none.
    """
    found: dict[str, list[Candidate]] = {role: [] for role in WORDS}
    for column in table.columns:
        if column in taken:
            continue
        cells = table[column].dropna()
        text = cells.astype("str").str.strip()
        text = text[text != ""]
        if text.empty:
            continue
        for role, (score, evidence) in _possible_roles(cells, text).items():
            named = bool(re.search(WORDS[role], plain_name(column)))
            found[role].append(Candidate(column, named, evidence, score + named))
    return {role: sorted(some, key=lambda one: -one.score) for role, some in found.items()}


def _possible_roles(cells: pd.Series, text: pd.Series) -> dict[str, tuple[float, str]]:
    """Return the roles that a column's values allow, with how well they fit, and why."""
    size, distinct = len(text), int(text.nunique())
    example = repr(mask_addresses(text.iloc[0][:40]))
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return {"invoice_date": (1.0, f"dates, such as {example}")}
    if float(text.head(2000).map(is_date).mean()) > 0.95:
        return {"invoice_date": (0.9, f"dates, such as {example}")}
    repeats = f"{distinct:,} different values in {size:,} rows, such as {example}"
    roles: dict[str, tuple[float, str]] = {}
    if distinct < size and distinct > 1:
        shown = show_identity(text.iloc[0][:40])
        roles["customer_id"] = (
            0.4,
            f"{distinct:,} different values in {size:,} rows, such as {shown}",
        )
        roles["invoice"] = (0.3, repeats)
    elif distinct > 1:
        roles["invoice"] = (0.2, repeats)
    if text.str.contains("@").mean() > 0.5:
        return {"customer_id": (0.9, f"e-mail addresses, {repeats}")}
    if float(text.map(lambda one: bool(_NUMBER.match(one))).mean()) > 0.95:
        whole = float(text.str.fullmatch(r"[-+]?\d+(\.0+)?").mean())
        if whole > 0.95:
            roles["quantity"] = (
                0.6 if distinct < 500 else 0.2,
                f"whole numbers, such as {example}",
            )
            roles["stock_code"] = (0.1, repeats)
        for role in ("unit_price", "amount"):
            roles[role] = (0.3 if whole > 0.95 else 0.6, f"numbers, such as {example}")
        return roles
    roles["description"] = (0.3, repeats)
    roles["stock_code"] = (0.3, repeats)
    if distinct <= min(260, size // 2):
        roles["country"] = (0.3, repeats)
    return roles


def is_date(text: str) -> bool:
    """Tell whether a text looks like a date; how it is to be read, all dates together show.

    Examples
    --------
    >>> [is_date(one) for one in ("3. März 2023", "23/01/03", "Mar 3, 2023 4:05 PM", "20230103")]
    [True, True, True, True]
    >>> [is_date(one) for one in ("Box 10 20", "12 cups 24", "10.50", "12001")]
    [False, False, False, False]
    """
    for date in _DATES:
        if found := date.fullmatch(text):
            month = found.groupdict().get("month")
            return month is None or month.casefold()[:3] in _months()
    return False


@functools.cache
def _months() -> frozenset[str]:
    """Return the first three letters of the months in many languages."""
    from babel import Locale  # only months with names need it

    return frozenset(
        name.casefold()[:3]
        for language in LANGUAGES
        for form in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for name in Locale.parse(language).months[form][width].values()
    )


def choose(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the candidate that a name and values both speak for, if no other is as good."""
    if not candidates or not candidates[0].named:
        return None
    if len(candidates) > 1 and candidates[1].score > candidates[0].score - 0.2:
        return None
    return candidates[0]

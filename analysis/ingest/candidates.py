"""Find which columns of an unknown file could be the date, the customer, the money and so on.

A column is judged by its values and by words in its name. Both count: values say what a column
cannot be, and a name in any of a few languages says which of two possible ones was meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from analysis.ingest.columns import plain_name

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
#: Formats beyond those of the settings that are tried on dates.
DATE_FORMATS = (
    "%d-%b-%Y", "%d %b %Y", "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d",
    "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d", "%Y%m%d", "%d-%m-%Y", "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S", "%m-%d-%Y", "%d.%m.%y", "%d.%m.%y %H:%M", "%d/%m/%y", "%m/%d/%y",
    "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%d/%m/%Y %I:%M %p", "%m/%d/%Y %I:%M %p",
    "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S %z",
)  # fmt: skip
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


def find_candidates(
    table: pd.DataFrame, taken: Sequence[str], date_formats: Sequence[str]
) -> dict[str, list[Candidate]]:
    """Return the columns that could have each role, the likeliest first.

    Parameters
    ----------
    table
        The first rows of a file; cells as they stand there.
    taken
        Columns whose role is known.
    date_formats
        The formats that the settings name.

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
        for role, (score, evidence) in _possible_roles(cells, text, date_formats).items():
            named = bool(re.search(WORDS[role], plain_name(column)))
            found[role].append(Candidate(column, named, evidence, score + named))
    return {role: sorted(some, key=lambda one: -one.score) for role, some in found.items()}


def _possible_roles(
    cells: pd.Series, text: pd.Series, date_formats: Sequence[str]
) -> dict[str, tuple[float, str]]:
    """Return the roles that a column's values allow, with how well they fit, and why."""
    size, distinct = len(text), int(text.nunique())
    example = repr(text.iloc[0][:40])
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return {"invoice_date": (1.0, f"dates, such as {example}")}
    if form := find_date_format(text, date_formats):
        return {"invoice_date": (0.9, f"dates as {form}, such as {example}")}
    repeats = f"{distinct:,} different values in {size:,} rows, such as {example}"
    roles: dict[str, tuple[float, str]] = {}
    if distinct < size and distinct > 1:
        roles["customer_id"] = (0.4, repeats)
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


def find_date_format(text: pd.Series, date_formats: Sequence[str]) -> str:
    """Return the first format that reads nearly all of some texts; empty where none does."""
    some = text.head(2000)
    for form in (*date_formats, *DATE_FORMATS):
        read = pd.to_datetime(some, format=form, errors="coerce", utc="%z" in form)
        if read.notna().mean() > 0.95 and read.dt.year.between(1995, 2100).mean() > 0.95:
            return form
    return ""


def choose(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the candidate that a name and values both speak for, if no other is as good."""
    if not candidates or not candidates[0].named:
        return None
    if len(candidates) > 1 and candidates[1].score > candidates[0].score - 0.2:
        return None
    return candidates[0]

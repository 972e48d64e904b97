"""Decide which column is the money of a line, and which currency counts."""

from __future__ import annotations

import re
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import join_words
from analysis.core.problems import Problem
from analysis.orders import contract
from analysis.orders.canonical import Reading
from analysis.orders.columns import named_by_user, unread_columns
from analysis.orders.ledger import MONEY
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell
from analysis.orders.telling_columns import is_currency

#: Amounts disagree when they differ on lines that hold more than this share of the money.
DISAGREE = 0.01
#: A discount explains amounts below quantity times price, on this share of the money at least ...
BELOW = 0.95
#: ... and with a median that is not below this share of it.
DEEPEST = 0.2
#: Whole amounts, of which 99 in 100 are no larger than this, may be pieces.
MOST_PIECES = 100
#: How many lines evidence takes.
FEW = 20
#: Words for a hundredth of a currency.
MINOR = {
    *("cent", "cents", "ct", "cts", "pence", "penny", "kopeks", "kopecks", "копейки", "копеек"),
    *("grosz", "grosze", "groszy", "öre", "øre", "centimes", "centavos", "céntimos", "paise"),
    *("kuruş", "minor"),
}


def line_amounts(draft: Draft) -> Draft:
    """Give each line its amount: quantity times price, or the amount that the file gives.

    Where a part has both and they agree, quantity times price is the amount. Where they do not,
    amounts below it are what was paid after discounts. All else the setting ``line_amount``
    decides.
    """
    if "amount" not in draft.columns:  # there is nothing to choose, and it was multiplied once
        return draft
    lines = draft.lines
    product = lines.quantity * lines.unit_price
    paid: list[int] = []
    for place, reading in enumerate(draft.readings):
        if {"quantity", "unit_price", "amount"} <= reading.names.keys():
            draft, use = _compare(draft, place, reading)
            paid += [place] * use
    given = lines.amount
    if paid:
        # A return may be given as a positive amount: its sign is that of quantity times price.
        signed = ibis.ifelse(product == 0, given, given.abs() * product.sign())
        chosen = ibis.ifelse(lines.part.isin(paid), ibis.coalesce(signed, product), product)
        amount = ibis.coalesce(chosen, given)
    else:
        amount = ibis.coalesce(product, given)
    return replace(draft, lines=lines.mutate(amount=exact(amount)))


def exact(amount: ir.FloatingValue) -> ir.DecimalValue:
    """Return an amount as an exact decimal, and null where it is none.

    A refused line keeps its amount where one can be read: the lines read are counted with it.
    """
    amount = amount.round(4)
    known = ~amount.isnan() & (amount.abs() < contract.LARGEST)
    return ibis.ifelse(known, amount, ibis.null()).cast(MONEY)


def minor_units(draft: Draft) -> Draft:
    """Read whole numbers in a column whose name says cents, or the like, as hundredths."""
    for place, reading in enumerate(draft.readings):
        for ours in ("unit_price", "amount"):
            name = reading.names.get(ours, "")
            if not _is_minor(name) or "minor_units" in draft.settings.accept:
                continue
            lines = sound(draft).filter(lambda t, place=place: t.part == place)
            value = lines[ours]
            found = measured(lines, rows=value.count(), whole=(value == value.round()).sum())
            if not found["rows"] or found["whole"] < found["rows"]:
                continue
            here = draft.lines.part == place
            column = draft.lines[ours]
            hundredths = {ours: ibis.ifelse(here, column / 100, column)}
            if "amount" not in draft.columns:
                product = draft.lines.quantity * hundredths[ours]
                hundredths["amount"] = ibis.ifelse(here, exact(product), draft.lines.amount)
            draft = replace(draft, lines=draft.lines.mutate(**hundredths))
            told = Assumption(
                "money",
                state("assumed-orders.hundredths"),
                source=reading.part.source,
                column=name,
                rows=int(found["rows"]),
                setting="transactions.accept",
            )
            draft = tell(draft, told)
    return draft


def _is_minor(name: str) -> bool:
    """Tell whether a column's name says that it holds hundredths of a currency.

    Examples
    --------
    >>> _is_minor("unit_price_cents"), _is_minor("priceInPence"), _is_minor("Percent")
    (True, True, False)
    """
    words = re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+", name)
    return not MINOR.isdisjoint(word.casefold() for word in words)


def _compare(draft: Draft, place: int, reading: Reading) -> tuple[Draft, bool]:
    """Tell whether a part's amounts, and not quantity times price, are the money."""
    lines = sound(draft).filter(lambda t: t.part == place)
    product, given = (lines.quantity * lines.unit_price).abs(), lines.amount.abs()
    # A price that was rounded to two places is off by half a hundredth a piece.
    off = (product - given).abs() > 0.011 + 0.0051 * lines.quantity.abs()
    found = measured(
        lines,
        product=(lines.quantity * lines.unit_price).sum(),
        given=lines.amount.sum(),
        rows=lines.count(),
        off=off.sum(),
        off_money=product.sum(where=off),
        below=product.sum(where=off & (given < product)),
        all=product.sum(),
        ratio=(given / product.nullif(0)).quantile(0.5, where=off),
        pieces=((given - lines.quantity.abs()).abs() < 1e-9).sum(),
    )
    setting, column = draft.settings.line_amount, reading.names["amount"]
    if not setting and found["off_money"] <= DISAGREE * found["all"]:
        return draft, False
    sums = f"{found['given']:,.2f}, and quantity times price to {found['product']:,.2f}"
    source, rows = reading.part.source, int(found["off"])
    if setting:
        use = setting == "amount"
        said = "assumed-orders.amount-by-settings" if use else "assumed-orders.product-by-settings"
    elif found["pieces"] >= 0.9 * found["rows"]:
        use, said = False, "assumed-orders.product-is-money"
    elif found["below"] >= BELOW * found["off_money"] and found["ratio"] >= DEEPEST:
        use, said = True, "assumed-orders.amount-is-money"
    else:
        problem = Problem(
            source,
            column=column,
            rows=rows,
            rule=f"the amounts add up to {sums}: it is not clear which is the money",
            remedy='Set line_amount to "amount" or to "quantity_times_price" in '
            "data/settings.toml.",
        )
        return refuse(draft, problem), False
    told = Assumption(
        "money",
        state(said, amounts=f"{found['given']:,.2f}", products=f"{found['product']:,.2f}"),
        source=source,
        column=column,
        rows=rows,
        setting="transactions.line_amount",
    )
    return tell(draft, told), use


def small_amounts(draft: Draft) -> Draft:
    """Refuse amounts that look like pieces, where another column looks like money."""
    if "amount" in named_by_user(draft.settings.columns):
        return draft
    for place, reading in enumerate(draft.readings):
        names = reading.names
        if "amount" not in names or {"quantity", "unit_price"} <= names.keys():
            continue
        lines = sound(draft).filter(lambda t, place=place: t.part == place)
        found = measured(
            lines,
            rows=lines.amount.count(),
            whole=(lines.amount == lines.amount.round()).sum(),
            high=lines.amount.abs().quantile(0.99),
            total=lines.amount.sum(),
        )
        pieces = found["whole"] == found["rows"] >= FEW and found["high"] <= MOST_PIECES
        if not pieces or not (others := _money_columns(reading, float(found["total"]))):
            continue
        sums = join_words([f"{name!r} to {total:,.2f}" for name, total in others.items()], "and")
        first = next(iter(others))
        problem = Problem(
            reading.part.source,
            f"the amounts are whole numbers, mostly up to {found['high']:,.0f}, as pieces are, and "
            f"add up to {found['total']:,.2f}; other columns look like money, and add up: {sums}",
            column=names["amount"],
            remedy=f'Name the money in [transactions.columns]: amount = ["{first}"], or whichever '
            "it is.",
        )
        told = Assumption(
            "money",
            state("assumed-orders.whole-amounts", others=sums),
            source=reading.part.source,
            column=names["amount"],
            setting="transactions.columns.amount",
        )
        draft = refuse(draft, problem, "small_amounts", told)
    return draft


def _money_columns(reading: Reading, total: float) -> dict[str, float]:
    """Return the unread columns of a part that look like money, with their sums; largest first."""
    table = reading.table
    measures: dict[str, ir.Scalar] = {"rows": table.count()}
    columns = unread_columns(reading.part.columns, reading.names)
    for place, name in enumerate(columns):
        if table[name].type().is_temporal() or table[name].type().is_boolean():
            continue
        number = _plain_number(table[name], reading.decimal_mark)
        measures |= {
            f"{place} n": number.count(),
            f"{place} decimal": (number != number.round()).sum(),
            f"{place} sum": number.sum(),
        }
    found = measured(table, **measures)
    sums = {
        name: float(found[f"{place} sum"])
        for place, name in enumerate(columns)
        if f"{place} n" in found
        and found[f"{place} n"] >= 0.95 * found["rows"]
        and found[f"{place} decimal"] >= 0.2 * found["rows"]
        and found[f"{place} sum"] > 2 * total
    }
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _plain_number(column: ir.Column, mark: str) -> ir.FloatingValue:
    if column.type().is_numeric():
        return column.cast("float64")
    text = column.cast("string").strip()
    if mark == ",":
        text = text.replace(".", "").replace(",", ".")
    return text.try_cast("float64")


def currencies(draft: Draft) -> Draft:
    """Keep the lines of one currency: several cannot be added up."""
    if "currency_code" not in draft.columns:
        signs = {
            form.affix.upper()
            for reading in draft.readings
            for name, form in reading.numbers.items()
            if name != "quantity" and form.affix and is_currency(form.affix)
        }
        return replace(draft, currency=signs.pop()) if len(signs) == 1 else draft
    lines = draft.lines.mutate(currency_code=draft.lines.currency_code.strip().upper())
    draft = replace(draft, lines=lines)
    good = sound(draft)
    counts = good.filter(good.currency_code.notnull()).group_by("currency_code")
    found = counts.aggregate(
        rows=lambda t: t.count(), money=lambda t: t.amount.sum().cast("float64").fill_null(0.0)
    ).execute()
    found = found.sort_values(["rows", "currency_code"], ascending=[False, True])
    only = draft.settings.only_currency.strip().upper()
    column = draft.spelled("currency_code")
    setting = "transactions.only_currency"
    if only and only not in set(found["currency_code"]):
        problem = Problem(
            draft.source,
            f"only_currency is {only!r}, and no line is in it",
            column=column,
            example=_sums(found),
            remedy="Correct only_currency in data/settings.toml, or leave it empty.",
        )
        return refuse(draft, problem)
    if len(found) > 1 and not only:
        problem = Problem(
            draft.source,
            f"there are {len(found)} currencies, and their sum would mean nothing: {_sums(found)}",
            column=column,
            remedy="Set only_currency in data/settings.toml to the one that the report is about, "
            "or export one currency only.",
        )
        return refuse(draft, problem)
    if len(found) == 1 and not only:
        code = str(found["currency_code"].iloc[0])
        told = Assumption("money", state("assumed-orders.currency", code=code), column=column)
        return tell(replace(draft, currency=code), told)
    if len(found) < 2:
        return draft
    out = found[found["currency_code"] != only]
    told = Assumption(
        "left out",
        state("assumed-orders.other-currencies", code=only, sums=_sums(out)),
        column=column,
        rows=int(out["rows"].sum()),
        setting=setting,
    )
    kept = lines.filter(lines.currency_code.isnull() | (lines.currency_code == only))
    return tell(replace(draft, lines=kept, currency=only), told)


def _sums(found: pd.DataFrame) -> str:
    return join_words(
        [f"{row['currency_code']} {row['money']:,.2f}" for row in found.to_dict("records")]
    )

"""Say which rows of an export are sales, and list every value that says otherwise."""

from __future__ import annotations

import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import join_words, percent
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings
from analysis.ingest.profiles import LeftOut, StatusRule
from analysis.orders.telling_columns import plain_word, status_words

#: Statuses that nobody knows are refused above this share of the money.
UNKNOWN = 0.01
_LISTED = 12


def sales_by_status(
    status: pd.Series,
    value: pd.Series,
    rule: StatusRule,
    settings: TransactionSettings,
    source: str,
    column: str,
) -> tuple[pd.Series, list[Assumption], list[Problem]]:
    """Tell which lines are sales by their order's status.

    Words of the profile count before those of the settings. What neither knows is no sale: it is
    told, and refused where much money is in it.

    Parameters
    ----------
    status
        Of each line's order; null where there is none.
    value
        What each line is worth.
    rule
        The profile's words.
    settings
        With further words, and what is accepted by its name.
    source, column
        For messages.
    """
    word = status.map(plain_word, na_action="ignore").fillna("")
    sales = {plain_word(one) for one in rule.sales}
    none = {plain_word(one) for one in rule.no_sales} - sales
    more_none, _, more_sales = status_words(settings)
    sale = word.isin(sales) | (word.isin(more_sales) & ~word.isin(none))
    known = sale | word.isin(none) | word.isin(more_none)
    told: list[Assumption] = []
    problems: list[Problem] = []
    if sale.any():
        told.append(
            Assumption(
                "orders",
                state("assumed-orders.sales", statuses=_values(status[sale], value[sale])),
                source=source,
                column=column,
            )
        )
    out = ~sale & known
    if out.any():
        told.append(
            Assumption(
                "left out",
                state("assumed-orders.no-sales", statuses=_values(status[out], value[out])),
                source=source,
                column=column,
                rows=int(out.sum()),
                money=float(value[out].sum()),
                setting="transactions.sale_statuses",
            )
        )
    strange = ~known
    if not strange.any():
        return sale, told, problems
    money, total = float(value[strange].sum()), float(value.sum())
    listed = _values(status[strange], value[strange])
    instead = Assumption(
        "left out",
        state("assumed-exports.unknown-statuses", statuses=listed),
        source=source,
        column=column,
        rows=int(strange.sum()),
        money=money,
        setting="transactions.sale_statuses",
    )
    if money <= UNKNOWN * total or "unknown_statuses" in settings.accept:
        return sale, [*told, instead], problems
    problems.append(
        Problem(
            source,
            f"it is not known whether these statuses are sales ({percent(money / total)} of the "
            f"money): {listed}",
            column=column,
            rows=int(strange.sum()),
            remedy="Add each to sale_statuses or to no_sale_statuses in settings.toml. To have "
            'them left out, add "unknown_statuses" to accept.',
        )
    )
    return sale, told, problems


def _values(status: pd.Series, value: pd.Series) -> str:
    """List values with their rows and money, the largest first."""
    found = value.groupby(status.fillna("")).agg(["size", "sum"])
    found = found.sort_values(["sum", "size"], ascending=False)
    texts = [
        f"{str(name) or '(empty)'!r} ({int(row['size']):,} rows, {row['sum']:,.2f})"
        for name, row in found.head(_LISTED).iterrows()
    ]
    rest = len(found) - _LISTED
    return join_words([*texts, f"{rest} others"] if rest > 0 else texts)


def left_out(
    cells: pd.DataFrame, value: pd.Series, rules: list[LeftOut], source: str
) -> tuple[pd.Series, list[Assumption]]:
    """Tell which rows a profile leaves out, and why.

    Parameters
    ----------
    cells
        With a column ``left 0``, ``left 1`` and so on for each rule whose column the file has.
    value
        What each line is worth.
    """
    out = pd.Series(False, cells.index)
    told = []
    for place, rule in enumerate(rules):
        name = f"left {place}"
        if name not in cells:
            continue
        words = {plain_word(one) for one in rule.values}
        word = cells[name].map(plain_word, na_action="ignore")
        hit = cells[name].notna() if rule.filled else word.isin(words)
        hit &= ~out
        if hit.any():
            told.append(
                Assumption(
                    "left out",
                    state("assumed-exports.by-profile", said=rule.why),
                    source=source,
                    column=rule.column[0],
                    rows=int(hit.sum()),
                    money=float(value[hit].sum()),
                )
            )
        out |= hit
    return out, told

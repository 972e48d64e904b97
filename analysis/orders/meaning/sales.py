"""Decide which lines are sales: by the order's status, the sign, the number's prefix, the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import join_words, percent
from analysis.core.problems import Problem
from analysis.core.settings import TransactionSettings
from analysis.ingest.profiles import LEDGER
from analysis.orders.canonical import Reading
from analysis.orders.ledger import NET
from analysis.orders.meaning.draft import Draft, measured, refuse, sound, tell
from analysis.orders.telling_columns import plain_word, status_words

#: Unknown statuses are refused above this share of the money.
UNKNOWN = 0.01
#: Beside one of these, "closed" is another thing than complete.
COMPLETE = {"complete", "completed"}
#: So many lines show whether they take purchases back, if this share of them is like earlier ones.
FEW, LIKE = 10, 0.8
#: What a line and the one that takes it back have in common.
WHAT = ("customer_id", "stock_code", "quantity", "unit_price", "amount")
#: Codes that are no products are refused above this share of the money, on so many lines.
NO_PRODUCTS, LINES = 0.05, 20
#: At most so many values are listed in a sentence.
LISTED = 8


def statuses(draft: Draft) -> Draft:
    """Mark the lines that bring no sale, because their order was cancelled or never paid.

    Only lines that bring money are marked: one that takes money back reverses a purchase.
    """
    if "status" not in draft.columns:
        return replace(draft, lines=draft.lines.mutate(no_sale=ibis.literal(False)))
    good = sound(draft).filter(lambda t: (t.amount > 0) & t.status.notnull())
    found = (
        good.group_by("status")
        .aggregate(rows=good.count(), money=good.amount.sum().cast("float64"))
        .order_by(ibis.desc("money"), "status")
        .execute()
    )
    word = found["status"].map(plain_word)
    outs, refunds, sales = status_words(draft.settings)
    out, sale = word.isin(outs), word.isin(sales)
    # Some systems close an order that is complete, and others one whose money went back.
    if set(word) & COMPLETE:
        sale &= word != "closed"
    unknown = found[~out & ~sale]
    no_sale = draft.lines.status.isin(found.loc[out, "status"].tolist()).fill_null(False)
    if back := found.loc[word.isin(refunds), "status"].tolist():
        draft = _minus(
            draft,
            (draft.lines.status.isin(back) & (draft.lines.amount > 0)).fill_null(False),
            ~no_sale & (draft.lines.amount > 0).fill_null(False),
            "",
            "status",
        )
        no_sale &= draft.lines.amount > 0
    column = draft.spelled("status")
    draft = replace(draft, lines=draft.lines.mutate(no_sale=no_sale & (draft.lines.amount > 0)))
    if out.any():
        draft = tell(
            draft,
            Assumption(
                "left out",
                state("assumed-orders.no-sales", statuses=_values(found[out])),
                column=column,
                rows=int(found.loc[out, "rows"].sum()),
                money=float(found.loc[out, "money"].sum()),
                setting="transactions.no_sale_statuses",
            ),
        )
    if sale.any():
        draft = tell(
            draft,
            Assumption(
                "orders",
                state("assumed-orders.sales", statuses=_values(found[sale])),
                column=column,
                setting="transactions.sale_statuses",
            ),
        )
    if unknown.empty:
        return draft
    told = Assumption(
        "orders",
        state("assumed-orders.unknown-statuses", statuses=_values(unknown)),
        column=column,
        rows=int(unknown["rows"].sum()),
        money=float(unknown["money"].sum()),
        setting="transactions.no_sale_statuses",
    )
    share = unknown["money"].sum() / found["money"].sum()
    if share <= UNKNOWN or not (out | sale).any():
        return tell(draft, told)
    problem = Problem(
        draft.source,
        f"it is not known whether these statuses are sales ({percent(share)} of the money): "
        f"{_values(unknown)}",
        column=column,
        rows=int(unknown["rows"].sum()),
        remedy="Add each to sale_statuses or to no_sale_statuses in data/settings.toml.",
    )
    return refuse(draft, problem, "unknown_statuses", told)


def _minus(
    draft: Draft, back: ir.BooleanValue, sales: ir.BooleanValue, prefix: str, column: str
) -> Draft:
    """Give lines a minus that take purchases back without one: those like a line before them.

    Where customers buy the same again and again, any line is like one before it: so sales must
    be so much more seldom.
    """
    lines = draft.lines.mutate(back=back, sales=sales)
    lines = lines.filter((lines.broken == 0) & lines.customer_id.notnull())
    bought = lines.filter(lines.sales)
    first = bought.group_by(*WHAT).aggregate(first=bought.invoice_date.min())
    both = lines.filter(lines.back | lines.sales)
    both = both.left_join(first, [both[name].identical_to(first[name]) for name in WHAT])
    again = ibis.ifelse(
        both.back, both.invoice_date >= both["first"], both.invoice_date > both["first"]
    ).fill_null(False)
    found = measured(
        both,
        rows=both.back.sum(),
        money=both.amount.sum(where=both.back).cast("float64"),
        like=(again & both.back).sum(),
        sales=both.sales.sum(),
        usual=(again & both.sales).sum(),
    )
    if found["rows"] < FEW:
        return draft
    like, usual = found["like"] / found["rows"], found["usual"] / max(found["sales"], 1)
    if like < LIKE or like < usual + LIKE / 2:
        return draft
    told = Assumption(
        "refunds",
        state("assumed-orders.refunds-by-prefix", prefix=repr(prefix), share=percent(like))
        if prefix
        else state("assumed-orders.refunds-by-status", share=percent(like)),
        column=draft.spelled(column),
        rows=int(found["rows"]),
        money=float(found["money"]),
    )
    amount = ibis.ifelse(back, -draft.lines.amount, draft.lines.amount)
    return tell(replace(draft, lines=draft.lines.mutate(amount=amount)), told)


def returns_with_numbers(draft: Draft) -> Draft:
    """Find returns that only letters before their number show: few, and like earlier lines."""
    if "invoice" not in draft.columns:
        return draft
    # As written by `numbers.orders`, with one row a number.
    numbers = draft.engine.table("numbers")
    letters = numbers.invoice.re_extract(r"^\s*([\pL]+)[\W_]*\d", 1).upper().fill_null("")
    numbers = numbers.mutate(letters=letters)
    known = numbers.filter(numbers.low.notnull() & (numbers.letters != ""))
    found = known.group_by("letters").aggregate(rows=known.sold.sum()).execute()
    total = measured(numbers, sold=numbers.sold.sum())["sold"]
    few = found[found["rows"].between(FEW, total / 3)]
    lines = draft.lines
    brings = (lines.amount > 0).fill_null(False)
    own = lines.invoice.re_extract(r"^\s*([\pL]+)[\W_]*\d", 1).upper().fill_null("")
    for prefix in sorted(few["letters"]):
        mine = own == prefix
        draft = _minus(
            draft,
            mine & brings,
            ~mine & brings,
            prefix,
            "invoice",
        )
    return draft


def _values(found: pd.DataFrame) -> str:
    """List values with their money, the largest first."""
    first = [
        f"{row['status']!r} ({row['money']:,.2f})" for row in found.head(LISTED).to_dict("records")
    ]
    rest = len(found) - LISTED
    return join_words([*first, f"{rest} others"] if rest > 0 else first)


def cancellations(draft: Draft) -> Draft:
    """Mark the lines that take a purchase back.

    A line with the prefix of cancellations is one, unless it brings money. A line without the
    prefix is one if it takes money back from a known customer for a product.
    """
    lines = draft.lines
    prefix = draft.settings.cancellation_prefix
    # Only the beginning in capitals: twice as fast as all of it.
    marked = (lines.invoice.left(len(prefix)).upper() == prefix.upper()).fill_null(False)
    brings = (lines.amount > 0).fill_null(False)
    # A discount is a negative line too, and takes no product back.
    refund = (lines.amount < 0) & lines.customer_id.notnull() & lines["product"]
    refund = refund.fill_null(False)
    # Nearly all lines bring money, and of a CASE only the branch that is taken is worked out.
    lines = lines.mutate(cancelled=ibis.ifelse(lines.amount > 0, False, marked | refund))
    # They are few: most lines are looked at once.
    few = lines.mutate(sale=marked & brings, refund=refund & ~marked)
    few = few.filter((few.broken == 0) & (few.sale | few.refund))
    found = measured(
        few,
        sales=few.sale.sum(),
        sales_money=few.amount.sum(where=few.sale).cast("float64"),
        refunds=few.refund.sum(),
        refunds_money=few.amount.sum(where=few.refund).cast("float64"),
    )
    draft = replace(draft, lines=lines)
    if found["sales"]:
        draft = tell(
            draft,
            Assumption(
                "refunds",
                state("assumed-orders.prefix-brings-money", prefix=repr(prefix)),
                column=draft.spelled("invoice"),
                rows=int(found["sales"]),
                money=float(found["sales_money"]),
                setting="transactions.cancellation_prefix",
            ),
        )
    if found["refunds"]:
        draft = tell(
            draft,
            Assumption(
                "refunds",
                state("assumed-orders.negative-lines", prefix=repr(prefix)),
                rows=int(found["refunds"]),
                money=float(found["refunds_money"]),
            ),
        )
    return draft


def is_product(
    lines: ir.Table, settings: TransactionSettings, readings: Sequence[Reading]
) -> ir.BooleanValue:
    """Tell which lines are of products: those with a code that matches, or with no code at all.

    An export's profile has left out what is no product, and every shop has codes of its own.
    """
    pattern = "|".join(f"(?:{code})" for code in settings.product_codes)
    # Without a code a line is a sale like any other: nothing says that it is none.
    product = lines.stock_code.re_search(pattern).fill_null(True)
    exports = [n for n, reading in enumerate(readings) if reading.part.profile != LEDGER]
    return product | lines.part.isin(exports) if exports else product


def products(draft: Draft) -> Draft:
    """Refuse a ledger in which much of the money is in codes of no product."""
    if "stock_code" not in draft.columns:
        return draft
    good = sound(draft).filter(lambda t: (t.amount > 0) & t.customer_id.notnull())
    none = good.stock_code.isnull()
    found = measured(
        good,
        rows=none.sum(),
        rows_money=good.amount.sum(where=none).cast("float64"),
        out=(~good["product"]).sum(),
        out_money=good.amount.sum(where=~good["product"]).cast("float64"),
        all=good.amount.sum().cast("float64"),
    )
    column = draft.spelled("stock_code")
    if found["rows"]:
        draft = tell(
            draft,
            Assumption(
                "products",
                state("assumed-orders.no-code"),
                column=column,
                rows=int(found["rows"]),
                money=float(found["rows_money"]),
            ),
        )
    few = found["out_money"] <= NO_PRODUCTS * found["all"] or found["out"] < LINES
    if few and found["out_money"] <= 0.5 * found["all"]:
        return draft
    other = good.filter(~good["product"]).select("stock_code").distinct().order_by("stock_code")
    some = join_words([repr(code) for code in other.limit(3).execute()["stock_code"]])
    share = percent(found["out_money"] / found["all"])
    rule = f"{share} of the money is in codes that no pattern in product_codes fits"
    told = Assumption(
        "products",
        state("assumed-orders.no-pattern", share=share),
        column=column,
        rows=int(found["out"]),
        money=float(found["out_money"]),
        setting="transactions.product_codes",
    )
    problem = Problem(
        draft.source,
        f"{rule} ({found['out_money']:,.2f} of {found['all']:,.2f})",
        column=column,
        rows=int(found["out"]),
        example=some,
        remedy="Set product_codes in data/settings.toml to patterns of your codes; "
        '["."] takes all.',
    )
    return refuse(draft, problem, "few_products", told)


def cleaning_steps(draft: Draft) -> Draft:
    """Place each line at the cleaning step that it reaches, up to 5; no reversal is known yet."""
    lines = draft.lines
    # A price of nothing but decimals beyond the fourth leaves no amount.
    positive = (
        (lines.amount > 0)
        & (lines.quantity > 0).fill_null(True)
        & (lines.unit_price > 0).fill_null(True)
    )
    step = ibis.cases(
        ((lines.broken != 0) | lines.customer_id.isnull(), 0),
        (lines.cancelled | lines.no_sale, 2),
        (~positive.fill_null(False), 3),
        (~lines["product"], 4),
        else_=NET,
    ).cast("int8")
    return replace(draft, lines=lines.mutate(cleaning_step=step))

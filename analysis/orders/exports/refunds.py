"""Take refunds off the lines that they take back, whatever shape an export gives them.

A line of which a part came back becomes two: what was kept, and what was not. What was not is
followed by a line that takes it back, with a key that both share, so that the last cleaning step
removes exactly this purchase.
"""

from __future__ import annotations

import pandas as pd

from analysis.core.assumptions import Assumption, state
from analysis.orders.exports.spread import spread

#: Less than this is no money.
NOTHING = 0.00005


def refund_of_orders(
    lines: pd.DataFrame, refund: pd.Series, order: pd.Series, digits: int
) -> pd.Series:
    """Return each line's part of its order's refund: at most what the line is worth.

    Parameters
    ----------
    lines
        With value.
    refund
        The order's refund, on each of its lines; it may hold tax and shipping, so it counts up to
        what the goods were worth.
    order
        What tells orders apart.
    digits
        The decimals of money.
    """
    scale = 10**digits
    weight = (lines["value"] * scale).round().astype("int64")
    worth = weight.clip(lower=0).groupby(order).transform("sum")
    asked = (refund.fillna(0).abs() * scale).round().astype("int64")
    return spread(asked.where(asked < worth, worth), weight, order) / scale


def with_refunds(lines: pd.DataFrame) -> pd.DataFrame:
    """Split lines that were refunded, and add the lines that take them back.

    Parameters
    ----------
    lines
        With value, quantity (may be null), customer_id, moment, line, and refunded: what came back
        of the value, on the day of the order.

    Returns
    -------
    pandas.DataFrame
        The same columns, without refunded, and with refund_key. A guest's line keeps only what was
        not refunded: nobody's orders are counted there.
    """
    back = lines["refunded"].clip(lower=0).where(lines["value"] > 0, 0.0)
    back = back.where(back < lines["value"], lines["value"])
    hit = back > NOTHING
    plain = lines[~hit].assign(refund_key=None)
    some = lines[hit].assign(back=back[hit])
    if some.empty:
        return plain.drop(columns="refunded")
    share = some["back"] / some["value"]
    kept = some.assign(
        value=some["value"] - some["back"],
        quantity=some["quantity"] * (1 - share),
        refund_key=None,
    )
    kept = kept[kept["value"] > NOTHING]
    named = some["customer_id"].notna()
    gone = some[named]
    share = share[named]
    key = gone["invoice"].astype("str") + " / " + gone["line"].astype("str")
    taken = gone.assign(
        value=gone["back"],
        quantity=gone["quantity"] * share,
        refund_key=key,
        line=gone["line"].astype("str") + " taken back",
    )
    return pd.concat([plain, kept, taken, _opposite(taken)]).drop(columns=["refunded", "back"])


def _opposite(lines: pd.DataFrame) -> pd.DataFrame:
    return lines.assign(value=-lines["value"], quantity=-lines["quantity"])


def match_dated(lines: pd.DataFrame) -> tuple[pd.DataFrame, list[Assumption]]:
    """Let refunds that are rows of their own take back what the same customer bought before.

    A refund takes back a purchase of the same order first, then the latest of the same product.
    It may take back a part of one, or several. What finds no purchase stays as it is.

    Parameters
    ----------
    lines
        With value (below nought: a refund), quantity, customer_id, invoice, stock_code, moment,
        line. Rows without a customer stay as they are.

    Returns
    -------
    tuple
        The lines with refund_key, split where needed; and what was assumed.
    """
    lines = lines.assign(refund_key=None)
    known = lines["customer_id"].notna()
    refunds = lines[known & (lines["value"] < -NOTHING)].sort_values("moment", kind="stable")
    if refunds.empty:
        return lines, []
    bought = lines[known & (lines["value"] > NOTHING)]
    bought = bought[bought["customer_id"].isin(set(refunds["customer_id"]))]
    claims = _claims(refunds, bought)
    taken, back = bought.loc[claims["purchase"]], refunds.loc[claims["refund"]]
    take = claims["take"].to_numpy()
    number = [str(place) for place in range(1, len(claims) + 1)]
    taken = taken.assign(
        quantity=(taken["quantity"] * (take / taken["value"])).to_numpy(),
        value=take,
        refund_key=[
            f"refund {n} of {order}" for n, order in zip(number, taken["invoice"], strict=True)
        ],
        line=[f"{line} taken back {n}" for n, line in zip(number, taken["line"], strict=True)],
    )
    when = ["moment", "date", "row_number", "part", "invoice"]
    given = _opposite(taken).assign(**{name: back[name].to_numpy() for name in when})
    left = bought["value"].sub(claims.groupby("purchase")["take"].sum(), fill_value=0)
    open_ = (-refunds["value"]).sub(claims.groupby("refund")["take"].sum(), fill_value=0)
    rest = pd.concat([left, -open_]).reindex(lines.index)
    touched = rest.notna()
    share = (rest / lines["value"]).where(touched, 1.0)
    lines = lines.assign(
        quantity=lines["quantity"] * share, value=rest.where(touched, lines["value"])
    )
    emptied = touched & (rest.abs() <= NOTHING)
    open_rows, open_money = int((open_ > NOTHING).sum()), float(open_.sum())
    told = [
        Assumption(
            "refunds",
            state("assumed-exports.refund-rows"),
            rows=len(refunds),
            money=float(-refunds["value"].sum()),
        )
    ]
    if open_rows:
        told.append(
            Assumption(
                "refunds",
                state("assumed-exports.refunds-without-purchase"),
                rows=open_rows,
                money=open_money,
            )
        )
    return pd.concat([lines[~emptied], taken, given], ignore_index=True), told


def _claims(refunds: pd.DataFrame, bought: pd.DataFrame) -> pd.DataFrame:
    """Say which refund takes how much of which purchase: refund, purchase (places), take."""
    names = ["customer_id", "invoice", "stock_code", "moment", "value"]
    purchases: dict[str, list[tuple[int, str, str, pd.Timestamp]]] = {}
    left: dict[int, float] = {}
    for place, (customer, order, code, moment, value) in zip(
        bought.index, bought[names].itertuples(index=False, name=None), strict=True
    ):
        own = (int(place), str(order), "" if pd.isna(code) else str(code), moment)
        purchases.setdefault(str(customer), []).append(own)
        left[int(place)] = float(value)
    claims: list[tuple[int, int, float]] = []
    for place, (customer, order, code, moment, value) in zip(
        refunds.index, refunds[names].itertuples(index=False, name=None), strict=True
    ):
        asked, code = -float(value), "" if pd.isna(code) else str(code)
        fits = [
            (other == str(order), when, purchase)
            for purchase, other, product, when in purchases.get(str(customer), ())
            if not when > moment and (product == code or (not code and other == str(order)))
        ]
        for _, _, purchase in sorted(fits, key=lambda one: one[:2], reverse=True):
            take = min(asked, left[purchase])
            if take > NOTHING:
                claims.append((int(place), purchase, take))
                left[purchase] -= take
                asked -= take
    return pd.DataFrame(claims, columns=["refund", "purchase", "take"])

"""Find the products that bring most net revenue in each segment."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import pandas as pd

from analysis.orders.ledger import GROSS, Ledger
from analysis.segments.profiles import count_customers, select_net_lines

#: So many of a segment.
PRODUCTS = 3
TYPES = {
    "segment": "str",
    "place": "int64",
    "stock_code": "str",
    "description": "str",
    "customers": "int64",
    "revenue": "float64",
    "share": "float64",
}


def segment_products(
    ledger: Ledger,
    customers: pd.DataFrame,
    names: Sequence[str],
    *,
    minimum_group: int,
) -> pd.DataFrame:
    """Return the products with the highest net revenue of each segment.

    Parameters
    ----------
    ledger, customers, names
        As in `profiles.segment_profiles`.
    minimum_group
        Segments with fewer customers are left out, and so are products that fewer of a segment's
        customers bought: one large order does not make a product typical.

    Returns
    -------
    pandas.DataFrame
        segment, place (from 1), stock_code, description, customers (of the segment, who bought
        it), revenue (net, from the segment), share (of the segment's net revenue). Empty where the
        files name no products.
    """
    nothing = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in TYPES.items()})
    key = next((c for c in ("stock_code", "description") if c in ledger.columns), None)
    size = count_customers(customers)
    enough = max(minimum_group, 1)
    described = [name for name in names if size.get(name, 0) >= enough]
    if key is None or not described:
        return nothing
    lines = select_net_lines(ledger, customers, "segment")
    found = (
        lines.group_by("segment", product=lines[key])
        .aggregate(
            customers=lines.customer_id.nunique(),
            revenue=lines.amount.sum().cast("float64").round(2),
        )
        .order_by("segment", ibis.desc("revenue"), "product")
        .execute()
    )
    found["share"] = found["revenue"] / found.groupby("segment")["revenue"].transform("sum")
    best = found[
        found["product"].notna()
        & (found["customers"] >= enough)
        & found["segment"].isin(described)
        & (found["revenue"] > 0)
    ]
    best = best.assign(place=best.groupby("segment").cumcount() + 1)
    best = best[best["place"] <= PRODUCTS]
    best["at"] = pd.Categorical(best["segment"], list(names), ordered=True)
    best = best.sort_values(["at", "place"], ignore_index=True)
    texts = _descriptions(ledger, key, best["product"])
    named = [texts.get(product, product) for product in best["product"]]
    best = best.assign(stock_code=best["product"], description=named)
    return best[list(TYPES)].astype(TYPES)


def _descriptions(ledger: Ledger, key: str, products: pd.Series) -> dict[str, str]:
    """Return the description that is used most often for each product."""
    lines = ledger.lines
    named = lines.filter(
        (lines.cleaning_step >= GROSS)
        & lines.description.notnull()
        & lines[key].isin([*set(products)])
    )
    if products.empty:
        return {}
    table = (
        named.group_by(product=named[key], text=named.description)
        .aggregate(times=named.count())
        .order_by("product", ibis.desc("times"), "text")
        .execute()
        .drop_duplicates("product")
    )
    return dict(zip(table["product"], table["text"], strict=True))

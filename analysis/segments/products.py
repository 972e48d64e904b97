"""Find the products that are typical of each segment."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import pandas as pd
from scipy import stats

from analysis.orders.ledger import GROSS, Ledger
from analysis.segments.names import SUPPORT
from analysis.segments.profiles import count_customers, select_net_lines
from analysis.stats.intervals import wilson

#: A product counts as over-represented below this share of false discoveries.
FALSE_DISCOVERIES = 0.05
#: Of so many products a segment: those with the highest lower end of the interval.
PRODUCTS = 5


def segment_products(
    ledger: Ledger,
    customers: pd.DataFrame,
    names: Sequence[str],
    *,
    minimum_group: int,
) -> pd.DataFrame:
    """Return the products that a segment's customers choose more often than all customers do.

    Champions buy more of everything, so that plain shares of buyers would tell who buys a lot
    and not what. Each pair of a customer and a product they bought counts once; the *lift* of a
    product is its share of the segment's pairs over its share of all pairs. Were its buyers
    drawn at random from those pairs, the buyers in the segment would follow a binomial
    distribution: that gives the test, and Wilson's interval. Every product with enough buyers is
    tested in every segment, and the tests are corrected for their number.

    Parameters
    ----------
    ledger, customers, names
        As in `segment_profiles`.
    minimum_group
        Products bought by fewer customers of the segment are not shown. Nor are those bought
        by less than `SUPPORT` of them.

    Returns
    -------
    pandas.DataFrame
        segment, place (from 1), stock_code, description, customers (of the segment, who bought
        it), support (their share of the segment), lift, low, high (95% interval), q_value.
        Empty where the files name no products, or nothing stands out.

    References
    ----------
    Brin, S., Motwani, R., Ullman, J. D., & Tsur, S. (1997). Dynamic itemset counting and
    implication rules for market basket data. *SIGMOD*, 255-264 (lift, there *interest*).
    Wilson, E. B. (1927). Probable inference. *JASA*, 22(158), 209-212.
    Benjamini, Y., & Hochberg, Y. (1995). Controlling the false discovery rate. *JRSS B*, 57(1),
    289-300.
    """
    types = {
        "segment": "str",
        "place": "int64",
        "stock_code": "str",
        "description": "str",
        "customers": "int64",
        "support": "float64",
        "lift": "float64",
        "low": "float64",
        "high": "float64",
        "q_value": "float64",
    }
    nothing = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    key = next((c for c in ("stock_code", "description") if c in ledger.columns), None)
    size = pd.Series(count_customers(customers))
    described = [name for name in names if size.get(name, 0) >= max(minimum_group, 1)]
    if key is None or not described:
        return nothing
    lines = select_net_lines(ledger, customers, "segment")
    lines = lines.filter(lines[key].notnull())
    pairs = lines.group_by("segment", "customer_id", product=lines[key]).aggregate()
    found = (
        pairs.group_by("segment", "product")
        .aggregate(customers=pairs.count())
        .order_by("segment", "product")
        .execute()
    )
    buyers = found.groupby("product")["customers"].sum()
    chance = found.groupby("segment")["customers"].sum() / buyers.sum()
    tested = found[found["segment"].isin(described)]
    tested = tested.assign(
        buyers=tested["product"].map(buyers), chance=tested["segment"].map(chance)
    )
    tested = tested[(tested["buyers"] >= minimum_group) & (tested["chance"] < 1)]
    if tested.empty:
        return nothing
    bought, of = tested["customers"].to_numpy(), tested["buyers"].to_numpy()
    chances = tested["chance"].to_numpy()
    low, high = wilson(bought, of)
    tested = tested.assign(
        support=bought / tested["segment"].map(size).to_numpy(),
        lift=bought / of / chances,
        low=low / chances,
        high=high / chances,
        q_value=stats.false_discovery_control(stats.binom.sf(bought - 1, of, chances)),
    )
    clear = (tested["q_value"] < FALSE_DISCOVERIES) & (tested["low"] > 1)
    enough = (tested["customers"] >= minimum_group) & (tested["support"] >= SUPPORT)
    best = tested[clear & enough].sort_values(
        ["low", "product"], ascending=[False, True], kind="stable"
    )
    best["place"] = best.groupby("segment").cumcount() + 1
    best = best[best["place"] <= PRODUCTS]
    best["at"] = pd.Categorical(best["segment"], list(names), ordered=True)
    best = best.sort_values(["at", "place"], ignore_index=True)
    texts = _descriptions(ledger, key, best["product"])
    best = best.assign(stock_code=best["product"], description=best["product"].map(texts))
    best["description"] = best["description"].fillna(best["stock_code"])
    return best[list(types)].astype(types)


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

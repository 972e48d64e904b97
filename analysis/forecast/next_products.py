"""Forecast which products each customer buys next: own products again, and products new to them.

Products new to a customer are ranked by what customers with similar purchases bought: by how often
products are bought by the same customers (co-purchase), or by a ridge regression of each product on
all others (Steck 2019). Both are tested in time order beside the most popular products and a random
list. That a customer would have bought a product anyway, or buys it because it was recommended, is
not told apart: these lists foresee sales, and do not show that they add any.

References
----------
Steck, H. (2019). Embarrassingly shallow autoencoders for sparse data. *The World Wide Web
Conference*, 3251-3257.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, sparse

from analysis.core.names import CROSS_SELL, REORDER
from analysis.forecast.names import (
    CO_PURCHASE,
    OWN_RHYTHM,
    POPULARITY,
    RANDOM,
    RIDGE,
)
from analysis.orders.as_of import lines_known_at
from analysis.orders.ledger import NET, Ledger
from analysis.stats.bootstrap import percentile_interval, resampled_sums, subsample

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
#: The candidates of each list, from the simplest to the least simple.
CANDIDATES = {
    REORDER: (RANDOM, POPULARITY, OWN_RHYTHM),
    CROSS_SELL: (RANDOM, POPULARITY, CO_PURCHASE, RIDGE),
}
#: Length of the lists, and the lengths at which they are tested.
LENGTH, LENGTHS = 5, (5, 10)
#: The products with most customers, as many as a matrix of all pairs has room for.
MOST_PRODUCTS = 1500
#: Days by whose purchases products are alike, and in which a product must be sold to be on sale.
LOOK_BACK, ON_SALE = 365, 90
#: A product is out of season when, a year earlier, its share of customers fell to less than this
#: part of what it was in the days before. Products of fewer customers then are left alone.
OUT_OF_SEASON, FEWEST_IN_SEASON = 0.25, 20
#: The strength of the ridge regression, in units of one customer.
PENALTY = 200.0
#: Of own purchases, the older count half after so many days.
HALF_LIFE = 180
#: More customers are not needed for a test.
MOST_CUSTOMERS = 10_000
#: Customers of whom scores are held at a time.
CHUNK = 2_000


class Baskets(NamedTuple):
    """Who has bought what, at a date.

    Attributes
    ----------
    customers, products
        customer_id, and stock_code: those on sale, with most customers first.
    recent
        What customers bought in the look-back: customers by products, 1 where they did.
    ever
        What they bought at any time before.
    rhythm
        On how many days they bought it, the older purchases counting less.
    popularity
        Customers of each product in the last `ON_SALE` days.
    """

    customers: pd.Index
    products: pd.Index
    recent: sparse.csr_matrix
    ever: sparse.csr_matrix
    rhythm: sparse.csr_matrix
    popularity: Numbers


def find_out_of_season(ledger: Ledger, earlier: dt.date) -> pd.Index:
    """Return the products that hardly anybody bought in the same season a year earlier.

    A card that sells until Christmas is on sale on the day after, but nobody buys it next.

    Parameters
    ----------
    ledger
        The ledger.
    earlier
        The day a year before the day from which on customers are to buy (`forecast.season`).
    """
    days = dt.timedelta(days=ON_SALE)
    before, after = (bought_after(ledger, start, ON_SALE) for start in (earlier - days, earlier))
    sizes = [table.groupby("stock_code").size() for table in (before, after)]
    people = [max(table["customer_id"].nunique(), 1) for table in (before, after)]
    known = sizes[0][sizes[0] >= FEWEST_IN_SEASON]
    share = sizes[1].reindex(known.index, fill_value=0) / people[1] / (known / people[0])
    return share.index[share < OUT_OF_SEASON]


def collect_baskets(
    ledger: Ledger, date: dt.date, smallest: int, left_out: pd.Index | None = None
) -> Baskets:
    """Return who had bought what at the beginning of a day.

    Parameters
    ----------
    ledger
        The ledger.
    date
        Nothing dated on it or after it matters.
    smallest
        Products of fewer customers are left out.
    left_out
        Products that are left out besides, from `find_out_of_season`.
    """
    known = lines_known_at(ledger, date)
    known = known.filter(known.stock_code.notnull())
    if left_out is not None and len(left_out):
        known = known.filter(~known.stock_code.isin(list(left_out)))
    # Days first, then pairs: counting distinct days within pairs takes the engine twice as long.
    days = known.select("customer_id", "stock_code", day=known.invoice_date.date()).distinct()
    pairs = days.group_by("customer_id", "stock_code").aggregate(
        times=days.count(),
        ago=ibis.literal(date).delta(days.day.max(), unit="day").cast("int64"),
    )
    return arrange_baskets(pairs.execute(), smallest)


def arrange_baskets(table: pd.DataFrame, smallest: int) -> Baskets:
    """Return baskets from customer_id, stock_code, times (days) and ago (days since the last)."""
    person, people = pd.factorize(table["customer_id"], sort=True)
    code, codes = pd.factorize(table["stock_code"], sort=True)
    ago = table["ago"].to_numpy(dtype=float)
    inside = ago <= LOOK_BACK
    size = np.bincount(code[inside], minlength=len(codes))
    lately = np.bincount(code[ago <= ON_SALE], minlength=len(codes))
    places = np.argsort(-size, kind="stable")
    places = places[(size[places] >= max(smallest, 1)) & (lately[places] > 0)][:MOST_PRODUCTS]
    active = np.flatnonzero(np.bincount(person[inside], minlength=len(people)))
    row = _places_of(active, len(people))[person]
    column = _places_of(places, len(codes))[code]
    kept = np.flatnonzero((row >= 0) & (column >= 0))
    # Sums over a customer's products take these in one order, whatever that of the table was.
    kept = kept[np.argsort(row[kept] * len(codes) + code[kept])]
    row, column, ago = row[kept], column[kept], ago[kept]

    def matrix(values: Numbers) -> sparse.csr_matrix:
        shape = (len(active), len(places))
        found = sparse.csr_matrix((values, (row, column)), shape=shape)
        found.eliminate_zeros()
        return found

    return Baskets(
        pd.Index(people[active], name="customer_id"),
        pd.Index(codes[places], name="stock_code"),
        matrix((ago <= LOOK_BACK).astype(float)),
        matrix(np.ones(len(kept))),
        matrix(table["times"].to_numpy(dtype=float)[kept] * 0.5 ** (ago / HALF_LIFE)),
        lately[places].astype(float),
    )


def _places_of(chosen: Places, n: int) -> Places:
    """Return the place of each of `n` units among those chosen; -1 where it is none of them."""
    place = np.full(n, -1)
    place[chosen] = np.arange(len(chosen))
    return place


def weigh_products(model: str, baskets: Baskets) -> Numbers:
    """Return how much the purchase of one product (row) says for another (column).

    Parameters
    ----------
    model
        `CO_PURCHASE` (cosine of the products' customers) or `RIDGE`.
    baskets
        Who has bought what.
    """
    together = np.asarray((baskets.recent.T @ baskets.recent).todense(), dtype=float)
    size = together.diagonal().copy()
    if model == CO_PURCHASE:
        weights = together / np.sqrt(np.outer(size, size))
    else:
        together[np.diag_indices_from(together)] += PENALTY
        inverse = linalg.inv(together, check_finite=False, assume_a="pos")
        weights = inverse / -inverse.diagonal()
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)


def rank_products(
    list_name: str, model: str, baskets: Baskets, rows: Places, length: int, seed: int
) -> Iterator[tuple[Places, Places]]:
    """Yield the first products of the list of some customers, a few customers at a time.

    Parameters
    ----------
    list_name, model
        Of `CANDIDATES`.
    baskets
        Who has bought what.
    rows
        The customers: places in `baskets.customers`.
    length
        Of the lists.
    seed
        Of random lists.

    Yields
    ------
    tuple
        The customers' places, and for each a row of products' places; -1 where there is none left.
    """
    random = np.random.default_rng(seed)
    weights = weigh_products(model, baskets) if model in (CO_PURCHASE, RIDGE) else None
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        shape = (len(some), len(baskets.products))
        if list_name == REORDER and model == OWN_RHYTHM:
            own = baskets.rhythm[some].tocoo()  # nothing else may be listed
            yield some, _first(own.row, own.col, own.data, len(some), length)
            continue
        if weights is not None:
            scores = np.asarray(baskets.recent[some] @ weights)
        elif model == POPULARITY:
            scores = np.broadcast_to(baskets.popularity, shape).copy()
        else:
            scores = random.random(shape)
        owned = baskets.ever[some].toarray() > 0
        scores[~owned if list_name == REORDER else owned] = -np.inf
        yield some, _largest(scores, length)


def _largest(scores: Numbers, length: int) -> Places:
    """Return the places of the highest scores of each row, as `_first` does; none is infinite."""
    if scores.shape[1] > length:
        least = np.partition(scores, -length, axis=1)[:, -length, None]
        # What is below the last score of the list need not be sorted.
        row, column = np.nonzero((scores >= least) & (scores > -np.inf))
    else:
        row, column = np.nonzero(scores > -np.inf)
    return _first(row, column, scores[row, column], len(scores), length)


def _first(row: Places, column: Places, score: Numbers, rows: int, length: int) -> Places:
    """Return the columns of the highest scores of each row; of equal ones, the first.

    Where a row has fewer scores than the list is long, -1 stands in their place.
    """
    order = np.lexsort([column, -score, row])
    row, column = row[order], column[order]
    place = np.arange(len(row)) - np.searchsorted(row, np.arange(rows))[row]
    found = np.full((rows, length), -1)
    listed = place < length
    found[row[listed], place[listed]] = column[listed]
    return found


def compare_lists(
    baskets: Baskets, bought: pd.DataFrame, date: dt.date, days: int, seed: int
) -> pd.DataFrame:
    """Test the candidates of both lists on what customers bought after a date, and choose.

    Parameters
    ----------
    baskets
        At the date.
    bought
        customer_id and stock_code of the days from the date on, each pair once.
    date, days
        The date, and how many days.
    seed
        Of random lists, and of the bootstrap over customers.

    Returns
    -------
    pandas.DataFrame
        list, model, length, date, days, customers (who ordered in these days); precision (share of
        the products listed that the customer bought) and hit_rate (share of the customers who
        bought one of them at least), each with ``_low`` and ``_high`` (95%); behind (the best, in
        precision), behind_error (standard error of the difference), chosen (at the longest list).
        Products that are listed to customers whom nothing is left to list count as not bought.
    """
    people = pd.Index(np.sort(bought["customer_id"].unique()))
    rows = baskets.customers.get_indexer(people)
    rows = rows[rows >= 0]
    rows = rows[subsample(len(rows), seed, MOST_CUSTOMERS)] if len(rows) else rows
    kept = bought[bought["stock_code"].isin(baskets.products)]
    kept = kept[kept["customer_id"].isin(baskets.customers)]
    truth = sparse.csr_matrix(
        (
            np.ones(len(kept), dtype=bool),
            (
                baskets.customers.get_indexer(pd.Index(kept["customer_id"])),
                baskets.products.get_indexer(pd.Index(kept["stock_code"])),
            ),
        ),
        shape=(len(baskets.customers), len(baskets.products)),
    )
    found: list[dict[str, Any]] = []
    for list_name, models in CANDIDATES.items():
        hits = {model: _hits(list_name, model, baskets, rows, truth, seed) for model in models}
        for length in LENGTHS:
            drawn = {
                model: resampled_sums(
                    np.column_stack(
                        [h[:, :length].sum(axis=1) / length, h[:, :length].any(axis=1)]
                    ).astype(float),
                    seed,
                )
                / len(rows)
                for model, h in hits.items()
            }
            point = {model: float(h[:, :length].mean()) for model, h in hits.items()}
            best = max(point, key=lambda model: point[model])
            for model, h in hits.items():
                low, high = percentile_interval(drawn[model])
                found.append(
                    {
                        "list": list_name,
                        "model": model,
                        "length": length,
                        "date": pd.Timestamp(date),
                        "days": days,
                        "customers": len(rows),
                        "precision": point[model],
                        "precision_low": low[0],
                        "precision_high": high[0],
                        "hit_rate": float(h[:, :length].any(axis=1).mean()),
                        "hit_rate_low": low[1],
                        "hit_rate_high": high[1],
                        "behind": point[best] - point[model],
                        "behind_error": float((drawn[best] - drawn[model])[:, 0].std()),
                    }
                )
    table = pd.DataFrame(found)
    good = table[(table["length"] == LENGTHS[-1]) & (table["behind"] <= table["behind_error"])]
    chosen = good.groupby("list")["model"].first()
    return table.assign(chosen=table["model"] == table["list"].map(chosen))


def _hits(
    list_name: str,
    model: str,
    baskets: Baskets,
    rows: Places,
    truth: sparse.csr_matrix,
    seed: int,
) -> npt.NDArray[np.bool_]:
    """Return whether each customer bought each product of the list."""
    parts = []
    for some, top in rank_products(list_name, model, baskets, rows, LENGTHS[-1], seed):
        came = truth[some].toarray()
        parts.append(np.take_along_axis(came, np.maximum(top, 0), axis=1) & (top >= 0))
    return np.concatenate(parts)


def list_products(baskets: Baskets, models: Mapping[str, str], seed: int) -> pd.DataFrame:
    """Return both lists of every customer.

    Parameters
    ----------
    baskets
        Today's.
    models
        The candidate of each list.
    seed
        Of random lists.

    Returns
    -------
    pandas.DataFrame
        customer_id, list, place (from 1 on), stock_code.
    """
    every = np.arange(len(baskets.customers))
    parts = []
    for list_name, model in models.items():
        for some, top in rank_products(list_name, model, baskets, every, LENGTH, seed):
            there = top >= 0
            row, place = np.nonzero(there)
            parts.append(
                pd.DataFrame(
                    {
                        "customer_id": baskets.customers[some[row]],
                        "list": list_name,
                        "place": place + 1,
                        "stock_code": baskets.products[top[there]],
                    }
                )
            )
    columns = ["customer_id", "list", "place", "stock_code"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return table.sort_values(["customer_id", "list", "place"], ignore_index=True)


def top_by_segment(
    lists: pd.DataFrame, segments: pd.DataFrame, smallest: int, top: int = 3
) -> pd.DataFrame:
    """Return the products that are on most lists of each segment.

    Parameters
    ----------
    lists
        From `list_products`.
    segments
        customer_id and segment.
    smallest
        A product on the lists of fewer customers of the segment is left out.
    top
        How many a segment.

    Returns
    -------
    pandas.DataFrame
        segment, list, place, stock_code, customers (on whose list it is), share (of the segment's
        customers with a list).
    """
    table = lists.merge(segments[["customer_id", "segment"]], on="customer_id")
    groups = table.groupby(["segment", "list", "stock_code"], as_index=False)
    counted = groups.agg(customers=("customer_id", "nunique"))
    of_all = table.groupby(["segment", "list"])["customer_id"].nunique().rename("of_all")
    counted = counted.merge(of_all, on=["segment", "list"])
    counted = counted[counted["customers"] >= max(smallest, 1)]
    counted = counted.sort_values(
        ["segment", "list", "customers", "stock_code"], ascending=[True, True, False, True]
    )
    place = counted.groupby(["segment", "list"]).cumcount() + 1
    counted = counted.assign(place=place, share=counted["customers"] / counted["of_all"])
    columns = ["segment", "list", "place", "stock_code", "customers", "share"]
    return counted.loc[counted["place"] <= top, columns].reset_index(drop=True)


def bought_after(ledger: Ledger, date: dt.date, days: int) -> pd.DataFrame:
    """Return what customers bought on so many days from a date on: customer_id, stock_code."""
    lines = ledger.lines
    end = date + dt.timedelta(days=days)
    kept = lines.filter(
        (lines.cleaning_step >= NET)
        & lines.stock_code.notnull()
        & (lines.invoice_date >= ibis.timestamp(f"{date}"))
        & (lines.invoice_date < ibis.timestamp(f"{end}"))
    )
    pairs = kept.select("customer_id", "stock_code").distinct()
    return pairs.order_by("customer_id", "stock_code").execute()


def list_facts(table: pd.DataFrame) -> dict[str, Any]:
    """Return the facts of the lists' test, keyed ``next_products.*``."""
    facts: dict[str, Any] = {}
    longest = table[table["length"] == LENGTHS[-1]]
    for list_name, key in ((REORDER, "reorder"), (CROSS_SELL, "cross_sell")):
        some = longest[longest["list"] == list_name]
        model = str(some.loc[some["chosen"], "model"].iloc[0])
        rows = dict(zip(some["model"], some.to_dict("records"), strict=True))
        facts[f"next_products.{key}_model"] = model
        for who, name in (("", model), ("popularity_", POPULARITY), ("random_", RANDOM)):
            for measure in ("precision", "hit_rate"):
                facts[f"next_products.{key}_{who}{measure}"] = float(rows[name][measure])
        for measure in ("precision_low", "precision_high", "hit_rate_low", "hit_rate_high"):
            facts[f"next_products.{key}_{measure}"] = float(rows[model][measure])
    facts["next_products.test_date"] = f"{longest['date'].iloc[0]:%Y-%m-%d}"
    facts["next_products.test_customers"] = int(longest["customers"].iloc[0])
    facts["next_products.length"] = LENGTHS[-1]
    return facts

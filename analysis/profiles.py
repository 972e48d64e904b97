"""What is each segment like, and by which numbers does a customer belong to it?

`names` lists all segments in the order in which they are shown, so that one without customers
still has its row. Work on lines is written in Ibis; work on customers in
pandas. Groups smaller than the report's ``smallest_group`` are counted, and not described.

Spend is heavy-tailed, so medians and quartiles stand before means, and all shares and means
carry 95% intervals: had other customers come, what then?
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.names import EVERYONE, SUPPORT, TRAITS
from analysis.rfm import MEASURES
from analysis.segments import Segment
from analysis.transactions import GROSS, NET, Ledger
from analysis.words import about, money

Numbers = npt.NDArray[np.float64]

QUARTILES = {"q1": 0.25, "median": 0.5, "q3": 0.75}
DRAWS = 999
#: Above this many customers, a bootstrapped sum is normal to any digit that a reader sees.
MANY = 20_000
#: A product counts as over-represented below this share of false discoveries.
FALSE_DISCOVERIES = 0.05
#: Of so many products a segment: those with the highest lower end of the interval.
PRODUCTS = 5

_RANGES = {
    "recency": "recency_days",
    "tenure": "tenure_days",
    "frequency": "frequency",
    "spend": "monetary",
    "second_days": "second_days",
}
# Each ratio of two sums over customers, whose interval comes from the bootstrap.
_RATIOS = {
    "basket_mean": ("monetary", "frequency"),
    "cancelled_share": ("cancelled", "gross"),
    "cancelled_invoices_per_order": ("cancellations", "frequency"),
    "abroad_share": ("abroad", "has_market"),
    "second_order_share": ("returned", "one"),
}

# ------------------------------------------------------------------------- customers


def home_market(ledger: Ledger, home: str = "") -> str:
    """Return the home market: the one that the settings name, or that with the highest sales."""
    lines = ledger.lines
    if home or "country" not in ledger.columns:
        return home
    kept = lines.filter((lines.rung >= NET) & lines.country.notnull())
    table = (
        kept.group_by("country")
        .aggregate(revenue=kept.amount.sum())
        .order_by(ibis.desc("revenue"), "country")
        .limit(1)
        .execute()
    )
    return str(table["country"].iloc[0]) if len(table) else ""


def customer_details(ledger: Ledger, customers: pd.DataFrame, home: str = "") -> pd.DataFrame:
    """Add to each customer what the profiles need of their lines.

    Parameters
    ----------
    ledger
        The ledger.
    customers
        customer_id, recency_days, frequency, monetary, lines, first_order, and any groups.
    home
        From `home_market`.

    Returns
    -------
    pandas.DataFrame
        `customers` ordered by customer_id, with gross (sales), cancelled (amount, of products;
        missing where the files have no invoice numbers, as nothing marks a cancellation then) and
        cancellations (their invoices),
        market (the country of most of the net spend), abroad (1 where that is not `home`),
        second_days (from the first to the second order's day; missing with one order),
        tenure_days, mean_order and lines_per_order.
    """
    lines = ledger.lines
    sold = lines.filter(lines.rung >= GROSS)
    kept = lines.filter(lines.rung >= NET)
    gross = sold.group_by("customer_id").aggregate(gross=_exact(sold.amount))
    orders = kept.group_by("customer_id", "order_id").aggregate(date=kept.invoice_date.min())
    inorder = ibis.window(group_by="customer_id", order_by=[orders.date, orders.order_id])
    orders = orders.mutate(day=orders.date.date(), nth=ibis.row_number().over(inorder))
    second = orders.group_by("customer_id").aggregate(
        second_order=orders.day.min(where=orders.nth == 1)
    )
    found = customers.sort_values("customer_id", ignore_index=True)
    for extra in (gross, _cancelled(ledger), second, _markets(ledger)):
        found = found.merge(extra.execute(), on="customer_id", how="left", validate="1:1")
    first = pd.to_datetime(found["first_order"])
    days = (pd.to_datetime(found.pop("second_order")) - first).dt.days
    market = found["market"].astype("str")
    known = market.notna()
    cancelled, cancellations = (found[name].fillna(0.0) for name in ("cancelled", "cancellations"))
    return found.assign(
        market=market,
        abroad=(market != home).astype(float).where(known),
        cancelled=cancelled if "invoice" in ledger.columns else np.nan,
        cancellations=cancellations if "invoice" in ledger.columns else np.nan,
        second_days=days.astype(float),
        tenure_days=(pd.Timestamp(ledger.as_of) - first).dt.days,
        mean_order=found["monetary"] / found["frequency"],
        lines_per_order=found["lines"] / found["frequency"],
    )


def _exact(column: ir.Column) -> ir.FloatingScalar:
    """Add up money, which is kept in decimals: the order of the lines cannot show."""
    return column.sum().cast("float64")


def _cancelled(ledger: Ledger) -> ir.Table:
    back = ledger.cancellations
    back = back.filter(back["product"])
    return back.group_by("customer_id").aggregate(
        cancelled=-_exact(back.amount), cancellations=back.invoice.nunique().cast("float64")
    )


def _markets(ledger: Ledger) -> ir.Table:
    """Return the country in which each customer spent most (the first by name, where equal)."""
    lines = ledger.lines
    kept = lines.filter((lines.rung >= NET) & lines.country.notnull())
    spent = kept.group_by("customer_id", market=kept.country).aggregate(amount=kept.amount.sum())
    best = ibis.window(group_by="customer_id", order_by=[ibis.desc(spent.amount), spent.market])
    spent = spent.mutate(place=ibis.row_number().over(best))
    return spent.filter(spent.place == 0).select("customer_id", "market")


def _net_lines(ledger: Ledger, customers: pd.DataFrame, by: str) -> ir.Table:
    """Return the lines of net sales with the group of their customer, as ``segment``."""
    groups = pd.DataFrame(
        {
            "customer_id": customers["customer_id"].astype("str"),
            "segment": customers[by].astype("str"),
        }
    ).sort_values("customer_id")
    lines = ledger.lines
    return lines.filter(lines.rung >= NET).join(ibis.memtable(groups), "customer_id")


# ------------------------------------------------------------------------- profiles


def segment_profiles(
    ledger: Ledger,
    details: pd.DataFrame,
    names: Sequence[str],
    *,
    seed: int,
    smallest: int,
    by: str = "segment",
) -> pd.DataFrame:
    """Return one row per segment: who is in it, what they bring, and how they buy.

    Parameters
    ----------
    ledger
        The ledger.
    details
        From `customer_details`.
    names
        All segments, in order; those without customers too.
    seed
        Of the bootstrap.
    smallest
        A segment with fewer customers has its count and its share, and nothing else.
    by
        The column of `details` with the segment (or the cluster).

    Returns
    -------
    pandas.DataFrame
        segment; customers; shown (whether it is described); share (of customers) and
        revenue_share, basket_mean (net revenue an order), cancelled_share (cancelled amount for
        each unit of gross sales; cancellations of purchases before the ledger begins count
        too), cancelled_invoices_per_order (unlike the amount, no giant order can move it),
        abroad_share (of customers, by their market) and second_order_share (of customers), each
        with ``_low`` and ``_high``; revenue; orders; and the quartiles ``_q1``,
        ``_median``, ``_q3`` of basket (orders' values), recency, tenure and second_days
        (days), frequency (orders a customer) and spend. What the files do not tell is missing.

    References
    ----------
    Intervals are percentiles of a Poisson bootstrap over customers: Hanley, J. A., & MacGibbon,
    B. (2006). Creating non-parametric bootstrap samples using Poisson frequencies. *Computer
    Methods and Programs in Biomedicine*, 83(1), 57-62.
    """
    people = _countable(details, by)
    groups = people.groupby("segment", sort=True)
    table = groups.agg(
        customers=("monetary", "size"), revenue=("monetary", "sum"), orders=("frequency", "sum")
    )
    table = table.reindex(pd.Index(list(names), name="segment", dtype="str"))
    table["customers"] = table["customers"].fillna(0).astype("int64")
    total = people["monetary"].sum()
    columns = {
        "share": table["customers"] / len(people),
        "revenue_share": table["revenue"] / total,
    }
    sums = groups[sorted({name for pair in _RATIOS.values() for name in pair})].sum(min_count=1)
    for name, (top, bottom) in _RATIOS.items():
        columns[name] = (sums[top] / sums[bottom].where(sums[bottom] > 0)).reindex(table.index)
    table = table.assign(**columns)
    table = table.join(_intervals(people, seed).reindex(table.index))
    for name, column in _RANGES.items():
        for ending, level in QUARTILES.items():
            table[f"{name}_{ending}"] = groups[column].quantile(level).reindex(table.index)
    table = table.join(_baskets(ledger, details, by).reindex(table.index))
    table["revenue"] = table["revenue"].round(2)
    counted = ["customers", "share", "share_low", "share_high"]
    shown = table["customers"] >= max(smallest, 1)
    hidden = table.columns.difference(counted)
    table[hidden] = table[hidden].where(shown).astype("float64")
    table.insert(1, "shown", shown)
    table["orders"] = table["orders"].astype("Int64")
    return table.reset_index()[PROFILE_COLUMNS]


def _with_interval(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


PROFILE_COLUMNS = [
    "segment",
    "customers",
    "shown",
    *_with_interval("share"),
    "revenue",
    *_with_interval("revenue_share"),
    "orders",
    *[name for ratio in _RATIOS for name in _with_interval(ratio)],
    *[f"{name}_{ending}" for name in ("basket", *_RANGES) for ending in QUARTILES],
]


def overall_profile(ledger: Ledger, details: pd.DataFrame, *, seed: int) -> pd.Series:
    """Return the profile of all customers together, as a row of `segment_profiles`."""
    everyone = details.assign(everyone=EVERYONE)
    return segment_profiles(
        ledger, everyone, [EVERYONE], seed=seed, smallest=1, by="everyone"
    ).iloc[0]


def _countable(details: pd.DataFrame, by: str) -> pd.DataFrame:
    """Give each customer the numbers that are added up; in order, as draws depend on it."""
    return details.sort_values("customer_id", ignore_index=True).assign(
        segment=lambda t: t[by].astype("str"),
        one=1.0,
        returned=lambda t: (t["frequency"] > 1).astype(float),
        has_market=lambda t: t["abroad"].notna().astype(float),
    )


def _intervals(people: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the intervals of shares and ratios, over `DRAWS` bootstraps of the customers."""
    columns = ["one", "monetary", *sorted({n for p in _RATIOS.values() for n in p} - {"one"})]
    columns = list(dict.fromkeys(columns))
    place = {name: number for number, name in enumerate(columns)}
    random = np.random.default_rng(seed)
    drawn: dict[str, Numbers] = {
        str(name): _bootstrap_sums(part[columns].fillna(0.0).to_numpy(dtype=float), random)
        for name, part in people.groupby("segment", sort=True)
    }
    total = np.sum(list(drawn.values()), axis=0)
    rows = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, sums in drawn.items():
            found = {
                "share": sums[:, place["one"]] / total[:, place["one"]],
                "revenue_share": sums[:, place["monetary"]] / total[:, place["monetary"]],
            } | {
                ratio: sums[:, place[top]] / sums[:, place[bottom]]
                for ratio, (top, bottom) in _RATIOS.items()
            }
            rows[name] = {
                f"{ratio}_{end}": value
                for ratio, values in found.items()
                for end, value in zip(("low", "high"), _middle(values), strict=True)
            }
    table = pd.DataFrame.from_dict(rows, orient="index").round(6)
    known = people.groupby("segment")[["cancelled", "abroad"]].count() > 0
    for ratio, column in (
        ("cancelled_share", "cancelled"),
        ("cancelled_invoices_per_order", "cancelled"),
        ("abroad_share", "abroad"),
    ):
        ends = [f"{ratio}_low", f"{ratio}_high"]
        table[ends] = table[ends].where(known[column].reindex(table.index), axis=0)
    return table


def _middle(values: Numbers) -> tuple[float, float]:
    """Return the ends between which the middle 95% of some values lie."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _bootstrap_sums(values: Numbers, random: np.random.Generator) -> Numbers:
    """Return the sums of each column over bootstraps of the rows, one row per draw."""
    if len(values) > MANY:
        # The covariance of such sums is V'V, which is R'R.
        root = np.linalg.qr(values, mode="r")
        return values.sum(axis=0) + random.standard_normal((DRAWS, len(root))) @ root
    blocks = [
        random.poisson(1.0, (size, len(values))) @ values
        for size in [100] * (DRAWS // 100) + [DRAWS % 100]
    ]
    return np.concatenate(blocks)


def _baskets(ledger: Ledger, details: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the quartiles of the values of orders, by segment."""
    lines = _net_lines(ledger, details, by)
    orders = lines.group_by("segment", "customer_id", "order_id").aggregate(
        amount=lines.amount.sum()
    )
    value = orders.amount.cast("float64")
    table = (
        orders.group_by("segment")
        .aggregate(
            **{f"basket_{ending}": value.quantile(level) for ending, level in QUARTILES.items()}
        )
        .execute()
    )
    return table.set_index("segment")


# ------------------------------------------------------------------------- when and where


def next_quarter(day: dt.date) -> dt.date:
    """Return the first day of the quarter after that of a day.

    Examples
    --------
    >>> next_quarter(dt.date(2011, 12, 10)), next_quarter(dt.date(2011, 1, 1))
    (datetime.date(2012, 1, 1), datetime.date(2011, 4, 1))
    """
    return (pd.Period(day, "Q") + 1).start_time.date()


def covers(start: dt.date, end: dt.date, first: dt.date, as_of: dt.date) -> bool:
    """Tell whether a ledger from `first` until `as_of` covers the days from `start` until `end`.

    A shop may be shut for some days at either end (Christmas, New Year), hence the slack.
    """
    slack = dt.timedelta(days=5)
    return first <= start + slack and as_of >= end - slack


def _sizes(customers: pd.DataFrame) -> dict[str, int]:
    sizes = customers["segment"].astype("str").value_counts()
    return {str(name): int(size) for name, size in sizes.items()}


# ------------------------------------------------------------------------- what


def segment_products(
    ledger: Ledger,
    customers: pd.DataFrame,
    names: Sequence[str],
    *,
    smallest: int,
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
    smallest
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
    types = {"segment": "str", "place": "int64", "stock_code": "str", "description": "str",
             "customers": "int64", "support": "float64", "lift": "float64", "low": "float64",
             "high": "float64", "q_value": "float64"}  # fmt: skip
    nothing = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})
    key = next((c for c in ("stock_code", "description") if c in ledger.columns), None)
    size = pd.Series(_sizes(customers))
    described = [name for name in names if size.get(name, 0) >= max(smallest, 1)]
    if key is None or not described:
        return nothing
    lines = _net_lines(ledger, customers, "segment")
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
    tested = tested[(tested["buyers"] >= smallest) & (tested["chance"] < 1)]
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
    enough = (tested["customers"] >= smallest) & (tested["support"] >= SUPPORT)
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
        (lines.rung >= GROSS) & lines.description.notnull() & lines[key].isin([*set(products)])
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


def wilson(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    """Return the 95% interval of a share, missing where nothing was tried.

    Wilson, E. B. (1927). Probable inference. *JASA*, 22(158), 209-212.

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson(3, 10)]
    [0.108, 0.603]
    """
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    z = stats.norm.ppf(0.975)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.where(n > 0, np.clip(middle - half, 0, 1), np.nan), np.where(
        n > 0, np.clip(middle + half, 0, 1), np.nan
    )


# ------------------------------------------------------------------------- beside each other


def segment_heatmap(details: pd.DataFrame, names: Sequence[str], *, smallest: int) -> pd.DataFrame:
    """Return how far each segment's median lies from the average customer, trait by trait.

    Returns
    -------
    pandas.DataFrame
        segment, measure (of `TRAITS`), median (in days, orders, lines or money), z: the median
        of the logarithms less their mean over all customers, in standard deviations (0 where
        all customers are equal).
    """
    people = details.assign(segment=details["segment"].astype("str"))
    logs = _standardised_logs(people, list(TRAITS))
    size = _sizes(people)
    rows = [
        {
            "segment": name,
            "measure": trait,
            "median": float(people.loc[here, trait].median()),
            "z": round(float(logs.loc[here, trait].median()), 6),
        }
        for name in names
        if size.get(name, 0) >= max(smallest, 1)
        for here in [people["segment"] == name]
        for trait in TRAITS
    ]
    return pd.DataFrame(rows, columns=["segment", "measure", "median", "z"])


def _standardised_logs(people: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return log(1 + x), less its mean, in standard deviations; 0 where all are equal."""
    logs = np.log1p(people[columns].astype(float))
    spread = logs.std(ddof=0)
    return ((logs - logs.mean()) / spread.where(spread > 1e-12)).fillna(0.0)


# ------------------------------------------------------------------------- in words


def _plural(number: float, noun: str) -> str:
    return noun if about(number) == "1" else f"{noun}s"


def _noun(number: float, noun: str) -> str:
    return f"{about(number)} {_plural(number, noun)}"


def thresholds(rules: Sequence[Segment], cuts: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Say what each segment's rule means in days, orders and money.

    Parameters
    ----------
    rules
        From `analysis.segments.read_segments`.
    cuts
        From `analysis.rfm.cut_points`.
    currency
        The sign that stands before amounts.

    Returns
    -------
    pandas.DataFrame
        segment, meaning, recency ("at most 15 days"), frequency ("at least 4 orders"), monetary
        ("over £916"), possible. A segment of several boxes has several rows: a customer belongs
        to it who fits one of them. Where values are tied, quintiles coincide, and no customer can
        have some scores; such a box stands there only if its segment has no other, and is not
        ``possible``.
    """
    beyond: dict[str, dict[int, float]] = {measure: {} for measure in MEASURES}
    for measure, score, value in zip(cuts["measure"], cuts["score"], cuts["beyond"], strict=True):
        beyond[measure][int(score)] = float(value)
    rows: list[dict[str, Any]] = []
    for rule in rules:
        texts = [
            {
                "segment": rule.name,
                "meaning": rule.meaning,
                "recency": _days(box.r, beyond["r"]),
                "frequency": _orders(box.f, beyond["f"]),
                "monetary": _amounts(box.m, beyond["m"], currency),
                "possible": all(
                    _possible(scores, beyond[measure], measure)
                    for measure, scores in zip(MEASURES, (box.r, box.f, box.m), strict=True)
                ),
            }
            for box in rule.boxes
        ]
        possible = [text for text in texts if text["possible"]]
        rows += list({tuple(t.values()): t for t in possible or texts[:1]}.values())
    return pd.DataFrame(rows)


Range = tuple[int, int]


def _ends(scores: Range, beyond: dict[int, float]) -> tuple[float | None, float | None]:
    """Return the cut points between which scores lie; None where they are open."""
    return beyond.get(scores[0]), beyond.get(scores[1] + 1)


def _possible(scores: Range, beyond: dict[int, float], measure: str) -> bool:
    worst, best = _ends(scores, beyond)
    if worst is None or best is None:
        return True
    return worst > best if measure == "r" else worst < best


def _days(scores: Range, beyond: dict[int, float]) -> str:
    worst, best = _ends(scores, beyond)
    if worst is not None and best is not None:
        if worst <= best:
            return "no customer"
        few, many = round(best), round(worst) - 1
        return _noun(few, "day") if few == many else f"{few:,} to {_noun(many, 'day')}"
    if worst is not None:
        return f"at most {_noun(round(worst) - 1, 'day')}"
    return "any" if best is None else f"at least {_noun(round(best), 'day')}"


def _orders(scores: Range, beyond: dict[int, float]) -> str:
    worst, best = _ends(scores, beyond)
    if worst is not None and best is not None:
        if worst >= best:
            return "no customer"
        few, many = round(worst) + 1, round(best)
        return _noun(few, "order") if few == many else f"{few:,} to {_noun(many, 'order')}"
    if worst is not None:
        return f"at least {_noun(round(worst) + 1, 'order')}"
    if best is None:
        return "any"
    return "1 order" if round(best) == 1 else f"at most {_noun(round(best), 'order')}"


def _amounts(scores: Range, beyond: dict[int, float], currency: str) -> str:
    worst, best = _ends(scores, beyond)
    if worst is not None and best is not None:
        if worst >= best:
            return "no customer"
        return f"over {money(worst, currency)}, up to {money(best, currency)}"
    if worst is not None:
        return f"over {money(worst, currency)}"
    return "any" if best is None else f"up to {money(best, currency)}"

"""Do the new files fit what came before, and if not, does it matter?

The accepted lines are one ledger, the new files' alone another. Lines beyond the last accepted
moment are *fresh*; those before it are sent again, restated, or late. What is usual is learned
from the last year of accepted months. A finding informs, warns, or stops until it is accepted.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from analysis import words
from analysis.names import CATEGORICAL
from analysis.transactions import (
    GROSS,
    LINE_COLUMNS,
    MONEY,
    NUMBER_COLUMNS,
    Ledger,
    hash_of,
)

INFORMS, WARNS, STOPS = SEVERITIES = ("informs", "warns", "stops")
#: Without these columns orders, products or prices mean something else than before.
NEEDED = ("invoice", "stock_code", "quantity", "unit_price")
#: Days without a line: a long weekend is nobody's fault; more than a month stops.
USUAL_GAP, LONGEST_GAP = 4, 31
#: What becomes of a line on days that both cover.
KINDS = ("same", "changed", "missing", "added", "late")
#: A month was sent again as a whole when so many of its accepted orders are in the new files.
RESENT = 0.5
#: Shares of a month's accepted money: beyond these changes stop; late lines warn, and stop.
RESTATED, FEW_LATE, MANY_LATE = 0.05, 0.05, 0.5
#: Months of history, the fewest that teach something, and the fewest days of one.
YEAR, FEWEST_MONTHS, FEWEST_DAYS = 12, 3, 7
#: Fewer ids, or lines, than these prove nothing.
FEWEST_IDS, FEWEST_LINES = 20, 100
#: How far from the median is far, in robust standard deviations.
FAR = 3.5
#: So large a share of ids, or of customers with new words, is too much.
LARGE, LEVEL = 0.25, 0.05
#: Shares are kept off 0 and 1, whose log odds are infinite.
EDGE = 0.001
#: Columns whose ids are known from before, or not.
IDS = ("customer_id", "stock_code")


class Finding(NamedTuple):
    """One thing that was noticed; from `low` to `high` it would have been unremarkable."""

    check: str
    severity: str
    where: str
    message: str
    value: float = np.nan
    low: float = np.nan
    high: float = np.nan


class Measure(NamedTuple):
    """What is compared month by month.

    Attributes
    ----------
    noun
        What it is, at the beginning of a sentence.
    share
        Whether it is a share, with a tolerance in log odds, or else one in logarithms.
    least
        The tolerance is at least this factor (of the odds, or of the value) to either side.
    most
        Beyond this factor, or this difference between shares, it stops.
    remedy
        What to do.
    floor
        Not nought: only a low share is remarkable, and below this it stops, whatever was usual.
    """

    noun: str
    share: bool
    least: float
    most: float
    remedy: str
    floor: float = 0.0


_WHOLE = "See whether the export is complete, and holds nothing twice."
_UNITS = "Look for another currency, pence for pounds, or misread separators."
_OTHERS = "See whether this is the same shop, and writes its ids as before."
MEASURES = {
    "ledger.lines": Measure("Lines a day", False, 1.5, 10, _WHOLE),
    "ledger.orders": Measure("Orders a day", False, 1.5, 10, _WHOLE),
    "ledger.customers": Measure("Customers a day", False, 1.5, 10, _WHOLE),
    "ledger.revenue": Measure("Revenue a day", False, 1.5, 10, _WHOLE),
    "ledger.mean_price": Measure("The mean price", False, 1.5, 10, _UNITS),
    "ledger.price_level": Measure("The price level of known products", False, 1.1, 3, _UNITS),
    "ledger.quantity_level": Measure("The pieces in a line of them", False, 1.5, 5, _UNITS),
    "ledger.missing_customers": Measure("Lines without a customer", True, 2, 0.5, _WHOLE),
    "ledger.cancelled": Measure("Cancelled lines", True, 2, 0.5, _WHOLE),
    "ledger.country": Measure("Lines from", True, 2, 0.5, _WHOLE),
    "ledger.known_customers": Measure("Customers known before", True, 3, 1, _OTHERS, 0.01),
    "ledger.known_products": Measure("Products known before", True, 3, 1, _OTHERS, 0.2),
}


def findings(found: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table: first what stops, with how to accept it in its message."""
    order = sorted(found, key=lambda f: (-SEVERITIES.index(f.severity), f.check, f.where))
    table = pd.DataFrame(order, columns=list(Finding._fields))
    table = table.astype(dict.fromkeys(Finding._fields[:4], "str"))
    how = " If this is right, go on with --accept " + table["check"] + "."
    # Tables of findings are joined, and made again: how to accept one is said once.
    said = [text.endswith(end) for text, end in zip(table["message"], how, strict=True)]
    stop = (table["severity"] == STOPS) & ~np.array(said, dtype=bool)
    return table.assign(message=table["message"].where(~stop, table["message"] + how)).astype(
        dict.fromkeys(Finding._fields[4:], "float64")
    )


def stops(table: pd.DataFrame, accepted: set[str]) -> pd.DataFrame:
    """Return the findings that stop, and whose checks are not accepted by name."""
    return table[(table["severity"] == STOPS) & ~table["check"].isin(accepted)]


class Drawn(NamedTuple):
    """What is compared of a ledger: its lines that could be read, and small tables of them.

    Attributes
    ----------
    lines, columns
        As in the ledger, with each line's day, and with orders that hold without customers.
    days
        By day: lines, orders, customers, revenue, price and priced (sum and count, of sales),
        missing_customers, cancelled.
    countries
        day, country, lines.
    medians
        By month and code: unit_price, quantity and amount of sales.
    ids
        column, id, month: the customers and products of sales.
    forms
        column, and by form the number of ids that are written so.
    """

    lines: ir.Table
    columns: frozenset[str]
    days: pd.DataFrame
    countries: pd.DataFrame
    medians: pd.DataFrame
    ids: pd.DataFrame
    forms: pd.DataFrame


def draw(ledger: Ledger) -> Drawn:
    """Draw from a ledger what is compared."""
    lines = ledger.lines.filter(ledger.lines.broken == 0)
    order = lines.customer_id.fill_null("") + lines.order_id
    lines = lines.mutate(
        order_id=ibis.ifelse(lines.invoice.isnull(), order, lines.order_id),
        day=lines.invoice_date.truncate("D"),
    )
    copies, gross = lines.copies, lines.rung >= GROSS
    days = lines.group_by("day").aggregate(
        lines=copies.sum(),
        orders=lines.order_id.nunique(),
        customers=lines.customer_id.nunique(),
        revenue=lines.amount.sum(where=gross).cast("float64").fill_null(0.0),
        price=lines.unit_price.cast(MONEY).sum(where=gross).cast("float64").fill_null(0.0),
        priced=lines.unit_price.count(where=gross),
        missing_customers=copies.sum(where=lines.customer_id.isnull()).fill_null(0),
        cancelled=copies.sum(where=lines.cancelled).fill_null(0),
    )
    sold = lines.filter(lines.rung >= GROSS)
    sold = sold.mutate(month=sold.day.truncate("M"), code=sold.stock_code.fill_null(""))
    medians = sold.group_by("month", "code").aggregate(
        **{name: sold[name].cast("float64").median() for name in NUMBER_COLUMNS}
    )
    countries = lines.group_by("day", "country").aggregate(lines=copies.sum())
    ids = [
        sold.filter(sold[name].notnull()).select("month", id=name).distinct().execute()
        for name in IDS
    ]
    return Drawn(
        lines,
        ledger.columns,
        days.order_by("day").execute().set_index("day"),
        countries.execute(),
        medians.execute(),
        pd.concat([table.assign(column=name) for table, name in zip(ids, IDS, strict=True)]),
        _forms(lines),
    )


def _forms(lines: ir.Table) -> pd.DataFrame:
    """Count in which form the ids of each column are written."""
    counts: dict[str, ir.Scalar] = {}
    for name in (*IDS, "invoice"):
        digits = lines[name].re_search(r"^\d+$")
        zero, some = lines[name].startswith("0"), lines[name].re_search(r"\d")
        counts |= {
            f"{name} digits": (digits & ~zero).sum(),
            f"{name} digits after zeros": (digits & zero).sum(),
            f"{name} letters and digits": (some & ~digits).sum(),
            f"{name} letters": (~some).sum(),
        }
    table = lines.aggregate(**counts).execute().iloc[0].fillna(0).astype("int64")
    parts = [str(name).split(" ", 1) for name in table.index]
    return pd.DataFrame(parts, columns=["column", "form"]).assign(n=table.to_numpy())


def ledger_findings(
    old: Drawn,
    new: Drawn,
    currency: str = "",
    kept: Drawn | None = None,
    replaced: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return all that is remarkable in the lines of new files.

    Parameters
    ----------
    old
        From `draw`: the ledger as it was accepted.
    new
        The new files' lines: all of them, and no others.
    currency
        The sign in front of money.
    kept
        The accepted files of which no new one takes the place, where some are left.
    replaced
        Rows of `Ledger.files`: the accepted files of which new ones take the place.

    Returns
    -------
    pandas.DataFrame
        check, severity, where, message, value, low, high.
    """
    again = overlap(old, new)
    twice = again if replaced is None else overlap(kept, new) if kept else again.iloc[:0]
    return findings(
        [
            *_order(old.days.index, new.days["lines"], again),
            *_lost(replaced, new.days.index),
            *_sent_again(again, currency),
            *_counted_twice(twice),
            *_columns(old.columns, new.columns),
            *_id_forms(old, new),
            *_swapped_days(new.days["lines"]),
            *unusual(*by_month(old, new)),
        ]
    )


# ------------------------------------------------------------------------- overlap and gaps


def overlap(old: Drawn, new: Drawn) -> pd.DataFrame:
    """Compare accepted and new lines on the days that both cover.

    An order was sent again when one of its products is in both; a month, when most of its orders
    were. Only what was sent again can lack something; all other new lines are late.

    Returns
    -------
    pandas.DataFrame
        By month: lines that are the same, changed, missing (in the new files), added, late;
        accepted (money of the accepted lines, whatever its sign), moved (money that changed, is
        missing or was added), net (what that does to the sum), late_money.
    """
    low, high = new.days.index[0], min(old.days.index[-1], new.days.index[-1])
    if low > high:
        return pd.DataFrame(columns=["month", *KINDS, "accepted", "moved", "net", "late_money"])
    values = [name for name in LINE_COLUMNS if name in old.columns & new.columns]

    def pieces(lines: ir.Table) -> pd.DataFrame:
        # Sums of 40 bits fit into 64, and do not depend on the order of lines.
        mark = hash_of(ibis.struct({name: lines[name] for name in values})) % 2**40
        lines = lines.mutate(mark=mark.cast("int64")).filter(
            (lines.day >= ibis.timestamp(str(low))) & (lines.day <= ibis.timestamp(str(high)))
        )
        return (
            lines.group_by(order=lines.order_id.hash(), item=lines.stock_code.fill_null("").hash())
            .aggregate(
                month=lines.day.min().truncate("M"),
                lines=lines.copies.sum(),
                amount=(lines.amount * lines.copies).sum().cast("float64"),
                mark=(lines.mark * lines.copies).sum(),
            )
            .execute()
        )

    both = pieces(old.lines).merge(
        pieces(new.lines), on=["order", "item"], how="outer", suffixes=("_old", ""), indicator=True
    )
    month = both["month_old"].fillna(both["month"])
    order = (both["_merge"] == "both").groupby(both["order"]).transform("any")
    left, right = both["_merge"] == "left_only", both["_merge"] == "right_only"
    orders = both.assign(month=month, order_again=order)[~right].drop_duplicates("order")
    again = order | month.map(orders.groupby("month")["order_again"].mean() >= RESENT).eq(True)
    restated = {"changed": ~left & ~right & (both["mark"] != both["mark_old"]),
                "missing": left & again, "added": right & again}  # fmt: skip
    kinds = restated | {"same": both["mark"] == both["mark_old"], "late": right & ~again}
    lines = both["lines"].fillna(both["lines_old"]).astype("int64")
    table = pd.DataFrame({kind: lines.where(kinds[kind], 0) for kind in KINDS})
    before = both["amount_old"].fillna(0.0)
    gain = both["amount"].fillna(0.0) - before
    change = gain.where(pd.DataFrame(restated).any(axis=1), 0.0)
    table = table.assign(
        accepted=before.abs(), moved=change.abs(), net=change,
        late_money=gain.abs().where(kinds["late"], 0.0),
    )  # fmt: skip
    return table.groupby(month.rename("month")).sum().round(2).reset_index()


def _order(before: pd.Index, came: pd.Series, again: pd.DataFrame) -> list[Finding]:
    """Say whether new lines follow the accepted ones, and at what distance."""
    end, last = before[-1], came.index[-1]
    days = came.index[came.index > end]
    if not len(days):
        if not again[list(KINDS[1:])].to_numpy().any():
            text = "Every line of the new files was accepted before. Look for the right files."
            return [Finding("ledger.nothing_new", STOPS, "", text, 0, 1)]
        text = (f"The new files end on {last:%d %B %Y}, and what was accepted on {end:%d %B %Y}: "
                "they are late or corrected, and no new quarter.")  # fmt: skip
        return [Finding("ledger.ends_before", WARNS, f"{last:%Y-%m-%d}", text)]
    count = int(came[days].sum())
    text = f"{words.count(count, 'line')} follow, from {days[0]:%d %B %Y} to {last:%d %B %Y}."
    found = [Finding("ledger.follows", INFORMS, f"{days[0]:%Y-%m-%d}", text, count)]
    line = pd.Series([end, *days])
    gaps, seen = line.diff().dt.days - 1, before.to_series().diff().dt.days.max() - 1
    usual = max(np.nan_to_num(seen), USUAL_GAP)
    if (gap := gaps.max()) > usual:
        until = line[gaps.argmax()]
        since = until - pd.Timedelta(days=gap)
        text = (f"There is no line on {gap:.0f} days from {since:%d %B %Y} on; up to {usual:.0f} "
                "are usual. See whether a file is missing.")  # fmt: skip
        severity = STOPS if gap > max(usual, LONGEST_GAP) else WARNS
        found.append(Finding("ledger.gap", severity, f"{since:%Y-%m-%d}", text, gap, 0, usual))
    return found


def _sent_again(again: pd.DataFrame, currency: str) -> list[Finding]:
    """Say what new files do to each month that was accepted before."""
    found = []
    for row in again.to_dict("records"):
        month, total = words.month(row["month"]), row["accepted"]
        accepted = f"the {words.money(total, currency)} accepted for these days"
        if row["same"]:
            text = (f"{words.count(row['same'], 'line')} of {month} came again as accepted "
                    "before: counted once.")  # fmt: skip
            found.append(Finding("ledger.resent", INFORMS, month, text, row["same"]))
        if row["changed"] or row["missing"] or row["added"]:
            share = row["moved"] / total if total else np.inf
            text = (f"{month} is restated: {words.count(row['changed'], 'line')} changed, "
                    f"{row['missing']:,} went, {row['added']:,} came. That moves "
                    f"{words.money(row['moved'], currency)} ({share:.1%} of {accepted}, where "
                    f"{RESTATED:.0%} may pass), and changes their sum by "
                    f"{words.money(row['net'], currency)}. See that it is meant.")  # fmt: skip
            severity = STOPS if share > RESTATED else WARNS
            found.append(Finding("ledger.restated", severity, month, text, share, 0, RESTATED))
        if row["late"]:
            share = row["late_money"] / total if total else np.inf
            text = (f"{words.count(row['late'], 'line')} of {month} came late, with "
                    f"{words.money(row['late_money'], currency)} beside {accepted}. See that no "
                    "sale is there twice, under other invoice numbers.")  # fmt: skip
            # A month of which nothing was accepted is a file that came late, not one twice.
            severity = STOPS if MANY_LATE < share < np.inf else WARNS
            severity = severity if share > FEW_LATE else INFORMS
            found.append(Finding("ledger.late", severity, month, text, share, 0, FEW_LATE))
    return found


def _counted_twice(again: pd.DataFrame) -> list[Finding]:
    """Say when lines that are restated would go on counting as they were."""
    restated = again["changed"] + again["missing"] + again["added"]
    return [
        Finding("ledger.counted_twice", STOPS, words.month(row["month"]),
                f"{words.month(row['month'])} is restated ({words.count(number, 'line')}), and "
                "what was accepted of it would count as well. Name the accepted file of which the "
                "new one takes the place, with --replaces.", number, 0, 0)
        for row, number in zip(again.to_dict("records"), restated, strict=True)
        if number
    ]  # fmt: skip


def _lost(replaced: pd.DataFrame | None, days: pd.Index) -> list[Finding]:
    """Say which accepted files held days that the files in their place do not."""
    if replaced is None:
        return []
    first, last = days[0], days[-1]
    beyond = (replaced["first_date"].dt.normalize() < first) | (
        replaced["last_date"].dt.normalize() > last
    )
    return [
        Finding("ledger.lost", STOPS, str(row["source"]),
                f"{row['source']} ran from {row['first_date']:%d %B %Y} to "
                f"{row['last_date']:%d %B %Y}, and the new files run from {first:%d %B %Y} to "
                f"{last:%d %B %Y}: what it held on other days would count no more. Send all that "
                "it held, with the corrections.")
        for row in replaced[beyond].to_dict("records")
    ]  # fmt: skip


# ------------------------------------------------------------------------- schema and dates


def _columns(before: frozenset[str], now: frozenset[str]) -> list[Finding]:
    """Say which columns went and came."""
    went = "was accepted, and is not in the new files. Export it, or map its name in the settings."
    came = "is in the new files, and was not there before."
    return [
        Finding("schema.column_went" if name in before else "schema.column_came", severity, name,
                f"The column for {name.replace('_', ' ')} {went if name in before else came}")
        for name in sorted(before ^ now)
        for severity in [INFORMS if name in now else STOPS if name in NEEDED else WARNS]
    ]  # fmt: skip


def _id_forms(old: Drawn, new: Drawn) -> list[Finding]:
    """Say which ids are written in another way: the distance between the shares of forms."""
    found = []
    for name in sorted(old.columns & new.columns & {*IDS, "invoice"}):
        before, now = (
            drawn.forms[drawn.forms["column"] == name].set_index("form")["n"]
            for drawn in (old, new)
        )
        moved = now / now.sum() - before / before.sum()
        if (distance := moved.clip(lower=0).sum()) > LARGE:
            text = (f"{distance:.0%} of {name.replace('_', ' ')} went from '{moved.idxmin()}' to "
                    f"'{moved.idxmax()}'. Export it as text, as before.")  # fmt: skip
            found.append(Finding("schema.id_form", WARNS, name, text, distance, 0, LARGE))
    return found


def _swapped_days(came: pd.Series) -> list[Finding]:
    """Say when days were read as months: there is no day after the twelfth then."""
    days = pd.DatetimeIndex(came.index)
    expected = (pd.date_range(days.min(), days.max()).day > 12).mean()
    share = came[days.day > 12].sum() / came.sum()
    if came.sum() < FEWEST_LINES or expected < 0.3 or share >= expected / 2:
        return []
    text = (f"{share:.0%} of the lines are of days after the 12th, as {expected:.0%} of all days "
            "are: day and month may be swapped. Export dates as 2024-12-31.")  # fmt: skip
    severity = WARNS if share else STOPS
    return [Finding("ledger.swapped_days", severity, "invoice_date", text, share, expected / 2, 1)]


# ------------------------------------------------------------------------- month by month


def by_month(old: Drawn, new: Drawn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the measures of accepted months, and of the months of the days that follow.

    Returns
    -------
    tuple of pandas.DataFrame
        Twice: check, detail (the country), month, value, n (what a share is a share of).
    """
    start = old.days.index[-1] + pd.Timedelta(days=1)
    month = start.to_period("M").start_time
    if new.days.index[-1] < start:
        return pd.DataFrame(), pd.DataFrame()
    new = new._replace(
        days=new.days[new.days.index >= start],
        countries=new.countries[new.countries["day"] >= start],
        medians=new.medians[new.medians["month"] >= month],
        ids=new.ids[new.ids["month"] >= month],
    )
    both = old.columns & new.columns
    past, now = [_volumes(old, old.days.index[0])], [_volumes(new, start)]
    if "country" in both:
        lines = old.countries.groupby("country")["lines"].sum().sort_index()
        top = lines.sort_values(ascending=False, kind="stable").index[:5].tolist()
        past.append(_countries(old, top))
        now.append(_countries(new, top))
    levels = {"amount": "price_level"}
    if "unit_price" in both:
        levels = {"unit_price": "price_level", "quantity": "quantity_level"}
    for column, check in levels.items():
        usual = old.medians.groupby("code")[column].median()
        past.append(_level(old.medians, column, usual, check))
        now.append(_level(new.medians, column, usual, check))
    for column, check in (("customer_id", "known_customers"), ("stock_code", "known_products")):
        ids = old.ids[old.ids["column"] == column]
        known = _known(ids, set(), check)
        # All are new in a ledger's first month.
        past.append(known[known["month"] > old.days.index[0]])
        now.append(_known(new.ids[new.ids["column"] == column], set(ids["id"]), check))
    return _enough(past), _enough(now)


def _enough(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the last year's months that have days enough; the first part says how many."""
    days = parts[0][parts[0]["check"] == "ledger.lines"].set_index("month")["n"]
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    recent = table["month"] > days.index.max() - pd.DateOffset(months=YEAR)
    enough = table["month"].map(days) >= FEWEST_DAYS
    return table[recent & enough & table["value"].notna() & (table["n"] > 0)]


def _part(check: str, value: pd.Series, n: pd.Series, detail: str = "") -> pd.DataFrame:
    table = pd.DataFrame({"value": value.astype(float), "n": n.astype(float)})
    table = table.rename_axis("month").reset_index()
    return table.assign(check=f"ledger.{check}", detail=detail)


def _month_of(days: pd.Series | pd.Index) -> pd.DatetimeIndex:
    return pd.PeriodIndex(days, freq="M").to_timestamp()


def _volumes(drawn: Drawn, first: pd.Timestamp) -> pd.DataFrame:
    """Return volumes, the mean price, and shares of lines by month, from a day on."""
    last = drawn.days.index[-1]
    table = drawn.days.groupby(_month_of(drawn.days.index)).sum()
    month = table.index.to_series()
    until = (month + pd.offsets.MonthEnd(0)).where(lambda day: day < last, last)
    days = (until - month.where(month > first, first)).dt.days + 1
    # The lines of an order go together: a share of lines has no more cases than orders.
    shares = [_part(name, table[name] / table["lines"], table["orders"])
              for name in ("missing_customers", "cancelled")]  # fmt: skip
    volumes = [_part(name, table[name] / days, days)
               for name in ("lines", "orders", "customers", "revenue")]  # fmt: skip
    price = _part("mean_price", table["price"] / table["priced"], table["priced"])
    return pd.concat([*volumes, price, *shares], ignore_index=True)


def _countries(drawn: Drawn, names: list[str]) -> pd.DataFrame:
    """Return the share of some countries in the lines of each month."""
    table = drawn.countries
    lines = table.groupby([_month_of(table["day"]), "country"])["lines"].sum().unstack("country")
    lines = lines.reindex(columns=names).fillna(0)
    month = drawn.days.groupby(_month_of(drawn.days.index))[["lines", "orders"]].sum()
    parts = [_part("country", lines[name] / month["lines"], month["orders"], name)
             for name in names]  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _level(medians: pd.DataFrame, column: str, usual: pd.Series, check: str) -> pd.DataFrame:
    """Return how many times as high as usual the median product stands each month."""
    ratio = (medians[column] / medians["code"].map(usual)).groupby(medians["month"])
    return _part(check, ratio.median(), ratio.count())


def _known(ids: pd.DataFrame, before: set[str], check: str) -> pd.DataFrame:
    """Return the share of each month's ids that were there before it."""
    known = ids["id"].isin(before) | (ids.groupby("id")["month"].transform("min") < ids["month"])
    groups = known.astype(float).groupby(ids["month"])
    return _part(check, groups.mean(), groups.size())


def tolerance(past: pd.DataFrame, measure: Measure, n: float) -> tuple[float, float]:
    """Return what is usual: the median of past months, and `FAR` robust SDs to either side.

    Parameters
    ----------
    past
        value and n of each past month; not known (NaN) from fewer than `FEWEST_MONTHS`.
    measure
        Its scale, and how wide the tolerance is at least.
    n
        What the new share is a share of: that of few is often far from the usual one.

    References
    ----------
    Iglewicz, B., & Hoaglin, D. C. (1993). *How to Detect and Handle Outliers*: the modified
    z-score, from the median absolute deviation, with its bound of 3.5.
    """
    if len(past) < FEWEST_MONTHS:
        return np.nan, np.nan
    to, back = (stats.logistic.ppf, stats.logistic.cdf) if measure.share else (np.log, np.exp)
    values = to(past["value"].clip(EDGE, 1 - EDGE if measure.share else None))
    centre = np.median(values)
    # Nothing in n may still be half a case in n.
    p = np.clip(back(centre), 0.5 / (n + 1), 1 - 0.5 / (n + 1))
    noise = 1 / np.sqrt(n * p * (1 - p)) if measure.share else 0.0
    spread = max(stats.median_abs_deviation(values, scale="normal"), noise)
    width = max(FAR * spread, np.log(measure.least))
    return float(back(centre - width)), 1.0 if measure.floor else float(back(centre + width))


def extremes(past: pd.DataFrame, measure: Measure) -> tuple[float, float]:
    """Return the bounds beyond which a value stops, however much varied before."""
    if measure.floor or past.empty:
        return measure.floor, np.inf
    centre = float(past["value"].median())
    if measure.share:
        return centre - measure.most, centre + measure.most
    return centre / measure.most, centre * measure.most


def unusual(past: pd.DataFrame, now: pd.DataFrame) -> list[Finding]:
    """Return a finding for each measure that was unusual in new months.

    Parameters
    ----------
    past, now
        From `by_month`.
    """
    found: list[Finding] = []
    if now.empty:
        return found
    if (months := past["month"].nunique()) < FEWEST_MONTHS:
        text = (f"There is {words.count(months, 'past month')} to compare with, and what is usual "
                f"takes {FEWEST_MONTHS} to learn: only extreme values are noticed.")  # fmt: skip
        found.append(Finding("ledger.short_history", INFORMS, "", text, months, FEWEST_MONTHS))
    noticed: dict[tuple[str, str, bool, str], list[dict[Hashable, Any]]] = {}
    groups = dict(list(past.groupby(["check", "detail"])))
    for row in now.to_dict("records"):
        check, detail, value = row["check"], row["detail"], row["value"]
        measure = MEASURES[check]
        before = groups.get((check, detail), past.iloc[:0])
        low, high = tolerance(before, measure, row["n"])
        least, most = extremes(before, measure)
        extreme = not least <= value <= most and (not measure.floor or row["n"] >= FEWEST_IDS)
        inner = float(np.clip(value, EDGE, 1 - EDGE)) if measure.share else value
        if not extreme and not (inner < low or inner > high):
            continue
        if extreme:
            low, high = least, most
        elif _shown(value, measure) in (_shown(low, measure), _shown(high, measure)):
            continue  # a reader would see a value on the bound, and wonder
        bounds = f"from {_shown(low, measure)} to {_shown(high, measure)}"
        noticed.setdefault((check, detail, extreme, bounds), []).append(
            {**row, "low": low, "high": high, "power": _power(value, before, measure)}
        )
    known = set(past["month"].dt.month)
    return found + [_remarkable(*of, MEASURES[of[0]], rows, known) for of, rows in noticed.items()]


def _remarkable(
    check: str,
    detail: str,
    extreme: bool,
    bounds: str,
    measure: Measure,
    rows: list[dict[Hashable, Any]],
    known: set[int],
) -> Finding:
    """Tell of one measure that was unusual in some months, in one finding."""
    worst = max(rows, key=lambda row: max(row["low"] - row["value"], row["value"] - row["high"]))
    about = f" {words.shorten(detail)}" if detail else ""
    months = words.listed([words.month(row["month"]) for row in rows])
    values = words.listed([_shown(row["value"], measure) for row in rows])
    text = (f"{measure.noun}{about} in {months}: {values}, where {bounds} is "
            f"{'possible' if extreme else 'usual'}{worst['power']}.")  # fmt: skip
    volume = measure.remedy == _WHOLE and not measure.share
    unknown = [row["month"].strftime("%B") for row in rows if row["month"].month not in known]
    if volume and unknown:
        text += (f" No {words.listed(unknown, 'or')} of an earlier year is known, so it may be the "
                 "season.")  # fmt: skip
    severity = STOPS if extreme else WARNS
    where = f"{months}{about}"
    text = f"{text} {measure.remedy}"
    return Finding(check, severity, where, text, worst["value"], worst["low"], worst["high"])


def _shown(value: float, measure: Measure) -> str:
    if measure.share:
        return words.percent(min(max(value, 0.0), 1.0), 1)
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def _power(value: float, past: pd.DataFrame, measure: Measure) -> str:
    """Say when a value is close to 10, 100 or 1,000 times what it was, or the same part."""
    if measure.share or past.empty or value <= 0:
        return ""
    power = np.log10(value / past["value"].median())
    near = round(power) and abs(power - round(power)) < 0.1
    return f", close to {10.0 ** round(power):,g} times as much as before" if near else ""


# ------------------------------------------------------------------------- regular customers


def activity_findings(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return all that is remarkable in new tables of regular customers.

    Parameters
    ----------
    before, now
        As in `analysis.activity.CUSTOMERS_SCHEMA`: accepted, and new.
    """
    found: list[Finding] = []
    same = [table.sort_values("customer_id", ignore_index=True) for table in (before, now)]
    if same[0].equals(same[1]):
        text = "The tables are those that were accepted before. Look for the right files."
        found.append(Finding("activity.nothing_new", STOPS, "", text, 0, 1))
    if len(now) >= FEWEST_IDS and not now["customer_id"].isin(before["customer_id"]).any():
        text = "No customer of the new tables was in the accepted ones. See whether ids changed."
        found.append(Finding("activity.known_customers", WARNS, "customer_id", text, 0, 0, 1))
    for name in CATEGORICAL:
        news = now[name][~now[name].isin(before[name])].astype(str)
        if len(news):
            levels = words.listed(sorted({words.shorten(level) for level in news}))
            text = (f"The {name.replace('_', ' ')} of {words.count(len(news), 'customer')} was "
                    f"never seen before: {levels}. See whether it is misspelt.")  # fmt: skip
            share = len(news) / len(now)
            severity = WARNS if share > LEVEL else INFORMS
            found.append(Finding("activity.new_category", severity, name, text, share, 0, LEVEL))
    return findings(found)

"""Find months of new files that are unusual against the last year."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from analysis.core import formatting
from analysis.history.comparison import Drawn
from analysis.history.findings import INFORMS, STOPS, WARNS, Finding

#: Months of history, the fewest that teach something, and the fewest days of one.
YEAR, FEWEST_MONTHS, FEWEST_DAYS = 12, 3, 7
#: Fewer ids, or lines, than these prove nothing.
FEWEST_IDS, FEWEST_LINES = 20, 100
#: How far from the median is far, in robust standard deviations.
FAR = 3.5
#: Shares are kept off 0 and 1, whose log odds are infinite.
EDGE = 0.001


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
        Not zero: only a low share is remarkable, and below this it stops, whatever was usual.
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
        known = _known_share(ids, set(), check)
        # All are new in a ledger's first month.
        past.append(known[known["month"] > old.days.index[0]])
        now.append(_known_share(new.ids[new.ids["column"] == column], set(ids["id"]), check))
    return _complete_months(past), _complete_months(now)


def _complete_months(parts: list[pd.DataFrame]) -> pd.DataFrame:
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
    shares = [
        _part(name, table[name] / table["lines"], table["orders"])
        for name in ("missing_customers", "cancelled")
    ]
    volumes = [
        _part(name, table[name] / days, days)
        for name in ("lines", "orders", "customers", "revenue")
    ]
    price = _part("mean_price", table["price"] / table["priced"], table["priced"])
    return pd.concat([*volumes, price, *shares], ignore_index=True)


def _countries(drawn: Drawn, names: list[str]) -> pd.DataFrame:
    """Return the share of some countries in the lines of each month."""
    table = drawn.countries
    lines = table.groupby([_month_of(table["day"]), "country"])["lines"].sum().unstack("country")
    lines = lines.reindex(columns=names).fillna(0)
    month = drawn.days.groupby(_month_of(drawn.days.index))[["lines", "orders"]].sum()
    parts = [
        _part("country", lines[name] / month["lines"], month["orders"], name) for name in names
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _level(medians: pd.DataFrame, column: str, usual: pd.Series, check: str) -> pd.DataFrame:
    """Return how many times as high as usual the median product stands each month."""
    ratio = (medians[column] / medians["code"].map(usual)).groupby(medians["month"])
    return _part(check, ratio.median(), ratio.count())


def _known_share(ids: pd.DataFrame, before: set[str], check: str) -> pd.DataFrame:
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
        text = (
            f"There is {formatting.count(months, 'past month')} to compare with, and what is "
            f"usual takes {FEWEST_MONTHS} to learn: only extreme values are noticed."
        )
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
        elif _format_value(value, measure) in (
            _format_value(low, measure),
            _format_value(high, measure),
        ):
            continue  # a reader would see a value on the bound, and wonder
        bounds = f"from {_format_value(low, measure)} to {_format_value(high, measure)}"
        noticed.setdefault((check, detail, extreme, bounds), []).append(
            {**row, "low": low, "high": high, "power": _power(value, before, measure)}
        )
    known = set(past["month"].dt.month)
    return found + [
        _unusual_finding(*of, MEASURES[of[0]], rows, known) for of, rows in noticed.items()
    ]


def _unusual_finding(
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
    about = f" {formatting.shorten(detail)}" if detail else ""
    months = formatting.join_words([formatting.month(row["month"]) for row in rows])
    values = formatting.join_words([_format_value(row["value"], measure) for row in rows])
    text = (
        f"{measure.noun}{about} in {months}: {values}, where {bounds} is "
        f"{'possible' if extreme else 'usual'}{worst['power']}."
    )
    volume = measure.remedy == _WHOLE and not measure.share
    unknown = [row["month"].strftime("%B") for row in rows if row["month"].month not in known]
    if volume and unknown:
        text += (
            f" No {formatting.join_words(unknown, 'or')} of an earlier year is known, so it may "
            "be the season."
        )
    severity = STOPS if extreme else WARNS
    where = f"{months}{about}"
    text = f"{text} {measure.remedy}"
    return Finding(check, severity, where, text, worst["value"], worst["low"], worst["high"])


def _format_value(value: float, measure: Measure) -> str:
    if measure.share:
        return formatting.percent(min(max(value, 0.0), 1.0), 1)
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def _power(value: float, past: pd.DataFrame, measure: Measure) -> str:
    """Say when a value is close to 10, 100 or 1,000 times what it was, or the same part."""
    if measure.share or past.empty or value <= 0:
        return ""
    power = np.log10(value / past["value"].median())
    near = round(power) and abs(power - round(power)) < 0.1
    return f", close to {10.0 ** round(power):,g} times as much as before" if near else ""

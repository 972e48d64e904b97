"""Check new files against the accepted ones.

The accepted lines are one ledger, the new files' alone another. Lines beyond the last accepted
moment are *fresh*; those before it are sent again, restated, or late. What is usual is learned
from the last year of accepted months. A finding informs, warns, or stops until it is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.core import formatting
from analysis.core.formatting import day
from analysis.history.comparison import IDS, KINDS, Drawn
from analysis.history.findings import INFORMS, STOPS, WARNS, Finding, findings
from analysis.history.unusual import FEWEST_IDS, FEWEST_LINES, by_month, unusual
from analysis.orders.ledger import LINE_COLUMNS, hash_of
from analysis.regulars.names import CATEGORICAL

#: Without these columns orders, products or prices mean something else than before.
NEEDED = ("invoice", "stock_code", "quantity", "unit_price")
#: Days without a line: a long weekend is nobody's fault; more than a month stops.
USUAL_GAP, LONGEST_GAP = 4, 31
#: A month was sent again as a whole when so many of its accepted orders are in the new files.
RESENT = 0.5
#: Shares of a month's accepted money: beyond these changes stop; late lines warn, and stop.
RESTATED, FEW_LATE, MANY_LATE = 0.05, 0.05, 0.5
#: So large a share of ids, or of customers with new words, is too much.
LARGE, LEVEL = 0.25, 0.05


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
    stay = dict(zip(twice["month"], twice["missing"], strict=True))
    return findings(
        [
            *_order(old.days.index, new.days["lines"], again),
            *_lost_day_findings(replaced, new.days.index),
            *_resent_findings(again, currency, stay),
            *(_double_count_findings(twice) if new.days.index[-1] <= old.days.index[-1] else ()),
            *_columns(old.columns, new.columns),
            *_id_forms(old, new),
            *_swapped_days(new.days["lines"]),
            *unusual(*by_month(old, new)),
        ]
    )


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
            # A number that comes again changes the keys of orders, and not what was sold.
            lines.group_by(
                order=ibis.coalesce(lines.invoice, lines.order_id).hash(),
                item=lines.stock_code.fill_null("").hash(),
            )
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
    restated = {
        "changed": ~left & ~right & (both["mark"] != both["mark_old"]),
        "missing": left & again,
        "added": right & again,
    }
    kinds = restated | {"same": both["mark"] == both["mark_old"], "late": right & ~again}
    lines = both["lines"].fillna(both["lines_old"]).astype("int64")
    table = pd.DataFrame({kind: lines.where(kinds[kind], 0) for kind in KINDS})
    before = both["amount_old"].fillna(0.0)
    gain = both["amount"].fillna(0.0) - before
    change = gain.where(pd.DataFrame(restated).any(axis=1), 0.0)
    table = table.assign(
        accepted=before.abs(),
        moved=change.abs(),
        net=change,
        late_money=gain.abs().where(kinds["late"], 0.0),
    )
    return table.groupby(month.rename("month")).sum().round(2).reset_index()


def _order(before: pd.Index, came: pd.Series, again: pd.DataFrame) -> list[Finding]:
    """Say whether new lines follow the accepted ones, and at what distance."""
    end, last = before[-1], came.index[-1]
    days = came.index[came.index > end]
    if not len(days):
        if not again[list(KINDS[1:])].to_numpy().any():
            text = "Every line of the new files was accepted before. Look for the right files."
            return [Finding("ledger.nothing_new", STOPS, "", text, 0, 1)]
        text = (
            f"The new files end on {day(last)}, and what was accepted on {day(end)}: they are late "
            "or corrected, and not a new quarter."
        )
        return [Finding("ledger.ends_before", WARNS, f"{last:%Y-%m-%d}", text)]
    count = int(came[days].sum())
    lines = formatting.count(count, "line")
    text = f"{lines} follow, from {day(days[0])} to {day(last)}."
    found = [Finding("ledger.follows", INFORMS, f"{days[0]:%Y-%m-%d}", text, count)]
    line = pd.Series([end, *days])
    gaps, seen = line.diff().dt.days - 1, before.to_series().diff().dt.days.max() - 1
    usual = max(np.nan_to_num(seen), USUAL_GAP)
    if (gap := gaps.max()) > usual:
        until = line[gaps.argmax()]
        since = until - pd.Timedelta(days=gap)
        text = (
            f"There is no line on {gap:.0f} days from {day(since)} on; up to {usual:.0f} "
            "are usual. See whether a file is missing."
        )
        severity = STOPS if gap > max(usual, LONGEST_GAP) else WARNS
        found.append(Finding("ledger.gap", severity, f"{since:%Y-%m-%d}", text, gap, 0, usual))
    return found


def _resent_findings(
    again: pd.DataFrame, currency: str, stay: Mapping[pd.Timestamp, int]
) -> list[Finding]:
    """Say what new files do to each month that was accepted before.

    What they state otherwise counts as they have it; what they lack counts on (`stay`, by month).
    """
    found = []
    for row in again.to_dict("records"):
        month, total = formatting.month(row["month"]), row["accepted"]
        accepted = f"the {formatting.money(total, currency)} accepted for these days"
        if row["same"]:
            text = (
                f"{formatting.count(row['same'], 'line')} of {month} came again as accepted "
                "before: counted once."
            )
            found.append(Finding("ledger.resent", INFORMS, month, text, row["same"]))
        if row["changed"] or row["missing"] or row["added"]:
            share = row["moved"] / total if total else np.inf
            text = (
                f"{month} is restated: {formatting.count(row['changed'], 'line')} changed, "
                f"{row['missing']:,} went, {row['added']:,} came. That moves "
                f"{formatting.money(row['moved'], currency)} ({share:.1%} of {accepted}, where "
                f"{RESTATED:.0%} may pass), and changes their sum by "
                f"{formatting.money(row['net'], currency)}. See that it is meant."
            )
            if lines := stay.get(row["month"], 0):
                text = (
                    f"{text} {formatting.count(lines, 'line')} that went still count: name the "
                    "accepted file whose place the new one takes with --replaces if they should "
                    "not."
                )
            severity = STOPS if share > RESTATED else WARNS
            found.append(Finding("ledger.restated", severity, month, text, share, 0, RESTATED))
        if row["late"]:
            share = row["late_money"] / total if total else np.inf
            text = (
                f"{formatting.count(row['late'], 'line')} of {month} came late, with "
                f"{formatting.money(row['late_money'], currency)} beside {accepted}. See that "
                "no sale is there twice, under other invoice numbers."
            )
            # A month of which nothing was accepted is a file that came late, not one twice.
            severity = STOPS if MANY_LATE < share < np.inf else WARNS
            severity = severity if share > FEW_LATE else INFORMS
            found.append(Finding("ledger.late", severity, month, text, share, 0, FEW_LATE))
    return found


def _double_count_findings(again: pd.DataFrame) -> list[Finding]:
    """Say when lines that are restated would go on counting as they were.

    Where the new files end later than the accepted ones, an order counts as the new files have it.
    """
    restated = again["changed"] + again["missing"] + again["added"]
    return [
        Finding(
            "ledger.counted_twice",
            STOPS,
            formatting.month(row["month"]),
            f"{formatting.month(row['month'])} is restated "
            f"({formatting.count(number, 'line')}), and what was accepted of it would count as "
            "well. Name the accepted file of which the new one takes the place, with --replaces.",
            number,
            0,
            0,
        )
        for row, number in zip(again.to_dict("records"), restated, strict=True)
        if number
    ]


def _lost_day_findings(replaced: pd.DataFrame | None, days: pd.Index) -> list[Finding]:
    """Say which accepted files held days that the files in their place do not."""
    if replaced is None:
        return []
    first, last = days[0], days[-1]
    beyond = (replaced["first_date"].dt.normalize() < first) | (
        replaced["last_date"].dt.normalize() > last
    )
    return [
        Finding(
            "ledger.lost",
            STOPS,
            str(row["source"]),
            f"{row['source']} ran from {day(row['first_date'])} to "
            f"{day(row['last_date'])}, and the new files run from {day(first)} to "
            f"{day(last)}: what it held on other days would count no more. Send all that "
            "it held, with the corrections.",
        )
        for row in replaced[beyond].to_dict("records")
    ]


def _columns(before: frozenset[str], now: frozenset[str]) -> list[Finding]:
    """Say which columns went and came."""
    went = "was accepted, and is not in the new files. Export it, or map its name in the settings."
    came = "is in the new files, and was not there before."
    return [
        Finding(
            "schema.column_went" if name in before else "schema.column_came",
            severity,
            name,
            f"The column for {name.replace('_', ' ')} {went if name in before else came}",
        )
        for name in sorted(before ^ now)
        for severity in [INFORMS if name in now else STOPS if name in NEEDED else WARNS]
    ]


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
            text = (
                f"{distance:.0%} of {name.replace('_', ' ')} went from '{moved.idxmin()}' to "
                f"'{moved.idxmax()}'. Export it as text, as before."
            )
            found.append(Finding("schema.id_form", WARNS, name, text, distance, 0, LARGE))
    return found


def _swapped_days(came: pd.Series) -> list[Finding]:
    """Say when days were read as months: there is no day after the twelfth then."""
    days = pd.DatetimeIndex(came.index)
    expected = (pd.date_range(days.min(), days.max()).day > 12).mean()
    share = came[days.day > 12].sum() / came.sum()
    if came.sum() < FEWEST_LINES or expected < 0.3 or share >= expected / 2:
        return []
    text = (
        f"{share:.0%} of the lines are of days after the 12th, as {expected:.0%} of all days "
        "are: day and month may be swapped. Export dates as 2024-12-31."
    )
    severity = WARNS if share else STOPS
    return [Finding("ledger.swapped_days", severity, "invoice_date", text, share, expected / 2, 1)]


def activity_findings(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return all that is remarkable in new tables of regular customers.

    Parameters
    ----------
    before, now
        As in `regulars.contract.CUSTOMERS_SCHEMA`: accepted, and new.
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
            levels = formatting.join_words(sorted({formatting.shorten(level) for level in news}))
            text = (
                f"The {name.replace('_', ' ')} of {formatting.count(len(news), 'customer')} "
                f"was never seen before: {levels}. See whether it is misspelt."
            )
            share = len(news) / len(now)
            severity = WARNS if share > LEVEL else INFORMS
            found.append(Finding("activity.new_category", severity, name, text, share, 0, LEVEL))
    return findings(found)

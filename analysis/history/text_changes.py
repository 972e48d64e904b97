"""Say what changed since the last report.

Every sentence is computed, and holds when nothing changed, when nothing is known of the time
before, and when the data of then was restated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.core import formatting
from analysis.core.files import Fact, read_json
from analysis.core.sentences import fill
from analysis.history import text_backtest
from analysis.history.names import COUNT, DAYS, MONEY, PROFIT, SAME, SHARE
from analysis.segments.names import NEW

say = partial(fill, "history")

#: The measures that the summary, the terminal and the changelog name.
HEADLINES = (
    "recent.revenue",
    "recent.orders",
    "recent.customers",
    "rfm.customers",
    "lapse.mean_probability",
    "activity.kept_declined_share",
)


def write_measure(value: float, unit: str, currency: str = "") -> str:
    """Write a measure in its unit.

    Examples
    --------
    >>> write_measure(1234.5, "count"), write_measure(0.25, "share"), write_measure(3, "days")
    ('1,234', '25.0%', '3 days')
    """
    if pd.isna(value):
        return "not known"
    if unit == MONEY:
        return formatting.money(value, currency)
    if unit == SHARE:
        return formatting.percent(value, 1)
    if unit == DAYS:
        return formatting.count(value, "day")
    if unit == COUNT:
        return formatting.count(value)
    return f"{value:,.0f}" if unit == PROFIT else f"{value:.2f}"


def write_change(change: float, unit: str, currency: str = "") -> str:
    """Write by how much a measure changed, in its own unit.

    Examples
    --------
    >>> write_change(-3.0, "count"), write_change(0.012, "share"), write_change(0.0, "days")
    ('down 3', 'up 1.2 points', 'unchanged')
    """
    if unit == SHARE or pd.isna(change):
        return formatting.points(change, 0.0)
    if abs(change) < SAME:
        return "unchanged"
    return f"{'up' if change > 0 else 'down'} {write_measure(abs(change), unit, currency)}"


def day_of(text: str) -> str:
    """Write a date as people do; empty stays empty.

    Examples
    --------
    >>> day_of("2011-12-10")
    '10 December 2011'
    """
    return formatting.day(dt.date.fromisoformat(text)) if text else ""


def name_earlier_report(facts: Mapping[str, Fact]) -> str:
    """Name the report with which this one is compared."""
    day = day_of(str(facts.get("since.as_of", "")))
    return f"the report as of {day}" if day else "the report before"


def restatements(changes: pd.DataFrame, facts: Mapping[str, Fact], currency: str = "") -> str:
    """Say which part of the changes is no business, but data that was restated or came late."""
    split = changes[changes["restated"].notna()] if len(changes) else changes
    if split.empty:
        return ""
    day = day_of(str(facts.get("since.as_of", "")))
    touched = split[split["restated"].abs() >= SAME]
    if touched.empty:
        return say("restated-data.said-none", day=day)
    revenue = touched.loc[touched["fact"] == "transactions.net_revenue", "restated"]
    if revenue.empty:
        return say("restated-data.said", count=len(touched), day=day)
    amount = formatting.money(abs(revenue.iloc[0]), currency)
    if revenue.iloc[0] > 0:
        return say("restated-data.said-higher", count=len(touched), day=day, amount=amount)
    return say("restated-data.said-lower", count=len(touched), day=day, amount=amount)


def restated_data(changes: pd.DataFrame, as_of: str | None, currency: str) -> dict[str, str] | None:
    """Say what was restated, for the chapter on data checks."""
    told = restatements(changes, {"since.as_of": as_of or ""}, currency)
    return {"said": told} if told else None


def segments_since(
    migration: pd.DataFrame | None, stayed_share: float | None
) -> dict[str, str] | None:
    """Say how many customers are in the same segment as then, and where most others went."""
    if stayed_share is None or migration is None or migration.empty:
        return None
    told = {"said": say("segments-since.said", share=formatting.percent(stayed_share))}
    flows = migration[
        (migration["from_segment"] != NEW)
        & (migration["from_segment"] != migration["to_segment"])
        & (migration["customers"].fillna(0) > 0)
    ]
    if flows.empty:
        return told
    top = flows.sort_values(
        ["customers", "from_segment", "to_segment"], ascending=[False, True, True]
    ).iloc[0]
    return told | {
        "said-largest": say(
            "segments-since.said-largest",
            count=int(top["customers"]),
            before=formatting.shorten(top["from_segment"]),
            after=formatting.shorten(top["to_segment"]),
        )
    }


def segment_stability(facts: Mapping[str, Fact], migration: pd.DataFrame) -> str:
    """Return the sentences of `segments_since` as one text; empty where nothing is known."""
    share = facts.get("since.stayed_share")
    told = segments_since(migration, None if share is None else float(share))
    return " ".join((told or {}).values())


def list_findings(table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """Return what was remarkable in the new files, and how customers drifted; the gravest first.

    Parameters
    ----------
    table
        Gives a table of the build, which is empty where there is none.
    """
    parts = [part for name in ("history", "noticed") if len(part := table(f"since/{name}"))]
    if not parts:
        return pd.DataFrame(columns=["check", "severity", "message"])
    rank = {severity: number for number, severity in enumerate(("stops", "warns", "informs"))}
    return pd.concat(parts, ignore_index=True).sort_values(
        "severity", key=lambda column: column.map(rank), kind="stable", ignore_index=True
    )


def count_findings(history: pd.DataFrame) -> str:
    """Say what was remarkable in the new data, by how grave it is."""
    if history.empty:
        return "Nothing in the new data stands out against what was accepted before."
    sizes = history["severity"].value_counts()
    grave = [
        f"{formatting.count(int(sizes.get(kind, 0)), 'finding')} {what}"
        for kind, what in (
            ("stops", "would have stopped the refresh, and was accepted by name"),
            ("warns", "to look at"),
            ("informs", "for information"),
        )
        if sizes.get(kind, 0)
    ]
    return (
        f"Held against what was accepted before, the new data gave {formatting.join_words(grave)}."
    )


def summary(
    changes: pd.DataFrame,
    migration: pd.DataFrame,
    history: pd.DataFrame,
    tested: pd.DataFrame,
    facts: Mapping[str, Fact],
    currency: str = "",
) -> list[tuple[str, str]]:
    """Return what the summary says of the time since the last report: sentences, and where to look.

    Parameters
    ----------
    changes, migration, history, tested
        From `history.changes`: tested are the back-tests, and history is what was remarkable in
        the new files. Each may be empty.
    facts
        All facts.
    currency
        The sign in front of money.
    """
    told = [(headline(changes, facts, currency), "@sec-changed-exploration")]
    if len(changes) and (changes["restated"].abs() >= SAME).any():
        told.append((restatements(changes, facts, currency), "@sec-changed-data-checks"))
    told.append((segment_stability(facts, migration), "@sec-changed-profiles"))
    told += [
        (text_backtest.summary(row, start_of(row), currency), "@sec-backtest")
        for _, row in tested.iterrows()
    ]
    grave = history[history["severity"] != "informs"] if len(history) else history
    if len(grave):
        told.append((count_findings(grave), "@sec-history"))
    return [(text, where) for text, where in told if text]


def start_of(row: pd.Series) -> dt.date | None:
    """Return the day of the forecast that a back-test checks; None where it is undated."""
    return dt.date.fromisoformat(row["start"]) if row["start"] else None


def headline(changes: pd.DataFrame, facts: Mapping[str, Fact], currency: str = "") -> str:
    """Say how sales, and the regular customers, stand against the last report."""
    told = ("recent.revenue", "rfm.customers", "activity.kept_declined_share")
    said = [
        f"{row['measure'][0].lower()}{row['measure'][1:]}: "
        f"{write_measure(row['now'], row['unit'], currency)} "
        f"({write_change(row['change'], row['unit'], currency)})"
        for row in changes.to_dict("records")
        if row["fact"] in told
    ]
    if not said:
        return ""
    split = changes["restated"].notna()
    whole = split.any() and (changes.loc[split, "restated"].abs() < SAME).all()
    own = " No number of that report was restated since." if whole else ""
    return f"Against {name_earlier_report(facts)}, {'; '.join(said)}.{own}"


def lines(build: Path) -> list[str]:
    """Return what changed in a build, a line a measure, for the terminal and the changelog."""
    folder = build / "since"
    facts, own = read_json(folder / "facts.json"), read_json(build / "facts.json")
    if not facts.get("since.available"):
        return ["There is no accepted build to compare this one with."]
    changes = pd.read_parquet(folder / "changes.parquet")
    currency = str(own.get("report.currency", ""))
    told = [
        f"{row['measure']}: {write_measure(row['now'], row['unit'], currency)}, "
        f"before {write_measure(row['before'], row['unit'], currency)} "
        f"({write_change(row['change'], row['unit'], currency)})"
        for row in changes[changes["fact"].isin(HEADLINES)].to_dict("records")
    ]
    path = folder / "migration.parquet"
    migration = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    path = folder / "backtest.parquet"
    tested = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    rest = [
        restatements(changes, facts, currency),
        segment_stability(facts, migration),
        *(text_backtest.summary(row, start_of(row), currency) for _, row in tested.iterrows()),
    ]
    return [f"Compared with {name_earlier_report(facts)}:", *told, *(text for text in rest if text)]

"""Say what changed since the last report.

Every sentence is computed, and holds when nothing changed, when nothing is known of the time
before, and when the data of then was restated.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.core import formatting
from analysis.core.files import Fact, read_json
from analysis.core.sentences import fill
from analysis.history.names import COUNT, DAYS, MONEY, PROFIT, SAME, SHARE
from analysis.history.text_backtest import verdict_of
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


def restatements(changes: pd.DataFrame, facts: Mapping[str, Fact], currency: str = "") -> str:
    """Say which part of the changes is data that was restated or came late, not business."""
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


def segments_since(migration: pd.DataFrame | None, stayed_share: Any) -> dict[str, str] | None:
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


def list_findings(*tables: pd.DataFrame | None) -> pd.DataFrame:
    """Return what was remarkable in the new files, and how customers drifted; the gravest first."""
    parts = [table for table in tables if table is not None and len(table)]
    if not parts:
        return pd.DataFrame(columns=["check", "severity", "message"])
    rank = {severity: number for number, severity in enumerate(("stops", "warns", "informs"))}
    return pd.concat(parts, ignore_index=True).sort_values(
        "severity", key=lambda column: column.map(rank), kind="stable", ignore_index=True
    )


def summary_changes(
    changes: pd.DataFrame,
    history: pd.DataFrame | None,
    noticed: pd.DataFrame | None,
    backtest: pd.DataFrame | None,
    currency: str,
) -> dict[str, str]:
    """Say for the summary what changed, whether the last forecast held, and what to check."""
    said = {}
    rows = {row["fact"]: row for row in changes.to_dict("records")}
    if row := rows.get("recent.revenue"):
        said["said-revenue"] = say(
            "summary-changes.said-revenue", measure=row["measure"], **_change_fields(row, currency)
        )
    if row := rows.get("rfm.customers"):
        said["said-customers"] = say(
            "summary-changes.said-customers", **_change_fields(row, currency)
        )
    if row := rows.get("activity.kept_declined_share"):
        said["said-regulars"] = say(
            "summary-changes.said-regulars", **_change_fields(row, currency)
        )
    tests = [] if backtest is None else backtest.to_dict("records")
    said |= {f"said-{row['model']}": verdict for row in tests if (verdict := verdict_of(row))}
    found = list_findings(history, noticed)
    if grave := int((found["severity"] != "informs").sum()):
        said["said-files"] = say("summary-changes.said-files", count=grave)
    return said


def _change_fields(row: Mapping[Any, Any], currency: str) -> dict[str, str]:
    return {
        "now": write_measure(row["now"], row["unit"], currency),
        "change": write_change(row["change"], row["unit"], currency),
    }


def _or_empty(table: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame() if table is None else table


def lines(build: Path) -> list[str]:
    """Return what changed in a build, a line a measure, for the terminal and the changelog."""
    folder = build / "since"
    facts, own = read_json(folder / "facts.json"), read_json(build / "facts.json")
    if not facts.get("since.available"):
        return [say("change-lines.none")]
    day = day_of(str(facts.get("since.as_of", "")))
    currency = str(own.get("report.currency", ""))
    table = {
        name: pd.read_parquet(path) if (path := folder / f"{name}.parquet").is_file() else None
        for name in ("changes", "migration", "backtest")
    }
    changes = _or_empty(table["changes"])
    told = [
        say(
            "change-lines.line",
            measure=row["measure"],
            before=write_measure(row["before"], row["unit"], currency),
            **_change_fields(row, currency),
        )
        for row in changes[changes["fact"].isin(HEADLINES)].to_dict("records")
    ]
    rest = [
        restatements(changes, facts, currency),
        *(segments_since(table["migration"], facts.get("since.stayed_share")) or {}).values(),
        *(verdict_of(row) for row in _or_empty(table["backtest"]).to_dict("records")),
    ]
    head = say("change-lines.head", day=day) if day else say("change-lines.head-undated")
    return [head, *told, *(text for text in rest if text)]

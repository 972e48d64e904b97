"""List what changed since the last accepted build, and what was restated.

Three states of the ledger are compared: as it was published then; as of that same day by today's
lines, where what came late or was corrected counts, and what happened afterwards does not; and as
of today. From the first to the second the data was restated; from the second to the third goes
the business.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.core.files import Fact, data_version, read_json
from analysis.core.settings import Settings
from analysis.forecast.next_products import bought_after
from analysis.forecast.season import QUARTER
from analysis.history import backtest, drift, findings, outcomes
from analysis.history.names import COUNT, DAYS, DECLINE, LAPSE, MONEY, PROFIT, SAME, SCORE, SHARE
from analysis.history.products_backtest import backtest_products
from analysis.history.spend_backtest import backtest_spend
from analysis.orders.ledger import Ledger
from analysis.segments import movement, rfm
from analysis.segments.rules import Segment, former_names

Facts = dict[str, Fact]
Tables = dict[str, pd.DataFrame]
#: The facts that hold the sizes of the segments.
SIZES = "rfm.segments."


class Measure(NamedTuple):
    """A fact that chapters follow from build to build: what it is called, and its unit."""

    chapter: str
    fact: str
    label: str
    unit: str


MEASURES = (
    Measure("data-checks", "transactions.raw_rows", "Rows of the ledger", COUNT),
    Measure("data-checks", "transactions.refused_rows", "Rows refused", COUNT),
    Measure("data-checks", "transactions.missing_customer_rows", "Rows without customer", COUNT),
    Measure("data-checks", "activity.customers", "Regular customers in the tables", COUNT),
    Measure("exploration", "recent.revenue", f"Net revenue, last {movement.RECENT} days", MONEY),
    Measure("exploration", "recent.orders", f"Orders, last {movement.RECENT} days", COUNT),
    Measure(
        "exploration",
        "recent.customers",
        f"Customers who ordered, last {movement.RECENT} days",
        COUNT,
    ),
    Measure("exploration", "transactions.net_revenue", "Net revenue since the beginning", MONEY),
    Measure("exploration", "transactions.top20_share", "Revenue of the top 20%", SHARE),
    Measure("exploration", "activity.kept_declined_share", "Regulars who buy less", SHARE),
    Measure("rfm", "rfm.customers", "Customers", COUNT),
    Measure("rfm", "rfm.one_order_customers", "Customers with one order", COUNT),
    Measure("rfm", "rfm.median_recency", "Recency, median", DAYS),
    Measure("rfm", "rfm.median_frequency", "Orders, median", COUNT),
    Measure("rfm", "rfm.median_monetary", "Monetary value, median", MONEY),
    Measure("rfm", "clustering.clusters", "Clusters", COUNT),
    Measure("rfm", "clustering.stability", "Stability of the clusters", SCORE),
    Measure("activity", "lapse.scored", "Active customers", COUNT),
    Measure("activity", "lapse.mean_probability", "Expected to stay away", SHARE),
    Measure("activity", "lapse.roc_auc", "ROC-AUC of that forecast, tested", SCORE),
    Measure("activity", "activity.mean_probability", "Regulars, mean risk of buying less", SHARE),
    Measure("activity", "activity.roc_auc", "ROC-AUC of that risk, tested", SCORE),
    Measure("strategy", "strategy.ledger.contacts", "Contacts proposed, ledger", COUNT),
    Measure("strategy", "strategy.ledger.expected_profit", "Their expected profit", MONEY),
    Measure("strategy", "strategy.activity.contacts", "Contacts proposed, regulars", COUNT),
    Measure("strategy", "strategy.activity.expected_profit", "Their expected profit", PROFIT),
)


def segment_measures(names: Sequence[str]) -> list[Measure]:
    """Return the sizes of the segments as measures of the chapter on profiles."""
    return [Measure("profiles", f"{SIZES}{name}", name, COUNT) for name in names]


# ------------------------------------------------------------------------- three states


def known_facts(
    ledger: Ledger, date: dt.date, rules: Sequence[Segment], cuts: pd.DataFrame | None = None
) -> Facts:
    """Return facts as a build of today's lines would have had them on an earlier day.

    Parameters
    ----------
    ledger
        The ledger of today.
    date
        The earlier build's `as_of`.
    rules
        The named segments.
    cuts
        Of the reference build, where there is one.

    Returns
    -------
    dict
        Under the names that a build's own facts have; those that would take a model are absent.
    """
    people = movement.customers_at(ledger, date, rules, cuts)
    sizes = people["segment"].value_counts()
    return {
        **movement.recent_facts(ledger, date),
        **rfm.rfm_facts(people),
        "transactions.net_revenue": round(float(people["monetary"].sum()), 2),
        **{f"{SIZES}{rule.name}": int(sizes.get(rule.name, 0)) for rule in rules},
    }


def changes(
    before: Mapping[str, Fact],
    then: Mapping[str, Fact],
    now: Mapping[str, Fact],
    names: Sequence[str],
) -> pd.DataFrame:
    """Return how each measure went from the last accepted build to this one.

    Parameters
    ----------
    before, now
        The facts of both builds.
    then
        From `known_facts`: as of the day of `before`, by the lines of `now`.
    names
        The named segments.

    Returns
    -------
    pandas.DataFrame
        chapter, fact, measure, unit, before, now, change, restated and business (which add up to
        change; missing where a model would have to be fitted again to tell, or where a segment
        meant something else then). Measures that one of the builds lacks are left out.
    """
    rows = []
    for measure in (*MEASURES, *segment_measures(names)):
        if measure.fact not in before or measure.fact not in now:
            continue
        old, new = float(before[measure.fact]), float(now[measure.fact])
        middle = float(then.get(measure.fact, np.nan))
        restated = 0.0 if abs(middle - old) < SAME else middle - old
        rows.append((*measure, old, new, new - old, restated, new - old - restated))
    columns = ["chapter", "fact", "measure", "unit", "before", "now", "change", "restated"]
    return pd.DataFrame(rows, columns=[*columns, "business"])


# ------------------------------------------------------------------------- forecasts


def forecast_to_check(
    accepted: Sequence[Path], as_of: dt.date, horizon: int = 0, needs: str = ""
) -> Path:
    """Return the accepted build whose forecast is checked next; if no days are over, the last.

    Windows never overlap, so no quarter counts twice: from the first build on, each that is
    checked begins when the days of the one before are over.

    Parameters
    ----------
    accepted
        The folders of the accepted builds, oldest first.
    as_of
        Of the new build: orders are known until then.
    horizon
        Days that were forecast; 0: those of the build's forecast of lapsing.
    needs
        The fact of a build that has the forecast; empty: that of the spend of these days, or of
        lapsing.
    """
    needs = needs or (f"forecast.expected_{horizon}" if horizon else "lapse.available")
    found, free = None, None
    for folder in accepted:
        facts = read_json(folder / "facts.json")
        day, days = facts.get("transactions.as_of"), horizon or int(facts.get("lapse.days") or 0)
        if not facts.get(needs) or not day:
            continue
        start = dt.date.fromisoformat(str(day))
        if free and start < free:
            continue
        if start + dt.timedelta(days=days) > as_of:
            break
        found, free = folder, start + dt.timedelta(days=days)
    return found or accepted[-1]


def spend_backtest(folder: Path, ledger: Ledger, days: int, settings: Settings) -> pd.DataFrame:
    """Return the back-test of a build's forecast of spend; empty where its days are not over."""
    facts = read_json(folder / "facts.json")
    day = facts.get("transactions.as_of")
    if not day or dt.date.fromisoformat(str(day)) + dt.timedelta(days=days) > ledger.as_of:
        return pd.DataFrame()
    customers = pd.read_parquet(folder / "customers.parquet")
    seed, minimum_group = settings.engine.seed, settings.report.smallest_group
    return backtest_spend(facts, customers, ledger, days, seed, minimum_group)


def products_backtest(folder: Path, ledger: Ledger, settings: Settings) -> pd.DataFrame:
    """Return the back-test of a build's lists of next products; empty where it has none yet."""
    facts = read_json(folder / "facts.json")
    day, path = facts.get("transactions.as_of"), folder / "next_products.parquet"
    if not day or not path.is_file():
        return pd.DataFrame()
    start = dt.date.fromisoformat(str(day))
    if start + dt.timedelta(days=QUARTER) > ledger.as_of:
        return pd.DataFrame()
    return backtest_products(
        pd.read_parquet(path),
        pd.read_parquet(folder / "next_product_models.parquet"),
        bought_after(ledger, start, QUARTER),
        str(day),
        QUARTER,
        settings.engine.seed,
        settings.report.smallest_group,
    )


def backtests(
    accepted: Sequence[Path], ledger: Ledger | None, tables: Tables, settings: Settings
) -> Tables:
    """Compare the forecasts of accepted builds with what happened.

    Returns
    -------
    dict
        backtest: a row a model, as `history.backtest.backtest` has it, with ``start``, the day
        of the forecast; reliability_lapse and reliability_decline, where something can be told;
        backtest_spend, a row a horizon, from `spend_backtest.backtest_spend`; backtest_products,
        a row a list, from `products_backtest.backtest_products`.
    """
    seed, minimum_group = settings.engine.seed, settings.report.smallest_group
    rows: list[pd.DataFrame] = []
    found: Tables = {}

    def judge_forecast(
        model: str, came: outcomes.Outcomes, promise: backtest.Promise | None, day: str
    ) -> None:
        row = backtest.backtest(model, came, promise, seed, minimum_group)
        rows.append(row.assign(start=day))
        judged, _ = backtest.split_by_contact(came.table)
        if len(groups := backtest.reliability(judged, minimum_group)):
            found[f"reliability_{model}"] = groups

    if ledger:
        folder = forecast_to_check(accepted, ledger.as_of)
        facts = read_json(folder / "facts.json")
        if facts.get("lapse.available"):
            day, days = str(facts["transactions.as_of"]), int(facts["lapse.days"])
            people = pd.read_parquet(folder / "customers.parquet")
            came = outcomes.lapse_outcomes(ledger, people, dt.date.fromisoformat(day), days)
            kept, _ = backtest.split_by_contact(came.table)
            judge_forecast(LAPSE, came, backtest.lapse_promise(facts, kept, seed), day)
        spend = [
            spend_backtest(folder, ledger, days, settings)
            for days in (90, 365)
            for folder in [forecast_to_check(accepted, ledger.as_of, days)]
        ]
        if filled := [table for table in spend if len(table)]:
            found["backtest_spend"] = pd.concat(filled, ignore_index=True)
        lists = forecast_to_check(accepted, ledger.as_of, QUARTER, "next_products.available")
        if len(bought := products_backtest(lists, ledger, settings)):
            found["backtest_products"] = bought
    last = accepted[-1]
    if "activity" in tables and (last / "activity_models.parquet").is_file():
        people = pd.read_parquet(last / "activity.parquet")
        promise = backtest.decline_promise(
            pd.read_parquet(last / "activity_models.parquet"), len(people)
        )
        came = outcomes.decline_outcomes(people, tables["activity"])
        judge_forecast(DECLINE, came, promise, "")
    if rows:
        found["backtest"] = pd.concat(rows, ignore_index=True)
    return found


# ------------------------------------------------------------------------- all of it


def compare_with_last(
    accepted: Sequence[Path],
    ledger: Ledger | None,
    tables: Tables,
    facts: Facts,
    rules: Sequence[Segment],
    settings: Settings,
    cuts: pd.DataFrame | None = None,
) -> tuple[Tables, Facts]:
    """Compare a build with the last accepted one.

    Parameters
    ----------
    accepted
        The folders of the accepted builds, oldest first; the last one counts.
    ledger
        The ledger of the new build, if it has one.
    tables, facts
        Of the new build.
    rules
        The named segments.
    settings
        All settings.
    cuts
        Of the reference build, where there is one.

    Returns
    -------
    tuple
        Tables: changes; migration, as in `segments.movement`, with segments as they were
        published then; noticed, drift as in `history.findings.findings`; those of
        `backtests`. And facts:
        since.name, since.as_of, since.data_version, since.restated (how many measures are), and
        since.stayed_share (of the customers of then, the share in the same segment).
    """
    last = accepted[-1]
    names = [rule.name for rule in rules]
    former = former_names(rules)
    sizes = {f"{SIZES}{old}": f"{SIZES}{new}" for old, new in former.items()}
    before = {sizes.get(fact, fact): v for fact, v in read_json(last / "facts.json").items()}
    day = str(before.get("transactions.as_of", ""))
    noticed: list[findings.Finding] = []
    then: Facts = {}
    found: Tables = {}
    told: Facts = {
        "since.name": last.parent.name,
        "since.as_of": day,
        "since.data_version": data_version(read_json(last / "manifest.json")),
    }
    # On the same day no business can be between the two: all that differs is restated.
    if ledger and day and dt.date.fromisoformat(day) <= ledger.as_of:
        then = known_facts(ledger, dt.date.fromisoformat(day), rules, cuts)
        if before.get("reference.as_of") != facts.get("reference.as_of"):
            # By other cut points a segment is another group: its size tells nothing of the data.
            then = {name: fact for name, fact in then.items() if not name.startswith(SIZES)}
    if ledger and day and dt.date.fromisoformat(day) < ledger.as_of:
        date = dt.date.fromisoformat(day)
        past = pd.concat(
            [
                people[["customer_id", "monetary", "segment"]].assign(date=pd.Timestamp(when))
                for people, when in (
                    (
                        pd.read_parquet(last / "customers.parquet").replace({"segment": former}),
                        date,
                    ),
                    (tables["customers"], ledger.as_of),
                )
            ]
        )
        found["migration"] = movement.migration(past, names, settings.report.smallest_group)
        segments = past.pivot(index="customer_id", columns="date", values="segment").dropna()
        if len(segments):
            told["since.stayed_share"] = float((segments.iloc[:, 0] == segments.iloc[:, 1]).mean())
    regulars = last / "activity.parquet"
    if "activity" in tables and regulars.is_file():
        earlier = pd.read_parquet(regulars)
        noticed += drift.decline_drift(earlier, tables["activity"])
    found |= backtests(accepted, ledger, tables, settings)
    found["changes"] = changes(before, then, facts, names)
    found["noticed"] = findings.findings(noticed)
    told["since.restated"] = int((found["changes"]["restated"].abs() > SAME).sum())
    return found, told

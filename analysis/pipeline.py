"""How does a folder of raw files become the tables of the book?

``build`` runs the steps in their one direction and writes the artifacts; ``check`` stops after
validation. Neither writes anything that lasts before all data is found good.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from analysis import (
    activity,
    artifacts,
    explore_sales,
    movement,
    reference,
    rfm,
    schemas,
    segments,
    shared_ids,
    sources,
)
from analysis import transactions as tx
from analysis.inputs import Inputs
from analysis.names import NUMERIC
from analysis.problems import Problem, Refused
from analysis.progress import Steps
from analysis.settings import ActivitySettings, Settings

Tables = dict[str, pd.DataFrame]
Facts = dict[str, artifacts.Fact]


@dataclass(frozen=True)
class Checked:
    """Data that has passed: either half may be missing."""

    ledger: tx.Ledger | None
    customers: activity.ActivityTables | None
    #: Rows below the header, by file as in `Inputs.sha256`.
    rows: dict[str, int]
    #: Where both inputs are there: how many of the regular customers the orders know.
    shared: shared_ids.SharedIds | None = None


@contextmanager
def _engine_in_words() -> Iterator[None]:
    """Turn what the engine could not read, write or hold into a refusal."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        reason = str(error).splitlines()[0].strip().rstrip(".")
        raise Refused(
            [
                Problem(
                    "the engine",
                    f"it could not go on ({reason[:160]})",
                    remedy="Free some space on the disks of the project and of temporary files. "
                    "Nothing was changed; run it again after that.",
                )
            ]
        ) from error


@contextmanager
def check(
    inputs: Inputs, settings: Settings, steps: Steps, usual_dates: Collection[str] = ()
) -> Iterator[Checked]:
    """Read and validate both halves of a data folder.

    Parameters
    ----------
    inputs
        The files, from `analysis.inputs.find_inputs`.
    settings
        All settings.
    steps
        Takes the seconds of each step.
    usual_dates
        As in `analysis.transactions.read_ledger`.

    Yields
    ------
    Checked
        The halves that are there; the ledger's tables live as long as the context.

    Raises
    ------
    Refused
        With the problems of all files of both halves.
    """
    problems: list[Problem] = []
    with (
        _engine_in_words(),
        tempfile.TemporaryDirectory(prefix="customer-report-") as folder,
        ExitStack() as stack,
    ):
        work = Path(folder)
        parts: dict[Path, list[sources.Part]] = {}
        with steps.step("read the files"):
            for path in (*inputs.transactions, *inputs.activity.values()):
                try:
                    parts[path] = sources.read_parts(path, work, settings.files.encodings)
                except Refused as refused:
                    problems += refused.problems
        ledger = customers = shared = None
        # Where a file could not be read, the others are checked all the same: one message for all.
        if lines := [part for path in inputs.transactions for part in parts.get(path, ())]:
            with steps.step("validate the ledger, and clean it"):
                engine = tx.connect(settings.engine, work)
                stack.callback(engine.disconnect)
                try:
                    ledger = tx.read_ledger(
                        engine,
                        lines,
                        settings.transactions,
                        as_of=settings.report.as_of,
                        usual_dates=usual_dates,
                    )
                except Refused as refused:
                    problems += refused.problems
        if tables := {role: parts[path] for role, path in inputs.activity.items() if path in parts}:
            with steps.step("validate the activity tables, and join them"):
                try:
                    customers = _read_activity(tables, settings.activity)
                except Refused as refused:
                    problems += refused.problems
        if not problems and ledger and customers:
            shared = shared_ids.shared_ids(ledger, customers)
            problems += shared_ids.problems(shared, settings.activity)
        if problems:
            raise Refused(problems)
        rows = {
            str(path.relative_to(inputs.folder)): sum(p.rows + len(p.ragged) for p in found)
            for path, found in parts.items()
        }
        yield Checked(ledger, customers, rows, shared)


def currency(checked: Checked, settings: Settings) -> str:
    """Return the sign before amounts: that of the orders, where there are any.

    Where both inputs are there, they are one shop's, and have one currency.
    """
    return settings.transactions.currency if checked.ledger else settings.activity.currency


def _read_activity(
    parts: Mapping[str, Sequence[sources.Part]], settings: ActivitySettings
) -> activity.ActivityTables | None:
    """Read the tables of the activity half; None when one of them could not be read."""
    chosen = {
        role: _best_sheet(parts[role], settings.columns[role])
        for role in activity.ROLES
        if role in parts
    }
    tables = {str(role): sources.read_table(part) for role, part in chosen.items()}
    files = {str(role): part.file for role, part in chosen.items()}
    if len(tables) < len(settings.files):
        read = [activity.read_role(r, tables[r], files[r], settings) for r in chosen]
        if problems := [problem for table in read for problem in table.problems]:
            raise Refused(problems)
        return None
    checked = activity.read_activity(tables, settings, files)
    # Rows that could not be split into columns never reached the tables.
    refused = checked.quarantine["source"].value_counts()
    problems = [
        problem
        for part in chosen.values()
        if refused.get(part.file, 0) + len(part.ragged)
        > settings.refused_share * (part.rows + len(part.ragged))
        for problem in tx.ragged_problems(part, settings.refused_share)
    ]
    if problems:
        raise Refused(problems)
    ragged = tx.ragged_lines(list(chosen.values()))
    if ragged.empty:
        return checked
    rows = {f"activity.rows_{role}": part.rows + len(part.ragged) for role, part in chosen.items()}
    facts = checked.facts | rows
    facts["activity.refused_rows"] = len(checked.quarantine) + len(ragged)
    quarantine = pd.concat([checked.quarantine, ragged], ignore_index=True)
    quarantine = quarantine.sort_values(["source", "row_number"], ignore_index=True)
    return replace(checked, quarantine=quarantine, facts=facts)


def _best_sheet(parts: Sequence[sources.Part], wanted: dict[str, list[str]]) -> sources.Part:
    """Return the sheet of a workbook that has most of a table's columns."""
    known = {sources.plain(name) for ours, theirs in wanted.items() for name in (ours, *theirs)}
    return max(parts, key=lambda part: len(known & set(map(sources.plain, part.columns))))


def build(
    inputs: Inputs,
    settings: Settings,
    out: Path,
    fingerprint: str,
    steps: Steps,
    earlier: Path | None = None,
    accepted: Sequence[Path] = (),
    noticed: pd.DataFrame | None = None,
) -> None:
    """Run every step, and write the artifacts.

    Parameters
    ----------
    inputs
        The files, from `analysis.inputs.find_inputs`.
    settings
        All settings.
    out
        The folder that the new artifacts replace.
    fingerprint
        From `analysis.artifacts.key`; kept in the manifest.
    steps
        Takes the seconds of each step.
    earlier
        A build whose long steps are taken over where nothing that they depend on has changed.
    accepted
        The accepted builds of other data, oldest first: the new one is compared with them.
    noticed
        What was remarkable in the new files, from `analysis.against_history`. Without it, what
        `earlier` says of the same files.

    Raises
    ------
    Refused
        When the data cannot be used; `out` is then as it was.
    """
    from analysis import actions, strategy  # what they stand on takes seconds to load

    # Before anything long: what is wrong with the segments or their actions is told at once.
    plan = actions.read_plan(segments.read_segments())
    with check(inputs, settings, steps) as checked:
        tables: Tables = {}
        facts: Facts = {
            "report.sample": inputs.sample,
            "report.currency": currency(checked, settings),
            "activity.currency": currency(checked, settings),
            "transactions.available": checked.ledger is not None,
            "activity.available": checked.customers is not None,
        }
        quarantine = []
        records: dict[str, Any] = {}

        def long_step(name: str, depends: object, make: Callable[[], tuple[Tables, Facts]]) -> None:
            """Do a step that takes long, or take it over from the earlier build."""
            done = artifacts.key(name, depends)
            before = set(steps.seconds)
            if earlier and (kept := artifacts.recall(earlier, name, done)):
                steps.tell(f"{name}: as in the last build, since nothing behind it has changed")
                more, found, seconds = kept
            else:
                with steps.step(name):
                    more, found = make()
                seconds = {k: v for k, v in steps.seconds.items() if k not in before}
            tables.update(more)
            facts.update(found)
            steps.seconds.update(seconds)
            records[name] = {"key": done, "tables": [*more], "facts": [*found], "seconds": seconds}

        with artifacts.replacing(out) as new:
            if checked.shared:
                facts["activity.in_orders"] = checked.shared.found
                facts["activity.in_orders_share"] = checked.shared.share
            if checked.ledger:
                with steps.step("explore the ledger"):
                    more, found = _ledger_tables(checked.ledger, settings)
                    tables |= more
                    facts |= found
                long_step(
                    "cluster the customers, and profile the segments",
                    _ledger_parts(inputs, settings),
                    partial(_segment_tables, checked.ledger, tables["customers"], settings, steps),
                )
                long_step(
                    "model who will stay away",
                    _ledger_parts(inputs, settings),
                    partial(_lapse_tables, checked.ledger, tables["customers"], settings, steps),
                )
                with steps.step("write the sales lines"):
                    _write_sales(checked.ledger, new / "transactions.parquet")
                quarantine.append(checked.ledger.quarantine)
            if checked.customers:
                with steps.step("explore the activity tables"):
                    more, found = _activity_tables(checked.customers, settings)
                    tables |= more
                    facts |= found
                long_step(
                    "model who will buy less",
                    [artifacts.table_hash(tables["activity"]), _choices(settings)],
                    partial(_decline_tables, tables["activity"], settings, steps),
                )
                quarantine.append(checked.customers.quarantine)
            with steps.step("weigh the actions"):
                more, found = strategy.strategy(tables, plan, settings)
                tables |= more
                facts |= found
            if noticed is None and earlier:
                noticed = _noticed_before(earlier, inputs)
            if accepted or noticed is not None:
                with steps.step("compare with the last accepted build"):
                    _write_since(new / "since", accepted, checked, tables, facts, settings, noticed)
            tables["quarantine"] = pd.concat(quarantine, ignore_index=True)
            for name, table in tables.items():
                table.to_parquet(new / f"{name}.parquet", index=False)
            artifacts.write_json(new / "facts.json", facts)
            written = sorted(path.name for path in new.iterdir() if path.is_file())
            artifacts.write_json(
                new / "manifest.json",
                {
                    "schema": artifacts.SCHEMA,
                    "key": fingerprint,
                    "data": inputs.place,
                    "sample": inputs.sample,
                    "inputs": inputs.described(checked.rows),
                    "as_of": facts.get("transactions.as_of", ""),
                    "settings": settings.model_dump(mode="json"),
                    "versions": artifacts.versions(),
                    "commit": artifacts.commit(),
                    "seconds": steps.seconds,
                    "steps": records,
                    "artifacts": written,
                },
            )


def _write_since(
    folder: Path,
    accepted: Sequence[Path],
    checked: Checked,
    tables: Tables,
    facts: Facts,
    settings: Settings,
    noticed: pd.DataFrame | None,
) -> None:
    """Write what changed since the last accepted build, beside the tables that do not know it."""
    from analysis import since  # scikit-learn

    found: Tables = {}
    told: Facts = {"since.available": bool(accepted), "history.available": noticed is not None}
    if accepted:
        frozen = reference.read_reference(settings) if checked.ledger else None
        cuts = frozen.cuts if frozen else None
        rules = segments.read_segments()
        found, more = since.since(accepted, checked.ledger, tables, facts, rules, settings, cuts)
        told |= more
    if noticed is not None:
        found["history"] = noticed
    folder.mkdir()
    for name, table in found.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    artifacts.write_json(folder / "facts.json", told)


def _noticed_before(earlier: Path, inputs: Inputs) -> pd.DataFrame | None:
    """Return what an earlier build says was remarkable in these very files."""
    path = earlier / "since" / "history.parquet"
    if artifacts.data_version(artifacts.read_json(earlier / "manifest.json")) != inputs.version:
        return None
    return pd.read_parquet(path) if path.is_file() else None


def _choices(settings: Settings) -> dict[str, Any]:
    """Return the settings on which the long steps depend."""
    chosen = settings.model_dump(mode="json")
    return {
        "smallest_group": settings.report.smallest_group,
        **{name: chosen[name] for name in ("activity", "engine", "models", "contact")},
    }


def _ledger_parts(inputs: Inputs, settings: Settings) -> list[Any]:
    """Return all that the ledger's long steps depend on: files and settings."""
    files = {str(path.relative_to(inputs.folder)) for path in inputs.transactions}
    chosen = settings.model_dump(mode="json")
    return [
        sorted(hashed for name, hashed in inputs.sha256.items() if name in files),
        {name: chosen[name] for name in chosen if name not in ("activity", "contact", "strategy")},
        [rule.model_dump(mode="json") for rule in segments.read_segments()],
        reference.fingerprint(settings),
    ]


def _ledger_tables(ledger: tx.Ledger, settings: Settings) -> tuple[Tables, Facts]:
    """Return the ledger half's customer-level tables and its facts."""
    customers = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    customers = schemas.validate(schemas.CUSTOMERS, customers, "the customers of the ledger")
    gross = rfm.customers(ledger.lines, ledger.as_of, tx.GROSS).order_by("customer_id").execute()
    steps = explore_sales.ladder(ledger)
    months = explore_sales.monthly(ledger)
    countries = explore_sales.countries(
        ledger, settings.transactions.home_country, settings.report.smallest_group
    )
    tables = {
        "customers": customers,
        "files": ledger.files,
        "rules": ledger.rules,
        "ladder": steps,
        "completeness": explore_sales.completeness(ledger),
        "left_out_codes": explore_sales.left_out_codes(ledger),
        "giant_reversals": explore_sales.giant_reversals(ledger),
        "unusual_lines": explore_sales.unusual_lines(ledger),
        "monthly": months,
        "recent_change": explore_sales.recent_change(months),
        "week": explore_sales.week(ledger),
        "cohorts": explore_sales.cohorts(ledger),
        "countries": countries,
        "markets": explore_sales.markets(ledger, countries),
        "products": explore_sales.products(ledger),
    }
    low, high = explore_sales.top_share_interval(gross["monetary"], settings.engine.seed)
    facts: Facts = {
        **explore_sales.ledger_facts(ledger, steps),
        **rfm.rfm_facts(customers),
        **movement.recent_facts(ledger, ledger.as_of),
        **{f"transactions.has_{name}": name in ledger.columns for name in tx.LINE_COLUMNS},
        "transactions.top20_share": explore_sales.top_share(gross["monetary"]),
        "transactions.top20_share_low": low,
        "transactions.top20_share_high": high,
        "transactions.gini": explore_sales.gini(gross["monetary"]),
        **{
            f"transactions.gross_revenue_{row['month']:%Y-%m}": row["gross_revenue"]
            for row in months.to_dict("records")
        },
    }
    return tables, facts


def _segment_tables(
    ledger: tx.Ledger, customers: pd.DataFrame, settings: Settings, steps: Steps
) -> tuple[Tables, Facts]:
    """Return the customers with their scores, segments and clusters, and what these are like."""
    from analysis import clustering, profiles, returns  # scikit-learn: not needed for `check`

    seed, smallest = settings.engine.seed, settings.report.smallest_group
    rules = segments.read_segments()
    names = [rule.name for rule in rules]
    frozen = reference.read_reference(settings)
    cuts = frozen.cuts if frozen else rfm.cut_points(customers)
    customers = customers.join(rfm.scores(customers, cuts))
    customers = customers.assign(segment=segments.assign(customers, rules))
    dates = movement.cut_offs(ledger)
    earlier = spend = None
    if len(dates) > 1:
        earlier = movement.customers_at(ledger, dates[-2], rules, frozen.cuts if frozen else None)
        spend = movement.spend_after(ledger, dates[-2], dates[-1])
    selection = clustering.select(
        customers, seed, earlier, spend, tell=steps.tell, resamples=settings.clustering.resamples
    )
    fitted = selection.centres
    if frozen:
        selection = replace(selection, centres=clustering.weighed(customers, frozen.centres))
    customers = customers.assign(cluster=clustering.assign(customers, selection.centres))
    home = profiles.home_market(ledger, settings.transactions.home_country)
    details = profiles.customer_details(ledger, customers, home)
    profile = profiles.segment_profiles(ledger, details, names, seed=seed, smallest=smallest)
    overall = profiles.overall_profile(ledger, details, seed=seed)
    past = movement.history(ledger, rules, frozen.cuts if frozen else None)
    tables = {
        "customers": customers,
        "score_cuts": cuts,
        "segment_rules": profiles.thresholds(rules, cuts, settings.transactions.currency),
        "clustering": selection.table,
        "cluster_centres": selection.centres,
        "cluster_use": selection.use,
        "cluster_agreement": clustering.agreement(customers),
        "segment_profiles": profile,
        "segment_overall": overall.to_frame().T.infer_objects(),
        "segment_products": profiles.segment_products(ledger, customers, names, smallest=smallest),
        "segment_heatmap": profiles.segment_heatmap(details, names, smallest=smallest),
        "movement": movement.movement(past, names, smallest),
        "migration": movement.migration(past, names, smallest),
        "direction": movement.direction(past, names, seed),
        "retention": movement.retention(ledger, past, names, smallest),
        "segment_returns": returns.returns(ledger, past, names, smallest),
    }
    sizes = customers["segment"].value_counts().reindex(names, fill_value=0)
    facts: Facts = {
        **{f"rfm.segments.{name}": int(size) for name, size in sizes.items()},
        **clustering.clustering_facts(selection, customers),
    }
    if frozen:
        facts |= reference.reference_facts(customers, fitted, rules, frozen)
    return tables, facts


def _lapse_tables(
    ledger: tx.Ledger, customers: pd.DataFrame, settings: Settings, steps: Steps
) -> tuple[Tables, Facts]:
    """Return who of the ledger's customers may stay away, and how well that can be told."""
    from analysis import lapse  # scikit-learn

    found = lapse.read_lapse(
        ledger,
        customers,
        settings.models.lapse_days,
        settings.engine.seed,
        smallest=settings.report.smallest_group,
        home=settings.transactions.home_country,
        tell=steps.tell,
    )
    tables = {
        "customers": customers.assign(lapse_probability=found.probabilities.to_numpy()),
        "lapse_models": found.models,
        "lapse_rates": found.rates,
        "lapse_reliability": found.reliability,
        "lapse_segments": found.segments,
    }
    return tables, found.facts


def _write_sales(ledger: tx.Ledger, path: Path) -> None:
    """Write the lines of net sales, sorted, so that equal data gives equal bytes."""
    lines = ledger.lines.filter(ledger.lines.rung >= tx.NET)
    columns = ["invoice_date", "order_id", *(c for c in tx.LINE_COLUMNS if c != "invoice_date")]
    kept = lines.select(*columns)
    contract = schemas.sales_schema(set(ledger.columns))
    faults = kept.aggregate(
        **{name: expr.sum() for name, expr in schemas.broken(contract, kept).items()}
    )
    counts = faults.execute().fillna(0).iloc[0]
    if counts.any():
        raise AssertionError(f"kept sale lines break their contract: {counts.to_dict()}")
    kept = kept.mutate(amount=kept.amount.cast("float64"))
    ordered = kept.order_by([kept[name] for name in columns])
    ledger.engine.raw_sql("SET preserve_insertion_order = true")
    ordered.to_parquet(path, compression="zstd")


def _activity_tables(checked: activity.ActivityTables, settings: Settings) -> tuple[Tables, Facts]:
    """Return the activity half's tables and its facts."""
    from analysis import explore_activity, leaks  # what they stand on takes seconds to load

    customers = checked.customers
    smallest = settings.report.smallest_group
    twins = leaks.near_twins(customers, settings.activity.twin_columns)
    tables = {
        "activity": customers.assign(twin_group=leaks.twin_groups(customers, twins)),
        "activity_typos": checked.typos,
        "activity_lookalikes": checked.lookalikes,
        "activity_set_aside": checked.set_aside,
        "activity_joins": checked.joins,
        "activity_effects": explore_activity.feature_effects(customers, smallest),
        "activity_associations": explore_activity.association_matrix(customers, smallest),
        "activity_categories": explore_activity.categories(customers, smallest),
        "activity_distributions": explore_activity.distributions(customers, NUMERIC, smallest),
    }
    return tables, {**checked.facts, **leaks.leak_facts(customers, twins)}


def _decline_tables(
    customers: pd.DataFrame, settings: Settings, steps: Steps
) -> tuple[Tables, Facts]:
    """Return the model of decline: how good it is, what it looks at, and what follows from it."""
    from analysis import contacts, decline, explain, risk_groups  # scikit-learn

    seed, smallest = settings.engine.seed, settings.report.smallest_group
    found = decline.read_decline(
        customers, customers["twin_group"], settings.models, seed, steps.step
    )
    customers = customers.assign(decline_probability=found.probability)
    customers["risk_group"] = risk_groups.assign(
        customers, found.probability, settings.models.high_risk
    )
    if not found.model:
        return {"activity": customers}, found.facts
    groups = risk_groups.risk_groups(customers, seed, smallest)
    curve = contacts.contact_curve(customers, found.probability, settings.contact, seed)
    tables = {
        "activity": customers,
        "activity_models": found.models,
        "activity_reliability": found.reliability,
        "activity_leaks": found.leaks,
        "risk_groups": groups,
        "risk_group_effects": risk_groups.group_effects(customers, smallest),
        "contact_curve": curve,
        "contact_scenarios": contacts.contact_scenarios(
            customers, found.probability, settings.contact
        ),
    }
    facts: Facts = {
        **found.facts,
        **risk_groups.risk_facts(groups),
        **contacts.contact_facts(curve, settings.contact),
    }
    with steps.step("explain the chosen model"):
        tables |= explain.explain(customers, found, 1 / settings.models.folds, smallest, seed)
    return tables, facts

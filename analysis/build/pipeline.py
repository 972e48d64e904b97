"""Run the steps of a build, and write its tables, facts and manifest.

``build`` runs the steps in their one direction and writes the artifacts; ``check`` stops after
validation. Neither writes anything that lasts before all data is found good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.build import artifacts
from analysis.build.validation import Checked, check, currency
from analysis.core import files as core_files
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.ingest.data_folder import Inputs
from analysis.orders import as_of, quality
from analysis.orders import ledger as orders_ledger
from analysis.orders import tables as orders_tables
from analysis.orders.contract import broken, sales_schema
from analysis.regulars.contract import ActivityTables
from analysis.regulars.names import NUMERIC
from analysis.segments import movement, reference, rfm
from analysis.segments import rules as segments_rules
from analysis.segments.contract import CUSTOMERS, validate

Facts = dict[str, core_files.Fact]
Tables = dict[str, pd.DataFrame]


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
        The files, from `ingest.data_folder.find_inputs`.
    settings
        All settings.
    out
        The folder that the new artifacts replace.
    fingerprint
        From `build.artifacts.key`; kept in the manifest.
    steps
        Takes the seconds of each step.
    earlier
        A build whose long steps are taken over where nothing that they depend on has changed.
    accepted
        The accepted builds of other data, oldest first: the new one is compared with them.
    noticed
        What was remarkable in the new files, from `history.new_files`. Without it, what
        `earlier` says of the same files.

    Raises
    ------
    Refused
        When the data cannot be used; `out` is then as it was.
    """
    # what they stand on takes seconds to load
    from analysis.strategy.plan import read_plan
    from analysis.strategy.tables import strategy

    # Before anything long: what is wrong with the segments or their actions is told at once.
    plan = read_plan(segments_rules.read_segments())
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

        with core_files.replacing(out) as new:
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
                more, found = strategy(tables, plan, settings)
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
            core_files.write_json(new / "facts.json", facts)
            written = sorted(path.name for path in new.iterdir() if path.is_file())
            core_files.write_json(
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
    from analysis.history import changes  # scikit-learn

    found: Tables = {}
    told: Facts = {"since.available": bool(accepted), "history.available": noticed is not None}
    if accepted:
        frozen = reference.read_reference(settings) if checked.ledger else None
        cuts = frozen.cuts if frozen else None
        rules = segments_rules.read_segments()
        found, more = changes.since(accepted, checked.ledger, tables, facts, rules, settings, cuts)
        told |= more
    if noticed is not None:
        found["history"] = noticed
    folder.mkdir()
    for name, table in found.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    core_files.write_json(folder / "facts.json", told)


def _noticed_before(earlier: Path, inputs: Inputs) -> pd.DataFrame | None:
    """Return what an earlier build says was remarkable in these very files."""
    path = earlier / "since" / "history.parquet"
    if core_files.data_version(core_files.read_json(earlier / "manifest.json")) != inputs.version:
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
        [rule.model_dump(mode="json") for rule in segments_rules.read_segments()],
        reference.fingerprint(settings),
    ]


def _ledger_tables(ledger: orders_ledger.Ledger, settings: Settings) -> tuple[Tables, Facts]:
    """Return the ledger half's customer-level tables and its facts."""
    customers = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    customers = validate(CUSTOMERS, customers, "the customers of the ledger")
    gross = (
        rfm.customers(ledger.lines, ledger.as_of, orders_ledger.GROSS)
        .order_by("customer_id")
        .execute()
    )
    steps = quality.ladder(ledger)
    months = orders_tables.monthly(ledger)
    countries = orders_tables.countries(
        ledger, settings.transactions.home_country, settings.report.smallest_group
    )
    tables = {
        "customers": customers,
        "files": ledger.files,
        "rules": ledger.rules,
        "ladder": steps,
        "completeness": quality.completeness(ledger),
        "left_out_codes": quality.left_out_codes(ledger),
        "giant_reversals": quality.giant_reversals(ledger),
        "unusual_lines": quality.unusual_lines(ledger),
        "monthly": months,
        "recent_change": orders_tables.recent_change(months),
        "week": orders_tables.week(ledger),
        "cohorts": orders_tables.cohorts(ledger),
        "countries": countries,
        "markets": orders_tables.markets(ledger, countries),
        "products": orders_tables.products(ledger),
    }
    low, high = orders_tables.top_share_interval(gross["monetary"], settings.engine.seed)
    facts: Facts = {
        **quality.ledger_facts(ledger, steps),
        **rfm.rfm_facts(customers),
        **movement.recent_facts(ledger, ledger.as_of),
        **{
            f"transactions.has_{name}": name in ledger.columns
            for name in orders_ledger.LINE_COLUMNS
        },
        "transactions.top20_share": orders_tables.top_share(gross["monetary"]),
        "transactions.top20_share_low": low,
        "transactions.top20_share_high": high,
        "transactions.gini": orders_tables.gini(gross["monetary"]),
        **{
            f"transactions.gross_revenue_{row['month']:%Y-%m}": row["gross_revenue"]
            for row in months.to_dict("records")
        },
    }
    return tables, facts


def _segment_tables(
    ledger: orders_ledger.Ledger, customers: pd.DataFrame, settings: Settings, steps: Steps
) -> tuple[Tables, Facts]:
    """Return the customers with their scores, segments and clusters, and what these are like."""
    # scikit-learn: not needed for `check`
    from analysis.orders import tables as orders_tables
    from analysis.segments import (
        cluster_selection,
        clusters,
        products,
        profiles,
        returns,
        thresholds,
    )
    from analysis.segments.details import customer_details

    seed, smallest = settings.engine.seed, settings.report.smallest_group
    rules = segments_rules.read_segments()
    names = [rule.name for rule in rules]
    frozen = reference.read_reference(settings)
    cuts = frozen.cuts if frozen else rfm.cut_points(customers)
    customers = customers.join(rfm.scores(customers, cuts))
    customers = customers.assign(segment=segments_rules.assign(customers, rules))
    dates = movement.cut_offs(ledger)
    earlier = spend = None
    if len(dates) > 1:
        earlier = movement.customers_at(ledger, dates[-2], rules, frozen.cuts if frozen else None)
        spend = as_of.spend_after(ledger, dates[-2], dates[-1])
    selection = cluster_selection.select(
        customers, seed, earlier, spend, tell=steps.tell, resamples=settings.clustering.resamples
    )
    fitted = selection.centres
    if frozen:
        selection = replace(selection, centres=clusters.weighed(customers, frozen.centres))
    customers = customers.assign(cluster=clusters.assign(customers, selection.centres))
    home = orders_tables.home_market(ledger, settings.transactions.home_country)
    details = customer_details(ledger, customers, home)
    profile = profiles.segment_profiles(ledger, details, names, seed=seed, smallest=smallest)
    overall = profiles.overall_profile(ledger, details, seed=seed)
    past = movement.history(ledger, rules, frozen.cuts if frozen else None)
    tables = {
        "customers": customers,
        "score_cuts": cuts,
        "segment_rules": thresholds.thresholds(rules, cuts, settings.transactions.currency),
        "clustering": selection.table,
        "cluster_centres": selection.centres,
        "cluster_use": selection.use,
        "cluster_agreement": clusters.agreement(customers),
        "segment_profiles": profile,
        "segment_overall": overall.to_frame().T.infer_objects(),
        "segment_products": products.segment_products(ledger, customers, names, smallest=smallest),
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
        **cluster_selection.clustering_facts(selection, customers),
    }
    if frozen:
        facts |= reference.reference_facts(customers, fitted, rules, frozen)
    return tables, facts


def _lapse_tables(
    ledger: orders_ledger.Ledger, customers: pd.DataFrame, settings: Settings, steps: Steps
) -> tuple[Tables, Facts]:
    """Return who of the ledger's customers may stay away, and how well that can be told."""
    from analysis.forecast import lapse  # scikit-learn

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


def _write_sales(ledger: orders_ledger.Ledger, path: Path) -> None:
    """Write the lines of net sales, sorted, so that equal data gives equal bytes."""
    lines = ledger.lines.filter(ledger.lines.rung >= orders_ledger.NET)
    columns = [
        "invoice_date",
        "order_id",
        *(c for c in orders_ledger.LINE_COLUMNS if c != "invoice_date"),
    ]
    kept = lines.select(*columns)
    contract = sales_schema(set(ledger.columns))
    faults = kept.aggregate(**{name: expr.sum() for name, expr in broken(contract, kept).items()})
    counts = faults.execute().fillna(0).iloc[0]
    if counts.any():
        raise AssertionError(f"kept sale lines break their contract: {counts.to_dict()}")
    kept = kept.mutate(amount=kept.amount.cast("float64"))
    ordered = kept.order_by([kept[name] for name in columns])
    ledger.engine.raw_sql("SET preserve_insertion_order = true")
    ordered.to_parquet(path, compression="zstd")


def _activity_tables(checked: ActivityTables, settings: Settings) -> tuple[Tables, Facts]:
    """Return the activity half's tables and its facts."""
    # what they stand on takes seconds to load
    from analysis.regulars import near_duplicates
    from analysis.regulars import tables as regulars_tables

    customers = checked.customers
    smallest = settings.report.smallest_group
    twins = near_duplicates.near_twins(customers, settings.activity.twin_columns)
    tables = {
        "activity": customers.assign(twin_group=near_duplicates.twin_groups(customers, twins)),
        "activity_typos": checked.typos,
        "activity_lookalikes": checked.lookalikes,
        "activity_set_aside": checked.set_aside,
        "activity_joins": checked.joins,
        "activity_effects": regulars_tables.feature_effects(customers, smallest),
        "activity_associations": regulars_tables.association_matrix(customers, smallest),
        "activity_categories": regulars_tables.categories(customers, smallest),
        "activity_distributions": regulars_tables.distributions(customers, NUMERIC, smallest),
    }
    return tables, {**checked.facts, **near_duplicates.leak_facts(customers, twins)}


def _decline_tables(
    customers: pd.DataFrame, settings: Settings, steps: Steps
) -> tuple[Tables, Facts]:
    """Return the model of decline: how good it is, what it looks at, and what follows from it."""
    # scikit-learn
    from analysis.forecast import decline, importance, risk_groups
    from analysis.strategy import contact_policy

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
    curve = contact_policy.contact_curve(customers, found.probability, settings.contact, seed)
    tables = {
        "activity": customers,
        "activity_models": found.models,
        "activity_reliability": found.reliability,
        "activity_leaks": found.leaks,
        "risk_groups": groups,
        "risk_group_effects": risk_groups.group_effects(customers, smallest),
        "contact_curve": curve,
        "contact_scenarios": contact_policy.contact_scenarios(
            customers, found.probability, settings.contact
        ),
    }
    facts: Facts = {
        **found.facts,
        **risk_groups.risk_facts(groups),
        **contact_policy.contact_facts(curve, settings.contact),
    }
    with steps.step("explain the chosen model"):
        tables |= importance.explain(customers, found, 1 / settings.models.folds, smallest, seed)
    return tables, facts

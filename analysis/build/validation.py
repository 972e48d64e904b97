"""Read and validate a data folder: orders and regular customers."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow as pa

from analysis.core.assumptions import Assumption, as_table, in_order, state
from analysis.core.files import Fact
from analysis.core.privacy import is_personal, mask_addresses, pseudonym
from analysis.core.problems import Problem, Refused
from analysis.core.progress import Steps
from analysis.core.settings import ActivitySettings, Settings, read_settings
from analysis.ingest import readers
from analysis.ingest import salt as salts
from analysis.ingest.columns import match_columns, plain_name
from analysis.ingest.data_folder import Inputs, find_inputs
from analysis.ingest.parts import Part
from analysis.ingest.profiles import Profile, read_profiles
from analysis.ingest.salt import passing
from analysis.orders import cleaning, refusals
from analysis.orders.exports.translate import translate
from analysis.orders.ledger import GROSS, NET, Ledger, connect, engine_in_words, write_ledger
from analysis.orders.meaning.customer_ids import tidy_id
from analysis.orders.telling_columns import is_sign_of
from analysis.orders.understood import order_assumptions
from analysis.regulars import contract, reading, shared_ids
from analysis.regulars.understood import regular_assumptions
from analysis.strategy import campaign_files


@dataclass(frozen=True)
class Checked:
    """Data that has passed: either half may be missing."""

    ledger: Ledger | None
    customers: contract.ActivityTables | None
    #: Rows below the header, by file as in `Inputs.sha256`.
    rows: dict[str, int]
    #: Where both inputs are there: how many of the regular customers the orders know.
    shared: shared_ids.SharedIds | None = None
    #: The import profiles that the orders were read with.
    profiles: tuple[str, ...] = ()
    #: Who was contacted in past campaigns, and who was not.
    campaigns: campaign_files.Campaigns | None = None
    #: Whether there are files of past campaigns, read or not.
    has_campaigns: bool = False


@contextmanager
def check(
    inputs: Inputs,
    settings: Settings,
    steps: Steps,
    usual_dates: Collection[str] = (),
    profiles: Sequence[Profile] | None = None,
) -> Iterator[Checked]:
    """Read and validate both halves of a data folder.

    Parameters
    ----------
    inputs
        The files, from `ingest.data_folder.find_inputs`.
    settings
        All settings.
    steps
        Takes the seconds of each step.
    usual_dates
        As in `orders.cleaning.read_ledger`.
    profiles
        The import profiles; None: those of the project.

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
    profiles = read_profiles() if profiles is None else profiles
    with (
        engine_in_words(),
        tempfile.TemporaryDirectory(prefix="customer-report-") as folder,
        ExitStack() as stack,
    ):
        work = Path(folder)
        parts: dict[Path, list[Part]] = {}
        known = readers.known_words(settings)
        with steps.step("read the files"):
            for path in (*inputs.transactions, *inputs.activity.values(), *inputs.campaigns):
                try:
                    parts[path] = readers.read_parts(path, work, settings.files.encodings, known)
                except Refused as refused:
                    problems += refused.problems
        ledger = customers = shared = None
        names: tuple[str, ...] = ()
        # Where a file could not be read, the others are checked all the same: one message for all.
        if lines := [part for path in inputs.transactions for part in parts.get(path, ())]:
            with steps.step("validate the ledger, and clean it"):
                engine = connect(settings.engine, work)
                stack.callback(engine.disconnect)
                salt = inputs.salt or passing()
                try:
                    lines = translate(engine, lines, profiles, settings.transactions, salt, work)
                    names = tuple(dict.fromkeys(part.profile for part in lines))
                    ledger = cleaning.read_ledger(
                        engine,
                        lines,
                        settings.transactions,
                        as_of=settings.report.as_of,
                        usual_dates=usual_dates,
                        salt=salt,
                    )
                except Refused as refused:
                    problems += refused.problems
        if tables := {role: parts[path] for role, path in inputs.activity.items() if path in parts}:
            with steps.step("validate the activity tables, and join them"):
                try:
                    customers = _read_activity(tables, settings.activity, inputs.salt or passing())
                except Refused as refused:
                    problems += refused.problems
        if not problems and ledger and customers:
            shared = shared_ids.shared_ids(ledger, customers)
            problems += shared_ids.problems(shared, settings.activity)
        campaigns = None
        if inputs.campaigns and ledger and not problems:
            with steps.step("read past campaigns"):
                try:
                    campaigns = _read_campaigns(
                        inputs, parts, ledger, settings, inputs.salt or passing()
                    )
                except Refused as refused:
                    problems += refused.problems
        if problems:
            raise Refused(problems)
        rows = {
            str(path.relative_to(inputs.folder)): sum(p.rows + len(p.ragged) for p in found)
            for path, found in parts.items()
        }
        yield Checked(ledger, customers, rows, shared, names, campaigns, bool(inputs.campaigns))


def is_readable(folder: Path, settings_file: Path) -> bool:
    """Tell whether a data folder passes with the settings beside its data."""
    try:
        settings = read_settings(settings_file, folder)
        with check(find_inputs(folder, settings), settings, Steps()):
            return True
    except Refused:
        return False


def currency(checked: Checked, settings: Settings) -> str:
    """Return the sign before amounts: that of the orders, where there are any.

    Where both inputs are there, they are one shop's, and have one currency.
    """
    return settings.transactions.currency if checked.ledger else settings.activity.currency


def small_group_problems(checked: Checked, settings: Settings) -> list[Problem]:
    """Return why no report can be made: all customers together are fewer than a group must be."""
    found: dict[str, int] = {}
    if checked.ledger:
        lines = checked.ledger.lines
        customers = lines.customer_id.nunique(where=lines.cleaning_step >= NET)
        found["customers with net sales"] = int(customers.execute())
    if checked.customers:
        found["regular customers"] = len(checked.customers.customers)
    return [
        Problem(
            "settings.toml",
            f"[report] smallest_group is {settings.report.smallest_group:,}, and there are "
            f"{customers:,} {who}: nothing could be shown",
            remedy="A report describes no fewer customers than that. Set it to a smaller number, "
            "or add data.",
        )
        for who, customers in found.items()
        if customers < settings.report.smallest_group
    ]


def report_problems(checked: Checked, settings: Settings) -> list[Problem]:
    """Return why no report can be made of data that can be read."""
    return small_group_problems(checked, settings) + currency_problems(checked, settings)


def currency_problems(checked: Checked, settings: Settings) -> list[Problem]:
    """Return that the report would put another currency's sign before the money of the files."""
    sign = settings.transactions.currency
    named = checked.ledger.named_currency if checked.ledger else ""
    if not sign or not named or is_sign_of(sign, named):
        return []
    return [
        Problem(
            "settings.toml",
            f"[transactions] currency is {sign!r}, and the files name {named}: all amounts would "
            "be shown in another currency",
            remedy=f'Set currency = "{named}", or the sign that it has.',
        )
    ]


def assumptions(checked: Checked, settings: Settings) -> list[Assumption]:
    """Return everything that was assumed or noticed about the data, in the order to read it in."""
    found = [
        Assumption(
            "left out",
            state("assumed-files.no-report", problem=problem.rule),
            source=problem.source,
        )
        for problem in report_problems(checked, settings)
    ]
    if checked.ledger:
        found += order_assumptions(checked.ledger, settings.transactions)
    if checked.customers:
        found += regular_assumptions(checked.customers, checked.shared)
    if checked.campaigns:
        found += checked.campaigns.assumptions
    elif checked.has_campaigns:
        found.append(Assumption("campaigns", state("assumed-campaigns.no-orders")))
    setting = "transactions.currency" if checked.ledger else "activity.currency"
    if sign := currency(checked, settings):
        said = state("assumed-files.currency", sign=sign)
    else:
        said = state("assumed-files.no-currency")
    return in_order([*found, Assumption("money", said, setting=setting)])


def read(
    inputs: Inputs,
    profiles: Sequence[Profile],
    settings: Settings,
    progress: Steps,
    scratch: Path,
) -> tuple[dict[str, pd.DataFrame | Path], dict[str, Fact]]:
    """Read and validate a data folder, as a step of the build: see `analysis.build.steps`."""
    with check(inputs, settings, progress, profiles=profiles) as checked:
        if problems := report_problems(checked, settings):
            raise Refused(problems)
        facts: dict[str, Fact] = {
            "report.sample": inputs.sample,
            "report.currency": currency(checked, settings),
            "activity.currency": currency(checked, settings),
            "transactions.available": checked.ledger is not None,
            "activity.available": checked.customers is not None,
        }
        described = pd.DataFrame(inputs.describe_files(checked.rows))
        tables: dict[str, pd.DataFrame | Path] = {"work/input_rows": described}
        refused = []
        if checked.shared:
            facts["activity.in_orders"] = checked.shared.found
            facts["activity.in_orders_share"] = checked.shared.share
        if ledger := checked.ledger:
            lines, reversals, about = write_ledger(ledger, scratch)
            tables |= {"work/lines": lines, "work/reversals": reversals, "work/about": about}
            tables |= {"files": ledger.files, "rules": ledger.rules}
            refused.append(ledger.quarantine)
            facts["transactions.profile"] = ", ".join(checked.profiles)
            if ledger.pseudonyms:
                facts[salts.FACT] = salts.mark(inputs.salt or passing())
        if regulars := checked.customers:
            tables |= {
                "work/regulars": regulars.customers,
                "activity_typos": regulars.typos,
                "activity_lookalikes": regulars.lookalikes,
                "activity_set_aside": regulars.set_aside,
                "activity_joins": regulars.joins,
            }
            facts |= regulars.facts
            refused.append(regulars.quarantine)
        if checked.campaigns:
            tables["work/campaigns"] = checked.campaigns.assigned
        quarantine = pd.concat(refused, ignore_index=True)
        quarantine["line"] = quarantine["line"].map(mask_addresses).astype("str")
        tables["quarantine"] = quarantine
        tables["assumptions"] = as_table(assumptions(checked, settings))
    return tables, facts


def _read_campaigns(
    inputs: Inputs,
    parts: Mapping[Path, Sequence[Part]],
    ledger: Ledger,
    settings: Settings,
    salt: bytes,
) -> campaign_files.Campaigns:
    """Read past campaigns, which are measured by the orders.

    Raises
    ------
    Refused
        As `campaign_files.read_campaigns`.
    """
    lines = ledger.lines
    known = lines.filter(lines.cleaning_step >= GROSS).select("customer_id").distinct().execute()
    tables = {
        part.file: _with_pseudonyms(readers.read_table(part), {"customer_id": []}, salt)
        .to_pandas()
        .astype("str")
        for path in inputs.campaigns
        for part in parts[path]
    }
    last_day = pd.Timestamp(ledger.as_of) - pd.Timedelta(days=1)
    return campaign_files.read_campaigns(
        tables, known["customer_id"], last_day, settings.campaigns.control_share
    )


def _read_activity(
    parts: Mapping[str, Sequence[Part]], settings: ActivitySettings, salt: bytes
) -> contract.ActivityTables | None:
    """Read the tables of the activity half; None when one of them could not be read."""
    chosen = {
        role: _best_sheet(parts[role], settings.columns[role])
        for role in contract.ROLES
        if role in parts
    }
    tables = {
        str(role): _with_pseudonyms(readers.read_table(part), settings.columns[role], salt)
        for role, part in chosen.items()
    }
    files = {str(role): part.file for role, part in chosen.items()}
    if len(tables) < len(settings.files):
        read = [reading.read_role(r, tables[r], files[r], settings) for r in chosen]
        if problems := [problem for table in read for problem in table.problems]:
            raise Refused(problems)
        return None
    checked = reading.read_activity(tables, settings, files)
    # Rows that could not be split into columns never reached the tables.
    refused = checked.quarantine["source"].value_counts()
    problems = [
        problem
        for part in chosen.values()
        if refused.get(part.file, 0) + len(part.ragged)
        > settings.refused_share * (part.rows + len(part.ragged))
        for problem in refusals.ragged_problems(part, settings.refused_share)
    ]
    if problems:
        raise Refused(problems)
    ragged = refusals.ragged_lines(list(chosen.values()))
    if ragged.empty:
        return checked
    rows = {f"activity.rows_{role}": part.rows + len(part.ragged) for role, part in chosen.items()}
    facts = checked.facts | rows
    facts["activity.refused_rows"] = len(checked.quarantine) + len(ragged)
    quarantine = pd.concat([checked.quarantine, ragged], ignore_index=True)
    quarantine = quarantine.sort_values(["source", "row_number"], ignore_index=True)
    return replace(checked, quarantine=quarantine, facts=facts)


def _with_pseudonyms(table: pa.Table, wanted: dict[str, list[str]], salt: bytes) -> pa.Table:
    """Put pseudonyms in the place of ids that are addresses or names, as in the orders."""
    try:
        column = match_columns(table.column_names, wanted).get("customer_id")
    except ValueError:  # the tables' own contract says which columns are meant
        return table
    if column is None or not pa.types.is_string(table[column].type):
        return table
    ids = table[column].to_pylist()
    new = {one: pseudonym(tidy_id(one), salt) for one in {*ids} if one and is_personal(one)}
    if not new:
        return table
    plain = pa.array([new.get(one, one) for one in ids], pa.string())
    return table.set_column(table.column_names.index(column), column, plain)


def _best_sheet(parts: Sequence[Part], wanted: dict[str, list[str]]) -> Part:
    """Return the sheet of a workbook that has most of a table's columns."""
    known = {plain_name(name) for ours, theirs in wanted.items() for name in (ours, *theirs)}
    return max(parts, key=lambda part: len(known & set(map(plain_name, part.columns))))

"""Run one command of the analysis.

``init`` makes a data folder from files of your own, ``check`` validates one, ``build`` makes the
tables of the book, ``export`` writes the customers of each segment, and ``sample`` writes generated
data to try it all with. ``refresh`` takes in a quarter's new files (orders, regular customers, past
campaigns) and publishes a release, ``rollback`` publishes an earlier one, ``history`` lists them,
``prune`` removes old ones, and ``forget`` removes a customer. Exit code 0: done; 1: the data was
refused; 2: wrong usage; 130: stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from analysis.core.files import MANIFEST, read_json
from analysis.core.paths import ROOT
from analysis.core.problems import Refused, printable
from analysis.core.progress import Steps
from analysis.core.settings import SETTINGS, Settings, read_settings, with_profile
from analysis.ingest import readers, salt
from analysis.ingest.data_folder import (
    SAMPLE,
    Inputs,
    choose_folder,
    find_inputs,
    role_of,
    sample_is_in,
)
from analysis.ingest.profiles import read_profiles
from analysis.ingest.sample import write_sample
from analysis.release import open_store, placing, raw, refresh, retention, store
from analysis.release.disk import refuse_system_errors
from analysis.release.raw_of_build import open_raw_files

PROFILE_HELP = "read all order files with this import profile, from data/profiles"
#: What `init` says of a folder whose data was refused.
CORRECT = "Correct the settings.toml in the data folder, and run 'check' with --data."


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run one command, and return its exit code."""
    options = _parser(root).parse_args(arguments)
    options.root = root
    with _interrupts() as came:
        try:
            with refuse_system_errors(root, every=False):
                return int(options.run(options))
        except (KeyboardInterrupt, Exception) as error:
            if came or isinstance(error, KeyboardInterrupt):
                _say(f"Stopped. {options.kept}")
                return 130
            if not isinstance(error, Refused):
                raise
            count = len(error.problems)
            _say(f"{options.refused}: {count} problem{'s' * (count != 1)}. {options.kept}")
            _tell(error)
            return 1


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Note each Ctrl-C: one that meets a library's callback ends as that library's own error."""
    came: list[int] = []

    def note(number: int, _: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not under nohup
    if heard:
        signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        if heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _parser(root: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, run, about in (
        ("check", _check, "validate the data, and write nothing"),
        ("build", _build, "validate the data, and make the tables of the book"),
        ("sample", _sample, "write generated data to try the report with"),
        ("export", _export, "write the customers of each segment, and whom to contact, as lists"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run, refused="The data was refused", kept="Nothing was written.")
        if name == "sample":
            command.add_argument("--out", type=Path, default=root / SAMPLE, metavar="DIR")
            continue
        if name == "export":
            about = "the folder of a build (default: the one that is published)"
            command.add_argument("--out", type=Path, metavar="DIR", help=about)
            continue
        command.add_argument("--out", type=Path, default=root / "build", metavar="DIR")
        command.add_argument(
            "--data", type=Path, metavar="DIR", help="the folder with transactions/ and activity/"
        )
        command.add_argument("--settings", type=Path, default=root / SETTINGS, metavar="FILE")
        command.add_argument("--profile", default="", metavar="NAME", help=PROFILE_HELP)
        if name == "check":
            about = "print one JSON object: outcome, problems, notes, facts"
            command.add_argument("--json", action="store_true", help=about)
        if name == "build":
            command.add_argument("--force", action="store_true", help="even if nothing changed")
            about = "say what each step needs and makes, whether it would run, and why; do nothing"
            command.add_argument("--explain", action="store_true", help=about)
    about = "make a data folder from files of your own: what they hold, the settings, and a check"
    command = commands.add_parser("init", help=about, description=about)
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what the shop sent")
    command.add_argument("--data", type=Path, metavar="DIR", help="the folder to make")
    command.add_argument("--settings", type=Path, default=root / SETTINGS, metavar="FILE")
    command.add_argument("--profile", default="", metavar="NAME", help=PROFILE_HELP)
    command.set_defaults(
        run=_init, refused="The data was refused", kept=CORRECT, out=root / "build"
    )
    _add_quarterly(commands)
    return parser


def _add_quarterly(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of the quarterly routine, which work on the project's own folders."""
    as_it_was = "What is published, and data/raw, are as they were."
    about = "check new files, build, compare, render and publish: all of it, or nothing"
    command = commands.add_parser("refresh", help=about, description=about)
    command.set_defaults(run=_refresh, refused="The refresh stopped", kept=as_it_was)
    about = (
        "new files: orders, tables of regular customers, past campaigns (groups.csv with its days);"
        " what was put into data/raw by hand is taken in as well"
    )
    command.add_argument("files", nargs="*", type=Path, metavar="FILE", help=about)
    command.add_argument("--dry-run", action="store_true", help="stop after the comparison")
    command.add_argument("--profile", default="", metavar="NAME", help=PROFILE_HELP)
    for option, text in (
        ("--accept", "go on in spite of the finding with this name"),
        ("--replaces", "the new files take the place of this accepted one"),
        ("--remove", "take this accepted file out of use"),
    ):
        command.add_argument(option, action="append", default=[], metavar="NAME", help=text)
    for name, run, about in (
        ("rollback", _rollback, "publish the release before the present one again"),
        ("history", _history, "list the releases"),
        ("prune", _prune, "remove old releases, but not the published one"),
        ("forget", _forget, "remove a customer from raw files and from all customer tables"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run, refused="Nothing was done", kept=as_it_was)
        if name == "rollback":
            command.add_argument("--to", default="", metavar="NAME", help="publish this release")
        elif name == "prune":
            about = "how many releases stay: the published one and those before it"
            command.add_argument("--keep", type=_at_least_one, required=True, help=about)
        elif name == "forget":
            command.add_argument("customer", metavar="ID", help="the customer's number")
            command.set_defaults(kept="Run it again: it goes on where it stopped.")


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def _tell(refused: Refused) -> None:
    for problem in refused.problems:
        print(f"  * {problem}", file=sys.stderr)


def _own_settings(root: Path) -> Settings:
    """Return the project's settings, with those that lie beside its data."""
    own = root / SETTINGS
    return read_settings(own, root / read_settings(own).report.data)


def _inputs(options: argparse.Namespace, stack: ExitStack) -> tuple[Inputs, Settings]:
    """Find the data and its settings; write the sample first when there is no other, and say so.

    Where the data is that of a release, it is readable as long as the stack is open.
    """
    settings = read_settings(options.settings)
    usual = options.root / settings.report.data
    in_force = store.release_in_force(options.root) is not None
    folder = choose_folder(options.data, settings, options.out, in_force, options.root)
    is_usual = folder is None or folder.resolve() == usual.resolve()
    released = in_force and is_usual and usual == options.root / store.DATA
    if folder is None and options.command == "check":
        folder = usual
    elif folder is None:
        folder = options.root / SAMPLE
        _say(
            f"No data in {settings.report.data}: the report is made from generated SAMPLE data "
            "instead."
        )
        if not sample_is_in(folder):
            write_sample(folder)
    settings = with_profile(read_settings(options.settings, folder), options.profile)
    if not released:
        return find_inputs(folder, settings, root=options.root), settings
    used = raw.find_in_use(options.root, role_of(settings), placing.renaming(settings))
    if used.by_hand:
        _say(raw.by_hand_line(used))
    if used.retired:
        _say(raw.retired_line(used))
    view = stack.enter_context(raw.view(options.root, used))
    return find_inputs(view, settings, str(settings.report.data), options.root), settings


def _build(options: argparse.Namespace) -> int:
    with ExitStack() as stack:
        if options.out == options.root / "build":
            stack.enter_context(open_store(options.root))
        inputs, settings = _inputs(options, stack)
        for note in settings.notes:
            _say(note)
        accepted = refresh.earlier_accepted_builds(options.root, inputs, settings, _say)
        if text := salt.change(refresh.earlier_facts([options.out, *accepted]), inputs.salt):
            _say(text)
        if not options.explain:
            inputs = replace(inputs, salt=salt.make(options.root))
        # the heavy libraries load only when there is work for them
        from analysis.build import pipeline

        planned = pipeline.plan(inputs, settings, options.out, accepted, root=options.root)
        if options.explain:
            print("\n".join(map(printable, pipeline.explain(planned))))
            return 0
        if not options.force and pipeline.is_current(options.out, planned, inputs, settings):
            _say(f"{options.out.name}/ is up to date with {inputs.place}.")
            return 0
        _say(f"Building {options.out.name}/ from {inputs.place}")
        earlier = (
            None if options.force else refresh.earlier_build(options.root, inputs, options.out)
        )
        pipeline.build(inputs, settings, options.out, Steps(), earlier, accepted, root=options.root)
    return 0


def _init(options: argparse.Namespace) -> int:
    """Make a data folder from files, with the settings that they suggest, and check it."""
    from analysis.build import check_report, validation
    from analysis.ingest import first_look

    base = with_profile(read_settings(options.settings), options.profile)
    folder: Path = options.data or options.root / base.report.data
    orders = first_look.copy_files(options.files, folder, base)
    _say(f"Copied {len(options.files)} file{'s' * (len(options.files) != 1)} to {folder}.")
    own = folder / SETTINGS.name
    if orders and not own.exists():
        found = first_look.look(orders, base)
        own.write_text(first_look.settings_text(found.without_columns(), base), encoding="utf-8")
        if not validation.is_readable(folder, options.settings):
            own.write_text(first_look.settings_text(found, base), encoding="utf-8")
        else:
            found = found.without_columns()
        _say(f"Wrote {own}: only the settings that differ.")
        for line in first_look.describe(found):
            _say(f"  * {line}")
    settings = with_profile(read_settings(options.settings, folder), options.profile)
    inputs = find_inputs(folder, settings, root=options.root)
    with validation.check(inputs, settings, Steps()) as checked:
        for line in check_report.lines(checked, settings):
            print(printable(line))
    _say(f"Next: make report DATA={folder}")
    return 0


def _check(options: argparse.Namespace) -> int:
    if options.json:
        return _check_for_programs(options)
    from analysis.build import check_report, validation

    with ExitStack() as stack:
        inputs, settings = _inputs(options, stack)
        checked = stack.enter_context(validation.check(inputs, settings, Steps()))
        for line in check_report.lines(checked, settings):
            print(printable(line))
    return 0


def _check_for_programs(options: argparse.Namespace) -> int:
    """Print one JSON object, whether the data is read or refused."""
    from analysis.build import check_report, validation

    noticed: tuple[str, ...] = ()
    try:
        with ExitStack() as stack:
            inputs, settings = _inputs(options, stack)
            noticed = settings.notes
            checked = stack.enter_context(validation.check(inputs, settings, Steps()))
            found = check_report.report(checked, settings)
    except Refused as refused:
        found = check_report.refusal(refused.problems, noticed)
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return int(found["outcome"] != "read")


def _export(options: argparse.Namespace) -> int:
    from analysis.strategy import contact_lists

    with ExitStack() as stack:
        if options.out is None:
            stack.enter_context(open_store(options.root))
            name = refresh.bring_build(options.root)
            _say(f"Lists of {f'the release {name}' if name else 'the build in build/'}:")
        build = options.out or options.root / "build"
        for path in contact_lists.write_lists(build, _addresses(options.root, build)):
            _say(f"Wrote {path}")
    return 0


def _addresses(root: Path, build: Path) -> dict[str, str]:
    """Return the addresses of a build's customers, from its raw files; say what is missing."""
    manifest = read_json(build / MANIFEST)
    made_with = read_json(build / "facts.json").get(salt.FACT)
    if not made_with:
        return {}
    own = salt.find(root)
    if not own or salt.mark(own) != made_with:
        _say(
            "Without addresses: the salt that this build's pseudonyms were made with is not here. "
            f"Restore {salt.PLACE} from a backup, or set {salt.ENVIRONMENT}."
        )
        return {}
    from analysis.orders.exports.addresses import find_addresses

    settings = Settings.model_validate(manifest["settings"])
    orders = settings.transactions
    with (
        open_raw_files(root, manifest, orders.folder) as (files, missing),
        tempfile.TemporaryDirectory() as work,
    ):
        if missing:
            _say(
                f"Raw files that are not here, or have changed: {', '.join(missing)}. Customers "
                "who are in no other file are listed without an address."
            )
        known = readers.known_words(settings)
        parts = [
            part
            for path in files
            for part in readers.read_parts(path, Path(work), settings.files.encodings, known)
        ]
        return find_addresses(parts, read_profiles(), orders, own)


def _refresh(options: argparse.Namespace) -> int:
    done = refresh.refresh(
        options.root,
        options.files,
        with_profile(_own_settings(options.root), options.profile),
        _say,
        dry_run=options.dry_run,
        accept=options.accept,
        replaces=options.replaces,
        removes=options.remove,
    )
    if done:
        _say(f"Published: _site/ is the report {done.name} (data version {done.data_version}).")
    return 0


def _rollback(options: argparse.Namespace) -> int:
    with open_store(options.root):
        name = store.rollback(options.root, options.to)
        with suppress(OSError, Refused):  # it is published; `export` sees to it later
            refresh.bring_build(options.root)
    _say(f"Restored: _site/ is the report {name} again, and its files are in use.")
    return 0


def _history(options: argparse.Namespace) -> int:
    with open_store(options.root):
        rows = store.history(options.root)
    for row in rows:
        print(printable("  ".join(filter(None, row.values()))))
    if not rows:
        _say("Nothing was accepted yet: 'python -m analysis refresh FILE ...' is the first step.")
    return 0


def _prune(options: argparse.Namespace) -> int:
    reference = _own_settings(options.root).report.reference
    with open_store(options.root):
        names = retention.prune(options.root, options.keep, reference)
    _say(f"Removed: {', '.join(names)}." if names else "There was nothing to remove.")
    return 0


def _forget(options: argparse.Namespace) -> int:
    settings = _own_settings(options.root)
    with open_store(options.root):
        for line in retention.forget(options.root, options.customer, settings):
            _say(line)
    return 0


def _sample(options: argparse.Namespace) -> int:
    write_sample(options.out)
    _say(f"Wrote the sample data to {options.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

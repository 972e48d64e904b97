"""What can be asked of the analysis on the command line?

``check`` validates a data folder, ``build`` makes the tables of the book, ``export`` writes the
customers of each segment, and ``sample`` generated data to try it all with. Exit code 0: done;
1: the data was refused; 2: wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from analysis.artifacts import is_current, key
from analysis.inputs import SAMPLE_FOLDER, Inputs, choose_folder, find_inputs
from analysis.problems import Refused, printable
from analysis.progress import Steps
from analysis.sample import sample_is_in, write_sample
from analysis.segments import SEGMENTS_FILE
from analysis.settings import ROOT, SETTINGS_FILE, Settings, read_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command, and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except Refused as refused:
        count = len(refused.problems)
        print(
            f"The data was refused: {count} problem{'s' * (count != 1)}. Nothing was written.",
            file=sys.stderr,
        )
        for problem in refused.problems:
            print(f"  * {problem}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, run, about in (
        ("check", _check, "validate the data, and write nothing"),
        ("build", _build, "validate the data, and make the tables of the book"),
        ("sample", _sample, "write generated data to try the report with"),
        ("export", _export, "write the customers of each segment, and whom to contact, as lists"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.set_defaults(run=run)
        if name == "sample":
            command.add_argument("--out", type=Path, default=SAMPLE_FOLDER, metavar="DIR")
            continue
        command.add_argument("--out", type=Path, default=ROOT / "build", metavar="DIR")
        if name == "export":
            continue
        command.add_argument(
            "--data", type=Path, metavar="DIR", help="the folder with transactions/ and activity/"
        )
        command.add_argument("--settings", type=Path, default=SETTINGS_FILE, metavar="FILE")
        if name == "build":
            command.add_argument("--force", action="store_true", help="even if nothing changed")
    return parser


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def _inputs(options: argparse.Namespace, settings: Settings) -> Inputs:
    """Find the data; write the sample first when there is no other, and say so."""
    folder = choose_folder(options.data, settings, options.out)
    if folder is None:
        folder = SAMPLE_FOLDER
        told = options.data or os.environ.get("REPORT_DATA")
        where = Path(told) if told else settings.report.data
        if options.command == "check":
            return find_inputs(where if told else ROOT / where, settings)  # says what is lacking
        _say(f"No data in {where}: the report is made from generated SAMPLE data instead.")
        if not sample_is_in(folder):
            write_sample(folder)
    return find_inputs(folder, settings)


def _build(options: argparse.Namespace) -> int:
    settings = read_settings(options.settings)
    inputs = _inputs(options, settings)
    folder = inputs.folder.resolve()
    place = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    rules = SEGMENTS_FILE.read_text(encoding="utf-8")
    fingerprint = key(inputs.sha256, settings.model_dump(mode="json"), str(place), rules)
    if not options.force and is_current(options.out, fingerprint):
        _say(f"{options.out.name}/ is up to date with {inputs.folder}.")
        return 0
    _say(f"Building {options.out.name}/ from {inputs.folder}")
    from analysis import pipeline  # the heavy libraries load only when there is work for them

    earlier = None if options.force else options.out
    pipeline.build(inputs, settings, options.out, fingerprint, Steps(), earlier)
    return 0


def _check(options: argparse.Namespace) -> int:
    settings = read_settings(options.settings)
    inputs = _inputs(options, settings)
    from analysis import pipeline

    with pipeline.check(inputs, settings, Steps()) as checked:
        for line in pipeline.describe(checked):
            print(printable(line))
    return 0


def _export(options: argparse.Namespace) -> int:
    from analysis import export

    for path in export.write_lists(options.out):
        _say(f"Wrote {path}")
    return 0


def _sample(options: argparse.Namespace) -> int:
    write_sample(options.out)
    _say(f"Wrote the sample data to {options.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

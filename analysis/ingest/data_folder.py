"""Choose the data folder, and find the files in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from analysis.core.files import data_version, file_hash, read_json
from analysis.core.paths import ROOT
from analysis.core.problems import Problem, Refused
from analysis.core.settings import Settings
from analysis.ingest import readers, salt

#: Where generated data lies in the project.
SAMPLE = Path("data/sample")
MARKER = "SAMPLE.md"


@dataclass(frozen=True)
class Inputs:
    """The files of a data folder.

    Attributes
    ----------
    folder
        The data folder.
    transactions
        The ledger's files, by name.
    activity
        Role (behaviour, revenue, minutes, profit) -> file.
    sha256
        The fingerprint of each file, by its path in the data folder.
    sample
        Whether the data is generated.
    place
        The folder, as seen from the project if it lies in it.
    salt
        Of customers' pseudonyms; empty where the project has none yet.
    campaigns
        The files of past campaigns, by name.
    """

    folder: Path
    transactions: tuple[Path, ...]
    activity: Mapping[str, Path]
    sha256: Mapping[str, str]
    sample: bool
    place: str
    salt: bytes = field(default=b"", repr=False)
    campaigns: tuple[Path, ...] = ()

    @property
    def version(self) -> str:
        """The name of exactly these files, as `core.files.data_version` gives it."""
        return data_version({"inputs": [{"sha256": sha256} for sha256 in self.sha256.values()]})

    def describe_files(self, rows: Mapping[str, int]) -> list[dict[str, str | int]]:
        """Return the files for the manifest: name, bytes, SHA-256, rows (by the same names)."""
        return [
            {
                "file": name,
                "bytes": (self.folder / name).stat().st_size,
                "sha256": sha256,
                "rows": rows[name],
            }
            for name, sha256 in self.sha256.items()
        ]


def sample_is_in(folder: Path) -> bool:
    """Tell whether a data folder holds the sample rather than a shop's data.

    Parameters
    ----------
    folder
        The data folder.
    """
    return (folder / MARKER).is_file()


def holds_data(folder: Path, settings: Settings) -> bool:
    """Tell whether a folder holds either half, or something that was meant to be."""
    return any(
        readers.find_files(folder / half) or readers.find_overlooked(folder / half)
        for half in (settings.transactions.folder, settings.activity.folder)
    )


def choose_folder(
    named: Path | None,
    settings: Settings,
    out: Path,
    is_released: bool = False,
    root: Path = ROOT,
) -> Path | None:
    """Choose the data folder; None when only the sample is left.

    The folder that was named, by argument or in the environment (``REPORT_DATA``), whether it
    holds data or not; else the one in the settings, if it holds data; else that of the last build,
    if it still does. Only where the folder in the settings is empty is the sample taken. After a
    release it is not empty for us: the release store holds its files (`is_released`).

    Raises
    ------
    Refused
        When the named folder does not exist.
    """
    usual = root / settings.report.data
    if named is None and (told := os.environ.get("REPORT_DATA")):
        named = Path(told)
    if named is not None:
        if not named.is_dir():
            raise Refused(
                [
                    Problem(
                        str(named),
                        "there is no such folder",
                        remedy="Name a folder that has transactions/ or activity/ in it.",
                    )
                ]
            )
        if holds_data(named, settings) or named.resolve() != usual.resolve():
            return named
        return usual if is_released else None
    if is_released or holds_data(usual, settings):
        return usual
    last = read_json(out / "manifest.json")
    if last and not last.get("sample") and holds_data(root / last["data"], settings):
        return root / last["data"]
    return None


def find_inputs(folder: Path, settings: Settings, place: str = "", root: Path = ROOT) -> Inputs:
    """Find the files of both halves, and fingerprint them.

    Parameters
    ----------
    folder
        The data folder.
    settings
        All settings.
    place
        Where the files will lie, if not in `folder`.
    root
        The project's folder.

    Raises
    ------
    Refused
        When the folder holds neither half, or something that looks like data and would not be
        read, or a table of the activity half is missing or there twice.
    """
    ledger = readers.find_files(folder / settings.transactions.folder)
    tables = readers.find_files(folder / settings.activity.folder)
    campaigns = readers.find_files(folder / settings.campaigns.folder)
    roles: dict[str, Path] = {}
    problems = [
        problem
        for half in (
            settings.transactions.folder,
            settings.activity.folder,
            settings.campaigns.folder,
        )
        for problem in readers.find_overlooked(folder / half)
    ]
    if not ledger and not tables:
        raise Refused(
            [
                *problems,
                Problem(
                    str(folder),
                    "the folder holds no data",
                    remedy="Put the invoice lines (.xlsx, .csv, .tsv, .txt, .parquet or .xml) into "
                    f"{settings.transactions.folder}/, or the four tables of regular customers "
                    f"into {settings.activity.folder}/, or both.",
                ),
            ]
        )
    for role, names in settings.activity.files.items() if tables else ():
        hits = [path for path in tables if readers.stem(path) in names]
        if len(hits) == 1:
            roles[role] = hits[0]
            continue
        problems.append(
            Problem(
                f"{settings.activity.folder}/",
                f"the table of {role} is missing"
                if not hits
                else f"there are {len(hits)} tables of {role}: {', '.join(p.name for p in hits)}",
                remedy=f"Put one file named {' or '.join(names)} there "
                f"(.csv, .tsv, .txt, .xlsx or .parquet).",
            )
        )
    if problems:
        raise Refused(problems)
    paths = [*ledger, *roles.values(), *campaigns]
    return Inputs(
        folder=folder,
        transactions=tuple(ledger),
        activity=roles,
        sha256={str(p.relative_to(folder)): file_hash(p) for p in paths},
        sample=sample_is_in(folder),
        place=place or _place(folder.resolve(), root),
        salt=salt.find(root),
        campaigns=tuple(campaigns),
    )


def _place(folder: Path, root: Path) -> str:
    return str(folder.relative_to(root) if folder.is_relative_to(root) else folder)


def role_of(settings: Settings) -> Callable[[Path], str]:
    """Return what tells which files take each other's place: the same table, or the same name."""
    roles = {name: role for role, known in settings.activity.files.items() for name in known}
    return lambda path: roles.get(readers.stem(path), path.name)

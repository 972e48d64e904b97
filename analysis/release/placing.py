"""Say where in the data folder a new file belongs: by its name, and by the columns it has."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from analysis.core import formatting
from analysis.core.problems import Problem, Refused
from analysis.core.settings import Settings
from analysis.ingest import readers
from analysis.strategy import campaign_files

#: What a plan of ours is called in the data folder, before the day of its data.
PLAN = "groups"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def placing(settings: Settings) -> Callable[[Path], str]:
    """Return what tells the place of a file in the data folder, such as ``transactions/q3.csv``.

    Tables of regular customers are known by their names, and files of past campaigns by their
    columns; all else is order lines. Files of campaigns are placed under names of their own (see
    `name_campaigns`), so that those of each quarter stay. What is of a kind that is not read is
    refused.
    """
    names = {name for known in settings.activity.files.values() for name in known}

    def place_of(path: Path) -> str:
        if not path.name.lower().endswith(readers.FORMATS):
            rule = f"a file of this kind is not read; {formatting.join_words(readers.FORMATS)} are"
            raise Refused([Problem(path.name, rule, remedy="Export it as one of these.")])
        if readers.stem(path) in names:
            return f"{settings.activity.folder}/{path.name}"
        if campaign_files.is_header(readers.read_header(path, settings.files.encodings)):
            return f"{settings.campaigns.folder}/{name_campaigns(path, settings)}"
        return f"{settings.transactions.folder}/{path.name}"

    return place_of


def renaming(settings: Settings) -> Callable[[str, Path], str]:
    """Return what tells the place of a file that somebody put into the data folder.

    Only files of campaigns get another name than theirs, as `name_campaigns` gives it.
    """
    folder, place_of = settings.campaigns.folder, placing(settings)

    def rename(place: str, path: Path) -> str:
        if not place.startswith(f"{folder}/") or not place.lower().endswith(readers.FORMATS):
            return place
        try:
            named = place_of(path)
        except Refused:  # what is wrong with it is told where all files are checked
            return place
        return named if named.startswith(f"{folder}/") else place

    return rename


def name_campaigns(path: Path, settings: Settings) -> str:
    """Return the name under which a file of past campaigns is kept.

    `export` calls each quarter's plan by the same name, and so do many programs. A plan is kept
    under the day of the data that it was made from, which its campaigns' names begin with: a
    corrected file of the same quarter has the same name, and that of another quarter has not. Any
    other file is kept under its own name and the first day on which something was sent.

    Raises
    ------
    Refused
        When the file cannot be read, or says of no campaign on which day it was sent.
    """
    with TemporaryDirectory(prefix="customer-report-") as work:
        parts = readers.read_parts(path, Path(work), settings.files.encodings)
        tables = [campaign_files.choose_columns(readers.read_table(p).to_pandas()) for p in parts]
    rows = pd.concat([one for one in tables if {*campaign_files.REQUIRED} <= {*one.columns}])
    if not (sent := rows.loc[rows["sent_on"] != "", "sent_on"]).size:
        raise Refused(
            [
                Problem(
                    path.name,
                    "no row says when a campaign was sent",
                    "sent_on",
                    len(rows),
                    remedy="Enter the date, such as 2026-01-31, in the rows of each campaign that "
                    "was sent. If none was sent, omit the file.",
                )
            ]
        )
    ending = path.name[len(readers.stem(path)) :]
    days = {match[0] for name in rows["campaign"].unique() if (match := DAY.match(name))}
    ours = campaign_files.PLANNED in rows and len(days) == 1
    own = PLAN if ours else readers.stem(path)
    first = campaign_files.read_days(sent).min()
    # What is no day is refused where the file is checked.
    day = days.pop() if ours else f"{first:%Y-%m-%d}" if pd.notna(first) else "undated"
    return f"{own}{ending}" if day in own else f"{own}-{day}{ending}"

"""Download the public gift-shop ledger, and verify it.

*Online Retail*: Chen, D. (2015), UCI Machine Learning Repository, doi:10.24432/C5BW33, licensed
CC BY 4.0. The workbook is checked before it is used; offline, the message says what to put where.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pooch

from analysis.core.files import file_hash
from analysis.core.paths import ROOT
from analysis.core.problems import Problem, Refused
from analysis.core.settings import read_settings
from analysis.ingest import readers

URL = "https://archive.ics.uci.edu/static/public/352/online+retail.zip"
NAME = "Online Retail.xlsx"
SHA256 = "43465a06f2ccf7c8b5bd2892bc7defb52f97487934fe93b16ae4c3936424676d"


def fetch(folder: Path) -> Path:
    """Download the publisher's archive into a folder, and return the workbook in it.

    Raises
    ------
    Refused
        When the archive cannot be reached or read, or holds another workbook than the known one.
    """
    pooch.get_logger().setLevel("WARNING")
    try:
        # The archive is packed anew now and then; the workbook in it is what has a known hash.
        files = pooch.retrieve(
            URL,
            known_hash=None,
            path=folder,
            processor=pooch.Unzip(members=[NAME]),
            downloader=pooch.HTTPDownloader(timeout=60),
        )
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _refusal(
            URL, f"the ledger could not be downloaded ({type(error).__name__})"
        ) from None
    workbook = next((Path(name) for name in files if Path(name).name == NAME), None)
    if workbook is None:
        raise _refusal(URL, f"the archive holds no '{NAME}'")
    if file_hash(workbook) != SHA256:
        size = workbook.stat().st_size
        raise _refusal(NAME, f"the file has {size:,} bytes and another SHA-256 than the known one")
    return workbook


def _refusal(place: str, rule: str) -> Refused:
    remedy = (
        f"Download the archive in a browser, unpack it, and put '{NAME}' into "
        "data/raw/transactions/; or put your own order lines there."
    )
    return Refused([Problem(place, rule, remedy=remedy)])


def main(root: Path = ROOT) -> int:
    """Download the ledger into the raw folder, unless something is there; return the exit code."""
    settings = read_settings()
    folder = root / settings.report.data / settings.transactions.folder
    target = folder / NAME
    if files := readers.find_files(folder):
        print(f"{folder} already holds {', '.join(path.name for path in files)}.", file=sys.stderr)
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the workbook arrives there in whole or not at all.
    with TemporaryDirectory(prefix=".download-", dir=folder) as work:
        try:
            fetch(Path(work)).rename(target)
        except Refused as refused:
            print(f"{refused}\nNothing was written.", file=sys.stderr)
            return 1
    print(f"Downloaded {target}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

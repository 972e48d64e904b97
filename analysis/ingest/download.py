"""Download the public gift-shop ledger, and verify it.

*Online Retail*: Chen, D. (2015), UCI Machine Learning Repository, doi:10.24432/C5BW33, licensed
CC BY 4.0. The workbook is checked before it is used; offline, the message says what to put where.
"""

from __future__ import annotations

import io
import sys
import urllib.request
import zipfile
from pathlib import Path

import fastexcel

from analysis.core.files import file_hash
from analysis.core.problems import Problem, Refused
from analysis.core.settings import ROOT, read_settings
from analysis.ingest import readers

URL = "https://archive.ics.uci.edu/static/public/352/online+retail.zip"
NAME = "Online Retail.xlsx"
BYTES = 23_715_344
ROWS = 541_909
SHA256 = "43465a06f2ccf7c8b5bd2892bc7defb52f97487934fe93b16ae4c3936424676d"


def fetch() -> bytes:
    """Return the workbook from the publisher's archive.

    Raises
    ------
    Refused
        When it cannot be reached, or sends something else.
    """
    try:
        with urllib.request.urlopen(URL, timeout=60) as answer:
            archive = zipfile.ZipFile(io.BytesIO(answer.read()))
        return archive.read(NAME)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise Refused(
            [
                Problem(
                    URL,
                    f"the ledger could not be downloaded ({type(error).__name__})",
                    remedy=f"Download it in a browser, unpack it, and put '{NAME}' into "
                    "data/raw/transactions/; or put your own invoice lines there.",
                )
            ]
        ) from None


def verify(workbook: Path) -> None:
    """Hold a downloaded workbook to the size, fingerprint and rows that the facts rest on.

    Raises
    ------
    Refused
        When it is another file.
    """
    problems = []
    if (size := workbook.stat().st_size) != BYTES:
        problems.append(f"the file has {size:,} bytes instead of {BYTES:,}")
    elif file_hash(workbook) != SHA256:
        problems.append("the file has another SHA-256 than the known one")
    elif (rows := fastexcel.read_excel(workbook).load_sheet(0).height) != ROWS:
        problems.append(f"the file has {rows:,} rows instead of {ROWS:,}")
    if problems:
        raise Refused(
            [
                Problem(
                    NAME,
                    problem,
                    remedy="It may be cut short, or a new edition. To use it all the same, put it "
                    "into data/raw/transactions/ by hand.",
                )
                for problem in problems
            ]
        )


def main() -> int:
    """Download the ledger into the raw folder, unless something is there; return the exit code."""
    settings = read_settings()
    folder = ROOT / settings.report.data / settings.transactions.folder
    target = folder / NAME
    if files := readers.find_files(folder):
        print(f"{folder} already holds {', '.join(path.name for path in files)}.", file=sys.stderr)
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{NAME}.part"
    try:
        part.write_bytes(fetch())
        verify(part)
        part.rename(target)
    except Refused as refused:
        print(f"{refused}\nNothing was written.", file=sys.stderr)
        return 1
    finally:
        part.unlink(missing_ok=True)
    print(f"Downloaded {target}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())

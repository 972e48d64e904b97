"""Remove old releases, and remove a customer who asks to be forgotten."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import html
import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.core.files import MANIFEST, file_hash
from analysis.core.formatting import count, join_words
from analysis.core.privacy import is_pseudonym, pseudonym
from analysis.core.settings import Settings
from analysis.ingest import readers, salt
from analysis.ingest.columns import plain_name
from analysis.ingest.delimited import text_format
from analysis.ingest.layout import TOP
from analysis.ingest.profiles import read_profiles
from analysis.orders.meaning.customer_ids import bare_id, tidy_id
from analysis.release import store
from analysis.release.disk import refuse_system_errors, sync, write
from analysis.release.legacy import BUILDS

#: Of tables that name customers, the columns that may: the id, and a line as it was refused.
ID, LINE = "customer_id", "line"
Test = Callable[[object], bool]


def prune(root: Path, keep: int, reference: str = "") -> list[str]:
    """Remove the builds, sites and raw files of old releases, and return their names.

    The published release stays, and so do the accepted ones before it, as many as are to be kept,
    and the one that the settings name as a reference. Of the others, ``release.json`` stays, so
    that their names are not given again and their files are known.

    Parameters
    ----------
    keep
        How many accepted releases stay, at least 1.
    reference
        The build that segments are taken over from, as ``releases/2011-12-10/build``.
    """
    line = [release.name for release in store.chain(root) if release.built and release.accepted_at]
    kept = {*line[-keep:], store.published_name(root), Path(reference).parent.name}
    with refuse_system_errors(root):
        every = store.releases(root)
        gone = [name for name, release in every.items() if release.built and name not in kept]
        for name in gone:
            store.remove(store.build_of(root, name))
        store.tidy(root)
    return gone


def forget(root: Path, customer: str, settings: Settings) -> list[str]:
    """Remove a customer from all raw files and all tables of customers, and return what was done.

    Raw files are replaced by ones without the customer's lines, and every release names the new
    ones. If this is interrupted, it is safe to run it again.

    Parameters
    ----------
    customer
        The id, as a raw file writes it. Other spellings of it go too: other case, spaces, zeros.
    settings
        They name the columns that may hold an id.

    Returns
    -------
    list of str
        Sentences that do not name the customer.

    Raises
    ------
    Refused
        When no file and no table has this customer, or a file cannot be rewritten.
    """
    names = [*settings.transactions.columns[ID]]
    names += [name for table in settings.activity.columns.values() for name in table.get(ID, ())]
    names += [name for profile in read_profiles() for name in profile.customer]
    key = salt.find(root)
    wanted = (ID, *names)
    encodings = settings.files.encodings
    with refuse_system_errors(root):
        changed: dict[str, str] = {}
        lines = 0
        kept = {n: release for n, release in store.releases(root).items() if release.built}
        places = {s: p for release in kept.values() for p, s in release.files.items()}
        for sha256, place in places.items():
            path = store.new_folder(root / store.RELEASES) / Path(place).name
            shutil.copyfile(root / store.RAW / sha256, path)
            if removed := rewrite(path, customer, wanted, encodings, key):
                lines += removed
                changed[sha256] = file_hash(path)
                store.keep_raw(root, path, changed[sha256])
        tables = 0
        folders = [store.build_of(root, name) for name in kept]
        for folder in (root / "build", *folders, *(root / BUILDS).glob("*/")):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.name.endswith((".parquet", ".csv")):
                    tables += bool(rewrite(path, customer, [ID], ["utf-8"], key))
        counted = []
        for name, release in kept.items():
            if not changed.keys() & set(release.files.values()):
                continue
            counted.append(name)
            day = dt.datetime.now(dt.UTC).date()
            old = {*release.superseded, *(changed.keys() & set(release.files.values()))}
            files = {place: changed.get(sha256, sha256) for place, sha256 in release.files.items()}
            notes = (*release.notes, f"{day}: a customer was removed at the customer's request")
            new = replace(release, files=files, superseded=tuple(sorted(old)), notes=notes)
            store.write_manifest(root / store.RELEASES / name, new)
            manifest = store.build_of(root, name) / MANIFEST
            text = manifest.read_text(encoding="utf-8")
            for was, now in changed.items():
                text = text.replace(was, now)
            write(manifest, text)
        for path in sorted((root / store.DATA).rglob("*")):
            if path.is_file() and path.name.lower().endswith(readers.FORMATS):
                before = file_hash(path)
                removed = rewrite(path, customer, wanted, encodings, key)
                lines += removed if before not in changed else 0
                changed |= {before: ""} if removed else {}
        store.tidy(root)  # it removes the raw files as they were
    if not changed and not tables:
        rule = "no raw file and no table of a kept release has this customer"
        raise store.refusal(store.RELEASES, rule, "Give the id as the raw files write it.")
    said = [
        f"Removed {count(lines, 'line')} from {count(len(changed), 'raw file')}, and the customer "
        f"from {count(tables, 'table')} of builds."
    ]
    if counted:
        said.append(
            f"Published totals still count the customer: facts, figures and tables of segments in "
            f"the {'releases' if len(counted) > 1 else 'release'} {join_words(counted)}. 'make "
            "report' publishes the current report without the customer; 'python -m analysis prune "
            "--keep 1' after it removes the earlier ones."
        )
    said.append("Backups, and lists that were exported elsewhere, are not reached from here.")
    return said


def rewrite(
    path: Path, customer: str, wanted: Sequence[str], encodings: Sequence[str], key: bytes = b""
) -> int:
    """Remove a customer's lines from a file, and return how many there were.

    All other lines of a text file stay as they are, byte by byte. A file without the customer, or
    without a column of ids, is not touched.

    Parameters
    ----------
    customer
        The id; 17850 may be written as 17850.0 in the file.
    wanted
        What the column with the ids may be called.
    encodings
        Tried in order on a text file.
    key
        The salt of pseudonyms: a table of a build knows the customer by one.

    Raises
    ------
    Refused
        When the file cannot be read.
    """
    name, is_of = path.name.lower(), _is_of(customer, key)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as box:
        new = Path(box) / path.name
        try:
            if name.endswith(".parquet"):
                removed = _parquet(path, new, is_of, wanted)
            elif name.endswith(".xlsx"):
                removed = _workbook(path, new, is_of, wanted)
            elif name.endswith(".xml"):
                removed = _commerceml(path, new, is_of)
            else:
                removed = _text(path, new, is_of, wanted, encodings)
        except (pa.ArrowException, zipfile.BadZipFile, EOFError, KeyError, csv.Error) as error:
            remedy = "Repair or remove it, and run this again: it goes on from here."
            raise store.refusal(path, "this file cannot be read", remedy) from error
        if removed:
            new.chmod(path.stat().st_mode)
            sync(new)
            new.replace(path)
            sync(path.parent)
    return removed


def _is_of(customer: str, key: bytes) -> Test:
    """Return what tells whether a cell holds the id, in any spelling that is the same customer.

    An address is found behind its pseudonym, and the other way round.
    """
    wanted = {bare_id(customer)}
    if key:
        wanted.add(pseudonym(tidy_id(customer), key))
    if not key or not is_pseudonym(customer):
        return lambda cell: cell is not None and bare_id(str(cell)) in wanted
    return lambda cell: (
        cell is not None
        and (bare_id(str(cell)) in wanted or pseudonym(tidy_id(str(cell)), key) == customer)
    )


def _columns(header: Sequence[object], wanted: Sequence[str]) -> list[int]:
    """Return the places of the columns that may hold an id."""
    names = {plain_name(name) for name in wanted}
    cells = (plain_name(str(cell or "").removeprefix("\ufeff")) for cell in header)
    return [place for place, cell in enumerate(cells) if cell in names]


def _places(rows: Iterable[Sequence[object]], wanted: Sequence[str]) -> set[int]:
    """Return the same, for a table whose header may stand below a title."""
    return {place for row in islice(rows, TOP) for place in _columns(row, wanted)}


def _parquet(path: Path, new: Path, is_of: Test, wanted: Sequence[str]) -> int:
    table = pq.read_table(path)
    gone = np.zeros(len(table), dtype=bool)
    for place in _columns(table.column_names, wanted):
        gone |= [is_of(cell) for cell in table.column(place).to_pylist()]
    if LINE in table.column_names:
        for number, line in enumerate(table[LINE].to_pylist()):
            gone[number] |= any(map(is_of, str(line).split(" | ")))
    if gone.any():
        pq.write_table(table.filter(pa.array(~gone)), new)
    return int(gone.sum())


def _workbook(path: Path, new: Path, is_of: Test, wanted: Sequence[str]) -> int:
    book = openpyxl.load_workbook(path, read_only=True)
    sheets = {sheet.title: [*sheet.iter_rows(values_only=True)] for sheet in book.worksheets}
    book.close()
    removed = 0
    for title, rows in sheets.items():
        places = _places(rows, wanted)
        kept = [row for row in rows if not any(is_of(row[p]) for p in places if p < len(row))]
        removed += len(rows) - len(kept)
        sheets[title] = kept
    if removed:
        out = openpyxl.Workbook(write_only=True)
        for title, rows in sheets.items():
            sheet = out.create_sheet(title)
            for row in rows:
                sheet.append(row)
        out.save(new)
    return removed


def _commerceml(path: Path, new: Path, is_of: Test) -> int:
    """Remove the documents of a buyer, by id or contact; all else stays as it is, byte by byte."""
    content = path.read_bytes()
    declared = re.match(rb"[^<]*<\?xml[^>]*encoding=[\"']([\w.-]+)", content)
    encoding = declared[1].decode() if declared else "utf-8"
    pieces = re.split(r"(<Документ>.*?</Документ>)", content.decode(encoding), flags=re.DOTALL)
    kept = []
    for piece in pieces:
        buyers = " ".join(re.findall(r"<Контрагент>.*?</Контрагент>", piece, flags=re.DOTALL))
        cells = re.findall(r"<(?:Ид|Значение)>([^<]*)<", buyers)
        if not any(is_of(html.unescape(cell).partition("#")[0]) for cell in cells):
            kept.append(piece)
    if len(kept) < len(pieces):
        new.write_bytes("".join(kept).encode(encoding))
    return len(pieces) - len(kept)


def _text(path: Path, new: Path, is_of: Test, wanted: Sequence[str], codes: Sequence[str]) -> int:
    form = text_format(path, codes, [plain_name(name) for name in wanted])
    encoding = form.encoding
    packed = path.name.lower().endswith(".gz")
    content = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    if encoding == "utf-16":  # it would write a mark of its own
        encoding = "utf-16-le" if content.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    records = [*_records(io.StringIO(content.decode(encoding), newline=""), form.delimiter)]
    places = _places((row for row, _ in records), wanted)
    kept = [
        lines
        for row, lines in records
        if not any(is_of(row[place]) for place in places if place < len(row))
    ]
    if len(kept) < len(records):
        result = "".join(kept).encode(encoding)
        new.write_bytes(gzip.compress(result, mtime=0) if packed else result)
    return len(records) - len(kept)


def _records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Yield each record of a text file, and the lines that it was written in."""
    taken: list[str] = []

    def feed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    csv.field_size_limit(1 << 24)
    for row in csv.reader(feed(), delimiter=delimiter):
        yield row, "".join(taken)
        taken.clear()

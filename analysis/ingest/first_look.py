"""Make a data folder from files that were never seen: which settings differ, and why.

Nothing is asked. What a name and the values of a column both say is written into the folder's
settings, where it can be read and corrected; what they leave open is written there as a comment,
with the columns that could be meant.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from analysis.core.problems import Problem, Refused
from analysis.core.settings import Settings
from analysis.ingest import readers
from analysis.ingest.candidates import (
    ROWS,
    WORDS,
    Candidate,
    choose,
    find_candidates,
)
from analysis.ingest.columns import match_columns, plain_name
from analysis.ingest.parts import ROW, Part
from analysis.ingest.profiles import LEDGER, NUMBERS, Profile, choose_profile, read_profiles

REQUIRED = ("customer_id", "invoice_date")
#: Less of the lines than this have a code that the settings call a product's: they do not fit.
PRODUCTS_SHARE = 0.9
SIGNS = {"€": "€", "EUR": "€", "£": "£", "GBP": "£", "$": "$", "USD": "$", "₽": "₽", "RUB": "₽"}


@dataclass
class Proposal:
    """What a settings.toml beside the data would say.

    Attributes
    ----------
    columns
        Our name -> the column of the files, for what the project's settings do not know.
    open
        Our name -> the candidates, for what was needed and could not be decided.
    currency
        The sign that was found; empty where none was.
    all_products
        Whether every code is to be a product, as the settings' patterns fit few.
    exports
        Sentences that say which files have an import profile: their columns are known.
    """

    columns: dict[str, Candidate] = field(default_factory=dict)
    open: dict[str, list[Candidate]] = field(default_factory=dict)
    currency: str = ""
    all_products: bool = False
    exports: list[str] = field(default_factory=list)

    def without_columns(self) -> Proposal:
        """Return what is left of it for files whose columns are known."""
        return Proposal(
            currency=self.currency, all_products=self.all_products, exports=self.exports
        )


def copy_files(files: Sequence[Path], folder: Path, settings: Settings) -> list[Path]:
    """Copy files into a data folder; those named like the four tables go to theirs.

    Raises
    ------
    Refused
        When a file is not there, or the folder holds data already.
    """
    tables = {name for names in settings.activity.files.values() for name in names}
    problems = [
        Problem(str(path), "there is no such file", remedy="Name the files that the shop sent.")
        for path in files
        if not path.is_file()
    ]
    halves = {
        path: settings.activity.folder
        if path.name.split(".")[0] in tables
        else settings.transactions.folder
        for path in files
    }
    taken = [folder / half / path.name for path, half in halves.items()]
    present = [
        half
        for half in set(halves.values())
        if (folder / half).is_dir() and any((folder / half).iterdir())
    ]
    if present:
        problems.append(
            Problem(
                f"{folder}/{present[0]}",
                "the folder already holds files",
                remedy="Name another folder with --data, or remove these files.",
            )
        )
    if len({path.name for path in files}) < len(files):
        problems.append(
            Problem("init", "two files have the same name", remedy="Rename one of them.")
        )
    if problems:
        raise Refused(problems)
    for path, target in zip(files, taken, strict=True):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return [
        path
        for path, half in zip(taken, halves.values(), strict=True)
        if half == settings.transactions.folder
    ]


def look(files: Sequence[Path], settings: Settings) -> Proposal:
    """Return which settings would make sense of files; one that cannot be read suggests none."""
    parts: list[Part] = []
    with tempfile.TemporaryDirectory(prefix="customer-report-") as work:
        for path in files:
            with suppress(Refused):  # the check that follows says why
                parts += readers.read_parts(
                    path, Path(work), settings.files.encodings, readers.known_words(settings)
                )
        return propose(parts, settings)


def first_rows(part: Part) -> pd.DataFrame:
    """Return the first rows of a part, as they stand in the file."""
    batch = next(pq.ParquetFile(part.path).iter_batches(ROWS), None)
    table = batch.to_pandas() if batch is not None else pd.DataFrame()
    return table.drop(columns=[ROW], errors="ignore")


def propose(parts: Sequence[Part], settings: Settings) -> Proposal:
    """Return which settings would make sense of the order lines.

    Parameters
    ----------
    parts
        The tables of all files.
    settings
        Those of the project.
    """
    found = Proposal()
    chosen = settings.transactions
    profiles = read_profiles()
    for part in parts:
        table = first_rows(part)
        try:
            profile = choose_profile(part.source, part.columns, profiles, chosen.profile)
        except Refused:  # the check that follows says why
            continue
        if profile.name != LEDGER:
            found.exports.append(f"{part.source} is an export of {profile.title}.")
            found.currency = found.currency or profile_currency(table, profile)
            continue
        try:
            known = match_columns(part.columns, chosen.columns)
        except ValueError:
            known = {}
        candidates = find_candidates(table, [*known.values()])
        _choose_columns(found, known, candidates)
        names = known | {role: one.column for role, one in found.columns.items()}
        found.currency = found.currency or find_currency(table)
        if (code := names.get("stock_code")) in table:
            pattern = re.compile("|".join(f"(?:{one})" for one in chosen.product_codes))
            codes = table[code].dropna().astype("str")
            fits = codes.map(lambda one, p=pattern: bool(p.search(one)))
            found.all_products |= bool(len(codes)) and float(fits.mean()) < PRODUCTS_SHARE
    return found


def _choose_columns(
    found: Proposal, known: dict[str, str], candidates: dict[str, list[Candidate]]
) -> None:
    """Add to a proposal the columns of one file that can be told, and those that cannot."""
    used = set(known.values())
    for role in WORDS:
        if role in known or role in found.columns:
            continue
        free = [one for one in candidates[role] if one.column not in used]
        best = choose(free)
        if best:
            found.columns[role] = best
            found.open.pop(role, None)
            used.add(best.column)
        elif free:
            found.open.setdefault(role, free[:3])
    have = {*known, *found.columns}
    money = "amount" in have or {"quantity", "unit_price"} <= have
    needed = {*REQUIRED} - have
    if not money:
        needed |= {"amount", "quantity", "unit_price"} - have
    found.open = {role: some for role, some in found.open.items() if role in needed}
    if money and "amount" in found.columns and {"quantity", "unit_price"} <= have:
        # The product of both is the money already; a second column is for the user to name.
        del found.columns["amount"]


def profile_currency(table: pd.DataFrame, profile: Profile) -> str:
    """Return the sign, or the code, of the only currency that an export names."""
    wanted = {plain_name(name) for name in profile.columns.get("currency_code", [])}
    own = [name for name in table.columns if plain_name(name) in wanted]
    codes = {str(code).strip().upper() for name in own for code in table[name].dropna()} - {""}
    if len(codes) == 1:
        code = codes.pop()
        return SIGNS.get(code, code)
    money = {plain_name(n) for r in NUMBERS for n in profile.columns.get(r, [])}  # type: ignore[call-overload]
    return find_currency(table[[name for name in table if plain_name(str(name)) in money]])


def find_currency(table: pd.DataFrame) -> str:
    """Return the sign of the only currency that headers, cells or a column of codes name."""
    texts = [str(name) for name in table.columns]
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name].dtype):
            texts += table[name].dropna().astype("str").head(50).to_list()
    signs = {
        sign
        for mark, sign in SIGNS.items()
        for text in texts
        if re.search(rf"(?<![A-Za-z]){re.escape(mark)}(?![A-Za-z])", text) and len(text) < 30
    }
    return signs.pop() if len(signs) == 1 else ""


def settings_text(found: Proposal, settings: Settings) -> str:
    """Return the settings.toml of a data folder: only what differs, each line with its reason."""
    base = settings.transactions
    lines = [
        "# What differs from the project's data/settings.toml, by the look of the files.",
        "# Read them, and correct what you know better.",
        "",
        "[transactions]",
    ]
    if base.profile:
        lines.append(f"profile = {_toml(base.profile)}")
    if found.currency:
        lines.append(f"currency = {_toml(found.currency)}  # found in the files")
    else:
        lines.append('currency = ""  # the files name none: put the sign here, such as "€"')
    if found.all_products:
        lines.append('product_codes = ["."]  # every code is a product: take out postage and fees')
    if found.columns or found.open:
        lines += ["", "[transactions.columns]"]
    for role, one in found.columns.items():
        names = [one.column, *(n for n in base.columns.get(role, []) if n != one.column)]
        lines.append(f"{role} = {_toml(names)}  # {_comment(one.evidence)}")
    for role, some in found.open.items():
        lines.append(f"# {role}: not clear. Take the # off the right line:")
        lines += [f"# {role} = {_toml([one.column])}  # {_comment(one.evidence)}" for one in some]
    return "\n".join(lines) + "\n"


def _toml(value: str | list[str]) -> str:
    """Write a text, or a list of texts: TOML reads them as JSON writes them."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def describe(found: Proposal) -> Iterator[str]:
    """Say what the files were taken for, and what is left to decide."""
    yield from found.exports
    for role, one in found.columns.items():
        yield f"{one.column!r} is taken as the {role.replace('_', ' ')}: {one.evidence}."
    for role, some in found.open.items():
        names = "; ".join(f"{one.column!r} ({one.evidence})" for one in some)
        yield f"The {role.replace('_', ' ')} is not clear. It could be {names}."
    if found.all_products:
        yield "The codes are unlike those that the settings expect: every code is a product."
    if found.currency:
        yield f"Amounts are in {found.currency}."
    else:
        yield "No currency was found: amounts will be shown without a sign."

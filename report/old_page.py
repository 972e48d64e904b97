"""Put numbers, pictures and tables on a page, in HTML and in print alike.

A chapter's cells print Markdown (``#| output: asis``). Pictures are files with a computed text
for those who cannot see them; tables are HTML, which Quarto and the path without it both turn
into tables of the PDF. Every string from the data passes through `md` here, or through
great-tables, which escapes it: no name of a product can become markup.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from typing import Any

import great_tables as gt
import pandas as pd
import plotnine as p9
from IPython.display import Markdown

from analysis.core import files, formatting
from analysis.core.plotting import INK, draw
from analysis.core.settings import ROOT
from analysis.core.spreadsheets import write_csv

BUILD = ROOT / "build"
#: What changed since the last accepted build stands beside the build, which does not know it.
FACTS: dict[str, Any] = files.read_json(BUILD / "facts.json") | files.read_json(
    BUILD / "since" / "facts.json"
)
MANIFEST: dict[str, Any] = files.read_json(BUILD / "manifest.json")
LEDGER_CURRENCY: str = FACTS.get("report.currency", "")
ACTIVITY_CURRENCY: str = FACTS.get("activity.currency", "")
#: Names all that a picture depends on: the build, which names data and code, and the chapters.
DRAWN_FROM = hashlib.sha256(
    b"".join(
        [
            str(MANIFEST.get("key")).encode(),
            Path(__file__).read_bytes(),
            *(
                path.read_bytes()
                for path in sorted([*ROOT.glob("*.qmd"), *ROOT.glob("report/*.qmd")])
            ),
        ]
    )
).hexdigest()
WORDS_A_MINUTE = 200
SECONDS_A_PICTURE = 20


def has(name: str) -> bool:
    """Tell whether a half is there ("transactions", "activity"), or a column of the ledger."""
    return bool(FACTS.get(f"{name}.available", FACTS.get(f"transactions.has_{name}", False)))


def table(name: str) -> pd.DataFrame:
    """Load a table of the build; one that was not made, because its data is missing, is empty."""
    path = BUILD / f"{name}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


# ------------------------------------------------------------------------- numbers in the text


def fact(name: str, write: Callable[[Any], str] = str) -> str:
    """Return a fact as text; what is not known says so."""
    return write(FACTS[name]) if name in FACTS else "not available"


def n(name: str) -> str:
    """Return a fact as a count."""
    return fact(name, formatting.count)


def pct(name: str) -> str:
    """Return a fact as a percentage."""
    return fact(name, lambda value: formatting.percent(value, 1))


def money(name: str) -> str:
    """Return a fact about the ledger as an amount."""
    return fact(name, lambda value: formatting.money(value, LEDGER_CURRENCY))


def md(text: object) -> str:
    r"""Escape a text for Markdown, so that it is shown letter by letter.

    Examples
    --------
    >>> md("<b>*5*</b>")
    '\\<b\\>\\*5\\*\\<\\/b\\>'
    """
    flat = " ".join(str(text).split())
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", flat)


def say(text: object) -> Markdown:
    """Return a computed sentence for an inline expression, escaped once.

    Nothing to say is a space of no width: Quarto prints the expression where its value is empty.
    """
    return Markdown(md(text) or "\u200b")


# ------------------------------------------------------------------------- pictures and tables


def figure(
    label: str, plot: p9.ggplot, caption: str, alt: str, data: pd.DataFrame | None = None
) -> None:
    """Print a picture with its caption, its text alternative, and the table behind it.

    Parameters
    ----------
    label
        ``fig-...``, for cross-references.
    plot
        The plot.
    caption
        What is shown; Markdown, so names from the data in it go through `md`.
    alt
        What the picture says, for those who do not see it; plain text.
    data
        What was drawn, offered as CSV.
    """
    picture = BUILD / "figures" / f"{label}.svg"
    mark = picture.with_suffix(".key")
    picture.parent.mkdir(exist_ok=True)
    # Each format runs the chapters anew, and drawing is most of their work: it is done once.
    if not picture.is_file() or not mark.is_file() or mark.read_text() != DRAWN_FROM:
        picture.write_bytes(draw(plot))
        mark.write_text(DRAWN_FROM)
    spoken = " ".join(alt.split()).replace('"', "'").replace("\\", "/").replace("{{", "{ {")
    print(f'\n![{caption}](/build/figures/{label}.svg){{#{label} fig-alt="{spoken}"}}\n')
    if data is not None:
        _download(label, data)


def show(label: str, made: gt.GT, caption: str, data: pd.DataFrame | None = None) -> None:
    """Print a table with its caption, and its data as CSV; a table of one row as a line of text."""
    # The page's own font serves tables too, on the screen and in print.
    html = re.sub(r"font-family:[^;]*;", "", made.as_raw_html(make_page=False))
    # Quarto, on its way to the PDF, would escape this one again; between tags it need not be.
    html = html.replace("&#x27;", "'")
    if html.count("<tr") == 2:
        print(f"\n{caption} {row_as_text(html)}\n")
    else:
        print(f"\n::: {{#{label}}}\n\n```{{=html}}\n{html}\n```\n\n{caption}\n\n:::\n")
    if data is not None:
        _download(label, data)


def row_as_text(html: str) -> str:
    r"""Return the only row of a table as Markdown: each heading with its value.

    Examples
    --------
    >>> row_as_text("<tr><th>File</th><th>Rows</th></tr><tr><td>a&amp;b</td><td>3</td></tr>")
    'File: a\\&b. Rows: 3.'
    """
    names, values = (
        [md(unescape(text)) for text in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", html, re.S)]
        for tag in ("th", "td")
    )
    return " ".join(
        f"{name}: {value}." if name else f"{value}."
        for name, value in zip(names, values, strict=True)
    )


def _download(label: str, data: pd.DataFrame) -> None:
    folder = BUILD / "downloads"
    folder.mkdir(exist_ok=True)
    write_csv(data, folder / f"{label}.csv", encoding="utf-8-sig")
    print(
        '\n::: {.content-visible when-format="html"}\n\n'
        f"[The data behind this (CSV)](/build/downloads/{label}.csv){{.download}}\n\n:::\n"
    )


def grid(
    data: pd.DataFrame,
    label: str,
    names: dict[str, str],
    *,
    counts: Sequence[str] = (),
    amounts: Sequence[str] = (),
    percents: Sequence[str] = (),
    digits: int = 0,
) -> gt.GT:
    """Set a table in the report's style.

    Parameters
    ----------
    data
        The table.
    label
        Gives the table its id, so that two renders are alike.
    names
        Column -> heading; other columns are left out.
    counts, amounts, percents
        Columns to write as whole numbers, as money of the ledger and as percentages.
    digits
        Decimals of the amounts.
    """
    made = gt.GT(data[list(names)].reset_index(drop=True), id=label)
    made = made.cols_label(**names).sub_missing(missing_text="–")
    if counts:
        made = made.fmt_number(columns=list(counts), decimals=0)
    if amounts:
        made = made.fmt(
            lambda x: (
                "–" if pd.isna(x) else f"{'-' * int(x < 0)}{LEDGER_CURRENCY}{abs(x):,.{digits}f}"
            ),
            columns=list(amounts),
        ).cols_align("right", columns=list(amounts))
    if percents:
        made = made.fmt(lambda x: formatting.percent(x, 1), columns=list(percents)).cols_align(
            "right", columns=list(percents)
        )
    return made.tab_options(
        table_width="100%",
        table_font_size="0.9em",
        table_font_color=INK,
        table_background_color="transparent",
        column_labels_font_weight="bold",
        data_row_padding="4px",
        table_border_top_style="none",
        table_border_bottom_style="none",
    )


# ------------------------------------------------------------------------- boxes


def how_to_read(chapter: str, text: str) -> None:
    """Print the box that opens a chapter: how long it takes, and how to read it."""
    source = (ROOT / chapter).read_text(encoding="utf-8")
    prose = re.sub(r"```\{python\}.*?```|^---.*?^---", "", source, flags=re.S | re.M)
    pictures = source.count("page.figure(") + source.count("page.show(")
    minutes = len(prose.split()) / WORDS_A_MINUTE + pictures * SECONDS_A_PICTURE / 60
    print(
        f'\n::: {{.callout-note title="How to read this"}}\n\n'
        f"About {formatting.count(max(1, round(minutes)), 'minute')}. {text}\n\n:::\n"
    )


def sample_notice() -> None:
    """Print, where the report stands on generated data, that it does."""
    if FACTS.get("report.sample"):
        print(
            '\n::: {.callout-warning title="This report stands on sample data"}\n\n'
            "The shop and its customers are generated: no number is about a real shop. To see "
            "yours, put your files into `data/raw` and run `make report` again.\n\n:::\n"
        )


def say_missing(what: str) -> None:
    """Print the one sentence that stands in for something the files do not hold."""
    print(f"\n*{what}*\n")

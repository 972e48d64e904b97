"""Set tables in the report's style."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import great_tables as gt
import pandas as pd

from analysis.core.formatting import percent
from analysis.core.plotting import INK

MISSING = "–"
#: A range in brackets, as "(£1 to £3)".
_RANGE = re.compile(r"\((?=[^()<>]*\d)[^()<>]{1,24} to [^()<>]{1,24}\)")


def grid(
    data: pd.DataFrame,
    label: str,
    names: Mapping[str, str],
    *,
    counts: Sequence[str] = (),
    amounts: Sequence[str] = (),
    percents: Sequence[str] = (),
    right: Sequence[str] = (),
    digits: int = 0,
    currency: str = "",
) -> gt.GT:
    """Set a table in the report's style.

    Parameters
    ----------
    data
        The table.
    label
        Gives the table its id, so that two builds are alike.
    names
        Column -> heading; other columns are left out.
    counts, amounts, percents
        Columns to write as whole numbers, as money and as percentages.
    right
        Columns of numbers that are texts already.
    digits
        Decimals of the amounts.
    currency
        The sign before amounts.
    """
    made = gt.GT(data[list(names)].reset_index(drop=True), id=label)
    made = made.cols_label(**names).sub_missing(missing_text=MISSING)
    if counts:
        made = made.fmt_number(columns=list(counts), decimals=0)
    if amounts:
        made = made.fmt(
            lambda x: (
                MISSING if pd.isna(x) else f"{'−' * int(x < 0)}{currency}{abs(x):,.{digits}f}"
            ),
            columns=list(amounts),
        )
    if percents:
        made = made.fmt(lambda x: MISSING if pd.isna(x) else percent(x, 1), columns=list(percents))
    if numbers := [*amounts, *percents, *right]:
        made = made.cols_align("right", columns=numbers)
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


def with_range(value: float, low: float, high: float, write: Callable[[float], str]) -> str:
    """Return a value with its range, for a cell.

    Examples
    --------
    >>> with_range(2.0, -1.0, 3.0, "{:g}".format), with_range(2.0, float("nan"), 3.0, "{:g}".format)
    ('2 (-1 to 3)', '2')
    """
    if pd.isna(value):
        return MISSING
    if pd.isna(low) or pd.isna(high):
        return write(value)
    return f"{write(value)} ({write(low)} to {write(high)})"


def keep_ranges_whole(cells: str) -> str:
    r"""Mark each range in the cells of a table, so that it is set small and never breaks.

    Examples
    --------
    >>> keep_ranges_whole("<td>£2 (−£1 to £3)</td>").replace(chr(0xA0), "~").replace("\u2060", "")
    '<td>£2 <span class="range">(−£1~to~£3)</span></td>'
    """
    return _RANGE.sub(lambda found: _whole(found.group()), cells)


def _whole(text: str) -> str:
    joined = text.replace(" ", "\u00a0").replace("−", "−\u2060")
    return f'<span class="range">{joined}</span>'


def name_once(names: pd.Series) -> pd.Series:
    """Return names of rows, each in its first row only."""
    return names.where(~names.duplicated(), "")


def html(made: gt.GT) -> str:
    """Return a table as HTML, for the page and for print."""
    # The page's own font serves tables too, on the screen and in print.
    text = re.sub(r"font-family:[^;]*;", "", made.as_raw_html(make_page=False))
    # Quarto, on its way to the PDF, would escape this one again; between tags it need not be.
    text = text.replace("&#x27;", "'")
    head, body, cells = text.partition("<tbody")
    return head + body + keep_ranges_whole(cells)

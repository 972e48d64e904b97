"""Describe what is wrong with the data, and how its sender can fix it.

Every refusal in the project is a list of `Problem`, gathered first and raised once as
`Refused`, so that one message names everything that has to be corrected.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.core.privacy import mask_addresses


@dataclass(frozen=True, order=True)
class Problem:
    """One reason why data is refused.

    Attributes
    ----------
    source
        The file (or folder, or setting) it was found in.
    rule
        What should hold, or what was found, as a clause.
    column
        The column as the file spells it; empty when the whole file is meant.
    rows
        How many rows break the rule; None when rows do not come into it.
    example
        One offending value with its row, as the file has it.
    remedy
        What the sender should do, as a sentence.
    """

    source: str
    rule: str
    column: str = ""
    rows: int | None = None
    example: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """Return one line: source, column, rule, rows, example, remedy."""
        where = f"{self.source}, column '{self.column}'" if self.column else self.source
        count = "" if self.rows is None else f" ({self.rows:,} row{'s' * (self.rows != 1)})"
        example = f"; for example {self.example}" if self.example else ""
        remedy = f". {self.remedy}" if self.remedy else ""
        return printable(f"{where}: {self.rule}{count}{example}{remedy}")


class Refused(Exception):  # noqa: N818 - it is a verdict on the data, not a fault of the program
    """The data, or the settings, cannot be used; carries every problem that was found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.source, p.column, p.rule))
        super().__init__("\n".join(map(str, self.problems)))


def printable(text: str) -> str:
    r"""Return a text as it may be shown: without control characters, and with addresses masked.

    Examples
    --------
    >>> printable("row 7: 'kim@example.com'\a")
    "row 7: '[address]'�"
    """
    return replace_controls(mask_addresses(text))


def replace_controls(text: str) -> str:
    r"""Replace control characters, so that a value from a file cannot drive a terminal or a log.

    Examples
    --------
    >>> replace_controls("a\x1b[2Jb")
    'a�[2Jb'
    """
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)

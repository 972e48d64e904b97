"""Test templates of sentences: what they refuse, their plural forms, and which a step may fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.core import sentences

TOYS = """
[rows]
text = "text"
needs = ["lines"]
said = "{share} of all rows are sales."
said-all = "All rows are sales."
none = "There are no rows."
left.one = "{count} row of {file} was left out."
left.other = "{count} rows of {file} were left out."

[words]
weekend = "weekend"
"""


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Write the sentences of a subject called "toys"; the function returned replaces them."""
    path = tmp_path / "analysis" / "toys" / sentences.FILE
    path.parent.mkdir(parents=True)

    def write(text: str) -> None:
        path.write_text(text, encoding="utf-8")
        sentences.sections.cache_clear()

    write(TOYS)
    monkeypatch.setattr(sentences, "ROOT", tmp_path)
    yield write
    sentences.sections.cache_clear()


@pytest.mark.usefixtures("toys")
def test_a_template_is_filled_with_raw_text() -> None:
    assert (
        sentences.fill("toys", "rows.said", share="<b>5%</b>") == "<b>5%</b> of all rows are sales."
    )
    assert sentences.fill("toys", "rows.said-all") == "All rows are sales."


@pytest.mark.usefixtures("toys")
@given(st.integers(0, 10**6))
def test_a_number_chooses_the_plural_form(number: int) -> None:
    said = sentences.fill("toys", "rows.left", count=number, file="a.csv")
    form = "row of a.csv was" if number == 1 else "rows of a.csv were"
    assert said == f"{number:,} {form} left out."


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("rows.told", {}, r"no told in \[rows\]"),
        ("lines.said", {}, r"no section \[lines\]"),
        ("rows.said", {}, "share is missing"),
        ("rows.said", {"share": "5%", "month": "May"}, "month is no field"),
        ("rows.left", {"file": "a.csv"}, "count is missing"),
    ],
)
def test_what_does_not_fit_a_template_is_refused(
    name: str, values: dict[str, str], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        sentences.fill("toys", name, **values)


@pytest.mark.parametrize("field", ["{a.b}", "{a!r}", "{a:.2f}", "{0}", "{}"])
def test_a_field_is_a_plain_name(field: str) -> None:
    with pytest.raises(ValueError, match="must be a plain name"):
        sentences.fields(f"It is {field}.")


@pytest.mark.usefixtures("toys")
def test_a_step_fills_no_section_that_it_does_not_declare() -> None:
    with sentences.only(("toys.rows",)):
        assert sentences.fill("toys", "rows.none")
        with pytest.raises(ValueError, match=r"fills 'toys\.words', which it does not declare"):
            sentences.fill("toys", "words.weekend")
    assert sentences.fill("toys", "words.weekend") == "weekend"


@pytest.mark.usefixtures("toys")
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("rows.said", True),
        ("rows.left", True),
        ("rows.told", False),
        ("rows.sai", False),
        ("lines.said", False),
        ("rows", False),
    ],
)
def test_a_name_is_known_if_a_template_can_make_it(name: str, known: bool) -> None:
    assert sentences.is_known(name) is known


def test_a_section_declares_its_step(toys: Callable[[str], None]) -> None:
    found = sentences.sections("toys")
    assert (found["rows"].kind, found["rows"].module, found["rows"].needs) == (
        "text",
        "text",
        ("lines",),
    )
    assert found["words"].kind == ""
    assert set(sentences.constant_texts("toys.rows")) == {"said-all", "none"}
    toys('[rows]\ntext = "text"\nfigure = "figures"\n')
    with pytest.raises(ValueError, match=r"toys\.rows presents both a figure and a text"):
        sentences.sections("toys")

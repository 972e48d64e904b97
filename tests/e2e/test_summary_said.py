"""Test that the summary, and the brief made from it, say what the tables of the build hold."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from books import rendered
from conftest import KINDS, built
from summary_said import account, check_summary

pytestmark = pytest.mark.drill


@pytest.fixture(scope="module", params=[*KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_statement_of_the_summary_agrees_with_the_tables(kind: str, shared: Path) -> None:
    assert len(check_summary(built(kind, shared) / "build")) >= 2


def words(text: str) -> str:
    """Return the words of a page, without marks, spaces and what only one of two pages has."""
    return re.sub(r"\W+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def test_the_brief_says_what_the_summary_page_says(kind: str, shared: Path) -> None:
    site = rendered(kind, shared) / "_site"
    page = (site / "index.html").read_text(encoding="utf-8")
    page = words(re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page))
    brief = (site / "brief.html").read_text(encoding="utf-8")
    assert brief.count("<img ") == 2 and len(brief.encode()) < 150_000
    told = [
        words(part).strip()
        for part in re.findall(r"(?s)<(?:h1|p|li|td|b)\b[^>]*>(.*?)</(?:h1|p|li|td|b)>", brief)
    ]
    told = [part for part in told if part]
    assert len(told) > 10
    assert not [part for part in told if part not in page]


def changed_numbers(build: Path) -> Iterator[tuple[Path, str, str]]:
    """Return, for each number of the summary, its file, and what was there and what is now."""
    for path in (build / "text.json", *sorted(build.glob("cards/summary-*.json"))):
        told = json.loads(path.read_text(encoding="utf-8"))
        texts = (
            [said for name, said in told.items() if re.match(r"summary-[a-z-]+\.said", name)]
            if path.name == "text.json"
            else [
                said
                for card in told["cards"]
                for said in (card.get("value", ""), card.get("note", ""), *_lines(card))
            ]
        )
        for said in texts:
            for found in re.finditer(r"\d", said.replace("90 days", "xx days")):
                digit = str((int(found[0]) + 1) % 10)
                yield path, said, said[: found.start()] + digit + said[found.end() :]


def _lines(card: dict[str, object]) -> list[str]:
    lines = card.get("lines", [])
    assert isinstance(lines, list)
    # The text of the action, and when it is carried out, are the plan's, and no statements.
    return [said for label, said in lines if label != "What"]


def test_a_changed_digit_is_found(shared: Path, tmp_path: Path) -> None:
    whole = built("both", shared) / "build"
    build = tmp_path / "build"
    (build / "cards").mkdir(parents=True)
    for path in (*whole.glob("*.parquet"), whole / "facts.json", whole / "manifest.json"):
        (build / path.name).symlink_to(path)
    for name in ("text.json", *(f"cards/{path.name}" for path in whole.glob("cards/summary-*"))):
        shutil.copy(whole / name, build / name)
    check_summary(build)
    tried = 0
    for path, before, after in [*changed_numbers(build)][::5]:
        text = path.read_text(encoding="utf-8")
        other = text.replace(json.dumps(before, ensure_ascii=False)[1:-1], after, 1)
        if other == text:
            other = text.replace(json.dumps(before)[1:-1], json.dumps(after)[1:-1], 1)
        assert other != text
        path.write_text(other, encoding="utf-8")
        with pytest.raises(AssertionError):
            check_summary(build)
        path.write_text(text, encoding="utf-8")
        tried += 1
    assert tried > 10


def test_a_number_that_is_left_over_is_found() -> None:
    account("3 of 10 customers in 90 days", "3", "10")
    with pytest.raises(AssertionError, match="says more"):
        account("3 of 10 customers", "10")
    with pytest.raises(AssertionError, match="is not in"):
        account("3 of 10 customers", "3", "11")

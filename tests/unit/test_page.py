"""Test how a page places what the build has made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from report import page

HOSTILE = '<b>#"x"*1*$y$</b>'


def test_a_card_is_placed_in_both_formats_with_its_texts_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = {"title": HOSTILE, "badge": "uncertain", "lines": [["Size", f"5 of {HOSTILE}"]]}
    (tmp_path / "cards").mkdir()
    written = json.dumps({"cards": [card, {**card, "badge": ""}]})
    (tmp_path / "cards" / "segment-cards.json").write_text(written)
    monkeypatch.setattr(page, "BUILD", tmp_path)
    page.cards("segment-cards")
    said = capsys.readouterr().out
    assert said.count("[uncertain]{.badge-verdict}") == 1 == said.count("#box(")
    assert said.count(r"\<b\>\#\"x\"\*1\*\$y\$\<\/b\>") == 8
    assert "<b>" not in said and said.count("grid.cell(breakable: false") == 2
    # All chapters are one page without Quarto, and two may have cards of the same name.
    assert re.findall(r"\{#(\S+) \.unnumbered\}", said) == ["segment-cards-1", "segment-cards-2"]
    assert "Size\n:   5 of" in said and "#strong[Size] #h(3pt) 5 of" in said


def test_cards_that_were_not_made_print_nothing_and_unknown_ones_stop_the_render(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "BUILD", tmp_path)
    page.cards("segment-cards")
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="no file of sentences declares a cards 'segment-traits'"):
        page.cards("segment-traits")

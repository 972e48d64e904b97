"""Test that the code page of a few words is found by what they would read as."""

from __future__ import annotations

import pytest

from analysis.core.settings import read_settings
from analysis.ingest import encodings

CODE_PAGES = [name for name in read_settings().files.encodings if not name.startswith("utf")]
WORDS = {
    "German": ("cp1252", "Stück Größe Käse Zürich"),
    "German capitals": ("cp1252", "KÄSE GRÖSSE ÖSTERREICH"),
    "French": ("cp1252", "Étagère crème Noël"),
    "Spanish": ("cp1252", "España niño cádiz"),
    "Swedish capitals": ("cp1252", "GÖTEBORG KÄLLA BLÅ ÅSA"),
    "Danish": ("cp1252", "København fløde æble"),
    "Italian": ("cp1252", "caffè più città"),
    "Russian": ("cp1251", "Чашка Свеча Зелёный"),
    "Ukrainian": ("cp1251", "Свічка Їжак Київ"),
    "Bulgarian": ("cp1251", "Чаша Зелен Ключ"),
    "Polish": ("cp1250", "Łódź świeca Książka"),
    "Czech": ("cp1250", "Svíčka Žlutý Růže"),
    "Greek": ("cp1253", "Κερί Βιβλίο Αθήνα"),
    "Turkish": ("cp1254", "Kırmızı İstanbul Yeşil"),
    "Lithuanian": ("cp1257", "Žvakė Panevėžys Šiauliai"),
}


def chosen(text: str, code_page: str) -> encodings.Encoding:
    found = encodings.choose(encodings.high_words([text.encode(code_page)]), CODE_PAGES)
    assert found is not None
    return found


@pytest.mark.parametrize(("code_page", "text"), WORDS.values(), ids=list(WORDS))
def test_words_show_their_code_page(code_page: str, text: str) -> None:
    found = chosen(text, code_page)
    assert text.encode(code_page).decode(found.name) == text


@pytest.mark.parametrize("price", ["£{}", "{}£", "{} £", "{} €", "€{}", "€ {}", "{}\u00a0€"])
@pytest.mark.parametrize("text", ["Österreich\tTürkiye", "ÖSTERREICH\tTÜRKIYE", "Türkiye", ""])
def test_signs_of_money_beside_numbers_are_evidence(price: str, text: str) -> None:
    # In cp1251 the pound sign is a Serbian letter, and usual at the start of a word.
    lines = "\n".join(f"{text}\tK{i}\t{price.format(f'{7 * i}.{i}')}" for i in range(10, 70))
    assert chosen(lines, "cp1252").name == "cp1252"


@pytest.mark.parametrize("text", ["Österreich", "ÖSTERREICH", "Übertopf", "tür"])
def test_no_word_mixes_alphabets(text: str) -> None:
    assert chosen(text, "cp1252").name == "cp1252"


def test_thin_evidence_is_told() -> None:
    assert not chosen("ë", "cp1252").sure
    assert chosen("Россия Москва Чашка", "cp1251").sure

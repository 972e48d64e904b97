"""Test that the data dictionary covers the columns and facts of a build, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.core import dictionary
from analysis.core.dictionary import Described, Dictionary
from analysis.core.paths import ROOT
from analysis.core.problems import Refused
from analysis.core.settings import Settings
from analysis.strategy import contact_lists


@pytest.fixture(scope="module")
def known() -> Dictionary:
    return dictionary.read_dictionary()


def built(build: Path, name: str) -> pd.DataFrame:
    """Return a table of a build; contact lists and groups are made from it."""
    if name not in ("contacts", "groups"):
        return pd.read_parquet(build / f"{name}.parquet")
    tables = [
        pd.read_parquet(build / f"{one}.parquet") for one in ("actions", "customers", "activity")
    ]
    if name == "groups":
        actions, customers, regular = tables
        return contact_lists.campaign_groups(actions, customers, regular, {})
    return pd.concat(contact_lists.contact_lists(*tables).values())


def test_every_column_has_an_entry_and_every_entry_a_column(
    known: Dictionary, sample_build: Path
) -> None:
    for name, described in known.tables.items():
        columns = list(built(sample_build, name).columns)
        spoken = {column: dictionary.find_entry(column, described.columns) for column in columns}
        assert [column for column, entry in spoken.items() if not entry] == [], name
        assert sorted(set(described.columns) - set(spoken.values())) == [], name


def test_the_tables_that_readers_meet_are_described(known: Dictionary) -> None:
    wanted = {
        "customers",
        "transactions",
        "quarantine",
        "clustering",
        "activity",
        "activity_models",
        "actions",
    }
    assert wanted <= set(known.tables)


def test_every_fact_of_note_is_a_fact(known: Dictionary, sample_build: Path) -> None:
    facts = json.loads((sample_build / "facts.json").read_text(encoding="utf-8"))
    assert sorted(set(known.facts) - set(facts)) == []
    numbers = {name for name, (unit, _) in known.facts.items() if unit != "text"}
    assert [name for name in numbers if isinstance(facts[name], str)] == []


def test_columns_keep_the_order_of_the_table_and_intervals_one_row() -> None:
    table = pd.DataFrame({"share_low": [0.1], "share": [0.2], "many": [3], "strange": ["x"]})
    described = Described(
        about="", columns={"many": ("{ledger}", "how much"), "share": ("0 to 1", "a share")}
    )
    rows = dictionary.columns(table, described, {"ledger": "£"})
    assert rows.to_numpy().tolist() == [
        ["share (_low)", "number", "0 to 1", "a share"],
        ["many", "whole number", "£", "how much"],
    ]


def test_every_name_that_the_settings_accept_is_listed(settings: Settings) -> None:
    names = dictionary.raw_names(settings)
    ledger = names[names["table"] == "ledger"].set_index("column")["names"].to_dict()
    assert ledger["unit_price"] == ", ".join(settings.transactions.columns["unit_price"])
    for role, columns in settings.activity.columns.items():
        assert set(names.loc[names["table"] == role, "column"]) == set(columns)
    spelled = dictionary.words(settings)
    assert len(spelled) == len(settings.activity.typos) + len(settings.activity.labels)


@pytest.mark.parametrize(
    "text", ["", "[tables.x]\nabout = 1", "[facts]\na = ['only a unit']", "[tables"]
)
def test_a_broken_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "dictionary.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=r"dictionary\.toml: .+ Every entry is a list"):
        dictionary.read_dictionary(tmp_path / "dictionary.toml")


def test_the_chapter_is_in_the_book() -> None:
    assert "report/dictionary.qmd" in (ROOT / "_quarto.yml").read_text(encoding="utf-8")

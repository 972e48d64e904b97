"""Test what ``check`` reports, in lines and as JSON, with every assumption it made."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pytest
from conftest import Run, a_line, good_lines, write_lines

from analysis.build import validation
from analysis.build.check_report import FACTS, notes
from analysis.core.assumptions import KINDS, Assumption, state
from analysis.core.paths import ROOT
from analysis.core.problems import Refused
from analysis.core.progress import Steps
from analysis.core.settings import merge_tables, read_settings
from analysis.ingest import readers
from analysis.ingest.data_folder import find_inputs
from analysis.regulars import shared_ids
from analysis.regulars.shared_ids import SharedIds


def checked(run: Run, data: Path, code: int = 0) -> dict[str, Any]:
    """Check a folder, and return the one JSON object on standard output."""
    done = run("check", "--json", "--data", data)
    assert done.code == code, done.err
    found: dict[str, Any] = json.loads(done.out)
    assert set(found) == {"outcome", "problems", "notes", "facts"}
    assert set(found["facts"]) == set(FACTS)
    assert found["outcome"] == ("refused" if code else "read")
    assert bool(found["problems"]) == bool(code)
    return found


def test_facts_are_of_net_sales_of_known_customers(tmp_path: Path, run: Run) -> None:
    lines = [
        a_line(),
        a_line(Quantity="1"),
        a_line(InvoiceNo="536366", CustomerID="17851", InvoiceDate="2011-02-01 09:00:00"),
        a_line(
            InvoiceNo="C536367",
            CustomerID="17851",
            InvoiceDate="2011-02-02 09:00:00",
            Quantity="-6",
        ),
        a_line(InvoiceNo="536368", CustomerID=""),
    ]
    write_lines(tmp_path / "transactions" / "a.csv", lines, ";")
    facts = checked(run, tmp_path)["facts"]
    assert facts == {
        "customers": 1,
        "orders": 1,
        "lines": 2,
        "net_revenue": 17.85,
        "gross_revenue": 33.15,
        "first_date": "2011-01-14",
        "last_date": "2011-01-14",
        "currency": "£",
        "profile": "ledger",
        "rows": 5,
        "refused_rows": 0,
        "home_country": "United Kingdom",
        "regular_customers": None,
        "files": {
            "a.csv": {
                "rows": 5,
                "refused_rows": 0,
                "encoding": "utf-8",
                "separator": ";",
                "date_format": "%Y-%m-%d %H:%M:%S",
                "decimal_mark": ".",
            }
        },
        "months": facts["months"],
    }
    assert [month["month"] for month in facts["months"]] == ["2011-01", "2011-02"]
    total = pd.DataFrame(facts["months"]).sum(numeric_only=True)
    for name in ("net", "gross"):
        assert total[name] == pytest.approx(facts[f"{name}_revenue"])
    assert total["orders"] == facts["orders"]


def test_one_number_on_the_orders_of_two_customers_is_two_orders(tmp_path: Path, run: Run) -> None:
    lines = [a_line(), a_line(CustomerID="17851")]
    write_lines(tmp_path / "transactions" / "a.csv", lines)
    assert checked(run, tmp_path)["facts"]["orders"] == 2


def test_months_without_a_line_are_named(tmp_path: Path, run: Run) -> None:
    lines = [
        a_line(InvoiceNo=str(500 + n), InvoiceDate=f"2021-{month:02}-{1 + n % 28:02} 09:00:00")
        for month in (1, 2, 3, 7, 8)
        for n in range(10 * month, 10 * month + 9)
    ]
    write_lines(tmp_path / "transactions" / "a.csv", lines)
    told = " ".join(checked(run, tmp_path)["notes"])
    assert "April 2021, May 2021 and June 2021" in told


def test_a_day_long_after_the_last_line_is_told(tmp_path: Path, run: Run) -> None:
    write_lines(tmp_path / "transactions" / "a.csv", good_lines())
    (tmp_path / "settings.toml").write_text('[report]\nas_of = "2013-06-01"\n')
    told = " ".join(checked(run, tmp_path)["notes"])
    assert "The last line is 869 days older than as_of" in told


def test_whatever_is_left_out_is_told_with_its_rows_and_its_money(tmp_path: Path, run: Run) -> None:
    lines = [
        *good_lines(),
        a_line(InvoiceNo="1", CustomerID="", Quantity="100"),
        a_line(StockCode="POST", Quantity="1", UnitPrice="18"),
        a_line(InvoiceNo="C1", Quantity="-1", UnitPrice="4"),
    ]
    write_lines(tmp_path / "transactions" / "a.csv", lines)
    notes = checked(run, tmp_path)["notes"]
    assert (
        "Lines without a customer number are not part of RFM and segments; nor are lines that were "
        "rejected, or that another file holds too "
        "(1 row, £255; setting transactions.columns.customer_id)."
    ) in notes
    assert (
        "Lines with a code that is not a product's are left out "
        "(1 row, £18.00; setting transactions.product_codes)."
    ) in notes
    assert (
        "A line is a cancellation if its invoice number begins with 'C', unless it brings money, "
        "or if it takes money back from a known customer "
        "(1 row, -£4.00; setting transactions.cancellation_prefix)."
    ) in notes
    assert (
        "Amounts are taken to be in £, as the settings say (setting transactions.currency)."
        in notes
    )
    assert any("a.csv: The column 'CustomerID' is the customer id," in note for note in notes)
    told = run("check", "--data", tmp_path).out
    for note in notes:
        assert f"  * {note}\n" in told


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"transactions/a.csv": "Quantity,Price\n1,2\n"}, "there is no column"),
        ({"settings.toml": "[report]\nnonsense = 1\n"}, "nonsense"),
        ({"settings.toml": "[report\n"}, "settings cannot be read"),
        ({}, "the folder holds no data"),
    ],
)
def test_a_refusal_is_one_json_object_too(
    tmp_path: Path, run: Run, files: dict[str, str], words: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = checked(run, tmp_path, code=1)
    assert words in " ".join(found["problems"])
    assert not any(found["facts"].values())


# ------------------------------------------------------------------------- settings beside the data


def test_settings_beside_the_data_win_key_by_key(tmp_path: Path, run: Run) -> None:
    write_lines(tmp_path / "transactions" / "a.csv", [a_line(Kunde="1")])
    (tmp_path / "settings.toml").write_text(
        '[transactions]\ncurrency = "€"\n[transactions.columns]\ncountry = ["Land", "Country"]\n'
    )
    assert checked(run, tmp_path)["facts"]["currency"] == "€"
    ours, base = read_settings(folder=tmp_path), read_settings()
    assert ours.transactions.columns["country"] == ["Land", "Country"]
    assert ours.transactions.columns["invoice"] == base.transactions.columns["invoice"]
    assert ours.activity == base.activity
    assert read_settings(folder=tmp_path / "transactions") == base


def test_a_wrong_key_is_told_with_the_file_that_holds_it(tmp_path: Path) -> None:
    own = tmp_path / "settings.toml"
    own.write_text("[report]\nsmallest_group = 0\n")
    with pytest.raises(Refused) as refused:
        read_settings(folder=tmp_path)
    assert [problem.source for problem in refused.value.problems] == [str(own)]
    base = tmp_path / "all.toml"
    text = (ROOT / "data" / "settings.toml").read_text(encoding="utf-8")
    base.write_text(text.replace("smallest_group = 5", "smallest_group = 5\nstrange = 1"))
    own.write_text('[report]\ntitle = "Ours"\n')
    with pytest.raises(Refused) as refused:
        read_settings(base, tmp_path)
    assert [problem.source for problem in refused.value.problems] == ["all.toml"]


def test_a_setting_without_use_is_ignored_and_told(tmp_path: Path, run: Run) -> None:
    write_lines(tmp_path / "transactions" / "a.csv", good_lines())
    (tmp_path / "settings.toml").write_text(
        '[[activity.published]]\nsha256 = "0"\nmodel = "tree"\nroc_auc = 0.9\n'
    )
    notes = checked(run, tmp_path)["notes"]
    assert any("[activity] published is ignored" in note for note in notes)


def test_what_reading_a_file_assumed_reaches_the_report(tmp_path: Path) -> None:
    write_lines(tmp_path / "transactions" / "a.csv", good_lines())
    settings = read_settings(folder=tmp_path)
    told = Assumption(
        "customers", state("assumed-orders.no-customer", value="'0'"), rows=3, money=1.5
    )
    real = readers.read_parts

    def read_parts(*of: Any) -> list[readers.Part]:
        return [replace(part, assumptions=(told,)) for part in real(*of)]

    with (
        mock.patch.object(readers, "read_parts", read_parts),
        validation.check(find_inputs(tmp_path, settings), settings, Steps()) as found,
    ):
        assert "The value '0' means that a line has no customer (3 rows, £1.50)." in notes(
            found, settings
        )
        kinds = [KINDS.index(one.kind) for one in validation.assumptions(found, settings)]
    assert kinds == sorted(kinds)


def test_tables_are_merged_and_everything_else_is_replaced() -> None:
    base = {"a": {"b": [1, 2], "c": {"d": 1, "e": 2}}, "f": 1}
    assert merge_tables(base, {"a": {"b": [3], "c": {"d": 4}}, "g": 5}) == {
        "a": {"b": [3], "c": {"d": 4, "e": 2}},
        "f": 1,
        "g": 5,
    }
    assert base == {"a": {"b": [1, 2], "c": {"d": 1, "e": 2}}, "f": 1}


# ------------------------------------------------------------------------- one shop in a folder


def test_the_regular_customers_of_another_shop_are_refused(
    tmp_path: Path, sample_data: Path, run: Run
) -> None:
    shutil.copytree(sample_data / "activity", tmp_path / "activity")
    write_lines(tmp_path / "transactions" / "a.csv", good_lines())
    found = checked(run, tmp_path, code=1)
    assert len(found["problems"]) == 1
    sentence = found["problems"][0]
    assert "none of the 1,500 regular customers is among the 5 customers of the orders" in sentence
    assert "two shops" in sentence
    assert "accept_unknown_customers = true" in sentence
    (tmp_path / "settings.toml").write_text("[activity]\naccept_unknown_customers = true\n")
    notes = checked(run, tmp_path)["notes"]
    assert any(
        note.startswith(
            "None of the 1,500 regular customers is among the 5 customers of the orders"
        )
        for note in notes
    )


@pytest.mark.parametrize(("found", "refused"), [(0, True), (49, True), (50, False), (100, False)])
def test_half_of_the_regular_customers_must_have_orders(found: int, refused: bool) -> None:
    settings = read_settings().activity
    told = shared_ids.problems(SharedIds(100, found, 300, "7"), settings)
    assert bool(told) == refused
    lenient = settings.model_copy(update={"accept_unknown_customers": True})
    assert not shared_ids.problems(SharedIds(100, found, 300, "7"), lenient)


def test_the_sample_is_one_shop_with_one_currency(sample_data: Path, run: Run) -> None:
    found = checked(run, sample_data)
    assert found["facts"]["currency"] == "£"
    assert found["facts"]["regular_customers"] == 1500
    assert any("1,500 of the 1,500 regular customers (100%)" in note for note in found["notes"])


def test_the_facts_of_a_build_say_how_many_regular_customers_have_orders(
    sample_build: Path,
) -> None:
    facts = json.loads((sample_build / "facts.json").read_text())
    people = pd.read_parquet(sample_build / "activity.parquet")
    lines = pd.read_parquet(sample_build / "transactions.parquet")
    assert facts["activity.in_orders"] == 1500
    assert facts["activity.in_orders_share"] == 1
    assert facts["activity.currency"] == facts["report.currency"] == "£"
    assert people["customer_id"].isin(lines["customer_id"]).mean() > 0.95

"""Test that a refresh knows files of past campaigns, and keeps those of every quarter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from conftest import write_lines
from ledgers import shop
from releases import DAYS, put

from analysis.build import new_files
from analysis.core.problems import Refused
from analysis.core.progress import Steps
from analysis.core.settings import read_settings
from analysis.ingest.data_folder import find_inputs, role_of
from analysis.release import open_store, placing, raw, store

SETTINGS = read_settings()
place_of, rename, role = placing.placing(SETTINGS), placing.renaming(SETTINGS), role_of(SETTINGS)


def groups(path: Path, data: str = DAYS[0], day: str = "2011-04-15", **columns: str) -> Path:
    """Write who was contacted, as `export` writes it, with the day entered."""
    table = pd.DataFrame(
        {
            "customer_id": [str(12000 + 7 * n) for n in range(10)],
            "campaign": [f"{data} Champions"] * 5 + [f"{data} Promising"] * 5,
            "group": (["contacted"] * 4 + ["control"]) * 2,
            "sent_on": [*[day] * 4, "", *[""] * 5],
            "control_share": "0.2",
        }
    ).assign(**columns)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xlsx":
        table.to_excel(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path


def test_a_file_of_campaigns_is_known_by_its_columns(tmp_path: Path) -> None:
    assert place_of(groups(tmp_path / "groups.csv")) == f"campaigns/groups-{DAYS[0]}.csv"
    assert place_of(groups(tmp_path / "groups (1).csv")) == f"campaigns/groups-{DAYS[0]}.csv"
    assert place_of(groups(tmp_path / "done.xlsx")) == f"campaigns/groups-{DAYS[0]}.xlsx"
    other = pd.read_csv(groups(tmp_path / "x.csv")).drop(columns="control_share")
    other.columns = ["Customer ID", "CAMPAIGN", "Group", "Sent on"]
    other.to_csv(tmp_path / "crm.csv", index=False, sep=";")
    assert place_of(tmp_path / "crm.csv") == "campaigns/crm-2011-04-15.csv"
    # All else is placed as ever, readable or not.
    assert place_of(put(tmp_path / "q3.csv", "InvoiceNo,Quantity\n1,2\n")) == "transactions/q3.csv"
    assert place_of(put(tmp_path / "empty.csv", "")) == "transactions/empty.csv"
    assert place_of(put(tmp_path / "odd.xlsx", "no workbook")) == "transactions/odd.xlsx"
    assert place_of(put(tmp_path / "market_file.csv", "id\n1\n")) == "activity/market_file.csv"


def test_a_plan_without_a_day_is_refused_in_plain_words(tmp_path: Path) -> None:
    path = groups(tmp_path / "groups.csv", sent_on="")
    with pytest.raises(Refused) as refused:
        place_of(path)
    (problem,) = refused.value.problems
    assert str(problem).startswith(
        "groups.csv, column 'sent_on': no row says when a campaign was sent (10 rows). "
        "Enter the date, such as 2026-01-31,"
    )


def take(root: Path, files: Sequence[Path], day: str) -> store.Release:
    """Do what a refresh does to the files in use."""
    with open_store(root), store.prepare_folder(root) as work:
        plan = raw.plan(root, raw.find_in_use(root, role, rename), files, place_of, role)
        for place, path in plan.after.paths.items():
            store.keep_raw(root, path, plan.after.files[place])
        put(work / "build" / "manifest.json", "{}")
        put(work / "book" / "index.html", day)
        release = store.Release(day, files=plan.after.files, superseded=plan.superseded, as_of=day)
        return store.publish(root, release, work / "build", work / "book")


def test_quarters_accumulate_and_a_corrected_file_takes_the_place_of_its_own(
    tmp_path: Path,
) -> None:
    root, box = tmp_path / "project", tmp_path / "inbox"
    put(root / "data" / "raw" / "transactions" / "sales.csv", "x")
    take(root, [groups(box / "groups.csv")], DAYS[0])
    found = take(root, [groups(box / "groups.csv", DAYS[1], "2011-07-15")], DAYS[1])
    both = [f"campaigns/groups-{day}.csv" for day in DAYS[:2]]
    assert sorted(found.files) == [*both, "transactions/sales.csv"]
    corrected = take(root, [groups(box / "groups.csv", DAYS[1], "2011-07-18")], DAYS[1])
    assert corrected.files.keys() == found.files.keys()
    assert corrected.files[both[0]] == found.files[both[0]]
    assert corrected.files[both[1]] != found.files[both[1]]
    assert found.files[both[1]] in corrected.superseded
    # Files that are put into data/raw by hand, over each other, are kept in the same way.
    by_hand = root / "data" / "raw" / "campaigns" / "groups.csv"
    groups(by_hand, DAYS[2], "2011-10-15")
    assert f"campaigns/groups-{DAYS[2]}.csv" in take(root, [], DAYS[2]).files
    groups(by_hand, "2011-12-31", "2012-01-15")
    place = "campaigns/groups-2011-12-31.csv"
    used = raw.find_in_use(root, role, rename)
    assert used.by_hand == (place,) and len(used.files) == 5
    with raw.view(root, used) as folder:
        assert "2012-01-15" in (folder / place).read_text(encoding="utf-8")
        assert len(find_inputs(folder, SETTINGS).campaigns) == 4


def test_two_files_of_the_same_campaigns_in_the_data_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "raw" / "campaigns"
    groups(folder / "groups.csv")
    groups(folder / "copy of groups.csv")
    # Where they say the same, they are one.
    assert len(raw.find_in_use(tmp_path, role, rename).files) == 1
    groups(folder / "copy of groups.csv", day="2011-04-18")
    with pytest.raises(Refused, match=r"groups.csv is of the same campaigns. Remove one of the"):
        raw.find_in_use(tmp_path, role, rename)
    # A plan that was not completed yet is no fault in a data folder: the build tells of it.
    groups(folder / "copy of groups.csv", sent_on="")
    assert len(raw.find_in_use(tmp_path, role, rename).files) == 2


def test_campaigns_are_not_held_against_the_orders_of_one_quarter(tmp_path: Path) -> None:
    """Customers of a campaign who ordered earlier, and not in the new quarter, are no strangers."""
    sold = shop(dt.date(2011, 1, 3), dt.date(2011, 10, 1))
    july = [row for row in sold if row["InvoiceDate"] >= "2011-07-01"]
    gone = {row["CustomerID"] for row in july[:200]}
    new = [row for row in july if row["CustomerID"] not in gone - {""}]
    old = [row for row in sold if row["InvoiceDate"] < "2011-07-01"]
    for part, files in (("all", {"old": old, "new": new}), ("before", {"old": old})):
        for name, rows in files.items():
            write_lines(tmp_path / part / "transactions" / f"{name}.csv", rows)
    ids = sorted(gone - {""})
    pd.DataFrame(
        {
            "customer_id": ids,
            "campaign": "July",
            "group": ["contacted", "control"] * (len(ids) // 2) + ["contacted"] * (len(ids) % 2),
            "sent_on": "2011-07-01",
        }
    ).to_csv(tmp_path / "groups.csv", index=False)
    folder = tmp_path / "all"
    put(folder / "campaigns" / "groups.csv", (tmp_path / "groups.csv").read_text(encoding="utf-8"))
    inputs = find_inputs(folder, SETTINGS)
    assert len(inputs.campaigns) == 1
    came = ["transactions/new.csv", "campaigns/groups.csv"]
    before = tmp_path / "before"
    found = new_files.check_against_history(inputs, came, [], before, SETTINGS, Steps())
    assert len(found) and not found["message"].str.contains("campaign").any()
    # A file of campaigns alone has nothing that is compared.
    alone = new_files.check_against_history(inputs, came[1:], [], before, SETTINGS, Steps())
    assert alone.empty

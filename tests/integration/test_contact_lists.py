"""Test the exported lists: every customer in exactly one, safe to open, never published."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import Run, a_line, cleaned_lines, reading, snapshot, write_lines

from analysis.core import files
from analysis.core.told_assumptions import write_sentences
from analysis.strategy import contact_lists
from analysis.strategy.campaign_files import read_campaigns
from analysis.strategy.names import CONTACTED, CONTROL

READ_IDS = ["+447", "-2+3", "@SUM1"]
IDS = [*READ_IDS, "=1+1", "'5", "\t=6", "＝7", 'a",8', "<b>9", "10\n=11"]
NAMES = [
    "../../escaped",
    "/etc/x",
    "a/b",
    "a\\b",
    "A B",
    "a-b!",
    "..",
    "",
    "NUL",
    "com1",
    "~",
    "=cmd|' /C calc'!A0",
    "x" * 400,
    "ж" * 300,
    "Ящик",
    "line\nbreak",
    "\u202egnp.exe",
    "-rf *",
]


def a_build(out: Path, ids: list[str], segments: list[str]) -> Path:
    """Write what an export reads of a build: each customer in the segment of the same place."""
    out.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"customer_id": ids, "segment": segments, "cluster": "=Top", "lines": 3})
    table = table.assign(recency_days=range(len(ids)), frequency=2, monetary=0.1 + 0.2)
    table.to_parquet(out / "customers.parquet", index=False)
    files.write_json(out / files.MANIFEST, {"key": "its key"})
    return out


def assert_all_are_listed(build: Path, paths: list[Path]) -> None:
    """All lists together are the build's customers, once the mark before formulas is dropped."""
    customers = pd.read_parquet(build / "customers.parquet")[contact_lists.COLUMNS]
    lists = pd.concat([pd.read_csv(path, dtype=str, keep_default_na=False) for path in paths])
    lists = lists.astype(customers.dtypes.to_dict())
    for name in ("customer_id", "segment", "cluster"):
        lists[name] = lists[name].str.removeprefix("'")
    found, expected = (t.sort_values("customer_id", ignore_index=True) for t in (lists, customers))
    pd.testing.assert_frame_equal(found, expected)


def test_all_lists_together_are_the_customers_of_the_build(
    sample_build: Path, tmp_path: Path, run: Run
) -> None:
    for name in ("customers.parquet", "manifest.json"):
        shutil.copy2(sample_build / name, tmp_path)
    found = run("export", "--out", tmp_path)
    paths = sorted((tmp_path / "export").glob("*.csv"))
    assert (found.code, found.out) == (0, "")
    assert found.err.splitlines() == [f"Wrote {path}" for path in paths]
    assert_all_are_listed(tmp_path, paths)
    sizes = dict(next(pd.read_csv(path).groupby("segment").size().items()) for path in paths)
    assert [contact_lists.slug(str(name)) for name in sizes] == [path.stem for path in paths]
    about = files.read_json(tmp_path / "export" / "manifest.json")
    assert about["customers"] == sizes and sum(sizes.values()) > 3_000
    assert about["key"] == files.read_json(tmp_path / "manifest.json")["key"]


def test_no_cell_is_a_formula_and_every_text_can_be_had_back(tmp_path: Path) -> None:
    paths = contact_lists.write_lists(a_build(tmp_path, IDS, ["=A", "B"] * 5))
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert [cell for cell in cells if cell[0] in "=+-@＝＋－＠\t\r\n"] == []
    assert_all_are_listed(tmp_path, paths)


def test_a_ledger_may_hold_ids_that_a_spreadsheet_would_calculate(tmp_path: Path) -> None:
    rows = [a_line(InvoiceNo=str(n), CustomerID=name) for n, name in enumerate(READ_IDS)]
    write_lines(tmp_path / "a.csv", rows)
    with reading([tmp_path / "a.csv"]) as ledger:
        assert set(cleaned_lines(ledger).query("cleaning_step == 6")["customer_id"]) == set(
            READ_IDS
        )


def test_hostile_segment_names_become_files_of_their_own_in_the_folder(tmp_path: Path) -> None:
    build = a_build(tmp_path / "build", [str(n) for n in range(len(NAMES))], NAMES)
    before = set(tmp_path.rglob("*"))
    paths = contact_lists.write_lists(build)
    out = build / "export"
    assert set(tmp_path.rglob("*")) - before == {out, out / "manifest.json", *paths}
    assert len({path.name.casefold() for path in paths}) == len(NAMES)
    assert_all_are_listed(build, paths)
    for path in paths:
        assert path.stem.replace("-", "").isalnum() and path.name[0] != "-"
        assert len(path.name.encode()) < 255 and path.stem not in ("nul", "com1")


def test_an_export_replaces_the_one_before_in_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact_lists.write_lists(a_build(tmp_path, ["1", "2"], ["Both", "Old"]))
    contact_lists.write_lists(a_build(tmp_path, ["1", "2"], ["Both", "New"]))
    before = snapshot(tmp_path / "export")
    assert [Path(name).name for name in before][1:] == ["both.csv", "manifest.json", "new.csv"]

    monkeypatch.setattr(
        contact_lists, "file_names", lambda _: {"Both": "both.csv", "New": "no folder/a/b"}
    )
    with pytest.raises(OSError, match="no folder"):
        contact_lists.write_lists(tmp_path)
    assert snapshot(tmp_path / "export") == before and not list(tmp_path.glob(".*"))


def test_a_refusal_says_what_to_do_and_writes_nothing(tmp_path: Path, run: Run) -> None:
    for name in ("half", "_site", "_book/build", "linked"):
        a_build(tmp_path / name, ["1"], ["A"])
    (tmp_path / "half" / "customers.parquet").unlink()
    (tmp_path / "linked" / "export").symlink_to(tmp_path / "_site", target_is_directory=True)
    before = snapshot(tmp_path)
    published = "this folder is published, and lists of customers must not be. Name the folder of"
    for name, what in {
        "none": "there is no build here. Run 'python -m analysis build' first.",
        "half": "this build has no ledger and no model of regular customers, and so nobody",
        "_site": published,
        "_book/build": published,
        "linked": published,
    }.items():
        found = run("export", "--out", tmp_path / name)
        assert (found.code, found.out, len(found.problems)) == (1, "", 1)
        assert found.problems[0].startswith(f"{tmp_path / name}: {what}")
        assert snapshot(tmp_path) == before


# ------------------------------------------------------------------------- whom to contact


def contacts(build: Path) -> dict[str, pd.DataFrame]:
    """Return the contact lists that an export wrote."""
    paths = sorted((build / "export" / "contacts").glob("*.csv"))
    return {
        path.stem: pd.read_csv(
            path, dtype={"customer_id": "str"}, keep_default_na=False, na_values=[""]
        )
        for path in paths
    }


def raw_consent(folder: Path) -> dict[str, str]:
    """Read every customer's answer from the raw table, without the project's loader."""
    (path,) = (folder / "activity").glob("market_file*")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251")
    separator = ";" if text.splitlines()[0].count(";") > 3 else ","
    rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    return {row["id"].strip(): row["Разрешить сообщать"].strip().casefold() for row in rows}


@pytest.fixture(scope="module")
def sample_lists(
    sample_build: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, pd.DataFrame]]:
    """Return a build of the sample, exported, and its contact lists."""
    folder = tmp_path_factory.mktemp("lists")
    for name in ("customers", "activity", "actions"):
        shutil.copy2(sample_build / f"{name}.parquet", folder)
    for name in ("manifest.json", "facts.json"):
        shutil.copy2(sample_build / name, folder)
    contact_lists.write_lists(folder)
    return folder, contacts(folder)


def test_nobody_without_consent_is_on_a_list(
    sample_data: Path, sample_lists: tuple[Path, dict[str, pd.DataFrame]]
) -> None:
    answers = raw_consent(sample_data)
    assert set(answers.values()) == {"да", "нет"}
    build, lists = sample_lists
    listed = [
        name
        for table in lists
        if table.startswith("activity")
        for name in lists[table]["customer_id"]
    ]
    assert listed and {answers[name] for name in listed} == {"да"}
    # And everybody who did consent, whom it pays to contact by the one cut-off, and whose group has
    # an action that pays, is on exactly one, or in the control group.
    kept = pd.read_parquet(build / "activity.parquet").astype({"customer_id": "str"})
    cut_off = files.read_json(build / "facts.json")["contact.threshold"]
    kept = kept[kept["risk_group"].isin(paying(build)) & (kept["decline_probability"] >= cut_off)]
    held_out = kept.loc[kept["group"] == CONTROL, "customer_id"]
    assert 0 < len(held_out) < len(kept) / 2 and not set(listed) & set(held_out)
    assert sorted([*listed, *held_out]) == sorted(
        name for name in kept["customer_id"] if answers[name] == "да"
    )


def test_each_regular_customer_on_a_list_has_an_offer_and_its_reason(
    sample_lists: tuple[Path, dict[str, pd.DataFrame]],
) -> None:
    build, lists = sample_lists
    own = pd.concat([lists[name] for name in lists if name.startswith("activity")])
    people = pd.read_parquet(build / "activity.parquet")
    contacted = people[people["group"] == CONTACTED]
    columns = ["customer_id", "offer", "offer_reason"]
    found, expected = (
        table[columns].sort_values("customer_id", ignore_index=True).astype("str")
        for table in (own, contacted)
    )
    pd.testing.assert_frame_equal(found, expected)
    assert own[columns].notna().all(axis=None) and own["offer"].nunique() > 3
    assert people.loc[people["group"] != CONTACTED, ["offer", "offer_reason"]].isna().all(axis=None)
    assert all("offer_reason" not in lists[name] for name in lists if name.startswith("ledger"))


def paying(build: Path) -> set[str]:
    """Return the segments and groups whose action is expected to pay."""
    actions = pd.read_parquet(build / "actions.parquet")
    return set(actions.loc[actions["expected_profit"] > 0, "segment"])


def test_lists_of_the_ledger_say_that_consent_is_to_be_checked(
    sample_lists: tuple[Path, dict[str, pd.DataFrame]],
) -> None:
    build, lists = sample_lists
    own = pd.concat([lists[name] for name in lists if name.startswith("ledger")])
    assert own["consent"].eq(contact_lists.UNKNOWN_CONSENT).all()
    customers = pd.read_parquet(build / "customers.parquet")
    contacted = customers[customers["group"] == CONTACTED]
    assert set(contacted["segment"]) <= paying(build)
    assert sorted(own["customer_id"]) == sorted(contacted["customer_id"])
    actions = pd.read_parquet(build / "actions.parquet").query("half == 'ledger'")
    assert actions["listed"].sum() == len(own)


def test_the_groups_of_the_export_are_a_file_of_campaigns(
    sample_lists: tuple[Path, dict[str, pd.DataFrame]], tmp_path: Path
) -> None:
    build, lists = sample_lists
    path = build / "export" / "groups.csv"
    cells = pd.read_csv(path, dtype="str", keep_default_na=False)
    own = cells[cells["half"] == "ledger"].reset_index(drop=True)
    customers = pd.read_parquet(build / "customers.parquet")
    planned = customers[customers["group"].notna()]
    found = read_campaigns(
        {"groups.csv": own.assign(sent_on="2011-12-15")},
        list(customers["customer_id"]),
        pd.Timestamp("2012-03-01"),
        control_share=0.5,
    )
    assert not found.assumptions and len(found.assigned) == len(planned)
    assert set(found.assigned["control_share"]) == {0.2}
    assert found.assigned[["cost_per_contact", "cost_per_order"]].notna().all(axis=None)
    # All who are contacted are on one list, and nobody of the control group is on any.
    listed = {name for table in lists.values() for name in table["customer_id"].astype("str")}
    assert listed == set(cells.loc[cells["group"] == CONTACTED, "customer_id"])
    assert not listed & set(cells.loc[cells["group"] == CONTROL, "customer_id"])
    # Each segment has the planned share in its control group, up to a customer or two.
    shares = own["group"].eq(CONTROL).groupby(own["segment"]).agg(["sum", "size"])
    assert ((shares["sum"] - 0.2 * shares["size"]).abs() < 1.0).all()
    # Not completed with a day, it is noticed and measures nothing.
    empty = read_campaigns(
        {"groups.csv": own}, list(customers["customer_id"]), pd.Timestamp("2012-03-01"), 0.5
    )
    assert empty.assigned.empty and "without a date" in write_sentences(empty.assumptions[0].said)


def test_an_export_twice_is_the_same(
    sample_lists: tuple[Path, dict[str, pd.DataFrame]],
) -> None:
    build, _ = sample_lists

    def contents() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in (build / "export").rglob("*.*")}

    before = contents()
    contact_lists.write_lists(build)
    assert contents() == before


def test_the_best_come_first_and_bring_what_the_report_says(
    sample_lists: tuple[Path, dict[str, pd.DataFrame]],
) -> None:
    build, lists = sample_lists
    actions = pd.read_parquet(build / "actions.parquet")
    for _, action in actions.iterrows():
        table = lists.get(f"{action['half']}-{contact_lists.slug(str(action['segment']))}")
        if table is None:
            continue
        assert set(table["segment"]) == {action["segment"]}
        assert table["place"].tolist() == list(range(1, len(table) + 1))
        known = table["expected_value"].dropna()
        assert known.is_monotonic_decreasing and list(known.index) == list(range(len(known)))
        assert known.empty or pd.notna(action["value_per_contact"])
        assert table["action"].eq(action["action"]).all()
        # Regular customers have personal offers: see the test of those.
        assert table["offer"].eq(action["offer"]).all() or action["half"] == "activity"
        if pd.notna(action["value_per_contact"]):
            assert known.mean() == pytest.approx(action["value_per_contact"], abs=1e-3)


def test_the_manifest_says_what_the_lists_are_and_stand_on(
    sample_build: Path, sample_lists: tuple[Path, dict[str, pd.DataFrame]]
) -> None:
    build, lists = sample_lists
    about = files.read_json(build / "export" / "manifest.json")
    of = files.read_json(sample_build / "manifest.json")
    assert about["as_of"] == of["as_of"] and about["data_version"] == files.data_version(of)
    written = {str(p.relative_to(build / "export")) for p in (build / "export").rglob("*.csv")}
    assert set(about["files"]) == written and len(lists) > 4
    for name, told in about["files"].items():
        content = (build / "export" / name).read_bytes()
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
        assert told["rows"] == len(pd.read_csv(io.BytesIO(content)))
    assert about["assumptions"]["strategy"] == of["settings"]["strategy"]
    assert about["assumptions"]["contact"] == of["settings"]["contact"]
    assert about["assumptions"]["actions"]["ledger: Champions"]["cost_per_contact"] > 0


def a_strategy(out: Path, **consent: bool) -> Path:
    """Write what an export reads of a build of regular customers alone."""
    out.mkdir(parents=True, exist_ok=True)
    regular = pd.DataFrame(
        {
            "customer_id": [*consent],
            "risk_group": "=a",
            "consent": [*consent.values()],
            "profit": 1.0,
            "decline_probability": 0.5,
            "expected_value": 1.0,
            "action": "-b",
        }
    )
    regular.to_parquet(out / "activity.parquet", index=False)
    texts = dict.fromkeys(["action", "channel", "offer"], "-b")
    numbers = dict.fromkeys(
        [
            "cost_per_contact",
            "uplift_low",
            "uplift",
            "uplift_high",
            "movable",
            "value_per_customer",
            "value_per_contact",
            "listed",
        ],
        1.0,
    )
    actions = pd.DataFrame([{"half": "activity", "segment": "=a", **texts, **numbers}])
    actions.to_parquet(out / "actions.parquet", index=False)
    files.write_json(out / files.MANIFEST, {"key": "its key"})
    return out


def test_regular_customers_alone_can_be_exported_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    (path,) = contact_lists.write_lists(a_strategy(tmp_path / "a", **{"=1": True, "2": False}))
    assert path.name == "activity-a.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    assert [row["customer_id"] for row in rows] == ["'=1"]
    assert rows[0]["segment"] == "'=a" and rows[0]["action"] == rows[0]["offer"] == "'-b"
    # Where nobody consented, nobody is on a list.
    assert contact_lists.write_lists(a_strategy(tmp_path / "b", **{"1": False, "2": False})) == []

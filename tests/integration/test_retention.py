"""Test that `prune` and `forget` remove what they should, and nothing else."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from conftest import snapshot
from hypothesis import given
from hypothesis import strategies as st
from releases import DAYS, new_project, put, report, role, roll_back

from analysis.core.files import file_hash, write_json
from analysis.core.problems import Refused
from analysis.core.settings import read_settings
from analysis.release import open_store, raw, retention, store

SETTINGS = read_settings()
#: Customer 17850 ordered in each quarter; 17851 and 117850 only look similar.
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
LINES = (
    '{q}1,85123A,"A LANTERN,\nWHITE",6,2011-0{q}-01,2.55,17850,United Kingdom\r\n',
    "{q}2,85123A,LANTERN,6,2011-0{q}-02,2.55,17851,United Kingdom\r\n",
    "{q}3,17850,LANTERN,6,2011-0{q}-03,2.55,17850.0,France\r\n",
    "{q}4,85123A,LANTERN,6,2011-0{q}-04,2.55,117850,France\r\n",
    "{q}5,85123A,LANTERN,6,2011-0{q}-05,2.55,,France\r\n",
)


def text_of(quarter: int, lines: Sequence[str] = LINES) -> str:
    return f"{HEADER}\r\n" + "".join(line.format(q=quarter) for line in lines)


def take(root: Path, paths: Sequence[Path], day: str) -> store.Release:
    """Release files, with a build that has tables like a real one."""
    place_of: Callable[[Path], str] = lambda path: f"transactions/{path.name}"  # noqa: E731
    with open_store(root), store.prepare_folder(root) as work:
        plan = raw.plan(root, raw.find_in_use(root, role), paths, place_of, role)
        for place, path in plan.after.paths.items():
            store.keep_raw(root, path, plan.after.files[place])
        build = work / "build"
        build.mkdir()
        ids = ["17850", "17851", "117850"]
        pd.DataFrame({"customer_id": ids, "monetary": [1.0, 2.0, 3.0]}).to_parquet(
            build / "customers.parquet"
        )
        pd.DataFrame({"line": ["1 | A | 17850 | x", "2 | A | 17851 | x"]}).to_parquet(
            build / "quarantine.parquet"
        )
        pd.DataFrame({"segment": ["all"], "customers": [3]}).to_parquet(build / "sizes.parquet")
        put(build / "export" / "all.csv", "customer_id,segment\n17850,all\n17851,all\n")
        inputs = [{"sha256": sha256} for sha256 in plan.after.files.values()]
        write_json(build / "manifest.json", {"inputs": inputs, "as_of": day})
        put(work / "book" / "index.html", f"book of {day}")
        release = store.Release(day, files=plan.after.files, as_of=day)
        return store.publish(root, release, build, work / "book")


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """Return a project with four releases."""
    root = new_project(tmp_path / "start" / "project")
    (root / "data" / "raw" / "activity" / "market_file.csv").unlink()
    (root / "data" / "raw" / "transactions" / "sales_0.csv").unlink()
    for number, day in enumerate((*DAYS, "2011-12-31"), 1):
        path = tmp_path / f"sales_{number}.csv"
        path.write_text(text_of(number), encoding="utf-8", newline="")
        take(root, [path], day)
    return root


def test_prune_keeps_the_newest_and_all_that_they_need(four: Path) -> None:
    with open_store(four):
        assert retention.prune(four, 2) == ["report-1", *DAYS[:2]]
        assert retention.prune(four, 2) == []
    assert [row["state"] for row in store.history(four)] == [
        *["earlier, pruned"] * 3,
        "earlier",
        "now",
    ]
    assert sorted(path.name for path in (four / "sites").glob("[!.]*")) == [DAYS[2], "2011-12-31"]
    # All four files are in use by the releases that stay.
    assert len(list((four / store.RAW).iterdir())) == 4
    assert roll_back(four) == DAYS[2]
    with pytest.raises(Refused, match=rf"{DAYS[1]}.build: it is missing or damaged"):
        roll_back(four)
    # The current release always stays, and so does the one that is named as a reference.
    roll_back(four, "2011-12-31")
    with open_store(four):
        assert retention.prune(four, 1, f"releases/{DAYS[2]}/build") == []
        assert retention.prune(four, 1) == [DAYS[2]]
    assert store.history(four)[-1]["state"] == "now"


def test_prune_does_not_remove_what_is_published_after_a_rollback(four: Path) -> None:
    roll_back(four, DAYS[1])
    with open_store(four):
        assert retention.prune(four, 1) == ["report-1", DAYS[0], DAYS[2], "2011-12-31"]
    assert store.published_name(four) == DAYS[1]
    assert len(list((four / store.RAW).iterdir())) == 2
    report(four)
    assert roll_back(four) == DAYS[1]


def test_forget_removes_a_customer_everywhere_and_rollback_still_works(four: Path) -> None:
    by_hand = four / "data" / "raw" / "transactions" / "late.csv.gz"
    by_hand.write_bytes(gzip.compress(text_of(5).encode("utf-16")))
    before = {path.name for path in (four / store.RAW).iterdir()}
    with open_store(four):
        said = retention.forget(four, "17850", SETTINGS)
    assert said[0] == (
        "Removed 10 lines from 5 raw files, and the customer from 12 tables of builds."
    )
    for day in (*DAYS, "2011-12-31"):
        assert day in said[1]
    # Text files keep all other lines, byte by byte.
    after = {path.name: path for path in (four / store.RAW).iterdir()}
    assert len(after) == 4
    assert not before & after.keys()
    texts = {path.read_bytes().decode("utf-8") for path in after.values()}
    assert texts == {text_of(number, (LINES[1], *LINES[3:])) for number in (1, 2, 3, 4)}
    kept = gzip.decompress(by_hand.read_bytes())
    assert kept.decode("utf-16") == text_of(5, (LINES[1], *LINES[3:]))
    for path in after.values():
        assert file_hash(path) == path.name
    # No table names the customer, and nothing that says what was done does.
    for build in (four / "releases").glob("*/build"):
        for path in build.glob("*.parquet"):
            assert "17850" not in set(pd.read_parquet(path).astype(str).to_numpy().ravel())
    for path in (four / "releases").rglob("*"):
        if path.suffix in (".json", ".csv"):
            assert "17850" not in path.read_text(encoding="utf-8").replace("117850", "")
    notes = store.releases(four)["2011-12-31"].notes
    assert notes[-1].endswith(": a customer was removed at the customer's request")
    # Every release is whole, and its build belongs to its files.
    assert roll_back(four) == DAYS[2]
    assert roll_back(four, DAYS[0]) == DAYS[0]
    for name, release in store.releases(four).items():
        for sha256 in release.files.values():
            assert (four / store.RAW / sha256).exists()
            assert sha256 in (store.build_of(four, name) / "manifest.json").read_text()
    # Doing it again finds nothing, and the file as it was is known as superseded.
    unchanged = snapshot(four / "releases")
    with (
        open_store(four),
        pytest.raises(Refused, match=r"no raw file and no table .* has this"),
    ):
        retention.forget(four, "17850", SETTINGS)
    assert {n: c for n, c in snapshot(four / "releases").items() if ".making" not in n} == {
        n: c for n, c in unchanged.items() if ".making" not in n
    }
    old = put(four / "data" / "raw" / "transactions" / "sales_1.csv", "")
    old.write_text(text_of(1), encoding="utf-8", newline="")
    assert raw.find_in_use(four, role).retired == ("transactions/sales_1.csv",)


def test_an_interrupted_forget_goes_on(four: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, calls = store.write_manifest, iter(range(100))

    def stop(*arguments: object) -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt
        own(*arguments)  # type: ignore[arg-type]

    with open_store(four), monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(store, "write_manifest", stop)
        retention.forget(four, "17850", SETTINGS)
    with open_store(four):
        retention.forget(four, "17850", SETTINGS)
    texts = {path.read_text(encoding="utf-8") for path in (four / store.RAW).iterdir()}
    assert len(texts) == 4
    assert not any(",17850," in text for text in texts)
    assert roll_back(four) == DAYS[2]


IDS = st.lists(st.sampled_from(["7", "70", "7.0", " 7", "007", "", "A7", "7.5"]), min_size=1)


@given(ids=IDS, ending=st.sampled_from([".csv", ".csv.gz", ".parquet", ".xlsx"]))
def test_exactly_a_customers_lines_go_whatever_the_format(ids: list[str], ending: str) -> None:
    table = pd.DataFrame({"Customer ID": ids, "n": [str(n) for n in range(len(ids))]})
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as name:
        patch.setattr("os.fsync", lambda _: None)
        box = Path(name)
        path = box / f"sales{ending}"
        write, read = FORMATS[ending]
        write(table, path)
        removed = retention.rewrite(path, "7", ["CustomerID"], ["utf-8"])
        left = [cell for cell in ids if cell.strip() not in ("7", "7.0", "007")]
        assert removed == len(ids) - len(left)
        assert [str(cell) for cell in read(path)["Customer ID"].fillna("")] == left
        assert sorted(each.name for each in box.iterdir()) == [path.name]


def test_an_address_goes_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("CustomerID,n\n Kim@X.de,1\nkim@x.de,2\njo@x.de,3\n", encoding="utf-8")
    assert retention.rewrite(path, "KIM@x.de", ["CustomerID"], ["utf-8"]) == 2
    assert "jo@x.de" in path.read_text(encoding="utf-8")


Write = Callable[[pd.DataFrame, Path], object]
Read = Callable[[Path], pd.DataFrame]
FORMATS: dict[str, tuple[Write, Read]] = {
    ".csv": (lambda t, p: t.to_csv(p, index=False), lambda p: pd.read_csv(p, dtype="str")),
    ".csv.gz": (
        lambda t, p: t.to_csv(p, index=False),
        lambda p: pd.read_csv(io.BytesIO(gzip.decompress(p.read_bytes())), dtype="str"),
    ),
    ".parquet": (lambda t, p: t.to_parquet(p), pd.read_parquet),
    ".xlsx": (
        lambda t, p: t.to_excel(p, index=False),
        lambda p: pd.read_excel(p, dtype="str"),
    ),
}


def test_a_file_that_cannot_be_read_is_named(four: Path) -> None:
    bad = four / "data" / "raw" / "transactions" / "bad.xlsx"
    bad.write_bytes(b"PK nothing")
    with open_store(four), pytest.raises(Refused, match=r"bad\.xlsx: this file cannot be read"):
        retention.forget(four, "17850", SETTINGS)

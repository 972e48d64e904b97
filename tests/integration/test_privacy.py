"""Test that no address leaves the raw files: not into tables, messages, logs or lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from made_exports import Line, Order, addresses, algolplus, commerceml, make_orders, shopify

from analysis.__main__ import main
from analysis.build import validation
from analysis.core.privacy import is_pseudonym, pseudonym
from analysis.core.progress import Steps
from analysis.core.settings import ROOT, read_settings
from analysis.ingest import readers, salt
from analysis.ingest.data_folder import find_inputs
from analysis.ingest.profiles import read_profiles
from analysis.orders.exports.addresses import find_addresses
from analysis.release import retention, store
from analysis.strategy import contact_lists

HOSTILE = [
    '"odd, one"@example.com',
    "jörg.müller@bücher.example",
    "plus+tag@example.com",
    "<b>bold</b>@example.com",
    "o'brien@example.co.uk",
    "=cmd@example.com",
    "ΑΒΓ@παράδειγμα.example",
    "very.long." + "x" * 60 + "@example.com",
]


def hostile_orders() -> list[Order]:
    """Return orders of customers with odd addresses, one of them in a product's name."""
    orders = make_orders(seed=11)
    line = Line("SKU-GC", "Gift card for plus+tag@example.com", 1, 2500, 2500)
    for n, email in enumerate(HOSTILE * 2):
        when = orders[3 * n].when.replace(second=7)
        orders.append(Order(5000 + n, email, when, "DE", (line, line)))
    return orders


def plain_ledger(orders: list[Order]) -> str:
    """Return a ledger without a profile, whose ids are addresses or names; some rows are bad."""
    rows = ["InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID;Country"]
    for order in orders:
        who = order.email or "Anna Muster"
        who = '"' + who.replace('"', '""') + '"'
        rows += [
            f"{order.number};8{line.sku[-2:]:0>4};Mug;{line.pieces};"
            f"{order.when:%Y-%m-%d %H:%M:%S};{line.paid / 100:.2f};{who};DE"
            for line in order.lines
        ]
    rows += [
        f"9;81000;Mug;many;2025-01-07 10:00:00;1.50;{name};DE"
        for name in ("ann@x.example", "Anna Muster")
    ]
    rows.append("10;81000;Mug;1;2025-01-07 10:00:00;1.50;ragged@x.example;DE;too;many")
    return "\n".join(rows) + "\n"


def files() -> dict[str, dict[str, str]]:
    orders = hostile_orders()
    broken = shopify(orders).splitlines(keepends=True)
    broken.append("#1,ragged@x.example,too,few\n")
    return {
        "shopify": {"orders_export_1.csv": "".join(broken)},
        "woocommerce-algolplus": {"orders.csv": algolplus(orders)},
        "ledger": {"orders.csv": plain_ledger(orders)},
    }


@pytest.fixture(params=["shopify", "woocommerce-algolplus", "ledger"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "data/transactions").mkdir(parents=True)
    for name, text in files()[request.param].items():
        (tmp_path / "data/transactions" / name).write_text(text, encoding="utf-8")
    own = '[transactions]\ncurrency = ""\nproduct_codes = ["."]\n'
    (tmp_path / "data/settings.toml").write_text(own, encoding="utf-8")
    return tmp_path / "data"


def planted() -> set[str]:
    """Return what must not be found: addresses, their parts before the sign, and a name."""
    known = addresses(hostile_orders()) | {"ann@x.example", "ragged@x.example"}
    return (
        known
        | {one.partition("@")[0] for one in known if len(one.partition("@")[0]) > 7}
        | {
            "anna muster",
            "robin muster",
            "beispielweg",
        }
    )


def found_in(text: str) -> set[str]:
    plain = text.casefold().replace("\\", "").replace('""', '"')
    return {one for one in planted() if one.casefold() in plain}


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every file below a folder as text, tables too."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            yield str(path), pd.read_parquet(path).to_csv()
        elif path.is_file():
            yield str(path), path.read_bytes().decode("utf-8", errors="replace")


def test_no_table_and_no_message_holds_an_address(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--data", str(folder)]) == 0
    assert main(["check", "--data", str(folder), "--json"]) == 0
    said = capsys.readouterr()
    settings = read_settings(ROOT / "data/settings.toml", folder)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inputs = find_inputs(folder, settings)
    tables, facts = validation.read(inputs, read_profiles(), settings, Steps(), scratch)
    for name, table in tables.items():
        if isinstance(table, pd.DataFrame):
            table.to_csv(scratch / f"{Path(name).name}.csv")
    assert found_in(said.out + said.err + json.dumps(facts, ensure_ascii=False)) == set()
    for name, text in texts(scratch):
        assert found_in(text) == set(), name
    ids = pd.read_parquet(scratch / "lines.parquet")["customer_id"].dropna()
    assert ids.map(is_pseudonym).all()


def test_addresses_are_found_again_for_lists(folder: Path, tmp_path: Path) -> None:
    settings = read_settings(ROOT / "data/settings.toml", folder)
    inputs = find_inputs(folder, settings)
    key = b"a salt of the test"
    known = readers.known_words(settings)
    parts = [
        part
        for path in inputs.transactions
        for part in readers.read_parts(path, tmp_path, settings.files.encodings, known)
    ]
    again = find_addresses(parts, read_profiles(), settings.transactions, key)
    lower = {one.lower() for one in again.values()}
    assert addresses(hostile_orders()) <= lower
    assert all(map(is_pseudonym, again))


def test_customers_who_refused_are_on_no_list_and_have_no_address(tmp_path: Path) -> None:
    people = pd.DataFrame(
        {
            "customer_id": ["c1", "c2", "c3"],
            "segment": "Champions",
            "cluster": "Top",
            "recency_days": 5,
            "frequency": 2,
            "monetary": [30.0, 20.0, 10.0],
            "consent": pd.array([True, False, None], dtype="boolean"),
            "action": ["write", None, "write"],
            "expected_value": [3.0, None, 1.0],
        }
    )
    actions = pd.DataFrame(
        {
            "half": ["ledger"],
            "segment": ["Champions"],
            "listed": [2],
            "action": ["write"],
            "channel": ["mail"],
            "offer": ["none"],
        }
    )
    lists = contact_lists.contact_lists(actions, people, pd.DataFrame())
    (table,) = lists.values()
    assert table["customer_id"].tolist() == ["c1", "c3"]
    assert table["consent"].tolist() == ["yes", contact_lists.UNKNOWN_CONSENT]


@pytest.mark.parametrize("given", ["Kim.1+Shop@example.com", "pseudonym"])
def test_a_customer_is_forgotten_by_address_and_by_pseudonym(tmp_path: Path, given: str) -> None:
    key, address = b"a salt of the test", "kim.1+shop@example.com"
    customer = pseudonym(address, key) if given == "pseudonym" else given
    orders = make_orders(seed=11)
    own = [order for order in orders if order.email.lower() == address]
    raw = tmp_path / "orders.csv"
    raw.write_text(shopify(orders), encoding="utf-8")
    assert retention.rewrite(raw, customer, ["Email"], ["utf-8"], key) == sum(
        len(order.lines) for order in own
    )
    assert address not in raw.read_text(encoding="utf-8").lower()
    documents = tmp_path / "orders.xml"
    documents.write_bytes(commerceml(orders, "windows-1251"))
    assert retention.rewrite(documents, customer, [], [], key) >= len(own) > 0
    left = documents.read_bytes().decode("windows-1251")
    assert address not in left.lower() and "robin2@example.com" in left.lower()
    table = tmp_path / "customers.parquet"
    pd.DataFrame({"customer_id": [pseudonym(address, key), "c1"]}).to_parquet(table)
    assert retention.rewrite(table, customer, ["customer_id"], ["utf-8"], key) == 1
    assert pd.read_parquet(table)["customer_id"].tolist() == ["c1"]


def test_regular_customers_have_the_pseudonyms_of_the_orders() -> None:
    table = pa.table({"id": ["kim@example.com", "215348", None], "x": ["1", "2", "3"]})
    changed = validation._with_pseudonyms(table, {"customer_id": ["id"]}, b"a salt")
    assert changed["id"].to_pylist() == [pseudonym("kim@example.com", b"a salt"), "215348", None]
    assert changed["x"].to_pylist() == ["1", "2", "3"]


@pytest.mark.drill
def test_no_file_of_a_build_holds_an_address_but_its_lists(
    folder: Path,
    tmp_path: Path,
    quick_settings: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(salt.ENVIRONMENT, "a salt for the drill, long enough")
    out = tmp_path / "build"
    quick = ["--settings", str(quick_settings)]
    assert main(["build", "--data", str(folder), "--out", str(out), *quick]) == 0
    for name, text in texts(out):
        assert found_in(text) == set(), name
    assert main(["export", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert found_in(said.out + said.err) == set()
    lists = "".join(path.read_text(encoding="utf-8") for path in (out / "export").glob("*.csv"))
    assert "plus+tag@example.com" in lists


def test_lists_with_addresses_are_in_no_release(tmp_path: Path) -> None:
    build = tmp_path / "build"
    (build / "export").mkdir(parents=True)
    (build / "export/list.csv").write_text("kim@example.com", encoding="utf-8")
    (build / "facts.json").write_text(json.dumps({salt.FACT: "0123456789ab"}), encoding="utf-8")
    (tmp_path / store.RELEASES).mkdir()
    store.put_release(tmp_path, store.Release(name="2025-01-01"), build)
    assert not (store.build_of(tmp_path, "2025-01-01") / "export").exists()
    assert (store.build_of(tmp_path, "2025-01-01") / "facts.json").exists()

"""Test the import profiles on made exports: customers, orders, net goods, days and countries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_exports import EXPORTS, ZONE, Order, Truth, commerceml, make_orders, shopify, truth

from analysis.build.validation import Checked, assumptions, check
from analysis.core.problems import Refused
from analysis.core.progress import Steps
from analysis.core.settings import Settings, read_settings
from analysis.core.told_assumptions import write_line
from analysis.ingest.data_folder import find_inputs
from analysis.orders.ledger import NET


def changed(**orders: Any) -> Settings:
    """Return the project's settings with some of the orders' changed."""
    settings = read_settings()
    return settings.model_copy(
        update={"transactions": settings.transactions.model_copy(update=orders)}
    )


def put(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Write the files of a data folder."""
    (folder / "transactions").mkdir(parents=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / "transactions" / name).write_bytes(data)
    return folder


@contextmanager
def read(folder: Path, settings: Settings) -> Iterator[Checked]:
    with check(find_inputs(folder, settings), settings, Steps()) as checked:
        yield checked


def found(checked: Checked, countries: bool = True) -> Truth:
    """Return what a ledger comes to."""
    ledger = checked.ledger
    assert ledger is not None
    lines = ledger.lines
    net = lines.filter(lines.cleaning_step >= NET).execute()
    gross = lines.filter(lines.cleaning_step >= 5).execute()
    nobody = lines.filter(lines.customer_id.isnull()).execute()
    orders = net.drop_duplicates("order_id")
    days = orders["invoice_date"].dt.strftime("%Y-%m-%d").value_counts().to_dict()
    by_country = orders["country"].value_counts().to_dict() if countries else {}
    return Truth(
        customers=int(net["customer_id"].nunique()),
        orders=len(orders),
        net=round(float(net["amount"].sum()), 2),
        gross=round(float(gross["amount"].sum()), 2),
        days={str(day): int(n) for day, n in days.items()},
        countries={str(name): int(n) for name, n in by_country.items()},
        guests=round(float(nobody["amount"].sum()), 2),
    )


def write(profile: str, orders: Sequence[Order]) -> dict[str, str | bytes]:
    name, make = EXPORTS[profile]
    return {name: make(orders)}


@pytest.mark.parametrize("profile", EXPORTS)
def test_each_profile_reads_its_export_exactly(tmp_path: Path, profile: str) -> None:
    orders = make_orders(seed=7)
    has_country = profile in ("shopify", "woocommerce-algolplus", "woocommerce-skyverge")
    expected = truth(orders, countries=has_country)
    folder = put(tmp_path / "data", write(profile, orders))
    with read(folder, changed(timezone=str(ZONE))) as checked:
        assert checked.profiles == (profile,)
        actual = found(checked, countries=has_country)
        told = "\n".join(write_line(one, "") for one in assumptions(checked, read_settings()))
    if profile == "woocommerce-algolplus":  # what came back was never in the file
        expected = Truth(**(vars(expected) | {"gross": expected.net}))
    assert actual == expected
    assert f"'{profile}'" in told
    assert "@" not in told


def reading_of(tmp_path: Path, files: dict[str, str | bytes], **settings: Any) -> Truth:
    with read(put(tmp_path / "data", files), changed(**settings)) as checked:
        return found(checked)


def test_overlapping_exports_count_an_order_once_as_the_newest_states_it(tmp_path: Path) -> None:
    orders = make_orders(seed=3)
    # In the older export nothing was refunded yet.
    early = [replace(o, lines=tuple(replace(x, back=0) for x in o.lines)) for o in orders[:60]]
    files: dict[str, str | bytes] = {
        "orders_export_1.csv": shopify(early),
        "orders_export_2.csv": shopify(orders[20:]),
    }
    expected = truth([*early[:20], *orders[20:]])
    assert reading_of(tmp_path, files) == expected


def test_an_order_that_two_numbered_files_share_is_whole(tmp_path: Path) -> None:
    orders = make_orders(seed=3)
    header, *rows = shopify(orders).splitlines(keepends=True)
    cut = next(n for n in range(60, 99) if rows[n].split(",")[2] == "")
    files: dict[str, str | bytes] = {
        "orders_export_1.csv": "".join([header, *rows[:cut]]),
        "orders_export_2.csv": "".join([header, *rows[cut:]]),
    }
    assert reading_of(tmp_path, files) == truth(orders)


def test_a_block_that_was_pasted_twice_counts_once(tmp_path: Path) -> None:
    orders = make_orders(seed=3)
    header, *rows = shopify(orders).splitlines(keepends=True)
    end = next(n for n in range(40, 99) if rows[n].split(",")[2])
    pasted = "".join([header, *rows, *rows[:end]])
    assert reading_of(tmp_path, {"orders_export_1.csv": pasted}) == truth(orders)


@pytest.mark.parametrize(("encoding", "version"), [("windows-1251", "2.04"), ("utf-8", "3.1")])
def test_commerceml_is_read_in_both_versions(tmp_path: Path, encoding: str, version: str) -> None:
    orders = [replace(order, company="") for order in make_orders(seed=5)]
    content = commerceml(orders, encoding, version)
    with read(put(tmp_path / "data", {"orders.xml": content}), changed()) as checked:
        assert found(checked, countries=False) == truth(orders, countries=False)


ENTITIES = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<КоммерческаяИнформация><Документ>&b;</Документ></КоммерческаяИнформация>"""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders.xml", ENTITIES, "document type"),
        ("orders.xml", "<rss><channel/></rss>", "no CommerceML"),
        ("orders.xml", "<КоммерческаяИнформация><Документ>", "cannot be read as XML"),
        (
            "all.txt",
            "amazon-order-id\tpurchase-date\torder-status\titem-price\n1\t2\t3\t4\n",
            "names no customers",
        ),
        (
            "wb.csv",
            "Обоснование для оплаты;Тип документа;Код номенклатуры\nа;б;1\n",
            "names no customers",
        ),
        (
            "oz.csv",
            "Номер отправления;Принят в обработку;Сумма отправления\nа;б;1\n",
            "names no customers",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    with (
        pytest.raises(Refused) as refused,
        read(put(tmp_path / "data", {name: content}), changed()),
    ):
        pass
    assert len(refused.value.problems) == 1
    assert words in str(refused.value)


def test_orders_whose_lines_miss_their_subtotal_are_refused_with_figures(tmp_path: Path) -> None:
    orders = make_orders(seed=3)
    wrong = shopify(orders).replace(",Mug 3,", ",Mug 3 at half price,")
    rows = [row.split(",") for row in wrong.splitlines()]
    place = rows[0].index("Lineitem price")
    for row in rows[1:]:
        if "half" in ",".join(row):
            row[place] = f"{float(row[place]) / 2:.2f}"
    with pytest.raises(Refused, match="do not add up to the order's subtotal") as refused:
        reading_of(tmp_path, {"orders.csv": "\n".join(map(",".join, rows)) + "\n"})
    assert "order #" in str(refused.value)


def test_an_unknown_status_is_refused_by_name_and_a_setting_picks(tmp_path: Path) -> None:
    orders = make_orders(seed=3)
    odd = shopify(orders).replace(",pending,", ",lent out,")
    with pytest.raises(Refused, match="'lent out'"):
        reading_of(tmp_path / "a", {"orders.csv": odd})
    told = reading_of(tmp_path / "b", {"orders.csv": odd}, accept=["unknown_statuses"])
    assert told == truth(orders)


def test_two_currencies_are_refused_with_their_sums_and_a_setting_picks(tmp_path: Path) -> None:
    orders = make_orders(seed=3)
    euro, dollar = orders[:70], orders[70:]
    text = shopify(euro) + "".join(
        shopify(dollar).replace(",EUR,", ",USD,").splitlines(keepends=True)[1:]
    )
    with pytest.raises(Refused, match=r"EUR .* and USD"):
        reading_of(tmp_path / "a", {"orders.csv": text})
    assert reading_of(tmp_path / "b", {"orders.csv": text}, only_currency="EUR") == truth(euro)


def test_a_profile_that_is_named_needs_its_columns(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="needs columns that are not there"):
        reading_of(tmp_path, {"orders.csv": shopify(make_orders(3))}, profile="square")
    with pytest.raises(Refused, match="there is no profile 'shopfy'"):
        reading_of(tmp_path / "b", {"orders.csv": shopify(make_orders(3))}, profile="shopfy")

"""Test the import profiles on made exports: customers, orders, net goods, days and countries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from made_exports import EXPORTS, ZONE, Order, Truth, make_orders, truth

from analysis.build.validation import Checked, assumptions, check
from analysis.core.progress import Steps
from analysis.core.settings import Settings, read_settings
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
        told = "\n".join(one.full_sentence("") for one in assumptions(checked, read_settings()))
    if profile == "woocommerce-algolplus":  # what came back was never in the file
        expected = Truth(**(vars(expected) | {"gross": expected.net}))
    assert actual == expected
    assert f"'{profile}'" in told
    assert "@" not in told

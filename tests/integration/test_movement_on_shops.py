"""Test movement between segments on the sample and on the gift shop."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from conftest import cleaned_lines, reading

from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.orders import as_of
from analysis.orders.ledger import Ledger
from analysis.segments import figures_movement, figures_profiles, movement, rfm, rules
from analysis.segments.names import NEW

RULES = rules.read_segments()


NAMES = [rule.name for rule in RULES]
GROUPED = movement.group_segments(RULES)


@pytest.fixture(scope="module")
def ledger(sample_data: Path) -> Iterator[Ledger]:
    with reading(sorted((sample_data / "transactions").iterdir())) as found:
        yield found


@pytest.fixture(scope="module")
def past(ledger: Ledger) -> pd.DataFrame:
    return movement.history(ledger, RULES)


def today(ledger: Ledger) -> pd.DataFrame:
    """Return the customers as the report has them."""
    people = rfm.customers(ledger.lines, ledger.as_of).order_by("customer_id").execute()
    people = people.join(rfm.scores(people, rfm.cut_points(people)))
    return people.assign(segment=rules.assign(people, RULES))


@pytest.mark.parametrize("date", [dt.date(2025, 9, 30)])
def test_a_past_day_is_as_if_the_ledger_ended_there(
    sample_data: Path, ledger: Ledger, date: dt.date
) -> None:
    files = sorted((sample_data / "transactions").iterdir())
    with reading(files, as_of=date) as short:
        expected = today(short)
    pd.testing.assert_frame_equal(movement.customers_at(ledger, date, RULES), expected)


def test_today_is_what_the_report_says_today(ledger: Ledger) -> None:
    pd.testing.assert_frame_equal(movement.customers_at(ledger, ledger.as_of, RULES), today(ledger))


def test_spend_after_is_the_net_sales_of_these_days(ledger: Ledger) -> None:
    start, end = dt.date(2025, 7, 1), dt.date(2025, 10, 1)
    net = cleaned_lines(ledger).query("cleaning_step == 6")
    days = net["invoice_date"].dt.date
    expected = net[(days >= start) & (days < end)].groupby("customer_id")["amount"].sum()
    found = as_of.spend_after(ledger, start, end)
    assert found.index.tolist() == sorted(expected.index)
    assert found.to_numpy() == pytest.approx(expected.sort_index().astype(float).to_numpy())
    assert as_of.spend_after(ledger, end, end).empty


def test_the_sizes_are_those_of_the_history(past: pd.DataFrame) -> None:
    table = movement.movement(past, NAMES, 5)
    assert table["date"].nunique() == 8
    assert table.groupby("date")["share"].sum().to_numpy() == pytest.approx(1)
    last = table[table["date"] == table["date"].max()].set_index("segment")["customers"]
    counted = past[past["date"] == past["date"].max()]["segment"].value_counts()
    assert last[last > 0].to_dict() == counted.to_dict()
    assert table.loc[table["customers"] < 5, "revenue"].isna().all()


def test_the_flows_add_up(past: pd.DataFrame) -> None:
    before, after = sorted(past["date"].unique())[-2:]
    table = movement.migration(past, NAMES)
    then, now = (
        past[past["date"] == d].set_index("customer_id")["segment"] for d in (before, after)
    )
    came = table[table["from_segment"] == NEW]["customers"].sum()
    assert came == len(set(now.index) - set(then.index))
    assert table["customers"].sum() == len(now)
    stayed = table[table["from_segment"] == table["to_segment"]]["customers"].sum()
    assert stayed == sum(then.get(customer) == segment for customer, segment in now.items())

    grouped = movement.group_flows(past, GROUPED)
    assert grouped["customers"].sum() == len(now)
    among = table[table["from_segment"] == NEW].groupby(table["to_segment"].map(GROUPED))
    came_by_group = grouped[grouped["from_segment"] == NEW].set_index("to_segment")["customers"]
    counted = among["customers"].sum()
    assert counted[counted > 0].to_dict() == came_by_group[came_by_group > 0].to_dict()


def test_retention_counts_who_ordered_in_the_quarter_after(
    ledger: Ledger, past: pd.DataFrame
) -> None:
    table = movement.retention(ledger, past, NAMES, 5)
    assert table["date"].nunique() == 7
    assert (table["customers"] >= 5).all()
    assert table["share"].between(table["low"] - 1e-9, table["high"] + 1e-9).all()
    net = cleaned_lines(ledger).query("cleaning_step == 6")
    start, end = pd.Timestamp("2025-07-01"), pd.Timestamp("2025-10-01")
    came = set(net[net["invoice_date"].between(start, end, inclusive="left")]["customer_id"])
    then = past[past["date"] == start]
    for row in table[table["date"] == start].itertuples():
        members = set(then[then["segment"] == row.segment]["customer_id"])
        assert (row.customers, row.retained) == (len(members), len(members & came))
    # What the archetypes were planted for: those who stay away, stay away.
    last = table[table["date"] == table["date"].max()].set_index("segment")["share"]
    assert last["Champions"] > 0.8
    assert last["Least active"] < 0.1


def test_every_figure_of_the_sample(ledger: Ledger, past: pd.DataFrame) -> None:
    flows = movement.group_flows(past, GROUPED, 5)
    assert ((flows["customers"] >= 5) | (flows["customers"] == 0) | flows["few"]).all()
    groups = pd.DataFrame({"segment": [*GROUPED], "group": [*GROUPED.values()]})
    settings = SimpleNamespace(report=SimpleNamespace(smallest_group=5))
    stayed = movement.retention(ledger, past, NAMES, 5)
    for figure in (
        figures_movement.segment_shares(movement.movement(past, NAMES, 5)),
        figures_movement.segment_flows(flows, groups, settings),
        figures_profiles.repeat_orders_by_segment(stayed),
    ):
        assert isinstance(figure, Figure)
        assert not re.search(r"\bnan\b|not known|  ", figure.headline + figure.alt + figure.caption)
        draw(figure.plot)


@pytest.mark.real
def test_the_real_ledger_as_of_its_third_quarter(gift_shop: Path) -> None:
    files = [gift_shop / "transactions" / "online_retail.parquet"]
    date = dt.date(2011, 10, 1)
    with reading(files) as whole:
        found = movement.customers_at(whole, date, RULES)
        assert movement.cut_offs(whole)[-2:] == [date, dt.date(2011, 12, 10)]
    with reading(files, as_of=date) as short:
        pd.testing.assert_frame_equal(found, today(short))

"""Test figures and sentences of sales where most months have too few customers to be shown."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Run, a_line, reading, write_lines

from analysis.build.small_groups import PRIVATE, RULES, hide_small_groups
from analysis.core.plotting import draw
from analysis.core.presentation import Figure, Table
from analysis.orders import figures, growth, layouts, new_customers, tables
from analysis.orders.ledger import Ledger

SMALLEST = 5


def monthly_customers(ledger: Ledger) -> pd.DataFrame:
    orders = growth.read_orders(ledger)
    orders = orders.assign(new=growth.mark_new(orders))
    return new_customers.monthly_customers(orders, ledger.first_day, ledger.as_of)


def hidden_tables(folder: Path, customers: Callable[[int], int]) -> dict[str, pd.DataFrame]:
    """Return the tables of two years in which so many customers order in month n."""
    lines = [
        a_line(
            InvoiceNo=f"{n}{who:02}",
            CustomerID=str(17000 + (n * 7 + who) % 60),
            InvoiceDate=f"{2009 + n // 12}-{1 + n % 12:02}-{1 + who % 28:02} {9 + who % 9}:00:00",
            StockCode=str(10000 + who % 3),
        )
        for n in range(24)
        for who in range(customers(n))
    ]
    write_lines(folder / "a.csv", lines)
    with reading([folder / "a.csv"]) as ledger:
        made = {
            "monthly": tables.monthly(ledger),
            "monthly_customers": monthly_customers(ledger),
            "week": tables.week(ledger),
            "cohorts": tables.cohorts(ledger),
            "products": tables.products(ledger),
        }
    return {name: hide_small_groups(name, table, SMALLEST) for name, table in made.items()}


def presented(made: dict[str, pd.DataFrame]) -> dict[str, Figure | str]:
    return {
        "revenue": figures.revenue_by_month(made["monthly"], "£"),
        "new": figures.new_and_returning_customers(made["monthly_customers"]),
        "week": figures.orders_by_weekday_and_hour(made["week"]),
        "cohorts": figures.cohorts(made["cohorts"]),
        "products": figures.best_selling_products(made["products"], "£", True, 1000.0),
        "cancelled": figures.cancelled_share(made["monthly"], 0.1, True),
    }


@pytest.mark.parametrize("few", [1, 4])
def test_what_is_hidden_everywhere_is_a_sentence(tmp_path: Path, few: int) -> None:
    made = hidden_tables(tmp_path, lambda n: few)
    for name in ("revenue", "new", "cancelled"):
        said: Any = presented(made)[name]
        assert isinstance(said, str) and "enough customers" in said
    assert made["cohorts"].empty


def test_months_that_are_shown_are_drawn_and_the_others_told(tmp_path: Path) -> None:
    made = hidden_tables(tmp_path, lambda n: 20 if n % 3 else 2)
    shown = presented(made)
    revenue = shown["revenue"]
    assert isinstance(revenue, Figure)
    assert "months with too few customers are not shown" in revenue.headline
    for figure in shown.values():
        if isinstance(figure, Figure):
            assert draw(figure.plot).startswith(b"<svg")
            assert "nan" not in figure.headline + figure.alt
    for name, table in made.items():
        for rule in RULES[name]:
            sizes = table[rule.count].dropna()
            assert not ((sizes > 0) & (sizes < SMALLEST)).any(), (name, rule.count)


def test_set_tables_leave_hidden_numbers_blank() -> None:
    codes = pd.DataFrame(
        {"stock_code": ["POST", "M"], "rows": [3, 90], "customers": [2, 40], "amount": [9.0, 4.5]}
    )
    made = layouts.non_product_codes(
        hide_small_groups("left_out_codes", codes, SMALLEST), "£", True
    )
    assert isinstance(made, Table)
    html = made.table.as_raw_html()
    assert "4.50" in html and "9.00" not in html and "nan" not in html.lower().replace("financ", "")
    taken = pd.DataFrame(
        {"stock_code": ["1"], "description": ["MUG"], "customers": [6], "quantity": [9.0]}
    ).assign(amount=12.5)
    assert isinstance(layouts.large_cancelled_orders(taken, "£"), Table)
    assert isinstance(layouts.large_cancelled_orders(taken.iloc[:0], "£"), str)


#: What a table may say of a group that is too small: how many customers it has.
COUNTED = {"customers", "share", "share_low", "share_high", "retained", "listed"}
# Of a segment that is too small nobody is held out, and no campaign is measured.
COUNTED |= {"control", "campaigns", "forgone"}
SIZES = ("customers", "size", "new_customers", "returning_customers", "contacted", "scored")


@pytest.mark.drill
def test_ten_years_with_few_customers_a_month_show_none_of_them(
    tmp_path: Path, quick_settings: Path, run: Run
) -> None:
    chance = random.Random(4)
    lines = []
    for number in range(320):
        moment = dt.datetime(2013, 1, 7, 9) + dt.timedelta(hours=int(270 * number))
        who = min(chance.randrange(70), chance.randrange(20 + number // 5))
        lines += [
            a_line(
                InvoiceNo=str(5000 + number),
                CustomerID=str(17000 + who),
                InvoiceDate=f"{moment + dt.timedelta(minutes=chance.randrange(500))}",
                StockCode=str(10000 + item),
                Description=f"THING {item}",
                Country=chance.choice(["United Kingdom"] * 5 + ["France", "Malta"]),
            )
            for item in chance.sample(range(25), 2)
        ]
    write_lines(tmp_path / "data" / "transactions" / "a.csv", lines)
    out = tmp_path / "build"
    done = run("build", "--data", tmp_path / "data", "--settings", quick_settings, "--out", out)
    assert done.code == 0, done.err
    months = pd.read_parquet(out / "monthly.parquet")
    assert len(months) > 110 and months["customers"].isna().mean() > 0.5
    tables = {path.stem: pd.read_parquet(path) for path in out.glob("*.parquet")}
    tables = {name: table for name, table in tables.items() if name not in PRIVATE}
    tables |= {path.name: pd.read_csv(path) for path in (out / "downloads").glob("*.csv")}
    assert len(tables) > 60
    shown = {
        (name, column): numbers.dropna(axis=1, how="all").columns.to_list()
        for name, table in tables.items()
        for column in SIZES
        if column in table
        for few in [table[table[column].between(1, SMALLEST - 1)]]
        for numbers in [few.select_dtypes("number").drop(columns=[*COUNTED], errors="ignore")]
    }
    assert {where: columns for where, columns in shown.items() if columns} == {}

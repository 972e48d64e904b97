"""Test what lines are taken to mean: small made ledgers, each with one thing that can mislead."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import ibis
import pytest
from conftest import Row, a_line, few_examples
from hypothesis import given
from hypothesis import strategies as st
from made_shops import columns, each, many_customers, read, shop, worth

from analysis.core.problems import Refused
from analysis.orders.meaning import customers
from analysis.orders.meaning.customer_ids import bare_id

# ------------------------------------------------------------------------- cancellations, refunds


def test_a_line_with_the_prefix_that_brings_money_is_a_sale(tmp_path: Path) -> None:
    rows = each(shop(), InvoiceNo=lambda row: f"CA-{row['InvoiceNo']}")
    found, told = read(tmp_path, rows)
    assert found == worth(rows)
    assert "begins with 'C' and that bring money are sales" in told


def test_a_new_till_whose_numbers_have_the_prefix_writes_sales(tmp_path: Path) -> None:
    rows = shop()
    new = each(
        rows,
        InvoiceNo=lambda row: ("CW" if row["InvoiceDate"] >= "2022-10" else "") + row["InvoiceNo"],
    )
    assert read(tmp_path, new)[0] == worth(rows)


@pytest.mark.parametrize("number", ["C900", "900"])
@pytest.mark.parametrize("negative", ["Quantity", "UnitPrice"])
def test_a_refund_takes_a_line_back_with_and_without_the_prefix(
    tmp_path: Path, number: str, negative: str
) -> None:
    rows = shop()
    back = rows[4]
    refund = {
        **back,
        "InvoiceNo": number,
        "InvoiceDate": "2023-01-01 09:00:00",
        negative: f"-{back[negative]}",
    }
    assert read(tmp_path, [*rows, refund])[0] == worth([r for r in rows if r is not back])


def test_in_a_ledger_of_amounts_a_refund_is_the_same_amount_again(tmp_path: Path) -> None:
    rows = [
        {"CustomerID": str(7 + i % 5), "InvoiceDate": f"2022-01-{1 + i:02d}", "Amount": f"{i}.25"}
        for i in range(1, 25)
    ]
    refund = {**rows[3], "InvoiceDate": "2022-02-01", "Amount": "-4.25"}
    total = sum(i + 0.25 for i in range(1, 25)) - 4.25
    assert read(tmp_path, [*rows, refund])[0] == (5, 23, total)


def test_a_discount_takes_no_product_back(tmp_path: Path) -> None:
    rows = shop()
    off = a_line(StockCode="D", Quantity="-1", UnitPrice="5", CustomerID="12000", InvoiceNo="500")
    assert read(tmp_path, [*rows, {**off, "InvoiceDate": rows[0]["InvoiceDate"]}])[0] == worth(rows)


# ------------------------------------------------------------------------- orders


@pytest.mark.parametrize(
    "restart",
    [
        lambda row: "1",
        lambda row: str(int(row["InvoiceNo"]) % 13),
        lambda row: row["InvoiceDate"][8:10],
    ],
    ids=["one number for all", "numbers come again", "the day of the month"],
)
def test_numbers_that_restart_are_told_apart(tmp_path: Path, restart: object) -> None:
    rows = shop()
    found, told = read(tmp_path, each(rows, InvoiceNo=restart))
    assert found == worth(rows)
    assert "Order numbers are not unique" in told


def test_tills_that_number_for_themselves_are_told_apart(tmp_path: Path) -> None:
    rows = shop()
    tills = each(
        rows,
        Till=lambda row: str(int(row["InvoiceNo"]) % 4),
        InvoiceNo=lambda row: str(int(row["InvoiceNo"]) // 4),
    )
    found, told = read(tmp_path, tills)
    assert found == worth(rows)
    assert "number, till, day and customer" in told


def test_without_numbers_a_customer_and_a_day_are_an_order(tmp_path: Path) -> None:
    rows = shop()
    bare = [{k: v for k, v in row.items() if k != "InvoiceNo"} for row in rows]
    assert read(tmp_path, bare)[0] == worth(rows)


# ------------------------------------------------------------------------- customers


@pytest.mark.parametrize(
    "value", ["0", "000", "-1", "guest", "N/A", "NULL", "none", "Walk-in customer", "Гость", "--"]
)
def test_a_placeholder_is_no_customer(tmp_path: Path, value: str) -> None:
    rows = shop()
    guests = each(shop(6, seed=2), CustomerID=value, InvoiceNo=lambda row: f"9{row['InvoiceNo']}")
    found, told = read(tmp_path, [*rows, *guests])
    assert found == worth(rows)
    assert "means that a line has no customer (12 rows," in told


def test_a_value_unlike_the_ids_that_many_orders_share_is_no_customer(tmp_path: Path) -> None:
    rows = many_customers()
    odd = each(shop(40, seed=3), CustomerID="99999", InvoiceNo=lambda row: f"9{row['InvoiceNo']}")
    assert read(tmp_path, [*rows, *odd])[0] == worth(rows)


def test_an_id_like_the_others_that_many_orders_share_is_refused_or_accepted(
    tmp_path: Path,
) -> None:
    rows = many_customers()
    odd = each(shop(40, seed=3), CustomerID="12377", InvoiceNo=lambda row: f"9{row['InvoiceNo']}")
    with pytest.raises(Refused, match=r"40 orders share the value '12377'.*no_customer"):
        read(tmp_path, [*rows, *odd])
    assert read(tmp_path, [*rows, *odd], accept=["shared_customer"])[0] == worth([*rows, *odd])
    assert read(tmp_path, [*rows, *odd], no_customer=["12377"])[0] == worth(rows)


def test_addresses_that_differ_in_case_and_spaces_are_one_customer(tmp_path: Path) -> None:
    rows = each(
        shop(), CustomerID=lambda row: f"kim.{'abcdefghijkl'[int(row['InvoiceNo']) % 12]}@x.de"
    )
    untidy = [
        {**row, "CustomerID": row["CustomerID"].upper() if i % 3 else f" {row['CustomerID']}\u00a0"}
        for i, row in enumerate(rows)
    ]
    assert read(tmp_path, untidy)[0] == worth(rows)


def test_zeros_that_one_file_lost_do_not_make_another_customer(tmp_path: Path) -> None:
    rows = shop()
    with_zeros = each(rows[:40], CustomerID=lambda row: f"00{row['CustomerID']}")
    found, told = read(tmp_path, with_zeros, rows[40:])
    assert found == worth(rows)
    assert "leading zeros are the same customer" in told


def test_zeros_that_one_file_tells_apart_do(tmp_path: Path) -> None:
    rows = shop()
    both = [*rows, *each(rows[:2], CustomerID="0012000", InvoiceNo="9000")]
    assert read(tmp_path, both)[0] == worth(both)


def test_an_id_on_the_first_row_holds_for_the_order(tmp_path: Path) -> None:
    rows = shop()
    first = [
        {**row, "CustomerID": row["CustomerID"] if i % 2 == 0 else ""} for i, row in enumerate(rows)
    ]
    found, told = read(tmp_path, first)
    assert found == worth(rows)
    assert "it applies to all rows of the order (40 rows," in told


def test_ids_that_are_new_with_each_order_are_refused_where_another_column_returns(
    tmp_path: Path,
) -> None:
    rows = each(
        shop(),
        customer_unique_id=lambda row: row["CustomerID"],
        CustomerID=lambda row: f"x{row['InvoiceNo']}",
    )
    with pytest.raises(Refused, match=r"new with each order.*'customer_unique_id'"):
        read(tmp_path, rows)
    once = [{k: v for k, v in row.items() if k != "customer_unique_id"} for row in rows]
    found, told = read(tmp_path, once)
    assert found == worth(once)
    assert "No customer has ordered more than once" in told


def test_the_name_that_the_user_set_wins_over_a_known_one(tmp_path: Path) -> None:
    rows = each(shop(), billing_email=lambda row: f"k{row['CustomerID']}@x.de", CustomerID="0")
    assert read(tmp_path, rows, columns=columns(customer_id=["billing_email"]))[0] == worth(shop())


#: What ids are made of, and what programs add to them.
ID_PIECES = st.lists(
    st.sampled_from(
        [
            *"0012AbZzé'",
            " ",
            "  ",
            "\u00a0",
            "\u200b",
            "e\u0301",
            ",001",
            ".500",
            "+49 171",
            "@x.de",
            "-",
        ]
    ),
    min_size=1,
    max_size=7,
).map("".join)


@few_examples(5)
@given(st.lists(ID_PIECES, min_size=150, max_size=200))
def test_ids_are_compared_alike_by_the_engine_and_without_it(ids: list[str]) -> None:
    # The engine compares millions of ids; commands that only read files do without it.
    given = [one.strip() for one in ids if one.strip(" \t\r\n")]
    table = ibis.memtable({"id": given})
    compared = customers._bare(customers._clean(table.id))
    engine = ibis.duckdb.connect()
    found = engine.execute(table.select("id", bare=compared))
    engine.disconnect()
    groups, alike = defaultdict(set), defaultdict(set)
    for one, bare in zip(found["id"], found["bare"], strict=True):
        groups[bare].add(one)
        alike[bare_id(one)].add(one)
    assert sorted(map(sorted, groups.values())) == sorted(map(sorted, alike.values()))


# ------------------------------------------------------------------------- money


def test_an_amount_below_quantity_times_price_is_what_was_paid(tmp_path: Path) -> None:
    def paid(row: Row) -> str:
        return f"{0.8 * float(row['Quantity']) * float(row['UnitPrice']):.2f}"

    rows = each(shop(), Amount=paid)
    total = round(sum(float(row["Amount"]) for row in rows), 2)
    found, told = read(tmp_path, rows)
    assert found == (*worth(rows)[:2], total)
    assert f"{total:,.2f}" in told
    assert read(tmp_path, rows, line_amount="quantity_times_price")[0] == worth(rows)


def test_amounts_that_nothing_explains_are_refused(tmp_path: Path) -> None:
    rows = each(shop(), Amount=lambda row: f"{7 * float(row['UnitPrice']):.2f}")
    with pytest.raises(Refused, match="line_amount"):
        read(tmp_path, rows)


def test_amounts_that_look_like_pieces_beside_money_are_refused(tmp_path: Path) -> None:
    rows = [
        {
            "CUSTOMER_ID": row["CustomerID"],
            "InvoiceDate": row["InvoiceDate"],
            "AMOUNT": row["Quantity"],
            "SALES_PRICE": f"{float(row['Quantity']) * float(row['UnitPrice']):.2f}",
        }
        for row in shop()
    ]
    with pytest.raises(Refused, match="'SALES_PRICE' to"):
        read(tmp_path, rows)
    found, _ = read(tmp_path, rows, columns=columns(amount=["SALES_PRICE"]))
    assert found == worth(shop())


def test_two_currencies_are_refused_until_one_is_named(tmp_path: Path) -> None:
    rows = each(shop(), Currency=lambda row: "EUR" if int(row["InvoiceNo"]) % 3 else "JPY")
    with pytest.raises(Refused, match=r"2 currencies.*EUR .* and JPY "):
        read(tmp_path, rows)
    euros = [row for row in rows if row["Currency"] == "EUR"]
    found, told = read(tmp_path, rows, only_currency="eur")
    assert found == worth(euros)
    assert "JPY" in told


# ------------------------------------------------------------------------- what is a sale


def test_orders_that_were_not_paid_are_no_sales(tmp_path: Path) -> None:
    rows = each(shop(), Status=lambda row: "Paid" if int(row["InvoiceNo"]) % 4 else "Cancelled")
    found, told = read(tmp_path, rows)
    assert found == worth([row for row in rows if row["Status"] == "Paid"])
    assert "'Cancelled' (" in told


def test_a_status_that_is_not_known_is_refused_with_its_money(tmp_path: Path) -> None:
    rows = each(shop(), Status=lambda row: "paid" if int(row["InvoiceNo"]) % 4 else "limbo")
    with pytest.raises(Refused, match=r"'limbo' \([\d,.]+\).*sale_statuses"):
        read(tmp_path, rows)
    assert read(tmp_path, rows, accept=["unknown_statuses"])[0] == worth(rows)


def test_a_line_without_a_code_is_a_sale(tmp_path: Path) -> None:
    rows = [{**row, "StockCode": row["StockCode"] if i % 5 else ""} for i, row in enumerate(shop())]
    found, told = read(tmp_path, rows)
    assert found == worth(rows)
    assert "counts as a product and a sale" in told


def test_a_home_country_is_held_to_the_data(tmp_path: Path) -> None:
    assert "'United Kingdom' is used instead" in read(tmp_path, shop(), home_country="UK")[1]
    with pytest.raises(Refused, match="no line has the country 'Mars'"):
        read(tmp_path, shop(), home_country="Mars")


# ------------------------------------------------------------------------- copies


def test_equal_lines_are_sales_where_a_line_is_a_piece(tmp_path: Path) -> None:
    rows = [row for row in each(shop(), Quantity="1") for _ in range(3)]
    found, told = read(tmp_path, rows)
    assert found == worth(rows)
    assert "is a sale, because a line is one piece" in told


def test_lines_that_an_item_number_tells_apart_are_sales(tmp_path: Path) -> None:
    rows = [{**row, "order_item_id": str(i)} for row in shop() for i in range(2)]
    assert read(tmp_path, rows)[0] == worth(rows)


def test_a_block_that_was_pasted_twice_counts_once(tmp_path: Path) -> None:
    rows = shop()
    assert read(tmp_path, [*rows, *rows[:30]])[0] == worth(rows)


@pytest.mark.parametrize(
    "other",
    [
        lambda row: {**row, "Description": f"{row['Description']} (new)"},
        lambda row: {k: v for k, v in row.items() if k != "Country"},
        lambda row: {**row, "InvoiceDate": row["InvoiceDate"][:-2] + "00"},
        dict,
    ],
    ids=["renamed", "a column less", "seconds cut", "equal"],
)
def test_an_order_in_two_files_counts_once(tmp_path: Path, other: object) -> None:
    rows = shop()
    second = [other(row) for row in rows[30:]]  # type: ignore[operator]
    found, told = read(tmp_path, rows[:50], second)
    assert found == worth(rows)
    assert "more than one file count once" in told


def test_an_order_that_is_split_over_two_files_counts_whole(tmp_path: Path) -> None:
    rows = shop()
    assert read(tmp_path, rows[:41], rows[41:])[0] == worth(rows)


# ------------------------------------------------------------------------- properties


@few_examples(8)
@given(seed=st.integers(0, 99), cut=st.integers(1, 79), overlap=st.integers(0, 30))
def test_order_of_rows_files_case_and_zeros_change_no_figure(
    seed: int, cut: int, overlap: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    rows = each(shop(seed=seed), CustomerID=lambda row: f"k{row['CustomerID']}")
    mixed = [
        {**row, "CustomerID": chance.choice([str.upper, str.lower])(row["CustomerID"])}
        for row in chance.sample(rows, len(rows))
    ]
    files = [mixed[:cut], mixed[max(0, cut - overlap) :]]
    assert read(tmp_path_factory.mktemp("files"), *files)[0] == worth(rows)

"""Test that files of campaigns are read as they were meant, or refused in a sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analysis.core.problems import Refused
from analysis.core.told_assumptions import write_line
from analysis.strategy.campaign_files import Campaigns, read_campaigns

LAST = pd.Timestamp("2026-06-30")
KNOWN = [str(number) for number in range(12_001, 12_101)]


def plan(**columns: Any) -> pd.DataFrame:
    """Return ten customers on a list, two of them in the control group."""
    table = pd.DataFrame(
        {
            "customer_id": KNOWN[:10],
            "campaign": "spring",
            "group": ["contacted"] * 8 + ["control"] * 2,
            "sent_on": "2026-03-01",
            "control_share": "0.2",
        }
    )
    return table.assign(**columns)


def read(**tables: pd.DataFrame) -> Campaigns:
    return read_campaigns({f"{name}.csv": t for name, t in tables.items()}, KNOWN, LAST, 0.2)


def told(campaigns: Campaigns) -> str:
    return "\n".join(write_line(one, "£") for one in campaigns.assumptions)


def test_a_plan_is_read_as_it_was_drawn() -> None:
    found = read(a=plan())
    assert found.assigned["group"].value_counts().to_dict() == {"contacted": 8, "control": 2}
    assert (found.assigned["sent_on"] == "2026-03-01").all() and not found.assumptions
    assert found.rows == {"a.csv": 10}


def test_names_of_columns_and_spellings_of_ids_do_not_matter() -> None:
    table = plan(customer_id=[f" 0{one} " for one in KNOWN[:10]])
    table["group"] = table["group"].str.upper()
    found = read(a=table.rename(columns={"customer_id": "Customer ID", "sent_on": "Sent on"}))
    pd.testing.assert_frame_equal(found.assigned, read(a=plan()).assigned)


def test_a_control_customer_without_a_day_gets_that_of_the_campaign() -> None:
    days = ["2026-03-01"] * 8 + [""] * 2
    assert (read(a=plan(sent_on=days)).assigned["sent_on"] == "2026-03-01").all()


@pytest.mark.parametrize(
    ("day", "other"), [("01.03.2026", "13.03.2026"), ("3/1/2026", "3/13/2026")]
)
def test_a_day_may_be_written_as_a_spreadsheet_writes_it(day: str, other: str) -> None:
    found = read(a=plan(sent_on=[day] * 9 + [other])).assigned["sent_on"]
    assert found.iloc[0] == pd.Timestamp("2026-03-01")
    assert found.iloc[9] == pd.Timestamp("2026-03-13")


def test_a_day_that_may_be_two_days_is_refused() -> None:
    with pytest.raises(Refused, match=r"a day is not written as 2026-01-31 .*'3/1/2026' in row 2"):
        read(a=plan(sent_on="3/1/2026"))


def test_what_was_not_sent_is_not_measured_and_told() -> None:
    found = read(a=plan(sent_on=""), b=plan(campaign="summer"))
    assert found.assigned["campaign"].unique().tolist() == ["summer"]
    assert "a.csv: Rows belong to campaigns without a date" in told(found)
    late = read(a=plan(sent_on="2026-07-01"))
    assert late.assigned.empty and "sent after the last order" in told(late)


def test_who_was_contacted_though_in_the_control_group_stays_in_it() -> None:
    sent = plan().drop(columns="control_share")[["customer_id", "campaign", "group", "sent_on"]]
    sent = sent.assign(group="contacted")
    sent = pd.concat([sent, sent.head(1).assign(customer_id=KNOWN[50])], ignore_index=True)
    found = read(plan=plan(sent_on=""), sent=sent)
    assert found.assigned["group"].value_counts().to_dict() == {"contacted": 8, "control": 2}
    assert (found.assigned["sent_on"] == "2026-03-01").all()
    assert "name customers in the control group as contacted" in told(found)
    assert "name customers who were on no list" in told(found) and KNOWN[50] not in told(found)


def test_a_customer_in_both_groups_is_left_out_and_one_twice_counts_once() -> None:
    table = plan()
    both = table.tail(1).assign(group="contacted")
    again = table.head(1)
    found = read(a=pd.concat([table, both, again], ignore_index=True))
    assert len(found.assigned) == 9
    assert "both groups" in told(found) and "counted once" in told(found)


def test_few_strangers_are_left_out_and_many_refused() -> None:
    one = plan(customer_id=["999", *KNOWN[1:10]])
    found = read(a=one)
    assert len(found.assigned) == 9 and "match no customer in the orders" in told(found)
    with pytest.raises(Refused, match=r"a\.csv, column 'customer_id': 100% of the rows name"):
        read(a=plan(customer_id=[f"x{n}" for n in range(10)]))


def test_a_share_that_no_file_states_is_an_assumption() -> None:
    found = read(a=plan().drop(columns="control_share"))
    assert (found.assigned["control_share"] == 0.2).all()
    assert "taken to be 20% for spring" in told(found)
    assert "setting campaigns.control_share" in told(found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": "test"}, "a group is neither 'contacted' nor 'control' (10 rows); for example"),
        ({"sent_on": "1 March"}, "'1 March' in row 2. Write all days like this"),
        ({"control_share": "20"}, "a share is not between 0 and 1"),
        ({"cost_per_contact": "free"}, "a cost is not a number of 0 or more"),
        ({"customer_id": ""}, "the id is empty (10 rows)"),
        ({"campaign": ""}, "the name is empty (10 rows)"),
    ],
)
def test_a_bad_value_is_refused_with_an_example(changes: dict[str, str], message: str) -> None:
    with pytest.raises(Refused) as refused:
        read(a=plan(**changes))
    assert message in str(refused.value)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(Refused, match="there is no column group and sent_on"):
        read(a=plan().drop(columns=["group", "sent_on"]))

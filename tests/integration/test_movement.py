"""Test movement between segments: quarters are found in the ledger, and flows add up."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from conftest import Row, a_line, reading, write_lines

from analysis.core.plotting import draw
from analysis.core.presentation import Figure
from analysis.segments import figures_movement, figures_profiles, movement, rules
from analysis.segments.names import GROUPS, NEW

RULES = rules.read_segments()
NAMES = [rule.name for rule in RULES]
GROUPED = movement.group_segments(RULES)
SETTINGS = SimpleNamespace(report=SimpleNamespace(smallest_group=5))
DATE = dt.date(2011, 4, 1)


# ------------------------------------------------------------------------- quarters


def day_lines(*days: str) -> list[Row]:
    return [
        a_line(InvoiceNo=str(n), CustomerID=str(20 + n), InvoiceDate=f"{day} 10:00")
        for n, day in enumerate(days)
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2011-01-14", "2011-02-20"], ["2011-02-21"]),  # shorter than a quarter
        (["2011-01-03", "2011-03-31"], ["2011-04-01"]),  # one quarter
        (["2011-01-03", "2011-06-30"], ["2011-04-01", "2011-07-01"]),  # two
        (["2011-01-20", "2011-06-30"], ["2011-07-01"]),  # the first is not covered
        (["2010-12-01", "2011-12-09"], ["2011-04-01", "2011-07-01", "2011-10-01", "2011-12-10"]),
        (["2011-01-01", "2011-04-20"], ["2011-04-21"]),  # too near to the last quarter's end
    ],
)
def test_cut_offs_are_the_quarters_that_the_ledger_covers(
    tmp_path: Path, days: list[str], expected: list[str]
) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, day_lines(*days))
    with reading([path]) as found:
        assert [day.isoformat() for day in movement.cut_offs(found)] == expected


def test_a_ledger_shorter_than_a_quarter_says_so(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    write_lines(path, day_lines("2011-01-14", "2011-02-20"))
    with reading([path]) as found:
        short = movement.history(found, RULES)
        stayed = movement.retention(found, short, NAMES)
    moved = movement.movement(short, NAMES)
    assert moved["customers"].sum() == 2
    flows = movement.group_flows(short, GROUPED)
    assert flows.empty and stayed.empty
    groups = pd.DataFrame({"segment": [*GROUPED], "group": [*GROUPED.values()]})
    assert "so segment changes cannot be shown" in str(figures_movement.segment_shares(moved))
    told = figures_movement.segment_flows(flows, groups, SETTINGS)
    assert "so changes of group cannot be shown" in str(told)
    assert "not known yet" in str(figures_profiles.repeat_orders_by_segment(stayed))


def test_one_customer_over_two_quarters(tmp_path: Path) -> None:
    path = tmp_path / "transactions" / "a.csv"
    rows = [a_line(InvoiceNo=str(n), InvoiceDate=f"2011-{n:02d}-02 10:00") for n in range(1, 7)]
    write_lines(path, [*rows, a_line(InvoiceNo="9", InvoiceDate="2011-06-30 10:00")])
    with reading([path]) as found:
        alone = movement.history(found, RULES)
        stayed = movement.retention(found, alone, NAMES)
    assert movement.migration(alone, NAMES)["customers"].sum() == 1
    assert movement.migration(alone, NAMES, minimum_group=5)["customers"].sum() == 0
    assert stayed[["customers", "retained", "share"]].to_numpy().tolist() == [[1, 1, 1.0]]
    flows = movement.group_flows(alone, GROUPED)
    assert flows["customers"].sum() == 1
    assert movement.group_flows(alone, GROUPED, minimum_group=5)["customers"].sum() == 0
    drawn = figures_movement.segment_shares(movement.movement(alone, NAMES))
    assert isinstance(drawn, Figure) and drawn.headline


# ------------------------------------------------------------------------- flows


def history_of(flows: dict[tuple[str, str], int]) -> pd.DataFrame:
    """Return a history with so many customers going from one segment to another."""
    pairs = [pair for pair, n in flows.items() for _ in range(n)]
    parts = [
        pd.DataFrame(
            {
                "date": pd.Timestamp(date),
                "customer_id": [str(n) for n in range(len(pairs))],
                "monetary": 1.0,
                "segment": [pair[place] for pair in pairs],
            }
        )
        for place, date in enumerate(("2011-01-01", "2011-04-01"))
    ]
    both = pd.concat(parts)
    return both[both["segment"] != NEW]


def test_segments_are_grouped_by_their_scores() -> None:
    assert set(GROUPED.values()) <= set(GROUPS)
    rules_of = [
        rules.Segment(name=name, meaning="-", boxes=[rules.Box(r=r, f=f)])
        for name, r, f in (
            ("a", (3, 5), (4, 5)),
            ("b", (1, 2), (3, 3)),
            ("c", (3, 3), (1, 2)),
            ("d", (1, 4), (1, 2)),
        )
    ]
    assert [*movement.group_segments(rules_of).values()] == [*GROUPS]


def test_customers_are_counted_by_group() -> None:
    one, two = (next(n for n, g in GROUPED.items() if g == group) for group in GROUPS[:2])
    other = [n for n, g in GROUPED.items() if g == GROUPS[0]][-1]
    past = history_of({(one, one): 30, (one, other): 30, (one, two): 40, (NEW, two): 3})
    flows = movement.group_flows(past, GROUPED, minimum_group=5)
    table = flows.set_index(["from_segment", "to_segment"])
    assert table.loc[(GROUPS[0], GROUPS[0]), "customers"] == 60
    assert table.loc[(GROUPS[0], GROUPS[1]), "customers"] == 40
    few = flows[flows["few"]]
    assert few[["from_segment", "to_segment"]].to_numpy().tolist() == [[NEW, GROUPS[1]]]
    assert few["customers"].isna().all()
    groups = pd.DataFrame({"segment": [*GROUPED], "group": [*GROUPED.values()]})
    figure = figures_movement.segment_flows(flows, groups, SETTINGS)
    assert isinstance(figure, Figure)
    assert figure.headline == (
        "Of 100 frequent and recent customers on 31 December 2010, 60% still are, and "
        "40% have gone quiet"
    )
    assert f"Frequent and recent: {one}" in figure.caption and "fewer than 5" in figure.caption
    draw(figure.plot)
    # Where no customer was frequent and recent, or a group has no segment, the words differ.
    back = movement.group_flows(history_of({(two, one): 10, (two, two): 30}), GROUPED)
    told = figures_movement.segment_flows(back, groups[groups["group"] == GROUPS[1]], SETTINGS)
    assert isinstance(told, Figure)
    assert told.headline == "25% of customers have changed group since 31 December 2010"
    assert told.caption.startswith("A segment counts as frequent")


# ------------------------------------------------------------------------- figures


def sizes(*dates: tuple[str, tuple[int, int]]) -> pd.DataFrame:
    """Return a table of segment sizes, of two segments at some dates."""
    rows = [
        {
            "date": pd.Timestamp(date),
            "quarter_end": pd.Timestamp(date) - pd.Timedelta(days=1),
            "segment": segment,
            "customers": number,
            "share": number / sum(numbers),
        }
        for date, numbers in dates
        for segment, number in zip("ab", numbers, strict=True)
    ]
    return pd.DataFrame(rows)


def test_sizes_are_compared_with_the_same_season_where_it_is_known() -> None:
    quarters = [("2010-12-10", (10, 90)), ("2011-10-01", (50, 50)), ("2011-12-10", (30, 70))]
    year, quarter = (figures_movement.segment_shares(sizes(*q)) for q in (quarters, quarters[1:]))
    assert isinstance(year, Figure) and isinstance(quarter, Figure)
    assert year.headline == (
        "a has grown most since 9 December 2010, from 10.0% to 30.0% of customers; b has "
        "shrunk most, from 90.0% to 70.0%"
    )
    assert quarter.headline.startswith("b has grown most since 30 September 2011")
    same = figures_movement.segment_shares(sizes(quarters[1], ("2011-12-10", (5, 5))))
    assert isinstance(same, Figure)
    assert same.headline == "Every segment has kept its share of customers since 30 September 2011"
    draw(year.plot)


def kept(*quarters: tuple[str, int]) -> pd.DataFrame:
    """Return who ordered again: so many of a hundred in each quarter."""
    return pd.DataFrame(
        [
            {
                "date": pd.Timestamp(date),
                "segment": segment,
                "customers": 50,
                "retained": number // 2,
                "share": number / 100,
                "low": max(number / 100 - 0.1, 0),
                "high": min(number / 100 + 0.1, 1),
            }
            for date, number in quarters
            for segment in ("a", "b")
        ]
    )


@pytest.mark.parametrize(
    ("quarters", "headline", "caption"),
    [
        ([("2011-07-01", 50)], "started", "began."),
        (
            [("2011-04-01", 60), ("2011-07-01", 50)],
            "50% of customers on file when Q3 2011 began ordered in that quarter, down "
            "from 60% in Q2 2011",
            "may be the season.",
        ),
        (
            [("2010-07-01", 40), ("2011-04-01", 60), ("2011-07-01", 50)],
            "50% of customers on file when Q3 2011 began ordered in that quarter, up "
            "from 40% in Q3 2010",
            "does not explain a change.",
        ),
        (
            [("2011-04-01", 50), ("2011-07-01", 50)],
            "50% of customers on file when Q3 2011 began ordered in that quarter, as in Q2 2011",
            "may be the season.",
        ),
    ],
)
def test_repeat_orders_are_compared_with_a_year_ago_or_a_quarter_ago(
    quarters: list[tuple[str, int]], headline: str, caption: str
) -> None:
    figure = figures_profiles.repeat_orders_by_segment(kept(*quarters))
    assert isinstance(figure, Figure)
    if headline == "started":
        headline = "50% of customers on file when Q3 2011 began ordered in that quarter"
    assert figure.headline == headline
    assert figure.caption.endswith(caption)
    draw(figure.plot)

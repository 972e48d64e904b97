"""Read who was contacted in past campaigns, and who was left out at random.

Any program's file of the columns `REQUIRED` will do. A file with the column ``control_share`` is a
plan: it says who was assigned to which group, and by which share. Other files then only say who was
contacted in fact, and the plan stands: what a group does is judged as it was drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd

from analysis.core.assumptions import Assumption, Said, state
from analysis.core.formatting import join_words, percent
from analysis.core.problems import Problem, Refused
from analysis.orders.meaning.customer_ids import bare_id
from analysis.strategy.names import CONTACTED, CONTROL

REQUIRED = ("customer_id", "campaign", "group", "sent_on")
#: What a plan has besides: the planned share of the control group, the cost of a message and of an
#: order that uses the offer, and whom the campaign is for.
PLANNED = "control_share"
COST, OFFER = "cost_per_contact", "cost_per_order"
OPTIONAL = (PLANNED, COST, OFFER, "half", "segment")
#: Where more of a file's customers than this match none of the orders, it is of another shop.
UNKNOWN_SHARE = 0.2
DAY = "%Y-%m-%d"
#: How spreadsheets write a day that somebody entered as `DAY`.
OTHER_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")


class Campaigns(NamedTuple):
    """Who was assigned to which group of which campaign, and what was noticed.

    Attributes
    ----------
    assigned
        One row a customer and campaign: customer_id, campaign, group, sent_on (a day),
        control_share, half, segment, cost_per_contact and cost_per_order (missing where the file
        does not say).
    assumptions
        What was left out, or may be wrong.
    rows
        Rows below the header, by file.
    """

    assigned: pd.DataFrame
    assumptions: tuple[Assumption, ...]
    rows: Mapping[str, int]


def read_campaigns(
    tables: Mapping[str, pd.DataFrame],
    customers: Collection[str],
    last_day: pd.Timestamp,
    control_share: float,
) -> Campaigns:
    """Return the customers of past campaigns with their groups.

    Parameters
    ----------
    tables
        The files' cells as text, by file: `REQUIRED`, and some of `OPTIONAL`.
    customers
        The ids of all customers of the orders.
    last_day
        The last day of the orders.
    control_share
        The planned share of the control group where a file has no such column.

    Raises
    ------
    Refused
        When a file lacks a column or a value, has a group or a day that is none, or mostly
        customers that the orders do not have.
    """
    problems: list[Problem] = []
    parts = []
    known = {bare_id(one): one for one in customers}
    for source, cells in tables.items():
        table = choose_columns(cells)
        found = _find_problems(source, table)
        problems += found
        if not found:
            parts.append(_tidy(source, table, known))
            problems += _find_strangers(source, parts[-1])
    if problems:
        raise Refused(problems)
    rows = {source: len(cells) for source, cells in tables.items()}
    if not parts:
        return Campaigns(pd.DataFrame(), (), rows)
    told: list[Assumption] = []
    every = pd.concat(parts, ignore_index=True)
    unknown = every["customer_id"].isna()
    told += _tell(every[unknown], state("assumed-campaigns.unknown"))
    every = _stand_by_the_plan(every[~unknown], told)
    every = _leave_out_doubles(every, told)
    every = _fill_days(every, told)
    late = every["sent_on"] > last_day
    told += _tell(every[late], state("assumed-campaigns.late"))
    every = every[~late]
    if (without := every[every[PLANNED].isna()])["campaign"].nunique():
        names = join_words(sorted(without["campaign"].unique())[:5])
        said = state(
            "assumed-campaigns.control-share",
            share=percent(control_share),
            names=names,
            column=PLANNED,
        )
        told.append(Assumption("campaigns", said, setting="campaigns.control_share"))
    every[PLANNED] = every[PLANNED].fillna(control_share).astype(float)
    columns = ["customer_id", "campaign", "group", "sent_on", PLANNED, COST, OFFER]
    return Campaigns(every[[*columns, "half", "segment"]].reset_index(drop=True), tuple(told), rows)


def is_header(names: Collection[str]) -> bool:
    """Tell whether a file with these columns is one of past campaigns.

    Examples
    --------
    >>> is_header(["Customer ID", "Campaign", "Group", "Sent on", "City"])
    True
    """
    return {*REQUIRED} <= {_plain(name) for name in names}


def _plain(name: object) -> str:
    return str(name).strip().casefold().replace(" ", "_")


def choose_columns(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the known columns of a file as text, however their names are capitalized."""
    table = cells.rename(columns={name: _plain(name) for name in cells.columns})
    known = [name for name in (*REQUIRED, *OPTIONAL) if name in table]
    return table[known].apply(lambda column: column.astype("str").fillna("").str.strip())


def read_days(texts: pd.Series) -> pd.Series:
    """Return the days that texts stand for; missing where there is none, or it is unclear which.

    Other ways to write a day than `DAY` count where all days of the file fit in one of them only.

    Examples
    --------
    >>> str(read_days(pd.Series(["12/15/2011", ""])).min())
    '2011-12-15 00:00:00'
    >>> read_days(pd.Series(["12/05/2011"])).tolist()
    [NaT]
    """
    written = texts[texts != ""]
    usual = pd.to_datetime(texts, format=DAY, errors="coerce")
    if usual.notna().any():
        return usual
    found = [pd.to_datetime(written, format=one, errors="coerce") for one in OTHER_DAYS]
    whole = [days for days in found if days.notna().all()]
    # Day and month may be the same: then both ways give the same days.
    if whole and all(days.equals(whole[0]) for days in whole):
        return whole[0].reindex(texts.index)
    return usual


def _find_problems(source: str, table: pd.DataFrame) -> list[Problem]:
    missing = [name for name in REQUIRED if name not in table]
    if missing:
        remedy = f"A file of campaigns needs the columns {join_words(REQUIRED)}."
        rule = f"there is no column {join_words(missing)}"
        return [Problem(source, rule, remedy=remedy)]
    days = read_days(table["sent_on"])
    share = pd.to_numeric(table.get(PLANNED, pd.Series("0.5", table.index)), errors="coerce")
    rules = {
        "customer_id": (table["customer_id"] == "", "the id is empty", "Give each row its id."),
        "campaign": (table["campaign"] == "", "the name is empty", "Name each row's campaign."),
        "group": (
            ~table["group"].str.casefold().isin([CONTACTED, CONTROL]),
            f"a group is neither '{CONTACTED}' nor '{CONTROL}'",
            "Use these two words.",
        ),
        "sent_on": (
            days.isna() & (table["sent_on"] != ""),
            "a day is not written as 2026-01-31",
            "Write all days like this, or leave them empty where nothing was sent.",
        ),
        PLANNED: (
            ~share.between(0, 1, inclusive="neither"),
            "a share is not between 0 and 1",
            "Write the share of the control group as 0.2, for example.",
        ),
        **{
            name: (
                ~pd.to_numeric(table.get(name, pd.Series("0", table.index)), errors="coerce").ge(0),
                "a cost is not a number of 0 or more",
                "Write costs as 0.50, for example.",
            )
            for name in (COST, OFFER)
        },
    }
    return [
        Problem(source, rule, name, int(bad.sum()), _example(table[bad], name), remedy)
        for name, (bad, rule, remedy) in rules.items()
        if bad.any()
    ]


def _example(rows: pd.DataFrame, column: str) -> str:
    # Below the header, and counted from 1.
    return f"'{rows[column].iloc[0]}' in row {rows.index[0] + 2}"


def _tidy(source: str, table: pd.DataFrame, known: Mapping[str, str]) -> pd.DataFrame:
    """Return a file's rows with typed values; customer_id is missing where none matches."""
    planned = PLANNED in table
    return pd.DataFrame(
        {
            "source": source,
            "customer_id": table["customer_id"].map(bare_id).map(known),
            "campaign": table["campaign"],
            "group": table["group"].str.casefold(),
            "sent_on": read_days(table["sent_on"]),
            PLANNED: pd.to_numeric(table[PLANNED]) if planned else float("nan"),
            COST: pd.to_numeric(table[COST]) if COST in table else float("nan"),
            OFFER: pd.to_numeric(table[OFFER]) if OFFER in table else float("nan"),
            "half": table.get("half", ""),
            "segment": table.get("segment", ""),
            "planned": planned,
        }
    )


def _find_strangers(source: str, table: pd.DataFrame) -> list[Problem]:
    unknown = table["customer_id"].isna()
    if not len(table) or unknown.mean() <= UNKNOWN_SHARE:
        return []
    share = percent(float(unknown.mean()))
    return [
        Problem(
            source,
            f"{share} of the rows name customers whom the orders do not have",
            "customer_id",
            int(unknown.sum()),
            remedy="Use the customer ids of the orders, or remove the file.",
        )
    ]


def _tell(rows: pd.DataFrame, said: tuple[Said, ...]) -> list[Assumption]:
    """Return what is said of some rows of the files, file by file."""
    return [
        Assumption("campaigns", said, source=str(source), rows=len(own))
        for source, own in rows.groupby("source")
    ]


def _stand_by_the_plan(every: pd.DataFrame, told: list[Assumption]) -> pd.DataFrame:
    """Leave the rows of plans, and of campaigns without one; tell what was done otherwise."""
    plans = every[every["planned"]]
    known = every["campaign"].isin(plans["campaign"])
    sent = every[known & ~every["planned"]]
    groups = plans.drop_duplicates(["campaign", "customer_id"]).set_index(
        ["campaign", "customer_id"]
    )["group"]
    drawn = groups.reindex(pd.MultiIndex.from_frame(sent[["campaign", "customer_id"]])).to_numpy()
    contacted = (sent["group"] == CONTACTED).to_numpy()
    told += _tell(
        sent[contacted & (drawn == CONTROL)],
        state("assumed-campaigns.control-contacted"),
    )
    told += _tell(sent[pd.isna(drawn)], state("assumed-campaigns.on-no-list"))
    # The day is taken from what was sent, where the plan was not completed.
    days = sent.groupby("campaign")["sent_on"].min()
    kept = every[every["planned"] | ~known].copy()
    kept["sent_on"] = kept["sent_on"].fillna(pd.to_datetime(kept["campaign"].map(days.to_dict())))
    return kept


def _leave_out_doubles(every: pd.DataFrame, told: list[Assumption]) -> pd.DataFrame:
    """Leave out customers who are in both groups of a campaign, and rows that are there twice."""
    keys = ["campaign", "customer_id"]
    both = every.groupby(keys)["group"].transform("nunique") > 1
    told += _tell(every[both], state("assumed-campaigns.both-groups"))
    kept = every[~both]
    again = kept.duplicated(keys)
    told += _tell(kept[again], state("assumed-campaigns.repeated"))
    return kept[~again].copy()


def _fill_days(every: pd.DataFrame, told: list[Assumption]) -> pd.DataFrame:
    """Give each customer of a campaign its day; leave out campaigns that were not sent.

    Nobody was sent anything in the control group, and a customer whom a campaign missed is judged
    with those it reached: both get the day of the campaign.
    """
    first = every.groupby("campaign")["sent_on"].transform("min")
    told += _tell(every[first.isna()], state("assumed-campaigns.no-day"))
    every["sent_on"] = every["sent_on"].fillna(first)
    return every[first.notna()].copy()

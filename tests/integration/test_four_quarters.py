"""Test four quarters of the loop: plan, lists, responses, measurement, and the plan after that.

The orders are real; the responses are made up: some customers who were contacted place an order
more. What the report, its tables and its lists say must agree in each quarter.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import choose_from_few, draw_nothing, quick_settings_file
from summary_said import check_summary

from analysis.__main__ import main
from analysis.core.formatting import bare_points, count, estimate
from analysis.core.names import LEDGER, LOSES
from analysis.core.sentences import fill
from analysis.strategy.contact_lists import file_names, write_lists
from analysis.strategy.names import ALL_CAMPAIGNS, CONTACTED, CONTROL

#: The days of four builds; the last is the day after the last order.
DAYS = ("2011-03-11", "2011-06-10", "2011-09-09", "2011-12-10")
#: Messages are sent a week after a build; who is won orders within so many days after that.
WAIT, SPAN = 7, 60
#: So many more of the contacted order because of it, in the share of all who were contacted.
UPLIFT = {"Potential loyalists": 0.25, "Champions": 0.25}


class Quarter(NamedTuple):
    """A build, and the lists that were exported from it."""

    build: Path
    groups: pd.DataFrame


def read_orders(folder: Path) -> list[pd.DataFrame]:
    """Return the files of the two years, with the columns of the first."""
    files = [pd.read_parquet(path) for path in sorted((folder / "transactions").glob("*.parquet"))]
    return [file.set_axis(files[0].columns, axis=1) for file in files]


def respond(groups: pd.DataFrame, orders: pd.DataFrame, sent: pd.Timestamp) -> pd.DataFrame:
    """Return the order lines that customers add because they were contacted.

    Each orders once more what he or she ordered last. Nobody in a control group does.
    """
    random = np.random.default_rng(sent.toordinal())
    contacted = groups[groups["group"] == CONTACTED]
    won = contacted[random.random(len(contacted)) < contacted["segment"].map(UPLIFT).fillna(0.0)]
    sold = orders[(orders["Quantity"] > 0) & (orders["Price"] > 0)]
    sold = sold[sold["Customer ID"].isin(won["customer_id"].astype(float))]
    last = sold.sort_values("InvoiceDate", kind="stable").groupby("Customer ID").tail(3)
    days = pd.to_timedelta(random.integers(1, SPAN, len(won)), unit="D")
    when = pd.Series(sent + days, won["customer_id"].astype(float))
    numbers = pd.Series([f"9{sent:%y%m%d}{n:04d}" for n in range(len(won))], when.index)
    return last.assign(
        Invoice=last["Customer ID"].map(numbers),
        InvoiceDate=last["Customer ID"].map(when).astype(last["InvoiceDate"].dtype),
    )


def run_quarters(shop: Path, box: Path) -> list[Quarter]:
    """Build, export, send and wait, four times; each build has the campaigns of those before."""
    settings = quick_settings_file(box / "settings.toml")
    first, second = read_orders(shop)
    data = box / "data"
    (data / "transactions").mkdir(parents=True)
    (data / "campaigns").mkdir()
    done: list[Quarter] = []
    for day in DAYS:
        for number, orders in enumerate((first, second)):
            known = orders[orders["InvoiceDate"] < day]
            if len(known):
                known.to_parquet(data / "transactions" / f"orders-{number}.parquet", index=False)
        build = box / f"build-{day}"
        # Of the day itself, whatever the last order's.
        (data / "settings.toml").write_text(f'[report]\nas_of = "{day}"\n', encoding="utf-8")
        command = ["build", "--data", data, "--out", build, "--settings", settings]
        assert main([*map(str, command)]) == 0
        write_lists(build)
        groups = pd.read_csv(build / "export" / "groups.csv", dtype="str", keep_default_na=False)
        done.append(Quarter(build, groups))
        sent = pd.Timestamp(day) + pd.Timedelta(days=WAIT)
        plan = groups.assign(sent_on=groups["group"].map({CONTACTED: f"{sent:%Y-%m-%d}"}))
        plan.to_csv(data / "campaigns" / f"groups-{day}.csv", index=False)
        second = pd.concat([second, respond(groups, pd.concat([first, second]), sent)])
    return done


@pytest.fixture(scope="module")
def quarters(two_years: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Quarter]:
    with pytest.MonkeyPatch.context() as patch:
        draw_nothing(patch)
        choose_from_few(patch)
        return run_quarters(two_years, tmp_path_factory.mktemp("quarters"))


# ------------------------------------------------------------------------- what must agree


class Said(NamedTuple):
    """What a build and its export say, ready to be compared."""

    text: dict[str, str]
    facts: dict[str, Any]
    actions: Any
    customers: pd.DataFrame
    lists: dict[str, pd.DataFrame]
    groups: pd.DataFrame


def read(quarter: Quarter) -> Said:
    build = quarter.build
    actions = pd.read_parquet(build / "actions.parquet").set_index("segment")
    folder, names = build / "export" / "contacts", file_names([*actions.index])
    return Said(
        json.loads((build / "text.json").read_text(encoding="utf-8")),
        json.loads((build / "facts.json").read_text(encoding="utf-8")),
        actions,
        pd.read_parquet(build / "customers.parquet"),
        {
            segment: pd.read_csv(path, dtype={"customer_id": "str"})
            for segment, name in names.items()
            if (path := folder / f"{LEDGER}-{name}").is_file()
        },
        quarter.groups,
    )


def cards(build: Path, name: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the badge and the lines of each card, by its title."""
    made = json.loads((build / "cards" / f"{name}.json").read_text(encoding="utf-8"))["cards"]
    return {one["title"]: (one["badge"], dict(one["lines"])) for one in made}


def cells(build: Path, name: str) -> dict[str, list[str]]:
    """Return the cells of each row of a table that was set, by the first of them."""
    text = (build / "tables" / f"{name}.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, flags=re.DOTALL)
    found = {}
    for row in rows:
        inner = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.DOTALL)
        if inner:
            first, *rest = (html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in inner)
            found[first] = rest
    return found


def check_lists(said: Said) -> None:
    """Customers, lists, groups and actions name the same people, each once."""
    people = said.customers.set_index("customer_id")
    listed = said.actions[said.actions["listed"] > 0]
    assert len(listed), "nothing was planned: the test shows nothing"
    assert set(said.lists) == set(listed.index)
    on_lists = pd.concat(said.lists.values(), keys=said.lists, names=["list"]).reset_index("list")
    assert on_lists["customer_id"].is_unique and said.groups["customer_id"].is_unique
    assert said.lists.keys() == dict(said.groups.groupby("segment").size()).keys()
    contacted = said.groups[said.groups["group"] == CONTACTED]
    control = said.groups[said.groups["group"] == CONTROL]
    assert set(contacted["customer_id"]) == set(on_lists["customer_id"])
    assert not set(control["customer_id"]) & set(on_lists["customer_id"])
    for segment, row in listed.iterrows():
        own = said.lists[str(segment)]
        assert len(own) == row["listed"] == (contacted["segment"] == segment).sum()
        assert row["control"] == (control["segment"] == segment).sum()
        assert (people.loc[own["customer_id"], "segment"] == segment).all()
        assert (own["action"] == row["action"]).all()
    # The table for users: who has an action, and in which group everybody is.
    told = people["group"].fillna("none")
    assert set(told[told == CONTACTED].index) == set(contacted["customer_id"])
    assert set(told[told == CONTROL].index) == set(control["customer_id"])
    assert set(people.index[people["action"].notna()]) == set(contacted["customer_id"])
    # What does not pay is recommended nowhere.
    loses = said.actions[said.actions["verdict"] == LOSES]
    assert not loses["listed"].any() and not loses["control"].any()
    assert not (said.actions["expected_profit"] <= 0)[said.actions["listed"] > 0].any()
    # A fifth is held out, up to a customer an action.
    share = listed["control"] / (listed["control"] + listed["listed"])
    assert ((share - 0.2).abs() * (listed["control"] + listed["listed"]) <= 1).all()


def check_money(said: Said, build: Path) -> None:
    """Customers' values add up to actions, actions to the whole, and the texts say these sums."""
    listed = said.actions[said.actions["listed"] > 0]
    text = said.text
    if listed["expected_profit"].isna().all():  # the season is not known
        assert text["action-value.none"] == text_of_season(len(listed))
        assert all(own["expected_value"].isna().all() for own in said.lists.values())
        assert "summary-scale.said-orders" not in text
        return
    assert listed["expected_profit"].notna().all()
    for segment, row in listed.iterrows():
        values = said.lists[str(segment)]["expected_value"]
        reach = row["contacts"] / row["listed"]
        assert values.sum() * reach == pytest.approx(row["expected_profit"], rel=1e-3, abs=0.05)
        assert values.is_monotonic_decreasing and (values > 0).all()
    total = float(listed["expected_profit"].sum())
    curve = pd.read_parquet(build / "action_budget.parquet").iloc[-1]
    assert curve["listed"] == listed["listed"].sum() == said.facts["strategy.ledger.listed"]
    for name in ("contacts", "cost", "expected_profit"):
        assert curve[name] == pytest.approx(float(listed[name].sum()), rel=1e-6)
        assert said.facts[f"strategy.ledger.{name}"] == pytest.approx(curve[name])
    gain = estimate(total, "£")
    for key in ("action-value.headline", "action-budget.headline", "summary-scale.said-orders"):
        assert gain in text[key], key
    assert estimate(curve["cost"], "£") in text["action-budget.said-cost"]
    forgone = estimate(float(listed["forgone"].sum()), "£")
    assert forgone in text["action-tests.said-held-out"]
    assert forgone in cards(build, "summary-decisions")["Keep a control group"][1]["Why"]
    # The table of the chapter, row by row.
    for name, shown in cells(build, "action-values").items():
        action = said.actions.loc[name]
        assert estimate(action["expected_profit"], "£") in shown[0], name
        assert any(count(action["contacts"]) in cell for cell in shown), name


def text_of_season(number: int) -> str:
    return fill("strategy", "value.none-season", count=number)


def check_words(said: Said, build: Path) -> None:
    """Cards of the summary, of the strategy and of the segments say what the actions say."""
    listed = said.actions[said.actions["listed"] > 0]
    decided = cards(build, "summary-decisions")
    badge, test = decided.pop("Keep a control group")
    held_out = count(listed["control"].sum())
    assert held_out in test["Who and when"] and held_out in said.text["action-tests.said-held-out"]
    assert 1 <= len(decided) <= 3
    for title, (badge, lines) in decided.items():
        asked = re.fullmatch(r"Contact “(.+)”", title)
        assert asked, title
        row = listed.loc[asked[1]]
        assert badge == row["verdict"] != LOSES
        assert f"the {count(row['listed'])} customers on the list" in lines["Who and when"]
        assert estimate(row["cost"], "£") in lines["Cost and gain"]
        if pd.notna(row["expected_profit"]):
            assert estimate(row["expected_profit"], "£") in lines["Cost and gain"]
        assert bare_points(row["break_even_uplift"]) in lines["When to stop"]
        assert bare_points(row["uplift"]) in lines["When to stop"]
    for name in ("action-cards", "segment-cards"):
        found = cards(build, name)
        assert set(found) == set(said.actions.index[said.actions["shown"]])
        for segment, (badge, lines) in found.items():
            row, told = said.actions.loc[segment], " ".join(lines.values())
            assert badge == row["verdict"], segment
            on_list = re.findall(r"([\d,]+) customers on the list", told)
            assert set(on_list) <= {count(row["listed"])}, segment
            assert bool(on_list) == (row["listed"] > 1), (name, segment, told)
            assert (row["action"].removesuffix(".") in told) <= (row["verdict"] != LOSES), segment


def check_campaigns(said: Said, build: Path, earlier: list[Quarter]) -> None:
    """What was measured is what was sent, and the plan uses it."""
    if not earlier:
        assert not (build / "campaigns.parquet").exists() and not said.actions["campaigns"].any()
        return
    sent = pd.concat([one.groups for one in earlier])
    table = pd.read_parquet(build / "campaigns.parquet")
    single = table[(table["campaign"] != ALL_CAMPAIGNS) & (table["outcome"] == "ordered")]
    sizes = sent.groupby(["campaign", "group"]).size().unstack(fill_value=0)
    assert set(single["campaign"]) <= set(sizes.index)
    for row in single.to_dict("records"):
        assert row["treated"] == sizes.loc[row["campaign"], CONTACTED]
        assert row["control"] == sizes.loc[row["campaign"], CONTROL]
        assert row["srm_p"] > 0.001
    # All but those of the smallest groups are measured.
    least = sizes.min(axis=1)
    assert set(single["campaign"]) == set(least.index[least >= 5])
    known = said.actions.loc[said.actions["reason"] == "", "campaigns"]
    measured = single.groupby("segment").size()
    assert known.to_dict() == measured.reindex(known.index, fill_value=0).to_dict()
    updates: Any = pd.read_parquet(build / "campaign_updates.parquet").set_index("segment")
    assert updates["campaigns"].to_dict() == measured.to_dict()
    for segment, update in updates[~updates["harmed"]].iterrows():
        low, high = sorted([update["assumed"], update["measured"]])
        assert low - 1e-9 <= update["updated"] <= high + 1e-9, segment
    results = cells(build, "campaign-results")
    for row in single.to_dict("records"):
        shown = results[row["campaign"]]
        assert count(row["treated"]) in shown and count(row["control"]) in shown
    assert said.facts["campaigns.contacted"] == single["treated"].sum()


@pytest.mark.drill
def test_four_quarters_never_contradict_themselves(quarters: list[Quarter]) -> None:
    seasons = []
    for number, quarter in enumerate(quarters):
        said = read(quarter)
        check_lists(said)
        check_words(said, quarter.build)
        check_money(said, quarter.build)
        check_campaigns(said, quarter.build, quarters[:number])
        check_summary(quarter.build)
        seasons.append(bool(said.facts["forecast.season_known"]))
    # Both kinds of plan were compared: with what is expected, and without.
    assert seasons == [False, True, True, True]


@pytest.mark.drill
def test_what_was_planted_is_found_over_the_year(quarters: list[Quarter]) -> None:
    table = pd.read_parquet(quarters[-1].build / "campaigns.parquet")
    own = table[(table["outcome"] == "ordered") & (table["campaign"] != ALL_CAMPAIGNS)]
    for segment, uplift in UPLIFT.items():
        part = own[own["segment"] == segment]
        weights = 1 / (part["high"] - part["low"]) ** 2
        mean = float((part["uplift"] * weights).sum() / weights.sum())
        error = float(1 / np.sqrt(weights.sum() * (2 * 1.96) ** 2))
        # Some would have ordered anyway: of these no order more is counted, and none was planned.
        assert 0 < mean <= uplift + 3 * error, segment
    told: Any = pd.read_parquet(quarters[-1].build / "campaign_updates.parquet")
    told = told.set_index("segment")
    assert all(told.loc[name, "updated"] > told.loc[name, "assumed"] for name in UPLIFT)


@pytest.mark.drill
def test_lists_come_out_the_same_when_they_are_exported_again(quarters: list[Quarter]) -> None:
    folder = quarters[-1].build / "export"
    before = {path.name: path.read_bytes() for path in folder.rglob("*.csv")}
    write_lists(quarters[-1].build)
    assert {path.name: path.read_bytes() for path in folder.rglob("*.csv")} == before

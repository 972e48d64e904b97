"""Recompute each statement of a build's summary, from its tables of customers, orders and actions.

Whatever has a digit must be computed here too: a statement that is not known here fails the check,
and so does a number that is left over.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.core.formatting import (
    bare_points,
    change,
    count,
    estimate,
    money,
    months,
    percent,
    shorten,
)
from analysis.core.names import ACTIVITY, LEDGER, LOSES
from analysis.core.settings import Settings
from analysis.forecast.names import HIGH_RISK
from analysis.strategy.names import CONTACTED, CONTROL, TOGETHER

#: Numbers of the templates.
FIXED = ("90 days", "12 months", "in 100")


class Built:
    """What a build left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts, self.text, manifest = (
            json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("facts", "text", "manifest")
        )
        self.settings = Settings.model_validate(manifest["settings"])

    def __call__(self, name: str) -> Any:
        """Return a table; an empty one where there is none."""
        path = self.folder / f"{name}.parquet"
        return pd.read_parquet(path) if path.is_file() else pd.DataFrame()

    def cards(self, name: str) -> list[dict[str, Any]]:
        """Return cards or tiles."""
        path = self.folder / "cards" / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8"))["cards"] if path.is_file() else []


class Summary(Built):
    """A build, and what of its summary was checked."""

    def __init__(self, build: Path) -> None:
        super().__init__(build)
        self.currency = str(self.facts.get("report.currency", ""))
        self.left = {name for name in self.text if re.match(r"summary-[a-z-]+\.said", name)}
        self.people, self.lines, self.regulars = map(
            self, ("customers", "transactions", "activity")
        )
        self.actions = self("actions")

    def says(self, name: str, *values: str) -> None:
        """Hold a sentence to its values: all are in it, and no other number."""
        self.left.discard(name)
        account(self.text[name], *values)


def account(said: str, *values: str) -> None:
    """Assert that a text holds these values, and no other number."""
    rest = said
    for fixed in FIXED:
        rest = rest.replace(fixed, "")
    for value in sorted(values, key=len, reverse=True):
        assert value in rest, f"{value!r} is not in {said!r}"
        rest = rest.replace(value, "", 1)
    assert not re.search(r"\d", rest), f"{said!r} says more than {values}"


def check_summary(build: Path, before: Path | None = None) -> list[str]:
    """Hold the summary of a build to its tables; return the statements that were checked.

    Parameters
    ----------
    build
        The build.
    before
        The build of the last report, where there is one.
    """
    made = Summary(build)
    every = sorted(made.left)
    _check_headline(made)
    _check_tiles(made)
    _check_decisions(made)
    _check_scale(made)
    _check_doubts(made)
    _check_changes(made, before)
    assert not made.left, f"nothing here checks {made.left}"
    return every


def _revenue_of_segments(made: Summary) -> pd.Series:
    own = made.people[["customer_id", "segment"]].merge(made.lines, on="customer_id")
    return own.groupby("segment")["amount"].sum()


def _check_headline(made: Summary) -> None:
    if made.people.empty:
        risky = made.regulars["risk_group"].isin(HIGH_RISK)
        profit = made.regulars["profit"]
        share = percent(profit[risky].sum() / profit.sum())
        made.says("summary-headline.said", count(risky.sum()), count(len(risky)), share)
        return
    sizes = made.people["segment"].value_counts()
    revenue = _revenue_of_segments(made)
    large = revenue[sizes.reindex(revenue.index) >= made.settings.report.smallest_group]
    best = str(large.idxmax())
    values = [count(sizes[best]), shorten(best), percent(large[best] / revenue.sum())]
    if made.facts["forecast.season_known"]:
        values.append(estimate(_at_risk(made), made.currency))
    elif made.people["riskiest"].any():
        values.append(money(_recent(made, made.people["riskiest"]), made.currency))
    made.says("summary-headline.said", *values)


def _at_risk(made: Summary) -> float:
    active = made.people[made.people["active"]]
    return float((active["lapse_probability_90"] * active["spend_if_ordering_90"]).sum())


def _recent(made: Summary, who: pd.Series) -> float:
    """Return the net revenue of the last 365 days of some customers."""
    end = pd.Timestamp(made.facts["transactions.as_of"])
    late = made.lines["invoice_date"].between(end - pd.Timedelta(days=365), end, inclusive="left")
    inside = late & made.lines["customer_id"].isin(made.people.loc[who, "customer_id"])
    return float(made.lines.loc[inside, "amount"].sum())


def _check_tiles(made: Summary) -> None:
    tiles = {tile["label"]: tile for tile in made.cards("summary-tiles")}
    if made.people.empty:
        _check_tiles_of_regulars(made)
        assert not tiles
        return
    _check_sales(made, tiles)
    active = made.people[made.people["active"]]
    if made.facts["forecast.season_known"]:
        tile = tiles.pop("Customers expected not to order in the next 90 days")
        away = active["lapse_probability_90"]
        account(tile["value"], count(away.sum()))
        values = [percent(away.mean()), count(len(active))]
        if " a year earlier, " in tile["note"]:
            values.append(percent(made.facts["forecast.earlier_away_90_active"]))
        account(tile["note"], *values)
        tile = tiles.pop("Net revenue at risk in the next 90 days")
        account(tile["value"], estimate(_at_risk(made), made.currency))
        row = made("coming").query("kind == 'all'").iloc[0]
        ends = (row["at_risk_90_low"], row["at_risk_90_high"])
        assert ends[0] < _at_risk(made) < ends[1]
        amounts = (
            *ends,
            made.people["expected_spend_90"].sum(),
            made.facts["forecast.earlier_known_90"],
        )
        account(tile["note"], *(estimate(one, made.currency) for one in amounts))
    elif made.people["riskiest"].any():
        tile = tiles.pop("Customers in the riskiest fifth")
        account(tile["value"], count(made.people["riskiest"].sum()))
        assert made.people["riskiest"].sum() == round(0.2 * active["lapse_probability"].count())
        account(tile["note"], count(len(active)))
        tile = tiles.pop("Their net revenue in the last 12 months")
        revenue = _recent(made, made.people["riskiest"])
        account(tile["value"], money(revenue, made.currency))
        every = _recent(made, made.people["active"] | True)
        account(tile["note"], percent(revenue / every))
    if len(made.regulars):
        tile = tiles.pop("Regular customers at high risk of buying less")
        risky = made.regulars["risk_group"].isin(HIGH_RISK)
        profit = made.regulars["profit"]
        account(tile["value"], count(risky.sum()))
        account(tile["note"], count(len(risky)), percent(profit[risky].sum() / profit.sum()))
    assert not tiles, f"nothing here checks {list(tiles)}"


def _check_sales(made: Summary, tiles: dict[str, Any]) -> None:
    """Net revenue and orders: of the last three whole months, and of the same a year earlier."""
    monthly = made("monthly")
    whole = monthly.loc[monthly["whole"], "month"]
    if len(whole) < 3:
        return
    span = whole.iloc[-3:]

    def inside(first: pd.Timestamp) -> pd.DataFrame:
        end = first + pd.DateOffset(months=3)
        return made.lines[made.lines["invoice_date"].between(first, end, inclusive="left")]

    now, before = inside(span.iloc[0]), inside(span.iloc[0] - pd.DateOffset(years=1))
    for kind, total, write in (
        ("Net revenue", lambda some: some["amount"].sum(), lambda x: money(x, made.currency)),
        ("Orders", lambda some: some["order_id"].nunique(), count),
    ):
        label = f"{kind}, {months(span.iloc[0], span.iloc[-1])}"
        tile = tiles.pop(label)
        account(tile["value"], write(total(now)))
        if "no data" not in tile["note"]:
            account(tile["note"], change(total(now), total(before)))
        else:
            assert made.lines["invoice_date"].min() > span.iloc[0] - pd.DateOffset(years=1)


def _check_tiles_of_regulars(made: Summary) -> None:
    people = made.regulars
    tiles = {tile["label"]: tile for tile in made.cards("summary-tiles-of-regulars")}
    tile = tiles.pop("Regular customers")
    account(tile["value"], count(len(people)))
    account(tile["note"], percent(people["decline"].mean()))
    tile = tiles.pop("Revenue this month")
    sums = people[["revenue_this_month", "revenue_last_month"]].sum()
    account(tile["value"], money(sums.iloc[0], str(made.facts["activity.currency"])))
    account(tile["note"], change(sums.iloc[0], sums.iloc[1]))
    listed = people[people["group"].notna()]
    if len(listed):
        tile = tiles.pop("Customers worth contacting")
        account(tile["value"], count(len(listed)))
        curve = made("contact_curve")
        line = curve.loc[curve["chosen"].astype(bool), "threshold"].iloc[0]
        assert (listed["decline_probability"] >= line).all() and listed["consent"].all()
        account(tile["note"], percent(line), *_many((listed["group"] == CONTROL).sum()))
        tile = tiles.pop("Monthly profit of the customers worth contacting")
        account(tile["value"], count(listed["profit"].sum()))
        account(tile["note"], percent(listed["profit"].sum() / people["profit"].sum()))
    else:
        tile = tiles.pop("Regular customers at high risk of buying less")
        risky = people["risk_group"].isin(HIGH_RISK)
        account(tile["value"], count(risky.sum()))
        share = percent(people.loc[risky, "profit"].sum() / people["profit"].sum())
        account(tile["note"], count(len(people)), share)
    assert not tiles, f"nothing here checks {list(tiles)}"


def _check_decisions(made: Summary) -> None:
    cards = {card["title"]: card for card in made.cards("summary-decisions")}
    if not cards:
        # No group is large enough to put a value on an action.
        assert made.actions.empty or not made.actions["listed"].gt(0).any()
        return
    for half, people, column, currency in (
        (LEDGER, made.people, "segment", made.currency),
        (ACTIVITY, made.regulars, "risk_group", ""),
    ):
        own = made.actions[made.actions["half"] == half]
        own = own[own["listed"] > 0]
        asked = []
        for row in own.to_dict("records"):
            name = shorten(row["segment"])
            titles = {LEDGER: f"Contact “{name}”", ACTIVITY: f"Contact regular customers: {name}"}
            card = cards.pop(titles[half], None)
            if card is None:
                continue
            asked.append(row)
            assert card["badge"] == row["verdict"] != LOSES
            contacted = people[(people[column] == row["segment"]) & (people["group"] == CONTACTED)]
            _check_decision(dict(card["lines"]), row, contacted, currency)
        # The decisions are those that bring most.
        if asked and own["rank"].notna().any():
            rest = own.loc[~own["segment"].isin([row["segment"] for row in asked])]
            worst = min(row["expected_profit"] for row in asked)
            assert not (rest["expected_profit"] > worst).any()
    if card := cards.pop("Keep a control group", None):
        _check_control_group(made, dict(card["lines"]))
    for title, card in cards.items():
        half = {"Contact no segment for now": LEDGER}.get(title, ACTIVITY)
        assert title in ("Contact no segment for now", "Contact no regular customers for now")
        own = made.actions[made.actions["half"] == half]
        assert not own["listed"].any() and card["badge"] == LOSES
        best = own.loc[own["expected_profit"].idxmax()]
        loss = estimate(-best["expected_profit"], made.currency if half == LEDGER else "")
        account(dict(card["lines"])["Why"], loss, shorten(best["segment"]))


def _check_decision(
    said: dict[str, str],
    row: dict[Any, Any],
    contacted: pd.DataFrame,
    currency: str,
) -> None:
    assert len(contacted) == row["listed"]
    account(said["Who and when"].replace(str(row["timing"]).rstrip("."), ""), *_many(row["listed"]))
    assert str(row["action"]).rstrip(".") in said["What"]
    values = [row["cost"]]
    if pd.notna(row["expected_profit"]):
        values += [row["expected_profit"], row["low"], row["high"]]
        assert row["low"] <= row["expected_profit"] <= row["high"]
        reach = row["contacts"] / row["listed"]
        total = contacted["expected_value"].sum() * reach
        assert total == pytest.approx(row["expected_profit"], rel=1e-3, abs=0.05)
    account(said["Cost and gain"], *(estimate(value, currency) for value in values))
    if pd.notna(row["break_even_uplift"]):
        stop = [bare_points(row["break_even_uplift"]), bare_points(row["uplift"])]
        account(said["When to stop"], *stop, *_many(row["campaigns"]))


def _many(number: float) -> list[str]:
    """Return the digits of a count; one is a word."""
    return [count(number)] if number > 1 else []


def _check_control_group(made: Summary, said: dict[str, str]) -> None:
    held_out = sum((people["group"] == CONTROL).sum() for people in _with_groups(made))
    account(said["Who and when"], *_many(held_out))
    listed = made.actions[made.actions["listed"] > 0]
    half = LEDGER if listed["half"].eq(LEDGER).any() else ACTIVITY
    own = listed[listed["half"] == half]
    if own["forgone"].notna().any():
        # The control group is a part of each list: what it forgoes is like what the others bring.
        parts = own["expected_profit"] * own["control"] / own["listed"]
        assert own["forgone"].sum() == pytest.approx(parts.sum(), rel=0.15)
        currency = made.currency if half == LEDGER else ""
        account(said["Why"], estimate(own["forgone"].sum(), currency))
    tests = made("action_experiments")
    tests = tests[tests["half"] == half] if len(tests) else tests
    tests = tests[tests["detectable"].notna() & tests["chance_decided"].notna()]
    if tests.empty:
        account(said["What it shows"])
        return
    row = tests.sort_values("segment", key=lambda names: names != TOGETHER, kind="stable").iloc[0]
    values = [bare_points(row[name]) for name in ("detectable", "expected")]
    values.append(percent(row["chance_decided"]))
    account(said["What it shows"], *values, count(made.settings.strategy.most_waves))
    assert ("kept" in said["What it shows"]) == (half == ACTIVITY)


def _with_groups(made: Summary) -> list[pd.DataFrame]:
    return [people for people in (made.people, made.regulars) if "group" in people]


def _check_scale(made: Summary) -> None:
    paying = made.actions[made.actions["expected_profit"] > 0]
    gains = paying.groupby("half")["expected_profit"].agg(["sum", "size"])
    costs = paying.groupby("half")["cost"].sum()
    unknown = made.actions[(made.actions["listed"] > 0) & made.actions["expected_profit"].isna()]
    assert ("summary-scale.said-cost" in made.text) == bool(len(unknown))
    if len(unknown):
        cost = estimate(unknown["cost"].sum(), made.currency)
        made.says("summary-scale.said-cost", cost, *_many(len(unknown)))
    if "summary-scale.said-small" in made.text:
        made.says("summary-scale.said-small")
        for half, total in gains["sum"].items():
            months_of = made.settings.contact.months
            profit = made.regulars["profit"].sum() * months_of if half == ACTIVITY else None
            assert total < 0.01 * (_latest_net(made) if profit is None else profit)
    if "summary-scale.said-orders" in made.text:
        revenue = _latest_net(made)
        gain = gains.loc[LEDGER]
        values = [estimate(gain["sum"], made.currency), percent(gain["sum"] / revenue, 1)]
        values += [money(revenue, made.currency), estimate(costs[LEDGER], made.currency)]
        made.says("summary-scale.said-orders", *values, *_many(gain["size"]))
    if "summary-scale.said-regulars" in made.text:
        span = made.settings.contact.months
        profit = made.regulars["profit"].sum() * span
        gain = gains.loc[ACTIVITY]
        values = [estimate(gain["sum"], ""), percent(gain["sum"] / profit, 1), count(profit)]
        values += [count(span, "month"), *_many(gain["size"]), estimate(costs[ACTIVITY], "")]
        made.says("summary-scale.said-regulars", *values)
    # Where something pays, its scale is told.
    told: dict[Any, str] = {
        LEDGER: "summary-scale.said-orders",
        ACTIVITY: "summary-scale.said-regulars",
    }
    if len(made("recent_change")):
        assert all(told[half] in made.text for half in gains.index)


def _latest_net(made: Summary) -> float:
    """Return the net revenue of the last three whole months."""
    return float(made("recent_change").query("period == 'latest'")["net_revenue"].iloc[0])


def _check_doubts(made: Summary) -> None:
    if "summary-doubts.said-uplift" in made.text:
        said = made.text["summary-doubts.said-uplift"]
        known = made.actions[made.actions["uplift"].notna()]
        (row,) = [
            one for one in known.to_dict("records") if f"or {shorten(one['segment'])}" in said
        ]
        values = [shorten(row["segment"])]
        if pd.notna(row["break_even_uplift"]):
            values += [bare_points(row["uplift"]), bare_points(row["break_even_uplift"])]
            values += _many(row["campaigns"])
        made.says("summary-doubts.said-uplift", *values)
        assert ("No data yet" in said) == (not row["campaigns"])
    if "summary-doubts.said-season" in made.text:
        earlier = made.facts.get("forecast.earlier_away_90_active")
        rates = [*made("lapse_rates")["share"], *([] if earlier is None else [earlier])]
        ends = [percent(min(rates)), percent(max(rates))]
        different = ends[0] != ends[1]
        made.says("summary-doubts.said-season", *(ends if different else []))
    if "summary-doubts.said-nobody" in made.text:
        share = (
            made.facts["transactions.missing_customer_rows"] / made.facts["transactions.raw_rows"]
        )
        made.says("summary-doubts.said-nobody", percent(share))


def _check_changes(made: Summary, before: Path | None) -> None:
    told = [name for name in made.left if name.startswith("summary-changes.")]
    assert not told or before, "the summary tells changes, and there is nothing before"
    if before is None:
        return
    then = Summary(before)
    if "summary-changes.said-customers" in told:
        now, earlier = len(made.people), len(then.people)
        values = [count(now)] + ([count(abs(now - earlier))] if now != earlier else [])
        made.says("summary-changes.said-customers", *values)
    if "summary-changes.said-revenue" in told:
        revenue, was = (_latest_revenue(one) for one in (made, then))
        values = [money(revenue, made.currency)]
        if not np.isclose(revenue, was):
            values.append(money(abs(revenue - was), made.currency))
        made.says("summary-changes.said-revenue", *values, *_digits_of_label(made))
    if "summary-changes.said-regulars" in told:
        share, was = (one.regulars["decline"].mean() for one in (made, then))
        values = [percent(share, 1)]
        if abs(share - was) >= 0.0005:
            values.append(f"{abs(share - was) * 100:.1f} point")
        made.says("summary-changes.said-regulars", *values)
    if "summary-changes.said-files" in told:
        findings = pd.concat([made(f"since/{name}") for name in ("history", "noticed")])
        made.says("summary-changes.said-files", *_many((findings["severity"] != "informs").sum()))
    for name in ("lapse", "decline"):
        if f"summary-changes.said-{name}" in told:
            made.says(f"summary-changes.said-{name}")


def _latest_revenue(made: Summary) -> float:
    return float(made.facts["recent.revenue"])


def _digits_of_label(made: Summary) -> list[str]:
    changes = made("since/changes").set_index("fact")
    return re.findall(r"\d[\d,]*", str(changes.loc["recent.revenue", "measure"]))

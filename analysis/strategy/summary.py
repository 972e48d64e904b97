"""Fill the summary: headline, tiles and decisions.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
The decisions are of one plan: the same lists, sizes and amounts stand in the strategy chapter and
in the export. Orders and regular customers have different units, and are never added up.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import (
    bare_points,
    capital,
    change,
    count,
    estimate,
    money,
    months,
    percent,
    shorten,
    top_row,
    without_full_stop,
)
from analysis.core.names import ACTIVITY, LEDGER, LOSES
from analysis.core.presentation import Card, Tile
from analysis.core.sentences import fill
from analysis.forecast.names import HIGH_RISK
from analysis.strategy.names import CONTROL, TOGETHER
from analysis.strategy.summary_text import best_first

say = partial(fill, "strategy")
Row = dict[Any, Any]
#: How many months a sparkline shows.
MONTHS = 12
#: How many actions the summary asks for, beside the test.
ACTIONS = 2
#: From this chance of a clear answer on, a test is not called unlikely to give one.
EVEN = 0.5


def summary_headline(
    segment_profiles: pd.DataFrame | None,
    coming: pd.DataFrame | None,
    risk_groups: pd.DataFrame | None,
    currency: str,
) -> dict[str, str] | None:
    """Say in one line whom the revenue rests on, and what is at risk."""
    shown = pd.DataFrame() if segment_profiles is None else segment_profiles
    shown = shown[shown["shown"]] if len(shown) else shown
    if shown.empty:
        return _headline_of_regulars(risk_groups)
    best = top_row(shown, "revenue_share")
    known: Row = {
        "count": int(best["customers"]),
        "segment": shorten(best["segment"]),
        "share": percent(best["revenue_share"]),
    }
    total = _all_customers(coming)
    if pd.notna(total.get("at_risk_90")):
        risk = estimate(total["at_risk_90"], currency)
        return {"said": say("summary-headline.said", **known, at_risk=risk)}
    if pd.notna(total.get("riskiest_revenue")) and total["riskiest"]:
        recent = money(total["riskiest_revenue"], currency)
        return {"said": say("summary-headline.said-recent", **known, revenue=recent)}
    return {"said": say("summary-headline.said-size", **known)}


def _headline_of_regulars(risk_groups: pd.DataFrame | None) -> dict[str, str] | None:
    risky, everybody = _at_high_risk(risk_groups)
    if not everybody["customers"]:
        return None
    return {
        "said": say(
            "summary-headline.said-regulars",
            count=risky["customers"],
            all=count(everybody["customers"]),
            profit=percent(risky["profit_share"]),
        )
    }


def _all_customers(coming: pd.DataFrame | None) -> Row:
    if coming is None or coming.empty:
        return {}
    return {str(key): value for key, value in coming[coming["kind"] == "all"].iloc[0].items()}


def _at_high_risk(risk_groups: pd.DataFrame | None) -> tuple[Row, Row]:
    """Return customers and share of profit: of those at high risk, and of all."""
    groups = pd.DataFrame() if risk_groups is None else risk_groups
    if groups.empty:
        return {"customers": 0, "profit_share": 0.0}, {"customers": 0, "profit_share": 0.0}
    risky = groups[groups["group"].isin(HIGH_RISK)]
    return (
        {"customers": int(risky["customers"].sum()), "profit_share": risky["profit_share"].sum()},
        {"customers": int(groups["customers"].sum()), "profit_share": 1.0},
    )


# ------------------------------------------------------------------------- tiles


def summary_tiles(
    recent_change: pd.DataFrame,
    monthly: pd.DataFrame,
    coming: pd.DataFrame | None,
    risk_groups: pd.DataFrame | None,
    backtest: pd.DataFrame | None,
    currency: str,
    active_customers: int | None,
    away_90_active: float | None,
    earlier_away_90_active: float | None,
    earlier_known_90: float | None,
) -> list[Tile]:
    """Return the tiles of a shop with orders."""
    tiles = [*_sales(recent_change, monthly, currency)]
    total = _all_customers(coming)
    if total and pd.notna(total["at_risk_90"]) and active_customers and away_90_active is not None:
        tiles += [
            _away(active_customers, away_90_active, earlier_away_90_active),
            _at_risk(total, currency, earlier_known_90 or 0.0),
        ]
    elif total and total["riskiest"] and pd.notna(total["riskiest_revenue"]):
        tiles += _ranking(total, currency)
    tiles = [*tiles[:2], *(_with_outcome(tile, backtest) for tile in tiles[2:])]
    risky, everybody = _at_high_risk(risk_groups)
    if everybody["customers"]:
        tiles.append(_risky_regulars(risky, everybody))
    return tiles


def _sales(recent_change: pd.DataFrame, monthly: pd.DataFrame, currency: str) -> list[Tile]:
    """Return net revenue and orders of the last whole months, against a year earlier."""
    periods = {row["period"]: row for row in recent_change.to_dict("records")}
    if "latest" not in periods:
        return []
    now, before = periods["latest"], periods.get("year_before")
    whole = monthly[monthly["whole"]].tail(MONTHS)
    span = months(now["first"], now["last"])
    made = []
    for label, column, value in (
        (say("summary-tiles.label-revenue", span=span), "net_revenue", money),
        (say("summary-tiles.label-orders", span=span), "orders", None),
    ):
        note = (
            say("summary-tiles.label-note-year", change=change(now[column], before[column]))
            if before
            else say("summary-tiles.label-note-no-year")
        )
        shown = value(now[column], currency) if value else count(now[column])
        made.append(Tile(label, shown, note, tuple(map(float, whole[column]))))
    return made


def _away(active: int, away: float, earlier: float | None) -> Tile:
    """Return how many active customers will place no order, in a season that is known."""
    return Tile(
        say("summary-tiles.label-away"),
        count(away * active),
        say("summary-tiles.label-note-away", share=percent(away), count=active)
        if earlier is None
        else say(
            "summary-tiles.label-note-away-year",
            share=percent(away),
            count=active,
            earlier=percent(earlier),
        ),
    )


def _at_risk(total: Row, currency: str, earlier: float) -> Tile:
    """Return the revenue at risk, beside what is expected and what the season brought last year."""
    return Tile(
        say("summary-tiles.label-at-risk"),
        estimate(total["at_risk_90"], currency),
        say(
            "summary-tiles.label-note-at-risk",
            low=estimate(total["at_risk_90_low"], currency),
            high=estimate(total["at_risk_90_high"], currency),
            expected=estimate(total["expected_90"], currency),
            earlier=estimate(earlier, currency),
        ),
    )


def _ranking(total: Row, currency: str) -> list[Tile]:
    """Return who is riskiest: without a known season, nothing says how many will stop."""
    share = total["riskiest_revenue"] / total["recent_revenue"] if total["recent_revenue"] else 0.0
    return [
        Tile(
            say("summary-tiles.label-riskiest"),
            count(total["riskiest"]),
            say("summary-tiles.label-note-riskiest", count=int(total["active"])),
        ),
        Tile(
            say("summary-tiles.label-recent"),
            money(total["riskiest_revenue"], currency),
            say("summary-tiles.label-note-recent", share=percent(share)),
        ),
    ]


def _with_outcome(tile: Tile, backtest: pd.DataFrame | None) -> Tile:
    """Return a tile of the forecast, with a warning where the last forecast missed."""
    tests = pd.DataFrame() if backtest is None else backtest
    missed = len(tests) and (tests["model"].eq("lapse") & tests["decayed"].eq(True)).any()
    return tile._replace(warning=say("summary-tiles.warning")) if missed else tile


def _risky_regulars(risky: Row, everybody: Row) -> Tile:
    return Tile(
        say("summary-tiles.label-regulars"),
        count(risky["customers"]),
        say(
            "summary-tiles.label-note-regulars",
            count=everybody["customers"],
            profit=percent(risky["profit_share"]),
        ),
    )


def summary_tiles_of_regulars(
    activity: pd.DataFrame,
    risk_groups: pd.DataFrame,
    contact_curve: pd.DataFrame,
    currency: str,
    available: bool,
    kept_declined_share: float,
) -> list[Tile] | None:
    """Return the tiles of a shop without orders: its regular customers, and whom to contact."""
    if available or activity.empty:
        return None
    revenue = [
        float(activity[f"revenue_{month}"].sum())
        for month in ("two_months_ago", "last_month", "this_month")
    ]
    tiles = [
        Tile(
            say("summary-tiles.label-customers"),
            count(len(activity)),
            say("summary-tiles.label-note-declined", share=percent(kept_declined_share)),
        ),
        Tile(
            say("summary-tiles.label-month"),
            money(revenue[-1], currency),
            say("summary-tiles.label-note-month", change=change(revenue[-1], revenue[-2])),
            tuple(revenue),
        ),
    ]
    # The control group is worth contacting, too, and is left out.
    listed = activity[activity["group"].notna()]
    if len(listed):
        risk = contact_curve.loc[contact_curve["chosen"].astype(bool), "threshold"].iloc[0]
        return tiles + _on_lists(listed, float(activity["profit"].sum()), float(risk))
    risky, everybody = _at_high_risk(risk_groups)
    return [*tiles, _risky_regulars(risky, everybody)] if everybody["customers"] else tiles


def _on_lists(listed: pd.DataFrame, whole: float, risk: float) -> list[Tile]:
    """Return the customers on the contact lists, and their profit."""
    profit = float(listed["profit"].sum())
    return [
        Tile(
            say("summary-tiles.label-cut-off"),
            count(len(listed)),
            say(
                "summary-tiles.label-note-cut-off",
                risk=percent(risk),
                count=int(listed["group"].eq(CONTROL).sum()),
            ),
        ),
        Tile(
            say("summary-tiles.label-profit"),
            say("summary-tiles.value-profit", units=count(profit)),
            say("summary-tiles.label-note-profit", share=percent(profit / whole if whole else 0)),
        ),
    ]


# ------------------------------------------------------------------------- decisions


def summary_decisions(
    actions: pd.DataFrame, action_experiments: pd.DataFrame, currency: str, settings: Any
) -> list[Card] | str:
    """Return the decisions: the actions that bring most, and the test that would measure them."""
    able = actions
    if len(able):
        able = able[able["break_even_uplift"].notna() | able["rank"].notna()]
    if able.empty:
        return say("summary-decisions.none")
    halves = [half for half in (LEDGER, ACTIVITY) if (able["half"] == half).any()]
    cards = []
    for half in halves:
        own = best_first(able[able["half"] == half])
        # Where no gain can be stated, the list says that the action may pay.
        paying = own[(own["listed"] > 0) & ~(own["expected_profit"] <= 0)]
        paying = paying.head(ACTIONS // len(halves))
        sign = currency if half == LEDGER else None
        cards += [_contact(row, sign) for row in paying.to_dict("records")]
        if paying.empty and own["rank"].notna().any():
            cards.append(_contact_nobody(own.iloc[0].to_dict(), half, sign))
    test = _hold_out(actions, action_experiments, currency, settings.strategy.most_waves)
    return [*cards, test] if test else cards


def _contact(action: Row, currency: str | None) -> Card:
    """Ask for an action: who does what, when, at which cost, for which gain, and when to stop."""
    title = (
        say("summary-decisions.title-group", group=shorten(action["segment"]))
        if currency is None
        else say("summary-decisions.title", segment=shorten(action["segment"]))
    )
    lines = [
        (
            say("summary-decisions.label-who"),
            say(
                "summary-decisions.who",
                owner=capital(str(action["owner"])),
                count=action["listed"],
                timing=without_full_stop(action["timing"]),
            ),
        ),
        (
            say("summary-decisions.label-what"),
            say("summary-decisions.what", action=without_full_stop(action["action"])),
        ),
        (
            say("summary-decisions.label-gain"),
            _gain(action, currency),
        ),
    ]
    if pd.notna(action["break_even_uplift"]):
        known = {
            "even": bare_points(action["break_even_uplift"]),
            "uplift": bare_points(action["uplift"]),
        }
        if action["campaigns"]:
            stop = say("summary-decisions.stop-measured", count=action["campaigns"], **known)
        elif currency is None:
            stop = say("summary-decisions.stop-group", **known)
        else:
            stop = say("summary-decisions.stop", **known)
        lines.append((say("summary-decisions.label-stop"), stop))
    return Card(title, str(action["verdict"]), lines)


def _gain(action: Row, currency: str | None) -> str:
    """Say what an action costs and brings; only the cost where no gain can be stated."""
    cost = estimate(action["cost"], currency or "")
    if pd.isna(action["expected_profit"]):
        return say("summary-decisions.gain-unknown", cost=cost)
    known = {
        "gain": estimate(action["expected_profit"], currency or ""),
        "low": estimate(action["low"], currency or ""),
        "high": estimate(action["high"], currency or ""),
        "cost": cost,
    }
    if currency is None:
        return say("summary-decisions.gain-units", **known)
    return say("summary-decisions.gain", **known)


def _contact_nobody(closest: Row, half: str, currency: str | None) -> Card:
    """Advise against any action where the best one is expected to lose money."""
    loss = estimate(-closest["expected_profit"], currency or "")
    name = shorten(closest["segment"])
    return Card(
        say("summary-decisions.title-nobody")
        if half == LEDGER
        else say("summary-decisions.title-nobody-group"),
        LOSES,
        [
            (
                say("summary-decisions.label-why"),
                say("summary-decisions.why-nobody", segment=name, loss=loss),
            )
        ],
    )


def _hold_out(
    actions: pd.DataFrame, experiments: pd.DataFrame, currency: str, waves: int
) -> Card | None:
    """Ask for the control group of the lists; None where nobody is on a list or held out."""
    listed = actions[actions["listed"] > 0]
    held_out = int(listed["control"].sum())
    if not held_out:
        return None
    half = LEDGER if listed["half"].eq(LEDGER).any() else ACTIVITY
    lines = [
        (say("summary-decisions.label-who"), say("summary-decisions.test", count=held_out)),
        (say("summary-decisions.label-why"), _forgone(listed, half, currency)),
    ]
    own = experiments[experiments["half"] == half] if len(experiments) else experiments
    own = own[own["detectable"].notna() & own["chance_decided"].notna()] if len(own) else own
    if own.empty:
        shows = say("summary-decisions.test-unknown")
    else:
        joint = own[own["segment"] == TOGETHER]
        row = (joint if len(joint) else own).iloc[0]
        known = {
            "detectable": bare_points(row["detectable"]),
            "expected": bare_points(row["expected"]),
            "decided": percent(row["chance_decided"]),
        }
        likely = row["chance_decided"] >= EVEN
        if half == LEDGER:
            shows = (
                say("summary-decisions.test-shows", count=waves, **known)
                if likely
                else say("summary-decisions.test-unlikely", count=waves, **known)
            )
        else:
            shows = (
                say("summary-decisions.test-shows-kept", count=waves, **known)
                if likely
                else say("summary-decisions.test-unlikely-kept", count=waves, **known)
            )
    lines.append((say("summary-decisions.label-shows"), shows))
    return Card(say("summary-decisions.title-test"), "", lines)


def _forgone(listed: pd.DataFrame, half: str, currency: str) -> str:
    """Say why there is a control group, and what it costs."""
    own = listed[listed["half"] == half]
    if own["forgone"].isna().all():
        return say("summary-decisions.test-why-unknown")
    forgone = float(own["forgone"].sum())
    if half == LEDGER:
        return say("summary-decisions.test-why", forgone=estimate(forgone, currency))
    return say("summary-decisions.test-why-units", forgone=estimate(forgone, ""))

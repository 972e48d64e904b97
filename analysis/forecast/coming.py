"""Forecast what is coming: who will order, what they will spend, and the revenue at risk.

Levels are stated only where the season is known (`forecast.season`). Elsewhere customers have a
probability that ranks them, and groups have the riskiest fifth of their active customers with these
customers' revenue of the last twelve months, which is past revenue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.core.minimum_group import find_group_to_hide
from analysis.forecast.names import FEW, RISKIEST, TIER_NAMES
from analysis.forecast.season import (
    MOST_BEFORE,
    QUARTER,
    YEAR,
    Season,
    find_season,
    find_test_dates,
    season_facts,
)
from analysis.forecast.spend import Sample, can_learn, fit_two_part, predict_two_part, take_sample
from analysis.forecast.spend_evaluation import (
    SpendTest,
    calibrate_groups,
    compare_spend,
    cross_validate,
    run_test,
    spend_test_facts,
)
from analysis.forecast.spend_features import (
    account_tiers,
    customer_base,
    history,
    is_active,
    spend_in,
)
from analysis.forecast.spend_intervals import Uncertain, forecast_uncertain, spend_at_risk
from analysis.orders.purchases import Purchases, day_number
from analysis.stats import bgnbd
from analysis.stats.expectation import expect_measures

Numbers = npt.NDArray[np.float64]
Facts = dict[str, Any]
#: Names the segment of each row of `spend_features.history`.
Segmenter = Callable[[pd.DataFrame], npt.NDArray[np.object_]]
HORIZONS = (QUARTER, YEAR)
#: A forecast, and the ends of its interval.
ENDS = ("", "_low", "_high")
#: What is forecast of each customer, in a number of days.
FORECAST_COLUMNS = (
    "lapse_probability_{}",
    "spend_if_ordering_{}",
    *("expected_spend_{}", "expected_spend_{}_low", "expected_spend_{}_high"),
    "at_risk_{}",
)


class Coming(NamedTuple):
    """What there is to say of what is coming.

    Attributes
    ----------
    customers
        From `describe_customers`.
    groups
        From `describe_groups`.
    models
        `spend_evaluation.compare_spend` of all horizons; empty without a known season.
    calibration
        `spend_evaluation.calibrate_groups` of all horizons; empty without a known season.
    facts
        Flat, keyed ``forecast.*``.
    """

    customers: pd.DataFrame
    groups: pd.DataFrame
    models: pd.DataFrame
    calibration: pd.DataFrame
    facts: Facts


class Shop(NamedTuple):
    """What every part of the forecast needs.

    Attributes
    ----------
    purchases
        From `orders.purchases`.
    first, as_of
        The day of the first order, and the first day that is forecast.
    segmenter
        Names the segments of past days.
    smallest, seed
        The settings.
    """

    purchases: Purchases
    first: dt.date
    as_of: dt.date
    segmenter: Segmenter
    smallest: int
    seed: int

    def sample(self, date: dt.date, look_back: int, days: int) -> Sample:
        """Return `spend.take_sample` with the segments of that day."""
        found = take_sample(self.purchases, date, look_back, days)
        return found._replace(segment=self.segmenter(found.past))


def forecast_coming(
    shop: Shop,
    people: pd.DataFrame,
    lapse_days: int,
    tell: Callable[[str], None] = lambda text: None,
) -> Coming:
    """Return what is coming, by customer and by group.

    Parameters
    ----------
    shop
        The purchases and the settings.
    people
        customer_id and segment of today's customers.
    lapse_days
        ``models.lapse_days`` of the settings: the days of ``lapse_probability``.
    tell
        Is told of progress.
    """
    sold = shop.purchases.net_days
    season = find_season(shop.first, shop.as_of, sold)
    season = check_sample(shop, season)
    facts: Facts = season_facts(season)
    today = history(shop.purchases, shop.as_of, (shop.as_of - shop.first).days)
    table = customer_base(today)
    facts["forecast.dropout_found"] = bgnbd.finds_dropout(bgnbd.fit(table), table)
    away = rank_customers(shop, season, lapse_days)
    found: dict[int, Uncertain] = {}
    scored = history(shop.purchases, season.date, season.look_back).index
    models, calibration = [], []
    groups = label_groups(today, people)
    if season.known:
        for days in HORIZONS:
            tell(f"tests of spend in {days} days")
            tests = run_tests(shop, season, days)
            table = compare_spend(tests, days, shop.seed)
            chosen = str(table.loc[table["chosen"], "model"].iloc[0])
            models.append(table)
            calibration.append(calibrate_groups(tests, chosen, days, shop.smallest))
            facts |= spend_test_facts(table, days)
            tell(f"spend in {days} days: {chosen}")
            train = shop.sample(season.earlier, season.look_back, days)
            target = shop.sample(season.date, season.look_back, 0)
            members = group_matrix(groups, target.past.index)
            found[days] = forecast_uncertain(chosen, train, target, days, members, shop.seed)
            facts |= level_facts(train, target, found[days], days)
        facts |= earlier_facts(shop, season)
    customers = describe_customers(today, people, away, scored, found, shop)
    described = describe_groups(groups, customers, scored, found, shop.smallest)
    ranked = customers["lapse_probability"].notna()
    if ranked.any():
        facts["forecast.lapse_model"] = "logistic regression"
    facts["forecast.scored"] = int(ranked.sum())
    facts["forecast.not_scored"] = int((~ranked).sum())
    facts["forecast.rank_look_back_days"] = max(find_look_back(shop, season, lapse_days)[1], 0)
    facts |= riskiest_facts(customers)
    if season.known:
        facts |= expected_test_facts(customers, shop.seed)
    empty = pd.DataFrame()
    return Coming(
        customers,
        described,
        pd.concat(models, ignore_index=True) if models else empty,
        pd.concat(calibration, ignore_index=True) if calibration else empty,
        facts,
    )


def check_sample(shop: Shop, season: Season) -> Season:
    """Return the season as not known where too few customers came a year earlier, or stayed away.

    A level that is learnt from a handful of customers is none.
    """
    if season.known and not can_learn(shop.sample(season.earlier, season.look_back, QUARTER)):
        return season._replace(known=False, reason=FEW)
    return season


def run_tests(shop: Shop, season: Season, days: int) -> list[SpendTest]:
    """Return the tests of a horizon: in time order, or else on folds of the season's customers."""
    tests = []
    for date in find_test_dates(shop.first, shop.as_of, days, shop.purchases.net_days):
        then = find_season(shop.first, date, shop.purchases.net_days)
        train = shop.sample(then.earlier, then.look_back, days)
        target = shop.sample(date, then.look_back, days)
        if can_learn(train) and can_learn(target):
            tests.append(run_test(train, target, then.look_back, days))
    if tests:
        return tests
    train = shop.sample(season.earlier, season.look_back, days)
    return [cross_validate(train, season.look_back, days, shop.seed)]


def rank_customers(shop: Shop, season: Season, days: int) -> pd.Series:
    """Return the probability of no order in the days to come, by customer_id.

    Where the season is known, it is learnt from that season a year earlier. Elsewhere it is learnt
    from the latest days of which the outcome is known, and serves to rank customers only. Customers
    without an order in the look-back have none, and nobody has where too little came to learn from.
    """
    earlier, look_back = find_look_back(shop, season, days)
    none = pd.Series(dtype=float, name="lapse_probability")
    # As many days are needed to test the ranking: see `forecast.lapse`.
    if look_back < 2 * days:
        return none
    train = shop.sample(earlier, look_back, days)
    if not can_learn(train):
        return none
    target = shop.sample(shop.as_of, look_back, 0)
    away = predict_two_part(fit_two_part(train), target).away
    return pd.Series(away, index=target.past.index, name="lapse_probability")


def find_look_back(shop: Shop, season: Season, days: int) -> tuple[dt.date, int]:
    """Return the day from which risks are learnt, and how many days before it are looked at."""
    if season.known:
        return season.earlier, season.look_back
    earlier = shop.as_of - dt.timedelta(days=days)
    return earlier, min((earlier - shop.first).days, MOST_BEFORE)


def label_groups(today: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return the groups of today's customers: by customer_id, a column for each kind of group.

    Parameters
    ----------
    today
        `spend_features.history` of all customers.
    people
        customer_id and segment.
    """
    today = today.reindex(people["customer_id"])
    active = is_active(today)
    names = np.array(TIER_NAMES, dtype=object)
    return pd.DataFrame(
        {
            "all": "all",
            "activity": np.where(active, "active", "inactive"),
            "segment": people["segment"].to_numpy(dtype=object),
            "tier": names[account_tiers(today)],
        },
        index=pd.Index(people["customer_id"], name="customer_id"),
    )


def list_groups(groups: pd.DataFrame) -> list[tuple[str, str]]:
    """Return every kind and group, in order: tiers by size, others by name."""
    found = []
    for kind in groups:
        names = sorted(groups[kind].unique())
        if kind == "tier":
            names = [name for name in TIER_NAMES if name in names]
        found += [(str(kind), str(name)) for name in names]
    return found


def group_matrix(groups: pd.DataFrame, customers: pd.Index) -> Numbers:
    """Return a row for each customer, and a column for each of `list_groups`: 1 for members."""
    own = groups.reindex(customers)
    columns = [(own[kind] == name).to_numpy(float) for kind, name in list_groups(groups)]
    return np.stack(columns, axis=1)


def describe_customers(
    today: pd.DataFrame,
    people: pd.DataFrame,
    away: pd.Series,
    scored: pd.Index,
    found: dict[int, Uncertain],
    shop: Shop,
) -> pd.DataFrame:
    """Return what is forecast of each customer.

    Returns
    -------
    pandas.DataFrame
        customer_id; active (an order in the last `ACTIVE` days); account_tier; recent_revenue (net,
        of the last 365 days); lapse_probability; riskiest (of the active customers, the fifth with
        the highest); for each of `HORIZONS`, lapse_probability_n, spend_if_ordering_n,
        expected_spend_n with ``_low`` and ``_high``, and at_risk_n (of active customers only). All
        but the ranking are missing where the season is not known, and for customers without an
        order in the look-back.
    """
    customers = pd.Index(people["customer_id"], name="customer_id")
    known = today.reindex(customers)
    table = pd.DataFrame(index=customers)
    table["active"] = is_active(known)
    table["account_tier"] = np.array(TIER_NAMES, dtype=object)[account_tiers(known)]
    start = shop.as_of - dt.timedelta(days=YEAR)
    table["recent_revenue"] = spend_in(shop.purchases, start, YEAR, customers)
    table["lapse_probability"] = away.reindex(customers).astype(float)
    ranked = table["lapse_probability"].where(table["active"])
    # The riskiest come first; of equal risk, those with the higher revenue.
    order = pd.DataFrame({"risk": -ranked, "revenue": -table["recent_revenue"]}).dropna()
    order = order.sort_values(["risk", "revenue"], kind="stable")
    table["riskiest"] = table.index.isin(order.index[: round(RISKIEST * len(order))])
    for days in HORIZONS:
        values: dict[str, Any] = dict.fromkeys(name.format(days) for name in FORECAST_COLUMNS)
        if days in found:
            made = found[days]
            of_scored = (
                made.forecast.away,
                made.forecast.if_ordering,
                *(made.forecast.expected, made.low, made.high),
                np.where(table.loc[scored, "active"], spend_at_risk(made.forecast), np.nan),
            )
            values = dict(zip(values, of_scored, strict=True))
        for name, value in values.items():
            table[name] = pd.Series(value, scored, dtype=float)
    return table.reset_index().astype({"account_tier": "str"})


def describe_groups(
    groups: pd.DataFrame,
    customers: pd.DataFrame,
    scored: pd.Index,
    found: dict[int, Uncertain],
    smallest: int,
) -> pd.DataFrame:
    """Return what is forecast of each group of customers.

    Returns
    -------
    pandas.DataFrame
        kind ("all", "activity", "segment", "tier"), group, customers, active, recent_revenue (net,
        of the last 365 days), riskiest (customers) and riskiest_revenue (their recent revenue);
        scored (customers), and for each of `HORIZONS` expected_n and at_risk_n (of the active
        customers) with ``_low`` and ``_high``, and away_n (mean probability of no order). These are
        missing where the season is not known. Of groups with fewer customers than `smallest`, only
        their number is told; nor are fewer told of who are active, not active, or among the
        riskiest.
    """
    own = customers.set_index("customer_id")
    members = group_matrix(groups, scored) > 0 if found else None
    rows = []
    for number, (kind, name) in enumerate(list_groups(groups)):
        some = own.loc[groups.index[groups[kind] == name]]
        risky = some[some["riskiest"]]
        active = int(some["active"].sum())
        row: dict[str, Any] = {
            "kind": kind,
            "group": name,
            "customers": len(some),
            "active": np.nan if 0 < len(some) - active < smallest else active,
            "recent_revenue": some["recent_revenue"].sum(),
            "riskiest": len(risky) if len(risky) >= smallest else np.nan,
            "riskiest_revenue": (
                risky["recent_revenue"].sum() if len(risky) >= smallest else np.nan
            ),
        }
        for days in HORIZONS:
            names = [f"{what}_{days}{end}" for what in ("expected", "at_risk") for end in ENDS]
            row |= dict.fromkeys(["scored", *names, f"away_{days}"], np.nan)
        for days, made in found.items():
            assert members is not None
            inside = members[:, number]
            few = {"expected": inside.sum() < smallest, "at_risk": active < smallest}
            row["scored"] = int(inside.sum())
            for what, ends in (("expected", made.spend), ("at_risk", made.at_risk)):
                for end, value in zip(ENDS, ends[number], strict=True):
                    row[f"{what}_{days}{end}"] = np.nan if few[what] else value
            row[f"away_{days}"] = np.nan if few["expected"] else made.forecast.away[inside].mean()
        if len(some) < smallest:
            row |= {key: np.nan for key in row if key not in ("kind", "group", "customers")}
        rows.append(row)
    return hide_differences(pd.DataFrame(rows), own, groups, smallest)


def hide_differences(
    table: pd.DataFrame, own: pd.DataFrame, groups: pd.DataFrame, smallest: int
) -> pd.DataFrame:
    """Return the groups so that no difference to the total reveals fewer than `smallest`.

    Where the riskiest customers, or the active ones, of all untold groups of a kind are too few
    together, those of the smallest told group are not told either.
    """
    at_risk = [f"at_risk_{days}{end}" for days in HORIZONS for end in ENDS]
    table = table.astype({"riskiest": float, "riskiest_revenue": float})
    for flag, size, columns in (
        ("riskiest", "riskiest", ["riskiest", "riskiest_revenue"]),
        ("active", "at_risk_90", at_risk),
    ):
        some = own.index[own[flag].astype(bool)]
        for kind in ("segment", "tier"):
            sizes = groups.loc[some, kind].value_counts()
            rows = table[(table["kind"] == kind) & table[size].fillna(0.0).gt(0)]
            told = sizes.reindex(rows["group"]).dropna()
            name = find_group_to_hide(told, sizes.sum(), smallest)
            table.loc[(table["kind"] == kind) & (table["group"] == name), columns] = np.nan
    return table


def level_facts(train: Sample, target: Sample, made: Uncertain, days: int) -> Facts:
    """Return the facts of one horizon: sums over all customers, and shares without an order."""
    active, then = is_active(target.past), is_active(train.past)
    facts: Facts = {}
    for what, ends in (("expected", made.spend[0]), ("at_risk", made.at_risk[0])):
        facts |= {
            f"forecast.{what}_{days}{end}": float(value)
            for end, value in zip(ENDS, ends, strict=True)
        }
    for who, now, before in (("active", active, then), ("inactive", ~active, ~then)):
        facts[f"forecast.{who}_customers"] = int(now.sum())
        if now.any():
            facts[f"forecast.away_{days}_{who}"] = float(made.forecast.away[now].mean())
        if before.any():
            facts[f"forecast.earlier_away_{days}_{who}"] = float((train.came[before] == 0).mean())
    facts[f"forecast.earlier_known_{days}"] = float(train.came.sum())
    return facts


def earlier_facts(shop: Shop, season: Season) -> Facts:
    """Return outcomes of the season a year earlier, and of the last days: nothing but the past."""
    every, purchases = shop.purchases.ids, shop.purchases
    last = shop.as_of - dt.timedelta(days=QUARTER)
    past = history(purchases, season.earlier, season.look_back)
    active = past.index[is_active(past)]
    stayed = active[spend_in(purchases, season.earlier, QUARTER, active) == 0]
    later = season.earlier + dt.timedelta(days=QUARTER)
    rest = day_number(shop.as_of) - day_number(later)
    back = spend_in(purchases, later, rest, stayed) > 0
    return {
        "forecast.earlier_90": float(spend_in(purchases, season.earlier, QUARTER, every).sum()),
        "forecast.last_90": float(spend_in(purchases, last, QUARTER, every).sum()),
        "forecast.earlier_returned": float(back.mean()) if len(back) else None,
        "forecast.earlier_returned_days": rest,
    }


def expected_test_facts(customers: pd.DataFrame, seed: int) -> Facts:
    """Return how well the risks of active customers will do, if they are right: told beforehand."""
    risk = customers.loc[customers["active"], "lapse_probability"].dropna()
    facts: Facts = {}
    for name, told in zip(("roc_auc", "brier"), expect_measures(risk, seed), strict=True):
        if np.isfinite(told.value):
            ends = zip(ENDS, told, strict=True)
            facts |= {f"forecast.expected_{name}{end}": float(value) for end, value in ends}
    return facts


def riskiest_facts(customers: pd.DataFrame) -> Facts:
    """Return how many active customers are in the riskiest fifth, and their recent revenue."""
    risky = customers[customers["riskiest"]]
    revenue = float(customers["recent_revenue"].sum())
    return {
        "forecast.riskiest_customers": len(risky),
        "forecast.riskiest_recent_revenue": float(risky["recent_revenue"].sum()),
        "forecast.riskiest_recent_share": (
            float(risky["recent_revenue"].sum()) / revenue if revenue else None
        ),
    }

"""List the report's assumptions, and what changes if one of them fails.

Each assumption with its value, where it comes from, what rests on it, and what its failure would
change: computed wherever the build knows, and a plain sentence elsewhere. Which of them are
opinions is said: until a test has measured them, they are no findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from analysis.core.formatting import (
    amount,
    day,
    difference,
    join_words,
    money,
    percent,
    shorten,
)
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.sentences import fill, section
from analysis.core.settings import Settings
from analysis.forecast.text_decline import name
from analysis.stats.names import CALIBRATIONS
from analysis.strategy.names import COST, NO_SEASON, OFFER, RATE, REACH, UPLIFT, VALUE
from analysis.strategy.text import of, points, write_amount

say = partial(fill, "strategy")
#: Gives a table of the build, which is empty where there is none.
Tables = Callable[[str], pd.DataFrame]
#: Says what the range of an assumption of an action moves.
Swing = Callable[[str], str]


class Assumption(NamedTuple):
    """One assumption.

    Attributes
    ----------
    name
        What is assumed.
    value
        In this build.
    source
        Where it comes from.
    cites
        Keys of the bibliography.
    settings
        Where it can be changed.
    rests
        Labels of the sections that rest on it.
    fails
        What would change if it failed.
    """

    name: str
    value: str
    source: str
    cites: tuple[str, ...]
    settings: str
    rests: tuple[str, ...]
    fails: str


def assumption_table(
    facts: Mapping[str, Any],
    actions: pd.DataFrame | None,
    action_tornado: pd.DataFrame | None,
    activity_leakage: pd.DataFrame | None,
    contact_scenarios: pd.DataFrame | None,
    settings: Settings,
) -> list[Assumption]:
    """Return the assumptions of a build, for the appendix; a section declares this step."""
    given = {
        "actions": actions,
        "action_tornado": action_tornado,
        "activity_leakage": activity_leakage,
        "contact_scenarios": contact_scenarios,
    }
    there = {name: table for name, table in given.items() if table is not None}
    return assumptions(facts, settings, lambda name: there.get(name, pd.DataFrame()))


def assumptions(facts: Mapping[str, Any], settings: Settings, tables: Tables) -> list[Assumption]:
    """Return the assumptions of those parts of the report that are there, in its order.

    Parameters
    ----------
    facts
        Of the build.
    settings
        Of the build.
    tables
        Of the build, by name.
    """
    found = [
        _assume(
            "small-groups",
            "sec-checks",
            settings="report",
            value=say("assumption-small-groups.value", count=settings.report.smallest_group),
        )
    ]
    if facts["transactions.available"]:
        found += [*_cleaning(facts, settings), *_segments(facts, settings)]
        if facts.get("lapse.available"):
            found += _lapse(facts, settings)
        found += _expected_value(facts, settings, tables)
    if facts["activity.available"]:
        found += _regulars(facts, settings)
        if facts.get("activity.model"):
            found += [*_model(facts, settings, tables), *_contact(settings, tables)]
    return found


def _assume(
    key: str,
    *rests: str,
    cites: tuple[str, ...] = (),
    settings: str = "",
    **texts: str,
) -> Assumption:
    """Return the assumption ``assumption-KEY`` of the sentences.

    Those of its texts that are not given, or empty, stand there as they are. Without a source it
    is our choice.
    """
    if not texts.get("source") and "source" not in section(f"strategy.assumption-{key}"):
        texts["source"] = say("assumption-words.source-ours")
    name, value, source, fails = (
        texts.get(part) or say(f"assumption-{key}.{part}")
        for part in ("name", "value", "source", "fails")
    )
    return Assumption(name, value, source, cites, settings, rests, fails)


# ------------------------------------------------------------------------- the orders


def _cleaning(facts: Mapping[str, Any], settings: Settings) -> Iterator[Assumption]:
    given = settings.transactions

    def fact(name: str) -> Any:
        return facts[f"transactions.{name}"]

    def write(value: float) -> str:
        return money(value, given.currency)

    guests = percent(fact("missing_customer_rows") / fact("raw_rows"), 1)
    yield _assume("guests", "sec-cleaning", value=say("assumption-guests.value", share=guests))
    twice = write(fact("rung1_revenue") - fact("rung2_revenue"))
    yield _assume(
        "copies",
        "sec-cleaning",
        value=say("assumption-copies.value", count=fact("rung1_rows") - fact("rung2_rows")),
        fails=say("assumption-copies.fails", revenue=twice),
    )
    if fact("has_stock_code"):
        codes = fact("no_product_revenue")
        share = percent(codes / fact("rung4_revenue"), 1)
        yield _assume(
            "codes",
            "sec-codes",
            settings="transactions",
            value=say("assumption-codes.value", codes=join_words(given.product_codes, "or")),
            fails=say("assumption-codes.fails", revenue=write(codes), share=share),
        )
    if fact("has_invoice"):
        back = fact("reversals_revenue")
        share = percent(back / fact("net_revenue"), 1)
        yield _assume(
            "cancellations",
            "sec-cleaning",
            settings="transactions",
            value=say(
                "assumption-cancellations.value",
                prefix=given.cancellation_prefix,
                count=fact("reversals"),
            ),
            fails=say("assumption-cancellations.fails", revenue=write(back), share=share),
        )
    yield _assume(
        "as-of",
        "sec-scores",
        "sec-lapse",
        settings="report",
        value=say("assumption-as-of.value", day=day(pd.Timestamp(str(fact("as_of"))))),
        source=say("assumption-as-of.source-settings") if settings.report.as_of else "",
    )


def _segments(facts: Mapping[str, Any], settings: Settings) -> Iterator[Assumption]:
    once = percent(facts["rfm.one_order_customers"] / facts["rfm.customers"])
    yield _assume(
        "quintiles",
        "sec-scores",
        cites=("hughes1994",),
        fails=say("assumption-quintiles.fails", share=once),
    )
    kinds = facts.get("clustering.structure") == "kinds"
    yield _assume(
        "segments",
        "sec-segments",
        "sec-strategy",
        value=say("assumption-segments.value", rand=f"{facts['clustering.segments_rand']:.2f}"),
        fails=say("assumption-segments.fails-kinds" if kinds else "assumption-segments.fails"),
    )
    if facts.get("clustering.k"):
        plain, null = facts["clustering.silhouette"], facts["clustering.null_silhouette"]
        yield _assume(
            "clusters",
            "sec-chosen",
            cites=("tibshirani2001", "hennig2007"),
            settings="clustering",
            value=say(
                "assumption-clusters.value",
                clusters=str(facts["clustering.k"]),
                count=settings.clustering.resamples,
            ),
            fails=say("assumption-clusters.fails", silhouette=f"{plain:.2f}", null=f"{null:.2f}"),
        )


def _lapse(facts: Mapping[str, Any], settings: Settings) -> Iterator[Assumption]:
    days = settings.models.lapse_days
    yield _assume(
        "lapse",
        "sec-lapse",
        "sec-worth-ledger",
        settings="models",
        value=say("assumption-lapse.value", count=days),
    )
    low, high = (percent(facts[f"lapse.rate_{end}"]) for end in ("lowest", "highest"))
    starts = [*facts["lapse.training_dates"].split(", "), facts["lapse.test_date"]]
    first, last = (day(pd.Timestamp(date)) for date in (min(starts), max(starts)))
    ends = {"first": first} | ({"last": last} if len(starts) > 1 else {})
    yield _assume(
        "lapse-periods",
        "sec-lapse",
        value=say("assumption-lapse-periods.value", count=len(starts), days=str(days), **ends),
        fails=say("assumption-lapse-periods.fails-one-rate", rate=low)
        if low == high
        else say("assumption-lapse-periods.fails", lowest=low, highest=high),
    )


def _expected_value(
    facts: Mapping[str, Any], settings: Settings, tables: Tables
) -> Iterator[Assumption]:
    given, sign = settings.strategy, settings.transactions.currency
    actions = of(tables("actions"), LEDGER)
    valued = actions[actions["uplift"].notna()] if len(actions) else actions
    if valued.empty:
        return
    # Contacts have an order only where gains are stated.
    ordered = ((actions["listed"] > 0) & actions["expected_profit"].notna()).any()
    where = ("sec-worth-ledger", *(("sec-budget-ledger",) if ordered else ()))
    swing = _swings(actions, tables("action_tornado"), LEDGER, sign)
    source = (
        say("assumption-uplift.source-measured")
        if valued["campaigns"].any()
        else say("assumption-words.source-judgement")
    )
    low, high = (points(end) for end in (valued["uplift"].min(), valued["uplift"].max()))
    yield _assume(
        "uplift",
        *where,
        "sec-trials-ledger",
        settings="data/segments.toml",
        source=source,
        value=say("assumption-uplift.value", low=low, high=high),
        fails=_join(_break_even(valued), swing(UPLIFT)),
    )
    no_season = actions["reason"].eq(NO_SEASON).any()
    yield _assume(
        "spend",
        *where,
        name=say("assumption-spend.name-segment") if no_season else "",
        value=say("assumption-spend.value-segment") if no_season else "",
        fails=swing(VALUE),
    )
    judgement = say("assumption-words.source-judgement")
    yield _assume(
        "margin",
        *where,
        settings="strategy",
        source=judgement,
        value=say("assumption-margin.value", **_range(given.margin)),
        fails=swing(RATE),
    )
    yield _assume(
        "reach",
        *where,
        settings="strategy",
        value=say("assumption-reach.value", **_range(given.reach)),
        fails=_join(swing(REACH), say("assumption-reach.said-differ")),
    )
    for key, column, assumption in (
        ("message", "message_cost", COST),
        ("offer", "offer_cost", OFFER),
    ):
        if not valued[column].max() > 0:
            continue
        ends = {
            "low": write_amount(valued[column].min(), LEDGER, sign),
            "high": write_amount(valued[column].max(), LEDGER, sign),
            "factor": f"{given.wrong_by:g}",
        }
        value = (
            say("assumption-message.value", **ends)
            if key == "message"
            else say("assumption-offer.value", **ends)
        )
        yield _assume(
            key,
            *where,
            settings="data/segments.toml",
            source=judgement,
            value=value,
            fails=swing(assumption),
        )
    detectable = facts.get("strategy.ledger.detectable")
    yield _assume(
        "tests",
        "sec-trials-ledger",
        cites=("cohen1988", "holm1979"),
        settings="strategy",
        value=say(
            "assumption-tests.value",
            level=f"{given.alpha:g}",
            power=percent(given.power),
            count=given.most_waves,
        ),
        fails=say("assumption-tests.fails-detectable", uplift=points(detectable))
        if detectable
        else say("assumption-tests.fails"),
    )


def _largest_first(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the valued actions, the largest gain first, as the chapter's picture takes it."""
    ranked = actions[actions["rank"].notna()]
    return ranked.sort_values(["expected_profit", "rank"], ascending=[False, True])


def _break_even(valued: pd.DataFrame) -> str:
    """Say at which uplift the action with the largest gain would lose money; else nothing."""
    ranked = _largest_first(valued)
    if ranked.empty or pd.isna(ranked["break_even_uplift"].iloc[0]):
        return ""
    top = ranked.iloc[0]
    return say(
        "assumption-uplift.said-even",
        segment=shorten(top["segment"]),
        even=points(top["break_even_uplift"]),
        expected=points(top["uplift"]),
    )


def _range(given: Any) -> dict[str, str]:
    return {end: percent(getattr(given, end)) for end in ("low", "likely", "high")}


def _join(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


# ------------------------------------------------------------------------- the regular customers


def _regulars(facts: Mapping[str, Any], settings: Settings) -> Iterator[Assumption]:
    aside = facts["activity.impossible_revenue_customers"]
    yield _assume(
        "outliers",
        "sec-tables",
        settings="activity",
        value=say(
            "assumption-outliers.value",
            times=f"{settings.activity.impossible_revenue:g}",
            count=aside,
        ),
        fails="" if aside else say("assumption-outliers.fails-nobody"),
    )
    yield _assume("outcome", "sec-decline", "sec-worth-activity")


def _model(facts: Mapping[str, Any], settings: Settings, tables: Tables) -> Iterator[Assumption]:
    leakage = tables("activity_leakage")
    measured = leakage[leakage["mistake"] == "near_duplicates"] if len(leakage) else leakage
    fails = ""
    if len(measured):
        most = measured.sort_values("added").iloc[-1]
        fails = (
            say(
                "assumption-near-duplicates.fails-measured",
                added=f"{most['added']:.3f}",
                model=name(most["model"]),
            )
            if most["added"] >= 0.0005
            else say("assumption-near-duplicates.fails-same")
        )
    yield _assume(
        "near-duplicates",
        "sec-flatter",
        settings="activity",
        value=say(
            "assumption-near-duplicates.value",
            columns=str(settings.activity.twin_columns),
            count=facts["activity.duplicate_pairs"],
        ),
        fails=fails,
    )
    alone = f"{facts['activity.id_auc']:.2f}"
    yield _assume(
        "customer-number",
        "sec-flatter",
        value=say("assumption-customer-number.value", score=alone),
    )
    method = facts.get("activity.calibration", CALIBRATIONS[0])
    yield _assume(
        "calibration",
        "sec-calibration",
        cites=("platt1999", "zadrozny2002"),
        value=say("assumption-calibration.value-none")
        if method == CALIBRATIONS[0]
        else say("assumption-calibration.value", method=method),
        fails=say(
            "assumption-calibration.fails",
            expected=percent(facts["activity.mean_probability"], 1),
            observed=percent(facts["activity.kept_declined_share"], 1),
        ),
    )
    limit = percent(settings.models.high_risk)
    yield _assume(
        "high-risk",
        "sec-risk-groups",
        settings="models",
        value=say("assumption-high-risk.value", limit=limit),
    )


def _contact(settings: Settings, tables: Tables) -> Iterator[Assumption]:
    given, cases = settings.contact, tables("contact_scenarios")
    judgement = say("assumption-words.source-judgement")
    where = ("sec-contact", "sec-worth-activity")

    def case(times: str) -> dict[str, str] | None:
        rows = cases[cases["scenario"] == times] if len(cases) else cases
        if rows.empty:
            return None
        row = rows.iloc[0]
        lost = amount(difference(row["expected"], row["kept_threshold"]))
        return {"best": amount(row["expected"]), "lost": lost}

    nobody = say("assumption-words.said-nobody")
    half, twice = case("a contact keeps half as many"), case("a contact costs twice")
    yield _assume(
        "kept",
        *where,
        "sec-trials-activity",
        settings="contact",
        source=judgement,
        value=say(
            "assumption-kept.value",
            likely=percent(given.save_rate),
            low=percent(given.save_rate_low),
            high=percent(given.save_rate_high),
        ),
        fails=say("assumption-kept.fails", **half) if half else nobody,
    )
    yield _assume(
        "contact-cost",
        *where,
        settings="contact",
        source=judgement,
        value=say("assumption-contact-cost.value", cost=f"{given.cost:g}"),
        fails=say("assumption-contact-cost.fails", **twice) if twice else nobody,
    )
    actions = of(tables("actions"), ACTIVITY)
    ranked = len(actions) and actions["rank"].notna().any()
    moved = _swings(actions, tables("action_tornado"), ACTIVITY, "")(RATE) if ranked else ""
    yield _assume(
        "stake",
        *where,
        settings="contact",
        source=judgement,
        value=say("assumption-stake.value", share=percent(given.profit_lost), count=given.months),
        fails=_join(say("assumption-stake.said-scales"), moved),
    )


# ------------------------------------------------------------------------- what a range moves


def _swings(actions: pd.DataFrame, tornado: pd.DataFrame, half: str, currency: str) -> Swing:
    """Return what says between which profits of the first action the range of an assumption lies.

    Parameters
    ----------
    actions
        Of one half.
    tornado
        Of all actions.
    """
    ranked = _largest_first(actions)
    if ranked.empty:
        reach, other = (
            say("assumption-words.said-no-gain-reach"),
            say("assumption-words.said-no-gain"),
        )
        return lambda assumption: reach if assumption == REACH else other
    first = ranked["segment"].iloc[0]
    own = of(tornado, half)
    moved = own[own["segment"] == first] if len(own) else own

    def swing(assumption: str) -> str:
        row = moved[moved["assumption"] == assumption] if len(moved) else moved
        if row.empty or not row["swing"].iloc[0] > 0:
            return say("assumption-words.said-no-range", segment=shorten(first))
        ends = sorted([float(row["profit_low"].iloc[0]), float(row["profit_high"].iloc[0])])
        low, high = (write_amount(end, half, currency, unit="") for end in ends)
        decides = ends[0] < 0 < ends[1]
        if half == LEDGER:
            template = (
                "assumption-words.said-swing-decides" if decides else "assumption-words.said-swing"
            )
        else:
            template = (
                "assumption-words.said-swing-units-decides"
                if decides
                else "assumption-words.said-swing-units"
            )
        return say(template, segment=shorten(first), low=low, high=high)

    return swing

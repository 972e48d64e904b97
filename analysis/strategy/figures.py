"""Draw the value of actions, what moves it, and what a budget of contacts brings.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none. Orders and regular customers
share their words, and never a picture.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import capital, count, estimate, labels, percent, shorten, top_row
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_ROWS,
    PRIMARY,
    count_labels,
    money_labels,
    report_theme,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.strategy.names import (
    COST,
    FEW,
    FEW_ABOVE,
    FEW_WORTH,
    HARMED,
    NO_CONSENT,
    NO_FORECAST,
    NO_PAST,
    NO_PROFIT,
    NO_RISK,
    NO_SEASON,
    OFFER,
    RATE,
    REACH,
    UNCOUNTED,
    UPLIFT,
    VALUE,
)
from analysis.strategy.text import (
    list_names,
    of,
    points,
    write_amount,
    write_estimate,
)

say = partial(fill, "strategy")
#: What is said of actions without a value, by the reason.
MISSING = {
    FEW: "value.said-missing-few",
    NO_PAST: "value.said-missing-past",
    NO_PROFIT: "value.said-missing-profit",
    NO_CONSENT: "value.said-missing-consent",
    NO_RISK: "value.said-missing-risk",
    FEW_ABOVE: "value.said-missing-above",
    UNCOUNTED: "value.said-missing-uncounted",
    NO_FORECAST: "value.said-missing-forecast",
    FEW_WORTH: "value.said-missing-worth",
    NO_SEASON: "value.said-missing-season",
    HARMED: "value.said-missing-harmed",
}

# ------------------------------------------------------------------------- value


def action_value(actions: pd.DataFrame, currency: str) -> Figure | str | None:
    """Draw what the actions for segments are expected to bring."""
    return _value(actions, LEDGER, currency)


def group_value(actions: pd.DataFrame) -> Figure | str | None:
    """Draw what the actions for regular customers are expected to bring."""
    return _value(actions, ACTIVITY, "")


def _value(actions: pd.DataFrame, half: str, currency: str) -> Figure | str | None:
    own = of(actions, half)
    if own.empty:
        return None
    rows = own[own["rank"].notna()]
    if rows.empty and own["reason"].eq(NO_SEASON).any():
        return say("value.none-season", count=int((own["listed"] > 0).sum()))
    if rows.empty:
        return say("value.none")
    rows = rows.sort_values("expected_profit", ascending=False, kind="stable")
    top = rows.iloc[0]
    return Figure(
        _draw_value(rows, half, currency),
        _value_headline(rows, int(own["reason"].eq(HARMED).sum()), half, currency),
        alt=say(
            "value.alt",
            segment=shorten(top["segment"]),
            amount=write_estimate(top["expected_profit"], half, currency),
        ),
        caption=(say("value.caption-measured") if own["campaigns"].any() else say("value.caption")),
        more=_value_sentences(own, half, currency),
        data=own.drop(columns="shown", errors="ignore"),
    )


def _value_headline(rows: pd.DataFrame, stopped: int, half: str, currency: str) -> str:
    """Say how many actions are expected to pay, of those valued and those stopped."""
    pays, every = rows[rows["expected_profit"] > 0], len(rows) + stopped
    total = write_estimate(pays["expected_profit"].sum(), half, currency)
    if half == LEDGER:
        if pays.empty:
            return say("value.headline-none", count=every)
        if len(pays) == every:
            return say("value.headline", count=every, total=total)
        return say("value.headline-some", count=len(pays), all=count(every), total=total)
    if pays.empty:
        return say("value.headline-none-regulars", count=every)
    if len(pays) == every:
        return say("value.headline-regulars", count=every, total=total)
    return say("value.headline-some-regulars", count=len(pays), all=count(every), total=total)


def _value_sentences(own: pd.DataFrame, half: str, currency: str) -> dict[str, str]:
    """Say which actions pay surely, which may lose, and which cannot be valued."""
    known = own[own["rank"].notna()].sort_values("rank", kind="stable")
    first, best = known.iloc[0], top_row(known, "expected_profit")
    said = {}
    if best["segment"] != first["segment"] and best["expected_profit"] > 0:
        said["said-best"] = say(
            "value.said-best",
            first=shorten(first["segment"]),
            best=shorten(best["segment"]),
            amount=write_estimate(best["expected_profit"], half, currency),
        )
    loses, pays = known["high"] <= 0, (known["low"] >= 0) & (known["high"] > 0)
    for key, name, rows in (
        ("said-sure", "value.said-sure", known[pays]),
        ("said-open", "value.said-open", known[~pays & ~loses]),
        ("said-lose", "value.said-lose", known[loses]),
    ):
        if len(rows):
            said[key] = say(name, count=len(rows), names=list_names(rows["segment"]))
    left = own[own["rank"].isna() & (own["reason"].fillna("") != "")]
    if len(left):
        said["said-missing"] = " ".join(
            say(MISSING[str(reason)], names=list_names(rows["segment"]))
            for reason, rows in left.groupby("reason", sort=False)
        )
    return said


def _draw_value(rows: pd.DataFrame, half: str, currency: str) -> p9.ggplot:
    sizes = [f" ({count(contacts)})" for contacts in rows["contacts"]]
    names = labels([capital(str(name)) for name in rows["segment"]], 26, sizes)
    panels = [say("value.panel-all"), say("value.panel-one")]
    data = pd.concat(
        [
            pd.DataFrame(
                {
                    "label": top_first(names),
                    "value": rows[value].to_numpy(float),
                    "low": rows[low].to_numpy(float),
                    "high": rows[high].to_numpy(float),
                    "panel": pd.Categorical([panel] * len(rows), panels),
                }
            )
            for value, low, high, panel in (
                ("expected_profit", "low", "high", panels[0]),
                ("value_per_contact", "value_per_contact", "value_per_contact", panels[1]),
            )
        ],
        ignore_index=True,
    )
    data["kind"] = np.where(data["value"] > 0, "pays", "costs")
    # Two figures, as the table and the sentences have them.
    sign = currency if half == LEDGER else ""
    data["text"] = [f"   {estimate(value, sign)}" for value in data["value"]]
    return (
        p9.ggplot(data, p9.aes("value", "label", color="kind"))
        + p9.geom_vline(xintercept=0, color=INK, size=0.5)
        + p9.geom_segment(p9.aes(x="low", xend="high", yend="label"), size=0.9)
        + p9.geom_point(size=2.4)
        + p9.geom_text(p9.aes("high", label="text"), ha="left", size=8, color=INK)
        + p9.facet_wrap("panel", nrow=1, scales="free_x")
        + p9.scale_color_manual({"pays": PRIMARY, "costs": ACCENT}, guide=None)
        + p9.scale_x_continuous(labels=money_labels(currency), expand=(0.05, 0, 0.26, 0))
        + p9.labs(
            subtitle=say("value.subtitle") if half == LEDGER else say("value.subtitle-units"),
            x="",
            y="",
        )
        + report_theme(1.2 + 0.21 * len(rows))
        + NO_ROWS
        + p9.theme(panel_spacing_x=0.04)
    )


# ------------------------------------------------------------------------- what moves it


def action_tornado(
    action_tornado: pd.DataFrame, actions: pd.DataFrame, currency: str
) -> Figure | str | None:
    """Draw what each assumption does to the best action for a segment."""
    return _tornado(action_tornado, actions, LEDGER, currency)


def group_tornado(action_tornado: pd.DataFrame, actions: pd.DataFrame) -> Figure | str | None:
    """Draw what each assumption does to the best action for regular customers."""
    return _tornado(action_tornado, actions, ACTIVITY, "")


def _tornado(
    table: pd.DataFrame, actions: pd.DataFrame, half: str, currency: str
) -> Figure | str | None:
    own = of(actions, half)
    known = own[own["rank"].notna()] if len(own) else own
    if known.empty:
        return None
    best = top_row(known, "expected_profit")["segment"]
    every = of(table, half)
    rows = every[every["segment"] == best] if len(every) else every
    rows = rows[rows["swing"] > 0] if len(rows) else rows
    if rows.empty:
        return say("tornado.none")
    top = top_row(rows, "swing")
    return Figure(
        _draw_tornado(rows, half, currency),
        _tornado_headline(rows, half, currency),
        alt=say("tornado.alt", assumption=_assumption(top["assumption"], half)),
        caption=say("tornado.caption", segment=shorten(best)),
        data=every,
    )


def _assumption(name: str, half: str) -> str:
    """Return what an assumption is called in one half."""
    called = {
        UPLIFT: say("tornado.label-uplift"),
        VALUE: say("tornado.label-won") if half == LEDGER else say("tornado.label-kept"),
        RATE: say("tornado.label-margin") if half == LEDGER else say("tornado.label-stake"),
        REACH: say("tornado.label-reach"),
        COST: say("tornado.label-cost"),
        OFFER: say("tornado.label-offer"),
    }
    return called[name]


def _tornado_headline(rows: pd.DataFrame, half: str, currency: str) -> str:
    """Say which assumption matters most, and whether any can turn a gain into a loss."""
    top = top_row(rows, "swing")
    low, high = sorted([float(top["profit_low"]), float(top["profit_high"])])
    known = {
        "assumption": _assumption(top["assumption"], half),
        "low": write_estimate(low, half, currency),
        "high": write_estimate(high, half, currency),
    }
    ends = rows[["profit_low", "profit_high"]]
    turning = rows[ends.min(axis=1).lt(0) & ends.max(axis=1).gt(0)]
    if turning.empty and low >= 0:
        return say("tornado.headline", **known)
    if turning.empty:
        return say("tornado.headline-loss", **known)
    if len(turning) == 1 and turning["assumption"].iloc[0] == top["assumption"]:
        return say("tornado.headline-decides", **known)
    return say("tornado.headline-several", count=len(turning), **known)


def _write_assumption(name: str, value: float, half: str, currency: str) -> str:
    """Write the value of an assumption."""
    if name == UPLIFT:
        return points(value)
    if name == REACH or (name == RATE and half == LEDGER):
        return percent(value)
    return f"×{value:g}" if name == RATE else write_amount(value, half, currency, unit="")


def _draw_tornado(table: pd.DataFrame, half: str, currency: str) -> p9.ggplot:
    names = top_first([_assumption(name, half) for name in table["assumption"]])
    ends = [say("tornado.legend-low"), say("tornado.legend-high")]
    parts = []
    for end, column in zip(ends, ("low", "high"), strict=True):
        pairs = zip(table["assumption"], table[f"at_{column}"], strict=True)
        parts.append(
            pd.DataFrame(
                {
                    "label": names,
                    "from": table["profit"],
                    "to": table[f"profit_{column}"],
                    "other": table[f"profit_{'high' if column == 'low' else 'low'}"],
                    "end": pd.Categorical([end] * len(table), ends),
                    "text": [_write_assumption(name, at, half, currency) for name, at in pairs],
                }
            )
        )
    data = pd.concat(parts, ignore_index=True)
    reach = data["to"].max() - data["to"].min() or 1.0
    right = data["to"] >= data["other"]
    data["ha"] = np.where(right, "left", "right")
    data["at"] = data["to"] + np.where(right, 0.012, -0.012) * reach
    return (
        p9.ggplot(data, p9.aes(y="label"))
        + p9.geom_segment(p9.aes(x="from", xend="to", yend="label", color="end"), size=7)
        + p9.geom_vline(xintercept=float(table["profit"].iloc[0]), color=INK, size=0.5)
        + p9.geom_vline(xintercept=0, color=MUTED, linetype="dashed", size=0.5)
        + p9.geom_text(p9.aes("at", label="text", ha="ha"), size=8, color=INK)
        + p9.scale_color_manual(dict(zip(ends, [MUTED, PRIMARY], strict=True)), name=" ")
        + p9.scale_x_continuous(labels=money_labels(currency), expand=(0.17, 0))
        + p9.labs(
            subtitle=say("tornado.subtitle") if half == LEDGER else say("tornado.subtitle-units"),
            x="",
            y="",
        )
        + report_theme(1.3 + 0.34 * len(table))
        + NO_ROWS
        + p9.guides(color=p9.guide_legend(override_aes={"size": 5}))
    )


# ------------------------------------------------------------------------- budget


def action_budget(
    action_budget: pd.DataFrame, actions: pd.DataFrame, currency: str, settings: Any
) -> Figure | str | None:
    """Draw what contacts with customers of the segments bring, the best first."""
    return _budget(action_budget, actions, LEDGER, currency, settings.strategy)


def group_budget(
    action_budget: pd.DataFrame, actions: pd.DataFrame, settings: Any
) -> Figure | str | None:
    """Draw what contacts with regular customers bring, the best first."""
    return _budget(action_budget, actions, ACTIVITY, "", settings.strategy)


def _budget(
    table: pd.DataFrame, actions: pd.DataFrame, half: str, currency: str, given: Any
) -> Figure | str | None:
    if of(actions, half).empty:
        return None
    rows = of(table, half)
    if rows.empty:
        return say("budget.none")
    last = rows.iloc[-1]
    said = {"said-cost": say("budget.said-cost", cost=write_estimate(last["cost"], half, currency))}
    if money := given.budget.get(half, 0):
        limit = write_amount(money, half, currency)
        said["said-limit"] = say("budget.said-limit-money", money=limit)
    elif contacts := given.contacts.get(half, 0):
        said["said-limit"] = say("budget.said-limit", count=contacts)
    total = write_estimate(last["expected_profit"], half, currency)
    middle = find_half(rows)
    return Figure(
        _draw_budget(rows, middle, half, currency),
        say(
            "budget.headline",
            count=last["contacts"],
            total=total,
            share=percent(middle / last["contacts"]),
        ),
        alt=say("budget.alt", total=total, half=count(middle)),
        caption=say("budget.caption"),
        more=said,
        data=rows,
    )


def find_half(rows: pd.DataFrame) -> float:
    """Return the contacts that bring half of the gain: the most valuable ones come first."""
    gains = np.concatenate([[0.0], rows["expected_profit"].to_numpy(float)])
    contacts = np.concatenate([[0.0], rows["contacts"].to_numpy(float)])
    return float(np.interp(gains[-1] / 2, gains, contacts))


def _draw_budget(rows: pd.DataFrame, middle: float, half: str, currency: str) -> p9.ggplot:
    """Draw how the expected gain grows with the contacts, the most valuable customers first."""
    names = ["contacts", "expected_profit", "low", "high"]
    line = pd.concat([pd.DataFrame({key: [0.0] for key in names}), rows[names]], ignore_index=True)
    gain = float(line["expected_profit"].iloc[-1]) / 2
    mark = pd.DataFrame({"x": [middle], "y": [gain], "text": [f"  {say('budget.label-half')}"]})
    return (
        p9.ggplot(line, p9.aes("contacts", "expected_profit"))
        + p9.geom_hline(yintercept=0, color=INK, size=0.5)
        + p9.geom_ribbon(p9.aes(ymin="low", ymax="high"), fill=PRIMARY, alpha=0.15)
        + p9.geom_line(color=PRIMARY, size=0.9)
        + p9.geom_point(p9.aes("x", "y"), data=mark, inherit_aes=False, color=ACCENT, size=2.6)
        + p9.geom_text(
            p9.aes("x", "y", label="text"),
            data=mark,
            inherit_aes=False,
            ha="left",
            va="top",
            size=8,
            color=INK,
        )
        + p9.scale_y_continuous(labels=money_labels(currency))
        + p9.scale_x_continuous(labels=count_labels)
        + p9.labs(
            subtitle=say("budget.subtitle") if half == LEDGER else say("budget.subtitle-units"),
            x=say("budget.x"),
            y="",
        )
        + report_theme(2.9)
    )

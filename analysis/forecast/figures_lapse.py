"""Draw the lapse model's tests, and which segments hold the riskiest customers.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import plotnine as p9

from analysis.core.formatting import count, day, labels, percent, score, shorten
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_COLUMNS,
    NO_GRID,
    PRIMARY,
    percent_labels,
    report_theme,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.forecast.names import LEFT_OUT, RISKIEST, TEST, TRAINING, VALIDATION

say = partial(fill, "forecast")


def lapse_by_segment(lapse_segments: pd.DataFrame) -> Figure | str:
    """Draw which share of each segment's active customers is among the riskiest fifth.

    Ranks hold in any season, so nothing here says how many will stop ordering.
    """
    if lapse_segments.empty:
        return say("lapse-by-segment.none")
    table = lapse_segments.assign(share=lapse_segments["riskiest"] / lapse_segments["scored"])
    table = table.sort_values(["share", "segment"], ascending=[False, True], ignore_index=True)
    names = labels([*table["segment"]], 36)
    rows = table.assign(
        label=top_first(names),
        text=[_riskiest_label(row) for row in table.to_dict("records")],
        share=table["share"].fillna(0.0),
    )
    # No label lies across the dashed line.
    rows["beside"] = rows["share"].clip(lower=RISKIEST)
    plot = (
        p9.ggplot(rows, p9.aes("label", "share"))
        + p9.geom_col(fill=PRIMARY, width=0.68)
        + p9.geom_hline(yintercept=RISKIEST, color=INK, linetype="dashed", size=0.5)
        + p9.geom_text(
            p9.aes(y="beside", label="text"), ha="left", nudge_y=0.012, size=8, color=INK
        )
        + p9.coord_flip()
        + p9.scale_y_continuous(
            labels=percent_labels, breaks=[0, 0.25, 0.5, 0.75, 1], expand=(0, 0, 0.32, 0)
        )
        + p9.labs(subtitle=say("lapse-by-segment.subtitle"), x="", y="")
        + report_theme(0.9 + 0.23 * len(rows))
        + NO_GRID
    )
    known = table.dropna(subset=["share"])
    if known.empty:
        return say("lapse-by-segment.none")
    first, last = known.iloc[0], known.iloc[-1]
    most, least = percent(first["share"]), percent(last["share"])
    ends = {"first": shorten(first["segment"]), "last": shorten(last["segment"])}
    if len(known) == 1:
        headline = say("lapse-by-segment.headline-one", first=ends["first"], most=most)
    elif most == least:
        headline = say("lapse-by-segment.headline-alike", most=most)
    else:
        headline = say("lapse-by-segment.headline", most=most, least=least, **ends)
    columns = ["segment", "customers", "scored", "riskiest", "share"]
    return Figure(plot, headline, say("lapse-by-segment.alt", **ends), data=table[columns])


def _riskiest_label(row: dict[Any, Any]) -> str:
    if pd.isna(row["riskiest"]):
        return say("lapse-by-segment.label-few")
    return say(
        "lapse-by-segment.label",
        share=percent(row["share"]),
        riskiest=count(row["riskiest"]),
        active=count(row["scored"]),
    )


def lapse_rates(lapse_rates: pd.DataFrame, days: int) -> Figure | str:
    """Draw the share of active customers who stopped ordering, by past date."""
    data = lapse_rates.dropna(subset=["share"]) if len(lapse_rates) else lapse_rates
    if data.empty:
        return say("lapse-rates.none")
    roles = {
        TRAINING: (say("lapse-rates.training"), MUTED, "o"),
        VALIDATION: (say("lapse-rates.validation"), PRIMARY, "s"),
        TEST: (say("lapse-rates.test"), ACCENT, "D"),
        LEFT_OUT: (say("lapse-rates.left-out"), INK, "x"),
    }
    dates = [f"{date.day} {date:%b}\n{date:%Y}" for date in data["date"]]
    rows = data.assign(
        label=pd.Categorical(dates, dates),
        role=pd.Categorical(
            [roles[role][0] for role in data["role"]], [name for name, _, _ in roles.values()]
        ),
        text=[percent(share) for share in data["share"]],
    )
    rows["role"] = rows["role"].cat.remove_unused_categories()
    plot = (
        p9.ggplot(rows, p9.aes("label", "share", color="role", shape="role"))
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), size=1, show_legend=False)
        + p9.geom_point(size=3)
        + p9.geom_text(
            p9.aes(label="text"),
            ha="left",
            nudge_x=0.03 * len(rows),
            size=8,
            color=INK,
            show_legend=False,
        )
        + p9.scale_color_manual({name: colour for name, colour, _ in roles.values()}, name=" ")
        + p9.scale_shape_manual({name: shape for name, _, shape in roles.values()}, name=" ")
        + p9.scale_y_continuous(labels=percent_labels)
        + p9.expand_limits(y=0)
        + p9.labs(subtitle=say("lapse-rates.subtitle", days=f"{days}"), x="", y="")
        + report_theme(2.8)
        + NO_COLUMNS
    )
    order = data.sort_values("share", kind="stable")
    low, high = order.iloc[0], order.iloc[-1]
    shares = {"low": percent(low["share"]), "high": percent(high["share"])}
    on = {"high_date": day(high["date"])}
    if len(data) == 1:
        headline = say("lapse-rates.headline-one", days=f"{days}", high=shares["high"], **on)
    elif low["high"] < high["low"]:
        headline = say(
            "lapse-rates.headline", days=f"{days}", low_date=day(low["date"]), **shares, **on
        )
    else:
        headline = say("lapse-rates.headline-alike", **shares)
    return Figure(plot, headline, say("lapse-rates.alt", count=len(data), **on), data=lapse_rates)


def lapse_reliability(
    lapse_reliability: pd.DataFrame,
    lapse_rates: pd.DataFrame,
    mean_predicted: float,
    brier: float,
    constant_brier: float,
) -> Figure | str | None:
    """Draw observed beside predicted shares of the test, in groups of equal size by prediction."""
    if lapse_rates.empty or mean_predicted is None:
        return None
    if lapse_reliability.empty:
        return say("lapse-reliability.none")
    table = lapse_reliability
    inside = count(table["predicted"].between(table["low"], table["high"]).sum())
    return Figure(
        draw_reliability(
            table,
            say("lapse-reliability.subtitle"),
            say("lapse-reliability.x"),
            say("lapse-reliability.y"),
        ),
        say("lapse-reliability.headline", inside=inside, count=len(table)),
        say("lapse-reliability.alt", inside=inside, groups=count(len(table))),
        more={
            "said": _level(lapse_rates, mean_predicted),
            "brier": say(
                "lapse-reliability.brier", brier=score(brier), constant=score(constant_brier)
            ),
        },
        data=table,
    )


def _level(rates: pd.DataFrame, predicted: float) -> str:
    """Say whether as many customers stopped ordering in the test as the model expected."""
    row = rates[rates["role"] == TEST].iloc[0]
    known = {
        "predicted": percent(predicted),
        **{name: percent(row[name]) for name in ("share", "low", "high")},
    }
    if row["low"] <= predicted <= row["high"]:
        return say("lapse-reliability.said", **known)
    if predicted > row["share"]:
        return say("lapse-reliability.said-many", **known)
    return say("lapse-reliability.said-few", **known)


def draw_reliability(table: pd.DataFrame, subtitle: str, x: str, y: str) -> p9.ggplot:
    """Return observed beside predicted shares, with intervals and the line of agreement.

    Parameters
    ----------
    table
        From `stats.evaluation.reliability`.
    subtitle, x, y
        What is written on the plot.
    """
    most = float(max(table["predicted"].max(), table["high"].max()))
    return (
        p9.ggplot(table, p9.aes("predicted", "observed"))
        + p9.annotate("segment", x=0, y=0, xend=most, yend=most, linetype="dashed", color=MUTED)
        + p9.geom_linerange(p9.aes(ymin="low", ymax="high"), color=PRIMARY, size=1)
        + p9.geom_point(color=PRIMARY, size=2.5)
        + p9.scale_x_continuous(labels=percent_labels, limits=(0, most))
        + p9.scale_y_continuous(labels=percent_labels, limits=(0, most))
        + p9.labs(subtitle=subtitle, x=x, y=y)
        + report_theme(3.4)
    )

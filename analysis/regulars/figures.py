"""Draw how customers who buy less differ from the others.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none. Names of categories come from
the data, so they are cut to fit.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import plotnine as p9

from analysis.core.formatting import (
    capital,
    count,
    join_words,
    labels,
    number_text,
    percent,
    shorten,
)
from analysis.core.plotting import (
    ACCENT,
    INK,
    MUTED,
    NO_GRID,
    NO_ROWS,
    few_breaks,
    heat_tiles,
    percent_labels,
    report_theme,
    tile_colours,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.regulars.names import CATEGORICAL, FEATURE_NAMES, NUMERIC, SHARES
from analysis.regulars.summaries import OVERLAP, collinear_pairs, overlaps, rates_differ

say = partial(fill, "regulars")

#: So many categories, differences and pairs are shown: the largest.
_CATEGORIES, _DIFFERENCES, _PAIRS = 20, 6, 5


def decline_differences(activity_effects: pd.DataFrame) -> Figure | str:
    """Draw the largest differences between customers who buy less and the others, in real units."""
    if activity_effects.empty:
        return say("decline-differences.none")
    clear = activity_effects[activity_effects["clear"]]
    shown = (activity_effects if clear.empty else clear).head(_DIFFERENCES)
    names = [
        textwrap.fill(capital(name), 34)
        for name in labels([_measure(row) for row in shown.to_dict("records")], 60)
    ]
    groups = {
        "declined": say("decline-differences.legend-declined"),
        "same": say("decline-differences.legend-same"),
    }
    rows = pd.DataFrame(
        [
            {"panel": name, "group": groups[group], "value": value, "label": f"  {text}"}
            for name, row in zip(names, shown.to_dict("records"), strict=True)
            for group in groups
            for value, text in [_usual(row, group)]
        ]
    )
    rows["panel"] = pd.Categorical(rows["panel"], names)
    rows["group"] = pd.Categorical(rows["group"], [groups["same"], groups["declined"]])
    plot = (
        p9.ggplot(rows, p9.aes("group", "value", fill="group"))
        + p9.geom_col(width=0.7)
        + p9.geom_text(p9.aes(label="label"), ha="left", size=8, color=INK)
        + p9.coord_flip()
        + p9.facet_wrap("panel", ncol=2, scales="free")
        + p9.scale_fill_manual({groups["declined"]: ACCENT, groups["same"]: MUTED}, guide=None)
        + p9.scale_y_continuous(expand=(0, 0, 0.3, 0))
        + p9.labs(subtitle=say("decline-differences.subtitle"), x="", y="")
        + report_theme(0.7 + 0.95 * -(-len(names) // 2))
        + NO_GRID
        + p9.theme(axis_text_x=p9.element_blank(), strip_text=p9.element_text(size=8))
    )
    return Figure(
        plot,
        _differences_headline(clear),
        alt=say("decline-differences.alt", feature=_measure(shown.iloc[0].to_dict())),
        caption=say("decline-differences.caption-chance") if clear.empty else "",
        data=activity_effects,
    )


def _measure(row: Mapping[Any, Any]) -> str:
    """Return what a row of the effects is called in the middle of a sentence."""
    feature = FEATURE_NAMES[row["feature"]]
    if not row["level"]:
        return feature
    return say("decline-differences.level", feature=feature, level=shorten(row["level"]))


def _usual(row: Mapping[Any, Any], group: str) -> tuple[float, str]:
    """Return the usual value of a group, or the share that has a label, also as text."""
    if row["level"]:
        value = float(row[f"{group}_share"])
        return value, percent(value)
    value = float(row[f"{group}_median"])
    return value, percent(value) if row["feature"] in SHARES else number_text(value)


def _differences_headline(clear: pd.DataFrame) -> str:
    """Say in what customers who buy less differ most."""
    if clear.empty:
        return say("decline-differences.headline-chance")
    size = clear["delta"].abs().round(2)
    top = clear[size == size.iloc[0]]
    first = top.iloc[0].to_dict()
    (_, declined), (_, same) = _usual(first, "declined"), _usual(first, "same")
    if len(top) > 1 or declined == same:
        features = join_words([_measure(row) for row in top.to_dict("records")])
        return say("decline-differences.headline-several", features=features)
    known = {"feature": _measure(first), "declined": declined, "same": same}
    if first["level"]:
        return say("decline-differences.headline-share", **known)
    return say("decline-differences.headline", **known)


def decline_distributions(activity_distributions: pd.DataFrame) -> Figure | str:
    """Draw a histogram for each measure, customers who buy less laid over the others.

    Areas are comparable within a panel: each group fills the same area.
    """
    if activity_distributions.empty:
        return say("decline-distributions.none")
    declined = say("decline-distributions.legend-declined")
    same = say("decline-distributions.legend-same")
    features = list(dict.fromkeys(activity_distributions["feature"]))
    panels = {name: textwrap.fill(capital(FEATURE_NAMES[name]), 34) for name in features}
    rows = activity_distributions.assign(
        panel=pd.Categorical(activity_distributions["feature"].map(panels), [*panels.values()]),
        group=pd.Categorical(
            activity_distributions["activity"].map({"same": same, "declined": declined}),
            [same, declined],
        ),
    )
    plot = (
        p9.ggplot(rows, p9.aes(xmin="low", xmax="high", ymin=0, ymax="density", fill="group"))
        + p9.geom_rect(alpha=0.5)
        + p9.facet_wrap("panel", ncol=2, scales="free")
        + p9.scale_fill_manual({same: MUTED, declined: ACCENT}, name=" ")
        + p9.scale_x_continuous(breaks=few_breaks, labels=_short_numbers)
        + p9.labs(subtitle=say("decline-distributions.subtitle"), x="", y="")
        + report_theme(height=1.1 + 1.2 * -(-len(panels) // 2))
        + p9.theme(
            axis_text_y=p9.element_blank(),
            panel_grid_major_y=p9.element_blank(),
            axis_text_x=p9.element_text(size=7.5),
            strip_text=p9.element_text(size=8),
            panel_spacing=0.03,
        )
    )
    overlap = overlaps(activity_distributions)
    rounded = overlap["overlap"].round(2)
    least = [FEATURE_NAMES[name] for name in overlap.loc[rounded == rounded.min(), "feature"]]
    headline = (
        say("decline-distributions.headline-alike")
        if rounded.min() == 1
        else say(
            "decline-distributions.headline",
            features=join_words(least),
            share=percent(rounded.min()),
        )
    )
    alt = say("decline-distributions.alt", count=len(features))
    return Figure(plot, headline, alt, data=activity_distributions)


def decline_by_category(activity_categories: pd.DataFrame) -> Figure | str:
    """Draw the share of customers who buy less by favourite category, with intervals."""
    table = activity_categories
    if table.empty:
        return say("decline-by-category.none")
    overall = table["declined"].sum() / table["customers"].sum()
    shown = table.head(_CATEGORIES)
    sizes = [f" ({count(size)})" for size in shown["customers"]]
    rows = shown.assign(category=top_first(labels([*shown["category"]], 36, sizes)))
    plot = (
        p9.ggplot(rows, p9.aes("decline_rate", "category"))
        + p9.geom_vline(xintercept=overall, color=INK, linetype="dashed", size=0.5)
        + p9.geom_segment(
            p9.aes(x="low", xend="high", y="category", yend="category"), color=ACCENT, size=0.9
        )
        + p9.geom_point(color=ACCENT, size=2.6)
        + p9.scale_x_continuous(labels=percent_labels)
        + p9.labs(subtitle=say("decline-by-category.subtitle", rate=percent(overall)), x="", y="")
        + report_theme(height=0.9 + 0.27 * len(rows))
        + NO_ROWS
    )
    top, bottom = _ends(table)
    return Figure(
        plot,
        _category_headline(table),
        alt=say("decline-by-category.alt", top=join_words(top), bottom=join_words(bottom)),
        data=table,
    )


def _ends(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the categories with the highest and with the lowest rate of decline."""
    rates = table["decline_rate"].round(2)
    top, bottom = (
        [say("decline-by-category.quoted", category=shorten(name)) for name in names]
        for names in (
            table.loc[rates == rates.max(), "category"],
            table.loc[rates == rates.min(), "category"],
        )
    )
    return top, bottom


def _category_headline(table: pd.DataFrame) -> str:
    """Say in which favourite categories the most and the fewest customers buy less."""
    rates = table["decline_rate"].round(2)
    least, most = percent(rates.min()), percent(rates.max())
    if len(table) == 1:
        return say("decline-by-category.headline-one", rate=most)
    if least == most:
        return say("decline-by-category.headline-equal", rate=most)
    if not rates_differ(table):
        return say("decline-by-category.headline-chance", least=least, most=most)
    top, bottom = _ends(table)
    return say(
        "decline-by-category.headline",
        most=most,
        top=shorten(join_words(top, "or"), 90),
        least=least,
        bottom=shorten(join_words(bottom), 90),
    )


def overlapping_measures(activity_associations: pd.DataFrame) -> Figure | str:
    """Draw how strongly every two measures go together; columns carry the numbers of the rows."""
    matrix = activity_associations
    pairs = collinear_pairs(matrix, 0.0) if len(matrix) else matrix
    if pairs.empty:
        return say("overlapping-measures.none")
    order = [name for name in ("decline", *NUMERIC, *CATEGORICAL) if name in set(matrix["second"])]
    order = [name for name in matrix["first"].unique() if name not in order] + order
    place = {name: number for number, name in enumerate(order, 1)}
    numbered = {
        name: say(
            "overlapping-measures.row",
            feature=capital(FEATURE_NAMES[name]),
            number=str(place[name]),
        )
        for name in order
    }
    rows = matrix.assign(
        x=pd.Categorical(matrix["first"].map(place), range(1, len(order))),
        y=pd.Categorical(matrix["second"].map(numbered), [*numbered.values()][:0:-1]),
        label=[
            f"{value:.2f}".lstrip("0") if value >= 0.195 else "" for value in matrix["association"]
        ],
    ).join(tile_colours(matrix["association"], 0, 1))
    plot = (
        p9.ggplot(rows, p9.aes("x", "y"))
        + heat_tiles(size=6.5, gap=0.6)
        + p9.labs(
            subtitle=textwrap.fill(
                say("overlapping-measures.subtitle", feature=FEATURE_NAMES[order[0]]), 90
            ),
            x="",
            y="",
        )
        + report_theme(height=1.0 + 0.24 * len(order))
        + NO_GRID
        + p9.theme(axis_text_y=p9.element_text(size=8))
    )
    strong = int((pairs["association"] >= OVERLAP).sum())
    headline = (
        say("overlapping-measures.headline", count=strong)
        if strong
        else say("overlapping-measures.headline-none")
    )
    return Figure(
        plot,
        headline,
        alt=say("overlapping-measures.alt", pair=_pairs(pairs.head(1))[0]),
        more={"said": _overlap_sentence(pairs, strong)},
        data=matrix,
    )


def _overlap_sentence(pairs: pd.DataFrame, strong: int) -> str:
    """Name the pairs of measures that overlap."""
    if not strong:
        return say("overlapping-measures.said-none", pair=_pairs(pairs.head(1))[0])
    named = join_words(_pairs(pairs.head(min(strong, _PAIRS))))
    if strong == 1:
        return say("overlapping-measures.said-one", pairs=named)
    if strong <= _PAIRS:
        return say("overlapping-measures.said", pairs=named)
    return say("overlapping-measures.said-more", pairs=named, count=strong - _PAIRS)


def _pairs(pairs: pd.DataFrame) -> list[str]:
    """Return pairs of measures with their association."""
    return [
        say(
            "overlapping-measures.pair",
            first=FEATURE_NAMES[first],
            second=FEATURE_NAMES[second],
            association=f"{association:.2f}",
        )
        for first, second, association in zip(
            pairs["first"], pairs["second"], pairs["association"], strict=True
        )
    ]


def _short_numbers(values: Sequence[float]) -> list[str]:
    """Return numbers for a narrow axis: thousands as k."""
    return [f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}" for value in values]

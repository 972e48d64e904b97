"""Draw the tables of sales.

Each function is a step of the build: a section of ``sentences.toml`` of the same name declares it.
It returns the figure, or one sentence that says why there is none.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import plotnine as p9

from analysis.core.formatting import (
    WEEKDAYS,
    count,
    join_words,
    labels,
    minus,
    money,
    month,
    percent,
    place_name,
    short_money,
    shorten,
    top_row,
)
from analysis.core.plotting import (
    ACCENT,
    ACCENT_PALE,
    FAINT,
    INK,
    NO_COLUMNS,
    NO_GRID,
    PALE,
    PRIMARY,
    count_labels,
    heat_tiles,
    money_labels,
    percent_labels,
    report_theme,
    tile_colours,
    top_first,
)
from analysis.core.presentation import Figure
from analysis.core.sentences import fill
from analysis.orders.names import TOP_MARKETS, TOP_PRODUCTS

say = partial(fill, "orders")


def months_scale(dates: pd.Series) -> p9.scale_x_datetime:
    """Return an axis with at most nine of the months, with the year where it is new."""
    every = sorted(dates.unique())
    chosen = every[:: max(1, -(-len(every) // 9))]
    texts, year = [], None
    for date in chosen:
        texts.append(f"{date:%b}\n{date:%Y}" if date.year != year else f"{date:%b}")
        year = date.year
    return p9.scale_x_datetime(breaks=chosen, labels=texts)


def revenue_by_month(monthly: pd.DataFrame, currency: str) -> Figure | str:
    """Draw net revenue by month, with the highest and lowest whole month, and the year before."""
    every = monthly
    monthly = every[every["net_revenue"].notna()]
    whole = monthly[monthly["whole"]]
    if whole.empty:
        return say("revenue-by-month.few" if every["whole"].any() else "revenue-by-month.none")
    full, part = say("revenue-by-month.legend-whole"), say("revenue-by-month.legend-part")
    earlier = say("revenue-by-month.legend-year-ago")
    bars = monthly.assign(
        coverage=pd.Categorical(
            np.where(monthly["whole"], full, part),
            [full, part],
        ),
        label="",
    )
    best = top_row(whole, "net_revenue")
    least = top_row(whole.assign(net_revenue=-whole["net_revenue"]), "net_revenue")
    marked = bars["month"].isin([best["month"], least["month"]])
    bars["label"] = [short_money(value, currency) for value in bars["net_revenue"]]
    before = monthly[["month", "net_revenue"]].assign(
        month=monthly["month"] + pd.DateOffset(years=1), part=earlier
    )
    before = before[monthly["whole"] & before["month"].isin(whole["month"])]
    # A label stands above its bar, and above the line of the year before.
    earlier_revenue = bars["month"].map(before.set_index("month")["net_revenue"])
    bars["top"] = bars["net_revenue"].combine(earlier_revenue, np.fmax)
    # It is wider than its bar, so it clears the bars beside it, too.
    bars["top"] = bars["top"].rolling(3, center=True, min_periods=1).max()
    half = pd.Timedelta(days=12)
    plot = (
        p9.ggplot(bars, p9.aes("month", "net_revenue"))
        + p9.geom_col(p9.aes(fill="coverage"), width=24)
        + p9.geom_text(
            p9.aes(y="top", label="label"), data=bars[marked], va="bottom", size=8, color=INK
        )
        + p9.scale_fill_manual({full: PRIMARY, part: PALE}, name=" ")
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.1, 0))
        + months_scale(monthly["month"])
        + p9.labs(subtitle=say("revenue-by-month.subtitle"), x="", y="")
        + report_theme(3.0)
        + NO_COLUMNS
    )
    if len(before):
        lines = before.assign(start=before["month"] - half, end=before["month"] + half)
        plot += p9.geom_segment(
            p9.aes(x="start", xend="end", yend="net_revenue", color="part"), data=lines, size=1
        )
        plot += p9.scale_color_manual({earlier: ACCENT}, name=" ")
    return Figure(
        plot,
        headline=_revenue_headline(best, least, int(every["whole"].sum()), currency)
        if len(monthly) == len(every)
        else say(
            "revenue-by-month.headline-shown",
            month=month(best["month"]),
            revenue=money(best["net_revenue"], currency),
        ),
        alt=say(
            "revenue-by-month.alt",
            first=month(monthly["month"].iloc[0]),
            last=month(monthly["month"].iloc[-1]),
            month=month(best["month"]),
            revenue=money(best["net_revenue"], currency),
        ),
        caption=say("revenue-by-month.caption-year-ago") if len(before) else "",
        data=every,
    )


def _revenue_headline(best: pd.Series, least: pd.Series, number: int, currency: str) -> str:
    """Say which whole month brought the most revenue, and how it compares with the weakest."""
    peak, revenue = month(best["month"]), money(best["net_revenue"], currency)
    lowest, weakest = -least["net_revenue"], month(least["month"])
    if number == 1:
        return say("revenue-by-month.headline-one-month", month=peak, revenue=revenue)
    if lowest == best["net_revenue"]:
        return say("revenue-by-month.headline-same", revenue=revenue)
    if lowest <= 0:
        return say(
            "revenue-by-month.headline-nothing", month=peak, revenue=revenue, weakest=weakest
        )
    return say(
        "revenue-by-month.headline",
        month=peak,
        revenue=revenue,
        times=f"{best['net_revenue'] / lowest:.1f}",
        weakest=weakest,
    )


def new_and_returning_customers(monthly_customers: pd.DataFrame) -> Figure | str:
    """Draw new and returning customers by month; grey where there is too little history."""
    every = monthly_customers[monthly_customers["whole"].astype(bool)]
    if not every["new_known"].any():
        return say("new-and-returning-customers.none")
    whole = every[every["customers"].notna()]
    known = whole[whole["new_customers"].notna()]
    if known.empty:
        return say("new-and-returning-customers.few")
    colors = {
        say("new-and-returning-customers.legend-new"): ACCENT,
        say("new-and-returning-customers.legend-returning"): PRIMARY,
        say("new-and-returning-customers.legend-unknown"): FAINT,
    }
    new, returning, unknown = colors
    unclear = whole[whole["new_customers"].isna()]
    parts = [
        known.assign(kind=new, number=known["new_customers"]),
        known.assign(kind=returning, number=known["returning_customers"]),
        unclear.assign(kind=unknown, number=unclear["customers"]),
    ]
    bars = pd.concat([part for part in parts if len(part)])[["month", "kind", "number"]]
    bars["kind"] = pd.Categorical(bars["kind"], list(colors)).remove_unused_categories()
    plot = (
        p9.ggplot(bars, p9.aes("month", "number", fill="kind"))
        + p9.geom_col(width=24)
        + p9.scale_fill_manual(colors, name=" ")
        + p9.scale_y_continuous(labels=count_labels, expand=(0, 0, 0.05, 0))
        + months_scale(whole["month"])
        + p9.labs(subtitle=say("new-and-returning-customers.subtitle"), x="", y="")
        + report_theme(2.8)
        + NO_COLUMNS
    )
    last = known.iloc[-1]
    if last["customers"]:
        headline = say(
            "new-and-returning-customers.headline",
            month=month(last["month"]),
            share=percent(last["new_customers"] / last["customers"]),
        )
    else:
        headline = say("new-and-returning-customers.headline-no-orders", month=month(last["month"]))
    return Figure(
        plot, headline, data=whole[["month", "customers", "new_customers", "returning_customers"]]
    )


def orders_by_weekday_and_hour(week: pd.DataFrame) -> Figure | str:
    """Draw orders by weekday and hour; an empty cell had too few customers, or none."""
    if week.empty:
        return say("orders-by-weekday-and-hour.none-orders")
    if week["hour"].nunique() == 1:
        return say("orders-by-weekday-and-hour.none")
    days = [name[:3] for name in WEEKDAYS]
    shown = week[week["orders"].notna()].astype({"orders": "int64"})
    if shown.empty:
        return say("orders-by-weekday-and-hour.few")
    cells = shown.assign(
        day=pd.Categorical([days[d] for d in shown["weekday"]], days[::-1], ordered=True)
    ).join(tile_colours(shown["orders"], 0, shown["orders"].max()))
    hours = list(range(int(week["hour"].min()), int(week["hour"].max()) + 1))
    plot = (
        p9.ggplot(cells, p9.aes("hour", "day"))
        + heat_tiles("orders", size=7 if len(hours) <= 16 else 5.5)
        + p9.scale_x_continuous(breaks=hours[:: 1 if len(hours) <= 14 else 2], expand=(0, 0))
        + p9.scale_y_discrete(limits=days[::-1])
        + p9.labs(
            subtitle=say("orders-by-weekday-and-hour.subtitle"),
            x=say("orders-by-weekday-and-hour.x"),
            y="",
        )
        + report_theme(2.8)
        + NO_GRID
    )
    by_day = shown.groupby("weekday", as_index=False)[["orders"]].sum()
    by_hour = shown.groupby("hour", as_index=False)[["orders"]].sum()
    day = WEEKDAYS[top_row(by_day, "orders")["weekday"]]
    hour = int(top_row(by_hour, "orders")["hour"])
    known = {"day": day, "hour": str(hour), "next_hour": str((hour + 1) % 24)}
    silent = [name for n, name in enumerate(WEEKDAYS) if n not in set(week["weekday"])]
    headline = (
        say("orders-by-weekday-and-hour.headline-silent", **known, silent=join_words(silent, "or"))
        if silent
        else say("orders-by-weekday-and-hour.headline", **known)
    )
    alt = say("orders-by-weekday-and-hour.alt", day=day)
    return Figure(plot, headline, alt, data=week)


def markets(countries: pd.DataFrame, currency: str, has_country: bool) -> Figure | str:
    """Draw net revenue per customer of the home market and the largest other markets."""
    if not has_country:
        return say("markets.none-column")
    home = countries[countries["home"]]
    if countries.empty:
        return say("markets.none-orders")
    if len(countries) == 1:
        return say("markets.none", home=place_name(shorten(countries["country"].iloc[0])))
    others = countries[~countries["home"]].sort_values("revenue", ascending=False, kind="stable")
    shown = pd.concat([home, others.head(TOP_MARKETS)])
    shown = shown.assign(mean=shown["revenue"] / shown["customers"])
    names = [
        say("markets.pooled", count=pooled) if pooled > 1 else name
        for name, pooled in zip(shown["country"], shown["countries"], strict=True)
    ]
    bars = shown.assign(
        market=labels(names, 28),
        label=[
            "  "
            + say(
                "markets.label",
                count=row["customers"],
                mean=money(row["mean"], currency),
                share=percent(row["share"], 1),
            )
            for row in shown.to_dict("records")
        ],
    ).sort_values("mean", ascending=False)
    bars["market"] = top_first([*bars["market"]])
    plot = (
        p9.ggplot(bars, p9.aes("market", "mean"))
        + p9.geom_col(p9.aes(fill="home"), width=0.7)
        + p9.geom_text(p9.aes(label="label"), ha="left", size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_fill_manual({True: PRIMARY, False: PALE}, guide=None)
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.55, 0))
        + p9.labs(subtitle=say("markets.subtitle"), x="", y="")
        + report_theme(max(1.6, 0.7 + 0.2 * len(bars)))
        + NO_GRID
    )
    alone = bars[bars["countries"] == 1]
    best = alone.iloc[0] if len(alone) else bars.iloc[0]
    return Figure(
        plot,
        headline=_markets_headline(home, best),
        alt=say("markets.alt", best=shorten(best["market"]), mean=money(best["mean"], currency)),
        data=countries,
    )


def _markets_headline(home: pd.DataFrame, best: pd.Series) -> str:
    """Say how much the home market brings, and where a customer is worth the most."""
    if home.empty:
        return say("markets.headline-no-home", best=place_name(shorten(best["country"])))
    row = home.iloc[0]
    name, share = place_name(shorten(row["country"])), percent(row["share"], 1)
    if best["home"]:
        return say("markets.headline-home-best", home=name, share=share)
    return say(
        "markets.headline",
        home=name,
        share=share,
        best=place_name(shorten(best["country"])),
        times=f"{best['mean'] * row['customers'] / row['revenue']:.1f}",
    )


def best_selling_products(
    products: pd.DataFrame, currency: str, has_stock_code: bool, net_revenue: float
) -> Figure | str:
    """Draw the products with the highest net revenue."""
    if not has_stock_code:
        return say("best-selling-products.none-column")
    if products.empty:
        return say("best-selling-products.none")
    top = products.sort_values("net_revenue", ascending=False, kind="stable").head(TOP_PRODUCTS)
    top = top[top["net_revenue"].notna()]
    if top.empty:
        return say("best-selling-products.few")
    named = top["description"].fillna("").str.strip()
    order = top_first(labels([*named.where(named != "", top["stock_code"])], 36))
    values = [f"  {short_money(value, currency)}" for value in top["net_revenue"]]
    bars = top.assign(product=order, label=values)
    plot = (
        p9.ggplot(bars, p9.aes("product", "net_revenue"))
        + p9.geom_col(width=0.7, fill=PRIMARY)
        + p9.geom_text(p9.aes(label="label"), ha="left", size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_y_continuous(labels=money_labels(currency), expand=(0, 0, 0.12, 0))
        + p9.labs(subtitle=say("best-selling-products.subtitle"), x="", y="")
        + report_theme(max(1.6, 0.7 + 0.19 * len(top)))
        + NO_GRID
    )
    if len(products) > len(top):
        headline = say(
            "best-selling-products.headline",
            top=count(len(top)),
            all=count(len(products)),
            share=percent(top["net_revenue"].sum() / net_revenue, 1),
        )
    else:
        headline = say(
            "best-selling-products.headline-all",
            count=len(products),
            share=percent(top["net_revenue"].iloc[0] / net_revenue, 1),
        )
    return Figure(
        plot,
        headline,
        alt=say(
            "best-selling-products.alt",
            top=count(len(top)),
            product=shorten(order[0]),
            revenue=money(top["net_revenue"].iloc[0], currency),
        ),
        data=top,
    )


def cancelled_share(
    monthly: pd.DataFrame, cancelled_share: float, has_invoice: bool
) -> Figure | str:
    """Draw the cancelled share of gross revenue by month."""
    if not has_invoice:
        return say("cancelled-share.none-column")
    whole = monthly[monthly["whole"] & (monthly["gross_revenue"] > 0)]
    if len(whole) < 2:
        few = monthly["whole"].sum() > 1 and monthly["gross_revenue"].isna().any()
        return say("cancelled-share.few" if few else "cancelled-share.none")
    points = whole.assign(share=whole["cancelled_revenue"] / whole["gross_revenue"])
    worst = top_row(points, "share")
    plot = (
        p9.ggplot(points, p9.aes("month", "share"))
        + p9.geom_line(color=ACCENT, size=0.9)
        + p9.geom_point(color=ACCENT, size=1.8)
        + p9.expand_limits(y=0)
        + p9.scale_y_continuous(labels=percent_labels, expand=(0, 0, 0.08, 0))
        + months_scale(points["month"])
        + p9.labs(subtitle=say("cancelled-share.subtitle"), x="", y="")
        + report_theme(2.5)
    )
    share = percent(cancelled_share, 1)
    known = {"month": month(worst["month"]), "highest": percent(worst["share"], 1)}
    if not cancelled_share:
        headline, alt = say("cancelled-share.headline-nothing"), say("cancelled-share.alt-nothing")
    elif not worst["share"]:
        headline = say("cancelled-share.headline-elsewhere", share=share)
        alt = say("cancelled-share.alt-nothing")
    else:
        headline = say("cancelled-share.headline", share=share, **known)
        alt = say("cancelled-share.alt", **known)
    return Figure(
        plot,
        headline,
        alt,
        data=points[["month", "gross_revenue", "cancelled_revenue", "share"]],
    )


def cohorts(cohorts: pd.DataFrame) -> Figure | str:
    """Draw the share of each month's new customers who ordered again, month by month."""
    cells = cohorts[(cohorts["months"] > 0) & cohorts["whole"]]
    rates = _soon(cohorts)
    if not rates:
        return say("cohorts.none")
    first = sorted(cohorts["cohort"].unique())
    size = cohorts[cohorts["months"] == 0].set_index("cohort")["size"]
    names = {
        cohort: say("cohorts.row", month=f"{cohort:%b %Y}", size=count(size[cohort]))
        for cohort in first
    }
    cells = cells.assign(
        cohort=pd.Categorical(cells["cohort"].map(names), [names[c] for c in first][::-1]),
        label=[f"{100 * share:.0f}" for share in cells["share"]],
    ).join(tile_colours(cells["share"], 0, cells["share"].max()))
    many = cells["months"].max() > 14
    plot = (
        p9.ggplot(cells, p9.aes("months", "cohort"))
        + heat_tiles(size=5.8 if many else 7.5, gap=0.6)
        + p9.scale_x_continuous(
            breaks=list(range(1, int(cells["months"].max()) + 1, 2 if many else 1)), expand=(0, 0)
        )
        + p9.labs(subtitle=say("cohorts.subtitle"), x=say("cohorts.x"), y=say("cohorts.y"))
        + report_theme(max(2.4, 1.3 + 0.23 * len(first)))
        + NO_GRID
    )
    one, two, three = rates
    return Figure(plot, say("cohorts.headline", first=one, second=two, third=three), data=cohorts)


def _soon(cohorts: pd.DataFrame) -> list[str]:
    """Return how many new customers ordered in each of the three months after their first order.

    The first cohort is left out: it holds everybody who was a customer before the orders begin.
    So are cohorts of which the orders do not cover three months yet.
    """
    later = cohorts[cohorts["cohort"] > cohorts["cohort"].min()] if len(cohorts) else cohorts
    soon = later[later["months"].between(1, 3) & later["whole"]]
    if len(soon):
        soon = soon[soon.groupby("cohort")["months"].transform("max") == 3]
    by_month = soon.groupby("months")[["customers", "size"]].sum()
    return [percent(rate) for rate in by_month["customers"] / by_month["size"]]


def cleaning_steps(cleaning_steps: pd.DataFrame) -> Figure | str:
    """Draw what each cleaning step keeps and removes."""
    read, net = cleaning_steps["rows"].iloc[0], cleaning_steps["rows"].iloc[-1]
    if not read:
        return say("cleaning-steps.none")
    kept, removed = say("cleaning-steps.legend-kept"), say("cleaning-steps.legend-removed")
    order = top_first([*cleaning_steps["step"]])
    steps = cleaning_steps.assign(step=order)
    bars = pd.concat(
        [
            pd.DataFrame({"step": order, "rows": steps["rows"], "part": kept}),
            pd.DataFrame({"step": order, "rows": steps["removed_rows"], "part": removed}),
        ]
    )
    bars["part"] = pd.Categorical(bars["part"], [removed, kept])
    ends = steps.assign(
        end=steps["rows"] + steps["removed_rows"],
        label=[
            "  "
            + (
                say("cleaning-steps.label-removed", rows=count(rows), removed=minus(f"-{gone:,}"))
                if gone
                else count(rows)
            )
            for rows, gone in zip(steps["rows"], steps["removed_rows"], strict=True)
        ],
    )
    plot = (
        p9.ggplot(bars, p9.aes("step", "rows"))
        + p9.geom_col(p9.aes(fill="part"), width=0.72)
        + p9.geom_text(p9.aes(y="end", label="label"), data=ends, ha="left", size=8, color=INK)
        + p9.coord_flip()
        + p9.scale_fill_manual({kept: PRIMARY, removed: ACCENT_PALE}, name=" ")
        + p9.scale_y_continuous(labels=count_labels, expand=(0, 0, 0.4, 0))
        + p9.labs(subtitle=say("cleaning-steps.subtitle"), x="", y="")
        + report_theme(2.6)
        + NO_GRID
    )
    headline = (
        say("cleaning-steps.headline-all", rows=count(read))
        if read == net
        else say("cleaning-steps.headline", share=percent(net / read, 1), rows=count(read))
    )
    return Figure(plot, headline, data=cleaning_steps)

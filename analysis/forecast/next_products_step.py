"""List what each customer may buy next: a step of the build."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd
from threadpoolctl import threadpool_limits

from analysis.core.files import Fact
from analysis.core.progress import Steps
from analysis.core.settings import Settings
from analysis.forecast import next_products
from analysis.forecast.season import find_season
from analysis.orders.ledger import NET, Ledger, with_ledger
from analysis.orders.purchases import day_number

#: Days of a test.
DAYS = 90
#: Fewer customers who ordered in these days tell nothing.
FEWEST = 50


@with_ledger
def list_next_products(
    ledger: Ledger,
    segmented: pd.DataFrame,
    products: pd.DataFrame,
    settings: Settings,
    progress: Steps,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return lists of next products by customer and by segment, and how they were tested.

    Without codes of products, and where too few customers ordered in the days of the test, there
    are none.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    segmented
        From `segments.cluster_step`.
    products
        From `orders.tables.products`, which names them.
    """
    smallest, seed = settings.report.smallest_group, settings.engine.seed
    none: dict[str, Fact] = {"next_products.available": False}
    date = ledger.as_of - dt.timedelta(days=DAYS)
    if "stock_code" not in ledger.columns or date <= ledger.first_day:
        return {}, none
    progress.tell("what customers bought")
    seasons = _out_of_season(ledger, (date, ledger.as_of))
    then = next_products.collect_baskets(ledger, date, smallest, seasons[0])
    today = next_products.collect_baskets(ledger, ledger.as_of, smallest, seasons[1])
    bought = next_products.bought_after(ledger, date, DAYS)
    known = bought["customer_id"].isin(then.customers)
    if bought.loc[known, "customer_id"].nunique() < FEWEST or not len(today.products):
        return {}, none
    progress.tell("tests of the lists")
    # One thread: sums over several round differently.
    with threadpool_limits(1):
        tested = next_products.compare_lists(then, bought, date, DAYS, seed)
        best = tested[tested["chosen"]]
        chosen = dict(zip(best["list"].astype(str), best["model"].astype(str), strict=True))
        lists = next_products.list_products(today, chosen, seed)
    top = next_products.top_by_segment(lists, segmented, smallest)
    names = products.drop_duplicates("stock_code").set_index("stock_code")["description"]
    facts: dict[str, Fact] = {
        "next_products.available": True,
        "next_products.products": len(today.products),
        "next_products.out_of_season": len(seasons[1]),
        "next_products.customers": int(lists["customer_id"].nunique()),
        **next_products.list_facts(tested),
    }
    tables = {
        "next_products": lists.assign(description=lists["stock_code"].map(names)),
        "segment_next_products": top.assign(description=top["stock_code"].map(names)),
        "next_product_models": tested,
    }
    return tables, facts


def _out_of_season(ledger: Ledger, dates: Sequence[dt.date]) -> list[pd.Index]:
    """Return the products that are out of season from each day on; none where that is not known."""
    lines = ledger.lines
    days = lines.filter(lines.cleaning_step >= NET).select(day=lines.invoice_date.date())
    table = days.distinct().order_by("day").execute()
    sold = [day_number(day.date()) for day in pd.to_datetime(table["day"])]
    seasons = [find_season(ledger.first_day, date, sold) for date in dates]
    return [
        next_products.find_out_of_season(ledger, season.earlier) if season.known else pd.Index([])
        for season in seasons
    ]

"""Set what past campaigns achieved: a step of the build, declared in ``sentences.toml``."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import count, day, estimate, shorten
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import grid, with_range
from analysis.strategy.names import ALL_CAMPAIGNS, CAMPAIGN_DAYS
from analysis.strategy.text import bare_points

say = partial(fill, "strategy")


def campaign_results(campaigns: pd.DataFrame, currency: str) -> Table:
    """Set what each campaign changed, for each customer."""

    def write_points(value: float) -> str:
        return bare_points(value).replace("-", "−")

    def write_money(value: float) -> str:
        return estimate(value, currency)

    forms = {"ordered": write_points, "net_revenue": write_money, "margin": write_money}
    by_outcome = {name: rows.set_index("campaign") for name, rows in campaigns.groupby("outcome")}
    ordered = by_outcome["ordered"]
    shown = pd.DataFrame(
        {
            "campaign": [
                say("campaigns.all") if name == ALL_CAMPAIGNS else shorten(name)
                for name in ordered.index
            ],
            "started": [day(pd.Timestamp(one)) for one in ordered["started"]],
            "treated": [count(number) for number in ordered["treated"]],
            "control": [count(number) for number in ordered["control"]],
            **{
                name: [
                    with_range(row["uplift"], row["low"], row["high"], form)
                    for _, row in by_outcome[name].loc[ordered.index].iterrows()
                ]
                for name, form in forms.items()
            },
        }
    )
    names = {
        "campaign": say("campaign-results.column-campaign"),
        "started": say("campaign-results.column-started"),
        "treated": say("campaign-results.column-treated"),
        "control": say("campaign-results.column-control"),
        "ordered": say("campaign-results.column-ordered"),
        "net_revenue": say("campaign-results.column-revenue"),
        "margin": say("campaign-results.column-margin"),
    }
    right = [name for name in names if name not in ("campaign", "started")]
    return Table(
        grid(shown, "campaign-results", names, right=right),
        say("campaign-results.caption", days=str(CAMPAIGN_DAYS)),
        data=campaigns,
    )

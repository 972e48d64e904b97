"""Set what past campaigns achieved: a step of the build, declared in ``sentences.toml``."""

from __future__ import annotations

from functools import partial

import pandas as pd

from analysis.core.formatting import bare_points, count, day, estimate, shorten
from analysis.core.presentation import Table
from analysis.core.sentences import fill
from analysis.core.tables import grid, with_range
from analysis.strategy.names import ALL_CAMPAIGNS, CAMPAIGN_DAYS
from analysis.strategy.text import list_names, points

say = partial(fill, "strategy")


def _write_points(value: float) -> str:
    return bare_points(value).replace("-", "−")


def campaign_updates(campaign_updates: pd.DataFrame) -> Table | None:
    """Set what was assumed of the actions that campaigns measured, and what the plan uses now."""
    rows = campaign_updates
    if rows.empty:
        return None

    def cells(name: str) -> list[str]:
        ends = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
        return [with_range(*one, write=_write_points) for one in ends]

    stopped = say("campaign-updates.cell-stopped")
    shown = pd.DataFrame(
        {
            "segment": [shorten(name) for name in rows["segment"]],
            "campaigns": [count(number) for number in rows["campaigns"]],
            "assumed": cells("assumed"),
            "measured": cells("measured"),
            "updated": [
                stopped if harmed else cell
                for harmed, cell in zip(rows["harmed"], cells("updated"), strict=True)
            ],
        }
    )
    names = {
        "segment": say("campaign-updates.column-segment"),
        "campaigns": say("campaign-updates.column-campaigns"),
        "assumed": say("campaign-updates.column-assumed"),
        "measured": say("campaign-updates.column-measured"),
        "updated": say("campaign-updates.column-updated"),
    }
    said = {}
    if len(odd := rows[~rows["agrees"] & ~rows["harmed"]]):
        row = odd.iloc[0]
        said["said-far"] = say(
            "campaign-updates.said-far",
            count=len(odd),
            names=list_names(odd["segment"]),
            measured=points(row["measured"]).replace("-", "−"),
            low=bare_points(row["assumed_low"]),
            high=points(row["assumed_high"]),
        )
    if len(harmed := rows[rows["harmed"]]):
        said["said-stopped"] = say(
            "campaign-updates.said-stopped",
            count=len(harmed),
            names=list_names(harmed["segment"]),
        )
    return Table(
        grid(shown, "campaign-updates", names, right=[*names][1:]),
        say("campaign-updates.caption"),
        more=said,
        data=rows,
    )


def campaign_results(campaigns: pd.DataFrame, currency: str) -> Table:
    """Set what each campaign changed, for each customer."""

    def write_money(value: float) -> str:
        return estimate(value, currency)

    forms = {"ordered": _write_points, "net_revenue": write_money, "margin": write_money}
    by_outcome = {name: rows.set_index("campaign") for name, rows in campaigns.groupby("outcome")}
    ordered = by_outcome["ordered"]
    shown = pd.DataFrame(
        {
            "campaign": [
                say("campaigns.all") if name == ALL_CAMPAIGNS else shorten(name)
                for name in ordered.index
            ],
            "started": [
                day(pd.Timestamp(one)).replace(" ", "\u00a0") for one in ordered["started"]
            ],
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

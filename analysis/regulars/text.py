"""Choose and fill the sentences about regular customers (``sentences.toml``)."""

from __future__ import annotations

from functools import partial

from analysis.core.formatting import count, money, number_text, percent
from analysis.core.sentences import fill
from analysis.core.settings import Settings

say = partial(fill, "regulars")

#: From this ROC-AUC on, in either direction, the customer number gives the answer away.
_TELLING = 0.6


def regulars_read(
    customers: int,
    same: int,
    declined: int,
    kept_customers: int,
    kept_declined_share: float,
    in_orders: int | None,
    in_orders_share: float | None,
    consent_known: bool,
    impossible_revenue_rows: int,
    impossible_revenue_highest: float | None,
    currency: str,
    settings: Settings,
) -> dict[str, str] | None:
    """Say how many regular customers were read, and how many of them can be compared."""
    if customers is None:
        return None
    said = {
        "said": say(
            "regulars-read.said",
            customers=count(customers),
            same=count(same),
            declined=count(declined),
        )
    }
    share = percent(kept_declined_share, 1)
    if kept_customers == customers:
        said["said-kept"] = say(
            "regulars-read.said-kept-all", customers=count(customers), share=share
        )
    else:
        said["said-kept"] = say(
            "regulars-read.said-kept",
            customers=count(customers),
            kept=count(kept_customers),
            share=share,
        )
    if in_orders is not None and in_orders_share is not None:
        said["said-orders"] = say(
            "regulars-read.said-orders",
            share=percent(in_orders_share),
            customers=count(in_orders),
        )
    if consent_known is False:
        said["said-consent"] = say("regulars-read.said-consent")
    if impossible_revenue_rows and impossible_revenue_highest is not None:
        said["said-impossible"] = say(
            "regulars-read.said-impossible",
            count=impossible_revenue_rows,
            highest=money(impossible_revenue_highest, currency),
            limit=number_text(settings.activity.impossible_revenue),
        )
    return said


def modelling_traps(
    id_auc: float | None,
    duplicate_pairs: int,
    duplicate_pairs_same_revenues: int,
    duplicate_pairs_profit_only: int,
    duplicate_pairs_opposite: int,
    settings: Settings,
) -> dict[str, str] | None:
    """Say what in the tables would flatter a model: a telling number, and near-duplicates."""
    if id_auc is None:
        return None
    auc, columns = f"{id_auc:.2f}", count(settings.activity.twin_columns)
    if max(id_auc, 1 - id_auc) >= _TELLING:
        said = {
            "takeaway": say("modelling-traps.takeaway", auc=auc),
            "said-number": say("modelling-traps.said-number", auc=auc),
        }
    else:
        said = {"said-number": say("modelling-traps.said-number-harmless", auc=auc)}
    return said | {
        "said-pairs": say(
            "modelling-traps.said-pairs",
            pairs=count(duplicate_pairs),
            columns=columns,
            revenues=count(duplicate_pairs_same_revenues),
            profit=count(duplicate_pairs_profit_only),
            opposite=count(duplicate_pairs_opposite),
        )
        if duplicate_pairs
        else say("modelling-traps.said-pairs-none", columns=columns),
    }

"""Measure what past campaigns achieved: contacted customers against a random control group.

Judged are all customers who were assigned to a group, whether the contact reached them or not
(intention to treat), over the days after the campaign was sent. Customers' earlier spending is a
covariate, which narrows the intervals.
"""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Any

import numpy as np
import pandas as pd
import tea_tasting as tt
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.strategy.names import (
    ALL_CAMPAIGNS,
    BROKEN,
    CAMPAIGN_DAYS,
    CONTACTED,
    CONTROL,
    OUTCOMES,
)

#: The fewest days after a campaign that tell anything.
FEWEST_DAYS = 14
#: Days before a campaign whose spending is the covariate.
DAYS_BEFORE = 365
COLUMNS = [
    "campaign",
    "half",
    "segment",
    "started",
    "days",
    "outcome",
    "treated",
    "control",
    "cost_known",
    "base",
    "uplift",
    "low",
    "high",
    "p",
    "p_holm",
    "srm_p",
]


def collect_outcomes(
    assigned: pd.DataFrame, sales: pd.DataFrame, as_of: dt.date, margin: float
) -> pd.DataFrame:
    """Return what each customer of each campaign bought in the days after it was sent.

    Parameters
    ----------
    assigned
        One row a customer and campaign: customer_id, campaign, group, sent_on (a day), and
        cost_per_contact (may be missing) and cost_per_order (of the message, and of the offer where
        it is redeemed).
    sales
        Net sales: customer_id, order_id, day, amount.
    as_of
        The day after the last day with data.
    margin
        The share of net revenue that is margin.

    Returns
    -------
    pandas.DataFrame
        `assigned` with days (observed, at most `CAMPAIGN_DAYS`), ordered (0 or 1), orders,
        net_revenue, margin (less what the contact and its offer cost), and before (net revenue in
        the `DAYS_BEFORE` days before).
    """
    rows = assigned.reset_index(drop=True)
    sent = pd.to_datetime(rows["sent_on"])
    rows["days"] = (pd.Timestamp(as_of) - sent).dt.days.clip(lower=0, upper=CAMPAIGN_DAYS)
    joined = rows[["customer_id"]].assign(row=rows.index, sent=sent, days=rows["days"])
    joined = joined.merge(sales, on="customer_id")
    away = (pd.to_datetime(joined["day"]) - joined["sent"]).dt.days
    after = joined[(away >= 0) & (away < joined["days"])]
    earlier = joined[(away < 0) & (away >= -DAYS_BEFORE)]
    by_row = after.groupby("row")
    orders = by_row["order_id"].nunique().reindex(rows.index, fill_value=0)
    revenue = by_row["amount"].sum().reindex(rows.index, fill_value=0.0)
    before = earlier.groupby("row")["amount"].sum().reindex(rows.index, fill_value=0.0)
    contacted = rows["group"].eq(CONTACTED).astype(float)
    message = rows["cost_per_contact"].fillna(0.0)
    cost = contacted * (message + rows["cost_per_order"] * orders)
    return rows.assign(
        ordered=orders.gt(0).astype(int),
        orders=orders,
        net_revenue=revenue.astype(float),
        margin=revenue.astype(float) * margin - cost,
        before=before.astype(float),
    )


def measure_campaigns(
    outcomes: pd.DataFrame, control_share: pd.Series, minimum_group: int, alpha: float = 0.05
) -> pd.DataFrame:
    """Return the effect of each campaign on each outcome, with its interval.

    Parameters
    ----------
    outcomes
        From `collect_outcomes`, with half and segment of the campaign (empty where it belongs to
        none).
    control_share
        The planned share of the control group, by campaign.
    minimum_group
        A campaign is left out where either group has fewer customers, and where fewer than
        `FEWEST_DAYS` days after it are known.
    alpha
        One less the level of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row a campaign and outcome (`OUTCOMES`): campaign, half, segment, started (a day), days,
        outcome, treated and control (customers), cost_known (else the
        margin is before cost), base (mean of the control group), uplift (the
        difference of the means, given earlier spending) with low and high, p (of no effect),
        p_holm (with all campaigns in view), srm_p (of groups as large as planned: below `BROKEN`
        they are not those that were drawn). Where several are sound, rows of `ALL_CAMPAIGNS`
        follow: the effects of these, weighted by the customers treated.

    References
    ----------
    Deng, A. et al. (2013). *Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data*: the covariate. Holm, S. (1979). *A simple sequentially rejective multiple
    test procedure*.
    """
    rows: list[dict[str, Any]] = []
    for campaign, people in outcomes.groupby("campaign", sort=True):
        sizes = people["group"].value_counts()
        smallest = min(int(sizes.get(name, 0)) for name in (CONTACTED, CONTROL))
        days = int(people["days"].min())
        if smallest < max(minimum_group, 2) or days < FEWEST_DAYS:
            continue
        about = {
            "campaign": campaign,
            "half": people["half"].iloc[0],
            "segment": people["segment"].iloc[0],
            "started": pd.to_datetime(people["sent_on"]).min().date().isoformat(),
            "days": days,
            "treated": int(sizes[CONTACTED]),
            "control": int(sizes[CONTROL]),
            "cost_known": bool(people["cost_per_contact"].notna().all()),
        }
        rows += _compare(people, about, float(control_share[campaign]), alpha)
    found = pd.DataFrame(rows, columns=COLUMNS)
    if found.empty:
        return found
    for outcome in OUTCOMES:
        own = found["outcome"] == outcome
        found.loc[own, "p_holm"] = multipletests(found.loc[own, "p"], method="holm")[1]
    sound = found[found["srm_p"] >= BROKEN]
    if sound["campaign"].nunique() > 1:
        found = pd.concat([found, _join_effects(sound, alpha)], ignore_index=True)
    return found


def _compare(
    people: pd.DataFrame, about: dict[str, Any], share: float, alpha: float
) -> list[dict[str, Any]]:
    """Return a campaign's rows."""
    covariate = "before" if people["before"].nunique() > 1 else None
    metrics: dict[str, Any] = {
        name: tt.Mean(name, covariate if people[name].nunique() > 1 else None) for name in OUTCOMES
    }
    metrics["srm"] = tt.SampleRatio({CONTACTED: 1 - share, CONTROL: share})
    data = people[["group", "before", *OUTCOMES]].rename(columns={"group": "variant"})
    with tt.config_context(confidence_level=1 - alpha), warnings.catch_warnings():
        # Where no customer differs from another, the effect is 0 with an interval of no width.
        warnings.filterwarnings("ignore", "invalid value|divide by zero", RuntimeWarning)
        found: Any = tt.Experiment(metrics).analyze(data, control=CONTROL)
    return [
        about
        | {
            "outcome": name,
            "base": float(people.loc[people["group"] == CONTROL, name].mean()),
            "uplift": float(found[name].effect_size),
            "low": float(np.nan_to_num(found[name].effect_size_ci_lower)),
            "high": float(np.nan_to_num(found[name].effect_size_ci_upper)),
            "p": float(np.nan_to_num(found[name].pvalue, nan=1.0)),
            "srm_p": float(found["srm"].pvalue),
        }
        for name in OUTCOMES
    ]


def _join_effects(found: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the effect of all campaigns together: a mean, by the customers treated.

    Campaigns are taken to have different customers, as those have that one export wrote.
    """
    z = float(stats.norm.ppf(1 - alpha / 2))
    rows = []
    for outcome, own in found.groupby("outcome", sort=False):
        weight = own["treated"] / own["treated"].sum()
        error = float(np.sqrt((weight**2 * ((own["high"] - own["low"]) / (2 * z)) ** 2).sum()))
        uplift = float((weight * own["uplift"]).sum())
        p = float(2 * stats.norm.sf(abs(uplift) / error)) if error > 0 else 1.0
        rows.append(
            {
                "campaign": ALL_CAMPAIGNS,
                "half": "",
                "segment": "",
                "started": own["started"].min(),
                "days": own["days"].min(),
                "outcome": outcome,
                "treated": own["treated"].sum(),
                "control": own["control"].sum(),
                "cost_known": own["cost_known"].all(),
                "base": float((weight * own["base"]).sum()),
                "uplift": uplift,
                "low": uplift - z * error,
                "high": uplift + z * error,
                "p": p,
                "p_holm": p,
                "srm_p": np.nan,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def update_range(
    low: float, likely: float, high: float, measured: pd.DataFrame
) -> tuple[float, float, float]:
    """Return what to assume of an uplift after it was measured: prior times measurement.

    Parameters
    ----------
    low, likely, high
        What was assumed: read as a normal distribution with the mean `likely`, of which low to high
        holds 95%.
    measured
        One row a campaign of the same action: uplift, low, high (95%).

    Returns
    -------
    tuple of float
        Low, likely and high of the posterior, which is normal, too.

    References
    ----------
    Gelman, A. et al. (2013). *Bayesian Data Analysis* (3rd ed.), section 2.5.

    Examples
    --------
    >>> found = pd.DataFrame({"uplift": [0.0], "low": [-0.02], "high": [0.02]})
    >>> [round(end, 4) for end in update_range(0.0, 0.02, 0.04, found)]
    [-0.0041, 0.01, 0.0241]
    """
    z = float(stats.norm.ppf(0.975))
    errors = np.array([(high - low) / (2 * z), *(measured["high"] - measured["low"]) / (2 * z)])
    means = np.array([likely, *measured["uplift"]])
    if not (errors > 0).all():  # what has no width is certain
        return low, likely, high
    weights = 1 / errors**2
    mean, error = float((weights * means).sum() / weights.sum()), float(weights.sum() ** -0.5)
    return mean - z * error, mean, mean + z * error

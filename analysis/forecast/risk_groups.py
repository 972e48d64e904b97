"""Group regular customers by risk and profit, and describe the group worth keeping.

Customers are cut in four by their risk, as predicted by models that have not seen them, and by
their profit. The group at high risk and with high profit is described against all others and
against those who bring as much and are at low risk.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.forecast.names import CALM, GROUPS, TARGET
from analysis.regulars.reading import Facts
from analysis.regulars.summaries import CHANCE
from analysis.regulars.tables import feature_effects
from analysis.stats.bootstrap import percentile_interval, resampled_sums
from analysis.stats.intervals import wilson

AGAINST = {"all others": GROUPS[1:], CALM: (CALM,)}


def assign(customers: pd.DataFrame, probability: npt.ArrayLike, high_risk: float) -> pd.Series:
    """Return each customer's group: risk from `high_risk` on is high, profit from the median on.

    Parameters
    ----------
    customers
        With profit.
    probability
        Of decline.
    high_risk
        0 to 1.

    Returns
    -------
    pandas.Series
        One of `GROUPS`; missing where the probability is.

    Examples
    --------
    >>> people = pd.DataFrame({"profit": [1.0, 2.0, 3.0]})
    >>> assign(people, [0.9, 0.9, 0.1], 0.5).tolist()
    ['high risk, low profit', 'high risk, high profit', 'low risk, high profit']
    """
    p = np.asarray(probability, dtype=float)
    risk = np.where(p >= high_risk, "high risk", "low risk")
    profit = np.where(customers["profit"] >= customers["profit"].median(), "high", "low")
    names = [f"{one}, {other} profit" for one, other in zip(risk, profit, strict=True)]
    group = pd.Series(names, index=customers.index, dtype="str", name="risk_group")
    return group.mask(np.isnan(p))


def risk_groups(customers: pd.DataFrame, seed: int, minimum_group: int) -> pd.DataFrame:
    """Return the size, the profit and the outcome of each group.

    Parameters
    ----------
    customers
        With decline, decline_probability, profit, consent, duplicate_group and risk_group.
    seed
        For the bootstrap.
    minimum_group
        A group with fewer customers is counted and not described.

    Returns
    -------
    pandas.DataFrame
        group, customers, share; profit, profit_share, profit_share_low, profit_share_high
        (bootstrap over customers, near-duplicates together); predicted (mean probability), declined
        (share that did), declined_low, declined_high (Wilson); consenting and refusing (customers;
        both missing where one counts some, but fewer than `minimum_group`); shown.
    """
    profit = customers["profit"].to_numpy(float)
    own = np.column_stack([profit * (customers["risk_group"] == name) for name in GROUPS])
    sums = resampled_sums(own, seed, customers["duplicate_group"])
    lows, highs = percentile_interval(sums / sums.sum(axis=1, keepdims=True))
    rows = []
    for place, name in enumerate(GROUPS):
        people = customers[customers["risk_group"] == name]
        row = {
            "group": name,
            "customers": len(people),
            "share": len(people) / len(customers),
            "shown": len(people) >= max(minimum_group, 1),
        }
        if row["shown"]:
            wilson_low, wilson_high = wilson([people["decline"].sum()], [len(people)])
            yes = int(people["consent"].sum())
            few = any(0 < number < minimum_group for number in (yes, len(people) - yes))
            row |= {
                "profit": people["profit"].sum(),
                "profit_share": people["profit"].sum() / customers["profit"].sum(),
                "profit_share_low": lows[place],
                "profit_share_high": highs[place],
                "predicted": people["decline_probability"].mean(),
                "declined": people["decline"].mean(),
                "declined_low": wilson_low[0],
                "declined_high": wilson_high[0],
                # Where one number is withheld, the other would give it away.
                **({} if few else {"consenting": float(yes), "refusing": float(len(people) - yes)}),
            }
        rows.append(row)
    columns = [
        "group",
        "customers",
        "share",
        "shown",
        "profit",
        "profit_share",
        "profit_share_low",
        "profit_share_high",
        "predicted",
        "declined",
        "declined_low",
        "declined_high",
        "consenting",
        "refusing",
    ]
    return pd.DataFrame(rows).reindex(columns=columns)


def group_effects(customers: pd.DataFrame, minimum_group: int) -> pd.DataFrame:
    """Compare the group worth keeping with others, feature by feature.

    Differences in what the model looks at are expected, since the group was cut by its
    predictions; they say what the group is like, not why.

    Parameters
    ----------
    customers
        As `risk_groups` takes them.
    minimum_group
        Labels with fewer customers are pooled; groups with fewer are not compared.

    Returns
    -------
    pandas.DataFrame
        against, and the columns of `regulars.tables.feature_effects`, in which
        ``declined_*`` is the group and ``same_*`` those it is compared with. p-values are
        adjusted over all comparisons.
    """
    parts = []
    for name, others in AGAINST.items():
        people = customers[customers["risk_group"].isin([TARGET, *others])]
        if people.empty:
            continue
        flagged = people.assign(decline=people["risk_group"] == TARGET)
        parts.append(feature_effects(flagged, minimum_group).assign(against=name))
    if not any(map(len, parts)):
        return pd.DataFrame()
    effects = pd.concat(parts, ignore_index=True)
    adjusted = stats.false_discovery_control(effects["p_value"], method="bh")
    return effects.assign(p_adjusted=adjusted, clear=adjusted < CHANCE)


def risk_facts(groups: pd.DataFrame) -> Facts:
    """Return the numbers that the prose quotes, keyed ``risk.*``, for the group worth keeping."""
    sizes = dict(zip(groups["group"], groups["customers"], strict=True))
    target = groups[groups["group"] == TARGET].iloc[0].drop(["group", "shown"]).dropna()
    return {
        **{f"risk.{name}": int(size) for name, size in sizes.items()},
        **{f"risk.target_{name}": float(value) for name, value in target.items()},
        "risk.target_customers": int(sizes[TARGET]),
    }

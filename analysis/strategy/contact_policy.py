"""Find the risk above which contacting a customer pays.

A contact costs, and keeps a share of those who would have bought less. Not one half but the
profit draws the line. Only customers who consented to messages are counted. The share that a
contact keeps is an assumption (``[contact]`` in the settings) until a test has measured it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.core.settings import ContactSettings
from analysis.regulars.reading import Facts
from analysis.stats.bootstrap import percentile_interval, resampled_sums
from analysis.stats.intervals import wilson
from analysis.stats.models import Numbers
from analysis.strategy.names import AS_ASSUMED

THRESHOLDS = np.round(np.arange(0, 1.0001, 0.02), 2)
#: What may be wrong, and by what the assumption is multiplied.
SCENARIOS: dict[str, dict[str, float]] = {
    AS_ASSUMED: {},
    "a contact keeps half as many": {"save_rate": 0.5},
    "a contact keeps twice as many": {"save_rate": 2.0},
    "a contact costs half": {"cost": 0.5},
    "a contact costs twice": {"cost": 2.0},
}


def gain(
    profit: npt.ArrayLike, declines: npt.ArrayLike, contact: ContactSettings, **times: float
) -> Numbers:
    """Return what contacting each customer brings, less what it costs.

    Parameters
    ----------
    profit
        A month, of each customer. What is below zero is not worth keeping: it counts as zero.
    declines
        Whether the customer buys less (0 or 1), or the probability of it.
    contact
        The assumptions.
    times
        By what to multiply ``save_rate`` or ``cost``.

    Returns
    -------
    numpy.ndarray
        In the unit of the profit.

    Examples
    --------
    >>> from analysis.core.settings import read_settings
    >>> assumed = read_settings().contact.model_copy(
    ...     update={"cost": 1.0, "save_rate": 0.1, "profit_lost": 0.5, "months": 3.0}
    ... )
    >>> gain([100.0, 100.0], [1, 0], assumed).tolist()
    [14.0, -1.0]
    """
    saved = min(1.0, contact.save_rate * times.get("save_rate", 1.0))
    value = np.maximum(np.asarray(profit, dtype=float), 0) * contact.profit_lost * contact.months
    kept = np.asarray(declines, dtype=float) * saved * value
    return np.asarray(kept - contact.cost * times.get("cost", 1.0))


def contact_curve(
    customers: pd.DataFrame,
    probability: npt.ArrayLike,
    contact: ContactSettings,
    seed: int,
    minimum_group: int = 1,
) -> pd.DataFrame:
    """Return what contacting everybody at or above each risk would have brought.

    Parameters
    ----------
    customers
        With decline, profit, consent and duplicate_group.
    probability
        Of decline, by models that have not seen the customer.
    contact
        The assumptions.
    seed
        For the bootstrap.
    minimum_group
        Risks from which on fewer customers would be contacted, though some, have no row.

    Returns
    -------
    pandas.DataFrame
        threshold; contacted (customers with consent at or above it); expected (profit by the
        probabilities); profit (by what came), low and high (95%, bootstrap over customers,
        near-duplicates together); least and most (by what came, at the lowest and highest share
        kept); precision (of the contacted, the share that declined) and recall (of all with
        consent who declined, the share contacted), each with _low and _high (Wilson); chosen:
        where `expected` is highest. Empty when nobody consented.
    """
    reached = customers["consent"].to_numpy(dtype=bool)
    people, p = customers[reached], np.asarray(probability, dtype=float)[reached]
    if people.empty:
        return pd.DataFrame()
    profit, came = people["profit"].to_numpy(float), people["decline"].to_numpy(bool)
    gains = {
        "expected": gain(profit, p, contact),
        "profit": gain(profit, came, contact),
        "least": gain(profit, came, contact, save_rate=_ratio(contact, "save_rate_low")),
        "most": gain(profit, came, contact, save_rate=_ratio(contact, "save_rate_high")),
    }
    above = p[None, :] >= THRESHOLDS[:, None]
    contacted, hits = above.sum(axis=1), (above & came).sum(axis=1)
    drawn = resampled_sums((above * gains["profit"]).T, seed, people["duplicate_group"])
    low, high = percentile_interval(drawn)
    precision, recall = wilson(hits, contacted), wilson(hits, np.full(len(hits), came.sum()))
    table = pd.DataFrame(
        {
            "threshold": THRESHOLDS,
            "contacted": contacted,
            **{name: above @ values for name, values in gains.items()},
            "low": low,
            "high": high,
            "precision": hits / np.where(contacted, contacted, np.nan),
            "precision_low": precision[0],
            "precision_high": precision[1],
            "recall": hits / (came.sum() or np.nan),
            "recall_low": recall[0],
            "recall_high": recall[1],
        }
    )
    few = table["contacted"].between(1, minimum_group - 1)
    table = table[~few].reset_index(drop=True)
    return table.assign(chosen=table.index == _last_maximum(table["expected"]))


def cut_off(curve: pd.DataFrame) -> float:
    """Return the risk from which contacting a regular customer pays: the plan's one policy.

    Parameters
    ----------
    curve
        From `contact_curve`. Where it is empty, nobody consented, and there is nobody to choose.

    Returns
    -------
    float
        Between 0 and 1; infinite where contacting nobody is best.
    """
    if curve.empty:
        return 0.0
    best = curve[curve["chosen"]].iloc[0]
    return float(best["threshold"]) if best["expected"] > 0 else float("inf")


def _ratio(contact: ContactSettings, name: str) -> float:
    return float(getattr(contact, name) / contact.save_rate) if contact.save_rate else 1.0


def _last_maximum(expected: pd.Series) -> int:
    """Return the place of the highest value, the last where several are the same."""
    return int(len(expected) - 1 - np.argmax(expected.to_numpy()[::-1]))


def contact_scenarios(
    customers: pd.DataFrame, probability: npt.ArrayLike, contact: ContactSettings
) -> pd.DataFrame:
    """Return what changes when an assumption is wrong by a factor of two.

    Returns
    -------
    pandas.DataFrame
        scenario; threshold and contacted (best if one knew); expected (the profit there);
        kept_threshold (the profit of keeping to the line drawn as assumed); lost (the difference:
        what not knowing costs). Profits are by the probabilities. Empty when nobody consented.
    """
    reached = customers["consent"].to_numpy(dtype=bool)
    people, p = customers[reached], np.asarray(probability, dtype=float)[reached]
    if people.empty:
        return pd.DataFrame()
    above = p[None, :] >= THRESHOLDS[:, None]
    rows, kept = [], 0
    for scenario, times in SCENARIOS.items():
        expected = pd.Series(above @ gain(people["profit"], p, contact, **times))
        best = _last_maximum(expected)
        kept = best if scenario == AS_ASSUMED else kept
        rows.append(
            {
                "scenario": scenario,
                "threshold": THRESHOLDS[best],
                "contacted": int(above[best].sum()),
                "expected": expected[best],
                "kept_threshold": expected[kept],
                "lost": expected[best] - expected[kept],
            }
        )
    return pd.DataFrame(rows)


def contact_facts(curve: pd.DataFrame, contact: ContactSettings) -> Facts:
    """Return the numbers that the prose quotes, keyed ``contact.*``."""
    facts: Facts = {f"contact.{name}": float(value) for name, value in contact.model_dump().items()}
    if curve.empty:
        return facts
    chosen = curve[curve["chosen"]].iloc[0]
    for name in chosen.index.drop(["chosen", "contacted"]):
        if pd.notna(chosen[name]):
            facts[f"contact.{name}"] = float(chosen[name])
    facts["contact.contacted"] = int(chosen["contacted"])
    everybody = curve.iloc[0]
    facts["contact.everybody_profit"] = float(everybody["profit"])
    facts["contact.reachable"] = int(everybody["contacted"])
    return facts

"""Back-test earlier forecasts of spend: hold them against what customers then spent.

A forecast of spend promised a sum with an interval, if the season is like the one a year earlier,
and a ranking of customers that had been tested. A sum that was off while the ranking holds is the
season, and no decay of the model.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.history.backtest import MATERIAL, OFF, WORSE
from analysis.history.names import FEWEST_OF_A_KIND, LEVEL, RANKING
from analysis.orders.as_of import spend_after
from analysis.orders.ledger import Ledger
from analysis.stats.bootstrap import percentile_interval, resampled_counts, subsample
from analysis.stats.ranking import captured_share, weighted_spearman

#: The list whose catch is told, as a share of the customers.
TOP = 0.1
DRAWS = 199
#: Of more customers than these, as many are drawn, and the spread is scaled.
MOST = 10_000
#: How much sound forecasts differ from quarter to quarter beyond what customers' chance explains:
#: standard deviations of the logarithm of the sum, and of the rank correlation.
BETWEEN_SUMS, BETWEEN_RANKS = 0.1, 0.02


def backtest_spend(
    facts: Mapping[str, Any],
    customers: pd.DataFrame,
    ledger: Ledger,
    days: int,
    seed: int,
    minimum_group: int,
) -> pd.DataFrame:
    """Return what an earlier build expected customers to spend, and what they spent.

    Parameters
    ----------
    facts, customers
        Of the earlier build.
    ledger
        As known now; it covers the days to their end.
    days
        That were forecast.
    seed
        Of the bootstrap over customers.
    minimum_group
        Nothing is told of fewer customers.

    Returns
    -------
    pandas.DataFrame
        One row, or none without a forecast: days, start, customers; expected with expected_low and
        expected_high, came, ratio (expected by came); spearman with spearman_low and spearman_high,
        promised (as tested then); top_decile (share of what came with the tenth of customers of
        whom most was expected); decayed; reason (`LEVEL`, `RANKING`, or both).
    """
    column, start = f"expected_spend_{days}", str(facts.get("transactions.as_of", ""))
    if column not in customers or not start or facts.get(f"forecast.expected_{days}") is None:
        return pd.DataFrame()
    said = customers.dropna(subset=[column]).set_index("customer_id")[column].sort_index()
    date = dt.date.fromisoformat(start)
    later = spend_after(ledger, date, date + dt.timedelta(days=days))
    came = later.reindex(said.index, fill_value=0.0).to_numpy(dtype=float)
    if len(said) < max(minimum_group, 1) or min((came > 0).sum(), (came == 0).sum()) < (
        FEWEST_OF_A_KIND
    ):
        return pd.DataFrame()
    expected = said.to_numpy(dtype=float)
    ends = [float(facts[f"forecast.expected_{days}{end}"]) for end in ("", "_low", "_high")]
    end = "" if days == 90 else f"_{days}"
    row: dict[str, Any] = {
        "days": days,
        "start": start,
        "customers": len(said),
        "expected": ends[0],
        "expected_low": ends[1],
        "expected_high": ends[2],
        "came": came.sum(),
        "ratio": ends[0] / came.sum(),
        "promised": facts.get(f"forecast.test_spearman{end}", np.nan),
        **_ranks(expected, came, seed),
    }
    reasons = find_reasons(row)
    row |= {"decayed": RANKING in reasons, "reason": " and ".join(reasons)}
    return pd.DataFrame([row])


def _ranks(expected: np.ndarray, came: np.ndarray, seed: int) -> dict[str, float]:
    """Return how well customers were ranked, with an interval over them."""
    one = np.ones((1, len(came)))
    value = float(np.nan_to_num(weighted_spearman(expected, came, one))[0])
    some = subsample(len(came), seed, MOST)
    drawn = np.concatenate(
        [
            np.nan_to_num(weighted_spearman(expected[some], came[some], weights))
            for weights in resampled_counts(len(some), seed, DRAWS)
        ]
    )
    narrower = np.sqrt(len(some) / len(came))
    low, high = percentile_interval(value + (drawn - drawn.mean()) * narrower)
    top = float(captured_share(expected, came, one, TOP)[0])
    return {"spearman": value, "spearman_low": low, "spearman_high": high, "top_decile": top}


def find_reasons(row: Mapping[str, Any]) -> list[str]:
    """Return what was off beyond the chance of customers and the variance between quarters.

    Parameters
    ----------
    row
        As `backtest_spend` has it.
    """
    width = 2 * 1.96
    reasons = []
    error = (row["spearman_high"] - row["spearman_low"]) / width
    # The promise was measured on as many customers.
    spread = float(np.sqrt(2 * error**2 + BETWEEN_RANKS**2))
    worse = row["promised"] - row["spearman"]
    if np.isfinite(worse) and worse > max(WORSE * spread, MATERIAL * row["promised"]):
        reasons.append(RANKING)
    chance = np.log(max(row["expected_high"], 1e-9) / max(row["expected_low"], 1e-9)) / width
    off = abs(np.log(max(row["came"], 1e-9) / max(row["expected"], 1e-9)))
    if off > max(OFF * float(np.hypot(chance, BETWEEN_SUMS)), np.log1p(MATERIAL)):
        reasons.append(LEVEL)
    return reasons

"""Name the forecasts that are checked, and the units of facts that are followed."""

from __future__ import annotations

#: The forecasts that are compared with their outcomes.
LAPSE, DECLINE = "lapse", "decline"
#: What may have decayed: who comes before whom, and how many there are in all.
RANKING, LEVEL = "ranking", "level"
#: Why a forecast has no outcome: nobody had one, its days are not over, its customers are not in
#: the new data, or that data says nothing new.
NO_FORECAST, NOT_OVER, UNKNOWN, NOTHING_NEW = (
    "no forecast",
    "days are missing",
    "customers are unknown",
    "nothing new",
)
#: Fewer customers of one kind than these tell nothing of how well the kinds are told apart.
FEWEST_OF_A_KIND = 10
#: The unit of a fact that is followed from build to build.
COUNT, MONEY, PROFIT, SHARE, DAYS, SCORE = "count", "money", "profit", "share", "days", "score"
#: Sums of money that differ by less are the same sum.
SAME = 0.005

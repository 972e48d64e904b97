"""State what the value of an action depends on: what is assumed, and what the data say.

A contact costs its message, and its offer for each order that uses it, also for orders that would
have been placed anyway. It makes a share of the contacted customers order who would not have
ordered (of the regular customers: keep buying who would buy less): the uplift. Within a segment,
customers are won in proportion to their probability of not ordering.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.core.settings import ContactSettings, Range, StrategySettings
from analysis.segments.names import tells_levels
from analysis.segments.returns import absence_probability
from analysis.strategy.contact_policy import gain
from analysis.strategy.names import (
    COST,
    FEW_ABOVE,
    NO_CONSENT,
    NO_PROFIT,
    NO_RISK,
    OFFER,
    RATE,
    REACH,
    UNCOUNTED,
    UPLIFT,
    VALUE,
)
from analysis.strategy.plan import Action

Numbers = npt.NDArray[np.float64]
#: The distribution of an assumption: a triangle over its range; the same on a logarithmic scale,
#: with the mean `likely` (what may be wrong by a factor); normal or log-normal (what data say), of
#: which the range holds 95% and `likely` is the mean.
Shape = Literal["triangle", "factor", "normal", "lognormal"]

Z = float(stats.norm.ppf(0.975))
#: Points at which the mean of a distribution is taken.
POINTS = (np.arange(1000) + 0.5) / 1000


class Assumed(NamedTuple):
    """A quantity that is not known exactly: low, likely and high, and its distribution."""

    low: float
    likely: float
    high: float
    shape: Shape = "triangle"

    def quantiles(self, u: Numbers) -> Numbers:
        """Return the quantiles at some levels between 0 and 1."""
        low, likely, high = self.low, self.likely, self.high
        z = stats.norm.ppf(u)
        if self.shape == "lognormal" and likely > 0:
            # An interval that begins at 0, or below it, says only how large the value may be.
            spread = np.log(high / low) / (2 * Z) if low > 0 else np.log(high / likely) / Z
            return np.asarray(likely * np.exp(z * spread - spread**2 / 2))
        if self.shape == "normal":
            return np.asarray(likely + z * (high - low) / (2 * Z))
        if self.shape == "factor" and low > 0:
            logs = np.log([low, likely, high])
            mean = np.exp(triangular_quantiles(POINTS, *logs)).mean()
            return np.asarray(np.exp(triangular_quantiles(u, *logs)) * likely / mean)
        return triangular_quantiles(u, low, likely, high)

    @property
    def mean(self) -> float:
        """The mean of the distribution."""
        if self.shape == "triangle":
            return (self.low + self.likely + self.high) / 3
        return self.likely

    def times(self, factor: float) -> Assumed:
        """Return the quantity multiplied by a number of at least 0."""
        return self._replace(
            low=self.low * factor, likely=self.likely * factor, high=self.high * factor
        )


def triangular_quantiles(u: Numbers, low: float, likely: float, high: float) -> Numbers:
    """Return the quantiles of a triangular distribution, also where it has no width.

    Examples
    --------
    >>> triangular_quantiles(np.array([0.0, 0.5, 1.0]), 0.0, 1.0, 2.0).tolist()
    [0.0, 1.0, 2.0]
    """
    if high <= low:
        return np.full_like(u, likely)
    return np.asarray(stats.triang.ppf(u, (likely - low) / (high - low), low, high - low))


def from_settings(assumed: Range) -> Assumed:
    """Return a range of the settings as a quantity."""
    return Assumed(assumed.low, assumed.likely, assumed.high)


def wrong_by(value: float, times: float) -> Assumed:
    """Return a value that may be as many times as high, or as low."""
    return Assumed(value / times, value, value * times, "factor")


class Terms(NamedTuple):
    """All that the value of one action depends on.

    Attributes
    ----------
    people
        Customers to be contacted.
    movable
        The share of them who can be won: no uplift is larger.
    ranges
        Of `UPLIFT` (share of those contacted), `VALUE` (what each customer won spends, or the
        profit of each customer kept), `RATE` (the margin, or by what the profit at stake is
        multiplied), `REACH`, `COST` (of a message) and `OFFER` (of an order that uses it).
    anyway
        Orders of a contacted customer that would have been placed anyway: they use the offer, too.
    orders
        Orders of a customer who is won.
    campaigns
        How many campaigns have measured the uplift.
    """

    people: int
    movable: float
    ranges: dict[str, Assumed]
    anyway: float = 0.0
    orders: float = 0.0
    campaigns: int = 0

    def profit(self, **values: Numbers | float) -> Numbers:
        """Return the profit with some quantities given, the others at their means."""
        at = {name: values.get(name, self.mean(name)) for name in self.ranges}
        offer = at[OFFER]
        won = np.minimum(at[UPLIFT], self.movable) * (at[VALUE] * at[RATE] - offer * self.orders)
        cost = at[COST] + offer * self.anyway
        return np.asarray(self.people * at[REACH] * (won - cost), dtype=float)

    def mean(self, name: str) -> float:
        """Return the mean of a quantity; of the uplift, with nobody won who orders anyway."""
        assumed = self.ranges[name]
        if name == UPLIFT and assumed.high > self.movable:
            return float(np.minimum(assumed.quantiles(POINTS), self.movable).mean())
        return assumed.mean


# ------------------------------------------------------------------------- customers of the orders


def reachable_by(people: pd.DataFrame, unknown: str) -> pd.Series:
    """Tell which customers of the orders may be contacted: nobody who refused.

    Parameters
    ----------
    people
        With consent: true, false, or missing where nobody knows.
    unknown
        ``contact`` or ``leave_out`` those of whom nobody knows.
    """
    if "consent" not in people:
        return pd.Series(unknown == "contact", people.index)
    return people["consent"].fillna(unknown == "contact").astype(bool)


def ledger_contacts(people: pd.DataFrame, past: pd.DataFrame) -> pd.DataFrame:
    """Return what a contact with each customer of the orders could win.

    Parameters
    ----------
    people
        segment, and lapse_probability_90 and spend_if_ordering_90 where there is a forecast.
    past
        From `segments.returns.returns`.

    Returns
    -------
    pandas.DataFrame
        away (probability of no order in the next quarter without a contact), spend (expected if
        the customer orders), anyway (expected orders without a contact) and orders (if the customer
        orders), by the index of `people`. All but away are missing for customers without a forecast
        where others have one, and where the past of the segment is not known. Where the season is
        not known, customers are as others of their segment were.
    """
    by_segment = past.set_index("segment")

    def usual(name: str) -> pd.Series:
        return people["segment"].map(by_segment[name].astype(float)).astype(float)

    orders = usual("orders_mean")
    if "spend_if_ordering_90" in people and tells_levels(people):
        spend = people["spend_if_ordering_90"].astype(float)
        away = people["lapse_probability_90"].astype(float)
    else:
        away, spend = absence_probability(people, past), usual("spend_mean")
    return pd.DataFrame(
        {"away": away, "spend": spend, "anyway": (1 - away) * orders, "orders": orders}
    )


def ledger_terms(
    action: Action,
    people: pd.DataFrame,
    everybody: pd.DataFrame,
    spend_range: tuple[float, float],
    assumed: StrategySettings,
    measured: tuple[Assumed, int] | None = None,
) -> Terms:
    """Return the terms of contacting some customers of a segment.

    Parameters
    ----------
    action
        With cost, offer_cost and uplift.
    people
        The customers to contact, from `ledger_contacts`, with consent where it is known.
    everybody
        All customers of the segment whom the action may contact: the uplift is assumed of them.
    spend_range
        The ends of what the segment is expected to spend, in parts of it.
    assumed
        The settings.
    measured
        The uplift among all of `everybody` and the number of campaigns that measured it; None
        where none did.
    """
    uplift, campaigns = measured or (assumed_uplift(action), 0)
    mean = float(everybody["away"].mean())
    won = people["away"] / mean if mean > 0 else people["away"] * 0.0 + 1.0
    spend = float((won * people["spend"]).sum() / won.sum()) if won.sum() > 0 else 0.0
    return Terms(
        len(people),
        float(people["away"].mean()),
        {
            UPLIFT: uplift.times(float(won.mean())),
            VALUE: Assumed(spend * spend_range[0], spend, spend * spend_range[1], "lognormal"),
            RATE: from_settings(assumed.margin),
            REACH: reach_of(people, assumed),
            COST: wrong_by(action.cost or 0.0, assumed.wrong_by),
            OFFER: wrong_by(action.offer_cost, assumed.wrong_by),
        },
        anyway=float(people["anyway"].mean()),
        orders=float(people["orders"].mean()),
        campaigns=campaigns,
    )


def assumed_uplift(action: Action) -> Assumed:
    """Return the uplift that the plan assumes of an action for a segment."""
    assert action.uplift is not None
    return from_settings(action.uplift)


def reach_of(people: pd.DataFrame, assumed: StrategySettings) -> Assumed:
    """Return the share that can be reached: all who agreed, and of the others what is assumed."""
    answer = people["consent"] if "consent" in people else pd.Series(pd.NA, people.index)
    agreed = float(answer.eq(True).fillna(False).mean()) if len(people) else 0.0
    reach = from_settings(assumed.reach)
    low, likely, high = (agreed + (1 - agreed) * share for share in reach[:3])
    return Assumed(low, likely, high)


def check_consent(people: pd.DataFrame, unknown: str, minimum_group: int) -> str:
    """Return why the customers of a segment who may be contacted are not counted, or nothing.

    Parameters
    ----------
    people
        The customers of the segment.
    unknown
        As `reachable_by` takes it.
    minimum_group
        Where fewer refused messages, or fewer did not, nothing is told.
    """
    reachable = int(reachable_by(people, unknown).sum())
    refused = len(people) - reachable
    if not reachable:
        return NO_CONSENT
    return UNCOUNTED if refused and min(reachable, refused) < minimum_group else ""


# ------------------------------------------------------------------------- the regular customers


def contact_of(action: Action, contact: ContactSettings) -> ContactSettings:
    """Return the assumptions about a contact, with the action's own where it has some."""
    changes: dict[str, float] = {} if action.cost is None else {"cost": action.cost}
    if rate := action.uplift:
        changes |= {
            "save_rate": rate.likely,
            "save_rate_low": rate.low,
            "save_rate_high": rate.high,
        }
    return contact.model_copy(update=changes)


def profit_at_stake(people: pd.DataFrame, action: Action, contact: ContactSettings) -> pd.Series:
    """Return the profit that each regular customer is expected to take away: missing if unknown."""
    sure = contact_of(action, contact).model_copy(update={"save_rate": 1.0})
    risk = people["decline_probability"].to_numpy(float)
    # What a contact that keeps everybody would bring before its cost: linear in the share kept.
    return pd.Series(gain(people["profit"], risk, sure) + sure.cost, people.index)


def group_terms(
    action: Action,
    people: pd.DataFrame,
    contact: ContactSettings,
    times: float,
) -> Terms | str:
    """Return the terms of contacting some regular customers of a group, or why there are none.

    Uplift is the share of those contacted who are kept; value is chosen so that all together give
    `strategy.contact_policy.gain`.

    Parameters
    ----------
    action
        The action.
    people
        The customers to contact, with profit, decline_probability and duplicate_group.
    contact
        The settings' assumptions.
    times
        By what those without a range may be wrong.
    """
    sure = contact_of(action, contact)
    at_stake = profit_at_stake(people, action, contact)
    if at_stake.isna().all():
        return NO_PROFIT
    # Of a customer whose profit is not known, the others' mean is expected.
    mean, share = float(at_stake.mean()), float(people["decline_probability"].mean())
    apart = (at_stake - mean).groupby(people["duplicate_group"].to_numpy()).sum()
    reach = Z * float(np.sqrt((apart**2).sum())) / at_stake.notna().sum()
    low, likely, high = (
        rate * share for rate in (sure.save_rate_low, sure.save_rate, sure.save_rate_high)
    )
    per_customer = [
        max(0.0, value) / share if share else 0.0 for value in (mean - reach, mean, mean + reach)
    ]
    return Terms(
        len(people),
        share,
        {
            UPLIFT: Assumed(low, likely, high),
            VALUE: Assumed(per_customer[0], per_customer[1], per_customer[2], "lognormal"),
            RATE: wrong_by(1.0, times),
            REACH: Assumed(1.0, 1.0, 1.0),
            COST: wrong_by(sure.cost, times),
            OFFER: Assumed(0.0, 0.0, 0.0),
        },
    )


def consenting(people: pd.DataFrame, minimum_group: int, cut_off: float) -> pd.DataFrame | str:
    """Return the regular customers of a group to contact, or why nobody is.

    Parameters
    ----------
    people
        The group, with consent and decline_probability.
    minimum_group
        Where fewer consented, or fewer did not, nothing is told.
    cut_off
        The risk from which contacting pays, from `strategy.contact_policy.cut_off`.
    """
    consented = people[people["consent"].to_numpy(dtype=bool)]
    others = len(people) - len(consented)
    if consented.empty:
        return NO_CONSENT
    if len(consented) < minimum_group or 0 < others < minimum_group:
        return UNCOUNTED
    above = consented[consented["decline_probability"] >= cut_off]
    if len(above) < minimum_group:
        return FEW_ABOVE if len(above) else NO_RISK
    return above

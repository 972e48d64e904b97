"""Name the texts, assumptions and verdicts of actions and experiments."""

from __future__ import annotations

#: The scenario in which no assumption is wrong.
AS_ASSUMED = "as assumed"
#: Every text of an action.
TEXTS = ["objective", "action", "channel", "offer", "owner", "timing", "metric", "avoid"]
#: What the expected value of an action is made of.
UPLIFT, VALUE, RATE, REACH = "uplift", "value_per_customer", "rate", "reach"
COST, OFFER = "cost", "offer"
#: What can be said of an action: by campaigns that measured it, or by what is assumed.
MEASURED, PAYS = "measured", "pays if assumptions hold"
UNCERTAIN = "uncertain"
#: The experiment with all actions at once.
TOGETHER = "All that pay, together"
#: What can be said of an experiment.
ENOUGH, TOO_SMALL = "large enough", "too small"
#: Why an action is stopped, whatever is assumed of it.
HARMED = "a campaign with a control group made these customers order less"
#: Why an action has no value.
FEW = "there are too few customers to describe"
NO_PAST = "too few of its customers could be followed over a whole quarter"
NO_PROFIT = "the profit of those who consented is not known"
NO_CONSENT = "nobody in the group is known to have consented to messages"
NO_RISK = "nobody in the group who consented is above the contact cut-off"
FEW_ABOVE = "too few customers to describe are above the contact cut-off"
UNCOUNTED = "so few differ in consent that counting them would describe individuals"
NO_FORECAST = "too few of its customers ordered recently enough for a forecast"
FEW_WORTH = "contacting pays for too few of its customers to describe"
#: Why an action of the orders states no gain.
NO_SEASON = "the orders do not cover the same season a year earlier"
#: The groups of an experiment.
CONTACTED, CONTROL = "contacted", "control"
#: By what a campaign is judged, for each customer: did he or she order, how often, for how much net
#: revenue, and what was left of it after the contact and its offer were paid for.
OUTCOMES = ("ordered", "orders", "net_revenue", "margin")
#: The campaign that stands for all campaigns together.
ALL_CAMPAIGNS = "all campaigns"
#: Days after a campaign over which it is judged.
CAMPAIGN_DAYS = 90
#: Groups that chance makes as uneven as these less often than this are not those that were drawn.
BROKEN = 0.001
#: Whether customers who buy less meet the condition of an offer more often, less often, or neither;
#: or that too few customers do, or do not, for anybody to know.
SEPARATES, OPPOSITE, NO_DIFFERENCE = "more often", "less often", "no clear difference"
TOO_FEW = "too few customers"

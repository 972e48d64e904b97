"""Name the texts, assumptions and verdicts of actions and experiments."""

from __future__ import annotations

#: The scenario in which no assumption is wrong.
AS_ASSUMED = "as assumed"
#: Every text of an action.
TEXTS = ["objective", "action", "channel", "offer", "owner", "timing", "metric", "avoid"]
#: What an action's worth is made of.
UPLIFT, WORTH, RATE, REACH, COST = "uplift", "worth", "rate", "reach", "cost"
#: What can be said of an action before anybody has measured it.
PAYS, UNCERTAIN, LOSES = "pays if assumptions hold", "uncertain", "does not pay"
#: The trial of all actions at once.
TOGETHER = "All that pay, together"
#: What can be said of a trial.
ENOUGH, TOO_SMALL, NEVER, UNKNOWN = "large enough", "too small", "cannot pay", "not known"

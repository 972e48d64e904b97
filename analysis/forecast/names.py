"""Name the models and the rules that choose them, dates, lists, account tiers and risk groups."""

from __future__ import annotations

#: What the models of lapsing see, and the one that learns from purchases alone.
RECENCY, RFM, BG_NBD = "recency alone", "R, F and M", "BG/NBD"
#: What a cut-off served for.
TRAINING, VALIDATION, TEST, LEFT_OUT = "training", "validation", "test", "left out"
TARGET = "high risk, high profit"
CALM = "low risk, high profit"
#: From the one worth keeping to the one to leave in peace.
GROUPS = (TARGET, CALM, "high risk, low profit", "low risk, low profit")
HIGH_RISK = (TARGET, "high risk, low profit")
#: The share of active customers that are called the riskiest.
RISKIEST = 0.2
#: Models of spend.
OWN_RATE = "own rate"
LAST_PERIOD = "last period"
SEGMENT_MEAN = "segment mean"
TWO_PART = "two-part linear"
REFERENCE = "BG/NBD and gamma-gamma"
#: How candidates were tested.
IN_TIME, IN_FOLDS = "a later year", "folds of customers"
#: Why a season is not known.
TOO_SHORT, GAP, FEW = "too short", "gap", "few customers"
#: Where there is no model of lapsing: the date at which too few customers came back or stayed away.
FEW_EARLIER, FEW_AT_LAST = "few customers at every earlier date", "few customers at the last date"
#: Account tiers, by place among all customers.
TIER_NAMES = ("top 20", "21 to 100", "101 to 500", "501 to 1,500", "the rest")
#: What ranks the lists of next products.
RANDOM, POPULARITY = "random", "popularity"
OWN_RHYTHM, CO_PURCHASE, RIDGE = "own purchases", "co-purchase", "ridge item to item"

"""Name the models, the roles of cut-off dates, and the risk groups."""

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

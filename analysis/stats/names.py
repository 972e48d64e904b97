"""Name the baseline model, the calibrations and the rule that chooses a model."""

from __future__ import annotations

CONSTANT = "constant"
CALIBRATIONS = ("as it is", "sigmoid", "isotonic")
#: How a model is chosen, as the report states it.
MODEL_RULE = (
    "The simplest candidate that is not credibly worse than the best: the 95% interval of the "
    "difference between their ROC-AUC, on the same rows, reaches zero."
)

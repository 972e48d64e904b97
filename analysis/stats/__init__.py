"""Estimate and judge: intervals, effects, periods, models and their evaluation."""

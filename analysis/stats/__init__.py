"""Compute statistics: intervals, effects, periods, models and their evaluation."""

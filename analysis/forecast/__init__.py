"""Forecast which customers will lapse, and which regular customers will buy less."""

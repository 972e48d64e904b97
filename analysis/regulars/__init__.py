"""Validate, join and describe the four tables of regular customers."""

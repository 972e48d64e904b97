"""Validate and clean the order lines, and describe the sales."""

"""Validate a data folder, run the steps, and write the tables of the book."""

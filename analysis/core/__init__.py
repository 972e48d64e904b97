"""Provide what every package uses: settings, refusals, files, numbers as text, plots."""

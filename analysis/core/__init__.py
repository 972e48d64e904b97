"""Provide what every package uses: settings, problems, files, numbers as text, plots."""

"""Decide what the lines mean: guards, each with its evidence, its sentence and its setting."""

"""Compare new files and builds with earlier ones: checks, changes, drift, back-tests."""

"""Plan what to do about whom: actions, their value, budget, experiments, contacts."""

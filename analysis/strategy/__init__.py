"""Plan the actions for each segment: value, budget, experiments, contact lists."""

"""Score, segment and cluster the customers, and follow them over time."""

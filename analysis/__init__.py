"""Customer report: from an online shop's quarterly data to the tables that the book draws."""

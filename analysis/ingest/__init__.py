"""Find and read a shop's files, or generate a sample of them."""

"""Turn new files into a published release, and keep, restore or erase releases."""

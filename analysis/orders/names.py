"""Set how many products and markets are shown, and from when customers count as new."""

from __future__ import annotations

#: So many products and markets are shown, the largest.
TOP_PRODUCTS, TOP_MARKETS = 15, 12
#: Only with so many months of orders before it does a month show who is new.
HISTORY_MONTHS = 3

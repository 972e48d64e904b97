"""Set how many products and markets are shown."""

from __future__ import annotations

#: So many products and markets are shown, the largest.
TOP_PRODUCTS, TOP_MARKETS = 15, 15

"""Set how many products and markets are shown, and from when customers count as new."""

from __future__ import annotations

#: So many products and markets are shown, the largest.
TOP_PRODUCTS, TOP_MARKETS = 15, 12
#: What is compared with what.
QUARTER_ON_YEAR = "three months, year on year"
YEAR_ON_YEAR = "twelve months, year on year"
ON_PREVIOUS = "three months, against the three before"
#: Whose revenue it is.
NEW, RETURNING = "new customers", "returning customers"
KNOWN, NOBODY, ALL = "known customers", "orders without a customer", "all"
#: What revenue is the product of.
CUSTOMERS, FREQUENCY = "customers", "orders per customer"
ITEMS, PRICE, ORDERS, VALUE = "items per order", "price per item", "orders", "revenue per order"

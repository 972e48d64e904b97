"""Name the columns of the four tables, and what the report calls them."""

from __future__ import annotations

#: Columns of the behaviour table that hold numbers, with the highest value each may take.
BEHAVIOUR_NUMBERS = {
    "contacts_6_months": None,
    "contacts_this_month": None,
    "days_registered": None,
    "promo_share": 1.0,
    "categories_per_visit": None,
    "unpaid_items": None,
    "service_errors": None,
    "pages_per_visit": None,
}
#: Oldest month first.
REVENUES = ("revenue_two_months_ago", "revenue_last_month", "revenue_this_month")
MINUTES = ("minutes_last_month", "minutes_this_month")
#: The columns of `regulars.contract.ActivityTables.customers` that hold numbers.
NUMERIC = (*BEHAVIOUR_NUMBERS, *REVENUES, *MINUTES, "profit")
#: Those that hold words or yes and no.
CATEGORICAL = ("service_level", "consent", "favourite_category")
#: Those of the numbers that are shares.
SHARES = ("promo_share",)
#: What the report calls a column, as it stands in the middle of a sentence; the last ones are
#: those that a marketer would add (`forecast.decline.ADDED`).
FEATURE_NAMES = {
    "decline": "buying less",
    "contacts_6_months": "contacts over six months",
    "contacts_this_month": "contacts this month",
    "days_registered": "days since registration",
    "promo_share": "share bought on promotion",
    "categories_per_visit": "categories viewed per visit",
    "unpaid_items": "unpaid items in the basket",
    "service_errors": "service errors met",
    "pages_per_visit": "pages per visit",
    "revenue_two_months_ago": "revenue two months ago",
    "revenue_last_month": "revenue last month",
    "revenue_this_month": "revenue this month",
    "minutes_last_month": "minutes on the site last month",
    "minutes_this_month": "minutes on the site this month",
    "profit": "profit",
    "service_level": "service level",
    "consent": "consent to messages",
    "favourite_category": "favourite category",
    "revenue_trend": "revenue trend",
    "minutes_change": "change in minutes on the site",
    "contacts_change": "change in contacts",
}
#: What is said where the column of consent has no answer at all.
NO_ANSWERS = "The column of consent is empty from top to bottom: nobody is known to consent."

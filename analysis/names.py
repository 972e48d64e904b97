"""What are halves, columns, groups, models and answers called, and from where on does one count?

The analysis writes these into its tables, and the sentences and pictures look for them there. They
stand apart from both: a chapter that asks for a name must not wait for the libraries that fit
models. So this module imports nothing heavy.
"""

from __future__ import annotations

from typing import Literal

# ------------------------------------------------------------------------- halves, columns

Half = Literal["ledger", "activity"]
LEDGER: Half = "ledger"
ACTIVITY: Half = "activity"

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
#: The columns of `analysis.activity.ActivityTables.customers` that hold numbers.
NUMERIC = (*BEHAVIOUR_NUMBERS, *REVENUES, *MINUTES, "profit")
#: Those that hold words or yes and no.
CATEGORICAL = ("service_level", "consent", "favourite_category")
#: What the report calls a column, as it stands in the middle of a sentence; the last ones are
#: those that a marketer would add (`analysis.decline.ADDED`).
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

# ------------------------------------------------------------------------- clusters, segments

EVERYONE = "All customers"
KMEANS, WARD, GAUSSIAN, DENSITY = "k-means", "Ward", "Gaussian mixture", "HDBSCAN"
METHODS = (KMEANS, WARD, GAUSSIAN, DENSITY)
#: The groupings whose use is compared, beside single scores.
CLUSTERS, SEGMENTS, SCORE_SUM = "clusters", "segments", "score_sum"
#: Above this many customers only k-means is tried: what the others need grows with the square.
KMEANS_ONLY = 50_000
#: Silhouettes and stability are taken from at most so many customers.
CLUSTERING_SAMPLE = 5_000
#: The rule's bounds. An adjusted Rand index above 0.8 is good (Steinley 2004), and a cluster with a
#: Jaccard similarity of 0.85 highly stable (Hennig 2007): people are treated by their cluster.
STABLE, FOUND_AGAIN, SMALLEST_CLUSTER = 0.8, 0.85, 0.05

#: What stands in the heatmap of profiles, and what the report calls it.
TRAITS = {
    "recency_days": "days since last order",
    "tenure_days": "days since first order",
    "frequency": "orders",
    "monetary": "spend",
    "mean_order": "value of an order",
    "lines_per_order": "lines in an order",
}
#: So many products and markets are shown, the largest.
TOP_PRODUCTS, TOP_MARKETS = 15, 15
#: A product must be bought by this share of a segment before the report calls it typical.
SUPPORT = 0.02
#: The segment of those who had not ordered yet.
NEW = "not yet a customer"

# ------------------------------------------------------------------------- models

CONSTANT = "constant"
CALIBRATIONS = ("as it is", "sigmoid", "isotonic")
#: How a model is chosen, as the report states it.
MODEL_RULE = (
    "The simplest candidate that is not credibly worse than the best: the 95% interval of the "
    "difference between their ROC-AUC, on the same rows, reaches zero."
)
#: What the models of lapsing see, and the one that learns from purchases alone.
RECENCY, RFM, BG_NBD = "recency alone", "R, F and M", "BG/NBD"
#: What a cut-off served for.
TRAINING, VALIDATION, TEST, LEFT_OUT = "training", "validation", "test", "left out"
#: The forecasts that are held against what came.
LAPSE, DECLINE = "lapse", "decline"
#: What may have decayed: who comes before whom, and how many there are in all.
RANKING, LEVEL = "ranking", "level"
#: Fewer customers of one kind than these tell nothing of how well the kinds are told apart.
FEWEST_OF_A_KIND = 10

# ------------------------------------------------------------------------- contacts, actions

TARGET = "high risk, high profit"
CALM = "low risk, high profit"
#: From the one worth keeping to the one to leave in peace.
GROUPS = (TARGET, CALM, "high risk, low profit", "low risk, low profit")
HIGH_RISK = (TARGET, "high risk, low profit")
#: The scenario in which no assumption is wrong.
AS_ASSUMED = "as assumed"
#: Every text of an action.
TEXTS = ["objective", "action", "channel", "offer", "owner", "timing", "metric", "avoid"]
#: What an action's worth is made of.
UPLIFT, WORTH, RATE, REACH, COST = "uplift", "worth", "rate", "reach", "cost"
#: What can be said of an action before anybody has measured it.
PAYS, UNCERTAIN, LOSES = "pays if assumptions hold", "uncertain", "does not pay"
#: The trial of all actions at once.
TOGETHER = "All that pay, together"
#: What can be said of a trial.
ENOUGH, TOO_SMALL, NEVER, UNKNOWN = "large enough", "too small", "cannot pay", "not known"

# ------------------------------------------------------------------------- changes

#: The unit of a fact that is followed from build to build.
COUNT, MONEY, PROFIT, SHARE, DAYS, SCORE = "count", "money", "profit", "share", "days", "score"
#: Sums of money that differ by less are the same sum.
SAME = 0.005

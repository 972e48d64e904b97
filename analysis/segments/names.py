"""Name clusters, segments, groups of segments and the limits that sentences mention."""

from __future__ import annotations

import pandas as pd

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
STABLE, FOUND_AGAIN, MINIMUM_CLUSTER = 0.8, 0.85, 0.05
#: The segment of those who had not ordered yet.
NEW = "not yet a customer"
#: Segments in four groups, by their scores for frequency and recency.
GROUPS = ("frequent-recent", "frequent-quiet", "infrequent-recent", "infrequent-quiet")


def tells_levels(customers: pd.DataFrame) -> bool:
    """Tell whether lapse_probability says how many will lapse, and not only who is likelier to.

    Parameters
    ----------
    customers
        A build's customers. Those without a column expected_spend_90 are of an earlier version,
        which told levels in any season.
    """
    spend = "expected_spend_90"
    return spend not in customers or bool(customers[spend].notna().any())


def compared_quarters(retention: pd.DataFrame) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Return the last whole quarter, and what it is compared with: a year ago, or the one before.

    Parameters
    ----------
    retention
        From `segments.returns.retention`: date (the first day of a quarter).

    Examples
    --------
    >>> days = [f"{year}-{month}-01" for year in (2010, 2011) for month in ("04", "07")]
    >>> [f"{day:%Y-%m}" for day in compared_quarters(pd.DataFrame({"date": days}))]
    ['2011-07', '2010-07']
    >>> [f"{day:%Y-%m}" for day in compared_quarters(pd.DataFrame({"date": days[2:]}))]
    ['2011-07', '2011-04']
    """
    dates = sorted({pd.Timestamp(date) for date in retention["date"]})
    if not dates:
        return None, None
    year_ago = dates[-1] - pd.DateOffset(years=1)
    before = dates[-2] if len(dates) > 1 else None
    return dates[-1], year_ago if year_ago in dates else before

"""Choose and fill the sentences about segments (``sentences.toml``).

Names from the data stand in a sentence as they are: a page escapes it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from analysis.core.formatting import count, join_words, percent, shorten
from analysis.core.sentences import fill

say = partial(fill, "segments")


def small_segments(segment_profiles: pd.DataFrame, settings: Any) -> dict[str, str]:
    """Say which segments are empty, and which are too small to describe."""
    sizes = segment_profiles["customers"]
    empty = [shorten(name) for name in segment_profiles.loc[sizes == 0, "segment"]]
    hidden = segment_profiles[(sizes > 0) & ~segment_profiles["shown"]]
    small = [shorten(name) for name in hidden["segment"]]
    minimum = count(settings.report.smallest_group)
    told = {}
    if empty:
        told["said-empty"] = say("small-segments.said-empty", segments=join_words(empty, "or"))
    if len(small) == 1:
        told["said-small"] = say(
            "small-segments.said-small-one", segments=small[0], minimum=minimum
        )
    elif small:
        told["said-small"] = say(
            "small-segments.said-small", segments=join_words(small), minimum=minimum
        )
    return told


def risk_group_totals(risk_groups: pd.DataFrame) -> dict[str, str]:
    """Say how many regular customers are at high risk, what they bring, and who consented."""
    risky = risk_groups[risk_groups["group"].str.startswith("high risk")]
    number = int(risky["customers"].sum())
    if not number or not risky["shown"].all():
        return {}
    told = {
        "said-risk": say(
            "risk-group-totals.said-risk",
            count=number,
            share=percent(number / risk_groups["customers"].sum()),
            profit_share=percent(risky["profit_share"].sum()),
        )
    }
    target = risky[risky["group"].str.endswith("high profit")].iloc[0]
    told["said-target"] = say(
        "risk-group-totals.said-target",
        count=int(target["customers"]),
        predicted=percent(target["predicted"]),
        declined=percent(target["declined"]),
    )
    if risky["consenting"].notna().all():
        told["said-consent"] = say(
            "risk-group-totals.said-consent",
            consenting=count(risky["consenting"].sum()),
            customers=count(number),
        )
    return told

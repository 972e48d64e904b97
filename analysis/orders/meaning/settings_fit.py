"""Hold settings that name a value to the data: the home country has to be one of the ledger's."""

from __future__ import annotations

import ibis

from analysis.core.assumptions import Assumption, state
from analysis.core.formatting import join_words
from analysis.core.problems import Problem
from analysis.orders.home_market import nearest
from analysis.orders.meaning.draft import Draft, refuse, sound, tell

#: How many countries a message lists.
LISTED = 5


def home_country(draft: Draft) -> Draft:
    """Take the country that is nearest to the one in the settings; refuse where none is near."""
    home = draft.settings.home_country
    if not home or "country" not in draft.columns:
        return draft
    good = sound(draft).filter(lambda t: t.country.notnull())
    found = good.group_by("country").aggregate(rows=good.count())
    countries = found.order_by(ibis.desc("rows"), "country").execute()["country"].tolist()
    if home in countries or not countries:
        return draft
    column = draft.spelled("country")
    if meant := nearest(home, countries):
        told = Assumption(
            "customers",
            state("assumed-orders.home-near", home=repr(home), meant=repr(meant)),
            column=column,
            setting="transactions.home_country",
        )
        return tell(draft, told)
    problem = Problem(
        draft.source,
        f"no line has the country {home!r} that home_country names",
        column=column,
        example=f"there are {join_words(list(map(repr, countries[:LISTED])))}",
        remedy="Correct home_country in data/settings.toml, or leave it empty.",
    )
    return refuse(draft, problem)

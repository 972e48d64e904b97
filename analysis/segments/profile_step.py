"""Profile the segments, and follow customers from quarter to quarter: a step of the build."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.core.files import Fact
from analysis.core.settings import Settings
from analysis.orders.home_market import home_market
from analysis.orders.ledger import Ledger, with_ledger
from analysis.segments import movement, products, profiles, returns
from analysis.segments.details import customer_details
from analysis.segments.reference import Reference
from analysis.segments.rules import Segment


@with_ledger
def profile_segments(
    ledger: Ledger,
    segmented: pd.DataFrame,
    cluster_centres: pd.DataFrame,
    named_segments: Sequence[Segment],
    reference: Reference | None,
    settings: Settings,
) -> tuple[dict[str, pd.DataFrame], dict[str, Fact]]:
    """Return what the segments are like, and who moved between them.

    Parameters
    ----------
    ledger
        The cleaned order lines.
    segmented, cluster_centres
        From `segments.cluster_step`.
    named_segments
        The named segments.
    reference
        Whose cut points hold for earlier quarters, too; None where they are fitted.
    """
    seed, minimum_group = settings.engine.seed, settings.report.smallest_group
    names = [rule.name for rule in named_segments]
    groups = movement.group_segments(named_segments)
    home = home_market(ledger, settings.transactions.home_country)
    details = customer_details(ledger, segmented, home)
    profile = profiles.segment_profiles(
        ledger, details, names, seed=seed, minimum_group=minimum_group
    )
    by_cluster = profiles.segment_profiles(
        ledger,
        details,
        [*cluster_centres["name"]],
        seed=seed,
        minimum_group=minimum_group,
        by="cluster",
    )
    overall = profiles.overall_profile(ledger, details, seed=seed)
    past = movement.history(ledger, named_segments, reference.cuts if reference else None)
    tables = {
        "segment_profiles": profile,
        "segment_overall": overall.to_frame().T.infer_objects(),
        "segment_products": products.segment_products(
            ledger, segmented, names, minimum_group=minimum_group
        ),
        "cluster_profiles": by_cluster.rename(columns={"segment": "cluster"}),
        "movement": movement.movement(past, names, minimum_group),
        "segment_groups": pd.DataFrame({"segment": [*groups], "group": [*groups.values()]}),
        "segment_flows": movement.group_flows(past, groups, minimum_group),
        "retention": movement.retention(ledger, past, names, minimum_group),
        "segment_returns": returns.returns(ledger, past, names, minimum_group),
    }
    return tables, {}

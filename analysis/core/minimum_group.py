"""Find the groups whose sizes, with the total, would reveal one below the minimum size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def find_group_to_hide(told: pd.Series, total: float, minimum_group: int) -> Any:
    """Return the group to hide so that no difference to the total reveals too few; else None.

    Parameters
    ----------
    told
        The size of each group that is told, by its name.
    total
        Of all groups, told or not.
    minimum_group
        Where the untold groups are fewer together, the smallest told group must be hidden, too.
    """
    some = told[told > 0]
    left = int(total - some.sum())
    return some.idxmin() if 0 < left < minimum_group and len(some) else None
